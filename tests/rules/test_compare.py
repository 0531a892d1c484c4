"""Baskets under two packs: what changes for whom is counted to the fen, in any grouping, and every clamp is listed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.basket import Basket, BasketLine, Customer
from contract.errors import ContractError
from contract.money import MAX_AMOUNT_MINOR
from rules.authoring import read_authored
from rules.compare import MOST_LISTED, NO_TIER, Tally, compared
from rules.engine.compiled import Compiled, compile_pack
from rules.engine.price import price


def pack(*rules: dict[str, Any]) -> Compiled:
    named = [{"title": "规则", "title_en": "rule", "lane": "line"} | rule for rule in rules]
    golden = [{"basket": {"lines": []}, "payable_minor": 0}]
    return compile_pack(read_authored(json.dumps({"currency": "CNY", "rules": named, "golden": golden})))


def gold(rule: str, rate_bp: int) -> dict[str, Any]:
    return {"rule": rule, "when": [{"tier": ["gold"]}], "then": [{"percent": {"rate_bp": rate_bp, "scope": "line"}}]}


OLD = pack(gold("gold-10", 1_000), {"rule": "all-1", "then": [{"amount": {"off_minor": 100, "scope": "basket"}}]})
NEW = pack(gold("gold-15", 1_500))
BASKETS = st.builds(
    lambda prices, tier, floor: Basket(
        tuple(BasketLine(f"s{price_minor % 3}", 1, price_minor, floor_minor=floor) for price_minor in prices),
        Customer(tier) if tier else None,
    ),
    st.lists(st.integers(1, 20_000), min_size=1, max_size=4),
    st.sampled_from(["gold", "silver", ""]),
    st.sampled_from([0, 50, 9_000]),
)


def tallied(baskets: list[Basket], first: int = 0) -> Tally:
    tally = Tally()
    for number, basket in enumerate(baskets, start=first):
        tally.take(basket, number, OLD, NEW)
    return tally


def test_one_basket_says_what_it_cost_and_costs_and_which_rules_came_and_went() -> None:
    change = compared(Basket((BasketLine("a", 1, 10_000),), Customer("gold")), OLD, NEW, 7)
    assert (change.basket, change.tier, change.list_minor) == (7, "gold", 10_000)
    assert (change.old_minor, change.new_minor, change.difference_minor) == (8_910, 8_500, -410)
    assert (change.came, change.went, change.clamps) == (("gold-15",), ("all-1", "gold-10"), ())


def test_a_line_that_the_new_rules_want_below_its_floor_is_listed_with_what_they_wanted() -> None:
    line = BasketLine("a", 2, 10_000, floor_minor=9_000)
    (clamp,) = compared(Basket((line,), Customer("gold")), OLD, NEW).clamps
    assert (clamp.sku, clamp.wanted_minor, clamp.payable_minor) == ("a", 17_000, 18_000)
    no_member = compared(Basket((line,)), OLD, NEW)
    assert no_member.clamps == ()


def test_who_pays_less_and_who_more_is_counted_by_tier() -> None:
    one = BasketLine("a", 1, 10_000)
    tally = tallied([Basket((one,), Customer("gold")), Basket((one,), Customer("silver")), Basket((one,))])
    told = {
        tier: (group.winners, group.losers, group.new_minor - group.old_minor) for tier, group in tally.tiers.items()
    }
    assert told == {"gold": (1, 0, -410), "silver": (0, 1, 100), NO_TIER: (0, 1, 100)}
    assert (tally.whole.baskets, tally.whole.winners, tally.whole.losers) == (3, 1, 2)
    assert (tally.rules["all-1"].old_times, tally.rules["all-1"].new_times, tally.rules["all-1"].old_minor) == (
        3,
        0,
        300,
    )


@given(st.lists(BASKETS, min_size=1, max_size=40), st.integers(0, 40))
def test_a_sum_of_parts_is_the_whole_wherever_it_is_cut(baskets: list[Basket], cut: int) -> None:
    whole = tallied(baskets)
    parts = tallied(baskets[:cut])
    parts.add(tallied(baskets[cut:], first=len(baskets[:cut])))
    assert parts == whole


@given(st.lists(BASKETS, min_size=1, max_size=40))
def test_what_is_counted_is_what_the_engine_says(baskets: list[Basket]) -> None:
    tally = tallied(baskets)
    old, new = ([price(basket, pack) for basket in baskets] for pack in (OLD, NEW))
    assert tally.whole.old_minor == sum(priced.payable_minor for priced in old)
    assert tally.whole.new_minor == sum(priced.payable_minor for priced in new)
    moved = [
        abs(b.payable_minor - a.payable_minor)
        for a, b in zip(old, new, strict=True)
        if a.payable_minor != b.payable_minor
    ]
    assert [abs(change.difference_minor) for change in tally.biggest] == sorted(moved, reverse=True)[:MOST_LISTED]


def test_a_basket_above_the_largest_amount_is_refused_by_its_line() -> None:
    with pytest.raises(ContractError) as caught:
        compared(Basket((BasketLine("a", 2, MAX_AMOUNT_MINOR),)), OLD, NEW)
    assert caught.value.path == "lines[0]"
