"""The one thread that works: takes messages from a bounded queue, lets the worker answer, sends what it answers."""

import logging
import queue
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Protocol

from hq.worker import Publish, Worker

MAX_WAITING = 2_000
POLL_INTERVAL_S = 0.5
RENEW_INTERVAL_S = 3_600
REVIEW_INTERVAL_S = 60
LEND_INTERVAL_S = 1
PAUSE_AFTER_FAILURE_S = 0.5
STOP_TIMEOUT_S = 20
EARLY_WAIT_S = 0.3
"""So long a batch waits for the one before it, which another worker may have in hand, before its till is told."""
EARLY_STEP_S = 0.01
MOST_EARLY = 200
MOST_TOGETHER = 64
BYTES_TOGETHER = 96_000
"""So much is taken together at most: what one transaction holds, others wait for."""

_LOG = logging.getLogger(__name__)


class Line(Protocol):
    """Where answers go. ``connections`` counts how often it came up."""

    connections: int

    def is_up(self) -> bool:
        """Tell whether a message can be taken now."""
        ...

    def publish(self, topic: str, payload: bytes, retain: bool = False) -> bool:
        """Send a message; tell whether it was taken."""
        ...


@dataclass(frozen=True, slots=True)
class _Early:
    """A batch that came before the one it follows: when it is offered again, and how long it may wait at all."""

    again_s: float
    until_s: float
    topic: str
    payload: bytes


class WorkLoop:
    """Runs a worker. A message that cannot be kept is dropped: its till, hearing no answer, sends it again."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._waiting: queue.Queue[tuple[str, bytes]] = queue.Queue(MAX_WAITING)
        self._left: deque[tuple[str, bytes]] = deque()
        """Taken out of the queue and not answered yet: one that cannot be answered takes no other along."""
        self._early: deque[_Early] = deque()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._seen_connections = 0
        self._next_poll_s = 0.0
        self._next_renewal_s = 0.0
        self._next_review_s = 0.0
        self._next_lending_s = 0.0

    def arrived(self, topic: str, payload: bytes) -> bool:
        """Put a message into the queue; False where it is full. Never blocks."""
        try:
            self._waiting.put_nowait((topic, payload))
        except queue.Full:
            return False
        return True

    def start(self, line: Line) -> None:
        """Begin to work, answering on ``line``."""
        self._thread = threading.Thread(target=self._run, args=(line,), name="hq-worker", daemon=True)
        self._thread.start()

    def is_alive(self) -> bool:
        """Tell whether the thread that works runs, as it does from :meth:`start` to :meth:`close`."""
        return self._thread is not None and self._thread.is_alive()

    def close(self) -> None:
        """Finish the message in hand and stop. May be called again."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(STOP_TIMEOUT_S)

    def _run(self, line: Line) -> None:
        while not self._stopping.is_set():
            try:
                self._turn(line)
            except Exception:
                # Nothing was acknowledged, so nothing is lost: the till sends again. One bad message must not end this.
                _LOG.exception("event=work_failed")
                self._stopping.wait(PAUSE_AFTER_FAILURE_S)
        try:
            self._worker.note_heard()
        except Exception:
            _LOG.exception("event=work_failed")

    def _turn(self, line: Line) -> None:
        if not self._left:
            self._left.extend(self._next())
            if len(self._left) > 1:
                answers, left = self._worker.together(tuple(self._left), _now_ms())
                self._left = deque(left)
                for publish in answers:
                    self._send(line, publish)
        while self._left:
            topic, payload = self._left.popleft()
            self._answer(line, topic, payload, until_s=time.monotonic() + EARLY_WAIT_S)
        while self._early and self._early[0].again_s <= time.monotonic():
            early = self._early.popleft()
            self._answer(line, early.topic, early.payload, early.until_s)
        if line.connections != self._seen_connections:
            self._seen_connections = line.connections
            self._worker.announce_again()
            self._next_poll_s = 0.0
        if time.monotonic() >= self._next_renewal_s:
            self._next_renewal_s = time.monotonic() + RENEW_INTERVAL_S
            self._worker.renew(_now_ms())
        if time.monotonic() >= self._next_review_s:
            self._next_review_s = time.monotonic() + REVIEW_INTERVAL_S
            self._worker.review_returns(_now_ms())
        if time.monotonic() >= self._next_lending_s:
            self._next_lending_s = time.monotonic() + LEND_INTERVAL_S
            self._worker.lend(_now_ms())
        if time.monotonic() >= self._next_poll_s:
            self._next_poll_s = time.monotonic() + POLL_INTERVAL_S
            if line.is_up():
                self._announce(line)

    def _answer(self, line: Line, topic: str, payload: bytes, until_s: float) -> None:
        """Answer a message; one that is early waits, unless it or too many others have waited long enough."""
        now_s = time.monotonic()
        if now_s >= until_s or len(self._early) >= MOST_EARLY:
            answers: list[Publish] | None = self._worker.handle(topic, payload, _now_ms())
        else:
            answers = self._worker.offer(topic, payload, _now_ms())
        if answers is None:
            self._early.append(_Early(now_s + EARLY_STEP_S, until_s, topic, payload))
            return
        for publish in answers:
            self._send(line, publish)

    def _next(self) -> list[tuple[str, bytes]]:
        """The messages that wait, as far as they are taken together; none where none comes for a while."""
        wait_s = EARLY_STEP_S if self._early else self._next_poll_s - time.monotonic()
        found: list[tuple[str, bytes]] = []
        try:
            found.append(self._waiting.get(timeout=min(POLL_INTERVAL_S, max(EARLY_STEP_S, wait_s))))
            while len(found) < MOST_TOGETHER and sum(len(payload) for _, payload in found) < BYTES_TOGETHER:
                found.append(self._waiting.get_nowait())
        except queue.Empty:
            pass
        return found

    def _announce(self, line: Line) -> None:
        """Send what tills have not been told; what the connection does not take is for the next time."""
        for publish in self._worker.poll():
            if not self._send(line, publish):
                return
            self._worker.announced(publish)

    def _send(self, line: Line, publish: Publish) -> bool:
        taken = line.publish(publish.topic, publish.payload, publish.retain)
        if not taken:
            _LOG.info("event=answer_not_sent topic=%s", publish.topic)
        return taken


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
