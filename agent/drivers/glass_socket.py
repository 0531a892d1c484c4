"""A screen reached through a socket: sends the newest picture and the sounds, and never keeps the till waiting.

The wire, one message after the other: four bytes of length, big-endian, of what follows; two bytes of length of the
header; the header in JSON; for a frame then the picture as PNG. Headers: {"t": "frame", "n": number, "w": width,
"h": height, "text": [row, ...], "made_ns": CLOCK_MONOTONIC} and {"t": "sound", "name": name, "n": count}. The screen
never answers.
"""

from __future__ import annotations

import io
import json
import queue
import re
import select
import socket
import struct
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from agent.drivers.device_thread import DeviceThread
from agent.drivers.facts import Emit, Status
from agent.drivers.options import SOCKET_MOST_BYTES, is_socket_path
from agent.drivers.report import Report
from contract import settings
from contract.making import dataclass

if TYPE_CHECKING:
    from PIL.Image import Image

QUEUE_MOST = 64
RETRY_S = 0.5
OPEN_S = 0.5
STALLED_S = 2.0
HEADER_MOST_BYTES = 65535

_PORT = re.compile("[0-9]{1,5}")


class Picture(Protocol):
    """What can be shown: a numbered image, the words on it, and when it was made (CLOCK_MONOTONIC)."""

    @property
    def number(self) -> int:
        """Counts up from frame to frame."""

    @property
    def image(self) -> Image:
        """The picture."""

    @property
    def text(self) -> tuple[str, ...]:
        """The words on it, row by row."""

    @property
    def made_monotonic_ns(self) -> int:
        """When it was made, by CLOCK_MONOTONIC."""


@dataclass(frozen=True, slots=True)
class GlassSocketOptions:
    """Where the screen listens: `address` is the path of a Unix socket, beginning with "/", or "host:port"."""

    address: str

    @classmethod
    def from_table(cls, table: Mapping[str, object]) -> GlassSocketOptions:
        """Read a table of options. Raises SettingsError that names every mistake."""
        address = settings.Setting(
            _is_address,
            f'a path beginning with "/" of at most {SOCKET_MOST_BYTES} bytes, or host:port',
            f"以 “/” 开头、至多 {SOCKET_MOST_BYTES} 字节的路径，或 主机:端口",
        )
        return cls(**settings.read(table, settings.Table({"address": address})))


def _is_address(value: object) -> bool:
    if not isinstance(value, str) or value.startswith("/"):
        return is_socket_path(value)
    host, _, port = value.rpartition(":")
    return settings.is_host(host) and _PORT.fullmatch(port) is not None and 1 <= int(port) <= 65_535


@dataclass(frozen=True, slots=True)
class _Sound:
    name: str
    count: int


class _Stalled(Exception):
    """The screen is there and takes nothing."""


class GlassSocket:
    """Shows the newest frame and passes sounds on, in the order they were given to it.

    Of frames that wait only the newest is sent. A screen that comes back gets the newest frame at once, and no sound
    from the time it was away. `show` and `sound` are for one thread.
    """

    def __init__(self, name: str, options: GlassSocketOptions, emit: Emit) -> None:
        self._address = options.address
        self._report = Report(name, emit)
        self._waiting: queue.Queue[Picture | _Sound] = queue.Queue(QUEUE_MOST)
        self._newest: Picture | None = None
        self._sounds = 0
        self._thread = DeviceThread(f"glass {options.address}", self._report, self._serve, RETRY_S)

    def show(self, frame: Picture) -> None:
        """Put a frame on the screen, in place of any that still waits."""
        self._put(frame)

    def sound(self, name: str) -> None:
        """Let a sound be heard: "success", "refused" or "attention"."""
        self._sounds += 1
        self._put(_Sound(name, self._sounds))

    def start(self) -> None:
        """Begin; the screen may come later."""
        self._thread.start()

    def close(self) -> None:
        """End within a second; may be called again."""
        self._thread.close()

    def _put(self, item: Picture | _Sound) -> None:
        while True:
            try:
                self._waiting.put_nowait(item)
                self._thread.ring()
                return
            except queue.Full:
                # The screen takes nothing just now: the oldest is of the least use.
                self._take()

    def _take(self) -> Picture | _Sound | None:
        try:
            return self._waiting.get_nowait()
        except queue.Empty:
            return None

    def _serve(self) -> None:
        line = self._open()
        if line is None:
            self._due()
            return
        try:
            with line:
                self._report.say(Status.READY)
                self._draw(line)
        except _Stalled:
            self._report.say(Status.SELF_CHECK_FAILED, "takes_nothing", "restart_device")
        except OSError:
            self._report.say_lost()

    def _open(self) -> socket.socket | None:
        line: socket.socket | None = None
        try:
            if self._address.startswith("/"):
                line = socket.socket(socket.AF_UNIX)
                line.settimeout(OPEN_S)
                line.connect(self._address)
            else:
                host, _, port = self._address.rpartition(":")
                line = socket.create_connection((host, int(port)), OPEN_S)
                line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            line.setblocking(False)
        except OSError as error:
            if line is not None:
                line.close()
            self._report.say_refused(error)
            return None
        return line

    def _draw(self, line: socket.socket) -> None:
        """Send what is given until the driver is closed. Raises OSError when the screen is lost, _Stalled when it takes
        nothing any more.
        """
        self._due()
        if self._newest is not None:
            self._send(line, _frame_message(self._newest))
        while not self._thread.closing.is_set():
            if (first := self._take()) is None:
                if self._thread.wait(line.fileno()) and not line.recv(4096):
                    raise ConnectionResetError
                continue
            for item in self._due(first):
                if self._thread.closing.is_set():
                    return
                self._send(line, _sound_message(item) if isinstance(item, _Sound) else _frame_message(item))

    def _due(self, first: Picture | _Sound | None = None) -> list[Picture | _Sound]:
        """Everything that waits, in order, without the frames that a newer one replaces."""
        items: list[Picture | _Sound] = []
        item = first or self._take()
        while item is not None:
            if not isinstance(item, _Sound):
                self._newest = item
                items = [earlier for earlier in items if isinstance(earlier, _Sound)]
            items.append(item)
            item = self._take()
        return items

    def _send(self, line: socket.socket, message: bytes) -> None:
        rest = memoryview(message)
        moved_s = time.monotonic()
        while rest and not self._thread.closing.is_set():
            left_s = STALLED_S - (time.monotonic() - moved_s)
            if left_s <= 0:
                raise _Stalled
            if self._thread.wait(line.fileno(), left_s, select.POLLOUT):
                rest = rest[line.send(rest) :]
                moved_s = time.monotonic()


def _frame_message(frame: Picture) -> bytes:
    png = io.BytesIO()
    # The weakest compression: a till's picture is mostly flat, and the time to the glass counts more than bytes.
    frame.image.save(png, "PNG", compress_level=1)
    header: dict[str, object] = {
        "t": "frame",
        "n": frame.number,
        "w": frame.image.width,
        "h": frame.image.height,
        "text": list(frame.text),
        "made_ns": frame.made_monotonic_ns,
    }
    return _message(header, png.getvalue())


def _sound_message(sound: _Sound) -> bytes:
    return _message({"t": "sound", "name": sound.name, "n": sound.count}, b"")


def _message(header: dict[str, object], body: bytes) -> bytes:
    encoded = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
    if len(encoded) > HEADER_MOST_BYTES:
        return _message(header | {"text": ["…"]}, body)
    return struct.pack(">IH", 2 + len(encoded) + len(body), len(encoded)) + encoded + body
