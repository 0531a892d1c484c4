"""Splits: the parts are the whole, to the unit, and no part takes more than it can bear."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.errors import ContractError, Reason
from rules.rounding import Rounding
from rules.shares import Split, fill, split

AMOUNTS = st.integers(0, 10**12) | st.integers(0, 40)
WEIGHTS = st.lists(st.integers(0, 10**9) | st.integers(0, 6), min_size=1, max_size=12).filter(any)
METHODS = st.sampled_from(Split)
ROUNDINGS = st.sampled_from(Rounding)
ONE = st.integers(0, 10**9) | st.integers(0, 6)
PARTS_WITH_CAPACITY = st.lists(st.tuples(ONE, ONE), min_size=1, max_size=12)


@given(AMOUNTS, WEIGHTS, METHODS, ROUNDINGS)
def test_the_parts_sum_to_the_whole_and_none_is_negative(
    amount: int, weights: list[int], method: Split, rounding: Rounding
) -> None:
    parts = split(amount, weights, method, rounding)
    assert len(parts) == len(weights)
    assert sum(parts) == amount
    assert all(part == 0 if not weight else part >= 0 for part, weight in zip(parts, weights, strict=True))


@given(WEIGHTS, st.data(), METHODS, ROUNDINGS)
def test_no_part_exceeds_its_weight_while_the_amount_is_within_their_sum(
    weights: list[int], data: st.DataObject, method: Split, rounding: Rounding
) -> None:
    amount = data.draw(st.integers(0, sum(weights)))
    parts = split(amount, weights, method, rounding)
    assert sum(parts) == amount
    assert all(0 <= part <= weight for part, weight in zip(parts, weights, strict=True))


@given(AMOUNTS, WEIGHTS)
def test_largest_remainder_is_within_one_unit_of_the_exact_share(amount: int, weights: list[int]) -> None:
    total = sum(weights)
    for part, weight in zip(split(amount, weights), weights, strict=True):
        assert abs(part - Fraction(amount * weight, total)) < 1


@given(AMOUNTS, WEIGHTS, METHODS)
def test_no_method_moves_any_part_but_the_last_by_more_than_the_units_rounding_left(
    amount: int, weights: list[int], method: Split
) -> None:
    total = sum(weights)
    parts = split(amount, weights, method)
    last = max(index for index, weight in enumerate(weights) if weight)
    for index, (part, weight) in enumerate(zip(parts, weights, strict=True)):
        bound = len(weights) if index == last else 2
        assert abs(part - Fraction(amount * weight, total)) < bound


@given(AMOUNTS, WEIGHTS, METHODS, ROUNDINGS)
def test_a_negative_amount_mirrors_the_positive_one(
    amount: int, weights: list[int], method: Split, rounding: Rounding
) -> None:
    mirrored = tuple(-part for part in split(amount, weights, method, rounding))
    assert split(-amount, weights, method, rounding) == mirrored


@pytest.mark.parametrize(
    ("amount", "weights", "method", "rounding", "expected"),
    [
        (300, [4_000, 2_000, 2_000], Split.LARGEST, Rounding.FLOOR, (150, 75, 75)),
        (-300, [4_000, 2_000, 2_000], Split.LARGEST, Rounding.FLOOR, (-150, -75, -75)),
        (95, [10, 20, 10, 30, 50, 20, 10, 40], Split.LARGEST, Rounding.FLOOR, (5, 10, 5, 15, 25, 10, 5, 20)),
        (1_000, [5_000, 5_000, 5_000], Split.FIRST, Rounding.FLOOR, (334, 333, 333)),
        (1_000, [5_000, 5_000, 5_000], Split.LAST, Rounding.FLOOR, (333, 333, 334)),
        (2_000, [3_000, 1_000], Split.LAST, Rounding.HALF_UP, (1_500, 500)),
        (1_377, [3_000, 1_000], Split.LAST, Rounding.HALF_UP, (1_033, 344)),
        (0, [3_000, 1_000], Split.LAST, Rounding.HALF_UP, (0, 0)),
        (1_000, [0, 1_000], Split.LAST, Rounding.HALF_UP, (0, 1_000)),
        (1_333, [3_000, 1_000], Split.LAST, Rounding.HALF_UP, (1_000, 333)),
        (100, [700, 700, 700], Split.LAST, Rounding.DOWN, (33, 33, 34)),
        (50, [200, 150], Split.LAST, Rounding.FLOOR, (28, 22)),
        (10_600, [10_000, 600], Split.FIRST, Rounding.FLOOR, (10_000, 600)),
        (200, [200, 100], Split.FIRST, Rounding.FLOOR, (134, 66)),
        (200, [200, 100], Split.FIRST, Rounding.HALF_DOWN, (133, 67)),
        (10, [0, 3, 3, 3], Split.FIRST, Rounding.FLOOR, (0, 4, 3, 3)),
        (10, [3, 3, 3, 0], Split.LAST, Rounding.FLOOR, (3, 3, 4, 0)),
    ],
)
def test_a_split_gives_the_rest_to_whom_its_method_names(
    amount: int, weights: list[int], method: Split, rounding: Rounding, expected: tuple[int, ...]
) -> None:
    assert split(amount, weights, method, rounding) == expected


def test_a_last_part_that_would_owe_is_lifted_to_nothing_by_its_neighbours() -> None:
    assert split(5, [1] * 10, Split.LAST, Rounding.HALF_UP) == (1, 1, 1, 1, 1, 0, 0, 0, 0, 0)


def test_a_last_part_that_would_burst_is_relieved_by_its_neighbours() -> None:
    assert split(5, [1] * 10, Split.LAST, Rounding.DOWN) == (0, 0, 0, 0, 0, 1, 1, 1, 1, 1)


@given(AMOUNTS, PARTS_WITH_CAPACITY, METHODS, ROUNDINGS)
def test_no_part_is_filled_above_its_capacity_and_all_that_fits_is_placed(
    amount: int, given_parts: list[tuple[int, int]], method: Split, rounding: Rounding
) -> None:
    weights = [weight for weight, _capacity in given_parts]
    capacities = [capacity for _weight, capacity in given_parts]
    parts = fill(amount, weights, capacities, method, rounding)
    room = [capacity if weight else 0 for weight, capacity in given_parts]
    assert all(0 <= part <= most for part, most in zip(parts, room, strict=True))
    assert sum(parts) == min(amount, sum(room))
    assert fill(-amount, weights, capacities, method, rounding) == tuple(-part for part in parts)


@given(AMOUNTS, PARTS_WITH_CAPACITY)
def test_every_open_part_stands_within_one_unit_of_the_same_level(
    amount: int, given_parts: list[tuple[int, int]]
) -> None:
    weights = [weight for weight, _capacity in given_parts]
    parts = fill(amount, weights, [capacity for _weight, capacity in given_parts])
    levels = water_level(amount, given_parts)
    assert all(abs(part - level) < 1 for part, level in zip(parts, levels, strict=True))


def water_level(amount: int, given_parts: list[tuple[int, int]]) -> list[Fraction]:
    """What each part holds when the amount is poured in round by round without any rounding."""
    held = [Fraction(0)] * len(given_parts)
    left = Fraction(amount)
    for _round in given_parts:
        open_parts = [i for i, (weight, capacity) in enumerate(given_parts) if weight and held[i] < capacity]
        total = sum(given_parts[i][0] for i in open_parts)
        if not left or not open_parts:
            break
        poured = {i: min(left * given_parts[i][0] / total, given_parts[i][1] - held[i]) for i in open_parts}
        for i, more in poured.items():
            held[i] += more
        left -= sum(poured.values())
    return held


@given(AMOUNTS, WEIGHTS, METHODS, ROUNDINGS)
def test_with_room_for_everything_filling_is_splitting(
    amount: int, weights: list[int], method: Split, rounding: Rounding
) -> None:
    room = [amount] * len(weights) if amount >= sum(weights) else weights
    assert fill(amount, weights, room, method, rounding) == split(amount, weights, method, rounding)


@pytest.mark.parametrize("method", Split)
@pytest.mark.parametrize(
    ("amount", "weights", "capacities", "expected"),
    [
        (1_000, [5_000], [500], (500,)),
        (2_000, [5_000, 2_000], [500, 2_000], (500, 1_500)),
        (2_700, [10_000, 4_000, 4_000], [1_000, 4_000, 4_000], (1_000, 850, 850)),
        (2_700, [10_000, 4_000], [1_000, 4_000], (1_000, 1_700)),
        (2_700, [10_000, 0, 4_000], [1_000, 0, 4_000], (1_000, 0, 1_700)),
        (9_999, [10, 20], [3, 4], (3, 4)),
        (5, [0, 0], [10, 10], (0, 0)),
        (0, [1, 2], [0, 0], (0, 0)),
    ],
)
def test_what_a_price_floor_refuses_goes_to_the_other_lines(
    amount: int, weights: list[int], capacities: list[int], expected: tuple[int, ...], method: Split
) -> None:
    assert fill(amount, weights, capacities, method) == expected


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 10**12), METHODS, ROUNDINGS)
def test_ten_thousand_parts_that_fill_one_after_another_are_still_placed(
    amount: int, method: Split, rounding: Rounding
) -> None:
    weights = [10_000] * 10_000
    capacities = [index * index for index in range(10_000)]
    parts = fill(amount, weights, capacities, method, rounding)
    assert sum(parts) == min(amount, sum(capacities))
    assert all(0 <= part <= most for part, most in zip(parts, capacities, strict=True))


@pytest.mark.parametrize(
    ("amount", "weights"),
    [(1, []), (1, [0, 0]), (-1, [0]), (1, [2, -1]), (0, [-1]), (1, [-1])],
)
def test_an_amount_without_weight_and_a_negative_weight_are_refused(amount: int, weights: list[int]) -> None:
    with pytest.raises(ContractError) as refused:
        split(amount, weights)
    assert (refused.value.reason, refused.value.path) == (Reason.OUT_OF_RANGE, "weights")


@pytest.mark.parametrize(
    ("weights", "capacities", "path"),
    [([1], [1, 2], "capacities"), ([1, 2], [1, -1], "capacities"), ([1, -2], [1, 1], "weights")],
)
def test_capacities_that_do_not_fit_the_parts_are_refused(weights: list[int], capacities: list[int], path: str) -> None:
    with pytest.raises(ContractError) as refused:
        fill(1, weights, capacities)
    assert (refused.value.reason, refused.value.path) == (Reason.OUT_OF_RANGE, path)


def test_nothing_over_nobody_is_nothing() -> None:
    assert split(0, []) == fill(0, [], []) == fill(5, [], []) == ()
