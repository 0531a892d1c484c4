"""A USB keypad made with the kernel's uinput: to a till it is an input device like any other.

Not every kernel offers uinput, and not everyone may use it: :func:`kernel_offers_keypads` tries.
"""

from __future__ import annotations

import time
from pathlib import Path

from evdev import ecodes

from simulator.uinput import InputDevice, kernel_offers

KEYS: dict[str, int] = {
    **{str(digit): getattr(ecodes, f"KEY_KP{digit}") for digit in range(10)},
    ".": ecodes.KEY_KPDOT,
    "00": ecodes.KEY_F6,
    "clear": ecodes.KEY_BACKSPACE,
    "cancel": ecodes.KEY_ESC,
    "enter": ecodes.KEY_KPENTER,
    "member": ecodes.KEY_F1,
    "cash": ecodes.KEY_F2,
    "reprint": ecodes.KEY_F3,
    "lang": ecodes.KEY_F4,
    "signout": ecodes.KEY_F5,
    "stored": ecodes.KEY_F7,
    "topup": ecodes.KEY_F8,
    "slip": ecodes.KEY_F9,
    "menu": ecodes.KEY_F12,
    "report": ecodes.KEY_KPASTERISK,
    "refund": ecodes.KEY_KPMINUS,
    "training": ecodes.KEY_KPSLASH,
    "points": ecodes.KEY_F10,
    "redeem": ecodes.KEY_F11,
}
"""The keys by what is printed on them, and the key code each has (linux/input-event-codes.h)."""

NAME = "Tapledger virtual keypad"


LET_GO_S = 0.03
"""So long a finger takes at the least to press the key again that it has just let go."""


def kernel_offers_keypads() -> bool:
    """Whether a keypad can be made here and its events be read."""
    return kernel_offers(KEYS.values(), NAME)


class UsbKeypad:
    """A keypad at the stable path `path`, which leads to whatever event device the kernel gave it."""

    def __init__(self, path: Path | str) -> None:
        self._device = InputDevice(path, NAME, KEYS.values())

    @property
    def path(self) -> Path:
        """Where a till opens it."""
        return self._device.path

    def start(self) -> None:
        """Plug it in. Raises OSError where the kernel makes no such device or the path is taken."""
        self._device.plug()

    def close(self) -> None:
        """Take it away; may be called again."""
        self._device.unplug()

    def press(self, *keys: str) -> None:
        """Press keys one after the other. Raises KeyError for one that this keypad does not have."""
        before = 0
        for code in [KEYS[key] for key in keys]:
            if code == before:
                time.sleep(LET_GO_S)
            self.bounce(code, 1)
            before = code

    def bounce(self, code: int, times: int) -> None:
        """Press a key whose worn contact closes so many times."""
        for _ in range(times):
            self._device.stroke(code, down=True)
            self._device.stroke(code, down=False)

    def type(self, text: str) -> None:
        """Press the digits and points of a text one after the other. Raises KeyError as `press` does."""
        self.press(*text)

    def unplug(self) -> None:
        """Pull its plug."""
        self._device.unplug()

    def replug(self) -> None:
        """Plug it in again, at the same path."""
        self._device.plug()
