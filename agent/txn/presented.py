"""What a phone shows: a member's code signed anew for each showing, and electronic coupons. Verified here, offline."""

from __future__ import annotations

import hashlib

from agent.txn.book import Book
from agent.txn.state import ShownCoupon
from contract.coupons import Coupon, open_coupon, read_coupon_text
from contract.credentials import MemberCredential
from contract.errors import ContractError, Reason
from contract.presentations import open_presentation, read_presentation_text
from contract.refusals import Refusal, RefusalCode

DAY_MS = 86_400_000
LEASE_ID_BYTES = 16


def read_presentation(text: str, book: Book) -> tuple[MemberCredential, bytes] | Refusal:
    """Return the credential that a phone shows and the name of this one showing, 16 bytes. Both signatures hold, it is
    shown now, and was not taken here before; whether the credential itself is good here is the caller's to judge.
    """
    try:
        data = read_presentation_text(text)
    except ContractError as error:
        return Refusal(RefusalCode.CODE_GARBLED, error.reason)
    try:
        shown = open_presentation(data, book.hq_keys)
    except ContractError as error:
        return Refusal(RefusalCode.CREDENTIAL_FORGED, error.reason)
    now_ms = book.now().wall_ms
    if book.presentation_taken(shown.nonce):
        return Refusal(RefusalCode.CODE_SEEN_BEFORE)
    if not shown.fresh(now_ms):
        return Refusal(RefusalCode.CODE_STALE, f"shown {(now_ms - shown.shown_ms) // 1_000} s ago")
    return shown.credential, shown.nonce


def read_coupon(text: str, buyer: str | None, book: Book) -> ShownCoupon | Refusal:
    """Return the coupon that is shown, where ``buyer`` (the member in the basket, if any) may use it here and now."""
    try:
        data = read_coupon_text(text)
    except ContractError as error:
        return Refusal(RefusalCode.CODE_GARBLED, error.reason)
    try:
        coupon = open_coupon(data, book.hq_keys)
    except ContractError as error:
        foreign = error.reason is Reason.UNKNOWN_KEY
        return Refusal(RefusalCode.COUPON_NOT_HERE if foreign else RefusalCode.COUPON_FORGED, error.reason)
    why = _why_not(coupon, buyer, book)
    if why is not None:
        return why
    return ShownCoupon(coupon.code, coupon.member, hashlib.sha256(data).digest()[:LEASE_ID_BYTES])


def _why_not(coupon: Coupon, buyer: str | None, book: Book) -> Refusal | None:
    """Why a coupon that head office signed cannot be used here, now, by this member."""
    address, now_ms = book.address, book.now().wall_ms
    if coupon.tenant != address.tenant:
        return Refusal(RefusalCode.COUPON_NOT_HERE, "another merchant's")
    if coupon.shops and address.shop not in coupon.shops:
        return Refusal(RefusalCode.COUPON_NOT_HERE, f"good in {', '.join(coupon.shops)}")
    if coupon.addressee not in (None, address):
        return Refusal(RefusalCode.COUPON_NOT_HERE, f"good at {coupon.addressee}")
    if not coupon.good_from_ms <= now_ms <= coupon.good_until_ms:
        return Refusal(RefusalCode.COUPON_NOT_NOW, "not yet" if now_ms < coupon.good_from_ms else "over")
    if book.coupon_revoked(coupon.code):
        return Refusal(RefusalCode.CREDENTIAL_REVOKED, coupon.code)
    if book.coupon_taken(coupon.code):
        return Refusal(RefusalCode.COUPON_USED, coupon.code)
    if coupon.member is not None and coupon.member != buyer:
        return Refusal(RefusalCode.COUPON_NOT_YOURS if buyer else RefusalCode.MEMBER_NEEDED, coupon.code)
    return None
