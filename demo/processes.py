"""The demo's child processes: started in order, watched, killed on request, stopped in reverse."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from contract.said import SaidError

STOP_TIMEOUT_S = 5.0
POLL_S = 0.02


class ProcessError(SaidError):
    """A part of the demo did not start or did not stay: what to do next, and the end of its ``log``, in both
    languages.
    """

    def __init__(self, zh: str, en: str, log: str = "") -> None:
        super().__init__(f"{zh}\n{log}".rstrip(), f"{en}\n{log}".rstrip())


class Process:
    """One child process with its log file. ``start`` may be called again after ``kill`` or ``stop``."""

    def __init__(self, name: str, command: Sequence[str], log: Path, env: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.log = log
        self._command = tuple(command)
        self._env = {**os.environ, **(env or {})}
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._child.pid if self._child is not None and self._child.poll() is None else None

    def start(self) -> None:
        """Start the process, unless it runs already; its output is appended to the log."""
        if self.pid is not None:
            return
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._env,
                start_new_session=True,
            )

    def kill(self) -> None:
        """End the process with SIGKILL and wait until it is gone."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask the process to end (SIGTERM); kill it when it does not within ``STOP_TIMEOUT_S``."""
        self._end(signal.SIGTERM)

    def require_alive(self) -> None:
        """Raise ProcessError with the end of the log when the process has ended."""
        if self.pid is None:
            raise ProcessError(
                f"{self.name} 没有在运行。请看日志 {self.log} 的结尾：",
                f"{self.name} is not running. See the end of its log {self.log}:",
                self.log_tail(),
            )

    def log_tail(self, lines: int = 15) -> str:
        """The last lines the process wrote."""
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return "(no log)"

    def _end(self, how: signal.Signals) -> None:
        child = self._child
        if child is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(child.pid, how)
        try:
            child.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        self._child = None


def free_port() -> int:
    """A TCP port on 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(process: Process, port: int, timeout_s: float) -> None:
    """Wait until somebody listens on ``port``. Raises ProcessError when ``process`` ends or the time is up."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        process.require_alive()
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(POLL_S)
    raise ProcessError(
        f"{process.name} 过了 {timeout_s:g} 秒还没有监听。请看日志 {process.log} 的结尾：",
        f"{process.name} does not listen after {timeout_s:g} s. See the end of its log {process.log}:",
        process.log_tail(),
    )
