"""PINs and their verifiers: argon2id (RFC 9106), one lane and a 32-byte tag, made at head office and checked at the
till.
"""

import hmac

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from contract.documents import PinVerifier

TAG_BYTES = 32


def pin_tag(pin: str, salt: bytes, passes: int, memory_kib: int) -> bytes:
    """Return the tag of a PIN. Raises ValueError for parameters that argon2 itself refuses."""
    derivation = Argon2id(salt=salt, length=TAG_BYTES, iterations=passes, lanes=1, memory_cost=memory_kib)
    return derivation.derive(pin.encode("utf-8"))


def is_pin(pin: str, verifier: PinVerifier) -> bool:
    """Tell, in constant time, whether ``verifier`` was made of ``pin``; parameters that argon2 refuses make every
    PIN wrong.
    """
    try:
        tag = pin_tag(pin, verifier.salt, verifier.passes, verifier.memory_kib)
    except ValueError:
        return False
    return hmac.compare_digest(tag, verifier.tag)
