"""A bonus in parts comes whole, on the days that were promised."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.basket import MAX_POINTS
from contract.calendar import LAST_DAY
from contract.errors import ContractError
from rules.beside.instalments import instalments, monthly_instalments
from rules.beside.months import last_of_month, last_of_year, month_later

EPOCH = date(1970, 1, 1).toordinal()


def day(year: int, month: int, of_month: int) -> int:
    """The day of a calendar date."""
    return date(year, month, of_month).toordinal() - EPOCH


def test_100_yuan_in_3_weekly_parts_are_33_34_33_33_and_33_33() -> None:
    assert instalments(10_000, 3, 7, 20_000) == ((20_000, 3_334), (20_007, 3_333), (20_014, 3_333))


@given(st.integers(0, MAX_POINTS), st.integers(1, 60), st.integers(1, 40), st.integers(0, 50_000))
def test_the_parts_sum_to_the_whole_and_differ_by_at_most_one(
    amount: int, parts: int, every_days: int, first_day: int
) -> None:
    found = instalments(amount, parts, every_days, first_day)
    amounts = [part for _day, part in found]
    assert sum(amounts) == amount
    assert amounts == sorted(amounts, reverse=True)
    assert not amounts or 0 < max(amounts) <= min(amounts) + 1
    assert [when for when, _part in found] == [first_day + index * every_days for index in range(len(found))]
    assert [part for _day, part in monthly_instalments(amount, parts, first_day)] == amounts


def test_a_bonus_smaller_than_its_parts_comes_in_as_many_parts_as_it_has_units() -> None:
    assert instalments(2, 12, 30, 0) == ((0, 1), (30, 1))
    assert instalments(0, 12, 30, LAST_DAY) == ()


def test_monthly_parts_come_on_the_31st_or_the_months_last_day() -> None:
    found = monthly_instalments(300, 3, day(2026, 1, 31))
    assert found == ((day(2026, 1, 31), 100), (day(2026, 2, 28), 100), (day(2026, 3, 31), 100))


@pytest.mark.parametrize(
    ("amount", "parts", "every_days", "first_day", "path"),
    [
        (-1, 1, 7, 0, "amount"),
        (MAX_POINTS + 1, 1, 7, 0, "amount"),
        (True, 1, 7, 0, "amount"),
        (1, 0, 7, 0, "parts"),
        (1, 521, 7, 0, "parts"),
        (1, 1, 0, 0, "every_days"),
        (1, 1, 7, -1, "first_day"),
        (2, 2, 7, LAST_DAY, "every_days"),
    ],
)
def test_parts_out_of_range_are_refused_with_the_field(
    amount: int, parts: int, every_days: int, first_day: int, path: str
) -> None:
    with pytest.raises(ContractError) as caught:
        instalments(amount, parts, every_days, first_day)
    assert caught.value.path == path


def test_monthly_parts_past_the_calendar_are_refused() -> None:
    with pytest.raises(ContractError) as caught:
        monthly_instalments(2, 2, LAST_DAY)
    assert caught.value.path == "parts"


@given(st.integers(0, LAST_DAY), st.integers(0, 1_300))
def test_a_month_later_is_the_same_day_of_the_month_or_its_last(start: int, months: int) -> None:
    before, after = (date.fromordinal(EPOCH + when) for when in (start, month_later(start, months)))
    assert (after.year * 12 + after.month) - (before.year * 12 + before.month) == months
    assert after.day == before.day or (after.day < before.day and (date.fromordinal(after.toordinal() + 1)).day == 1)


def test_the_last_day_of_a_month_and_of_a_year() -> None:
    assert last_of_month(day(2028, 2, 1)) == day(2028, 2, 29)
    assert last_of_month(day(2026, 12, 31)) == day(2026, 12, 31)
    assert last_of_year(day(2026, 1, 1)) == day(2026, 12, 31)
    assert last_of_year(LAST_DAY) == LAST_DAY
