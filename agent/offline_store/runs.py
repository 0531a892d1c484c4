"""How the run of the program before this one ended: closed in order, or with the power or the process cut off."""

from agent.clock import Stamp
from agent.offline_store.database import Database
from agent.offline_store.journal import Journal
from contract.bodies import EntryKind, OutageBody, OutageCause
from contract.journal import Entry
from contract.making import dataclass


@dataclass(frozen=True, slots=True)
class Stop:
    """The run before: in which boot it was, the latest moment known of it, and whether it was closed in order."""

    boot_id: bytes
    wall_ms: int
    closed: bool


class Runs:
    """The mark in ``database`` that says that a till is running, and the entries of ``journal`` about runs cut off."""

    def __init__(self, database: Database, journal: Journal) -> None:
        self._database = database
        self._journal = journal

    def last_stop(self) -> Stop | None:
        """Return what is known of the run whose mark is in the file; None where none has ever begun."""
        found = self._database.row("SELECT boot_id, wall_ms, closed FROM run")
        if found is None:
            return None
        (newest_ms,) = self._database.row(
            "SELECT max(wall_ms) FROM journal WHERE place = (SELECT max(place) FROM journal)"
        ) or (None,)
        return Stop(found[0], max(found[1], newest_ms or 0), bool(found[2]))

    def outage(self, stamp: Stamp) -> OutageBody | None:
        """Return what an entry should say of the time since the run before, where that was not closed in order."""
        stop = self.last_stop()
        if stop is None or stop.closed:
            return None
        cause = OutageCause.PROCESS if stop.boot_id == stamp.boot_id else OutageCause.POWER
        return OutageBody(cause, min(stop.wall_ms, stamp.wall_ms), stamp.wall_ms, "")

    def begin(self, transaction: bytes, stamp: Stamp) -> Entry | None:
        """Mark that a run has begun and, in the same durable commit, journal how the one before was cut off; return
        that entry, None where it was closed in order.
        """
        with self._database.transaction():
            outage = self.outage(stamp)
            self._mark(stamp, closed=False)
            if outage is None:
                return None
            return self._journal.append_within(EntryKind.OUTAGE, transaction, stamp, outage)

    def alive(self, stamp: Stamp) -> None:
        """Note that the run still goes on. No sync of its own: lost at a power cut, an older moment holds."""
        with self._database.transaction(durable=False):
            self._mark(stamp, closed=False)

    def end(self, stamp: Stamp) -> None:
        """Mark durably that the run is closed in order."""
        with self._database.transaction():
            self._mark(stamp, closed=True)

    def _mark(self, stamp: Stamp, closed: bool) -> None:
        self._database.write(
            "INSERT OR REPLACE INTO run VALUES (1, ?, ?, ?)", stamp.boot_id, stamp.wall_ms, int(closed)
        )
