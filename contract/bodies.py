"""The bodies of journal entries: which there are, and those that move no money themselves."""

from collections.abc import Sequence
from enum import StrEnum
from functools import cache

from contract import wire
from contract.basket import MAX_LINES
from contract.errors import ContractError, Reason
from contract.ids import CASHIER_ID, DIGEST
from contract.making import dataclass
from contract.money import AMOUNT_MINOR
from contract.postings import Posting, require_balanced
from contract.trade import POSTINGS, MemberRef, PerpetualTotals, RedemptionBody, RefundBody, SaleBody, TopUpBody
from contract.value import AMOUNT, BORN, DRAWS, LEASE_ID, Account, Asset, Draw, Lease

MAX_EMBEDDED_BYTES = 20_000
"""The largest signed document that an entry holds in itself."""
MAX_SLIP_BYTES = 512
MAX_CARRIED_BYTES = 24_256
"""The largest signed entry that a later epoch's entry holds in itself."""

_TIME_MS = wire.whole(0, 2**53)


class EntryKind(StrEnum):
    """What an entry records."""

    SALE = "sale"
    REFUND = "refund"
    TOP_UP = "top_up"
    REDEMPTION = "redemption"
    CANCEL = "cancel"
    TRAINING = "training"
    SHIFT_CLOSE = "shift_close"
    OUTAGE = "outage"
    LEASE_RETURN = "lease_return"
    SLIP_OUT = "slip_out"
    SLIP_IN = "slip_in"
    DOCUMENT_CHANGE = "document_change"
    TECHNICAL_EVENT = "technical_event"
    EPOCH_START = "epoch_start"
    CARRY_OVER = "carry_over"
    OFFICE = "office"
    """What head office booked itself: web spends, grants, expiry, write-offs."""


class OutageCause(StrEnum):
    """Why a till was not there."""

    POWER = "power"
    """It was switched off or lost power without closing."""
    PROCESS = "process"
    """The program ended without closing, in the same boot."""
    CLOCK = "clock"
    """The clock jumped."""


class ReturnReason(StrEnum):
    """Why a lease goes back."""

    ASKED = "asked"
    """Head office asks for it, or the end of a shift."""
    EXPIRED = "expired"


class EpochReason(StrEnum):
    """Why a till began a new epoch."""

    CHAIN_DISPUTED = "chain_disputed"
    """Head office holds other entries under this till's name: an image was restored, or a copy runs somewhere."""
    JOURNAL_DAMAGED = "journal_damaged"


@dataclass(frozen=True, slots=True)
class TrainingBody:
    """Something done in training: counted nowhere, posted nowhere. ``kind`` is what it would have been."""

    cashier: str = wire.at(1, CASHIER_ID)
    kind: EntryKind = wire.at(2, wire.choice(EntryKind))
    payable_minor: int = wire.at(3, AMOUNT_MINOR)


@dataclass(frozen=True, slots=True)
class ShiftFigures:
    """What a shift comes to, amounts in minor units: ``since_ms`` is when its first entry was made (0 where it has
    none); ``unreadable`` entries are in none of the figures.
    """

    since_ms: int = wire.at(1, _TIME_MS)
    sales: int = wire.at(2, wire.whole(0, 2**53))
    payable_minor: int = wire.at(3, wire.whole(0, 2**60))
    refunds: int = wire.at(4, wire.whole(0, 2**53))
    refunded_minor: int = wire.at(5, wire.whole(0, 2**60))
    top_ups: int = wire.at(6, wire.whole(0, 2**53))
    topped_up_minor: int = wire.at(7, wire.whole(0, 2**60))
    redemptions: int = wire.at(8, wire.whole(0, 2**53))
    cancels: int = wire.at(9, wire.whole(0, 2**53))
    unreadable: int = wire.at(10, wire.whole(0, 2**53))


@dataclass(frozen=True, slots=True)
class ShiftCloseBody:
    """A shift is closed (Z report): everything since ``first_seq`` of this epoch. Cash is what the drawer should hold
    by the entries, and what was counted; ``totals`` are the perpetual ones at the close, ``figures`` what this shift
    comes to. Where the till ``returns_leases`` at a close, all it holds goes back to head office after it.
    """

    cashier: str = wire.at(1, CASHIER_ID)
    first_seq: int = wire.at(2, wire.whole(1, 2**53))
    number: int = wire.at(3, wire.whole(1, 2**53))
    cash_expected_minor: int = wire.at(4, wire.whole(-(2**53), 2**53))
    cash_counted_minor: int = wire.at(5, wire.whole(0, 2**53))
    totals: PerpetualTotals = wire.at(6, wire.record(PerpetualTotals))
    figures: ShiftFigures | None = wire.maybe(7, wire.record(ShiftFigures))
    returns_leases: bool = wire.maybe(8, wire.flag(), False)


@dataclass(frozen=True, slots=True)
class CancelBody:
    """A basket given up before payment: nothing was posted."""

    cashier: str = wire.at(1, CASHIER_ID)
    lines: int = wire.at(2, wire.whole(0, MAX_LINES))
    list_minor: int = wire.at(3, wire.whole(0, 2**53))


@dataclass(frozen=True, slots=True)
class OutageBody:
    """The till was not there, or not itself: from when to when by its own clock, as far as it knows, and why."""

    cause: OutageCause = wire.at(1, wire.choice(OutageCause))
    from_ms: int = wire.at(2, _TIME_MS)
    to_ms: int = wire.at(3, _TIME_MS)
    detail: str = wire.at(4, wire.text(200, min_chars=0))


@dataclass(frozen=True, slots=True)
class Returned:
    """What is left of a lease and goes back to head office."""

    lease: bytes = wire.at(1, LEASE_ID)
    amount: int = wire.at(2, AMOUNT)
    bonus_minor: int = wire.maybe(3, AMOUNT_MINOR, 0)


@dataclass(frozen=True, slots=True)
class LeaseReturnBody:
    """Leases this terminal will not draw from any more, each with all that is left of it."""

    reason: ReturnReason = wire.at(1, wire.choice(ReturnReason))
    leases: tuple[Returned, ...] = wire.at(2, wire.many(wire.record(Returned), 128, least=1))


@dataclass(frozen=True, slots=True)
class SlipOutBody:
    """Value left this terminal on a slip for one other: ``draws`` are what left, ``slip`` the signed slip as printed.
    The slip's id is this entry's transaction id.
    """

    cashier: str = wire.at(1, CASHIER_ID)
    draws: tuple[Draw, ...] = wire.at(2, wire.many(wire.record(Draw), 1, least=1))
    slip: bytes = wire.at(3, wire.octets(1, MAX_SLIP_BYTES))


@dataclass(frozen=True, slots=True)
class SlipInBody:
    """A slip addressed to this terminal was taken: from now on what it carries is a lease held here, whose id is the
    slip's.
    """

    cashier: str = wire.at(1, CASHIER_ID)
    slip: bytes = wire.at(2, wire.octets(1, MAX_SLIP_BYTES))


@dataclass(frozen=True, slots=True)
class DocumentChangeBody:
    """A signed document of HQ became the active one of its kind at this terminal.

    One that lends is held here whole (``sealed``, as received): head office, restored from an older backup, learns
    from the chain what it has lent.
    """

    kind: str = wire.at(1, wire.text(16, "[a-z_]{1,16}"))
    version: int = wire.at(2, wire.whole(1, 2**53))
    digest: bytes = wire.at(3, DIGEST)
    previous_version: int = wire.at(4, wire.whole(0, 2**53))
    sealed: bytes | None = wire.maybe(5, wire.octets(1, MAX_EMBEDDED_BYTES))


@dataclass(frozen=True, slots=True)
class TechnicalEventBody:
    """Something HQ's technicians should know: a stable code and a detail for people."""

    code: str = wire.at(1, wire.text(40, "[a-z0-9_]{1,40}"))
    detail: str = wire.at(2, wire.text(200, min_chars=0))


@dataclass(frozen=True, slots=True)
class EpochStartBody:
    """The first entry of every epoch but a till's first: why the one before ended, and the last place in it that head
    office had verifiably acknowledged. Everything after that follows as carry-overs. ``lost`` are places that could not
    be read any more; ``head_proven`` says that nothing stood behind ``head_seq``: the file had kept its structure.
    """

    reason: EpochReason = wire.at(1, wire.choice(EpochReason))
    previous_epoch: int = wire.at(2, wire.whole(1, 2**31))
    acked_seq: int = wire.at(3, wire.whole(0, 2**53))
    acked_digest: bytes = wire.at(4, DIGEST)
    head_seq: int = wire.at(5, wire.whole(0, 2**53))
    lost: tuple[int, ...] = wire.maybe(6, wire.many(wire.whole(1, 2**53), 1_000), ())
    head_proven: bool = wire.maybe(7, wire.flag(), False)


@dataclass(frozen=True, slots=True)
class CarryOverBody:
    """An entry of an earlier epoch, exactly as it was signed there. The header's transaction id is that entry's own, so
    whatever it posts is posted once. What is carried is never itself a carry-over.
    """

    epoch: int = wire.at(1, wire.whole(1, 2**31))
    seq: int = wire.at(2, wire.whole(1, 2**53))
    sealed: bytes = wire.at(3, wire.octets(1, MAX_CARRIED_BYTES))


@dataclass(frozen=True, slots=True)
class OfficeBody:
    """Something head office booked itself: what (``action``, a stable name), about what, and the postings it makes.
    ``lots`` are the spendable parts it creates or takes, as draws from leases are.
    """

    action: str = wire.at(1, wire.text(40, "[a-z0-9_]{1,40}"))
    detail: str = wire.at(2, wire.text(200, min_chars=0))
    postings: tuple[Posting, ...] = wire.at(3, POSTINGS)
    draws: tuple[Draw, ...] = wire.maybe(4, DRAWS, ())
    born: tuple[Lease, ...] = wire.maybe(5, BORN, ())


Body = (
    SaleBody | RefundBody | TopUpBody | RedemptionBody | CancelBody | TrainingBody | ShiftCloseBody | OutageBody
    | LeaseReturnBody | SlipOutBody | SlipInBody | DocumentChangeBody | TechnicalEventBody | EpochStartBody
    | CarryOverBody | OfficeBody
)  # fmt: skip


@cache
def body_type(kind: EntryKind) -> type[Body]:
    """The record that the body of an entry of this kind holds."""
    bodies: dict[EntryKind, type[Body]] = {
        EntryKind.SALE: SaleBody,
        EntryKind.REFUND: RefundBody,
        EntryKind.TOP_UP: TopUpBody,
        EntryKind.REDEMPTION: RedemptionBody,
        EntryKind.CANCEL: CancelBody,
        EntryKind.TRAINING: TrainingBody,
        EntryKind.SHIFT_CLOSE: ShiftCloseBody,
        EntryKind.OUTAGE: OutageBody,
        EntryKind.LEASE_RETURN: LeaseReturnBody,
        EntryKind.SLIP_OUT: SlipOutBody,
        EntryKind.SLIP_IN: SlipInBody,
        EntryKind.DOCUMENT_CHANGE: DocumentChangeBody,
        EntryKind.TECHNICAL_EVENT: TechnicalEventBody,
        EntryKind.EPOCH_START: EpochStartBody,
        EntryKind.CARRY_OVER: CarryOverBody,
        EntryKind.OFFICE: OfficeBody,
    }
    return bodies[kind]


def require_whole(body: Body) -> None:
    """Raise ContractError unless the parts of ``body`` fit each other: postings balance, and of a sale every line has a
    name and an amount, and a member is bought for as one. What goes beyond leases is one draw of a sale, of the stored
    value of whoever buys, and nothing else is marked so but what a return gives back of it.
    """
    match body:
        case SaleBody():
            for path, parts in (("names", body.names), ("payable_by_line", body.payable_by_line)):
                if len(parts) != len(body.basket.lines):
                    raise ContractError(Reason.OUT_OF_RANGE, path, "expected one for each line of the basket")
            if (body.member is None) != (body.basket.customer is None):
                detail = "expected where the basket has a customer, and only there"
                raise ContractError(Reason.OUT_OF_RANGE, "member", detail)
            _require_floor("draws", body.draws, body.member, 1)
            require_balanced(body.postings)
        case RefundBody():
            _require_floor("draws", body.draws, None, 0)
            _require_floor("returned", body.returned, body.member, 1)
            require_balanced(body.postings)
        case TopUpBody() | RedemptionBody() | OfficeBody():
            _require_floor("draws", body.draws, None, 0)
            require_balanced(body.postings)
        case SlipOutBody():
            _require_floor("draws", body.draws, None, 0)


def _require_floor(path: str, draws: Sequence[Draw], member: MemberRef | None, most: int) -> None:
    marked = [item for item in draws if item.on_floor]
    if len(marked) > most:
        raise ContractError(Reason.OUT_OF_RANGE, path, f"expected at most {most} on the floor limit")
    for item in marked:
        plain = item.lot is None and item.issuer is None and item.bonus_minor == 0 < item.amount
        if member is None or item.account != Account(Asset.STORED, member.member) or not plain:
            raise ContractError(Reason.OUT_OF_RANGE, path, "on the floor limit is the buyer's stored value alone")
