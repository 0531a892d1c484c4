"""Points earned, multiplied and used: by hand, within every bound, and never twice."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from contract.basket import Basket, BasketLine, Customer, PlannedTender, TaxRate
from contract.errors import ContractError, Reason
from rules.authoring import read_authored
from rules.engine.compiled import compile_pack
from rules.engine.golden import failed_golden
from rules.engine.price import price
from rules.engine.shortfall import Why
from rules.engine.topping import top_up
from rules.grammar.rewards import PointsTimes
from tests.rules.engine.sales import PER_YUAN, TEN_YUAN, hers, missed, priced
from tests.rules.samples import authored, pack, percent, rule


@pytest.mark.parametrize(
    ("effect", "points"),
    [
        ({"points": 1, "spend_minor": 100}, 12),
        ({"points": 3, "spend_minor": 500}, 6),
        ({"points": 3, "spend_minor": 500, "proportional": True}, 7),
        ({"points": 3, "spend_minor": 500, "proportional": True, "rounding": "half_up"}, 8),
        ({"points": 1, "spend_minor": 100, "cap_points": 5}, 5),
        ({"points": 1, "spend_minor": 100, "select": {"categories": ["tea"]}}, 10),
        ({"points": 1, "spend_minor": 1_300}, 0),
    ],
)
def test_points_for_money(effect: Any, points: int) -> None:
    """12.50 in all, 10.00 of it tea: 12 full yuan, 2 full five yuan (6 points), 7.5 in proportion."""
    bought = hers(TEN_YUAN, BasketLine("B", 1, 250, ("ware",)))
    assert priced({"points_per_money": effect}, bought).points == points


def test_points_are_earned_on_what_is_paid_or_on_list_prices() -> None:
    """Half of 10.00 is off before."""
    half = percent("half", 5_000)
    assert priced(PER_YUAN, hers(), half).points == 5
    assert priced(PER_YUAN, hers(), half, policies={"points_base": "list"}).points == 10
    assert priced({"points_per_money": {**PER_YUAN["points_per_money"], "base": "list"}}, hers(), half).points == 10


def test_what_is_paid_by_excluded_tenders_or_with_points_earns_nothing() -> None:
    """Of 10.00, 3.00 are a voucher's and 2.00 stored value's; of another 10.00, 4.00 are paid with points."""
    tenders = (PlannedTender("voucher", 300), PlannedTender("stored_value", 200))
    bought = hers(tenders=tenders)
    not_vouchers = {"points_per_money": {**PER_YUAN["points_per_money"], "not_tenders": ["voucher"]}}
    assert priced(PER_YUAN, bought).points == 10
    assert priced(not_vouchers, bought).points == 7
    assert priced(not_vouchers, bought, policies={"stored_value_earns": False}).points == 5
    by_points = rule("by-points", "coupon", {"pay_points": {"points": 100, "minor": 100}})
    found = priced(PER_YUAN, hers(points=400), by_points)
    assert (found.payable_minor, found.points_spent, found.points) == (600, 400, 6)


def test_what_earns_nothing_is_counted_once_among_rules_for_different_goods() -> None:
    """Tea and a cup at 100.00 each, 100.00 of it by voucher: 50 points for either, as much as was paid in cash."""
    lines = (BasketLine("A", 1, 10_000, ("tea",)), BasketLine("B", 1, 10_000, ("cup",)))
    per_yuan = {**PER_YUAN["points_per_money"], "not_tenders": ["voucher"]}
    tea, cup = ({"points_per_money": {**per_yuan, "select": {"categories": [name]}}} for name in ("tea", "cup"))
    bought = hers(*lines, tenders=(PlannedTender("voucher", 10_000),))
    assert [effect.points for effect in priced(tea, bought, rule("cup", "points", cup)).effects] == [50, 50]
    assert priced({"points_per_money": per_yuan}, bought).points == 100


def test_what_a_rule_pays_from_stored_value_earns_nothing_where_the_pack_says_so() -> None:
    """Of 10.00 a rule pays 4.00 from stored value; that the customer said so as well pays no other 4.00."""
    stored = rule("stored", "points", {"pay_stored": {}}, priority=9)
    never = {"stored_value_earns": False}
    bought = hers(stored_minor=400)
    assert priced(PER_YUAN, bought, stored).points == 10
    assert priced(PER_YUAN, bought, stored, policies=never).points == 6
    said = replace(bought, tenders=(PlannedTender("stored_value", 400),))
    assert priced(PER_YUAN, said, stored, policies=never).points == 6
    barred = {"points_per_money": {**PER_YUAN["points_per_money"], "not_tenders": ["stored_value"]}}
    assert priced(barred, bought, stored).points == 6


@pytest.mark.parametrize("policy", [True, False])
def test_points_are_not_reckoned_before_it_is_known_what_stored_value_pays(policy: bool) -> None:
    late = rule("stored", "tender", {"pay_stored": {}})
    bars = {"policies": {"stored_value_earns": False}} if policy else {}
    effect = (
        PER_YUAN if policy else {"points_per_money": {**PER_YUAN["points_per_money"], "not_tenders": ["stored_value"]}}
    )
    for told in (late, {**late, "lane": "points"}):
        with pytest.raises(ContractError) as caught:
            pack(told, rule("it", "points", effect), **bars)
        assert (caught.value.reason, caught.value.path) == (Reason.OUT_OF_RANGE, "rules[0].then[0].pay_stored")


def test_goods_that_earn_nothing_are_left_out_by_the_selection() -> None:
    card = BasketLine("GIFT-CARD", 1, 5_000, ("cards",))
    selected = {"points_per_money": {**PER_YUAN["points_per_money"], "select": {"not_categories": ["cards"]}}}
    assert priced(selected, hers(TEN_YUAN, card)).points == 10
    assert priced(PER_YUAN, hers(TEN_YUAN, replace(card, excluded=True))).points == 10


def test_points_for_units_once_and_multiplied() -> None:
    """Gold x2, silver x1.5: 15 points become 30, or 22 (22.5 rounded down); a cap limits what is added."""
    assert priced({"points_per_unit": {"points": 5}}, hers(replace(TEN_YUAN, quantity=3))).points == 15
    assert priced({"points_bonus": 7}, hers()).points == 7
    fifteen = rule("fifteen", "basket", {"points_bonus": 15})
    for rate, cap, points in ((20_000, None, 30), (15_000, None, 22), (20_000, 10, 25), (10_001, None, 15)):
        times = {"points_times": {"rate_bp": rate, **({} if cap is None else {"cap_points": cap})}}
        assert priced(times, hers(), fifteen).points == points
    assert missed({"points_times": {"rate_bp": 20_000}}, hers()) == (Why.NOTHING_LEFT, 0)


@pytest.mark.parametrize(
    "effect",
    [
        PER_YUAN,
        {"points_per_unit": {"points": 5}},
        {"points_bonus": 7},
        {"points_times": {"rate_bp": 20_000}},
        {"rebate": {"minor": 5}},
        {"grant_counts": {"card": "wash", "uses": 1}},
        {"pay_stored": {}},
    ],
)
def test_what_belongs_to_a_member_needs_one(effect: Any) -> None:
    assert missed(effect, Basket((TEN_YUAN,))) == (Why.MEMBER, 0)


def _pay(**more: Any) -> Any:
    return {"pay_points": {"points": 1, "minor": 1_000, **more}}


def test_points_that_would_pay_more_than_the_order_stay_with_the_member() -> None:
    """10.00 a point on an order of 20.00: two points, whatever the balance; on 25.00 two, or a part for the rest."""
    found = priced(_pay(), hers(replace(TEN_YUAN, quantity=2), points=100))
    assert (found.points_spent, found.payable_minor) == (2, 0)
    more = hers(BasketLine("A", 1, 2_500), points=100)
    assert (priced(_pay(), more).points_spent, priced(_pay(), more).payable_minor) == (2, 500)
    parts = priced(_pay(part_steps=True), more)
    assert (parts.points_spent, parts.payable_minor) == (3, 0)
    wasted = priced(_pay(waste=True), more)
    assert (wasted.points_spent, wasted.payable_minor) == (100, 0)


@pytest.mark.parametrize(
    ("more", "balance", "want", "spent", "payable"),
    [
        ({}, 250, None, 200, 800),
        ({"part_steps": True}, 250, None, 250, 750),
        ({}, 250, 150, 100, 900),
        ({}, 250, 99, 0, 1_000),
        ({}, 99, None, 0, 1_000),
        ({"most_points": 300}, 5_000, None, 300, 700),
        ({"most_bp": 2_500}, 5_000, None, 200, 800),
        ({"leave_minor": 250}, 5_000, None, 700, 300),
        ({"never_free": True}, 5_000, None, 0, 1_000),
        ({"never_free": True}, 900, None, 900, 100),
        ({"select": {"skus": ["B"]}}, 5_000, None, 0, 1_000),
    ],
)
def test_points_pay_in_whole_steps_within_every_bound(
    more: Any, balance: int, want: int | None, spent: int, payable: int
) -> None:
    """100 points are 1.00, of an order of 10.00."""
    effect = {"pay_points": {"points": 100, "minor": 100, **more}}
    found = priced(effect, hers(points=balance, want_points=want))
    assert (found.points_spent, found.payable_minor) == (spent, payable)


def test_points_are_taken_only_for_what_the_floor_leaves_open() -> None:
    floored = hers(replace(TEN_YUAN, floor_minor=700), points=5_000)
    found = priced({"pay_points": {"points": 100, "minor": 100}}, floored)
    assert (found.points_spent, found.payable_minor) == (300, 700)


def test_what_must_stay_to_be_paid_stays_with_tax_on_top() -> None:
    """100.00 and 15 % on top; of the goods 50.00 must stay, and points must not make it free."""
    bought = hers(BasketLine("A", 1, 10_000, taxes=(TaxRate("vat", 1_500),)), points=100_000)
    tax = {"tax": {"inclusive": False, "at": "line"}}
    left = priced({"pay_points": {"points": 1, "minor": 1, "leave_minor": 5_000}}, bought, **tax)
    assert (left.points_spent, left.payable_minor) == (5_000, 5_750)
    free = priced({"pay_points": {"points": 1, "minor": 1, "never_free": True}}, bought, **tax)
    assert (free.points_spent, free.payable_minor) == (0, 11_500)


def test_points_earned_in_this_sale_are_used_once() -> None:
    """A balance of 100 and 200 earned: 300 in all, however many rules would pay with them."""
    bonus = rule("bonus", "basket", {"points_bonus": 200})
    own = {"pay_points": {"points": 100, "minor": 100, "own_points": True}}
    again = rule("again", "coupon", own, limits={"per_sale": 3})
    found = priced(own, hers(points=100), bonus, again)
    assert (found.points, found.points_spent, found.payable_minor) == (200, 300, 700)
    cost = rule("cost", "coupon", {"cost_points": 200}, {"amount": {"off_minor": 10, "scope": "basket"}})
    found = priced(own, hers(points=100), bonus, cost)
    assert (found.points_spent, found.payable_minor) == (300, 890)


def test_a_member_pays_with_no_more_points_than_wanted_over_all_rules() -> None:
    step = {"pay_points": {"points": 100, "minor": 100, "most_points": 300}}
    found = priced(step, hers(points=1_000, want_points=400), rule("before", "coupon", step))
    assert (found.points_spent, found.payable_minor) == (400, 600)


@pytest.mark.parametrize(
    ("units", "balance", "want", "wanted"),
    [
        (1, 5_000, None, (300, 2_100)),
        (2, 5_000, None, (600, 1_200)),
        (9, 700, None, (600, 1_200)),
        (9, 700, 599, (300, 2_100)),
        (9, 299, None, (0, 3_000)),
    ],
)
def test_points_plus_cash(units: int, balance: int, want: int | None, wanted: tuple[int, int]) -> None:
    """300 points and 1.00 instead of 10.00, for up to so many of three."""
    effect = {"points_price": {"points": 300, "price_minor": 100, "select": {"skus": ["A"]}, "units": units}}
    found = priced(effect, hers(replace(TEN_YUAN, quantity=3), points=balance, want_points=want))
    assert (found.points_spent, found.payable_minor) == wanted


def test_what_points_pay_for_is_given_whole_or_not_at_all() -> None:
    """Two units for 300 points each would take 18.00 off; a cap of 10.00 would leave 600 points paid for less."""
    effect = {"points_price": {"points": 300, "price_minor": 100, "select": {"skus": ["A"]}, "units": 2}}
    capped = compile_pack(pack(rule("it", "points", effect, limits={"cap_minor": 1_000})))
    found = price(hers(replace(TEN_YUAN, quantity=3), points=5_000), capped)
    assert (found.points_spent, found.payable_minor) == (0, 3_000)


def test_a_rule_that_costs_points_takes_them_only_where_it_gives_something() -> None:
    effects = ({"cost_points": 200}, {"amount": {"off_minor": 300, "scope": "unit", "select": {"skus": ["A"]}}})
    whole = compile_pack(pack(rule("it", "coupon", *effects)))
    assert price(hers(points=200), whole).payable_minor == 700
    assert price(hers(points=199), whole).effects == ()
    assert price(hers(replace(TEN_YUAN, floor_minor=1_000), points=200), whole).effects == ()
    assert price(hers(BasketLine("B", 1, 1_000), points=200), whole).effects == ()


@pytest.mark.row("M02")
def test_each_tier_has_its_own_points_and_half_a_point_is_rounded_as_is_stated() -> None:
    """Gold earns twice, silver half as much again: of 15.99 15, 30 and 22 points. 22.5 is rounded down, as the grammar
    says of points that are multiplied.
    """
    whole = compile_pack(
        pack(
            rule("base", "points", PER_YUAN, when=[{"member": True}], priority=9),
            rule("gold", "points", {"points_times": {"rate_bp": 20_000}}, when=[{"tier": ["gold"]}]),
            rule("silver", "points", {"points_times": {"rate_bp": 15_000}}, when=[{"tier": ["silver"]}]),
        )
    )
    for tier, points in (("basic", 15), ("silver", 22), ("gold", 30)):
        assert price(Basket((BasketLine("A", 1, 1_599),), Customer(tier)), whole).points == points
    assert price(Basket((BasketLine("A", 1, 1_599),)), whole).points == 0
    assert PointsTimes.__doc__ is not None and "rounded down once" in PointsTimes.__doc__


THURSDAY_NOON_MS = 1_781_755_200_000
"""2026-06-18T12:00 in Shanghai."""


@pytest.mark.row("W70")
def test_points_multiply_by_tier_article_day_shop_and_tender_and_top_ups_climb_within_caps() -> None:
    """A pack with golden baskets of its own: 39.90 earn 39 points; everything else stands beside each basket."""
    bought: dict[str, Any] = {
        "lines": [{"sku": "TEA", "quantity": 1, "unit_price_minor": 1_990}, {"sku": "CUP", "quantity": 1,
                  "unit_price_minor": 2_000}]
    }  # fmt: skip
    double, half_more = {"points_times": {"rate_bp": 20_000}}, {"points_times": {"rate_bp": 15_000, "cap_points": 15}}
    tea = {"points_per_money": {"points": 5, "spend_minor": 1_000, "proportional": True, "rounding": "half_up",
                                "select": {"skus": ["TEA"]}}}  # fmt: skip
    rules = [
        rule("1-base", "points", {"points_per_money": {"points": 1, "spend_minor": 100}}, priority=9),
        rule("2-tea", "points", tea, when=[{"flag": ["tea-week"]}], priority=8),
        rule("3-gold", "points", double, when=[{"tier": ["gold"]}], priority=7),
        rule("4-thursday", "points", half_more, when=[{"weekday": [4]}], priority=6),
        rule("5-north", "points", double, when=[{"shop": ["north"]}], priority=5),
        rule("6-wallet", "points", half_more, when=[{"tender": ["wallet"]}], priority=4),
        rule(
            "top-up",
            "tender",
            {"top_up": {"steps": [{"amount_minor": 10_000, "bonus_minor": 1_000, "points": 50}], "every": True,
                        "most_times": 3}},
            when=[{"tier": ["gold"]}],
        ),
    ]  # fmt: skip
    silver = {"customer": {"tier": "silver"}}
    golden: list[tuple[dict[str, Any], int]] = [
        ({}, 0),
        (silver, 39),
        ({"customer": {"tier": "gold"}}, 78),
        # 19.90 of tea at 5 for 10.00 are 9.95: 10 more, rounded half up.
        ({**silver, "flags": ["tea-week"]}, 49),
        # Half of 39 is 19.5: 19, but at most 15 are added.
        ({**silver, "moment_ms": THURSDAY_NOON_MS}, 54),
        ({**silver, "moment_ms": THURSDAY_NOON_MS + 86_400_000}, 39),
        ({**silver, "shop": "north"}, 78),
        ({**silver, "shop": "south"}, 39),
        ({**silver, "tenders": [{"kind": "wallet", "amount_minor": 100}]}, 54),
        ({"customer": {"tier": "gold"}, "shop": "north", "flags": ["tea-week"]}, 196),
    ]
    written = [{"basket": bought | facts, "payable_minor": 3_990, "points": points} for facts, points in golden]
    plain = authored(*rules, zones=["Asia/Shanghai"]) | {"golden": written}
    compiled = compile_pack(read_authored(json.dumps(plain)))
    assert failed_golden(compiled) is None
    for amount, bonus in ((9_999, 0), (10_000, 1_000), (29_999, 2_000), (90_000, 3_000)):
        found = top_up(amount, Basket((), Customer("gold")), compiled).brought
        assert [(one.bonus_minor, one.points) for one in found] == ([(bonus, bonus // 20)] if bonus else [])
    written[4]["points"] = 55
    assert failed_golden(compile_pack(read_authored(json.dumps(plain)))) == 4
