"""What a return is while it is put together: the sale that was named, what comes back of it, and what that means."""

from __future__ import annotations

from dataclasses import replace

from agent.txn.effects import Commit
from agent.txn.withdrawn import Withdrawn
from contract.journal import Entry
from contract.making import dataclass
from contract.trade import RefundBody, SaleBody
from rules.engine.compiled import Compiled
from rules.refund import Refund


@dataclass(frozen=True, slots=True)
class NamedSale:
    """The sale whose goods come back: its entry, what it says, the pack that priced it, the returns before this one,
    and how many units of each line are still with the customer.
    """

    entry: Entry
    sale: SaleBody
    compiled: Compiled
    earlier: tuple[Refund, ...]
    left: tuple[int, ...]

    @property
    def returnable(self) -> tuple[int, ...]:
        """The lines of which anything can come back, in basket order."""
        return tuple(line for line, count in enumerate(self.left) if count)


@dataclass(frozen=True, slots=True)
class PlannedRefund:
    """A return that was reckoned and waits for the cashier's word: the order to book it, what it says, the entry of
    what comes back, and what is taken away again.
    """

    order: Commit
    body: RefundBody
    entry: Entry
    withdrawn: tuple[Withdrawn, ...]

    def tells_the_same(self, other: PlannedRefund) -> bool:
        """Whether the cashier reads the same of both: they differ at most in which leases are drawn and until when
        those born are good.
        """
        mine = self.body
        theirs = replace(other.body, totals=mine.totals, draws=mine.draws, born=mine.born)
        return mine == theirs


@dataclass(frozen=True, slots=True)
class Refunding:
    """A return in the making. Until a sale is named there is nothing but what was keyed of its number; then ``units``
    of each line come back, of which the one at ``line`` is being asked; with a ``plan`` only the cashier's word is
    missing.
    """

    keyed: str = ""
    named: NamedSale | None = None
    units: tuple[int, ...] = ()
    line: int = 0
    plan: PlannedRefund | None = None
