"""Devices in trouble for as long as somebody wants: every rig of the matrix, each with its driver in a process of its
own, has troubles at random at random moments, good acts between, and is held to the promises of the matrix.

./dev soak-devices --seconds 1800            plays, and ends with ``rounds N, violations N``
./dev soak-devices --seed 7 --device NAME    draws the same troubles and pauses again for one; what the processes and
                                             the kernel make of the time between is theirs

What the driver's process holds (resident memory, files, threads) is told for each device as it was after the first
rounds and at the end. Till and driver are killed in the first tenth of the time only: what is measured is one process
that lives through all the rest.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from agent.drivers.child import resident_bytes
from agent.drivers.facts import Status
from tests.drivers.driver_process import DriverProcess
from tests.drivers.matrix import RIGS
from tests.drivers.matrix_rigs import Rig
from tests.drivers.pcsc_rig import CAN_BE_MADE
from tests.drivers.promises import NUMBERS, story
from tests.drivers.told import Told

ROOT = Path(__file__).resolve().parents[2]
FOR_S = 40.0
"""For so long a device may take to be well again; the machine may be busy."""
LONGEST_PAUSE_S = 0.5
KILLED_SHARE = 10
MOST_GROWTH_BYTES = 4 << 20
END_S = 120
MOST_SAID = 2000


@dataclass(frozen=True, slots=True)
class Held:
    """What a process holds."""

    resident_bytes: int
    files: int
    threads: int

    @classmethod
    def by(cls, pid: int) -> Held:
        """What that process holds now."""
        proc = Path(f"/proc/{pid}")
        return cls(resident_bytes(pid), len(os.listdir(proc / "fd")), len(os.listdir(proc / "task")))


@dataclass(frozen=True, slots=True)
class Lane:
    """How one device did. `broken` says in which round which trouble broke what promise."""

    device: str
    seed: int
    rounds: int
    troubles: dict[str, int]
    broken: tuple[str, ...]
    first: Held
    last: Held

    def told(self) -> str:
        """A line for people."""
        kinds = " ".join(f"{name} {many}" for name, many in sorted(self.troubles.items()))
        grown_kb = (self.last.resident_bytes - self.first.resident_bytes) // 1024
        return (
            f"{self.device:<22} rounds {self.rounds:>5}  violations {len(self.broken)}  ({kinds})  "
            f"resident {self.last.resident_bytes >> 10} kB ({grown_kb:+} kB)  files {self.first.files} -> "
            f"{self.last.files}  threads {self.first.threads} -> {self.last.threads}"
        )


def main(arguments: Sequence[str]) -> int:
    """The command; exit status 1 where a promise was broken."""
    parser = argparse.ArgumentParser(description="devices in random trouble, held to the promises of the matrix")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--device", choices=list(RIGS), action="append")
    parser.add_argument("--lane", choices=list(RIGS), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**6)
    if options.lane:
        print(json.dumps(asdict(play(options.lane, seed, options.seconds))))
        return 0
    here = [name for name in RIGS if name != "card/pcsc" or CAN_BE_MADE]
    lanes = play_all(options.device or here, seed, options.seconds)
    for lane in lanes:
        print(lane.told())
        for one in lane.broken:
            print(f"  {one}\n  ./dev soak-devices --seed {seed} --device '{lane.device}' --seconds {options.seconds}")
    violations = sum(len(lane.broken) for lane in lanes)
    print(f"seed {seed}: rounds {sum(lane.rounds for lane in lanes)}, violations {violations}")
    return int(violations > 0)


def play_all(devices: Sequence[str], seed: int, seconds: int) -> list[Lane]:
    """All of them side by side, each with a process for itself and its peer, as pins are one board in a process."""
    lanes = []
    with ExitStack() as running:
        started = []
        for device in devices:
            command = [sys.executable, "-m", "tests.drivers.soak", "--lane", device]
            command += ["--seed", str(seed), "--seconds", str(seconds)]
            process = running.enter_context(
                subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
            )
            running.callback(process.kill)
            started.append(process)
        for device, process in zip(devices, started, strict=True):
            said, _ = process.communicate(timeout=seconds + FOR_S + END_S)
            if process.returncode:
                nothing = Held(0, 0, 0)
                lanes.append(Lane(device, seed, 0, {}, (f"ended with {process.returncode}",), nothing, nothing))
                continue
            read = json.loads(said)
            first, last = Held(**read.pop("first")), Held(**read.pop("last"))
            lanes.append(Lane(**read | {"broken": tuple(read["broken"]), "first": first, "last": last}))
    return lanes


def play(device: str, seed: int, seconds: int) -> Lane:
    """One device for so long. A broken promise ends nothing: driver and peer are made anew, and it goes on."""
    playing = _Playing(device, seed, seconds)
    while not playing.over:
        with tempfile.TemporaryDirectory(prefix="soak-") as folder:
            playing.until_broken(Path(folder))
    first, last = playing.first or playing.last, playing.last
    return Lane(device, seed, playing.rounds, playing.troubles, (*playing.broken, *_grown(first, last)), first, last)


class _Playing:
    """One device's rounds, counted."""

    def __init__(self, device: str, seed: int, seconds: int) -> None:
        self._device = device
        self._drawn = random.Random(f"{seed} {device}")
        self._seconds = seconds
        self._begun_s = time.monotonic()
        self.rounds = 0
        self.troubles: dict[str, int] = {}
        self.broken: list[str] = []
        self.first: Held | None = None
        self.last = Held(0, 0, 0)

    @property
    def over(self) -> bool:
        """Whether the time is over."""
        return self._passed_s() >= self._seconds

    def until_broken(self, folder: Path) -> None:
        """Rounds with one rig and one driver, until a promise is broken or the time is over."""
        with ExitStack() as closing:
            rig = RIGS[self._device](folder)
            closing.callback(rig.close)
            told = Told()
            driver = (rig.anew or rig.open)(told.emit)
            closing.callback(driver.close)
            driver.start()
            told.next_status(Status.READY, FOR_S)
            while not self.over:
                told.forget()
                rig.forget()
                try:
                    self._round(rig, driver, told)
                except AssertionError as error:
                    self.broken.append(f"round {self.rounds}: {error}; told {told.facts}"[:MOST_SAID])
                    return
                finally:
                    self.rounds += 1

    def _round(self, rig: Rig, driver: Any, told: Told) -> None:
        killing = self._passed_s() < self._seconds / KILLED_SHARE
        can = [name for name, how in rig.troubles.items() if killing or not how.begun_anew]
        trouble = self._drawn.choice(can)
        self.troubles[trouble] = self.troubles.get(trouble, 0) + 1
        story(rig, driver, told, rig.troubles[trouble], FOR_S, 1 + NUMBERS * self.rounds, self._pause_s)
        self.last = Held.by(driver.pid if isinstance(driver, DriverProcess) else os.getpid())
        if self.first is None and not killing:
            self.first = self.last

    def _pause_s(self) -> float:
        return self._drawn.random() * LONGEST_PAUSE_S

    def _passed_s(self) -> float:
        return time.monotonic() - self._begun_s


def _grown(first: Held, last: Held) -> list[str]:
    said = []
    if last.resident_bytes - first.resident_bytes > MOST_GROWTH_BYTES:
        said.append(f"resident memory grew from {first.resident_bytes} to {last.resident_bytes} bytes")
    if last.files > first.files:
        said.append(f"files grew from {first.files} to {last.files}")
    if last.threads > first.threads:
        said.append(f"threads grew from {first.threads} to {last.threads}")
    return said


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
