"""Whom a card, a code or a number names, how sure that is, or why it names nobody."""

from __future__ import annotations

from dataclasses import replace

from agent.txn.book import Book, Member
from agent.txn.events import CardRead
from agent.txn.keying import PHONE_DIGITS, is_last4, is_phone
from agent.txn.masking import mask_last4, mask_name, mask_phone
from agent.txn.ndef import payloads
from agent.txn.presented import DAY_MS, read_coupon, read_presentation
from agent.txn.state import Buyer, ShownCoupon
from contract import coupons, credentials, envelope, presentations, texts, wire
from contract.basket import Customer
from contract.documents import CatalogueItem
from contract.errors import ContractError, Reason
from contract.refusals import Refusal, RefusalCode
from contract.trade import Assurance, Medium, MemberRef

BARCODE_DIGITS = range(8, 15)
RANDOM_UID_BYTES = 4
RANDOM_UID_FIRST = 0x08
_SEALED_BEGINNING = b"\xd2\x84"  # An envelope's tag and its array of four, COSE_Sign1 (RFC 9052 section 2).
_CARD_PROBLEMS = {
    "unsupported": RefusalCode.CARD_UNSUPPORTED,
    "unreadable": RefusalCode.CARD_UNREADABLE,
    "removed": RefusalCode.CARD_REMOVED,
}
_CODE_PROBLEMS = {"too_long": RefusalCode.CODE_TOO_LONG, "garbled": RefusalCode.CODE_GARBLED}


def by_card(card: CardRead, book: Book) -> Buyer | Refusal:
    """Recognise a card: by a credential on it where there is one (signed), else by its number (claimed). A card that
    proved to hold its key is ``authenticated`` either way.

    Content that holds no credential of this kind is left aside: many cards carry something.
    """
    found = _card_owner(card, book)
    if isinstance(found, Refusal) or not card.authenticated:
        return found
    return replace(found, ref=replace(found.ref, assurance=Assurance.AUTHENTICATED))


def _card_owner(card: CardRead, book: Book) -> Buyer | Refusal:
    uid = card.uid
    on_card = _credential_in(card.content or b"")
    if on_card is not None:
        return _by_credential(on_card, Medium.CARD, book, uid)
    if card.kind == "iso14443_4" and len(uid) == RANDOM_UID_BYTES and uid[0] == RANDOM_UID_FIRST:
        # A phone makes its number up anew each time (ISO/IEC 14443-3, table of UID0 values): it names nobody.
        return Refusal(RefusalCode.CARD_UNSUPPORTED, "a number made up anew each time")
    if book.card_revoked(uid):
        return Refusal(RefusalCode.CREDENTIAL_REVOKED, "card")
    found = book.member_by_card(uid)
    if found is None:
        return Refusal(RefusalCode.CARD_UNKNOWN, f"{len(uid)} bytes ending {uid[-1:].hex()}")
    return _buyer(found, Medium.CARD, Assurance.CLAIMED, mask_last4(found.phone_last4))


def by_phone(digits: str, book: Book) -> Buyer | Refusal:
    """Recognise a mobile number of 11 digits, or its last four where only one member here has them."""
    if is_last4(digits):
        return _by_last4(digits, book)
    if not is_phone(digits):
        return Refusal(RefusalCode.PHONE_MALFORMED, f"{len(digits)} characters")
    found = book.member_by_phone(digits)
    if found is None:
        return Refusal(RefusalCode.PHONE_UNKNOWN, mask_phone(digits))
    return _buyer(found, Medium.PHONE, Assurance.CLAIMED, mask_phone(digits))


def by_code(data: bytes, buyer: str | None, book: Book) -> Buyer | ShownCoupon | CatalogueItem | Refusal:
    """Recognise what was scanned: a member's credential, what a phone shows, a coupon, a phone number, or an article's
    barcode. ``buyer`` is the member in the basket, if any: some coupons are one member's own.
    """
    if len(data) > texts.MAX_TEXT_CHARS:
        return Refusal(RefusalCode.CODE_TOO_LONG, f"{len(data)} bytes")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return Refusal(RefusalCode.CODE_UNKNOWN, "not UTF-8")
    if text.startswith(credentials.PREFIX):
        try:
            return _by_credential(credentials.read_credential_text(text), Medium.QR, book)
        except ContractError as error:
            return Refusal(RefusalCode.CODE_GARBLED, error.reason)
    if text.startswith(presentations.PREFIX):
        shown = read_presentation(text, book)
        return shown if isinstance(shown, Refusal) else _believed(shown[0], Medium.QR, book, presentation=shown[1])
    if text.startswith(coupons.PREFIX):
        return read_coupon(text, buyer, book)
    if is_phone(text):
        return by_phone(text, book)
    if _means_phone(text):
        return Refusal(RefusalCode.PHONE_MALFORMED, "not all digits")
    if text.isascii() and text.isdigit() and len(text) in BARCODE_DIGITS:
        return book.item_by_barcode(text) or Refusal(RefusalCode.CODE_UNKNOWN, "barcode not in the catalogue")
    return Refusal(RefusalCode.CODE_UNKNOWN, f"{len(text)} characters")


def card_refusal(problem: str) -> Refusal:
    """The refusal for a card that could not be read; a problem not listed counts as unreadable."""
    return Refusal(_CARD_PROBLEMS.get(problem, RefusalCode.CARD_UNREADABLE))


def code_refusal(problem: str) -> Refusal:
    """The refusal for a scan that could not be used; a problem not listed counts as garbled."""
    return Refusal(_CODE_PROBLEMS.get(problem, RefusalCode.CODE_GARBLED))


def _by_last4(digits: str, book: Book) -> Buyer | Refusal:
    found = book.members_by_last4(digits, 2)
    if len(found) != 1:
        return Refusal(RefusalCode.PHONE_SEVERAL if found else RefusalCode.PHONE_UNKNOWN, mask_last4(digits))
    return _buyer(found[0], Medium.PHONE, Assurance.CLAIMED, mask_last4(digits))


def _by_credential(sealed: bytes, medium: Medium, book: Book, uid: bytes | None = None) -> Buyer | Refusal:
    """Believe a credential that head office signed; one for a phone only where the phone shows it."""
    try:
        told = credentials.open_credential(sealed, book.hq_keys)
    except ContractError as error:
        foreign = error.reason is Reason.UNKNOWN_KEY and _claims_another_tenant(sealed, book.address.tenant)
        return Refusal(RefusalCode.CREDENTIAL_FOREIGN if foreign else RefusalCode.CREDENTIAL_FORGED, error.reason)
    if told.phone_key is not None:
        return Refusal(RefusalCode.CREDENTIAL_COPIED, "a phone's, without the phone")
    return _believed(told, medium, book, uid)


def _believed(
    told: credentials.MemberCredential,
    medium: Medium,
    book: Book,
    uid: bytes | None = None,
    presentation: bytes | None = None,
) -> Buyer | Refusal:
    """Take a credential whose signature holds: of this tenant, still valid, not called back, and on the card it was
    written for. A cached member is the newer word on tier and tags; of one who is not, the credential says how much
    stored value one sale may take, where it says so.
    """
    if told.tenant != book.address.tenant:
        return Refusal(RefusalCode.CREDENTIAL_FOREIGN)
    if book.now().wall_ms // DAY_MS > told.valid_until_day:
        return Refusal(RefusalCode.CREDENTIAL_EXPIRED)
    if told.card is not None and told.card != uid:
        return Refusal(RefusalCode.CREDENTIAL_COPIED)
    if book.member_revoked(told.member, told.issued_day) or (uid is not None and book.card_revoked(uid)):
        return Refusal(RefusalCode.CREDENTIAL_REVOKED, told.member)
    assurance = Assurance.SIGNED if presentation is None else Assurance.FRESH
    cached = book.member_by_id(told.member)
    if cached is not None:
        buyer = _buyer(cached, medium, assurance, mask_last4(cached.phone_last4))
        return replace(buyer, ref=replace(buyer.ref, presentation=presentation))
    ref = MemberRef(told.member, medium, assurance, presentation)
    return Buyer(ref, Customer(told.tier, told.tags), "", "", None, told.limit_minor or None)


def _claims_another_tenant(sealed: bytes, tenant: str) -> bool:
    """What an unbelieved credential says of itself only chooses between two refusals."""
    try:
        payload = envelope.peek(sealed, credentials.MAX_CREDENTIAL_BYTES)
        claimed = wire.unpack(credentials.MemberCredential, payload, credentials.MAX_CREDENTIAL_BYTES)
    except ContractError:
        return False
    return claimed.tenant != tenant


def _credential_in(message: bytes) -> bytes | None:
    """The credential in an NDEF message, as text or as bytes; or that is all there is, as a file may have it."""
    if message[:2] == _SEALED_BEGINNING:
        return message
    for payload in payloads(message):
        if payload[:1] == _SEALED_BEGINNING[:1]:
            return payload
        if payload.startswith(credentials.PREFIX.encode()):
            try:
                return credentials.read_credential_text(payload.decode("ascii"))
            except (ContractError, UnicodeDecodeError):
                return payload
    return None


def _means_phone(text: str) -> bool:
    """Whether somebody meant a phone number that has other characters in it."""
    return len(text) == PHONE_DIGITS and text[0] == "1" and text.isascii() and text.isalnum() and not text.isdigit()


def _buyer(found: Member, medium: Medium, assurance: Assurance, phone_masked: str) -> Buyer:
    customer = Customer(
        tier=found.tier,
        tags=found.tags,
        segments=found.segments,
        card_type=found.card_type,
        birthday=found.birthday,
        points=found.points,
        visits=found.visits,
        visit_days=found.visit_days,
    )
    return Buyer(
        MemberRef(found.member, medium, assurance), customer, mask_name(found.name), phone_masked, found.points
    )
