"""The pins of a board that is not there, by gpiozero's own mock pins: lamps to look at, contacts to close, a matrix of
keys to press.

Drivers reach them as they reach real ones, by gpiozero's way to the pins (``gpiozero.Device.pin_factory``), which a
`Board` takes the place of while it is plugged in.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from gpiozero import Device
from gpiozero.pins.mock import MockFactory, MockPin

PINS = range(28)


class PinsGone(Exception):
    """What a library says of pins whose chip has gone: a class of its own, no OSError."""


class _BoardPin(MockPin):  # type: ignore[misc]
    """A mock pin that lets its neighbours know when its level changes."""

    changed: Callable[[], None] | None = None
    grounded = False
    gone = False

    @property
    def seen(self) -> bool:
        """Its level, for who looks at the board from outside."""
        return bool(super()._get_state())

    def close(self) -> None:
        if not self.gone:
            super().close()

    def _get_state(self) -> Any:
        if self.gone:
            raise PinsGone("no such chip")
        return super()._get_state()

    def _set_state(self, value: Any) -> None:
        if self.gone:
            raise PinsGone("no such chip")
        super()._set_state(value)

    def _set_function(self, value: str) -> None:
        if self.gone:
            raise PinsGone("no such chip")
        super()._set_function(value)

    def _set_pull(self, value: str) -> None:
        super()._set_pull(value)
        if self.grounded:
            # A contact that is closed is stronger than the resistor on the board.
            self.drive_low()

    def spike(self) -> None:
        """Have a fall of the level told after the level is up again, if anybody listens."""
        if self._when_changed is not None:
            super(MockPin, self)._call_when_changed(time.monotonic(), 0)

    def _change_state(self, value: bool) -> bool:
        differs = bool(super()._change_state(value))
        if differs and self.changed is not None:
            self.changed()
        return differs


class Board:
    """The pins 0 to 27 of a board. One at a time in a process."""

    def __init__(self) -> None:
        self._factory = MockFactory(pin_class=_BoardPin)
        self._before: Any = None
        self._plugged = False

    def plug(self) -> None:
        """Be the pins of this process."""
        self._before, Device.pin_factory = Device.pin_factory, self._factory
        self._plugged = True

    def unplug(self) -> None:
        """Give the place back; may be called again."""
        if self._plugged:
            Device.pin_factory = self._before
            self._plugged = False
        self._factory.reset()

    def lose(self) -> None:
        """Have the chip of the pins go, as one does that is on a cable or whose driver is unloaded: whoever has a pin
        hears of it when it uses the pin.
        """
        self._have_gone(True)

    def restore(self) -> None:
        """Have it come back, every pin as after a start."""
        self._have_gone(False)

    def leave_driven(self, number: int, high: bool) -> None:
        """Be as somebody left it who drove this pin and was killed."""
        pin = self._factory.pin(number)
        pin.function = "output"
        pin.state = high

    def forget(self) -> None:
        """Keep no level that a pin had before."""
        for number in PINS:
            self._factory.pin(number).clear_states()

    def _have_gone(self, gone: bool) -> None:
        for number in PINS:
            pin = self._factory.pin(number)
            pin.gone = gone
            if not gone:
                pin.function = "input"

    def level(self, number: int) -> bool:
        """Whether a pin is high."""
        return bool(self._factory.pin(number).seen)

    def levels(self, number: int) -> list[bool]:
        """Every level a pin has had, in order."""
        return [bool(state.state) for state in self._factory.pin(number).states]

    def driven(self, number: int) -> bool:
        """Whether somebody drives a pin."""
        return bool(self._factory.pin(number).function == "output")

    def when_changed(self, number: int, changed: Callable[[], None]) -> None:
        """Have `changed` called whenever the level of a pin does."""
        self._factory.pin(number).changed = changed

    def ground(self, number: int) -> None:
        """Close a contact between a pin and ground."""
        pin = self._factory.pin(number)
        pin.grounded = True
        pin.drive_low()

    def release(self, number: int) -> None:
        """Open it again."""
        pin = self._factory.pin(number)
        pin.grounded = False
        pin.drive_high()

    def spike(self, number: int) -> None:
        """Disturb a wire so shortly that it is over when anybody looks."""
        self._factory.pin(number).spike()


class MatrixKeypad:
    """Keys at the crossings of rows and columns of a board. A key that is down joins its row and its column."""

    def __init__(self, board: Board, rows: Sequence[int], columns: Sequence[int]) -> None:
        self._board = board
        self._rows = tuple(rows)
        self._columns = tuple(columns)
        self._down: set[tuple[int, int]] = set()
        self._settling = threading.RLock()
        for row in self._rows:
            board.when_changed(row, self._settle)

    def press(self, row: int, column: int) -> None:
        """Push a key down."""
        self._down.add((row, column))
        self._settle()

    def release(self, row: int, column: int) -> None:
        """Let it go."""
        self._down.discard((row, column))
        self._settle()

    def _settle(self) -> None:
        """Let every line have the level that its neighbours give it, through as many keys as there are down."""
        with self._settling:
            driven = [at for at, pin in enumerate(self._rows) if self._board.driven(pin)]
            low = {("row", at) for at in driven if not self._board.level(self._rows[at])}
            grown = True
            while grown:
                grown = False
                for row, column in self._down:
                    pair = {("row", row), ("column", column)}
                    if pair & low and not pair <= low:
                        low |= pair
                        grown = True
            for at, pin in enumerate(self._columns):
                (self._board.ground if ("column", at) in low else self._board.release)(pin)
