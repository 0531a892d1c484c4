"""When a cash drawer at the printer springs open."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.counter import Counter
from agent.drivers.facts import PrintFinished, Status
from agent.drivers.panel_gpio import PanelGpio, PanelGpioOptions
from agent.drivers.printer_escpos import DRAWER_S, PrinterEscpos, PrinterEscposOptions
from agent.paper import Cut, Paper, Text
from simulator.gpio import Board
from simulator.ports import Pty
from simulator.printed import DrawerPulse
from simulator.printer import Printer, SerialDoor, TcpDoor
from tests.drivers.told import Told
from tests.waiting import eventually

SLIP = Paper((Text("会员小票"), Text("谢谢"), Cut()))
RELAY = 19
PULSE_2, PULSE_5 = DrawerPulse(2, 200), DrawerPulse(5, 200)

Open = Callable[..., PrinterEscpos]


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def opened(printer: Printer, told: Told) -> Iterator[Open]:
    drivers: list[PrinterEscpos] = []

    def open_it(**options: object) -> PrinterEscpos:
        table = {"host": "127.0.0.1", "port": printer.port, "silence_s": 0.5, "drawer": 2} | options
        drivers.append(PrinterEscpos("printer", PrinterEscposOptions.from_table(table), told.emit))
        drivers[-1].start()
        told.next_status(Status.READY)
        return drivers[-1]

    yield open_it
    for driver in drivers:
        driver.close()


@pytest.mark.parametrize(("pin", "pulse"), [(2, PULSE_2), (5, PULSE_5)])
def test_one_order_is_one_pulse_on_the_pin_where_the_drawer_is(
    printer: Printer, told: Told, opened: Open, pin: int, pulse: DrawerPulse
) -> None:
    driver = opened(drawer=pin)
    assert driver.open_drawer()
    eventually(lambda: printer.pulses == (pulse,))
    assert driver.print("sale-1", SLIP)
    told.next(PrintFinished)
    assert driver.open_drawer()
    eventually(lambda: printer.pulses == (pulse, pulse))
    assert printer.roll.last is not None
    assert printer.roll.last.text == "会员小票\n谢谢"
    assert printer.unknown == ()


@pytest.mark.parametrize("fault", [{"paper": False}, {"cover_open": True}, {"cutter_error": True}])
def test_it_opens_though_the_printer_cannot_print(
    printer: Printer, told: Told, opened: Open, fault: dict[str, bool]
) -> None:
    """Both while a paper waits to be begun and in the midst of one; and the paper still comes out once."""
    driver = opened()
    printer.after_lines(1, **fault)
    driver.print("sale-1", SLIP)
    told.next_status(Status.SELF_CHECK_FAILED)
    driver.open_drawer()
    eventually(lambda: printer.pulses == (PULSE_2,))
    printer.after_lines(0)
    well = {name: not value for name, value in fault.items()}
    printer.paper(well.get("paper", True))
    printer.cover(False)
    printer.cutter_error(False)
    assert told.next(PrintFinished).job == "sale-1"
    printer.paper(False)
    told.next_status(Status.SELF_CHECK_FAILED)
    driver.print("sale-2", SLIP)
    driver.open_drawer()
    eventually(lambda: printer.pulses == (PULSE_2, PULSE_2))
    assert len(printer.roll.receipts) == 1


def test_an_order_that_a_printer_could_not_have_at_once_is_never_carried_out_later(
    printer: Printer, told: Told, opened: Open
) -> None:
    driver = opened()
    printer.power_off()
    told.next_status(Status.GONE)
    asked_s = time.monotonic()
    driver.open_drawer()
    eventually(lambda: time.monotonic() - asked_s > DRAWER_S)
    printer.power_on()
    told.next_status(Status.READY)
    driver.print("sale-1", SLIP)
    told.next(PrintFinished)
    assert printer.pulses == ()


def test_a_printer_that_never_answers_is_told_in_the_way_that_every_printer_knows(tmp_path: Path, told: Told) -> None:
    pty = Pty(tmp_path / "printer")
    printer = Printer(door=SerialDoor(pty))
    printer.start()
    table = {"connection": "serial", "path": str(pty.path), "drawer": 5, "answers": False}
    driver = PrinterEscpos("printer", PrinterEscposOptions.from_table(table), told.emit)
    driver.start()
    driver.open_drawer()
    eventually(lambda: printer.pulses == (PULSE_5,))
    driver.close()
    printer.close()
    pty.close()


def test_the_relay_of_the_panel_comes_first_and_the_printer_where_there_is_none(
    printer: Printer, told: Told, opened: Open
) -> None:
    board = Board()
    board.plug()
    driver = opened()
    lamps_only, with_relay = ({"ready": 4}, {"ready": 5, "drawer": RELAY, "drawer_ms": 20})
    panels = [PanelGpio("panel", PanelGpioOptions.from_table(table), told.emit) for table in (lamps_only, with_relay)]
    for panel in panels:
        panel.start()
        told.next_status(Status.READY)
    Counter(driver, panel=panels[1]).open_drawer()
    eventually(lambda: board.levels(RELAY) == [False, True, False])
    assert printer.pulses == ()
    Counter(driver, panel=panels[0]).open_drawer()
    eventually(lambda: printer.pulses == (PULSE_2,))
    Counter(driver).open_drawer()
    eventually(lambda: printer.pulses == (PULSE_2, PULSE_2))
    for panel in panels:
        panel.close()
    board.unplug()


class SlowDoor(TcpDoor):
    """A printer that takes so many bytes at a time and has little room for more on its way in, until it is quick."""

    quick = False

    def open(self) -> None:
        super().open()
        assert self._listener is not None
        # What a line has room for is settled before anybody is connected (socket(7)).
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)

    def read(self, limit: int, timeout_s: float) -> bytes:
        if not self.quick:
            time.sleep(timeout_s)
        return super().read(limit if self.quick else min(limit, 512), timeout_s)


def test_it_opens_between_two_commands_of_a_paper_that_is_longer_than_what_the_line_holds(told: Told) -> None:
    """A paper that is being sent is not waited for, and comes out whole."""
    door = SlowDoor()
    printer = Printer(door=door)
    printer.start()
    table = {"host": "127.0.0.1", "port": printer.port, "drawer": 2}
    driver = PrinterEscpos("printer", PrinterEscposOptions.from_table(table), told.emit)
    driver.start()
    told.next_status(Status.READY)
    rows = [f"第 {number} 行" for number in range(20_000)]
    driver.print("report", Paper(tuple(Text(row) for row in rows)))
    assert printer.roll.wait_for(lambda roll: roll.current is not None)
    driver.open_drawer()
    eventually(lambda: printer.pulses == (PULSE_2,))
    assert not told.of(PrintFinished)
    door.quick = True
    assert told.next(PrintFinished, timeout_s=60).job == "report"
    printer.roll.tear_off()
    assert printer.roll.last is not None
    assert printer.roll.last.rows == tuple(rows)
    assert printer.unknown == ()
    driver.close()
    printer.close()


def test_a_printer_without_a_drawer_opens_none(printer: Printer, told: Told, opened: Open) -> None:
    driver = opened(drawer=0)
    assert not driver.open_drawer()
    driver.print("sale-1", SLIP)
    told.next(PrintFinished)
    assert printer.pulses == ()
