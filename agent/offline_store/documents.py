"""Which of head office's documents are active here, and the flip from one to the next.

The pointer, the rows that follow from the document and the entry that says so are one commit. Of a pack the signed blob
is kept, and of the one before it too; of all others only the rows.
"""

from collections.abc import Callable

from agent.clock import Stamp
from agent.offline_store.cashiers import CashierShelf
from agent.offline_store.catalogue import CatalogueShelf
from agent.offline_store.database import Database
from agent.offline_store.faults import StoreCause, StoreError
from agent.offline_store.holdings import Holdings
from agent.offline_store.journal import Journal
from agent.offline_store.members import ATTRIBUTES, MemberShelf
from agent.offline_store.notices import NoticeShelf
from agent.offline_store.revocations import RevocationShelf
from agent.offline_store.rule_counts import RuleCounts
from agent.offline_store.terminal_keys import TerminalKeys
from contract import envelope, wire
from contract.bodies import MAX_EMBEDDED_BYTES, DocumentChangeBody, EntryKind
from contract.documents import (
    DELTA_KINDS,
    MAX_DOCUMENT_BYTES,
    CashiersContent,
    CatalogueContent,
    Document,
    DocumentKind,
    KeysContent,
    LeasesContent,
    MembersContent,
    NoticesContent,
    OpenedDocument,
    RevocationsContent,
    read_cashiers,
    read_catalogue,
    read_keys,
    read_leases,
    read_members,
    read_notices,
    read_revocations,
)
from contract.errors import ContractError
from contract.journal import Entry
from contract.making import dataclass
from contract.messages import HeldDocument
from contract.trade import PackRef

Content = (
    MembersContent | CashiersContent | CatalogueContent | LeasesContent | KeysContent | RevocationsContent
    | NoticesContent
)  # fmt: skip
"""What is in a document whose rows are kept."""
AttributesRead = Callable[[bytes], frozenset[str]]
"""Which attributes of a member a pack's rules look at, given the pack's content; raises ContractError."""
BASE_MISSING = "base_missing"
"""How a refusal begins where a delta builds on another blob than the active one: it has to be fetched otherwise."""
MOST_KEPT = 60
"""So many packs are kept beside the active one and the one before it, so that what they priced can be returned."""


def all_attributes(_content: bytes) -> frozenset[str]:
    """Whatever the rules of a pack look at: everything there is of a member."""
    return ATTRIBUTES


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """An active document: ``digest`` is its blob's SHA-256, ``sealed`` the blob itself where it is kept (packs)."""

    kind: DocumentKind
    version: int
    digest: bytes
    sealed: bytes | None

    def content(self) -> bytes:
        """Return what is in the kept blob, which was verified when it arrived. Raises StoreError, CORRUPT."""
        try:
            payload = envelope.peek(self.sealed or b"", MAX_DOCUMENT_BYTES)
            return wire.unpack(Document, payload, MAX_DOCUMENT_BYTES).content
        except ContractError as error:
            raise StoreError(StoreCause.CORRUPT, f"{self.kind} {self.version}: {error}") from error


@dataclass(frozen=True, slots=True)
class Shelves:
    """Where the rows of documents go."""

    members: MemberShelf
    cashiers: CashierShelf
    catalogue: CatalogueShelf
    keys: TerminalKeys
    revocations: RevocationShelf
    notices: NoticeShelf
    counts: RuleCounts


class DocumentShelf:
    """The documents in ``database``, with the shelves their rows go to. Each change is an entry of ``journal``, and
    what it lends goes to ``holdings``. ``attributes`` tells what of a member a pack's rules look at.
    """

    def __init__(
        self,
        database: Database,
        journal: Journal,
        holdings: Holdings,
        shelves: Shelves,
        attributes: AttributesRead = all_attributes,
    ) -> None:
        self._database = database
        self._journal = journal
        self._holdings = holdings
        self._shelves = shelves
        self._attributes = attributes

    def activate(
        self, opened: OpenedDocument, transaction: bytes, stamp: Stamp, content: Content | None = None
    ) -> Entry:
        """Make a verified document the active one of its kind and journal the change, all in one durable commit.

        ``content`` is what is in it, where the caller has read it already.

        A transaction id that is in the journal changes nothing and returns its entry. Raises StoreError; INVALID where
        the content cannot be read, the version is not above the active one's or below one that was active here, or a
        delta builds on another blob (``BASE_MISSING``).
        """
        known = self._journal.known(transaction)
        if known is not None:
            return known
        document = opened.document
        held = self.active(document.kind)
        if held is not None and held.version >= document.version:
            raise StoreError(StoreCause.INVALID, f"{document.kind} {document.version}: {held.version} is active")
        if document.kind not in DELTA_KINDS and document.version < self.floor(document.kind):
            raise StoreError(StoreCause.INVALID, f"older_version: {document.kind} {document.version} was followed here")
        _require_base(document, held)
        change = DocumentChangeBody(
            document.kind.value,
            document.version,
            opened.digest,
            0 if held is None else held.version,
            _lending(opened) if document.kind is DocumentKind.LEASES else None,
        )
        with self._database.transaction():
            self._keep_rows(document, content)
            self._point_to(opened)
            entry = self._journal.append_within(EntryKind.DOCUMENT_CHANGE, transaction, stamp, change)
            self._holdings.apply(entry, change)
            return entry

    def active(self, kind: DocumentKind) -> StoredDocument | None:
        """Return the active document of a kind. Raises StoreError(CORRUPT) where a kept blob has changed."""
        return self._placed(kind, "active")

    def previous(self, kind: DocumentKind) -> StoredDocument | None:
        """Return the pack that was active before, with its blob; None for other kinds."""
        return self._placed(kind, "previous")

    def held(self) -> tuple[HeldDocument, ...]:
        """Return what is active, as a hello says it. A kind that a newer program left behind is not active here."""
        rows = self._database.rows("SELECT kind, version, digest FROM documents WHERE place = 'active' ORDER BY kind")
        known = {kind.value for kind in DocumentKind}
        return tuple(HeldDocument(kind, version, digest) for kind, version, digest in rows if kind in known)

    def floor(self, kind: str) -> int:
        """Return the highest version of a kind that was ever active here, also where that document has to be fetched
        anew; 0 for none. What is older is no news. Of kinds with deltas head office still tells an older snapshot, on
        which the newer deltas build.
        """
        found = self._database.row("SELECT version FROM document_floors WHERE kind = ?", kind)
        return 0 if found is None else int(found[0])

    def raise_floor(self, kind: str, version: int) -> None:
        """Note, inside the caller's transaction, that this version was active here."""
        self._database.write(
            "INSERT INTO document_floors VALUES (?, ?) ON CONFLICT (kind) DO UPDATE"
            " SET version = max(version, excluded.version)",
            *(kind, version),
        )

    def pack_content(self) -> tuple[PackRef, bytes] | None:
        """Return the active pack's reference and content; None before one has arrived."""
        found = self.active(DocumentKind.PACK)
        return None if found is None else (PackRef(found.version, found.digest), found.content())

    def pack_content_of(self, ref: PackRef) -> bytes | None:
        """Return the content of the pack that ``ref`` names, where it is the active one or among the ``MOST_KEPT``
        before it.
        """
        placed = (self._placed(DocumentKind.PACK, place) for place in ("active", "previous"))
        found = next((pack for pack in placed if pack is not None and pack.digest == ref.digest), None)
        found = found or self._kept(ref.digest)
        return None if found is None else found.content()

    def _keep_rows(self, document: Document, content: Content | None) -> None:
        shelves = self._shelves
        match content or _read(document):
            case MembersContent() as members if document.base is not None:
                shelves.members.lay_over(members)
                shelves.counts.told_of_shops(members.acted)
            case MembersContent() as members:
                shelves.members.replace(members)
                shelves.counts.told_of_shops(members.acted)
            case CashiersContent() as cashiers:
                shelves.cashiers.replace(cashiers)
            case CatalogueContent() as catalogue if document.base is not None:
                shelves.catalogue.lay_over(catalogue)
            case CatalogueContent() as catalogue:
                shelves.catalogue.replace(catalogue)
            case KeysContent() as keys:
                shelves.keys.replace(keys)
            case RevocationsContent() as revocations:
                shelves.revocations.replace(revocations)
            case NoticesContent() as notices:
                shelves.notices.replace(notices)
            case None:
                self._keep_previous()
                self._database.write("UPDATE documents SET place = 'previous' WHERE kind = 'pack'")
                self._want(document)

    def _keep_previous(self) -> None:
        """The pack before the active one makes room and is kept for returns of what it priced."""
        before = "FROM documents WHERE kind = 'pack' AND place = 'previous'"
        self._database.write(
            f"INSERT OR REPLACE INTO packs_kept SELECT digest, version, sealed {before} AND sealed IS NOT NULL"
        )
        self._database.write(f"DELETE {before}")
        self._database.write(
            "DELETE FROM packs_kept WHERE version <="
            " (SELECT version FROM packs_kept ORDER BY version DESC LIMIT 1 OFFSET ?)",
            MOST_KEPT,
        )

    def _kept(self, digest: bytes) -> StoredDocument | None:
        row = self._database.row("SELECT version, sealed FROM packs_kept WHERE digest = ?", digest)
        return None if row is None else _stored(DocumentKind.PACK, row[0], digest, row[1])

    def _want(self, pack: Document) -> None:
        """Where members are kept without something that these rules look at, their document counts as not here: head
        office hears of that with the next hello. Until it has come again they are recognised as they are.
        """
        try:
            wanted = self._attributes(pack.content)
        except ContractError as error:
            raise StoreError(StoreCause.INVALID, f"pack {pack.version}: {error}") from error
        if self._shelves.members.want(wanted):
            self._database.write("DELETE FROM documents WHERE kind = 'members'")

    def _point_to(self, opened: OpenedDocument) -> None:
        document = opened.document
        sealed = opened.sealed if document.kind is DocumentKind.PACK else None
        self._database.write(
            "INSERT OR REPLACE INTO documents VALUES (?, 'active', ?, ?, ?, ?)",
            *(document.kind.value, document.version, opened.digest, document.issued_ms, sealed),
        )
        self.raise_floor(document.kind.value, document.version)

    def _placed(self, kind: DocumentKind, place: str) -> StoredDocument | None:
        row = self._database.row(
            "SELECT version, digest, sealed FROM documents WHERE kind = ? AND place = ?", kind.value, place
        )
        if row is None:
            return None
        version, digest, sealed = row
        return _stored(kind, version, digest, sealed)


def _stored(kind: DocumentKind, version: int, digest: bytes, sealed: bytes | None) -> StoredDocument:
    """A document as it is kept. Raises StoreError, CORRUPT."""
    if sealed is not None and envelope.digest(sealed) != digest:
        raise StoreError(StoreCause.CORRUPT, f"{kind} {version}: the kept blob is not the one that was verified")
    return StoredDocument(kind, version, digest, sealed)


def _require_base(document: Document, held: StoredDocument | None) -> None:
    """A delta is laid over the very blob it names, and over no other. Of leases all are deltas; the first names none.

    Raises StoreError(INVALID).
    """
    active = None if held is None else held.digest
    name = f"{document.kind} {document.version}"
    if document.base is not None and document.kind not in DELTA_KINDS:
        raise StoreError(StoreCause.INVALID, f"{name}: there are no deltas of this kind")
    if document.base != active and (document.base is not None or document.kind is DocumentKind.LEASES):
        raise StoreError(StoreCause.INVALID, f"{BASE_MISSING}: {name} builds on another blob than the active one")


def _lending(opened: OpenedDocument) -> bytes:
    """The blob of a leases document as the journal holds it. Raises StoreError(INVALID) where it does not fit into an
    entry, or is not for one terminal alone: each that took it would spend the same value.
    """
    if opened.document.terminal is None:
        raise StoreError(StoreCause.INVALID, "leases: not for one terminal alone")
    if len(opened.sealed) > MAX_EMBEDDED_BYTES:
        raise StoreError(StoreCause.INVALID, f"leases: {len(opened.sealed)} bytes, at most {MAX_EMBEDDED_BYTES}")
    return opened.sealed


def _read(document: Document) -> Content | None:
    """What is in a document; None for a pack, of which the blob itself is kept. Raises StoreError(INVALID)."""
    try:
        match document.kind:
            case DocumentKind.MEMBERS:
                return read_members(document.content)
            case DocumentKind.CASHIERS:
                return read_cashiers(document.content)
            case DocumentKind.CATALOGUE:
                return read_catalogue(document.content, document.base is not None)
            case DocumentKind.LEASES:
                return read_leases(document.content)
            case DocumentKind.KEYS:
                return read_keys(document.content)
            case DocumentKind.REVOCATIONS:
                return read_revocations(document.content)
            case DocumentKind.NOTICES:
                return read_notices(document.content)
            case DocumentKind.PACK:
                return None
    except ContractError as error:
        raise StoreError(StoreCause.INVALID, f"{document.kind} {document.version}: {error}") from error
