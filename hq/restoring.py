"""Head office restored from an older backup: how it is noticed, and when lending begins again.

Terminals know what these books have forgotten: a hello says that head office acknowledged more than it has, or that a
document is active whose version head office has not reached. From then on nothing is lent and nothing reserved until
every till that may speak has activated a leases document issued after the restoration. Its journal up to that entry is
in by then, and with it everything it was lent; older documents still on their way cannot be laid any more, because each
names the one it builds on. Next versions are always above whatever was told.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, insert, or_, select, update

from contract import topics, wire
from contract.bodies import MAX_EMBEDDED_BYTES
from contract.documents import Document, DocumentKind
from contract.envelope import peek
from contract.errors import ContractError
from contract.ids import TerminalAddress
from contract.messages import HeldDocument, Hello, read_hello
from hq.documents import DAY_MS, MOST_FORGOTTEN
from hq.tables import documents, lease_documents, quarantine, restorations, terminals, told_documents
from hq.told_leases import ACTIVE, OFFERED, REPLACED, replace_offer
from hq.unsettled import Cause

MOST_STRANGERS = 1_000
"""So many of the last hellos of tills that are not enrolled are looked at."""


def note_told(connection: Connection, address: TerminalAddress, hello: Hello, upto_seq: int, now_ms: int) -> None:
    """Keep which documents a terminal says are active; begin a restoration where it knows more than these books, which
    have its chain up to ``upto_seq``. Where nothing is new nothing is written: every heartbeat comes here.
    """
    known = connection.execute(_told(), {"address": str(address)}).all()
    before = {row.kind: (row.version, row.digest) for row in known}
    told = {held.kind: (held.version, held.digest) for held in hello.documents}
    if before != told:
        connection.execute(told_documents.delete().where(told_documents.c.address == str(address)))
        rows = [
            {"address": str(address), "kind": kind, "version": version, "digest": digest, "told_ms": now_ms}
            for kind, (version, digest) in told.items()
        ]
        if rows:
            connection.execute(insert(told_documents), rows)
    leases_told = told.get(DocumentKind.LEASES.value)
    for row in connection.execute(_leases_documents(), {"address": str(address)}).all():
        if row.state == OFFERED:
            _doubt_offer(connection, row.digest, row.base, leases_told, now_ms)
        elif leases_told is None and row.epoch < hello.epoch:
            _forget_active(connection, row.digest)
    claim = _claim(connection, address, hello, upto_seq)
    if claim is None:
        reason = _newer_document(connection, address, hello.documents if before != told else ())
        claim = Claim(address, None, None, reason) if reason else None
    if claim is not None and not _said_lately(connection, claim, now_ms):
        begin_restoration(connection, claim.reason, now_ms, claim)


def open_restoration(connection: Connection) -> int | None:
    """The number of the restoration that is open, None while everything is as it should be."""
    return connection.scalar(
        select(restorations.c.id).where(restorations.c.closed_ms.is_(None)).order_by(restorations.c.id).limit(1)
    )


def latest_restoration(connection: Connection) -> int:
    """The number of the last restoration there was, 0 where there was none."""
    return connection.scalar(select(func.max(restorations.c.id))) or 0


def strangers_holding(connection: Connection) -> tuple[str, ...]:
    """The tills that these books do not know and that have said, since the restoration began that is open, that they
    hold leases.
    """
    begun_ms = connection.scalar(select(func.min(restorations.c.begun_ms)).where(restorations.c.closed_ms.is_(None)))
    rows = connection.execute(
        select(quarantine.c.topic, quarantine.c.payload)
        .where(quarantine.c.reason == Cause.UNKNOWN_TERMINAL.value, quarantine.c.last_ms >= (begun_ms or 0))
        .order_by(quarantine.c.id.desc())
        .limit(MOST_STRANGERS)
    ).all()
    found = {str(address) for row in rows if (address := _holder(row.topic, row.payload)) is not None}
    known = connection.scalars(select(terminals.c.address).where(terminals.c.address.in_(sorted(found))))
    return tuple(sorted(found.difference(known)))


def _holder(topic: str, payload: bytes) -> TerminalAddress | None:
    """Who holds leases by a hello that was refused."""
    try:
        address, kind = topics.read_up(topic)
        holds = kind is topics.Up.HELLO and read_hello(payload).leases.count > 0
    except ContractError:
        return None
    return address if holds else None


@dataclass(frozen=True, slots=True)
class Claim:
    """What a till says head office has acknowledged of one of its epochs, and head office has not got; without an epoch
    which documents it has.
    """

    address: TerminalAddress
    epoch: int | None
    acked_seq: int | None
    reason: str


def begin_restoration(connection: Connection, reason: str, now_ms: int, claim: Claim | None = None) -> None:
    """Stop lending until every till has told what it holds. Where that is so already, nothing changes."""
    if open_restoration(connection) is not None:
        return
    said: dict[str, object] = {}
    if claim is not None:
        said = {"address": str(claim.address), "epoch": claim.epoch, "acked_seq": claim.acked_seq}
    connection.execute(insert(restorations).values(begun_ms=now_ms, reason=reason[:200], closed_ms=None, **said))


def close_restoration(connection: Connection, now_ms: int) -> None:
    """Begin to lend again."""
    connection.execute(update(restorations).where(restorations.c.closed_ms.is_(None)).values(closed_ms=now_ms))


@cache
def _told() -> Select[*tuple[Any, ...]]:
    """What a terminal told before. Built once, as what follows: every hello asks it."""
    asked = select(told_documents.c.kind, told_documents.c.version, told_documents.c.digest)
    return asked.where(told_documents.c.address == bindparam("address"))


@cache
def _leases_documents() -> Select[*tuple[Any, ...]]:
    """The leases documents that a terminal has active, or that are on their way to it."""
    asked = select(
        lease_documents.c.digest, lease_documents.c.state, lease_documents.c.base, lease_documents.c.epoch
    ).order_by(lease_documents.c.version)
    return asked.where(
        lease_documents.c.address == bindparam("address"), lease_documents.c.state.in_((ACTIVE, OFFERED))
    )


def _claim(connection: Connection, address: TerminalAddress, hello: Hello, upto_seq: int) -> Claim | None:
    """Whether a till says that more was acknowledged than is here. A till that says what cannot be, or that said so
    before and never brought it, is not believed: one till must not stop lending for all, again and again.
    """
    if not upto_seq < hello.acked_seq <= min(hello.head_seq, upto_seq + MOST_FORGOTTEN):
        return None
    said = (restorations.c.address == str(address), restorations.c.epoch == hello.epoch)
    not_brought = (restorations.c.closed_ms.is_not(None), restorations.c.acked_seq > upto_seq)
    if connection.scalar(select(restorations.c.id).where(*said, *not_brought).limit(1)) is not None:
        return None
    reason = f"{address} epoch {hello.epoch} was acknowledged up to {hello.acked_seq}, head office has {upto_seq}"
    return Claim(address, hello.epoch, hello.acked_seq, reason)


def _said_lately(connection: Connection, claim: Claim, now_ms: int) -> bool:
    """Whether lending was stopped by the word of the same till within a day, of other than the same epoch: whoever
    says so of one epoch after the other, or of document after document, must not stop it for ever.
    """
    lately = (restorations.c.address == str(claim.address), restorations.c.begun_ms > now_ms - DAY_MS)
    other = or_(restorations.c.epoch.is_(None), restorations.c.epoch.is_distinct_from(claim.epoch))
    return connection.scalar(select(restorations.c.id).where(*lately, other).limit(1)) is not None


def _newer_document(connection: Connection, address: TerminalAddress, held: Iterable[HeldDocument]) -> str:
    for document in held:
        newest = newest_version(connection, address, document.kind)
        # A till that tells of impossible versions must not stop lending for all.
        if newest < document.version <= newest + MOST_FORGOTTEN:
            return f"{address} has {document.kind} {document.version}, head office has signed {newest}"
    return ""


def newest_version(connection: Connection, address: TerminalAddress, kind: str) -> int:
    """The highest version of a kind that these books know to have been signed for a terminal; 0 for none."""
    if kind == DocumentKind.LEASES.value:
        asked = select(func.max(lease_documents.c.version)).where(lease_documents.c.address == str(address))
    else:
        asked = select(func.max(documents.c.version)).where(documents.c.kind == kind)
    return connection.scalar(asked) or 0


def _forget_active(connection: Connection, active: bytes) -> None:
    """A terminal that has no leases document in a later epoch than this one's is another unit, or has lost what an
    earlier epoch had: the next one it is given builds on none.
    """
    connection.execute(
        update(lease_documents)
        .where(lease_documents.c.digest == active, lease_documents.c.state == ACTIVE)
        .values(state=REPLACED)
    )


def _doubt_offer(
    connection: Connection, offered: bytes, base: bytes | None, told: tuple[int, bytes] | None, now_ms: int
) -> None:
    """A leases document on its way that cannot be laid on what the terminal has, or will soon be too old to be taken:
    it is said again, on the right one.
    """
    if told is not None and told[1] == offered:
        return
    sealed = connection.scalar(select(lease_documents.c.sealed).where(lease_documents.c.digest == offered))
    document = wire.unpack(Document, peek(sealed or b"", MAX_EMBEDDED_BYTES), MAX_EMBEDDED_BYTES)
    fresh_until_ms = (document.issued_ms + document.accept_until_ms) // 2
    if base != (None if told is None else told[1]) or now_ms > fresh_until_ms:
        replace_offer(connection, offered)
