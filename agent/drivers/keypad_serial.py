"""A keypad on a serial line: one ASCII byte for each key that goes down."""

from __future__ import annotations

from collections.abc import Mapping

from agent.drivers.facts import Emit, Key, KeyPressed
from agent.drivers.options import baud
from agent.drivers.report import Report
from agent.drivers.serial_port import SerialReader
from contract import settings
from contract.making import dataclass

KEYS: dict[int, Key] = {ord(key): key for key in Key if key.value in "0123456789."} | {
    ord("O"): Key.DOUBLE_ZERO,
    ord("C"): Key.CLEAR,
    ord("X"): Key.CANCEL,
    ord("\r"): Key.ENTER,
    ord("M"): Key.MEMBER,
    ord("$"): Key.CASH,
    ord("V"): Key.STORED,
    ord("T"): Key.TOP_UP,
    ord("P"): Key.SLIP,
    ord("B"): Key.POINTS,
    ord("G"): Key.REDEEM,
    ord("R"): Key.REPRINT,
    ord("L"): Key.LANG,
    ord("S"): Key.SIGNOUT,
    ord("U"): Key.REFUND,
    ord("Z"): Key.REPORT,
    ord("N"): Key.TRAINING,
    ord("="): Key.MENU,
}
"""What each byte of the keypad stands for."""


@dataclass(frozen=True, slots=True)
class KeypadSerialOptions:
    """Where the keypad is: `path`, best one under /dev/serial/by-id, and `baud`."""

    path: str
    baud: int = 9600

    @classmethod
    def from_table(cls, table: Mapping[str, object]) -> KeypadSerialOptions:
        """Read a table of options. Raises SettingsError that names every mistake."""
        return cls(**settings.read(table, settings.Table({"path": settings.text(), "baud": baud()})))


class KeypadSerial:
    """Emits KeyPressed for each known byte. `ignored` counts the others: noise, or a keypad of another make."""

    def __init__(self, name: str, options: KeypadSerialOptions, emit: Emit) -> None:
        self._name = name
        self._emit = emit
        self._reader = SerialReader(options.path, options.baud, Report(name, emit), self._take, _nothing)
        self.ignored = 0

    def start(self) -> None:
        """Begin reading; the keypad may come later."""
        self._reader.start()

    def close(self) -> None:
        """End within a second; may be called again."""
        self._reader.close()

    def _take(self, data: bytes, _now_ns: int) -> None:
        for byte in data:
            if key := KEYS.get(byte):
                self._emit(KeyPressed(self._name, key))
            else:
                self.ignored += 1


def _nothing() -> None:
    """A key is one byte: nothing is left over from the line before."""
