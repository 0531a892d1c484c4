"""What did not go as it should: exceptions for people to settle, and the bytes that were refused.

Neither holds anything up. An exception is about an entry that is in the books, or about the state of a chain; it is
raised once for an entry and reason. Refused bytes are kept as they came, counted where they come again, and the oldest
give way: of one topic and reason, of one till, and of all. So nobody can fill the disk with them, and a till that sends
one kind of rubbish drives out neither its other kinds nor what another till sent.
"""

import hashlib
from collections.abc import Iterable
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from contract import topics
from contract.errors import ContractError
from contract.ids import TerminalAddress
from contract.making import dataclass
from contract.topics import MAX_MESSAGE_BYTES
from hq.bulk import keep_rows
from hq.tables import exceptions, quarantine

KEPT_OF_ONE_KIND = 50
"""So many refused payloads are kept for one topic and reason."""

KEPT_OF_ONE_TILL = 200
"""So many are kept of one till, whatever the reasons."""

KEPT_IN_ALL = 4_000
"""So many are kept in all: with MAX_MESSAGE_BYTES each, not more than 250 MiB."""

MAX_DETAIL_CHARS = 1_000
MAX_TOPIC_CHARS = 160


class Cause(StrEnum):
    """Why an exception was raised, or bytes refused, beyond the reasons of :class:`contract.errors.Reason`. Stable."""

    UNKNOWN_TERMINAL = "unknown_terminal"
    UNKNOWN_BLOB = "unknown_blob"
    GAP = "gap"
    ENTRY_CONFLICT = "entry_conflict"
    CHAIN_BROKEN = "chain_broken"
    OLD_EPOCH_GREW = "old_epoch_grew"
    JOURNAL_BEHIND = "journal_behind"
    HEAD_DIFFERS = "head_differs"
    UNREADABLE = "unreadable"
    JUDGING_FAILED = "judging_failed"
    TRANSACTION_DOUBLED = "transaction_doubled"
    PACK_UNKNOWN = "pack_unknown"
    PACK_VERSION_DIFFERS = "pack_version_differs"
    PACK_ELSEWHERE = "pack_elsewhere"
    CURRENCY_DIFFERS = "currency_differs"
    PLACE_DIFFERS = "place_differs"
    UNPRICEABLE = "unpriceable"
    LINES_DIFFER = "lines_differ"
    EFFECTS_DIFFER = "effects_differ"
    PRICE_DIFFERS = "price_differs"
    POINTS_DIFFER = "points_differ"
    POINTS_SCALE_DIFFERS = "points_scale_differs"
    POSTINGS_DIFFER = "postings_differ"
    POSTINGS_FOREIGN = "postings_foreign"
    TENDERS_DIFFER = "tenders_differ"
    MEMBER_UNKNOWN = "member_unknown"
    TIME_IMPLAUSIBLE = "time_implausible"
    TERMINAL_REVOKED = "terminal_revoked"
    EPOCH_BEGAN = "epoch_began"
    ENTRIES_LOST = "entries_lost"
    CARRIED_UNVERIFIED = "carried_unverified"
    PRESENTATION_TWICE = "presentation_twice"
    ORIGINAL_UNKNOWN = "original_unknown"
    RETURNED_TWICE = "returned_twice"
    REFUND_DIFFERS = "refund_differs"
    TOP_UP_DIFFERS = "top_up_differs"
    REDEMPTION_DIFFERS = "redemption_differs"
    BEYOND_LEVEL = "beyond_level"
    BEYOND_LIMIT = "beyond_limit"
    FLOOR_EXCEEDED = "floor_exceeded"
    FLOOR_BORNE = "floor_borne"
    CASH_DIFFERS = "cash_differs"
    FOREIGN_OFFICE = "foreign_office"
    LATE_SPEND = "late_spend"
    LEASE_UNKNOWN = "lease_unknown"
    LEASE_OVERDRAWN = "lease_overdrawn"
    LEASES_DIFFER = "leases_differ"
    RETURN_DIFFERS = "return_differs"
    BORN_DIFFERS = "born_differs"
    DRAWS_DIFFER = "draws_differ"
    BONUS_SPENT = "bonus_spent"
    SLIP_FORGED = "slip_forged"
    SLIP_FOREIGN = "slip_foreign"
    SLIP_DOUBLED = "slip_doubled"
    SLIP_DIFFERS = "slip_differs"
    SLIP_UNTOLD = "slip_untold"
    COUPON_DOUBLED = "coupon_doubled"
    COUPON_UNKNOWN = "coupon_unknown"
    POOL_SHORT = "pool_short"
    DOCUMENT_FORGED = "document_forged"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about an entry that people must look at."""

    cause: Cause
    detail: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where in which chain."""

    address: TerminalAddress
    epoch: int
    seq: int


def raise_exceptions(connection: Connection, found: Iterable[tuple[Place, Finding]], now_ms: int) -> None:
    """Put findings before people, each once for its place and cause."""
    keep_rows(
        connection,
        exceptions,
        ("address", "epoch", "seq", "reason", "detail", "at_ms"),
        [
            (
                str(place.address),
                place.epoch,
                place.seq,
                finding.cause.value,
                finding.detail[:MAX_DETAIL_CHARS],
                now_ms,
            )
            for place, finding in found
        ],
    )


def raise_once_in_chain(connection: Connection, place: Place, finding: Finding, now_ms: int) -> None:
    """Put ``finding`` before people unless one of its cause is open anywhere in the chain of ``place``: what concerns a
    whole journal is told at the first entry, not at each.
    """
    still_open = connection.scalar(
        select(exceptions.c.id)
        .where(
            exceptions.c.address == str(place.address),
            exceptions.c.epoch == place.epoch,
            exceptions.c.reason == finding.cause.value,
            exceptions.c.settled_ms.is_(None),
        )
        .limit(1)
    )
    if still_open is None:
        raise_exceptions(connection, ((place, finding),), now_ms)


def settle(connection: Connection, place: Place, causes: Iterable[Cause], now_ms: int) -> None:
    """Mark the open exceptions of these causes at this place as settled."""
    connection.execute(
        update(exceptions)
        .where(
            exceptions.c.address == str(place.address),
            exceptions.c.epoch == place.epoch,
            exceptions.c.seq == place.seq,
            exceptions.c.reason.in_([cause.value for cause in causes]),
            exceptions.c.settled_ms.is_(None),
        )
        .values(settled_ms=now_ms)
    )


def tell_again(connection: Connection, place: Place, finding: Finding, now_ms: int) -> None:
    """Put ``finding`` before people as it is now, also where head office itself had settled one of its cause there.
    What a person settled stays settled.
    """
    raise_exceptions(connection, ((place, finding),), now_ms)
    connection.execute(
        update(exceptions)
        .where(
            exceptions.c.address == str(place.address),
            exceptions.c.epoch == place.epoch,
            exceptions.c.seq == place.seq,
            exceptions.c.reason == finding.cause.value,
            exceptions.c.note.is_(None),
        )
        .values(settled_ms=None, detail=finding.detail[:MAX_DETAIL_CHARS])
    )


@dataclass(frozen=True, slots=True)
class Settled:
    """An exception that was settled: its number, and what it was about."""

    number: int
    reason: str
    address: str
    epoch: int
    seq: int


def settle_numbered(connection: Connection, numbers: Iterable[int], note: str, now_ms: int) -> tuple[Settled, ...]:
    """Mark open exceptions as settled, with a note; return those that were open, in order."""
    done = connection.execute(
        update(exceptions)
        .where(exceptions.c.id.in_(list(numbers)), exceptions.c.settled_ms.is_(None))
        .values(settled_ms=now_ms, note=note)
        .returning(exceptions.c.id, exceptions.c.reason, exceptions.c.address, exceptions.c.epoch, exceptions.c.seq)
    ).all()
    return tuple(sorted((Settled(*row) for row in done), key=lambda line: line.number))


def keep_refused(connection: Connection, topic: str, payload: bytes, reason: str, detail: str, now_ms: int) -> None:
    """Keep bytes that were refused, at most MAX_MESSAGE_BYTES of them, and let the oldest beyond each limit go."""
    digest = hashlib.sha256(payload).digest()
    topic = topic[:MAX_TOPIC_CHARS]
    alike = (quarantine.c.topic == topic, quarantine.c.reason == reason)
    again = connection.execute(
        update(quarantine)
        .where(*alike, quarantine.c.digest == digest)
        .values(last_ms=now_ms, times=quarantine.c.times + 1)
    )
    if again.rowcount:
        return
    connection.execute(
        insert(quarantine).values(
            topic=topic,
            reason=reason,
            detail=detail[:MAX_DETAIL_CHARS],
            digest=digest,
            payload=payload[:MAX_MESSAGE_BYTES],
            size=len(payload),
            first_ms=now_ms,
            last_ms=now_ms,
            times=1,
        )
    )
    _let_oldest_go(connection, KEPT_OF_ONE_KIND, *alike)
    try:
        address, _ = topics.read_up(topic)
    except ContractError:
        # No till's topic: the broker lets no till publish there, and the other limits hold.
        pass
    else:
        own = [topics.up(address, kind) for kind in topics.Up]
        _let_oldest_go(connection, KEPT_OF_ONE_TILL, quarantine.c.topic.in_(own))
    _let_oldest_go(connection, KEPT_IN_ALL)


def _let_oldest_go(connection: Connection, keep: int, *alike: ColumnElement[bool]) -> None:
    newest = select(quarantine.c.id).where(*alike).order_by(quarantine.c.id.desc())
    oldest_kept = connection.scalar(newest.offset(keep - 1).limit(1))
    if oldest_kept is not None:
        connection.execute(delete(quarantine).where(*alike, quarantine.c.id < oldest_kept))
