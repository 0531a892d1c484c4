"""How a thread waits for its device and for other threads at once, without looking again and again."""

from __future__ import annotations

import os
import select
import threading


class Bell:
    """One thread waits, others ring. Who rings changes first what the waiting one is to see: it looks after each wait.

    A ring while nobody waits ends the next wait at once. The file that it takes (eventfd(2)) is there from the first
    wait until `put_away`, so that a bell nobody waits at costs none.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._fd: int | None = None
        self._rung = False

    def ring(self) -> None:
        """End the wait that goes on, or the next one. From any thread; never blocks."""
        with self._lock:
            if not self._rung:
                self._rung = True
                if self._fd is not None:
                    os.eventfd_write(self._fd, 1)

    def wait(self, fd: int | None, timeout_s: float | None, events: int = select.POLLIN) -> bool:
        """Wait until it is rung, `fd` has one of `events` of poll(2), or the time is over; no `timeout_s`, no end.

        True says that something is with `fd`, which may also be that its device was lost: using it tells which. Raises
        OSError where the system has no more files to give.
        """
        poll = select.poll()
        poll.register(self._hung_up(), select.POLLIN)
        if fd is not None:
            poll.register(fd, events)
        came = poll.poll(None if timeout_s is None else max(timeout_s, 0) * 1000)
        with self._lock:
            if self._rung and self._fd is not None:
                os.eventfd_read(self._fd)
                self._rung = False
        return any(ready == fd for ready, _events in came)

    def put_away(self) -> None:
        """Nobody waits any more: close its file."""
        with self._lock:
            fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)

    def _hung_up(self) -> int:
        with self._lock:
            if self._fd is None:
                self._fd = os.eventfd(int(self._rung), os.EFD_NONBLOCK | os.EFD_CLOEXEC)
            return self._fd
