"""A USB keypad through the kernel's input layer, held for the till alone."""

from __future__ import annotations

import errno
import select
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from agent.drivers.device_thread import DeviceThread
from agent.drivers.facts import Emit, Key, KeyPressed, Status
from agent.drivers.report import Report
from contract import settings
from contract.making import dataclass

if TYPE_CHECKING:
    import evdev

RETRY_S = 0.5
TICK_S = 0.2

EV_SYN, EV_KEY = 0, 1
SYN_REPORT, SYN_DROPPED = 0, 3
DOWN, UP = 1, 0

KEYS: dict[int, Key] = {
    1: Key.CANCEL,  # KEY_ESC
    2: Key.DIGIT_1,
    3: Key.DIGIT_2,
    4: Key.DIGIT_3,
    5: Key.DIGIT_4,
    6: Key.DIGIT_5,
    7: Key.DIGIT_6,
    8: Key.DIGIT_7,
    9: Key.DIGIT_8,
    10: Key.DIGIT_9,
    11: Key.DIGIT_0,
    14: Key.CLEAR,  # KEY_BACKSPACE
    28: Key.ENTER,
    52: Key.POINT,  # KEY_DOT
    59: Key.MEMBER,  # KEY_F1 to KEY_F9
    60: Key.CASH,
    61: Key.REPRINT,
    62: Key.LANG,
    63: Key.SIGNOUT,
    64: Key.DOUBLE_ZERO,
    65: Key.STORED,
    66: Key.TOP_UP,
    67: Key.SLIP,
    68: Key.POINTS,  # KEY_F10
    55: Key.REPORT,  # KEY_KPASTERISK
    74: Key.REFUND,  # KEY_KPMINUS
    88: Key.MENU,  # KEY_F12
    98: Key.TRAINING,  # KEY_KPSLASH
    71: Key.DIGIT_7,  # KEY_KP7 and the rest of the number block
    72: Key.DIGIT_8,
    73: Key.DIGIT_9,
    75: Key.DIGIT_4,
    76: Key.DIGIT_5,
    77: Key.DIGIT_6,
    79: Key.DIGIT_1,
    80: Key.DIGIT_2,
    81: Key.DIGIT_3,
    82: Key.DIGIT_0,
    83: Key.POINT,  # KEY_KPDOT
    87: Key.REDEEM,  # KEY_F11
    96: Key.ENTER,  # KEY_KPENTER
}
"""Key codes of linux/input-event-codes.h: places on the keypad, whatever layout or lock is set."""


class InputEvent(Protocol):
    """One event as the kernel tells it (struct input_event)."""

    type: int
    code: int
    value: int


@dataclass(frozen=True, slots=True)
class KeypadEvdevOptions:
    """Where the keypad is: `path`, best one under /dev/input/by-id."""

    path: str

    @classmethod
    def from_table(cls, table: Mapping[str, object]) -> KeypadEvdevOptions:
        """Read a table of options. Raises SettingsError that names every mistake."""
        return cls(**settings.read(table, settings.Table({"path": settings.text()})))


class KeyStream:
    """Turns input events into keys: no device, only events in and keys out.

    A key counts when it goes down, once, however long it is held. After SYN_DROPPED (the kernel's buffer ran over)
    everything up to the next SYN_REPORT is of no use, as the kernel's document on event codes says: `held` is then
    asked which keys are down, and those count no second time.
    """

    def __init__(self, held: Callable[[], Iterable[int]]) -> None:
        self._held = held
        self._down: set[int] = set()
        self._dropping = False

    def feed(self, event: InputEvent) -> Key | None:
        """Take one event; a key when one went down. May raise what `held` raises."""
        if event.type == EV_SYN and event.code == SYN_DROPPED:
            self._dropping = True
        elif self._dropping:
            if event.type == EV_SYN and event.code == SYN_REPORT:
                self._down = set(self._held())
                self._dropping = False
        elif event.type == EV_KEY and event.value == UP:
            self._down.discard(event.code)
        elif event.type == EV_KEY and event.value == DOWN and event.code not in self._down:
            self._down.add(event.code)
            return KEYS.get(event.code)
        return None


class KeypadEvdev:
    """Emits KeyPressed for each known key, grabbing the device (EVIOCGRAB) so that no console gets the PIN."""

    def __init__(self, name: str, options: KeypadEvdevOptions, emit: Emit) -> None:
        self._name = name
        self._path = options.path
        self._emit = emit
        self._report = Report(name, emit)
        self._thread = DeviceThread(f"keypad {options.path}", self._report, self._serve, RETRY_S)

    def start(self) -> None:
        """Begin reading; the keypad may come later."""
        self._thread.start()

    def close(self) -> None:
        """End within a second; may be called again."""
        self._thread.close()

    def _serve(self) -> None:
        device = self._open()
        if device is None:
            return
        try:
            self._report.say(Status.READY)
            self._read(device)
        except OSError:
            # ENODEV: the keypad was pulled.
            self._report.say_lost()
        finally:
            device.close()

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
            if not KEYS.keys() & set(device.capabilities().get(EV_KEY, ())):
                self._report.say(Status.SELF_CHECK_FAILED, "wrong_device", "check_config")
            else:
                device.grab()
                return device
        except OSError as error:
            self._report.say_refused(error)
        device.close()
        return None

    def _read(self, device: Any) -> None:
        keys = KeyStream(device.active_keys)
        while not self._thread.closing.is_set():
            if not select.select([device.fd], [], [], TICK_S)[0]:
                continue
            for event in device.read():
                if key := keys.feed(event):
                    self._emit(KeyPressed(self._name, key))
