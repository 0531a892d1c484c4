"""No driver keeps anything of a device that came and went: no open file, no thread, no memory.

Each is begun at a device that is there, sees it pulled and is ended, two hundred times, twenty devices side by side.
The libraries leak where that is said below, and by no more.
"""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agent.drivers.child import resident_bytes
from agent.drivers.facts import Status
from agent.drivers.table import DRIVERS, open_driver
from simulator.gpio import Board
from tests.drivers.rigs import RIGS, Rig
from tests.drivers.test_table import SOUND
from tests.drivers.told import Told
from tests.waiting import eventually

SIDE_BY_SIDE = 20
WARMING = 1
ROUNDS = 10
MOST_GROWTH_BYTES = 6 << 20
"""What memory goes up and down by under twenty threads, and what mock pins note of every level: 30 kB a device."""

OWN_PROCESS = ("card",)
"""Two only of each of these, once: each starts a process of its own, half a second of a processor. What libnfc and
pynfc leak (25 bytes a card, by pynfc's `uid`) ends with it, and it is replaced before it is large
(tests/drivers/test_child.py).
"""

PINS = (("keypad", "gpio"), ("panel", "gpio"), ("glass", "luma"))
"""Nobody hears when these are pulled: a pin has no plug, and a screen on SPI is written to only when it changes."""

NOWHERE: dict[str, Callable[[Path], object]] = {
    "path": lambda folder: str(folder / "nowhere"),
    "address": lambda folder: str(folder / "nowhere"),
    "host": lambda _folder: "127.0.0.1",
    "connstring": lambda folder: f"pn532_uart:{folder}/nowhere",
}
"""Where there is no device, by the option that says where."""


class Held:
    """What this process holds now."""

    def __init__(self) -> None:
        gc.collect()
        self.files = len(os.listdir("/proc/self/fd"))
        # A pool makes its hands when it first wants them.
        self.threads = [one.name for one in threading.enumerate() if not one.name.startswith("hand")]
        self.resident_bytes = resident_bytes(os.getpid())

    def is_no_more_than(self, before: Held) -> bool:
        """Whether this holds nothing that `before` did not; memory within what Python's own goes up and down by."""
        grown_bytes = self.resident_bytes - before.resident_bytes
        assert self.files <= before.files, f"{self.files} files, not {before.files}"
        assert len(self.threads) <= len(before.threads), f"{self.threads}, not {before.threads}"
        assert grown_bytes < MOST_GROWTH_BYTES, f"{grown_bytes} bytes more"
        return True


def effort(which: tuple[str, str]) -> tuple[int, int]:
    """How many side by side, and how often."""
    if which[0] in OWN_PROCESS:
        return 2, 1
    # A board has 28 pins, and each of these takes two.
    return (14, 15) if which in PINS else (SIDE_BY_SIDE, ROUNDS)


def come_and_go(rig: Rig, rounds: int) -> None:
    """A driver is begun at a device, which is pulled; the driver is ended, and the device put back."""
    for _ in range(rounds):
        told = Told()
        driver = rig.open(told.emit)
        driver.start()
        told.next_status(Status.READY)
        rig.pull()
        driver.close()
        rig.put_back()


@pytest.mark.parametrize("which", list(RIGS), ids="-".join)
def test_nothing_is_left_of_two_hundred_devices_that_came_and_went(
    which: tuple[str, str], tmp_path: Path, board: Board
) -> None:
    beside, rounds = effort(which)
    rigs = [RIGS[which](tmp_path / f"device-{number}", number) for number in range(beside)]
    with ThreadPoolExecutor(SIDE_BY_SIDE, "hand") as hands:

        def each(count: int) -> None:
            list(hands.map(lambda rig: come_and_go(rig, count), rigs))

        each(min(WARMING, rounds))
        before = Held()
        each(rounds)
        eventually(lambda: Held().is_no_more_than(before))
    for rig in rigs:
        rig.close()


@pytest.mark.parametrize("which", [which for which in DRIVERS if which not in PINS], ids="-".join)
def test_nothing_is_left_of_looks_for_a_device_that_is_not_there(
    which: tuple[str, str], tmp_path: Path, board: Board
) -> None:
    """The way that drivers go which only a kernel can make a device for, and all others when a cable is out."""
    options = SOUND[which] | {name: NOWHERE[name](tmp_path) for name in NOWHERE if name in SOUND[which]}

    def look(_number: int) -> None:
        told = Told()
        driver = open_driver(*which, which[0], options, told.emit)
        driver.start()
        eventually(lambda: told.facts, timeout_s=30)
        driver.close()

    beside, rounds = effort(which)
    with ThreadPoolExecutor(SIDE_BY_SIDE, "hand") as hands:
        list(hands.map(look, range(beside * min(WARMING, rounds))))
        before = Held()
        list(hands.map(look, range(beside * rounds)))
        eventually(lambda: Held().is_no_more_than(before))


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_nothing_is_left_of_two_hundred_times_that_one_driver_found_its_device_again(
    tmp_path: Path, board: Board
) -> None:
    """The same drivers all the time, one of each kind whose device can be pulled, side by side: some minutes."""
    kinds = [which for which in RIGS if which not in PINS]
    rigs = [RIGS[which](tmp_path / "-".join(which), number) for number, which in enumerate(kinds)]
    told = [Told() for _ in rigs]
    drivers = [rig.open(one.emit) for rig, one in zip(rigs, told, strict=True)]

    def found_again(which: int, times: int) -> None:
        for _ in range(times):
            rigs[which].pull()
            told[which].next_status(Status.GONE, timeout_s=30)
            rigs[which].put_back()
            told[which].next_status(Status.READY, timeout_s=30)

    with ThreadPoolExecutor(len(rigs), "hand") as hands:
        for driver, one in zip(drivers, told, strict=True):
            driver.start()
            one.next_status(Status.READY, timeout_s=30)

        def all_found_again(times: int) -> None:
            list(hands.map(found_again, range(len(rigs)), [times] * len(rigs)))

        all_found_again(WARMING)
        before = Held()
        all_found_again(SIDE_BY_SIDE * ROUNDS)
        eventually(lambda: Held().is_no_more_than(before))
    for rig, driver in zip(rigs, drivers, strict=True):
        driver.close()
        rig.close()
