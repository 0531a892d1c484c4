"""Every driver in the table can be had by its name, and none is loaded before it is wanted."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from agent.drivers.table import DRIVERS, check_options, close_together, open_driver, technologies
from contract.settings import SettingsError
from tests.drivers.told import Told

SOUND: dict[tuple[str, str], dict[str, object]] = {
    ("card", "libnfc"): {"connstring": "pn532_uart:/dev/ttyUSB0"},
    ("card", "pcsc"): {"reader": "*ACR122*"},
    ("code", "serial"): {"path": "/dev/ttyUSB1"},
    ("code", "evdev"): {"path": "/dev/input/by-id/scanner"},
    ("keypad", "serial"): {"path": "/dev/ttyUSB2"},
    ("keypad", "evdev"): {"path": "/dev/input/by-id/keypad"},
    ("touch", "evdev"): {"path": "/dev/input/by-id/no-such-panel"},
    ("keypad", "gpio"): {"rows": [5], "columns": [6], "keys": ["enter"]},
    ("printer", "escpos"): {"host": "127.0.0.1"},
    ("pole", "serial"): {"path": "/dev/ttyUSB3"},
    ("panel", "gpio"): {"ready": 4},
    ("glass", "socket"): {"address": "/run/glass"},
    ("glass", "luma"): {"controller": "ili9486"},
    ("glass", "framebuffer"): {},
}
"""For every row of the table, options that are right."""


@pytest.mark.parametrize(("capability", "technology"), list(DRIVERS))
def test_every_driver_is_made_from_its_options_and_touches_nothing_before_start(
    capability: str, technology: str
) -> None:
    told = Told()
    driver = open_driver(capability, technology, capability, SOUND[capability, technology], told.emit)
    driver.close()
    assert told.facts == ()


@pytest.mark.parametrize(("capability", "technology"), list(DRIVERS))
def test_every_driver_refuses_an_option_it_does_not_know(capability: str, technology: str) -> None:
    with pytest.raises(SettingsError, match="colour: there is no such setting"):
        check_options(capability, technology, SOUND[capability, technology] | {"colour": "red"})


def test_a_technology_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(SettingsError, match="Known are serial, evdev, gpio"):
        check_options("keypad", "telepathy", {})
    assert technologies("keypad") == ("serial", "evdev", "gpio")


def test_a_capability_that_is_not_there_is_refused() -> None:
    with pytest.raises(SettingsError, match="no kind of device"):
        check_options("scales", "serial", {})


class Slow:
    """A driver whose device lets go of it only when the others are closed as well."""

    def __init__(self, all_closing: threading.Barrier) -> None:
        self._all_closing = all_closing
        self.closed = False

    def start(self) -> None:
        return

    def close(self) -> None:
        self._all_closing.wait(30)
        self.closed = True


def test_drivers_are_closed_side_by_side_so_that_hanging_devices_do_not_add_up() -> None:
    all_closing = threading.Barrier(3)
    drivers = [Slow(all_closing) for _ in range(3)]
    close_together(drivers)
    assert all(driver.closed for driver in drivers)


def test_no_device_library_is_imported_before_a_device_is_opened() -> None:
    modules = ", ".join(sorted({place.partition(":")[0] for place in DRIVERS.values()}))
    libraries = (
        "{'escpos', 'evdev', 'nfc', 'pynfc', 'serial', 'qrcode', 'PIL', 'gpiozero', 'luma', 'numpy', 'smartcard'}"
    )
    program = f"import sys, {modules}; print(sorted({libraries} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
