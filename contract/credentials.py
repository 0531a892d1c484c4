"""A member's credential: HQ's signature over who a member is, small enough for a card or a phone's QR, verified
without asking anybody.
"""

from contract import wire
from contract.envelope import ContentType, Keyring, open_sealed, seal
from contract.errors import ContractError, Reason
from contract.ids import MEMBER_ID, NAME, TAG, TIER
from contract.making import dataclass
from contract.money import AMOUNT_MINOR
from contract.signing import Signer
from contract.texts import read_text_form, text_form

PREFIX = "TLC1:"
GRAMMAR = 1
MAX_CREDENTIAL_BYTES = 256
MAX_TAGS = 8
"""A credential is small; a member with more tags is known by the members document alone."""


@dataclass(frozen=True, slots=True)
class MemberCredential:
    """Who the bearer is: tenant, member, tier, tags, and the last day of validity as days since 1970-01-01 (UTC).

    One that is written on a card names that card by its number (``card``): it is good on no other, and in no QR code.
    One for a phone holds the phone's public key (``phone_key``, a P-256 point, compressed, SEC 1 section 2.3.3): it is
    good only inside a presentation that this key signed. ``limit_minor`` is the most that a terminal which knows no
    better may let the bearer spend of stored value in one sale.
    """

    grammar: int = wire.at(1, wire.whole(1, 255))
    tenant: str = wire.at(2, NAME)
    member: str = wire.at(3, MEMBER_ID)
    tier: str = wire.at(4, TIER)
    tags: tuple[str, ...] = wire.at(5, wire.many(TAG, MAX_TAGS))
    valid_until_day: int = wire.at(6, wire.whole(0, 100_000))
    card: bytes | None = wire.maybe(7, wire.octets(4, 10))
    limit_minor: int = wire.maybe(8, AMOUNT_MINOR, 0)
    phone_key: bytes | None = wire.maybe(9, wire.octets(33))
    issued_day: int = wire.maybe(10, wire.whole(0, 100_000), 0)


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
    return text_form(PREFIX, data)


def read_credential_text(text: str) -> bytes:
    """Return the bytes written as :func:`credential_text` does. Raises ContractError(BAD_TEXT_FORM or TOO_LARGE)."""
    return read_text_form(PREFIX, text)
