"""What tills are told: signed, numbered versions of one kind, first signed, then published, never lowered.

A version is one for all scopes of a kind, so that a till, which compares versions by kind alone, is never led back.
Undoing is a higher version with old content. Of members and the catalogue a version may be a delta on the one before
(``hq.deltas``): a till that has that one is told the delta, any other the newest snapshot. Leases have a chain of
versions for each till (``hq.lease_offers``).
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from contract.documents import (
    DELTA_KINDS,
    GRAMMAR,
    Document,
    DocumentKind,
    open_document,
    seal_document,
)
from contract.envelope import keyring
from contract.errors import ContractError
from contract.ids import TerminalAddress, parse_address
from contract.messages import Announcement, HeldDocument
from contract.signing import Signer
from hq.errors import not_signed, published_above
from hq.placement import DEFAULT_LENDING, LendingPolicy
from hq.tables import documents, lease_documents, told_documents
from rules.grammar.pack import Pack
from rules.pack import write_pack

DAY_MS = 24 * 60 * 60 * 1_000
MOST_FORGOTTEN = 1_000_000
"""A restored head office believes to have signed at most so many versions that it has forgotten."""


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
    base: bytes | None = None


@dataclass(frozen=True, slots=True)
class Desk:
    """Who signs for whom: the tenant, its key, for how many days a till may still accept a document, and what is
    decided about lending.
    """

    signer: Signer
    tenant: str
    accept_days: int
    policy: LendingPolicy = DEFAULT_LENDING


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


def sign_in_chain(
    connection: Connection, desk: Desk, kind: DocumentKind, content: bytes, now_ms: int, base: bytes | None
) -> StoredDocument:
    """Sign ``content`` as the next version for the tenant: a delta on the blob ``base``, or a snapshot."""
    return _sign_next(connection, desk, kind, content, now_ms, None, base)


def is_half_through_of(desk: Desk, sealed: bytes, now_ms: int) -> bool:
    """Whether a signed document is half through its acceptance, or is none of ours."""
    return _is_half_through(_opened(desk, sealed), now_ms)


def renew(connection: Connection, desk: Desk, now_ms: int) -> tuple[StoredDocument, ...]:
    """Sign and publish anew what tills were told and is half through its acceptance: the same content as the next
    version. A till born after the last day of acceptance would otherwise be offered what it must refuse.

    Where a newer version is signed and not published yet, it is left to people until that last day.
    """
    renewed: list[StoredDocument] = []
    for kind in DocumentKind:
        versions = [item for item in stored_documents(connection) if item.kind is kind]
        waits = bool(versions) and versions[-1].published_ms is None
        live = _live([item for item in versions if item.published_ms is not None])
        opened = [_opened(desk, sealed_bytes(connection, kind, item.digest) or b"") for item in live]
        # All scopes of a kind are renewed together and in order, so that a shop's own stays above the tenant's.
        if any(document and _is_due(document, waits, now_ms) for document in opened):
            renewed += _say_again(connection, desk, kind, [item for item in opened if item is not None], now_ms)
    return tuple(renewed)


def overtake(connection: Connection, desk: Desk, now_ms: int) -> tuple[StoredDocument, ...]:
    """Sign and publish anew every kind of which a till has a higher version than these books know, above that one:
    they were restored from a backup, and tills take nothing that is not above what they have.
    """
    told = connection.execute(
        select(told_documents.c.kind, func.max(told_documents.c.version).label("version"))
        .where(told_documents.c.kind != DocumentKind.LEASES.value)
        .group_by(told_documents.c.kind)
    ).all()
    signed: list[StoredDocument] = []
    for row in told:
        newest = _newest_version(connection, row.kind)
        # Nobody signs a million versions: a till that tells of such a one is mad, and must not use up the numbers.
        if not newest < row.version <= newest + MOST_FORGOTTEN:
            continue
        kind = DocumentKind(row.kind)
        published = [
            item for item in stored_documents(connection) if item.kind is kind and item.published_ms is not None
        ]
        opened = [_opened(desk, sealed_bytes(connection, kind, item.digest) or b"") for item in _live(published)]
        live = [document for document in opened if document is not None]
        signed += _say_again(connection, desk, kind, live, now_ms, above=row.version)
    return tuple(signed)


def _say_again(
    connection: Connection, desk: Desk, kind: DocumentKind, live: Sequence[Document], now_ms: int, above: int = 0
) -> list[StoredDocument]:
    """Sign the same contents as next versions, each delta on the new version of what it builds on, and publish them."""
    said: list[StoredDocument] = []
    last: dict[str | None, bytes] = {}
    for document in live:
        base = None if document.base is None else last.get(document.shop)
        signed = _sign_next(connection, desk, kind, document.content, now_ms, document.shop, base, above)
        last[document.shop] = signed.digest
        said.append(publish(connection, kind, signed.version, now_ms))
    return said


def _live(published: Sequence[StoredDocument]) -> list[StoredDocument]:
    """What each scope is told today, in order: its newest snapshot and the deltas on it, without those of shops that
    the tenant's newest has overtaken.
    """
    live: dict[str | None, list[StoredDocument]] = {}
    for item in published:
        if item.shop is None:
            live = {None: live.get(None, [])}
        before = live.pop(item.shop, [])
        live[item.shop] = [*before, item] if item.base is not None else [item]
    return [item for chain in live.values() for item in chain]


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
    connection: Connection,
    desk: Desk,
    kind: DocumentKind,
    content: bytes,
    now_ms: int,
    shop: str | None,
    base: bytes | None = None,
    above: int = 0,
) -> StoredDocument:
    version = max(_newest_version(connection, kind.value), above) + 1
    accept_until_ms = now_ms + desk.accept_days * DAY_MS
    document = Document(GRAMMAR, kind, desk.tenant, version, now_ms, accept_until_ms, content, shop, base=base)
    sealed = seal_document(desk.signer, document)
    # What leaves here is read back as a till will read it, before anybody can ask for it.
    opened = open_document(sealed, keyring(desk.signer.public))
    connection.execute(
        insert(documents).values(
            kind=kind.value,
            version=version,
            shop=shop,
            base=base,
            digest=opened.digest,
            content_digest=hashlib.sha256(content).digest(),
            sealed=sealed,
            size=len(sealed),
            issued_ms=now_ms,
            published_ms=None,
        )
    )
    return StoredDocument(kind, version, shop, opened.digest, len(sealed), now_ms, None, base)


def _newest_version(connection: Connection, kind: str) -> int:
    return connection.scalar(select(func.max(documents.c.version)).where(documents.c.kind == kind)) or 0


def publish(connection: Connection, kind: DocumentKind, version: int | None, now_ms: int) -> StoredDocument:
    """Let tills have ``version`` of ``kind``, or the newest signed one. What is published already stays so.

    Raises OfficeError where there is no such version, or a higher one is published.
    """
    asked = select(documents).where(documents.c.kind == kind.value)
    if version is not None:
        asked = asked.where(documents.c.version == version)
    row = connection.execute(asked.order_by(documents.c.version.desc()).limit(1)).one_or_none()
    if row is None:
        raise not_signed(kind, version)
    highest = connection.scalar(
        select(func.max(documents.c.version)).where(
            documents.c.kind == kind.value, documents.c.published_ms.is_not(None)
        )
    )
    if highest is not None and row.version < highest:
        raise published_above(kind, highest, row.version)
    if row.published_ms is None:
        connection.execute(update(documents).where(documents.c.id == row.id).values(published_ms=now_ms))
        row = connection.execute(select(documents).where(documents.c.id == row.id)).one()
    return _stored(row)


def announcements(connection: Connection, address: TerminalAddress) -> tuple[Announcement, ...]:
    """The newest published document of each kind for the till at ``address``, and the leases on their way to it."""
    here = {"address": str(address), "shop": address.shop}
    rows = (*connection.execute(_newest(), here), *connection.execute(_offered(), here))
    return tuple(_announcement(row) for row in rows)


def needed(
    connection: Connection, address: TerminalAddress, newest: Iterable[Announcement], held: Iterable[HeldDocument]
) -> tuple[Announcement, ...]:
    """What the till at ``address`` needs next, having ``held``, where :func:`announcements` says what is ``newest``: of
    a kind with deltas the one on what it has, or the newest snapshot; of others the newest. Nothing of a kind whose
    newest it has.
    """
    has = {document.kind: document.digest for document in held}
    found = []
    for item in newest:
        digest = has.get(item.kind)
        if item.digest == digest:
            continue
        if item.kind in DELTA_KINDS and item.kind != DocumentKind.LEASES and item.base != digest:
            found.append(_next_in_chain(connection, address, item.kind, digest) or item)
        else:
            found.append(item)
    return tuple(found)


def _next_in_chain(
    connection: Connection, address: TerminalAddress, kind: str, digest: bytes | None
) -> Announcement | None:
    """The newest delta on the blob ``digest``, or where there is none the newest snapshot."""
    for base in (documents.c.base == digest, documents.c.base.is_(None)):
        row = connection.execute(
            select(documents.c.kind, documents.c.version, documents.c.digest, documents.c.size, documents.c.base)
            .where(documents.c.kind == kind, published_for(address.shop), base)
            .order_by(documents.c.version.desc())
            .limit(1)
        ).one_or_none()
        if row is not None:
            return _announcement(row)
    return None


def leases_offered(connection: Connection, since_ms: int) -> tuple[tuple[TerminalAddress, Announcement, int], ...]:
    """The leases on their way to tills that were signed at ``since_ms`` or later, each with when it was signed."""
    rows = connection.execute(
        select(
            lease_documents.c.address,
            lease_documents.c.version,
            lease_documents.c.digest,
            func.length(lease_documents.c.sealed).label("size"),
            lease_documents.c.base,
            lease_documents.c.issued_ms,
        )
        .where(lease_documents.c.state == "offered", lease_documents.c.issued_ms >= since_ms)
        .order_by(lease_documents.c.issued_ms, lease_documents.c.address)
    )
    return tuple(
        (
            parse_address(row.address),
            Announcement(DocumentKind.LEASES, row.version, row.digest, row.size, row.base),
            row.issued_ms,
        )
        for row in rows
    )


@cache
def _newest() -> Select[*tuple[Any, ...]]:
    """The newest published document of each kind for a till of ``shop``. Built once: every hello asks it."""
    newest = (
        select(documents.c.kind, func.max(documents.c.version).label("version"))
        .where(published_for(bindparam("shop", type_=documents.c.shop.type)))
        .group_by(documents.c.kind)
        .subquery()
    )
    return (
        select(documents.c.kind, documents.c.version, documents.c.digest, documents.c.size, documents.c.base)
        .join(newest, and_(documents.c.kind == newest.c.kind, documents.c.version == newest.c.version))
        .order_by(documents.c.kind)
    )


@cache
def _offered() -> Select[*tuple[Any, ...]]:
    """The newest leases on their way to the till at ``address``. Built once, as above."""
    return (
        select(
            literal(DocumentKind.LEASES.value).label("kind"),
            lease_documents.c.version,
            lease_documents.c.digest,
            func.length(lease_documents.c.sealed).label("size"),
            lease_documents.c.base,
        )
        .where(lease_documents.c.address == bindparam("address"), lease_documents.c.state == "offered")
        .order_by(lease_documents.c.version.desc())
        .limit(1)
    )


def _announcement(row: Row[*tuple[Any, ...]]) -> Announcement:
    plain = row._mapping
    return Announcement(DocumentKind(plain["kind"]), plain["version"], plain["digest"], plain["size"], plain["base"])


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


def published_for(shop: str | ColumnElement[str]) -> ColumnElement[bool]:
    """Which rows of documents a till of ``shop`` may have."""
    return and_(documents.c.published_ms.is_not(None), or_(documents.c.shop.is_(None), documents.c.shop == shop))


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
        plain["base"],
    )
