"""Old entries are let go where the disk is short: only what head office has acknowledged, and that not for 90 days.

What is behind them still verifies, from the hash that the first entry kept is chained from. The file does not become
smaller; the pages that were theirs are written again.
"""

from pathlib import Path

from agent.offline_store.chain import MOST_SEQ, Place
from agent.offline_store.database import Database
from agent.offline_store.faults import StoreCause, StoreError
from agent.offline_store.journal import Journal
from agent.offline_store.room import Room

KEPT_MS = 90 * 24 * 3_600_000
"""Head office may ask again for what is younger; reckoned from the latest time it has signed."""

LET_GO_AT_ONCE = 500
PAGE_BYTES = 4_096


class Retention:
    """The old entries of ``journal``."""

    def __init__(self, database: Database, journal: Journal) -> None:
        self._database = database
        self._journal = journal

    def require_room(self, room: Room, path: Path) -> None:
        """Make sure that there is room for a sale or a document, having let old entries go where the disk is short.
        Raises StoreError, FULL where there is none.
        """
        free = room.free(path)
        if free >= room.reserve_bytes:
            return
        self.prune()
        (pages,) = self._database.row("PRAGMA freelist_count") or (0,)
        # The log and whatever else is on the disk need room that these pages are not.
        if free < room.reserve_bytes // 2 or free + pages * PAGE_BYTES < room.reserve_bytes:
            raise StoreError(StoreCause.FULL, f"{free} bytes free, the last {room.reserve_bytes} are for closing")

    def prune(self) -> int:
        """Let the oldest entries go that may, as many as one commit takes, and return how many. No sync of its own."""
        before_ms = self._journal.signed_time_ms() - KEPT_MS
        gone = 0
        for epoch in self._journal.epochs():
            if gone < LET_GO_AT_ONCE:
                gone += self._prune(epoch, before_ms, LET_GO_AT_ONCE - gone)
            if self._ends_young(epoch, before_ms):
                # What was made after it is younger, whatever a clock said then.
                break
        return gone

    def _ends_young(self, epoch: int, before_ms: int) -> bool:
        """Whether the newest entry of an epoch is too young to go, and not of a clock that ran far ahead."""
        newest = Place(epoch, self._journal.head(epoch).seq).row
        row = self._database.row("SELECT wall_ms FROM journal WHERE place = ?", newest)
        return row is not None and before_ms <= row[0] <= before_ms + 2 * KEPT_MS

    def _prune(self, epoch: int, before_ms: int, most: int) -> int:
        start, upto = self._journal.start(epoch), self._last_to_go(epoch)
        rows = self._database.rows(
            "SELECT seq, wall_ms, digest FROM journal WHERE place > ? AND place <= ? ORDER BY place LIMIT ?",
            *(Place(epoch, start.seq).row, Place(epoch, max(upto, start.seq)).row, most),
        )
        last, digest = start.seq, start.digest
        for seq, wall_ms, its_digest in list(rows):
            if seq != last + 1 or wall_ms >= before_ms:
                break
            last, digest = seq, its_digest
        if last == start.seq:
            return 0
        with self._database.transaction(durable=False):
            self._database.write(
                "UPDATE identity SET kept_after_seq = ?, kept_after_digest = ? WHERE epoch = ?", last, digest, epoch
            )
            self._database.write(
                "DELETE FROM journal WHERE place BETWEEN ? AND ?", Place(epoch, 0).row, Place(epoch, last).row
            )
        return last - start.seq

    def _last_to_go(self, epoch: int) -> int:
        """Up to where an epoch's entries may go: acknowledged, no paper owed, nothing that is still counted from, and
        never the newest.
        """
        counted = self._database.row("SELECT counted_place, sale_place, shift_place FROM totals") or ()
        owed = self._database.row(
            "SELECT min(place) FROM receipts WHERE place BETWEEN ? AND ?",
            *(Place(epoch, 0).row, Place(epoch, MOST_SEQ).row),
        )
        needed = [row for row in (*counted, *(owed or ())) if row]
        first_needed = min((row - Place(epoch, 0).row for row in needed if row > Place(epoch, 0).row), default=MOST_SEQ)
        return int(min(self._journal.acked(epoch).seq, self._journal.head(epoch).seq - 1, first_needed - 1))
