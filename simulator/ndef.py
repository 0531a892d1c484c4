"""NDEF messages as they lie on a tag (NFC Forum NDEF 1.0, RTD Text 1.0, RTD URI 1.0)."""

from __future__ import annotations

_MESSAGE_BEGIN = 0x80
_MESSAGE_END = 0x40
_SHORT_RECORD = 0x10
_WELL_KNOWN = 0x01
_EXTERNAL = 0x04

_URI_PREFIXES = {"https://www.": 0x02, "http://www.": 0x01, "https://": 0x04, "http://": 0x03, "tel:": 0x05}


def text_message(text: str, language: str = "en") -> bytes:
    """Return a message of one Text record in UTF-8 (RTD Text, section 3)."""
    code = language.encode("ascii")
    return _one_record(_WELL_KNOWN, b"T", bytes([len(code)]) + code + text.encode())


def uri_message(uri: str) -> bytes:
    """Return a message of one URI record, with the usual beginnings shortened (RTD URI, table 3)."""
    for prefix, code in _URI_PREFIXES.items():
        if uri.startswith(prefix):
            return _one_record(_WELL_KNOWN, b"U", bytes([code]) + uri[len(prefix) :].encode())
    return _one_record(_WELL_KNOWN, b"U", b"\x00" + uri.encode())


def external_message(name: str, payload: bytes) -> bytes:
    """Return a message of one external record; `name` is "domain:type" (NDEF 1.0, section 3.2.6)."""
    return _one_record(_EXTERNAL, name.encode("ascii"), payload)


def _one_record(name_format: int, kind: bytes, payload: bytes) -> bytes:
    header = _MESSAGE_BEGIN | _MESSAGE_END | name_format
    if len(payload) < 256:
        return bytes([header | _SHORT_RECORD, len(kind), len(payload)]) + kind + payload
    return bytes([header, len(kind)]) + len(payload).to_bytes(4, "big") + kind + payload
