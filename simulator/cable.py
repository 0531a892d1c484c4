"""A network cable with a switch in it: a TCP relay that can be cut, joined, and made to pass nothing on."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from dataclasses import dataclass, field

BUFFER_BYTES = 65536
TICK_S = 0.05
OPEN_S = 2.0


@dataclass(slots=True, eq=False)
class _End:
    """One end of a connection, and what is still to be sent to it. `ended`: nothing more will come for it."""

    line: socket.socket
    other: _End | None = None
    waiting: bytearray = field(default_factory=bytearray)
    ended: bool = False


class Cable:
    """Listens on `host`:`port` (chosen at `start`) and leads each connection on to `target`.

    `cut` drops all connections and refuses new ones; `freeze` passes nothing on, as a dead line does that nobody has
    noticed yet; `join` mends both. Each has taken effect when it returns.
    """

    def __init__(self, target: tuple[str, int], host: str = "127.0.0.1", port: int = 0) -> None:
        self.host = host
        self.port = port
        self._target = target
        self._frozen = False
        self._listener: socket.socket | None = None
        self._ends: set[_End] = set()
        self._closing = threading.Event()
        self._turn = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="simulated cable", daemon=True)

    @property
    def whole(self) -> bool:
        """Whether bytes can pass."""
        return self._listener is not None and not self._frozen

    def start(self) -> None:
        """Lay the cable. Raises OSError when the port is taken."""
        self.join()
        self._thread.start()

    def close(self) -> None:
        """Take the cable away; may be called again."""
        self._closing.set()
        if self._thread.ident is not None:
            self._thread.join(2.0)
        self.cut()

    def cut(self) -> None:
        """Drop every connection and refuse new ones."""
        with self._turn:
            for end in list(self._ends):
                self._drop(end)
            if self._listener is not None:
                self._listener.close()
                self._listener = None

    def freeze(self) -> None:
        """Pass nothing on any more, in either direction, and say so to nobody."""
        with self._turn:
            self._frozen = True

    def join(self) -> None:
        """Let bytes pass again, at the same port. Raises OSError when the port was taken meanwhile."""
        with self._turn:
            self._frozen = False
            if self._listener is None:
                self._listener = socket.create_server((self.host, self.port))
                self._listener.setblocking(False)
                self.port = self._listener.getsockname()[1]

    def _run(self) -> None:
        while not self._closing.is_set():
            with selectors.DefaultSelector() as selector, contextlib.suppress(ValueError, OSError):
                # A socket that another thread closes in this moment shows as an error here, or as never ready.
                self._register(selector)
                ready = selector.select(TICK_S)
                with self._turn:
                    for key, events in ready:
                        self._serve(key.data, events)

    def _register(self, selector: selectors.BaseSelector) -> None:
        with self._turn:
            if self._frozen:
                return
            if self._listener is not None:
                selector.register(self._listener, selectors.EVENT_READ)
            for end in self._ends:
                room = end.other is not None and len(end.other.waiting) < BUFFER_BYTES and not end.other.ended
                events = (selectors.EVENT_READ if room else 0) | (selectors.EVENT_WRITE if end.waiting else 0)
                if events:
                    selector.register(end.line, events, end)

    def _serve(self, end: _End | None, events: int) -> None:
        if self._frozen or self._listener is None:
            return
        if end is None:
            self._accept(self._listener)
        elif end in self._ends:
            try:
                if events & selectors.EVENT_WRITE:
                    del end.waiting[: end.line.send(end.waiting)]
                    self._pass_end_on(end)
                if events & selectors.EVENT_READ:
                    self._read(end)
            except BlockingIOError:
                return
            except OSError:
                self._drop(end)

    def _read(self, end: _End) -> None:
        other = end.other
        assert other is not None
        data = end.line.recv(BUFFER_BYTES)
        other.waiting += data
        if not data:
            other.ended = True
            self._pass_end_on(other)
        elif other.waiting:
            del other.waiting[: other.line.send(other.waiting)]

    def _pass_end_on(self, end: _End) -> None:
        """Once everything has been sent to an end that gets no more, say so to it; both said, both are done."""
        if end.ended and not end.waiting:
            with contextlib.suppress(OSError):
                end.line.shutdown(socket.SHUT_WR)
            if end.other is not None and end.other.ended and not end.other.waiting:
                self._drop(end)

    def _accept(self, listener: socket.socket) -> None:
        try:
            near, _ = listener.accept()
        except OSError:
            return
        try:
            far = socket.create_connection(self._target, OPEN_S)
        except OSError:
            near.close()
            return
        one, two = _End(near), _End(far)
        one.other, two.other = two, one
        for end in (one, two):
            end.line.setblocking(False)
            end.line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._ends.add(end)

    def _drop(self, end: _End) -> None:
        for gone in (end, end.other):
            if gone is not None:
                self._ends.discard(gone)
                gone.line.close()
