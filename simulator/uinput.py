"""An input device made with the kernel's uinput: to a till it is one like any other, with a plug that can be pulled.

Not every kernel offers uinput, and not everyone may use it: :func:`kernel_offers` tries.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import evdev
from evdev import ecodes

Axes = Mapping[int, tuple[int, int]]
"""The axes of a device by their code, each with the least and the greatest value it tells."""


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
    """A device at the stable path `path`, which leads to whatever event device the kernel gave it. One with `axes` is
    touched where its picture is (INPUT_PROP_DIRECT).
    """

    def __init__(self, path: Path | str, name: str, codes: Iterable[int], axes: Axes | None = None) -> None:
        self.path = Path(path)
        self._axes = dict(axes or {})
        self._name = name
        self._codes = sorted(codes)
        self._made: evdev.UInput | None = None

    def plug(self) -> None:
        """Plug it in, unless it is. Raises OSError where the kernel makes no such device or the path is taken."""
        if self._made is not None:
            return
        made = self._make()
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

    def report(self, *events: tuple[int, int, int]) -> None:
        """Tell events (type, code, value) in one report; nothing where it is not plugged in."""
        if self._made is not None:
            for event in events:
                self._made.write(*event)
            self._made.syn()

    def stroke(self, code: int, down: bool) -> None:
        """Let a key go down or up; nothing where it is not plugged in."""
        self.report((ecodes.EV_KEY, code, int(down)))

    def _make(self) -> evdev.UInput:
        if not self._axes:
            return evdev.UInput({ecodes.EV_KEY: self._codes}, name=self._name)
        axes = [(code, evdev.AbsInfo(0, low, high, 0, 0, 0)) for code, (low, high) in self._axes.items()]
        events: dict[int, Any] = {ecodes.EV_KEY: self._codes, ecodes.EV_ABS: axes}
        return evdev.UInput(events, name=self._name, input_props=[ecodes.INPUT_PROP_DIRECT])


def _event_path(made: evdev.UInput) -> str | None:
    """The event device, where there is one and it can be read. The library has None where it found none."""
    device: evdev.InputDevice[str] | None = made.device
    return str(device.path) if device is not None and os.access(device.path, os.R_OK) else None
