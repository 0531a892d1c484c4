"""Pixels: a screen becomes an image. Faces, words and shapes are kept between pictures, within bounds."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from PIL import Image, ImageDraw, ImageFont

from agent.ui_tft.fonts import find_font
from agent.ui_tft.pictos import draw_picto
from agent.ui_tft.screen import HEIGHT, WIDTH, Box, Label, Picto, Screen

KEPT_MASKS = 400
KEPT_FACES = 3
"""Each face of a collection this large holds about 2 MiB; opening one again takes less than a millisecond."""

_FINE = 4  # Shapes are drawn this many times larger and scaled down, so that their edges are smooth.

KeptT = TypeVar("KeptT")


class Kept(Generic[KeptT]):
    """The last ``most`` things made, by name; the one not used for longest goes first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._made: OrderedDict[Hashable, KeptT] = OrderedDict()

    def get(self, name: Hashable, make: Callable[[], KeptT]) -> KeptT:
        """The thing of that name, made if it is not there."""
        found = self._made.pop(name, None)
        if found is None:
            found = make()
            if len(self._made) >= self._most:
                self._made.popitem(last=False)
        self._made[name] = found
        return found


class Painter:
    """Paints screens, one after the other; for one thread. The faces are looked up at the first word that needs one.

    Raises FontMissing at that word where no Chinese typeface is installed.
    """

    def __init__(self) -> None:
        self._faces: Kept[ImageFont.FreeTypeFont] = Kept(KEPT_FACES)
        self._masks: Kept[Image.Image] = Kept(KEPT_MASKS)

    def paint(self, screen: Screen) -> Image.Image:
        """Return a new image of 480 x 320 pixels, RGB."""
        image = Image.new("RGB", (WIDTH, HEIGHT))
        for item in screen.items:
            match item:
                case Box():
                    self._box(image, item)
                case Label():
                    self._label(image, item)
                case Picto():
                    self._picto(image, item)
        return image

    def _box(self, image: Image.Image, box: Box) -> None:
        if not box.radius:
            image.paste(box.fill, (box.x, box.y, box.x + box.width, box.y + box.height))
            return
        name = ("box", box.width, box.height, box.radius)
        image.paste(box.fill, (box.x, box.y), self._masks.get(name, lambda: _round_mask(box)))

    def _picto(self, image: Image.Image, picto: Picto) -> None:
        mask = self._masks.get(("sign", picto.sign, picto.size), lambda: _sign_mask(picto))
        image.paste(picto.fill, (picto.x, picto.y), mask)

    def _label(self, image: Image.Image, label: Label) -> None:
        """Words by their baseline: their mask holds ``size`` rows above it and a third of that below."""
        mask = self._masks.get(("words", label.text, label.size, label.bold), lambda: self._word_mask(label))
        image.paste(label.fill, (label.left, label.baseline - label.size), mask)

    def _word_mask(self, label: Label) -> Image.Image:
        width = max(label.right - label.left + 2, 1)
        mask = Image.new("L", (width, label.size + -(-label.size // 3)))
        face = self._face(label.size, label.bold)
        ImageDraw.Draw(mask).text((0, label.size), label.text, fill=255, font=face, anchor="ls")
        return mask

    def _face(self, size: int, bold: bool) -> ImageFont.FreeTypeFont:
        def opened() -> ImageFont.FreeTypeFont:
            found = find_font(bold)
            return ImageFont.truetype(found.path, size, index=found.index, layout_engine=ImageFont.Layout.BASIC)

        return self._faces.get((size, bold), opened)


def _round_mask(box: Box) -> Image.Image:
    large = Image.new("L", (box.width * _FINE, box.height * _FINE))
    edges = (0, 0, large.width - 1, large.height - 1)
    ImageDraw.Draw(large).rounded_rectangle(edges, box.radius * _FINE, fill=255)
    return large.resize((box.width, box.height), Image.Resampling.BOX)


def _sign_mask(picto: Picto) -> Image.Image:
    large = Image.new("L", (picto.size * _FINE, picto.size * _FINE))
    draw_picto(ImageDraw.Draw(large), picto.sign, large.width)
    return large.resize((picto.size, picto.size), Image.Resampling.BOX)
