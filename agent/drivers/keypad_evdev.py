"""A USB keypad through the kernel's input layer, held for the till alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from agent.drivers.facts import Emit, Key, KeyPressed
from agent.drivers.input_keys import KEYS
from agent.drivers.input_stream import Dropped, InputReader, Source, Strokes, Timed, has_keys
from agent.drivers.report import Report
from contract import settings
from contract.making import dataclass

BOUNCE_MS = 20
"""A contact that is worn closes several times within this; a finger does not come back so soon."""


@dataclass(frozen=True, slots=True)
class KeypadEvdevOptions:
    """Where the keypad is: `path`, best one under /dev/input/by-id, and `bounce_ms`: a key that goes down again within
    that time of having gone up was never let go.
    """

    path: str
    bounce_ms: int = BOUNCE_MS

    @classmethod
    def from_table(cls, table: Mapping[str, object]) -> KeypadEvdevOptions:
        """Read a table of options. Raises SettingsError that names every mistake."""
        fields = {"path": settings.text(), "bounce_ms": settings.whole(0, 200, default=BOUNCE_MS)}
        return cls(**settings.read(table, settings.Table(fields)))


class KeyStream:
    """Turns input events into keys: no device, only events in and keys out.

    A key counts when it goes down, once, however long it is held, and not again within `bounce_ms` of having gone up.
    Keys that are down when the kernel's buffer ran over (`held` is asked) count no second time.
    """

    def __init__(self, held: Callable[[], Iterable[int]], bounce_ms: int = 0) -> None:
        self._strokes = Strokes(held)
        self._bounce_ns = bounce_ms * 1_000_000
        self._up_ns: dict[int, int] = {}

    def feed(self, read: Iterable[Timed]) -> list[Key]:
        """Take what was read together; the keys that went down. May raise what `held` raises."""
        found = []
        for stroke, at_ns in self._strokes.feed(read):
            if isinstance(stroke, Dropped) or stroke.code not in KEYS:
                continue
            if not stroke.down:
                self._up_ns[stroke.code] = at_ns
            elif (up_ns := self._up_ns.get(stroke.code)) is None or at_ns - up_ns >= self._bounce_ns:
                found.append(KEYS[stroke.code])
        return found


class KeypadEvdev:
    """Emits KeyPressed for each known key, grabbing the device (EVIOCGRAB) so that no console gets the PIN."""

    def __init__(self, name: str, options: KeypadEvdevOptions, emit: Emit) -> None:
        self._name = name
        self._options = options
        self._emit = emit
        self._keys = KeyStream(lambda: ())
        self._reader = InputReader("keypad", options.path, Report(name, emit), self)

    def start(self) -> None:
        """Begin reading; the keypad may come later."""
        self._reader.start()

    def close(self) -> None:
        """End within a second; may be called again."""
        self._reader.close()

    def suits(self, source: Source) -> bool:
        """Whether it has any of the keys that are wanted."""
        return has_keys(source, KEYS)

    def opened(self, source: Source) -> None:
        """A keypad that was plugged in has no key down that counts."""
        self._keys = KeyStream(source.active_keys, self._options.bounce_ms)

    def lost(self) -> None:
        """What was half pressed begins anew with the device."""

    def take(self, read: Iterable[Timed]) -> None:
        """Events of the keypad."""
        for key in self._keys.feed(read):
            self._emit(KeyPressed(self._name, key))

    def quiet(self, _now_ns: int) -> float | None:
        """A key is told at once: nothing is waited for."""
        return None
