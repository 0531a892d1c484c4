"""The nth unit, what is bought and got, any so many for a price, a package: to the minor unit as with a pencil."""

from __future__ import annotations

from typing import Any

import pytest

from contract.basket import Basket
from rules.engine.compiled import compile_pack
from rules.engine.price import price
from rules.engine.shortfall import Why
from tests.rules.engine.discounted import cost, line, missed, priced_by
from tests.rules.samples import pack, rule


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        ({}, (1_000 + 500, 600)),
        ({"same_sku": True}, (1_500, 600)),
        ({"from_cheapest": True}, (2_000, 300)),
    ],
)
def test_the_second_piece_at_half_price(more: Any, wanted: tuple[int, ...]) -> None:
    """1,000, 1,000 and 600: dearest first the second unit is the other 1,000; the third has no partner."""
    assert cost({"nth_unit": {"nth": 2, "rate_bp": 5_000, **more}}, line("A", 1_000, 2), line("B", 600)) == wanted


def test_a_bounded_number_of_discounts_goes_to_the_articles_where_they_are_largest() -> None:
    lines = line("A", 100, 4), line("B", 1_000, 2), line("C", 500, 2)
    half = {"nth": 2, "rate_bp": 5_000, "same_sku": True}
    assert cost({"nth_unit": {**half, "most_times": 1}}, *lines) == (400, 1_500, 1_000)
    assert cost({"nth_unit": {**half, "most_times": 2}}, *lines) == (400, 1_500, 750)
    assert cost({"nth_unit": {**half, "most_times": 3}}, *lines) == (350, 1_500, 750)


def test_as_many_discounts_are_given_as_there_are_units_for_them() -> None:
    """29,997 units of 1.00 are 14,998 pairs."""
    lines = [line(sku, 100, 9_999) for sku in "ABC"]
    assert sum(cost({"nth_unit": {"nth": 2, "rate_bp": 5_000}}, *lines)) == 29_997 * 100 - 14_998 * 50
    assert sum(cost({"any_for": {"units": 2, "price_minor": 150}}, *lines)) == 29_997 * 100 - 14_998 * 50
    one_of_each: Any = {"quantity": 1}
    pairs = {"buy_get": {"buy": one_of_each, "get": one_of_each, "rate_bp": 5_000}}
    assert sum(cost(pairs, *lines)) == 29_997 * 100 - 14_998 * 50


def test_what_buy_and_get_lacks_is_all_of_what_has_to_be_bought_and_got() -> None:
    anything = {"buy_get": {"buy": {"quantity": 2}, "get": {"quantity": 1}, "rate_bp": 10_000}}
    assert missed(anything, line("A", 100)) == (Why.MIN_QUANTITY, 2)
    assert missed(anything, line("A", 100, 2)) == (Why.MIN_QUANTITY, 1)
    two_sided = {
        "buy": {"quantity": 2, "select": {"skus": ["A", "B"]}},
        "get": {"quantity": 2, "select": {"skus": ["B", "C"]}},
        "rate_bp": 10_000,
    }
    assert missed({"buy_get": two_sided}, line("B", 100)) == (Why.MIN_QUANTITY, 3)
    assert missed({"buy_get": two_sided | {"partial": True}}, line("B", 100)) == (Why.MIN_QUANTITY, 2)
    assert missed({"buy_get": two_sided}, line("A", 100, 2)) == (Why.MIN_QUANTITY, 2)
    assert missed({"buy_get": two_sided}, line("D", 100)) == (Why.NO_ITEM, 0)


def test_of_every_full_group_the_last_unit_is_discounted_and_the_rest_of_a_group_is_not() -> None:
    """7 units in groups of 3: two groups, the 3rd and the 6th; the article by itself only where it is asked for."""
    free = {"nth_unit": {"nth": 3, "rate_bp": 10_000}}
    assert cost(free, line("A", 100, 4), line("B", 50, 3)) == (300, 100)
    assert cost({"nth_unit": {**free["nth_unit"], "same_sku": True}}, line("A", 100, 4), line("B", 50, 3)) == (300, 100)
    assert cost({"nth_unit": {**free["nth_unit"], "most_times": 1}}, line("A", 100, 9)) == (800,)
    assert missed(free, line("A", 100, 2)) == (Why.MIN_QUANTITY, 1)


def _three_one(order: str) -> Any:
    return {"buy_get": {"buy": {"quantity": 3}, "get": {"quantity": 1, "order": order}, "rate_bp": 10_000}}


def test_buy_three_get_the_cheapest_free() -> None:
    """买三免一: of four units the cheapest is free, of seven still one, of eight two."""
    four = (line("A", 400), line("B", 300), line("C", 200), line("D", 100))
    assert cost(_three_one("cheapest"), *four) == (400, 300, 200, 0)
    assert missed(_three_one("cheapest"), *four[:3]) == (Why.MIN_QUANTITY, 1)
    assert cost(_three_one("cheapest"), line("A", 100, 7)) == (600,)
    assert cost(_three_one("cheapest"), line("A", 100, 8)) == (600,)


def test_buy_tea_get_a_cup_at_half_price_as_often_as_there_are_both() -> None:
    effect = {
        "buy_get": {
            "buy": {"quantity": 2, "select": {"categories": ["tea"]}},
            "get": {"quantity": 1, "select": {"categories": ["ware"]}},
            "rate_bp": 5_000,
        }
    }
    assert cost(effect, line("TEA", 300, 4), line("CUP", 101, 3)) == (1_200, 303 - 2 * 51)
    assert missed(effect, line("TEA", 300, 1), line("CUP", 101, 3)) == (Why.MIN_QUANTITY, 1)
    assert missed(effect, line("TEA", 300, 2)) == (Why.MIN_QUANTITY, 1)


def test_a_unit_used_on_one_side_is_not_used_again_not_even_by_another_rule() -> None:
    one = {"buy_get": {"buy": {"quantity": 1}, "get": {"quantity": 1}, "rate_bp": 10_000}}
    both = pack(rule("a", "basket", one), rule("b", "basket", one))
    priced = price(Basket((line("A", 100, 5),)), compile_pack(both))
    assert priced.payable_minor == 300
    assert [effect.rule for effect in priced.effects] == ["a"]


def test_partly_given_is_given_only_where_the_rule_says_so() -> None:
    one = {"buy": {"quantity": 2}, "get": {"quantity": 2}, "rate_bp": 10_000}
    assert cost({"buy_get": one}, line("A", 100, 3)) == (300,)
    assert cost({"buy_get": {**one, "partial": True}}, line("A", 100, 3)) == (200,)


def test_any_three_for_99() -> None:
    """三件99: the dearest three make the first group, the rest pays its price; what is cheaper already stays."""
    effect = {"any_for": {"units": 3, "price_minor": 9_900}}
    found = priced_by(effect, line("A", 5_000, 2), line("B", 4_000), line("C", 3_000))
    # 14,000 becomes 9,900: 4,100 off is 2,928.57 of 10,000 and 1,171.43 of 4,000.
    assert found.payable_by_line == (7_071, 2_829, 3_000)
    assert cost(effect, line("A", 3_000, 3)) == (9_000,)
    assert cost({"any_for": {**effect["any_for"], "most_times": 1}}, line("A", 5_000, 6)) == (24_900,)
    assert missed(effect, line("A", 5_000, 2)) == (Why.MIN_QUANTITY, 1)


def test_a_package_shares_its_price_by_the_list_prices_of_its_parts() -> None:
    """299.00 for a pot of 200.00, a tray of 120.00 and four cups of 20.00 (400.00 by list): 149.50, 89.70 and 59.80."""
    parts: list[Any] = [
        {"quantity": 1, "select": {"skus": ["POT"]}},
        {"quantity": 1, "select": {"skus": ["TRAY"]}},
        {"quantity": 4, "select": {"skus": ["CUP"]}},
    ]
    effect = {"package": {"parts": parts, "price_minor": 29_900}}
    lines = (line("POT", 20_000), line("TRAY", 12_000), line("CUP", 2_000, 4))
    assert cost(effect, *lines) == (14_950, 8_970, 5_980)
    twice = tuple(line(one.sku, one.unit_price_minor, one.quantity * 2 + 1) for one in lines)
    assert cost(effect, *twice) == (49_900, 29_940, 13_960)
    assert missed(effect, line("POT", 20_000), line("CUP", 2_000, 3)) == (Why.MIN_QUANTITY, 2)


def test_a_package_that_does_not_divide_still_sums_to_the_fen() -> None:
    """100.00 for three of 33.50 and one of 19.97: 120.47, 20.47 off is 17.08 and 3.39."""
    parts: list[Any] = [{"quantity": 3, "select": {"skus": ["A"]}}, {"quantity": 1, "select": {"skus": ["B"]}}]
    priced = priced_by({"package": {"parts": parts, "price_minor": 10_000}}, line("A", 3_350, 3), line("B", 1_997))
    assert priced.payable_by_line == (10_050 - 1_708, 1_997 - 339)
    assert sorted(share.off_minor * share.units for share in priced.effects[0].shares) == [339, 570, 2 * 569]
