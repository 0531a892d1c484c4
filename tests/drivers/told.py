"""What a driver told: an `Emit` that keeps every fact, and lets a test wait for one."""

from __future__ import annotations

import threading
from typing import TypeVar

from agent.drivers.facts import DeviceStatus, Fact, Status

F = TypeVar("F", bound=Fact)


class Told:
    """Stands where the till's mailbox stands. `room` limits it, for tests of a full one."""

    def __init__(self) -> None:
        self.room: int | None = None
        self._facts: list[Fact] = []
        self._came = threading.Condition()
        self._read = 0

    def emit(self, fact: Fact) -> bool:
        """Keep a fact; False when there is no room."""
        with self._came:
            if self.room is not None:
                if self.room == 0:
                    return False
                self.room -= 1
            self._facts.append(fact)
            self._came.notify_all()
            return True

    def forget(self) -> None:
        """Keep only the last word about the device."""
        with self._came:
            words: list[Fact] = [fact for fact in self._facts if isinstance(fact, DeviceStatus)]
            self._facts = words[-1:]
            self._read = 0

    @property
    def facts(self) -> tuple[Fact, ...]:
        """All facts so far."""
        with self._came:
            return tuple(self._facts)

    def of(self, kind: type[F]) -> list[F]:
        """All facts of one kind so far."""
        return [fact for fact in self.facts if isinstance(fact, kind)]

    def next(self, kind: type[F], timeout_s: float = 30) -> F:
        """Wait for the next fact of a kind that no earlier `next` has passed over."""
        with self._came:

            def found() -> int | None:
                return next((i for i in range(self._read, len(self._facts)) if isinstance(self._facts[i], kind)), None)

            assert self._came.wait_for(lambda: found() is not None, timeout_s), f"no {kind.__name__}: {self._facts}"
            at = found()
            assert at is not None
            self._read = at + 1
            fact = self._facts[at]
            assert isinstance(fact, kind)
            return fact

    def next_status(self, status: Status, timeout_s: float = 30) -> DeviceStatus:
        """Wait for the next report of a status, passing over the others."""
        while True:
            told = self.next(DeviceStatus, timeout_s)
            if told.status is status:
                return told
