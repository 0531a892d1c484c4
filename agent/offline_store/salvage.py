"""What can be read of a damaged store goes into a new file, and a new epoch begins there.

Entries are taken from the bytes of the pages and believed by their signatures; what else the damaged file may still
tell is asked of it and believed where an entry bears it out. Members and other documents are fetched anew.
"""

import sqlite3
from collections.abc import Mapping
from contextlib import closing, suppress
from itertools import pairwise
from pathlib import Path

from agent.clock import Stamp
from agent.offline_store.chain import (
    MOST_EPOCH,
    ChainPoint,
    Place,
    Source,
    body_of,
    carries,
    opened,
    original,
    place_of,
)
from agent.offline_store.database import Database
from agent.offline_store.documents import DocumentShelf
from agent.offline_store.epochs import Applied, Epochs
from agent.offline_store.faults import StoreCause, StoreError
from agent.offline_store.journal import Journal
from agent.offline_store.pages import found_entries
from contract.bodies import CarryOverBody, DocumentChangeBody, EntryKind, EpochReason, EpochStartBody
from contract.documents import DocumentKind
from contract.errors import ContractError
from contract.journal import Entry, TimeQuality, open_entry, peek_header
from contract.making import dataclass

MOST_VERSION = 2**53
KEPT_AT_ONCE = 500
"""So many entries are written in one commit."""

_ACKED = "SELECT epoch, acked_seq, acked_digest FROM identity"
_FLOORS = "SELECT kind, version FROM document_floors"


@dataclass(frozen=True, slots=True)
class Parts:
    """What a new file is filled through: its database, journal, epochs and documents, and who is told of an entry's
    effect.
    """

    database: Database
    journal: Journal
    epochs: Epochs
    documents: DocumentShelf
    applied: Applied


@dataclass(frozen=True, slots=True)
class _Told:
    """What a damaged file still says beside its entries."""

    epochs: dict[int, ChainPoint]
    owed: tuple[int, ...]
    signed_time_ms: int
    versions: dict[str, int]
    """The versions of documents that were active."""


def rebuild(damaged: Path, parts: Parts, transaction: bytes, stamp: Stamp, known_epoch: int = 0) -> Entry:
    """Fill a new file with what can be read of ``damaged`` and begin a new epoch there, above ``known_epoch``; return
    its first entry, which says what is lost. Raises StoreError.
    """
    _keep_entries(damaged, parts)
    if parts.journal.epochs()[-1] < known_epoch < MOST_EPOCH:
        with parts.database.transaction():
            parts.journal.found(Source(parts.journal.source.address, known_epoch, parts.journal.source.key))
    told = _told(damaged)
    _keep_told(parts, told)
    _keep_carrying(parts)
    newest_ms = _remember(parts, told.versions)
    if newest_ms > stamp.wall_ms:
        stamp = Stamp(newest_ms, TimeQuality.DOUBTFUL, stamp.boot_id, stamp.monotonic_ms)
    # Without that row the totals are looked for in the entries.
    with parts.database.transaction():
        parts.database.write("DELETE FROM totals")
    source, newest = parts.journal.source, parts.journal.epochs()[-1]
    with parts.journal.going_on(Source(source.address, newest, source.key)):
        return parts.epochs.begin(newest + 1, EpochReason.JOURNAL_DAMAGED, transaction, stamp)


def _keep_entries(damaged: Path, parts: Parts) -> None:
    """Write each entry that verifies. Where one place is told in two ways, what the next entry is chained to stays."""
    journal, key = parts.journal, parts.journal.source.key
    seen: set[bytes] = set()
    rivals: list[Entry] = []
    waiting: list[Entry] = []
    try:
        for sealed in found_entries(damaged, key):
            entry = _verified(sealed, journal.source)
            if entry is None or entry.digest in seen:
                continue
            seen.add(entry.digest)
            waiting.append(entry)
            if len(waiting) >= KEPT_AT_ONCE:
                rivals += _keep_some(parts, waiting)
                waiting = []
    except OSError as error:
        raise StoreError(StoreCause.IO, f"{damaged}: {error.strerror}") from error
    rivals += _keep_some(parts, waiting)
    for rival in rivals:
        _settle(parts, rival)


def _verified(sealed: bytes, source: Source) -> Entry | None:
    try:
        entry = open_entry(sealed, source.believed)
        entry.body()
    except ContractError:
        return None
    return entry if entry.header.address == source.address else None


def _keep_some(parts: Parts, entries: list[Entry]) -> list[Entry]:
    """Write entries; return those whose place or transaction is taken."""
    journal, database = parts.journal, parts.database
    rivals = []
    with database.transaction():
        for entry in entries:
            place = Place(entry.header.epoch, entry.header.seq)
            if journal.digest_at(place.seq, place.epoch) is not None or (not carries(entry) and _booked(parts, entry)):
                rivals.append(entry)
                continue
            if place.epoch not in journal.epochs():
                journal.found(Source(journal.source.address, place.epoch, journal.source.key))
            journal.keep(entry)
    return rivals


def _booked(parts: Parts, entry: Entry) -> bool:
    sql = "SELECT 1 FROM journal WHERE transaction_id = ? AND carried = 0"
    return parts.database.row(sql, entry.header.transaction) is not None


def _settle(parts: Parts, rival: Entry) -> None:
    """Let ``rival`` have its place where the entry after it is chained to it and not to the one that stands there."""
    place = Place(rival.header.epoch, rival.header.seq)
    following = parts.database.row("SELECT sealed FROM journal WHERE place = ?", Place(place.epoch, place.seq + 1).row)
    if following is None:
        return
    after = opened(parts.journal.source.believed, Place(place.epoch, place.seq + 1), following[0])
    if after.header.previous != rival.digest:
        return
    with parts.database.transaction():
        parts.database.write("DELETE FROM journal WHERE place = ?", place.row)
        if not carries(rival):
            booked = "DELETE FROM journal WHERE transaction_id = ? AND carried = 0"
            parts.database.write(booked, rival.header.transaction)
        parts.journal.keep(rival)


def _told(damaged: Path) -> _Told:
    """What the damaged file says beside its entries, as far as it can still be asked."""
    epochs: dict[int, ChainPoint] = {}
    owed: list[int] = []
    heard = [0]
    versions: dict[str, int] = {}
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"{damaged.absolute().as_uri()}?mode=ro", uri=True)) as file:
        for gather, kept, sql in (
            (lambda epoch, seq, digest: epochs.update({epoch: ChainPoint(seq, digest)}), (int, int, bytes), _ACKED),
            (owed.append, (int,), "SELECT place FROM receipts"),
            (heard.append, (int,), "SELECT signed_time_ms FROM heard"),
            (lambda kind, version: versions.update({kind: version}), (str, int), _FLOORS),
        ):
            with suppress(sqlite3.Error, UnicodeError):
                for row in file.execute(sql):
                    if tuple(map(type, row)) == kept:
                        gather(*row)
    kinds = {kind.value for kind in DocumentKind}
    known = {kind: version for kind, version in versions.items() if kind in kinds and 1 <= version <= MOST_VERSION}
    return _Told(epochs, tuple(owed), max(heard), known)


def _keep_told(parts: Parts, told: _Told) -> None:
    """Take over what the damaged file says where the entries bear it out."""
    journal, database = parts.journal, parts.database
    with database.transaction():
        for epoch, acked in told.epochs.items():
            if not 1 <= epoch < MOST_EPOCH:
                continue
            if epoch not in journal.epochs():
                journal.found(Source(journal.source.address, epoch, journal.source.key))
            if _borne_out(parts, epoch, acked):
                sql = "UPDATE identity SET acked_seq = ?, acked_digest = ? WHERE epoch = ?"
                database.write(sql, acked.seq, acked.digest, epoch)
        for row in told.owed:
            database.write("INSERT INTO receipts (place) SELECT place FROM journal WHERE place = ?", row)
        database.write("UPDATE heard SET signed_time_ms = max(signed_time_ms, ?)", told.signed_time_ms)


def _keep_carrying(parts: Parts) -> None:
    """Note of each epoch from where on the one before it is still to be carried over: the entries themselves say. What
    is carried a second time is posted once.
    """
    journal, database = parts.journal, parts.database
    for before, epoch in pairwise(journal.epochs()):
        after = _followed_from(journal, before, epoch)
        found = database.row(
            "SELECT min(seq) FROM journal WHERE place > ? AND place < ? AND transaction_id NOT IN"
            " (SELECT transaction_id FROM journal WHERE place > ? AND carried = 1)",
            *(Place(before, after).row, Place(before + 1, 0).row, Place(epoch, 0).row),
        )
        if found is not None and found[0] is not None:
            with database.transaction():
                database.write("UPDATE identity SET carried_seq = ? WHERE epoch = ?", found[0] - 1, epoch)


def _followed_from(journal: Journal, before: int, epoch: int) -> int:
    """Behind which entry of the epoch ``before`` it was to be carried over into ``epoch``."""
    first = journal.entries_of(epoch, 0, 1, 2**40)
    body = body_of(opened(journal.source.believed, Place(epoch, 1), first[0][1])) if first else None
    return body.acked_seq if isinstance(body, EpochStartBody) else journal.acked(before).seq


def _borne_out(parts: Parts, epoch: int, acked: ChainPoint) -> bool:
    """Whether the entry at the acknowledged place, or the one after it, says the same hash."""
    if parts.journal.digest_at(acked.seq, epoch) == acked.digest:
        return True
    following = parts.journal.entries_of(epoch, acked.seq, 1, 2**40)
    if not following:
        return False
    after = opened(parts.journal.source.believed, Place(epoch, following[0][0]), following[0][1])
    return after.header.previous == acked.digest


def _remember(parts: Parts, told: Mapping[str, int]) -> int:
    """Let each entry have the effect that outlives its epoch; return the newest that is believed of their times.

    Which versions of documents were active the entries say, and of a kind that none of them names the damaged file.
    """
    newest_ms, row = 0, 0
    newest: dict[str, DocumentChangeBody] = {}
    while True:
        sql = "SELECT place, wall_ms, sealed FROM journal WHERE place > ? ORDER BY place LIMIT ?"
        some = list(parts.database.rows(sql, row, KEPT_AT_ONCE))
        if not some:
            break
        with parts.database.transaction():
            for row, wall_ms, sealed in some:
                if peek_header(sealed).time_quality is not TimeQuality.FREE_RUNNING:
                    newest_ms = wall_ms
                entry = _original(parts, place_of(row), sealed)
                if entry is None:
                    continue
                body = body_of(entry) if entry.header.kind is EntryKind.DOCUMENT_CHANGE else None
                if isinstance(body, DocumentChangeBody):
                    newest[body.kind] = max(newest.get(body.kind, body), body, key=lambda change: change.version)
                parts.applied(entry, CarryOverBody(entry.header.epoch, entry.header.seq, entry.sealed))
    leases = newest.get(DocumentKind.LEASES)
    with parts.database.transaction():
        for kind, version in ({**told} | {kind: change.version for kind, change in newest.items()}).items():
            parts.documents.raise_floor(kind, version)
        if leases is not None:
            # Leases come as deltas alone, so which one was the last has to be known.
            parts.database.write(
                "INSERT OR REPLACE INTO documents VALUES ('leases', 'active', ?, ?, 0, NULL)",
                *(leases.version, leases.digest),
            )
    return newest_ms


def _original(parts: Parts, place: Place, sealed: bytes) -> Entry | None:
    """The entry at ``place``, or the one that it carries; None where that one is kept where it was first signed."""
    believed = parts.journal.source.believed
    first, signed = original(opened(believed, place, sealed))
    if first == place:
        return opened(believed, place, sealed)
    kept = parts.journal.digest_at(first.seq, first.epoch) is not None
    return None if kept else opened(believed, first, signed)
