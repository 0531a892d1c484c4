"""The till beside a printer that fails: it never waits, and no paper is lost, or printed twice without saying so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.drivers.facts import DeviceStatus, Fact, PrintFailed, PrintFinished, Status
from agent.drivers.printer_escpos import PrinterEscpos, PrinterEscposOptions
from simulator.printed import DrawerPulse
from simulator.printer import Printer
from tests.agent.shop import Shop
from tests.waiting import eventually

MARK = "补打"


class Beside:
    """A till with a real driver and a printer on a TCP line."""

    def __init__(self, folder: Path) -> None:
        self.printer = Printer()
        self.printer.start()
        self.shop = Shop(folder)
        self.words: list[Fact] = []
        table = {"host": "127.0.0.1", "port": self.printer.port, "silence_s": 0.5, "keep_s": 1.5, "drawer": 2}
        self.driver = PrinterEscpos("printer", PrinterEscposOptions.from_table(table), self._tell)
        self.shop.printer = self.driver
        self.shop.open()
        self.shop.provision()
        self.shop.sign_in()
        self.driver.start()
        eventually(self.ready)

    def _tell(self, fact: Fact) -> bool:
        self.words.append(fact)
        return self.shop.mailbox.put(fact)

    def close(self) -> None:
        self.shop.close()
        self.driver.close()
        self.printer.close()

    def ready(self) -> bool:
        """Whether the printer is, by the driver's last word."""
        states = [fact for fact in tuple(self.words) if isinstance(fact, DeviceStatus)]
        return bool(states) and states[-1].status is Status.READY

    def ended(self, number: int) -> bool:
        """Whether the driver has told of so many papers how they ended."""
        return sum(isinstance(fact, PrintFinished | PrintFailed) for fact in tuple(self.words)) == number

    def mend(self) -> None:
        """Whatever it was, it is well again."""
        self.printer.paper(True)
        self.printer.cover(False)
        self.printer.stall(False)
        self.printer.mute(False)
        self.printer.power_on()
        eventually(self.ready)

    def owes(self, papers: int) -> None:
        """Wait until the till owes so many papers."""
        eventually(lambda: len(self.shop.owed()) == papers, timeout_s=30)

    def papers(self, amount: str) -> tuple[list[str], list[str]]:
        """The papers of the sale of that amount, whole or torn: those without the mark, and those with it."""
        self.printer.roll.tear_off()
        found = [paper.text for paper in self.printer.roll.receipts if amount in paper.text]
        return [text for text in found if MARK not in text], [text for text in found if MARK in text]


@pytest.fixture
def beside(tmp_path: Path) -> Iterator[Beside]:
    beside = Beside(tmp_path)
    yield beside
    beside.close()


@pytest.mark.parametrize(
    "fault", [{"paper": False}, {"cover_open": True}, {"stalled": True}, {"mute": True}, {"powered": False}], ids=str
)
def test_three_sales_at_a_printer_that_fails_have_their_papers_in_the_end_and_each_second_one_says_so(
    beside: Beside, fault: dict[str, bool]
) -> None:
    shop = beside.shop
    beside.printer.after_lines(3, **fault)
    shop.sell("11.00", "11.00")
    shop.sell("12.00", "12.00")
    shop.sell("13.00", "13.00")
    assert [body.payable_minor for body in shop.sales()] == [1_100, 1_200, 1_300]
    eventually(lambda: beside.ended(3), timeout_s=30)
    owed = len(shop.owed())
    assert owed >= 1
    beside.mend()
    for still_owed in range(owed, 0, -1):
        shop.restart()
        shop.outside.see("中断之前")
        shop.press("reprint")
        beside.owes(still_owed - 1)
    for amount in ("11.00", "12.00", "13.00"):
        first, again = beside.papers(amount)
        assert len(first) <= 1
        assert first or again


def test_the_drawer_at_the_printer_opens_for_a_cash_sale_though_there_is_no_paper(beside: Beside) -> None:
    beside.printer.paper(False)
    eventually(lambda: not beside.ready())
    beside.shop.sell("11.00", "11.00")
    eventually(lambda: beside.printer.pulses == (DrawerPulse(2, 200),))
