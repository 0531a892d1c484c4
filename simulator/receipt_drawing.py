"""Draws what a thermal printer printed: dark dots on white paper, to be looked at."""

from __future__ import annotations

import functools
import random
from collections.abc import Iterable
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

from simulator.printed import (
    DOTS,
    Align,
    FedPaper,
    Printed,
    PrintedImage,
    PrintedLine,
    PrintedQr,
    Run,
    character_dots,
)

PAPER_DOTS = 640
"""80 mm of paper at 8 dots per mm."""

MARGIN = 24
"""Transparent pixels around the paper, for its shadow."""

HEAD_DOTS = 44
TOOTH_DOTS = 6
FONT_DOTS = 24
CELL_DOTS = 30
"""A character's height with what hangs below its line."""

ASCENT_SHIFT = -7
"""From the font's own top to the top of a Chinese character."""

PAPER_COLOUR = (251, 250, 246)
INK_COLOUR = (40, 40, 48)
QUIET_MODULES = 4

FONTS = {
    False: ("NotoSansMonoCJKsc-Regular.otf", "NotoSansCJK-Regular.ttc"),
    True: ("NotoSansMonoCJKsc-Bold.otf", "NotoSansCJK-Bold.ttc"),
}
"""By boldness: fonts in which a Chinese character is as wide as two Latin ones."""

FONT_ROOMS = ("/usr/share/fonts", "/usr/local/share/fonts")
MONO_SC_INDEX = 7
"""The monospaced simplified Chinese face within Noto's collection."""


def draw_receipt(things: Iterable[Printed], cut: bool) -> Image.Image:
    """A picture (RGBA) of a slip: one pixel for one dot. `cut`: a straight end, not a torn one."""
    ink = _draw_ink(list(things))
    height = ink.height + 2 * HEAD_DOTS
    shape = _paper_shape(height, cut)
    paper = _paper_surface(height)
    placed = Image.new("L", paper.size)
    placed.paste(ink, ((PAPER_DOTS - DOTS) // 2, HEAD_DOTS))
    # The print head heats unevenly: a little of every dot is missing here and there.
    placed = ImageChops.multiply(placed, _grain(placed.size, seed=3, low=212))
    paper.paste(Image.new("RGB", paper.size, INK_COLOUR), mask=placed)

    size = (PAPER_DOTS + 2 * MARGIN, height + 2 * MARGIN)
    shadow = Image.new("L", size)
    shadow.paste(shape.point(lambda value: value * 90 // 255), (MARGIN, MARGIN + 6))
    picture = Image.new("RGBA", size, (30, 32, 48, 0))
    picture.putalpha(shadow.filter(ImageFilter.GaussianBlur(9)))
    picture.paste(paper, (MARGIN, MARGIN), shape)
    return picture


def _draw_ink(things: list[Printed]) -> Image.Image:
    """The dots that were burnt, 255 where black, as high as the things are."""
    ink = Image.new("L", (DOTS, max(1, sum(_height(thing) for thing in things))))
    top = 0
    for thing in things:
        match thing:
            case PrintedLine():
                _draw_line(ink, thing, top)
            case PrintedImage():
                _paste(ink, _raster(thing), thing.align, top)
            case PrintedQr():
                _paste(ink, _qr(thing), thing.align, top)
        top += _height(thing)
    return ink


def _height(thing: Printed) -> int:
    match thing:
        case PrintedLine(_, _, feed_dots):
            return feed_dots
        case PrintedImage(rows, _, _, scale_y):
            return len(rows) * scale_y
        case PrintedQr():
            return _qr(thing).height
        case FedPaper(dots):
            return dots
    return 0


def _draw_line(ink: Image.Image, line: PrintedLine, top: int) -> None:
    left = _left(sum(run.dots for run in line.runs), line.align)
    tallest = max((run.style.height for run in line.runs), default=1)
    for run in line.runs:
        cell = _draw_run(run)
        # Characters of different heights stand on one base line.
        ink.paste(255, (left, top + CELL_DOTS * (tallest - run.style.height)), cell)
        left += run.dots


def _draw_run(run: Run) -> Image.Image:
    """Characters in cells of 12 or 24 dots and their multiples."""
    style = run.style
    scale = min(style.width, style.height)
    cell = Image.new("L", (max(1, run.dots * scale // style.width), CELL_DOTS * scale))
    draw = ImageDraw.Draw(cell)
    font = _font(style.bold, FONT_DOTS * scale)
    left = 0
    for character in run.text:
        draw.text((left, ASCENT_SHIFT * scale), character, fill=255, font=font)
        left += character_dots(character, style) * scale // style.width
    if style.underline:
        draw.line((0, FONT_DOTS * scale, cell.width, FONT_DOTS * scale), fill=255)
    if style.inverted:
        cell = ImageChops.invert(cell)
    # What is stretched in one direction only is stretched as the printer stretches its own font.
    return cell.resize((run.dots or 1, CELL_DOTS * style.height), Image.Resampling.BICUBIC)


def _raster(image: PrintedImage) -> Image.Image:
    if not image.rows or not image.width_dots:
        return Image.new("L", (1, 1))
    row_bytes = (image.width_dots + 7) // 8
    data = b"".join(row.ljust(row_bytes, b"\0") for row in image.rows)
    picture = Image.frombytes("1", (image.width_dots, len(image.rows)), data).convert("L")
    return picture.resize((picture.width * image.scale_x, picture.height * image.scale_y), Image.Resampling.NEAREST)


@functools.lru_cache(maxsize=32)
def _qr(code: PrintedQr) -> Image.Image:
    """The modules, with the quiet margin that the standard wants (ISO/IEC 18004)."""
    import qrcode
    from qrcode import constants, exceptions

    levels = {name: getattr(constants, f"ERROR_CORRECT_{name}") for name in "LMQH"}
    drawn = qrcode.QRCode(error_correction=levels[code.level], border=QUIET_MODULES)
    drawn.add_data(code.data)
    try:
        matrix = drawn.get_matrix()
    except (exceptions.DataOverflowError, ValueError):
        return Image.new("L", (1, 1))
    picture = Image.new("L", (len(matrix), len(matrix)))
    picture.putdata([255 if dark else 0 for row in matrix for dark in row])
    return picture.resize((picture.width * code.module_dots,) * 2, Image.Resampling.NEAREST)


def _paste(ink: Image.Image, picture: Image.Image, align: Align, top: int) -> None:
    ink.paste(picture, (max(0, _left(picture.width, align)), top))


def _left(width: int, align: Align) -> int:
    match align:
        case "center":
            return (DOTS - width) // 2
        case "right":
            return DOTS - width
    return 0


def _paper_surface(height: int) -> Image.Image:
    """White paper, a little darker towards its edges, with the faint grain of paper."""
    shade = Image.new("L", (PAPER_DOTS, 1))
    shade.putdata([255 - max(0, 14 - min(x, PAPER_DOTS - 1 - x)) for x in range(PAPER_DOTS)])
    light = ImageChops.multiply(shade.resize((PAPER_DOTS, height)), _grain((PAPER_DOTS, height), seed=1, low=248))
    paper = Image.new("RGB", (PAPER_DOTS, height), PAPER_COLOUR)
    return ImageChops.multiply(paper, Image.merge("RGB", (light, light, light)))


def _paper_shape(height: int, cut: bool) -> Image.Image:
    """Where there is paper: torn off at the teeth above, and below as well unless the knife came down."""
    tooth = TOOTH_DOTS * 2
    top = [(x, TOOTH_DOTS if x // TOOTH_DOTS % 2 else 0) for x in range(0, PAPER_DOTS + tooth, TOOTH_DOTS)]
    bottom = [(x, height - (0 if cut else y)) for x, y in reversed(top)]
    shape = Image.new("L", (PAPER_DOTS * 2, height * 2))
    outline = [(x * 2, y * 2) for x, y in top + bottom]
    ImageDraw.Draw(shape).polygon(outline, fill=255)
    return shape.resize((PAPER_DOTS, height), Image.Resampling.LANCZOS)


def _grain(size: tuple[int, int], seed: int, low: int) -> Image.Image:
    """Fine noise from `low` to 255, the same every time."""
    noise = Image.frombytes("L", size, random.Random(seed).randbytes(size[0] * size[1]))
    return noise.filter(ImageFilter.GaussianBlur(0.8)).point(lambda value: low + value * (255 - low) // 255)


@functools.lru_cache(maxsize=16)
def _font(bold: bool, dots: int) -> ImageFont.FreeTypeFont:
    """The monospaced Chinese font. Raises OSError when it is not installed."""
    for room in FONT_ROOMS:
        for name in FONTS[bold]:
            for found in sorted(Path(room).rglob(name)):
                index = MONO_SC_INDEX if found.suffix == ".ttc" else 0
                return ImageFont.truetype(str(found), dots, index=index)
    raise OSError("no monospaced Chinese font: install fonts-noto-cjk")
