"""A device's own process, seen from the till: started, heard, and replaced whatever becomes of it.

A library that can abort() its process, or hang where nobody can interrupt it, gets a process of its own. That process
says lines of JSON (own_process.py has its end of it): `{"t":"ready","reason":code,"next_step":code}`, with both empty
or left out when all is well, `{"t":"down","reason":code}` while it waits by itself for what it needs,
`{"t":"beat","idle":bool}` at least twice a second, `{"t":"lost","reason":code}` as its last one, and anything else for
the driver. Reasons that come from here, with their next steps: `not_found`, `unplugged`
(check_cable), `reader_aborted`, `reader_hung`, `reader_stopped` (wait). What the process says of itself is looked up in
`PROBLEMS`, to which a driver adds its own.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from pathlib import Path

from agent.drivers.device_thread import CLOSE_S, DeviceThread
from agent.drivers.facts import Emit, Fact, Status
from agent.drivers.report import Report
from contract.making import dataclass

FIRST_WORD_S = 10.0
"""A process on a slow board needs some seconds until it can say anything."""
RESIDENT_LIMIT_BYTES = 96 * 1024 * 1024
"""Three times what a reader's process needs after its start."""

_PORT_POLL_S = 0.25
_RESTART_DELAYS_S = (0.1, 0.3, 1.0, 2.0)
_WELL_AFTER_S = 10.0
"""A process that has worked for so long begins the delays anew."""
_CLOSE_S = 0.6
_LINE_LIMIT_BYTES = 65_536
_RENEWED = "renewed"
"""Ended by us because it had grown: nobody has to know unless its successor does not come."""

Said = Mapping[str, object]
"""One line of the process."""

PROBLEMS: Mapping[str, tuple[Status | None, str]] = {
    "no_permission": (Status.CONFIG_ERROR, "check_access"),
    "in_use": (Status.SELF_CHECK_FAILED, "close_other_program"),
    "reader_silent": (None, "check_reader"),
    "reader_garbled": (None, "check_reader"),
    "reader_aborted": (None, "wait"),
    "reader_hung": (None, "wait"),
    "reader_stopped": (None, "wait"),
}
"""Reason to status and next step; where the status is None, it is GONE if the device was ready once, else MISSING."""


@dataclass(frozen=True, slots=True)
class ChildPlan:
    """How a device's process is run.

    `module` is what Python runs, with `arguments`. Without `port` (a path; empty: there is none to look for) no process
    is started. `silence_s` without a line and it is killed; `restart_limit_s` is the longest pause before a lost one is
    replaced; one that holds more than `resident_limit_bytes` is replaced when it is idle, and at twice that at once.
    """

    module: str
    arguments: tuple[str, ...] = ()
    port: str = ""
    silence_s: float = 3.0
    restart_limit_s: float = 2.0
    resident_limit_bytes: int = RESIDENT_LIMIT_BYTES
    environment: Mapping[str, str] = field(default_factory=dict)
    problems: Mapping[str, tuple[Status | None, str]] = field(default_factory=dict)


class Child:
    """Keeps one process running between `start` and `close`, reports on it, and passes on what it says.

    `fact_of` makes a fact of a line that is none of ours, for the device named first; it raises ValueError, KeyError
    or TypeError for one it cannot read, and the process is replaced. `before_restart` is told why the last one went,
    in the child's thread, before another is tried; what it returns, if something, is reported.
    """

    def __init__(
        self,
        device: str,
        plan: ChildPlan,
        emit: Emit,
        fact_of: Callable[[str, Said], Fact],
        before_restart: Callable[[str], tuple[Status, str, str] | None] = lambda _reason: None,
    ) -> None:
        self._device = device
        self._plan = plan
        self._emit = emit
        self._fact_of = fact_of
        self._before_restart = before_restart
        self._report = Report(device, emit)
        self._now: tuple[Status, str, str] | None = None
        self._was_ready = False
        self._serves = False
        self._wake: int | None = None
        self._thread = DeviceThread(f"{device} process", self._report, self._supervise, _RESTART_DELAYS_S[0])
        self._closing = self._thread.closing

    def start(self) -> None:
        """Begin; the device may come later."""
        self._wake = os.eventfd(0, os.EFD_CLOEXEC)
        self._thread.start()

    def close(self) -> None:
        """End, and leave no process behind; within a second; may be called again."""
        self._closing.set()
        if self._wake is None:
            return
        os.eventfd_write(self._wake, 1)
        # At worst a process is on its way out of its own accord, and then still has to be killed.
        self._thread.close(2 * _CLOSE_S + CLOSE_S)
        os.close(self._wake)
        self._wake = None

    def _supervise(self) -> None:
        """Run one process after another until closed."""
        failures = 0
        while not self._closing.is_set():
            if self._port_is_missing():
                self._tell_lost("reader_gone")
                failures = 0
                self._closing.wait(_PORT_POLL_S)
                continue
            started_s = time.monotonic()
            reason = self._run()
            if self._closing.is_set():
                return
            if reason == _RENEWED:
                continue
            self._tell_lost(reason)
            failures = 1 if time.monotonic() - started_s > _WELL_AFTER_S else failures + 1
            delay_s = _RESTART_DELAYS_S[min(failures, len(_RESTART_DELAYS_S)) - 1]
            if not self._closing.wait(min(delay_s, self._plan.restart_limit_s)):
                trouble = self._before_restart(reason)
                if trouble is not None:
                    self._tell(*trouble)

    def _run(self) -> str:
        """Run a process to its end, and return the reason of it."""
        self._serves = False
        try:
            child = subprocess.Popen(
                [sys.executable, "-m", self._plan.module, *self._plan.arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                cwd=Path(__file__).parents[2],
                env={**os.environ, **self._plan.environment},
            )
        except OSError:
            return "reader_stopped"
        with _ended(child):
            reason = self._listen(child)
            if reason == "reader_hung":
                child.kill()
            if reason is not None or self._closing.is_set():
                return reason or ""
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(_CLOSE_S)
            return "reader_aborted" if (child.returncode or 0) < 0 else "reader_stopped"

    def _listen(self, child: subprocess.Popen[bytes]) -> str | None:
        """Pass on what the process says until it ends or is to end; return the reason, or None if it did not say."""
        assert child.stdout is not None and self._wake is not None
        poll = select.poll()
        poll.register(child.stdout, select.POLLIN)
        poll.register(self._wake, select.POLLIN)
        buffer, timeout_s = b"", FIRST_WORD_S
        while True:
            ready = dict(poll.poll(timeout_s * 1000))
            if self._wake in ready:
                return None
            if not ready:
                return "reader_hung"
            data = os.read(child.stdout.fileno(), 4096)
            if not data or len(buffer) > _LINE_LIMIT_BYTES:
                return None
            timeout_s = self._plan.silence_s
            *lines, buffer = (buffer + data).split(b"\n")
            for line in lines:
                try:
                    reason = self._take(line, child.pid)
                except (ValueError, KeyError, TypeError, RecursionError):
                    return "reader_stopped"
                if reason is not None:
                    return reason

    def _take(self, line: bytes, pid: int) -> str | None:
        """Act on one line; return the reason when the process is to end. Raises for a line that cannot be read."""
        said = json.loads(line)
        match said["t"]:
            case "ready":
                self._was_ready = self._serves = True
                self._tell(Status.READY, str(said.get("reason", "")), str(said.get("next_step", "")))
            case "beat":
                # A report that found the mailbox full is told now.
                if self._now is not None:
                    self._report.say(*self._now)
                limit = self._plan.resident_limit_bytes * (1 if said.get("idle", True) else 2)
                return _RENEWED if self._serves and resident_bytes(pid) > limit else None
            case "down":
                self._tell_lost(str(said["reason"]))
            case "lost":
                return str(said["reason"])
            case _:
                self._emit(self._fact_of(self._device, said))
        return None

    def _tell(self, status: Status, reason: str = "", next_step: str = "") -> None:
        self._now = (status, reason, next_step)
        self._report.say(*self._now)

    def _tell_lost(self, reason: str) -> None:
        lost = Status.GONE if self._was_ready else Status.MISSING
        # Whatever it looked like from the process: without its port the device has been unplugged.
        if reason == "reader_gone" or self._port_is_missing():
            self._tell(lost, "unplugged" if self._was_ready else "not_found", "check_cable")
            return
        known = {**PROBLEMS, **self._plan.problems}
        status, next_step = known.get(reason, (None, "wait"))
        self._tell(status or lost, reason if reason in known else "reader_stopped", next_step)

    def _port_is_missing(self) -> bool:
        return bool(self._plan.port) and not os.path.exists(self._plan.port)


def resident_bytes(pid: int) -> int:
    """Return how much memory a process holds (proc(5), statm, second field); 0 when it is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


@contextlib.contextmanager
def _ended(child: subprocess.Popen[bytes]) -> Iterator[None]:
    """Make sure that the child is gone and reaped afterwards: asked first, by the end of its input, then killed."""
    try:
        yield
    finally:
        if child.stdin is not None:
            child.stdin.close()
        try:
            child.wait(_CLOSE_S)
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGKILL)
            child.wait()
        if child.stdout is not None:
            child.stdout.close()
