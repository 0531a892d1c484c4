"""What the till does with the customer's pole and with the panel of its case: amounts, lamps, drawer, contacts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.drivers.facts import Status
from agent.drivers.panel_gpio import PanelGpio, PanelGpioOptions
from agent.drivers.pole_serial import PoleSerial, PoleSerialOptions
from agent.sync.facts import LinkDown, LinkProblem
from simulator.gpio import Board
from simulator.pole import Pole
from simulator.ports import Pty
from tests.agent.shop import GIB, Shop
from tests.drivers.told import Told
from tests.waiting import eventually

GREEN, AMBER, RED, BUZZER, DRAWER, TAMPER, POWER = 4, 17, 27, 22, 23, 24, 25
PINS = {
    "ready": GREEN,
    "attention": AMBER,
    "fault": RED,
    "buzzer": BUZZER,
    "drawer": DRAWER,
    "tamper": TAMPER,
    "power_fail": POWER,
    "drawer_ms": 20,
}


@pytest.fixture
def board() -> Iterator[Board]:
    board = Board()
    board.plug()
    yield board
    board.unplug()


@pytest.fixture
def pole(tmp_path: Path) -> Iterator[Pole]:
    pole = Pole(Pty(tmp_path / "pole"), charset="gb18030")
    pole.start()
    yield pole
    pole.close()


@pytest.fixture
def shop(tmp_path: Path, board: Board, pole: Pole) -> Iterator[Shop]:
    """A till with a pole and a panel, the cashier signed in."""
    shop = Shop(tmp_path)
    told = Told()
    customer = PoleSerial(
        "pole", PoleSerialOptions.from_table({"path": str(tmp_path / "pole"), "charset": "gb18030"}), told.emit
    )
    panel = PanelGpio("panel", PanelGpioOptions.from_table(PINS), shop.mailbox.put)
    customer.start()
    panel.start()
    told.next_status(Status.READY)
    shop.pole, shop.panel = customer, panel
    shop.open()
    shop.provision()
    shop.sign_in()
    yield shop
    shop.close()
    panel.close()
    customer.close()


def test_the_customer_reads_the_amount_as_it_changes_and_what_was_paid(shop: Shop, pole: Pole) -> None:
    eventually(lambda: pole.rows[0] == "欢迎光临")
    shop.press(*"268.00", "enter")
    eventually(lambda: pole.rows == ("合计", "￥248.00"))
    shop.tap()
    eventually(lambda: pole.rows == ("合计", "￥221.20"))
    shop.press("cash")
    eventually(lambda: pole.rows == ("已付", "￥221.20"))
    shop.press("enter")
    eventually(lambda: pole.rows[0] == "欢迎光临")


def test_the_drawer_opens_for_a_sale_that_is_on_the_disk_and_for_no_other(shop: Shop, board: Board) -> None:
    shop.press(*"268.00", "enter")
    shop.outside.see("248.00")
    shop.free_bytes = 0
    shop.press("cash")
    shop.outside.see("没有记账")
    assert board.levels(DRAWER) == [False]
    shop.free_bytes = GIB
    shop.press("cash")
    shop.outside.see("收款完成")
    eventually(lambda: board.levels(DRAWER) == [False, True, False])
    shop.press("reprint")
    shop.sell("10.00", "10.00")
    eventually(lambda: board.levels(DRAWER) == [False, True, False, True, False])


def test_lamps_say_whether_the_till_can_sell(shop: Shop, board: Board) -> None:
    eventually(lambda: board.level(GREEN) and not board.level(RED))
    assert not board.level(AMBER)
    shop.tell(LinkDown(LinkProblem.LOST))
    eventually(lambda: board.level(AMBER) and board.level(GREEN))


def test_an_opened_case_is_journalled_for_head_office(shop: Shop, board: Board) -> None:
    board.ground(TAMPER)
    eventually(lambda: any("case_opened" in event for event in shop.events()))


def test_a_supply_that_goes_ends_the_till_with_everything_on_the_disk_and_begins_nothing_more(
    shop: Shop, board: Board
) -> None:
    shop.sell("268.00", "248.00")
    shop.press("enter", *"10.00", "enter")
    shop.outside.see("10.00")
    board.ground(POWER)
    shop.outside.see("断电")
    shop.press("cash")
    eventually(shop.store_is_closed)
    assert not shop.ended()
    assert [body.payable_minor for body in shop.sales()] == [24_800]
    board.release(POWER)
    eventually(shop.ended)
    shop.restart()
    shop.outside.see("已经记账", "248.00")
    assert [body.payable_minor for body in shop.sales()] == [24_800]


def test_a_spike_on_the_supply_line_ends_nothing(shop: Shop, board: Board) -> None:
    board.spike(POWER)
    shop.sell("268.00", "248.00")
    assert not shop.ended()


def test_a_till_that_starts_while_the_supply_is_going_waits_and_begins_nothing(shop: Shop, board: Board) -> None:
    shop.pause()
    old = shop.panel
    assert isinstance(old, PanelGpio)
    old.close()
    board.ground(POWER)
    new = PanelGpio("panel", PanelGpioOptions.from_table(PINS), shop.mailbox.put)
    new.start()
    shop.panel = new
    shop.open()
    shop.outside.see("断电")
    assert not shop.ended()
    board.release(POWER)
    eventually(shop.ended)
    new.close()
