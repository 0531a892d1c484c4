"""Whatever the reader does on its line, the till is told, it heals by itself, and the next card is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.drivers.card_libnfc import CardLibnfc, CardLibnfcOptions
from agent.drivers.facts import CardPresented, DeviceStatus, Status
from simulator import ndef
from simulator.cards import UidCard
from simulator.cards_files import FileCard, Files, ndef_files
from simulator.cards_type2 import Ntag213
from simulator.faults import Fault
from simulator.pn532 import Pn532
from simulator.ports import Pty
from tests.drivers.told import Told

UID = b"\x11\x22\x33\x44"
TAG = Ntag213(bytes.fromhex("04a1b2c3d4e5f6"), ndef.text_message("会员一", "zh"))
IN_DATA_EXCHANGE, IN_COMMUNICATE_THRU = 0x40, 0x42
"""By which an APDU card and a tag are read."""
BAD_ANSWERS = [fault for fault in Fault if fault not in (Fault.NAD_STATUS, Fault.DISCONNECT)]
"""The faults after which the cable is still in and libnfc still runs."""

Open = Callable[[], Told]


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Pn532]:
    reader = Pn532(tmp_path / "reader")
    reader.start()
    yield reader
    reader.close()


@pytest.fixture
def open_driver(reader: Pn532) -> Iterator[Open]:
    drivers: list[CardLibnfc] = []

    def opened() -> Told:
        told = Told()
        driver = CardLibnfc("card", CardLibnfcOptions(reader.connstring, child_timeout_s=2.0, poll_s=0.02), told.emit)
        drivers.append(driver)
        driver.start()
        return told

    yield opened
    for driver in drivers:
        driver.close()


def assert_next_tap_is_read(reader: Pn532, told: Told) -> None:
    reader.field.remove()
    assert reader.field.wait_polled(12)
    reader.field.present(UidCard(UID))
    while told.next(CardPresented).uid != UID:
        pass


@pytest.mark.parametrize(
    ("fault", "reasons"),
    [
        (Fault.SILENT, {"reader_silent"}),
        (Fault.NO_ANSWER, {"reader_silent"}),
        (Fault.WRONG_CHECKSUM, {"reader_garbled"}),
        (Fault.ERROR_FRAME, {"reader_garbled"}),
        (Fault.GARBAGE, {"reader_garbled"}),
        (Fault.HALF_FRAME, {"reader_silent", "reader_garbled"}),
    ],
)
def test_a_reader_that_fails_is_told_of_and_comes_back_by_itself(
    reader: Pn532, open_driver: Open, fault: Fault, reasons: set[str]
) -> None:
    told = open_driver()
    told.next_status(Status.READY)
    reader.fail(fault)
    gone = told.next_status(Status.GONE)
    assert gone.reason in reasons and gone.next_step == "check_reader"
    reader.heal()
    told.next_status(Status.READY)
    assert_next_tap_is_read(reader, told)


@pytest.mark.parametrize("fault", BAD_ANSWERS)
def test_one_bad_answer_is_noise_and_no_news(reader: Pn532, open_driver: Open, fault: Fault) -> None:
    told = open_driver()
    told.next_status(Status.READY)
    reader.fail(fault, times=1)
    assert_next_tap_is_read(reader, told)
    assert reader.failing is None
    assert [status.status for status in told.of(DeviceStatus)] == [Status.READY]


@pytest.mark.parametrize("fault", BAD_ANSWERS)
def test_one_bad_answer_while_a_tag_is_read_costs_no_tap(reader: Pn532, open_driver: Open, fault: Fault) -> None:
    told = open_driver()
    told.next_status(Status.READY)
    reader.fail(fault, times=1, command=IN_COMMUNICATE_THRU)
    reader.field.present(TAG)
    presented = told.next(CardPresented)
    assert (presented.uid, presented.content) == (TAG.uid, ndef.text_message("会员一", "zh"))
    assert reader.failing is None
    assert [status.status for status in told.of(DeviceStatus)] == [Status.READY]


@pytest.mark.parametrize("fault", BAD_ANSWERS)
def test_one_bad_answer_while_a_card_with_files_is_read_costs_no_tap(reader: Pn532, fault: Fault) -> None:
    told = Told()
    options = CardLibnfcOptions.from_table({"connstring": reader.connstring, "poll_s": 0.02, "file": {}})
    driver = CardLibnfc("card", options, told.emit)
    driver.start()
    try:
        told.next_status(Status.READY)
        reader.fail(fault, times=1, command=IN_DATA_EXCHANGE)
        reader.field.present(FileCard(UID, Files(ndef_files(b"content"))))
        assert told.next(CardPresented).content == b"content"
        assert reader.failing is None
        assert [status.status for status in told.of(DeviceStatus)] == [Status.READY]
    finally:
        driver.close()


def test_a_status_that_makes_libnfc_abort_costs_a_moment_and_no_tap(reader: Pn532, open_driver: Open) -> None:
    told = open_driver()
    told.next_status(Status.READY)
    reader.fail(Fault.NAD_STATUS, times=1, command=IN_COMMUNICATE_THRU)
    reader.field.present(TAG)
    gone = told.next(DeviceStatus)
    assert (gone.status, gone.reason, gone.next_step) == (Status.GONE, "reader_aborted", "wait")
    told.next_status(Status.READY)
    assert told.next(CardPresented).uid == TAG.uid
    assert_next_tap_is_read(reader, told)


def test_a_card_that_makes_libnfc_abort_each_time_does_no_lasting_harm(reader: Pn532, open_driver: Open) -> None:
    told = open_driver()
    reader.fail(Fault.NAD_STATUS, command=IN_COMMUNICATE_THRU)
    reader.field.present(TAG)
    for _ in range(3):
        assert told.next_status(Status.GONE).reason == "reader_aborted"
    reader.field.remove()
    assert_next_tap_is_read(reader, told)


def test_slow_bytes_are_waited_for(reader: Pn532, open_driver: Open) -> None:
    told = open_driver()
    told.next_status(Status.READY)
    reader.fail(Fault.SLOW_BYTES)
    reader.field.present(UidCard(UID))
    assert told.next(CardPresented).uid == UID
    assert [status.status for status in told.of(DeviceStatus)] == [Status.READY]


@pytest.mark.parametrize("fault", [fault for fault in BAD_ANSWERS if fault is not Fault.SLOW_BYTES])
def test_a_reader_that_fails_from_the_beginning_is_found_when_it_is_well(
    reader: Pn532, open_driver: Open, fault: Fault
) -> None:
    reader.fail(fault)
    reader.field.present(TAG)
    told = open_driver()
    lost = told.next(DeviceStatus)
    assert lost.status is Status.MISSING and lost.next_step == "check_reader"
    reader.heal()
    told.next_status(Status.READY)
    assert told.next(CardPresented).uid == TAG.uid


def test_a_pulled_cable_is_told_of_and_its_return_too(reader: Pn532, open_driver: Open) -> None:
    told = open_driver()
    told.next_status(Status.READY)
    for _ in range(3):
        reader.unplug()
        gone = told.next(DeviceStatus)
        assert (gone.status, gone.reason, gone.next_step) == (Status.GONE, "unplugged", "check_cable")
        reader.replug()
        told.next_status(Status.READY)
    assert_next_tap_is_read(reader, told)


def test_a_cable_pulled_while_a_tag_is_read_costs_no_later_tap(reader: Pn532, open_driver: Open) -> None:
    told = open_driver()
    told.next_status(Status.READY)
    reader.fail(Fault.NO_ANSWER, command=IN_COMMUNICATE_THRU)
    reader.field.present(TAG)
    assert reader.field.wait_polled(2)
    reader.unplug()
    assert told.next_status(Status.GONE).reason == "unplugged"
    reader.heal()
    reader.replug()
    told.next_status(Status.READY)
    assert told.next(CardPresented).uid == TAG.uid


@pytest.mark.parametrize("after_bytes", [0, 1, 7, 20])
def test_a_cable_that_comes_off_inside_an_answer_is_told_of_and_its_return_too(
    reader: Pn532, open_driver: Open, after_bytes: int
) -> None:
    told = open_driver()
    told.next_status(Status.READY)
    reader.fail(Fault.DISCONNECT, times=1, command=IN_COMMUNICATE_THRU, after_bytes=after_bytes)
    reader.field.present(TAG)
    assert told.next_status(Status.GONE).reason == "unplugged"
    reader.replug()
    told.next_status(Status.READY)
    assert told.next(CardPresented).uid == TAG.uid


def test_a_reader_that_is_plugged_in_later_is_found(reader: Pn532, open_driver: Open) -> None:
    reader.unplug()
    told = open_driver()
    missing = told.next(DeviceStatus)
    assert (missing.status, missing.reason, missing.next_step) == (Status.MISSING, "not_found", "check_cable")
    reader.replug()
    told.next_status(Status.READY)
    assert_next_tap_is_read(reader, told)


def test_a_port_with_no_reader_behind_it_is_told_as_silent(tmp_path: Path) -> None:
    port, told = Pty(tmp_path / "nothing"), Told()
    port.start()
    driver = CardLibnfc("card", CardLibnfcOptions(f"pn532_uart:{port.path}"), told.emit)
    driver.start()
    try:
        lost = told.next(DeviceStatus)
        assert (lost.status, lost.reason) == (Status.MISSING, "reader_silent")
    finally:
        driver.close()
        port.close()


def test_a_full_mailbox_gets_the_report_later(reader: Pn532) -> None:
    told = Told()
    told.room = 0
    driver = CardLibnfc("card", CardLibnfcOptions(reader.connstring), told.emit)
    driver.start()
    try:
        assert reader.field.wait_polled(3)
        assert told.facts == ()
        told.room = None
        assert told.next(DeviceStatus).status is Status.READY
    finally:
        driver.close()
