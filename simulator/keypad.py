"""A till keypad on a serial line: one ASCII byte for each key that goes down."""

from __future__ import annotations

from pathlib import Path

from simulator.faults import Fault, Faults
from simulator.ports import Pty

KEYS: dict[str, bytes] = {
    **{digit: digit.encode() for digit in "0123456789."},
    "00": b"O",
    "clear": b"C",
    "cancel": b"X",
    "enter": b"\r",
    "member": b"M",
    "cash": b"$",
    "stored": b"V",
    "topup": b"T",
    "slip": b"P",
    "points": b"B",
    "redeem": b"G",
    "reprint": b"R",
    "lang": b"L",
    "signout": b"S",
    "refund": b"U",
    "report": b"Z",
    "training": b"N",
    "menu": b"=",
}
"""The keys by what is printed on them, and the byte that each sends."""


class Keypad:
    """A keypad at the serial port `path`."""

    def __init__(self, path: Path | str) -> None:
        self._pty = Pty(path)
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

    def fail(self, fault: Fault, times: int | None = None) -> None:
        """Fail at the next `times` presses (None: until `heal`)."""
        self._faults.fail(fault, times)

    def heal(self) -> None:
        """Work well again."""
        self._faults.heal()

    def press(self, *keys: str) -> None:
        """Press keys one after the other. Raises KeyError for one that this keypad does not have."""
        pressed = b"".join(KEYS[key] for key in keys)
        self._faults.send(pressed, self._faults.meet(), self._pty.write, self.unplug)

    def type(self, text: str) -> None:
        """Press the digits and points of a text one after the other. Raises KeyError as `press` does."""
        self.press(*text)

    def send(self, data: bytes) -> None:
        """Put any bytes on the line, such as noise."""
        self._pty.write(data)

    def unplug(self) -> None:
        """Pull its plug."""
        self._pty.unplug()

    def replug(self) -> None:
        """Plug it in again, at the same path."""
        self._pty.replug()
