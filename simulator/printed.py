"""What a receipt printer puts on paper, before anybody draws it: lines of characters, images, codes, feeds and cuts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DOTS = 576
"""Dots across the paper: 72 mm of 80 at 8 dots per mm."""

FONT_A_DOTS = 12
"""Width of an ASCII character of font A; a Chinese character has twice that."""

Align = Literal["left", "center", "right"]


@dataclass(frozen=True, slots=True)
class Style:
    """How characters look. `width` and `height` are multiples, 1 to 8."""

    bold: bool = False
    underline: bool = False
    inverted: bool = False
    width: int = 1
    height: int = 1


@dataclass(frozen=True, slots=True)
class Run:
    """Characters of one style beside each other."""

    text: str
    style: Style

    @property
    def dots(self) -> int:
        """The width on paper."""
        return sum(character_dots(character, self.style) for character in self.text)


@dataclass(frozen=True, slots=True)
class PrintedLine:
    """One line of characters, possibly empty, and the distance in dots to the next."""

    runs: tuple[Run, ...]
    align: Align
    feed_dots: int

    @property
    def text(self) -> str:
        """The characters alone."""
        return "".join(run.text for run in self.runs)


@dataclass(frozen=True, slots=True)
class PrintedImage:
    """A bit image: `rows` of packed bits, the leftmost in bit 7, a set bit being a black dot."""

    rows: tuple[bytes, ...]
    width_dots: int
    scale_x: int
    scale_y: int
    align: Align


@dataclass(frozen=True, slots=True)
class PrintedQr:
    """A QR code that the printer draws itself. `level` is one of L, M, Q, H."""

    data: bytes
    module_dots: int
    level: str
    align: Align


@dataclass(frozen=True, slots=True)
class FedPaper:
    """Blank paper, in dots."""

    dots: int


@dataclass(frozen=True, slots=True)
class CutPaper:
    """The knife."""

    partial: bool


@dataclass(frozen=True, slots=True)
class StatusAsked:
    """A request that is answered in the order of the data: `kind` "status" (GS r), "identity" (GS I), "process"."""

    kind: Literal["status", "identity", "process"]
    argument: bytes


@dataclass(frozen=True, slots=True)
class DrawerPulse:
    """A pulse on a pin of the drawer's socket, 2 or 5: the drawer there springs open."""

    pin: int
    on_ms: int


Printed = PrintedLine | PrintedImage | PrintedQr | FedPaper | CutPaper | StatusAsked | DrawerPulse
"""What comes out of the bytes, in order."""


def character_dots(character: str, style: Style) -> int:
    """The width of one character in font A."""
    return FONT_A_DOTS * (1 if character < "\x80" else 2) * style.width
