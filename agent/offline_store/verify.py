"""The whole chain, read and verified entry by entry: what a technician or an auditor asks for."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.offline_store.faults import StoreCause, StoreError, named_faults
from agent.offline_store.journal import ChainPoint, Source, check_link, check_totals
from contract.ids import TerminalAddress
from contract.signing import PublicKey
from contract.trade import PerpetualTotals


@dataclass(frozen=True, slots=True)
class ChainReport:
    """A chain found whole: where it ends, how far head office has acknowledged, and the perpetual totals."""

    head: ChainPoint
    acked: ChainPoint
    totals: PerpetualTotals


def verify_chain(store_path: Path, address: TerminalAddress, epoch: int, key: PublicKey) -> ChainReport:
    """Verify every entry of the journal in ``store_path``: signature, origin, order, chain, columns and totals.

    Reads only, and may run beside a till that is selling. Raises StoreError: CORRUPT names the first entry that does
    not fit, ABSENT where there is no such file.
    """
    if not store_path.exists():
        raise StoreError(StoreCause.ABSENT, str(store_path))
    source = Source(address, epoch, key)
    point, totals = source.start, PerpetualTotals(0, 0)
    with _reading(store_path) as connection:
        acked = ChainPoint(*_only(connection, "SELECT seq, digest FROM acknowledged"))
        kept = PerpetualTotals(*_only(connection, "SELECT sales, payable_minor FROM totals"))
        acked_seen = acked == point
        for seq, transaction, digest, sealed in connection.execute(
            "SELECT seq, transaction_id, digest, sealed FROM journal ORDER BY seq"
        ):
            entry = check_link(source, point, seq, sealed)
            if (entry.digest, entry.header.transaction) != (digest, transaction):
                raise StoreError(StoreCause.CORRUPT, f"entry {seq}: its columns are not those of the signed bytes")
            totals = check_totals(totals, entry)
            point = ChainPoint(seq, entry.digest)
            acked_seen = acked_seen or acked == point
    if not acked_seen:
        raise StoreError(StoreCause.CORRUPT, f"the journal does not hold what was acknowledged up to {acked.seq}")
    if totals != kept:
        raise StoreError(StoreCause.CORRUPT, "the perpetual totals are not those of the newest sale")
    return ChainReport(point, acked, totals)


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    """One connection inside one read transaction, so that all that is read belongs together."""
    with named_faults(), closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        connection.execute("BEGIN")
        yield connection


def _only(connection: sqlite3.Connection, sql: str) -> tuple[Any, ...]:
    found: tuple[Any, ...] | None = connection.execute(sql).fetchone()
    if found is None:
        raise StoreError(StoreCause.CORRUPT, "a row that is made with the file is missing")
    return found
