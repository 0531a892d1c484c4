"""A stay costs what the tariff says, and its length is known although the till restarts or its clock is set."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract import wire
from contract.errors import ContractError, Reason
from contract.journal import TimeQuality
from contract.money import MAX_AMOUNT_MINOR
from rules.beside.metering import (
    Certainty,
    Forgotten,
    FreeMinutes,
    Reading,
    Session,
    StepKind,
    Tariff,
    advanced,
    begun,
    metered,
    require_tariff,
)

POOL = Tariff(60, 3_000, 15, 800, Forgotten(1_440), 120)
"""The first hour 30.00, then 8.00 for every 15 minutes that have started."""

TEN_MS = 1_780_000_000_000
"""When the customer comes in: ten o'clock."""
MINUTE_MS = 60_000
DAY_MS = 1_440 * MINUTE_MS
BRIDGE = POOL.bridge_minutes
SOUND = TimeQuality.SYNCHRONISED

TARIFFS = st.builds(
    Tariff,
    first_minutes=st.integers(0, 200),
    first_minor=st.integers(0, 5_000),
    unit_minutes=st.integers(1, 200),
    unit_minor=st.integers(0, 1_000),
    forgotten=st.builds(Forgotten, st.integers(101, 4_000)),
    bridge_minutes=st.just(60),
    free_minutes=st.integers(0, 100),
    free=st.sampled_from(FreeMinutes),
    day_cap_minor=st.one_of(st.none(), st.integers(0, 20_000)),
)


def at(minute: int, boot: int = 1, since_boot: int | None = None, wall_off_ms: int = 0) -> Reading:
    """The clocks so many minutes after ten, in a boot that is at minute ``since_boot``."""
    monotonic = minute + 500 if since_boot is None else since_boot
    wall_ms = TEN_MS + minute * MINUTE_MS + wall_off_ms
    return Reading(bytes([boot]) * 16, monotonic * MINUTE_MS, wall_ms, SOUND)


def stay(*readings: Reading) -> Session:
    """The session of these readings."""
    session = begun(readings[0])
    for reading in readings[1:]:
        session = advanced(session, reading, BRIDGE)
    return session


def test_10_00_to_11_20_is_30_for_the_first_hour_and_16_for_two_quarters() -> None:
    session = stay(at(0), at(80))
    found = metered(POOL, session.minutes)
    assert (session.certainty, found.units, found.amount_minor) == (Certainty.MEASURED, 2, 4_600)
    assert [(step.kind, step.count, step.minutes, step.each_minor, step.amount_minor) for step in found.steps] == [
        (StepKind.FIRST, 1, 60, 3_000, 3_000),
        (StepKind.UNITS, 2, 15, 800, 1_600),
    ]


@pytest.mark.parametrize("jump_ms", [DAY_MS, -DAY_MS])
def test_a_clock_set_by_a_day_within_a_boot_changes_nothing(jump_ms: int) -> None:
    session = stay(at(0), at(30), at(40, wall_off_ms=jump_ms), at(80, wall_off_ms=jump_ms))
    assert session == replace(stay(at(0), at(80)), last=session.last)
    assert metered(POOL, session.minutes).amount_minor == 4_600


@pytest.mark.parametrize("jump_ms", [0, DAY_MS, -DAY_MS])
def test_a_restart_in_between_keeps_the_session_also_after_the_clock_was_set(jump_ms: int) -> None:
    session = stay(
        at(0),
        at(20),
        at(44, wall_off_ms=jump_ms),
        at(50, boot=2, since_boot=1, wall_off_ms=jump_ms),
        at(80, boot=2, since_boot=31, wall_off_ms=jump_ms),
    )
    assert metered(POOL, session.minutes).amount_minor == 4_600
    assert (session.elapsed_ms, session.bridged_ms) == (80 * MINUTE_MS, 6 * MINUTE_MS)
    assert session.certainty is Certainty.BRIDGED


def test_a_clock_that_went_backwards_over_a_restart_takes_nothing_away_and_is_doubtful() -> None:
    session = stay(at(0), at(44), at(50, 2, 1, -DAY_MS), at(80, 2, 31, -DAY_MS))
    assert (session.elapsed_ms, session.bridged_ms) == (74 * MINUTE_MS, 0)
    assert session.certainty is Certainty.DOUBTFUL


def test_a_leap_over_a_restart_is_believed_up_to_the_bridge_and_is_doubtful() -> None:
    session = stay(at(0), at(44), at(50, 2, 1, DAY_MS), at(80, 2, 31, DAY_MS))
    assert session.elapsed_ms == (44 + BRIDGE + 30) * MINUTE_MS
    assert session.certainty is Certainty.DOUBTFUL


def test_a_bridge_on_a_doubtful_clock_is_doubtful() -> None:
    session = stay(at(0), at(44), replace(at(50, 2, 1), quality=TimeQuality.DOUBTFUL), at(80, 2, 31))
    assert (session.minutes, session.certainty) == (80, Certainty.DOUBTFUL)


def test_a_terminal_that_the_session_comes_back_to_knows_exactly_how_long_it_was() -> None:
    elsewhere = at(30, 9, 7_000, wall_off_ms=20 * MINUTE_MS)
    assert stay(at(0), elsewhere).minutes == 50
    session = stay(at(0), elsewhere, at(80))
    assert (session.minutes, session.bridged_ms, session.certainty) == (80, 0, Certainty.MEASURED)


def test_boots_that_the_kernel_does_not_name_are_never_taken_for_one() -> None:
    session = stay(at(0, boot=0, since_boot=500), at(80, boot=0, since_boot=1))
    assert (session.minutes, session.bridged_ms) == (80, 80 * MINUTE_MS)


def test_a_reading_that_comes_late_changes_nothing() -> None:
    session = stay(at(0), at(80))
    assert advanced(session, at(79), BRIDGE) == session


def test_a_minute_that_has_only_begun_is_the_customers() -> None:
    late = replace(at(60), monotonic_ms=at(60).monotonic_ms + MINUTE_MS - 1)
    assert metered(POOL, stay(at(0), late).minutes).amount_minor == 3_000


@given(
    st.lists(st.tuples(st.integers(0, 300), st.integers(-(2**40), 2**40), st.booleans()), max_size=12),
    st.integers(0, 9),
)
def test_a_session_never_runs_backwards_and_never_beyond_what_passed_and_what_may_be_bridged(
    moves: list[tuple[int, int, bool]], bridge_minutes: int
) -> None:
    boot, since_boot, wall_ms = 1, 1_000, 2**41
    session = begun(Reading(bytes([boot]) * 16, since_boot, wall_ms, SOUND))
    most_ms = 0
    for passed_ms, leap_ms, restarts in moves:
        wall_ms = max(wall_ms + passed_ms + leap_ms, 0)
        boot, since_boot = (boot + 1, 5) if restarts else (boot, since_boot + passed_ms)
        most_ms += bridge_minutes * MINUTE_MS if restarts else passed_ms
        after = advanced(session, Reading(bytes([boot]) * 16, since_boot, wall_ms, SOUND), bridge_minutes)
        assert session.elapsed_ms <= after.elapsed_ms <= most_ms
        session = after
    assert session.certainty is not Certainty.MEASURED or session.bridged_ms == 0


def test_a_session_outlives_the_power_as_bytes() -> None:
    session = stay(at(0), at(44), at(50, 2, 1))
    assert wire.unpack(Session, wire.pack(session), 400) == session
    assert wire.unpack(Tariff, wire.pack(POOL), 200) == POOL


@pytest.mark.parametrize(
    ("minutes", "amount_minor"), [(0, 3_000), (1, 3_000), (60, 3_000), (61, 3_800), (75, 3_800), (76, 4_600)]
)
def test_a_unit_is_charged_once_it_has_started(minutes: int, amount_minor: int) -> None:
    assert metered(POOL, minutes).amount_minor == amount_minor


@pytest.mark.parametrize(
    ("minutes", "within", "taken_off"),
    [(0, 0, 0), (1, 0, 0), (10, 0, 0), (11, 3_000, 3_000), (70, 3_800, 3_000), (71, 3_800, 3_800)],
)
def test_free_minutes_are_either_for_short_stays_or_for_every_stay(minutes: int, within: int, taken_off: int) -> None:
    tariff = replace(POOL, free_minutes=10)
    assert metered(tariff, minutes).amount_minor == within
    assert metered(replace(tariff, free=FreeMinutes.TAKEN_OFF), minutes).amount_minor == taken_off


def test_the_daily_cap_is_for_each_24_hours_and_shown_as_its_own_line() -> None:
    tariff = replace(POOL, day_cap_minor=10_000, forgotten=Forgotten(5_000))
    found = metered(tariff, 1_440 + 61)
    assert [(step.kind, step.count, step.amount_minor) for step in found.steps] == [
        (StepKind.FIRST, 1, 3_000),
        (StepKind.UNITS, 97, 77_600),
        (StepKind.DAY_CAP, 1, -66_600),
    ]
    assert found.amount_minor == 10_000 + 5 * 800


def test_a_forgotten_tap_out_costs_its_fee_or_what_the_longest_stay_costs() -> None:
    by_time = replace(POOL, forgotten=Forgotten(180))
    assert [metered(by_time, minutes).amount_minor for minutes in (180, 181, 10**9)] == [9_400, 9_400, 9_400]
    assert [metered(by_time, minutes).forgotten for minutes in (180, 181)] == [False, True]
    by_fee = metered(replace(POOL, forgotten=Forgotten(180, 5_000)), 181)
    assert (by_fee.amount_minor, by_fee.units, by_fee.steps[0].kind) == (5_000, 0, StepKind.FORGOTTEN)


@settings(max_examples=60)
@given(TARIFFS, st.integers(0, 5_000))
def test_every_stay_costs_the_sum_of_its_steps_and_a_longer_one_never_less(tariff: Tariff, minutes: int) -> None:
    found = metered(tariff, minutes)
    assert found.amount_minor == sum(step.amount_minor for step in found.steps) >= 0
    assert metered(tariff, minutes + 1).amount_minor >= found.amount_minor


@settings(max_examples=60)
@given(TARIFFS, st.integers(0, 4_500))
def test_a_stay_reckoned_minute_by_minute_comes_to_the_same(tariff: Tariff, minutes: int) -> None:
    whole = minutes = min(minutes, tariff.forgotten.after_minutes)
    if tariff.free is FreeMinutes.TAKEN_OFF:
        minutes -= min(minutes, tariff.free_minutes)
    nothing = tariff.free_minutes and whole <= tariff.free_minutes
    days = [0] * 4
    days[0] = tariff.first_minor
    for minute in range(tariff.first_minutes, minutes):
        if (minute - tariff.first_minutes) % tariff.unit_minutes == 0:
            days[minute // 1_440] += tariff.unit_minor
    cap_minor = tariff.day_cap_minor
    capped = days if cap_minor is None else [min(day, cap_minor) for day in days]
    expected = 0 if nothing else sum(capped)
    assert metered(tariff, whole).amount_minor == expected


@pytest.mark.parametrize(
    ("tariff", "path"),
    [
        (replace(POOL, unit_minutes=0), "tariff.unit_minutes"),
        (replace(POOL, first_minor=-1), "tariff.first_minor"),
        (replace(POOL, first_minutes=1_441), "tariff.first_minutes"),
        (replace(POOL, day_cap_minor=MAX_AMOUNT_MINOR + 1), "tariff.day_cap_minor"),
        (replace(POOL, free_minutes=1_440), "tariff.free_minutes"),
        (replace(POOL, forgotten=Forgotten(0)), "tariff.forgotten.after_minutes"),
        (replace(POOL, unit_minor=MAX_AMOUNT_MINOR), "tariff.forgotten.after_minutes"),
        (replace(POOL, unit_minor=True), "tariff.unit_minor"),
    ],
)
def test_a_tariff_without_sense_is_refused_with_the_field(tariff: Tariff, path: str) -> None:
    with pytest.raises(ContractError) as caught:
        require_tariff(tariff)
    assert caught.value.path == path


def test_minutes_and_readings_out_of_range_are_refused() -> None:
    with pytest.raises(ContractError) as caught:
        metered(POOL, -1)
    assert (caught.value.reason, caught.value.path) == (Reason.OUT_OF_RANGE, "minutes")
    with pytest.raises(ContractError) as caught:
        advanced(begun(at(0)), replace(at(1), wall_ms=-1), BRIDGE)
    assert caught.value.path == "reading.wall_ms"
    with pytest.raises(ContractError) as caught:
        begun(replace(at(1), boot_id=b"short"))
    assert caught.value.path == "reading.boot_id"
    with pytest.raises(ContractError) as caught:
        advanced(begun(at(0)), at(1), -1)
    assert caught.value.path == "bridge_minutes"
