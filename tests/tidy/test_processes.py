"""What a test starts obeys SIGINT whoever started the tests, and nothing of it outlives its test."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import started
from tests.waiting import eventually


@pytest.fixture
def deaf_to_sigint() -> Iterator[None]:
    """As where a script has put the tests into the background."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("deaf_to_sigint")
def test_sigint_ends_what_is_started_by_tests_that_ignore_it() -> None:
    with started(["sleep", "600"]) as process:
        eventually(lambda: b"sleep" in Path(f"/proc/{process.pid}/cmdline").read_bytes().split(b"\0")[:1])
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == -signal.SIGINT


def test_what_was_started_by_what_was_started_is_gone_as_well() -> None:
    with started(["sh", "-c", "setsid sleep 600 & echo $!; sleep 600"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        below = int(process.stdout.readline())
        eventually(lambda: runs(below))
    eventually(lambda: not runs(below))


def runs(pid: int) -> bool:
    """Whether there is that process; one that has ended and waits for its parent to notice has no command any more."""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except OSError:
        return False
