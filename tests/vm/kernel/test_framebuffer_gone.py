"""What the framebuffer's driver promises when the framebuffer goes, and when the till does."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from agent.drivers.display_framebuffer import DisplayFramebuffer, DisplayFramebufferOptions
from agent.drivers.facts import Status
from tests.drivers.driver_process import DriverProcess
from tests.drivers.told import Told
from tests.waiting import eventually

IN_MEMORY = "Virtual FB"
DRIVER, DEVICE = Path("/sys/bus/platform/drivers/vfb"), "vfb.0"


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture to show."""

    image: Image.Image


def number() -> str:
    """Which framebuffer is the one in memory."""
    rows = [line.split(maxsplit=1) for line in Path("/proc/fb").read_text().splitlines()]
    return next(one for one, name in rows if name == IN_MEMORY)


@pytest.fixture
def path() -> Iterator[str]:
    yield f"/dev/fb{number()}"
    if not (DRIVER / DEVICE).exists():
        (DRIVER / "bind").write_text(DEVICE)


def is_all(path: str, colour: int) -> bool:
    """Whether the middle of the screen has this colour everywhere."""
    name = Path(path).name
    width, height = (int(part) for part in Path(f"/sys/class/graphics/{name}/virtual_size").read_text().split(","))
    words = struct.unpack_from(f"<{width * height}H", Path(path).read_bytes())
    left, top = (width - 480) // 2, (height - 320) // 2
    return all(set(words[(top + y) * width + left :][:480]) == {colour} for y in range(320))


def test_a_framebuffer_whose_device_goes_is_told_and_one_that_comes_back_shows_the_newest(path: str) -> None:
    told = Told()
    display = DisplayFramebuffer("glass", DisplayFramebufferOptions(path), told.emit)
    display.start()
    told.next_status(Status.READY)
    display.show(Shown(Image.new("RGB", (480, 320), (255, 0, 0))))
    eventually(lambda: is_all(path, 0x001F), timeout_s=30)
    (DRIVER / "unbind").write_text(DEVICE)
    display.show(Shown(Image.new("RGB", (480, 320), (0, 255, 0))))
    gone = told.next_status(Status.GONE)
    assert (gone.reason, gone.next_step) == ("unplugged", "check_cable")
    display.show(Shown(Image.new("RGB", (480, 320), (0, 0, 255))))
    (DRIVER / "bind").write_text(DEVICE)
    told.next_status(Status.READY)
    eventually(lambda: is_all(path, 0xF800), timeout_s=30)
    display.close()


def test_a_till_that_was_killed_while_it_drew_draws_all_of_the_next_picture(path: str) -> None:
    told = Told()
    driver = DriverProcess(told.emit, "glass", "framebuffer", {"path": path})
    driver.start()
    told.next_status(Status.READY, timeout_s=60)
    for shade in range(1, 20):
        driver.show(Shown(Image.new("RGB", (480, 320), (shade * 8, 0, 0))))
    driver.kill()
    driver.start()
    told.next_status(Status.READY, timeout_s=60)
    driver.show(Shown(Image.new("RGB", (480, 320), (0, 255, 0))))
    eventually(lambda: is_all(path, 0x07E0), timeout_s=30)
    driver.close()
