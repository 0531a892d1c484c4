"""Papers and glass call what was given and taken again by the titles people know, and leave nothing of it unsaid."""

from __future__ import annotations

from collections.abc import Mapping

from agent.ui_tft.view import compose
from tests.txn.desk import NOTHING_OFF, Desk, MemoryBook, pack, paper_text, promising
from tests.ui_tft.gallery import ONLINE

COUPON = {"coupon": "ten-off", "title": "10元代金券", "title_en": "10 off", "valid_from_days": 1, "valid_days": 30}
WASHES = {"card": "ten", "title": "洗车十次卡", "title_en": "Ten washes", "valid_days": 90}
STEP = {
    "amount_minor": 10_000,
    "bonus_minor": 2_000,
    "points": 150,
    "coupons": [{"coupon": "ten-off", "count": 2}],
    "counts": [{"card": "ten", "uses": 3}],
}
TOP = {
    "rule": "top",
    "title": "充100送20",
    "title_en": "20 with 100",
    "lane": "points",
    "then": [{"top_up": {"steps": [STEP]}}],
}
GIVES = (
    {"rule": "bag", "lane": "basket", "then": [{"gift": {"sku": "OPEN"}}]},
    {"rule": "next", "lane": "points", "then": [{"issue_coupon": {"coupon": "ten-off"}}]},
    {"rule": "washes", "lane": "points", "then": [{"grant_counts": {"card": "ten", "uses": 2}}]},
)


def till(*rules: Mapping[str, object]) -> Desk:
    """A till with these rules, where points are counted in tenths."""
    return Desk(MemoryBook(active=pack(1, promising(*rules, coupons=[COUPON], count_cards=[WASHES])))).sign_in()


def test_a_top_up_says_everything_that_comes_with_it_on_glass_and_paper() -> None:
    desk = till(TOP)
    desk.tap()
    desk.keys("100", "topup")
    all_of_it = "充值送 20.00 + 150 分 + 10元代金券 × 2 + 洗车十次卡 × 3"
    assert all_of_it in "\n".join(compose(desk.state, ONLINE).text)
    desk.keys("cash")
    words = paper_text(desk.commit())
    assert {"充100送20 | +20.00", f"  {all_of_it}", "储值增加 Stored value | +120.00", "积分增加 Points | +150"} <= set(
        words
    )
    desk.book.active = pack(2, NOTHING_OFF)
    assert {"储值增加 Stored value | +120.00", "积分增加 Points | +150"} <= set(
        paper_text(desk.keys("enter", "reprint", "1"))
    )


def test_a_return_names_coupons_uses_and_gifts_as_people_call_them() -> None:
    desk = till(*GIVES)
    desk.tap()
    desk.sell("50")
    desk.keys("enter", "refund", "1", "enter", "refund")
    glass = "\n".join(compose(desk.state, ONLINE).text)
    assert all(words in glass for words in ("10元代金券 × 1", "洗车十次卡 × 2", "商品 × 1"))
    desk.keys("lang")
    glass = "\n".join(compose(desk.state, ONLINE).text)
    assert all(words in glass for words in ("10 off × 1", "Ten washes × 2"))
    desk.keys("enter")
    words = paper_text(desk.commit())
    assert {
        "收回券 Coupons withdrawn | 10元代金券 × 1",
        "收回次数 Uses withdrawn | 洗车十次卡 × 2",
        "收回赠品 Gifts due | 商品 × 1",
    } <= set(words)
    desk.book.active = pack(2, NOTHING_OFF)
    desk.keys("enter", "reprint")
    assert "收回次数 Uses withdrawn | ten × 2" in paper_text(desk.keys("reprint"))
