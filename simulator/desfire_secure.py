"""The card's side of DESFire EV1's AES: three passes to prove a key to each other, and a CMAC over all that follows.

Sources: NIST SP 800-38B for CMAC; for its use by the card what NXP's application notes and libfreefare tell.
"""

from __future__ import annotations

import secrets
import zlib

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

BLOCK = 16
MAC_BYTES = 8


def enciphered(key: bytes, data: bytes, chain: bytes) -> bytes:
    """AES-128 in CBC mode, chained to `chain`; whole blocks."""
    return Cipher(AES(key), CBC(chain)).encryptor().update(data)


def deciphered(key: bytes, data: bytes, chain: bytes) -> bytes:
    """The way back."""
    return Cipher(AES(key), CBC(chain)).decryptor().update(data)


def crc32(data: bytes) -> bytes:
    """The card's checksum: CRC-32 not inverted at its end, low byte first."""
    return (zlib.crc32(data) ^ 0xFFFFFFFF).to_bytes(4, "little")


class Challenge:
    """The first pass has been answered: a number of the card's own lies with the reader, enciphered."""

    def __init__(self, key: bytes) -> None:
        """Draw a number."""
        self._key = key
        self._rnd_b = secrets.token_bytes(BLOCK)
        self.sent = enciphered(key, self._rnd_b, bytes(BLOCK))

    def answered(self, token: bytes) -> tuple[bytes, SecureChannel] | None:
        """Return the card's proof and the channel, if the reader's token is right (32 bytes)."""
        if len(token) != 2 * BLOCK:
            return None
        opened = deciphered(self._key, token, self.sent)
        rnd_a, turned = opened[:BLOCK], opened[BLOCK:]
        if turned != self._rnd_b[1:] + self._rnd_b[:1]:
            return None
        proof = enciphered(self._key, rnd_a[1:] + rnd_a[:1], token[-BLOCK:])
        return proof, SecureChannel(rnd_a[:4] + self._rnd_b[:4] + rnd_a[12:] + self._rnd_b[12:])


class SecureChannel:
    """After the third pass: every command and every answer goes into one chain of CMACs."""

    def __init__(self, key: bytes) -> None:
        """Begin with the session key."""
        self._key = key
        self._chain = bytes(BLOCK)

    def hear(self, message: bytes) -> bytes:
        """Take a command, or what an answer says with its status, into the chain; return its MAC."""
        zero = enciphered(self._key, bytes(BLOCK), bytes(BLOCK))
        full = _times_x(zero)
        if message and len(message) % BLOCK == 0:
            tail = full
        else:
            message, tail = message + b"\x80" + bytes(-(len(message) + 1) % BLOCK), _times_x(full)
        mixed = message[:-BLOCK] + bytes(a ^ b for a, b in zip(message[-BLOCK:], tail, strict=True))
        self._chain = enciphered(self._key, mixed, self._chain)[-BLOCK:]
        return self._chain[:MAC_BYTES]

    def seal(self, data: bytes, status: int) -> bytes:
        """Encipher an answer with its checksum."""
        plain = data + crc32(data + bytes([status]))
        sealed = enciphered(self._key, plain + bytes(-len(plain) % BLOCK), self._chain)
        self._chain = sealed[-BLOCK:]
        return sealed

    def open(self, head: bytes, sealed: bytes, size: int) -> bytes | None:
        """Decipher the data of a command, `size` bytes, whose checksum covers its head too; None when it is wrong."""
        if not sealed or len(sealed) % BLOCK:
            return None
        opened = deciphered(self._key, sealed, self._chain)
        self._chain = sealed[-BLOCK:]
        data, checksum = opened[:size], opened[size : size + 4]
        return data if checksum == crc32(head + data) else None


def _times_x(block: bytes) -> bytes:
    number = int.from_bytes(block, "big") << 1
    return ((number ^ 0x87 if number >> 128 else number) & (2**128 - 1)).to_bytes(BLOCK, "big")
