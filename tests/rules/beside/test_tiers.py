"""A tier is what was bought or grown in the window, kept by grace, and never lowered by spending points."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract import wire
from contract.calendar import LAST_DAY
from contract.errors import ContractError
from rules.beside import lots
from rules.beside.tiers import Basis, Ladder, Movement, Rung, risen_to, tier_of

RUNGS = (Rung("bronze", 0), Rung("silver", 1_000_000), Rung("gold", 2_000_000))
YEARLY = Ladder(Basis.SPEND, RUNGS, 365, 30)
GROWTH = replace(YEARLY, basis=Basis.GROWTH, rungs=(Rung("silver", 100), Rung("gold", 500)))

LADDERS = st.builds(
    Ladder,
    st.sampled_from(Basis),
    st.sampled_from([(Rung("a", 0), Rung("b", 10), Rung("c", 25)), (Rung("b", 10),)]),
    st.integers(0, 12),
    st.integers(0, 8),
    st.booleans(),
    st.booleans(),
)
MOVEMENTS = st.lists(
    st.builds(
        lambda day, spend, growth, lasts: Movement(day, spend, growth, None if lasts is None else day + lasts),
        st.integers(0, 40),
        st.integers(-6, 15),
        st.integers(-6, 15),
        st.one_of(st.none(), st.integers(0, 20)),
    ),
    max_size=12,
)


def spent(day: int, amount_minor: int) -> Movement:
    """A sale that gives one growth point a yuan."""
    return Movement(day, amount_minor, amount_minor // 100)


@pytest.mark.parametrize(
    ("spent_minor", "sale_minor", "tier", "by_the_next_sale"),
    [
        (0, 600_000, "bronze", "bronze"),
        (400_000, 50_000, "bronze", "bronze"),
        (2_200_000, 500_000, "gold", "gold"),
        (0, 1_000_000, "silver", "bronze"),
        (1_800_000, 300_000, "gold", "silver"),
    ],
)
def test_whether_the_very_sale_counts_is_the_ladders_own_word(
    spent_minor: int, sale_minor: int, tier: str, by_the_next_sale: str
) -> None:
    before, sale = [spent(100, spent_minor)], spent(100, sale_minor)
    assert tier_of(YEARLY, before, 100, sale).tier == tier
    assert tier_of(replace(YEARLY, sale_counts=False), before, 100, sale).tier == by_the_next_sale


def test_a_threshold_is_reached_or_must_be_exceeded_as_the_ladder_says() -> None:
    assert tier_of(YEARLY, [spent(1, 1_000_000)], 1).tier == "silver"
    above = replace(YEARLY, above=True)
    standing = tier_of(above, [spent(1, 1_000_000)], 1)
    assert (standing.tier, standing.next_tier, standing.missing) == ("bronze", "silver", 1)
    assert tier_of(above, [], 1).tier is None


def test_what_is_missing_to_the_next_tier_is_told_and_nothing_is_missing_at_the_top() -> None:
    standing = tier_of(YEARLY, [spent(10, 1_500_000), spent(20, 468_000)], 20)
    assert (standing.tier, standing.next_tier, standing.missing) == ("silver", "gold", 32_000)
    top = tier_of(YEARLY, [spent(10, 2_000_000)], 10)
    assert (top.tier, top.next_tier, top.missing, top.keep_missing) == ("gold", None, 0, 0)


def test_the_sale_that_crosses_is_congratulated_on_once() -> None:
    history = [spent(10, 900_000)]
    first, second = spent(20, 100_000), spent(20, 50_000)
    assert risen_to(YEARLY, history, first, 20) == "silver"
    assert risen_to(YEARLY, [*history, first], second, 20) is None
    assert risen_to(GROWTH, [], Movement(20, 0, 100), 20) == "silver"


def test_a_movement_leaves_the_window_and_the_tier_is_kept_through_the_grace() -> None:
    history = [spent(100, 1_000_000)]
    assert [tier_of(YEARLY, history, day).tier for day in (464, 465, 494, 495)] == [
        "silver",
        "silver",
        "silver",
        "bronze",
    ]
    assert tier_of(YEARLY, history, 200).until_day == 494
    in_grace = tier_of(YEARLY, history, 480)
    assert (in_grace.tier, in_grace.counted, in_grace.keep_missing, in_grace.until_day) == ("silver", 0, 1_000_000, 494)
    assert tier_of(YEARLY, history, 495).until_day is None


def test_growth_points_expire_on_their_own_day_where_they_have_one() -> None:
    history = [Movement(10, 0, 500, 40), Movement(12, 0, 100)]
    ladder = replace(GROWTH, grace_days=0)
    assert [tier_of(ladder, history, day).tier for day in (9, 10, 40, 41)] == [None, "gold", "gold", "silver"]
    assert tier_of(ladder, history, 20).until_day == 40


def test_a_refund_dated_as_its_sale_leaves_the_tier_as_if_nothing_had_been_bought() -> None:
    history = [spent(10, 1_000_000), spent(10, -1_000_000)]
    assert tier_of(YEARLY, history, 12) == tier_of(YEARLY, [], 12)


def test_a_movement_dated_after_today_does_not_count_yet() -> None:
    assert tier_of(YEARLY, [spent(11, 1_000_000)], 10) == tier_of(YEARLY, [], 10)


@given(st.lists(st.tuples(st.integers(0, 400), st.booleans()), min_size=1, max_size=20))
def test_spending_points_never_lowers_a_tier(moves: list[tuple[int, bool]]) -> None:
    account, history = lots.EMPTY, list[Movement]()
    for day, (points, buys) in enumerate(moves):
        before = tier_of(GROWTH, history, day)
        if buys:
            account, _earning = lots.earn(account, bytes([day]) * 16, points, day, None)
            history.append(Movement(day, points * 100, points))
        else:
            found = lots.spend(account, min(points, lots.spendable(account, day)), day)
            assert not isinstance(found, lots.Short)
            account = found[0]
            assert tier_of(GROWTH, history, day) == before
    earned = sum(points for points, buys in moves if buys)
    assert tier_of(GROWTH, history, len(moves)).counted == earned


@settings(max_examples=150)
@given(LADDERS, MOVEMENTS, st.integers(0, 45))
def test_the_tier_and_its_last_day_are_what_a_reckoning_day_by_day_gives(
    ladder: Ladder, movements: list[Movement], today: int
) -> None:
    known = [movement for movement in movements if movement.day <= today]

    def counted(day: int) -> int:
        total = 0
        for movement in known:
            lasts = movement.until_day is None or day <= movement.until_day
            if movement.day <= day and lasts and (not ladder.window_days or day - movement.day < ladder.window_days):
                total += movement.spend_minor if ladder.basis is Basis.SPEND else movement.growth
        return max(total, 0)

    def rank(day: int) -> int:
        best = max(counted(past) for past in range(max(day - ladder.grace_days, 0), day + 1))
        return sum(best > rung.threshold if ladder.above else best >= rung.threshold for rung in ladder.rungs)

    standing = tier_of(ladder, list(reversed(movements)), today)
    assert standing.counted == counted(today)
    assert standing.tier == (ladder.rungs[rank(today) - 1].tier if rank(today) else None)
    if standing.tier is not None:
        ends = [day for day in range(today, 120) if rank(day + 1) < rank(today)]
        assert standing.until_day == (ends[0] if ends else None)
    if standing.next_tier is not None and all(min(moved.spend_minor, moved.growth) >= 0 for moved in movements):
        enough, less = Movement(today, standing.missing, standing.missing), standing.missing - 1
        counting = replace(ladder, sale_counts=True)
        assert tier_of(counting, movements, today, enough).tier == standing.next_tier
        assert tier_of(counting, movements, today, Movement(today, less, less)).tier == standing.tier


def test_a_ladder_is_a_record() -> None:
    assert wire.unpack(Ladder, wire.pack(YEARLY), 200) == YEARLY
    assert wire.unpack(Movement, wire.pack(spent(1, -5)), 40) == spent(1, -5)


@pytest.mark.parametrize(
    ("ladder", "path"),
    [
        (replace(YEARLY, rungs=()), "ladder.rungs"),
        (replace(YEARLY, rungs=(Rung("a", 0), Rung("a", 1))), "ladder.rungs[1].tier"),
        (replace(YEARLY, rungs=(Rung("a", 5), Rung("b", 5))), "ladder.rungs[1].threshold"),
        (replace(YEARLY, rungs=(Rung("A", 5),)), "ladder.rungs[0].tier"),
        (replace(YEARLY, rungs=(Rung("a", -5),)), "ladder.rungs[0].threshold"),
        (replace(YEARLY, window_days=-1), "ladder.window_days"),
        (replace(YEARLY, grace_days=10**9), "ladder.grace_days"),
    ],
)
def test_a_ladder_without_sense_is_refused_with_the_field(ladder: Ladder, path: str) -> None:
    with pytest.raises(ContractError) as caught:
        tier_of(ladder, [], 1)
    assert caught.value.path == path


@pytest.mark.parametrize(
    ("movements", "today", "path"),
    [
        ([Movement(-1, 0, 0)], 1, "movements[0].day"),
        ([spent(1, 1), Movement(1, 2**60, 0)], 1, "movements[1].spend_minor"),
        ([Movement(5, 0, 0, 4)], 5, "movements[0].until_day"),
        ([], LAST_DAY + 1, "today_day"),
        ([spent(1, 1)] * 10_001, 1, "movements"),
    ],
)
def test_a_history_out_of_range_is_refused_with_the_field(movements: list[Movement], today: int, path: str) -> None:
    with pytest.raises(ContractError) as caught:
        tier_of(YEARLY, movements, today)
    assert caught.value.path == path
