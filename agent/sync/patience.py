"""How long to wait before the next connection: full jitter, a random part of a bound that doubles with each failure, so
that a chain's tills do not come back all at once.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from agent.sync.facts import LinkProblem

_MOST_DOUBLINGS = 16


@dataclass
class Patience:
    """The failures so far. ``first_s`` bounds the wait after one of them, ``longest_s`` every wait; ``jitter`` returns
    a random number from 0 to 1.
    """

    first_s: float
    longest_s: float
    jitter: Callable[[], float] = field(default=random.random)
    failures: int = 0

    def after(self, problem: LinkProblem, up_s: float) -> float:
        """Return how long to wait, in seconds, after a connection was up for ``up_s`` (0: never) and ended.

        One that ends as soon as it is up is a failure too, and so is one over which head office said nothing: while it
        is away, its broker must not be asked for connections by every till all the time.
        """
        served = up_s > self.longest_s and problem is not LinkProblem.SILENT
        self.failures = 1 if served else self.failures + 1
        doubled_s = self.first_s * float(1 << min(self.failures - 1, _MOST_DOUBLINGS))
        return min(self.longest_s, doubled_s) * self.jitter()
