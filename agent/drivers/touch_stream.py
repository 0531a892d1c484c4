"""What a finger does to a touch panel, out of the kernel's input events: no device, only events in and fingers out.

Panels that know one finger tell ABS_X, ABS_Y and BTN_TOUCH; those that know several tell slots, each with a tracking
id and a place (the kernel's "Multi-touch (MT) Protocol", type B). Either way one finger counts, the first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping

from agent.drivers.facts import Finger
from agent.drivers.input_stream import DOWN, EV_KEY, EV_SYN, SYN_DROPPED, UP, InputEvent, Timed
from contract.making import dataclass

EV_ABS = 3
SYN_REPORT = 0
ABS_X, ABS_Y = 0x00, 0x01
ABS_MT_SLOT, ABS_MT_POSITION_X, ABS_MT_POSITION_Y = 0x2F, 0x35, 0x36
ABS_MT_TOOL_TYPE, ABS_MT_TRACKING_ID = 0x37, 0x39
MT_TOOL_PALM = 2
BTN_TOUCH = 0x14A

MOST_SLOTS = 32
"""More fingers than any panel knows; what it tells of others is passed over."""

PLACES_KEPT = 5
"""A finger is where the middle one of so many places is: a worn panel tells single ones that are far away."""


@dataclass(frozen=True, slots=True)
class Axis:
    """The least and the greatest value that a panel tells for one direction, as it says itself (EVIOCGABS)."""

    least: int
    greatest: int

    def permyriad(self, value: int) -> int:
        """How far along a value is, from 0 to 9999."""
        return (value - self.least) * 9_999 // (self.greatest - self.least)

    def holds(self, value: int) -> bool:
        """Whether the panel can be meant by such a value at all."""
        return self.least <= value <= self.greatest


@dataclass(frozen=True, slots=True)
class Surface:
    """What can be touched: both directions, and whether the panel tells several fingers in slots."""

    x: Axis
    y: Axis
    slots: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """How a panel stands now. The kernel tells changes alone: where the last finger was, the next is until it says
    otherwise. `places` are those of each slot, None where not known; a panel that knows one finger has slot 0.
    """

    touched: bool
    slot: int
    places: Mapping[int, tuple[int | None, int | None]]


@dataclass(frozen=True, slots=True)
class Contact:
    """What a finger did, where on the panel as the panel sees it (0 to 9999 each), and CLOCK_MONOTONIC of it in
    nanoseconds.
    """

    finger: Finger
    x_permyriad: int
    y_permyriad: int
    at_ns: int


class TouchStream:
    """Turns input events into contacts. Every UP and every LOST follows a DOWN of its own.

    A finger that comes back within `bounce_ms` was never gone; so it is told to be gone that much later, by `quiet`
    where the panel tells nothing more. Values beyond what the panel says of itself are no places. After SYN_DROPPED
    the finger in hand is lost, and nothing counts until a new one comes.
    """

    def __init__(self, surface: Surface, stands: Callable[[], Standing], bounce_ms: int) -> None:
        self._surface = surface
        self._stands = stands
        self._bounce_ns = bounce_ms * 1_000_000
        self._slot: int | None = 0
        self._places: dict[int, tuple[int | None, int | None]] = {}
        self._finger: int | None = None
        """The slot of the finger that counts, as far as the events read go."""
        self._others: set[int] = set()
        self._spoilt = False
        self._skipping = False
        self._recent: deque[tuple[int, int]] = deque(maxlen=PLACES_KEPT)
        self._told = False
        self._left_ns: int | None = None
        self._orient()

    @property
    def waits(self) -> bool:
        """Whether `quiet` is awaited: a finger has gone, and may not have."""
        return self._left_ns is not None

    def feed(self, read: Iterable[Timed]) -> list[Contact]:
        """Take what was read together. May raise what `stands` raises (OSError)."""
        found: list[Contact] = []
        for event, at_ns in read:
            if event.type == EV_SYN and event.code == SYN_DROPPED:
                found += self._end(Finger.LOST, at_ns)
                self._orient()
                self._skipping = True
            elif self._skipping:
                # Up to the next report everything belongs to one of which a part is missing.
                self._skipping = not (event.type == EV_SYN and event.code == SYN_REPORT)
            elif event.type == EV_SYN and event.code == SYN_REPORT:
                found += self._reported(at_ns)
            else:
                self._note(event)
        return found

    def quiet(self, now_ns: int) -> list[Contact]:
        """Let time pass: nothing came up to now."""
        if self._left_ns is None or now_ns - self._left_ns < self._bounce_ns:
            return []
        return list(self._end(Finger.UP, self._left_ns))

    def _orient(self) -> None:
        """Begin without a finger: one that is on the panel already counts no more."""
        standing = self._stands()
        self._slot = standing.slot if 0 <= standing.slot < MOST_SLOTS else None
        self._places = {slot: place for slot, place in standing.places.items() if 0 <= slot < MOST_SLOTS}
        self._finger = None
        self._others = {0} if standing.touched and not self._surface.slots else set()

    def _note(self, event: InputEvent) -> None:
        """Take one event into what is known; what it comes to shows when the report is complete."""
        if not self._surface.slots:
            if event.type == EV_KEY and event.code == BTN_TOUCH:
                self._came_or_went(0, event.value)
            elif event.type == EV_ABS and event.code in (ABS_X, ABS_Y):
                self._place(0, event.code == ABS_X, event.value)
        elif event.type != EV_ABS:
            return
        elif event.code == ABS_MT_SLOT:
            self._slot = event.value if 0 <= event.value < MOST_SLOTS else None
        elif self._slot is None:
            return
        elif event.code == ABS_MT_TRACKING_ID:
            self._came_or_went(self._slot, DOWN if event.value >= 0 else UP)
        elif event.code in (ABS_MT_POSITION_X, ABS_MT_POSITION_Y):
            self._place(self._slot, event.code == ABS_MT_POSITION_X, event.value)
        elif event.code == ABS_MT_TOOL_TYPE and event.value == MT_TOOL_PALM and self._slot == self._finger:
            self._spoilt = True

    def _came_or_went(self, slot: int, value: int) -> None:
        if value == UP:
            self._others.discard(slot)
            if slot == self._finger:
                self._finger = None
        elif value == DOWN and slot not in self._others and slot != self._finger:
            # With another finger on the panel, also one that counts no more, this one is not the first.
            if self._finger is None and not self._others:
                self._finger = slot
            else:
                self._others.add(slot)

    def _place(self, slot: int, is_x: bool, value: int) -> None:
        x, y = self._places.get(slot, (None, None))
        axis = self._surface.x if is_x else self._surface.y
        known = value if axis.holds(value) else None
        self._places[slot] = (known, y) if is_x else (x, known)

    def _reported(self, at_ns: int) -> Iterator[Contact]:
        """A report is complete: what it comes to."""
        if self._spoilt:
            self._spoilt = False
            if self._finger is not None:
                self._others.add(self._finger)
                self._finger = None
            yield from self._end(Finger.LOST, at_ns)
            return
        yield from self.quiet(at_ns)
        if self._finger is None:
            if self._told and self._left_ns is None:
                self._left_ns = at_ns
            elif not self._told:
                self._recent.clear()
            return
        self._left_ns = None
        x, y = self._places.get(self._finger, (None, None))
        if x is None or y is None:
            return
        self._recent.append((self._surface.x.permyriad(x), self._surface.y.permyriad(y)))
        if not self._told:
            self._told = True
            yield Contact(Finger.DOWN, *self._middle(), at_ns)

    def _end(self, how: Finger, at_ns: int) -> Iterator[Contact]:
        if self._told:
            yield Contact(how, *self._middle(), at_ns)
        self._told = False
        self._left_ns = None
        self._recent.clear()

    def _middle(self) -> tuple[int, int]:
        """The middle one of the last places, each direction for itself."""
        at = len(self._recent) // 2
        return sorted(x for x, _y in self._recent)[at], sorted(y for _x, y in self._recent)[at]
