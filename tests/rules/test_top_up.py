"""What a top-up of stored value brings: the ladder's step, in money, points, coupons and counts, when it comes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.basket import Basket, BasketLine, Customer, PlannedTender, RuleUsage
from contract.calendar import DAY_MINUTES, LAST_DAY, day_of
from contract.errors import ContractError, Reason
from contract.money import MAX_AMOUNT_MINOR
from contract.trace import Given
from rules.engine.compiled import compile_pack
from rules.engine.shortfall import Why
from rules.engine.topping import Brought, ToppedUp, top_up
from tests.rules.samples import pack, rule

TODAY = day_of("2026-06-18")
HERS = Basket((), Customer("gold"), "north", moment_ms=TODAY * DAY_MINUTES * 60_000)
MORE: dict[str, Any] = {
    "zones": ["UTC"],
    "coupons": [{"coupon": "next", "title": "n", "title_en": "n", "valid_from_days": 0, "valid_days": 9}],
    "count_cards": [{"card": "wash", "title": "w", "title_en": "w", "valid_days": 9}],
    "groups": [{"name": "one"}],
}


def ladder(*steps: Any, **more: Any) -> Any:
    """A top-up ladder of ``(amount, bonus)`` steps or whole ones."""
    written = [step if isinstance(step, dict) else {"amount_minor": step[0], "bonus_minor": step[1]} for step in steps]
    return {"top_up": {"steps": written, **more}}


def brought(amount: int, *rules: Any, basket: Basket = HERS) -> ToppedUp:
    """What a top-up brings under these rules."""
    return top_up(amount, basket, compile_pack(pack(*rules, **MORE)))


def bonus(amount: int, effect: Any, basket: Basket = HERS, **more: Any) -> int:
    """The bonus money under one rule with this ladder."""
    return sum(one.bonus_minor for one in brought(amount, rule("it", "line", effect, **more), basket=basket).brought)


@pytest.mark.parametrize(
    ("amount", "wanted"), [(9_999, 0), (10_000, 1_000), (49_999, 1_000), (50_000, 8_000), (900_000, 8_000)]
)
def test_the_highest_step_reached_counts(amount: int, wanted: int) -> None:
    """Top up 100 and get 10, 500 and get 80."""
    assert bonus(amount, ladder((10_000, 1_000), (50_000, 8_000))) == wanted


def test_a_step_not_reached_says_how_much_is_missing() -> None:
    found = brought(9_000, rule("it", "line", ladder((10_000, 1_000))))
    assert found.brought == () and found.shortfalls[0][0] == "it"
    assert (found.shortfalls[0][1].why, found.shortfalls[0][1].missing) == (Why.MIN_SPEND, 1_000)


@pytest.mark.parametrize(("most", "amount", "wanted"), [(None, 35_000, 3_000), (2, 35_000, 2_000), (None, 9_999, 0)])
def test_every_full_amount_counts_up_to_the_most(most: int | None, amount: int, wanted: int) -> None:
    limited = {} if most is None else {"most_times": most}
    assert bonus(amount, ladder((10_000, 1_000), every=True, **limited)) == wanted


def test_a_step_brings_money_points_coupons_and_uses_at_once() -> None:
    step = {
        "amount_minor": 10_000,
        "bonus_minor": 500,
        "points": 20,
        "coupons": [{"coupon": "next", "count": 2}],
        "counts": [{"card": "wash", "uses": 3}],
    }
    found = brought(20_000, rule("it", "line", ladder(step, every=True), funded_by="north"))
    assert found.brought == (
        Brought("it", 1_000, ((TODAY, 1_000),), 40, (Given("next", 4),), (Given("wash", 6),), "north"),
    )


def test_a_bonus_in_parts_comes_on_its_days_and_sums_to_the_fen() -> None:
    """100.00 in three parts 30 days apart: 33.34, 33.33 and 33.33."""
    found = brought(10_000, rule("it", "line", ladder((10_000, 10_000), parts=3, every_days=30)))
    assert found.brought[0].instalments == ((TODAY, 3_334), (TODAY + 30, 3_333), (TODAY + 60, 3_333))


def test_without_a_day_or_beyond_the_calendar_the_bonus_comes_at_once() -> None:
    in_parts = rule("it", "line", ladder((10_000, 10_000), parts=3, every_days=30))
    unknown = brought(10_000, in_parts, basket=replace(HERS, moment_ms=None)).brought[0]
    assert unknown.instalments == ((0, 10_000),)
    late = replace(HERS, moment_ms=(LAST_DAY - 10) * DAY_MINUTES * 60_000)
    assert brought(10_000, in_parts, basket=late).brought[0].instalments == ((LAST_DAY - 10, 10_000),)


def test_conditions_and_limits_hold_for_top_ups_too() -> None:
    effect = ladder((10_000, 1_000))
    assert bonus(10_000, effect, when=[{"tier": ["silver"]}]) == 0
    assert bonus(10_000, effect, when=[{"shop": ["north"]}, {"dates": {"last": "2026-06-18"}}]) == 1_000
    by_cash = replace(HERS, tenders=(PlannedTender("cash", 10_000),))
    assert bonus(10_000, effect, by_cash, when=[{"tender": ["cash"]}]) == 1_000
    first: dict[str, Any] = {"limits": {"per_member": 1}}
    assert bonus(10_000, effect, **first) == 1_000
    assert bonus(10_000, effect, replace(HERS, usage=(RuleUsage("it", member=1),)), **first) == 0
    assert bonus(10_000, effect, paused=True) == 0


@pytest.mark.parametrize(("given_minor", "share", "wanted"), [(0, None, 1_000), (4_001, None, 0), (0, 999, 0)])
def test_a_bonus_fits_into_the_budget_or_does_not_come(given_minor: int, share: int | None, wanted: int) -> None:
    usage = RuleUsage("it", given_minor=given_minor, share_minor=share)
    used = replace(HERS, usage=(usage,))
    assert bonus(10_000, ladder((10_000, 1_000)), used, limits={"budget_minor": 5_000}) == wanted


def test_of_rules_that_exclude_each_other_the_one_of_higher_priority_applies_in_any_lane() -> None:
    low = rule("low", "line", ladder((10_000, 9_000)), groups=["one"])
    high = rule("high", "points", ladder((10_000, 500)), groups=["one"], priority=5)
    free = rule("free", "tender", ladder((10_000, 1)))
    found = brought(10_000, low, high, free)
    assert [one.rule for one in found.brought] == ["high", "free"]
    assert [(name, missed.why) for name, missed in found.shortfalls] == [("low", Why.EXCLUDED)]
    unreached = {**high, "then": [ladder((20_000, 500))]}
    assert [one.rule for one in brought(10_000, low, unreached).brought] == ["low"]


def test_several_ladders_of_a_rule_add_up_and_never_exceed_the_largest_amount() -> None:
    two = rule("it", "line", ladder((100, 60_000_000)), ladder((100, 70_000_000), parts=2, every_days=1))
    found = brought(100, two).brought[0]
    assert found.bonus_minor == MAX_AMOUNT_MINOR == sum(amount for _day, amount in found.instalments)


@settings(max_examples=60)
@given(
    st.integers(1, 2_000_000),
    st.lists(st.integers(1, 500_000), min_size=1, max_size=4, unique=True),
    st.integers(1, 90_000),
    st.integers(1, 24),
)
def test_the_parts_of_a_bonus_sum_to_it_and_more_money_never_brings_less(
    amount: int, starts: list[int], figure: int, parts: int
) -> None:
    steps = [(start, figure * (index + 1)) for index, start in enumerate(sorted(starts))]
    in_parts = {"parts": parts, "every_days": 7} if parts > 1 else {}
    whole = compile_pack(pack(rule("it", "line", ladder(*steps, **in_parts)), **MORE))
    here, more = top_up(amount, HERS, whole), top_up(amount + 1_000, HERS, whole)
    for one in here.brought:
        assert sum(part for _day, part in one.instalments) == one.bonus_minor
        assert len(one.instalments) <= parts
        assert more.brought and more.brought[0].bonus_minor >= one.bonus_minor


@pytest.mark.parametrize("amount", [0, -1, MAX_AMOUNT_MINOR + 1])
def test_an_amount_that_cannot_be_topped_up_is_refused(amount: int) -> None:
    with pytest.raises(ContractError) as caught:
        brought(amount, rule("it", "line", ladder((100, 1))))
    assert (caught.value.reason, caught.value.path) == (Reason.OUT_OF_RANGE, "amount_minor")


def test_a_basket_of_goods_is_no_top_up() -> None:
    with pytest.raises(ContractError) as caught:
        brought(100, basket=Basket((BasketLine("A", 1, 1),)))
    assert caught.value.path == "lines"
