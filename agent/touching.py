"""From fingers to keys: what a finger touches is the key that is drawn there, and nothing else.

A key counts when the finger leaves it, where it came down on the same key and that key has stood there for
`SEEN_MS` before: nobody presses what was not there to be seen, and the second tap on a key that has gone meets none.
"""

from __future__ import annotations

from agent.drivers.facts import Finger, Key, KeyPressed, Touched
from agent.ui_tft.frame import Frame
from agent.ui_tft.screen import HEIGHT, WIDTH, Target

SEEN_MS = 200
"""A person takes at least so long to see a key and put a finger on it; the second of two quick taps comes sooner."""

_LEAST_NS = SEEN_MS * 1_000_000


class Touching:
    """The targets on the glass, since when each stands there, and the one that a finger rests on. For one thread."""

    def __init__(self) -> None:
        self._since_ns: dict[Target, int] = {}
        self._held: Target | None = None

    @property
    def pressed(self) -> str:
        """The key under the finger, or nothing."""
        return "" if self._held is None else self._held.key

    def shown(self, frame: Frame) -> None:
        """This is on the glass now; a finger on a key that has gone presses nothing any more."""
        now_ns = frame.made_monotonic_ns
        self._since_ns = {target: self._since_ns.get(target, now_ns) for target in frame.targets}
        if self._held not in self._since_ns:
            self._held = None

    def touched(self, fact: Touched) -> KeyPressed | None:
        """The key that this presses, if it does."""
        target = self._at(fact.x_permyriad, fact.y_permyriad)
        held, self._held = self._held, None
        if fact.finger is Finger.DOWN:
            if target is not None and fact.at_monotonic_ns - self._since_ns[target] >= _LEAST_NS:
                self._held = target
        elif fact.finger is Finger.UP and held is not None and held == target:
            return KeyPressed(fact.device, Key(held.key))
        return None

    def _at(self, x_permyriad: int, y_permyriad: int) -> Target | None:
        x, y = x_permyriad * WIDTH // 10_000, y_permyriad * HEIGHT // 10_000
        return next((target for target in self._since_ns if target.holds(x, y)), None)
