"""Members and the catalogue as tills get them: what changed since the last version, where that is less than all of it.

A till's one thread lays a document, so each is kept small: a snapshot of at most ``MOST_MEMBERS``, everything beyond in
deltas of at most ``MOST_DELTA_MEMBERS`` on top of it. A till that lacks the version a delta builds on begins with the
snapshot and follows the chain.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select

from contract import wire
from contract.documents import (
    MOST_DELTA_MEMBERS,
    MOST_MEMBERS,
    MOST_MEMBERS_BYTES,
    CatalogueContent,
    CatalogueItem,
    DocumentKind,
    MemberRecord,
    MembersContent,
    RuleUsed,
)
from hq.bulk import insert_rows
from hq.documents import Desk, StoredDocument, is_half_through_of, publish, sign_in_chain
from hq.people import catalogue_now, member_records
from hq.rule_counts import acted_at_shops, take_untold, used_by_member
from hq.tables import documents, published_items, untold_counts

HEAD = ""
"""The item that stands for what a catalogue says beside its articles."""
MOST_DELTAS = 512
"""A chain longer than this is begun anew, unless a snapshot could not hold it."""
TELL_EVERY_MS = 300_000
"""So often tills are told at most how often limited rules have acted."""
MOST_TOLD = 2_000
"""Of so many members and shops at once: a till's one thread lays it."""

Record = MemberRecord | CatalogueItem


@dataclass(frozen=True, slots=True)
class _Shelf:
    """One kind as it is now: its records by name in order, and how a document is made of some of them."""

    kind: DocumentKind
    records: dict[str, Record]
    head: bytes
    write: Callable[[Sequence[Record], Sequence[str]], bytes]

    def digests(self) -> dict[str, bytes]:
        """What the last document will have said of each, as SHA-256."""
        found = {name: hashlib.sha256(wire.pack(record)).digest() for name, record in self.records.items()}
        return found | {HEAD: hashlib.sha256(self.head).digest()}


def publish_members(connection: Connection, desk: Desk, now_ms: int) -> StoredDocument:
    """Publish the members there are, with the points of this moment and how often limited rules have acted for them;
    return the newest version.
    """
    acted = acted_at_shops(connection, desk, now_ms)
    return _published(connection, desk, _members_now(connection, desk, now_ms, None, acted), now_ms)


def tell_counts(connection: Connection, desk: Desk, now_ms: int) -> StoredDocument | None:
    """Publish anew the members for whom, and the shops where, limited rules have acted since tills were told, as what
    changed; once in ``TELL_EVERY_MS`` at most. Return the newest version, None where there was nothing to tell.
    """
    newest = _newest(connection, DocumentKind.MEMBERS)
    if newest is None or newest.published_ms > now_ms - TELL_EVERY_MS:
        return None
    names, shops = take_untold(connection, MOST_TOLD)
    if not names and not shops:
        return None
    if is_half_through_of(desk, newest.sealed, now_ms) or _deltas(connection, DocumentKind.MEMBERS)[0] >= MOST_DELTAS:
        return publish_members(connection, desk, now_ms)
    acted = acted_at_shops(connection, desk, now_ms, shops) if shops else ()
    shelf = _members_now(connection, desk, now_ms, names, acted)
    asked = select(published_items).where(
        published_items.c.kind == shelf.kind.value, published_items.c.item.in_([*shelf.records])
    )
    before = {row.item: row.digest for row in connection.execute(asked)}
    digests = {name: digest for name, digest in shelf.digests().items() if name != HEAD}
    changed = [name for name in sorted(digests) if digests[name] != before.get(name)]
    if not changed and not acted:
        return None
    signed = sign_in_chain(
        connection, desk, shelf.kind, shelf.write([shelf.records[name] for name in changed], ()), now_ms, newest.digest
    )
    _note(connection, shelf.kind, before, digests)
    return publish(connection, shelf.kind, signed.version, now_ms)


def counts_wait(connection: Connection, now_ms: int) -> bool:
    """Whether :func:`tell_counts` would have something to look at."""
    if connection.execute(select(untold_counts.c.holder).limit(1)).first() is None:
        return False
    told_ms = connection.scalar(
        select(func.max(documents.c.published_ms)).where(
            documents.c.kind == DocumentKind.MEMBERS.value, documents.c.shop.is_(None)
        )
    )
    return told_ms is not None and told_ms <= now_ms - TELL_EVERY_MS


def _members_now(
    connection: Connection, desk: Desk, now_ms: int, only: Sequence[str] | None, acted: tuple[RuleUsed, ...]
) -> _Shelf:
    used = used_by_member(connection, desk, now_ms, only)
    records: dict[str, Record] = {
        record.member: replace(record, used=used[record.member]) if record.member in used else record
        for record in member_records(connection, only)
    }

    def write(some: Sequence[Record], gone: Sequence[str]) -> bytes:
        found = tuple(item for item in some if isinstance(item, MemberRecord))
        return wire.pack(MembersContent(found, tuple(gone), acted))

    return _Shelf(DocumentKind.MEMBERS, records, b"", write)


def publish_catalogue(connection: Connection, desk: Desk, now_ms: int) -> StoredDocument:
    """Publish the catalogue there is; return the newest version. Raises OfficeError where none was ever loaded."""
    now = catalogue_now(connection)
    records: dict[str, Record] = {item.sku: item for item in now.items}

    def write(some: Sequence[Record], gone: Sequence[str]) -> bytes:
        items = tuple(item for item in some if isinstance(item, CatalogueItem))
        return wire.pack(CatalogueContent(now.currency, now.shop_name, now.open_sku, items, tuple(gone)))

    head = f"{now.currency} {now.shop_name} {now.open_sku}".encode()
    return _published(connection, desk, _Shelf(DocumentKind.CATALOGUE, records, head, write), now_ms)


def _published(connection: Connection, desk: Desk, shelf: _Shelf, now_ms: int) -> StoredDocument:
    newest = _newest(connection, shelf.kind)
    before = {
        row.item: row.digest
        for row in connection.execute(select(published_items).where(published_items.c.kind == shelf.kind.value))
    }
    digests = shelf.digests()
    changed = [name for name in sorted(shelf.records) if digests[name] != before.get(name)]
    gone = sorted(before.keys() - digests.keys())
    if newest is not None and before == digests and not is_half_through_of(desk, newest.sealed, now_ms):
        return publish(connection, shelf.kind, newest.version, now_ms)
    slices, base = _whole(shelf), None
    stands = newest is not None and before and not is_half_through_of(desk, newest.sealed, now_ms)
    if newest is not None and stands and not _is_overgrown(connection, shelf, changed, gone):
        slices, base = _changes(shelf, changed, gone), newest.digest
    for content in slices:
        signed = sign_in_chain(connection, desk, shelf.kind, content, now_ms, base)
        last = publish(connection, shelf.kind, signed.version, now_ms)
        base = signed.digest
    _note(connection, shelf.kind, before, digests)
    return last


def _newest(connection: Connection, kind: DocumentKind) -> Row[*tuple[Any, ...]] | None:
    """The newest version of all tills' that was published."""
    return connection.execute(
        select(documents.c.digest, documents.c.version, documents.c.sealed, documents.c.published_ms)
        .where(documents.c.kind == kind.value, documents.c.shop.is_(None), documents.c.published_ms.is_not(None))
        .order_by(documents.c.version.desc())
        .limit(1)
    ).one_or_none()


def _deltas(connection: Connection, kind: DocumentKind) -> tuple[int, int]:
    """How many deltas stand on the newest snapshot, and how large they are together."""
    snapshot = connection.scalar(
        select(func.max(documents.c.version)).where(documents.c.kind == kind.value, documents.c.base.is_(None))
    )
    count, size = connection.execute(
        select(func.count(), func.coalesce(func.sum(documents.c.size), 0)).where(
            documents.c.kind == kind.value, documents.c.version > (snapshot or 0)
        )
    ).one()
    return int(count), int(size)


def _is_overgrown(connection: Connection, shelf: _Shelf, changed: Sequence[str], gone: Sequence[str]) -> bool:
    """Whether a snapshot is less to fetch than the deltas, or the chain of them has become long."""
    count, size = _deltas(connection, shelf.kind)
    if len(shelf.records) > MOST_MEMBERS:
        # What no snapshot holds is a chain of deltas either way: only one much longer than needed is begun anew.
        return bool(count > MOST_DELTAS + 2 * len(shelf.records) // MOST_DELTA_MEMBERS)
    whole = len(shelf.write(list(shelf.records.values()), ()))
    part = len(shelf.write([shelf.records[name] for name in changed], gone))
    return bool(2 * part > whole or size + part > 2 * whole or count >= MOST_DELTAS)


def _whole(shelf: _Shelf) -> Iterator[bytes]:
    """A snapshot and as many deltas as it takes."""
    records = list(shelf.records.values())
    first = MOST_MEMBERS
    while len(snapshot := shelf.write(records[:first], ())) > MOST_MEMBERS_BYTES:
        first //= 2
    yield snapshot
    yield from _slices(shelf, records[first:])


def _changes(shelf: _Shelf, changed: Sequence[str], gone: Sequence[str]) -> Iterator[bytes]:
    for start in range(0, len(gone), MOST_DELTA_MEMBERS):
        rest = gone[start : start + MOST_DELTA_MEMBERS]
        if len(rest) + len(changed) <= MOST_DELTA_MEMBERS and start + len(rest) == len(gone):
            yield shelf.write([shelf.records[name] for name in changed], rest)
            return
        yield shelf.write((), rest)
    records = [shelf.records[name] for name in changed]
    if records or not gone:
        yield from _slices(shelf, records) if records else iter((shelf.write((), ()),))


def _slices(shelf: _Shelf, records: Sequence[Record]) -> Iterator[bytes]:
    for start in range(0, len(records), MOST_DELTA_MEMBERS):
        yield shelf.write(records[start : start + MOST_DELTA_MEMBERS], ())


def _note(connection: Connection, kind: DocumentKind, before: dict[str, bytes], now: dict[str, bytes]) -> None:
    """Keep what was published of each, for the next time."""
    stale = [name for name, digest in before.items() if now.get(name) != digest]
    for start in range(0, len(stale), 500):
        part = stale[start : start + 500]
        connection.execute(
            delete(published_items).where(published_items.c.kind == kind.value, published_items.c.item.in_(part))
        )
    fresh = [(kind.value, name, digest) for name, digest in sorted(now.items()) if before.get(name) != digest]
    for start in range(0, len(fresh), 5_000):
        insert_rows(connection, published_items, ("kind", "item", "digest"), fresh[start : start + 5_000])
