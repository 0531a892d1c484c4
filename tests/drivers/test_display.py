"""What the screens' drivers promise: pixels as the screen wants them, only those that changed, and all of them after a
screen was away.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageDraw

from agent.drivers.display import changed, fitted
from agent.drivers.display_framebuffer import DisplayFramebuffer, DisplayFramebufferOptions
from agent.drivers.display_luma import DisplayLuma, DisplayLumaOptions
from agent.drivers.facts import Status
from agent.drivers.framebuffer_pixels import FIXED_BYTES, VARIABLE_BYTES, Colour, Layout
from agent.drivers.pins import Pins
from contract.settings import SettingsError
from simulator.gpio import Board
from simulator.lcd import Lcd
from tests.drivers.told import Told
from tests.waiting import eventually

DC, RESET, LIGHT = 24, 25, 18


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture to show."""

    image: Image.Image


def picture(colour: str = "navy", size: tuple[int, int] = (480, 320)) -> Image.Image:
    image = Image.new("RGB", size, colour)
    ImageDraw.Draw(image).rectangle((10, 10, 40, 30), "white")
    return image


class Gpio:
    """The pins of the board, as RPi.GPIO has them, and what a screen makes of its data pin."""

    LOW, HIGH, OUT = 0, 1, 0

    def __init__(self, pins: Pins, lcd: Lcd) -> None:
        self._outputs: dict[int, Any] = {}
        self._pins = pins
        self._lcd = lcd

    def setup(self, number: int | None, _direction: int) -> None:
        if number is not None:
            self._outputs.setdefault(number, self._pins.output(number))

    def output(self, number: int | None, level: int) -> None:
        if number == DC:
            self._lcd.data_pin(bool(level))
        if number is not None:
            self._outputs[number].drive(bool(level))

    def cleanup(self, _numbers: object = None) -> None:
        pass


@pytest.mark.parametrize(
    ("controller", "lcd", "quarters"),
    [
        ("ili9341", Lcd(320, 240), 0),
        ("ili9486", Lcd(320, 480, padded=True), 1),
        ("ili9488", Lcd(480, 320), 0),
    ],
)
def test_a_screen_on_spi_shows_the_picture_sends_little_for_a_small_change_and_all_of_it_when_it_comes_back(
    board: Board, controller: str, lcd: Lcd, quarters: int
) -> None:
    told = Told()
    options = DisplayLumaOptions.from_table({"controller": controller, "light": LIGHT})
    display = DisplayLuma("glass", options, told.emit, lambda pins: (lcd, Gpio(pins, lcd)))
    display.start()
    told.next_status(Status.READY)
    lying = lcd.size if quarters == 0 else (lcd.size[1], lcd.size[0])

    def shows(image: Image.Image) -> bool:
        wanted = fitted(image, *lying).rotate(-90 * quarters, expand=True)
        return ImageChops.difference(lcd.image, wanted).getbbox() is None

    display.show(Shown(picture()))
    eventually(lambda: shows(picture()))
    assert lcd.lit
    assert board.level(LIGHT)
    before_px = lcd.drawn_px
    small = picture()
    ImageDraw.Draw(small).rectangle((300, 200, 310, 210), "red")
    display.show(Shown(small))
    eventually(lambda: shows(small))
    assert lcd.drawn_px - before_px < lcd.size[0] * lcd.size[1] // 20
    lcd.unplug()
    display.show(Shown(picture("green")))
    told.next_status(Status.GONE)
    lcd.replug()
    told.next_status(Status.READY)
    eventually(lambda: shows(picture("green")))
    display.close()
    assert not board.driven(LIGHT)


def test_a_screen_that_is_not_there_is_missing(board: Board) -> None:
    told, lcd = Told(), Lcd(480, 320)
    lcd.unplug()
    options = DisplayLumaOptions.from_table({"controller": "ili9488"})
    display = DisplayLuma("glass", options, told.emit, lambda pins: (lcd, Gpio(pins, lcd)))
    display.start()
    assert told.next_status(Status.MISSING).reason == "not_found"
    lcd.replug()
    told.next_status(Status.READY)
    display.close()


def test_a_framebuffer_that_is_not_there_or_is_none_is_told(tmp_path: Path) -> None:
    told = Told()
    display = DisplayFramebuffer("glass", DisplayFramebufferOptions(str(tmp_path / "fb0")), told.emit)
    display.start()
    told.next_status(Status.MISSING)
    (tmp_path / "fb0").write_bytes(bytes(100))
    assert told.next_status(Status.SELF_CHECK_FAILED).reason == "wrong_device"
    display.close()


def variable(width: int, height: int, depth: int, colours: list[tuple[int, int]], x: int = 0, y: int = 0) -> bytes:
    fields = [number for offset, length in colours for number in (offset, length, 0)]
    return struct.pack("=8I 9I", width, height, width, height, x, y, depth, 0, *fields).ljust(VARIABLE_BYTES, b"\0")


def fixed(row_bytes: int) -> bytes:
    return struct.pack("@16s L 4I 3H I", b"test", 0, 0, 0, 0, 0, 0, 0, 0, row_bytes).ljust(FIXED_BYTES, b"\0")


@pytest.mark.parametrize(
    ("depth", "colours", "row"),
    [
        (16, [(11, 5), (5, 6), (0, 5)], struct.pack("<2H", 0b10000_100000_10000, 0b11111_000000_00000)),
        (16, [(0, 5), (5, 6), (11, 5)], struct.pack("<2H", 0b10000_100000_10000, 0b11111)),
        (24, [(16, 8), (8, 8), (0, 8)], bytes([0x81, 0x82, 0x83, 0, 0, 255])),
        (32, [(16, 8), (8, 8), (0, 8)], bytes([0x81, 0x82, 0x83, 0, 0, 0, 255, 0])),
        (32, [(0, 8), (8, 8), (16, 8)], bytes([0x83, 0x82, 0x81, 0, 255, 0, 0, 0])),
    ],
)
def test_pixels_are_as_deep_and_their_colours_where_the_framebuffer_says(
    depth: int, colours: list[tuple[int, int]], row: bytes
) -> None:
    layout = Layout.of(variable(2, 1, depth, colours), fixed(64))
    image = Image.new("RGB", (2, 1))
    image.putpixel((0, 0), (0x83, 0x82, 0x81))
    image.putpixel((1, 0), (255, 0, 0))
    assert layout.packed(image) == [row]


def test_rows_begin_where_the_framebuffer_says() -> None:
    layout = Layout.of(variable(480, 320, 16, [(11, 5), (5, 6), (0, 5)], x=4, y=2), fixed(1024))
    assert layout.at(0, 0) == 2 * 1024 + 4 * 2
    assert layout.at(3, 5) == layout.at(0, 0) + 5 * 1024 + 3 * 2
    assert layout.red == Colour(11, 5)


@given(
    st.binary(min_size=VARIABLE_BYTES, max_size=VARIABLE_BYTES), st.binary(min_size=FIXED_BYTES, max_size=FIXED_BYTES)
)
def test_a_driver_that_tells_nonsense_is_refused_or_can_be_drawn_on(told: bytes, more: bytes) -> None:
    try:
        layout = Layout.of(told, more)
    except ValueError:
        return
    rows = layout.packed(picture(size=(48, 32)))
    assert {len(row) for row in rows} == {48 * layout.pixel_bytes}


@given(st.tuples(st.integers(1, 1200), st.integers(1, 900)))
def test_a_picture_stands_whole_and_in_the_middle_of_any_screen(size: tuple[int, int]) -> None:
    shown = fitted(Image.new("RGB", (480, 320), "white"), *size)
    assert shown.size == size
    box = shown.getbbox()
    assert box is not None
    left, top, right, bottom = box
    assert abs(left - (size[0] - right)) <= 1
    assert abs(top - (size[1] - bottom)) <= 1
    if size[0] >= 480 and size[1] >= 320:
        assert (right - left) % 480 == 0
        assert (right - left) * 320 == (bottom - top) * 480


@given(st.lists(st.tuples(st.integers(0, 470), st.integers(0, 310)), max_size=5))
def test_what_changed_is_all_that_is_drawn(spots: list[tuple[int, int]]) -> None:
    before, now = picture(), picture()
    for x, y in spots:
        ImageDraw.Draw(now).rectangle((x, y, x + 8, y + 8), "red")
    drawn = before.copy()
    for box in changed(before, now):
        drawn.paste(now.crop(box), box[:2])
    assert ImageChops.difference(drawn, now).getbbox() is None
    assert bool(changed(before, now)) == bool(spots)


@pytest.mark.parametrize(
    "table", [{}, {"controller": "vga"}, {"controller": "ili9341", "mhz": 7}, {"controller": "ili9341", "dc": 99}]
)
def test_a_wrong_table_is_refused(table: dict[str, object]) -> None:
    with pytest.raises(SettingsError):
        DisplayLumaOptions.from_table(table)
