"""Keys that sign and verify: Ed25519 (EdDSA, RFC 8032) by default, P-256 (ES256, FIPS 186-5) where hardware has
nothing else.

A private key is reached through :class:`Signer`, so that a file, a token or a secure element can stand behind it.
This room makes no keys (that needs randomness) and reads no files.
"""

import hashlib
from enum import IntEnum
from functools import lru_cache
from typing import Protocol

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from contract.errors import ContractError, Reason
from contract.making import dataclass

_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # SEC 2, section 2.4.2.


class Algorithm(IntEnum):
    """COSE algorithm numbers (IANA COSE registry, RFC 9053)."""

    ES256 = -7
    EDDSA = -8


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that verifies. ``raw`` is 32 bytes for EdDSA, a 33-byte compressed point (SEC 1) for ES256."""

    algorithm: Algorithm
    raw: bytes

    @property
    def kid(self) -> bytes:
        """The key's short name on the wire: the first 8 bytes of the SHA-256 of ``raw``."""
        return hashlib.sha256(self.raw).digest()[:8]

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Tell whether ``signature`` (64 bytes, RFC 9053) over ``message`` is this key's. Raises nothing.

        Of the two signatures (r, s) and (r, n - s) that P-256 accepts alike only the one with the smaller s is taken:
        else anybody on the way could give a signed entry a second, equally valid form with another hash.
        """
        if len(signature) != 64:
            return False
        try:
            if self.algorithm is Algorithm.EDDSA:
                _ed25519(self.raw).verify(signature, message)
            else:
                point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), self.raw)
                r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
                if s > _P256_ORDER // 2:
                    return False
                point.verify(encode_dss_signature(r, s), message, ec.ECDSA(SHA256()))
        except (InvalidSignature, ValueError):
            return False
        return True

    def text(self) -> str:
        """Return ``eddsa:<hex>`` or ``es256:<hex>``, the form in files and configuration."""
        return f"{self.algorithm.name.lower()}:{self.raw.hex()}"


@lru_cache(maxsize=256)
def _ed25519(raw: bytes) -> ed25519.Ed25519PublicKey:
    return ed25519.Ed25519PublicKey.from_public_bytes(raw)


class Signer(Protocol):
    """A private key, wherever it lives."""

    @property
    def public(self) -> PublicKey:
        """The key that verifies what :meth:`sign` makes."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature over ``message``; for ES256 the one with the smaller s."""
        ...


class SoftwareSigner:
    """A private key held in memory, from PKCS#8 PEM bytes (RFC 5958) without a passphrase.

    Raises ContractError(BAD_KEY) where the bytes hold no Ed25519 or P-256 private key.
    """

    def __init__(self, pem: bytes) -> None:
        try:
            key = load_pem_private_key(pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise ContractError(Reason.BAD_KEY, detail="not an unencrypted PKCS#8 PEM private key") from error
        if isinstance(key, ed25519.Ed25519PrivateKey):
            raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
            self._public = PublicKey(Algorithm.EDDSA, raw)
        elif isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
            raw = key.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
            self._public = PublicKey(Algorithm.ES256, raw)
        else:
            raise ContractError(Reason.BAD_KEY, detail="neither Ed25519 nor P-256")
        self._key = key

    @property
    def public(self) -> PublicKey:
        """The key that verifies what :meth:`sign` makes."""
        return self._public

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature over ``message``; for ES256 r and s, 32 bytes each, with a deterministic
        nonce (RFC 6979).
        """
        if isinstance(self._key, ed25519.Ed25519PrivateKey):
            return self._key.sign(message)
        r, s = decode_dss_signature(self._key.sign(message, ec.ECDSA(SHA256(), deterministic_signing=True)))
        return r.to_bytes(32, "big") + min(s, _P256_ORDER - s).to_bytes(32, "big")


def parse_public_key(text: str) -> PublicKey:
    """Return the key written as ``eddsa:<hex>`` or ``es256:<hex>``. Raises ContractError(BAD_KEY) for anything else."""
    name, _, digits = text.partition(":")
    sizes = {"eddsa": (Algorithm.EDDSA, 32), "es256": (Algorithm.ES256, 33)}
    algorithm, size = sizes.get(name, (Algorithm.EDDSA, -1))
    try:
        raw = bytes.fromhex(digits)
        if len(raw) != size or len(digits) != size * 2:
            raise ValueError(digits)
        if algorithm is Algorithm.ES256:
            ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw)
    except ValueError as error:
        raise ContractError(Reason.BAD_KEY, detail="expected eddsa:<64 hex digits> or es256:<66 hex digits>") from error
    return PublicKey(algorithm, raw)
