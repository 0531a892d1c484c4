"""What the serial keypad's driver promises, shown over a serial port with a plug that can be pulled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.drivers.facts import Key, KeyPressed, Status
from agent.drivers.keypad_serial import KeypadSerial, KeypadSerialOptions
from simulator.keypad import KEYS, Keypad
from tests.drivers.told import Told
from tests.waiting import eventually


@pytest.fixture
def keypad(tmp_path: Path) -> Iterator[Keypad]:
    keypad = Keypad(tmp_path / "keypad")
    keypad.start()
    yield keypad
    keypad.close()


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def driver(keypad: Keypad, told: Told) -> Iterator[KeypadSerial]:
    driver = KeypadSerial("keypad", KeypadSerialOptions.from_table({"path": str(keypad.path)}), told.emit)
    driver.start()
    told.next_status(Status.READY)
    yield driver
    driver.close()


def test_every_key_of_the_till_is_on_the_keypad_and_comes_as_itself(
    keypad: Keypad, driver: KeypadSerial, told: Told
) -> None:
    assert set(KEYS) == {key.value for key in Key}
    keypad.press(*KEYS)
    assert [told.next(KeyPressed) for _ in KEYS] == [KeyPressed("keypad", Key(name)) for name in KEYS]


def test_noise_is_counted_and_presses_nothing(keypad: Keypad, driver: KeypadSerial, told: Told) -> None:
    noise = bytes(set(range(256)) - set(b"0123456789.OCX\rM$VTPBGRLSUZN="))
    keypad.send(noise)
    keypad.press("7")
    assert told.next(KeyPressed).key is Key.DIGIT_7
    assert driver.ignored == len(noise)
    assert len(told.of(KeyPressed)) == 1


def test_a_hundred_keys_at_once_all_come_in_order(keypad: Keypad, driver: KeypadSerial, told: Told) -> None:
    keypad.type("0123456789" * 10)
    assert "".join(told.next(KeyPressed).key.value for _ in range(100)) == "0123456789" * 10


def test_a_pulled_keypad_is_told_and_found_again(keypad: Keypad, driver: KeypadSerial, told: Told) -> None:
    keypad.unplug()
    status = told.next_status(Status.GONE)
    assert (status.reason, status.next_step) == ("unplugged", "check_cable")
    keypad.replug()
    told.next_status(Status.READY)
    keypad.press("enter")
    assert told.next(KeyPressed).key is Key.ENTER


def test_keys_pressed_while_no_till_ran_are_not_for_this_customer(keypad: Keypad, told: Told) -> None:
    keypad.type("1234")
    driver = KeypadSerial("keypad", KeypadSerialOptions(str(keypad.path)), told.emit)
    driver.start()
    told.next_status(Status.READY)
    keypad.press("9")
    assert told.next(KeyPressed).key is Key.DIGIT_9
    driver.close()


def test_a_full_mailbox_drops_keys_and_the_driver_goes_on(keypad: Keypad, driver: KeypadSerial, told: Told) -> None:
    told.room = 2
    keypad.type("12345")
    eventually(lambda: len(told.of(KeyPressed)) == 2)
    keypad.send(b"?")
    eventually(lambda: driver.ignored == 1)
    told.room = None
    keypad.press("9")
    assert [told.next(KeyPressed).key.value for _ in range(3)] == ["1", "2", "9"]


def test_a_contact_that_chatters_is_one_key_where_the_keypad_is_said_to_chatter(keypad: Keypad, told: Told) -> None:
    driver = KeypadSerial(
        "keypad", KeypadSerialOptions.from_table({"path": str(keypad.path), "bounce_ms": 200}), told.emit
    )
    driver.start()
    told.next_status(Status.READY)
    keypad.type("111212")
    assert [told.next(KeyPressed).key.value for _ in range(4)] == ["1", "2", "1", "2"]
    driver.close()
