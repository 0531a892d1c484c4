"""The records of an NDEF message (NFC Forum NDEF 1.0, section 3), as far as a member card may use them."""

from __future__ import annotations

from collections.abc import Iterator

_CHUNKED, _SHORT, _HAS_ID = 0x20, 0x10, 0x08
_FORMAT = 0x07
_WELL_KNOWN = 0x01
_MOST_RECORDS = 16


def payloads(message: bytes) -> Iterator[bytes]:
    """Yield the payload of each whole record, a Text record's without its language (RTD Text 1.0, section 3.2).

    What is cut off, chunked or otherwise not to be understood ends the walk; nothing raises.
    """
    for _count in range(_MOST_RECORDS):
        if len(message) < 3 or message[0] & _CHUNKED:
            return
        header, type_bytes = message[0], message[1]
        size = 1 if header & _SHORT else 4
        payload_bytes = int.from_bytes(message[2 : 2 + size])
        id_at = 2 + size
        id_bytes = message[id_at] if header & _HAS_ID and len(message) > id_at else 0
        type_at = id_at + (1 if header & _HAS_ID else 0)
        payload_at = type_at + type_bytes + id_bytes
        end = payload_at + payload_bytes
        if end > len(message):
            return
        kind, payload = message[type_at : type_at + type_bytes], message[payload_at:end]
        if header & _FORMAT == _WELL_KNOWN and kind == b"T" and payload:
            payload = payload[1 + (payload[0] & 0x3F) :]
        yield payload
        message = message[end:]
