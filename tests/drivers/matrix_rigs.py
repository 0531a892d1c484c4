"""Rigs of the matrix: for a driver a peer, one good act and what must come of it, and the troubles that can befall it.

An act has a number, so that what came of it can be told from what came of any other: lost, doubled and made-up facts
are then all seen. Three acts after one another are told apart, in whatever number they begin.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from PIL import Image

from agent.drivers.facts import (
    CardPresented,
    CodeRefused,
    CodeScanned,
    Emit,
    Fact,
    KeyPressed,
    PrintFailed,
    PrintFinished,
)
from agent.drivers.pole_serial import PoleText
from agent.drivers.table import open_driver
from agent.paper import Cut, Paper, Text
from agent.ui_tft.frame import Frame
from simulator.cards import UidCard
from simulator.faults import Fault, Faults
from simulator.glass import Glass
from simulator.keypad import Keypad
from simulator.pn532 import Pn532
from simulator.pole import Pole
from simulator.ports import Pty
from simulator.printer import Printer, SerialDoor
from simulator.scanner import Scanner
from tests.drivers.driver_process import DriverProcess


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
    it refuses what was done meanwhile where it could not be understood. Where the driver itself is begun anew, `open`
    makes it for this trouble, in a process of its own, and what was asked of it meanwhile has no answer.
    """

    begin: Callable[[], object]
    end: Callable[[], object]
    seen: bool = True
    refusal: type[CodeRefused] | None = None
    begun_anew: bool = False


def nothing() -> None:
    """Over by itself."""


@dataclass(slots=True)
class Rig:
    """One device with its driver on the other side of a real line.

    `act(driver, number)` does one good thing, `came(number)` says how often that is known to have happened: by the
    facts told where it is a fact, by the peer's own account where it is something shown or printed. `answers` says how
    many words there were about something that was asked of the device, where there has to be one. `forget` has
    the peer keep nothing of what was, for a run of many rounds; `anew` makes a driver that can be begun anew, where
    that is another than `open` makes.
    """

    open: Callable[[Emit], Any]
    act: Callable[[Any, int], object]
    came: Callable[[int, tuple[Fact, ...]], int]
    troubles: Mapping[Trouble, Befalls]
    ends: list[Callable[[], object]] = field(default_factory=list)
    answers: Callable[[int, tuple[Fact, ...]], int] | None = None
    forget: Callable[[], object] = nothing
    anew: Callable[[Emit], Any] | None = None

    def close(self) -> None:
        """Take the device away."""
        for end in reversed(self.ends):
            end()


def opened(capability: str, technology: str, **options: object) -> Callable[[Emit], Any]:
    """Make such a driver as the table does."""
    return lambda emit: open_driver(capability, technology, capability, options, emit)


class InProcess:
    """Makes such a driver in a process of its own, which can be killed and begun anew."""

    def __init__(self, capability: str, technology: str, **options: object) -> None:
        self._which = (capability, technology, options)
        self.driver: DriverProcess | None = None

    def __call__(self, emit: Emit) -> DriverProcess:
        """Make it."""
        self.driver = DriverProcess(emit, *self._which)
        return self.driver

    @property
    def opened(self) -> Callable[[Emit], Any]:
        """Makes the same driver, in this process."""
        capability, technology, options = self._which
        return opened(capability, technology, **options)

    @property
    def killed(self) -> dict[Trouble, Befalls]:
        """The till is killed and begun anew: nobody is there to tell of it, and the device is none the worse."""
        return {Trouble.KILLED: Befalls(self._kill, self._begin, seen=False, begun_anew=True)}

    def _kill(self) -> None:
        assert self.driver is not None
        self.driver.kill()

    def _begin(self) -> None:
        assert self.driver is not None
        self.driver.start()


def unplugging(device: Any) -> dict[Trouble, Befalls]:
    """The cable comes off and is put back."""
    return {Trouble.UNPLUGGED: Befalls(device.unplug, device.replug)}


def card(folder: Path) -> Rig:
    """A PN532 on a serial line."""
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
        Trouble.KILLED: Befalls(kill, nothing),
        **unplugging(reader),
    }
    options = {"connstring": reader.connstring, "child_timeout_s": 2.0, "poll_s": 0.02}
    return Rig(opened("card", "libnfc", **options), tap, _cards, troubles, [reader.close])


def _cards(number: int, facts: tuple[Fact, ...]) -> int:
    return sum(isinstance(fact, CardPresented) and fact.uid == _uid(number) for fact in facts)


def _uid(number: int) -> bytes:
    return bytes([0x11, *number.to_bytes(3, "big")])


def code(folder: Path) -> Rig:
    """A scanner on a serial line."""
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
        **(process := InProcess("code", "serial", path=str(scanner.path))).killed,
    }
    return Rig(
        process.opened,
        lambda _driver, number: scanner.scan(_scanned(number)),
        lambda number, facts: sum(isinstance(fact, CodeScanned) and fact.data == _scanned(number) for fact in facts),
        troubles,
        [scanner.close],
        anew=process,
    )


def _scanned(number: int) -> bytes:
    return f"会员-{number}".encode()


def keypad(folder: Path) -> Rig:
    """Keys on a serial line."""
    keypad = Keypad(folder / "keypad")
    keypad.start()
    # Noise that happens to be a key's byte is that key: a serial keypad has no checksum.
    noise = Befalls(lambda: keypad.send(bytes(range(0x80, 0x100)) + b"\x00\x01\x7f"), nothing, seen=False)
    process = InProcess("keypad", "serial", path=str(keypad.path))
    troubles = {
        Trouble.GARBAGE: noise,
        # It speaks only when a key goes down: nobody can know before that it does not.
        Trouble.SILENT: Befalls(lambda: keypad.fail(Fault.SILENT), keypad.heal, seen=False),
        Trouble.DELAYED: Befalls(lambda: keypad.fail(Fault.DELAYED), keypad.heal, seen=False),
        **unplugging(keypad),
        **process.killed,
    }
    return Rig(
        process.opened,
        lambda _driver, number: keypad.press(str(number % 10)),
        keys,
        troubles,
        [keypad.close],
        anew=process,
    )


def keys(number: int, facts: tuple[Fact, ...]) -> int:
    """How often the key with the last digit of a number was pressed."""
    return sum(isinstance(fact, KeyPressed) and fact.key.value == str(number % 10) for fact in facts)


def network_printer(_folder: Path) -> Rig:
    """A printer on a TCP port."""
    printer = Printer()
    printer.start()
    where = {"host": "127.0.0.1", "port": printer.port}
    return _printer(printer, where, Befalls(printer.power_off, printer.power_on))


def serial_printer(folder: Path) -> Rig:
    """A printer on a serial line."""
    pty = Pty(folder / "printer")
    printer = Printer(door=SerialDoor(pty))
    printer.start()
    rig = _printer(printer, {"connection": "serial", "path": str(pty.path)}, Befalls(pty.unplug, pty.replug))
    rig.ends.insert(0, pty.close)
    return rig


SILENCE_S, LATE_S = 1.5, 2.0
"""For so long the printer of these rigs may say nothing, on a busy machine too; what is late comes after that."""


def _printer(printer: Printer, where: dict[str, object], unplugged: Befalls) -> Rig:
    printer.faults = Faults(delay_s=LATE_S)

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
        **(process := InProcess("printer", "escpos", silence_s=SILENCE_S, keep_s=20.0, **where)).killed,
    }
    return Rig(
        process.opened,
        lambda driver, number: driver.print(f"job-{number}", Paper((Text(f"单号 job-{number}"), Text("谢谢"), Cut()))),
        told,
        troubles,
        [printer.close],
        lambda number, facts: sum(
            isinstance(fact, PrintFinished | PrintFailed) and fact.job == f"job-{number}" for fact in facts
        ),
        anew=process,
    )


def pole(folder: Path) -> Rig:
    """Two rows of letters on a serial line."""
    pty = Pty(folder / "pole")
    pole = Pole(pty)
    pole.start()
    process = InProcess("pole", "serial", path=str(pty.path))
    troubles = {
        # It answers nothing: only when its line is full can anybody know (test_pole_serial.py).
        Trouble.SILENT: Befalls(pole.stall, lambda: pole.stall(False), seen=False),
        Trouble.GARBAGE: Befalls(lambda: pole.speak(bytes(range(256)) * 32), nothing, seen=False),
        Trouble.DELAYED: Befalls(lambda: pole.slow(0.005), lambda: pole.slow(0), seen=False),
        **unplugging(pole),
        **process.killed,
    }
    return Rig(
        process.opened,
        lambda driver, number: driver.show(PoleText((), (f"TO PAY {number}.00",))),
        lambda number, _facts: int(pole.rows[0] == f"TO PAY {number}.00"),
        troubles,
        [pole.close],
        anew=process,
    )


def glass(folder: Path) -> Rig:
    """A screen at a socket."""
    glass = Glass(folder / "glass")
    glass.start()
    process = InProcess("glass", "socket", address=glass.address)
    troubles = {
        # It answers nothing: only when its line is full for long can anybody know (test_glass_socket.py).
        Trouble.SILENT: Befalls(glass.stall, lambda: glass.stall(False), seen=False),
        Trouble.GARBAGE: Befalls(lambda: glass.speak(bytes(range(256)) * 32), nothing, seen=False),
        # What is on the line when the screen goes is lost with it; the newest picture is sent again.
        Trouble.TRUNCATED: Befalls(glass.break_off, lambda: glass.break_off(False), seen=False),
        Trouble.DELAYED: Befalls(lambda: glass.slow(0.02), lambda: glass.slow(0), seen=False),
        **unplugging(glass),
        **process.killed,
    }
    return Rig(
        process.opened,
        lambda driver, number: driver.show(picture(number)),
        lambda number, _facts: int(glass.text == (f"picture {number}",)),
        troubles,
        [glass.close],
        anew=process,
    )


def picture(number: int) -> Frame:
    """A picture that can be told from its neighbours by its colour and its words."""
    return Frame(number, Image.new("RGB", (480, 320), (number * 60 % 255 + 1, 0, 0)), (f"picture {number}",), 0)


def children_naming(words: str) -> list[int]:
    """The processes below this one, or below its own children, that were started with those words."""
    found = []
    own = {os.getpid(), *(child.pid for child in multiprocessing.active_children())}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_text(encoding="utf-8", errors="replace")
            parent = int((folder / "stat").read_text(encoding="utf-8").rpartition(") ")[2].split()[1])
        except OSError:
            continue
        if words in command and parent in own:
            found.append(int(folder.name))
    return found
