"""What tills are told besides members, articles and rules: whose slips to believe, what is void, what to read."""

import logging
from collections.abc import Sequence

from sqlalchemy import Connection, delete, func, insert, select

from contract import wire
from contract.documents import (
    DocumentKind,
    KeysContent,
    Notice,
    NoticesContent,
    RevocationsContent,
    RevokedMember,
    TerminalKey,
)
from contract.ids import parse_address
from hq.documents import Desk, StoredDocument, publish, sign
from hq.errors import OfficeError
from hq.own_place import OFFICE_SHOP
from hq.tables import coupons, documents, revoked, terminals

MOST_KEYS = 10_000
MEMBER, CARD = "member", "card"

_LOG = logging.getLogger(__name__)


def publish_keys(connection: Connection, desk: Desk, now_ms: int) -> StoredDocument:
    """Publish the journal keys of all tills that may speak, where they changed. Raises OfficeError for more than a
    document holds.
    """
    rows = connection.execute(
        select(terminals)
        .where(terminals.c.revoked_ms.is_(None), terminals.c.address.not_like(f"%/{OFFICE_SHOP}/%"))
        .order_by(terminals.c.address, terminals.c.epoch.desc())
    ).all()
    if len(rows) > MOST_KEYS:
        # Slips are of today: of a till with many epochs the newest matters.
        newest = {row.address: row for row in reversed(rows)}
        rows = list(newest.values())
    if len(rows) > MOST_KEYS:
        raise OfficeError(
            f"有 {len(rows)} 台终端；转值单最多能分清 {MOST_KEYS} 台。请作废不再使用的终端（hq terminal revoke）。",
            f"{len(rows)} tills; slips can be told apart among {MOST_KEYS}. Revoke tills that are gone "
            "(`tapledger hq terminal revoke`).",
        )
    keys = tuple(TerminalKey(parse_address(row.address), row.epoch, row.public_key) for row in rows)
    return _published(connection, desk, DocumentKind.KEYS, wire.pack(KeysContent(keys)), now_ms)


def follow_keys(connection: Connection, desk: Desk, now_ms: int) -> None:
    """Publish the keys anew where any are published and they changed. More than a document holds are left to whoever
    publishes them by hand, who is told so.
    """
    known = select(documents.c.version).where(
        documents.c.kind == DocumentKind.KEYS.value, documents.c.published_ms.is_not(None)
    )
    if connection.scalar(known.limit(1)) is None:
        return
    try:
        publish_keys(connection, desk, now_ms)
    except OfficeError as error:
        _LOG.warning("event=keys_not_published detail=%s", error)


def revoke_member(connection: Connection, member: str, today: int) -> None:
    """Make void all credentials of a member that were issued through ``today``."""
    _revoke(connection, MEMBER, member, today)


def revoke_card(connection: Connection, card: str, today: int) -> None:
    """Make a card void, by its number in hexadecimal."""
    _revoke(connection, CARD, card.lower(), today)


def publish_revocations(connection: Connection, desk: Desk, now_ms: int) -> StoredDocument:
    """Publish what is void: members' credentials, cards, and coupons that were withdrawn or used and would still be
    good.
    """
    rows = connection.execute(select(revoked).order_by(revoked.c.kind, revoked.c.item)).all()
    over = connection.scalars(
        select(coupons.c.code)
        .where(
            coupons.c.withdrawn_ms.is_not(None) | coupons.c.used_entry_id.is_not(None),
            coupons.c.good_until_ms >= now_ms,
        )
        .order_by(coupons.c.code)
    )
    content = RevocationsContent(
        tuple(RevokedMember(row.item, row.until_day) for row in rows if row.kind == MEMBER),
        tuple(bytes.fromhex(row.item) for row in rows if row.kind == CARD),
        tuple(over),
    )
    return _published(connection, desk, DocumentKind.REVOCATIONS, wire.pack(content), now_ms)


def publish_notices(connection: Connection, desk: Desk, notices: Sequence[Notice], now_ms: int) -> StoredDocument:
    """Publish what cashiers should read now; none to have them read nothing."""
    content = wire.pack(NoticesContent(tuple(notices)))
    return _published(connection, desk, DocumentKind.NOTICES, content, now_ms)


def _published(connection: Connection, desk: Desk, kind: DocumentKind, content: bytes, now_ms: int) -> StoredDocument:
    signed = sign(connection, desk, kind, content, now_ms)
    return publish(connection, kind, signed.version, now_ms)


def _revoke(connection: Connection, kind: str, item: str, today: int) -> None:
    here = (revoked.c.kind == kind, revoked.c.item == item)
    before = connection.scalar(select(func.max(revoked.c.until_day)).where(*here)) or 0
    connection.execute(delete(revoked).where(*here))
    connection.execute(insert(revoked).values(kind=kind, item=item, until_day=max(before, today)))
