"""The whole journal, read and verified entry by entry: what a technician or an auditor asks for.

Reads only, and a little at a time, so that a till may go on selling beside it.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path

from agent.offline_store.audit import NOTHING_DECLARED, Audit, Declared, EpochReport, declared_by
from agent.offline_store.chain import ChainPoint, Place, damaged, opened
from agent.offline_store.faults import StoreCause, StoreError
from agent.offline_store.reading import SLICE_ROWS, KeptChain, digest_at, outline, reading, row_of, rows_of
from contract.ids import TerminalAddress
from contract.making import dataclass
from contract.signing import PublicKey
from contract.trade import PerpetualTotals

Progress = Callable[[int, int], None]
"""Told how many entries have been verified, of how many."""


@dataclass(frozen=True, slots=True)
class ChainReport:
    """A journal found whole: its epochs, oldest first, and the perpetual totals; None where no entry carries any of
    what was read.
    """

    epochs: tuple[EpochReport, ...]
    totals: PerpetualTotals | None

    @property
    def head(self) -> ChainPoint:
        """Where the open epoch ends."""
        return self.epochs[-1].head

    @property
    def acked(self) -> ChainPoint | None:
        """How far head office has acknowledged the open epoch, where that is told with a hash."""
        return self.epochs[-1].acked

    @property
    def lost(self) -> tuple[Place, ...]:
        """The entries that are known to be lost: a later epoch's first entry says so."""
        return tuple(Place(part.epoch, seq) for part in self.epochs for seq in part.lost)


def verify_journal(
    store_path: Path, address: TerminalAddress, key: PublicKey, progress: Progress | None = None
) -> ChainReport:
    """Verify every entry of the journal in ``store_path``: signature, origin, order, chain, columns, totals, and what
    was carried from one epoch into the next.

    Reads only, and may run beside a till that is selling. Raises StoreError: CORRUPT names the first entry that does
    not fit, FOREIGN where the file is another terminal's, ABSENT where there is no such file.
    """
    with reading(store_path) as connection:
        chains, kept = outline(connection, address, key)
        audit = Audit(lambda place: digest_at(connection, place))
        total = sum(chain.head.seq - chain.start.seq for chain in chains)
        done = 0
        for index, chain in enumerate(chains):
            audit.begin(chain.source, chain.start, _declared(connection, chains[index + 1 : index + 2]))
            for seq, columns in rows_of(connection, chain):
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


def _declared(connection: sqlite3.Connection, following: list[KeptChain]) -> Declared:
    """What the first entry of the epoch after says of this one."""
    if not following:
        return NOTHING_DECLARED
    source, start = following[0].source, following[0].start
    place = Place(source.epoch, 1)
    columns = None if start.seq else row_of(connection, place)
    return NOTHING_DECLARED if columns is None else declared_by(opened(source.believed, place, columns[2]))
