"""Every effect is told in words, in Chinese and English, and what it did as people read it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from contract.basket import Basket, BasketLine, Customer
from contract.trace import AppliedEffect, Given
from contract.wire import Alternatives
from rules import explain as words
from rules.engine.compiled import compile_pack
from rules.engine.price import price
from rules.explain import Change, explain, explain_by_name, fold, percent, points_text
from rules.grammar.effects import EFFECT
from tests.rules.samples import FULL_200_20, GOLD_10, POINTS, basket, pack, rule

MEMBER = Customer("gold", points=5_000, stored_minor=3_000)
TEA = BasketLine("TEA", 1, 10_000, ("tea",), member_price_minor=8_000)
COUPONS = [{"coupon": "next", "title": "满100减10", "title_en": "10 off 100", "valid_from_days": 1, "valid_days": 30}]
CARDS = [{"card": "wash", "title": "洗车卡", "title_en": "car wash card", "valid_days": 365}]
PER_YUAN = {"points_per_money": {"points": 1, "spend_minor": 100}}


def told(effect: dict[str, Any], quantity: int = 1, lane: str = "basket", **more: Any) -> list[tuple[str, str, str]]:
    """Reason in both languages and change of each effect of a rule with this one, for so many teas."""
    rules = pack(rule("it", lane, effect), coupons=COUPONS, count_cards=CARDS, **more)
    line = replace(TEA, quantity=quantity)
    priced = price(Basket((line,), MEMBER), compile_pack(rules))
    return [(one.reason, one.reason_en, one.change) for one in explain(rules, priced.effects)]


def test_each_step_is_told_in_chinese_and_english() -> None:
    rules = pack(GOLD_10, FULL_200_20, POINTS)
    steps = explain(rules, price(basket(26_800, tier="gold"), compile_pack(rules)).effects)
    assert [(step.title, step.reason, step.change) for step in steps] == [
        ("gold-10", "268.00 打9折", "-26.80"),
        ("full-200-20", "241.20 已满200.00，减20.00", "-20.00"),
        ("points", "实付 221.20，每 1.00 得 1 分", "+221"),
    ]
    assert [step.reason_en for step in steps] == [
        "10 % off 268.00",
        "241.20 reached 200.00: 20.00 off",
        "221.20 paid, 1 for every 1.00",
    ]
    assert [(step.kind, step.amount) for step in steps] == [
        (Change.OFF, -2_680),
        (Change.OFF, -2_000),
        (Change.POINTS, 221),
    ]


@pytest.mark.parametrize(
    ("effect", "quantity", "expected"),
    [
        ({"percent": {"rate_bp": 10_000, "scope": "line"}}, 1, ("100.00 免费", "100.00 free", "-100.00")),
        (
            {"percent": {"rate_bp": 5_000, "scope": "basket", "cap_minor": 700}},
            1,
            ("100.00 打5折，减到上限", "50 % off 100.00, at its cap", "-7.00"),
        ),
        (
            {
                "percent": {
                    "rate_bp": 0,
                    "scope": "line",
                    "ladder": {"by": "quantity", "steps": [{"at_least": 2, "value": 1_000}]},
                }
            },
            2,
            ("200.00 按阶梯减20.00", "20.00 off 200.00, by its steps", "-20.00"),
        ),
        ({"amount": {"off_minor": 300, "scope": "unit"}}, 2, ("每件减3.00", "3.00 off each", "-6.00")),
        ({"amount": {"off_minor": 300, "scope": "line"}}, 2, ("每行减3.00", "3.00 off each line", "-3.00")),
        ({"amount": {"off_minor": 300, "scope": "basket"}}, 2, ("200.00 减3.00", "3.00 off 200.00", "-3.00")),
        ({"fixed_price": {"price_minor": 9_900, "scope": "unit"}}, 2, ("每件 99.00", "99.00 each", "-2.00")),
        ({"fixed_price": {"price_minor": 9_900, "scope": "basket"}}, 2, ("一口价 99.00", "99.00 together", "-101.00")),
        ({"member_price": {}}, 1, ("100.00 会员价 80.00", "100.00 for members: 80.00", "-20.00")),
        (
            {"spend_save": {"steps": [{"spend_minor": 5_000, "save_minor": 500}], "every": True}},
            2,
            ("200.00 已每满50.00，减5.00", "200.00 reached 50.00: 5.00 off each time", "-20.00"),
        ),
        (
            {
                "spend_save": {
                    "steps": [
                        {"spend_minor": 5_000, "save_minor": 500},
                        {"spend_minor": 20_000, "save_minor": 4_000},
                        {"spend_minor": 30_000, "save_minor": 9_000},
                    ]
                }
            },
            2,
            ("200.00 已满200.00，减40.00", "200.00 reached 200.00: 40.00 off", "-40.00"),
        ),
        ({"nth_unit": {"nth": 2, "rate_bp": 5_000}}, 2, ("每2件有1件半价", "1 of 2: half price", "-50.00")),
        ({"nth_unit": {"nth": 3, "rate_bp": 2_000}}, 3, ("每3件有1件8折", "1 of 3: 20 % off", "-20.00")),
        (
            {"buy_get": {"buy": {"quantity": 2}, "get": {"quantity": 1}, "rate_bp": 10_000}},
            3,
            ("买2送1", "buy 2, get 1 free", "-100.00"),
        ),
        (
            {"buy_get": {"buy": {"quantity": 1}, "get": {"quantity": 1}, "rate_bp": 3_000}},
            2,
            ("买1件，另1件7折", "buy 1, 1 more: 30 % off", "-30.00"),
        ),
        ({"any_for": {"units": 2, "price_minor": 15_000}}, 2, ("任选2件 150.00", "any 2 for 150.00", "-50.00")),
        (
            {"package": {"parts": [{"quantity": 2, "select": {"skus": ["TEA"]}}], "price_minor": 17_000}},
            2,
            ("套餐价 170.00", "together for 170.00", "-30.00"),
        ),
        ({"gift": {"sku": "CUP", "every": 2}}, 4, ("赠品 CUP × 2", "gift: CUP × 2", "×2")),
        (
            {"issue_coupon": {"coupon": "next"}},
            1,
            ("送券 满100减10，30 天有效", "coupon: 10 off 100, valid 30 days", "×1"),
        ),
        ({"grant_counts": {"card": "wash", "uses": 5}}, 1, ("送 洗车卡 5 次", "5 uses of car wash card", "×5")),
        ({"rebate": {"rate_bp": 1_000}}, 1, ("返 10.00 到储值", "10.00 into stored value", "+10.00")),
        (
            {"points_price": {"points": 100, "price_minor": 9_000, "select": {}}},
            1,
            ("每件 100 分加 90.00，用 100 分", "100 points and 90.00 each, 100 points used", "-10.00"),
        ),
    ],
)
def test_what_a_rule_did_is_said_as_a_shop_would(
    effect: dict[str, Any], quantity: int, expected: tuple[str, str, str]
) -> None:
    assert told(effect, quantity) == [expected]


@pytest.mark.parametrize(
    ("effects", "expected"),
    [
        ([{"points_per_unit": {"points": 7}}], [("每件得 7 分", "7 for each", "+7")]),
        ([{"points_bonus": 30}], [("赠送积分", "bonus points", "+30")]),
        (
            [PER_YUAN, {"points_times": {"rate_bp": 25_000}}],
            [
                ("实付 100.00，每 1.00 得 1 分", "100.00 paid, 1 for every 1.00", "+100"),
                ("积分 2.5 倍", "2.5 times the points", "+150"),
            ],
        ),
        (
            [{"points_per_money": {"points": 1, "spend_minor": 100, "base": "list"}}],
            [("原价 100.00，每 1.00 得 1 分", "100.00 at list price, 1 for every 1.00", "+100")],
        ),
        (
            [{"pay_points": {"points": 100, "minor": 100, "most_points": 500}}],
            [("500 分抵 5.00", "500 points pay 5.00", "-5.00")],
        ),
        ([{"cost_points": 200}], [("用 200 分", "200 points used", "-200")]),
    ],
)
def test_points_are_told_as_earned_spent_or_paid_with(
    effects: list[dict[str, Any]], expected: list[tuple[str, str, str]]
) -> None:
    rules = pack(rule("it", "points", *effects))
    priced = price(Basket((TEA,), MEMBER), compile_pack(rules))
    assert [(one.reason, one.reason_en, one.change) for one in explain(rules, priced.effects)] == expected


def test_rounding_the_total_and_stored_value_are_lines_of_their_own() -> None:
    rules = pack(
        rule("odd", "basket", {"amount": {"off_minor": 3, "scope": "basket"}}, priority=9),
        rule("round", "tender", {"round_total": {"to_minor": 10, "mode": "down"}}, priority=9),
        rule("stored", "tender", {"pay_stored": {}}),
    )
    priced = price(Basket((TEA,), MEMBER), compile_pack(rules))
    steps = explain(rules, priced.effects)
    assert [(one.reason, one.reason_en, one.change, one.kind, one.amount) for one in steps[1:]] == [
        ("应付取整到 0.10", "total rounded to 0.10", "-0.07", Change.OFF, -7),
        ("储值支付", "paid from stored value", "-30.00", Change.PAID, -3_000),
    ]


def test_every_kind_of_effect_has_its_words() -> None:
    assert isinstance(EFFECT.shape, Alternatives)
    assert set(words._REASONS) == set(EFFECT.shape.options.values())


def test_a_top_up_names_everything_it_brings_money_before_points() -> None:
    step = {"amount_minor": 10_000, "bonus_minor": 2_000, "points": 50, "counts": [{"card": "wash", "uses": 2}]}
    rules = pack(rule("top", "points", {"top_up": {"steps": [step]}}), count_cards=CARDS)
    effect = AppliedEffect("top", bonus_minor=2_000, points=50, counts=(Given("wash", 2),))
    (told,) = explain(rules, (effect,))
    assert (told.change, told.kind, told.amount) == ("+20.00", Change.GIVEN, 2_000)
    assert told.reason == "充值送 20.00 + 50 分 + 洗车卡 × 2"
    assert told.reason_en == "top-up brings 20.00 + 50 points + car wash card × 2"
    assert explain(rules, (AppliedEffect("top"),))[0].reason == "充值送"


def test_effects_of_a_pack_that_is_gone_are_told_by_the_names_of_their_rules() -> None:
    rules = pack(GOLD_10, FULL_200_20, POINTS)
    effects = price(basket(26_800, tier="gold"), compile_pack(rules)).effects
    by_name = [("gold-10", "", "-26.80"), ("full-200-20", "", "-20.00"), ("points", "", "+221")]
    for steps in (explain_by_name(effects, 1), explain(pack(), effects)):
        assert [(one.title, one.reason, one.change) for one in steps] == by_name


@pytest.mark.parametrize(
    ("rate_bp", "chinese", "english"), [(1_000, "9", "10 %"), (1_250, "8.75", "12.5 %"), (1, "9.999", "0.01 %")]
)
def test_a_discount_is_said_as_shops_say_it(rate_bp: int, chinese: str, english: str) -> None:
    assert (fold(rate_bp), percent(rate_bp)) == (chinese, english)


@pytest.mark.parametrize(
    ("points", "scale", "text"),
    [(221, 1, "221"), (22_150, 100, "221.5"), (-150, 100, "-1.5"), (22, 3, "7 1/3"), (21, 3, "7"), (0, 10, "0")],
)
def test_points_are_shown_in_whole_ones_whatever_their_scale(points: int, scale: int, text: str) -> None:
    assert points_text(points, scale) == text
