"""What the screen's driver promises, shown against a screen that can stall, vanish and come back."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from agent.drivers.facts import DeviceStatus, Status
from agent.drivers.glass_socket import GlassSocket, GlassSocketOptions
from contract.settings import SettingsError
from simulator.glass import Glass
from tests.drivers.told import Told
from tests.waiting import ends, eventually

SIZE = (480, 320)


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture as the till draws it."""

    number: int
    image: Image.Image
    text: tuple[str, ...]
    made_monotonic_ns: int


def frame(number: int, text: str = "") -> Frame:
    image = Image.new("RGB", SIZE, (number % 256, 20, 60))
    return Frame(number, image, (text or f"第 {number} 帧", "应付 ¥221.20"), time.monotonic_ns())


def noisy_frame(number: int) -> Frame:
    """A frame of some 450 kB as PNG, more than any socket's buffer takes at once."""
    return Frame(number, Image.effect_noise(SIZE, 200).convert("RGB"), ("噪",), time.monotonic_ns())


Open = Callable[[], GlassSocket]


@pytest.fixture(params=["unix", "tcp"])
def glass(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Glass]:
    glass = Glass(tmp_path / "glass" if request.param == "unix" else ("127.0.0.1", 0))
    glass.start()
    yield glass
    glass.close()


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def driver(glass: Glass, told: Told) -> Iterator[GlassSocket]:
    driver = GlassSocket("glass", GlassSocketOptions.from_table({"address": glass.address}), told.emit)
    driver.start()
    told.next_status(Status.READY)
    yield driver
    driver.close()


def test_a_frame_arrives_with_its_picture_words_and_number(glass: Glass, driver: GlassSocket) -> None:
    made = frame(7)
    driver.show(made)
    assert glass.wait_for(lambda glass: glass.number == 7)
    assert glass.text == ("第 7 帧", "应付 ¥221.20")
    assert glass.frame is not None
    assert (glass.frame.width, glass.frame.height) == SIZE
    assert glass.frame.made_ns == made.made_monotonic_ns <= glass.frame.shown_ns
    assert Image.open(io.BytesIO(glass.png)).convert("RGB").tobytes() == made.image.tobytes()


def test_sounds_keep_their_place_among_the_frames(glass: Glass, driver: GlassSocket) -> None:
    driver.show(frame(1))
    assert glass.wait_for(lambda glass: glass.number == 1)
    driver.sound("attention")
    driver.show(frame(2))
    driver.sound("success")
    assert glass.wait_for(lambda glass: len(glass.sounds) == 2)
    assert [(sound.name, sound.count, sound.after_frame) for sound in glass.sounds] == [
        ("attention", 1, 1),
        ("success", 2, 2),
    ]


def test_a_stalled_screen_never_keeps_the_till_waiting_and_then_shows_the_newest(
    glass: Glass, driver: GlassSocket
) -> None:
    glass.stall()

    def show_all() -> None:
        for number in range(1, 300):
            driver.show(noisy_frame(number) if number < 3 else frame(number))
        driver.sound("success")

    ends(show_all)
    glass.stall(False)
    assert glass.wait_for(lambda glass: glass.number == 299)
    assert glass.wait_for(lambda glass: [sound.after_frame for sound in glass.sounds][-1:] == [299])
    assert len(glass.frames) < 100
    assert [shown.number for shown in glass.frames] == sorted(shown.number for shown in glass.frames)
    assert glass.faults == 0


def test_a_screen_stalled_for_long_is_given_up_and_found_again(glass: Glass, driver: GlassSocket, told: Told) -> None:
    glass.stall()
    noisy = noisy_frame(1)

    def given_up() -> bool:
        driver.show(noisy)
        return any(status.reason == "takes_nothing" for status in told.of(DeviceStatus))

    eventually(given_up)
    glass.stall(False)
    driver.show(frame(20))
    assert glass.wait_for(lambda glass: glass.number == 20)


def test_a_screen_that_comes_back_shows_the_newest_frame_and_no_old_sound(
    glass: Glass, driver: GlassSocket, told: Told
) -> None:
    driver.show(frame(1))
    assert glass.wait_for(lambda glass: glass.number == 1)
    glass.unplug()
    status = told.next_status(Status.GONE)
    assert (status.reason, status.next_step) == ("unplugged", "check_cable")
    driver.show(frame(2))
    driver.sound("refused")
    driver.show(frame(3))
    glass.replug()
    assert glass.wait_for(lambda glass: glass.number == 3)
    assert [shown.number for shown in glass.frames] == [1, 3]
    told.next_status(Status.READY)
    driver.sound("success")
    assert glass.wait_for(lambda glass: [sound.name for sound in glass.sounds] == ["success"])


def test_a_screen_that_comes_late_shows_what_was_drawn_before(tmp_path: Path, told: Told) -> None:
    glass = Glass(tmp_path / "late")
    driver = GlassSocket("glass", GlassSocketOptions(glass.address), told.emit)
    driver.show(frame(1))
    driver.start()
    assert told.next_status(Status.MISSING).reason == "not_found"
    glass.start()
    assert glass.wait_for(lambda glass: glass.number == 1)
    driver.close()
    glass.close()


def test_words_too_many_for_a_header_do_not_stop_the_picture(glass: Glass, driver: GlassSocket) -> None:
    driver.show(frame(1, "长" * 50_000))
    assert glass.wait_for(lambda glass: glass.number == 1)
    assert glass.text == ("…",)


@pytest.mark.parametrize("state", ["idle", "stalled", "gone"])
def test_closing_waits_for_nobody_and_may_be_done_twice(
    glass: Glass, driver: GlassSocket, told: Told, state: str
) -> None:
    if state == "stalled":
        glass.stall()
        driver.show(noisy_frame(1))
    elif state == "gone":
        glass.unplug()
        told.next_status(Status.GONE)
    ends(driver.close)
    driver.close()


@pytest.mark.parametrize("address", ["", "glass", "host:", "host:port", ":80", "127.0.0.1:70000", 5])
def test_an_address_that_is_none_is_refused(address: object) -> None:
    with pytest.raises(SettingsError):
        GlassSocketOptions.from_table({"address": address})
