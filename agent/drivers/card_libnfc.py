"""The card reader through libnfc: keeps a child process that talks to the reader, and tells the till what it says.

libnfc can abort() its process, and a hung one cannot be interrupted; so it has a process of its own
(card_libnfc_child.py), and this side restarts it. Reasons it gives in DeviceStatus, with their next steps:
`not_found`, `unplugged` (check_cable), `no_permission` (check_access), `in_use` (close_other_program),
`library_missing` (install_libnfc), `reader_silent`, `reader_garbled` (check_reader),
`reader_aborted`, `reader_hung`, `reader_stopped` (wait).
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
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from agent.drivers.device_thread import CLOSE_S, DeviceThread
from agent.drivers.facts import CardKind, CardPresented, CardProblem, CardRefused, Emit, Fact, Status
from agent.drivers.libnfc_reader import Connstring
from agent.drivers.options import seconds
from agent.drivers.report import Report
from contract import settings

_CHILD_MODULE = "agent.drivers.card_libnfc_child"
_PORT_POLL_S = 0.25
_FIRST_WORD_TIMEOUT_S = 10.0
"""A process on a slow board needs some seconds until it can say anything."""
_RESTART_DELAYS_S = (0.1, 0.3, 1.0, 2.0)
_WELL_AFTER_S = 10.0
"""A child that has worked for so long begins the delays anew."""
_CLOSE_TIMEOUT_S = 0.6
_LINE_LIMIT_BYTES = 65_536

_PROBLEMS = {
    "no_permission": (Status.CONFIG_ERROR, "check_access"),
    "library_missing": (Status.CONFIG_ERROR, "install_libnfc"),
    "in_use": (Status.SELF_CHECK_FAILED, "close_other_program"),
    "reader_silent": (None, "check_reader"),
    "reader_garbled": (None, "check_reader"),
    "reader_aborted": (None, "wait"),
    "reader_hung": (None, "wait"),
    "reader_stopped": (None, "wait"),
}
"""Reason to status and next step; where the status is None, it is GONE if the reader was ready once, else MISSING."""


@dataclass(frozen=True, slots=True)
class CardLibnfcOptions:
    """Which reader, and how long to wait for it.

    `connstring` is as libnfc writes it, `child_timeout_s` the silence after which the child is killed, `poll_s` the
    pause between two looks at the field, `restart_limit_s` the longest pause before a lost child is replaced.
    """

    connstring: str
    child_timeout_s: float = 3.0
    poll_s: float = 0.06
    restart_limit_s: float = 2.0

    @classmethod
    def from_table(cls, table: Mapping[str, object]) -> CardLibnfcOptions:
        """Read a table of options. Raises SettingsError that names every mistake."""
        shape = settings.Table(
            {
                "connstring": settings.Setting(
                    _is_connstring,
                    "a connection string of libnfc with the port's absolute path, such as pn532_uart:/dev/ttyS0",
                    "libnfc 的连接串，端口写绝对路径，例如 pn532_uart:/dev/ttyS0",
                ),
                "child_timeout_s": seconds(3.0, 1.0, 60.0),
                "poll_s": seconds(0.06, 0.01, 1.0),
                "restart_limit_s": seconds(2.0, 0.1, 60.0),
            }
        )
        return cls(**settings.read(table, shape))


def _is_connstring(value: object) -> bool:
    try:
        Connstring.parse(value if isinstance(value, str) else "")
    except ValueError:
        return False
    return True


class CardLibnfc:
    """Emits CardPresented once for each card that comes, CardRefused for one that cannot be used."""

    def __init__(self, name: str, options: CardLibnfcOptions, emit: Emit) -> None:
        self._name = name
        self._options = options
        self._emit = emit
        self._port = Connstring.parse(options.connstring).port
        self._report = Report(name, emit)
        self._now: tuple[Status, str, str] | None = None
        self._was_ready = False
        self._wake: int | None = None
        self._thread = DeviceThread(f"{name} libnfc", self._report, self._supervise, _RESTART_DELAYS_S[0])
        self._closing = self._thread.closing

    def start(self) -> None:
        """Begin watching; the reader may come later."""
        self._wake = os.eventfd(0, os.EFD_CLOEXEC)
        self._thread.start()

    def close(self) -> None:
        """End, and leave no child behind; within a second; may be called again."""
        self._closing.set()
        if self._wake is None:
            return
        os.eventfd_write(self._wake, 1)
        # At worst a child is on its way out of its own accord, and then still has to be killed.
        self._thread.close(2 * _CLOSE_TIMEOUT_S + CLOSE_S)
        os.close(self._wake)
        self._wake = None

    def _supervise(self) -> None:
        """Run one child after another until the driver is closed."""
        failures = 0
        while not self._closing.is_set():
            if self._port and not os.path.exists(self._port):
                self._tell_lost("reader_gone")
                failures = 0
                self._closing.wait(_PORT_POLL_S)
                continue
            started_s = time.monotonic()
            reason = self._run_child()
            if self._closing.is_set():
                return
            self._tell_lost(reason)
            failures = 1 if time.monotonic() - started_s > _WELL_AFTER_S else failures + 1
            delay_s = _RESTART_DELAYS_S[min(failures, len(_RESTART_DELAYS_S)) - 1]
            self._closing.wait(min(delay_s, self._options.restart_limit_s))

    def _run_child(self) -> str:
        """Run a child to its end, and return the reason of it."""
        command = [sys.executable, "-m", _CHILD_MODULE, "--connstring", self._options.connstring]
        command += ["--poll-s", str(self._options.poll_s)]
        try:
            child = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                cwd=Path(__file__).parents[2],
                # What libnfc would say of each failed command, the reasons say already.
                env={"LIBNFC_LOG_LEVEL": "0", **os.environ},
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
                child.wait(_CLOSE_TIMEOUT_S)
            return "reader_aborted" if (child.returncode or 0) < 0 else "reader_stopped"

    def _listen(self, child: subprocess.Popen[bytes]) -> str | None:
        """Pass on what the child says until it ends or is to be ended; return the reason, or None if it did not say."""
        assert child.stdout is not None and self._wake is not None
        poll = select.poll()
        poll.register(child.stdout, select.POLLIN)
        poll.register(self._wake, select.POLLIN)
        buffer, timeout_s = b"", _FIRST_WORD_TIMEOUT_S
        while True:
            ready = dict(poll.poll(timeout_s * 1000))
            if self._wake in ready:
                return None
            if not ready:
                return "reader_hung"
            data = os.read(child.stdout.fileno(), 4096)
            if not data or len(buffer) > _LINE_LIMIT_BYTES:
                return None
            timeout_s = self._options.child_timeout_s
            *lines, buffer = (buffer + data).split(b"\n")
            for line in lines:
                try:
                    reason = self._take(line)
                except (ValueError, KeyError, TypeError):
                    return "reader_stopped"
                if reason is not None:
                    return reason

    def _take(self, line: bytes) -> str | None:
        """Act on one line; return the reason when it says that the reader is lost. Raises for a line it cannot read."""
        said = json.loads(line)
        match said["t"]:
            case "ready":
                self._was_ready = True
                self._tell(Status.READY)
            case "beat":
                # A report that found the mailbox full is told now.
                if self._now is not None:
                    self._report.say(*self._now)
            case "lost":
                return str(said["reason"])
            case _:
                self._emit(_fact(self._name, said))
        return None

    def _tell(self, status: Status, reason: str = "", next_step: str = "") -> None:
        self._now = (status, reason, next_step)
        self._report.say(*self._now)

    def _tell_lost(self, reason: str) -> None:
        lost = Status.GONE if self._was_ready else Status.MISSING
        # Whatever it looked like from the child: without its port the reader has been unplugged.
        if reason == "reader_gone" or (self._port and not os.path.exists(self._port)):
            self._tell(lost, "unplugged" if self._was_ready else "not_found", "check_cable")
            return
        status, next_step = _PROBLEMS.get(reason, (None, "wait"))
        self._tell(status or lost, reason if reason in _PROBLEMS else "reader_stopped", next_step)


def _fact(device: str, said: Mapping[str, object]) -> Fact:
    """Make a fact of what the child said. Raises ValueError."""
    match said:
        case {"t": "refused", "reason": str(reason)}:
            return CardRefused(device, CardProblem(reason))
        case {"t": "card", "kind": str(kind), "uid": str(uid), "seen_ns": int(seen_ns), "content": content}:
            carried = bytes.fromhex(content) if isinstance(content, str) else None
            return CardPresented(device, CardKind(kind), bytes.fromhex(uid), seen_ns, carried)
    raise ValueError("no such line")


@contextlib.contextmanager
def _ended(child: subprocess.Popen[bytes]) -> Iterator[None]:
    """Make sure that the child is gone and reaped afterwards: asked first, by the end of its input, then killed."""
    try:
        yield
    finally:
        if child.stdin is not None:
            child.stdin.close()
        try:
            child.wait(_CLOSE_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGKILL)
            child.wait()
        if child.stdout is not None:
            child.stdout.close()
