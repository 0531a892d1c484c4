"""One key for each card out of one master key (NXP AN10922, "Symmetric key diversifications", AES-128).

The master key stays where it is: all that is asked of it is to encrypt a block.
"""

from __future__ import annotations

from agent.drivers.cards.aes_cmac import Encrypt, cmac

MOST_INPUT_BYTES = 31

_AES_128 = b"\x01"
_PASSWORD = b"PWD"
_PASSWORD_BYTES, _ANSWER_BYTES = 4, 2


def diversified(encrypt: Encrypt, card_input: bytes) -> bytes:
    """Return the 16-byte key of one card; `card_input` (1 to 31 bytes) is what tells it from all others (2.2.1).

    Unlike in a plain CMAC, an input of less than a block is padded to two. Raises ValueError.
    """
    if not 1 <= len(card_input) <= MOST_INPUT_BYTES:
        raise ValueError(f"{len(card_input)} bytes of diversification input")
    return cmac(encrypt, _AES_128 + card_input, least_bytes=32)


def application_key(encrypt: Encrypt, uid: bytes, application: bytes, system: bytes) -> bytes:
    """Return a card's key to one of its applications: of its number, the application's, and the issuer's own word."""
    return diversified(encrypt, uid + application + system)


def tag_password(encrypt: Encrypt, uid: bytes, system: bytes) -> tuple[bytes, bytes]:
    """Return the password of an NTAG and what it has to answer (PWD, 4 bytes, and PACK, 2 bytes)."""
    key = diversified(encrypt, uid + _PASSWORD + system)
    return key[:_PASSWORD_BYTES], key[_PASSWORD_BYTES : _PASSWORD_BYTES + _ANSWER_BYTES]
