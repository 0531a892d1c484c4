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
        self._poll = select.poll()
        self._polled: tuple[int, int | None, int] | None = None

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
        bell = self._hung_up()
        if self._polled != (bell, fd, events):
            self._polled = bell, fd, events
            self._poll = select.poll()
            self._poll.register(bell, select.POLLIN)
            if fd is not None:
                self._poll.register(fd, events)
        ready = [one for one, _events in self._poll.poll(None if timeout_s is None else max(timeout_s, 0) * 1000)]
        if bell in ready:
            with self._lock:
                os.eventfd_read(bell)
                self._rung = False
        return fd in ready

    def put_away(self) -> None:
        """Nobody waits any more: close its file."""
        with self._lock:
            fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)

    def _hung_up(self) -> int:
        """Its file. Who waits is who opens and closes it, so that only rings are to be kept away meanwhile."""
        if self._fd is None:
            with self._lock:
                self._fd = os.eventfd(int(self._rung), os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        return self._fd
