"""The signed envelope: COSE_Sign1 (RFC 9052 section 4.2) over deterministic CBOR, always with algorithm, content
type and key id protected.

Verification works on the bytes as received; nothing is decoded and encoded again to check a signature. The protected
content type keeps an envelope of one kind from being taken for another.
"""

import hashlib
from collections.abc import Mapping
from enum import IntEnum
from functools import lru_cache

from contract import cbor
from contract.errors import ContractError, Reason
from contract.making import dataclass
from contract.signing import Algorithm, PublicKey, Signer

_TAG_SIGN1 = 0xD2  # CBOR tag 18 (RFC 9052 section 2) is one byte.
_FOUR_PARTS = 0x84  # The head of a CBOR array of four.
_ALG, _CONTENT_TYPE, _KID = 1, 3, 4  # RFC 9052 section 3.1.
_NO_HEADERS = cbor.head(cbor.MAP, 0)
_CONTEXT, _NOTHING = cbor.scalar("Signature1"), cbor.scalar(b"")  # RFC 9052 section 4.4.
_OVERHEAD_BYTES = 128

Keyring = Mapping[bytes, PublicKey]
"""Key id to public key: whom one believes."""


class ContentType(IntEnum):
    """What an envelope holds, as numbers from the experimental range of CoAP content formats (RFC 7252 section
    12.3).
    """

    ENTRY = 65001
    DOCUMENT = 65002
    ACK = 65003
    WELCOME = 65004
    CREDENTIAL = 65005
    PRESENTATION = 65006
    COUPON = 65007
    SLIP = 65008
    EXPORT = 65009


@dataclass(frozen=True, slots=True)
class Opened:
    """A verified envelope: payload bytes, the key id that signed, and the SHA-256 of the whole envelope as received."""

    payload: bytes
    kid: bytes
    digest: bytes


def keyring(*keys: PublicKey) -> Keyring:
    """Return a keyring of the keys given."""
    return {key.kid: key for key in keys}


def seal(signer: Signer, content_type: ContentType, payload: bytes) -> bytes:
    """Return the tagged COSE_Sign1 bytes of ``payload`` signed by ``signer``."""
    protected = _protected(signer.public, content_type)
    signature = signer.sign(_to_be_signed(protected, payload))
    parts = cbor.array([cbor.scalar(protected), _NO_HEADERS, cbor.scalar(payload), cbor.scalar(signature)])
    return bytes([_TAG_SIGN1]) + parts


def open_sealed(data: bytes, content_type: ContentType, believed: Keyring, max_bytes: int) -> Opened:
    """Verify an envelope as received and return what it holds.

    ``max_bytes`` limits the payload. Raises ContractError: TOO_LARGE, NOT_AN_ENVELOPE, WRONG_CONTENT_TYPE,
    UNKNOWN_KEY (nobody believed signed it), BAD_SIGNATURE (somebody believed is named, but did not sign these bytes).
    """
    protected, payload, signature = _parts(data, max_bytes)
    algorithm, kind, kid = _protected_headers(protected)
    if kind != content_type:
        raise ContractError(Reason.WRONG_CONTENT_TYPE, detail=f"expected {content_type.name}")
    key = believed.get(kid) if isinstance(kid, bytes) else None
    if key is None or algorithm != key.algorithm:
        raise ContractError(Reason.UNKNOWN_KEY, detail=kid.hex() if isinstance(kid, bytes) else "")
    if not key.verify(_to_be_signed(protected, payload), signature):
        raise ContractError(Reason.BAD_SIGNATURE)
    return Opened(payload, key.kid, digest(data))


def peek(data: bytes, max_bytes: int) -> bytes:
    """Return the payload without believing it: for reading a header before the key is known. Raises ContractError as
    :func:`open_sealed`.
    """
    return _parts(data, max_bytes)[1]


def opening(content_type: ContentType, key: PublicKey) -> bytes:
    """Return what every envelope of this kind that is signed by ``key`` begins with, so that they can be found among
    other bytes.
    """
    return bytes([_TAG_SIGN1, _FOUR_PARTS]) + cbor.scalar(_protected(key, content_type))


def digest(data: bytes) -> bytes:
    """Return the SHA-256 of an envelope as received: the hash that chains entries and names documents."""
    return hashlib.sha256(data).digest()


def _to_be_signed(protected: bytes, payload: bytes) -> bytes:
    """The Sig_structure of RFC 9052 section 4.4, without external data."""
    return cbor.array([_CONTEXT, cbor.scalar(protected), _NOTHING, cbor.scalar(payload)])


@lru_cache(maxsize=64)
def _protected(key: PublicKey, content_type: ContentType) -> bytes:
    """The protected headers of what a key signs; a terminal signs a few kinds of things with one key."""
    return cbor.encode({_ALG: int(key.algorithm), _CONTENT_TYPE: int(content_type), _KID: key.kid})


def _parts(data: bytes, max_bytes: int) -> tuple[bytes, bytes, bytes]:
    if len(data) > max_bytes + _OVERHEAD_BYTES:
        raise ContractError(Reason.TOO_LARGE, detail=f"{len(data)} bytes, payload at most {max_bytes}")
    if data[:1] != bytes([_TAG_SIGN1]):
        raise ContractError(Reason.NOT_AN_ENVELOPE, detail="no COSE_Sign1 tag")
    try:
        parts = cbor.decode(data[1:], max_bytes + _OVERHEAD_BYTES)
    except ContractError as error:
        raise ContractError(Reason.NOT_AN_ENVELOPE, detail=str(error)) from error
    match parts:
        case [bytes() as protected, dict() as unprotected, bytes() as payload, bytes() as signature] if not unprotected:
            return protected, payload, signature
    raise ContractError(Reason.NOT_AN_ENVELOPE, detail="not the four parts of COSE_Sign1")


@lru_cache(maxsize=256)
def _protected_headers(protected: bytes) -> tuple[object, object, object]:
    """Algorithm, content type and key id; each of those who are heard has the same in all their entries."""
    try:
        headers = cbor.decode(protected, _OVERHEAD_BYTES)
    except ContractError as error:
        raise ContractError(Reason.NOT_AN_ENVELOPE, detail=str(error)) from error
    if type(headers) is not dict or set(headers) != {_ALG, _CONTENT_TYPE, _KID}:
        raise ContractError(Reason.NOT_AN_ENVELOPE, detail="protected headers are not algorithm, content type, key id")
    if headers[_ALG] not in tuple(Algorithm):
        raise ContractError(Reason.UNKNOWN_KEY, detail="algorithm")
    return headers[_ALG], headers[_CONTENT_TYPE], headers[_KID]
