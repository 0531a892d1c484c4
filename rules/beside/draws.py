"""How a spend is drawn from the leases in hand, and how it goes back.

Leases that end first are drawn first. Within a lease of stored value, what a spend takes of principal and of bonus
follows the lease's own order: in the proportion the lease was lent in, principal first, or bonus first. The proportion
is kept over the whole lease by a cumulative floor: after ``n`` of a lease's ``p + b`` have been spent, the principal
spent is ``n * p // (p + b)``; so a lease drained in any number of spends gives exactly its principal and its bonus.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Protocol

from contract.errors import ContractError, Reason
from contract.making import dataclass
from contract.value import MOST_DRAWS, Draw, DrawOrder, Lease, draw


class Holding(Protocol):
    """A lease in hand, as it was lent, and what is left of it: ``amount`` in the account's unit (of stored value the
    principal), and ``bonus_minor`` beside it.
    """

    @property
    def lease(self) -> Lease:
        """The lease as it was lent."""
        ...

    @property
    def amount(self) -> int:
        """What is left, without the bonus."""
        ...

    @property
    def bonus_minor(self) -> int:
        """What is left of the bonus."""
        ...


@dataclass(frozen=True, slots=True)
class Short:
    """A refusal: so much is missing for this spend."""

    missing: int


def spendable(holdings: Iterable[Holding]) -> int:
    """What one spend may take of ``holdings``, amount and bonus together: one draws from at most ``MOST_DRAWS``."""
    return sum(_left(held) for held in _in_order(holdings))


def spend(holdings: Iterable[Holding], whole: int) -> tuple[Draw, ...] | Short:
    """Take ``whole`` from holdings of one account, the leases that end first before the others; Short where they do
    not hold so much. The caller leaves out what may not be drawn from any more.

    Raises ContractError(OUT_OF_RANGE) for a negative amount.
    """
    if whole < 0:
        raise ContractError(Reason.OUT_OF_RANGE, "whole", "expected no negative spend")
    found = []
    missing = whole
    for held in _in_order(holdings):
        takes = min(missing, _left(held))
        if takes:
            found.append(_drawn(held, takes))
            missing -= takes
    return Short(missing) if missing else tuple(found)


def give_back(draws: Sequence[Draw], whole: int, earlier: int = 0) -> tuple[Draw, ...]:
    """Return what goes back of ``draws`` when ``whole`` of them does and ``earlier`` went back before: the lease drawn
    last first, each in the proportion that was drawn from it. Parts given back one after the other sum exactly to what
    was drawn.

    Raises ContractError(OUT_OF_RANGE) for more than was drawn and has not gone back.
    """
    drawn = sum(item.whole for item in draws)
    if whole < 0 or earlier < 0 or earlier + whole > drawn:
        raise ContractError(Reason.OUT_OF_RANGE, "whole", f"expected 0 to {drawn - earlier}")
    found = []
    for item in reversed(draws):
        before = min(earlier, item.whole)
        after = min(earlier + whole, item.whole)
        earlier, whole = earlier - before, whole - (after - before)
        if after > before:
            amount = _principal_of(item, item.whole - before) - _principal_of(item, item.whole - after)
            found.append(replace(item, amount=amount, bonus_minor=after - before - amount))
    return tuple(found)


def _in_order(holdings: Iterable[Holding]) -> list[Holding]:
    """Those that hold anything, as many as one spend draws from, in the order they are drawn from."""
    filled = [held for held in holdings if _left(held)]
    return sorted(filled, key=lambda held: (held.lease.spend_until_ms, held.lease.lease))[:MOST_DRAWS]


def _left(held: Holding) -> int:
    return held.amount + held.bonus_minor


def _drawn(held: Holding, takes: int) -> Draw:
    """A draw of ``takes``, split as the lease says. What is left of each part bounds what it gives."""
    match held.lease.order:
        case DrawOrder.PRINCIPAL_FIRST:
            amount = min(takes, held.amount)
        case DrawOrder.BONUS_FIRST:
            amount = takes - min(takes, held.bonus_minor)
        case DrawOrder.PRO_RATA:
            lent = held.lease.amount + held.lease.bonus_minor
            spent = lent - _left(held) + takes
            kept = held.lease.amount - spent * held.lease.amount // lent
            amount = max(takes - held.bonus_minor, min(held.amount - kept, takes, held.amount), 0)
    return draw(held.lease, amount, takes - amount)


def _principal_of(item: Draw, kept: int) -> int:
    """The principal in the first ``kept`` of a draw."""
    return kept * item.amount // item.whole
