"""A USB keypad made with the kernel's uinput: to a till it is an input device like any other.

Not every kernel offers uinput, and not everyone may use it: :func:`kernel_offers_keypads` tries.
"""

from __future__ import annotations

import os
from pathlib import Path

import evdev
from evdev import ecodes

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


def kernel_offers_keypads() -> bool:
    """Whether a keypad can be made here and its events be read."""
    if not os.access("/dev/uinput", os.W_OK):
        return False
    try:
        with evdev.UInput({ecodes.EV_KEY: list(KEYS.values())}, name=NAME) as made:
            return _event_path(made) is not None
    except (OSError, evdev.UInputError):
        return False


class UsbKeypad:
    """A keypad at the stable path `path`, which leads to whatever event device the kernel gave it."""

    def __init__(self, path: Path | str) -> None:
        self._path = Path(path)
        self._made: evdev.UInput | None = None

    @property
    def path(self) -> Path:
        """Where a till opens it."""
        return self._path

    def start(self) -> None:
        """Plug it in. Raises OSError where the kernel makes no such device or the path is taken."""
        made = evdev.UInput({ecodes.EV_KEY: list(KEYS.values())}, name=NAME)
        path = _event_path(made)
        if path is None:
            made.close()
            raise OSError("the kernel made a keypad whose event device nobody can read")
        self._made = made
        self._path.symlink_to(path)

    def close(self) -> None:
        """Take it away; may be called again."""
        self._path.unlink(missing_ok=True)
        made, self._made = self._made, None
        if made is not None:
            made.close()

    def press(self, *keys: str) -> None:
        """Press keys one after the other. Raises KeyError for one that this keypad does not have."""
        codes = [KEYS[key] for key in keys]
        if self._made is None:
            return
        for code in codes:
            for value in (1, 0):
                self._made.write(ecodes.EV_KEY, code, value)
                self._made.syn()

    def type(self, text: str) -> None:
        """Press the digits and points of a text one after the other. Raises KeyError as `press` does."""
        self.press(*text)

    def unplug(self) -> None:
        """Pull its plug."""
        self.close()

    def replug(self) -> None:
        """Plug it in again, at the same path."""
        self.start()


def _event_path(made: evdev.UInput) -> str | None:
    """The event device of a keypad, where there is one and it can be read. The library has None where it found none."""
    device: evdev.InputDevice[str] | None = made.device
    return str(device.path) if device is not None and os.access(device.path, os.R_OK) else None
