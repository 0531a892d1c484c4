"""Reads ESC/POS: bytes in, printed things out, as a printer with 576 dots and a Chinese character set would.

Formats: Epson's ESC/POS command reference. Known are the commands that receipts are made of; every other command is
recorded in `unknown` and skipped as exactly as its form allows. Nothing that comes in raises.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

from simulator.printed import (
    DOTS,
    Align,
    CutPaper,
    DrawerPulse,
    FedPaper,
    Printed,
    PrintedImage,
    PrintedLine,
    PrintedQr,
    Run,
    StatusAsked,
    Style,
    character_dots,
)

COMMAND_MOST_BYTES = 1_000_000
"""The longest command that is waited for: a picture more than a metre long."""

UNKNOWN_MOST = 1000
"""The most unknown commands that are recorded."""


@dataclass(slots=True)
class _Qr:
    module_dots: int = 3
    level: str = "L"
    data: bytes = b""


@dataclass(slots=True)
class _Modes:
    """What ESC @ sets back."""

    style: Style = field(default_factory=Style)
    align: Align = "left"
    kanji: bool = False
    line_dots: int = 30
    qr: _Qr = field(default_factory=_Qr)
    graphics: PrintedImage | None = None


class _Short(Exception):
    """A command is not complete yet."""


class _Absurd(Exception):
    """A command announces more bytes than any printer takes."""


class _Reader:
    """A place in the bytes that have come. Raises _Short at their end, _Absurd where it could never be reached."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data = data
        self.at = at

    def take(self, count: int) -> bytes:
        if count > COMMAND_MOST_BYTES:
            raise _Absurd
        if self.at + count > len(self.data):
            raise _Short
        self.at += count
        return self.data[self.at - count : self.at]

    def byte(self) -> int:
        return self.take(1)[0]

    def pair(self) -> int:
        return int.from_bytes(self.take(2), "little")

    def to_nul(self) -> bytes:
        end = self.data.find(b"\0", self.at)
        if end < 0:
            raise _Short if len(self.data) - self.at < COMMAND_MOST_BYTES else _Absurd
        return self.take(end - self.at + 1)[:-1]


class EscposDecoder:
    """Takes bytes in pieces of any size. `unknown` lists, as bytes, the commands it did not know."""

    def __init__(self) -> None:
        self.unknown: list[bytes] = []
        self._pending = b""
        self._at = 0
        self._read = bytearray()
        self._ready: deque[Printed] = deque()
        self._modes = _Modes()
        self._runs: list[Run] = []

    def put(self, data: bytes) -> None:
        """Take bytes; nothing is read of them before `take`."""
        self._pending = self._pending[self._at :] + data
        self._at = 0

    def take(self) -> Printed | None:
        """The next thing that the bytes print, or None until more bytes come."""
        while not self._ready and self._at < len(self._pending):
            reader = _Reader(self._pending, self._at)
            try:
                things = self._next(reader)
            except _Short:
                return None
            except _Absurd:
                things = None
            command = self._pending[self._at : reader.at]
            self._at = reader.at
            self._read += command
            if things is None:
                self._record(command)
            else:
                self._ready.extend(things)
        return self._ready.popleft() if self._ready else None

    def take_read(self) -> bytes:
        """The bytes that have been read since this was last asked."""
        read, self._read = bytes(self._read), bytearray()
        return read

    @property
    def waiting_bytes(self) -> int:
        """How many bytes were put and not read yet."""
        return len(self._pending) - self._at

    def reset(self) -> bytes:
        """Forget everything half done, as at power off; the bytes that were not read."""
        unread = self._pending[self._at :]
        self._pending = b""
        self._at = 0
        self._ready.clear()
        self._modes = _Modes()
        self._runs = []
        return unread

    def _record(self, command: bytes) -> None:
        if len(self.unknown) < UNKNOWN_MOST:
            self.unknown.append(command)

    def _next(self, reader: _Reader) -> list[Printed] | None:
        """Read one character or command; None when it is unknown."""
        first = reader.byte()
        if first == 0x0A:
            return [self._end_line()]
        if first in (0x0D, 0x00):
            return []
        if first in _PREFIXES:
            command = bytes((first, reader.byte()))
            if command[1:] == b"(":
                command += reader.take(1)
            if known := _COMMANDS.get(command):
                return known(self, reader)
            _skip(command, reader)
            return None
        if first < 0x20:
            return None
        return self._character(first, reader)

    def _character(self, first: int, reader: _Reader) -> list[Printed] | None:
        if first < 0x80:
            text = chr(first)
        elif not self._modes.kanji:
            text = bytes((first,)).decode("cp437")
        else:
            second = reader.byte()
            code = bytes((first, second)) + (reader.take(2) if 0x30 <= second <= 0x39 else b"")
            try:
                text = code.decode("gb18030")
            except UnicodeDecodeError:
                return None
        style = self._modes.style
        wrapped: list[Printed] = []
        if sum(run.dots for run in self._runs) + character_dots(text, style) > DOTS:
            wrapped.append(self._end_line())
        if self._runs and self._runs[-1].style == style:
            self._runs[-1] = Run(self._runs[-1].text + text, style)
        else:
            self._runs.append(Run(text, style))
        return wrapped

    def _end_line(self) -> PrintedLine:
        tallest = max((run.style.height for run in self._runs), default=1)
        feed_dots = max(self._modes.line_dots, 24 * tallest + (6 if tallest > 1 else 0))
        line = PrintedLine(tuple(self._runs), self._modes.align, feed_dots)
        self._runs = []
        return line

    def _flush(self) -> list[Printed]:
        return [self._end_line()] if self._runs else []

    def _initialise(self, _reader: _Reader) -> list[Printed]:
        self._modes = _Modes()
        self._runs = []
        return []

    def _set(self, **changes: object) -> list[Printed]:
        self._modes.style = replace(self._modes.style, **changes)  # type: ignore[arg-type]
        return []

    def _set_mode_byte(self, reader: _Reader) -> list[Printed]:
        mode = reader.byte()
        return self._set(
            bold=bool(mode & 0x08),
            height=2 if mode & 0x10 else 1,
            width=2 if mode & 0x20 else 1,
            underline=bool(mode & 0x80),
        )

    def _set_size(self, reader: _Reader) -> list[Printed]:
        size = reader.byte()
        return self._set(width=(size >> 4 & 7) + 1, height=(size & 7) + 1)

    def _set_align(self, reader: _Reader) -> list[Printed]:
        aligns: dict[int, Align] = {0: "left", 1: "center", 2: "right", 48: "left", 49: "center", 50: "right"}
        self._modes.align = aligns.get(reader.byte(), self._modes.align)
        return []

    def _set_kanji(self, on: bool) -> list[Printed]:
        self._modes.kanji = on
        return []

    def _set_line_dots(self, dots: int) -> list[Printed]:
        self._modes.line_dots = dots
        return []

    def _feed_lines(self, reader: _Reader) -> list[Printed]:
        lines = reader.byte()
        return [*self._flush(), FedPaper(lines * self._modes.line_dots)]

    def _feed_dots(self, reader: _Reader) -> list[Printed]:
        dots = reader.byte()
        return [*self._flush(), FedPaper(dots)]

    def _cut(self, reader: _Reader) -> list[Printed]:
        mode = reader.byte()
        # Functions B and C feed first: as far as the knife is away, and n dots more.
        feed: list[Printed] = [FedPaper(96 + reader.byte())] if mode in (65, 66, 97, 98, 103, 104) else []
        return [*self._flush(), *feed, CutPaper(partial=mode in (1, 49, 66, 98, 104))]

    def _raster(self, reader: _Reader) -> list[Printed] | None:
        """GS v 0 m xL xH yL yH d1...dk."""
        if reader.byte() != 0x30:
            return None
        mode, width_bytes, height = reader.byte(), reader.pair(), reader.pair()
        data = reader.take(width_bytes * height)
        scale_x, scale_y = (2 if mode & 1 else 1), (2 if mode & 2 else 1)
        return [*self._flush(), _image(data, width_bytes * 8, scale_x, scale_y, self._modes.align)]

    def _graphics(self, reader: _Reader) -> list[Printed] | None:
        """GS ( L: functions 112 (store a raster image) and 50 (print it)."""
        body = _Reader(reader.take(reader.pair()))
        try:
            if body.byte() != 0x30:
                return None
            function = body.byte()
            if function == 112 and body.byte() == 0x30:
                scale_x, scale_y, _colour = body.byte(), body.byte(), body.byte()
                width, height = body.pair(), body.pair()
                data = body.take((width + 7) // 8 * height)
                self._modes.graphics = _image(data, width, scale_x, scale_y, self._modes.align)
                return []
            if function in (2, 50):
                image, self._modes.graphics = self._modes.graphics, None
                return [*self._flush(), image] if image else []
        except _Short:
            return None
        return None

    def _two_dimensional(self, reader: _Reader) -> list[Printed] | None:
        """GS ( k: QR codes (cn 49); functions 165 model, 167 size, 169 level, 180 store, 181 print."""
        body = reader.take(reader.pair())
        if len(body) < 2 or body[0] != 49:
            return None
        qr, function, arguments = self._modes.qr, body[1], body[2:]
        match function:
            case 67 if arguments and 1 <= arguments[0] <= 16:
                qr.module_dots = arguments[0]
            case 69 if arguments and 48 <= arguments[0] <= 51:
                qr.level = "LMQH"[arguments[0] - 48]
            case 80:
                qr.data = arguments[1:]
            case 81 if qr.data:
                return [*self._flush(), PrintedQr(qr.data, qr.module_dots, qr.level, self._modes.align)]
            case 65:
                return []
            case _:
                return None
        return []

    def _process_answer(self, reader: _Reader) -> list[Printed] | None:
        """GS ( H, function 48: an answer with the four bytes given, when all before it is printed."""
        body = reader.take(reader.pair())
        if len(body) != 6 or body[:2] != b"00":
            return None
        return [*self._flush(), StatusAsked("process", body[2:])]

    def _automatic_status(self, reader: _Reader) -> list[Printed]:
        """GS a n: switches automatic status, which this printer does not have."""
        reader.byte()
        return []

    def _pulse(self, reader: _Reader) -> list[Printed] | None:
        """ESC p m t1 t2, in 2 ms."""
        pin, on, _off = reader.take(3)
        return [DrawerPulse(5 if pin & 1 else 2, 2 * on)] if pin in (0, 1, 48, 49) else None

    def _ask(self, kind: Literal["status", "identity"], reader: _Reader) -> list[Printed]:
        return [StatusAsked(kind, reader.take(1))]


def _skip(command: bytes, reader: _Reader) -> None:
    """Read past a command that is not known, if its length is."""
    if len(command) > 2:
        reader.take(reader.pair())
    elif command == b"\x1b*":
        columns_of_three = reader.byte() & 0x20
        reader.take(reader.pair() * (3 if columns_of_three else 1))
    elif command == b"\x1bD":
        reader.to_nul()
    elif command == b"\x1dk":
        if reader.byte() <= 6:
            reader.to_nul()
        else:
            reader.take(reader.byte())
    else:
        reader.take(_ARGUMENTS.get(command, 0))


def _image(data: bytes, width_dots: int, scale_x: int, scale_y: int, align: Align) -> PrintedImage:
    row_bytes = (width_dots + 7) // 8
    rows = tuple(data[at : at + row_bytes] for at in range(0, len(data), row_bytes)) if row_bytes else ()
    return PrintedImage(rows, width_dots, min(max(scale_x, 1), 2), min(max(scale_y, 1), 2), align)


_PREFIXES = (0x1B, 0x1C, 0x1D)
_Command = Callable[[EscposDecoder, _Reader], "list[Printed] | None"]

_COMMANDS: dict[bytes, _Command] = {
    b"\x1b@": EscposDecoder._initialise,
    b"\x1bp": EscposDecoder._pulse,
    b"\x1b!": EscposDecoder._set_mode_byte,
    b"\x1bE": lambda self, reader: self._set(bold=bool(reader.byte() & 1)),
    b"\x1bG": lambda self, reader: self._set(bold=bool(reader.byte() & 1)),
    b"\x1b-": lambda self, reader: self._set(underline=reader.byte() % 48 > 0),
    b"\x1ba": EscposDecoder._set_align,
    b"\x1bd": EscposDecoder._feed_lines,
    b"\x1bJ": EscposDecoder._feed_dots,
    b"\x1b2": lambda self, _reader: self._set_line_dots(30),
    b"\x1b3": lambda self, reader: self._set_line_dots(reader.byte()),
    b"\x1c&": lambda self, _reader: self._set_kanji(True),
    b"\x1c.": lambda self, _reader: self._set_kanji(False),
    b"\x1d!": EscposDecoder._set_size,
    b"\x1dB": lambda self, reader: self._set(inverted=bool(reader.byte() & 1)),
    b"\x1dV": EscposDecoder._cut,
    b"\x1dv": EscposDecoder._raster,
    b"\x1dr": lambda self, reader: self._ask("status", reader),
    b"\x1dI": lambda self, reader: self._ask("identity", reader),
    b"\x1d(L": EscposDecoder._graphics,
    b"\x1d(k": EscposDecoder._two_dimensional,
    b"\x1d(H": EscposDecoder._process_answer,
    b"\x1da": EscposDecoder._automatic_status,
}

_ARGUMENTS: dict[bytes, int] = {
    **{b"\x1b" + bytes((name,)): 1 for name in b" %=?MRTV{rt"},
    **{b"\x1b" + bytes((name,)): 2 for name in b"$\\c"},
    **{b"\x1c" + bytes((name,)): 1 for name in b"!-CW"},
    **{b"\x1c" + bytes((name,)): 2 for name in b"Sp"},
    **{b"\x1d" + bytes((name,)): 1 for name in b"Hbfhw|"},
    **{b"\x1d" + bytes((name,)): 2 for name in b"LWP$\\"},
}
"""How many bytes follow those commands that have no effect here; of others only the name is skipped."""
