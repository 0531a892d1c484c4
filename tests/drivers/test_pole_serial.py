"""What the pole's driver promises, against a pole on a serial line."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.drivers.facts import DeviceStatus, Status
from agent.drivers.pole_serial import CLEAR, Lamp, PoleSerial, PoleSerialOptions, PoleText, commands
from contract.settings import SettingsError
from simulator.pole import COLUMNS, Pole
from simulator.ports import Pty
from tests.drivers.told import Told
from tests.waiting import eventually

Open = Callable[..., PoleSerial]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "pole"


@pytest.fixture
def pole(path: Path) -> Iterator[Pole]:
    pole = Pole(Pty(path), charset="gb18030")
    pole.start()
    yield pole
    pole.close()


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def opened(path: Path, told: Told) -> Iterator[Open]:
    drivers: list[PoleSerial] = []

    def open_it(**options: object) -> PoleSerial:
        drivers.append(PoleSerial("pole", PoleSerialOptions.from_table({"path": str(path)} | options), told.emit))
        drivers[-1].start()
        return drivers[-1]

    yield open_it
    for driver in drivers:
        driver.close()


def test_the_customer_sees_the_rows_and_what_does_not_fit_is_cut(pole: Pole, told: Told, opened: Open) -> None:
    driver = opened(charset="gb18030")
    told.next_status(Status.READY)
    driver.show(PoleText(("合计", "268.00"), ("Total", "268.00")))
    eventually(lambda: pole.rows == ("合计", "268.00"))
    driver.show(PoleText(("中" * 30, "x" * 30, "a third row"), ()))
    eventually(lambda: pole.rows == ("中" * 10, "x" * 20))
    assert pole.unknown == b""


def test_figures_are_shown_with_the_lamp_that_says_what_they_are(pole: Pole, told: Told, opened: Open) -> None:
    driver = opened(kind="led8")
    told.next_status(Status.READY)
    driver.show(PoleText((), ("Total", "268.00"), "268.00", Lamp.TOTAL))
    eventually(lambda: pole.rows[0] == "268.00" and pole.lamp == 2)
    driver.show(PoleText((), ("Total", "too much"), "123456789.00", Lamp.TOTAL))
    eventually(lambda: pole.rows[0] == "")
    assert pole.unknown == b""


def test_a_pole_that_was_pulled_comes_back_with_what_is_to_be_seen_now(pole: Pole, told: Told, opened: Open) -> None:
    driver = opened()
    told.next_status(Status.READY)
    driver.show(PoleText((), ("before", "")))
    eventually(lambda: pole.rows[0] == "before")
    pole.unplug()
    driver.show(PoleText((), ("while away", "")))
    told.next_status(Status.GONE)
    pole.replug()
    told.next_status(Status.READY)
    eventually(lambda: pole.rows[0] == "while away")
    assert pole.begun == 2


def test_a_pole_that_takes_no_bytes_never_keeps_the_till_waiting(path: Path, told: Told, opened: Open) -> None:
    line = Pty(path)
    line.plug()
    driver = opened()
    told.next_status(Status.READY)
    for number in range(2000):
        driver.show(PoleText((), (f"number {number}", "x" * 20)))
    driver.close()
    line.unplug()


def test_a_pole_that_takes_nothing_is_told_as_that_and_goes_on_with_the_newest(
    path: Path, told: Told, opened: Open
) -> None:
    """What it is sent meanwhile is never half a command, and it is not called unplugged."""
    line = Pty(path)
    line.plug()
    driver = opened()
    told.next_status(Status.READY)
    eventually(lambda: stalls(driver, path, told))
    (stalled,) = [status for status in told.of(DeviceStatus) if status.status is not Status.READY]
    assert (stalled.reason, stalled.next_step) == ("takes_nothing", "restart_device")
    driver.show(PoleText((), ("the newest", "")))
    pole = Pole(line)
    pole.start()
    told.next_status(Status.READY)
    shows(pole, "the newest")
    assert pole.unknown == b""
    driver.close()
    pole.close()


def test_a_pole_that_is_pulled_while_it_takes_nothing_is_told_as_gone(path: Path, told: Told, opened: Open) -> None:
    line = Pty(path)
    line.plug()
    driver = opened()
    told.next_status(Status.READY)
    eventually(lambda: stalls(driver, path, told))
    line.unplug()
    assert told.next_status(Status.GONE).reason == "unplugged"


def stalls(driver: PoleSerial, path: Path, told: Told) -> bool:
    """Fill the line with whole commands and show something; whether the driver has said that the pole takes nothing."""
    line = os.open(path, os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(line, CLEAR * 4096)
    os.close(line)
    driver.show(PoleText((), ("x" * 20, "y" * 20)))
    return any(status.status is Status.SELF_CHECK_FAILED for status in told.of(DeviceStatus))


def shows(pole: Pole, row: str) -> None:
    """Wait until it does."""
    eventually(lambda: pole.rows[0] == row)


def test_noise_from_a_pole_neither_stops_it_nor_fills_the_line(path: Path, told: Told, opened: Open) -> None:
    """It has nothing to say; a loose cable speaks all the same."""
    line = Pty(path)
    pole = Pole(line)
    pole.start()
    driver = opened()
    told.next_status(Status.READY)
    for row in ("1.00", "2.00", "3.00"):
        # More than the kernel holds for one line: it can only go out because the driver throws it away.
        assert line.write(bytes(range(256)) * 32, timeout_s=5) == 8192
        driver.show(PoleText((), (row,)))
        shows(pole, row)
    assert [status.status for status in told.of(DeviceStatus)] == [Status.READY]
    driver.close()
    pole.close()


def test_nothing_of_one_customer_is_left_when_the_till_ends(pole: Pole, told: Told, opened: Open) -> None:
    driver = opened()
    told.next_status(Status.READY)
    driver.show(PoleText((), ("268.00", "")))
    eventually(lambda: pole.rows[0] == "268.00")
    driver.close()
    eventually(lambda: pole.rows == ("", ""))


@pytest.mark.parametrize("wrong", ["/dev/null", "a file", "a folder"])
def test_what_is_no_serial_line_is_said_to_be_the_wrong_device(
    wrong: str, path: Path, told: Told, opened: Open
) -> None:
    if wrong == "a file":
        path.write_bytes(b"x")
    elif wrong == "a folder":
        path.mkdir()
    opened(path=wrong if wrong == "/dev/null" else str(path))
    assert told.next_status(Status.SELF_CHECK_FAILED).reason == "wrong_device"


@given(st.lists(st.text(), max_size=3), st.text(), st.sampled_from(Lamp), st.sampled_from(["vfd", "led8"]))
def test_no_text_becomes_a_command(rows: list[str], amount: str, lamp: Lamp, kind: str) -> None:
    options = PoleSerialOptions.from_table({"path": "/dev/pole", "kind": kind, "charset": "gb18030"})
    sent = commands(PoleText(tuple(rows), (), amount, lamp), options)
    pole = Pole(Pty(Path("/nowhere")), charset="gb18030")
    pole.receive(sent)
    assert not pole.waiting
    assert pole.unknown == b""
    assert all(len(row.encode("gb18030")) <= COLUMNS for row in pole.rows)


@pytest.mark.parametrize("change", [{"kind": "crt"}, {"columns": 100}, {"charset": "utf-8"}, {"baud": 1}, {"path": 3}])
def test_a_wrong_table_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(SettingsError):
        PoleSerialOptions.from_table({"path": "/dev/pole"} | change)
