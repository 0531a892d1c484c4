"""Virtual time, chance and the record of what happened: the ground on which a whole fleet runs in one process.

Nothing in the fleet looks at a real clock or draws from another source of chance, so a seed decides everything: who
sells what, which message is lost, at which write the power fails. Run with the same seed, the same story comes out,
line by line.

How to read a story: each line is ``seconds since the start, who, what``. Terminals are called ``a1``, a second unit
that runs from a copy of the same disk ``a1+``; workers of head office ``hq-1``, ``hq-2``; the broker ``broker``.
Faults stand with a ``!`` before them, what is wrong with ``VIOLATION``. Read from the violation upwards: which
transaction or entry does it name, who committed it, what became of the messages after that.
"""

import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field

START_MS = 1_800_000_000_000
"""When every story begins, in Unix milliseconds."""


@dataclass(frozen=True, slots=True, order=True)
class _Event:
    """Something that happens at a time; what was planned first goes first."""

    at_ms: int
    order: int
    act: Callable[[], None] = field(compare=False)


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise that was not kept: which one, and what shows it."""

    promise: str
    detail: str

    def __str__(self) -> str:
        return f"{self.promise}: {self.detail}"


class Broken(Exception):
    """Raised at the first promise that is not kept; the story ends there."""

    def __init__(self, violation: Violation) -> None:
        super().__init__(str(violation))
        self.violation = violation


class World:
    """Time goes from event to event. ``watch`` is asked after each whether all promises still hold."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.chance = random.Random(seed)
        self.now_ms = START_MS
        self.story: list[str] = []
        self.watch: Callable[[], None] = lambda: None
        self._waiting: list[_Event] = []
        self._order = itertools.count()

    def after(self, delay_ms: int, act: Callable[[], None]) -> None:
        """Let ``act`` happen ``delay_ms`` from now."""
        heapq.heappush(self._waiting, _Event(self.now_ms + max(0, delay_ms), next(self._order), act))

    def tell(self, who: str, what: str) -> None:
        """Write a line of the story."""
        at_ms = self.now_ms - START_MS
        self.story.append(f"{at_ms // 1000:>5}.{at_ms % 1000:03d}  {who:<7} {what}")

    def run(self, until_ms: int, done: Callable[[], bool] = lambda: False) -> bool:
        """Let everything happen that happens before ``until_ms``, or until ``done``; tell whether it was done.

        Raises Broken as soon as a promise is not kept.
        """
        while self._waiting and self._waiting[0].at_ms < until_ms:
            if done():
                return True
            event = heapq.heappop(self._waiting)
            self.now_ms = event.at_ms
            event.act()
            self.watch()
        if done():
            return True
        self.now_ms = max(self.now_ms, until_ms)
        return False

    def often(self, probability: float) -> bool:
        """Tell whether something happens this time."""
        return self.chance.random() < probability

    def bytes(self, count: int) -> bytes:
        """Draw bytes."""
        return self.chance.randbytes(count)
