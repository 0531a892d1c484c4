"""An NFC reader on a serial line: a PN532 that answers on a pty, well or, when told to, badly."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from simulator.faults import Fault, Faults, Met
from simulator.field import Field
from simulator.pn532_chip import WITH_STATUS_BYTE, BadCommandError, Chip, Reply, Waiting
from simulator.pn532_frames import (
    ACK_FRAME,
    ERROR_FRAME,
    Acknowledge,
    Command,
    FromHost,
    HostStream,
    NotAcknowledge,
    WakeUp,
    answer_frame,
)
from simulator.ports import Pty

_WAITING_POLL_S = 0.01
_ANSWERS_KEPT = 256


@dataclass(frozen=True, slots=True)
class CardAnswer:
    """An answer of a card that the reader passed on.

    `written_monotonic_ns` is CLOCK_MONOTONIC, in nanoseconds, just as the frame was put on the line as a whole.
    """

    uid: bytes
    command: int
    written_monotonic_ns: int


_SPOILED: dict[Fault, Callable[[bytes], bytes]] = {
    Fault.WRONG_CHECKSUM: lambda frame: frame[:-2] + bytes([frame[-2] ^ 0x55]) + frame[-1:],
    Fault.ERROR_FRAME: lambda _frame: ERROR_FRAME,
}


class Pn532:
    """The reader: `path` is the port to open, `field` is where cards are held to it.

    It runs in a thread of its own between `start` and `close`. Methods may be called from any thread.
    """

    def __init__(self, path: Path | str, slow_byte_gap_s: float = 0.02) -> None:
        """Keep the path of the port; nothing is opened yet. `slow_byte_gap_s` is for Fault.SLOW_BYTES."""
        self.port = Pty(path)
        self.field = Field()
        self._faults = Faults(slow_byte_gap_s)
        self._chip = Chip(self.field)
        self._stream = HostStream()
        self._waiting: _Pending | None = None
        self._last_frame = b""
        self._closing = threading.Event()
        self._cold = threading.Event()
        self._lock = threading.Lock()
        self._answers: deque[CardAnswer] = deque(maxlen=_ANSWERS_KEPT)
        self._commands = 0
        self._traffic_bytes = 0
        self._thread: threading.Thread | None = None

    @property
    def path(self) -> Path:
        """The port that the program under test opens."""
        return self.port.path

    @property
    def connstring(self) -> str:
        """What libnfc calls this reader."""
        return f"pn532_uart:{self.path}"

    def start(self) -> None:
        """Plug the reader in. Raises OSError."""
        self.port.plug()
        self._thread = threading.Thread(target=self._work, name=f"pn532 {self.path.name}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Unplug the reader and end its thread; may be called again."""
        self._closing.set()
        self.port.close()
        if self._thread is not None:
            self._thread.join()

    def unplug(self) -> None:
        """Pull the cable, which is also the supply."""
        self._cold.set()
        self.port.unplug()

    def replug(self) -> None:
        """Put the cable back; the chip starts anew and asleep."""
        self.port.replug()

    def fail(self, fault: Fault, times: int | None = None, command: int | None = None, after_bytes: int = 0) -> None:
        """Fail from now on: at the next `times` occasions (None: until `heal`), at any command or only at `command`;
        `after_bytes` of an answer the cable comes off, for Fault.DISCONNECT.
        """
        self._faults.fail(fault, times, command, after_bytes)

    def heal(self) -> None:
        """Work well again."""
        self._faults.heal()

    @property
    def failing(self) -> Fault | None:
        """The fault that the next fitting command will meet."""
        return self._faults.failing

    def fall_asleep(self) -> None:
        """Go to power-down without being told to, as chips do on a weak supply: only a wake-up is heard then."""
        self._chip.power_on()

    @property
    def asleep(self) -> bool:
        """Whether the chip is in its power-down."""
        return self._chip.asleep

    @property
    def commands(self) -> int:
        """How many commands have come from the host."""
        with self._lock:
            return self._commands

    @property
    def traffic_bytes(self) -> int:
        """How many bytes have gone over the line, both ways together."""
        with self._lock:
            return self._traffic_bytes

    @property
    def answers(self) -> tuple[CardAnswer, ...]:
        """The last answers of cards, oldest first."""
        with self._lock:
            return tuple(self._answers)

    def answered_before(self, monotonic_ns: int) -> CardAnswer | None:
        """Return the last answer of a card that was written by then, for measuring how long it took to be used."""
        return next((answer for answer in reversed(self.answers) if answer.written_monotonic_ns <= monotonic_ns), None)

    def _work(self) -> None:
        while not self._closing.is_set():
            if not self.port.wait_plugged(0.1):
                continue
            data = self.port.read(timeout_s=None if self._waiting is None else _WAITING_POLL_S)
            with self._lock:
                self._traffic_bytes += len(data)
            if self._cold.is_set():
                self._cold.clear()
                self._chip.power_on()
                self._stream = HostStream()
                self._waiting = None
            for said in self._stream.feed(data):
                self._hear(said)
            self._wait_on()

    def _hear(self, said: FromHost) -> None:
        match said:
            case WakeUp():
                self._chip.wake()
            case Acknowledge():
                self._waiting = None
            case NotAcknowledge():
                self._write(self._last_frame)
            case Command(data) if not self._chip.asleep:
                self._carry_out(data)

    def _carry_out(self, data: bytes) -> None:
        """Acknowledge a command, run it, and answer. A new command calls off one that still waits (6.2.2)."""
        self._waiting = None
        met = self._faults.meet(
            data[0], immune=lambda fault: fault is Fault.NAD_STATUS and data[0] not in WITH_STATUS_BYTE
        )
        with self._lock:
            self._commands += 1
        if met is not None and met.fault is Fault.SILENT:
            return
        self._write(ACK_FRAME)
        if met is not None and met.fault is Fault.NO_ANSWER:
            return
        try:
            result = self._chip.run(data)
        except BadCommandError:
            self._send(ERROR_FRAME, None)
            return
        if isinstance(result, Waiting):
            deadline_s = None if result.timeout_s is None else time.monotonic() + result.timeout_s
            self._waiting = _Pending(data[0], result, deadline_s, met)
            self._wait_on()
        else:
            self._answer(data[0], result, met)

    def _wait_on(self) -> None:
        """See whether a command that waits can be answered now."""
        pending = self._waiting
        if pending is None:
            return
        reply = pending.waiting.poll()
        if reply is None and pending.deadline_s is not None and time.monotonic() >= pending.deadline_s:
            reply = pending.waiting.otherwise
        if reply is not None:
            self._waiting = None
            self._answer(pending.command, reply, pending.met)

    def _answer(self, command: int, reply: Reply, met: Met | None) -> None:
        payload = reply.payload
        if met is not None and met.fault is Fault.NAD_STATUS:
            payload = bytes([payload[0] | 0x80]) + payload[1:]
        # Noted before it is written: the host may have read it before this thread runs again.
        if reply.card is not None:
            answer = CardAnswer(reply.card.uid, command, time.monotonic_ns())
            with self._lock:
                self._answers.append(answer)
        self._send(answer_frame(command, payload), met)

    def _write(self, data: bytes) -> None:
        # Counted before it is written: the host may have read it before this thread runs again.
        with self._lock:
            self._traffic_bytes += len(data)
        self.port.write(data)

    def _send(self, frame: bytes, met: Met | None) -> None:
        self._last_frame = frame
        self._faults.send(frame, met, self._write, self.unplug, _SPOILED, self._closing)


@dataclass(frozen=True, slots=True)
class _Pending:
    """A command that waits for a card."""

    command: int
    waiting: Waiting
    deadline_s: float | None
    met: Met | None
