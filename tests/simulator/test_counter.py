"""The whole simulated counter, met by the drivers of a real till."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.drivers.facts import CardPresented, CodeScanned, DeviceStatus, KeyPressed, PrintFinished, Status
from agent.drivers.pole_serial import PoleSerial, PoleText
from agent.drivers.printer_escpos import PrinterEscpos
from agent.drivers.table import Driver, open_driver
from agent.paper import Cut, Paper, Text
from simulator.cards import UidCard
from simulator.counter import Counter
from tests.drivers.told import Told
from tests.waiting import eventually

UID = bytes.fromhex("04a1b2c3d4e5f6")


@pytest.fixture
def broker() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as broker:
        yield broker


@pytest.fixture
def counter(tmp_path: Path, broker: socket.socket) -> Iterator[Counter]:
    counter = Counter(tmp_path, broker.getsockname())
    counter.start()
    yield counter
    counter.close()
    counter.close()


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def drivers(counter: Counter, told: Told) -> Iterator[dict[str, Driver]]:
    drivers = {}
    for name, table in counter.device_table().items():
        options = {key: value for key, value in table.items() if key != "technology"}
        drivers[name] = open_driver(name, str(table["technology"]), name, options, told.emit)
        drivers[name].start()
    yield drivers
    for driver in drivers.values():
        driver.close()


def states(told: Told) -> dict[str, DeviceStatus]:
    return {status.device: status for status in told.of(DeviceStatus)}


def all_ready(told: Told) -> bool:
    return [state.status for state in states(told).values()] == [Status.READY] * 6


def test_every_device_of_the_counter_serves_a_till(counter: Counter, drivers: dict[str, Driver], told: Told) -> None:
    eventually(lambda: all_ready(told), timeout_s=20)
    card = UidCard(UID)
    counter.cards.present(card)
    assert told.next(CardPresented).uid == UID
    counter.scanner.scan(b"6901234567892")
    assert told.next(CodeScanned).data == b"6901234567892"
    counter.keypad.type("268.00")
    assert "".join(told.next(KeyPressed).key.value for _ in range(6)) == "268.00"
    printer = drivers["printer"]
    assert isinstance(printer, PrinterEscpos)
    printer.print("sale-1", Paper((Text("会员小票"), Cut())))
    assert told.next(PrintFinished).job == "sale-1"
    assert [receipt.text for receipt in counter.roll.receipts] == ["会员小票"]
    pole = drivers["pole"]
    assert isinstance(pole, PoleSerial)
    pole.show(PoleText(("合计", "268.00"), ("Total", "268.00")))
    eventually(lambda: counter.pole.rows == ("合计", "268.00"))


def test_every_fault_is_felt_and_mended(counter: Counter, drivers: dict[str, Driver], told: Told) -> None:
    eventually(lambda: all_ready(told), timeout_s=20)
    felt = {"card": "card", "code": "code", "keypad": "keypad", "glass": "glass", "pole": "pole", "printer": "printer"}
    felt |= {"paper": "printer", "cover": "printer"}
    assert set(counter.fault_names) == {*felt, "network"}
    for fault, device in felt.items():
        counter.breaks(fault)
        counter.breaks(fault)
        assert counter.broken(fault)
        eventually(lambda device=device: states(told)[device].status is not Status.READY)  # type: ignore[misc]
        counter.mend()
        assert not counter.broken(fault)
        eventually(lambda: all_ready(told), timeout_s=20)


def test_the_cable_is_cut_and_joined_by_name(counter: Counter) -> None:
    assert counter.cable is not None
    counter.breaks("network")
    assert not counter.cable.whole
    counter.breaks("network", on=False)
    assert counter.cable.whole


def test_a_counter_without_a_broker_has_no_cable(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    assert counter.cable is None
    assert "network" not in counter.fault_names
    with pytest.raises(KeyError):
        counter.breaks("network")


def test_a_counter_that_cannot_start_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "glass").mkdir()
    counter = Counter(tmp_path)
    with pytest.raises(OSError, match="glass"):
        counter.start()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["glass"]
