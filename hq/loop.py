"""The one thread that works: takes messages from a bounded queue, lets the worker answer, sends what it answers."""

import logging
import queue
import threading
import time
from typing import Protocol

from hq.worker import Publish, Worker

MAX_WAITING = 2_000
POLL_INTERVAL_S = 0.5
RENEW_INTERVAL_S = 3_600
PAUSE_AFTER_FAILURE_S = 0.5
STOP_TIMEOUT_S = 20

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


class WorkLoop:
    """Runs a worker. A message that cannot be kept is dropped: its till, hearing no answer, sends it again."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._waiting: queue.Queue[tuple[str, bytes]] = queue.Queue(MAX_WAITING)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._seen_connections = 0
        self._next_poll_s = 0.0
        self._next_renewal_s = 0.0

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

    def _turn(self, line: Line) -> None:
        message = self._next()
        if message is not None:
            topic, payload = message
            for publish in self._worker.handle(topic, payload, _now_ms()):
                self._send(line, publish)
        if line.connections != self._seen_connections:
            self._seen_connections = line.connections
            self._worker.announce_again()
            self._next_poll_s = 0.0
        if time.monotonic() >= self._next_renewal_s:
            self._next_renewal_s = time.monotonic() + RENEW_INTERVAL_S
            self._worker.renew(_now_ms())
        if time.monotonic() >= self._next_poll_s:
            self._next_poll_s = time.monotonic() + POLL_INTERVAL_S
            if line.is_up():
                self._announce(line)

    def _next(self) -> tuple[str, bytes] | None:
        try:
            return self._waiting.get(timeout=min(POLL_INTERVAL_S, max(0.01, self._next_poll_s - time.monotonic())))
        except queue.Empty:
            return None

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
