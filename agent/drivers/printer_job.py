"""One job's conversation with a printer: what is sent, what is asked, and when a paper counts as printed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator

from agent.drivers.facts import PrintProblem
from agent.drivers.printer_options import PrinterEscposOptions
from agent.drivers.printer_port import LineLost, PrinterPort, PrinterState
from contract.making import dataclass

SEND_S = 0.5
TICK_S = 0.1
ASK_EVERY_S = 0.5
ASK_EVERY_BYTES = 1024
"""After so much of a paper the printer is asked how it is: the smallest ones hold 4 KB that they cannot print."""

GUARD_S = 0.05
"""How long the line must be quiet after an answer for it to be believed the only one."""

BAUD_A_BYTE = 10
"""8 bits, one before and one after them."""

LEAD_BYTES = 4096
"""So much of a paper may be on its way where a second's worth is not known: what comes after it is kept here, so that
an order for the drawer finds its way between two commands.
"""

GROUP_BYTES = 512
"""Commands are sent together up to so many bytes: a receipt is a few packets, not one for each line."""

WAY_S = 0.02
"""How often it is looked whether the line has room."""

CONFIRM_SILENCES = 6
"""A printer that is well and still does not confirm is given this many times `silence_s`: it has forgotten the job."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job ended: well when `problem` is None. `begun`: whether any byte of it may have reached the printer."""

    problem: PrintProblem | None
    begun: bool


class Closed(Exception):
    """The driver is being closed in the midst of a job."""


class PrinterJob:
    """Prints the bytes of one job over an open port, once.

    The order of things: a question that is answered in order (GS r) proves that the printer works off what it gets
    and owes no older answer; then the job's bytes; then the same question again, whose answer proves that every byte
    before it was worked off; then the real-time state (DLE EOT), which must be good. Only then is a paper printed. Of
    a printer that answers nothing only the bytes are seen off. `tell` gets every state the printer answers meanwhile;
    `between` is called, also again and again, wherever a command of its own may be sent now: where neither half a
    command nor anything else lies on this side of the line, for which it could wait. `waits` says that there is one.
    """

    def __init__(
        self,
        port: PrinterPort,
        options: PrinterEscposOptions,
        closing: threading.Event,
        tell: Callable[[PrinterState], None],
        between: Callable[[], None] = lambda: None,
        waits: Callable[[], bool] = lambda: False,
    ) -> None:
        self._port = port
        self._options = options
        self._closing = closing
        self._tell = tell
        self._between = between
        self._waits = waits
        self._lead_bytes = options.baud // BAUD_A_BYTE if options.connection == "serial" else LEAD_BYTES
        self._sent = 0

    def run(self, pieces: Iterable[bytes]) -> Outcome:
        """Print what consists of these pieces, each of whole commands. Raises LineLost only while nothing was sent, and
        Closed.
        """
        try:
            if self._options.answers:
                self._barrier()
            follow = self._follow if self._options.answers else self._drain
            return Outcome(self._feed(pieces) or follow(), begun=True)
        except LineLost as lost:
            if not self._sent:
                raise
            return Outcome(lost.problem, begun=True)

    def _barrier(self) -> None:
        self._port.ask_in_order(SEND_S)
        begun_s = time.monotonic()
        while not self._port.confirmed():
            self._listen()
            if time.monotonic() - begun_s > self._options.silence_s:
                raise LineLost("the printer does not work off its data", PrintProblem.NO_ANSWER)
        self._port.settle(GUARD_S)

    def _feed(self, pieces: Iterable[bytes]) -> PrintProblem | None:
        """Send everything; None when it went. A printer that says meanwhile that it cannot print is sent no more until
        it can again, for `keep_s`: what it has taken by then it holds, and the line stays free for questions.
        """
        asked_bytes = 0
        for group in _grouped(pieces):
            if not self._make_way():
                return PrintProblem.NO_ANSWER
            if self._options.answers and self._sent - asked_bytes >= ASK_EVERY_BYTES:
                asked_bytes = self._sent
                if problem := self._wait_until_well():
                    return problem
            if not self._send(group):
                return PrintProblem.NO_ANSWER
        return None

    def _wait_until_well(self) -> PrintProblem | None:
        """Ask how the printer is until it can print; what it lacks, where it did for `keep_s`."""
        begun_s = time.monotonic()
        while True:
            self._port.ask_real_time(SEND_S)
            state = self._wait_for_state()
            self._tell(state)
            if state.problem is None or time.monotonic() - begun_s > self._options.keep_s:
                return state.problem
            again_s = time.monotonic() + ASK_EVERY_S
            while time.monotonic() < again_s:
                self._listen()

    def _make_way(self) -> bool:
        """Between two commands: wait for what is before us, all of it for an order of the driver's own; False when the
        printer stopped taking bytes.
        """
        while self._port.unsent() > (0 if self._waits() else self._lead_bytes):
            self._check_open()
            if time.monotonic() - self._port.heard_s > self._options.silence_s:
                return False
            self._closing.wait(WAY_S)
        if self._port.unsent() == 0:
            self._between()
        return True

    def _send(self, piece: bytes) -> bool:
        """Send a piece whole; False when the printer stopped taking bytes."""
        moved_s = time.monotonic()
        while piece:
            self._check_open()
            if taken := self._port.send(piece, TICK_S):
                self._sent += taken
                piece = piece[taken:]
                moved_s = time.monotonic()
            elif time.monotonic() - moved_s > self._options.silence_s:
                if not self._sent:
                    raise LineLost("the printer takes no bytes", PrintProblem.NO_ANSWER)
                return False
        return True

    def _follow(self) -> PrintProblem | None:
        """Wait for the printer's word after the last byte; None when all is well."""
        self._port.ask_in_order(self._options.silence_s)
        begun_s = well_s = asked_s = time.monotonic()
        problem: PrintProblem | None = None
        while not self._port.confirmed():
            now_s = time.monotonic()
            if now_s - asked_s > ASK_EVERY_S and self._port.unsent() == 0:
                self._port.ask_real_time(SEND_S)
                asked_s = now_s
            self._listen()
            if state := self._port.state():
                self._tell(state)
                problem = state.problem
            if problem is not None or self._port.unsent():
                well_s = now_s
            if now_s - self._port.heard_s > self._options.silence_s:
                return PrintProblem.NO_ANSWER
            if now_s - well_s > CONFIRM_SILENCES * self._options.silence_s:
                return PrintProblem.NO_ANSWER
            if now_s - begun_s > self._options.keep_s and problem is not None:
                return problem
        return self._final_state().problem

    def _drain(self) -> PrintProblem | None:
        """Wait until nothing of the job lies on this side of the line; of a printer that never answers that is all."""
        while self._port.unsent():
            self._check_open()
            if time.monotonic() - self._port.heard_s > self._options.silence_s:
                return PrintProblem.NO_ANSWER
            self._closing.wait(TICK_S)
        return None

    def _final_state(self) -> PrinterState:
        """The printer's state asked now; an older question that is still open is waited for first."""
        if self._port.asking:
            self._wait_for_state()
        self._port.ask_real_time(SEND_S)
        state = self._wait_for_state()
        self._port.settle(GUARD_S)
        self._tell(state)
        return state

    def _wait_for_state(self) -> PrinterState:
        while (state := self._port.state()) is None:
            self._listen()
            if time.monotonic() - self._port.heard_s > self._options.silence_s:
                raise LineLost("the printer is silent", PrintProblem.NO_ANSWER)
        return state

    def _listen(self) -> None:
        self._check_open()
        if self._port.unsent() == 0:
            self._between()
        self._port.listen(TICK_S)

    def _check_open(self) -> None:
        if self._closing.is_set():
            raise Closed


def _grouped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    group = b""
    for piece in pieces:
        if group and len(group) + len(piece) > GROUP_BYTES:
            yield group
            group = b""
        group += piece
    yield group
