"""Reads a driver's table of options strictly and tells every mistake in it at once."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from agent.drivers.facts import DriverError

_MISSING = object()


class OptionTable:
    """One table of options being read.

    Each reader takes a key, checks it and returns a value of the right type, or some harmless one when there was
    a problem; `finish` then raises DriverError with all problems, unknown keys among them.
    """

    def __init__(self, table: Mapping[str, object]) -> None:
        self._table = table
        self._known: list[str] = []
        self._problems: list[str] = []

    def text(self, name: str, default: str | None = None) -> str:
        """A text that is not empty; required when there is no default."""
        value = self._take(name, default)
        if isinstance(value, str) and value:
            return value
        self._wrong(name, value, "a text that is not empty")
        return ""

    def whole(self, name: str, default: int | None, low: int, high: int) -> int:
        """A whole number from `low` to `high`."""
        value = self._take(name, default)
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        self._wrong(name, value, f"a whole number from {low} to {high}")
        return low

    def seconds(self, name: str, default: float, low: float, high: float) -> float:
        """A time in seconds from `low` to `high`."""
        value = self._take(name, default)
        if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
            return float(value)
        self._wrong(name, value, f"a time from {low:g} to {high:g} seconds")
        return low

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        """One word of `choices`."""
        value = self._take(name, default)
        if isinstance(value, str) and value in choices:
            return value
        self._wrong(name, value, "one of " + ", ".join(choices))
        return default

    def flag(self, name: str, default: bool) -> bool:
        """True or false."""
        value = self._take(name, default)
        if isinstance(value, bool):
            return value
        self._wrong(name, value, "true or false")
        return default

    def problem(self, sentence: str) -> None:
        """Add a mistake that no single key shows."""
        self._problems.append(sentence)

    def finish(self) -> None:
        """Raise DriverError when anything was wrong, naming every mistake."""
        for name in self._table:
            if name not in self._known:
                near = difflib.get_close_matches(name, self._known, 1)
                hint = f'; did you mean "{near[0]}"?' if near else f"; known are {', '.join(self._known)}"
                self._problems.append(f'"{name}" is not an option{hint}')
        if self._problems:
            raise DriverError(*self._problems)

    def _take(self, name: str, default: object | None) -> object:
        self._known.append(name)
        value = self._table.get(name, _MISSING)
        if value is not _MISSING:
            return value
        return _MISSING if default is None else default

    def _wrong(self, name: str, value: object, wanted: str) -> None:
        if value is _MISSING:
            self._problems.append(f'"{name}" is missing; it must be {wanted}')
        else:
            self._problems.append(f'"{name}" is {value!r}; it must be {wanted}')
