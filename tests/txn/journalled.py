"""What a terminal's store tells of its own journal, in memory: entries, returns, and the shift that runs."""

from __future__ import annotations

from dataclasses import dataclass, field

from agent.txn.sold import PRINTED
from contract.bodies import EntryKind, ShiftCloseBody, ShiftFigures
from contract.ids import TerminalAddress
from contract.journal import Entry
from contract.postings import cash_account
from contract.trade import PerpetualTotals, RefundBody, SaleBody, TopUpBody
from tests.txn.purse import Purse

ADDRESS = TerminalAddress("acme", "s01", "t01")


@dataclass
class Journalled(Purse):
    """A journal of one epoch, and the totals it has come to."""

    journal: list[Entry] = field(default_factory=list)
    sold: PerpetualTotals = field(default_factory=lambda: PerpetualTotals(0, 0))

    def entry_at(self, epoch: int, seq: int) -> Entry | None:
        return self.journal[seq - 1] if epoch == 1 and 0 < seq <= len(self.journal) else None

    def last_papers(self, most: int) -> tuple[Entry, ...]:
        again = PRINTED - {EntryKind.SLIP_OUT}
        return tuple([entry for entry in reversed(self.journal) if entry.header.kind in again][:most])

    def returns_of(self, transaction: bytes) -> tuple[RefundBody, ...]:
        bodies = (entry.body() for entry in self.journal if entry.header.kind is EntryKind.REFUND)
        return tuple(
            body for body in bodies if isinstance(body, RefundBody) and body.original.transaction == transaction
        )

    def on_floor_since(self, member: str, since_ms: int) -> int:
        bodies = [entry.body() for entry in self.journal if entry.header.wall_ms >= since_ms]
        draws = [draw for body in bodies if isinstance(body, SaleBody) for draw in body.draws]
        return sum(draw.whole for draw in draws if draw.on_floor and draw.account.holder == member)

    def open_shift(self, cashier: str) -> ShiftCloseBody | None:
        drawer = cash_account(ADDRESS.shop, ADDRESS.terminal)
        bodies = [entry.body() for entry in self.journal]
        closed = [place for place, body in enumerate(bodies, 1) if isinstance(body, ShiftCloseBody)]
        since = bodies[closed[-1] if closed else 0 :]
        sales = [body for body in since if isinstance(body, SaleBody)]
        refunds = [body for body in since if isinstance(body, RefundBody)]
        top_ups = [body for body in since if isinstance(body, TopUpBody)]
        postings = [posting for sale in sales for posting in sale.postings]
        postings += [posting for refund in refunds for posting in refund.postings]
        postings += [posting for top_up in top_ups for posting in top_up.postings]
        cash = sum(posting.amount for posting in postings if posting.account == drawer)
        figures = ShiftFigures(
            self.journal[0].header.wall_ms if self.journal else 0,
            *(len(sales), sum(sale.payable_minor for sale in sales)),
            *(len(refunds), sum(refund.refund_minor for refund in refunds)),
            *(len(top_ups), sum(top_up.amount_minor for top_up in top_ups), 0, 0, 0),
        )
        return ShiftCloseBody(cashier, 1, len(closed) + 1, cash, 0, self.sold, figures)
