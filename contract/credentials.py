"""A member's credential: HQ's signature over who a member is, small enough for a card or a phone's QR, verified
without asking anybody.
"""

import base64
import binascii
from dataclasses import dataclass

from contract import wire
from contract.envelope import ContentType, Keyring, open_sealed, seal
from contract.errors import ContractError, Reason
from contract.ids import MEMBER_ID, NAME, TAG, TIER
from contract.signing import Signer

PREFIX = "TLC1:"
"""How the text of a credential begins. Prefix and base32 (RFC 4648) stay inside a QR code's alphanumeric mode
(ISO/IEC 18004).
"""

GRAMMAR = 1
MAX_CREDENTIAL_BYTES = 256
MAX_TEXT_CHARS = 512
MAX_TAGS = 8
"""A credential is small; a member with more tags is known by the members document alone."""


@dataclass(frozen=True, slots=True)
class MemberCredential:
    """Who the bearer is: tenant, member, tier, tags, and the last day of validity as days since 1970-01-01 (UTC).

    One that is written on a card names that card by its number (``card``): it is good on no other, and in no QR code.
    """

    grammar: int = wire.at(1, wire.whole(1, 255))
    tenant: str = wire.at(2, NAME)
    member: str = wire.at(3, MEMBER_ID)
    tier: str = wire.at(4, TIER)
    tags: tuple[str, ...] = wire.at(5, wire.many(TAG, MAX_TAGS))
    valid_until_day: int = wire.at(6, wire.whole(0, 100_000))
    card: bytes | None = wire.maybe(7, wire.octets(4, 10))


def seal_credential(signer: Signer, credential: MemberCredential) -> bytes:
    """Return the signed credential as bytes."""
    return seal(signer, ContentType.CREDENTIAL, wire.pack(credential))


def open_credential(data: bytes, believed: Keyring) -> MemberCredential:
    """Verify and decode a credential. Raises ContractError; validity and tenant are the caller's to judge, with the
    caller's clock.
    """
    opened = open_sealed(data, ContentType.CREDENTIAL, believed, MAX_CREDENTIAL_BYTES)
    credential = wire.unpack(MemberCredential, opened.payload, MAX_CREDENTIAL_BYTES)
    if credential.grammar != GRAMMAR:
        raise ContractError(Reason.NEWER_GRAMMAR, "grammar", str(credential.grammar))
    return credential


def credential_text(data: bytes) -> str:
    """Return the text that goes into a QR code."""
    return PREFIX + base64.b32encode(data).decode().rstrip("=")


def read_credential_text(text: str) -> bytes:
    """Return the bytes written as :func:`credential_text` does. Raises ContractError(BAD_TEXT_FORM or TOO_LARGE)."""
    if len(text) > MAX_TEXT_CHARS:
        raise ContractError(Reason.TOO_LARGE, detail=f"{len(text)} characters")
    if not text.startswith(PREFIX):
        raise ContractError(Reason.BAD_TEXT_FORM, detail=f"does not begin with {PREFIX}")
    digits = text.removeprefix(PREFIX)
    try:
        data = base64.b32decode(digits + "=" * (-len(digits) % 8))
    except (binascii.Error, ValueError) as error:
        raise ContractError(Reason.BAD_TEXT_FORM, detail="not base32") from error
    if credential_text(data) != text:
        raise ContractError(Reason.BAD_TEXT_FORM, detail="not the one base32 form")
    return data
