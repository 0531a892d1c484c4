"""An input device made with the kernel's uinput: to a till it is one like any other, with a plug that can be pulled.

Not every kernel offers uinput, and not everyone may use it: :func:`kernel_offers` tries.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import evdev
from evdev import ecodes


def kernel_offers(codes: Iterable[int], name: str) -> bool:
    """Whether a device with these keys can be made here and its events be read."""
    if not os.access("/dev/uinput", os.W_OK):
        return False
    try:
        with evdev.UInput({ecodes.EV_KEY: list(codes)}, name=name) as made:
            return _event_path(made) is not None
    except (OSError, evdev.UInputError):
        return False


class InputDevice:
    """A device at the stable path `path`, which leads to whatever event device the kernel gave it."""

    def __init__(self, path: Path | str, name: str, codes: Iterable[int]) -> None:
        self.path = Path(path)
        self._name = name
        self._codes = sorted(codes)
        self._made: evdev.UInput | None = None

    def plug(self) -> None:
        """Plug it in, unless it is. Raises OSError where the kernel makes no such device or the path is taken."""
        if self._made is not None:
            return
        made = evdev.UInput({ecodes.EV_KEY: self._codes}, name=self._name)
        path = _event_path(made)
        if path is None:
            made.close()
            raise OSError("the kernel made an input device that nobody can read")
        self._made = made
        self.path.symlink_to(path)

    def unplug(self) -> None:
        """Take it away; may be called again."""
        made, self._made = self._made, None
        if made is not None:
            self.path.unlink(missing_ok=True)
            made.close()

    def stroke(self, code: int, down: bool) -> None:
        """Let a key go down or up; nothing where it is not plugged in."""
        if self._made is not None:
            self._made.write(ecodes.EV_KEY, code, int(down))
            self._made.syn()


def _event_path(made: evdev.UInput) -> str | None:
    """The event device, where there is one and it can be read. The library has None where it found none."""
    device: evdev.InputDevice[str] | None = made.device
    return str(device.path) if device is not None and os.access(device.path, os.R_OK) else None
