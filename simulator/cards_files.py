"""Cards with the files of ISO/IEC 7816-4: what is behind the contacts of one, and in the air of another."""

from __future__ import annotations

from collections.abc import Mapping

from simulator.cards import ApduCard

NDEF_APPLICATION, NDEF_FILE = bytes.fromhex("d2760000850101"), bytes.fromhex("e104")
"""Where an NFC Forum Type 4 tag has its message (Type 4 Tag 2.0, section 5)."""

_CONTAINER_FILE = bytes.fromhex("e103")
_NOT_FOUND, _NO_FILE_CHOSEN, _WRONG_OFFSET = b"\x6a\x82", b"\x69\x86", b"\x6b\x00"
_NO_SUCH_COMMAND, _NO_SUCH_CLASS, _WRONG_LENGTH = b"\x6d\x00", b"\x6e\x00", b"\x67\x00"
_END_BEFORE_LE, _OK = b"\x62\x82", b"\x90\x00"


def ndef_files(content: bytes) -> dict[bytes, dict[bytes, bytes]]:
    """The files of a card that carries so much content: two bytes of its length, then itself; and beside it the
    capability container, which says where that is and that nobody may write it.
    """
    size = (len(content) + 2).to_bytes(2, "big")
    container = bytes.fromhex("000f 20 00f0 00f0 0406") + NDEF_FILE + size + b"\x00\xff"
    return {NDEF_APPLICATION: {_CONTAINER_FILE: container, NDEF_FILE: len(content).to_bytes(2, "big") + content}}


class Files:
    """Applications by name, each with files by identifier; answers SELECT, READ BINARY and GET RESPONSE.

    `in_pieces` makes it give an answer to SELECT by GET RESPONSE, as cards with contacts under T=0 do.
    """

    def __init__(self, applications: Mapping[bytes, Mapping[bytes, bytes]], in_pieces: bool = False) -> None:
        """Take the applications; none is selected."""
        self._applications = applications
        self._in_pieces = in_pieces
        self.reset()

    def reset(self) -> None:
        """Forget what was selected."""
        self._application: Mapping[bytes, bytes] | None = None
        self._file: bytes | None = None
        self._waiting = b""

    def apdu(self, command: bytes) -> bytes:
        """Answer a short command APDU."""
        if len(command) < 4:
            return _WRONG_LENGTH
        if command[0] != 0x00:
            return _NO_SUCH_CLASS
        match command[1]:
            case 0xA4:
                return self._select(command[2], command[5 : 5 + command[4]] if len(command) > 5 else b"")
            case 0xB0:
                return self._read(command[2] << 8 | command[3], command[4] if len(command) > 4 else 0)
            case 0xC0 if self._waiting:
                said, self._waiting = self._waiting, b""
                return said + _OK
            case _:
                return _NO_SUCH_COMMAND

    def _select(self, by: int, name: bytes) -> bytes:
        if by == 0x04:
            if name not in self._applications:
                return _NOT_FOUND
            self._application, self._file = self._applications[name], None
            if self._in_pieces:
                self._waiting = b"\x6f" + bytes([len(name) + 2]) + b"\x84" + bytes([len(name)]) + name
                return bytes([0x61, len(self._waiting)])
            return _OK
        if self._application is None or name not in self._application:
            return _NOT_FOUND
        self._file = self._application[name]
        return _OK

    def _read(self, offset: int, wanted: int) -> bytes:
        if self._file is None:
            return _NO_FILE_CHOSEN
        if offset >= len(self._file):
            return _WRONG_OFFSET
        data = self._file[offset : offset + (wanted or 256)]
        return data + (_OK if wanted in (0, len(data)) else _END_BEFORE_LE)


class FileCard(ApduCard):
    """A contactless card with such files."""

    def __init__(self, uid: bytes, files: Files) -> None:
        """Make a card; `uid` has 4, 7 or 10 bytes."""
        super().__init__(uid, b"\x03\x44" if len(uid) == 7 else b"\x00\x04", 0x20)
        self._files = files

    def power_up(self) -> None:
        """Forget what was selected."""
        self._files.reset()

    def apdu(self, command: bytes) -> bytes | None:
        """Answer as its files do."""
        return self._files.apdu(command)
