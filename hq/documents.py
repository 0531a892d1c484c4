"""What tills are told: signed, numbered versions of one kind, first signed, then published, never lowered.

A version is one for all scopes of a kind, so that a till, which compares versions by kind alone, is never led back.
Undoing is a higher version with old content.
"""

import hashlib
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, LargeBinary, Row, and_, func, insert, or_, select, update

from contract.documents import CHUNK_BYTES, GRAMMAR, Document, DocumentKind, open_document, seal_document
from contract.envelope import keyring
from contract.ids import TerminalAddress
from contract.messages import Announcement, Chunk, Want
from contract.signing import Signer
from hq.errors import OfficeError
from hq.tables import documents
from rules.authoring import read_authored
from rules.pack import Pack, write_pack
from rules.price import failed_golden

DAY_MS = 24 * 60 * 60 * 1_000


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

    Raises ContractError where the text is wrong, OfficeError naming the first golden basket that is not reproduced.
    """
    pack = read_authored(text)
    failed = failed_golden(pack)
    if failed is not None:
        raise OfficeError(f"golden[{failed}] is priced differently by these rules; correct the rules or the basket.")
    return pack


def sign_pack(connection: Connection, desk: Desk, pack: Pack, now_ms: int) -> StoredDocument:
    """Sign ``pack`` as the next version; no till hears of it before it is published."""
    return sign(connection, desk, DocumentKind.PACK, write_pack(pack), now_ms)


def sign(
    connection: Connection, desk: Desk, kind: DocumentKind, content: bytes, now_ms: int, shop: str | None = None
) -> StoredDocument:
    """Sign ``content`` as the next version of ``kind`` for the tenant, or one shop of it, and keep it.

    The newest version is returned instead where it says the same already and is not half through its acceptance.
    """
    content_digest = hashlib.sha256(content).digest()
    newest = connection.execute(
        select(documents).where(documents.c.kind == kind.value).order_by(documents.c.version.desc()).limit(1)
    ).one_or_none()
    accept_ms = desk.accept_days * DAY_MS
    same = newest is not None and (newest.content_digest, newest.shop) == (content_digest, shop)
    if newest is not None and same and now_ms < newest.issued_ms + accept_ms // 2:
        return _stored(newest)
    version = 1 if newest is None else newest.version + 1
    document = Document(GRAMMAR, kind, desk.tenant, version, now_ms, now_ms + accept_ms, content, shop)
    sealed = seal_document(desk.signer, document)
    # What leaves here is read back as a till will read it, before anybody can ask for it.
    opened = open_document(sealed, keyring(desk.signer.public))
    connection.execute(
        insert(documents).values(
            kind=kind.value,
            version=version,
            shop=shop,
            digest=opened.digest,
            content_digest=content_digest,
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


def chunk(connection: Connection, address: TerminalAddress, want: Want) -> Chunk | None:
    """The chunk a till asks for; None where no published document for it has such a chunk."""
    part = func.substr(documents.c.sealed, want.index * CHUNK_BYTES + 1, CHUNK_BYTES, type_=LargeBinary)
    row = connection.execute(
        select(documents.c.size, part.label("data")).where(documents.c.digest == want.digest, _published_for(address))
    ).one_or_none()
    if row is None or not row.data:
        return None
    return Chunk(want.digest, want.index, -(-row.size // CHUNK_BYTES), bytes(row.data))


def sealed_bytes(connection: Connection, kind: DocumentKind, digest: bytes) -> bytes | None:
    """The signed bytes of the document of ``kind`` whose SHA-256 is ``digest``, None where head office has none."""
    return connection.scalar(
        select(documents.c.sealed).where(documents.c.kind == kind.value, documents.c.digest == digest)
    )


def stored_documents(connection: Connection) -> tuple[StoredDocument, ...]:
    """Every version of every kind, in order."""
    return tuple(
        _stored(row) for row in connection.execute(select(documents).order_by(documents.c.kind, documents.c.version))
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
