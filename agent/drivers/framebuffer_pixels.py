"""How a framebuffer wants its pixels: any depth of 16, 24 or 32 bits, with the colours wherever it says they are.

Format: struct fb_var_screeninfo and struct fb_fix_screeninfo of linux/fb.h. Pixels are little-endian words, as on every
processor this runs on.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image

VARIABLE_BYTES, FIXED_BYTES = 160, 80
_VARIABLE = struct.Struct("=8I 9I")
_FIXED = struct.Struct("@16s L 4I 3H I")
DEPTHS = (16, 24, 32)


@dataclass(frozen=True, slots=True)
class Colour:
    """Where in a pixel a colour stands: its lowest bit, and how many bits it has."""

    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Layout:
    """What a framebuffer shows of its memory: `width` by `height` pixels of `depth` bits, rows `row_bytes` apart, the
    first pixel at `start_byte`.
    """

    width: int
    height: int
    depth: int
    red: Colour
    green: Colour
    blue: Colour
    row_bytes: int
    start_byte: int

    @property
    def pixel_bytes(self) -> int:
        """Bytes of a pixel."""
        return self.depth // 8

    @classmethod
    def of(cls, variable: bytes, fixed: bytes) -> Layout:
        """Read what the kernel says. Raises ValueError where that cannot be drawn on."""
        width, height, _, _, x, y, depth, gray, *colours = _VARIABLE.unpack_from(variable)
        row_bytes = _FIXED.unpack_from(fixed)[-1]
        red, green, blue = (Colour(offset, length) for offset, length in zip(colours[::3], colours[1::3], strict=True))
        if depth not in DEPTHS or gray not in (0, 1):
            raise ValueError(f"{depth} bits a pixel")
        if any(colour.length > 8 or colour.offset + colour.length > depth for colour in (red, green, blue)):
            raise ValueError("the colours do not fit into a pixel")
        if not 0 < width <= 16_384 or not 0 < height <= 16_384 or row_bytes < (x + width) * depth // 8:
            raise ValueError(f"{width} x {height} pixels in rows of {row_bytes} bytes")
        return cls(width, height, depth, red, green, blue, row_bytes, y * row_bytes + x * depth // 8)

    def at(self, x: int, y: int) -> int:
        """Where in the memory a pixel begins."""
        return self.start_byte + y * self.row_bytes + x * self.pixel_bytes

    def packed(self, image: Image) -> list[bytes]:
        """The rows of an RGB image as this framebuffer wants them."""
        import numpy

        rgb = numpy.asarray(image, dtype=numpy.uint8)
        words: Any = numpy.zeros(rgb.shape[:2], dtype=numpy.uint32)
        for channel, colour in enumerate((self.red, self.green, self.blue)):
            if colour.length:
                # The upper bits count; what a shallow screen cannot show is dropped.
                kept = rgb[:, :, channel].astype(numpy.uint32) >> (8 - colour.length)
                words |= kept << colour.offset
        octets = words.astype("<u4").view(numpy.uint8).reshape(*words.shape, 4)[:, :, : self.pixel_bytes]
        return [row.tobytes() for row in octets]
