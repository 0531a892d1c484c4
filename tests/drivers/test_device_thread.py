"""A fault of a driver's own costs one turn: it is told, and the driver goes on with its device."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from agent.drivers.card_libnfc import CardLibnfc, CardLibnfcOptions
from agent.drivers.code_serial import CodeSerial, CodeSerialOptions
from agent.drivers.facts import (
    CardPresented,
    CodeScanned,
    DeviceStatus,
    Fact,
    Key,
    KeyPressed,
    PrintFailed,
    PrintFinished,
    PrintProblem,
    Status,
)
from agent.drivers.glass_socket import GlassSocket, GlassSocketOptions
from agent.drivers.keypad_evdev import KeypadEvdev, KeypadEvdevOptions
from agent.drivers.keypad_serial import KeypadSerial, KeypadSerialOptions
from agent.drivers.printer_escpos import PrinterEscpos, PrinterEscposOptions
from agent.paper import Cut, Paper, Text
from simulator.cards import UidCard
from simulator.glass import Glass
from simulator.keypad import Keypad
from simulator.keypad_usb import UsbKeypad, kernel_offers_keypads
from simulator.pn532 import Pn532
from simulator.printer import Printer
from simulator.scanner import Scanner
from tests.drivers.told import Told
from tests.waiting import eventually

SIZE_NOBODY_HAS: Any = 0
NO_IMAGE: Any = None
"""Values against the types, as a fault of the program would hand them on."""


class Stumbling(Told):
    """Takes facts as a mailbox does, and falls over the first one of a kind."""

    def __init__(self, kind: type[Fact]) -> None:
        super().__init__()
        self._kind: type[Fact] | None = kind

    def emit(self, fact: Fact) -> bool:
        if self._kind is not None and isinstance(fact, self._kind):
            self._kind = None
            raise RuntimeError("nobody thought of this")
        return super().emit(fact)


def assert_fault_told_and_over(told: Told, device: str) -> None:
    fault = DeviceStatus(device, Status.SELF_CHECK_FAILED, "driver_fault", "call_technician")
    assert told.next_status(Status.SELF_CHECK_FAILED) == fault
    told.next_status(Status.READY)


def test_a_serial_keypad_goes_on(tmp_path: Path) -> None:
    told, keypad = Stumbling(KeyPressed), Keypad(tmp_path / "keypad")
    keypad.start()
    driver = KeypadSerial("keypad", KeypadSerialOptions(str(keypad.path)), told.emit)
    driver.start()
    told.next_status(Status.READY)
    keypad.press("7")
    assert_fault_told_and_over(told, "keypad")
    keypad.press("8")
    assert told.next(KeyPressed) == KeyPressed("keypad", Key.DIGIT_8)
    driver.close()
    keypad.close()


def test_a_scanner_goes_on(tmp_path: Path) -> None:
    told, scanner = Stumbling(CodeScanned), Scanner(tmp_path / "scanner")
    scanner.start()
    driver = CodeSerial("code", CodeSerialOptions(str(scanner.path)), told.emit)
    driver.start()
    told.next_status(Status.READY)
    scanner.scan(b"lost")
    assert_fault_told_and_over(told, "code")
    scanner.scan(b"6901234567892")
    assert told.next(CodeScanned) == CodeScanned("code", b"6901234567892")
    driver.close()
    scanner.close()


@pytest.mark.skipif(not kernel_offers_keypads(), reason="this kernel offers no /dev/uinput to make a keypad with")
def test_a_usb_keypad_goes_on(tmp_path: Path) -> None:
    told, keypad = Stumbling(KeyPressed), UsbKeypad(tmp_path / "keypad")
    keypad.start()
    driver = KeypadEvdev("keypad", KeypadEvdevOptions(str(keypad.path)), told.emit)
    driver.start()
    told.next_status(Status.READY)
    keypad.press("7")
    assert_fault_told_and_over(told, "keypad")
    keypad.press("8")
    assert told.next(KeyPressed) == KeyPressed("keypad", Key.DIGIT_8)
    driver.close()
    keypad.close()


def test_a_card_reader_presents_the_card_that_still_lies_on_it(tmp_path: Path) -> None:
    told, reader = Stumbling(CardPresented), Pn532(tmp_path / "reader")
    reader.start()
    driver = CardLibnfc("card", CardLibnfcOptions(reader.connstring), told.emit)
    driver.start()
    told.next_status(Status.READY)
    reader.field.present(UidCard(b"\x11\x22\x33\x44"))
    assert_fault_told_and_over(told, "card")
    assert told.next(CardPresented).uid == b"\x11\x22\x33\x44"
    driver.close()
    reader.close()


def test_a_printer_fails_the_paper_it_stumbled_over_once_and_prints_the_next() -> None:
    told, printer = Told(), Printer()
    printer.start()
    options = PrinterEscposOptions.from_table({"host": "127.0.0.1", "port": printer.port})
    driver = PrinterEscpos("printer", options, told.emit)
    driver.start()
    told.next_status(Status.READY)
    driver.print("broken", Paper((Text("坏", size=SIZE_NOBODY_HAS), Cut())))
    driver.print("sound", Paper((Text("谢谢"), Cut())))
    assert told.next(PrintFailed) == PrintFailed("printer", "broken", PrintProblem.DRIVER_FAULT, maybe_printed=True)
    assert_fault_told_and_over(told, "printer")
    assert told.next(PrintFinished) == PrintFinished("printer", "sound")
    assert [receipt.text for receipt in printer.roll.receipts] == ["谢谢"]
    driver.close()
    printer.close()


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture as the till draws it."""

    number: int
    image: Image.Image
    text: tuple[str, ...]
    made_monotonic_ns: int


def test_a_screen_shows_the_next_frame_after_one_that_could_not_be_sent(tmp_path: Path) -> None:
    told, glass = Told(), Glass(tmp_path / "glass")
    glass.start()
    driver = GlassSocket("glass", GlassSocketOptions(glass.address), told.emit)
    driver.start()
    told.next_status(Status.READY)
    driver.show(Frame(1, NO_IMAGE, ("",), time.monotonic_ns()))
    told.next_status(Status.SELF_CHECK_FAILED)
    driver.show(Frame(2, Image.new("RGB", (480, 320)), ("就绪",), time.monotonic_ns()))
    assert glass.wait_for(lambda glass: glass.number == 2)
    eventually(lambda: told.of(DeviceStatus)[-1].status is Status.READY)
    driver.close()
    glass.close()
