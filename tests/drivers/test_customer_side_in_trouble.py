"""What faces the customer fails in the middle of a sale: the pole, the screen, the panel with its drawer. The sale goes
on, is in the journal once and has its one receipt, and once the device is well it shows what is to be seen now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from agent.drivers.facts import DeviceStatus, Fact, Status
from agent.drivers.glass_socket import GlassSocket, GlassSocketOptions
from agent.drivers.panel_gpio import PanelGpio, PanelGpioOptions
from agent.drivers.pole_serial import PoleSerial, PoleSerialOptions
from agent.ui_tft.frame import Frame
from simulator.glass import Glass
from simulator.gpio import Board
from simulator.pole import Pole
from simulator.ports import Pty
from tests.agent.shop import Outside, Shop
from tests.waiting import eventually

READY = Status.READY
DRAWER, GREEN = 23, 4
NOISE = bytes(range(256)) * 16


class OutsideWithGlass(Outside):
    """The customer's side, with a real screen beside what it remembers."""

    glass: GlassSocket

    def show(self, picture: Frame) -> None:
        """Show it on both."""
        self.glass.show(picture)
        super().show(picture)


class Side:
    """A till whose pole, screen and panel are real drivers over simulated devices."""

    def __init__(self, folder: Path, board: Board, running: ExitStack) -> None:
        self.board = board
        self.pole, self.glass = Pole(Pty(folder / "pole")), Glass(folder / "glass")
        for peer in (self.pole, self.glass):
            peer.start()
            running.callback(peer.close)
        self.shop = Shop(folder)
        self.states: dict[str, Status] = {}
        pole = PoleSerial("pole", PoleSerialOptions.from_table({"path": str(folder / "pole")}), self._emit)
        panel = PanelGpio("panel", PanelGpioOptions.from_table({"drawer": DRAWER, "ready": GREEN}), self._emit)
        outside = OutsideWithGlass(self.shop.path)
        outside.glass = GlassSocket("glass", GlassSocketOptions(self.glass.address), self._emit)
        self.shop.outside = self.shop.printer = outside
        self.shop.pole, self.shop.panel = pole, panel
        for driver in (pole, panel, outside.glass):
            driver.start()
            running.callback(driver.close)
        self.shop.open()
        running.callback(self.shop.close)
        self.shop.provision()
        self.shop.sign_in()
        self.well()

    def well(self) -> None:
        """Wait until every device is ready."""
        eventually(lambda: sorted(self.states) == ["glass", "panel", "pole"] and set(self.states.values()) == {READY})

    def pole_shows(self, words: str) -> bool:
        """Whether some row of the pole has them."""
        return any(words in row for row in self.pole.rows)

    def _emit(self, fact: Fact) -> bool:
        if isinstance(fact, DeviceStatus):
            self.states[fact.device] = fact.status
        return self.shop.mailbox.put(fact)


TROUBLES: dict[str, tuple[Callable[[Side], object], Callable[[Side], object]]] = {
    "pole silent": (lambda side: side.pole.stall(), lambda side: side.pole.stall(False)),
    "pole garbage": (lambda side: side.pole.speak(NOISE), lambda _side: None),
    "pole delayed": (lambda side: side.pole.slow(0.005), lambda side: side.pole.slow(0)),
    "pole unplugged": (lambda side: side.pole.unplug(), lambda side: side.pole.replug()),
    "glass silent": (lambda side: side.glass.stall(), lambda side: side.glass.stall(False)),
    "glass garbage": (lambda side: side.glass.speak(NOISE), lambda _side: None),
    "glass truncated": (lambda side: side.glass.break_off(), lambda side: side.glass.break_off(False)),
    "glass delayed": (lambda side: side.glass.slow(0.02), lambda side: side.glass.slow(0)),
    "glass unplugged": (lambda side: side.glass.unplug(), lambda side: side.glass.replug()),
    "panel gone": (lambda side: side.board.lose(), lambda side: side.board.restore()),
}


@pytest.fixture
def side(tmp_path: Path, board: Board) -> Iterator[Side]:
    with ExitStack() as running:
        yield Side(tmp_path, board, running)


def test_each_trouble_of_what_faces_the_customer_costs_no_sale_and_no_receipt_and_heals(side: Side) -> None:
    for number, (trouble, (begin, end)) in enumerate(TROUBLES.items(), 1):
        shop = side.shop
        shop.press(*f"{number}.00", "enter")
        shop.outside.see("应付")
        begin(side)
        shop.press("cash")
        shop.outside.see("收款完成", f"{number}.00")
        end(side)
        assert [sale.tenders[0].amount_minor for sale in shop.sales()] == [100 * one for one in range(1, number + 1)]
        jobs = [job for job, _words in shop.outside.papers]
        assert len(jobs) == len(set(jobs)) == number, trouble
        side.well()
        eventually(lambda: any("收款完成" in row for row in side.glass.text))
        eventually(partial(side.pole_shows, f"{number}.00"))
