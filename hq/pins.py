"""Verifiers of cashiers' PINs, made here and checked on the terminal without asking anybody."""

import os

from contract.documents import PinVerifier
from contract.pins import pin_tag

PASSES = 3
MEMORY_KIB = 8_192
"""8 MiB: a small board spends some tenths of a second on it, and a thief some thousand times that on four digits."""

SALT_BYTES = 16


def make_verifier(pin: str) -> PinVerifier:
    """Return a verifier of ``pin`` with a salt of its own."""
    salt = os.urandom(SALT_BYTES)
    return PinVerifier(salt, PASSES, MEMORY_KIB, pin_tag(pin, salt, PASSES, MEMORY_KIB))
