"""PIN verifiers: argon2id (RFC 9106), made at head office and checked on the terminal without asking anybody."""

import hmac
import os

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from contract.documents import PinVerifier

PASSES = 3
MEMORY_KIB = 8_192
"""8 MiB: a small board spends some tenths of a second on it, and a thief some thousand times that on four digits."""

SALT_BYTES = 16
TAG_BYTES = 32


def make_verifier(pin: str) -> PinVerifier:
    """Return a verifier of ``pin`` with a salt of its own."""
    salt = os.urandom(SALT_BYTES)
    return PinVerifier(salt, PASSES, MEMORY_KIB, _tag(pin, salt, PASSES, MEMORY_KIB))


def is_pin(pin: str, verifier: PinVerifier) -> bool:
    """Tell whether ``verifier`` was made of ``pin``."""
    return hmac.compare_digest(_tag(pin, verifier.salt, verifier.passes, verifier.memory_kib), verifier.tag)


def _tag(pin: str, salt: bytes, passes: int, memory_kib: int) -> bytes:
    return Argon2id(salt=salt, length=TAG_BYTES, iterations=passes, lanes=1, memory_cost=memory_kib).derive(
        pin.encode("utf-8")
    )
