"""A USB reader that is pulled while pcscd runs is told, and reads again once it is plugged in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress

import pytest

from agent.drivers.card_pcsc import CardPcsc, CardPcscOptions
from agent.drivers.facts import CardPresented, DeviceStatus, Status
from simulator.cards_files import Files, ndef_files
from simulator.vpcd import ATR_T1, ContactCard
from tests.drivers.told import Told
from tests.pcscd import needs_pcscd
from tests.pcscd_usb import UsbReaderService, needs_usb_bus, usb_reader_service

pytestmark = [needs_pcscd, needs_usb_bus]

FILE = {"application": "d2760000850101", "file": "e104"}
UNPLUGGED = DeviceStatus("card", Status.GONE, "unplugged", "check_cable")


def a_card(content: bytes) -> ContactCard:
    return ContactCard(Files(ndef_files(content)), ATR_T1)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UsbReaderService]:
    with usb_reader_service(tmp_path_factory.mktemp("pcscd")) as service:
        yield service


@pytest.fixture
def told(service: UsbReaderService) -> Iterator[Told]:
    told = Told()
    options = CardPcscOptions(socket=str(service.socket_path), file=FILE, answer_limit_s=0.5)
    with closing(CardPcsc("card", options, told.emit)) as driver:
        driver.start()
        told.next_status(Status.READY)
        yield told
    for slot in service.slots:
        slot.remove()
    assert service.wait_cards(0)


def test_a_reader_that_is_pulled_is_told_each_time_and_reads_when_it_is_back(
    service: UsbReaderService, told: Told
) -> None:
    for content in (b"first", b"second", b"third"):
        service.unplug()
        assert told.next(DeviceStatus) == UNPLUGGED
        service.replug()
        told.next_status(Status.READY)
        service.slots[0].insert(a_card(content))
        assert told.next(CardPresented).content == content
    assert len(told.of(CardPresented)) == 3


def test_a_card_that_lies_in_a_reader_when_it_is_pulled_is_read_again_when_both_are_back(
    service: UsbReaderService, told: Told
) -> None:
    slot, card = service.slots[0], a_card(b"still there")
    for read in range(1, 3):
        slot.insert(card)
        with suppress(AssertionError):
            told.next(CardPresented, timeout_s=15)
        if len(told.of(CardPresented)) < read:
            # Back so soon it may be taken for one that was never lifted; then it is read once it was.
            slot.remove()
            assert service.wait_cards(0)
            slot.insert(card)
            assert told.next(CardPresented).content == b"still there"
        assert [one.content for one in told.of(CardPresented)] == [b"still there"] * read
        service.unplug()
        assert told.next(DeviceStatus) == UNPLUGGED
        service.replug()
        told.next_status(Status.READY)
