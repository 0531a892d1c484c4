"""A store read beside the till that sells from it: nothing is written, and a little is read at a time."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from agent.offline_store.chain import ChainPoint, Place, Source, damaged
from agent.offline_store.faults import StoreCause, StoreError, damaged_rows, named_faults
from contract.errors import ContractError
from contract.ids import TerminalAddress, parse_address
from contract.making import dataclass
from contract.signing import PublicKey, parse_public_key
from contract.trade import PerpetualTotals

SLICE_ROWS = 200
"""So many entries are read at a time."""

Columns = tuple[bytes, bytes, bytes]
"""Of an entry's row: transaction id, hash, and the signed bytes."""


@dataclass(frozen=True, slots=True)
class KeptChain:
    """One epoch as the file has it."""

    source: Source
    start: ChainPoint
    acked: ChainPoint
    head: ChainPoint
    carrying: bool


def whose(store_path: Path) -> Source:
    """Return whose journal the file says it is, and its open epoch; who believes that is the caller's to judge. Raises
    StoreError, ABSENT where there is no such file, FOREIGN where it is a database of something else.
    """
    with reading(store_path) as connection:
        if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'identity'").fetchone() is None:
            raise StoreError(StoreCause.FOREIGN, f"{store_path} is no terminal's journal")
        newest = "SELECT address, epoch, journal_key FROM identity ORDER BY epoch DESC LIMIT 1"
        address, epoch, key = _only(connection, newest)
        try:
            return Source(parse_address(address), epoch, parse_public_key(key))
        except ContractError as error:
            raise StoreError(StoreCause.CORRUPT, "what the file says of its owner does not fit together") from error


def outline(
    connection: sqlite3.Connection, address: TerminalAddress, key: PublicKey
) -> tuple[list[KeptChain], PerpetualTotals]:
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
        chains.append(KeptChain(source, start, ChainPoint(acked, acked_digest), head_point, carrying is not None))
    connection.execute("COMMIT")
    if not chains:
        raise StoreError(StoreCause.CORRUPT, "a row that is made with the file is missing")
    return chains, kept


def rows_of(connection: sqlite3.Connection, chain: KeptChain) -> Iterator[tuple[int, Columns | None]]:
    """Every place from the start to the head, with transaction, digest and signed bytes; None where it is not to be
    read.
    """
    epoch, seq = chain.source.epoch, chain.start.seq
    while seq < chain.head.seq:
        upto = min(seq + SLICE_ROWS, chain.head.seq)
        found = _slice(connection, Place(epoch, seq), Place(epoch, upto))
        for number in range(seq + 1, upto + 1):
            yield number, row_of(connection, Place(epoch, number)) if found is None else found.get(number)
        seq = upto


def _slice(connection: sqlite3.Connection, after: Place, upto: Place) -> dict[int, Columns] | None:
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


def row_of(connection: sqlite3.Connection, place: Place) -> Columns | None:
    """One entry's row; None where there is none, or its page is damaged. Raises StoreError."""
    sql = "SELECT transaction_id, digest, sealed FROM journal WHERE place = ?"
    try:
        with named_faults():
            found: Columns | None = connection.execute(sql, (place.row,)).fetchone()
            return found
    except StoreError as error:
        if error.cause is StoreCause.CORRUPT:
            return None
        raise


def digest_at(connection: sqlite3.Connection, place: Place) -> bytes | None:
    """The hash that one entry's row says it has; None where it cannot be read. Raises StoreError."""
    columns = row_of(connection, place)
    return None if columns is None else columns[1]


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that cannot write. Raises StoreError, ABSENT where there is no such file."""
    if not path.exists():
        raise StoreError(StoreCause.ABSENT, str(path))
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with damaged_rows(), named_faults(), closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
        yield connection


def _only(connection: sqlite3.Connection, sql: str) -> tuple[Any, ...]:
    found: tuple[Any, ...] | None = connection.execute(sql).fetchone()
    if found is None:
        raise StoreError(StoreCause.CORRUPT, "a row that is made with the file is missing")
    return found
