"""The screen of the till: takes frames and sounds off a socket, shows the newest and remembers what was heard.

The wire, one message after the other: four bytes of length, big-endian, of what follows; two bytes of length of the
header; the header in JSON; for a frame then the picture as PNG.
"""

from __future__ import annotations

import contextlib
import json
import select
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

MESSAGE_MOST_BYTES = 4 * 1024 * 1024
REMEMBERED = 1000
SLOW_BYTES = 512
TICK_S = 0.05


@dataclass(frozen=True, slots=True)
class ShownFrame:
    """A frame on the glass. Times are CLOCK_MONOTONIC in nanoseconds; `made_ns` is the sender's word."""

    number: int
    text: tuple[str, ...]
    png: bytes
    width: int
    height: int
    made_ns: int
    shown_ns: int


@dataclass(frozen=True, slots=True)
class HeardSound:
    """A sound. `after_frame` is the number of the frame on the glass when it was heard, 0 before the first."""

    name: str
    count: int
    heard_ns: int
    after_frame: int


class Glass:
    """Listens at a Unix socket (`Path`) or at (host, port); `address` is what a till is told.

    `faults` counts messages that were no messages; the connection is then dropped, as after a broken frame nothing
    that follows can be understood.
    """

    def __init__(self, at: Path | tuple[str, int]) -> None:
        self._at = at
        self._listener: socket.socket | None = None
        self._changed = threading.Condition()
        self._frame: ShownFrame | None = None
        self._frames: deque[ShownFrame] = deque(maxlen=REMEMBERED)
        self._sounds: deque[HeardSound] = deque(maxlen=REMEMBERED)
        self._stalled = False
        self._breaks_off = False
        self._pace_s = 0.0
        self._line: socket.socket | None = None
        self._drop = False
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="simulated glass", daemon=True)
        self.faults = 0

    @property
    def address(self) -> str:
        """A path, or host:port."""
        return str(self._at) if isinstance(self._at, Path) else f"{self._at[0]}:{self._at[1]}"

    @property
    def frame(self) -> ShownFrame | None:
        """What is on the glass now."""
        with self._changed:
            return self._frame

    @property
    def text(self) -> tuple[str, ...]:
        """The words on the glass now."""
        frame = self.frame
        return frame.text if frame else ()

    @property
    def number(self) -> int:
        """The number of the frame on the glass, 0 before the first."""
        frame = self.frame
        return frame.number if frame else 0

    @property
    def png(self) -> bytes:
        """The picture on the glass, empty before the first."""
        frame = self.frame
        return frame.png if frame else b""

    @property
    def frames(self) -> tuple[ShownFrame, ...]:
        """The frames that arrived lately, oldest first."""
        with self._changed:
            return tuple(self._frames)

    @property
    def sounds(self) -> tuple[HeardSound, ...]:
        """The sounds heard lately, oldest first."""
        with self._changed:
            return tuple(self._sounds)

    def start(self) -> None:
        """Begin to listen. Raises OSError when the address is taken."""
        self._listen()
        self._thread.start()

    def close(self) -> None:
        """Take it away; may be called again."""
        self._closing.set()
        if self._thread.ident is not None:
            self._thread.join(2.0)
        self._unlisten()

    def wait_for(self, predicate: Callable[[Glass], bool], timeout_s: float = 10) -> bool:
        """Wait until `predicate` holds for this glass; False when `timeout_s` passed first."""
        with self._changed:
            return self._changed.wait_for(lambda: predicate(self), timeout_s)

    def wait_for_text(self, words: str, timeout_s: float = 10) -> bool:
        """Wait until some row on the glass contains `words`; False when `timeout_s` passed first."""
        return self.wait_for(lambda glass: any(words in row for row in glass.text), timeout_s)

    def stall(self, stalled: bool = True) -> None:
        """Take no bytes off the line, and go on later."""
        with self._changed:
            self._stalled = stalled

    def slow(self, pace_s: float) -> None:
        """Take few bytes at a time with such a pause behind each; 0: as they come."""
        self._pace_s = pace_s

    def break_off(self, breaking: bool = True) -> None:
        """Hang up in the middle of the next message, and of every next one; with False, no longer."""
        self._breaks_off = breaking

    def speak(self, data: bytes) -> None:
        """Put bytes on the line, which a screen never does. What nobody takes is lost."""
        line = self._line
        if line is not None:
            with contextlib.suppress(OSError):
                line.send(data, socket.MSG_DONTWAIT)

    def unplug(self) -> None:
        """Drop the connection and be gone."""
        self._unlisten()
        with self._changed:
            self._drop = True
            self._changed.wait_for(lambda: not self._drop or not self._thread.is_alive(), 2.0)

    def replug(self) -> None:
        """Be there again, at the same address."""
        self._listen()

    def _listen(self) -> None:
        if isinstance(self._at, Path):
            self._at.unlink(missing_ok=True)
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(str(self._at))
            listener.listen()
        else:
            listener = socket.create_server(self._at)
            self._at = (self._at[0], listener.getsockname()[1])
        self._listener = listener

    def _unlisten(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.close()
            if isinstance(self._at, Path):
                self._at.unlink(missing_ok=True)

    def _run(self) -> None:
        while not self._closing.is_set():
            line = self._accept()
            if line is not None:
                with line, contextlib.suppress(OSError, ValueError):
                    self._line = line
                    self._serve(line)
                self._line = None
            with self._changed:
                self._drop = False
                self._changed.notify_all()

    def _accept(self) -> socket.socket | None:
        listener = self._listener
        try:
            if listener is not None and select.select([listener], [], [], TICK_S)[0]:
                return listener.accept()[0]
        except (OSError, ValueError):
            return None
        if listener is None:
            self._closing.wait(TICK_S)
        return None

    def _serve(self, line: socket.socket) -> None:
        pending = bytearray()
        while not self._closing.is_set() and not self._drop:
            if self._stalled:
                self._closing.wait(TICK_S)
                continue
            if not select.select([line], [], [], TICK_S)[0]:
                continue
            data = line.recv(SLOW_BYTES if self._pace_s else 65536)
            if not data or self._breaks_off:
                return
            if self._pace_s:
                self._closing.wait(self._pace_s)
            pending += data
            while (message := _cut_message(pending)) is not None:
                if not self._take(message):
                    self.faults += 1
                    return
            if len(pending) > MESSAGE_MOST_BYTES:
                self.faults += 1
                return

    def _take(self, message: bytes) -> bool:
        """Show or hear one message; False when it is none."""
        now_ns = time.monotonic_ns()
        try:
            (length,) = struct.unpack_from(">H", message)
            header = json.loads(message[2 : 2 + length])
            body = message[2 + length :]
            with self._changed:
                if header["t"] == "frame":
                    self._frame = _frame(header, body, now_ns)
                    self._frames.append(self._frame)
                elif header["t"] == "sound":
                    after = self._frame.number if self._frame else 0
                    self._sounds.append(HeardSound(str(header["name"]), int(header["n"]), now_ns, after))
                else:
                    return False
                self._changed.notify_all()
        except (KeyError, TypeError, ValueError, struct.error):
            return False
        return True


def _cut_message(pending: bytearray) -> bytes | None:
    """Take the first whole message off what has come."""
    if len(pending) < 4:
        return None
    (length,) = struct.unpack_from(">I", pending)
    if len(pending) < 4 + length:
        return None
    message = bytes(pending[4 : 4 + length])
    del pending[: 4 + length]
    return message


def _frame(header: dict[str, object], body: bytes, now_ns: int) -> ShownFrame:
    """Raises KeyError, TypeError or ValueError when it is no frame."""
    number, width, height, made_ns, text = (header[name] for name in ("n", "w", "h", "made_ns", "text"))
    whole = (number, width, height, made_ns)
    if not isinstance(text, list) or not all(type(value) is int for value in whole) or body[:4] != b"\x89PNG":
        raise ValueError("no frame")
    number, width, height, made_ns = (int(str(value)) for value in whole)
    return ShownFrame(number, tuple(str(row) for row in text), body, width, height, made_ns, now_ns)
