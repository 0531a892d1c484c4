"""An open line to an ESC/POS printer: bytes out, answers in, and nothing that waits longer than it is told.

python-escpos opens the line; from then on its file is used without blocking, because that library's writes wait
for as long as a printer without paper likes, and its status calls take a late answer for the one just asked for.
Formats: Epson's ESC/POS command reference, DLE EOT (real-time status), GS r (status, answered in the order of the
data) and GS a (automatic status).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import socket
import struct
import termios
import time
from collections import deque
from typing import Any

from agent.drivers.facts import PrintProblem
from contract.making import dataclass

ASK_REAL_TIME = b"\x10\x04\x01\x10\x04\x02\x10\x04\x03\x10\x04\x04"
"""DLE EOT 1 to 4: printer, cause of being off-line, cause of an error, paper. Each is answered by one byte at once."""

ASK_IN_ORDER = b"\x1dr\x01"
"""GS r 1: paper. Answered by one byte, only when everything sent before it has been worked off."""

AUTOMATIC_STATUS_OFF = b"\x1da\x00"

PULSE_MS = 200


def pulse_at_once(pin: int) -> bytes:
    """DLE DC4 1 m t, t in tenths of a second: a pulse on a pin of the drawer's socket, whatever waits before it and
    though paper is out. Only printers that answer status requests know commands in real time.
    """
    return bytes((0x10, 0x14, 1, _PINS[pin], PULSE_MS // 100))


def pulse_in_order(pin: int) -> bytes:
    """ESC p m t1 t2, in 2 ms: the same for every printer, when everything before it is printed."""
    return bytes((0x1B, 0x70, _PINS[pin], PULSE_MS // 2, PULSE_MS // 2))


_PINS = {2: 0, 5: 1}


class LineLost(Exception):
    """The line to the printer is of no more use. `problem` is GONE, or NO_ANSWER when the printer fell silent."""

    def __init__(self, why: str, problem: PrintProblem = PrintProblem.GONE) -> None:
        super().__init__(why)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class PrinterState:
    """What a printer answered to DLE EOT 1 to 4."""

    cover_open: bool
    paper_out: bool
    paper_low: bool
    error: bool
    offline: bool

    @classmethod
    def from_answers(cls, printer: int, cause: int, error: int, paper: int) -> PrinterState:
        """Read the four status bytes."""
        return cls(
            cover_open=bool(cause & 0x04),
            paper_out=bool(paper & 0x60) or bool(cause & 0x20),
            paper_low=bool(paper & 0x0C),
            error=bool(cause & 0x40) or bool(error & 0x6C),
            offline=bool(printer & 0x08),
        )

    @property
    def problem(self) -> PrintProblem | None:
        """Why nothing can be printed now, or None. A printer off-line for a reason it does not name: no answer."""
        if self.paper_out:
            return PrintProblem.PAPER_OUT
        if self.cover_open:
            return PrintProblem.COVER_OPEN
        return PrintProblem.NO_ANSWER if self.error or self.offline else None


class AnswerSorter:
    """Tells apart what a printer sends, by the bits that ESC/POS fixes in each kind of answer.

    `real_time` and `in_order` collect the answers in the order they came; automatic status, flow control, longer
    answers and noise are dropped.
    """

    def __init__(self) -> None:
        self.real_time: deque[int] = deque()
        self.in_order: deque[int] = deque()
        self._skip = 0
        self._skip_to_nul = False

    def feed(self, data: bytes) -> None:
        """Take bytes from the printer."""
        for byte in data:
            if self._skip:
                self._skip -= 1
            elif self._skip_to_nul:
                self._skip_to_nul = byte != 0
            elif byte & 0x93 == 0x12:
                self.real_time.append(byte)
            elif byte & 0x93 == 0x10:
                self._skip = 3  # The first of the four bytes of automatic status.
            elif byte in (0x37, 0x5F):
                self._skip_to_nul = True  # A block answer, as to GS I or GS ( H.
            elif byte & 0x90 == 0:
                self.in_order.append(byte)


class PrinterPort:
    """One connection to a printer. Raises LineLost from every method when the line is lost.

    At most one real-time question is open at a time, and its answers are waited for before the next is asked: a
    printer answers in order, so a late answer is then still the answer to its own question.
    """

    def __init__(self, device: Any) -> None:
        """Take over the opened python-escpos printer `device`."""
        self._device = device
        self._fd: int = device.device.fileno()
        os.set_blocking(self._fd, False)
        if isinstance(device.device, socket.socket):
            device.device.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sorter = AnswerSorter()
        self._asked_real_time = 0
        self._asked_in_order = 0
        self._heard_s = time.monotonic()
        self._unsent = 0

    @property
    def fd(self) -> int:
        """The file, for poll(2)."""
        return self._fd

    @property
    def heard_s(self) -> float:
        """When the line last moved, in either direction, by the monotonic clock."""
        return self._heard_s

    @property
    def asking(self) -> bool:
        """Whether a real-time question still waits for its answers."""
        return self._asked_real_time > 0

    def send(self, data: bytes, timeout_s: float) -> int:
        """Hand bytes to the kernel and return how many it took within `timeout_s`; possibly none."""
        poll = select.poll()
        poll.register(self._fd, select.POLLOUT)
        poll.poll(timeout_s * 1000)
        try:
            sent = os.write(self._fd, data)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise LineLost(str(error)) from error
        self._heard_s = time.monotonic()
        return sent

    def send_all(self, data: bytes, timeout_s: float) -> None:
        """Send a short command whole. Raises LineLost when the kernel takes it not or in part only."""
        deadline_s = time.monotonic() + timeout_s
        while data and (left_s := deadline_s - time.monotonic()) > 0:
            data = data[self.send(data, left_s) :]
        if data:
            raise LineLost("the printer takes no more bytes", PrintProblem.NO_ANSWER)

    def unsent(self) -> int:
        """How many bytes still wait on this side of the line; 0 where the kernel cannot tell."""
        before = self._unsent
        try:
            self._unsent = int(struct.unpack("i", fcntl.ioctl(self._fd, termios.TIOCOUTQ, b"\0" * 4))[0])
        except OSError:
            self._unsent = 0
        if self._unsent < before:
            self._heard_s = time.monotonic()
        return self._unsent

    def ask_real_time(self, timeout_s: float) -> None:
        """Ask for the state, unless that question is open already; `state` has the answer."""
        if not self.asking:
            self.send_all(ASK_REAL_TIME, timeout_s)
            self._asked_real_time = 4

    def ask_in_order(self, timeout_s: float) -> None:
        """Ask for an answer that comes when everything before it is worked off; see `confirmed`."""
        self.send_all(ASK_IN_ORDER, timeout_s)
        self._asked_in_order += 1

    def listen(self, timeout_s: float) -> bool:
        """Wait for bytes and sort them; False when none came."""
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        if not poll.poll(max(timeout_s, 0) * 1000):
            return False
        try:
            data = os.read(self._fd, 256)
        except BlockingIOError:
            return False
        except OSError as error:
            raise LineLost(str(error)) from error
        if not data:
            raise LineLost("the printer closed the line")
        self._sorter.feed(data)
        self._heard_s = time.monotonic()
        if len(self._sorter.real_time) > self._asked_real_time or len(self._sorter.in_order) > self._asked_in_order:
            raise LineLost("the printer answered what was not asked", PrintProblem.NO_ANSWER)
        return True

    def state(self) -> PrinterState | None:
        """The answer to `ask_real_time`, once, when it is complete."""
        if not self._asked_real_time or len(self._sorter.real_time) < self._asked_real_time:
            return None
        answers = tuple(self._sorter.real_time)
        self._sorter.real_time.clear()
        self._asked_real_time = 0
        return PrinterState.from_answers(*answers)

    def confirmed(self) -> bool:
        """Whether every `ask_in_order` has been answered; the answers are then used up."""
        if not self._asked_in_order or len(self._sorter.in_order) < self._asked_in_order:
            return False
        self._sorter.in_order.clear()
        self._asked_in_order = 0
        return True

    def settle(self, quiet_s: float) -> None:
        """Wait until nothing has come for `quiet_s` while nothing is asked. Raises LineLost when something does."""
        while self.listen(quiet_s):
            continue

    def close(self) -> None:
        """Close the line at once; what the kernel had not sent on a serial line is dropped."""
        line, self._device.device = self._device.device, False
        # The library's close waits for the last byte to leave, which it never does while the printer holds it up.
        with contextlib.suppress(OSError, termios.error):
            termios.tcflush(self._fd, termios.TCOFLUSH)
        with contextlib.suppress(OSError, termios.error):
            line.close()
