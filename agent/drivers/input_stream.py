"""An input device of the kernel, held for the till alone: keypads, touch panels and scanners that type read theirs
through here.

`InputReader` opens the device, takes it away from every console (EVIOCGRAB), reads it and tells when it comes and goes.
`Strokes` makes keys that went down and up out of its events.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import struct
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from agent.drivers.device_thread import DeviceThread
from agent.drivers.facts import Status
from agent.drivers.report import Report
from contract.making import dataclass

if TYPE_CHECKING:
    import evdev

RETRY_S = 0.5
"""How often a device that is not there is looked for."""

EV_SYN, EV_KEY = 0, 1
SYN_DROPPED = 3
DOWN, UP = 1, 0

_EVIOCSCLOCKID = 0x400445A0
"""linux/input.h: the clock by which the kernel notes the time of an event."""


class InputEvent(Protocol):
    """One event as the kernel tells it (struct input_event)."""

    @property
    def sec(self) -> int:
        """Whole seconds of its time."""

    @property
    def usec(self) -> int:
        """Microseconds beside them."""

    @property
    def type(self) -> int:
        """EV_KEY and others."""

    @property
    def code(self) -> int:
        """Which key."""

    @property
    def value(self) -> int:
        """UP, DOWN, or 2 for a key that is held."""


@dataclass(frozen=True, slots=True)
class Stroke:
    """The key of this code went down or up."""

    code: int
    down: bool


@dataclass(frozen=True, slots=True)
class Dropped:
    """The kernel's buffer ran over: what was pressed in between is not known."""


Timed = tuple[InputEvent, int]
"""An event, and CLOCK_MONOTONIC in nanoseconds when it happened."""


class Strokes:
    """Turns input events into strokes: no device, only events in and strokes out.

    A key goes down once, however long it is held: what the kernel repeats is passed over. `down` are the keys that are
    down now. After SYN_DROPPED (the kernel's buffer ran over) `held` is asked for them. That is newer than all events
    that were read before, and the kernel throws away what it still has of keys when it is asked: so the rest of what
    was read together is passed over, or a key would stay down whose going up was thrown away.
    """

    def __init__(self, held: Callable[[], Iterable[int]]) -> None:
        self._held = held
        self.down: set[int] = set()

    def feed(self, read: Iterable[Timed]) -> Iterator[tuple[Stroke | Dropped, int]]:
        """Take what was read together; each stroke with when it happened. May raise what `held` raises."""
        for event, at_ns in read:
            if event.type == EV_SYN and event.code == SYN_DROPPED:
                self.down = set(self._held())
                yield Dropped(), at_ns
                return
            if event.type != EV_KEY:
                continue
            if event.value == UP and event.code in self.down:
                self.down.discard(event.code)
                yield Stroke(event.code, down=False), at_ns
            elif event.value == DOWN and event.code not in self.down:
                self.down.add(event.code)
                yield Stroke(event.code, down=True), at_ns


class AxisInfo(Protocol):
    """What a device says of an axis of its own (struct input_absinfo)."""

    @property
    def value(self) -> int:
        """Where it stands now."""

    @property
    def min(self) -> int:
        """The least it tells."""

    @property
    def max(self) -> int:
        """The greatest it tells."""


class Source(Protocol):
    """An open device, as far as it can be asked. Whatever is asked raises OSError where the device is gone."""

    @property
    def fd(self) -> int:
        """The open device."""

    def active_keys(self) -> Iterable[int]:
        """Which keys are down now."""

    def capabilities(self, *, absinfo: bool) -> Mapping[int, Sequence[int]]:
        """The codes it can tell, by their type."""

    def absinfo(self, axis_num: int) -> AxisInfo:
        """What it says of an axis."""

    def input_props(self) -> Sequence[int]:
        """What kind of device it says it is (INPUT_PROP_...)."""


class Listener(Protocol):
    """Who takes what a device tells. None of it may block."""

    def suits(self, source: Source) -> bool:
        """Whether this is a device of the right kind; it is not grabbed yet. May raise OSError."""

    def opened(self, source: Source) -> None:
        """The device was opened anew, and is the till's. May raise OSError."""

    def lost(self) -> None:
        """The device is not there any more, or is no longer read."""

    def take(self, read: Iterable[Timed]) -> None:
        """Events that were read together."""

    def quiet(self, now_ns: int) -> float | None:
        """Nothing more has come up to now. Returns in how many seconds at the latest this is to be asked again; None
        for not before something has come.
        """


class InputReader:
    """Reads one device in its own thread, and tells `listener`; one that does not suit it is a wrong one."""

    def __init__(self, name: str, path: str, report: Report, listener: Listener) -> None:
        self._path = path
        self._report = report
        self._listener = listener
        self._thread = DeviceThread(f"{name} {path}", report, self._serve, RETRY_S)

    def start(self) -> None:
        """Begin reading; the device may come later."""
        self._thread.start()

    def close(self) -> None:
        """End within a second; may be called again."""
        self._thread.close()

    def _serve(self) -> None:
        device = self._open()
        if device is None:
            return
        pulled = False
        try:
            # Before anything is said to be ready: what came before the clock was set, the kernel throws away.
            same_clock = _same_clock(device.fd)
            self._listener.opened(device)
            self._report.say(Status.READY)
            self._read(device, same_clock)
        except OSError:
            # ENODEV: the device was pulled.
            pulled = True
        finally:
            self._listener.lost()
            with contextlib.suppress(OSError):
                device.close()
        if pulled:
            self._report.say_lost()

    def _open(self) -> evdev.InputDevice[str] | None:
        try:
            import evdev
        except ImportError:
            self._report.say(Status.CONFIG_ERROR, "library_missing", "install_library")
            return None
        try:
            device = evdev.InputDevice(self._path)
        except OSError as error:
            if error.errno in (errno.ENOTTY, errno.EINVAL):
                self._report.say(Status.SELF_CHECK_FAILED, "wrong_device", "check_config")
            else:
                self._report.say_refused(error)
            return None
        try:
            if not self._listener.suits(device):
                self._report.say(Status.SELF_CHECK_FAILED, "wrong_device", "check_config")
            else:
                device.grab()
                return device
        except OSError as error:
            self._report.say_refused(error)
        device.close()
        return None

    def _read(self, device: Any, same_clock: bool) -> None:
        wait_s: float | None = 0.0
        while not self._thread.closing.is_set():
            came = self._thread.wait(device.fd, wait_s)
            now_ns = time.monotonic_ns()
            if not came:
                wait_s = self._listener.quiet(now_ns)
                continue
            self._listener.take([(event, _at_ns(event) if same_clock else now_ns) for event in device.read()])
            # Only when the kernel holds nothing more is it quiet, however late this thread comes to read it.
            wait_s = 0.0


def has_keys(source: Source, wanted: Iterable[int]) -> bool:
    """Whether a device has any of these keys."""
    return not set(wanted).isdisjoint(source.capabilities(absinfo=False).get(EV_KEY, ()))


def _at_ns(event: InputEvent) -> int:
    return event.sec * 1_000_000_000 + event.usec * 1_000


def _same_clock(fd: int) -> bool:
    """Have the kernel note times by CLOCK_MONOTONIC; false where it will not."""
    try:
        fcntl.ioctl(fd, _EVIOCSCLOCKID, struct.pack("i", time.CLOCK_MONOTONIC))
    except OSError:
        return False
    return True
