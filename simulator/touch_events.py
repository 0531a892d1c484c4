"""What touch panels tell of fingers: events (type, code, value) of linux/input-event-codes.h, a report at a time.

A resistive panel knows one finger; a capacitive one tells each in a slot of its own (the kernel's "Multi-touch (MT)
Protocol", type B), and the first of them as a panel of one finger besides. Places are ten-thousandths of the panel's
width and height.
"""

from __future__ import annotations

from evdev import ecodes

Event = tuple[int, int, int]
Report = list[Event]

ACROSS, DOWN = (200, 3_900), (150, 3_950)
"""What the panels tell at their edges: the raw values of a converter of twelve bits."""

SLOTS = 5

_ABS, _KEY = ecodes.EV_ABS, ecodes.EV_KEY


def axes(slots: bool) -> dict[int, tuple[int, int]]:
    """The axes of a panel and what it says it tells of them."""
    one = {ecodes.ABS_X: ACROSS, ecodes.ABS_Y: DOWN}
    several = {
        ecodes.ABS_MT_SLOT: (0, SLOTS - 1),
        ecodes.ABS_MT_POSITION_X: ACROSS,
        ecodes.ABS_MT_POSITION_Y: DOWN,
        ecodes.ABS_MT_TOOL_TYPE: (0, 2),
        ecodes.ABS_MT_TRACKING_ID: (0, 65_535),
    }
    return one | several if slots else one


class Fingers:
    """The fingers on a panel, and what it tells of each."""

    def __init__(self, slots: bool) -> None:
        self._slots = slots
        self._number = 0
        self._down: list[int] = []

    def touch(self, x_permyriad: int, y_permyriad: int, slot: int = 0) -> Report:
        """A finger comes down."""
        self._number += 1
        self._down.append(slot)
        begun: Report = [(_ABS, ecodes.ABS_MT_SLOT, slot), (_ABS, ecodes.ABS_MT_TRACKING_ID, self._number)]
        first: Report = [(_KEY, ecodes.BTN_TOUCH, 1)] if len(self._down) == 1 else []
        return [*(begun if self._slots else ()), *first, *self._place(x_permyriad, y_permyriad, slot)]

    def move(self, x_permyriad: int, y_permyriad: int, slot: int = 0) -> Report:
        """A finger moves."""
        chosen: Report = [(_ABS, ecodes.ABS_MT_SLOT, slot)] if self._slots else []
        return [*chosen, *self._place(x_permyriad, y_permyriad, slot)]

    def lift(self, slot: int = 0) -> Report:
        """A finger goes."""
        self._down.remove(slot)
        ended: Report = [(_ABS, ecodes.ABS_MT_SLOT, slot), (_ABS, ecodes.ABS_MT_TRACKING_ID, -1)]
        last: Report = [] if self._down else [(_KEY, ecodes.BTN_TOUCH, 0)]
        return [*(ended if self._slots else ()), *last]

    def lay_palm(self, slot: int = 0) -> Report:
        """What was taken for a finger is found to be a palm; of a panel that tells such things."""
        return [(_ABS, ecodes.ABS_MT_SLOT, slot), (_ABS, ecodes.ABS_MT_TOOL_TYPE, 2)]

    def _place(self, x_permyriad: int, y_permyriad: int, slot: int) -> Report:
        x, y = (low + (high - low) * at // 9_999 for (low, high), at in ((ACROSS, x_permyriad), (DOWN, y_permyriad)))
        several: Report = [(_ABS, ecodes.ABS_MT_POSITION_X, x), (_ABS, ecodes.ABS_MT_POSITION_Y, y)]
        one: Report = [(_ABS, ecodes.ABS_X, x), (_ABS, ecodes.ABS_Y, y)] if slot == self._down[0] else []
        return [*(several if self._slots else ()), *one]
