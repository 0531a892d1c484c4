"""Processes that tests start: as somebody at a keyboard would, whoever started the tests, and surely gone when the test
is over, with all that they started themselves.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from tests.waiting import eventually

ROOT = Path(__file__).resolve().parents[1]
_MARK = "TAPLEDGER_STARTED_BY"


@contextmanager
def started(
    command: Sequence[str], stdout: int | IO[str] | None = None, stderr: int | IO[str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Run ``command`` in the tree; at the end kill it and everything that came of it, in whatever session that is.

    SIGINT ends it even where the tests were started in the background of a script, which has them and what they start
    ignore that signal (POSIX, "Shell Command Language", 2.11).
    """
    mark = secrets.token_hex(16)
    launched = ["env", "--default-signal=INT", f"{_MARK}={mark}", *command]
    with subprocess.Popen(
        launched, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()
            eventually(lambda: not _killed(mark))


def _killed(mark: str) -> list[int]:
    """Kill every process with that mark in the environment it was started with; which those were."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        # A process may be another's, or go away while it is looked at.
        with suppress(OSError):
            if f"{_MARK}={mark}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
                os.kill(found[-1], signal.SIGKILL)
    return found
