"""No basket of one article meets more effects than was said, and what could be sold is not said to be too many."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.basket import Basket, BasketLine, Customer
from contract.trade import MAX_EFFECTS
from rules.crowding import most_effects
from rules.engine import acting
from rules.engine.compiled import compile_pack
from rules.engine.price import price
from tests.rules.samples import pack, rule

MOST_EFFECTS_OF_A_RULE = 8
OFF = {"amount": {"off_minor": 1, "scope": "basket"}}


def off(name: str, when: list[dict[str, Any]], **more: Any) -> Any:
    """A rule that takes one fen off."""
    return rule(name, "basket", OFF, when=when, **more)


def test_the_engine_leaves_no_rule_out_of_a_sale_that_an_entry_holds() -> None:
    assert MAX_EFFECTS + MOST_EFFECTS_OF_A_RULE <= acting.MAX_EFFECTS


@pytest.mark.parametrize(
    ("asked", "most"),
    [
        ([], 40),
        ([{"tier": ["gold"]}], 40),
        ([{"category": "food"}], 40),
        ([{"tier": ["gold"]}, {"category": "food"}, {}], 40),
        # Of these never more than half, a third, a day's or one shop's meet.
        ([{"tier": ["gold"]}, {"tier": ["silver"]}], 20),
        ([{"shop": ["a"]}, {"shop": ["b"]}, {"all": [{"shop": ["c"]}, {"tier": ["gold"]}]}], 14),
        ([{"sku": f"S-{number}"} for number in range(40)], 1),
        ([{"dates": {"first": f"2026-0{month}-01", "last": f"2026-0{month}-28"}} for month in range(1, 9)], 5),
        ([{"dates": {"first": "2026-01-01", "last": "2026-12-31"}}], 40),
        ([{"any": [{"shop": ["a"]}, {"tier": ["gold"]}]}], 40),
        # An article may be in two categories, but one rule for both is one effect.
        ([{"category": "food"}, {"category": "toys"}], 40),
        ([{"category": "food toys"}], 40),
        ([{"group": "one"}], 1),
        ([{"per_sale": 3}], 120),
        ([{"paused": True}], 0),
        ([{"set": "food"}, {"sku": "S-1"}], 40),
        ([{"spend": "TEA"}, {"spend": "CUP"}], 20),
    ],
)
def test_what_cannot_meet_in_one_article_is_not_counted_together(asked: list[dict[str, Any]], most: int) -> None:
    rules = [asking(number, asked[number % len(asked)] if asked else {}) for number in range(40)]
    sets = [{"name": "food", "select": {"categories": ["food"]}}]
    assert most_effects(pack(*rules, sets=sets, groups=[{"name": "one"}])) == most


def asking(number: int, asked: dict[str, Any]) -> Any:
    """A rule that asks for one thing, of its goods or otherwise."""
    select: dict[str, Any] = {}
    more: dict[str, Any] = {}
    when: list[dict[str, Any]] = []
    match asked:
        case {"category": names}:
            select = {"categories": names.split()}
        case {"sku": sku}:
            select = {"skus": [sku]}
        case {"set": name}:
            select = {"set": name}
        case {"spend": sku}:
            when = [{"spend": {"at_least_minor": 1, "select": {"skus": [sku]}}}]
        case {"group": name}:
            more = {"groups": [name]}
        case {"per_sale": times}:
            more = {"limits": {"per_sale": times}}
        case {"paused": paused}:
            more = {"paused": paused}
        case _:
            when = [asked] if asked else []
    effect = {"amount": {"off_minor": 1, "scope": "basket", **({"select": select} if select else {})}}
    return rule(f"r{number}", "basket", effect, when=when, **more)


def test_a_gift_that_asks_for_no_goods_is_counted_for_every_basket() -> None:
    gifts = [
        rule(f"g{number}", "basket", {"gift": {"sku": "CUP", "select": {"skus": [f"S-{number}"]}}})
        for number in range(5)
    ]
    each = [
        rule(f"e{number}", "basket", {"gift": {"sku": "CUP", "every": 1, "select": {"skus": [f"S-{number}"]}}})
        for number in range(5)
    ]
    assert (most_effects(pack(*gifts)), most_effects(pack(*each))) == (5, 1)


def test_both_sides_of_buy_and_get_and_every_part_of_a_package_must_find_the_article() -> None:
    pairs = [
        rule(
            f"b{number}",
            "basket",
            {
                "buy_get": {
                    "buy": {"quantity": 1, "select": {"skus": [f"S-{number}"]}},
                    "get": {"quantity": 1},
                    "rate_bp": 1,
                }
            },
        )
        for number in range(5)
    ]
    packages = [
        rule(
            f"p{number}",
            "basket",
            {"package": {"parts": [{"quantity": 1, "select": {"skus": [f"S-{number}"]}}], "price_minor": 1}},
        )
        for number in range(5)
    ]
    assert most_effects(pack(*pairs, *packages)) == 2


NAMES = st.sampled_from(["a", "b", "c"])
ASKED = st.lists(
    st.one_of(
        NAMES.map(lambda name: {"tier": [name]}),
        NAMES.map(lambda name: {"shop": [name]}),
        NAMES.map(lambda name: {"tag": [name]}),
        st.lists(NAMES, min_size=1, max_size=3, unique=True).map(
            lambda names: {"any": [{"shop": [name]} for name in names]}
        ),
        st.just({"weekday": [1, 2, 3, 4, 5, 6, 7]}),
        NAMES.map(lambda name: {"quantity": {"at_least": 1, "select": {"categories": [name]}}}),
    ),
    max_size=2,
)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(ASKED, st.sampled_from([(), ("one",), ("two", "one")])), min_size=1, max_size=12),
    NAMES,
    NAMES,
    st.sets(NAMES, max_size=3),
    st.sets(NAMES, min_size=1, max_size=3),
)
def test_no_basket_of_one_article_meets_more_effects_than_the_bound(
    made: list[tuple[list[dict[str, Any]], tuple[str, ...]]],
    tier: str,
    shop: str,
    tags: set[str],
    categories: set[str],
) -> None:
    rules = pack(
        *(off(f"r{number}", when, groups=list(groups)) for number, (when, groups) in enumerate(made)),
        groups=[{"name": "one"}, {"name": "two"}],
    )
    line = BasketLine("S-1", 3, 10_000, tuple(sorted(categories)))
    sold = Basket((line,), Customer(tier, tuple(sorted(tags))), shop, "t1")
    assert len(price(sold, compile_pack(rules)).effects) <= most_effects(rules)
