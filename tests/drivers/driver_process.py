"""A driver in a process of its own, as the till's is one: it can be killed and begun anew while its device stays.

Pictures and papers go to it, and facts come from it, as pickles over a pipe between a test and its own child.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import threading
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from agent.drivers.facts import Emit
from agent.drivers.table import open_driver


class DriverProcess:
    """Does what the driver of the table does, in another process. What is asked of one that was killed is lost."""

    def __init__(self, emit: Emit, capability: str, technology: str, options: dict[str, object]) -> None:
        self._emit = emit
        self._which = (capability, technology, options)
        self._process: BaseProcess | None = None
        self._line: Connection | None = None
        self._hearing: threading.Thread | None = None

    @property
    def pid(self) -> int:
        """The number of its process, 0 for none."""
        return self._process.pid or 0 if self._process else 0

    def start(self) -> None:
        """Begin, also anew after `kill`."""
        spawning = multiprocessing.get_context("spawn")
        self._line, theirs = spawning.Pipe()
        self._process = spawning.Process(target=_serve, args=(theirs, *self._which), daemon=True)
        self._process.start()
        theirs.close()
        self._hearing = threading.Thread(target=self._hear, args=(self._line,), daemon=True)
        self._hearing.start()

    def kill(self) -> None:
        """End it as SIGKILL does; nothing it had in hand is finished."""
        if self._process is not None:
            self._process.kill()
        self._end()

    def close(self) -> None:
        """Have the driver close, and its process end; may be called again."""
        self._ask("close")
        self._end()

    def show(self, picture: object) -> None:
        """Have it shown."""
        self._ask("show", picture)

    def print(self, job: str, paper: object) -> None:
        """Have it printed."""
        self._ask("print", job, paper)

    def _ask(self, what: str, *arguments: object) -> None:
        if self._line is not None:
            with contextlib.suppress(OSError):
                self._line.send((what, arguments))

    def _hear(self, line: Connection) -> None:
        with contextlib.suppress(EOFError, OSError):
            while True:
                self._emit(line.recv())

    def _end(self) -> None:
        process, line, hearing = self._process, self._line, self._hearing
        self._process = self._line = self._hearing = None
        if process is None or line is None or hearing is None:
            return
        process.join()
        hearing.join()
        line.close()


def _serve(line: Connection, capability: str, technology: str, options: dict[str, object]) -> None:
    """What the process does: the driver's own threads are beside this one."""
    sending = threading.Lock()

    def emit(fact: object) -> bool:
        with sending:
            line.send(fact)
        return True

    driver = open_driver(capability, technology, capability, options, emit)
    driver.start()
    what = ""
    while what != "close":
        try:
            what, arguments = line.recv()
        except EOFError:
            return
        getattr(driver, what)(*arguments)
