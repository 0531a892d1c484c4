"""A small colour screen at the end of an SPI line: takes bytes and the level of its data pin, and has a picture.

It knows of the controllers ILI9341, ILI9486 and ILI9488 what draws a picture: CASET (2Ah), PASET (2Bh) and RAMWR (2Ch)
with three bytes a pixel, DISPOFF (28h) and DISPON (29h). The boards with an ILI9486 that are sold for the Raspberry Pi
hold a 16-bit shift register, so that every parameter comes with an empty byte before it (``padded``).
"""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

CASET, PASET, RAMWR, DISPLAY_OFF, DISPLAY_ON = 0x2A, 0x2B, 0x2C, 0x28, 0x29


class Lcd:
    """A screen; what a driver writes to is `open`, `writebytes` and `close`, as of spidev."""

    def __init__(self, width: int, height: int, padded: bool = False) -> None:
        self.size = (width, height)
        self.lit = False
        self.opened = 0
        """How often somebody began to write to it."""
        self.drawn_px = 0
        """How many pixels it was sent."""
        self.max_speed_hz = 0
        self._padded = padded
        self._unplugged = False
        self._is_data = False
        self._command = 0
        self._parameters = bytearray()
        self._window = (0, 0, width, height)
        self._pixels = bytearray(3 * width * height)

    @property
    def image(self) -> Image.Image:
        """What is to be seen."""
        return Image.frombytes("RGB", self.size, bytes(self._pixels))

    def data_pin(self, high: bool) -> None:
        """Whether the bytes that come are data, not a command."""
        self._is_data = high

    def unplug(self) -> None:
        """Pull the line off; whoever writes is told so by the kernel's usual error."""
        self._unplugged = True

    def replug(self) -> None:
        """Put it on again; the screen has started anew."""
        self._unplugged = False
        self._pixels[:] = bytes(len(self._pixels))

    def open(self, _bus: int, _select: int) -> None:
        """Begin to write. Raises OSError where there is nothing at the line."""
        self._look()
        self.opened += 1

    def close(self) -> None:
        """No more is written."""

    def writebytes(self, data: Sequence[int]) -> None:
        """Take bytes. Raises OSError where there is nothing at the line."""
        self._look()
        if self._is_data:
            self._take(bytes(data))
            return
        for command in data:
            self._command = command
            self._parameters.clear()
            if command in (DISPLAY_OFF, DISPLAY_ON):
                self.lit = command == DISPLAY_ON

    def _look(self) -> None:
        if self._unplugged:
            raise FileNotFoundError(2, "nothing at the line")

    def _take(self, data: bytes) -> None:
        self._parameters += data
        if self._command in (CASET, PASET) and len(self._parameters) == (8 if self._padded else 4):
            numbers = self._parameters[1::2] if self._padded else self._parameters
            first, last = int.from_bytes(numbers[:2]), int.from_bytes(numbers[2:])
            left, top, right, bottom = self._window
            self._window = (first, top, last + 1, bottom) if self._command == CASET else (left, first, right, last + 1)
        elif self._command == RAMWR:
            self._draw()

    def _draw(self) -> None:
        """Once all pixels of the window are there."""
        left, top, right, bottom = self._window
        row_bytes = 3 * (right - left)
        if len(self._parameters) < row_bytes * (bottom - top):
            return
        for y in range(top, bottom):
            start = 3 * (y * self.size[0] + left)
            self._pixels[start : start + row_bytes] = self._parameters[(y - top) * row_bytes :][:row_bytes]
        self.drawn_px += (right - left) * (bottom - top)
        self._parameters.clear()
