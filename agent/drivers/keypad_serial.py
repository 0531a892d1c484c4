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
    """Where the keypad is: `path`, best one under /dev/serial/by-id, and `baud`; `bounce_ms`: the same byte within
    that time is the same key once, of a keypad that does not see to its contacts itself.
    """

    path: str
    baud: int = 9600
    bounce_ms: int = 0

    @classmethod
    def from_table(cls, table: Mapping[str, object]) -> KeypadSerialOptions:
        """Read a table of options. Raises SettingsError that names every mistake."""
        fields = {"path": settings.text(), "baud": baud(), "bounce_ms": settings.whole(0, 200, default=0)}
        return cls(**settings.read(table, settings.Table(fields)))


class KeyBytes:
    """Makes keys of bytes. `ignored` counts those that are none: noise, or a keypad of another make."""

    def __init__(self, bounce_ms: int) -> None:
        self._bounce_ns = bounce_ms * 1_000_000
        self._last: tuple[int, int] | None = None
        self.ignored = 0

    def begin(self) -> None:
        """The line was opened anew: no byte came before the next one."""
        self._last = None

    def feed(self, data: bytes, now_ns: int) -> list[Key]:
        """The keys that these bytes are, which came at `now_ns` of the monotonic clock."""
        found = []
        for byte in data:
            last, self._last = self._last, (byte, now_ns)
            if byte not in KEYS:
                self.ignored += 1
            elif last is None or last[0] != byte or now_ns - last[1] >= self._bounce_ns:
                found.append(KEYS[byte])
        return found


class KeypadSerial:
    """Emits KeyPressed for each known byte."""

    def __init__(self, name: str, options: KeypadSerialOptions, emit: Emit) -> None:
        self._name = name
        self._emit = emit
        self._keys = KeyBytes(options.bounce_ms)
        report = Report(name, emit)
        self._reader = SerialReader(options.path, options.baud, report, self._take, self._keys.begin)

    @property
    def ignored(self) -> int:
        """How many bytes were no key."""
        return self._keys.ignored

    def start(self) -> None:
        """Begin reading; the keypad may come later."""
        self._reader.start()

    def close(self) -> None:
        """End within a second; may be called again."""
        self._reader.close()

    def _take(self, data: bytes, now_ns: int) -> None:
        for key in self._keys.feed(data, now_ns):
            self._emit(KeyPressed(self._name, key))
