"""The engine agrees to the minor unit with an evaluator that was written from the documentation alone."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as some

from conformance.effects import ALLOCS, PICKS, ROUNDS
from conformance.report import Status
from conformance.run import run_line
from tests.conformance import naive
from tests.conformance.neutral import case

Strategy = some.SearchStrategy[Any]
PRICES = some.one_of(some.integers(0, 3_000), some.sampled_from([0, 1, 99, 100, 333, 1000]))
SKUS, CATEGORIES = ["A", "B", "C"], ["x", "y"]
VALUES = some.one_of(some.integers(0, 120), some.sampled_from(["10.5", "33.33", "0.01"]))


def cart() -> Strategy:
    line = some.fixed_dictionaries(
        {"sku": some.sampled_from(SKUS), "unit_price": PRICES, "qty": some.integers(1, 7)},
        optional={
            "category": some.lists(some.sampled_from(CATEGORIES), max_size=2, unique=True),
            "floor_unit_price": PRICES,
            "already_reduced": some.booleans(),
            "discountable": some.sampled_from([True, True, False]),
            "selected": some.sampled_from([True, True, False]),
        },
    )
    numbered = some.lists(line, max_size=5)
    return numbered.map(lambda lines: [{"id": f"l{place}", **found} for place, found in enumerate(lines)])


def selects() -> Strategy:
    return some.fixed_dictionaries(
        {},
        optional={
            "sku": some.lists(some.sampled_from(SKUS), min_size=1, unique=True),
            "category": some.lists(some.sampled_from(CATEGORIES), min_size=1, unique=True),
            "not_category": some.lists(some.sampled_from(CATEGORIES), max_size=1),
            "price_min": PRICES,
            "price_max": PRICES,
            "exclude_reduced": some.booleans(),
        },
    )


def record(kind: str, needed: dict[str, Strategy], *options: str) -> Strategy:
    known = {
        "select": selects(),
        "pick": some.sampled_from(PICKS),
        "round": some.sampled_from(ROUNDS),
        "alloc": some.sampled_from(ALLOCS),
        "scope": some.sampled_from(["unit", "line", "order"]),
        "max_units": some.integers(1, 5),
        "max_units_per_line": some.integers(1, 3),
        "percent": VALUES,
        "times": some.integers(1, 3),
    }
    chosen = {name: known[name] for name in ("select", *options)}
    return some.fixed_dictionaries({"kind": some.just(kind), **needed}, optional=chosen)


def steps(of: Strategy) -> Strategy:
    thresholds = some.integers(0, 20_000) | some.integers(0, 8)
    return some.lists(some.tuples(thresholds, of).map(list), max_size=3, unique_by=lambda step: step[0])


def side(*options: str) -> Strategy:
    needed = {"qty": some.integers(1, 3)}
    return record("side", needed, "pick", *options).map(
        lambda found: {name: value for name, value in found.items() if name != "kind"}
    )


UNITS = ("scope", "max_units", "max_units_per_line", "pick", "round", "alloc")
SMALL = some.integers(0, 4)
EFFECTS = some.one_of(
    record("percent", {"value": VALUES}, *UNITS),
    record("amount", {"value": PRICES}, *UNITS),
    record("order_price", {"value": PRICES}, "round", "alloc"),
    record("unit_price", {"value": PRICES}),
    record("bundle", {"units": some.integers(1, 5), "price": PRICES}, "pick", "round", "alloc"),
    record("free_units", {"units": some.integers(1, 5)}, "pick", "percent", "round"),
    record("first_then", {"first": PRICES, "then": PRICES, "max_units": SMALL}),
    record("buy_get", {"buy": side(), "get": side("percent")}, "times", "round"),
    record("groups", {"size": some.integers(1, 4), "of": some.just("percent"), "value": VALUES}, "round"),
    record("groups", {"size": some.integers(1, 4), "of": some.just("amount"), "tiers": steps(PRICES), "base": PRICES}),
    record("tiered", {"by": some.just("qty"), "of": some.just("percent"), "tiers": steps(VALUES)}, *UNITS),
    record("tiered", {"by": some.just("spend"), "of": some.just("amount"), "tiers": steps(PRICES)}, *UNITS),
)


@settings(max_examples=400, deadline=None)
@given(cart(), EFFECTS)
def test_one_effect_takes_off_each_line_what_the_documentation_says(
    lines: list[dict[str, Any]], effect: dict[str, Any]
) -> None:
    expected = naive.discounts(lines, effect)
    paid = sum(line["unit_price"] * line["qty"] for line in lines if line.get("selected", True))
    expect = {"lines": expected, "subtotal": paid, "total": paid - sum(expected.values())}
    result = run_line(case([effect], expect, cart=lines), "line 1")
    assert result.status is Status.PASSED, result.why
