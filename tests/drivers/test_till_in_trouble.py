"""A till that sells by real drivers over the simulated counter, while its devices fail one after the other: every sale
the glass confirmed is in the journal once, none besides, and of each paper the till says whether it came out.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from agent.drivers.facts import DeviceStatus, Fact, Status
from agent.drivers.printer_escpos import PrinterEscpos
from agent.drivers.table import Driver, open_driver
from agent.paper import Paper
from simulator.cards import UidCard
from simulator.faults import Fault
from simulator.keypad import Keypad
from simulator.pn532 import Pn532
from simulator.printer import Printer
from simulator.scanner import Scanner
from tests.agent.shop import CASHIER, GOLD_UID, Outside, Shop
from tests.drivers.matrix_rigs import children_naming
from tests.txn.desk import PIN
from tests.waiting import eventually


class OutsideWithPrinter(Outside):
    """The customer's side, with a real driver where the paper comes from."""

    printer: PrinterEscpos

    def print(self, job: str, paper: Paper) -> bool:
        """Queue it at the driver."""
        return super().print(job, paper) and self.printer.print(job, paper)


class Counter:
    """The till, its drivers and the peers, and what a cashier does with them."""

    def __init__(self, folder: Path, running: ExitStack) -> None:
        self.reader = Pn532(folder / "reader")
        self.scanner = Scanner(folder / "scanner")
        self.keypad = Keypad(folder / "keypad")
        self.printer = Printer()
        for peer in (self.reader, self.scanner, self.keypad, self.printer):
            peer.start()
            running.callback(peer.close)
        self.shop = Shop(folder)
        self.outside = OutsideWithPrinter(self.shop.path)
        self.shop.outside = self.shop.printer = self.outside
        options: dict[tuple[str, str], dict[str, object]] = {
            ("card", "libnfc"): {"connstring": self.reader.connstring, "child_timeout_s": 2.0, "poll_s": 0.02},
            ("code", "serial"): {"path": str(self.scanner.path)},
            ("keypad", "serial"): {"path": str(self.keypad.path)},
            ("printer", "escpos"): {"host": "127.0.0.1", "port": self.printer.port, "silence_s": 0.5},
        }
        drivers: dict[str, Driver] = {}
        self.states: dict[str, Status] = {}
        for (capability, technology), table in options.items():
            drivers[capability] = open_driver(capability, technology, capability, table, self._emit)
        assert isinstance(drivers["printer"], PrinterEscpos)
        self.outside.printer = drivers["printer"]
        self.shop.open()
        running.callback(self.shop.close)
        self.shop.provision()
        for driver in drivers.values():
            driver.start()
            running.callback(driver.close)
        self.confirmed = 0
        self.see("请登录")

    def see(self, *words: str) -> None:
        """Wait until the glass says so."""
        self.outside.see(*words)

    def _emit(self, fact: Fact) -> bool:
        if isinstance(fact, DeviceStatus):
            self.states[fact.device] = fact.status
        return self.shop.mailbox.put(fact)

    def well(self) -> None:
        """Wait until every device is ready, and the glass knows of no trouble."""
        eventually(lambda: [*self.states.values()] == [Status.READY] * 4, 20)
        eventually(lambda: not any(word in "\n".join(self.outside.text) for word in TROUBLE), 20)

    def sign_in(self) -> None:
        """Sign the cashier in, by the keypad."""
        self.keypad.press(*CASHIER, "enter")
        self.see("密码")
        self.keypad.press(*PIN, "enter")
        self.see("就绪")

    def pay(self, amount: str) -> None:
        """Sell for cash by the keypad, and see it confirmed."""
        self.keypad.press(*amount, "enter")
        self.see("应付")
        self.keypad.press("cash")
        self.see("收款完成")
        self.confirmed += 1
        assert len(self.shop.sales()) == self.confirmed

    def tap(self) -> None:
        """Hold the gold card there until the glass knows the member."""
        self.reader.field.remove()
        assert self.reader.field.wait_polled(3)
        self.reader.field.present(UidCard(GOLD_UID))
        self.see("会*一")


TROUBLE = ("已断开", "没有应答", "应答错乱", "没有找到", "异常退出", "没有响应", "已停止")


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[Counter]:
    with ExitStack() as running:
        counter = Counter(tmp_path, running)
        counter.well()
        counter.sign_in()
        yield counter


def test_a_reader_in_every_trouble_costs_no_sale_and_no_member(counter: Counter) -> None:
    for fault in (Fault.SILENT, Fault.GARBAGE, Fault.HALF_FRAME):
        counter.reader.fail(fault)
        counter.see("读卡器")
        counter.pay("12.00")
        counter.reader.heal()
        counter.well()
    counter.reader.unplug()
    counter.see("读卡器已断开")
    counter.pay("12.00")
    counter.reader.replug()
    counter.well()
    for child in children_naming(str(counter.reader.path)):
        os.kill(child, signal.SIGKILL)
    counter.tap()
    counter.pay("268.00")
    assert [sale.tenders[0].amount_minor for sale in counter.shop.sales()] == [1200, 1200, 1200, 1200, 22120]


def test_keys_and_codes_that_are_cut_off_sell_nothing_by_themselves(counter: Counter) -> None:
    counter.keypad.press("2", "6")
    counter.see("26")
    counter.keypad.unplug()
    counter.see("键盘已断开")
    counter.keypad.press("cash", "enter")
    counter.keypad.replug()
    counter.well()
    counter.keypad.press("clear")
    counter.keypad.press("clear")
    counter.keypad.send(b"\xff\x00\x81")
    for fault in (Fault.GARBAGE, Fault.HALF_FRAME):
        counter.scanner.fail(fault, times=1)
        counter.scanner.scan(b"6901234567892")
    counter.scanner.unplug()
    counter.see("扫码器已断开")
    counter.scanner.replug()
    counter.well()
    assert counter.shop.sales() == []
    counter.pay("30.00")


def test_a_printer_in_every_trouble_costs_no_sale_and_prints_none_twice(counter: Counter) -> None:
    printer = counter.printer
    printer.faults.fail(Fault.SILENT)
    counter.see("打印机没有应答")
    counter.pay("11.00")
    printer.faults.heal()
    counter.well()
    printer.power_off()
    counter.pay("12.00")
    printer.power_on()
    counter.well()
    printer.faults.fail(Fault.GARBAGE, times=2)
    counter.pay("13.00")
    printer.faults.fail(Fault.DELAYED, times=2)
    counter.pay("14.00")
    numbers = [job for job, _words in counter.outside.papers]
    assert len(numbers) == len(set(numbers)) == 4
    # Whatever is not known to be on paper is still owed one; a paper that is there was printed once.
    eventually(lambda: len(counter.shop.owed()) + len(printer.roll.receipts) >= 4, 20)
    printed = ["".join(receipt.rows) for receipt in printer.roll.receipts]
    assert len(printed) == len(set(printed))
