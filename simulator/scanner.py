"""A bar code and QR scanner on a serial line: sends each code followed by a carriage return."""

from __future__ import annotations

from pathlib import Path

from simulator.faults import Fault, Faults
from simulator.ports import Pty


class Scanner:
    """A scanner at the serial port `path`."""

    def __init__(self, path: Path | str, terminator: bytes = b"\r") -> None:
        self._pty = Pty(path)
        self._terminator = terminator
        self._faults = Faults()

    @property
    def path(self) -> Path:
        """Where a till opens it."""
        return self._pty.path

    def start(self) -> None:
        """Plug it in."""
        self._pty.start()

    def close(self) -> None:
        """Take it away; may be called again."""
        self._pty.close()

    def fail(self, fault: Fault, times: int | None = None, after_bytes: int = 0) -> None:
        """Fail at the next `times` scans (None: until `heal`)."""
        self._faults.fail(fault, times, after_bytes=after_bytes)

    def heal(self) -> None:
        """Work well again."""
        self._faults.heal()

    def scan(self, data: bytes) -> None:
        """Read a code and send it."""
        self._faults.send(data + self._terminator, self._faults.meet(), self._pty.write, self.unplug)

    def send(self, data: bytes) -> None:
        """Put any bytes on the line: noise, or a code without its end."""
        self._pty.write(data)

    def unplug(self) -> None:
        """Pull its plug."""
        self._pty.unplug()

    def replug(self) -> None:
        """Plug it in again, at the same path."""
        self._pty.replug()
