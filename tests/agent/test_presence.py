"""Whether the till was there: a run that was cut off and a clock that jumped are in the journal, once."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.clock import Sources, SystemClock
from agent.presence import ALIVE_MS, HOUR_MS, JUMPS_AN_HOUR, Presence
from contract.bodies import OutageBody, OutageCause
from tests.agent.desk import Desk
from tests.sync.office import NOON_MS


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.store.close()


def outages(desk: Desk) -> list[OutageBody]:
    return [body for body in desk.bodies() if isinstance(body, OutageBody)]


def test_a_first_run_and_one_after_an_orderly_end_have_no_outage(desk: Desk) -> None:
    for _ in range(3):
        presence = Presence(desk.store, desk.courier, desk.clock)
        presence.tick()
        presence.end()
    assert outages(desk) == []


def test_a_run_that_was_cut_off_is_journalled_once_to_within_a_minute(desk: Desk) -> None:
    first = Presence(desk.store, desk.courier, desk.clock)
    for _ in range(10):
        first.tick()
        desk.hands.elapsed_ms += ALIVE_MS // 2
    cut_ms = NOON_MS + desk.hands.elapsed_ms
    desk.hands.elapsed_ms += HOUR_MS
    second = Presence(desk.store, desk.courier, desk.clock)
    for _ in range(10):
        second.tick()
    (outage,) = outages(desk)
    assert outage.cause is OutageCause.PROCESS
    assert cut_ms - 2 * ALIVE_MS <= outage.from_ms <= cut_ms
    assert outage.to_ms == desk.clock.stamp().wall_ms


def test_another_boot_means_that_the_power_was_gone(desk: Desk) -> None:
    Presence(desk.store, desk.courier, desk.clock).tick()
    sources = Sources(lambda: (NOON_MS + HOUR_MS) * 1_000_000, lambda: 1_000_000, lambda: True)
    Presence(desk.store, desk.courier, SystemClock(0, sources, b"b" * 16)).tick()
    assert [outage.cause for outage in outages(desk)] == [OutageCause.POWER]


def test_an_outage_the_disk_refuses_now_is_journalled_when_it_can(desk: Desk) -> None:
    Presence(desk.store, desk.courier, desk.clock).tick()
    somebody_else = sqlite3.connect(desk.path, isolation_level=None)
    somebody_else.execute("BEGIN IMMEDIATE")
    second = Presence(desk.store, desk.courier, desk.clock)
    second.tick()
    second.end()
    somebody_else.execute("ROLLBACK")
    somebody_else.close()
    assert outages(desk) == []
    desk.hands.elapsed_ms += ALIVE_MS
    second.tick()
    second.tick()
    assert len(outages(desk)) == 1


def test_a_clock_that_jumps_is_journalled_and_one_that_never_rests_only_so_often(desk: Desk) -> None:
    off_ms = [0]
    sources = Sources(
        wall_ns=lambda: (NOON_MS + desk.hands.elapsed_ms + off_ms[0]) * 1_000_000,
        boottime_ns=lambda: (100_000 + desk.hands.elapsed_ms) * 1_000_000,
        synchronised=lambda: False,
    )
    presence = Presence(desk.store, desk.courier, SystemClock(0, sources, bytes(16)))
    presence.tick()
    off_ms[0] = -NOON_MS
    presence.tick()
    (jump,) = outages(desk)
    assert (jump.cause, jump.from_ms, jump.to_ms) == (OutageCause.CLOCK, NOON_MS, 0)
    for number in range(5 * JUMPS_AN_HOUR):
        off_ms[0] = 60_000 * (number % 2)
        presence.tick()
    assert len(outages(desk)) == JUMPS_AN_HOUR
