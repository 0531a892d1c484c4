"""Reads the NDEF message of an NFC Forum Type 2 tag, given a way to read its pages (Type 2 Tag 1.1, sections 2, 6)."""

from __future__ import annotations

from collections.abc import Callable

PAGE_BYTES = 4
READ_BYTES = 16
"""What one READ gives: four pages."""

_CAPABILITY_MAGIC = 0xE1
_FIRST_DATA_PAGE = 4
_NULL, _NDEF, _TERMINATOR = 0x00, 0x03, 0xFE


class NotNdefError(Exception):
    """The tag is sound and is none of the NFC Forum's: it has no capability container."""


class BrokenTagError(Exception):
    """What the tag says of its own content cannot be true."""


def read_message(read: Callable[[int], bytes]) -> bytes | None:
    """Return the tag's first NDEF message, or None when it has none.

    `read` takes a page number and returns 16 bytes; what it raises passes through. No more is read than is needed.
    Raises NotNdefError or BrokenTagError.
    """
    magic, _, size_in_8, _ = read(0)[12:16]
    if magic != _CAPABILITY_MAGIC:
        raise NotNdefError
    area = _Area(read, size_in_8 * 8)
    at = 0
    while at < area.size:
        kind = area.take(at, 1)[0]
        at += 1
        if kind == _NULL:
            continue
        if kind == _TERMINATOR:
            return None
        length, at = area.take(at, 1)[0], at + 1
        if length == 0xFF:
            length, at = int.from_bytes(area.take(at, 2), "big"), at + 2
        if kind == _NDEF:
            return area.take(at, length) or None
        at += length
    return None


class _Area:
    """The tag's data area, read as far as it is asked for."""

    def __init__(self, read: Callable[[int], bytes], size: int) -> None:
        self._read = read
        self._have = b""
        self.size = size

    def take(self, at: int, length: int) -> bytes:
        if at + length > self.size:
            raise BrokenTagError(f"{length} bytes at {at} of {self.size}")
        while len(self._have) < at + length:
            self._have += self._read(_FIRST_DATA_PAGE + len(self._have) // PAGE_BYTES)
        return self._have[at : at + length]
