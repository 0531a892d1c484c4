"""What is to stand on a paper, said in rows: the receipt before any printer has seen it.

Here belongs what a till may ask of a paper and the bounds of it. How wide the paper is, how a long line is broken
and which bytes make it happen is the business of the printer's driver.
"""

from __future__ import annotations

from typing import Literal

from contract.making import dataclass

Align = Literal["left", "center", "right"]
"""Where a row stands between the margins."""

QR_MOST_BYTES = 1000
"""The longest text one QR code may carry, in UTF-8 bytes: more could not be read from thermal paper."""

FEED_MOST_LINES = 20
"""The most empty lines one row may ask for."""


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph. Longer than the paper is wide, it is broken; `size` 2 is twice as wide and twice as high."""

    text: str
    align: Align = "left"
    bold: bool = False
    size: Literal[1, 2] = 1


@dataclass(frozen=True, slots=True)
class Pair:
    """Two texts on one line, one at each margin: a name and its amount."""

    left: str
    right: str
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """A line across the paper that separates what is above from what is below."""


@dataclass(frozen=True, slots=True)
class Qr:
    """A QR code in the middle of the paper. Raises ValueError when `data` is empty or over `QR_MOST_BYTES`."""

    data: str

    def __post_init__(self) -> None:
        if not 1 <= len(self.data.encode()) <= QR_MOST_BYTES:
            raise ValueError(f"a QR code carries 1 to {QR_MOST_BYTES} bytes, not {len(self.data.encode())}")


@dataclass(frozen=True, slots=True)
class Feed:
    """Empty lines. Raises ValueError outside 1 to `FEED_MOST_LINES`."""

    lines: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.lines <= FEED_MOST_LINES:
            raise ValueError(f"a feed is 1 to {FEED_MOST_LINES} lines, not {self.lines}")


@dataclass(frozen=True, slots=True)
class Cut:
    """The end of a slip: the paper is fed past the knife and cut."""


Row = Text | Pair | Rule | Qr | Feed | Cut
"""One row of a paper."""


@dataclass(frozen=True, slots=True)
class Paper:
    """A whole paper, from top to bottom."""

    rows: tuple[Row, ...]
