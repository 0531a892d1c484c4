"""A host that speaks to the reader in bare bytes, so that the simulator is held to the manual, not to a library."""

from __future__ import annotations

import os
import select
from pathlib import Path
from types import TracebackType

ACK = bytes.fromhex("0000ff00ff00")
NACK = bytes.fromhex("0000ffff0000")
WAKE_UP = bytes.fromhex("5555000000")
SAM_NORMAL = bytes.fromhex("1401")


def command_frame(data: bytes) -> bytes:
    """A normal information frame from the host (UM0701-02, 6.2.1.1)."""
    body = b"\xd4" + data
    return b"\x00\x00\xff" + bytes([len(body), -len(body) & 0xFF]) + body + bytes([-sum(body) & 0xFF, 0x00])


def extended_frame(data: bytes) -> bytes:
    """An extended information frame from the host (UM0701-02, 6.2.1.2)."""
    body = b"\xd4" + data
    size = len(body).to_bytes(2, "big")
    return b"\x00\x00\xff\xff\xff" + size + bytes([-sum(size) & 0xFF]) + body + bytes([-sum(body) & 0xFF, 0x00])


class Host:
    """The other end of the cable."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_NOCTTY)

    def __enter__(self) -> Host:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        os.close(self._fd)

    def send(self, data: bytes) -> None:
        """Put bytes on the line."""
        os.write(self._fd, data)

    def receive(self, size: int, timeout_s: float = 5) -> bytes:
        """Take exactly `size` bytes off the line, or what came before a silence of `timeout_s` or the end."""
        data = b""
        while len(data) < size and select.select([self._fd], [], [], timeout_s)[0]:
            more = os.read(self._fd, size - len(data))
            if not more:
                break
            data += more
        return data

    def is_silent(self) -> bool:
        """Whether nothing comes for a while."""
        return self.receive(1, 0.2) == b""

    def wake(self) -> None:
        """Bring the chip out of its power-down as its manual wants it."""
        self.send(WAKE_UP)
        assert self.ask(SAM_NORMAL) == b""

    def ask(self, data: bytes) -> bytes:
        """Send a command and return the payload of its answer, checking every byte around it."""
        self.send(command_frame(data))
        assert self.receive(6) == ACK
        return self.answer_to(data[0])

    def answer_to(self, command: int) -> bytes:
        """Take an answer frame, normal or extended, and return its payload."""
        start = self.receive(5)
        assert start[:3] == b"\x00\x00\xff"
        size = start[3]
        if start[3:] == b"\xff\xff":
            length = self.receive(3)
            assert sum(length) & 0xFF == 0
            size = int.from_bytes(length[:2], "big")
        else:
            assert (start[3] + start[4]) & 0xFF == 0
        body, end = self.receive(size), self.receive(2)
        assert (sum(body) + end[0]) & 0xFF == 0 and end[1] == 0
        assert body[:2] == bytes([0xD5, command + 1])
        return body[2:]
