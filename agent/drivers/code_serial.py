"""A bar code and QR scanner on a serial line: bytes that end with a carriage return."""

from __future__ import annotations

from collections.abc import Mapping

from agent.drivers.facts import CodeProblem, CodeRefused, CodeScanned, Emit
from agent.drivers.options import baud
from agent.drivers.report import Report
from agent.drivers.serial_port import SerialReader
from contract import settings
from contract.making import dataclass

LONGEST_BYTES = 4096
"""More than any QR code holds (ISO/IEC 18004: 2,953 bytes)."""

GAP_NS = 500_000_000
"""Silence inside a code after which its end is not waited for any more."""

REMAINDER_NS = 2_000_000_000
"""Silence after which bytes are no longer taken for the rest of a code that was refused."""


@dataclass(frozen=True, slots=True)
class CodeSerialOptions:
    """Where the scanner is: `path`, best one under /dev/serial/by-id, and `baud`."""

    path: str
    baud: int = 9600

    @classmethod
    def from_table(cls, table: Mapping[str, object]) -> CodeSerialOptions:
        """Read a table of options. Raises SettingsError that names every mistake."""
        return cls(**settings.read(table, settings.Table({"path": settings.text(), "baud": baud()})))


class CodeSerial:
    """Emits CodeScanned for each code, CodeRefused for one too long or without an end."""

    def __init__(self, name: str, options: CodeSerialOptions, emit: Emit) -> None:
        self._name = name
        self._emit = emit
        self._framing = CodeFraming()
        self._reader = SerialReader(options.path, options.baud, Report(name, emit), self._take, self._framing.reset)

    def start(self) -> None:
        """Begin reading; the scanner may come later."""
        self._reader.start()

    def close(self) -> None:
        """End within a second; may be called again."""
        self._reader.close()

    def _take(self, data: bytes, now_ns: int) -> None:
        for found in self._framing.feed(data, now_ns):
            if isinstance(found, CodeProblem):
                self._emit(CodeRefused(self._name, found))
            else:
                self._emit(CodeScanned(self._name, found))


class CodeFraming:
    """Finds codes in a stream of bytes: no port and no clock, the time comes with the bytes.

    A code ends with CR; one LF after it is dropped. What is left of a code that was refused never passes for a
    code of its own: it is thrown away up to its CR, or until the line was silent for `REMAINDER_NS`.
    """

    def __init__(self) -> None:
        self._code = bytearray()
        self._refused = False
        self._after_end = False
        self._last_ns = 0

    def reset(self) -> None:
        """Forget everything: the line is a new one."""
        self._code.clear()
        self._refused = False
        self._after_end = False

    def feed(self, data: bytes, now_ns: int) -> list[bytes | CodeProblem]:
        """Take bytes, or none to let time pass, and return what became complete or was refused."""
        found: list[bytes | CodeProblem] = []
        silence_ns = now_ns - self._last_ns
        if self._refused:
            self._refused = silence_ns <= REMAINDER_NS
        elif self._code and silence_ns > GAP_NS:
            found.append(self._refuse(CodeProblem.GARBLED))
        if data:
            self._last_ns = now_ns
        *ended, rest = data.split(b"\r")
        for piece in ended:
            found += self._more(piece)
            if self._code:
                found.append(bytes(self._code))
            self._code.clear()
            self._refused = False
            self._after_end = True
        return found + self._more(rest)

    def _more(self, piece: bytes) -> list[bytes | CodeProblem]:
        """Bytes of one code, without its end."""
        if self._after_end and piece:
            self._after_end = False
            piece = piece.removeprefix(b"\n")
        if self._refused:
            return []
        self._code += piece
        return [self._refuse(CodeProblem.TOO_LONG)] if len(self._code) > LONGEST_BYTES else []

    def _refuse(self, problem: CodeProblem) -> CodeProblem:
        self._code.clear()
        self._refused = True
        return problem
