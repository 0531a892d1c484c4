"""What holds between a DESFire EV1 and us once each has proved its key: a session key, and a CMAC over all they say.

Sources: NXP MF3ICDx21_41_81 (DESFire EV1), chapters on AES authentication and secure messaging, as the public
application notes and libfreefare tell them; NIST SP 800-38B.
"""

from __future__ import annotations

import hmac
import zlib
from typing import Any

from agent.drivers.cards.aes_cmac import BLOCK_BYTES, cmac
from agent.drivers.cards.link import CardError

MAC_BYTES = 8
_CRC_BYTES = 4
_PADDING = 0x80


class Session:
    """The state of one authentication: every command and every answer moves it on, so that none can be left out."""

    def __init__(self, key: bytes) -> None:
        """Begin with the session key, 16 bytes."""
        self._key = key
        self._chain = bytes(BLOCK_BYTES)

    @classmethod
    def of(cls, rnd_a: bytes, rnd_b: bytes) -> Session:
        """Begin with what both sides drew, 16 bytes each (AES: first and last four of each)."""
        return cls(rnd_a[:4] + rnd_b[:4] + rnd_a[12:] + rnd_b[12:])

    def command(self, command: bytes) -> None:
        """Take a command and its data into the chain."""
        self._chain = cmac(self._block, command, self._chain)

    def answer(self, data: bytes, status: int) -> bytes:
        """Return what an answer that ends in a MAC says. Raises CardError when the MAC is another."""
        if len(data) < MAC_BYTES:
            raise CardError("an answer without its MAC")
        said, mac = data[:-MAC_BYTES], data[-MAC_BYTES:]
        self._chain = cmac(self._block, said + bytes([status]), self._chain)
        if not hmac.compare_digest(mac, self._chain[:MAC_BYTES]):
            raise CardError("an answer with another's MAC")
        return said

    def deciphered(self, data: bytes, status: int, length: int) -> bytes:
        """Return the `length` bytes that an enciphered answer says. Raises CardError when its checksum is another."""
        if len(data) % BLOCK_BYTES or len(data) < length + _CRC_BYTES:
            raise CardError(f"{len(data)} enciphered bytes for {length}")
        opened = decrypt(self._key, data, self._chain)
        self._chain = data[-BLOCK_BYTES:]
        said, checksum, rest = opened[:length], opened[length : length + _CRC_BYTES], opened[length + _CRC_BYTES :]
        if checksum != crc32(said + bytes([status])) or rest.strip(b"\x00") not in (b"", bytes([_PADDING])):
            raise CardError("an answer with another checksum")
        return said

    def _block(self, block: bytes) -> bytes:
        return encrypt_block(self._key, block)


def crc32(data: bytes) -> bytes:
    """Return DESFire's checksum: CRC-32 of ISO 3309 without the final inversion, low byte first."""
    return (zlib.crc32(data) ^ 0xFFFFFFFF).to_bytes(_CRC_BYTES, "little")


def encrypt_block(key: bytes, block: bytes) -> bytes:
    """Return AES-128 of one block."""
    # One block chained to nothing is the block alone.
    return encrypt(key, block, bytes(BLOCK_BYTES))


def encrypt(key: bytes, data: bytes, start: bytes) -> bytes:
    """Return whole blocks enciphered in CBC mode, chained to `start`."""
    return bytes(_cbc(key, start).encryptor().update(data))


def decrypt(key: bytes, data: bytes, start: bytes) -> bytes:
    """Return whole blocks deciphered in CBC mode, chained to `start`."""
    return bytes(_cbc(key, start).decryptor().update(data))


def _cbc(key: bytes, start: bytes) -> Any:
    # Imported on first use: it takes a third of the memory of a reader's process, and most shops have no such cards.
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.algorithms import AES
    from cryptography.hazmat.primitives.ciphers.modes import CBC

    return Cipher(AES(key), CBC(start))
