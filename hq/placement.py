"""Who should hold how much of what: from where a member buys, and from how many share a budget. Pure.

A member's value goes to the shop where the member buys most, a smaller part to the one visited last besides, and the
rest stays at head office for all others. What belongs to nobody in particular (budgets, gifts, a merchant's pool) is
shared out evenly.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from contract.ids import TerminalAddress

WHOLE_BP = 10_000
DAY_MS = 24 * 60 * 60 * 1_000
WHOLE_MEMBER = "member"
"""In the place of an asset: everything that belongs to a member is to be looked at again."""


@dataclass(frozen=True, slots=True)
class LendingPolicy:
    """What the tenant has decided about lending. Shares in hundredths of a percent, amounts in minor units or points.

    ``home_bp`` of a member's value goes to the home shop, ``next_bp`` to the shop visited last besides; to at most
    ``tills_a_shop`` of its tills, at most ``most_minor`` or ``most_points`` to each, nothing below ``least``. A lease
    is good for ``lease_days``. Visits count for ``habit_days``; a till not heard of for ``seen_days`` gets nothing new.
    ``shared_bp`` of a budget, a gift's stock or a merchant's pool is out at tills at a time.

    What lies at a till can be spent by nobody else until it comes back: a tenant whose members spend their points or
    uses in a web shop alone says that they are not lent. What is asked for in so many words is lent all the same.
    """

    home_bp: int = 5_000
    next_bp: int = 2_000
    tills_a_shop: int = 2
    most_minor: int = 100_000
    most_points: int = 100_000
    least: int = 1
    lease_days: int = 7
    habit_days: int = 90
    seen_days: int = 3
    shared_bp: int = 8_000
    lend_points: bool = True
    lend_uses: bool = True

    @property
    def lease_ms(self) -> int:
        """For how long a lease is good."""
        return self.lease_days * DAY_MS


DEFAULT_LENDING = LendingPolicy()


@dataclass(frozen=True, slots=True)
class Visit:
    """How often a member bought at a till, and when last (Unix milliseconds)."""

    address: TerminalAddress
    times: int
    last_ms: int


@dataclass(frozen=True, slots=True)
class Holding:
    """What a till holds of an account already: its leases there, less what was drawn."""

    address: TerminalAddress
    amount: int


@dataclass(frozen=True, slots=True)
class Moves:
    """What follows: so much more for some tills, and tills that should give back what they hold."""

    more: Mapping[TerminalAddress, int]
    back: tuple[TerminalAddress, ...]


def habitual(
    total: int, visits: Iterable[Visit], most: int, policy: LendingPolicy, now_ms: int
) -> dict[TerminalAddress, int]:
    """Return how much of ``total`` each till should hold of a member's value."""
    since_ms = now_ms - policy.habit_days * DAY_MS
    recent = sorted(
        (visit for visit in visits if visit.last_ms >= since_ms),
        key=lambda visit: (-visit.last_ms, visit.address),
    )
    if not recent:
        return {}
    times: dict[str, int] = {}
    for visit in recent:
        times[visit.address.shop] = times.get(visit.address.shop, 0) + visit.times
    home = max(times, key=lambda shop: (times[shop], shop == recent[0].address.shop, shop))
    others = [visit.address.shop for visit in recent if visit.address.shop != home]
    shares = [(home, policy.home_bp), *((shop, policy.next_bp) for shop in others[:1])]
    wanted: dict[TerminalAddress, int] = {}
    for shop, share_bp in shares:
        tills = [visit for visit in recent if visit.address.shop == shop][: policy.tills_a_shop]
        for address, amount in _by_times(total * share_bp // WHOLE_BP, tills).items():
            if min(amount, most) >= policy.least:
                wanted[address] = min(amount, most)
    return wanted


def even(total: int, addresses: Sequence[TerminalAddress], policy: LendingPolicy) -> dict[TerminalAddress, int]:
    """Return how much of ``total`` each of ``addresses`` should hold of what is anybody's."""
    if not addresses:
        return {}
    each, rest = divmod(total * policy.shared_bp // WHOLE_BP, len(addresses))
    amounts = {address: each + (place < rest) for place, address in enumerate(sorted(addresses))}
    return {address: amount for address, amount in amounts.items() if amount >= policy.least}


def moves(wanted: Mapping[TerminalAddress, int], held: Iterable[Holding], free: int) -> Moves:
    """Return what to lend and what to ask back, so that tills come to hold what is wanted.

    A till is topped up once it holds less than half of it. Where what is free does not suffice, tills that hold at
    least a quarter more than they should are asked to give back.
    """
    amounts = {holding.address: holding.amount for holding in held}
    short = {
        address: amount - amounts.get(address, 0)
        for address, amount in wanted.items()
        if 2 * amounts.get(address, 0) < amount
    }
    more = {}
    for address, amount in short.items():
        lends = min(amount, max(free, 0))
        free -= lends
        if lends:
            more[address] = lends
    missing = sum(short.values()) - sum(more.values())
    back = tuple(
        address
        for address, amount in sorted(amounts.items())
        if missing > 0 and 4 * amount > 5 * wanted.get(address, 0) and address not in short
    )
    return Moves(more, back)


def _by_times(amount: int, visits: Sequence[Visit]) -> dict[TerminalAddress, int]:
    """``amount`` in parts as often as each till was visited; what does not divide goes to the first."""
    times = sum(visit.times for visit in visits)
    parts = {visit.address: amount * visit.times // times for visit in visits} if times else {}
    if parts:
        parts[visits[0].address] += amount - sum(parts.values())
    return parts
