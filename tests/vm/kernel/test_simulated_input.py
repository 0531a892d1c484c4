"""The simulator's scanner and keypad, made with uinput: the drivers' promises under every fault the scanner has."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from evdev import ecodes

from agent.drivers.code_evdev import CodeEvdev, CodeEvdevOptions
from agent.drivers.facts import CodeProblem, CodeRefused, CodeScanned, Key, KeyPressed, Status
from agent.drivers.keypad_evdev import KeypadEvdev, KeypadEvdevOptions
from simulator.faults import Fault
from simulator.keypad_usb import UsbKeypad, kernel_offers_keypads
from simulator.scanner_usb import UsbScanner, kernel_offers_scanners
from tests.drivers.told import Told

LONG = ("会员一二三" * 60).encode()


@pytest.fixture
def scanner(tmp_path: Path) -> Iterator[UsbScanner]:
    assert kernel_offers_scanners()
    scanner = UsbScanner(tmp_path / "scanner", stroke_s=0.0005)
    scanner.start()
    yield scanner
    scanner.close()


@pytest.fixture
def told(scanner: UsbScanner) -> Iterator[Told]:
    told = Told()
    driver = CodeEvdev("code", CodeEvdevOptions(str(scanner.path)), told.emit)
    driver.start()
    told.next_status(Status.READY)
    yield told
    driver.close()


def test_a_long_code_comes_whole(scanner: UsbScanner, told: Told) -> None:
    scanner.scan(LONG)
    assert told.next(CodeScanned, timeout_s=60).data == LONG


@pytest.mark.parametrize(
    ("fault", "after_bytes", "problems"),
    [
        (Fault.SILENT, 0, 0),
        (Fault.GARBAGE, 0, 1),
        (Fault.HALF_FRAME, 0, 1),
        (Fault.SLOW_BYTES, 0, 0),
        (Fault.DISCONNECT, 0, 0),
        (Fault.DISCONNECT, 4, 0),
    ],
)
def test_the_code_after_a_fault_is_read_and_none_is_half(
    scanner: UsbScanner, told: Told, fault: Fault, after_bytes: int, problems: int
) -> None:
    scanner.fail(fault, times=1, after_bytes=after_bytes)
    scanner.scan(b"69012345")
    if fault is Fault.SLOW_BYTES:
        assert told.next(CodeScanned).data == b"69012345"
    if fault is Fault.DISCONNECT:
        told.next_status(Status.GONE)
        scanner.replug()
        told.next_status(Status.READY)
    for _ in range(problems):
        assert told.next(CodeRefused).reason is CodeProblem.GARBLED
        scanner.send(b"\r")
    scanner.scan(b"whole")
    assert told.next(CodeScanned).data == b"whole"
    assert len(told.of(CodeRefused)) == problems


def test_a_keypad_with_a_worn_contact_presses_each_key_once(tmp_path: Path) -> None:
    assert kernel_offers_keypads()
    keypad, told = UsbKeypad(tmp_path / "keypad"), Told()
    keypad.start()
    driver = KeypadEvdev(
        "keypad", KeypadEvdevOptions.from_table({"path": str(keypad.path), "bounce_ms": 200}), told.emit
    )
    driver.start()
    told.next_status(Status.READY)
    keypad.bounce(ecodes.KEY_KP7, 4)
    keypad.press("enter")
    assert [told.next(KeyPressed).key for _ in range(2)] == [Key.DIGIT_7, Key.ENTER]
    assert len(told.of(KeyPressed)) == 2
    driver.close()
    keypad.close()
