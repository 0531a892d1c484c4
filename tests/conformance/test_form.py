"""Every word of the form does what conformance/README.md says: one small case for each, reckoned by hand."""

from pathlib import Path
from typing import Any

import pytest

from conformance.cases import COMBINES, Expect
from conformance.conditions import CONDITIONS, OPERATORS, Selector
from conformance.effects import ALLOCS, BASES, EFFECTS, PICKS, ROUNDS
from conformance.report import Status
from conformance.run import run_line
from tests.conformance.neutral import case, line

TEN = {"kind": "percent", "value": 10}
CART = [
    {"id": "a", "sku": "A", "unit_price": 1000, "qty": 3, "category": ["x"], "tags": ["new"]},
    {"id": "b", "sku": "B", "unit_price": 500, "qty": 1, "category": ["y"], "already_reduced": True},
]
"""Three at 10.00 and one at 5.00: 35.00."""


def promotion(name: str, *effects: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": name, "when": [], "effects": list(effects), **more}


def off(value: int, **more: Any) -> dict[str, Any]:
    return {"kind": "amount", "value": value, **more}


def why_not(text: str) -> tuple[str, ...]:
    result = run_line(text, "line 1")
    return () if result.status is Status.PASSED else (result.status, *result.why)


@pytest.mark.parametrize(
    ("effect", "lines"),
    [
        ({"kind": "percent", "value": "33.33"}, {"a": 1000, "b": 167}),
        ({"kind": "percent", "value": "0.25", "scope": "unit"}, {"a": 9, "b": 1}),
        ({"kind": "percent", "value": "0.25", "scope": "line"}, {"a": 8, "b": 1}),
        ({"kind": "percent", "value": 250, "scope": "unit", "max_units": 1, "pick": "dearest"}, {"a": 1000, "b": 0}),
        ({"kind": "percent", "value": 50, "scope": "unit", "max_units_per_line": 1}, {"a": 500, "b": 250}),
        ({"kind": "percent", "value": 50, "scope": "order", "cap": 700}, {"a": 600, "b": 100}),
        ({"kind": "percent", "value": 50, "cap": 100, "alloc": "largest_remainder"}, {"a": 86, "b": 14}),
        (off(350), {"a": 300, "b": 50}),
        (off(9999), {"a": 3000, "b": 500}),
        (off(600, scope="line"), {"a": 600, "b": 500}),
        (off(600, scope="unit"), {"a": 1800, "b": 500}),
        (off(600, max_units=1, pick="cheapest"), {"a": 0, "b": 500}),
        ({"kind": "order_price", "value": 700}, {"a": 2400, "b": 400}),
        ({"kind": "unit_price", "value": 700}, {"a": 900, "b": 0}),
        ({"kind": "bundle", "units": 2, "price": 1000}, {"a": 333, "b": 167}),
        ({"kind": "bundle", "units": 5, "price": 1000}, {"a": 0, "b": 0}),
        ({"kind": "free_units", "units": 2}, {"a": 1000, "b": 500}),
        ({"kind": "free_units", "units": 1, "pick": "dearest", "percent": 50}, {"a": 500, "b": 0}),
        ({"kind": "first_then", "first": 100, "then": 50}, {"a": 200, "b": 100}),
        ({"kind": "first_then", "first": 100, "then": 50, "max_units": 2}, {"a": 150, "b": 100}),
        ({"kind": "groups", "size": 3, "of": "amount", "value": 40}, {"a": 120, "b": 0}),
        ({"kind": "groups", "size": 2, "of": "percent", "base": 5, "tiers": [[3500, 10]]}, {"a": 300, "b": 50}),
        ({"kind": "tiered", "of": "percent", "by": "qty", "base": 5, "tiers": [[5, 20]]}, {"a": 150, "b": 25}),
        ({"kind": "tiered", "of": "amount", "by": "spend", "tiers": [[3500, 70], [2000, 7]]}, {"a": 60, "b": 10}),
        ({"kind": "buy_get", "buy": {"qty": 2}, "get": {"qty": 2}}, {"a": 1000, "b": 500}),
        ({"kind": "buy_get", "buy": {"qty": 1}, "get": {"qty": 1, "percent": 50}, "times": 2}, {"a": 500, "b": 250}),
        ({"kind": "buy_get", "buy": {"qty": 3}, "get": {"qty": 2}}, {"a": 0, "b": 0}),
        ({"kind": "buy_get", "buy": {"qty": 3}, "get": {"qty": 2, "partial": True}}, {"a": 0, "b": 500}),
    ],
)
def test_what_an_effect_takes_off_each_line(effect: dict[str, Any], lines: dict[str, int]) -> None:
    assert why_not(case([effect], {"lines": lines, "discount": sum(lines.values())}, cart=CART)) == ()


@pytest.mark.parametrize(
    ("select", "lines"),
    [
        ({"sku": ["A", "Z"]}, {"a": 300, "b": 0}),
        ({"sku": []}, {"a": 0, "b": 0}),
        ({"category": ["y", "z"]}, {"a": 0, "b": 50}),
        ({"not_category": ["y"]}, {"a": 300, "b": 0}),
        ({"tag": ["new"]}, {"a": 300, "b": 0}),
        ({"price_min": 501}, {"a": 300, "b": 0}),
        ({"price_min": 500, "price_max": 999}, {"a": 0, "b": 50}),
        ({"exclude_reduced": True}, {"a": 300, "b": 0}),
        ({"sku": ["A"], "category": ["y"]}, {"a": 0, "b": 0}),
    ],
)
def test_what_a_selector_selects(select: dict[str, Any], lines: dict[str, int]) -> None:
    assert why_not(case([{**TEN, "select": select}], {"lines": lines}, cart=CART)) == ()
    assert why_not(case([TEN], {"lines": lines}, cart=CART, promotion={"select": select})) == ()


@pytest.mark.parametrize(
    ("change", "expect"),
    [
        ({"discountable": False}, {"subtotal": 3500, "lines": {"a": 0, "b": 50}}),
        ({"selected": False}, {"subtotal": 500, "lines": {"a": 0, "b": 50}}),
        ({"gift": True}, {"subtotal": 500, "lines": {"a": 0, "b": 50}}),
        ({"floor_unit_price": 950}, {"subtotal": 3500, "lines": {"a": 150, "b": 50}}),
        ({"qty": 0}, {"subtotal": 500, "lines": {"a": 0, "b": 50}}),
    ],
)
def test_what_a_flag_of_a_line_does(change: dict[str, Any], expect: dict[str, Any]) -> None:
    assert why_not(case([TEN], expect, cart=[{**CART[0], **change}, CART[1]])) == ()


MEMBER = {
    "id": "m",
    "groups": ["vip"],
    "past_orders": 2,
    "days_since_last_order": 40,
    "uses": {"P": 1},
    "points": "7.5",
}
CONTEXT = {"codes": ["K"], "date": "2024-06-01", "channel": "web", "is_return": True}


@pytest.mark.parametrize(
    ("holds", "misses", "reason"),
    [
        ({"kind": "min_qty", "qty": 4}, {"kind": "min_qty", "qty": 5}, "min_qty"),
        ({"kind": "qty_range", "min": 4, "max": 4}, {"kind": "qty_range", "min": 0, "max": 3}, "min_qty"),
        ({"kind": "line_min_qty", "qty": 3}, {"kind": "line_min_qty", "qty": 4}, "min_qty"),
        ({"kind": "distinct", "count": 2}, {"kind": "distinct", "count": 3}, "distinct"),
        ({"kind": "min_spend", "amount": 3500}, {"kind": "min_spend", "amount": 3501}, "min_spend"),
        ({"kind": "spend", "amount": 3499, "op": "gt"}, {"kind": "spend", "amount": 3500, "op": "gt"}, "min_spend"),
        ({"kind": "spend", "amount": 3501, "op": "lt"}, {"kind": "spend", "amount": 3500, "op": "lt"}, "min_spend"),
        ({"kind": "spend", "amount": 3500, "op": "lte"}, {"kind": "spend", "amount": 0, "op": "lt"}, "min_spend"),
        ({"kind": "contains", "select": {"sku": ["B"]}}, {"kind": "contains", "select": {"sku": ["Z"]}}, "contains"),
        ({"kind": "group", "any": ["vip", "staff"]}, {"kind": "group", "any": ["staff"]}, "group"),
        ({"kind": "customer", "any": ["m"]}, {"kind": "customer", "any": []}, "customer"),
        ({"kind": "nth_order", "n": 3}, {"kind": "nth_order", "n": 2}, "nth_order"),
        (
            {"kind": "last_order_before_days", "days": 40},
            {"kind": "last_order_before_days", "days": 41},
            "last_order_before_days",
        ),
        ({"kind": "code", "code": "K"}, {"kind": "code", "code": "k"}, "code"),
        ({"kind": "dates", "from": "2024-06-01"}, {"kind": "dates", "from": "2024-06-02"}, "not_started"),
        ({"kind": "dates", "to": "2024-06-01"}, {"kind": "dates", "to": "2024-05-31"}, "expired"),
        ({"kind": "channel", "any": ["web"]}, {"kind": "channel", "any": ["shop"]}, "channel"),
        (
            {"kind": "limit_total", "limit": 2, "used": 1},
            {"kind": "limit_total", "limit": 2, "used": 2},
            "limit_total",
        ),
        ({"kind": "limit_customer", "limit": 2}, {"kind": "limit_customer", "limit": 1}, "limit_customer"),
        (
            {"kind": "flag", "name": "is_return", "value": True},
            {"kind": "flag", "name": "is_return", "value": False},
            "flag",
        ),
        (
            {"kind": "flag", "name": "at_home", "value": False},
            {"kind": "flag", "name": "at_home", "value": True},
            "flag",
        ),
        ({"kind": "points_at_least", "points": "7.5"}, {"kind": "points_at_least", "points": "7.6"}, "points"),
    ],
)
def test_when_a_condition_holds_and_what_is_said_when_it_does_not(
    holds: dict[str, Any], misses: dict[str, Any], reason: str
) -> None:
    around: dict[str, Any] = {"cart": CART, "customer": MEMBER, "context": CONTEXT}
    assert why_not(case([TEN], {"applied": ["P"], "discount": 350}, promotion={"when": [holds]}, **around)) == ()
    refused = {"applied": [], "discount": 0, "reasons": {"P": reason}}
    assert why_not(case([TEN], refused, promotion={"when": [holds, misses]}, **around)) == ()


@pytest.mark.parametrize(
    ("combine", "discount", "applied"),
    [
        ("sequential", 1750 + 175, ["ten", "half"]),
        ("sum_on_list", 1750 + 350, ["ten", "half"]),
        ("exclusive_first", 350, ["ten"]),
        ("highest_priority_only", 1750, ["half"]),
        ("best_order", 1750, ["half"]),
        ("best_line", 1750, ["half"]),
    ],
)
def test_how_two_promotions_meet(combine: str, discount: int, applied: list[str]) -> None:
    meeting = [
        promotion("ten", TEN, exclusive=True),
        promotion("half", {"kind": "percent", "value": 50}, priority=1),
    ]
    expect = {"discount": discount, "applied": applied}
    assert why_not(line(cart=CART, combine=combine, promotions=meeting, expect=expect)) == ()


def test_two_of_the_highest_priority_are_a_conflict() -> None:
    meeting = [promotion("a", TEN, priority=2), promotion("b", TEN, priority=2), promotion("c", off(1), priority=1)]
    expect = {"discount": 0, "applied": [], "reasons": {"*": "conflict"}}
    assert why_not(line(cart=CART, combine="highest_priority_only", promotions=meeting, expect=expect)) == ()


def test_each_line_has_its_own_best() -> None:
    meeting = [promotion("a", off(200, scope="line")), promotion("b", TEN), promotion("c", off(1, scope="line"))]
    expect = {"lines": {"a": 300, "b": 200}, "applied": ["a", "b"], "reasons": {"c": "not_best"}}
    assert why_not(line(cart=CART, combine="best_line", promotions=meeting, expect=expect)) == ()


@pytest.mark.parametrize(
    ("more", "expect"),
    [
        ({"enabled": False}, {"discount": 0, "reasons": {"P": "disabled"}}),
        ({"max_applications": 2}, {"discount": 350 + 315}),
        ({"budget": {"left": 350, "per": "application"}}, {"discount": 350}),
        ({"budget": {"left": 349, "per": "application"}}, {"discount": 0, "reasons": {"P": "budget"}}),
        ({"budget": {"left": 100, "per": "line"}}, {"discount": 50, "lines": {"a": 0, "b": 50}}),
    ],
)
def test_what_a_promotion_may_say_of_itself(more: dict[str, Any], expect: dict[str, Any]) -> None:
    assert why_not(case([TEN], expect, cart=CART, promotion=more)) == ()


@pytest.mark.parametrize(
    ("effects", "expect"),
    [
        ([{"kind": "points", "per": "money", "rate": "0.5"}], {"points_earned": "17.5", "points_balance": 25}),
        ([{"kind": "points", "per": "unit", "rate": 2, "select": {"sku": ["A"]}}], {"points_earned": 6}),
        ([{"kind": "points", "per": "order", "rate": "1.5"}], {"points_balance": 9}),
        ([{"kind": "points", "per": "money", "rate": 1, "less_tender": "voucher"}], {"points_earned": 30}),
        ([TEN, {"kind": "points", "per": "money", "rate": 1}], {"points_earned": "31.5"}),
        ([TEN, {"kind": "points", "per": "money", "rate": 1, "basis": "list"}], {"points_earned": 35}),
        (
            [{"kind": "redeem_points", "step": 3, "value_per_step": 100}],
            {"points_spent": 6, "discount": 200, "lines": {"a": 171, "b": 29}, "points_balance": "1.5"},
        ),
        (
            [{"kind": "redeem_points", "value_per_step": 100, "whole_steps": False}],
            {"points_spent": "7.5", "discount": 750},
        ),
        ([{"kind": "redeem_points", "value_per_step": 100, "max_points": 2}], {"points_spent": 2}),
        ([{"kind": "redeem_points", "value_per_step": 1500}], {"points_spent": 2, "total": 500}),
        ([{"kind": "redeem_points", "value_per_step": 1500, "trim": False}], {"points_spent": 7, "total": 0}),
        (
            [{"kind": "redeem_points", "value_per_step": 500, "total_must_stay_positive": True}],
            {"points_spent": 0, "total": 3500, "reasons": {"P": "would_be_free"}},
        ),
        ([{"kind": "spend_points", "points": 7}, TEN], {"points_spent": 7, "discount": 350}),
        ([{"kind": "spend_points", "points": 8}, TEN], {"discount": 0, "reasons": {"P": "points"}}),
        ([{"kind": "spend_points", "points": 3, "per_free": {"qty": 3, "step": 2}}, TEN], {"points_spent": 6}),
        ([{"kind": "pay_wallet"}], {"total": 3500, "to_pay": 2500, "wallet_balance": 0}),
        ([{"kind": "wallet_topup", "value": 250}], {"to_pay": 3500, "wallet_balance": 1250}),
        ([{"kind": "gift", "sku": "G", "qty": 2}], {"free_items": {"G": 2}, "discount": 0}),
        ([{"kind": "gift", "sku": "A", "every": 2, "available": 1}], {"free_items": {"A": 1}, "subtotal": 3500}),
        ([TEN, {"kind": "gift", "sku": "G", "available": 0}], {"free_items": {}, "applied": ["P"]}),
    ],
)
def test_points_wallet_and_gifts(effects: list[dict[str, Any]], expect: dict[str, Any]) -> None:
    member = {**MEMBER, "wallet": 1000}
    assert why_not(case(effects, expect, cart=CART, customer=member, context={"voucher": 500})) == ()


def test_points_of_this_sale_may_pay_it_where_a_case_says_so() -> None:
    earn = promotion("earn", {"kind": "points", "per": "money", "rate": "0.1"}, priority=1)
    redeem = {"kind": "redeem_points", "value_per_step": 100, "may_use_points_of_this_sale": True}
    expect = {"points_earned": "3.5", "points_spent": 11, "points_balance": 0, "discount": 1100}
    assert why_not(line(cart=CART, customer=MEMBER, promotions=[earn, promotion("pay", redeem)], expect=expect)) == ()


def test_no_more_points_are_paid_than_the_customer_wants() -> None:
    redeem = {"kind": "redeem_points", "value_per_step": 100}
    assert why_not(case([redeem], {"points_spent": 4}, customer=MEMBER, context={"want_points": 4})) == ()


@pytest.mark.parametrize(
    ("rounding", "total"),
    [
        ({"at": "unit", "to": 100, "mode": "half_up"}, 2 * 100 + 300),
        ({"at": "line", "to": 100, "mode": "half_up"}, 300 + 300),
        ({"at": "total", "to": 100, "mode": "down"}, 500),
        ({"at": "total", "to": 5, "mode": "ceil"}, 555),
    ],
)
def test_prices_are_rounded_where_a_case_says(rounding: dict[str, Any], total: int) -> None:
    cart = [{"id": "a", "sku": "A", "unit_price": 137, "qty": 2}, {"id": "b", "sku": "B", "unit_price": 277, "qty": 1}]
    assert why_not(line(cart=cart, cart_rounding=rounding, promotions=[], expect={"total": total})) == ()


@pytest.mark.parametrize(
    ("method", "mode", "parts"),
    [
        ("largest_remainder", "none", [34, 33, 33, 0]),
        ("exact", "none", [34, 33, 33, 0]),
        ("last_remainder", "half_up", [33, 33, 34, 0]),
        ("last_remainder", "up", [34, 34, 32, 0]),
        ("first_remainder", "down", [34, 33, 33, 0]),
        ("first_remainder", "up", [32 + 1, 33, 34, 0]),
    ],
)
@pytest.mark.parametrize("sign", [1, -1])
def test_a_split_sums_to_its_whole(method: str, mode: str, parts: list[int], sign: int) -> None:
    expect = {"parts": [sign * part for part in parts]}
    split = {"weights": [5, 5, 5, 0], "amount": sign * 100, "method": method, "round": mode}
    assert why_not(line(type="allocation", expect=expect, **split)) == ()


def test_the_highest_threshold_reached_gives_the_tier_this_sale_included() -> None:
    for spent, tier in ((0, "low"), (899, "low"), (900, "mid"), (5000, "top")):
        tiers = {"top": 2000, "low": 0, "mid": 1000}
        text = line(type="tier", tiers=tiers, customer={"spent": spent}, current_sale=100, expect={"tier": tier})
        assert why_not(text) == ()


@pytest.mark.parametrize(
    ("events", "balance"),
    [
        ([], 115),
        ([{"kind": "refund", "of": "s", "amount": 250, "policy": "prorate"}], 115 - 9 + 5),
        ([{"kind": "refund", "of": "s", "amount": 250, "policy": "recompute_on_remaining"}], 115 - 9 + 5),
        ([{"kind": "refund", "of": "s", "amount": 250}, {"kind": "refund", "of": "s", "amount": 750}], 100),
        ([{"kind": "refund", "of": "s", "amount": 400}, {"kind": "cancel", "of": "s"}], 100),
        ([{"kind": "cancel", "of": "s"}], 100),
    ],
)
def test_what_returns_leave_of_the_points(events: list[dict[str, Any]], balance: int) -> None:
    sale = {"kind": "sale", "id": "s", "amount": 1000, "earn_rate_per_money": "3.5", "spend": 20, "round": "floor"}
    text = line(type="ledger", customer={"points": 100}, events=[sale, *events], expect={"points_balance": balance})
    assert why_not(text) == ()


def test_a_return_of_an_unknown_sale_or_of_more_than_was_sold_fails() -> None:
    sale = {"kind": "sale", "id": "s", "amount": 1000, "earn_fixed": 5}
    for wrong in ({"kind": "refund", "of": "t", "amount": 1}, {"kind": "refund", "of": "s", "amount": 1001}):
        text = line(type="ledger", events=[sale, wrong], expect={"points_balance": 0})
        assert why_not(text)[0] is Status.FAILED


def test_the_documentation_names_every_word() -> None:
    page = (Path(__file__).resolve().parents[2] / "conformance" / "README.md").read_text(encoding="utf-8")
    words = {*CONDITIONS, *EFFECTS, *COMBINES, *OPERATORS, *ALLOCS, *BASES, *PICKS, *ROUNDS}
    for record in (Expect, Selector, *CONDITIONS.values(), *EFFECTS.values()):
        words |= {name for name in record.__dataclass_fields__ if name not in ("start", "end")}
    assert sorted(word for word in words if word not in page) == []
