"""What the framebuffer's driver promises of a real one: what is drawn is what the machine's display shows."""

import contextlib
import struct
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

IN_MEMORY = "Virtual FB"
"""What the kernel calls the framebuffer that nobody looks at (vfb): 16 bits a pixel, and blue uppermost."""
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


class Outside:
    """Who looks at the machine's display from outside."""

    def __init__(self) -> None:
        self._looks = 0

    def seen(self) -> Image.Image:
        """What the display shows now."""
        self._looks += 1
        taken = RESULTS / f"screen-{self._looks}.png"
        # Whoever is outside may answer, and take the wish away, before the call that makes it has come back.
        with contextlib.suppress(FileNotFoundError):
            taken.with_suffix(".wanted").touch()
        eventually(taken.exists, timeout_s=30)
        return Image.open(taken).convert("RGB")


def test_the_display_shows_what_was_drawn_colour_for_colour_and_then_only_the_change(
    display: DisplayFramebuffer,
) -> None:
    outside = Outside()
    picture = Image.new("RGB", (480, 320), (200, 30, 60))
    ImageDraw.Draw(picture).rectangle((20, 20, 120, 80), (10, 200, 90))
    # A single row, and one that reaches the edge, are what a kernel may leave out.
    for spot in ((40, 40, 60, 60), (400, 280, 470, 310), (0, 100, 479, 100), (470, 319, 479, 319)):
        ImageDraw.Draw(picture).rectangle(spot, (30, 60, 250))
        display.show(Shown(picture.copy()))

        def agrees() -> bool:
            seen = outside.seen()
            return ImageChops.difference(seen, fitted(picture, *seen.size)).getbbox() is None

        eventually(agrees, timeout_s=30)


def test_a_framebuffer_of_another_depth_with_its_colours_the_other_way_round_holds_what_was_drawn() -> None:
    number = next(
        line.split()[0] for line in Path("/proc/fb").read_text().splitlines() if line.split(maxsplit=1)[1] == IN_MEMORY
    )
    told = Told()
    display = DisplayFramebuffer("glass", DisplayFramebufferOptions(f"/dev/fb{number}"), told.emit)
    display.start()
    told.next_status(Status.READY)
    picture = Image.new("RGB", (480, 320), (255, 0, 0))
    ImageDraw.Draw(picture).rectangle((100, 100, 200, 150), (0, 255, 0))
    ImageDraw.Draw(picture).rectangle((300, 200, 310, 210), (0, 0, 255))
    black, red, green, blue = 0, 0x001F, 0x07E0, 0xF800
    width, height = (int(part) for part in Path(f"/sys/class/graphics/fb{number}/virtual_size").read_text().split(","))
    left, top = (width - 480) // 2, (height - 320) // 2
    display.show(Shown(picture))

    def holds() -> bool:
        words = struct.unpack_from(f"<{width * height}H", Path(f"/dev/fb{number}").read_bytes())
        spots = ((-1, 0), (0, 0), (150, 120), (305, 205), (479, 319), (479, 320))
        seen = [words[(top + y) * width + left + x] for x, y in spots]
        return seen == [black, red, green, blue, red, black]

    eventually(holds, timeout_s=30)
    display.close()
