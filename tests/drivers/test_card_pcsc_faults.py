"""Whatever becomes of a card, its reader, pcscd or our own process: it is told, and the next card is read."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest

import agent.drivers.card_pcsc_child as child_module
from agent.drivers.card_pcsc import CardPcsc, CardPcscOptions
from agent.drivers.facts import CardPresented, CardProblem, CardRefused, DeviceStatus, Status
from simulator.cards_files import Files, ndef_files
from simulator.faults import Fault
from simulator.vpcd import ATR_T1, ContactCard
from tests.drivers.told import Told
from tests.pcscd import SmartCardService, needs_pcscd, smart_card_service
from tests.waiting import ends, eventually

pytestmark = needs_pcscd

FILE = {"application": "d2760000850101", "file": "e104"}

_TRIES, _SEES_WITHIN_S = 10, 2.0


class Open(Protocol):
    """Opens a device of a reader, by default the first."""

    def __call__(self, reader: str = "*00 00", name: str = "card") -> tuple[CardPcsc, Told]:
        """The device and what it tells."""


def a_card(content: bytes = b"member") -> ContactCard:
    return ContactCard(Files(ndef_files(content)), ATR_T1)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[SmartCardService]:
    with smart_card_service(tmp_path) as service:
        yield service


@pytest.fixture
def open_driver(service: SmartCardService) -> Iterator[Open]:
    with ExitStack() as drivers:

        def opened(reader: str = "*00 00", name: str = "card") -> tuple[CardPcsc, Told]:
            told = Told()
            options = CardPcscOptions(
                reader=reader,
                socket=str(service.socket_path),
                file=FILE,
                answer_limit_s=0.5,
                child_timeout_s=1.5,
                restart_limit_s=0.1,
            )
            driver = CardPcsc(name, options, told.emit)
            drivers.callback(driver.close)
            driver.start()
            return driver, told

        yield opened


def the_child(service: SmartCardService) -> int:
    """The process that serves this pcscd's readers, whoever started it."""
    (pid,) = children_at(service)
    return pid


def children_at(service: SmartCardService) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            ours = child_module.__name__.encode() in (entry / "cmdline").read_bytes().split(b"\0")
            if ours and str(service.socket_path).encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


@pytest.mark.parametrize("fault", [Fault.SILENT, Fault.HALF_FRAME])
def test_a_card_that_is_mute_takes_its_own_reader_alone_until_it_is_pulled(
    service: SmartCardService, open_driver: Open, fault: Fault
) -> None:
    _, told = open_driver()
    _, beside = open_driver("*00 01", "card-2")
    for one in (told, beside):
        one.next_status(Status.READY)
    slot, other = service.slots
    slot.faults.fail(fault)
    slot.insert(a_card())
    assert told.next_status(Status.GONE) == DeviceStatus("card", Status.GONE, "card_mute", "take_card_out")
    assert told.next(CardRefused) == CardRefused("card", CardProblem.UNREADABLE)
    for turn in range(3):
        other.insert(a_card(bytes([turn, turn])))
        assert beside.next(CardPresented).content == bytes([turn, turn])
        other.remove()
        assert service.wait_cards(1)
    assert told.of(DeviceStatus)[-1].reason == "card_mute"
    slot.remove()
    slot.faults.heal()
    told.next_status(Status.READY)
    slot.insert(a_card())
    assert told.next(CardPresented).content == b"member"
    assert len(told.of(CardRefused)) == 1
    assert [status.status for status in beside.of(DeviceStatus)] == [Status.READY]


def test_a_process_that_is_killed_while_a_card_is_mute_has_a_successor_that_waits_for_the_card_to_be_pulled(
    service: SmartCardService, open_driver: Open
) -> None:
    _, told = open_driver()
    told.next_status(Status.READY)
    slot = service.slots[0]
    slot.faults.fail(Fault.SILENT)
    slot.insert(a_card())
    assert slot.wait_asked(1)
    os.kill(the_child(service), signal.SIGKILL)
    held = told.next_status(Status.SELF_CHECK_FAILED)
    assert (held.reason, held.next_step) == ("in_use", "close_other_program")
    slot.remove()
    slot.faults.heal()
    told.next_status(Status.READY)
    # pcscd resets the card of a client that died, and where that is gone tells of it before it looks at its reader
    # again: it takes a card that comes within that moment for the one before. Whoever sees nothing happen holds it
    # there once more.
    for _ in range(_TRIES):
        slot.insert(a_card())
        if service.wait_cards(1, _SEES_WITHIN_S):
            break
        slot.remove()
    assert told.next(CardPresented).content == b"member"


def test_devices_that_name_no_reader_take_one_each_and_one_too_many_finds_none(
    service: SmartCardService, open_driver: Open
) -> None:
    first, one = open_driver("*", "card")
    one.next_status(Status.READY)
    _, two = open_driver("*", "card-2")
    two.next_status(Status.READY)
    _, three = open_driver("*", "card-3")
    assert three.next(DeviceStatus).reason == "not_found"
    _, by_name = open_driver("Shop reader 00 00", "card-3")
    assert by_name.next(DeviceStatus).reason == "in_use"
    service.slots[0].insert(a_card(b"one"))
    service.slots[1].insert(a_card(b"two"))
    assert one.next(CardPresented).content == b"one"
    assert two.next(CardPresented).content == b"two"
    first.close()
    # Whoever waits longest for one gets what is left.
    eventually(lambda: {three.of(DeviceStatus)[-1].status, by_name.of(DeviceStatus)[-1].status} >= {Status.READY})


def open_files(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def test_pcscd_that_is_stopped_is_told_and_cards_are_read_once_it_runs_again(
    service: SmartCardService, open_driver: Open
) -> None:
    _, told = open_driver()
    told.next_status(Status.READY)
    child = the_child(service)
    files = open_files(child)
    for turn in range(4):
        service.stop()
        gone = told.next_status(Status.GONE)
        assert (gone.reason, gone.next_step) == ("service_missing", "check_service")
        service.start()
        told.next_status(Status.READY)
        service.slots[0].insert(a_card(bytes([turn, turn])))
        assert told.next(CardPresented).content == bytes([turn, turn])
        eventually(lambda: open_files(child) == files)
    assert the_child(service) == child


def test_pcscd_that_comes_later_is_found(service: SmartCardService, open_driver: Open) -> None:
    service.stop()
    _, told = open_driver()
    missing = told.next(DeviceStatus)
    assert (missing.status, missing.reason) == (Status.MISSING, "service_missing")
    service.start()
    told.next_status(Status.READY)


def test_without_a_reader_that_is_told(service: SmartCardService, open_driver: Open) -> None:
    service.stop()
    service.start(with_reader=False)
    _, told = open_driver()
    missing = told.next(DeviceStatus)
    assert (missing.status, missing.reason, missing.next_step) == (Status.MISSING, "not_found", "check_cable")
    service.stop()
    service.start()
    told.next_status(Status.READY)


@pytest.mark.parametrize(("how", "reason"), [(signal.SIGKILL, "reader_aborted"), (signal.SIGSTOP, "reader_hung")])
def test_a_process_that_dies_or_hangs_is_replaced_and_the_next_card_is_read(
    service: SmartCardService, open_driver: Open, how: signal.Signals, reason: str
) -> None:
    _, told = open_driver()
    told.next_status(Status.READY)
    first = the_child(service)
    os.kill(first, how)
    assert told.next_status(Status.GONE).reason == reason
    told.next_status(Status.READY)
    assert the_child(service) != first
    service.slots[0].insert(a_card())
    assert told.next(CardPresented).content == b"member"


@pytest.mark.parametrize("gone", ["process", "service"])
def test_a_card_that_lies_there_when_its_process_or_pcscd_goes_is_not_told_again(
    service: SmartCardService, open_driver: Open, gone: str
) -> None:
    _, told = open_driver()
    told.next_status(Status.READY)
    service.slots[0].insert(a_card())
    assert told.next(CardPresented).content == b"member"
    if gone == "process":
        os.kill(the_child(service), signal.SIGKILL)
        told.next_status(Status.GONE)
    else:
        service.stop()
        told.next_status(Status.GONE)
        service.start()
        service.slots[0].insert(a_card())
    told.next_status(Status.READY)
    assert service.wait_cards(1)
    service.slots[0].remove()
    assert service.wait_cards(0)
    service.slots[0].insert(a_card(b"another"))
    assert told.next(CardPresented).content == b"another"
    assert len(told.of(CardPresented)) == 2


@pytest.mark.parametrize("state", ["well", "card mute", "no service", "hung"])
def test_close_returns_and_leaves_no_process(service: SmartCardService, open_driver: Open, state: str) -> None:
    driver, told = open_driver()
    told.next_status(Status.READY)
    if state == "card mute":
        service.slots[0].faults.fail(Fault.SILENT)
        service.slots[0].insert(a_card())
        assert service.slots[0].wait_asked(1)
    elif state == "no service":
        service.stop()
        told.next_status(Status.GONE)
    elif state == "hung":
        os.kill(the_child(service), signal.SIGSTOP)
    ends(driver.close)
    eventually(lambda: children_at(service) == [])
    driver.close()
