"""A device's own process, seen from the till: started, heard, and replaced whatever becomes of it.

A library that can abort() its process, or hang where nobody can interrupt it, gets a process of its own. That process
says lines of JSON (own_process.py has its end of it): `{"t":"ready","reason":code,"next_step":code}`, with both empty
or left out when all is well, `{"t":"down","reason":code}` while it waits by itself for what it needs,
`{"t":"beat","idle":bool}` at least twice a second (idle: nothing lies there), `{"t":"lost","reason":code}` as its last
one, and anything else for the driver. Reasons that come from here, with their next steps: `not_found`, `unplugged`
(check_cable), `reader_aborted`, `reader_hung`, `reader_stopped` (wait), `reader_stuck` (replug_or_restart). What the
process says of itself is looked up in `PROBLEMS`, to which a driver adds its own.

A process that waits in the kernel for its device (state D of proc(5)) does not heed SIGKILL and holds the device. It
is kept and its loss told; another is started once it has ended.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import field
from pathlib import Path

from agent.drivers.device_thread import DeviceThread
from agent.drivers.facts import Emit, Fact, Status
from agent.drivers.report import Report
from contract.making import dataclass

FIRST_WORD_S = 10.0
"""A process on a slow board needs some seconds until it can say anything."""
RESIDENT_LIMIT_BYTES = 96 * 1024 * 1024
"""Three times what a reader's process needs after its start."""

_PORT_POLL_S = 0.25
_RESTART_DELAYS_S = (0.0, 0.3, 1.0, 2.0)
"""One that ended for the first time in a while is replaced at once, and only one that ends again and again is not."""
_WELL_AFTER_S = 10.0
"""A process that has worked for so long begins the delays anew."""
_CLOSE_S = 0.6
"""How long a process that was asked to end may take before it is killed."""
_KILLED_S = 0.2
"""How long one that was killed is waited for on closing; together with `_CLOSE_S` less than a driver has to close."""
_KILLED_LOOKS = 10
"""While the till runs it is waited for so many times as long: a busy machine is no device that holds a process."""
_LINE_LIMIT_BYTES = 65_536
_EMPTY_BEATS = 2
"""After so many idle beats in a row nothing lies there any more: a new process may miss a card at its first look."""
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
    "reader_stuck": (None, "replug_or_restart"),
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
    in the child's thread, before another is tried; what it returns, if something, is reported. `same` says of two facts
    that they tell of one thing: what lay there when a process went is not told again by the next one.
    """

    def __init__(
        self,
        device: str,
        plan: ChildPlan,
        emit: Emit,
        fact_of: Callable[[str, Said], Fact],
        before_restart: Callable[[str], tuple[Status, str, str] | None] = lambda _reason: None,
        same: Callable[[Fact, Fact], bool] = lambda _one, _other: False,
    ) -> None:
        self._device = device
        self._plan = plan
        self._emit = emit
        self._fact_of = fact_of
        self._before_restart = before_restart
        self._same = same
        self._lying: Fact | None = None
        self._empty_beats = 0
        self._begun_anew = False
        self._report = Report(device, emit)
        self._was_ready = False
        self._serves = False
        self._held: subprocess.Popen[bytes] | None = None
        self._thread = DeviceThread(f"{device} process", self._report, self._supervise, _PORT_POLL_S)
        self._closing = self._thread.closing

    def start(self) -> None:
        """Begin; the device may come later."""
        self._thread.start()

    def close(self) -> None:
        """End, within a second; may be called again. No process is left behind but one that the kernel holds: that one
        is killed already, and ends when the kernel lets it go.
        """
        self._thread.close()

    def is_reaped(self) -> bool:
        """Whether no process is left that the kernel holds; once closed, for whoever goes on and would leave none."""
        if self._held is not None and self._held.poll() is not None:
            self._held = None
        return self._held is None

    def _supervise(self) -> None:
        """Run one process after another until closed."""
        failures = 0
        while not self._closing.is_set():
            if self._port_is_missing():
                self._tell_lost("reader_gone")
                failures = 0
                self._closing.wait(_PORT_POLL_S)
                continue
            if not self.is_reaped():
                self._tell_lost("reader_stuck")
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
                    self._report.say(*trouble)

    def _run(self) -> str:
        """Run a process to its end, and return the reason of it."""
        self._serves, self._begun_anew = False, True
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
        reason = None
        try:
            reason = self._listen(child)
        finally:
            signalled = self._end(child, at_once=reason == "reader_hung")
        if self._held is not None:
            return "reader_stuck"
        return reason or ("reader_aborted" if signalled else "reader_stopped")

    def _end(self, child: subprocess.Popen[bytes], at_once: bool) -> bool:
        """See a process to its end: ask it, by the end of its input, then kill it; one that even so does not go is
        kept. Returns whether a signal had ended it before that.
        """
        assert child.stdin is not None and child.stdout is not None
        child.stdin.close()
        killed = at_once or not _has_ended(child, _CLOSE_S)
        if killed:
            child.kill()
            if not self._goes(child):
                self._held = child
        child.stdout.close()
        return not killed and child.returncode < 0

    def _goes(self, child: subprocess.Popen[bytes]) -> bool:
        """Whether one that was killed goes."""
        for _ in range(_KILLED_LOOKS):
            if _has_ended(child, _KILLED_S):
                return True
            if self._closing.is_set():
                break
        return False

    def _listen(self, child: subprocess.Popen[bytes]) -> str | None:
        """Pass on what the process says until it ends or is to end; return the reason, or None if it did not say."""
        assert child.stdout is not None
        buffer, quiet_until_s = b"", time.monotonic() + FIRST_WORD_S
        while True:
            said = self._thread.wait(child.stdout.fileno(), quiet_until_s - time.monotonic())
            if self._closing.is_set():
                return None
            if not said:
                if time.monotonic() >= quiet_until_s:
                    return "reader_hung"
                # Woken to tell a report again that found the mailbox full.
                continue
            data = os.read(child.stdout.fileno(), 4096)
            if not data or len(buffer) > _LINE_LIMIT_BYTES:
                return None
            quiet_until_s = time.monotonic() + self._plan.silence_s
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
                self._report.say(Status.READY, str(said.get("reason", "")), str(said.get("next_step", "")))
            case "beat":
                self._empty_beats = self._empty_beats + 1 if said.get("idle") is True else 0
                if self._empty_beats >= _EMPTY_BEATS:
                    self._lying = None
                limit = self._plan.resident_limit_bytes * (1 if said.get("idle", True) else 2)
                return _RENEWED if self._serves and resident_bytes(pid) > limit else None
            case "down":
                self._begun_anew = True
                self._tell_lost(str(said["reason"]))
            case "lost":
                return str(said["reason"])
            case _:
                self._pass_on(self._fact_of(self._device, said))
        return None

    def _pass_on(self, fact: Fact) -> None:
        """Emit what happened, unless it is what lay there when the process before this one, or its service, went."""
        known = self._begun_anew and self._lying is not None and self._same(self._lying, fact)
        self._begun_anew, self._empty_beats = False, 0
        if not known:
            # What found no room, or nobody to take it, was not told.
            self._lying = None
            if self._emit(fact):
                self._lying = fact

    def _tell_lost(self, reason: str) -> None:
        lost = Status.GONE if self._was_ready else Status.MISSING
        # Whatever it looked like from the process: without its port the device has been unplugged.
        if reason == "reader_gone" or self._port_is_missing():
            self._report.say(lost, "unplugged" if self._was_ready else "not_found", "check_cable")
            return
        known = {**PROBLEMS, **self._plan.problems}
        status, next_step = known.get(reason, (None, "wait"))
        self._report.say(status or lost, reason if reason in known else "reader_stopped", next_step)

    def _port_is_missing(self) -> bool:
        return bool(self._plan.port) and not os.path.exists(self._plan.port)


def resident_bytes(pid: int) -> int:
    """Return how much memory a process holds (proc(5), statm, second field); 0 when it is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _has_ended(child: subprocess.Popen[bytes], within_s: float) -> bool:
    """Whether it is gone and reaped within that time."""
    try:
        child.wait(within_s)
    except subprocess.TimeoutExpired:
        return False
    return True
