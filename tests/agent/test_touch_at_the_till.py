"""A till that is served by touch alone: what is drawn is what is pressed, from the sign-in to the paper."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.drivers.facts import DeviceStatus, Fact, Finger, Status, Touched
from agent.drivers.printer_escpos import PrinterEscpos, PrinterEscposOptions
from agent.drivers.touch_evdev import TouchEvdev, TouchEvdevOptions
from agent.till import MAILBOX_FACTS, Mailbox
from agent.touching import SEEN_MS
from agent.ui_tft.screen import HEIGHT, WIDTH, Target
from simulator.printer import Printer
from tests.agent.shop import CASHIER, Shop
from tests.drivers.panels import OpenPanel
from tests.txn.desk import PIN
from tests.waiting import eventually

SEEN_S = SEEN_MS / 1_000
BOUNCE_MS = 40


class Finger1:
    """A person with one finger before the till. The panel lies turned by half behind its picture."""

    def __init__(self, shop: Shop, slots: bool) -> None:
        self.shop = shop
        self.panel = OpenPanel(slots)
        options = TouchEvdevOptions.from_table({"path": "/dev/input/by-id/none", "turned": "180"})
        self.driver = TouchEvdev("touch", options, shop.mailbox.put)
        self.driver.opened(self.panel)

    def target(self, key: str) -> Target:
        """Where a key stands, as soon as it does."""

        def found() -> Target | None:
            frame = self.shop.outside.frame
            return next((one for one in frame.targets if one.key == key), None) if frame else None

        eventually(found, timeout_s=30)
        target = found()
        assert target is not None
        return target

    def down(self, target: Target, slot: int = 0) -> None:
        self.driver.take(self.panel.report(self.panel.fingers.touch(*_place(target), slot)))

    def slide(self, target: Target) -> None:
        # A finger stays a while where it goes: the driver passes over a single place that is far away.
        for wobble in range(6):
            x, y = _place(target)
            self.driver.take(self.panel.report(self.panel.fingers.move(x + 10 * wobble, y)))

    def up(self, slot: int = 0) -> None:
        self.driver.take(self.panel.report(self.panel.fingers.lift(slot)))
        self.driver.quiet(time.monotonic_ns() + BOUNCE_MS * 1_000_000)

    def tap(self, *keys: str) -> None:
        """Press keys one after the other, each once it has been seen."""
        for key in keys:
            target = self.target(key)
            time.sleep(SEEN_S)
            self.down(target)
            self.up()

    def keyed(self, text: str) -> None:
        """Wait until this and nothing else has been keyed."""
        eventually(lambda: text in self.shop.outside.text, timeout_s=30)

    def close(self) -> None:
        self.driver.close()
        self.panel.close()


def _place(target: Target) -> tuple[int, int]:
    """The middle of a target, where a panel that lies turned by half has it."""
    x, y = target.x + target.width // 2, target.y + target.height // 2
    return 9_999 - (x * 10_000 // WIDTH), 9_999 - (y * 10_000 // HEIGHT)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path)
    shop.touch = True
    yield shop
    shop.close()


@pytest.fixture(params=[False, True], ids=["one finger", "slots"])
def finger(request: pytest.FixtureRequest, shop: Shop) -> Iterator[Finger1]:
    shop.open()
    shop.provision()
    finger = Finger1(shop, request.param)
    yield finger
    finger.close()


def test_a_sale_is_made_by_touch_alone_from_the_sign_in_to_the_paper(shop: Shop) -> None:
    said: list[Fact] = []

    def tell(fact: Fact) -> bool:
        said.append(fact)
        return shop.mailbox.put(fact)

    printer = Printer()
    printer.start()
    table = {"host": "127.0.0.1", "port": printer.port, "drawer": 2}
    driver = PrinterEscpos("printer", PrinterEscposOptions.from_table(table), tell)
    shop.printer = driver
    shop.open()
    shop.provision()
    driver.start()
    finger = Finger1(shop, slots=False)
    ready = DeviceStatus("printer", Status.READY, "", "")
    eventually(lambda: ready in tuple(said), timeout_s=30)
    finger.tap(*CASHIER, "enter", *PIN, "enter")
    shop.outside.see("请刷会员卡")
    finger.tap(*"268", ".", "0", "0", "enter")
    shop.outside.see("248.00")
    finger.tap("cash")
    shop.outside.see("收款完成")
    assert [body.payable_minor for body in shop.sales()] == [24_800]

    def paper() -> str:
        printer.roll.tear_off()
        return "\n".join(receipt.text for receipt in printer.roll.receipts)

    eventually(lambda: "248.00" in paper(), timeout_s=30)
    assert "268.00" in paper() and "补打" not in paper()
    finger.close()
    shop.close()
    driver.close()
    printer.close()


def test_what_is_touched_in_the_menu_is_what_is_chosen(finger: Finger1) -> None:
    finger.shop.sign_in()
    finger.tap("menu")
    finger.shop.outside.see("训练")
    finger.tap("2")
    finger.shop.outside.see("X 报告")
    finger.tap("cancel")
    finger.shop.outside.see("请刷会员卡")


def test_a_finger_that_slides_off_a_key_presses_neither_it_nor_the_one_it_ends_on(finger: Finger1) -> None:
    one, two = finger.target("1"), finger.target("2")
    time.sleep(SEEN_S)
    finger.down(one)
    finger.slide(two)
    finger.up()
    finger.tap("7")
    finger.keyed("7")


def test_a_key_shows_that_it_is_pressed_while_the_finger_rests_on_it(finger: Finger1) -> None:
    target = finger.target("5")
    time.sleep(SEEN_S)

    def ground() -> object:
        frame = finger.shop.outside.frame
        return None if frame is None else frame.image.getpixel((target.x + 6, target.y + 6))

    before = ground()
    finger.down(target)
    eventually(lambda: ground() != before, timeout_s=30)
    finger.up()
    finger.keyed("5")


def test_a_second_quick_tap_on_a_key_that_has_gone_presses_nothing(finger: Finger1) -> None:
    finger.shop.sign_in()
    finger.tap("1", "2", "enter")
    cash = finger.target("cash")
    time.sleep(SEEN_S)
    finger.down(cash)
    finger.up()
    finger.shop.outside.see("收款完成")
    paid = finger.shop.outside.frame
    assert paid is not None
    x, y = (cash.x + cash.width // 2) * 10_000 // WIDTH, (cash.y + cash.height // 2) * 10_000 // HEIGHT
    # However busy the machine is, the finger came down this soon after the keys had changed.
    soon_ns = paid.made_monotonic_ns + (SEEN_MS - 50) * 1_000_000
    finger.shop.tell(Touched("touch", Finger.DOWN, x, y, soon_ns), Touched("touch", Finger.UP, x, y, soon_ns))
    finger.tap("9")
    finger.keyed("9")
    assert len(finger.shop.sales()) == 1
    assert "refused" not in finger.shop.outside.sounds


def test_a_finger_nobody_knows_more_of_presses_nothing(finger: Finger1) -> None:
    target = finger.target("5")
    time.sleep(SEEN_S)
    finger.down(target)
    finger.driver.lost()
    finger.driver.opened(OpenPanel())
    x, y = 10_000 * (target.x + 10) // WIDTH, 10_000 * (target.y + 10) // HEIGHT
    finger.shop.tell(Touched("touch", Finger.UP, x, y, time.monotonic_ns()))
    finger.shop.press("7")
    finger.keyed("7")


def test_touches_for_which_there_is_no_room_are_counted_as_dropped_input() -> None:
    mailbox = Mailbox()
    taken = [mailbox.put(Touched("touch", Finger.DOWN, 0, 0, 0)) for _ in range(MAILBOX_FACTS + 3)]
    assert (taken.count(False), mailbox.dropped, mailbox.dropped_of) == (3, 3, "touch")
