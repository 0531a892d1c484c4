"""Nothing overflows, nothing overlaps, everything can be read: on every screen there is, in both languages."""

from collections.abc import Iterator

import pytest
from PIL import ImageFont

from agent.txn.state import Lang, Notice
from agent.ui_tft.fonts import find_font
from agent.ui_tft.screen import HEIGHT, WIDTH, Box, Label, Picto, Screen
from agent.ui_tft.view import compose
from agent.ui_tft.widths import ELLIPSIS, fitted, width_px
from agent.ui_tft.words import Say, device_words
from contract.refusals import TEXTS, RefusalCode
from tests.ui_tft.gallery import ALL_TROUBLE, SCENES, noticed, played, refused

Rect = tuple[int, int, int, int]
MADE_TO_BE_CUT = {"basket-crowded", "basket-crowded-quiet"}
SIZES = tuple(range(12, 61))


def screens() -> Iterator[tuple[str, Screen]]:
    """Every screen, every refusal and every notice, in both languages."""
    for lang in Lang:
        for name in SCENES:
            yield f"{name}-{lang}", compose(*played(name, lang))
            yield f"{name}-{lang}-trouble", compose(played(name, lang)[0], ALL_TROUBLE)
        for code in RefusalCode:
            yield f"{code}-{lang}", compose(*refused(code, lang))
        for notice in Notice:
            yield f"{notice}-{lang}", compose(*noticed(notice, lang))


ALL = dict(screens())


def ink(label: Label) -> Rect:
    """Where the words of a label are, as far as letters and Chinese characters reach."""
    above, below = label.size * 82 // 100, label.size * 12 // 100
    return label.left, label.baseline - above, label.right, label.baseline + below


def meet(one: Rect, other: Rect) -> bool:
    """Whether two rectangles have a pixel in common."""
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.1)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def stands_inside(screen: Screen) -> None:
    """Every item stands inside the glass."""
    for item in screen.items:
        match item:
            case Label():
                left, top, right, bottom = ink(item)
            case Box():
                left, top, right, bottom = item.x, item.y, item.x + item.width, item.y + item.height
            case Picto():
                left, top, right, bottom = item.x, item.y, item.x + item.size, item.y + item.size
        assert (left >= 0, top >= 0, right <= WIDTH, bottom <= HEIGHT) == (True, True, True, True), item


def overlapping(screen: Screen) -> list[tuple[object, object]]:
    """Words that overlap other words or signs."""
    marks: list[tuple[object, Rect]] = [(label, ink(label)) for label in screen.labels]
    marks += [
        (item, (item.x, item.y, item.x + item.size, item.y + item.size))
        for item in screen.items
        if isinstance(item, Picto)
    ]
    return [
        (one, other) for at, (one, here) in enumerate(marks) for other, there in marks[at + 1 :] if meet(here, there)
    ]


def has_contrast(screen: Screen) -> None:
    """Every word has contrast with what it stands on."""
    for at, item in enumerate(screen.items):
        if not isinstance(item, Label):
            continue
        left, top, right, bottom = ink(item)
        grounds = [
            box.fill
            for box in screen.items[:at]
            if isinstance(box, Box)
            and box.x <= left and right <= box.x + box.width and box.y <= top + 3 and bottom <= box.y + box.height
        ]  # fmt: skip
        light, dark = sorted((luminance(item.fill), luminance(grounds[-1])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, item


def is_cut_as_meant(name: str, screen: Screen) -> bool:
    """No phrase of ours is cut, but where a screen was made for that."""
    if name.partition("-zh")[0].partition("-en")[0] in MADE_TO_BE_CUT:
        return any(label.text.endswith(ELLIPSIS) for label in screen.labels)
    ends = {Say.FETCHING, Say.RECEIPT_PRINTING}
    return not [
        label.text
        for label in screen.labels
        if label.text.endswith(ELLIPSIS)
        and not any(
            label.text.startswith(say.value[at].partition("{")[0].rstrip(ELLIPSIS)) for say in ends for at in (0, 1)
        )
    ]


@pytest.mark.parametrize("name", ALL)
def test_everything_stands_inside_the_glass(name: str) -> None:
    stands_inside(ALL[name])


@pytest.mark.parametrize("name", ALL)
def test_no_words_overlap_other_words_or_signs(name: str) -> None:
    assert overlapping(ALL[name]) == []


@pytest.mark.parametrize("name", ALL)
def test_every_word_has_contrast_with_what_it_stands_on(name: str) -> None:
    has_contrast(ALL[name])


@pytest.mark.parametrize("name", ALL)
def test_no_phrase_of_ours_is_cut(name: str) -> None:
    assert is_cut_as_meant(name, ALL[name])


@pytest.mark.parametrize("bold", [False, True])
def test_widths_are_those_of_the_typeface(bold: bool) -> None:
    found = find_font(bold)
    phrases = [phrase for say in Say for phrase in say.value]
    for text in TEXTS.values():
        phrases += [text.cause_zh, text.next_zh, text.cause_en, text.next_en]
    phrases += [word for lang in Lang for word in device_words("printer", "gone", "paper_out", lang)]
    phrases += ["".join(chr(code) for code in range(32, 127)), "¥221.20", "138****0001", "足金吊坠 × 2", "●●●"]
    for size in SIZES:
        face = ImageFont.truetype(found.path, size, index=found.index, layout_engine=ImageFont.Layout.BASIC)
        for phrase in phrases:
            assert face.getlength(phrase) <= width_px(phrase, size, bold), (phrase, size)


def test_figures_are_all_equally_wide_so_that_amounts_stand_still() -> None:
    for bold in (False, True):
        for size in SIZES:
            assert len({width_px(digit, size, bold) for digit in "0123456789"}) == 1


def test_words_that_are_too_wide_end_in_an_ellipsis_within_their_room() -> None:
    whole = "足金吊坠 Gold pendant"
    for most in range(20, width_px(whole, 17, bold=True), 7):
        shown = fitted(whole, 17, most, bold=True)
        assert width_px(shown, 17, bold=True) <= most
        assert shown.endswith(ELLIPSIS)
    assert fitted("短", 17, 17) == "短"
