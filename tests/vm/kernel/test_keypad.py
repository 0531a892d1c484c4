"""What the USB keypad's driver promises beside a real USB keyboard and the kernel's own input layer."""

import errno
import select
from collections.abc import Iterator
from pathlib import Path

import evdev
import pytest
from evdev import ecodes

from agent.drivers.facts import Key, KeyPressed, Status
from agent.drivers.keypad_evdev import KeypadEvdev, KeypadEvdevOptions, KeyStream
from tests.drivers.told import Told
from tests.vm.kernel.gadgets import Keyboard, plugged_keyboard
from tests.waiting import eventually

KP_1, KP_2, KP_ENTER = 0x59, 0x5A, 0x58
"""HID Usage Tables, page 0x07."""

MORE_THAN_A_BUFFER = 400
"""Key strokes that a program leaves unread, and events it then reads; the kernel keeps far fewer for it."""


@pytest.fixture
def keyboard() -> Iterator[Keyboard]:
    with plugged_keyboard("keypad") as made:
        yield made


@pytest.fixture
def told(keyboard: Keyboard) -> Iterator[Told]:
    told = Told()
    driver = KeypadEvdev("keypad", KeypadEvdevOptions(str(keyboard.path)), told.emit)
    driver.start()
    told.next_status(Status.READY)
    try:
        yield told
    finally:
        driver.close()


def test_keys_come_from_the_keyboard_to_the_till_alone(keyboard: Keyboard, told: Told) -> None:
    other = evdev.InputDevice(str(keyboard.path))
    keyboard.tap(KP_1)
    assert told.next(KeyPressed).key is Key.DIGIT_1
    assert not select.select([other.fd], [], [], 0.3)[0], "another program saw the key"
    with pytest.raises(OSError) as refused:
        other.grab()
    assert refused.value.errno == errno.EBUSY
    other.close()


def test_a_keypad_another_program_holds_is_said_to_be_in_use_and_taken_once_it_is_free(keyboard: Keyboard) -> None:
    other = evdev.InputDevice(str(keyboard.path))
    other.grab()
    told = Told()
    driver = KeypadEvdev("keypad", KeypadEvdevOptions(str(keyboard.path)), told.emit)
    driver.start()
    try:
        assert told.next_status(Status.SELF_CHECK_FAILED).reason == "in_use"
        other.ungrab()
        told.next_status(Status.READY)
        keyboard.tap(KP_ENTER)
        assert told.next(KeyPressed).key is Key.ENTER
    finally:
        driver.close()
        other.close()


def test_a_keypad_pulled_while_a_key_is_down_comes_back_and_the_key_counts_once(keyboard: Keyboard, told: Told) -> None:
    keyboard.report(KP_1)
    assert told.next(KeyPressed).key is Key.DIGIT_1
    keyboard.gadget.unplug()
    assert told.next_status(Status.GONE).reason == "unplugged"
    keyboard.gadget.plug()
    keyboard.wait()
    told.next_status(Status.READY)
    keyboard.tap(KP_2)
    assert told.next(KeyPressed).key is Key.DIGIT_2
    assert [fact.key for fact in told.of(KeyPressed)] == [Key.DIGIT_1, Key.DIGIT_2]


def test_a_key_that_is_held_counts_once_whatever_the_kernel_repeats(keyboard: Keyboard, told: Told) -> None:
    keyboard.report(KP_1)
    watched = evdev.InputDevice(str(keyboard.path))
    # The kernel repeats a held key by itself, some 30 times a second after a quarter of one.
    eventually(watched.active_keys)
    keyboard.report(KP_1, KP_2)
    keyboard.report()
    keyboard.tap(KP_ENTER)
    eventually(lambda: told.of(KeyPressed)[-1:] and told.of(KeyPressed)[-1].key is Key.ENTER)
    assert [fact.key for fact in told.of(KeyPressed)] == [Key.DIGIT_1, Key.DIGIT_2, Key.ENTER]
    watched.close()


def test_after_the_kernel_dropped_events_no_key_is_made_up(keyboard: Keyboard) -> None:
    device = evdev.InputDevice(str(keyboard.path))
    keys = KeyStream(device.active_keys)
    for _ in range(MORE_THAN_A_BUFFER):
        keyboard.tap(KP_1)
    keyboard.report(KP_2)
    # The kernel goes on repeating the key that is down, so its events never end.
    events: list[evdev.InputEvent] = []
    while len(events) < MORE_THAN_A_BUFFER and select.select([device.fd], [], [], 5)[0]:
        events += list(device.read())
    assert any(event.type == ecodes.EV_SYN and event.code == ecodes.SYN_DROPPED for event in events)
    found = keys.feed((event, 0) for event in events)
    assert len(found) < MORE_THAN_A_BUFFER
    assert set(found) <= {Key.DIGIT_1}
    keyboard.report()
    keyboard.tap(KP_ENTER)
    after: list[Key] = []
    while not after and select.select([device.fd], [], [], 5)[0]:
        after += keys.feed((event, 0) for event in device.read())
    assert after == [Key.ENTER]
    device.close()


def test_the_keypad_is_found_by_the_name_it_keeps_wherever_it_is_plugged(keyboard: Keyboard) -> None:
    before = Path(keyboard.path).resolve()
    keyboard.gadget.unplug()
    eventually(lambda: not keyboard.path.exists())
    keyboard.gadget.plug()
    keyboard.wait()
    assert before.parent == Path("/dev/input")
    assert keyboard.path.resolve().parent == Path("/dev/input")
