"""What a phone shows is verified here: signed, fresh, shown once; a coupon is taken once, by whom and where it says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.txn.state import Notice, Selling
from contract.coupons import Coupon, coupon_text
from contract.credentials import credential_text
from contract.ids import TerminalAddress
from contract.presentations import FRESH_MS, presentation_text
from contract.trade import Assurance, Medium, SaleBody
from tests.txn.desk import DAY_ZERO_MS, SILVER_UID, Desk, MemoryBook, pack, promising
from tests.txn.purse import ANYBODYS, Phone, coupon, new_signer

FIVE_OFF = {
    "rule": "coupon-5",
    "title": "5元券",
    "title_en": "5 off by coupon",
    "lane": "basket",
    "when": [{"code": ["C-1"]}],
    "then": [{"amount": {"off_minor": 500, "scope": "basket"}}],
}


@pytest.fixture
def desk() -> Desk:
    """A till at which a coupon takes 5.00 off."""
    return Desk(MemoryBook(active=pack(1, promising(FIVE_OFF)))).sign_in()


def sold(desk: Desk, amount: str = "60") -> SaleBody:
    """Sell for cash; the sale."""
    desk.sell(amount)
    body = desk.book.journal[-1].body()
    assert isinstance(body, SaleBody)
    return body


def test_a_phone_is_believed_by_its_own_signature_and_the_showing_is_written_down(desk: Desk) -> None:
    phone = Phone(desk.book.hq)
    desk.scan(phone.shows(desk.book.now().wall_ms, b"n" * 16))
    body = sold(desk)
    assert body.member is not None
    assert (body.member.member, body.member.medium, body.member.assurance) == ("m-9", Medium.QR, Assurance.FRESH)
    assert body.member.presentation == b"n" * 16


def test_the_same_showing_is_not_taken_twice_and_the_next_one_is(desk: Desk) -> None:
    phone = Phone(desk.book.hq)
    shown = phone.shows(desk.book.now().wall_ms, b"n" * 16)
    desk.scan(shown)
    sold(desk)
    desk.scan(shown)
    assert desk.refused == "code_seen_before"
    desk.scan(phone.shows(desk.book.now().wall_ms, b"m" * 16))
    assert desk.refused == ""


@pytest.mark.parametrize(("off_ms", "refusal"), [(FRESH_MS, ""), (FRESH_MS + 1, "code_stale"), (-FRESH_MS, "")])
def test_a_showing_is_good_for_a_minute(desk: Desk, off_ms: int, refusal: str) -> None:
    desk.scan(Phone(desk.book.hq).shows(DAY_ZERO_MS - off_ms))
    assert desk.refused == refusal


def test_forged_foreign_and_called_back_phones_are_refused(desk: Desk) -> None:
    now_ms = desk.book.now().wall_ms
    phone = Phone(desk.book.hq)
    desk.scan(phone.shows(now_ms, signer=Phone(desk.book.hq).key))
    assert desk.refused == "credential_forged"
    desk.scan(Phone(new_signer()).shows(now_ms))
    assert desk.refused == "credential_forged"
    desk.scan(Phone(desk.book.hq, tenant="other").shows(now_ms))
    assert desk.refused == "credential_foreign"
    desk.scan(credential_text(phone.credential()))
    assert desk.refused == "credential_copied"
    desk.book.void.add("m-9")
    desk.scan(phone.shows(now_ms))
    assert desk.refused == "credential_revoked"
    for rubbish in ("TLP1:", "TLP1:nonsense!", presentation_text(b"\xd2\x00")):
        desk.scan(rubbish)
        assert desk.refused in ("code_garbled", "credential_forged")


def test_a_card_that_was_called_back_is_refused(desk: Desk) -> None:
    desk.book.void.add(SILVER_UID.hex())
    desk.tap(SILVER_UID)
    assert desk.refused == "credential_revoked"


def test_a_coupon_lets_its_rule_act_and_is_drawn(desk: Desk) -> None:
    desk.keys("60", "enter")
    desk.scan(coupon(desk.book.hq))
    assert desk.state.notice is Notice.COUPON_ADDED
    desk.keys("cash")
    desk.commit()
    body = desk.book.journal[-1].body()
    assert isinstance(body, SaleBody) and body.payable_minor == 5_500
    assert [(draw.account.holder, draw.amount) for draw in body.draws] == [("C-1", 1)]
    assert {posting.account for posting in body.postings} >= {"coupon/C-1", "shop/s01/taken/coupon"}
    desk.scan(coupon(desk.book.hq))
    assert desk.refused == "coupon_used"


def test_a_coupon_may_come_before_the_goods_and_once(desk: Desk) -> None:
    desk.scan(coupon(desk.book.hq))
    assert desk.state.notice is Notice.COUPON_IDLE
    desk.scan(coupon(desk.book.hq))
    assert desk.refused == "coupon_used"
    desk.keys("60", "enter", "cash")
    desk.commit()
    body = desk.book.journal[-1].body()
    assert isinstance(body, SaleBody) and body.payable_minor == 5_500


def test_a_coupon_no_rule_uses_is_not_taken(desk: Desk) -> None:
    other = coupon(desk.book.hq, replace(ANYBODYS, code="C-2"))
    desk.scan(other)
    assert sold(desk).draws == ()
    desk.scan(other)
    assert desk.refused == ""


@pytest.mark.parametrize(
    ("told", "refusal"),
    [
        (replace(ANYBODYS, tenant="other"), "coupon_not_here"),
        (replace(ANYBODYS, shops=("s02", "s03")), "coupon_not_here"),
        (replace(ANYBODYS, shops=("s02", "s01")), ""),
        (replace(ANYBODYS, addressee=TerminalAddress("acme", "s01", "t02")), "coupon_not_here"),
        (replace(ANYBODYS, addressee=TerminalAddress("acme", "s01", "t01")), ""),
        (replace(ANYBODYS, good_from_ms=DAY_ZERO_MS + 1), "coupon_not_now"),
        (replace(ANYBODYS, good_until_ms=DAY_ZERO_MS - 1), "coupon_not_now"),
        (replace(ANYBODYS, member="m-1"), "member_needed"),
        (replace(ANYBODYS, code="C-9"), "credential_revoked"),
    ],
)
def test_a_coupon_is_good_where_when_and_for_whom_it_says(desk: Desk, told: Coupon, refusal: str) -> None:
    desk.book.void.add("C-9")
    desk.scan(coupon(desk.book.hq, told))
    assert desk.refused == refusal


def test_another_members_coupon_is_refused_and_leaves_with_its_member(desk: Desk) -> None:
    hers = coupon(desk.book.hq, replace(ANYBODYS, member="m-1"))
    desk.tap(SILVER_UID)
    desk.scan(hers)
    assert desk.refused == "coupon_not_yours"
    desk.tap()
    desk.scan(hers)
    desk.tap(SILVER_UID)
    assert isinstance(desk.state.scene, Selling) and desk.state.scene.basket is not None
    assert desk.state.scene.basket.coupons == ()


def test_a_coupon_nobody_signed_is_refused(desk: Desk) -> None:
    desk.scan(coupon(new_signer()))
    assert desk.refused == "coupon_not_here"
    for rubbish in ("TLK1:", "TLK1:nonsense!", coupon_text(b"\xd2\x00")):
        desk.scan(rubbish)
        assert desk.refused in ("code_garbled", "coupon_forged")
