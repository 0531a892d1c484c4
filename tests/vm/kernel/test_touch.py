"""What the touch panel's driver promises beside the kernel's own input layer, with panels made by uinput."""

import errno
import select
from collections.abc import Iterator
from pathlib import Path

import evdev
import pytest
from evdev import ecodes

from agent.drivers.facts import Finger, Status, Touched
from agent.drivers.touch_evdev import TouchEvdev, TouchEvdevOptions, standing_of, surface_of
from agent.drivers.touch_stream import TouchStream
from simulator.keypad_usb import UsbKeypad
from simulator.touch_usb import UsbTouch, kernel_offers_panels
from tests.drivers.told import Told

MORE_THAN_A_BUFFER = 400


@pytest.fixture(params=[False, True], ids=["one finger", "slots"])
def panel(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[UsbTouch]:
    assert kernel_offers_panels()
    panel = UsbTouch(tmp_path / "panel", request.param)
    panel.start()
    yield panel
    panel.close()


@pytest.fixture
def told(panel: UsbTouch) -> Iterator[Told]:
    told = Told()
    driver = TouchEvdev("touch", TouchEvdevOptions(str(panel.path)), told.emit)
    driver.start()
    told.next_status(Status.READY)
    yield told
    driver.close()


def fingers(told: Told) -> list[Finger]:
    return [fact.finger for fact in told.of(Touched)]


def test_taps_come_at_their_places_and_to_the_till_alone(panel: UsbTouch, told: Told) -> None:
    other = evdev.InputDevice(str(panel.path))
    # Twice at one place: the kernel does not tell again what has not changed.
    for place in ((0, 0), (9_999, 9_999), (5_000, 2_500), (5_000, 2_500)):
        panel.tap(*place)
        down, up = told.next(Touched), told.next(Touched)
        assert (down.finger, up.finger) == (Finger.DOWN, Finger.UP)
        for fact in (down, up):
            assert abs(fact.x_permyriad - place[0]) <= 5 and abs(fact.y_permyriad - place[1]) <= 5
    assert not select.select([other.fd], [], [], 0.3)[0], "another program saw the touch"
    with pytest.raises(OSError) as refused:
        other.grab()
    assert refused.value.errno == errno.EBUSY
    other.close()


def test_a_till_that_starts_later_knows_where_the_last_finger_was(panel: UsbTouch) -> None:
    panel.tap(5_000, 2_500)
    told = Told()
    driver = TouchEvdev("touch", TouchEvdevOptions(str(panel.path)), told.emit)
    driver.start()
    told.next_status(Status.READY)
    panel.tap(5_000, 2_500)
    assert abs(told.next(Touched).x_permyriad - 5_000) <= 5
    driver.close()


def test_a_panel_pulled_while_it_is_touched_loses_the_finger_and_comes_back(panel: UsbTouch, told: Told) -> None:
    panel.touch(3_000, 3_000)
    assert told.next(Touched).finger is Finger.DOWN
    panel.unplug()
    assert told.next(Touched).finger is Finger.LOST
    assert told.next_status(Status.GONE).reason == "unplugged"
    panel.replug()
    told.next_status(Status.READY)
    panel.tap(3_000, 3_000)
    assert [told.next(Touched).finger for _ in range(2)] == [Finger.DOWN, Finger.UP]


def test_a_worn_panel_that_chatters_is_touched_once(panel: UsbTouch, told: Told) -> None:
    panel.chatter(3_000, 3_000, 5)
    assert [told.next(Touched).finger for _ in range(2)] == [Finger.DOWN, Finger.UP]
    panel.tap(6_000, 3_000)
    assert [told.next(Touched).finger for _ in range(2)] == [Finger.DOWN, Finger.UP]
    assert len(fingers(told)) == 4


def test_after_the_kernel_dropped_events_no_touch_is_made_up(panel: UsbTouch) -> None:
    device = evdev.InputDevice(str(panel.path))
    surface = surface_of(device)
    assert surface is not None
    stream = TouchStream(surface, lambda: standing_of(device, surface), 0)
    panel.touch(1_000, 1_000)
    for at in range(MORE_THAN_A_BUFFER):
        panel.move(at, at)
    panel.lift()
    events = list(device.read())
    assert any(event.type == ecodes.EV_SYN and event.code == ecodes.SYN_DROPPED for event in events)
    found = [one.finger for one in stream.feed((event, 0) for event in events)]
    while select.select([device.fd], [], [], 0.3)[0]:
        found += [one.finger for one in stream.feed((event, 0) for event in device.read())]
    assert Finger.UP not in found
    panel.tap(6_000, 3_000)
    found = []
    while select.select([device.fd], [], [], 0.3)[0]:
        found += [one.finger for one in stream.feed((event, 1) for event in device.read())]
    found += [one.finger for one in stream.quiet(10**9)]
    assert found == [Finger.DOWN, Finger.UP]
    device.close()


def test_a_keypad_is_no_touch_panel(tmp_path: Path) -> None:
    keypad, told = UsbKeypad(tmp_path / "keypad"), Told()
    keypad.start()
    driver = TouchEvdev("touch", TouchEvdevOptions(str(keypad.path)), told.emit)
    driver.start()
    assert told.next_status(Status.SELF_CHECK_FAILED).reason == "wrong_device"
    driver.close()
    keypad.close()
