"""A presentation: a member's credential shown by a phone, with the phone's own signature over when and a nonce.

A copy of the picture is the same presentation; a terminal takes each once, and head office sees where the same one was
taken twice.
"""

from contract import wire
from contract.credentials import MAX_CREDENTIAL_BYTES, MemberCredential, open_credential
from contract.envelope import ContentType, Keyring, keyring, open_sealed, peek, seal
from contract.errors import ContractError, Reason
from contract.making import dataclass
from contract.signing import Algorithm, PublicKey, Signer
from contract.texts import read_text_form, text_form

PREFIX = "TLP1:"
MAX_PRESENTATION_BYTES = 512
FRESH_MS = 60_000
"""How old a presentation may be, and how far ahead of this clock, to count as shown now."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the phone signs: the credential as head office signed it, the phone's time, and 16 random bytes that name
    this one showing.
    """

    credential: bytes = wire.at(1, wire.octets(1, MAX_CREDENTIAL_BYTES + 128))
    shown_ms: int = wire.at(2, wire.whole(0, 2**53))
    nonce: bytes = wire.at(3, wire.octets(16))


@dataclass(frozen=True, slots=True)
class Presentation:
    """A presentation whose two signatures hold."""

    credential: MemberCredential
    shown_ms: int
    nonce: bytes

    def fresh(self, now_ms: int) -> bool:
        """Whether it was shown within ``FRESH_MS`` of ``now_ms``."""
        return abs(now_ms - self.shown_ms) <= FRESH_MS


def seal_presentation(phone: Signer, shown: Shown) -> bytes:
    """Return the presentation as a phone makes it."""
    return seal(phone, ContentType.PRESENTATION, wire.pack(shown))


def open_presentation(data: bytes, believed: Keyring) -> Presentation:
    """Verify both signatures: head office's (``believed``) over the credential, and over the whole the phone's, by the
    key that the credential names. Raises ContractError. Freshness, tenant and validity are the caller's to judge.
    """
    shown = wire.unpack(Shown, peek(data, MAX_PRESENTATION_BYTES), MAX_PRESENTATION_BYTES)
    credential = open_credential(shown.credential, believed)
    if credential.phone_key is None:
        raise ContractError(Reason.UNKNOWN_KEY, "credential.phone_key", "names no phone")
    open_sealed(
        data,
        ContentType.PRESENTATION,
        keyring(PublicKey(Algorithm.ES256, credential.phone_key)),
        MAX_PRESENTATION_BYTES,
    )
    return Presentation(credential, shown.shown_ms, shown.nonce)


def presentation_text(data: bytes) -> str:
    """Return the text that goes into a QR code."""
    return text_form(PREFIX, data)


def read_presentation_text(text: str) -> bytes:
    """Return the bytes written as :func:`presentation_text` does. Raises ContractError(BAD_TEXT_FORM or TOO_LARGE)."""
    return read_text_form(PREFIX, text)
