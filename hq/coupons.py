"""Electronic coupons: a signed code for a phone, an account in the ledger, and what becomes of it."""

from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from contract.bodies import OfficeBody
from contract.coupons import GRAMMAR, Coupon, coupon_text, seal_coupon
from contract.ids import TerminalAddress
from contract.postings import COUPONS, Posting, coupon_account, granted_account
from contract.value import Asset
from hq.documents import Desk
from hq.errors import OfficeError
from hq.grants import require_member
from hq.own_chain import book
from hq.tables import coupon_uses, coupons


@dataclass(frozen=True, slots=True)
class CouponTerms:
    """What a coupon is good for: from when to when (Unix milliseconds), whose it is, in which shops, and at which one
    till alone, so that nobody can use it twice.
    """

    code: str
    good_from_ms: int
    good_until_ms: int
    member: str | None = None
    shops: tuple[str, ...] = ()
    addressee: TerminalAddress | None = None


def issue_coupon(connection: Connection, desk: Desk, terms: CouponTerms, now_ms: int) -> str:
    """Issue a coupon; return the text of its QR code. Raises OfficeError for a code that was issued before, or an
    unknown member.
    """
    if connection.scalar(select(coupons.c.code).where(coupons.c.code == terms.code)) is not None:
        raise OfficeError(
            f"电子券 {terms.code} 已经发过；同一个券号只发一次，请换一个。",
            f"coupon {terms.code} was issued before; a code is issued once, choose another.",
        )
    if terms.member is not None:
        require_member(connection, terms.member)
    sealed = seal_coupon(
        desk.signer,
        Coupon(
            GRAMMAR,
            desk.tenant,
            terms.code,
            terms.good_from_ms,
            terms.good_until_ms,
            terms.member,
            terms.shops,
            terms.addressee,
        ),
    )
    connection.execute(
        insert(coupons).values(
            code=terms.code,
            member=terms.member,
            addressee=None if terms.addressee is None else str(terms.addressee),
            good_from_ms=terms.good_from_ms,
            good_until_ms=terms.good_until_ms,
            shops=list(terms.shops),
            sealed=sealed,
            issued_ms=now_ms,
            withdrawn_ms=None,
            used_entry_id=None,
        )
    )
    # A till may have taken it before these books, which are an older backup, know of it.
    told = (coupon_uses.c.code == terms.code, coupon_uses.c.entry_id.is_not(None))
    connection.execute(update(coupon_uses).where(*told).values(weigh=True))
    book(connection, desk, OfficeBody("coupon_issued", terms.code, _moved(terms.code, 1)), now_ms)
    return coupon_text(sealed)


def withdraw_coupon(connection: Connection, desk: Desk, code: str, now_ms: int) -> None:
    """Take a coupon back that was not used. Raises OfficeError where there is none, or it was used or withdrawn."""
    row = connection.execute(select(coupons).where(coupons.c.code == code).with_for_update()).one_or_none()
    if row is None:
        raise OfficeError(f"没有电子券 {code}；请核对券号。", f"there is no coupon {code}; check how it is written.")
    if row.used_entry_id is not None or row.withdrawn_ms is not None:
        zh, en = ("使用过", "used") if row.withdrawn_ms is None else ("收回过", "withdrawn")
        raise OfficeError(
            f"电子券 {code} 已经{zh}，不必再收回。", f"coupon {code} was {en} before; nothing is left to withdraw."
        )
    connection.execute(update(coupons).where(coupons.c.code == code).values(withdrawn_ms=now_ms))
    book(connection, desk, OfficeBody("coupon_withdrawn", code, _moved(code, -1)), now_ms)


def _moved(code: str, count: int) -> tuple[Posting, ...]:
    return (
        Posting(coupon_account(code), COUPONS, -count),
        Posting(granted_account(Asset.COUPON), COUPONS, count),
    )
