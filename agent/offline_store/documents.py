"""Which of head office's documents are active here, and the flip from one to the next.

The pointer, the rows that follow from the document and the entry that says so are one commit. Of a pack the signed blob
is kept, and of the one before it too; of all others only the rows.
"""

from dataclasses import dataclass

from agent.clock import Stamp
from agent.offline_store.catalogue import CatalogueShelf
from agent.offline_store.database import Database
from agent.offline_store.faults import StoreCause, StoreError
from agent.offline_store.journal import Journal
from agent.offline_store.members import CashierShelf, MemberShelf
from contract import envelope, wire
from contract.bodies import DocumentChangeBody, EntryKind
from contract.documents import (
    MAX_DOCUMENT_BYTES,
    CashiersContent,
    CatalogueContent,
    Document,
    DocumentKind,
    MembersContent,
    OpenedDocument,
    read_cashiers,
    read_catalogue,
    read_members,
)
from contract.errors import ContractError
from contract.journal import Entry
from contract.messages import HeldDocument
from contract.trade import PackRef

Content = MembersContent | CashiersContent | CatalogueContent
"""What is in a document whose rows are kept."""


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


class DocumentShelf:
    """The documents in ``database``, with the shelves their rows go to."""

    def __init__(
        self,
        database: Database,
        journal: Journal,
        members: MemberShelf,
        cashiers: CashierShelf,
        catalogue: CatalogueShelf,
    ) -> None:
        self._database = database
        self._journal = journal
        self._members = members
        self._cashiers = cashiers
        self._catalogue = catalogue

    def activate(
        self, opened: OpenedDocument, transaction: bytes, stamp: Stamp, content: Content | None = None
    ) -> Entry:
        """Make a verified document the active one of its kind and journal the change, all in one durable commit.

        ``content`` is what is in it, where the caller has read it already.

        A transaction id that is in the journal changes nothing and returns its entry. Raises StoreError; INVALID where
        the content cannot be read or the version is not above the active one's.
        """
        known = self._journal.known(transaction)
        if known is not None:
            return known
        document = opened.document
        held = self.active(document.kind)
        if held is not None and held.version >= document.version:
            raise StoreError(StoreCause.INVALID, f"{document.kind} {document.version}: {held.version} is active")
        with self._database.transaction():
            self._keep_rows(document, content)
            self._point_to(opened)
            change = DocumentChangeBody(
                document.kind.value, document.version, opened.digest, 0 if held is None else held.version
            )
            return self._journal.append_within(EntryKind.DOCUMENT_CHANGE, transaction, stamp, change)

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

    def pack_content(self) -> tuple[PackRef, bytes] | None:
        """Return the active pack's reference and content; None before one has arrived."""
        found = self.active(DocumentKind.PACK)
        return None if found is None else (PackRef(found.version, found.digest), found.content())

    def pack_content_of(self, ref: PackRef) -> bytes | None:
        """Return the content of the pack that ``ref`` names, where it is the active one or the one before."""
        kept = (self._placed(DocumentKind.PACK, place) for place in ("active", "previous"))
        return next((found.content() for found in kept if found is not None and found.digest == ref.digest), None)

    def _keep_rows(self, document: Document, content: Content | None) -> None:
        match content or _read(document):
            case MembersContent() as members:
                self._members.replace(members)
            case CashiersContent() as cashiers:
                self._cashiers.replace(cashiers)
            case CatalogueContent() as catalogue:
                self._catalogue.replace(catalogue)
            case None:
                self._database.write("DELETE FROM documents WHERE kind = 'pack' AND place = 'previous'")
                self._database.write("UPDATE documents SET place = 'previous' WHERE kind = 'pack'")

    def _point_to(self, opened: OpenedDocument) -> None:
        document = opened.document
        sealed = opened.sealed if document.kind is DocumentKind.PACK else None
        self._database.write(
            "INSERT OR REPLACE INTO documents VALUES (?, 'active', ?, ?, ?, ?)",
            *(document.kind.value, document.version, opened.digest, document.issued_ms, sealed),
        )

    def _placed(self, kind: DocumentKind, place: str) -> StoredDocument | None:
        row = self._database.row(
            "SELECT version, digest, sealed FROM documents WHERE kind = ? AND place = ?", kind.value, place
        )
        if row is None:
            return None
        version, digest, sealed = row
        if sealed is not None and envelope.digest(sealed) != digest:
            raise StoreError(StoreCause.CORRUPT, f"{kind} {version}: the kept blob is not the one that was verified")
        return StoredDocument(kind, version, digest, sealed)


def _read(document: Document) -> Content | None:
    """What is in a document; None for a pack, of which the blob itself is kept. Raises StoreError(INVALID)."""
    try:
        match document.kind:
            case DocumentKind.MEMBERS:
                return read_members(document.content)
            case DocumentKind.CASHIERS:
                return read_cashiers(document.content)
            case DocumentKind.CATALOGUE:
                return read_catalogue(document.content)
            case _:
                return None
    except ContractError as error:
        raise StoreError(StoreCause.INVALID, f"{document.kind} {document.version}: {error}") from error
