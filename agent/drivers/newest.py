"""A place for the newest of something: who brings one never waits, and who takes one gets no older one after it."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Newest(Generic[T]):
    """Between one thread that brings and one that takes."""

    def __init__(self) -> None:
        self._there = threading.Condition()
        self._value: T | None = None
        self._fresh = False

    def put(self, value: T) -> None:
        """Take the place of whatever is there."""
        with self._there:
            self._value = value
            self._fresh = True
            self._there.notify()

    def take(self, timeout_s: float) -> T | None:
        """What came since the last call, waited for so long; None when nothing came."""
        with self._there:
            if not self._there.wait_for(lambda: self._fresh, timeout_s):
                return None
            self._fresh = False
            return self._value

    def again(self) -> None:
        """Let the next `take` have what is there even where it was taken before: its reader was lost meanwhile."""
        with self._there:
            self._fresh = self._value is not None
            self._there.notify()
