"""Serial ports without a cable: pseudo-terminals at a stable path, with a plug that can be pulled."""

from __future__ import annotations

import os
import select
import termios
import threading
import tty
from dataclasses import dataclass
from pathlib import Path


class Pty:
    """One serial port: the peer reads and writes here, the program under test opens `path`.

    `path` is a symbolic link made by `plug`, so that it stays the same while the kernel's device changes
    behind it. The far end is held open here too: the program may come and go, and bytes sent while nobody
    listens are not an error. The line is raw: no echo, no translation, no signals. Methods may be called from
    any thread, `read` from one at a time.
    """

    def __init__(self, path: Path | str) -> None:
        """Keep the path; nothing is opened before `plug`."""
        self.path = Path(path)
        self._line: _Line | None = None
        self._users = 0
        self._changed = threading.Condition()

    def start(self) -> None:
        """Plug the port in; the same as `plug`."""
        self.plug()

    def close(self) -> None:
        """Unplug for good; may be called again."""
        self.unplug()

    @property
    def plugged(self) -> bool:
        """Whether the port is there now."""
        with self._changed:
            return self._line is not None

    def plug(self) -> None:
        """Open a new pseudo-terminal and let `path` lead to it, unless plugged in. Raises OSError."""
        with self._changed:
            if self._line is not None:
                return
            master, slave = os.openpty()
            tty.setraw(slave, termios.TCSANOW)
            os.set_blocking(master, False)
            beside = self.path.with_name(f".{self.path.name}.new")
            beside.unlink(missing_ok=True)
            beside.symlink_to(os.ttyname(slave))
            beside.rename(self.path)
            self._line = _Line(master, slave, os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC))
            self._changed.notify_all()

    def unplug(self) -> None:
        """Remove `path` and hang up: whoever has it open reads end-of-file. May be called again."""
        with self._changed:
            line, self._line = self._line, None
            if line is None:
                return
            self.path.unlink(missing_ok=True)
            # A thread inside read or write still uses the numbers of these files: closed under its hands,
            # they could be given to some other file. It sees the wake-up and leaves at once.
            os.eventfd_write(line.unplugged, 1)
            self._changed.wait_for(lambda: self._users == 0)
            for fd in (line.master, line.slave, line.unplugged):
                os.close(fd)

    def replug(self) -> None:
        """Plug in again after `unplug`, at the same path."""
        self.plug()

    def wait_plugged(self, timeout_s: float | None = None) -> bool:
        """Wait until the port is plugged in; False when `timeout_s` passed first."""
        with self._changed:
            return self._changed.wait_for(lambda: self._line is not None, timeout_s)

    def read(self, limit: int = 4096, timeout_s: float | None = None) -> bytes:
        """Wait for bytes from the program under test and return up to `limit` of them.

        Returns none when `timeout_s` has passed, or the port is or becomes unplugged (see `plugged`).
        """
        line = self._enter()
        if line is None:
            return b""
        try:
            if not _wait(line, select.POLLIN, timeout_s):
                return b""
            return os.read(line.master, limit)
        except OSError:
            return b""
        finally:
            self._leave()

    def write(self, data: bytes, timeout_s: float = 1.0) -> int:
        """Send bytes to the program under test and return how many went.

        Fewer than all go only when the port is unplugged, or when nobody took any for `timeout_s`: like a
        serial line, the rest is lost.
        """
        line = self._enter()
        if line is None:
            return 0
        sent = 0
        try:
            while sent < len(data) and _wait(line, select.POLLOUT, timeout_s):
                try:
                    sent += os.write(line.master, data[sent:])
                except BlockingIOError:
                    continue
                except OSError:
                    break
            return sent
        finally:
            self._leave()

    def _enter(self) -> _Line | None:
        with self._changed:
            if self._line is not None:
                self._users += 1
            return self._line

    def _leave(self) -> None:
        with self._changed:
            self._users -= 1
            self._changed.notify_all()


@dataclass(frozen=True, slots=True)
class _Line:
    """The open files of one plugging-in: both ends of the pty, and an eventfd that says it was pulled."""

    master: int
    slave: int
    unplugged: int


def _wait(line: _Line, event: int, timeout_s: float | None) -> bool:
    """Wait until the line is ready for `event`; False when it was unplugged or the time has passed."""
    poll = select.poll()
    poll.register(line.master, event)
    poll.register(line.unplugged, select.POLLIN)
    ready = dict(poll.poll(None if timeout_s is None else timeout_s * 1000))
    return line.unplugged not in ready and bool(ready.get(line.master, 0) & event)
