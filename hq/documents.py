"""What tills are told: signed, numbered versions of one kind, first signed, then published, never lowered.

A version is one for all scopes of a kind, so that a till, which compares versions by kind alone, is never led back.
Undoing is a higher version with old content.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Row, and_, func, insert, or_, select, update

from contract.documents import CHUNK_BYTES, GRAMMAR, Document, DocumentKind, open_document, seal_document
from contract.envelope import keyring
from contract.errors import ContractError
from contract.ids import TerminalAddress
from contract.messages import Announcement, Chunk, Want
from contract.signing import Signer
from contract.trade import MAX_EFFECTS
from hq.errors import OfficeError
from hq.tables import documents
from hq.zones import zone_steps
from rules.authoring import read_authored
from rules.crowding import most_effects
from rules.engine.compiled import compile_pack
from rules.engine.golden import failed_golden
from rules.grammar.pack import Pack
from rules.pack import write_pack

DAY_MS = 24 * 60 * 60 * 1_000
KEPT_BLOB_BYTES = 80 * 1_024 * 1_024
"""So much of what tills fetch is kept in memory: the largest document there is, and small ones beside it."""


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """One version as head office keeps it. ``published_ms`` is None while it is signed and not announced."""

    kind: DocumentKind
    version: int
    shop: str | None
    digest: bytes
    size: int
    issued_ms: int
    published_ms: int | None


@dataclass(frozen=True, slots=True)
class Desk:
    """Who signs for whom: the tenant, its key, and for how many days a till may still accept a document."""

    signer: Signer
    tenant: str
    accept_days: int


def author_pack(text: str) -> Pack:
    """Return the pack that staff wrote as JSON, once its golden baskets come out as they say.

    Raises ContractError where the text is wrong, OfficeError naming the first golden basket that is not reproduced, or
    saying that one article could meet more effects than a sale can hold.
    """
    pack = read_authored(text, zone_steps)
    failed = failed_golden(compile_pack(pack))
    if failed is not None:
        raise OfficeError(f"golden[{failed}] is priced differently by these rules; correct the rules or the basket.")
    most = most_effects(pack)
    if most > MAX_EFFECTS:
        raise OfficeError(
            f"rules: one article could meet {most} effects, and a sale holds {MAX_EFFECTS}: no till could sell it; "
            "join some rules, put them into a group, or narrow them to tiers, shops, days or goods."
        )
    return pack


def sign_pack(connection: Connection, desk: Desk, pack: Pack, now_ms: int) -> StoredDocument:
    """Sign ``pack`` as the next version; no till hears of it before it is published."""
    return sign(connection, desk, DocumentKind.PACK, write_pack(pack), now_ms)


def sign(
    connection: Connection, desk: Desk, kind: DocumentKind, content: bytes, now_ms: int, shop: str | None = None
) -> StoredDocument:
    """Sign ``content`` as the next version of ``kind`` for the tenant, or one shop of it, and keep it.

    The next version is read before it is written: the transaction is one of ``hq.db.Turn.DOCUMENTS``.

    The newest version is returned instead where it says the same already and is not half through its acceptance.
    """
    newest = connection.execute(
        select(documents).where(documents.c.kind == kind.value).order_by(documents.c.version.desc()).limit(1)
    ).one_or_none()
    same = newest is not None and (newest.content_digest, newest.shop) == (hashlib.sha256(content).digest(), shop)
    if newest is not None and same and not _is_half_through(_opened(desk, newest.sealed), now_ms):
        return _stored(newest)
    return _sign_next(connection, desk, kind, content, now_ms, shop)


def renew(connection: Connection, desk: Desk, now_ms: int) -> tuple[StoredDocument, ...]:
    """Sign and publish anew what tills were told and is half through its acceptance: the same content as the next
    version. A till born after the last day of acceptance would otherwise be offered what it must refuse.

    Where a newer version is signed and not published yet, it is left to people until that last day.
    """
    renewed = []
    for kind in DocumentKind:
        versions = [item for item in stored_documents(connection) if item.kind is kind]
        waits = bool(versions) and versions[-1].published_ms is None
        live = _live([item for item in versions if item.published_ms is not None])
        opened = [_opened(desk, sealed_bytes(connection, kind, item.digest) or b"") for item in live]
        # All scopes of a kind are renewed together and in order, so that a shop's own stays above the tenant's.
        if any(document and _is_due(document, waits, now_ms) for document in opened):
            for document in opened:
                if document is not None:
                    signed = _sign_next(connection, desk, kind, document.content, now_ms, document.shop)
                    renewed.append(publish(connection, kind, signed.version, now_ms))
    return tuple(renewed)


def _live(published: Sequence[StoredDocument]) -> list[StoredDocument]:
    """The newest of each scope, in order, without those of shops that the tenant's newest has overtaken."""
    live: dict[str | None, StoredDocument] = {}
    for item in published:
        if item.shop is None:
            live.clear()
        live.pop(item.shop, None)
        live[item.shop] = item
    return list(live.values())


def _opened(desk: Desk, sealed: bytes) -> Document | None:
    """A document of ours; None where another key signed it, as before head office's key was replaced."""
    try:
        return open_document(sealed, keyring(desk.signer.public)).document
    except ContractError:
        return None


def _is_half_through(document: Document | None, now_ms: int) -> bool:
    return document is None or 2 * now_ms >= document.issued_ms + document.accept_until_ms


def _is_due(document: Document, waits: bool, now_ms: int) -> bool:
    return now_ms >= document.accept_until_ms if waits else _is_half_through(document, now_ms)


def _sign_next(
    connection: Connection, desk: Desk, kind: DocumentKind, content: bytes, now_ms: int, shop: str | None
) -> StoredDocument:
    newest = connection.scalar(select(func.max(documents.c.version)).where(documents.c.kind == kind.value))
    version = 1 if newest is None else newest + 1
    accept_until_ms = now_ms + desk.accept_days * DAY_MS
    document = Document(GRAMMAR, kind, desk.tenant, version, now_ms, accept_until_ms, content, shop)
    sealed = seal_document(desk.signer, document)
    # What leaves here is read back as a till will read it, before anybody can ask for it.
    opened = open_document(sealed, keyring(desk.signer.public))
    connection.execute(
        insert(documents).values(
            kind=kind.value,
            version=version,
            shop=shop,
            digest=opened.digest,
            content_digest=hashlib.sha256(content).digest(),
            sealed=sealed,
            size=len(sealed),
            issued_ms=now_ms,
            published_ms=None,
        )
    )
    return StoredDocument(kind, version, shop, opened.digest, len(sealed), now_ms, None)


def publish(connection: Connection, kind: DocumentKind, version: int | None, now_ms: int) -> StoredDocument:
    """Let tills have ``version`` of ``kind``, or the newest signed one. What is published already stays so.

    Raises OfficeError where there is no such version, or a higher one is published.
    """
    asked = select(documents).where(documents.c.kind == kind.value)
    if version is not None:
        asked = asked.where(documents.c.version == version)
    row = connection.execute(asked.order_by(documents.c.version.desc()).limit(1)).one_or_none()
    if row is None:
        raise OfficeError(f"there is no {kind} {version or ''}".rstrip() + "; sign it first.")
    highest = connection.scalar(
        select(func.max(documents.c.version)).where(
            documents.c.kind == kind.value, documents.c.published_ms.is_not(None)
        )
    )
    if highest is not None and row.version < highest:
        raise OfficeError(
            f"{kind} {highest} is published already, and versions only go up; "
            f"to return to the content of {row.version}, sign it again as a higher version."
        )
    if row.published_ms is None:
        connection.execute(update(documents).where(documents.c.id == row.id).values(published_ms=now_ms))
        row = connection.execute(select(documents).where(documents.c.id == row.id)).one()
    return _stored(row)


def announcements(connection: Connection, address: TerminalAddress) -> tuple[Announcement, ...]:
    """The newest published document of each kind for the till at ``address``."""
    newest = (
        select(documents.c.kind, func.max(documents.c.version).label("version"))
        .where(_published_for(address))
        .group_by(documents.c.kind)
        .subquery()
    )
    rows = connection.execute(
        select(documents.c.kind, documents.c.version, documents.c.digest, documents.c.size)
        .join(newest, and_(documents.c.kind == newest.c.kind, documents.c.version == newest.c.version))
        .order_by(documents.c.kind)
    )
    return tuple(Announcement(DocumentKind(row.kind), row.version, row.digest, row.size) for row in rows)


class BlobShelf:
    """The signed bytes of the documents asked for last, so that a till that fetches one in a thousand chunks does not
    have the database read all of it a thousand times. Belongs to one thread.
    """

    def __init__(self, most_bytes: int = KEPT_BLOB_BYTES) -> None:
        self._most_bytes = most_bytes
        self._blobs: dict[bytes, bytes] = {}

    def chunk(self, connection: Connection, address: TerminalAddress, want: Want) -> Chunk | None:
        """The chunk a till asks for; None where no published document for it has such a chunk."""
        # What a till may have is asked each time: another shop's document may lie on the shelf.
        kind = connection.scalar(
            select(documents.c.kind).where(documents.c.digest == want.digest, _published_for(address))
        )
        if kind is None:
            return None
        blob = self._find(connection, DocumentKind(kind), want.digest)
        data = blob[want.index * CHUNK_BYTES : (want.index + 1) * CHUNK_BYTES]
        return Chunk(want.digest, want.index, -(-len(blob) // CHUNK_BYTES), data) if data else None

    def _find(self, connection: Connection, kind: DocumentKind, digest: bytes) -> bytes:
        blob = self._blobs.pop(digest, None) or sealed_bytes(connection, kind, digest) or b""
        # Used last, stands last; the one that was not used for longest goes first.
        self._blobs[digest] = blob
        while sum(map(len, self._blobs.values())) > self._most_bytes:
            del self._blobs[next(iter(self._blobs))]
        return blob


def sealed_bytes(connection: Connection, kind: DocumentKind, digest: bytes) -> bytes | None:
    """The signed bytes of the document of ``kind`` whose SHA-256 is ``digest``, None where head office has none."""
    return connection.scalar(
        select(documents.c.sealed).where(documents.c.kind == kind.value, documents.c.digest == digest)
    )


def stored_documents(connection: Connection) -> tuple[StoredDocument, ...]:
    """Every version of every kind, in order."""
    # Not the signed bytes themselves: of all versions together they are far too many.
    plain = [column for column in documents.c if column is not documents.c.sealed]
    return tuple(
        _stored(row) for row in connection.execute(select(*plain).order_by(documents.c.kind, documents.c.version))
    )


def _published_for(address: TerminalAddress) -> ColumnElement[bool]:
    return and_(
        documents.c.published_ms.is_not(None),
        or_(documents.c.shop.is_(None), documents.c.shop == address.shop),
    )


def _stored(row: Row[*tuple[object, ...]]) -> StoredDocument:
    plain = row._mapping
    return StoredDocument(
        DocumentKind(plain["kind"]),
        plain["version"],
        plain["shop"],
        plain["digest"],
        plain["size"],
        plain["issued_ms"],
        plain["published_ms"],
    )
