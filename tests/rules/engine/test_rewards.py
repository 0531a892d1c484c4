"""Gifts, points, coupons, counts, bonus money, the rounding of the total and its payment: to the last one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from contract.basket import Basket, BasketLine, Customer, PlannedTender, RuleUsage, Stock, TaxRate
from contract.errors import ContractError, Reason
from contract.trace import Given
from rules.engine.compiled import compile_pack
from rules.engine.price import price
from rules.engine.shortfall import Why
from rules.engine.verdicts import judge
from rules.priced import Priced
from tests.rules.samples import pack, percent, rule, save

PER_YUAN = {"points_per_money": {"points": 1, "spend_minor": 100}}
COUPONS = [{"coupon": "next", "title": "next", "title_en": "next", "valid_from_days": 1, "valid_days": 30}]
CARDS = [{"card": "wash", "title": "wash", "title_en": "wash", "valid_days": 365}]
TEN_YUAN = BasketLine("A", 1, 1_000, ("tea",))


def priced(effect: Any, bought: Basket, *before: Any, **more: Any) -> Priced:
    """The price of a basket under a rule in the lane of points, after other rules."""
    whole = pack(*before, rule("it", "points", effect), coupons=COUPONS, count_cards=CARDS, **more)
    return price(bought, compile_pack(whole))


def hers(*lines: BasketLine, points: int = 0, stored_minor: int = 0, **more: Any) -> Basket:
    """A gold member's basket."""
    return Basket(lines or (TEN_YUAN,), Customer("gold", points=points, stored_minor=stored_minor), **more)


def missed(effect: Any, bought: Basket) -> tuple[Why, int] | None:
    """What a rule missed."""
    whole = pack(rule("it", "points", effect), coupons=COUPONS, count_cards=CARDS)
    found = judge(bought, compile_pack(whole)).verdicts[0].shortfall
    return None if found is None else (found.why, found.missing)


@pytest.mark.parametrize(
    ("gift", "units", "left", "given"),
    [
        ({}, 1, None, 1),
        ({"quantity": 3}, 1, None, 3),
        ({"every": 2}, 1, None, 0),
        ({"every": 2}, 5, None, 2),
        ({"every": 2, "quantity": 3}, 5, None, 6),
        ({"every": 2, "quantity": 3}, 5, 4, 4),
        ({}, 1, 0, 0),
        ({"every": 1, "quantity": 9_999}, 9_999, None, 1_000_000),
    ],
)
def test_gifts_are_given_for_each_full_group_as_far_as_the_stock_lasts(
    gift: Any, units: int, left: int | None, given: int
) -> None:
    stock = () if left is None else (Stock("CUP", left),)
    bought = Basket((BasketLine("A", units, 10),), stock=stock)
    effects = priced({"gift": {"sku": "CUP", **gift}}, bought).effects
    assert [effect.gifts for effect in effects] == ([(Given("CUP", given),)] if given else [])


def test_two_rules_share_one_stock_of_gifts() -> None:
    gift = {"gift": {"sku": "CUP", "quantity": 3}}
    bought = Basket((TEN_YUAN,), stock=(Stock("CUP", 5),))
    effects = priced(gift, bought, rule("before", "basket", gift)).effects
    assert [effect.gifts[0].count for effect in effects] == [3, 2]


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


def test_coupons_and_uses_of_a_count_card() -> None:
    bought = hers(replace(TEN_YUAN, quantity=4))
    assert priced({"issue_coupon": {"coupon": "next", "count": 2}}, bought).effects[0].coupons == (Given("next", 2),)
    once = priced({"grant_counts": {"card": "wash", "uses": 10}}, bought).effects[0]
    each = priced({"grant_counts": {"card": "wash", "uses": 10, "per_unit": True}}, bought).effects[0]
    assert (once.counts, each.counts) == ((Given("wash", 10),), (Given("wash", 40),))


def test_a_rebate_goes_into_stored_value_and_is_not_off_the_price() -> None:
    """5 % of 9.99 is 49.95 fen, rounded down, and 1.00 more."""
    found = priced({"rebate": {"rate_bp": 500, "minor": 100}}, hers(BasketLine("A", 1, 999)))
    assert (found.payable_minor, found.bonus_minor) == (999, 149)


@pytest.mark.parametrize(("given", "bonus"), [(0, 300), (700, 300), (701, 0)])
def test_a_budget_pays_for_bonus_money_too(given: int, bonus: int) -> None:
    campaign = rule("it", "basket", {"rebate": {"minor": 300}}, limits={"budget_minor": 1_000})
    bought = hers(usage=(RuleUsage("it", given_minor=given),))
    assert price(bought, compile_pack(pack(campaign))).bonus_minor == bonus


@pytest.mark.parametrize(
    ("to", "mode", "total", "change"),
    [
        (10, "down", 1_234, -4),
        (100, "down", 1_299, -99),
        (5, "half_up", 1_233, 2),
        (10, "up", 1_231, 9),
        (10, "half_even", 1_235, 5),
        (10, "half_even", 1_225, -5),
        (10, "down", 1_230, 0),
        (100, "down", 99, -99),
    ],
)
def test_the_rounding_of_the_total_is_a_line_of_its_own(to: int, mode: str, total: int, change: int) -> None:
    found = priced({"round_total": {"to_minor": to, "mode": mode}}, Basket((BasketLine("A", 1, total),)))
    assert (found.payable_by_line, found.rounding_minor, found.payable_minor) == ((total,), change, total + change)
    assert [effect.rounding_minor for effect in found.effects] == ([change] if change else [])


def test_after_the_total_is_rounded_or_paid_nothing_more_is_taken_off() -> None:
    """Half of 12.34 after 抹零 would be to pay 6.13 for goods of 6.17: the rule that comes too late does not apply."""
    late = rule("late", "tender", {"percent": {"rate_bp": 10_000, "scope": "basket"}})
    finished: tuple[Any, ...] = ({"round_total": {"to_minor": 10, "mode": "down"}}, {"pay_stored": {}})
    for effect in finished:
        whole = compile_pack(pack(rule("first", "line", effect), late))
        found = judge(hers(BasketLine("A", 1, 1_234), stored_minor=500), whole)
        assert found.priced.payable_by_line == (1_234,)
        assert found.verdicts[1].shortfall is not None and found.verdicts[1].shortfall.why is Why.NOTHING_LEFT
        assert 0 <= found.priced.stored_minor <= found.priced.payable_minor


def test_stored_value_pays_what_it_can_and_only_the_rest_is_rounded() -> None:
    """Of 12.34 stored value pays 5.00 and leaves 7.34: 7.30. Where it pays all, nothing is left to round."""
    stored = rule("stored", "tender", {"pay_stored": {}}, priority=9)
    whole = compile_pack(pack(stored, rule("round", "tender", {"round_total": {"to_minor": 10, "mode": "down"}})))
    part = price(hers(BasketLine("A", 1, 1_234), stored_minor=500), whole)
    assert (part.stored_minor, part.payable_minor, part.to_pay_minor) == (500, 1_230, 730)
    whole_paid = price(hers(BasketLine("A", 1, 1_234), stored_minor=9_999), whole)
    assert (whole_paid.stored_minor, whole_paid.payable_minor, whole_paid.to_pay_minor) == (1_234, 1_234, 0)
    most = compile_pack(pack(rule("stored", "tender", {"pay_stored": {"most_minor": 200}})))
    assert price(hers(stored_minor=500), most).to_pay_minor == 800


def test_tax_stands_inside_the_price_or_on_top_of_it() -> None:
    """A line of 100.00 less 10 %: at 13 % inside 10.35 of tax (90.00 x 13 / 113), on top 11.70."""
    bought = Basket((BasketLine("A", 1, 10_000, taxes=(TaxRate("vat", 1_300),)), BasketLine("B", 1, 500)))
    off = percent("ten", 1_000, lane="line", scope="line")
    for inclusive, payable, tax in ((True, 9_450, 1_035), (False, 10_620, 1_170)):
        found = price(bought, compile_pack(pack(off, tax={"inclusive": inclusive, "at": "line"})))
        assert found.taxes is not None
        assert (found.payable_by_line, found.payable_minor, found.taxes.tax_minor) == ((9_000, 450), payable, tax)
    assert price(bought, compile_pack(pack(off))).taxes is None


def test_lines_that_differ_in_tax_alone_cost_the_same_however_they_were_entered() -> None:
    """1 fen off two lines of 1.00: it comes off the line of the lower tax, in either order."""
    low, high = (BasketLine("A", 1, 100, taxes=(TaxRate("vat", rate),)) for rate in (600, 5_000))
    whole = compile_pack(
        pack(
            rule("fen", "basket", {"amount": {"off_minor": 1, "scope": "basket"}}),
            tax={"inclusive": False, "at": "line"},
        )
    )
    one, other = price(Basket((low, high)), whole), price(Basket((high, low)), whole)
    assert one.payable_by_line == other.payable_by_line[::-1] == (99, 100)
    assert one.payable_minor == other.payable_minor


def test_who_bears_a_discount_and_which_code_let_it_apply_stand_in_the_trace() -> None:
    coupon = rule(
        "coupon",
        "coupon",
        {"amount": {"off_minor": 100, "scope": "basket"}},
        when=[{"any": [{"code": ["X"]}, {"code": ["TEN", "TWENTY"]}]}],
        funded_by="north",
    )
    effect = price(hers(codes=("TWENTY", "OTHER")), compile_pack(pack(coupon))).effects[0]
    assert (effect.code, effect.funded_by) == ("TWENTY", "north")
    plain = price(hers(codes=("TWENTY",)), compile_pack(pack(save("s", 100, 1)))).effects[0]
    assert (plain.code, plain.funded_by) == (None, None)


def test_a_top_up_rule_does_nothing_in_a_sale() -> None:
    top_up = {"top_up": {"steps": [{"amount_minor": 100, "bonus_minor": 10}]}}
    assert missed(top_up, hers()) == (Why.NO_TOP_UP, 0)


def test_more_to_pay_than_the_largest_amount_is_refused() -> None:
    largest = BasketLine("A", 1, 99_999_999, taxes=(TaxRate("vat", 1),))
    assert price(Basket((largest,)), compile_pack(pack())).payable_minor == 99_999_999
    for whole in (
        pack(tax={"inclusive": False, "at": "line"}),
        pack(rule("up", "tender", {"round_total": {"to_minor": 10, "mode": "up"}})),
    ):
        with pytest.raises(ContractError) as caught:
            price(Basket((largest,)), compile_pack(whole))
        assert caught.value.reason is Reason.OUT_OF_RANGE
