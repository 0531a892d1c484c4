"""A pack's time zones are what the machine's database says of their years, and no other name is taken for one."""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.errors import ContractError, Reason
from hq.zones import FIRST_YEAR, LAST_YEAR, zone_steps
from rules.grammar.pack import Pack, Zone
from rules.pack import GRAMMAR
from rules.references import require_sense

ZONES = ("Asia/Shanghai", "Europe/Berlin", "America/New_York", "Africa/Casablanca", "Australia/Lord_Howe", "UTC")
STEPS = {name: zone_steps(name) for name in ZONES}


@given(st.sampled_from(ZONES), st.datetimes(datetime(FIRST_YEAR, 1, 1), datetime(LAST_YEAR, 12, 31, 23, 59)))
def test_at_any_moment_of_those_years_the_clock_is_the_databases(name: str, moment: datetime) -> None:
    at = moment.replace(tzinfo=UTC)
    step = STEPS[name][bisect_right([step.from_s for step in STEPS[name]], int(at.timestamp())) - 1]
    assert at.astimezone(ZoneInfo(name)).utcoffset() == timedelta(seconds=step.offset_s - 86_400)


def test_the_clock_changes_at_the_very_second() -> None:
    # Summer time in the European Union began on 29 March 2026 at 01:00 UTC.
    change = int(datetime(2026, 3, 29, 1, tzinfo=UTC).timestamp())
    assert [step.offset_s - 86_400 for step in STEPS["Europe/Berlin"] if step.from_s == change] == [7_200]


@pytest.mark.parametrize("name", ZONES)
def test_the_steps_make_sense_in_a_pack(name: str) -> None:
    require_sense(Pack(GRAMMAR, "CNY", (), (), zones=(Zone(name, STEPS[name]),)))


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("Asia/Shangai", "Asia/Shanghai"),
        ("asia/shanghai", "Asia/Shanghai"),
        ("../../etc/passwd", ""),
        ("localtime", ""),
        ("posixrules", ""),
        ("/usr/share/zoneinfo/UTC", ""),
        ("UTC\x00", "UTC"),
        ("", ""),
        ("x" * 100_000, ""),
    ],
)
def test_what_is_no_zone_is_refused_with_what_was_probably_meant(name: str, meant: str) -> None:
    with pytest.raises(ContractError, match="no such time zone") as caught:
        zone_steps(name)
    assert caught.value.reason is Reason.OUT_OF_RANGE
    assert (f"did you mean {meant}?" in caught.value.detail) if meant else True
