"""Gifts, points, coupons, counts, bonus money, the rounding of the total and its payment: to the last one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from contract.basket import Basket, BasketLine, RuleUsage, Stock, TaxRate
from contract.errors import ContractError, Reason
from contract.trace import Given
from rules.engine.compiled import compile_pack
from rules.engine.price import price
from rules.engine.shortfall import Why
from rules.engine.verdicts import judge
from tests.rules.engine.sales import TEN_YUAN, hers, missed, priced
from tests.rules.samples import pack, percent, rule, save


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


def test_the_total_is_rounded_once() -> None:
    """12.34 goes down to 12.30; the second rule, which would round to 12.00, comes too late."""
    to_jiao, to_yuan = ({"round_total": {"to_minor": step, "mode": "down"}} for step in (10, 100))
    whole = compile_pack(pack(rule("jiao", "tender", to_jiao, priority=9), rule("yuan", "tender", to_yuan)))
    found = judge(Basket((BasketLine("A", 1, 1_234),)), whole)
    assert [effect.rounding_minor for effect in found.priced.effects] == [-4]
    assert found.verdicts[1].shortfall is not None and found.verdicts[1].shortfall.why is Why.NOTHING_LEFT
    assert [effect.rounding_minor for effect in price(Basket((BasketLine("A", 1, 1_230),)), whole).effects] == [-30]


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
    assert (effect.codes, effect.funded_by) == (("TWENTY",), "north")
    plain = price(hers(codes=("TWENTY",)), compile_pack(pack(save("s", 100, 1)))).effects[0]
    assert (plain.codes, plain.funded_by) == ((), None)


@pytest.mark.parametrize(
    ("when", "used"),
    [
        ([{"code": ["TEN", "STAFF"]}], ("TEN",)),
        ([{"code": ["STAFF"]}, {"code": ["TEN"]}], ("STAFF", "TEN")),
        ([{"all": [{"code": ["TEN"]}, {"code": ["STAFF"]}]}, {"code": ["TEN"]}], ("TEN", "STAFF")),
        ([{"any": [{"not": {"code": ["STAFF"]}}, {"tier": ["gold"]}]}], ()),
        ([{"any": [{"code": ["STAFF"]}, {"tier": ["gold"]}]}], ()),
        ([{"any": [{"code": ["STAFF"]}, {"tier": ["silver"]}]}], ("STAFF",)),
        ([{"any": [{"all": [{"code": ["TEN"]}, {"code": ["STAFF"]}]}, {"code": ["STAFF"]}]}], ("STAFF",)),
        ([{"not": {"code": ["OTHER"]}}], ()),
    ],
)
def test_the_trace_names_the_codes_that_let_a_rule_apply_and_no_other(when: Any, used: tuple[str, ...]) -> None:
    effects: tuple[Any, ...] = ({"percent": {"rate_bp": 100, "scope": "basket"}}, {"points_bonus": 1})
    for then in (effects[:1], effects):
        whole = compile_pack(pack(rule("it", "coupon", *then, when=when)))
        found = price(hers(codes=("TEN", "STAFF")), whole).effects
        assert [effect.codes for effect in found] == [used] * len(then)


def test_a_condition_is_asked_for_its_codes_when_the_rule_acts_not_when_all_is_done() -> None:
    """From 10.00 on the code is not needed; that the rule itself takes the goods down to 5.00 changes nothing."""
    when = [{"any": [{"code": ["TEN"]}, {"spend": {"at_least_minor": 1_000, "base": "left"}}]}]
    half = rule("half", "coupon", {"percent": {"rate_bp": 5_000, "scope": "basket"}}, when=when)
    (effect,) = price(hers(codes=("TEN",)), compile_pack(pack(half))).effects
    assert effect.codes == ()


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
