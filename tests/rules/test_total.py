"""抹零: a visible line, less than a step, and never a payment below nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract import wire
from contract.errors import ContractError, Reason
from rules.rounding import Rounding
from rules.total import TotalRounding, rounding_minor


@pytest.mark.parametrize(
    ("total_minor", "to_minor", "mode", "line_minor"),
    [
        (12_347, 10, Rounding.DOWN, -7),
        (12_347, 100, Rounding.DOWN, -47),
        (12_345, 10, Rounding.HALF_UP, 5),
        (12_344, 10, Rounding.HALF_UP, -4),
        (12_342, 5, Rounding.HALF_UP, -2),
        (12_301, 100, Rounding.UP, 99),
        (12_300, 100, Rounding.UP, 0),
        (12_347, 1, Rounding.HALF_EVEN, 0),
        (7, 10, Rounding.FLOOR, -7),
        (0, 10_000, Rounding.CEIL, 0),
    ],
)
def test_a_total_goes_to_its_step_by_a_line_that_says_how_much(
    total_minor: int, to_minor: int, mode: Rounding, line_minor: int
) -> None:
    assert rounding_minor(total_minor, TotalRounding(to_minor, mode)) == line_minor


@given(st.integers(0, 10**15), st.integers(1, 10_000), st.sampled_from(Rounding))
def test_what_is_paid_is_a_whole_number_of_steps_and_never_below_nothing(
    total_minor: int, to_minor: int, mode: Rounding
) -> None:
    line_minor = rounding_minor(total_minor, TotalRounding(to_minor, mode))
    assert abs(line_minor) < to_minor
    assert total_minor + line_minor >= 0
    assert (total_minor + line_minor) % to_minor == 0


def test_a_negative_total_is_refused() -> None:
    with pytest.raises(ContractError) as refused:
        rounding_minor(-1, TotalRounding(10, Rounding.DOWN))
    assert (refused.value.reason, refused.value.path) == (Reason.OUT_OF_RANGE, "total_minor")


@pytest.mark.parametrize("mode", Rounding)
def test_how_a_total_is_rounded_travels_in_a_pack(mode: Rounding) -> None:
    how = TotalRounding(10_000, mode)
    assert wire.unpack(TotalRounding, wire.pack(how), 100) == how


@pytest.mark.parametrize("to_minor", [0, -1, 10_001])
def test_a_step_of_nothing_or_of_more_than_a_hundred_is_refused(to_minor: int) -> None:
    with pytest.raises(ContractError) as refused:
        wire.from_wire(TotalRounding, {1: to_minor, 2: "down"}, "total")
    assert (refused.value.reason, refused.value.path) == (Reason.OUT_OF_RANGE, "total.to_minor")
