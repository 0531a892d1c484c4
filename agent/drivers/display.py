"""What every screen at the board itself has in common: the newest picture is drawn, in a thread of its own, and a
screen that comes back gets the whole of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from agent.drivers.device_thread import DeviceThread
from agent.drivers.facts import Status
from agent.drivers.newest import Newest
from agent.drivers.report import Report

if TYPE_CHECKING:
    from PIL.Image import Image

RETRY_S = 1.0

Box = tuple[int, int, int, int]
"""Left, top, right and bottom, the last two just outside."""

BAND_PX = 32
"""Changes are looked for in bands so high: the clock above and the amount below are then two small pieces of the
screen, not all of it.
"""


class Picture(Protocol):
    """What can be shown."""

    @property
    def image(self) -> Image:
        """The picture, in RGB."""


class Surface(Protocol):
    """An open screen."""

    def draw(self, image: Image) -> None:
        """Make the screen look like this. Raises OSError where the screen is lost."""

    def close(self) -> None:
        """Let it go; may fail as it likes, with an OSError."""


class Display:
    """Draws the newest picture on what `opened` gives; None says that there is no screen now, which it has reported."""

    def __init__(self, name: str, report: Report, opened: Callable[[], Surface | None]) -> None:
        self._report = report
        self._opened = opened
        self._newest: Newest[Picture] = Newest()
        self._thread = DeviceThread(name, report, self._serve, RETRY_S)

    def show(self, picture: Picture) -> None:
        """Put a picture on the screen, in place of any that still waits."""
        self._newest.put(picture)
        self._thread.ring()

    def sound(self, name: str) -> None:
        """A screen at the board has no speaker; the panel's buzzer has the sound."""

    def start(self) -> None:
        """Begin; the screen may come later."""
        self._thread.start()

    def close(self) -> None:
        """End within a second; may be called again."""
        self._thread.close()

    def _serve(self) -> None:
        surface = self._opened()
        if surface is None:
            return
        try:
            self._report.say(Status.READY)
            self._newest.again()
            while not self._thread.closing.is_set():
                picture = self._newest.take(0)
                if picture is not None:
                    surface.draw(picture.image)
                else:
                    self._thread.wait()
        except OSError:
            self._report.say_lost()
        finally:
            try:
                surface.close()
            except OSError:
                self._report.say_lost()


def fitted(image: Image, width: int, height: int) -> Image:
    """The picture in the middle of a black screen of that size: as many times as large as fits whole, or, where the
    screen is smaller, as large as fits.
    """
    from PIL import Image as images

    times = min(width // image.width, height // image.height)
    if times == 0:
        share = min(width * image.height, height * image.width)
        size = (max(share // image.height, 1), max(share // image.width, 1))
        scaled = image.resize(size, images.Resampling.LANCZOS)
    else:
        scaled = (
            image if times == 1 else image.resize((image.width * times, image.height * times), images.Resampling.BOX)
        )
    if scaled.size == (width, height):
        return scaled
    screen = images.new("RGB", (width, height))
    screen.paste(scaled, ((width - scaled.width) // 2, (height - scaled.height) // 2))
    return screen


def changed(before: Image | None, now: Image) -> list[Box]:
    """Which parts of the screen differ, one at most in each band; all of it where nothing was there before."""
    from PIL import ImageChops

    if before is None or before.size != now.size:
        return [(0, 0, now.width, now.height)]
    boxes = []
    difference = ImageChops.difference(before, now)
    for top in range(0, now.height, BAND_PX):
        bottom = min(top + BAND_PX, now.height)
        box = difference.crop((0, top, now.width, bottom)).getbbox()
        if box is not None:
            boxes.append((box[0], top + box[1], box[2], top + box[3]))
    return boxes
