"""A touch panel through the kernel's input layer, held for the till alone."""

from __future__ import annotations

import contextlib
import fcntl
import struct
from collections.abc import Iterable, Mapping

from agent.drivers.facts import Emit, Finger, Touched
from agent.drivers.input_stream import EV_KEY, InputReader, Source, Timed
from agent.drivers.report import Report
from agent.drivers.touch_stream import (
    ABS_MT_POSITION_X,
    ABS_MT_POSITION_Y,
    ABS_MT_SLOT,
    ABS_MT_TRACKING_ID,
    ABS_X,
    ABS_Y,
    BTN_TOUCH,
    EV_ABS,
    MOST_SLOTS,
    Axis,
    Contact,
    Standing,
    Surface,
    TouchStream,
)
from contract import settings
from contract.making import dataclass

BOUNCE_MS = 40
"""A resistive panel lets go for some milliseconds while a finger rests on it; a finger does not come back so soon."""

TURNS = ("0", "90", "180", "270")
_LAST = 9_999

_POINTER = 0x00
"""INPUT_PROP_POINTER: what is touched moves an arrow elsewhere, as on a notebook's pad."""


@dataclass(frozen=True, slots=True)
class TouchEvdevOptions:
    """Where the panel is: `path`, best one under /dev/input/by-id or by-path, and how it lies behind the picture: a
    panel's place is mirrored left to right first where `mirrored` says so, then turned clockwise by `turned` degrees.
    A finger that comes back within `bounce_ms` was never gone.
    """

    path: str
    turned: int = 0
    mirrored: bool = False
    bounce_ms: int = BOUNCE_MS

    @classmethod
    def from_table(cls, table: Mapping[str, object]) -> TouchEvdevOptions:
        """Read a table of options. Raises SettingsError that names every mistake."""
        fields = {
            "path": settings.text(),
            "turned": settings.choice(TURNS, default="0"),
            "mirrored": settings.flag(False),
            "bounce_ms": settings.whole(0, 200, default=BOUNCE_MS),
        }
        read = settings.read(table, settings.Table(fields))
        return cls(read["path"], int(read["turned"]), read["mirrored"], read["bounce_ms"])

    def in_picture(self, x_permyriad: int, y_permyriad: int) -> tuple[int, int]:
        """Where in the picture a place of the panel is; both from 0 to 9999, from the top left."""
        x, y = (_LAST - x_permyriad if self.mirrored else x_permyriad), y_permyriad
        return {0: (x, y), 90: (_LAST - y, x), 180: (_LAST - x, _LAST - y), 270: (y, _LAST - x)}[self.turned]


def surface_of(source: Source) -> Surface | None:
    """What of a device can be touched; None where it is no touch panel, or says of itself what cannot be."""
    tells = source.capabilities(absinfo=False)
    axes = set(tells.get(EV_ABS, ()))
    if _POINTER in source.input_props():
        return None
    if {ABS_MT_SLOT, ABS_MT_TRACKING_ID, ABS_MT_POSITION_X, ABS_MT_POSITION_Y} <= axes:
        slots, across, down = True, ABS_MT_POSITION_X, ABS_MT_POSITION_Y
    elif {ABS_X, ABS_Y} <= axes and BTN_TOUCH in tells.get(EV_KEY, ()):
        slots, across, down = False, ABS_X, ABS_Y
    else:
        return None
    x, y = (Axis(told.min, told.max) for told in (source.absinfo(across), source.absinfo(down)))
    return Surface(x, y, slots) if x.least < x.greatest and y.least < y.greatest else None


def standing_of(source: Source, surface: Surface) -> Standing:
    """How the panel stands now. Raises OSError where it is gone."""
    if not surface.slots:
        place = (source.absinfo(ABS_X).value, source.absinfo(ABS_Y).value)
        return Standing(BTN_TOUCH in source.active_keys(), 0, {0: place})
    across, down = _slots(source.fd, ABS_MT_POSITION_X), _slots(source.fd, ABS_MT_POSITION_Y)
    places = {slot: (across.get(slot), down.get(slot)) for slot in range(MOST_SLOTS)}
    return Standing(touched=False, slot=source.absinfo(ABS_MT_SLOT).value, places=places)


def _slots(fd: int, code: int) -> dict[int, int]:
    """EVIOCGMTSLOTS of linux/input.h: the value of each slot; none where the kernel will not tell."""
    asked = struct.Struct(f"I{MOST_SLOTS}i")
    request = 2 << 30 | asked.size << 16 | ord("E") << 8 | 0x0A
    filled = bytearray(asked.pack(code, *[-(2**31)] * MOST_SLOTS))
    with contextlib.suppress(OSError):
        fcntl.ioctl(fd, request, filled)
        return {slot: value for slot, value in enumerate(asked.unpack(filled)[1:]) if value != -(2**31)}
    return {}


class TouchEvdev:
    """Emits Touched for a finger that comes and for one that goes, grabbing the device (EVIOCGRAB) so that nothing else
    on the terminal is touched. One that is on the panel when it is pulled is LOST.
    """

    def __init__(self, name: str, options: TouchEvdevOptions, emit: Emit) -> None:
        self._name = name
        self._options = options
        self._emit = emit
        self._stream: TouchStream | None = None
        self._down: Contact | None = None
        self._reader = InputReader("touch", options.path, Report(name, emit), self)

    def start(self) -> None:
        """Begin reading; the panel may come later."""
        self._reader.start()

    def close(self) -> None:
        """End within a second; may be called again."""
        self._reader.close()

    def suits(self, source: Source) -> bool:
        """Whether this is a touch panel."""
        return surface_of(source) is not None

    def opened(self, source: Source) -> None:
        """A panel that was plugged in has no finger on it that counts."""
        surface = surface_of(source)
        if surface is not None:
            self._stream = TouchStream(surface, lambda: standing_of(source, surface), self._options.bounce_ms)

    def lost(self) -> None:
        """The panel is gone: so is the finger that was on it."""
        self._stream = None
        if self._down is not None:
            self._tell([Contact(Finger.LOST, self._down.x_permyriad, self._down.y_permyriad, self._down.at_ns)])

    def take(self, read: Iterable[Timed]) -> None:
        """Events of the panel."""
        if self._stream is not None:
            self._tell(self._stream.feed(read))

    def quiet(self, now_ns: int) -> float | None:
        """Nothing came for a while: a finger that has gone is gone."""
        if self._stream is None:
            return None
        self._tell(self._stream.quiet(now_ns))
        return max(self._options.bounce_ms, 1) / 1_000 if self._stream.waits else None

    def _tell(self, found: Iterable[Contact]) -> None:
        for one in found:
            self._down = one if one.finger is Finger.DOWN else None
            x, y = self._options.in_picture(one.x_permyriad, one.y_permyriad)
            self._emit(Touched(self._name, one.finger, x, y, one.at_ns))
