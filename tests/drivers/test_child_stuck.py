"""A device's own process that the kernel holds, and that cannot be killed, is told as lost and never given a rival."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from agent.drivers.child import Child, ChildPlan
from agent.drivers.facts import CardProblem, CardRefused, DeviceStatus, Fact, Status
from tests.drivers import stuck_child, stuck_fs
from tests.drivers.told import Told
from tests.processes import started
from tests.waiting import eventually

pytestmark = pytest.mark.skipif(not Path("/dev/fuse").exists(), reason="this machine has no /dev/fuse")


class Kernel:
    """A folder whose one file holds whoever asks for it, until `release`."""

    def __init__(self, folder: Path) -> None:
        self.mount = folder / "mount"
        self._released = folder / "released"
        self.mount.mkdir()

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-m", stuck_fs.__name__, str(self.mount), str(self._released)]

    def release(self) -> None:
        self._released.touch()


class Pids:
    """Makes a fact of each process's word of who it is, and keeps that."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def fact_of(self, device: str, said: Mapping[str, object]) -> Fact:
        self.seen.append(int(str(said["pid"])))
        return CardRefused(device, CardProblem.REMOVED)


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Kernel]:
    kernel = Kernel(tmp_path)
    with started(kernel.command):
        try:
            eventually(lambda: os.path.ismount(kernel.mount))
            yield kernel
        finally:
            kernel.release()
            subprocess.run(["fusermount", "-u", "-z", str(kernel.mount)], check=True)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def pids() -> Pids:
    return Pids()


def files() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture
def files_before(kernel: Kernel) -> int:
    """How many files this process had open before there was a driver."""
    return files()


@pytest.fixture
def child(files_before: int, kernel: Kernel, told: Told, pids: Pids) -> Iterator[Child]:
    plan = ChildPlan(stuck_child.__name__, (str(kernel.mount / "device"),), silence_s=1.0)
    child = Child("card", plan, told.emit, pids.fact_of)
    child.start()
    told.next_status(Status.READY)
    yield child
    child.close()


def is_held(pid: int) -> bool:
    """Whether the process waits where no signal reaches it (proc(5), state D)."""
    state = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2]
    return state.split()[0] == "D"


def is_gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


def test_it_is_told_as_stuck_and_another_is_started_only_when_it_has_gone(
    kernel: Kernel, told: Told, pids: Pids, child: Child
) -> None:
    lost = told.next(DeviceStatus)
    assert (lost.status, lost.reason, lost.next_step) == (Status.GONE, "reader_stuck", "replug_or_restart")
    (first,) = pids.seen
    assert is_held(first)
    # Longer than any pause before a restart: a rival would have come by now.
    with pytest.raises(AssertionError):
        told.next(DeviceStatus, timeout_s=2.5)
    assert is_held(first) and pids.seen == [first]
    kernel.release()
    told.next_status(Status.READY)
    eventually(lambda: len(pids.seen) == 2)
    assert is_gone(first)


def test_close_does_not_wait_for_it_and_leaves_no_file_open(
    kernel: Kernel, told: Told, pids: Pids, child: Child, files_before: int
) -> None:
    told.next_status(Status.GONE)
    (held,) = pids.seen
    child.close()
    assert is_held(held)
    # The pipes to it and the bell of its thread are closed.
    eventually(lambda: files() <= files_before)
    kernel.release()
    eventually(child.is_reaped)
    assert is_gone(held)
