"""What a rule may ask of a sale at a till, and how everything a rule does is told on glass and paper."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from agent.txn.state import OpenBasket, Paid, Selling, SoldSale
from agent.ui_tft.view import compose
from contract.basket import TaxRate
from contract.calendar import day_of
from contract.trade import SaleBody
from rules.engine.compiled import compile_pack
from rules.engine.price import price
from tests.txn.desk import ADDRESS, DAY_ZERO_MS, GOLD, GOLD_UID, PENDANT, Desk, pack, paper_text, promising
from tests.ui_tft.gallery import ONLINE

TEN_OFF = {"percent": {"rate_bp": 1_000, "scope": "line"}}
DAY_ZERO = DAY_ZERO_MS // 86_400_000
HOUR_MS = 3_600_000


@pytest.fixture
def desk() -> Desk:
    return Desk().sign_in()


def rules(desk: Desk, *made: dict[str, Any], **more: Any) -> None:
    """Let a pack of these rules be the active one."""
    desk.book.active = pack(2, promising(*made, **more))


def one(when: dict[str, Any], then: dict[str, Any] = TEN_OFF, lane: str = "line") -> dict[str, Any]:
    """A rule called "it"."""
    return {"rule": "it", "lane": lane, "when": [when], "then": [then]}


def basket(desk: Desk) -> OpenBasket:
    assert isinstance(desk.state.scene, Selling) and desk.state.scene.basket is not None
    return desk.state.scene.basket


def sold(desk: Desk) -> SaleBody:
    """Take cash; return the sale as the journal has it."""
    desk.keys("cash")
    desk.commit()
    assert isinstance(desk.state.scene, Paid) and isinstance(desk.state.scene.sold, SoldSale)
    return desk.state.scene.sold.sale


@pytest.mark.parametrize(
    "when",
    [
        {"shop": [ADDRESS.shop]},
        {"terminal": [f"{ADDRESS.shop}/{ADDRESS.terminal}"]},
        {"channel": ["store"]},
        {"tier": ["gold"]},
        {"tag": ["vip"]},
        {"segment": ["parents"]},
        {"card_type": ["staff"]},
        {"birthday": {"days_before": 0, "days_after": 0}},
        {"visit": {"nth": 8}},
        {"last_visit": {"at_most_days": 3}},
        {"points_balance": 1_250},
        {"dates": {"first": "2025-06-15", "last": "2025-06-15"}},
        {"quantity": {"at_least": 1, "select": {"brands": ["mountain"], "tags": ["new"], "categories": ["gems"]}}},
    ],
)
def test_a_rule_sees_the_member_the_goods_the_place_and_the_time(desk: Desk, when: dict[str, Any]) -> None:
    desk.book.cards[GOLD_UID] = replace(
        GOLD,
        tags=("vip",),
        segments=("parents",),
        card_type="staff",
        birthday=615,
        visits=7,
        visit_days=(DAY_ZERO - 2,),
    )
    item = replace(PENDANT, brand="mountain", tags=("new",), more_categories=("gems",))
    desk.book.items = {"6901234567892": item}
    for condition, payable_minor in ((when, 9_000), ({"not": when}, 10_000)):
        rules(desk, one(condition), zones=["Asia/Shanghai"])
        desk.tap()
        desk.scan("6901234567892")
        assert basket(desk).priced.payable_minor == payable_minor
        sold(desk)


@pytest.mark.parametrize(
    ("facts", "effect", "payable_minor"),
    [
        ({"member_price_minor": 8_800}, {"member_price": {}}, 8_800),
        ({"floor_minor": 9_500}, TEN_OFF, 9_500),
        ({"excluded": True}, TEN_OFF, 10_000),
        ({"reduced": True}, {"percent": {**TEN_OFF["percent"], "select": {"reduced": False}}}, 10_000),
    ],
)
def test_what_the_catalogue_says_of_an_article_holds_at_the_till(
    desk: Desk, facts: dict[str, Any], effect: dict[str, Any], payable_minor: int
) -> None:
    desk.book.items = {"6901234567892": replace(PENDANT, **facts)}
    rules(desk, one({"channel": ["store"]}, effect))
    desk.scan("6901234567892")
    assert basket(desk).priced.payable_minor == payable_minor


def test_the_hour_at_which_a_basket_was_begun_holds_for_the_whole_of_it(desk: Desk) -> None:
    # 2025-06-15 was begun at 23:06:40 in Shanghai.
    rules(desk, one({"clock": [{"start": "23:00", "end": "24:00"}]}), zones=["Asia/Shanghai"])
    desk.keys("100", "enter")
    desk.book.elapsed_ms += HOUR_MS
    desk.keys("100", "enter")
    sale = sold(desk)
    assert (sale.payable_minor, sale.basket.moment_ms) == (18_000, DAY_ZERO_MS)
    desk.keys("100", "enter")
    sale = sold(desk)
    assert (sale.payable_minor, sale.basket.moment_ms) == (10_000, DAY_ZERO_MS + HOUR_MS)


def test_a_sale_is_priced_again_from_its_entry_and_its_pack_alone(desk: Desk) -> None:
    rules(desk, one({"birthday": {"days_before": 0, "days_after": 0}}), zones=["Asia/Shanghai"])
    desk.book.cards[GOLD_UID] = replace(GOLD, birthday=615)
    desk.tap()
    desk.keys("100", "enter")
    compiled = basket(desk).active.compiled
    sale = sold(desk)
    priced = price(sale.basket, compile_pack(compiled.pack))
    assert (priced.payable_by_line, priced.effects) == (sale.payable_by_line, sale.effects)
    assert sale.payable_minor == 9_000


@pytest.mark.parametrize("effect", [{"pay_points": {"points": 100, "minor": 100}}, {"cost_points": 200}])
def test_no_points_are_paid_with_before_anybody_was_asked(desk: Desk, effect: dict[str, Any]) -> None:
    rules(desk, one({"member": True}, effect, "points"))
    desk.tap()
    desk.keys("100", "enter")
    assert (basket(desk).priced.payable_minor, sold(desk).points_spent) == (10_000, 0)


EVERYTHING: list[dict[str, Any]] = [
    {"rule": "a-odd", "lane": "basket", "then": [{"amount": {"off_minor": 123, "scope": "basket"}}]},
    {"rule": "b-gift", "lane": "basket", "then": [{"gift": {"sku": "CUP"}}]},
    {"rule": "c-coupon", "lane": "basket", "then": [{"issue_coupon": {"coupon": "next"}}]},
    {"rule": "d-bonus", "lane": "points", "then": [{"points_bonus": 200}]},
    {"rule": "e-earned", "lane": "points", "then": [{"points_per_money": {"points": 1, "spend_minor": 100}}]},
    {"rule": "round", "title": "抹零", "title_en": "Rounding", "lane": "tender"}
    | {"then": [{"round_total": {"to_minor": 10, "mode": "down"}}]},
]
COUPONS = [{"coupon": "next", "title": "满100减10", "title_en": "10 off 100", "valid_from_days": 1, "valid_days": 30}]


def test_everything_a_rule_did_is_on_the_receipt_and_rounding_is_a_line_of_its_own(desk: Desk) -> None:
    rules(desk, *EVERYTHING, coupons=COUPONS)
    desk.tap()
    desk.keys("100", "enter", "cash")
    rows = paper_text(desk.commit())
    at = rows.index("原价 List price | 100.00")
    assert rows[at:-3] == [
        "原价 List price | 100.00",
        "a-odd | -1.23",
        "  100.00 减1.23",
        "b-gift | ×1",
        "  赠品 CUP × 1",
        "c-coupon | ×1",
        "  送券 满100减10，30 天有效",
        "d-bonus | +200",
        "  赠送积分",
        "e-earned | +98",
        "  实付 98.77，每 1.00 得 1 分",
        "抹零 | -0.07",
        "  应付取整到 0.10",
        "应付 Payable | CNY 98.70",
        "现金 Cash | 98.70",
        "本单积分 Points earned | +298",
    ]


@pytest.mark.parametrize(
    ("kept", "shown"),
    [
        ((0, 1, 5), ("-1.23", "赠品 CUP × 1", "×1", "抹零", "-0.07", "98.70")),
        ((2, 3, 4), ("满100减10", "×1", "赠送积分", "+200 分", "+100 分", "可得 300 积分")),
        ((0, 1, 2, 3, 4, 5), ("-1.23", "赠品 CUP × 1", "满100减10", "赠送积分", "另有 2 项", "98.70")),
    ],
)
def test_what_rules_did_is_on_the_glass_and_what_has_no_room_is_counted(
    desk: Desk, kept: tuple[int, ...], shown: tuple[str, ...]
) -> None:
    rules(desk, *(EVERYTHING[index] for index in kept), coupons=COUPONS)
    desk.tap()
    desk.keys("100", "enter")
    words = "\n".join(compose(desk.state, ONLINE).text)
    assert [part for part in shown if part not in words] == []


def test_tax_on_top_of_the_prices_is_told_and_paid(desk: Desk) -> None:
    desk.book.items = {"6901234567892": replace(PENDANT, taxes=(TaxRate("vat", 1_300),))}
    rules(desk, one({"channel": ["store"]}), tax={"inclusive": False, "at": "line"})
    desk.scan("6901234567892")
    desk.keys("cash")
    rows = paper_text(desk.commit())
    assert {"税 Tax | 11.70", "应付 Payable | CNY 101.70", "现金 Cash | 101.70"} <= set(rows)


def test_points_of_a_finer_scale_are_shown_in_whole_ones(desk: Desk) -> None:
    earns = {"points_per_money": {"points": 50, "spend_minor": 100}}
    rules(desk, one({"member": True}, earns, "points"), points_scale=100)
    desk.tap()
    desk.keys("101", "enter")
    words = "\n".join(compose(desk.state, ONLINE).text)
    assert "+50.5 分" in words and "积分 12.5" in words
    desk.keys("cash")
    rows = paper_text(desk.commit())
    assert {"it | +50.5", "本单积分 Points earned | +50.5"} <= set(rows)


def test_the_day_of_these_tests_is_the_one_they_say() -> None:
    assert day_of("2025-06-15") == DAY_ZERO
