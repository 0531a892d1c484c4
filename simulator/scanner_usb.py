"""A bar code and QR scanner that is a keyboard, made with the kernel's uinput: it types each code and presses Enter."""

from __future__ import annotations

import time
from pathlib import Path

from simulator.faults import Fault, Faults
from simulator.typed import KEYS, Beyond, strokes
from simulator.uinput import InputDevice, kernel_offers

NAME = "Tapledger virtual scanner"


def kernel_offers_scanners() -> bool:
    """Whether a scanner can be made here and its events be read."""
    return kernel_offers(KEYS, NAME)


class UsbScanner:
    """A scanner at the stable path `path`. `beyond` is how it types what is beyond ASCII, and `stroke_s` how long it
    rests after each stroke, as scanners do whose host is slow.
    """

    def __init__(self, path: Path | str, beyond: Beyond = "bytes", stroke_s: float = 0.0) -> None:
        self._device = InputDevice(path, NAME, KEYS)
        self._faults = Faults()
        self._beyond: Beyond = beyond
        self._stroke_s = stroke_s

    @property
    def path(self) -> Path:
        """Where a till opens it."""
        return self._device.path

    def start(self) -> None:
        """Plug it in. Raises OSError where the kernel makes no such device or the path is taken."""
        self._device.plug()

    def close(self) -> None:
        """Take it away; may be called again."""
        self._device.unplug()

    def fail(self, fault: Fault, times: int | None = None, after_bytes: int = 0) -> None:
        """Fail at the next `times` scans (None: until `heal`)."""
        self._faults.fail(fault, times, after_bytes=after_bytes)

    def heal(self) -> None:
        """Work well again."""
        self._faults.heal()

    def scan(self, data: bytes) -> None:
        """Read a code and type it."""
        self._faults.send(data + b"\r", self._faults.meet(), self.send, self.unplug)

    def send(self, data: bytes) -> None:
        """Type any bytes: a code without its end, or two. Raises UnicodeDecodeError as :func:`strokes` does."""
        for code, down in strokes(data, self._beyond):
            self.stroke(code, down)

    def stroke(self, code: int, down: bool) -> None:
        """Let one key go down or up."""
        self._device.stroke(code, down)
        if self._stroke_s:
            time.sleep(self._stroke_s)

    def unplug(self) -> None:
        """Pull its plug."""
        self._device.unplug()

    def replug(self) -> None:
        """Plug it in again, at the same path."""
        self._device.plug()
