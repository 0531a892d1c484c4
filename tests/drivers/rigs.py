"""For each driver of the table a device of its kind that can be pulled and put back, as often and as many as wanted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.drivers.display_luma import DisplayLuma, DisplayLumaOptions, PinsAsRpiGpio
from agent.drivers.facts import Emit
from agent.drivers.table import Driver, open_driver
from simulator.glass import Glass
from simulator.keypad import Keypad
from simulator.pn532 import Pn532
from simulator.pole import Pole
from simulator.ports import Pty
from simulator.printer import Printer
from simulator.scanner import Scanner


def _nothing() -> None:
    """Pins of a board are not pulled."""


@dataclass(frozen=True, slots=True)
class Rig:
    """A device with its cable; `open` makes a driver for it, not yet started."""

    open: Callable[[Emit], Driver]
    pull: Callable[[], object] = _nothing
    put_back: Callable[[], object] = _nothing
    close: Callable[[], object] = _nothing


class DeadLine:
    """An SPI line that takes all bytes until it is pulled."""

    def __init__(self) -> None:
        self.pulled = False
        self.max_speed_hz = 0

    def open(self, _bus: int, _select: int) -> None:
        self._look()

    def writebytes(self, _data: object) -> None:
        self._look()

    def close(self) -> None:
        pass

    def pull(self) -> None:
        self.pulled = True

    def put_back(self) -> None:
        self.pulled = False

    def _look(self) -> None:
        if self.pulled:
            raise FileNotFoundError(2, "nothing at the line")


def opened(capability: str, technology: str, **options: object) -> Callable[[Emit], Driver]:
    """Makes such a driver, as the table has it."""
    return lambda emit: open_driver(capability, technology, capability, options, emit)


def card(folder: Path, _number: int) -> Rig:
    reader = Pn532(folder)
    reader.start()
    return Rig(opened("card", "libnfc", connstring=reader.connstring), reader.unplug, reader.replug, reader.close)


def code(folder: Path, _number: int) -> Rig:
    scanner = Scanner(folder)
    scanner.start()
    return Rig(opened("code", "serial", path=str(folder)), scanner.unplug, scanner.replug, scanner.close)


def keypad(folder: Path, _number: int) -> Rig:
    keypad = Keypad(folder)
    keypad.start()
    return Rig(opened("keypad", "serial", path=str(folder)), keypad.unplug, keypad.replug, keypad.close)


def keypad_at_pins(_folder: Path, number: int) -> Rig:
    return Rig(opened("keypad", "gpio", rows=[number], columns=[number + 14], keys=["enter"]))


def pole(folder: Path, _number: int) -> Rig:
    pole = Pole(Pty(folder))
    pole.start()
    return Rig(opened("pole", "serial", path=str(folder)), pole.unplug, pole.replug, pole.close)


def panel(_folder: Path, number: int) -> Rig:
    return Rig(opened("panel", "gpio", ready=number, tamper=number + 14))


def printer(_folder: Path, _number: int) -> Rig:
    printer = Printer()
    printer.start()
    options = opened("printer", "escpos", host="127.0.0.1", port=printer.port)
    return Rig(options, printer.power_off, printer.power_on, printer.close)


def glass(folder: Path, _number: int) -> Rig:
    glass = Glass(folder)
    glass.start()
    return Rig(opened("glass", "socket", address=glass.address), glass.unplug, glass.replug, glass.close)


def screen(_folder: Path, number: int) -> Rig:
    line: Any = DeadLine()
    options = DisplayLumaOptions.from_table({"controller": "ili9341", "dc": number, "reset": -1})
    return Rig(
        lambda emit: DisplayLuma("glass", options, emit, lambda pins: (line, PinsAsRpiGpio(pins))),
        line.pull,
        line.put_back,
    )


RIGS: dict[tuple[str, str], Callable[[Path, int], Rig]] = {
    ("card", "libnfc"): card,
    ("code", "serial"): code,
    ("keypad", "serial"): keypad,
    ("keypad", "gpio"): keypad_at_pins,
    ("pole", "serial"): pole,
    ("panel", "gpio"): panel,
    ("printer", "escpos"): printer,
    ("glass", "socket"): glass,
    ("glass", "luma"): screen,
}
"""By place in the table of drivers; those that only a kernel can make a device for are not here."""
