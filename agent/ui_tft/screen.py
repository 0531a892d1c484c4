"""A screen as plain values: boxes, words and signs, each at its place. Equal screens paint equal pictures."""

from __future__ import annotations

from typing import Literal

from agent.ui_tft.widths import fitted, width_px
from contract.making import dataclass

WIDTH, HEIGHT = 480, 320
Align = Literal["left", "center", "right"]
Sign = Literal["card", "check", "alert", "paper", "hourglass"]


@dataclass(frozen=True, slots=True)
class Box:
    """A filled rectangle; ``radius`` rounds its corners. Pixels from the top left."""

    x: int
    y: int
    width: int
    height: int
    fill: str
    radius: int = 0


@dataclass(frozen=True, slots=True)
class Label:
    """Words on a baseline: ``x`` is their left end, middle or right end, as ``align`` says."""

    x: int
    baseline: int
    text: str
    size: int
    fill: str
    bold: bool = False
    align: Align = "left"

    @property
    def left(self) -> int:
        """Where the words begin, in pixels."""
        width = width_px(self.text, self.size, self.bold)
        return {"left": self.x, "center": self.x - width // 2, "right": self.x - width}[self.align]

    @property
    def right(self) -> int:
        """Where the words end, in pixels."""
        return self.left + width_px(self.text, self.size, self.bold)


@dataclass(frozen=True, slots=True)
class Picto:
    """A drawn sign in a square of ``size`` pixels."""

    sign: Sign
    x: int
    y: int
    size: int
    fill: str


Item = Box | Label | Picto


@dataclass(frozen=True, slots=True)
class Target:
    """Where a finger presses a key of the till. Pixels from the top left; the right and the lower edge belong to the
    next.
    """

    x: int
    y: int
    width: int
    height: int
    key: str

    def holds(self, x: int, y: int) -> bool:
        """Whether a pixel belongs to it."""
        return self.x <= x < self.x + self.width and self.y <= y < self.y + self.height


@dataclass(frozen=True, slots=True)
class Screen:
    """Everything on the glass, in the order it is painted, and where it can be touched, if it can."""

    items: tuple[Item, ...]
    targets: tuple[Target, ...] = ()

    @property
    def text(self) -> tuple[str, ...]:
        """The words exactly as painted, row by row from top to bottom, what stands on one baseline parted by two
        spaces.
        """
        rows: dict[int, list[Label]] = {}
        for label in self.labels:
            rows.setdefault(label.baseline, []).append(label)
        return tuple(
            "  ".join(label.text for label in sorted(rows[at], key=lambda one: one.left)) for at in sorted(rows)
        )

    @property
    def labels(self) -> tuple[Label, ...]:
        """All words, in the order they are painted."""
        return tuple(item for item in self.items if isinstance(item, Label))


class Sheet:
    """A screen in the making. Without ``touch`` nothing on it can be touched."""

    def __init__(self, touch: bool = False) -> None:
        self.touch = touch
        self._items: list[Item] = []
        self._targets: list[Target] = []

    def box(self, x: int, y: int, width: int, height: int, fill: str, radius: int = 0) -> None:
        """Put a filled rectangle."""
        self._items.append(Box(x, y, width, height, fill, radius))

    def write(
        self,
        x: int,
        baseline: int,
        text: str,
        size: int,
        fill: str,
        *,
        bold: bool = False,
        align: Align = "left",
        most_px: int = WIDTH,
    ) -> int:
        """Put words, cut to ``most_px``, and return how wide they are. Nothing is put for no words."""
        shown = fitted(text, size, most_px, bold)
        if not shown:
            return 0
        self._items.append(Label(x, baseline, shown, size, fill, bold, align))
        return width_px(shown, size, bold)

    def picto(self, sign: Sign, x: int, y: int, size: int, fill: str) -> None:
        """Put a sign."""
        self._items.append(Picto(sign, x, y, size, fill))

    def target(self, x: int, y: int, width: int, height: int, key: str) -> None:
        """Let a key be touched here, on a till that is served by touch."""
        if self.touch:
            self._targets.append(Target(x, y, width, height, key))

    def done(self) -> Screen:
        """The screen."""
        return Screen(tuple(self._items), tuple(self._targets))
