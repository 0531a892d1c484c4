"""Points grow by the stated part of what stood the whole month, to the millionth, posted whole and dated."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract import wire
from contract.basket import MAX_POINTS
from contract.calendar import LAST_DAY
from contract.errors import ContractError
from rules.beside.growth import (
    MILLION,
    Accrual,
    Change,
    Growing,
    GrowthRule,
    Posted,
    Rounding,
    accrued,
    growing_from,
    grown,
)
from rules.beside.months import month_later

RULE = GrowthRule(1_000, Rounding.FLOOR)
"""0.1 % a month."""

NEW_YEAR = 20_454
"""2026-01-01."""


def after_months(months: int) -> int:
    """The posting day so many months after new year."""
    return month_later(NEW_YEAR, months)


def test_1000_points_growing_a_thousandth_a_month_are_1012_after_a_year() -> None:
    found = grown(RULE, growing_from(NEW_YEAR), 1_000, after_months(12))
    assert found.balance_points == 1_012
    assert [(entry.day, entry.points) for entry in found.posted] == [(after_months(n), 1) for n in range(1, 13)]
    assert found.growing.carried_millionths == 66_220


@pytest.mark.parametrize(
    ("rounding", "points", "carried"),
    [(Rounding.FLOOR, 1_007, 528_000), (Rounding.HALF_UP, 1_008, -472_000), (Rounding.CEIL, 1_008, -472_000)],
)
def test_the_rounding_says_when_a_fraction_becomes_a_point(rounding: Rounding, points: int, carried: int) -> None:
    found = grown(GrowthRule(7_528, rounding), growing_from(NEW_YEAR), 1_000, after_months(1))
    assert (found.balance_points, found.growing.carried_millionths) == (points, carried)


def test_many_small_months_add_up_although_none_makes_a_point() -> None:
    found = grown(RULE, growing_from(NEW_YEAR), 100, after_months(10))
    assert found.posted == (Posted(after_months(10), 1),)


@settings(max_examples=60)
@given(st.integers(0, 10**7), st.integers(0, 50_000), st.integers(0, 24), st.sampled_from(Rounding))
def test_points_and_carry_are_the_exact_compound_to_a_millionth_a_month(
    points: int, rate_ppm: int, months: int, rounding: Rounding
) -> None:
    found = grown(GrowthRule(rate_ppm, rounding), growing_from(NEW_YEAR), points, after_months(months))
    exact = points * (1 + Fraction(rate_ppm, MILLION)) ** months
    ours = found.balance_points + Fraction(found.growing.carried_millionths, MILLION)
    slack = months * (1 + Fraction(rate_ppm, MILLION)) ** months / MILLION
    assert exact - slack <= ours <= exact
    assert found.balance_points == points + found.growing.added_points
    assert found.growing.added_points == sum(entry.points for entry in found.posted)


@settings(max_examples=60)
@given(
    st.integers(0, 5_000),
    st.lists(st.tuples(st.integers(0, 400), st.integers(-50, 400)), max_size=8),
    st.lists(st.integers(0, 400), max_size=4),
)
def test_posting_month_by_month_or_all_at_once_comes_to_the_same(
    points: int, moves: list[tuple[int, int]], stops: list[int]
) -> None:
    rule = GrowthRule(13_000, Rounding.HALF_UP, base_cap_points=3_000)
    changes = [Change(NEW_YEAR + day, amount) for day, amount in moves]
    once = grown(rule, growing_from(NEW_YEAR), points, NEW_YEAR + 400, changes)
    state, balance, posted = growing_from(NEW_YEAR), points, list[Posted]()
    for stop in [*sorted(stops), 400]:
        reached = month_later(state.since_day, state.months)
        step = grown(rule, state, balance, NEW_YEAR + stop, [change for change in changes if change.day >= reached])
        state, balance = step.growing, step.balance_points
        posted += step.posted
    assert (state, balance, tuple(posted)) == (once.growing, once.balance_points, once.posted)


def test_points_bought_for_the_last_day_grow_from_the_next_month_on() -> None:
    late = [Change(after_months(1) - 1, 1_000_000)]
    assert grown(RULE, growing_from(NEW_YEAR), 0, after_months(1), late).posted == ()
    assert grown(RULE, growing_from(NEW_YEAR), 0, after_months(2), late).posted == (Posted(after_months(2), 1_000),)


def test_points_spent_and_given_back_on_one_day_stood_the_whole_month() -> None:
    moves = [Change(NEW_YEAR + 5, -1_000), Change(NEW_YEAR + 5, 1_000)]
    assert grown(RULE, growing_from(NEW_YEAR), 1_000, after_months(1), moves).balance_points == 1_001


def test_what_lies_above_the_base_cap_does_not_grow() -> None:
    rule = replace(RULE, base_cap_points=1_000)
    assert grown(rule, growing_from(NEW_YEAR), 50_000, after_months(12)).balance_points == 50_012


def test_growth_never_adds_more_than_the_total_cap() -> None:
    rule = replace(RULE, total_cap_points=5)
    found = grown(rule, growing_from(NEW_YEAR), 1_000, after_months(12))
    assert (found.balance_points, found.growing) == (1_005, Growing(NEW_YEAR, 12, 0, 5))
    assert accrued(rule, found.growing, 1_005, after_months(12) + 20).accrued_millionths == 0


def test_a_balance_in_debt_does_not_grow() -> None:
    assert grown(RULE, growing_from(NEW_YEAR), -5_000, after_months(12)).balance_points == -5_000


def test_the_running_month_accrues_by_its_days_and_looking_posts_nothing() -> None:
    state = growing_from(NEW_YEAR)
    assert accrued(RULE, state, 31_000, NEW_YEAR) == Accrual(NEW_YEAR, 31_000, 0)
    assert accrued(RULE, state, 31_000, NEW_YEAR + 10) == Accrual(NEW_YEAR + 10, 31_000, 10 * MILLION)
    at_due = accrued(RULE, state, 31_000, after_months(1))
    assert at_due == Accrual(after_months(1), 31_031, 0)
    spent = accrued(RULE, state, 31_000, NEW_YEAR + 10, [Change(NEW_YEAR + 10, -31_000)])
    assert spent == Accrual(NEW_YEAR + 10, 0, 0)


def test_an_account_begun_on_the_31st_posts_on_each_months_last_day_and_returns_to_the_31st() -> None:
    begun = NEW_YEAR + 30
    found = grown(replace(RULE, rate_ppm=MILLION), growing_from(begun), 1, month_later(begun, 2))
    assert [entry.day - NEW_YEAR for entry in found.posted] == [58, 89]


@pytest.mark.parametrize(
    ("rule", "growing", "balance", "today", "changes", "path"),
    [
        (replace(RULE, rate_ppm=MILLION + 1), growing_from(0), 0, 1, [], "rule.rate_ppm"),
        (replace(RULE, base_cap_points=-1), growing_from(0), 0, 1, [], "rule.base_cap_points"),
        (RULE, Growing(0, 0, 2 * MILLION, 0), 0, 1, [], "growing.carried_millionths"),
        (RULE, growing_from(0), MAX_POINTS + 1, 1, [], "balance_points"),
        (RULE, growing_from(0), MAX_POINTS, 31, [], "balance_points"),
        (RULE, growing_from(0), MAX_POINTS, 31, [Change(1, MAX_POINTS)], "balance_points"),
        (RULE, growing_from(0), 0, -1, [], "today_day"),
        (RULE, growing_from(0), 0, LAST_DAY, [], "today_day"),
        (RULE, Growing(0, 1, 0, 0), 0, 40, [Change(30, 1)], "changes[0].day"),
        (RULE, growing_from(0), 0, 1, [Change(0, 0)] * 10_001, "changes"),
    ],
)
def test_what_is_out_of_range_is_refused_with_the_field(
    rule: GrowthRule, growing: Growing, balance: int, today: int, changes: list[Change], path: str
) -> None:
    with pytest.raises(ContractError) as caught:
        grown(rule, growing, balance, today, changes)
    assert caught.value.path == path


def test_rule_and_state_are_records() -> None:
    rule, state = replace(RULE, total_cap_points=9), Growing(1, 2, -3, 4)
    assert wire.unpack(GrowthRule, wire.pack(rule), 60) == rule
    assert wire.unpack(Growing, wire.pack(state), 60) == state
