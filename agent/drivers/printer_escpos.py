"""A receipt printer that speaks ESC/POS, through python-escpos: over TCP, a serial line, USB or a device file."""

from __future__ import annotations

import queue
import time
from collections import deque

from agent.drivers.device_thread import DeviceThread
from agent.drivers.facts import Emit, Fact, PrintFailed, PrintFinished, PrintProblem, Status
from agent.drivers.printer_commands import compile_paper, open_printer
from agent.drivers.printer_job import GUARD_S, SEND_S, Closed, PrinterJob
from agent.drivers.printer_options import PrinterEscposOptions
from agent.drivers.printer_port import (
    AUTOMATIC_STATUS_OFF,
    LineLost,
    PrinterPort,
    PrinterState,
    pulse_at_once,
    pulse_in_order,
)
from agent.drivers.report import Report
from agent.paper import Paper
from contract.making import dataclass

__all__ = ["PrinterEscpos", "PrinterEscposOptions"]

QUEUE_MOST_JOBS = 8
IDLE_S = 0.2
RETRY_S = 0.25
POLL_S = 1.0
EMIT_RETRY_S = 0.05

DRAWER_S = 3.0
"""An order to open the drawer that could not be given for so long is dropped: nobody expects it any more."""


@dataclass(frozen=True, slots=True)
class _Job:
    name: str
    paper: Paper
    queued_s: float


class PrinterEscpos:
    """Prints jobs one after the other in its own thread and tells once of each how it ended.

    PrintFinished: the printer itself said, after the last byte, that it has worked off everything and has paper, a
    closed cover and no error; or, not confirmed, that a printer that answers nothing was sent everything. A job of
    which nothing was sent is kept while the printer cannot print, for `keep_s`, and then failed with `maybe_printed`
    false. A job of which anything was sent is never sent again: while the printer says why it pauses it is followed,
    for `keep_s`, and a printer that goes on after new paper confirms it; a lost line or a silent printer ends it with
    `maybe_printed` true. DeviceStatus says meanwhile what the printer lacks. A drawer at the printer opens at once,
    whatever is being printed or waited for, and never later than `DRAWER_S`.
    """

    def __init__(self, name: str, options: PrinterEscposOptions, emit: Emit) -> None:
        self._name = name
        self._options = options
        self._emit = emit
        self._report = Report(name, emit)
        self._jobs: queue.Queue[_Job] = queue.Queue(QUEUE_MOST_JOBS)
        self._drawer_asked_s: deque[float] = deque(maxlen=1)
        self._job: _Job | None = None
        self._port: PrinterPort | None = None
        self._problem = PrintProblem.GONE
        self._looked_s = 0.0
        self._thread = DeviceThread(f"printer {name}", self._report, self._serve, RETRY_S)
        self._closing = self._thread.closing

    def print(self, job: str, paper: Paper) -> bool:
        """Queue a paper under a name of the caller's; never waits. False when the queue is full."""
        try:
            self._jobs.put_nowait(_Job(job, paper, time.monotonic()))
        except queue.Full:
            return False
        self._thread.ring()
        return True

    def open_drawer(self) -> bool:
        """Let the drawer at the printer spring open; never waits. False where there is none."""
        if not self._options.drawer:
            return False
        self._drawer_asked_s.append(time.monotonic())
        self._thread.ring()
        return True

    def start(self) -> None:
        """Begin; the printer may come later."""
        self._thread.start()

    def close(self) -> None:
        """End within a second, leaving what is queued unprinted; may be called again."""
        self._thread.close()

    def _serve(self) -> None:
        try:
            while not self._closing.is_set():
                try:
                    if self._job is None:
                        self._job = self._next_job()
                    self._step()
                except LineLost as lost:
                    self._lose(lost.problem)
        except Closed:
            return
        except Exception:
            self._give_up()
            raise
        finally:
            self._hang_up()

    def _next_job(self) -> _Job | None:
        """A job, for which a while is waited; None for something else to do. Raises LineLost."""
        if self._jobs.empty() and not self._drawer_asked_s:
            self._rest()
        try:
            return self._jobs.get_nowait()
        except queue.Empty:
            return None

    def _rest(self) -> None:
        """Wait for something to do: an order, a printer that hangs up, or the time to look after it."""
        port = self._port
        if port is None:
            self._thread.wait(timeout_s=IDLE_S)
        elif not self._options.answers:
            self._thread.wait()
        elif self._thread.wait(port.fd, self._looked_s + POLL_S - time.monotonic()):
            port.listen(0)

    def _step(self) -> None:
        """Print the job in hand if the printer can; without a job, look after the printer now and then, and for one
        that is not there all the time.
        """
        in_demand = self._job is not None or bool(self._drawer_asked_s)
        if not in_demand and self._port is not None and time.monotonic() - self._looked_s < POLL_S:
            return
        self._looked_s = time.monotonic()
        port = self._port = self._port or self._open()
        if port is not None:
            self._pulse(port)
        if port is None or not self._able(port):
            self._expire()
            self._closing.wait(RETRY_S)
        elif self._job is not None:
            self._print(port, self._job)

    def _drawer_waits(self) -> bool:
        """Whether the drawer was asked for just now."""
        return bool(self._drawer_asked_s) and time.monotonic() - self._drawer_asked_s[0] < DRAWER_S

    def _pulse(self, port: PrinterPort) -> None:
        """Open the drawer if that was asked for just now. No half of a command may be on its way."""
        try:
            # Taken in one step: an order that is given meanwhile stays for the next time.
            asked_s = self._drawer_asked_s.popleft()
        except IndexError:
            return
        if time.monotonic() - asked_s < DRAWER_S:
            # A printer that answers nothing is not asked to hurry: it may not know how, and would print the bytes.
            pulse = pulse_at_once if self._options.answers else pulse_in_order
            port.send_all(pulse(self._options.drawer), SEND_S)

    def _open(self) -> PrinterPort | None:
        try:
            port = PrinterPort(open_printer(self._options))
        except ImportError:
            self._report.say(Status.CONFIG_ERROR, "library_missing", "install_library")
            return None
        except OSError as error:
            self._problem = PrintProblem.GONE
            self._report.say_refused(error)
            return None
        if self._options.answers:
            port.settle(GUARD_S)
            port.send_all(AUTOMATIC_STATUS_OFF, SEND_S)
        return port

    def _able(self, port: PrinterPort) -> bool:
        """Ask the printer how it is and report it; whether it can print. Raises LineLost when it stays silent."""
        if not self._options.answers:
            self._report.say(Status.READY, "unconfirmed")
            return True
        port.ask_real_time(SEND_S)
        deadline_s = time.monotonic() + SEND_S
        while (state := port.state()) is None:
            if time.monotonic() > deadline_s or self._closing.is_set():
                self._tell_silence()
                if time.monotonic() - port.heard_s > self._options.silence_s:
                    raise LineLost("the printer is silent", PrintProblem.NO_ANSWER)
                return False
            port.listen(SEND_S / 5)
        if self._job is not None:
            port.settle(GUARD_S)
        self._tell(state)
        return state.problem is None

    def _print(self, port: PrinterPort, job: _Job) -> None:
        run = PrinterJob(port, self._options, self._closing, self._tell, lambda: self._pulse(port), self._drawer_waits)
        outcome = run.run(compile_paper(job.paper, self._options))
        self._job = None
        if outcome.problem is None:
            self._deliver(PrintFinished(self._name, job.name, confirmed=self._options.answers))
            return
        self._deliver(PrintFailed(self._name, job.name, outcome.problem, maybe_printed=outcome.begun))
        if self._options.answers:
            # What the printer still owes of this job must not be taken for an answer to the next.
            self._hang_up()
            if outcome.problem in (PrintProblem.GONE, PrintProblem.NO_ANSWER):
                self._lose(outcome.problem)

    def _expire(self) -> None:
        """Fail the job in hand when it has waited for `keep_s`; nothing of it was sent."""
        job = self._job
        if job is not None and time.monotonic() - job.queued_s > self._options.keep_s:
            self._job = None
            self._deliver(PrintFailed(self._name, job.name, self._problem, maybe_printed=False))

    def _give_up(self) -> None:
        """Fail the job at which this program failed: it would fail again, and how much of it was sent is not known."""
        job, self._job = self._job, None
        if job is not None:
            self._deliver(PrintFailed(self._name, job.name, PrintProblem.DRIVER_FAULT, maybe_printed=True))

    def _lose(self, problem: PrintProblem) -> None:
        """Give the line up and say why; it is opened again after a while."""
        self._hang_up()
        self._problem = problem
        if problem is PrintProblem.NO_ANSWER:
            self._tell_silence()
        else:
            self._report.say_lost()
        self._expire()
        self._closing.wait(RETRY_S)

    def _hang_up(self) -> None:
        port, self._port = self._port, None
        if port is not None:
            port.close()

    def _tell(self, state: PrinterState) -> None:
        self._problem = state.problem or self._problem
        if state.paper_out:
            self._report.say(Status.SELF_CHECK_FAILED, "paper_out", "load_paper")
        elif state.cover_open:
            self._report.say(Status.SELF_CHECK_FAILED, "cover_open", "close_cover")
        elif state.problem is not None:
            self._report.say(Status.SELF_CHECK_FAILED, "printer_error", "restart_printer")
        elif state.paper_low:
            self._report.say(Status.READY, "paper_low", "load_paper_soon")
        else:
            self._report.say(Status.READY)

    def _tell_silence(self) -> None:
        self._problem = PrintProblem.NO_ANSWER
        self._report.say(Status.SELF_CHECK_FAILED, "no_answer", "check_printer")

    def _deliver(self, fact: Fact) -> None:
        """Tell how a job ended; a full mailbox is waited for, because nobody else can tell it."""
        while not self._emit(fact) and not self._closing.wait(EMIT_RETRY_S):
            continue
