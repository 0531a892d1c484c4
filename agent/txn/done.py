"""What was booked, as the journal holds it: ready to be shown and printed."""

from __future__ import annotations

from agent.txn.open_basket import Buyer
from agent.txn.withdrawn import Withdrawn
from contract.bodies import ShiftCloseBody, SlipOutBody
from contract.journal import Entry
from contract.making import dataclass
from contract.slips import Slip
from contract.trade import RedemptionBody, RefundBody, SaleBody, TopUpBody
from rules.explain import Explanation


@dataclass(frozen=True, slots=True)
class SoldSale:
    """A sale as the journal holds it, ready to be shown and printed; ``when`` is the shop's local time."""

    entry: Entry
    sale: SaleBody
    explanations: tuple[Explanation, ...]
    buyer: Buyer | None
    when: str

    @property
    def amount_minor(self) -> int:
        """What the customer had to pay, by whatever means."""
        return self.sale.payable_minor

    @property
    def currency(self) -> str:
        """The currency it is in."""
        return self.sale.currency


@dataclass(frozen=True, slots=True)
class ToppedUp:
    """A top-up as the journal holds it, ready to be shown and printed. ``points_scale`` is what points are counted in,
    1 where the pack is not kept any more.
    """

    entry: Entry
    body: TopUpBody
    explanations: tuple[Explanation, ...]
    buyer: Buyer
    when: str
    points_scale: int = 1

    @property
    def amount_minor(self) -> int:
        """What the customer paid in."""
        return self.body.amount_minor

    @property
    def currency(self) -> str:
        """The currency it is in."""
        return self.body.currency


@dataclass(frozen=True, slots=True)
class SlippedOut:
    """Value that left on paper as the journal holds it, ready to be shown and printed; ``buyer`` is None where the
    member is not known here any more.
    """

    entry: Entry
    body: SlipOutBody
    slip: Slip
    buyer: Buyer | None
    when: str
    currency: str

    @property
    def amount_minor(self) -> int:
        """What is carried, bonus and all."""
        return self.slip.value.amount + self.slip.value.bonus_minor


@dataclass(frozen=True, slots=True)
class HandedOut:
    """Something that a member took without a sale, as the journal holds it, ready to be shown and printed."""

    entry: Entry
    body: RedemptionBody
    explanations: tuple[Explanation, ...]
    buyer: Buyer
    when: str

    @property
    def amount_minor(self) -> int:
        """Nothing was paid."""
        return 0

    @property
    def currency(self) -> str:
        """The currency of the till."""
        return self.body.currency


@dataclass(frozen=True, slots=True)
class Refunded:
    """A return as the journal holds it, ready to be shown and printed. ``names`` are what the lines of the sale are
    called; empty where the sale is not kept here any more. ``withdrawn`` is what it takes away again.
    """

    entry: Entry
    body: RefundBody
    names: tuple[str, ...]
    withdrawn: tuple[Withdrawn, ...]
    buyer: Buyer | None
    when: str

    @property
    def amount_minor(self) -> int:
        """What the customer got back, by whatever means."""
        return self.body.refund_minor

    @property
    def currency(self) -> str:
        """The currency it is in."""
        return self.body.currency


@dataclass(frozen=True, slots=True)
class ShiftClosed:
    """A shift that was closed as the journal holds it, ready to be shown and printed; ``since`` is when it began."""

    entry: Entry
    body: ShiftCloseBody
    when: str
    since: str
    currency: str
    buyer: None = None

    @property
    def amount_minor(self) -> int:
        """What was counted."""
        return self.body.cash_counted_minor


Done = SoldSale | ToppedUp | SlippedOut | HandedOut | Refunded | ShiftClosed
"""What a receipt is printed of."""
