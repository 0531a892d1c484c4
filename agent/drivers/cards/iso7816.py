"""Cards with the files of ISO/IEC 7816-4, with or without contacts: SELECT and READ BINARY.

A file begins with two bytes that say how many of it count, the high byte first, as the NDEF file of an NFC Forum Type 4
tag does (Type 4 Tag 2.0, section 4.2); a card that was written by any phone is therefore read as it is.
"""

from __future__ import annotations

from agent.drivers.cards.link import MOST_ANSWER_BYTES, ApduLink, CardError

OK = 0x9000

_SELECT, _READ_BINARY, _GET_RESPONSE = 0xA4, 0xB0, 0xC0
_BY_NAME, _FIRST_OR_ONLY = 0x04, 0x0C
_BY_FILE_ID = 0x00
_MORE, _WRONG_LE = 0x61, 0x6C
_END_BEFORE_LE = 0x6282
_MOST_PIECES = 32
"""A card that says for ever that there is more is not believed so often."""
_PIECE_BYTES = 0xF0
"""What every reader passes in one frame, with its status."""
_LENGTH_BYTES = 2


def ask(link: ApduLink, command: bytes) -> tuple[bytes, int]:
    """Send a command and return its whole data and its last status: `61xx` is followed, `6Cxx` asked again (5.3.4).

    Raises CardError when the answer is none, or longer than an answer may be.
    """
    data, again = b"", False
    for _ in range(_MOST_PIECES):
        said = link.apdu(command)
        if len(said) < 2 or len(said) > 256 + 2:
            raise CardError(f"an answer of {len(said)} bytes")
        status = int.from_bytes(said[-2:], "big")
        data += said[:-2]
        if len(data) > MOST_ANSWER_BYTES:
            raise CardError("an answer without an end")
        if status >> 8 == _WRONG_LE and not again and not data and _has_le(command):
            command, again = command[:-1] + said[-1:], True
        elif status >> 8 == _MORE:
            command = bytes([command[0], _GET_RESPONSE, 0x00, 0x00, status & 0xFF])
        else:
            return data, status
    raise CardError("an answer without an end")


def _has_le(command: bytes) -> bool:
    """Whether the last byte of a short command APDU is its Le (5.1)."""
    return len(command) == 5 or (len(command) > 5 and len(command) == 5 + command[4] + 1)


def select_application(link: ApduLink, name: bytes) -> bool:
    """Select an application by its name, 5 to 16 bytes (DF name); False when the card has none of that name."""
    command = bytes([0x00, _SELECT, _BY_NAME, 0x00, len(name)]) + name + b"\x00"
    return ask(link, command)[1] == OK


def select_file(link: ApduLink, file_id: bytes) -> bool:
    """Select a file of the application by its identifier, 2 bytes; False when there is none."""
    command = bytes([0x00, _SELECT, _BY_FILE_ID, _FIRST_OR_ONLY, len(file_id)]) + file_id
    return ask(link, command)[1] == OK


def read_content(link: ApduLink, file_id: bytes) -> bytes | None:
    """Return what counts of a file of the selected application; None when there is no such file, or nothing in it.

    Raises CardError when it cannot be read or says of itself what cannot be true.
    """
    if not select_file(link, file_id):
        return None
    length = int.from_bytes(_read(link, 0, _LENGTH_BYTES), "big")
    if length > MOST_ANSWER_BYTES:
        raise CardError(f"a file that claims {length} bytes")
    return _read(link, _LENGTH_BYTES, length) or None


def _read(link: ApduLink, offset: int, length: int) -> bytes:
    """Read so many bytes from the selected file, piece by piece (READ BINARY). Raises CardError unless all come."""
    data = b""
    while len(data) < length:
        at, wanted = offset + len(data), min(length - len(data), _PIECE_BYTES)
        piece, status = ask(link, bytes([0x00, _READ_BINARY, at >> 8, at & 0xFF, wanted]))
        if status not in (OK, _END_BEFORE_LE) or not 0 < len(piece) <= wanted:
            raise CardError(f"READ BINARY at {at} gave {len(piece)} bytes and status {status:04x}")
        data += piece
    return data
