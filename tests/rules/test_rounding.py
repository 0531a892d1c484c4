"""Rounding: named, exact for every sign, and the same for a refund as for its sale."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.errors import ContractError, Reason
from rules.rounding import Rounding, divide, part, to_step

NUMERATORS = st.integers(-(10**15), 10**15) | st.integers(-60, 60)
DENOMINATORS = st.integers(1, 10**9) | st.integers(1, 12)
MIRRORED = (Rounding.DOWN, Rounding.UP, Rounding.HALF_UP, Rounding.HALF_DOWN, Rounding.HALF_EVEN)


def reference(value: Fraction, rounding: Rounding) -> int:
    """The rounding of an exact fraction, said in the words of its definition."""
    low, high = math.floor(value), math.ceil(value)
    toward, away = (low, high) if value >= 0 else (high, low)
    outright = {Rounding.FLOOR: low, Rounding.CEIL: high, Rounding.DOWN: toward, Rounding.UP: away}
    if rounding in outright:
        return outright[rounding]
    if value - low != high - value:
        return low if value - low < high - value else high
    even = low if low % 2 == 0 else high
    return {Rounding.HALF_UP: away, Rounding.HALF_DOWN: toward, Rounding.HALF_EVEN: even}[rounding]


@given(NUMERATORS, DENOMINATORS, st.sampled_from(Rounding))
def test_a_quotient_is_rounded_as_the_exact_fraction_is(numerator: int, denominator: int, rounding: Rounding) -> None:
    assert divide(numerator, denominator, rounding) == reference(Fraction(numerator, denominator), rounding)


@given(NUMERATORS, DENOMINATORS, st.sampled_from(MIRRORED))
def test_what_is_given_back_is_rounded_as_it_was_taken(numerator: int, denominator: int, rounding: Rounding) -> None:
    assert divide(-numerator, denominator, rounding) == -divide(numerator, denominator, rounding)


@pytest.mark.parametrize(
    ("rounding", "of_halves"),
    [
        (Rounding.DOWN, [-2, -1, 0, 0, 1, 2]),
        (Rounding.UP, [-3, -2, -1, 1, 2, 3]),
        (Rounding.FLOOR, [-3, -2, -1, 0, 1, 2]),
        (Rounding.CEIL, [-2, -1, 0, 1, 2, 3]),
        (Rounding.HALF_UP, [-3, -2, -1, 1, 2, 3]),
        (Rounding.HALF_DOWN, [-2, -1, 0, 0, 1, 2]),
        (Rounding.HALF_EVEN, [-2, -2, 0, 0, 2, 2]),
    ],
)
def test_each_way_of_rounding_sends_a_half_where_its_name_says(rounding: Rounding, of_halves: list[int]) -> None:
    assert [divide(numerator, 2, rounding) for numerator in (-5, -3, -1, 1, 3, 5)] == of_halves


def test_a_part_is_a_rate_in_basis_points_rounded_half_up_unless_told() -> None:
    assert part(26_800, 1_000) == 2_680
    assert (part(1_005, 1_000), part(-1_005, 1_000)) == (101, -101)
    assert part(1_005, 1_000, Rounding.DOWN) == 100
    assert (part(333, 0), part(333, 10_000)) == (0, 333)


@pytest.mark.parametrize(
    ("amount_minor", "step_minor", "rounding", "expected"),
    [
        (1_234, 5, Rounding.HALF_UP, 1_235),
        (1_232, 5, Rounding.HALF_UP, 1_230),
        (1_239, 10, Rounding.DOWN, 1_230),
        (1_231, 10, Rounding.UP, 1_240),
        (1_299, 100, Rounding.DOWN, 1_200),
        (-1_235, 10, Rounding.HALF_UP, -1_240),
        (1_225, 50, Rounding.HALF_EVEN, 1_200),
    ],
)
def test_an_amount_goes_to_a_multiple_of_its_step(
    amount_minor: int, step_minor: int, rounding: Rounding, expected: int
) -> None:
    assert to_step(amount_minor, step_minor, rounding) == expected


@given(NUMERATORS, st.integers(1, 10_000), st.sampled_from(Rounding))
def test_a_step_never_moves_an_amount_by_a_whole_step_and_leaves_multiples_alone(
    amount_minor: int, step_minor: int, rounding: Rounding
) -> None:
    stepped = to_step(amount_minor, step_minor, rounding)
    assert stepped % step_minor == 0
    assert abs(stepped - amount_minor) < step_minor
    assert to_step(stepped, step_minor, rounding) == stepped


@pytest.mark.parametrize("denominator", [0, -1])
def test_nothing_is_divided_by_nothing_or_by_less(denominator: int) -> None:
    with pytest.raises(ContractError) as refused:
        divide(1, denominator, Rounding.HALF_UP)
    assert refused.value.reason is Reason.OUT_OF_RANGE
