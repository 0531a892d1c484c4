"""An electronic coupon: head office's signature over a code that lets a rule apply once, for a phone's QR."""

from contract import wire
from contract.basket import CODE
from contract.envelope import ContentType, Keyring, open_sealed, seal
from contract.errors import ContractError, Reason
from contract.ids import MEMBER_ID, NAME, TerminalAddress
from contract.making import dataclass
from contract.signing import Signer
from contract.texts import read_text_form, text_form

PREFIX = "TLK1:"
GRAMMAR = 1
MAX_COUPON_BYTES = 256
MAX_SHOPS = 8


@dataclass(frozen=True, slots=True)
class Coupon:
    """One coupon: its code, which rules ask for, from when to when it is good (Unix milliseconds), to whom it belongs
    (anybody's where not written) and the shops it is good in (all where none is named).

    With an ``addressee`` the one terminal that takes it is named, and it is good nowhere else: nobody can take it
    twice. Without, it is taken once at each terminal at most; how many those are is the bound of what a copied coupon
    costs before head office hears of it.
    """

    grammar: int = wire.at(1, wire.whole(1, 255))
    tenant: str = wire.at(2, NAME)
    code: str = wire.at(3, CODE)
    good_from_ms: int = wire.at(4, wire.whole(0, 2**53))
    good_until_ms: int = wire.at(5, wire.whole(0, 2**53))
    member: str | None = wire.maybe(6, MEMBER_ID)
    shops: tuple[str, ...] = wire.maybe(7, wire.many(NAME, MAX_SHOPS), ())
    addressee: TerminalAddress | None = wire.maybe(8, wire.record(TerminalAddress))


def seal_coupon(signer: Signer, coupon: Coupon) -> bytes:
    """Return the signed coupon as bytes."""
    return seal(signer, ContentType.COUPON, wire.pack(coupon))


def open_coupon(data: bytes, believed: Keyring) -> Coupon:
    """Verify and decode a coupon. Raises ContractError; tenant, time, place and owner are the caller's to judge."""
    opened = open_sealed(data, ContentType.COUPON, believed, MAX_COUPON_BYTES)
    coupon = wire.unpack(Coupon, opened.payload, MAX_COUPON_BYTES)
    if coupon.grammar != GRAMMAR:
        raise ContractError(Reason.NEWER_GRAMMAR, "grammar", str(coupon.grammar))
    return coupon


def coupon_text(data: bytes) -> str:
    """Return the text that goes into a QR code."""
    return text_form(PREFIX, data)


def read_coupon_text(text: str) -> bytes:
    """Return the bytes written as :func:`coupon_text` does. Raises ContractError(BAD_TEXT_FORM or TOO_LARGE)."""
    return read_text_form(PREFIX, text)
