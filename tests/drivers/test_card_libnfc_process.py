"""The reader's own process may die or hang in any way: nothing is left behind, and another takes its place."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import agent.drivers.card_libnfc_child as child_module
from agent.drivers.card_libnfc import CardLibnfc, CardLibnfcOptions
from agent.drivers.facts import CardPresented, DeviceStatus, Status
from simulator.cards import UidCard
from simulator.faults import Fault
from simulator.pn532 import Pn532
from tests.drivers.told import Told
from tests.waiting import ends, eventually

UID = b"\x11\x22\x33\x44"

AN_AGENT = """
import sys, time
from agent.drivers.card_libnfc import CardLibnfc, CardLibnfcOptions
CardLibnfc("card", CardLibnfcOptions(sys.argv[1]), lambda fact: print(fact, flush=True) or True).start()
time.sleep(600)
"""


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Pn532]:
    reader = Pn532(tmp_path / "reader")
    reader.start()
    yield reader
    reader.close()


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def driver(reader: Pn532, told: Told) -> Iterator[CardLibnfc]:
    options = CardLibnfcOptions(reader.connstring, child_timeout_s=1.5, poll_s=0.02, restart_limit_s=0.1)
    driver = CardLibnfc("card", options, told.emit)
    driver.start()
    told.next_status(Status.READY)
    yield driver
    driver.close()


def children_at(reader: Pn532) -> list[int]:
    """The processes that run for this reader, whoever started them."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdigit() else []
        except OSError:
            continue
        if child_module.__name__.encode() in words and reader.connstring.encode() in words:
            found.append(int(entry.name))
    return found


def the_child(reader: Pn532) -> int:
    (pid,) = children_at(reader)
    return pid


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_a_killed_process_is_replaced_and_the_next_tap_is_read(reader: Pn532, told: Told, driver: CardLibnfc) -> None:
    first = the_child(reader)
    os.kill(first, signal.SIGKILL)
    gone = told.next(DeviceStatus)
    assert (gone.status, gone.reason, gone.next_step) == (Status.GONE, "reader_aborted", "wait")
    told.next_status(Status.READY)
    assert the_child(reader) != first
    reader.field.present(UidCard(UID))
    assert told.next(CardPresented).uid == UID


def test_a_card_that_lies_there_when_the_process_goes_is_not_told_again_until_it_was_lifted(
    reader: Pn532, told: Told, driver: CardLibnfc
) -> None:
    for told_before in range(1, 4):
        reader.field.present(UidCard(UID))
        assert told.next(CardPresented).uid == UID
        os.kill(the_child(reader), signal.SIGKILL)
        told.next_status(Status.GONE)
        told.next_status(Status.READY)
        assert reader.field.wait_polled(20)
        assert len(told.of(CardPresented)) == told_before
        reader.field.remove()
        assert reader.field.wait_polled(10)
    reader.field.present(UidCard(b"\x55\x66\x77\x88"))
    assert told.next(CardPresented).uid == b"\x55\x66\x77\x88"
    os.kill(the_child(reader), signal.SIGKILL)
    told.next_status(Status.GONE)
    reader.field.remove()
    reader.field.present(UidCard(UID))
    assert told.next(CardPresented).uid == UID


def test_a_process_that_hangs_is_killed_and_replaced(reader: Pn532, told: Told, driver: CardLibnfc) -> None:
    hanging = the_child(reader)
    os.kill(hanging, signal.SIGSTOP)
    gone = told.next(DeviceStatus)
    assert (gone.status, gone.reason, gone.next_step) == (Status.GONE, "reader_hung", "wait")
    told.next_status(Status.READY)
    assert the_child(reader) != hanging
    reader.field.present(UidCard(UID))
    assert told.next(CardPresented).uid == UID


def test_twenty_restarts_leak_no_file_and_no_process(reader: Pn532, told: Told, driver: CardLibnfc) -> None:
    before = 0
    for restart in range(21):
        os.kill(the_child(reader), signal.SIGKILL)
        told.next_status(Status.GONE)
        told.next_status(Status.READY)
        if restart == 0:
            before = open_files()
    assert open_files() == before
    assert len(children_at(reader)) == 1


def test_close_leaves_no_process_and_no_file(reader: Pn532, told: Told) -> None:
    before = open_files()
    for _ in range(3):
        driver = CardLibnfc("card", CardLibnfcOptions(reader.connstring), told.emit)
        driver.start()
        told.next_status(Status.READY)
        ends(driver.close)
        driver.close()
        eventually(lambda: children_at(reader) == [])
    assert open_files() == before


@pytest.mark.parametrize("state", ["just started", "hung", "chip silent", "unplugged"])
def test_close_returns_whatever_the_state(reader: Pn532, told: Told, state: str) -> None:
    driver = CardLibnfc("card", CardLibnfcOptions(reader.connstring), told.emit)
    driver.start()
    if state != "just started":
        told.next_status(Status.READY)
    if state == "hung":
        os.kill(the_child(reader), signal.SIGSTOP)
    elif state == "chip silent":
        reader.fail(Fault.SILENT)
    elif state == "unplugged":
        reader.unplug()
        told.next_status(Status.GONE)
    ends(driver.close)
    eventually(lambda: children_at(reader) == [])


def test_a_driver_that_was_never_started_can_be_closed(reader: Pn532, told: Told) -> None:
    CardLibnfc("card", CardLibnfcOptions(reader.connstring), told.emit).close()
    assert told.facts == ()


@pytest.mark.parametrize("child_hangs", [False, True], ids=["well", "hung"])
def test_the_process_dies_with_a_parent_that_is_killed(reader: Pn532, child_hangs: bool) -> None:
    command = [sys.executable, "-c", AN_AGENT, reader.connstring]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as an_agent:
        assert an_agent.stdout is not None
        assert "READY" in an_agent.stdout.readline()
        if child_hangs:
            os.kill(the_child(reader), signal.SIGSTOP)
        an_agent.kill()
    assert eventually(lambda: children_at(reader) == [])


def test_two_processes_never_open_one_port(reader: Pn532, told: Told, driver: CardLibnfc) -> None:
    second = Told()
    other = CardLibnfc("card", CardLibnfcOptions(reader.connstring), second.emit)
    other.start()
    try:
        refused = second.next(DeviceStatus)
        assert (refused.status, refused.reason) == (Status.SELF_CHECK_FAILED, "in_use")
        assert refused.next_step == "close_other_program"
        reader.field.present(UidCard(UID))
        assert told.next(CardPresented).uid == UID
        driver.close()
        second.next_status(Status.READY)
        assert second.next(CardPresented).uid == UID
    finally:
        other.close()


def test_the_process_ends_when_its_input_does_and_puts_the_chip_to_sleep(reader: Pn532) -> None:
    command = [sys.executable, "-m", child_module.__name__, "--connstring", reader.connstring]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    ) as child:
        assert child.stdin is not None and child.stdout is not None
        while b'"ready"' not in child.stdout.readline():
            pass
        child.stdin.close()
        assert child.wait(10) == 0
    assert reader.field.cards == () and reader.asleep
