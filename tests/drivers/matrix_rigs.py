"""What the matrix tries: for each driver a peer, one good act and what must come of it, and the faults that apply.

A rig is a line in `RIGS`; another driver is another line. An act has a number, so that what came of it can be told from
what came of any other: lost, doubled and made-up facts are then all seen.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from PIL import Image

from agent.drivers.display_luma import DisplayLuma, DisplayLumaOptions, PinsAsRpiGpio
from agent.drivers.facts import (
    CardPresented,
    CodeRefused,
    CodeScanned,
    Emit,
    Fact,
    KeyPressed,
    PanelChanged,
    PrintFailed,
    PrintFinished,
)
from agent.drivers.pole_serial import PoleText
from agent.drivers.table import open_driver
from agent.paper import Cut, Paper, Text
from agent.ui_tft.frame import Frame
from simulator.cards import UidCard
from simulator.faults import Fault
from simulator.glass import Glass
from simulator.gpio import Board, MatrixKeypad
from simulator.keypad import Keypad
from simulator.lcd import Lcd
from simulator.pn532 import Pn532
from simulator.pole import Pole
from simulator.ports import Pty
from simulator.printer import Printer, SerialDoor
from simulator.scanner import Scanner

GOOD = (CardPresented, CodeScanned, KeyPressed, PanelChanged, PrintFinished)
"""The facts by which something is said to have happened at the counter."""


class Trouble(StrEnum):
    """What befalls a device in the matrix. Whatever is unplugged is plugged in again."""

    SILENT = "silent"
    GARBAGE = "garbage"
    TRUNCATED = "truncated"
    DELAYED = "delayed"
    UNPLUGGED = "unplugged"
    KILLED = "killed"


@dataclass(frozen=True, slots=True)
class Befalls:
    """How a trouble begins and ends, whether the driver can know of it (`seen`) before anybody uses the device, and how
    it refuses what was done meanwhile where it could not be understood.
    """

    begin: Callable[[], object]
    end: Callable[[], object]
    seen: bool = True
    refusal: type[CodeRefused] | None = None


def _nothing() -> None:
    """Over by itself."""


@dataclass(slots=True)
class Rig:
    """One device with its driver on the other side of a real line.

    `act(driver, number)` does one good thing, `came(number)` says how often that is known to have happened: by the
    facts told where it is a fact, by the peer's own account where it is something shown or printed. `answers` says how
    many words there were about something that was asked of the device, where there has to be one.
    """

    open: Callable[[Emit], Any]
    act: Callable[[Any, int], object]
    came: Callable[[int, tuple[Fact, ...]], int]
    troubles: Mapping[Trouble, Befalls]
    ends: list[Callable[[], object]] = field(default_factory=list)
    answers: Callable[[int, tuple[Fact, ...]], int] | None = None

    def close(self) -> None:
        """Take the device away."""
        for end in reversed(self.ends):
            end()


def opened(capability: str, technology: str, **options: object) -> Callable[[Emit], Any]:
    """Make such a driver as the table does."""
    return lambda emit: open_driver(capability, technology, capability, options, emit)


def unplugging(device: Any) -> dict[Trouble, Befalls]:
    """The cable comes off and is put back."""
    return {Trouble.UNPLUGGED: Befalls(device.unplug, device.replug)}


def _card(folder: Path) -> Rig:
    reader = Pn532(folder / "reader")
    reader.start()

    def tap(_driver: Any, number: int) -> None:
        reader.field.remove()
        reader.field.wait_polled(3, 3)
        reader.field.present(UidCard(_uid(number)))

    def kill() -> None:
        for child in children_naming(str(reader.path)):
            os.kill(child, signal.SIGKILL)

    def failing(fault: Fault) -> Befalls:
        return Befalls(lambda: reader.fail(fault), reader.heal)

    troubles = {
        Trouble.SILENT: failing(Fault.SILENT),
        Trouble.GARBAGE: failing(Fault.GARBAGE),
        Trouble.TRUNCATED: failing(Fault.HALF_FRAME),
        Trouble.DELAYED: failing(Fault.DELAYED),
        Trouble.KILLED: Befalls(kill, _nothing),
        **unplugging(reader),
    }
    options = opened("card", "libnfc", connstring=reader.connstring, child_timeout_s=2.0, poll_s=0.02)
    return Rig(options, tap, _cards, troubles, [reader.close])


def _cards(number: int, facts: tuple[Fact, ...]) -> int:
    return sum(isinstance(fact, CardPresented) and fact.uid == _uid(number) for fact in facts)


def _uid(number: int) -> bytes:
    return bytes([0x11, 0x22, 0x33, number])


def _code(folder: Path) -> Rig:
    scanner = Scanner(folder / "scanner")
    scanner.start()

    def failing(fault: Fault, refusal: type[CodeRefused] | None = None) -> Befalls:
        # A scanner speaks only when it scans, and nobody can know before that it does not.
        return Befalls(lambda: scanner.fail(fault), scanner.heal, seen=False, refusal=refusal)

    troubles = {
        Trouble.SILENT: failing(Fault.SILENT),
        Trouble.GARBAGE: failing(Fault.GARBAGE, CodeRefused),
        Trouble.TRUNCATED: failing(Fault.HALF_FRAME, CodeRefused),
        Trouble.DELAYED: failing(Fault.SLOW_BYTES),
        **unplugging(scanner),
    }
    return Rig(
        opened("code", "serial", path=str(scanner.path)),
        lambda _driver, number: scanner.scan(_scanned(number)),
        lambda number, facts: sum(isinstance(fact, CodeScanned) and fact.data == _scanned(number) for fact in facts),
        troubles,
        [scanner.close],
    )


def _scanned(number: int) -> bytes:
    return f"会员-{number}".encode()


def _keypad(folder: Path) -> Rig:
    keypad = Keypad(folder / "keypad")
    keypad.start()
    # Noise that happens to be a key's byte is that key: a serial keypad has no checksum.
    noise = Befalls(lambda: keypad.send(bytes(range(0x80, 0x100)) + b"\x00\x01\x7f"), _nothing, seen=False)
    return Rig(
        opened("keypad", "serial", path=str(keypad.path)),
        lambda _driver, number: keypad.press(str(number)),
        _keys,
        {Trouble.GARBAGE: noise, **unplugging(keypad)},
        [keypad.close],
    )


def _keys(number: int, facts: tuple[Fact, ...]) -> int:
    return sum(isinstance(fact, KeyPressed) and fact.key.value == str(number) for fact in facts)


def _matrix_keypad(_folder: Path) -> Rig:
    board = Board()
    board.plug()
    keys = MatrixKeypad(board, [5], [6, 13, 19])

    def press(driver: Any, number: int) -> None:
        keys.press(0, number - 1)

    return Rig(
        opened("keypad", "gpio", rows=[5], columns=[6, 13, 19], keys=["1 2 3"]), press, _keys, {}, [board.unplug]
    )


def _panel(_folder: Path) -> Rig:
    board = Board()
    board.plug()

    def opened_case(number: int, facts: tuple[Fact, ...]) -> int:
        return sum(isinstance(fact, PanelChanged) and fact.active for fact in facts) if number == 1 else 0

    return Rig(
        opened("panel", "gpio", tamper=24), lambda _driver, _number: board.ground(24), opened_case, {}, [board.unplug]
    )


def _network_printer(_folder: Path) -> Rig:
    printer = Printer()
    printer.start()
    where = {"host": "127.0.0.1", "port": printer.port}
    return _printer(printer, where, Befalls(printer.power_off, printer.power_on))


def _serial_printer(folder: Path) -> Rig:
    pty = Pty(folder / "printer")
    printer = Printer(door=SerialDoor(pty))
    printer.start()
    rig = _printer(printer, {"connection": "serial", "path": str(pty.path)}, Befalls(pty.unplug, pty.replug))
    rig.ends.insert(0, pty.close)
    return rig


def _printer(printer: Printer, where: dict[str, object], unplugged: Befalls) -> Rig:
    def failing(fault: Fault, seen: bool) -> Befalls:
        return Befalls(lambda: printer.faults.fail(fault), printer.faults.heal, seen)

    def told(number: int, facts: tuple[Fact, ...]) -> int:
        finished = sum(isinstance(fact, PrintFinished) and fact.job == f"job-{number}" for fact in facts)
        on_paper = sum(f"单号 job-{number}" in receipt.rows for receipt in printer.roll.receipts)
        # Told as printed, it is on paper; and nothing is on paper twice.
        assert finished <= on_paper <= 1
        return finished

    troubles = {
        Trouble.SILENT: failing(Fault.SILENT, seen=True),
        Trouble.TRUNCATED: failing(Fault.HALF_FRAME, seen=True),
        Trouble.GARBAGE: failing(Fault.GARBAGE, seen=False),
        Trouble.DELAYED: failing(Fault.DELAYED, seen=False),
        Trouble.UNPLUGGED: unplugged,
    }
    return Rig(
        opened("printer", "escpos", silence_s=0.5, keep_s=20.0, **where),
        lambda driver, number: driver.print(f"job-{number}", Paper((Text(f"单号 job-{number}"), Text("谢谢"), Cut()))),
        told,
        troubles,
        [printer.close],
        lambda number, facts: sum(
            isinstance(fact, PrintFinished | PrintFailed) and fact.job == f"job-{number}" for fact in facts
        ),
    )


def _pole(folder: Path) -> Rig:
    pty = Pty(folder / "pole")
    pole = Pole(pty)
    pole.start()
    return Rig(
        opened("pole", "serial", path=str(pty.path)),
        lambda driver, number: driver.show(PoleText((), (f"TO PAY {number}.00",))),
        lambda number, _facts: int(pole.rows[0] == f"TO PAY {number}.00"),
        unplugging(pole),
        [pole.close],
    )


def _glass(folder: Path) -> Rig:
    glass = Glass(folder / "glass")
    glass.start()
    # What is on the line when the screen goes is lost with it; the newest picture is sent again.
    return Rig(
        opened("glass", "socket", address=glass.address),
        lambda driver, number: driver.show(_picture(number)),
        lambda number, _facts: int(glass.text == (f"picture {number}",)),
        {Trouble.SILENT: Befalls(glass.stall, lambda: glass.stall(False), seen=False), **unplugging(glass)},
        [glass.close],
    )


def _small_screen(_folder: Path) -> Rig:
    board, lcd = Board(), Lcd(320, 240)
    board.plug()
    board.when_changed(24, lambda: lcd.data_pin(board.level(24)))
    options = DisplayLumaOptions.from_table({"controller": "ili9341"})
    return Rig(
        lambda emit: DisplayLuma("glass", options, emit, lambda pins: (lcd, PinsAsRpiGpio(pins))),
        lambda driver, number: driver.show(_picture(number)),
        lambda number, _facts: int(lcd.image.getpixel((160, 120)) == (number * 60, 0, 0)),
        # Nobody hears of a screen that went until something is to be drawn.
        {Trouble.UNPLUGGED: Befalls(lcd.unplug, lcd.replug, seen=False)},
        [board.unplug],
    )


def _picture(number: int) -> Frame:
    return Frame(number, Image.new("RGB", (480, 320), (number * 60, 0, 0)), (f"picture {number}",), 0)


def children_naming(words: str) -> list[int]:
    """The processes below this one that were started with those words."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_text(encoding="utf-8", errors="replace")
            parent = int((folder / "stat").read_text(encoding="utf-8").rpartition(") ")[2].split()[1])
        except OSError:
            continue
        if words in command and parent == os.getpid():
            found.append(int(folder.name))
    return found


RIGS: dict[str, Callable[[Path], Rig]] = {
    "card/libnfc": _card,
    "code/serial": _code,
    "keypad/serial": _keypad,
    "keypad/gpio": _matrix_keypad,
    "panel/gpio": _panel,
    "printer/escpos": _network_printer,
    "printer/escpos serial": _serial_printer,
    "pole/serial": _pole,
    "glass/socket": _glass,
    "glass/luma": _small_screen,
}
"""By driver, with a word behind it where it is tried over several lines. Event devices and the framebuffer need a
kernel that makes them: tests/vm.
"""

CASES: dict[str, tuple[Trouble | None, ...]] = {
    "card/libnfc": tuple(Trouble),
    "code/serial": (Trouble.SILENT, Trouble.GARBAGE, Trouble.TRUNCATED, Trouble.DELAYED, Trouble.UNPLUGGED),
    "keypad/serial": (Trouble.GARBAGE, Trouble.UNPLUGGED),
    "keypad/gpio": (None,),
    "panel/gpio": (None,),
    "printer/escpos": tuple(trouble for trouble in Trouble if trouble is not Trouble.KILLED),
    "printer/escpos serial": tuple(trouble for trouble in Trouble if trouble is not Trouble.KILLED),
    "pole/serial": (Trouble.UNPLUGGED,),
    "glass/socket": (Trouble.SILENT, Trouble.UNPLUGGED),
    "glass/luma": (Trouble.UNPLUGGED,),
}
"""What is tried with each; None is no trouble at all, for pins that have no plug."""
