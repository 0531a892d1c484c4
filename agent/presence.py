"""Whether the till was there: what its journal says of the time it was not, and of a clock that jumped."""

import logging

from agent.clock import SystemClock
from agent.courier import Courier
from agent.keys import new_transaction_id
from agent.log import event
from agent.offline_store.faults import StoreError
from agent.offline_store.store import Store
from contract.bodies import EntryKind, OutageBody, OutageCause

ALIVE_MS = 60_000
"""How often it is written down that the till still runs: an outage is known to within this."""
JUMPS_AN_HOUR = 6
HOUR_MS = 3_600_000

_log = logging.getLogger(__name__)


class Presence:
    """The mark in ``store`` that this till runs. Nothing here raises; what the store cannot do now is tried again."""

    def __init__(self, store: Store, courier: Courier, clock: SystemClock) -> None:
        self._store = store
        self._courier = courier
        self._clock = clock
        self._begun = False
        self._alive_after_ms = 0
        self._jumps_ms: list[int] = []

    def tick(self) -> None:
        """Let time pass: journal once how the run before ended, then say now and then that this one goes on."""
        self._look_at_clock()
        now_ms = self._clock.monotonic_ms()
        if now_ms < self._alive_after_ms:
            return
        self._alive_after_ms = now_ms + ALIVE_MS
        try:
            if self._begun:
                self._store.runs.alive(self._clock.stamp())
            else:
                self._begin()
        except StoreError as error:
            _log.error(event("run_not_marked", cause=error.cause, detail=error.detail))
            if error.in_the_file:
                self._courier.damaged()

    def end(self) -> None:
        """The till is closed in order."""
        if not self._begun:
            return
        try:
            self._store.runs.end(self._clock.stamp())
        except StoreError as error:
            _log.error(event("run_not_marked", cause=error.cause, detail=error.detail))

    def _begin(self) -> None:
        outage = self._store.runs.begin(new_transaction_id(), self._clock.stamp())
        self._begun = True
        if outage is not None:
            self._courier.entry_appended(outage.header.seq)

    def _look_at_clock(self) -> None:
        jump = self._clock.jump()
        if jump is None:
            return
        _log.warning(event("clock_jumped", from_ms=jump.from_ms, to_ms=jump.to_ms))
        now_ms = self._clock.monotonic_ms()
        self._jumps_ms = [ms for ms in self._jumps_ms if now_ms - ms < HOUR_MS]
        if len(self._jumps_ms) < JUMPS_AN_HOUR:
            self._jumps_ms.append(now_ms)
            self._courier.journal(EntryKind.OUTAGE, OutageBody(OutageCause.CLOCK, jump.from_ms, jump.to_ms, ""))
