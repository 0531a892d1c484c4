"""The clock: never below a signed time, honest about how far it can be believed."""

from pathlib import Path

from agent.clock import (
    ASKED_AGAIN_MS,
    FAR_AHEAD_MS,
    JUMP_MS,
    NEAR_MS,
    Jump,
    Sources,
    SystemClock,
    boottime_ns,
    kernel_says_synchronised,
    read_boot_id,
)
from contract.journal import TimeQuality

NOON_MS = 1_760_000_000_000


class Hands:
    """The hands of a clock that a test moves."""

    def __init__(self, wall_ms: int, disciplined: bool = False) -> None:
        self.wall_ms = wall_ms
        self.boot_ms = 5_000
        self.disciplined = disciplined

    def sources(self) -> Sources:
        return Sources(
            wall_ns=lambda: self.wall_ms * 1_000_000 + 999_999,
            boottime_ns=lambda: self.boot_ms * 1_000_000 + 999_999,
            synchronised=lambda: self.disciplined,
        )


def test_a_stamp_is_whole_milliseconds_of_the_machines_own_clocks() -> None:
    stamp = SystemClock(0, Hands(NOON_MS).sources(), b"b" * 16).stamp()
    assert (stamp.wall_ms, stamp.monotonic_ms, stamp.boot_id) == (NOON_MS, 5_000, b"b" * 16)


def test_the_quality_says_whether_anything_disciplines_the_clock() -> None:
    assert SystemClock(0, Hands(NOON_MS, True).sources()).stamp().quality is TimeQuality.SYNCHRONISED
    assert SystemClock(0, Hands(NOON_MS, False).sources()).stamp().quality is TimeQuality.FREE_RUNNING


def test_the_kernel_is_asked_about_its_clock_once_in_a_while_and_when_the_clock_was_set() -> None:
    hands = Hands(NOON_MS, disciplined=True)
    clock = SystemClock(0, hands.sources())
    assert clock.stamp().quality is TimeQuality.SYNCHRONISED
    hands.disciplined = False
    hands.wall_ms, hands.boot_ms = hands.wall_ms + ASKED_AGAIN_MS - 1, hands.boot_ms + ASKED_AGAIN_MS - 1
    assert clock.stamp().quality is TimeQuality.SYNCHRONISED
    hands.wall_ms, hands.boot_ms = hands.wall_ms + 1, hands.boot_ms + 1
    assert clock.stamp().quality is TimeQuality.FREE_RUNNING
    hands.disciplined = True
    for moved_ms in (2, -2):
        hands.wall_ms += moved_ms
        assert (clock.stamp().quality is TimeQuality.SYNCHRONISED) is hands.disciplined
        hands.disciplined = not hands.disciplined


def test_time_below_the_last_signed_time_is_raised_to_it_and_called_doubtful() -> None:
    hands = Hands(NOON_MS - 86_400_000, disciplined=True)
    clock = SystemClock(NOON_MS, hands.sources())
    assert (clock.stamp().wall_ms, clock.stamp().quality) == (NOON_MS, TimeQuality.DOUBTFUL)
    hands.wall_ms = NOON_MS + 1
    assert (clock.stamp().wall_ms, clock.stamp().quality) == (NOON_MS + 1, TimeQuality.SYNCHRONISED)


def test_time_goes_on_above_the_floor_of_a_clock_that_is_behind_it() -> None:
    hands = Hands(NOON_MS - 86_400_000)
    clock = SystemClock(NOON_MS, hands.sources())
    hands.boot_ms += 90_000
    hands.wall_ms += 90_000
    assert (clock.stamp().wall_ms, clock.stamp().quality) == (NOON_MS + 90_000, TimeQuality.DOUBTFUL)
    assert clock.raise_floor(NOON_MS + 120_000)
    hands.boot_ms += 1_000
    assert clock.stamp().wall_ms == NOON_MS + 121_000


def test_a_clock_a_moment_behind_head_offices_is_raised_and_not_doubted() -> None:
    hands = Hands(NOON_MS, disciplined=True)
    clock = SystemClock(NOON_MS + NEAR_MS, hands.sources())
    assert (clock.stamp().wall_ms, clock.stamp().quality) == (NOON_MS + NEAR_MS, TimeQuality.SYNCHRONISED)


def test_one_wrong_clock_at_head_office_does_not_carry_a_disciplined_till_into_another_century() -> None:
    hands = Hands(NOON_MS, disciplined=True)
    clock = SystemClock(0, hands.sources())
    assert clock.raise_floor(NOON_MS + FAR_AHEAD_MS)
    assert not clock.raise_floor(NOON_MS + 2 * FAR_AHEAD_MS)
    assert clock.stamp().wall_ms == NOON_MS + FAR_AHEAD_MS


def test_a_till_that_knows_no_better_believes_any_signed_time() -> None:
    clock = SystemClock(0, Hands(0).sources())
    assert clock.raise_floor(NOON_MS)
    assert clock.stamp().wall_ms == NOON_MS


def test_a_signed_time_raises_the_floor_and_an_older_one_does_not_lower_it() -> None:
    hands = Hands(NOON_MS)
    clock = SystemClock(0, hands.sources())
    clock.raise_floor(NOON_MS + 60_000)
    clock.raise_floor(NOON_MS - 60_000)
    assert clock.stamp().wall_ms == NOON_MS + 60_000


def test_a_time_no_signature_said_holds_until_head_office_and_a_disciplined_clock_agree() -> None:
    hands = Hands(NOON_MS)
    clock = SystemClock(NOON_MS - 60_000, hands.sources(), kept_ms=4_070_000_000_000)
    for disciplined, signed_ms in ((False, NOON_MS), (True, NOON_MS - FAR_AHEAD_MS - 1)):
        hands.disciplined = disciplined
        assert clock.raise_floor(signed_ms)
        assert (clock.stamp().wall_ms, clock.stamp().quality) == (4_070_000_000_000, TimeQuality.DOUBTFUL)
    assert clock.raise_floor(NOON_MS - FAR_AHEAD_MS)
    assert (clock.stamp().wall_ms, clock.stamp().quality) == (NOON_MS, TimeQuality.SYNCHRONISED)
    hands.wall_ms -= 3_600_000
    assert clock.stamp().wall_ms == NOON_MS


def test_a_clock_set_back_does_not_set_the_monotonic_time_back() -> None:
    hands = Hands(NOON_MS)
    clock = SystemClock(0, hands.sources())
    before = clock.monotonic_ms()
    hands.wall_ms -= 3_600_000
    hands.boot_ms += 1
    assert clock.monotonic_ms() == before + 1


def test_a_clock_that_was_set_is_noticed_once_in_either_direction_and_time_that_passed_is_not() -> None:
    hands = Hands(NOON_MS)
    clock = SystemClock(0, hands.sources())
    hands.wall_ms += 86_400_000
    hands.boot_ms += 86_400_000
    assert clock.jump() is None
    hands.wall_ms += JUMP_MS - 1
    assert clock.jump() is None
    now_ms = hands.wall_ms
    hands.wall_ms = 1_000
    assert (clock.jump(), clock.jump()) == (Jump(now_ms, 1_000), None)
    hands.wall_ms = NOON_MS + 80 * 365 * 86_400_000
    assert (clock.jump(), clock.jump()) == (Jump(1_000, hands.wall_ms), None)


def test_the_machines_own_sources_answer() -> None:
    stamp = SystemClock(0).stamp()
    assert stamp.wall_ms > NOON_MS
    assert 0 < stamp.monotonic_ms <= boottime_ns() // 1_000_000
    assert stamp.boot_id == read_boot_id() != bytes(16)
    assert kernel_says_synchronised() in (True, False)


def test_a_kernel_that_names_no_boot_gets_a_name_of_zeros(tmp_path: Path) -> None:
    garbled = tmp_path / "boot_id"
    garbled.write_text("not a number")
    assert read_boot_id(tmp_path / "absent") == read_boot_id(garbled) == bytes(16)
