"""A bar code and QR scanner on a serial line: the bytes of a code, and marks around it."""

from __future__ import annotations

import time
from collections.abc import Mapping

from agent.drivers.code_framing import GAP_MS, SUFFIXES, CodeFraming, CodeRules, rule_fields
from agent.drivers.facts import CodeProblem, CodeRefused, CodeScanned, Emit
from agent.drivers.options import baud
from agent.drivers.report import Report
from agent.drivers.serial_port import SerialReader
from contract import settings
from contract.making import dataclass

SECOND_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class CodeSerialOptions:
    """Where the scanner is: `path`, best one under /dev/serial/by-id, and `baud`; `suffix`, one of SUFFIXES, ends a
    code. `prefix` (in hexadecimal), `gap_ms` and `same_ms` are those of CodeRules.
    """

    path: str
    baud: int = 9600
    suffix: str = "cr"
    prefix: str | None = None
    gap_ms: int = GAP_MS
    same_ms: int = 0

    @property
    def rules(self) -> CodeRules:
        """What makes up a code."""
        return CodeRules(bytes.fromhex(self.prefix or ""), self.gap_ms, self.same_ms)

    @classmethod
    def from_table(cls, table: Mapping[str, object]) -> CodeSerialOptions:
        """Read a table of options. Raises SettingsError that names every mistake."""
        fields = {"path": settings.text(), "baud": baud(), "suffix": settings.choice(SUFFIXES, default="cr")}
        return cls(**settings.read(table, settings.Table(fields | rule_fields())))


class CodeSerial:
    """Emits CodeScanned for each code, CodeRefused for one too long or without an end."""

    def __init__(self, name: str, options: CodeSerialOptions, emit: Emit) -> None:
        self._name = name
        self._emit = emit
        self._framing = CodeFraming(options.rules, options.suffix)
        report = Report(name, emit)
        self._reader = SerialReader(
            options.path, options.baud, report, self._take, self._framing.reset, self._patience_s
        )

    def start(self) -> None:
        """Begin reading; the scanner may come later."""
        self._reader.start()

    def close(self) -> None:
        """End within a second; may be called again."""
        self._reader.close()

    def _patience_s(self) -> float | None:
        left_ns = self._framing.patience_ns(time.monotonic_ns())
        return None if left_ns is None else left_ns / SECOND_NS

    def _take(self, data: bytes, now_ns: int) -> None:
        for found in self._framing.feed(data, now_ns):
            if isinstance(found, CodeProblem):
                self._emit(CodeRefused(self._name, found))
            else:
                self._emit(CodeScanned(self._name, found))
