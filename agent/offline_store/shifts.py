"""What has happened since the last shift was closed: the figures of the X report and of the Z report that closes it.

They are reckoned from the entries alone and kept up as entries come, so that asking again costs only what is new.
"""

from dataclasses import replace

from agent.offline_store.chain import Place, body_of, place_of
from agent.offline_store.database import Database
from agent.offline_store.faults import StoreCause, StoreError
from agent.offline_store.journal import Journal
from contract.bodies import Body, CancelBody, ShiftCloseBody
from contract.ids import TerminalAddress
from contract.making import dataclass
from contract.postings import cash_account
from contract.trade import RedemptionBody, RefundBody, SaleBody, TopUpBody


@dataclass(frozen=True, slots=True)
class Shift:
    """The open shift: its number, the first of its entries in the open epoch (the next one where there is none yet),
    when the first entry of all was made (None before it), and in minor units what it comes to. ``cash_expected_minor``
    is what the drawer has gained by the entries; ``unreadable`` entries are in none of the figures.
    """

    number: int
    first_seq: int
    since_ms: int | None = None
    sales: int = 0
    payable_minor: int = 0
    refunds: int = 0
    refunded_minor: int = 0
    top_ups: int = 0
    topped_up_minor: int = 0
    redemptions: int = 0
    cancels: int = 0
    cash_expected_minor: int = 0
    unreadable: int = 0


class Shifts:
    """The open shift in ``journal``. What one terminal keeps in its drawer is its own account's."""

    def __init__(self, database: Database, journal: Journal, address: TerminalAddress) -> None:
        self._database = database
        self._journal = journal
        self._drawer = cash_account(address.shop, address.terminal)
        self._counted: tuple[int, int, Shift] | None = None
        """The row of the closing before, the row up to which entries are counted, and what they come to."""

    def open_shift(self) -> Shift:
        """Return the figures since the last shift was closed, in whichever epoch. Raises StoreError."""
        found = self._database.row("SELECT shift_place FROM totals")
        if found is None:
            raise StoreError(StoreCause.CORRUPT, "a row that is made with the file is missing")
        closed = int(found[0])
        epoch = self._journal.source.epoch
        if self._counted is None or self._counted[0] != closed:
            self._counted = closed, closed, Shift(self._number(closed), 1)
        _closed, upto, shift = self._counted
        for row, wall_ms in self._database.rows(
            "SELECT place, wall_ms FROM journal WHERE place > ? AND carried = 0 ORDER BY place", upto
        ):
            shift = self._with(shift, place_of(row), wall_ms)
            upto = row
        first = place_of(closed).seq + 1 if place_of(closed).epoch == epoch else 1
        shift = replace(shift, first_seq=first)
        self._counted = closed, upto, shift
        return shift

    def _number(self, closed: int) -> int:
        if not closed:
            return 1
        body = body_of(self._journal.at(place_of(closed)))
        return body.number + 1 if isinstance(body, ShiftCloseBody) else 1

    def _with(self, shift: Shift, place: Place, wall_ms: int) -> Shift:
        """The shift with one entry more."""
        if shift.since_ms is None:
            shift = replace(shift, since_ms=wall_ms)
        try:
            return self._plus(shift, body_of(self._journal.at(place)))
        except StoreError as error:
            if error.cause is StoreCause.CORRUPT:
                return replace(shift, unreadable=shift.unreadable + 1)
            raise

    def _plus(self, shift: Shift, body: Body) -> Shift:
        if isinstance(body, SaleBody | RefundBody | TopUpBody | RedemptionBody):
            cash_minor = sum(posting.amount for posting in body.postings if posting.account == self._drawer)
            shift = replace(shift, cash_expected_minor=shift.cash_expected_minor + cash_minor)
        match body:
            case SaleBody():
                more = shift.payable_minor + body.payable_minor
                return replace(shift, sales=shift.sales + 1, payable_minor=more)
            case RefundBody():
                more = shift.refunded_minor + body.refund_minor
                return replace(shift, refunds=shift.refunds + 1, refunded_minor=more)
            case TopUpBody():
                more = shift.topped_up_minor + body.amount_minor
                return replace(shift, top_ups=shift.top_ups + 1, topped_up_minor=more)
            case RedemptionBody():
                return replace(shift, redemptions=shift.redemptions + 1)
            case CancelBody():
                return replace(shift, cancels=shift.cancels + 1)
            case _:
                return shift
