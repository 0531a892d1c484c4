"""What every driver promises whatever befalls its device: it is seen, it heals by itself, and nothing is lost, doubled
or made up. Told as one story, for the matrix (once for each trouble) and for the soak
(at random, for as long as wanted).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from agent.drivers.facts import (
    CardPresented,
    CodeScanned,
    DeviceStatus,
    Fact,
    KeyPressed,
    PanelChanged,
    PrintFinished,
    Status,
)
from tests.drivers.matrix_rigs import Befalls, Rig
from tests.drivers.told import Told
from tests.waiting import eventually

GOOD = (CardPresented, CodeScanned, KeyPressed, PrintFinished)

NUMBERS = 4
"""How many acts a story may have."""

Pause = Callable[[], float]
"""How long to wait, in seconds, at a place of the story where any moment will do."""


def is_good(fact: Fact) -> bool:
    """Whether a fact says that something happened at the counter."""
    return isinstance(fact, GOOD) or (isinstance(fact, PanelChanged) and fact.active)


def story(
    rig: Rig, driver: Any, told: Told, befalls: Befalls, for_s: float, first: int = 1, pause: Pause = lambda: 0
) -> None:
    """One good act, then the trouble with another act in it, then a third; they are numbered from `first`.

    The device has to be ready. Raises AssertionError where a promise is broken.
    """
    before, during, after, again = range(first, first + NUMBERS)
    act(rig, driver, told, before, for_s)
    time.sleep(pause())
    well = len(told.of(DeviceStatus))
    befalls.begin()
    if befalls.seen:
        # By all its words, not by the last: it may be well again before anybody looks.
        worst, *_ = eventually(lambda: _troubles(told, well), for_s)
        assert worst.reason and worst.next_step
    time.sleep(pause())
    rig.act(driver, during)
    if befalls.refusal:
        told.next(befalls.refusal, for_s)
    time.sleep(pause())
    many = len(told.of(DeviceStatus))
    befalls.end()
    if befalls.begun_anew:
        eventually(lambda: len(told.of(DeviceStatus)) > many, for_s)
    eventually(lambda: state(told) is Status.READY, for_s)
    if befalls.refusal:
        # What comes close behind half a code may be its rest, and goes with it.
        rig.act(driver, again)
    act(rig, driver, told, after, for_s)
    _nothing_made_up(rig, told, (before, during, after), again, befalls, for_s)


def _troubles(told: Told, after: int) -> list[DeviceStatus]:
    """The words of trouble behind so many words."""
    return [word for word in told.of(DeviceStatus)[after:] if word.status is not Status.READY]


def act(rig: Rig, driver: object, told: Told, number: int, for_s: float) -> None:
    """Do one good thing, and see that it came once."""
    rig.act(driver, number)
    eventually(lambda: rig.came(number, told.facts), for_s)
    assert rig.came(number, told.facts) == 1


def _nothing_made_up(
    rig: Rig, told: Told, numbers: tuple[int, int, int], again: int, befalls: Befalls, for_s: float
) -> None:
    """Each good thing came once at most, there were no others, and whatever was owed a word had one."""
    answers = rig.answers
    owed = [1, 0 if befalls.begun_anew else 1, 1]
    if answers is not None:
        eventually(lambda: [answers(number, told.facts) for number in numbers] == owed, for_s)
    good = tuple(fact for fact in told.facts if is_good(fact))
    counts = [rig.came(number, good) for number in ((*numbers, again) if befalls.refusal else numbers)]
    assert max(counts) == 1
    if good:
        assert sum(counts) == len(good), good


def state(told: Told) -> Status | None:
    """How the device is, by the last word."""
    words = told.of(DeviceStatus)
    return words[-1].status if words else None
