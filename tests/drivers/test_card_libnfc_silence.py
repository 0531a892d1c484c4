"""A reader that falls silent after hours of nothing is woken or reset; a phone left on it costs next to nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.drivers.card_libnfc import CardLibnfc, CardLibnfcOptions
from agent.drivers.facts import CardPresented, Status
from simulator.cards import Phone, UidCard
from simulator.faults import Fault
from simulator.gpio import Board
from simulator.pn532 import Pn532
from tests.drivers.told import Told
from tests.waiting import eventually

UID = b"\x11\x22\x33\x44"
RESET_PIN = 17


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Pn532]:
    reader = Pn532(tmp_path / "reader")
    reader.start()
    yield reader
    reader.close()


def opened(reader: Pn532, told: Told, reset_pin: int = -1) -> CardLibnfc:
    options = CardLibnfcOptions(reader.connstring, child_timeout_s=2.0, poll_s=0.02, reset_pin=reset_pin)
    driver = CardLibnfc("card", options, told.emit)
    driver.start()
    return driver


def test_a_chip_that_fell_asleep_is_woken_and_reads_the_next_card(reader: Pn532) -> None:
    told = Told()
    driver = opened(reader, told)
    try:
        told.next_status(Status.READY)
        reader.fall_asleep()
        reader.field.present(UidCard(UID))
        told.next_status(Status.READY)
        assert told.next(CardPresented).uid == UID
    finally:
        driver.close()


def test_a_chip_that_hangs_is_reset_by_its_line(reader: Pn532, board: Board) -> None:
    told = Told()
    driver = opened(reader, told, RESET_PIN)
    try:
        told.next_status(Status.READY)
        board.when_changed(RESET_PIN, lambda: None if board.level(RESET_PIN) else reader.heal())
        reader.fail(Fault.SILENT)
        assert told.next_status(Status.GONE).reason == "reader_silent"
        told.next_status(Status.READY)
        assert board.levels(RESET_PIN)[-3:].count(False) >= 1
        reader.field.present(UidCard(UID))
        assert told.next(CardPresented).uid == UID
    finally:
        driver.close()


def test_a_line_that_cannot_reset_it_is_told(reader: Pn532, board: Board) -> None:
    told = Told()
    driver = opened(reader, told, 53)
    try:
        told.next_status(Status.READY)
        reader.fail(Fault.SILENT)
        refused = told.next_status(Status.CONFIG_ERROR)
        assert (refused.reason, refused.next_step) == ("wrong_pin", "check_config")
        reader.heal()
        told.next_status(Status.READY)
    finally:
        driver.close()


def test_a_phone_that_lies_on_the_reader_costs_next_to_nothing(reader: Pn532) -> None:
    told = Told()
    driver = CardLibnfc("card", CardLibnfcOptions(reader.connstring), told.emit)
    driver.start()
    try:
        told.next_status(Status.READY)
        reader.field.present(Phone())
        assert eventually(lambda: len(told.facts) > 1)
        before = reader.commands
        assert eventually(lambda: reader.commands >= before + 20)
        assert len(told.facts) == 2
    finally:
        driver.close()
