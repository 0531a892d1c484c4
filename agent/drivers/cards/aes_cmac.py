"""CMAC with AES-128 (NIST SP 800-38B), by parts: cards begin it elsewhere than at zero, a token lends but a block."""

from __future__ import annotations

from collections.abc import Callable

BLOCK_BYTES = 16

Encrypt = Callable[[bytes], bytes]
"""One block of AES under some key."""


def subkeys(encrypt: Encrypt) -> tuple[bytes, bytes]:
    """Return K1, for a last block that is full, and K2, for one that was padded (SP 800-38B, 6.1)."""
    first = _doubled(encrypt(bytes(BLOCK_BYTES)))
    return first, _doubled(first)


def padded(message: bytes, size: int) -> bytes:
    """Return a message with a bit of one and as many of zero as it takes to have `size` bytes; unchanged if it has."""
    return message if len(message) == size else (message + b"\x80").ljust(size, b"\x00")


def cmac(encrypt: Encrypt, message: bytes, start: bytes = bytes(BLOCK_BYTES), least_bytes: int = BLOCK_BYTES) -> bytes:
    """Return the 16 bytes of the CMAC of `message`.

    `start` is what the first block is chained to; `least_bytes`, whole blocks, is what a shorter message is padded to.
    """
    size = max(least_bytes, -(-len(message) // BLOCK_BYTES) * BLOCK_BYTES)
    full, short = subkeys(encrypt)
    body = padded(message, size)
    last = full if len(message) == size else short
    chain = start
    for at in range(0, size, BLOCK_BYTES):
        block = body[at : at + BLOCK_BYTES]
        if at + BLOCK_BYTES == size:
            block = xor(block, last)
        chain = encrypt(xor(chain, block))
    return chain


def xor(one: bytes, other: bytes) -> bytes:
    """Return the bitwise sum of two strings of the same length."""
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def _doubled(block: bytes) -> bytes:
    """Multiply by x in the field of SP 800-38B, 5.3."""
    number = int.from_bytes(block, "big") << 1
    if number >> 128:
        number ^= 0x87
    return (number & (2**128 - 1)).to_bytes(BLOCK_BYTES, "big")
