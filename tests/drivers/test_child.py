"""A device's own process is replaced before it grows too large, and whatever it says does no harm."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from agent.drivers.child import Child, ChildPlan, resident_bytes
from agent.drivers.facts import CardProblem, CardRefused, DeviceStatus, Emit, Fact, Status
from tests.drivers import growing_child
from tests.drivers.told import Told

LIMIT = 96 << 20
DEVICE = "card"


class Pids:
    """Makes a fact of each process's first line, and keeps who it was."""

    def __init__(self) -> None:
        self.seen: list[object] = []

    def fact_of(self, device: str, said: Mapping[str, object]) -> Fact:
        self.seen.append(said["pid"])
        return CardRefused(device, CardProblem.REMOVED)


def opened(emit: Emit, pids: Pids, plan: ChildPlan) -> Child:
    child = Child(DEVICE, plan, emit, pids.fact_of)
    child.start()
    return child


@pytest.mark.parametrize(("idle", "most"), [("idle", LIMIT), ("busy", 2 * LIMIT)])
def test_one_that_has_grown_is_replaced_without_a_word(idle: str, most: int) -> None:
    told, pids = Told(), Pids()
    child = opened(told.emit, pids, ChildPlan(growing_child.__name__, ("12", idle), resident_limit_bytes=LIMIT))
    largest = 0
    try:
        for _ in range(3):
            told.next(CardRefused)
            while len(pids.seen) < 3 and (now := resident_bytes(int(str(pids.seen[-1])))):
                largest = max(largest, now)
        assert len(set(pids.seen)) == len(pids.seen) == 3
        assert [status.status for status in told.of(DeviceStatus)] == [Status.READY]
        assert most * 0.8 < largest < most + (40 << 20)
    finally:
        child.close()


@pytest.mark.parametrize(
    "said",
    ["{", "[]", "null", '"t"', '{"t":"card"}', '{"t":7}', "{}", '{"t":"lost"}', "[" * 5_000, "x" * 200_000, "\\0\\xff"],
)
def test_whatever_a_process_says_it_is_replaced_and_nothing_raises(tmp_path: Path, said: str) -> None:
    told, pids = Told(), Pids()
    program = tmp_path / "babbler.py"
    program.write_text(f"import sys, time\nsys.stdout.write({said!r} + chr(10))\nsys.stdout.flush()\ntime.sleep(60)\n")
    plan = ChildPlan("babbler", silence_s=1.0, environment={"PYTHONPATH": str(tmp_path)})
    child = opened(told.emit, pids, plan)
    try:
        lost = told.next(DeviceStatus)
        assert lost.status is Status.MISSING and lost.reason in ("reader_stopped", "reader_hung")
        assert lost.next_step == "wait"
    finally:
        child.close()


def test_what_the_driver_sets_for_its_process_wins_over_the_tills_own_environment(tmp_path: Path) -> None:
    told, pids = Told(), Pids()
    program = tmp_path / "teller.py"
    program.write_text("import json, os\nprint(json.dumps({'t': 'x', 'pid': os.environ['PATH']}), flush=True)\n")
    environment = {"PYTHONPATH": str(tmp_path), "PATH": "/of/the/driver"}
    child = opened(told.emit, pids, ChildPlan("teller", environment=environment))
    try:
        told.next(CardRefused)
        assert pids.seen[0] == "/of/the/driver"
    finally:
        child.close()


def test_a_process_that_is_gone_holds_nothing() -> None:
    assert resident_bytes(2**30) == 0
