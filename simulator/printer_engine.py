"""The inside of a receipt printer: what it does with bytes that have arrived, and what it answers.

No socket and no thread: bytes and the time go in, answers and printed paper come out. Formats: Epson's ESC/POS
command reference, DLE EOT (real-time status), DLE DC4 (real-time pulse), GS r, GS I and GS ( H (answers in the order
of the data) and GS a (automatic status).
"""

from __future__ import annotations

import heapq
import re
from dataclasses import dataclass

from simulator.escpos_decoder import EscposDecoder
from simulator.printed import DrawerPulse, FedPaper, Printed, PrintedLine, StatusAsked
from simulator.receipt_roll import ReceiptRoll

BUFFER_BYTES = 65536
"""How much a printer takes while it cannot print."""

_REAL_TIME = re.compile(rb"\x10\x04([\x01-\x04])|\x10\x14\x01([\x00\x01])([\x01-\x08])", re.DOTALL)
_HEADS = (b"\x10\x14\x01\x00", b"\x10\x14\x01\x01", b"\x10\x14\x01", b"\x10\x14", b"\x10\x04", b"\x10")
"""How a real-time command may begin at the end of what came."""

AUTOMATIC_STATUS = b"\x14\x00\x00\x0f"
"""Four bytes as GS a makes a printer send them whenever something changes."""


@dataclass(slots=True)
class Condition:
    """What is the matter with the printer, as its owner's hand or a fault has it."""

    paper: bool = True
    paper_low: bool = False
    cover_open: bool = False
    cutter_error: bool = False
    powered: bool = True
    stalled: bool = False
    mute: bool = False
    """Prints, and answers nothing."""
    chatters: bool = False
    """Sends its automatic status before every answer, though that was switched off."""
    answer_delay_s: float = 0.0
    line_s: float = 0.0
    """How long one line takes to print."""

    @property
    def can_print(self) -> bool:
        """Whether the print head may move."""
        held_up = self.stalled or self.cover_open or self.cutter_error
        return self.powered and self.paper and not held_up


class PrinterEngine:
    """Works bytes off onto a roll of paper and collects answers. For one thread.

    `lost` are the last bytes that came and were never worked off, for want of power; `pulses` what the drawers got.
    """

    def __init__(self, roll: ReceiptRoll) -> None:
        self.condition = Condition()
        self.decoder = EscposDecoder()
        self.lost = b""
        self.pulses: list[DrawerPulse] = []
        self._roll = roll
        self._split = b""
        self._answers: list[tuple[float, int, bytes]] = []
        self._answered = 0
        self._busy_until_s = 0.0
        self._lines_left = 0
        self._then: dict[str, object] = {}
        self._power_for_bytes: int | None = None

    @property
    def room_bytes(self) -> int:
        """How many bytes the buffer still takes; while it prints, there is always room for more."""
        return BUFFER_BYTES if self.condition.can_print else max(0, BUFFER_BYTES - self.decoder.waiting_bytes)

    def receive(self, data: bytes, now_s: float) -> None:
        """Take bytes off the line. Real-time requests are answered at once and are no part of the data.

        That holds wherever they stand, as in the real thing, which looks for them before it knows what they are in.
        """
        if self._power_for_bytes is not None and self._power_for_bytes <= len(data):
            last, data, self._power_for_bytes = data[: self._power_for_bytes], data[self._power_for_bytes :], None
            self._hear(last, now_s)
            self.work(now_s)
            self.change({"powered": False})
        elif self._power_for_bytes is not None:
            self._power_for_bytes -= len(data)
        if self.condition.powered:
            self._hear(data, now_s)
        else:
            self._lose(data)

    def work(self, now_s: float) -> None:
        """Print what can be printed now."""
        while self.condition.can_print and now_s >= self._busy_until_s:
            thing = self.decoder.take()
            self._roll.feed_raw(self.decoder.take_read())
            if thing is None:
                return
            if isinstance(thing, StatusAsked):
                self._answer(self._status_in_order(thing), now_s)
            elif isinstance(thing, DrawerPulse):
                self.pulses.append(thing)
            else:
                self._put_on_paper(thing, now_s)

    def take_answers(self, now_s: float) -> bytes:
        """What is to be sent now."""
        out = b""
        while self._answers and self._answers[0][0] <= now_s and not self.condition.stalled:
            out += heapq.heappop(self._answers)[2]
        return out

    def change(self, changes: dict[str, object]) -> None:
        """Set fields of `condition`. Without power everything is lost that is not on paper."""
        for name, value in changes.items():
            setattr(self.condition, name, value)
        if not self.condition.powered:
            self._lose(self.decoder.reset())
            self._answers.clear()
            self._split = b""

    def power_fails_after(self, more_bytes: int) -> None:
        """Lose power when so many more bytes have come, in the midst of a line or a command as it happens."""
        self._power_for_bytes = more_bytes

    def _hear(self, data: bytes, now_s: float) -> None:
        data = self._split + data
        self._split = b""
        for asked in _REAL_TIME.finditer(data):
            if asked[1]:
                self._answer(self._real_time_status(asked[1][0]), now_s)
            else:
                self.pulses.append(DrawerPulse(5 if asked[2][0] else 2, 100 * asked[3][0]))
        data = _REAL_TIME.sub(b"", data)
        for head in _HEADS:
            if data.endswith(head):
                data, self._split = data[: -len(head)], head
                break
        self.decoder.put(data)

    def _lose(self, data: bytes) -> None:
        self.lost = (self.lost + data)[-BUFFER_BYTES:]

    def change_after(self, lines: int, changes: dict[str, object]) -> None:
        """Change when so many more lines are on paper."""
        self._lines_left = lines
        self._then = changes

    def _put_on_paper(self, thing: Printed, now_s: float) -> None:
        self._roll.add(thing)
        if isinstance(thing, PrintedLine | FedPaper):
            self._busy_until_s = now_s + self.condition.line_s
        if isinstance(thing, PrintedLine) and self._lines_left > 0:
            self._lines_left -= 1
            if self._lines_left == 0:
                self.change(self._then)

    def _answer(self, data: bytes, now_s: float) -> None:
        if not self.condition.mute:
            self._answered += 1
            unasked = AUTOMATIC_STATUS if self.condition.chatters else b""
            heapq.heappush(self._answers, (now_s + self.condition.answer_delay_s, self._answered, unasked + data))

    def _real_time_status(self, kind: int) -> bytes:
        c = self.condition
        bits = {
            1: 0x08 if not c.paper or c.cover_open or c.cutter_error else 0,
            2: (0x04 if c.cover_open else 0) | (0 if c.paper else 0x20) | (0x40 if c.cutter_error else 0),
            3: 0x08 if c.cutter_error else 0,
            4: (0x0C if c.paper_low or not c.paper else 0) | (0 if c.paper else 0x60),
        }
        return bytes((0x12 | bits[kind],))

    def _status_in_order(self, asked: StatusAsked) -> bytes:
        match asked.kind:
            case "status" if asked.argument in (b"\x01", b"1"):
                return bytes(((0x03 if self.condition.paper_low else 0) | (0 if self.condition.paper else 0x0C),))
            case "status":
                return b"\x00"
            case "identity":
                return b"\x5f" + b"Tapledger counter" + b"\x00" if asked.argument[0] >= 65 else b"\x02"
            case "process":
                return b"\x37\x22" + asked.argument + b"\x00"
