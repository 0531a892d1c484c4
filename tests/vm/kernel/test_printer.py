"""What the printer's driver promises beside a real USB printer (usblp)."""

import os
import select
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.drivers.facts import PrintFailed, PrintFinished, PrintProblem, Status
from agent.drivers.printer_escpos import PrinterEscpos, PrinterEscposOptions
from agent.paper import Cut, Paper, Text
from simulator.printed import DrawerPulse
from simulator.printer import Printer
from tests.drivers.told import Told
from tests.vm.kernel.gadgets import PRODUCT, VENDOR, Gadget, plugged
from tests.waiting import eventually

PATH, DEVICE_END = Path("/dev/usb/lp0"), Path("/dev/g_printer0")
SLIP = Paper((Text("会员小票"), Cut()))
TWO_WAYS = {"q_len": b"10", "pnp_string": b"MFG:Tapledger;MDL:printer;CLS:PRINTER;"}


class GadgetDoor:
    """The device's end of the USB line, as the printer of the counter wants its doors."""

    def __init__(self) -> None:
        self._line = -1

    def open(self) -> None:
        """Power on."""
        self._line = os.open(DEVICE_END, os.O_RDWR | os.O_NONBLOCK)

    def close(self) -> None:
        """Power off."""
        if self._line >= 0:
            os.close(self._line)
        self._line = -1

    def read(self, limit: int, timeout_s: float) -> bytes:
        """What the host sent."""
        if self._line < 0 or not select.select([self._line], [], [], timeout_s)[0]:
            return b""
        try:
            return os.read(self._line, limit)
        except OSError:
            return b""

    def write(self, data: bytes) -> None:
        """Answer the host, if it reads."""
        if self._line >= 0 and select.select([], [self._line], [], 1)[1]:
            os.write(self._line, data)

    def drop(self) -> None:
        """Hang up."""
        self.close()


@pytest.fixture
def gadget() -> Iterator[Gadget]:
    with plugged("printer.receipts", TWO_WAYS) as made:
        eventually(lambda: PATH.exists() and DEVICE_END.exists(), timeout_s=30)
        yield made


@pytest.fixture
def printer(gadget: Gadget) -> Iterator[Printer]:
    printer = Printer(door=GadgetDoor())
    printer.start()
    yield printer
    printer.close()


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture(params=["usb", "file"])
def driver(printer: Printer, told: Told, request: pytest.FixtureRequest) -> Iterator[PrinterEscpos]:
    """A driver that finds the printer by what it is, and one that is told its node."""
    where: dict[str, dict[str, object]] = {
        "usb": {"vendor": VENDOR, "product": PRODUCT, "serial": "printer-receipts"},
        "file": {"path": str(PATH)},
    }
    table = where[request.param] | {"connection": request.param, "silence_s": 2.0, "drawer": 5}
    driver = PrinterEscpos("printer", PrinterEscposOptions.from_table(table), told.emit)
    driver.start()
    yield driver
    driver.close()


def test_a_paper_is_confirmed_over_usb(printer: Printer, told: Told, driver: PrinterEscpos) -> None:
    assert driver.print("sale-1", SLIP)
    assert told.next(PrintFinished, timeout_s=30) == PrintFinished("printer", "sale-1")
    assert printer.roll.last is not None
    assert printer.roll.last.text == "会员小票"


def test_a_printer_out_of_paper_says_so_over_usb_and_goes_on_with_new_paper(
    printer: Printer, told: Told, driver: PrinterEscpos
) -> None:
    told.next_status(Status.READY, timeout_s=30)
    printer.paper(False)
    assert driver.print("sale-1", SLIP)
    eventually(lambda: any(fact.reason == "paper_out" for fact in told.facts if hasattr(fact, "reason")), timeout_s=30)
    printer.paper(True)
    assert told.next(PrintFinished, timeout_s=30).job == "sale-1"


def test_the_drawer_opens_over_usb_though_paper_is_out(printer: Printer, told: Told, driver: PrinterEscpos) -> None:
    told.next_status(Status.READY, timeout_s=30)
    printer.paper(False)
    told.next_status(Status.SELF_CHECK_FAILED, timeout_s=30)
    assert driver.open_drawer()
    eventually(lambda: printer.pulses == (DrawerPulse(5, 200),), timeout_s=30)


def test_a_printer_with_another_serial_number_is_not_taken(printer: Printer, told: Told) -> None:
    table = {"connection": "usb", "vendor": VENDOR, "product": PRODUCT, "serial": "another"}
    driver = PrinterEscpos("printer", PrinterEscposOptions.from_table(table), told.emit)
    driver.start()
    assert told.next_status(Status.MISSING, timeout_s=30).reason == "not_found"
    driver.close()


def test_a_printer_that_is_pulled_comes_back_and_prints_the_next_paper(
    gadget: Gadget, printer: Printer, told: Told, driver: PrinterEscpos
) -> None:
    told.next_status(Status.READY, timeout_s=30)
    # The kernel's own printer gadget breaks where its device is taken away while somebody has it open.
    printer.power_off()
    gadget.unplug()
    told.next_status(Status.GONE, timeout_s=30)
    gadget.plug()
    eventually(lambda: PATH.exists() and DEVICE_END.exists(), timeout_s=30)
    printer.power_on()
    told.next_status(Status.READY, timeout_s=30)
    assert driver.print("sale-2", SLIP)
    assert told.next(PrintFinished, timeout_s=30).job == "sale-2"
    assert [fact for fact in told.of(PrintFailed) if fact.problem is PrintProblem.DRIVER_FAULT] == []
