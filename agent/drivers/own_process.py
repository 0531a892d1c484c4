"""A device's own process, seen from inside: how it speaks to the till, and how it ends with it.

The till's end is child.py. The process ends when its standard input does, and dies with its parent.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping

BEAT_S = 0.5
"""So often, at least, the process says that it lives."""

Say = Callable[[Mapping[str, object]], None]
"""Tells the till one line."""

_PR_SET_PDEATHSIG = 1


class OwnProcess:
    """This process: `say` tells the till a line, `closing` is set when the till wants it to end."""

    def __init__(self) -> None:
        self.closing = threading.Event()
        self._out = -1
        self._beat_s = 0.0

    def begin(self) -> None:
        """Take standard output for our lines alone, watch standard input for its end, and say a first beat."""
        _die_with_parent()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        # Whatever a C library prints goes to standard error.
        self._out = os.dup(sys.stdout.fileno())
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        threading.Thread(target=self._await_end_of_input, daemon=True).start()
        self.say({"t": "beat"})

    def say(self, line: Mapping[str, object]) -> None:
        """Tell the till one line."""
        os.write(self._out, json.dumps(line).encode() + b"\n")

    def beat(self, idle: bool) -> None:
        """Say that the process lives, if it is time to; `idle` when nothing would be lost by its being replaced."""
        now_s = time.monotonic()
        if now_s - self._beat_s >= BEAT_S:
            self._beat_s = now_s
            self.say({"t": "beat", "idle": idle})

    def _await_end_of_input(self) -> None:
        while os.read(0, 4096):
            pass
        self.closing.set()


def _die_with_parent() -> None:
    """Ask the kernel for SIGKILL when the parent goes: a process that hangs does not see its input end."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
