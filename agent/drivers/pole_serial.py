"""A display on a pole, for the customer, on a serial line: two rows of letters, or one row of figures with lamps.

Two kinds are common, and both begin with ESC. A vacuum fluorescent display of 2 x 20 characters obeys the CD5220
command set: ESC @ begins anew, FF clears, ESC Q A and ESC Q B write a row up to CR (CD5220 command table, "customer
display" manuals of several makers). A display of eight figures ("LED8") obeys ESC Q A with figures and a point, and
ESC s with the number of the one lamp that is lit: 0 none, 1 price, 2 total, 3 received, 4 change. Neither answers.
"""

from __future__ import annotations

import contextlib
import os
import select
import termios
import time
from collections.abc import Mapping
from enum import IntEnum
from typing import TYPE_CHECKING, Literal

from agent.drivers.device_thread import DeviceThread
from agent.drivers.facts import Emit, Status
from agent.drivers.newest import Newest
from agent.drivers.options import baud
from agent.drivers.report import Report
from agent.drivers.serial_port import open_port, read_ready
from contract import settings
from contract.making import dataclass

if TYPE_CHECKING:
    import serial

RETRY_S = 0.5
WRITE_S = 0.5
"""How long a pole may take nothing before that is told."""

ROWS = 2
FIGURES = 8

ESC, CLEAR, CR = b"\x1b", b"\x0c", b"\r"
BEGIN = ESC + b"@"

Kind = Literal["vfd", "led8"]


class Lamp(IntEnum):
    """What the figures on the pole are."""

    NONE = 0
    PRICE = 1
    TOTAL = 2
    RECEIVED = 3
    CHANGE = 4


@dataclass(frozen=True, slots=True)
class PoleText:
    """What the customer is to see: rows for a display that knows Chinese, rows for one that knows ASCII alone, and the
    one amount for a display of figures.

    `amount` holds figures, at most one point and perhaps a sign; empty for none.
    """

    rows: tuple[str, ...]
    ascii_rows: tuple[str, ...]
    amount: str = ""
    lamp: Lamp = Lamp.NONE


@dataclass(frozen=True, slots=True)
class PoleSerialOptions:
    """Where the pole is (`path`, `baud`) and what it can show: `kind` "vfd" or "led8", `columns` of a row of letters,
    and `charset`, "ascii" or "gb18030" for a display with Chinese characters, each two columns wide.
    """

    path: str
    baud: int = 9600
    kind: Kind = "vfd"
    columns: int = 20
    charset: str = "ascii"

    @classmethod
    def from_table(cls, table: Mapping[str, object]) -> PoleSerialOptions:
        """Read a table of options. Raises SettingsError that names every mistake."""
        return cls(**settings.read(table, settings.Table(_SHAPE)))


_SHAPE: dict[str, settings.Setting] = {
    "path": settings.text(),
    "baud": baud(),
    "kind": settings.choice(("vfd", "led8"), default="vfd"),
    "columns": settings.whole(8, 40, default=20),
    "charset": settings.choice(("ascii", "gb18030"), default="ascii"),
}


class PoleSerial:
    """Shows the newest text. A pole that comes back is begun anew and gets the newest text at once."""

    def __init__(self, name: str, options: PoleSerialOptions, emit: Emit) -> None:
        self._options = options
        self._report = Report(name, emit)
        self._newest: Newest[PoleText] = Newest()
        self._stalled = False
        self._thread = DeviceThread(f"pole {options.path}", self._report, self._serve, RETRY_S)

    def show(self, text: PoleText) -> None:
        """Show a text in place of any that is there or waits; never blocks."""
        self._newest.put(text)
        self._thread.ring()

    def start(self) -> None:
        """Begin; the pole may come later."""
        self._thread.start()

    def close(self) -> None:
        """End within a second; may be called again."""
        self._thread.close()

    def _serve(self) -> None:
        port = open_port(self._options.path, self._options.baud, self._report)
        if port is None:
            return
        self._stalled = False
        try:
            self._write(port.fileno(), BEGIN)
            self._newest.again()
            while not self._thread.closing.is_set():
                text = self._newest.take(0)
                if text is not None:
                    self._write(port.fileno(), commands(text, self._options))
                elif self._thread.wait(port.fileno()):
                    # It has nothing to say; what comes is noise, and would fill the kernel's buffer.
                    read_ready(port.fileno())
        except (OSError, termios.error):
            self._report.say_lost()
        finally:
            self._leave(port)

    def _write(self, fd: int, data: bytes) -> None:
        """Write it whole, saying so meanwhile where the pole takes nothing. Raises OSError when it is lost.

        What was begun is never broken off: the rest of a command that is half on the line would be missing there.
        """
        moved_s = time.monotonic()
        while data and not self._thread.closing.is_set():
            try:
                data = data[os.write(fd, data) :]
                moved_s = time.monotonic()
            except BlockingIOError:
                left_s = None if self._stalled else WRITE_S - (time.monotonic() - moved_s)
                if left_s is not None and left_s <= 0:
                    self._stalled = True
                    self._report.say(Status.SELF_CHECK_FAILED, "takes_nothing", "restart_device")
                else:
                    self._thread.wait(fd, left_s, select.POLLOUT)
        self._stalled = bool(data)
        if not data:
            self._report.say(Status.READY)

    def _leave(self, port: serial.Serial) -> None:
        """Leave nothing of one customer for the next, if the line still takes it."""
        with contextlib.suppress(OSError, termios.error):
            if self._stalled:
                # To close a line is to wait for what it holds, which it would go on holding.
                port.reset_output_buffer()
            else:
                os.write(port.fileno(), CLEAR)
        with contextlib.suppress(OSError, termios.error):
            port.close()


def commands(text: PoleText, options: PoleSerialOptions) -> bytes:
    """The bytes that make such a pole show a text. What it cannot show becomes "?"; what is too wide is cut."""
    if options.kind == "led8":
        figures = _figures(text.amount)
        return CLEAR + (ESC + b"QA" + figures + CR if figures else b"") + ESC + b"s%d" % text.lamp
    rows = text.ascii_rows if options.charset == "ascii" else text.rows
    rows = (*rows, *[""] * ROWS)[:ROWS]
    written = [_row(row, options) for row in rows]
    return CLEAR + b"".join(ESC + b"Q" + which + row + CR for which, row in zip((b"A", b"B"), written, strict=True))


def _figures(amount: str) -> bytes:
    kept = "".join(letter for letter in amount if letter in "-.0123456789")
    if not any(letter.isdigit() for letter in kept):
        return b""
    # More figures than there are would show another amount; none at all is better.
    return kept.encode() if sum(letter != "." for letter in kept) <= FIGURES else b""


def _row(text: str, options: PoleSerialOptions) -> bytes:
    out = b""
    for letter in text:
        # A control character from an article's name would be a command.
        one = (letter if letter.isprintable() else "?").encode(options.charset, errors="replace")
        if len(one) > 2:
            one = b"?"
        if len(out) + len(one) > options.columns:
            break
        out += one
    return out.ljust(options.columns)
