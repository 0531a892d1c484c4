"""A port without a cable carries every byte untouched, and can be pulled at any moment."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.ports import Pty
from tests.waiting import eventually

EVERY_BYTE = bytes(range(256))


@pytest.fixture
def port(tmp_path: Path) -> Iterator[Pty]:
    port = Pty(tmp_path / "port")
    port.start()
    yield port
    port.close()


def opened(port: Pty) -> int:
    return os.open(port.path, os.O_RDWR | os.O_NOCTTY)


def test_every_byte_passes_untouched_both_ways(port: Pty) -> None:
    fd = opened(port)
    os.write(fd, EVERY_BYTE)
    assert port.read() == EVERY_BYTE
    assert port.write(EVERY_BYTE) == 256
    assert os.read(fd, 1000) == EVERY_BYTE
    os.close(fd)


def test_the_program_under_test_may_come_and_go(port: Pty) -> None:
    for byte in (b"1", b"2"):
        fd = opened(port)
        os.write(fd, byte)
        assert port.read() == byte
        os.close(fd)


def test_reading_gives_up_after_its_time(port: Pty) -> None:
    assert port.read(timeout_s=0.01) == b""
    assert port.plugged


def test_what_nobody_takes_is_lost_after_a_while(port: Pty) -> None:
    assert 0 < port.write(bytes(1_000_000), timeout_s=0.05) < 1_000_000


def test_unplugging_frees_whoever_waits_and_hangs_up(port: Pty) -> None:
    fd, waiting = opened(port), threading.Thread(target=port.read)
    waiting.start()
    port.unplug()
    waiting.join(5)
    assert not waiting.is_alive()
    assert os.read(fd, 1) == b""
    assert not port.path.is_symlink()
    assert port.write(b"x") == 0 and port.read() == b""
    os.close(fd)


def test_the_path_stays_the_same_after_a_replug(port: Pty) -> None:
    port.unplug()
    assert not port.wait_plugged(0.01)
    port.replug()
    assert port.wait_plugged(5)
    fd = opened(port)
    os.write(fd, b"again")
    assert eventually(port.read) == b"again"
    os.close(fd)


def test_a_path_left_behind_by_a_killed_process_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "port"
    path.symlink_to("/dev/pts/gone")
    port = Pty(path)
    port.start()
    os.close(opened(port))
    port.close()


def test_plugging_and_closing_leak_no_file(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    port = Pty(tmp_path / "port")
    for _ in range(5):
        port.plug()
        port.plug()
        port.unplug()
        port.unplug()
    port.close()
    port.close()
    assert len(os.listdir("/proc/self/fd")) == before
