"""What the running till says of its devices to somebody beside it."""

from __future__ import annotations

import zlib
from functools import partial
from pathlib import Path

import pytest

from agent.device_view import DeviceStates, DeviceView, read_view, states_of, view_path
from agent.drivers.facts import CardKind, CardPresented, DeviceStatus, Fact, Status
from tests.waiting import eventually

LOST = DeviceStatus("card", Status.GONE, "unplugged", "check_cable")


def taken(_fact: Fact) -> bool:
    return True


def is_seen(path: Path, status: Status) -> bool:
    devices = live(path).devices
    return "card" in devices and devices["card"].status is status


def live(path: Path) -> DeviceStates:
    seen = read_view(path)
    assert seen is not None and seen.live
    return seen


def test_every_change_is_seen_beside_the_till_and_after_its_end_the_last(tmp_path: Path) -> None:
    path = view_path(tmp_path / "till.db")
    assert read_view(path) is None
    view = DeviceView(path)
    view.start()
    try:
        emit = view.passing(taken)
        for status in (Status.READY, Status.GONE):
            told = DeviceStatus("card", Status.READY, "", "") if status is Status.READY else LOST
            assert emit(told)
            eventually(partial(is_seen, path, status))
        state = live(path).devices["card"]
        assert (state.status, state.reason, state.next_step) == (Status.GONE, "unplugged", "check_cable")
    finally:
        view.close()
    left = read_view(path)
    assert left is not None
    assert (left.live, left.devices) == (False, {"card": state})
    assert left.at_ms >= state.since_ms


def test_what_the_till_did_not_take_is_not_said_and_cards_are_nobody_elses_business(tmp_path: Path) -> None:
    view = DeviceView(tmp_path / "till.db.devices")
    view.start()
    assert not view.passing(lambda _fact: False)(LOST)
    assert view.passing(taken)(CardPresented("card", CardKind.UID_ONLY, b"\x01\x02\x03\x04", 0))
    view.close()
    left = read_view(tmp_path / "till.db.devices")
    assert left is not None and left.devices == {}


def test_a_place_that_cannot_be_written_costs_the_till_nothing(tmp_path: Path) -> None:
    view = DeviceView(tmp_path / "nowhere" / "till.db.devices")
    view.start()
    assert view.passing(taken)(LOST)
    view.close()


@pytest.mark.parametrize("content", [b"", b"\0" * 20_000, b"00000000 {}\n", b"a3830348 []\n", b"x" * 5, b"a {\xff"])
def test_a_file_that_is_not_the_tills_says_nothing(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "till.db.devices"
    path.write_bytes(content)
    assert read_view(path) is None


@pytest.mark.parametrize(
    "said",
    [
        b"[" * 9_000,
        b'{"at": 1e999, "devices": {}}',
        b'{"at": 9007199254740993, "devices": {}}',
        b'{"at": true, "devices": {}}',
        b'{"at": 1, "devices": {"card": {"status": "ready", "reason": "", "next_step": "", "since": 1e999}}}',
        b'{"at": 1, "devices": {"card": {"status": [], "reason": "", "next_step": "", "since": 1}}}',
        b'{"at": 1, "devices": {"card": {"status": "ready", "reason": "\\u001b[2J", "next_step": "", "since": 1}}}',
        b'{"at": 1, "devices": {"\\u001b[2J": {"status": "ready", "reason": "", "next_step": "", "since": 1}}}',
    ],
)
def test_what_no_till_writes_says_nothing_whatever_its_check_sum(said: bytes) -> None:
    assert states_of(b"%08x %s\n" % (zlib.crc32(said), said), live=True) is None
