"""The thread of one driver: turn after turn at its device until it is closed, whatever a turn runs into.

What a driver knows to go wrong it catches and tells itself. Here, and nowhere else, the unexpected is caught, so that
a fault in our own program costs one turn and is seen on the glass, not a device that is silent and still called ready.
"""

from __future__ import annotations

import logging
import select
import threading
import traceback
from collections.abc import Callable

from agent.drivers.bell import Bell
from agent.drivers.facts import Status
from agent.drivers.report import Report
from agent.log import event

FAULT_PAUSE_S = 1.0
"""How long a driver rests after a fault of its own."""

CLOSE_S = 1.0

TELL_AGAIN_S = 0.5
"""How often a report is tried for which the till's mailbox had no room."""

_log = logging.getLogger(__name__)


class DeviceThread:
    """Calls `turn` again and again in a thread of its own, with `pause_s` between.

    One turn opens the device, serves it until it is lost or `closing` is set, and leaves nothing open, even when it
    raises. A turn that raises is logged and told as SELF_CHECK_FAILED, `driver_fault`, `call_technician`; the next
    turn's first report takes that back. A turn that has nothing to do is in `wait`, and nothing wakes it until
    something happens.
    """

    def __init__(self, name: str, report: Report, turn: Callable[[], None], pause_s: float) -> None:
        self.closing = threading.Event()
        self._bell = Bell()
        self._report = report
        self._turn = turn
        self._pause_s = pause_s
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin; the device may come later."""
        self._thread.start()

    def close(self, timeout_s: float = CLOSE_S) -> None:
        """Let the turn come to its end, waiting for it no longer than `timeout_s`; may be called again."""
        self.closing.set()
        self._bell.ring()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)

    def ring(self) -> None:
        """Have the turn look up from `wait`: there is something new for it to see. From any thread; never blocks."""
        self._bell.ring()

    def wait(self, fd: int | None = None, timeout_s: float | None = None, events: int = select.POLLIN) -> bool:
        """For the turn: wait until `ring` or `close` is called, `fd` has one of `events`, or the time is over.

        True says that something is with `fd`, be it that its device was lost. Raises OSError where there are no more
        files to be had. While a report found no room it ends earlier, to try that again.
        """
        if not self._report.again():
            timeout_s = TELL_AGAIN_S if timeout_s is None else min(timeout_s, TELL_AGAIN_S)
        return self._bell.wait(fd, timeout_s, events)

    def _run(self) -> None:
        try:
            while not self.closing.is_set():
                self.closing.wait(self._take_turn())
        finally:
            self._bell.put_away()

    def _take_turn(self) -> float:
        """One turn, and how long to rest after it."""
        try:
            self._turn()
        except Exception as error:
            self._tell(error)
            return FAULT_PAUSE_S
        return self._pause_s

    def _tell(self, error: Exception) -> None:
        # Where it happened and of what kind, but not the message: that may quote what a member's card or code said.
        at = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{at.filename.rpartition('/')[2]}:{at.lineno}"
        _log.error(event("driver_fault", thread=self._thread.name, error=type(error).__name__, at=place))
        self._report.say(Status.SELF_CHECK_FAILED, "driver_fault", "call_technician")
