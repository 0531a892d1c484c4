"""A display on a pole at the other end of a serial line: keeps what it would show, row by row or figure by figure.

It obeys what agent tills send to such displays and no more: ESC @, FF, ESC Q A and ESC Q B up to CR (CD5220), and
ESC s with the number of a lamp (displays of eight figures). Anything else is kept as not understood.
"""

from __future__ import annotations

import threading

from simulator.ports import Pty

COLUMNS = 20
ROWS = 2
TICK_S = 0.02


class Pole:
    """A pole on a pty. `charset` is how its letters are written."""

    def __init__(self, pty: Pty, charset: str = "ascii") -> None:
        self._pty = pty
        self._charset = charset
        self._bytes = bytearray()
        self._rows = [""] * ROWS
        self._stalled = False
        self._pace_s = 0.0
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pole", daemon=True)
        self.lamp = 0
        """Which lamp is lit: 0 none, 1 price, 2 total, 3 received, 4 change."""
        self.begun = 0
        """How often it was begun anew."""
        self.unknown = b""
        """What it was sent and did not understand."""

    @property
    def waiting(self) -> bytes:
        """Half a command, whose rest has not come."""
        return bytes(self._bytes)

    @property
    def rows(self) -> tuple[str, ...]:
        """What stands on it, without the blanks at the end of a row."""
        return tuple(row.rstrip() for row in self._rows)

    def start(self) -> None:
        """Plug it in."""
        self._pty.plug()
        self._thread.start()

    def close(self) -> None:
        """Pull it out for good; may be called again."""
        self._closing.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._pty.unplug()

    def unplug(self) -> None:
        """Pull its plug; it goes dark."""
        self._pty.unplug()
        self._bytes.clear()
        self._rows = [""] * ROWS
        self.lamp = 0

    def replug(self) -> None:
        """Plug it in again, dark."""
        self._pty.plug()

    def stall(self, stalled: bool = True) -> None:
        """Take no bytes off the line, and go on later."""
        self._stalled = stalled

    def slow(self, pace_s: float) -> None:
        """Take one byte at a time with such a pause behind each; 0: as they come."""
        self._pace_s = pace_s

    def speak(self, data: bytes) -> None:
        """Put bytes on the line, as a loose cable does: a pole has nothing to say. What nobody takes is lost."""
        self._pty.write(data, TICK_S)

    def receive(self, data: bytes) -> None:
        """Take bytes off the line; half a command waits for its rest."""
        self._bytes += data
        while self._bytes and self._obey():
            continue

    def _run(self) -> None:
        while not self._closing.is_set():
            if not self._pty.plugged:
                self._pty.wait_plugged(TICK_S)
                continue
            if self._stalled:
                self._closing.wait(TICK_S)
                continue
            self.receive(self._pty.read(1 if self._pace_s else 4096, TICK_S))
            if self._pace_s:
                self._closing.wait(self._pace_s)

    def _obey(self) -> bool:
        """Take one command off the front; False when it is not whole yet."""
        data = self._bytes
        if data[0] == 0x0C:
            self._rows = [""] * ROWS
            del data[0]
        elif data[0] != 0x1B:
            self.unknown += bytes(data[:1])
            del data[0]
        elif len(data) < 2:
            return False
        else:
            return self._obey_escape()
        return True

    def _obey_escape(self) -> bool:
        data = self._bytes
        if data[1:2] == b"@":
            self.begun += 1
            self._rows, self.lamp = [""] * ROWS, 0
            del data[:2]
        elif data[1:2] == b"s":
            if len(data) < 3:
                return False
            self.lamp = data[2] - ord("0")
            del data[:3]
        elif data[1:2] == b"Q":
            end = data.find(b"\r")
            if end < 0:
                return False
            self._write(bytes(data[2:end]))
            del data[: end + 1]
        else:
            self.unknown += bytes(data[:2])
            del data[:2]
        return True

    def _write(self, row: bytes) -> None:
        text = row[1:].decode(self._charset, errors="replace")
        if row[:1] in (b"A", b"B") and len(row) <= COLUMNS + 1:
            self._rows[row[0] - ord("A")] = text
        else:
            self.unknown += b"\x1bQ" + row
