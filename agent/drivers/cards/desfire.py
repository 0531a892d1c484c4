"""MIFARE DESFire EV1: its own commands inside ISO/IEC 7816-4 APDUs, mutual proof of an AES key, reading of data files.

Sources as in desfire_session.py. A command is `90 INS 00 00 Lc data 00`, an answer ends in `91` and a status; `91 AF`
says that there is more.
"""

from __future__ import annotations

import hmac
from enum import StrEnum

from agent.drivers.cards.aes_cmac import BLOCK_BYTES
from agent.drivers.cards.desfire_session import Session, decrypt, encrypt
from agent.drivers.cards.link import MOST_ANSWER_BYTES, ApduLink, CardError

MASTER_APPLICATION = bytes(3)
"""The card itself, as an application."""

_AUTHENTICATE_AES, _MORE = 0xAA, 0xAF
_GET_VERSION, _SELECT_APPLICATION, _GET_CARD_UID = 0x60, 0x5A, 0x51
_READ_DATA = 0xBD
_OK, _NO_APPLICATION = 0x00, 0xA0
_UID_BYTES = 7
_LENGTH_BYTES = 2
_MOST_FRAMES = 128


class FileMode(StrEnum):
    """How a file's bytes come once the key was proved: as they are, with a MAC in any case, or enciphered."""

    PLAIN = "plain"
    MACED = "maced"
    ENCIPHERED = "enciphered"


class NoDesfireError(CardError):
    """The card is no DESFire: it answers, and not with a DESFire's status."""


class KeyRefusedError(CardError):
    """The card does not take our key, or does not know it: it is none that we gave it to."""


class Desfire:
    """One DESFire card. Methods raise CardError when it refuses, falls silent, or answers what is not true."""

    def __init__(self, link: ApduLink) -> None:
        """Speak to the card behind this link; nothing was authenticated yet."""
        self._link = link
        self._session: Session | None = None

    def select(self, application: bytes) -> bool:
        """Select an application by its number, 3 bytes as a DESFire sends them (low byte first); False without it.

        Raises NoDesfireError too.
        """
        self._session = None
        status = self._ask(_SELECT_APPLICATION, application)[1]
        if status not in (_OK, _NO_APPLICATION):
            raise CardError(f"SelectApplication gave status {status:02x}")
        return status == _OK

    def version(self) -> bytes:
        """Return the 28 bytes of hardware, software and number that GetVersion tells."""
        said = self._command(_GET_VERSION)
        if len(said) != 28:
            raise CardError(f"a version of {len(said)} bytes")
        return said

    def authenticate(self, key_number: int, key: bytes, rnd_a: bytes) -> None:
        """Prove the key to the card and have it prove it to us, in three passes; `rnd_a` is 16 bytes drawn anew.

        Raises KeyRefusedError too.
        """
        self._session = None
        challenge, status = self._ask(_AUTHENTICATE_AES, bytes([key_number]), follow=False)
        if status != _MORE:
            raise KeyRefusedError(f"AuthenticateAES gave status {status:02x}")
        if len(challenge) != BLOCK_BYTES:
            raise CardError(f"a challenge of {len(challenge)} bytes")
        rnd_b = decrypt(key, challenge, bytes(BLOCK_BYTES))
        token = encrypt(key, rnd_a + rnd_b[1:] + rnd_b[:1], challenge)
        proof, status = self._ask(_MORE, token, follow=False)
        if status != _OK:
            raise KeyRefusedError(f"the card does not take our key: status {status:02x}")
        if len(proof) != BLOCK_BYTES:
            raise CardError(f"a proof of {len(proof)} bytes")
        if not hmac.compare_digest(decrypt(key, proof, token[-BLOCK_BYTES:]), rnd_a[1:] + rnd_a[:1]):
            raise KeyRefusedError("the card does not know its key")
        self._session = Session.of(rnd_a, rnd_b)

    def card_uid(self) -> bytes:
        """Return the card's true number, 7 bytes, which it tells only to who proved a key."""
        return self._read(_GET_CARD_UID, b"", FileMode.ENCIPHERED, _UID_BYTES)

    def read_data(self, file: int, offset: int, length: int, mode: FileMode) -> bytes:
        """Return `length` bytes of a standard or backup data file, from `offset` on."""
        parameters = bytes([file]) + offset.to_bytes(3, "little") + length.to_bytes(3, "little")
        return self._read(_READ_DATA, parameters, mode, length)

    def read_content(self, file: int, mode: FileMode) -> bytes | None:
        """Return what counts of a file whose first two bytes say how many do, the high byte first; None for nothing."""
        length = int.from_bytes(self.read_data(file, 0, _LENGTH_BYTES, mode), "big")
        if length > MOST_ANSWER_BYTES:
            raise CardError(f"a file that claims {length} bytes")
        return self.read_data(file, _LENGTH_BYTES, length, mode) if length else None

    def _read(self, instruction: int, parameters: bytes, mode: FileMode, length: int) -> bytes:
        if mode is FileMode.ENCIPHERED and self._session is not None:
            self._session.command(bytes([instruction]) + parameters)
            data, status = self._ask(instruction, parameters)
            if status != _OK:
                raise CardError(f"command {instruction:02x} gave status {status:02x}")
            return self._session.deciphered(data, status, length)
        said = self._command(instruction, parameters)
        if len(said) != length:
            raise CardError(f"{len(said)} bytes of {length}")
        return said

    def _command(self, instruction: int, parameters: bytes = b"") -> bytes:
        """Send a command whose answer is plain, and after an authentication has a MAC; return what it says."""
        if self._session is not None:
            self._session.command(bytes([instruction]) + parameters)
        data, status = self._ask(instruction, parameters)
        if status != _OK:
            raise CardError(f"command {instruction:02x} gave status {status:02x}")
        return data if self._session is None else self._session.answer(data, status)

    def _ask(self, instruction: int, parameters: bytes = b"", follow: bool = True) -> tuple[bytes, int]:
        """Send a command; return its data and status, all frames of it when `follow`. Raises NoDesfireError."""
        data = b""
        for _ in range(_MOST_FRAMES):
            body = bytes([len(parameters)]) + parameters if parameters else b""
            said = self._link.apdu(bytes([0x90, instruction, 0x00, 0x00]) + body + b"\x00")
            if len(said) < 2 or said[-2] != 0x91:
                raise NoDesfireError
            data, status = data + said[:-2], said[-1]
            if len(data) > MOST_ANSWER_BYTES + 2 * BLOCK_BYTES:
                break
            if status != _MORE or not follow:
                return data, status
            instruction, parameters = _MORE, b""
        raise CardError("an answer without an end")
