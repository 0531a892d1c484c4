"""A member takes something without a sale: a gift for points, a use of a count card, what a coupon is good for."""

from __future__ import annotations

import pytest

from agent.txn.effects import Print
from agent.txn.events import Started
from agent.txn.state import Paid, Recovered, Selling
from agent.ui_tft.view import compose
from contract.trade import RedemptionBody
from contract.value import Account, Asset
from hq.audit_value import audit_redemption
from tests.txn.desk import GOLD_PHONE, Desk, MemoryBook, pack, paper_text, promising
from tests.txn.purse import ANYBODYS, coupon
from tests.ui_tft.gallery import ONLINE

CUP = {"rule": "cup", "title": "积分换杯子", "title_en": "A cup for points", "lane": "points", "priority": 9}
WASH = {"rule": "wash", "title": "洗车一次", "title_en": "One wash", "lane": "points", "priority": 8}
BAG = {"rule": "bag", "title": "凭券领袋", "title_en": "A bag for the coupon", "lane": "points"}
RULES = (
    {**CUP, "when": [{"tier": ["gold"]}], "then": [{"redeem": {"sku": "CUP", "points": 500}}]},
    {**WASH, "then": [{"redeem": {"sku": "WASH", "card": "ten", "service": True}}]},
    {**BAG, "when": [{"code": ["C-1"]}], "then": [{"redeem": {"sku": "BAG", "service": True}}]},
)
TEN = {"card": "ten", "title": "十次卡", "title_en": "Ten washes", "valid_days": 90}
POINTS, WASHES = Account(Asset.POINTS, "m-1"), Account(Asset.USES, "m-1", "ten")


@pytest.fixture
def desk() -> Desk:
    """A till where a gold member has 1,200 points and one wash, and one cup may be given away."""
    book = MemoryBook(active=pack(1, promising(*RULES, count_cards=[TEN])))
    book.share(POINTS, 1_200, 1)
    book.share(WASHES, 1, 2)
    book.share(Account(Asset.GIFT, "CUP"), 1, 3)
    return Desk(book).sign_in()


def taken(desk: Desk) -> RedemptionBody:
    """What was handed out last; head office finds nothing wrong with it."""
    body = desk.book.journal[-1].body()
    assert isinstance(body, RedemptionBody) and desk.book.active is not None
    assert audit_redemption(body, desk.book.address, desk.book.active.compiled) == ()
    return body


def refused(desk: Desk) -> str:
    """The refusal on the glass."""
    return desk.state.refusal.code if desk.state.refusal else ""


def test_a_gift_is_taken_for_points_offline_until_the_share_is_used_up(desk: Desk) -> None:
    desk.tap()
    desk.keys("redeem")
    assert isinstance(desk.state.scene, Selling) and desk.state.scene.basket is not None
    plan = desk.state.scene.basket.redeem
    assert plan is not None and [one.wanted.rule.rule for one in plan.shown] == ["cup", "wash"]
    desk.keys("1")
    words = paper_text(desk.commit())
    body = taken(desk)
    assert [(item.name, item.count) for item in body.given] == [("CUP", 1)]
    assert {draw.account.asset: draw.amount for draw in body.draws} == {Asset.GIFT: 1, Asset.POINTS: 500}
    assert {"兑换凭证 Voucher", "积分换杯子 | ×1", "  500 分", "兑换 Redeemed | CUP × 1"} <= set(words)
    assert isinstance(desk.state.scene, Paid)
    desk.tap()
    desk.keys("redeem", "1")
    assert refused(desk) == "gift_share_used"
    assert sum(held.amount for held in desk.book.spendable(POINTS)) == 700


def test_what_there_is_too_little_of_stands_on_the_list_with_its_reason_and_is_not_taken() -> None:
    limited = {**RULES[0], "rule": "twice", "limits": {"total": 2}}
    dear = {**RULES[0], "rule": "dear", "then": [{"redeem": {"sku": "CUP", "points": 2_000}}]}
    book = MemoryBook(active=pack(1, promising(RULES[0], limited, dear, RULES[1], count_cards=[TEN])))
    book.share(POINTS, 1_200, 1)
    book.share(Account(Asset.GIFT, "CUP"), 9, 3)
    desk = Desk(book).sign_in()
    desk.tap()
    desk.keys("redeem")
    assert isinstance(desk.state.scene, Selling) and desk.state.scene.basket is not None
    plan = desk.state.scene.basket.redeem
    assert plan is not None
    whys = [(one.wanted.rule.rule, one.missing and (one.missing.code, one.missing.detail)) for one in plan.shown]
    assert whys == [
        ("cup", None),
        ("dear", ("points_short", "800")),
        ("twice", ("redeem_share_used", "1")),
        ("wash", ("uses_short", "1")),
    ]
    glass = "\n".join(compose(desk.state, ONLINE).text)
    assert all(words in glass for words in ("500 分", "活动已用完", "还差 800 分", "次数不够"))
    for key, why in zip("234", ("points_short", "redeem_share_used", "uses_short"), strict=True):
        desk.keys(key)
        assert refused(desk) == why
    desk.keys("1")
    desk.commit()
    assert taken(desk).rule == "cup"


def test_a_count_card_loses_a_use_and_no_more_than_lies_here(desk: Desk) -> None:
    desk.tap()
    desk.keys("redeem", "2")
    desk.commit()
    assert [(draw.account.name, draw.amount) for draw in taken(desk).draws] == [("ten", 1)]
    desk.tap()
    desk.keys("redeem", "2")
    assert refused(desk) == "uses_short"
    desk.keys("clear", "cancel")
    assert desk.state.scene == Selling()


def test_a_coupon_is_handed_out_for_once(desk: Desk) -> None:
    shown = coupon(desk.book.hq, ANYBODYS)
    desk.tap()
    desk.scan(shown)
    desk.keys("redeem", "3")
    printed = desk.commit()
    assert [draw.account.asset for draw in taken(desk).draws] == [Asset.COUPON]
    assert any(isinstance(effect, Print) for effect in printed)
    desk.tap()
    desk.scan(shown)
    assert refused(desk) == "coupon_used"


def test_without_a_member_with_goods_or_by_a_said_number_nothing_is_redeemed(desk: Desk) -> None:
    desk.keys("redeem")
    assert refused(desk) == "member_needed"
    desk.keys("member", GOLD_PHONE, "enter", "redeem")
    assert refused(desk) == "value_not_by_phone"
    desk.tap()
    desk.keys("5", "enter", "redeem")
    assert refused(desk) == "key_not_now"


def test_a_voucher_that_is_owed_is_printed_after_a_restart(desk: Desk) -> None:
    desk.tap()
    desk.keys("redeem", "1")
    desk.commit()
    again = Desk(desk.book)
    again.tell(Started())
    assert isinstance(again.state.scene, Recovered)
    words = paper_text(again.keys("reprint"))
    assert "兑换凭证 Voucher" in words and "积分换杯子 | ×1" in words
