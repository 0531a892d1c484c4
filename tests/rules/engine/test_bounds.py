"""Whatever is asked of it, pricing ends: baskets at their limits are refused or priced, and the work is bounded.

Work is counted in calls of functions, not in time: the same on every machine.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from types import FrameType
from typing import Any

import pytest

from contract import wire
from contract.basket import LAST_MOMENT_MS, MAX_LINES, MAX_QUANTITY, Basket, BasketLine, Customer, RuleUsage, Stock
from contract.errors import ContractError, Reason
from contract.money import MAX_AMOUNT_MINOR
from contract.trace import AppliedEffect
from rules.authoring import read_authored_basket
from rules.engine.acting import MAX_EFFECTS
from rules.engine.compiled import compile_pack
from rules.engine.price import price
from rules.engine.shortfall import Why
from rules.engine.verdicts import judge
from tests.rules.samples import FULL_200_20, GOLD_10, POINTS, basket, pack, percent, rule

LINE = {"sku": "A", "quantity": 1, "unit_price_minor": 100}


def calls(work: Callable[[], object]) -> int:
    """How many functions ``work`` calls."""
    count = 0

    def counted(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(counted)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize(
    ("lines", "path"),
    [
        ([LINE] * (MAX_LINES + 1), "lines"),
        ([LINE] * 10_000, "lines"),
        ([{**LINE, "quantity": 0}], "lines[0].quantity"),
        ([LINE, {**LINE, "quantity": -1}], "lines[1].quantity"),
        ([{**LINE, "quantity": MAX_QUANTITY + 1}], "lines[0].quantity"),
        ([{**LINE, "quantity": 1.5}], "lines[0].quantity"),
        ([{**LINE, "quantity": True}], "lines[0].quantity"),
        ([{**LINE, "quantity": "1"}], "lines[0].quantity"),
        ([{**LINE, "unit_price_minor": -1}], "lines[0].unit_price_minor"),
        ([{**LINE, "unit_price_minor": MAX_AMOUNT_MINOR + 1}], "lines[0].unit_price_minor"),
        ([{**LINE, "unit_price_minor": 2**80}], "lines[0].unit_price_minor"),
        ([{**LINE, "weight_g": 0}], "lines[0].weight_g"),
        ([{**LINE, "weight_g": -250}], "lines[0].weight_g"),
        ([{**LINE, "sku": ""}], "lines[0].sku"),
        ([{**LINE, "sku": "no spaces"}], "lines[0].sku"),
    ],
)
def test_a_basket_beyond_its_limits_is_refused_with_the_path(lines: list[Any], path: str) -> None:
    with pytest.raises(ContractError) as caught:
        read_authored_basket(json.dumps({"lines": lines}))
    assert caught.value.path == path
    names = {part.name: part.key for part in wire.layout(BasketLine)}
    plain = {1: [{names[name]: value for name, value in line.items()} for line in lines]}
    with pytest.raises(ContractError) as caught:
        wire.from_wire(Basket, plain)
    assert caught.value.path == path


def test_a_basket_at_the_largest_amount_is_priced_and_one_fen_more_is_refused() -> None:
    compiled = compile_pack(pack(percent("one", 1), POINTS))
    assert price(basket(MAX_AMOUNT_MINOR, tier="gold"), compiled).payable_minor == 99_999_999 - 10_000
    for amounts, path in (((MAX_AMOUNT_MINOR, 1), "lines[1]"), ((1, MAX_AMOUNT_MINOR, 0), "lines[1]")):
        for work in (price, judge):
            with pytest.raises(ContractError) as caught:
                work(basket(*amounts), compiled)
            assert (caught.value.reason, caught.value.path) == (Reason.OUT_OF_RANGE, path)
    with pytest.raises(ContractError):
        price(Basket((BasketLine("A", MAX_QUANTITY, MAX_AMOUNT_MINOR),)), compiled)


def test_goods_by_weight_have_no_quantity() -> None:
    with pytest.raises(ContractError) as caught:
        price(Basket((BasketLine("A", 1, 1), BasketLine("HAM", 2, 1_999, weight_g=500))), compile_pack(pack()))
    assert caught.value.path == "lines[1].quantity"


@pytest.mark.parametrize(
    ("facts", "path"),
    [
        ({"usage": (RuleUsage("a"), RuleUsage("r", total=5), RuleUsage("r"))}, "usage[2].rule"),
        ({"stock": (Stock("CUP", 0), Stock("CUP", 9))}, "stock[1].sku"),
    ],
)
def test_a_fact_told_twice_is_refused_with_the_path(facts: Any, path: str) -> None:
    for work in (price, judge):
        with pytest.raises(ContractError) as caught:
            work(replace(basket(100), **facts), compile_pack(pack()))
        assert (caught.value.reason, caught.value.path) == (Reason.OUT_OF_RANGE, path)


def test_a_trace_that_could_not_travel_is_refused_and_any_other_travels() -> None:
    """Fifteen rules each leave out one more unit of every line, so that each of 16 units costs another amount: 625
    lines are 10,000 shares of the last rule, one more is too many.
    """
    skipping = [
        rule(f"s{skip:02}", "line", {"amount": {"off_minor": 1, "scope": "unit", "pick": {"skip": skip}}})
        for skip in range(1, 16)
    ]
    compiled = compile_pack(pack(*skipping, percent("each", 1_000, lane="basket", scope="unit")))
    lines = tuple(BasketLine(f"S{index}", 16, 1_000) for index in range(626))
    largest = price(Basket(lines[:625]), compiled)
    assert max(len(effect.shares) for effect in largest.effects) == 10_000
    assert [wire.from_wire(AppliedEffect, wire.to_wire(effect)) for effect in largest.effects] == list(largest.effects)
    for work in (price, judge):
        with pytest.raises(ContractError) as caught:
            work(Basket(lines), compiled)
        assert (caught.value.reason, caught.value.path) == (Reason.OUT_OF_RANGE, "lines")


def test_a_basket_is_priced_to_the_last_moment_that_travels() -> None:
    compiled, last = compile_pack(pack(percent("ten", 1_000))), replace(basket(1_000), moment_ms=LAST_MOMENT_MS)
    assert price(wire.unpack(Basket, wire.pack(last), 1_000), compiled).payable_minor == 900
    with pytest.raises(ContractError):
        price(replace(last, moment_ms=LAST_MOMENT_MS + 1), compiled)


def test_unknown_articles_and_tiers_just_have_no_rules() -> None:
    compiled = compile_pack(pack(GOLD_10, FULL_200_20, POINTS))
    unknown = Basket((BasketLine("NEVER-HEARD-OF", 2, 1_000),), Customer("diamond"))
    priced = price(unknown, compiled)
    assert (priced.payable_minor, priced.points) == (2_000, 20)
    assert price(Basket((BasketLine("X", 1, 0),)), compiled).payable_minor == 0


@pytest.mark.parametrize(
    "effect",
    [
        {"percent": {"rate_bp": 777, "scope": "unit"}},
        {"percent": {"rate_bp": 777, "scope": "basket", "cap_minor": 1_001}},
        {"amount": {"off_minor": 1_001, "scope": "basket", "pick": {"skip": 1, "groups_of": 3}}},
        {"fixed_price": {"price_minor": 7, "scope": "line", "pick": {"order": "dearest", "per_line": 50}}},
        {"nth_unit": {"nth": 2, "rate_bp": 5_000}},
        {"nth_unit": {"nth": 7, "rate_bp": 5_000, "same_sku": True}},
        {"nth_unit": {"nth": 3, "rate_bp": 9_999, "from_cheapest": True}},
        {"buy_get": {"buy": {"quantity": 2}, "get": {"quantity": 1, "order": "cheapest"}, "rate_bp": 10_000}},
        {
            "buy_get": {
                "buy": {"quantity": 3, "order": "cheapest"},
                "get": {"quantity": 2, "order": "fullest"},
                "rate_bp": 3_333,
                "partial": True,
            }
        },
        {"any_for": {"units": 3, "price_minor": 99}},
        {"any_for": {"units": 5, "price_minor": 99, "order": "cheapest"}},
        {
            "package": {
                "parts": [{"quantity": 2, "select": {"skus": ["A"]}}, {"quantity": 1, "select": {"skus": ["A", "B"]}}],
                "price_minor": 99,
            }
        },
        {"gift": {"sku": "CUP", "every": 2}},
        {"points_price": {"points": 1, "price_minor": 1, "select": {"skus": ["A"]}, "units": 9_999}},
        {"pay_points": {"points": 1, "minor": 1}},
    ],
    ids=lambda effect: next(iter(effect)),
)
def test_the_work_does_not_grow_with_the_quantity(effect: Any) -> None:
    """9,999 of each article cost no more work than 99."""
    compiled = compile_pack(pack(*[rule(f"r{index}", "basket", effect) for index in range(3)]))

    def work(quantity: int) -> int:
        lines = tuple(BasketLine(sku, quantity, minor) for sku, minor in (("A", 101), ("B", 67), ("C", 50)))
        bought = Basket(lines, Customer("gold", points=1_000_000))
        assert price(bought, compiled).effects
        return calls(lambda: price(bought, compiled))

    assert work(9_999) <= 2 * work(99) + 50


def test_a_thousand_lines_under_two_hundred_rules_are_priced_in_bounded_work() -> None:
    """The first rules that all apply fill the trace, the others say that there is no more room."""
    kinds = [
        percent("p", 137),
        rule("a", "basket", {"amount": {"off_minor": 17, "scope": "basket"}}),
        rule("n", "basket", {"nth_unit": {"nth": 3, "rate_bp": 100}}),
        *[rule("g", "points", {"gift": {"sku": "CUP", "every": 7}})] * 5,
    ]
    rules = [{**kinds[index % len(kinds)], "rule": f"r{index}"} for index in range(MAX_EFFECTS + 20)]
    compiled = compile_pack(pack(*rules))
    lines = tuple(BasketLine(f"S{index % 700}", 1 + index % 3, 1_000 + index) for index in range(MAX_LINES))
    bought, fewer = Basket(lines), Basket(lines[:100])
    assert calls(lambda: price(fewer, compiled)) <= 40 * len(fewer.lines) * len(rules)
    judged = judge(bought, compiled)
    assert len(judged.priced.effects) == MAX_EFFECTS
    kept_out = [one.shortfall.why for one in judged.verdicts if one.shortfall is not None]
    assert kept_out == [Why.TOO_MANY_EFFECTS] * 20


def test_many_rules_in_one_group_and_many_groups_are_bounded_too() -> None:
    """Twelve overlapping groups of rules that all match, and one group of two thousand."""
    overlapping = [
        {**percent(f"r{index}", 100 + index, index % 7), "groups": sorted({f"g{index % 12}", f"g{index * 5 % 12}"})}
        for index in range(200)
    ]
    many = [{**percent(f"r{index}", 1 + index % 5_000), "groups": ["g0"]} for index in range(2_000)]
    groups = [{"name": f"g{index}"} for index in range(12)]
    bought = basket(10_000, 5_001)
    for rules, most in ((overlapping, 3_000_000), (many, 3_000_000)):
        compiled = compile_pack(pack(*rules, groups=groups))
        assert not price(bought, compiled).exact
        assert calls(lambda compiled=compiled: price(bought, compiled)) < most  # type: ignore[misc]


def test_a_line_stays_in_few_runs_however_often_it_is_split() -> None:
    """190 rules split over 3,333 equal units: the last trace needs no more shares than a few for each line."""
    rules = [percent(f"r{index}", 13 + index % 7, index) for index in range(190)]
    bought = Basket(tuple(BasketLine(sku, 3_333, minor) for sku, minor in (("A", 9_997), ("B", 10_009), ("C", 4_567))))
    priced = price(bought, compile_pack(pack(*rules)))
    assert len(priced.effects) == 190
    assert max(len(effect.shares) for effect in priced.effects) <= 60
