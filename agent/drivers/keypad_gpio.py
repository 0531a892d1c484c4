"""A matrix keypad on the board's own pins: rows are driven, columns are listened to.

While no key is down every row is held low and nothing is scanned: a key that goes down pulls its column low, and that
edge wakes the thread. Then row after row is looked at alone, until all keys are up again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence

from agent.drivers.device_thread import DeviceThread
from agent.drivers.facts import Emit, Key, KeyPressed, Status
from agent.drivers.pins import LAST_PIN, Pin, Pins, PinsUnusable
from agent.drivers.report import Report
from contract import settings
from contract.making import dataclass

RETRY_S = 1.0
IDLE_S = 0.2
SCAN_S = 0.01
"""Between two looks at all keys; a key counts when two looks after each other agree, so chatter of less is none."""

LONG_LOOKS, LONG_SCAN_S = 100, 0.1
"""After so many looks at the same keys, a second or so, one that is held or stuck is looked at more seldom."""

MOST_LINES = 8
Place = tuple[int, int]
"""Row and column, from 0."""


@dataclass(frozen=True, slots=True)
class KeypadGpioOptions:
    """`rows` and `columns`, the numbers of their pins, and `keys`: one text a row, with the names of its keys and "-"
    where there is none, separated by blanks.
    """

    rows: tuple[int, ...]
    columns: tuple[int, ...]
    keys: tuple[tuple[Key | None, ...], ...]

    @classmethod
    def from_table(cls, table: Mapping[str, object]) -> KeypadGpioOptions:
        """Read a table of options. Raises SettingsError that names every mistake."""
        read = settings.read(table, settings.Table(_SHAPE))
        rows, columns = tuple(read["rows"]), tuple(read["columns"])
        keys = tuple(tuple(None if name == "-" else Key(name) for name in row.split()) for row in read["keys"])
        if len(keys) != len(rows) or any(len(row) != len(columns) for row in keys):
            raise settings.SettingsError((_SHAPE_DIFFERS,))
        return cls(rows, columns, keys)


def _is_pins(value: object) -> bool:
    return (
        isinstance(value, list)
        and 1 <= len(value) <= MOST_LINES
        and all(type(one) is int and 0 <= one <= LAST_PIN for one in value)
        and len(set(value)) == len(value)
    )


def _is_keys(value: object) -> bool:
    names = {"-", *Key}
    return isinstance(value, list) and all(isinstance(row, str) and names >= set(row.split()) for row in value)


_PINS = settings.Setting(
    _is_pins, f"a list of up to {MOST_LINES} different pin numbers", f"至多 {MOST_LINES} 个互不相同的引脚编号"
)
_SHAPE: dict[str, settings.Setting] = {
    "rows": _PINS,
    "columns": _PINS,
    "keys": settings.Setting(
        _is_keys,
        f'a list of texts with names of keys: {" ".join(Key)}, or "-"',
        f"由按键名称组成的文本列表：{' '.join(Key)}，或 “-”",
    ),
}
_SHAPE_DIFFERS = settings.Problem(
    "keys",
    "has not one name for each row and column",
    "与行列数目不符",
    "Write one text for each row, with as many names as there are columns.",
    "每行写一段文本，名称个数与列数相同。",
)


class Matrix:
    """Which keys went down, out of which crossings are closed: no pins, only looks.

    A key counts once when two looks after each other see it closed, and again only after two that do not. Where closed
    crossings make up three corners of a rectangle the fourth looks closed as well, whoever is pressed: then nothing new
    counts until that is over.
    """

    def __init__(self) -> None:
        self._before: frozenset[Place] = frozenset()
        self._down: frozenset[Place] = frozenset()

    @property
    def quiet(self) -> bool:
        """Whether all keys are surely up."""
        return not self._before and not self._down

    def look(self, closed: frozenset[Place]) -> list[Place]:
        """Take one look, and return what went down."""
        steady_closed = closed & self._before
        self._down &= closed | self._before
        self._before = closed
        if _ambiguous(closed):
            return []
        pressed = sorted(steady_closed - self._down)
        self._down |= steady_closed
        return pressed


def _ambiguous(closed: frozenset[Place]) -> bool:
    return any(
        (row, other_column) in closed and (other_row, column) in closed
        for row, column in closed
        for other_row, other_column in closed
        if row != other_row and column != other_column
    )


class KeypadGpio:
    """Emits KeyPressed for each key that goes down."""

    def __init__(self, name: str, options: KeypadGpioOptions, emit: Emit) -> None:
        self._name = name
        self._options = options
        self._emit = emit
        self._report = Report(name, emit)
        self._touched = threading.Event()
        self._thread = DeviceThread("keypad gpio", self._report, self._serve, RETRY_S)

    def start(self) -> None:
        """Begin; the pins may come later."""
        self._thread.start()

    def close(self) -> None:
        """End within a second; may be called again."""
        self._thread.close()
        self._touched.set()

    def _serve(self) -> None:
        pins = None
        try:
            pins = Pins()
            rows = [pins.output(number, active_low=True) for number in self._options.rows]
            columns = [pins.contact(number, None) for number in self._options.columns]
            for column in columns:
                column.listen(self._touched.set)
            self._report.say(Status.READY)
            self._watch(rows, columns)
        except PinsUnusable as error:
            error.tell(self._report)
        finally:
            if pins is not None:
                pins.close()

    def _watch(self, rows: Sequence[Pin], columns: Sequence[Pin]) -> None:
        matrix = Matrix()
        same, before = 0, frozenset[Place]()
        while not self._thread.closing.is_set():
            if matrix.quiet:
                self._touched.clear()
                for row in rows:
                    row.drive(True)
                # A key may have gone down just before the rows could tell.
                if not any(column.is_active for column in columns) and not self._touched.wait(IDLE_S):
                    continue
            closed = _closed(rows, columns)
            same = same + 1 if closed == before else 0
            before = closed
            for place in matrix.look(closed):
                key = self._options.keys[place[0]][place[1]]
                if key is not None:
                    self._emit(KeyPressed(self._name, key))
            time.sleep(SCAN_S if same < LONG_LOOKS else LONG_SCAN_S)


def _closed(rows: Sequence[Pin], columns: Sequence[Pin]) -> frozenset[Place]:
    for row in rows:
        row.drive(False)
    closed = set()
    for number, row in enumerate(rows):
        row.drive(True)
        closed |= {(number, at) for at, column in enumerate(columns) if column.is_active}
        row.drive(False)
    return frozenset(closed)
