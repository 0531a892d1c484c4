"""The whole journal, read and verified entry by entry: what a technician or an auditor asks for.

Reads only, and a little at a time, so that a till may go on selling beside it.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.offline_store.audit import NOTHING_DECLARED, Audit, Declared, EpochReport, declared_by
from agent.offline_store.chain import ChainPoint, Place, Source, damaged, opened
from agent.offline_store.faults import StoreCause, StoreError, named_faults
from contract.errors import ContractError
from contract.ids import TerminalAddress, parse_address
from contract.signing import PublicKey
from contract.trade import PerpetualTotals

SLICE_ROWS = 200
"""So many entries are read at a time."""

Progress = Callable[[int, int], None]
"""Told how many entries have been verified, of how many."""


@dataclass(frozen=True, slots=True)
class ChainReport:
    """A journal found whole: its epochs, oldest first, and the perpetual totals."""

    epochs: tuple[EpochReport, ...]
    totals: PerpetualTotals

    @property
    def head(self) -> ChainPoint:
        """Where the open epoch ends."""
        return self.epochs[-1].head

    @property
    def acked(self) -> ChainPoint:
        """How far head office has acknowledged the open epoch."""
        return self.epochs[-1].acked

    @property
    def lost(self) -> tuple[Place, ...]:
        """The entries that are known to be lost: a later epoch's first entry says so."""
        return tuple(Place(part.epoch, seq) for part in self.epochs for seq in part.lost)


@dataclass(frozen=True, slots=True)
class _Chain:
    """One epoch as the file has it."""

    source: Source
    start: ChainPoint
    acked: ChainPoint
    head: ChainPoint
    carrying: bool


def whose(store_path: Path) -> TerminalAddress:
    """Return the address that the file says it belongs to; who believes it is the caller's to judge. Raises StoreError,
    ABSENT where there is no such file.
    """
    with _reading(store_path) as connection:
        address, _key = _only(connection, "SELECT address, journal_key FROM identity ORDER BY epoch DESC LIMIT 1")
        try:
            return parse_address(address)
        except ContractError as error:
            raise StoreError(StoreCause.CORRUPT, "what the file says of its owner does not fit together") from error


def verify_journal(
    store_path: Path, address: TerminalAddress, key: PublicKey, progress: Progress | None = None
) -> ChainReport:
    """Verify every entry of the journal in ``store_path``: signature, origin, order, chain, columns, totals, and what
    was carried from one epoch into the next.

    Reads only, and may run beside a till that is selling. Raises StoreError: CORRUPT names the first entry that does
    not fit, FOREIGN where the file is another terminal's, ABSENT where there is no such file.
    """
    with _reading(store_path) as connection:
        chains, kept = _outline(connection, address, key)
        audit = Audit(lambda place: _digest_at(connection, place))
        total = sum(chain.head.seq - chain.start.seq for chain in chains)
        done = 0
        for index, chain in enumerate(chains):
            audit.begin(chain.source, chain.start, _declared(connection, chains[index + 1 : index + 2]))
            for seq, columns in _rows(connection, chain):
                done += 1
                if columns is None:
                    audit.unreadable(seq)
                    continue
                transaction, digest, sealed = columns
                entry = audit.take(seq, sealed)
                if entry is not None and (entry.digest, entry.header.transaction) != (digest, transaction):
                    raise damaged(Place(chain.source.epoch, seq), "its columns are not those of the signed bytes")
                if progress is not None and done % SLICE_ROWS == 0:
                    progress(done, total)
            audit.end(chain.head, chain.acked, chain.carrying)
    if audit.totals not in (None, kept):
        raise StoreError(StoreCause.CORRUPT, "the perpetual totals are not those of the newest entry with any")
    return ChainReport(audit.reports, kept)


def _outline(
    connection: sqlite3.Connection, address: TerminalAddress, key: PublicKey
) -> tuple[list[_Chain], PerpetualTotals]:
    """What belongs together, read at one moment: the epochs with their cursors and ends, and the totals."""
    chains = []
    connection.execute("BEGIN")
    totals = "SELECT sales, payable_minor, refunds, refunded_minor, top_ups, topped_up_minor FROM totals"
    kept = PerpetualTotals(*_only(connection, totals))
    for (
        epoch,
        whose_address,
        journal_key,
        identity,
        acked,
        acked_digest,
        after,
        after_digest,
        carrying,
    ) in connection.execute("SELECT * FROM identity ORDER BY epoch").fetchall():
        source = Source(address, epoch, key)
        if (whose_address, journal_key) != (str(address), key.text()):
            raise StoreError(StoreCause.FOREIGN, f"epoch {epoch} belongs to {whose_address} or to another key")
        start = ChainPoint(after, after_digest)
        if identity != source.start.digest or (after == 0 and start != source.start):
            raise damaged(Place(epoch, 0), "the chain does not begin with the terminal's identity")
        head = connection.execute(
            "SELECT seq, digest FROM journal WHERE place > ? AND place < ? ORDER BY place DESC LIMIT 1",
            (Place(epoch, after).row, Place(epoch + 1, 0).row),
        ).fetchone()
        head_point = start if head is None else ChainPoint(*head)
        chains.append(_Chain(source, start, ChainPoint(acked, acked_digest), head_point, carrying is not None))
    connection.execute("COMMIT")
    if not chains:
        raise StoreError(StoreCause.CORRUPT, "a row that is made with the file is missing")
    return chains, kept


def _declared(connection: sqlite3.Connection, following: list[_Chain]) -> Declared:
    """What the first entry of the epoch after says of this one."""
    if not following:
        return NOTHING_DECLARED
    source, start = following[0].source, following[0].start
    place = Place(source.epoch, 1)
    columns = None if start.seq else _row(connection, place)
    return NOTHING_DECLARED if columns is None else declared_by(opened(source.believed, place, columns[2]))


def _rows(connection: sqlite3.Connection, chain: _Chain) -> Iterator[tuple[int, tuple[bytes, bytes, bytes] | None]]:
    """Every place from the start to the head, with transaction, digest and signed bytes; None where it is not to be
    read.
    """
    epoch, seq = chain.source.epoch, chain.start.seq
    while seq < chain.head.seq:
        upto = min(seq + SLICE_ROWS, chain.head.seq)
        found = _slice(connection, Place(epoch, seq), Place(epoch, upto))
        for number in range(seq + 1, upto + 1):
            yield number, _row(connection, Place(epoch, number)) if found is None else found.get(number)
        seq = upto


def _slice(connection: sqlite3.Connection, after: Place, upto: Place) -> dict[int, tuple[bytes, bytes, bytes]] | None:
    """The entries behind ``after``; None where a page among them is damaged."""
    sql = "SELECT seq, transaction_id, digest, sealed FROM journal WHERE place > ? AND place <= ?"
    try:
        with named_faults():
            rows = connection.execute(sql, (after.row, upto.row)).fetchall()
    except StoreError as error:
        if error.cause is StoreCause.CORRUPT:
            return None
        raise
    return {seq: (transaction, digest, sealed) for seq, transaction, digest, sealed in rows}


def _row(connection: sqlite3.Connection, place: Place) -> tuple[bytes, bytes, bytes] | None:
    sql = "SELECT transaction_id, digest, sealed FROM journal WHERE place = ?"
    try:
        with named_faults():
            found: tuple[bytes, bytes, bytes] | None = connection.execute(sql, (place.row,)).fetchone()
            return found
    except StoreError as error:
        if error.cause is StoreCause.CORRUPT:
            return None
        raise


def _digest_at(connection: sqlite3.Connection, place: Place) -> bytes | None:
    columns = _row(connection, place)
    return None if columns is None else columns[1]


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that cannot write. Raises StoreError, ABSENT where there is no such file."""
    if not path.exists():
        raise StoreError(StoreCause.ABSENT, str(path))
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with named_faults(), closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
        yield connection


def _only(connection: sqlite3.Connection, sql: str) -> tuple[Any, ...]:
    found: tuple[Any, ...] | None = connection.execute(sql).fetchone()
    if found is None:
        raise StoreError(StoreCause.CORRUPT, "a row that is made with the file is missing")
    return found
