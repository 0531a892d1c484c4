"""HQ's signed documents: everything HQ tells a terminal, as numbered versions of one kind for one scope.

A document is an envelope over a record naming kind, scope and version, with the kind's own content as bytes. The blob
is named by the SHA-256 of the envelope and travels unchanged, in chunks, over a broker that is not trusted. A document
is a snapshot, or, where it names the blob it builds on, a delta to be laid over that very one.
"""

from enum import StrEnum

from contract import wire
from contract.basket import CODE, COUNT, MAX_POINTS, MOST_VISIT_DAYS, TaxRate
from contract.calendar import DAY, YEARLY
from contract.envelope import ContentType, Keyring, open_sealed, seal
from contract.errors import ContractError, Reason
from contract.ids import CASHIER_ID, CATEGORY, DIGEST, MEMBER_ID, NAME, RULE, SKU, TAG, TIER, TerminalAddress
from contract.making import dataclass
from contract.money import AMOUNT_MINOR
from contract.signing import Signer
from contract.value import LEASE_ID, Lease

GRAMMAR = 1
MAX_DOCUMENT_BYTES = 64 * 1024 * 1024
CHUNK_BYTES = 32_000
MOST_MEMBERS = 20_000
MOST_MEMBERS_BYTES = 4_000_000
"""What one members snapshot may hold: activating it keeps a till's one thread from the counter, for about 1.5 s with
so many on two cores of a laptop's kind. More members come as deltas on top.
"""
MOST_DELTA_MEMBERS = 2_000
"""How many members one delta changes or forgets together: laid over a million, so many keep the till's one thread from
the counter for about 0.2 s on two cores of a laptop's kind.
"""
MOST_LEASES = 128
"""How many leases one document grants, so that a terminal's journal can hold the document whole."""


class DocumentKind(StrEnum):
    """What a document holds."""

    PACK = "pack"
    MEMBERS = "members"
    CASHIERS = "cashiers"
    CATALOGUE = "catalogue"
    LEASES = "leases"
    KEYS = "keys"
    REVOCATIONS = "revocations"
    NOTICES = "notices"


DELTA_KINDS = frozenset([DocumentKind.MEMBERS, DocumentKind.CATALOGUE, DocumentKind.LEASES])
"""Kinds that may build on the version before. Leases always do: what was lent is not lent again by saying it anew."""


@dataclass(frozen=True, slots=True)
class Document:
    """One version of one kind for one scope: the whole tenant, one shop of it, or one terminal of that shop.

    ``issued_ms`` and ``accept_until_ms`` are Unix milliseconds; past the latter a terminal no longer accepts the
    document, though an active one lives on. ``base`` is the blob (SHA-256) that a delta builds on; without it this is
    all there is.
    """

    grammar: int = wire.at(1, wire.whole(1, 255))
    kind: DocumentKind = wire.at(2, wire.choice(DocumentKind))
    tenant: str = wire.at(3, NAME)
    version: int = wire.at(4, wire.whole(1, 2**53))
    issued_ms: int = wire.at(5, wire.whole(0, 2**53))
    accept_until_ms: int = wire.at(6, wire.whole(0, 2**53))
    content: bytes = wire.at(7, wire.octets(1, MAX_DOCUMENT_BYTES))
    shop: str | None = wire.maybe(8, NAME)
    terminal: str | None = wire.maybe(9, NAME)
    base: bytes | None = wire.maybe(10, DIGEST)

    def covers(self, address: TerminalAddress) -> bool:
        """Tell whether this document is for the terminal at ``address``."""
        if self.terminal is not None and (self.shop, self.terminal) != (address.shop, address.terminal):
            return False
        return self.tenant == address.tenant and self.shop in (None, address.shop)


@dataclass(frozen=True, slots=True)
class OpenedDocument:
    """A verified document beside the SHA-256 that names its blob and the exact bytes received."""

    document: Document
    digest: bytes
    sealed: bytes


@dataclass(frozen=True, slots=True)
class PinVerifier:
    """An argon2id verifier (RFC 9106) of a PIN: salt, passes, memory in KiB, one lane, 32-byte tag."""

    salt: bytes = wire.at(1, wire.octets(16))
    passes: int = wire.at(2, wire.whole(1, 10))
    memory_kib: int = wire.at(3, wire.whole(8, 65_536))
    tag: bytes = wire.at(4, wire.octets(32))


@dataclass(frozen=True, slots=True)
class RuleUsed:
    """How often a rule that is limited has acted for a member, or for anybody at a shop, at one terminal in one epoch
    of its journal, less what came back: ever, or with ``day`` (days since 1970-01-01 by that shop's clock) on that day.
    Without a shop it is what many terminals did together, which each of them counts beside its own.
    """

    rule: str = wire.at(1, RULE)
    times: int = wire.at(2, COUNT)
    epoch: int = wire.maybe(3, wire.whole(1, 2**31), 1)
    shop: str | None = wire.maybe(4, NAME)
    terminal: str | None = wire.maybe(5, NAME)
    day: int | None = wire.maybe(6, DAY)


MOST_USED = 64
"""In so many lines a member's record says how often rules have acted."""
USED = wire.many(wire.record(RuleUsed), MOST_USED)
MOST_ACTED = 4_000
"""In so many lines a document says how often rules have acted at shops."""


@dataclass(frozen=True, slots=True)
class MemberRecord:
    """A member as a terminal needs one: how to recognise, what rules look at, and the points balance HQ knew when the
    document was issued. ``birthday`` is a day of every year; ``visits`` counts the purchases so far, ``visit_days`` are
    the days of the latest of them. ``pin`` verifies what the member keys to spend, where the member has chosen one.
    ``used`` says how often limited rules have acted for the member, as far as head office knew.
    """

    member: str = wire.at(1, MEMBER_ID)
    name: str = wire.at(2, wire.text(40))
    tier: str = wire.at(3, TIER)
    tags: tuple[str, ...] = wire.at(4, wire.many(TAG, 32))
    cards: tuple[bytes, ...] = wire.at(5, wire.many(wire.octets(4, 10), 8))
    points: int = wire.at(6, wire.whole(-MAX_POINTS, MAX_POINTS))
    phone: str | None = wire.maybe(7, wire.text(15, "[0-9]{5,15}"))
    segments: tuple[str, ...] = wire.maybe(8, wire.many(TAG, 32), ())
    card_type: str | None = wire.maybe(9, TAG)
    birthday: int | None = wire.maybe(10, YEARLY)
    visits: int | None = wire.maybe(11, COUNT)
    visit_days: tuple[int, ...] = wire.maybe(12, wire.many(DAY, MOST_VISIT_DAYS), ())
    pin: PinVerifier | None = wire.maybe(13, wire.record(PinVerifier))
    used: tuple[RuleUsed, ...] = wire.maybe(14, USED, ())


@dataclass(frozen=True, slots=True)
class MembersContent:
    """The members a terminal can recognise without asking. In a delta, those that are new or have changed, and in
    ``gone`` the ids of those to be forgotten. ``acted`` says how often rules that a shop gives so often a day have
    acted there lately, for anybody; of what it does not name a terminal goes by what it was told before.
    """

    members: tuple[MemberRecord, ...] = wire.at(1, wire.many(wire.record(MemberRecord), 1_000_000))
    gone: tuple[str, ...] = wire.maybe(2, wire.many(MEMBER_ID, 1_000_000), ())
    acted: tuple[RuleUsed, ...] = wire.maybe(3, wire.many(wire.record(RuleUsed), MOST_ACTED), ())


@dataclass(frozen=True, slots=True)
class CashierRecord:
    """A person who may sign in at this till."""

    cashier: str = wire.at(1, CASHIER_ID)
    name: str = wire.at(2, wire.text(40))
    pin: PinVerifier = wire.at(3, wire.record(PinVerifier))


@dataclass(frozen=True, slots=True)
class CashiersContent:
    """All cashiers of the scope."""

    cashiers: tuple[CashierRecord, ...] = wire.at(1, wire.many(wire.record(CashierRecord), 1_000))


@dataclass(frozen=True, slots=True)
class CatalogueItem:
    """Something sold: its barcode (GTIN digits, optional), names and list price in minor units, and what rules may look
    at, as a line of a basket has it.
    """

    sku: str = wire.at(1, SKU)
    name: str = wire.at(2, wire.text(40))
    name_en: str = wire.at(3, wire.text(40))
    category: str = wire.at(4, CATEGORY)
    price_minor: int = wire.at(5, AMOUNT_MINOR)
    barcode: str | None = wire.maybe(6, wire.text(14, "[0-9]{8,14}"))
    more_categories: tuple[str, ...] = wire.maybe(7, wire.many(CATEGORY, 7), ())
    brand: str | None = wire.maybe(8, TAG)
    tags: tuple[str, ...] = wire.maybe(9, wire.many(TAG, 16), ())
    member_price_minor: int | None = wire.maybe(10, AMOUNT_MINOR)
    floor_minor: int = wire.maybe(11, AMOUNT_MINOR, 0)
    reduced: bool = wire.maybe(12, wire.flag(), False)
    excluded: bool = wire.maybe(13, wire.flag(), False)
    taxes: tuple[TaxRate, ...] = wire.maybe(14, wire.many(wire.record(TaxRate), 4), ())

    @property
    def categories(self) -> tuple[str, ...]:
        """The category and all further ones."""
        return (self.category, *self.more_categories)


@dataclass(frozen=True, slots=True)
class CatalogueContent:
    """What is sold; ``open_sku`` is the item that a keyed amount is booked on, its price ignored. In a delta, articles
    that are new or have changed, and in ``gone`` the numbers of those no longer sold.
    """

    currency: str = wire.at(1, wire.text(3, "[A-Z]{3}"))
    shop_name: str = wire.at(2, wire.text(40))
    open_sku: str = wire.at(3, SKU)
    items: tuple[CatalogueItem, ...] = wire.at(4, wire.many(wire.record(CatalogueItem), 200_000))
    gone: tuple[str, ...] = wire.maybe(5, wire.many(SKU, 200_000), ())


@dataclass(frozen=True, slots=True)
class LeasesContent:
    """What head office lends to one terminal and epoch on top of what it lent before, and the ids of leases it asks
    back. A terminal returns what is left of those in its journal.
    """

    epoch: int = wire.at(1, wire.whole(1, 2**31))
    granted: tuple[Lease, ...] = wire.at(2, wire.many(wire.record(Lease), MOST_LEASES))
    recalled: tuple[bytes, ...] = wire.maybe(3, wire.many(LEASE_ID, MOST_LEASES), ())


@dataclass(frozen=True, slots=True)
class TerminalKey:
    """The journal key of a terminal in an epoch: whose slips are believed."""

    address: TerminalAddress = wire.at(1, wire.record(TerminalAddress))
    epoch: int = wire.at(2, wire.whole(1, 2**31))
    key: str = wire.at(3, wire.text(120))


@dataclass(frozen=True, slots=True)
class KeysContent:
    """The journal keys of the tenant's terminals, without those that are revoked."""

    terminals: tuple[TerminalKey, ...] = wire.at(1, wire.many(wire.record(TerminalKey), 10_000))


@dataclass(frozen=True, slots=True)
class RevokedMember:
    """Credentials of ``member`` issued on ``issued_until_day`` (days since 1970-01-01, UTC) or before are void."""

    member: str = wire.at(1, MEMBER_ID)
    issued_until_day: int = wire.at(2, wire.whole(0, 100_000))


@dataclass(frozen=True, slots=True)
class RevocationsContent:
    """What is no longer good although a signature says so: credentials of members, cards by number, coupons by code."""

    members: tuple[RevokedMember, ...] = wire.at(1, wire.many(wire.record(RevokedMember), 100_000))
    cards: tuple[bytes, ...] = wire.at(2, wire.many(wire.octets(4, 10), 100_000))
    coupons: tuple[str, ...] = wire.at(3, wire.many(CODE, 100_000))


@dataclass(frozen=True, slots=True)
class Notice:
    """Something head office wants a cashier to read, until an instant (Unix milliseconds)."""

    zh: str = wire.at(1, wire.text(80))
    en: str = wire.at(2, wire.text(160))
    until_ms: int = wire.at(3, wire.whole(0, 2**53))


@dataclass(frozen=True, slots=True)
class NoticesContent:
    """What cashiers should read now."""

    notices: tuple[Notice, ...] = wire.at(1, wire.many(wire.record(Notice), 20))


def seal_document(signer: Signer, document: Document) -> bytes:
    """Return the signed blob of a document."""
    return seal(signer, ContentType.DOCUMENT, wire.pack(document))


def open_document(sealed: bytes, believed: Keyring) -> OpenedDocument:
    """Verify a blob as received and decode the document, not yet its content. Raises ContractError with a named
    reason.
    """
    opened = open_sealed(sealed, ContentType.DOCUMENT, believed, MAX_DOCUMENT_BYTES)
    document = wire.unpack(Document, opened.payload, MAX_DOCUMENT_BYTES)
    if document.grammar != GRAMMAR:
        raise ContractError(Reason.NEWER_GRAMMAR, "grammar", str(document.grammar))
    return OpenedDocument(document, opened.digest, sealed)


def read_members(content: bytes) -> MembersContent:
    """Decode the content of a members document. Raises ContractError."""
    return wire.unpack(MembersContent, content, MAX_DOCUMENT_BYTES)


def read_cashiers(content: bytes) -> CashiersContent:
    """Decode the content of a cashiers document. Raises ContractError."""
    return wire.unpack(CashiersContent, content, MAX_DOCUMENT_BYTES)


def read_catalogue(content: bytes, delta: bool = False) -> CatalogueContent:
    """Decode the content of a catalogue document. Raises ContractError, also where a snapshot has no items or its
    ``open_sku`` names none of them.
    """
    found = wire.unpack(CatalogueContent, content, MAX_DOCUMENT_BYTES)
    if not delta and found.open_sku not in {item.sku for item in found.items}:
        raise ContractError(Reason.OUT_OF_RANGE, "open_sku", "names no item")
    return found


def read_leases(content: bytes) -> LeasesContent:
    """Decode the content of a leases document. Raises ContractError, also where one id stands twice in it."""
    found = wire.unpack(LeasesContent, content, MAX_DOCUMENT_BYTES)
    ids = [lease.lease for lease in found.granted]
    if len(set(ids)) != len(ids):
        raise ContractError(Reason.OUT_OF_RANGE, "granted", "one lease twice")
    return found


def read_keys(content: bytes) -> KeysContent:
    """Decode the content of a keys document. Raises ContractError."""
    return wire.unpack(KeysContent, content, MAX_DOCUMENT_BYTES)


def read_revocations(content: bytes) -> RevocationsContent:
    """Decode the content of a revocations document. Raises ContractError."""
    return wire.unpack(RevocationsContent, content, MAX_DOCUMENT_BYTES)


def read_notices(content: bytes) -> NoticesContent:
    """Decode the content of a notices document. Raises ContractError."""
    return wire.unpack(NoticesContent, content, MAX_DOCUMENT_BYTES)
