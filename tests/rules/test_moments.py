"""A shop's clock read forwards and backwards is one clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from contract.basket import LAST_MOMENT_MS
from contract.calendar import date_of, local_minute_of
from rules import moments
from rules.grammar.pack import ShopFacts, Zone, ZoneStep
from tests.rules.samples import pack

DAY_S = 86_400
AN_HOUR_LATER_S = 1_000_000 * 60
SUMMER = Zone("X/Summer", (ZoneStep(0, DAY_S), ZoneStep(AN_HOUR_LATER_S, DAY_S + 3_600)))
SHANGHAI = Zone("Asia/Shanghai", (ZoneStep(0, DAY_S + 8 * 3_600),))


@pytest.mark.parametrize("zone", [None, SHANGHAI, SUMMER])
def test_the_moment_of_what_a_clock_shows_shows_it(zone: Zone | None) -> None:
    for minute in (999_939, 999_999, 1_000_060, 1_000_061, 29_700_000):
        moment_ms = moments.moment_of(minute, zone)
        assert moment_ms is not None and moments.local_minute_of(moment_ms, zone) == minute


def test_what_is_left_out_when_summer_time_begins_is_shown_at_no_moment() -> None:
    assert moments.moment_of(1_000_000, SUMMER) is None
    assert moments.moment_of(1_000_059, SUMMER) is None
    assert moments.local_minute_of(AN_HOUR_LATER_S * 1_000 - 1, SUMMER) == 999_999
    assert moments.local_minute_of(AN_HOUR_LATER_S * 1_000, SUMMER) == 1_000_060


def test_a_clock_is_read_to_the_last_moment_that_travels() -> None:
    assert moments.local_minute_of(LAST_MOMENT_MS, SHANGHAI) == local_minute_of("2199-12-31T08:00")


def test_a_shop_has_its_own_zone_or_the_first_of_the_pack() -> None:
    zoned = replace(pack(), zones=(SHANGHAI, SUMMER), shops=(ShopFacts("s", "X/Summer"),))
    assert [moments.zone_of(shop, zoned) for shop in ("s", "other", None)] == [SUMMER, SHANGHAI, SHANGHAI]
    assert moments.zone_of("s", replace(pack(), zones=())) is None


def test_the_days_of_the_week_are_those_of_the_calendar() -> None:
    assert [moments.weekday_of(day) for day in range(400)] == [date_of(day).isoweekday() for day in range(400)]
    assert date(1970, 1, 1).isoweekday() == moments.weekday_of(0)
