"""How a USB printer is found by what it is: over folders as the kernel lays them out."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.drivers.facts import Status
from agent.drivers.printer_escpos import PrinterEscpos, PrinterEscposOptions
from agent.drivers.printer_usb import find_printer
from contract.settings import SettingsError
from tests.drivers.told import Told

EPSON, TM = 0x04B8, 0x0E15


def plug(root: Path, name: str, socket: str, numbers: tuple[str, str] = ("04b8", "0e15"), serial: str = "") -> None:
    """A printer at a socket, as sysfs shows it."""
    whole = root / "devices" / socket
    part = whole / f"{socket}:1.0"
    entry = part / "usbmisc" / name
    entry.mkdir(parents=True)
    for file, text in (("idVendor", numbers[0]), ("idProduct", numbers[1]), ("serial", serial)):
        if text:
            (whole / file).write_text(text + "\n")
    (entry / "uevent").write_text(f"MAJOR=180\nMINOR=0\nDEVNAME=usb/{name}\n")
    (entry / "device").symlink_to(part)
    (root / "class").mkdir(exist_ok=True)
    (root / "class" / name).symlink_to(entry)


def found(root: Path, serial: str = "") -> Path:
    return find_printer(EPSON, TM, serial, root / "class", Path("/dev"))


def test_the_printer_with_these_numbers_is_found_whatever_its_node_is_called(tmp_path: Path) -> None:
    plug(tmp_path, "lp0", "1-1", ("1209", "0001"))
    plug(tmp_path, "lp7", "1-2")
    assert found(tmp_path) == Path("/dev/usb/lp7")


def test_of_two_of_a_kind_the_serial_number_decides_else_the_socket(tmp_path: Path) -> None:
    plug(tmp_path, "lp0", "1-2", serial="B2")
    plug(tmp_path, "lp1", "1-1", serial="A1")
    assert found(tmp_path, "B2") == Path("/dev/usb/lp0")
    assert found(tmp_path) == Path("/dev/usb/lp1")
    with pytest.raises(FileNotFoundError, match="04b8:0e15 C3"):
        found(tmp_path, "C3")


def test_folders_that_say_nothing_or_nonsense_are_no_printer(tmp_path: Path) -> None:
    plug(tmp_path, "lp0", "1-1", ("", ""))
    plug(tmp_path, "lp1", "1-2", ("printer", "\x00"))
    (tmp_path / "class" / "lp2").symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError):
        found(tmp_path)


def test_a_printer_that_is_not_plugged_in_is_missing() -> None:
    told = Told()
    table = {"connection": "usb", "vendor": 0xFFFF, "product": 0xFFFF, "serial": "none such"}
    driver = PrinterEscpos("printer", PrinterEscposOptions.from_table(table), told.emit)
    driver.start()
    assert told.next_status(Status.MISSING).reason == "not_found"
    driver.close()


@pytest.mark.parametrize(
    "change", [{"vendor": 0}, {"vendor": "04b8"}, {"product": 65_536}, {"path": "/dev/usb/lp0"}, {"drawer": 3}]
)
def test_a_wrong_table_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(SettingsError):
        PrinterEscposOptions.from_table({"connection": "usb", "vendor": EPSON, "product": TM} | change)
