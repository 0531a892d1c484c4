"""Waiting for a device and for other threads at once: nothing is missed, and at rest nothing is woken."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.drivers.bell import Bell
from agent.drivers.code_serial import CodeSerial, CodeSerialOptions
from agent.drivers.device_thread import DeviceThread
from agent.drivers.facts import DeviceStatus, Fact, Status
from agent.drivers.glass_socket import GlassSocket, GlassSocketOptions
from agent.drivers.keypad_serial import KeypadSerial, KeypadSerialOptions
from agent.drivers.pole_serial import PoleSerial, PoleSerialOptions
from agent.drivers.report import Report
from simulator.glass import Glass
from simulator.keypad import Keypad
from simulator.pole import Pole
from simulator.ports import Pty
from simulator.scanner import Scanner
from tests.drivers.told import Told
from tests.waiting import eventually

WATCHED_S = 1.0
TICKING = 5
"""Wake-ups within `WATCHED_S` of a thread that looks again and again, at least."""

FILES_OF_A_BELL = """
import os
from agent.drivers.bell import Bell

def files():
    return len(os.listdir("/proc/self/fd"))

before, bell = files(), Bell()
print(files() - before)
bell.ring()
print(files() - before)
bell.wait(None, None)
print(files() - before)
bell.put_away()
bell.put_away()
bell.ring()
print(files() - before)
"""


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def test_a_ring_before_the_wait_is_not_missed_and_counts_once(pipe: tuple[int, int]) -> None:
    bell = Bell()
    for _ in range(3):
        bell.ring()
    assert not bell.wait(pipe[0], None)
    begun_s = time.monotonic()
    assert not bell.wait(pipe[0], 0.05)
    assert time.monotonic() - begun_s >= 0.05
    bell.put_away()


def test_what_the_device_has_and_a_ring_are_both_seen(pipe: tuple[int, int]) -> None:
    bell = Bell()
    os.write(pipe[1], b"x")
    bell.ring()
    assert bell.wait(pipe[0], None)
    assert bell.wait(pipe[0], None)
    os.read(pipe[0], 1)
    threading.Timer(0.05, bell.ring).start()
    assert not bell.wait(pipe[0], None)
    bell.put_away()


def test_many_that_ring_never_lose_the_last_word() -> None:
    """Each word is put down before the ring; whoever waits without an end sees them all."""
    bell = Bell()
    words: list[int] = []

    def say() -> None:
        for number in range(500):
            words.append(number)
            bell.ring()

    speakers = [threading.Thread(target=say) for _ in range(4)]
    for speaker in speakers:
        speaker.start()
    while len(words) < 2000:
        bell.wait(None, None)
    for speaker in speakers:
        speaker.join()
    bell.put_away()


def test_a_bell_that_was_put_away_may_be_rung_and_has_no_file() -> None:
    """In a process where nobody else opens or closes anything."""
    says = subprocess.run([sys.executable, "-c", FILES_OF_A_BELL], check=True, capture_output=True, text=True)
    assert says.stdout.split() == ["0", "0", "1", "0"]


def test_a_report_for_which_there_was_no_room_is_told_once_there_is_though_nothing_else_happens(told: Told) -> None:
    refused: list[Fact] = []

    def emit(fact: Fact) -> bool:
        if not told.emit(fact):
            refused.append(fact)
            return False
        return True

    report = Report("code", emit)
    told.room = 0

    def turn() -> None:
        report.say(Status.READY)
        thread.wait()

    thread = DeviceThread("waits", report, turn, 0.5)
    thread.start()
    eventually(lambda: refused)
    told.room = 1
    assert told.next(DeviceStatus) == DeviceStatus("code", Status.READY, "", "")
    thread.close()


def scanner(folder: Path, told: Told) -> tuple[CodeSerial, Callable[[], None]]:
    peer = Scanner(folder / "line")
    peer.start()
    return CodeSerial("code", CodeSerialOptions(str(peer.path)), told.emit), peer.close


def keypad(folder: Path, told: Told) -> tuple[KeypadSerial, Callable[[], None]]:
    peer = Keypad(folder / "line")
    peer.start()
    return KeypadSerial("keypad", KeypadSerialOptions(str(peer.path)), told.emit), peer.close


def pole(folder: Path, told: Told) -> tuple[PoleSerial, Callable[[], None]]:
    peer = Pole(Pty(folder / "line"))
    peer.start()
    return PoleSerial("pole", PoleSerialOptions(str(folder / "line")), told.emit), peer.close


def glass(folder: Path, told: Told) -> tuple[GlassSocket, Callable[[], None]]:
    peer = Glass(folder / "line")
    peer.start()
    return GlassSocket("glass", GlassSocketOptions(peer.address), told.emit), peer.close


@pytest.mark.parametrize("device", [scanner, keypad, pole, glass])
def test_nothing_wakes_the_thread_of_a_device_at_which_nothing_happens(
    device: Callable[[Path, Told], tuple[CodeSerial, Callable[[], None]]], told: Told, tmp_path: Path
) -> None:
    driver, close = device(tmp_path, told)
    driver.start()
    told.next_status(Status.READY)
    (thread,) = [thread for thread in threading.enumerate() if str(tmp_path) in thread.name]
    eventually(lambda: wake_ups(thread) < TICKING)
    driver.close()
    close()


def wake_ups(thread: threading.Thread) -> int:
    """How often it went to sleep of its own accord within `WATCHED_S` (proc(5), status)."""
    before = _slept(thread)
    time.sleep(WATCHED_S)
    return _slept(thread) - before


def _slept(thread: threading.Thread) -> int:
    status = Path(f"/proc/self/task/{thread.native_id}/status").read_text("utf-8", "replace")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("voluntary_ctxt_switches:"))
