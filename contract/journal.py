"""The journal entry and its hash chain.

An entry is an envelope over the CBOR array ``[header, body]``: the header is a record that can be read without
understanding the body, the body is a byte string holding a record whose shape depends on the header's kind. Each
header carries the SHA-256 of the entry before, as signed; the first of an epoch carries the hash of the terminal's
identity. Entries are never edited: whatever happened later is a later entry.
"""

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from contract import cbor, wire
from contract.basket import MAX_LINES, MAX_POINTS, Basket
from contract.envelope import ContentType, Keyring, Opened, open_sealed, peek, seal
from contract.errors import ContractError, Reason
from contract.ids import CASHIER_ID, DIGEST, MEMBER_ID, TRANSACTION_ID, TerminalAddress
from contract.money import AMOUNT_MINOR, CURRENCY, MAX_AMOUNT_MINOR
from contract.postings import Posting, require_balanced
from contract.signing import PublicKey, Signer
from contract.trace import AppliedEffect

GRAMMAR = 2
MAX_ENTRY_BYTES = 24_000
MAX_EFFECTS = 192
"""The most effects one sale may hold, so few that the engine has left out no rule for want of room. A pack is refused
where one article could meet more; a basket is full before it has more, or before its entry would exceed
``MAX_ENTRY_BYTES``.
"""


class EntryKind(StrEnum):
    """What an entry records."""

    SALE = "sale"
    CANCEL = "cancel"
    DOCUMENT_CHANGE = "document_change"
    TECHNICAL_EVENT = "technical_event"


class TimeQuality(StrEnum):
    """How far the wall clock of an entry can be believed."""

    SYNCHRONISED = "synchronised"
    FREE_RUNNING = "free_running"
    DOUBTFUL = "doubtful"


class Medium(StrEnum):
    """By what a member was recognised."""

    CARD = "card"
    QR = "qr"
    PHONE = "phone"


class Assurance(StrEnum):
    """What the recognition proves: ``claimed`` (a number anyone can say or copy), ``signed`` (HQ's signature
    verified).
    """

    CLAIMED = "claimed"
    SIGNED = "signed"


class TenderKind(StrEnum):
    """How a sale was paid."""

    CASH = "cash"


@dataclass(frozen=True, slots=True)
class EntryHeader:
    """The part of an entry that everyone can read: where it stands in which chain, what kind it is, and when it was
    made.

    ``wall_ms`` is Unix time in milliseconds, ``monotonic_ms`` runs since the boot named by ``boot_id``;
    ``monotonic_ms`` never goes back in a boot.
    """

    grammar: int = wire.at(1, wire.whole(1, 255))
    address: TerminalAddress = wire.at(2, wire.record(TerminalAddress))
    epoch: int = wire.at(3, wire.whole(1, 2**31))
    seq: int = wire.at(4, wire.whole(1, 2**53))
    previous: bytes = wire.at(5, DIGEST)
    kind: EntryKind = wire.at(6, wire.choice(EntryKind))
    transaction: bytes = wire.at(7, TRANSACTION_ID)
    wall_ms: int = wire.at(8, wire.whole(0, 2**53))
    time_quality: TimeQuality = wire.at(9, wire.choice(TimeQuality))
    boot_id: bytes = wire.at(10, wire.octets(16))
    monotonic_ms: int = wire.at(11, wire.whole(0, 2**53))


@dataclass(frozen=True, slots=True)
class PackRef:
    """Which rule pack priced: version, and the SHA-256 of the signed document as received."""

    version: int = wire.at(1, wire.whole(1, 2**53))
    digest: bytes = wire.at(2, DIGEST)


@dataclass(frozen=True, slots=True)
class MemberRef:
    """Which member bought and how the member was recognised. What rules look at stands in the basket's customer."""

    member: str = wire.at(1, MEMBER_ID)
    medium: Medium = wire.at(2, wire.choice(Medium))
    assurance: Assurance = wire.at(3, wire.choice(Assurance))


@dataclass(frozen=True, slots=True)
class Tender:
    """What was paid how, in minor units."""

    kind: TenderKind = wire.at(1, wire.choice(TenderKind))
    amount_minor: int = wire.at(2, AMOUNT_MINOR)


@dataclass(frozen=True, slots=True)
class PerpetualTotals:
    """Counters over the whole life of a till, including this entry; they only grow."""

    sales: int = wire.at(1, wire.whole(0, 2**53))
    payable_minor: int = wire.at(2, wire.whole(0, 2**60))


@dataclass(frozen=True, slots=True)
class SaleBody:
    """A sale, complete: the basket exactly as it was priced, what the rules made of it, how it was paid, and the
    postings it makes. From basket and pack alone head office comes to the same.

    ``names`` and ``payable_by_line`` stand in basket order: what each line is called, and what it comes to in minor
    units. ``payable_minor`` is their sum with the tax on top and ``rounding_minor``; ``stored_minor`` of it is paid
    from stored value, the rest by ``tenders``. Points are in the pack's smallest unit, of which ``points_scale`` make
    one that people see.
    """

    cashier: str = wire.at(1, CASHIER_ID)
    pack: PackRef = wire.at(2, wire.record(PackRef))
    currency: str = wire.at(3, CURRENCY)
    basket: Basket = wire.at(4, wire.record(Basket))
    names: tuple[str, ...] = wire.at(5, wire.many(wire.text(40), MAX_LINES, least=1))
    payable_by_line: tuple[int, ...] = wire.at(6, wire.many(AMOUNT_MINOR, MAX_LINES, least=1))
    effects: tuple[AppliedEffect, ...] = wire.at(7, wire.many(wire.record(AppliedEffect), MAX_EFFECTS))
    payable_minor: int = wire.at(8, AMOUNT_MINOR)
    points_earned: int = wire.at(9, wire.whole(0, MAX_POINTS))
    points_spent: int = wire.at(10, wire.whole(0, MAX_POINTS))
    tenders: tuple[Tender, ...] = wire.at(11, wire.many(wire.record(Tender), 8, least=1))
    postings: tuple[Posting, ...] = wire.at(12, wire.many(wire.record(Posting), 64, least=2))
    totals: PerpetualTotals = wire.at(13, wire.record(PerpetualTotals))
    member: MemberRef | None = wire.maybe(14, wire.record(MemberRef))
    rounding_minor: int = wire.maybe(15, wire.whole(-MAX_AMOUNT_MINOR, MAX_AMOUNT_MINOR), 0)
    stored_minor: int = wire.maybe(16, AMOUNT_MINOR, 0)
    bonus_minor: int = wire.maybe(17, AMOUNT_MINOR, 0)
    points_scale: int = wire.maybe(18, wire.whole(2, 10_000), 1)


@dataclass(frozen=True, slots=True)
class CancelBody:
    """A basket given up before payment: nothing was posted."""

    cashier: str = wire.at(1, CASHIER_ID)
    lines: int = wire.at(2, wire.whole(0, MAX_LINES))
    list_minor: int = wire.at(3, wire.whole(0, 2**53))


@dataclass(frozen=True, slots=True)
class DocumentChangeBody:
    """A signed document of HQ became the active one of its kind at this terminal."""

    kind: str = wire.at(1, wire.text(16, "[a-z_]{1,16}"))
    version: int = wire.at(2, wire.whole(1, 2**53))
    digest: bytes = wire.at(3, DIGEST)
    previous_version: int = wire.at(4, wire.whole(0, 2**53))


@dataclass(frozen=True, slots=True)
class TechnicalEventBody:
    """Something HQ's technicians should know: a stable code and a detail for people."""

    code: str = wire.at(1, wire.text(40, "[a-z0-9_]{1,40}"))
    detail: str = wire.at(2, wire.text(200, min_chars=0))


Body = SaleBody | CancelBody | DocumentChangeBody | TechnicalEventBody


def body_type(kind: EntryKind) -> type[Body]:
    """The record that the body of an entry of this kind holds."""
    bodies: dict[EntryKind, type[Body]] = {
        EntryKind.SALE: SaleBody,
        EntryKind.CANCEL: CancelBody,
        EntryKind.DOCUMENT_CHANGE: DocumentChangeBody,
        EntryKind.TECHNICAL_EVENT: TechnicalEventBody,
    }
    return bodies[kind]


@dataclass(frozen=True, slots=True)
class Entry:
    """A decoded entry beside the exact signed bytes it came from and their SHA-256."""

    header: EntryHeader
    body_bytes: bytes
    sealed: bytes
    digest: bytes

    def body(self) -> Body:
        """Decode the body. Raises ContractError where this grammar cannot read it, a sale's postings do not balance,
        or its parts do not fit each other.
        """
        found = wire.unpack(body_type(self.header.kind), self.body_bytes, MAX_ENTRY_BYTES)
        if isinstance(found, SaleBody):
            _require_whole(found)
        return found


def identity_hash(address: TerminalAddress, epoch: int, key: PublicKey) -> bytes:
    """What the first entry of an epoch is chained from: SHA-256 over the terminal's address, epoch and journal key."""
    return hashlib.sha256(cbor.encode(["tapledger-identity", str(address), epoch, key.raw])).digest()


def seal_entry(signer: Signer, header: EntryHeader, body: Body) -> Entry:
    """Return the signed entry. Raises ContractError where a field breaks its limits, the body is not of the header's
    kind, postings do not balance, or the parts of a sale do not fit each other.
    """
    if type(body) is not body_type(header.kind):
        raise ContractError(Reason.WRONG_TYPE, "body", f"not a {header.kind}")
    if isinstance(body, SaleBody):
        _require_whole(body)
    body_bytes = wire.pack(body)
    payload = cbor.encode([wire.to_wire(header), body_bytes])
    if len(payload) > MAX_ENTRY_BYTES:
        raise ContractError(Reason.TOO_LARGE, detail=f"{len(payload)} bytes")
    sealed = seal(signer, ContentType.ENTRY, payload)
    return Entry(header, body_bytes, sealed, hashlib.sha256(sealed).digest())


def open_entry(sealed: bytes, believed: Keyring) -> Entry:
    """Verify the signature over the bytes as received and read the header; the body stays closed. Raises
    ContractError.
    """
    opened: Opened = open_sealed(sealed, ContentType.ENTRY, believed, MAX_ENTRY_BYTES)
    header, body_bytes = _split(opened.payload)
    return Entry(header, body_bytes, sealed, opened.digest)


def peek_header(sealed: bytes) -> EntryHeader:
    """Read the header of an entry without verifying anything. Raises ContractError."""
    return _split(peek(sealed, MAX_ENTRY_BYTES))[0]


def _require_whole(sale: SaleBody) -> None:
    """Raise ContractError unless every line has a name and an amount, a member is bought for as one, and the postings
    balance.
    """
    for path, parts in (("names", sale.names), ("payable_by_line", sale.payable_by_line)):
        if len(parts) != len(sale.basket.lines):
            raise ContractError(Reason.OUT_OF_RANGE, path, "expected one for each line of the basket")
    if (sale.member is None) != (sale.basket.customer is None):
        raise ContractError(Reason.OUT_OF_RANGE, "member", "expected where the basket has a customer, and only there")
    require_balanced(sale.postings)


def _split(payload: bytes) -> tuple[EntryHeader, bytes]:
    parts = cbor.decode(payload, MAX_ENTRY_BYTES)
    match parts:
        case [dict() as header, bytes() as body]:
            if header.get(1) != GRAMMAR and type(header.get(1)) is int:
                raise ContractError(Reason.NEWER_GRAMMAR, detail=str(header.get(1)))
            return wire.from_wire(EntryHeader, header, "header"), body
    raise ContractError(Reason.WRONG_TYPE, detail="expected [header, body]")
