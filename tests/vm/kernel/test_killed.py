"""What a kernel gives back of a till that was killed: what it held for itself alone, a new till can have."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent.drivers.facts import CodeScanned, Finger, KeyPressed, Status, Touched
from simulator.keypad_usb import UsbKeypad
from simulator.scanner_usb import UsbScanner
from simulator.touch_usb import UsbTouch
from tests.drivers.driver_process import DriverProcess
from tests.drivers.told import Told


@pytest.mark.parametrize("capability", ["code", "keypad", "touch"])
def test_a_till_that_was_killed_and_begun_anew_takes_its_device_again(capability: str, tmp_path: Path) -> None:
    at = tmp_path / capability
    if capability == "code":
        scanner = UsbScanner(at, stroke_s=0.0005)
        told_of(scanner, CodeScanned, lambda: scanner.scan(b"69012345"), capability, at)
    elif capability == "keypad":
        keypad = UsbKeypad(at)
        told_of(keypad, KeyPressed, lambda: keypad.press("7"), capability, at)
    else:
        panel = UsbTouch(at, True)
        told_of(panel, Touched, lambda: panel.tap(5_000, 5_000), capability, at)


def told_of(device: Any, kind: type[Any], act: Callable[[], object], capability: str, at: Path) -> None:
    """One act before, one while nobody is there, one after; the middle one is nobody's."""
    device.start()
    told = Told()
    driver = DriverProcess(told.emit, capability, "evdev", {"path": str(at)})
    driver.start()
    told.next_status(Status.READY, timeout_s=60)
    act()
    told.next(kind)
    driver.kill()
    act()
    driver.start()
    told.next_status(Status.READY, timeout_s=60)
    act()
    told.next(kind)
    driver.close()
    device.close()
    downs = [one for one in told.of(kind) if getattr(one, "finger", Finger.DOWN) is Finger.DOWN]
    assert len(downs) == 2, told.facts
