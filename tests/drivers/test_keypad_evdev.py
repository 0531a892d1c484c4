"""What the USB keypad's driver promises: keys out of real input events, from a recording or the kernel itself."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import evdev
import pytest
from evdev import ecodes
from evdev.eventio import EventIO
from hypothesis import given
from hypothesis import strategies as st

from agent.drivers.facts import Key, KeyPressed, Status
from agent.drivers.input_keys import KEYS
from agent.drivers.keypad_evdev import KeypadEvdev, KeypadEvdevOptions, KeyStream
from simulator.keypad_usb import UsbKeypad, kernel_offers_keypads
from tests.drivers.told import Told

needs_uinput = pytest.mark.skipif(
    not kernel_offers_keypads(), reason="this kernel offers no /dev/uinput to make a keypad with"
)


class Recording(EventIO):
    """Input events through a pipe: evdev's own reader takes them as it takes those of a device."""

    def __init__(self) -> None:
        self.fd, self._end = os.pipe()

    def play(self, *events: tuple[int, int, int]) -> list[evdev.InputEvent]:
        """Put events (type, code, value) in as the kernel lays them out, and read them."""
        os.write(self._end, b"".join(struct.pack("llHHi", 1, 2, *event) for event in events))
        return list(self.read())

    def close(self) -> None:
        os.close(self.fd)
        os.close(self._end)


@pytest.fixture
def recording() -> Iterator[Recording]:
    recording = Recording()
    yield recording
    recording.close()


def pressed(stream: KeyStream, events: Iterable[Any]) -> list[Key]:
    return stream.feed((event, 0) for event in events)


def tap(code: int) -> list[tuple[int, int, int]]:
    """A key goes down and up, as a USB keypad tells it."""
    scan = (ecodes.EV_MSC, ecodes.MSC_SCAN, 0x70000 + code)
    report = (ecodes.EV_SYN, ecodes.SYN_REPORT, 0)
    return [scan, (ecodes.EV_KEY, code, 1), report, scan, (ecodes.EV_KEY, code, 0), report]


@pytest.mark.parametrize(
    ("names", "key"),
    [
        *((("KEY_KP" + digit, "KEY_" + digit), Key(digit)) for digit in "0123456789"),
        (("KEY_KPDOT", "KEY_DOT"), Key.POINT),
        (("KEY_KPENTER", "KEY_ENTER"), Key.ENTER),
        (("KEY_BACKSPACE",), Key.CLEAR),
        (("KEY_ESC",), Key.CANCEL),
        (("KEY_F1",), Key.MEMBER),
        (("KEY_F2",), Key.CASH),
        (("KEY_F3",), Key.REPRINT),
        (("KEY_F4",), Key.LANG),
        (("KEY_F5",), Key.SIGNOUT),
        (("KEY_F6",), Key.DOUBLE_ZERO),
    ],
)
def test_every_key_comes_as_what_is_printed_on_it(recording: Recording, names: tuple[str, ...], key: Key) -> None:
    for name in names:
        events = recording.play(*tap(ecodes.ecodes[name]))
        assert pressed(KeyStream(lambda: []), events) == [key]


def test_every_key_of_the_till_is_on_the_keypad() -> None:
    assert set(KEYS.values()) == set(Key)


def test_a_key_held_down_counts_once(recording: Recording) -> None:
    held = (ecodes.EV_KEY, ecodes.KEY_KP5, 2)
    events = recording.play((ecodes.EV_KEY, ecodes.KEY_KP5, 1), held, held, *tap(ecodes.KEY_KP6))
    assert pressed(KeyStream(lambda: []), events) == [Key.DIGIT_5, Key.DIGIT_6]


def test_a_contact_that_chatters_is_one_key(recording: Recording) -> None:
    stream = KeyStream(lambda: [], bounce_ms=20)
    chatter = [(0, 1), (3, 0), (5, 1), (9, 0), (11, 1), (120, 0), (128, 1), (200, 0), (230, 1), (240, 0)]
    found = [
        at_ms
        for at_ms, value in chatter
        for event in recording.play((ecodes.EV_KEY, ecodes.KEY_KP5, value))
        if stream.feed([(event, at_ms * 1_000_000)])
    ]
    assert found == [0, 230]


def test_keys_without_a_meaning_press_nothing(recording: Recording) -> None:
    events = recording.play(*tap(ecodes.KEY_A), *tap(ecodes.KEY_NUMLOCK), (ecodes.EV_LED, 0, 1))
    assert pressed(KeyStream(lambda: []), events) == []


def test_after_the_kernels_buffer_ran_over_nothing_stale_is_pressed(recording: Recording) -> None:
    """SYN_DROPPED: what was read with it is older than the answer to which keys are down."""
    dropped = (ecodes.EV_SYN, ecodes.SYN_DROPPED, 0)
    report = (ecodes.EV_SYN, ecodes.SYN_REPORT, 0)
    events = recording.play(
        *tap(ecodes.KEY_KP1),
        dropped,
        (ecodes.EV_KEY, ecodes.KEY_KP2, 1),
        (ecodes.EV_KEY, ecodes.KEY_KP3, 0),
        report,
        *tap(ecodes.KEY_KP6),
    )
    later = recording.play((ecodes.EV_KEY, ecodes.KEY_KP4, 1), *tap(ecodes.KEY_KP7))
    asked: list[int] = []

    def held() -> list[int]:
        asked.append(1)
        return [ecodes.KEY_KP4]

    stream = KeyStream(held)
    assert pressed(stream, events) + pressed(stream, later) == [Key.DIGIT_1, Key.DIGIT_7]
    assert asked == [1]


@given(st.lists(st.tuples(st.integers(0, 31), st.integers(0, 767), st.integers(-2, 3)), max_size=60))
def test_no_events_upset_the_stream(events: list[tuple[int, int, int]]) -> None:
    stream = KeyStream(lambda: [])
    for kind, code, value in events:
        assert set(stream.feed([(evdev.InputEvent(0, 0, kind, code, value), 0)])) <= set(Key)


def test_a_keypad_that_is_not_there_is_missing() -> None:
    told = Told()
    driver = KeypadEvdev("keypad", KeypadEvdevOptions("/dev/input/by-id/none"), told.emit)
    driver.start()
    assert told.next_status(Status.MISSING).reason == "not_found"
    driver.close()
    driver.close()


def test_a_file_that_is_no_input_device_is_said(tmp_path: Path) -> None:
    told = Told()
    path = tmp_path / "file"
    path.touch()
    driver = KeypadEvdev("keypad", KeypadEvdevOptions(str(path)), told.emit)
    driver.start()
    status = told.next_status(Status.SELF_CHECK_FAILED)
    assert (status.reason, status.next_step) == ("wrong_device", "check_config")
    driver.close()


@needs_uinput
def test_a_kernel_keypad_is_held_for_the_till_alone_and_found_again_after_it_was_pulled(tmp_path: Path) -> None:
    told = Told()
    keypad = UsbKeypad(tmp_path / "keypad")
    keypad.start()
    driver = KeypadEvdev("keypad", KeypadEvdevOptions(str(keypad.path)), told.emit)
    driver.start()
    told.next_status(Status.READY)
    with pytest.raises(OSError, match="busy"):
        evdev.InputDevice(str(keypad.path)).grab()
    for key in Key:
        keypad.press(key.value)
        assert told.next(KeyPressed) == KeyPressed("keypad", key)
    keypad.unplug()
    assert told.next_status(Status.GONE).reason == "unplugged"
    keypad.replug()
    told.next_status(Status.READY)
    driver.close()
    keypad.close()
