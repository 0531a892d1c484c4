"""What the framebuffer's driver promises of a real one: what is drawn is what the machine's display shows."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageDraw

from agent.drivers.display import fitted
from agent.drivers.display_framebuffer import DisplayFramebuffer, DisplayFramebufferOptions
from agent.drivers.facts import Status
from tests.drivers.told import Told
from tests.waiting import eventually

RESULTS = Path("/run/results")
CURSOR = Path("/sys/class/graphics/fbcon/cursor_blink")


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture to show."""

    image: Image.Image


@pytest.fixture
def display() -> Iterator[DisplayFramebuffer]:
    # The console's cursor would blink into the picture.
    CURSOR.write_text("0")
    told = Told()
    display = DisplayFramebuffer("glass", DisplayFramebufferOptions(), told.emit)
    display.start()
    told.next_status(Status.READY)
    yield display
    display.close()


def on_screen(name: str) -> Image.Image:
    """What the machine's display shows, seen from outside."""
    wanted, taken = RESULTS / f"{name}.wanted", RESULTS / f"{name}.png"
    taken.unlink(missing_ok=True)
    wanted.touch()
    os.sync()
    eventually(lambda: taken.exists() and not wanted.exists(), timeout_s=30)
    return Image.open(taken).convert("RGB")


def test_the_display_shows_what_was_drawn_colour_for_colour_and_then_only_the_change(
    display: DisplayFramebuffer,
) -> None:
    picture = Image.new("RGB", (480, 320), (200, 30, 60))
    ImageDraw.Draw(picture).rectangle((20, 20, 120, 80), (10, 200, 90))
    for name, spot in (("first", (40, 40, 60, 60)), ("second", (400, 280, 470, 310))):
        ImageDraw.Draw(picture).rectangle(spot, (30, 60, 250))
        display.show(Shown(picture.copy()))

        def agrees(name: str = name) -> bool:
            seen = on_screen(name)
            return ImageChops.difference(seen, fitted(picture, *seen.size)).getbbox() is None

        eventually(agrees, timeout_s=30)
