"""A group by the line: each line gets the rule of the group that takes most off it, all of them at one turn."""

from __future__ import annotations

from typing import Any

from contract.basket import Basket, BasketLine, Customer, Stock
from rules.engine.compiled import compile_pack
from rules.engine.price import price
from rules.priced import Priced
from tests.rules.samples import basket, pack, percent, rule


def test_the_best_line_rules_of_a_basket_differ_by_line() -> None:
    """20 % off tea (1,000 and 300) against 100 off each unit: 200 beats 100, 100 beats 60."""
    rules = [
        {**percent("fifth", 2_000, lane="line", scope="line"), "groups": ["line"]},
        rule("hundred", "line", {"amount": {"off_minor": 100, "scope": "unit"}}, groups=["line"]),
    ]
    whole = compile_pack(pack(*rules, groups=[{"name": "line", "per": "line"}]))
    priced = price(basket(1_000, 300), whole)
    assert priced.payable_by_line == (800, 200)
    assert {effect.rule: effect.off_minor for effect in priced.effects} == {"fifth": 200, "hundred": 100}


def test_the_rules_of_a_group_act_at_the_turn_of_its_first_rule_whether_or_not_that_one_applies() -> None:
    """100.00 less half is 50.00, less 10.00 is 40.00; a first rule for members alone takes the turn of nobody."""
    rules = [
        {**percent("members", 100, 9, "line", "line"), "when": [{"member": True}], "groups": ["line"]},
        rule("ten", "line", {"amount": {"off_minor": 1_000, "scope": "line"}}, priority=5),
        {**percent("half", 5_000, 1, "line", "line"), "groups": ["line"]},
    ]
    whole = compile_pack(pack(*rules, groups=[{"name": "line", "per": "line"}]))
    assert (
        price(basket(10_000), whole).payable_minor == price(basket(10_000, tier="gold"), whole).payable_minor == 4_000
    )


def test_by_the_line_points_stock_and_the_total_are_used_once() -> None:
    """Each rule alone could spend the same 300 points, give the last cup, round the total: together they cannot."""

    def by_line(name: str, sku: str, *effects: Any) -> Any:
        off = {"amount": {"off_minor": 150, "scope": "line", "select": {"skus": [sku]}}}
        return rule(name, "line", *(effects or (off,)), groups=["line"])

    def bought(*rules: Any) -> Priced:
        goods = (BasketLine("A", 1, 1_000), BasketLine("B", 1, 1_000))
        whole = pack(*rules, groups=[{"name": "line", "per": "line"}])
        return price(Basket(goods, Customer("gold", points=300), stock=(Stock("CUP", 1),)), compile_pack(whole))

    def points_price(sku: str) -> Any:
        return {"points_price": {"points": 300, "price_minor": 100, "select": {"skus": [sku]}}}

    spent = bought(by_line("a", "A", points_price("A")), by_line("b", "B", points_price("B")))
    assert (spent.points_spent, spent.payable_by_line) == (300, (100, 1_000))
    whole_or_not = {"pay_points": {"points": 1, "minor": 1}}
    split = bought(by_line("a", "A", whole_or_not), by_line("b", "B"))
    assert (split.points_spent, split.payable_by_line) == (0, (1_000, 850))
    gift = {"gift": {"sku": "CUP"}}
    offs = [{"amount": {"off_minor": 150, "scope": "line", "select": {"skus": [sku]}}} for sku in "AB"]
    given = bought(by_line("a", "A", offs[0], gift), by_line("b", "B", offs[1], gift))
    assert sum(one.count for effect in given.effects for one in effect.gifts) == 1
    assert given.payable_by_line == (850, 850)
    down = {"round_total": {"to_minor": 1_000, "mode": "down"}}
    rounded = bought(by_line("a", "A", offs[0], down), by_line("b", "B"))
    assert (rounded.payable_by_line, rounded.rounding_minor, rounded.payable_minor) == ((850, 850), -700, 1_000)


def test_a_rule_in_two_groups_by_the_line_shares_no_line_with_either() -> None:
    """``both`` takes most off the first line; the others of its groups share what it leaves, and the second with each
    other, since they have no group together.
    """

    def off(name: str, minor: int, groups: list[str], **select: list[str]) -> Any:
        effect = {"amount": {"off_minor": minor, "scope": "line", "select": select}}
        return rule(name, "line", effect, groups=groups)

    rules = [
        off("both", 500, ["one", "two"], skus=["SKU-0"]),
        off("first", 100, ["one"]),
        off("second", 70, ["two"]),
    ]
    groups = [{"name": name, "per": "line"} for name in ("one", "two")]
    priced = price(basket(1_000, 1_000), compile_pack(pack(*rules, groups=groups)))
    assert priced.payable_by_line == (500, 830)
