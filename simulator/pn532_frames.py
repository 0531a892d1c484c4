"""Frames between a PN532 and its host (NXP UM0701-02, section 6.2.1): taking the host's apart, building the chip's."""

from __future__ import annotations

from dataclasses import dataclass

ACK_FRAME = bytes.fromhex("0000ff00ff00")
ERROR_FRAME = bytes.fromhex("0000ff01ff7f8100")
"""What the chip sends for a command it cannot make sense of."""
MAX_DATA_BYTES = 265
"""TFI and data of the longest frame."""

_START = b"\x00\xff"
_FROM_HOST = 0xD4
_TO_HOST = 0xD5
_WAKING_EDGES = 5


@dataclass(frozen=True, slots=True)
class Command:
    """A whole and sound frame from the host: the command code and its parameters."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """The host's ACK, which also calls off a command that runs."""


@dataclass(frozen=True, slots=True)
class NotAcknowledge:
    """The host's NACK, which asks for the last answer once more."""


@dataclass(frozen=True, slots=True)
class WakeUp:
    """Bytes that wake the chip from its power-down: on the fifth rising edge of the line (section 7.2.11). One 0x55
    has five, and so have five zeros.
    """


@dataclass(frozen=True, slots=True)
class Damaged:
    """A frame whose checksums do not hold; the chip does not answer it."""


FromHost = Command | Acknowledge | NotAcknowledge | WakeUp | Damaged


def answer_frame(command: int, payload: bytes) -> bytes:
    """Build the frame that answers `command`: a normal one, or an extended one when the data needs it."""
    data = bytes([_TO_HOST, command + 1]) + payload
    if len(data) <= 0xFF:
        head = bytes([len(data), -len(data) & 0xFF])
    else:
        size = len(data).to_bytes(2, "big")
        head = b"\xff\xff" + size + bytes([-sum(size) & 0xFF])
    return b"\x00\x00\xff" + head + data + bytes([-sum(data) & 0xFF, 0x00])


class HostStream:
    """Takes the host's bytes as they come, and gives what they mean."""

    def __init__(self) -> None:
        """Start between two frames."""
        self._buffer = b""
        self._edges = 0

    def feed(self, data: bytes) -> list[FromHost]:
        """Return what has become whole with these bytes, in order; the rest is kept."""
        self._buffer += data
        found: list[FromHost] = []
        while True:
            junk, start, rest = self._buffer.partition(_START)
            self._edges += sum(_rising_edges(byte) for byte in (junk if start else junk.removesuffix(b"\x00")))
            if self._edges >= _WAKING_EDGES:
                found.append(WakeUp())
                self._edges = 0
            if not start:
                # A last zero may be the first half of a start code.
                self._buffer = junk[-1:] if junk[-1:] == b"\x00" else b""
                return found
            self._buffer = start + rest
            taken = _take(rest)
            if taken is None:
                return found
            what, size = taken
            found.append(what)
            self._edges = 0
            # Behind a damaged frame only the start code is dropped: what looked like its body may begin a sound one.
            self._buffer = rest if isinstance(what, Damaged) else rest[size:]


def _rising_edges(byte: int) -> int:
    """How often the line goes up while a byte is sent: start bit 0, its bits from the lowest, stop bit 1."""
    sent = byte << 1 | 1 << 9
    return (~sent & sent >> 1 & 0x1FF).bit_count()


def _take(rest: bytes) -> tuple[FromHost, int] | None:
    """Read what follows a start code: its meaning and how many bytes it took; None when more must come."""
    if len(rest) < 2:
        return None
    if rest[:2] == b"\x00\xff":
        return Acknowledge(), 2
    if rest[:2] == b"\xff\x00":
        return NotAcknowledge(), 2
    head, size = 2, rest[0]
    if rest[:2] == b"\xff\xff":
        if len(rest) < 5:
            return None
        head, size = 5, int.from_bytes(rest[2:4], "big")
    if sum(rest[head - 3 : head] if head == 5 else rest[:2]) & 0xFF or not 2 <= size <= MAX_DATA_BYTES:
        return Damaged(), 0
    if len(rest) < head + size + 1:
        return None
    body = rest[head : head + size]
    if sum(rest[head : head + size + 1]) & 0xFF or body[0] != _FROM_HOST:
        return Damaged(), 0
    return Command(body[1:]), head + size + 1
