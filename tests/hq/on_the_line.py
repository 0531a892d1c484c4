"""Real tills, their real couriers, and head office's worker, joined by lines that a test takes down and up."""

from __future__ import annotations

from collections import deque

from agent.courier import Courier
from agent.sync.facts import LinkDown, LinkProblem, LinkUp, MessageArrived
from contract import topics
from hq.worker import Publish
from tests.agent.real_till import RealTill
from tests.hq.tills import NOW_MS, HeadOffice

TURN_MS = 6_000
"""Longer than a till waits before it looks again for leases that are to go back."""


class Line:
    """A till's line to head office: what is said waits here until it is carried over."""

    def __init__(self, hq: HeadOffice, till: RealTill) -> None:
        self._hq = hq
        self._till = till
        self._said: deque[tuple[str, bytes]] = deque()
        till.hands.began_ms = NOW_MS
        self.courier = Courier(till.store, self, till.identity, till.hands.clock(), till.book.compiled, heartbeat_s=20)

    def publish(self, topic: str, payload: bytes) -> bool:
        """Take what the till says."""
        self._said.append((topic, payload))
        return True

    def reconnect(self) -> None:
        """There is only this one line."""

    def cut(self) -> None:
        """Cut the line."""
        self._said.clear()
        self.courier.handle(LinkDown(LinkProblem.LOST))

    def turn(self, elapsed_ms: int) -> None:
        """Carry over what is said, and take what head office announces; all baskets are closed."""
        self._till.hands.elapsed_ms = elapsed_ms
        self.courier.tick()
        self._carry(NOW_MS + elapsed_ms)
        self.courier.activate_arrived(open_basket=False)
        self._carry(NOW_MS + elapsed_ms)

    def hear(self, message: Publish) -> None:
        """Let a message of head office arrive that is for this till."""
        if message.topic.startswith(topics.terminal_subscription(self._till.book.address).rstrip("#")):
            self.courier.handle(MessageArrived(message.topic, message.payload))

    def _carry(self, now_ms: int) -> None:
        while self._said:
            topic, payload = self._said.popleft()
            for answer in self._hq.worker.handle(topic, payload, now_ms):
                self.hear(answer)


def meet(hq: HeadOffice, *lines: Line, began_ms: int = 0, turns: int = 10) -> int:
    """Connect these tills, let head office lend, and go on until nobody has anything to say; how much time passed since
    ``NOW_MS``. The lines are cut then.
    """
    for line in lines:
        line.courier.handle(LinkUp())
    for turn in range(turns):
        elapsed_ms = began_ms + turn * TURN_MS
        for line in lines:
            line.turn(elapsed_ms)
        hq.worker.lend(NOW_MS + elapsed_ms)
        for message in hq.worker.poll():
            for line in lines:
                line.hear(message)
            hq.worker.announced(message)
    for line in lines:
        line.cut()
    return began_ms + turns * TURN_MS
