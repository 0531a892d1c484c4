"""A touch panel made with the kernel's uinput: to a till it is an input device like any other.

Not every kernel offers uinput, and not everyone may use it: :func:`kernel_offers_panels` tries.
"""

from __future__ import annotations

import time
from pathlib import Path

from evdev import ecodes

from simulator.touch_events import Fingers, axes
from simulator.uinput import InputDevice, kernel_offers

NAME = "Tapledger virtual touch panel"

REST_S = 0.06
"""So long a finger rests in a tap."""


def kernel_offers_panels() -> bool:
    """Whether a panel can be made here and its events be read."""
    return kernel_offers([ecodes.BTN_TOUCH], NAME)


class UsbTouch:
    """A panel at the stable path `path`, which leads to whatever event device the kernel gave it. With `slots` it knows
    several fingers, else one. Places are ten-thousandths of its width and height.
    """

    def __init__(self, path: Path | str, slots: bool = False) -> None:
        self._slots = slots
        self._device = InputDevice(path, NAME, [ecodes.BTN_TOUCH], axes(slots))
        self._fingers = Fingers(slots)

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

    def tap(self, x_permyriad: int, y_permyriad: int) -> None:
        """Touch it and let go."""
        self.touch(x_permyriad, y_permyriad)
        time.sleep(REST_S)
        self.lift()

    def touch(self, x_permyriad: int, y_permyriad: int, slot: int = 0) -> None:
        """Put a finger on it."""
        self._device.report(*self._fingers.touch(x_permyriad, y_permyriad, slot))

    def move(self, x_permyriad: int, y_permyriad: int, slot: int = 0) -> None:
        """Let a finger slide."""
        self._device.report(*self._fingers.move(x_permyriad, y_permyriad, slot))

    def lift(self, slot: int = 0) -> None:
        """Take a finger off it."""
        self._device.report(*self._fingers.lift(slot))

    def chatter(self, x_permyriad: int, y_permyriad: int, times: int) -> None:
        """A finger on a worn panel, whose contact is lost and found so many times."""
        for _ in range(times):
            self.touch(x_permyriad, y_permyriad)
            self.lift()

    def lay_palm(self) -> None:
        """Let what was taken for a finger be a palm."""
        self._device.report(*self._fingers.lay_palm())

    def unplug(self) -> None:
        """Pull its plug; no finger outlasts that."""
        self._device.unplug()
        self._fingers = Fingers(self._slots)

    def replug(self) -> None:
        """Plug it in again, at the same path."""
        self._device.plug()
