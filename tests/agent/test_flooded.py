"""A device that sends without end takes nothing from the journal: what was dropped is told once, and sales go on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.drivers.code_serial import CodeSerial, CodeSerialOptions
from agent.drivers.facts import CodeScanned, DeviceStatus, Fact, Key, KeyPressed, PrintFinished, Status
from agent.till import MAILBOX_FACTS, Mailbox
from simulator.scanner import Scanner
from tests.agent.shop import Shop
from tests.waiting import eventually

CODES = 500
FLOOD = b"".join(b"%d\r" % number for number in range(CODES))


class Flooding:
    """A scanner that reads without end, its driver, and how far the till was told."""

    def __init__(self, path: Path, shop: Shop) -> None:
        self.scanner = Scanner(path)
        self.scanner.start()
        self._shop = shop
        self._told = self._sent = 0
        self.driver = CodeSerial("code", CodeSerialOptions(str(path)), self._emit)
        self.driver.start()
        eventually(lambda: self._ready)

    _ready = False

    def close(self) -> None:
        """Take both away."""
        self.driver.close()
        self.scanner.close()

    def until_dropped(self) -> None:
        """Send more than the till can take, and wait until the driver has told all of it."""
        before = self._shop.mailbox.dropped

        def floods() -> bool:
            self.scanner.send(FLOOD)
            self._sent += CODES
            return self._shop.mailbox.dropped > before

        eventually(floods)
        eventually(lambda: self._told == self._sent)

    def _emit(self, fact: Fact) -> bool:
        taken = self._shop.mailbox.put(fact)
        self._told += isinstance(fact, CodeScanned)
        self._ready = True
        return taken


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path)
    shop.open()
    shop.provision()
    shop.sign_in()
    yield shop
    shop.close()


@pytest.fixture
def flooding(tmp_path: Path, shop: Shop) -> Iterator[Flooding]:
    flooding = Flooding(tmp_path / "scanner", shop)
    yield flooding
    flooding.close()


def test_a_scanner_that_floods_is_in_the_journal_once_and_the_next_customer_is_served(
    shop: Shop, flooding: Flooding
) -> None:
    for _ in range(2):
        flooding.until_dropped()
        press(shop, "cancel")
    eventually(lambda: flooded(shop))
    for key in (*"10.00", "enter", "cash"):
        press(shop, key)
    shop.outside.see("收款完成", "10.00")
    # Where the mailbox was full, the cashier's own key may have been what was dropped.
    (told,) = flooded(shop)
    assert told in [f"input_dropped {device}: more came than the till could take" for device in ("code", "keypad")]
    assert [body.payable_minor for body in shop.sales()] == [1_000]


def test_what_a_driver_tells_again_is_not_called_dropped() -> None:
    mailbox = Mailbox()
    for number in range(MAILBOX_FACTS + 5):
        mailbox.put(DeviceStatus("printer", Status.READY, str(number), ""))
        mailbox.put(PrintFinished("printer", f"1/{number}"))
    assert (mailbox.dropped, mailbox.dropped_of) == (0, "")


def press(shop: Shop, key: str) -> None:
    """Press a key as a cashier does who was not heard: again."""
    eventually(lambda: shop.mailbox.put(KeyPressed("keypad", Key(key))))


def flooded(shop: Shop) -> list[str]:
    """What the journal says of dropped input."""
    return [told for told in shop.events() if told.startswith("input_dropped")]
