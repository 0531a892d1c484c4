"""From the moment a pulled cable is back to "ready", and to the next thing the device does for the till.

Measured for a scanner and a keypad on serial lines, a printer on the network, a customer's display, and a card reader,
whose process is aborted instead, as libnfc does to itself. The limit is what the driver waits at most between two looks
for its device, and besides that the libraries' own opening, measured here without a driver; the card reader's is a
bare Python that starts, opens such a reader through pynfc and looks at the field once.
"""

import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import serial

from agent.drivers import card_libnfc_child, pole_serial, printer_escpos, serial_port
from agent.drivers.card_libnfc import CardLibnfcOptions
from agent.drivers.facts import CardPresented, CodeScanned, Fact, KeyPressed, PrintFinished, Status
from agent.drivers.pole_serial import PoleSerial, PoleText
from agent.drivers.printer_escpos import PrinterEscpos
from agent.drivers.table import Driver, open_driver
from agent.paper import Cut, Paper, Text
from bench._figures import asked_samples, beside, median, spread
from simulator.cards import UidCard
from simulator.keypad import Keypad
from simulator.pn532 import Pn532
from simulator.pole import Pole
from simulator.ports import Pty
from simulator.printer import Printer
from simulator.scanner import Scanner
from tests.drivers.told import Told
from tests.waiting import eventually

LONG_S = 30.0
SLIP = Paper((Text("会员小票"), Cut()))
UID = bytes.fromhex("04782e21801d80")
BARE = """
import ctypes, sys
from pynfc import nfc
context = ctypes.POINTER(nfc.struct_nfc_context)()
nfc.nfc_init(ctypes.byref(context))
named = nfc.nfc_connstring()
named.value = sys.argv[1].encode()
device = nfc.nfc_open(context, named)
nfc.nfc_initiator_init(device)
nfc.nfc_device_set_property_bool(device, nfc.NP_INFINITE_SELECT, False)
wanted, target = nfc.nfc_modulation(1, 1), nfc.nfc_target()
if nfc.nfc_initiator_select_passive_target(device, wanted, None, 0, ctypes.byref(target)) != 1:
    sys.exit(1)
nfc.nfc_close(device)
"""
"""What no reader's process can do without, with nothing of ours in it."""


@dataclass(frozen=True, slots=True)
class Device:
    """One device with its driver, begun. `serve` has it do something for the till and returns when that was done."""

    name: str
    told: Told
    lose: Callable[[], object]
    put_back: Callable[[], object] | None
    serve: Callable[[], object]
    waits_s: float
    bare_open: Callable[[], object]
    limit_is: str


def main() -> int:
    """Measure and print."""
    samples = asked_samples(__doc__ or "", 7)
    with tempfile.TemporaryDirectory(prefix="tapledger-bench-") as name:
        for begin in (_scanner, _keypad, _printer, _pole, _card):
            with begin(Path(name) / begin.__name__) as device:
                _measure(device, samples)
    return 0


def _measure(device: Device, samples: int) -> None:
    ready, served = [], []
    device.serve()
    for _ in range(samples):
        device.lose()
        device.told.next_status(Status.GONE, LONG_S)
        back_s = time.monotonic()
        if device.put_back is not None:
            # The driver looks for it at its own times; that it came back just then is no service of ours.
            time.sleep(random.random() * device.waits_s)
            back_s = time.monotonic()
            device.put_back()
        device.told.next_status(Status.READY, LONG_S)
        ready.append((time.monotonic() - back_s) * 1000)
        device.serve()
        served.append((time.monotonic() - back_s) * 1000)
    bare = []
    for _ in range(samples):
        begun_s = time.monotonic()
        device.bare_open()
        bare.append((time.monotonic() - begun_s) * 1000)
    print(f"{device.name}, to ready: {spread(ready, 'ms')}")
    limit_ms = device.waits_s * 1000 + median(bare)
    beside(f"{device.name}, to the next thing done", median(served), limit_ms, "ms", device.limit_is)


def _opened(told: Told, capability: str, technology: str, **options: object) -> Driver:
    driver = open_driver(capability, technology, capability, options, told.emit)
    driver.start()
    told.next_status(Status.READY, LONG_S)
    return driver


@contextmanager
def _scanner(path: Path) -> Iterator[Device]:
    scanner, told = Scanner(path), Told()
    scanner.start()
    driver = _opened(told, "code", "serial", path=str(path))

    def serve() -> None:
        scanner.scan(b"TL1.code")
        told.next(CodeScanned, LONG_S)

    yield _on_a_line("scanner", told, scanner.unplug, scanner.replug, serve, path, serial_port.RETRY_S)
    driver.close()
    scanner.close()


@contextmanager
def _keypad(path: Path) -> Iterator[Device]:
    keypad, told = Keypad(path), Told()
    keypad.start()
    driver = _opened(told, "keypad", "serial", path=str(path))

    def serve() -> None:
        keypad.press("enter")
        told.next(KeyPressed, LONG_S)

    yield _on_a_line("keypad", told, keypad.unplug, keypad.replug, serve, path, serial_port.RETRY_S)
    driver.close()
    keypad.close()


@contextmanager
def _pole(path: Path) -> Iterator[Device]:
    pole, told = Pole(Pty(path)), Told()
    pole.start()
    driver = _opened(told, "pole", "serial", path=str(path))
    assert isinstance(driver, PoleSerial)
    shown = iter(range(10_000))

    def serve() -> None:
        row = f"{next(shown)}.00"
        driver.show(PoleText((), (row,)))
        eventually(lambda: pole.rows[0] == row, LONG_S)

    yield _on_a_line("display on a pole", told, pole.unplug, pole.replug, serve, path, pole_serial.RETRY_S)
    driver.close()
    pole.close()


def _on_a_line(
    name: str,
    told: Told,
    lose: Callable[[], object],
    put_back: Callable[[], object],
    serve: Callable[[], object],
    path: Path,
    waits_s: float,
) -> Device:
    def bare_open() -> None:
        serial.Serial(str(path), 9600).close()

    limit_is = f"a look every {waits_s * 1000:.0f} ms, and pyserial alone"
    return Device(name, told, lose, put_back, serve, waits_s, bare_open, limit_is)


@contextmanager
def _printer(_path: Path) -> Iterator[Device]:
    printer, told = Printer(), Told()
    printer.start()
    driver = _opened(told, "printer", "escpos", host="127.0.0.1", port=printer.port)
    assert isinstance(driver, PrinterEscpos)

    def serve() -> None:
        driver.print("sale", SLIP)
        told.next(PrintFinished, LONG_S)

    def bare_open() -> None:
        socket.create_connection(("127.0.0.1", printer.port)).close()

    waits_s = printer_escpos.RETRY_S + printer_escpos.IDLE_S
    limit_is = f"a look every {waits_s * 1000:.0f} ms, and a bare connection"
    yield Device("printer", told, printer.power_off, printer.power_on, serve, waits_s, bare_open, limit_is)
    driver.close()
    printer.close()


@contextmanager
def _card(path: Path) -> Iterator[Device]:
    reader, told = Pn532(path), Told()
    reader.start()
    other = Pn532(path.with_name("other reader"))
    other.start()
    other.field.present(UidCard(UID[:4]))
    drivers = [_opened(told, "card", "libnfc", connstring=reader.connstring)]

    def lose() -> None:
        # A driver whose process ends again and again waits longer each time; each first time is what counts here.
        drivers.pop().close()
        drivers.append(_opened(told, "card", "libnfc", connstring=reader.connstring))
        _abort(reader.connstring)

    def serve() -> Fact:
        reader.field.present(UidCard(UID[:4]))
        fact = told.next(CardPresented, LONG_S)
        reader.field.remove()
        return fact

    def bare_open() -> None:
        subprocess.run([sys.executable, "-c", BARE, other.connstring], check=True)

    waits_s = CardLibnfcOptions(reader.connstring).poll_s
    limit_is = (
        f"a look every {waits_s * 1000:.0f} ms, and a bare Python that opens a reader through pynfc and finds a card"
    )
    yield Device("card reader, its process aborted", told, lose, None, serve, waits_s, bare_open, limit_is)
    drivers.pop().close()
    reader.close()
    other.close()


def _abort(connstring: str) -> None:
    """Send the reader's process what abort(3) sends."""
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            words = Path(f"/proc/{name}/cmdline").read_text("utf-8", "replace").split("\0")
        except OSError:
            continue
        if connstring in words and card_libnfc_child.__name__ in words:
            os.kill(int(name), signal.SIGABRT)


if __name__ == "__main__":
    sys.exit(main())
