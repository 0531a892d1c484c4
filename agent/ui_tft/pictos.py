"""The few signs on the glass, drawn by hand in a square whose side is given; 255 is where the colour goes."""

from __future__ import annotations

from PIL.ImageDraw import ImageDraw

from agent.ui_tft.screen import Sign

_ON, _OFF = 255, 0
Edges = tuple[int, int, int, int]


def draw_picto(draw: ImageDraw, sign: Sign, side: int) -> None:
    """Draw a sign into the square from (0, 0) to (side, side)."""
    match sign:
        case "card":
            _card(draw, side)
        case "check":
            _check(draw, side)
        case "alert":
            _alert(draw, side)
        case "paper":
            _paper(draw, side)
        case "hourglass":
            _hourglass(draw, side)


def _part(side: int, left: int, top: int, right: int, bottom: int) -> Edges:
    """A box given in thousandths of the side, in pixels."""
    return (*_point(side, left, top), *_point(side, right, bottom))


def _card(draw: ImageDraw, side: int) -> None:
    """A card with its stripe, and three waves beside it."""
    draw.rounded_rectangle(_part(side, 20, 330, 640, 790), side * 60 // 1000, fill=_ON)
    draw.rectangle(_part(side, 20, 430, 640, 510), fill=_OFF)
    draw.rounded_rectangle(_part(side, 100, 640, 290, 700), side * 20 // 1000, fill=_OFF)
    width = side * 52 // 1000
    for reach in (110, 220, 330):
        box = _part(side, 640 - reach, 400 - reach, 640 + reach, 400 + reach)
        draw.arc(box, -52, 38, fill=_ON, width=width)


def _check(draw: ImageDraw, side: int) -> None:
    """A tick in a full circle."""
    draw.ellipse((0, 0, side - 1, side - 1), fill=_ON)
    points = [_point(side, x, y) for x, y in ((270, 520), (440, 680), (740, 340))]
    width = side // 10
    draw.line(points, fill=_OFF, width=width, joint="curve")
    for x, y in points:
        draw.ellipse((x - width // 2, y - width // 2, x + width // 2, y + width // 2), fill=_OFF)


def _alert(draw: ImageDraw, side: int) -> None:
    """An exclamation mark in a full circle."""
    draw.ellipse((0, 0, side - 1, side - 1), fill=_ON)
    draw.rounded_rectangle(_part(side, 435, 200, 565, 590), side * 60 // 1000, fill=_OFF)
    draw.ellipse(_part(side, 425, 660, 575, 810), fill=_OFF)


def _paper(draw: ImageDraw, side: int) -> None:
    """A receipt with its torn edge."""
    left, top, right, bottom = _part(side, 180, 60, 820, 860)
    teeth = 5
    wide = (right - left) // teeth
    edge = [(left, top), (right, top), (right, bottom)]
    for tooth in range(teeth, 0, -1):
        edge += [(left + tooth * wide - wide // 2, bottom + wide * 2 // 3), (left + (tooth - 1) * wide, bottom)]
    draw.polygon(edge, fill=_ON)
    for y, end in ((230, 680), (380, 680), (530, 520)):
        draw.rounded_rectangle(_part(side, 300, y, end, y + 56), side * 28 // 1000, fill=_OFF)


def _hourglass(draw: ImageDraw, side: int) -> None:
    """Sand that runs."""
    for y in (70, 850):
        draw.rounded_rectangle(_part(side, 180, y, 820, y + 80), side * 40 // 1000, fill=_ON)
    for y, tip in ((170, 530), (830, 470)):
        draw.polygon([_point(side, 250, y), _point(side, 750, y), _point(side, 500, tip)], fill=_ON)
    draw.polygon(
        [_point(side, 330, 210), _point(side, 670, 210), _point(side, 640, 270), _point(side, 360, 270)], fill=_OFF
    )


def _point(side: int, x: int, y: int) -> tuple[int, int]:
    return side * x // 1000, side * y // 1000
