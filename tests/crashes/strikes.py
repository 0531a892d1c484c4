"""Striking a running process at one of its system calls: strace kills it there, or lets the call fail.

Attached to a till that waits for one key, so that the calls are counted from that key on; strace counts them for each
thread and each call by itself (strace(1), -e inject).
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.waiting import eventually

WRITING = ("pwrite64", "pwritev", "write", "writev", "sendto", "sendmsg", "ftruncate", "unlink", "rename")
SYNCING = ("fsync", "fdatasync", "msync")


@dataclass(frozen=True, slots=True)
class Strike:
    """What happens at ``call``: ``how`` in strace's words, ``at`` which of the calls (``3``; ``3+``: all from 3 on)."""

    call: str
    how: str
    at: str

    @property
    def option(self) -> str:
        """As strace is told."""
        return f"inject={self.call}:{self.how}:when={self.at}"


def kill(call: str, nth: int) -> Strike:
    """The power of the process goes as it enters the call, which is then not made."""
    return Strike(call, "signal=SIGKILL", str(nth))


def fail(call: str, error: str, at: str) -> Strike:
    """The call fails with that errno and does nothing."""
    return Strike(call, f"error={error}", at)


class Trace:
    """What strace has written down."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def struck(self) -> int:
        """How many calls were let fail."""
        return self._path.read_text(errors="replace").count("(INJECTED)")

    def counted(self, *calls: str) -> int:
        """How many of ``calls`` were made."""
        lines = self._path.read_text(errors="replace").splitlines()
        return sum(any(f" {call}(" in line for call in calls) for line in lines)


def command(trace: Path, *strikes: Strike, calls: tuple[str, ...] = WRITING + SYNCING) -> list[str]:
    """The strace that carries out ``strikes`` and writes ``calls`` down."""
    told = [option for strike in strikes for option in ("-e", strike.option)]
    wanted = dict.fromkeys((*calls, *(strike.call for strike in strikes)))
    return ["strace", "-f", "-s", "0", "-o", str(trace), "-e", f"trace={','.join(wanted)}", *told]


def around(trace: Path, *strikes: Strike) -> list[str]:
    """The same to start a program by; strace is then no parent of it and ends when it ends."""
    strace, *options = command(trace, *strikes)
    return [strace, "-D", *options]


@contextmanager
def attached(pid: int, trace: Path, *strikes: Strike) -> Iterator[Trace]:
    """Within it the process ``pid`` is traced and struck."""
    with subprocess.Popen([*command(trace, *strikes), "-p", str(pid)], stderr=subprocess.PIPE, text=True) as strace:
        try:
            assert strace.stderr is not None
            said = strace.stderr.readline()
            assert "attached" in said, said
            eventually(trace.exists)
            yield Trace(trace)
        finally:
            # On SIGTERM it lets go of the process and ends.
            strace.terminate()
            strace.wait()
