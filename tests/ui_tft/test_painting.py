"""From a screen to pixels."""

from pathlib import Path

import pytest
from PIL import Image, ImageChops

from agent.txn.state import Lang
from agent.ui_tft.fonts import FontMissing, find_font
from agent.ui_tft.frame import Frame
from agent.ui_tft.paint import KEPT_MASKS, Kept, Painter
from agent.ui_tft.screen import HEIGHT, WIDTH, Label, Screen, Sheet
from agent.ui_tft.view import compose
from tests.ui_tft import gallery
from tests.ui_tft.gallery import SCENES, played


@pytest.fixture(scope="module")
def painter() -> Painter:
    return Painter()


@pytest.mark.parametrize("name", SCENES)
def test_every_screen_can_be_painted(painter: Painter, name: str) -> None:
    for lang in Lang:
        image = painter.paint(compose(*played(name, lang)))
        assert (image.size, image.mode) == ((WIDTH, HEIGHT), "RGB")
        colours = image.getcolors(WIDTH * HEIGHT)
        assert colours is not None and len(colours) > 20


def test_equal_screens_paint_equal_pictures_whatever_was_painted_between(painter: Painter) -> None:
    first = painter.paint(compose(*played("basket", Lang.ZH)))
    painter.paint(compose(*played("paid", Lang.EN)))
    assert painter.paint(compose(*played("basket", Lang.ZH))).tobytes() == first.tobytes()
    assert Painter().paint(compose(*played("basket", Lang.ZH))).tobytes() == first.tobytes()


def test_every_row_of_the_mirrored_text_is_words_that_were_painted(painter: Painter) -> None:
    """Take one label away, and the picture changes just where that label was."""
    screen = compose(*played("basket-phone", Lang.ZH))
    whole = painter.paint(screen)
    for label in screen.labels:
        assert any(label.text in row for row in screen.text)
        less = Screen(tuple(item for item in screen.items if item is not label))
        box = ImageChops.difference(whole, painter.paint(less)).getbbox()
        assert box is not None
        assert box[0] >= label.left - 1 and box[2] <= label.right + 2
        assert box[1] >= label.baseline - label.size and box[3] <= label.baseline + label.size // 3 + 1


def test_words_painted_are_as_wide_as_they_were_laid_out(painter: Painter) -> None:
    sheet = Sheet()
    sheet.write(10, 100, "会员价 ¥268.00 gjpqy", 30, "#FFFFFF", bold=True)
    screen = sheet.done()
    box = painter.paint(screen).getbbox()
    (label,) = screen.labels
    assert isinstance(label, Label) and box is not None
    assert label.left <= box[0] and box[2] <= label.right
    assert box[3] > 100, "what hangs below the line is painted too"


def test_what_is_kept_between_pictures_is_bounded() -> None:
    kept: Kept[Image.Image] = Kept(3)
    made: list[str] = []

    def make(name: str) -> Image.Image:
        made.append(name)
        return Image.new("L", (1, 1))

    for name in ("a", "b", "c", "a", "d", "a", "b"):
        kept.get(name, lambda name=name: make(name))  # type: ignore[misc]
    assert made == ["a", "b", "c", "d", "b"]
    assert KEPT_MASKS <= 1_000


def test_the_typeface_is_found_in_its_folder_or_by_fontconfig() -> None:
    for bold in (False, True):
        assert find_font(bold, folders=()) == find_font(bold)


def test_a_terminal_without_a_chinese_typeface_says_which_package_brings_it() -> None:
    with pytest.raises(FontMissing, match="fonts-noto-cjk"):
        find_font(False, folders=("/nowhere",), fc_match="/nowhere/fc-match")


def test_a_frame_carries_the_picture_and_its_words(painter: Painter) -> None:
    screen = compose(*played("ready", Lang.ZH))
    frame = Frame(7, painter.paint(screen), screen.text, 123)
    assert (frame.number, frame.text, frame.made_monotonic_ns) == (7, screen.text, 123)


def test_the_gallery_can_be_looked_at(tmp_path: Path) -> None:
    gallery.main(tmp_path)
    assert len(list(tmp_path.glob("*.png"))) == 2 * len(SCENES)
