"""A touch panel as the kernel shows it to a program that has opened it: what it says of itself, and its events.

Stands where the library's open device stands, for tests on kernels that make no input devices.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence

import evdev
from evdev import ecodes

from agent.drivers.input_stream import Timed
from simulator.touch_events import Fingers, Report, axes


class OpenPanel:
    """An open panel; `report` is what a finger's doing comes to. It keeps where it was touched last."""

    def __init__(self, slots: bool = False) -> None:
        self._ranges = axes(slots)
        self._at = {code: low for code, (low, _high) in self._ranges.items()}
        self._down = False
        self.fingers = Fingers(slots)
        self.fd = os.open(os.devnull, os.O_RDONLY)

    def close(self) -> None:
        """Let it go."""
        os.close(self.fd)

    def active_keys(self) -> Iterable[int]:
        """Whether it is touched."""
        return [ecodes.BTN_TOUCH] if self._down else []

    def capabilities(self, *, absinfo: bool) -> dict[int, Sequence[int]]:
        """The axes and the contact."""
        assert not absinfo
        return {ecodes.EV_KEY: [ecodes.BTN_TOUCH], ecodes.EV_ABS: list(self._ranges)}

    def absinfo(self, axis_num: int) -> evdev.AbsInfo:
        """What it says of an axis."""
        low, high = self._ranges[axis_num]
        return evdev.AbsInfo(self._at[axis_num], low, high, 0, 0, 0)

    def input_props(self) -> Sequence[int]:
        """It is touched where its picture is."""
        return [ecodes.INPUT_PROP_DIRECT]

    def report(self, events: Report) -> list[Timed]:
        """The events as the kernel tells them: with the end of the report, and without what has not changed."""
        told = []
        for kind, code, value in events:
            if kind == ecodes.EV_ABS and self._at.get(code) == value and code != ecodes.ABS_MT_TRACKING_ID:
                continue
            if kind == ecodes.EV_ABS:
                self._at[code] = value
            elif kind == ecodes.EV_KEY:
                self._down = bool(value)
            told.append((kind, code, value))
        now_ns = time.monotonic_ns()
        return [(evdev.InputEvent(0, 0, *event), now_ns) for event in [*told, (ecodes.EV_SYN, ecodes.SYN_REPORT, 0)]]
