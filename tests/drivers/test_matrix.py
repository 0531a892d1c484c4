"""Whatever befalls whichever device: it is seen, it heals by itself, nothing is lost, doubled or made up.

Without `--device` over the simulated counter; with it (`pytest tests/drivers/test_matrix.py -s --device card=...`) with
a device of yours and you before it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from agent.drivers.facts import DeviceStatus, Fact, Status
from agent.drivers.table import DRIVERS
from tests.drivers.hands import by_hand
from tests.drivers.matrix_rigs import CASES, GOOD, RIGS, Rig, Trouble
from tests.drivers.pcsc_rig import pcsc
from tests.drivers.told import Told
from tests.waiting import eventually

BEFORE, DURING, AFTER = 1, 2, 3
AT_A_KERNEL = {("code", "evdev"), ("keypad", "evdev"), ("glass", "framebuffer")}
"""Tried where a kernel makes such devices: tests/vm/kernel."""
ALL_RIGS = {**RIGS, "card/pcsc": pcsc}
ALL_CASES = {**CASES, "card/pcsc": tuple(Trouble)}

Case = tuple[Callable[[Path], Rig], Trouble | None, float]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """With each device: those of the simulator, or those that somebody named."""
    named: list[str] = metafunc.config.getoption("device", default=[]) or []
    if "case" not in metafunc.fixturenames:
        return
    cases: dict[str, Case] = {}
    for one in named:
        cases |= by_hand(one)
    if not named:
        for name, troubles in ALL_CASES.items():
            cases |= {f"{name} {trouble or 'as it is'}": (ALL_RIGS[name], trouble, 15.0) for trouble in troubles}
    metafunc.parametrize("case", list(cases.values()), ids=list(cases))


def test_a_device_in_trouble_is_seen_comes_back_and_tells_nothing_that_was_not(case: Case, tmp_path: Path) -> None:
    make, trouble, for_s = case
    told = Told()
    with closing(make(tmp_path)) as rig, closing(rig.open(told.emit)) as driver:
        driver.start()
        told.next_status(Status.READY, for_s)
        act(rig, driver, told, BEFORE, for_s)
        if trouble is None:
            assert told_of(told) == 1
            return
        befalls = rig.troubles[trouble]
        befalls.begin()
        if befalls.seen:
            eventually(lambda: state(told) is not Status.READY, for_s)
            worst = told.of(DeviceStatus)[-1]
            assert worst.reason and worst.next_step
        rig.act(driver, DURING)
        if befalls.refusal:
            told.next(befalls.refusal, for_s)
        befalls.end()
        eventually(lambda: state(told) is Status.READY, for_s)
        if befalls.refusal:
            # What comes close behind half a code may be its rest, and goes with it; who was refused does it again.
            rig.act(driver, AFTER)
        act(rig, driver, told, AFTER, for_s)
        assert_nothing_made_up(rig, told, for_s)


def act(rig: Rig, driver: object, told: Told, number: int, for_s: float) -> None:
    """Do one good thing, and see that it came once."""
    rig.act(driver, number)
    eventually(lambda: rig.came(number, told.facts), for_s)
    assert rig.came(number, told.facts) == 1


def told_of(told: Told) -> int:
    """How many good things were told."""
    return sum(isinstance(fact, GOOD) for fact in told.facts)


def assert_nothing_made_up(rig: Rig, told: Told, for_s: float) -> None:
    """Each good thing came once at most, there were no others, and whatever was owed a word had one."""
    answers = rig.answers
    if answers is not None:
        eventually(lambda: [answers(number, told.facts) for number in (BEFORE, DURING, AFTER)] == [1, 1, 1], for_s)
    facts: tuple[Fact, ...] = told.facts
    good = tuple(fact for fact in facts if isinstance(fact, GOOD))
    counts = [rig.came(number, good) for number in (BEFORE, DURING, AFTER)]
    assert max(counts) == 1
    if good:
        assert sum(counts) == len(good), good


def state(told: Told) -> Status | None:
    """How the device is, by the last word."""
    words = told.of(DeviceStatus)
    return words[-1].status if words else None


def test_every_driver_is_in_the_matrix_or_tried_elsewhere() -> None:
    tried = {tuple(name.split()[0].split("/")) for name in ALL_RIGS}
    assert set(ALL_CASES) == set(ALL_RIGS)
    assert set(DRIVERS) - tried <= AT_A_KERNEL
