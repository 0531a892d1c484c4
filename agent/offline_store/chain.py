"""What makes a chain: whose it is, a place in it, that one entry follows another, and the totals that count on."""

from dataclasses import replace

from agent.offline_store.faults import StoreCause, StoreError
from contract.bodies import Body, CarryOverBody, EntryKind, ShiftCloseBody
from contract.envelope import Keyring, keyring
from contract.errors import ContractError
from contract.ids import TerminalAddress, parse_address
from contract.journal import Entry, identity_hash, open_entry
from contract.making import dataclass
from contract.signing import PublicKey, parse_public_key
from contract.trade import PerpetualTotals, RefundBody, SaleBody, TopUpBody

NOTHING_YET = PerpetualTotals(0, 0)
"""The totals of a till that has not traded."""

_SEQ_BITS = 32
MOST_SEQ = 2**_SEQ_BITS - 1
MOST_EPOCH = 2**31 - 1


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where an entry stands: in which epoch, and there as which."""

    epoch: int
    seq: int

    @property
    def row(self) -> int:
        """The one number that the file keeps it by."""
        return self.epoch << _SEQ_BITS | self.seq

    def __str__(self) -> str:
        return f"{self.epoch}/{self.seq}"


def place_of(row: int) -> Place:
    """The place that the file keeps by this number."""
    return Place(row >> _SEQ_BITS, row & MOST_SEQ)


@dataclass(frozen=True, slots=True)
class ChainPoint:
    """A place in a chain: the entry ``seq`` and its SHA-256; for ``seq`` 0 the identity's hash."""

    seq: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Source:
    """Whose chain it is: a terminal, one epoch of it, and the key that verifies its entries."""

    address: TerminalAddress
    epoch: int
    key: PublicKey

    @property
    def start(self) -> ChainPoint:
        """Where the chain begins."""
        return ChainPoint(0, identity_hash(self.address, self.epoch, self.key))

    @property
    def believed(self) -> Keyring:
        """The one key that signs this chain."""
        return keyring(self.key)


def damaged(place: Place, what: str) -> StoreError:
    """The error of an entry that cannot be read as it was written."""
    return StoreError(StoreCause.CORRUPT, f"entry {place}: {what}", (place.epoch, place.seq))


def opened(believed: Keyring, place: Place, sealed: bytes) -> Entry:
    """Verify that ``sealed`` is the entry that stands at ``place``. Raises StoreError, CORRUPT with the place."""
    try:
        entry = open_entry(sealed, believed)
    except ContractError as error:
        raise damaged(place, error.reason.value) from error
    if (entry.header.epoch, entry.header.seq) != (place.epoch, place.seq):
        raise damaged(place, f"says that it is entry {entry.header.epoch}/{entry.header.seq}")
    return entry


def check_link(source: Source, before: ChainPoint, seq: int, sealed: bytes) -> Entry:
    """Verify that ``sealed`` is the entry that follows ``before`` and return it. Raises StoreError, CORRUPT."""
    entry = check_origin(source, seq, sealed)
    if (seq, entry.header.previous) != (before.seq + 1, before.digest):
        raise damaged(Place(source.epoch, seq), "broken_chain")
    return entry


def check_origin(source: Source, seq: int, sealed: bytes) -> Entry:
    """Verify that ``sealed`` is an entry of ``source`` whatever stood before it. Raises StoreError, CORRUPT."""
    entry = opened(source.believed, Place(source.epoch, seq), sealed)
    if entry.header.address != source.address:
        raise damaged(Place(source.epoch, seq), f"belongs to {entry.header.address}")
    return entry


def body_of(entry: Entry) -> Body:
    """Return the body of ``entry``. Raises StoreError, CORRUPT with the place."""
    try:
        return entry.body()
    except ContractError as error:
        raise damaged(Place(entry.header.epoch, entry.header.seq), str(error)) from error


def original(entry: Entry) -> tuple[Place, bytes]:
    """Where an entry was first signed, and as which bytes: of a carry-over the entry it carries, else its own. Raises
    StoreError, CORRUPT.
    """
    body = body_of(entry) if carries(entry) else None
    if isinstance(body, CarryOverBody):
        return Place(body.epoch, body.seq), body.sealed
    return Place(entry.header.epoch, entry.header.seq), entry.sealed


def carries(entry: Entry) -> bool:
    """Whether an entry carries another one over."""
    return entry.header.kind is EntryKind.CARRY_OVER


def counted(before: PerpetualTotals, body: Body) -> Body:
    """Return ``body`` with the perpetual totals that it must carry after ``before``, whatever it came with; one that
    carries none as it is.
    """
    match body:
        case SaleBody():
            after = before.with_sale(body.payable_minor)
        case RefundBody():
            more = before.refunded_minor + body.refund_minor
            after = replace(before, refunds=before.refunds + 1, refunded_minor=more)
        case TopUpBody():
            more = before.topped_up_minor + body.amount_minor
            after = replace(before, top_ups=before.top_ups + 1, topped_up_minor=more)
        case ShiftCloseBody():
            after = before
        case _:
            return body
    return body if body.totals == after else replace(body, totals=after)


def totals_in(body: Body) -> PerpetualTotals | None:
    """The perpetual totals that a body carries; None where it carries none."""
    match body:
        case SaleBody() | RefundBody() | TopUpBody() | ShiftCloseBody():
            return body.totals
        case _:
            return None


def require_genuine(epoch: int, address: str, key: str, identity: bytes) -> None:
    """Tell another terminal's row, which fits in itself, from a damaged one. Raises StoreError(CORRUPT)."""
    try:
        if identity_hash(parse_address(address), epoch, parse_public_key(key)) == identity:
            return
    except ContractError:
        pass
    raise StoreError(StoreCause.CORRUPT, "what the file says of its owner does not fit together")
