"""What the touch panel's driver promises: fingers out of real input events, whatever the panel does."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import evdev
import pytest
from evdev import ecodes
from hypothesis import given
from hypothesis import strategies as st

from agent.drivers.facts import Finger, Status
from agent.drivers.touch_evdev import TouchEvdev, TouchEvdevOptions
from agent.drivers.touch_stream import Axis, Contact, Standing, Surface, TouchStream
from contract.settings import SettingsError
from tests.drivers.told import Told

X, Y = Axis(100, 4099), Axis(-50, 949)
CLEAR = Standing(touched=False, slot=0, places={})
MS = 1_000_000
ABS, KEY, SYN = ecodes.EV_ABS, ecodes.EV_KEY, ecodes.EV_SYN
SLOT, ID, MT_X, MT_Y = (
    ecodes.ABS_MT_SLOT,
    ecodes.ABS_MT_TRACKING_ID,
    ecodes.ABS_MT_POSITION_X,
    ecodes.ABS_MT_POSITION_Y,
)
REPORT, DROPPED = (SYN, ecodes.SYN_REPORT, 0), (SYN, ecodes.SYN_DROPPED, 0)
Told3 = tuple[int, int, int]


def stream(slots: bool = False, standing: Standing = CLEAR, bounce_ms: int = 40) -> TouchStream:
    return TouchStream(Surface(X, Y, slots), lambda: standing, bounce_ms)


def at(events: Iterable[Told3], ms: int) -> list[tuple[evdev.InputEvent, int]]:
    return [(evdev.InputEvent(0, 0, *event), ms * MS) for event in events]


def play(panel: TouchStream, *reports: tuple[int, list[Told3]], until_ms: int = 10**9) -> list[Contact]:
    """Each report at its time, and what comes once it has been quiet."""
    found = []
    for ms, events in reports:
        found += panel.quiet(ms * MS)
        found += panel.feed(at([*events, REPORT], ms))
    return [*found, *panel.quiet(until_ms * MS)]


def finger(down: bool) -> Told3:
    return (KEY, ecodes.BTN_TOUCH, int(down))


def place(x: int, y: int) -> list[Told3]:
    return [(ABS, ecodes.ABS_X, x), (ABS, ecodes.ABS_Y, y)]


def came(slot: int, number: int, x: int, y: int) -> list[Told3]:
    return [(ABS, SLOT, slot), (ABS, ID, number), (ABS, MT_X, x), (ABS, MT_Y, y)]


def left(slot: int) -> list[Told3]:
    return [(ABS, SLOT, slot), (ABS, ID, -1)]


def fingers(found: Iterable[Contact]) -> list[Finger]:
    return [one.finger for one in found]


TAP = [Finger.DOWN, Finger.UP]


def test_a_tap_comes_down_and_goes_up_at_its_place_in_the_panels_own_range() -> None:
    found = play(stream(), (0, [finger(True), *place(100, 949)]), (90, [finger(False)]))
    assert found == [Contact(Finger.DOWN, 0, 9_999, 0), Contact(Finger.UP, 0, 9_999, 90 * MS)]


def test_a_tap_where_the_last_one_was_is_known_although_the_kernel_tells_changes_alone() -> None:
    standing = Standing(touched=False, slot=0, places={0: (2_100, 449)})
    for panel, down, up in (
        (stream(False, standing), [finger(True)], [finger(False)]),
        (stream(True, standing), [(ABS, ID, 7)], [(ABS, ID, -1)]),
    ):
        found = play(panel, (0, down), (90, up), (400, down), (500, up))
        assert fingers(found) == TAP * 2
        assert {(one.x_permyriad, one.y_permyriad) for one in found} == {(5_000, 4_994)}


def test_a_panel_that_chatters_is_one_touch() -> None:
    """Contact is lost and found several times within milliseconds, at the beginning, in the middle and at the end."""
    on, off = [finger(True), *place(500, 500)], [finger(False)]
    times = (0, on), (2, off), (5, on), (9, off), (30, on), (200, off), (231, on), (260, off), (262, on), (300, off)
    found = play(stream(), *times)
    assert fingers(found) == TAP and found[-1].at_ns == 300 * MS


def test_a_place_that_jumps_for_a_moment_moves_no_finger() -> None:
    away = place(4_099, 949)
    steady = [(ms, place(501 + ms % 3, 500 + ms % 2)) for ms in range(10, 50, 5)]
    found = play(stream(), (0, [finger(True), *place(500, 500)]), *steady, (52, away), (54, [finger(False)]))
    assert abs(found[1].x_permyriad - found[0].x_permyriad) < 20


def test_a_finger_held_for_an_hour_is_one_touch() -> None:
    wobble = [(ms, place(500 + ms // 1_000 % 2, 500)) for ms in range(1_000, 3_600_000, 1_000)]
    found = play(stream(), (0, [finger(True), *place(500, 500)]), *wobble, (3_600_000, [finger(False)]))
    assert fingers(found) == TAP


def test_the_first_of_several_fingers_counts_and_the_others_do_not_follow_it() -> None:
    found = play(
        stream(True),
        (0, came(0, 1, 500, 500)),
        (20, came(1, 2, 3_000, 500)),
        (40, left(0)),
        (140, [(ABS, SLOT, 1), (ABS, MT_X, 3_100)]),
        (200, left(1)),
        (400, came(1, 3, 3_000, 500)),
        (500, left(1)),
    )
    assert fingers(found) == TAP * 2
    assert found[1].x_permyriad == X.permyriad(500) and found[2].x_permyriad == X.permyriad(3_000)


def test_a_palm_is_no_finger() -> None:
    palm = [(ABS, SLOT, 0), (ABS, ecodes.ABS_MT_TOOL_TYPE, 2)]
    found = play(stream(True), (0, came(0, 1, 500, 500)), (20, palm), (40, [(ABS, MT_X, 900)]), (90, left(0)))
    assert fingers(found) == [Finger.DOWN, Finger.LOST]
    assert play(stream(True), (0, came(0, 1, 500, 500) + palm), (90, left(0))) == []


def test_a_place_beyond_what_the_panel_says_of_itself_is_none() -> None:
    for x, y in ((99, 500), (4_100, 500), (500, -51), (500, 2**31 - 1), (-(2**31), 500)):
        assert play(stream(), (0, [finger(True), *place(x, y)]), (90, [finger(False)])) == []
        assert play(stream(True), (0, came(0, 1, x, y)), (90, left(0))) == []


def test_after_the_kernels_buffer_ran_over_the_finger_in_hand_is_lost_and_a_new_one_counts() -> None:
    for standing, later in ((CLEAR, 0), (Standing(touched=True, slot=0, places={}), 1)):
        panel = stream(False, standing)
        # What stood on the panel from the beginning goes first.
        begun = play(panel, *((0, [finger(False)]),) * later, (1, [finger(True), *place(500, 500)]))
        assert fingers(begun) == [Finger.DOWN]
        lost = panel.feed(at([DROPPED, finger(False), finger(True), REPORT], 50))
        assert fingers(lost) == [Finger.LOST]
        tap = (200, [finger(False)]), (400, [finger(True), *place(500, 500)]), (500, [finger(False)])
        assert fingers(play(panel, *tap)) == TAP


def test_a_finger_that_was_there_before_the_till_is_none() -> None:
    panel = stream(False, Standing(touched=True, slot=0, places={0: (500, 500)}))
    assert play(panel, (0, place(600, 600)), (50, [finger(True)]), (100, [finger(False)])) == []
    assert play(stream(True, Standing(False, 3, {})), (0, [(ABS, MT_X, 500)]), (9, [(ABS, ID, -1)])) == []


EVENTS = st.one_of(
    st.tuples(
        st.sampled_from([ABS]),
        st.sampled_from([ecodes.ABS_X, ecodes.ABS_Y, SLOT, ID, MT_X, MT_Y, ecodes.ABS_MT_TOOL_TYPE]),
        st.one_of(st.integers(-2, 5), st.integers(-(2**31), 2**31 - 1), st.integers(100, 900)),
    ),
    st.sampled_from([finger(True), finger(False), REPORT, REPORT, DROPPED]),
    st.tuples(st.integers(0, 31), st.integers(0, 767), st.integers(-(2**31), 2**31 - 1)),
)


@given(st.booleans(), st.lists(st.tuples(EVENTS, st.integers(0, 60)), max_size=80), st.booleans())
def test_whatever_a_panel_tells_no_touch_ends_that_did_not_begin(
    slots: bool, events: list[tuple[Told3, int]], touched: bool
) -> None:
    panel, found, now_ms = stream(slots, Standing(touched, 0, {0: (500, 500), 77: (1, 1)})), [], 0
    for event, pause_ms in events:
        now_ms += pause_ms
        found += panel.feed(at([event], now_ms))
        found += panel.quiet(now_ms * MS) if pause_ms > 30 else []
    assert all(0 <= one.x_permyriad <= 9_999 and 0 <= one.y_permyriad <= 9_999 for one in found)
    assert fingers(found[::2]) == [Finger.DOWN] * len(found[::2])
    assert Finger.DOWN not in fingers(found[1::2])
    presses = [finger(True), *[(ABS, ID, value) for (_type, code, value), _ in events if code == ID and value >= 0]]
    assert len(found[::2]) <= sum(event in presses for event, _pause in events)


@pytest.mark.parametrize(
    ("turned", "mirrored", "corner"),
    [("0", False, (0, 0)), ("90", False, (9_999, 0)), ("180", False, (9_999, 9_999)), ("270", False, (0, 9_999)),
     ("0", True, (9_999, 0)), ("90", True, (9_999, 9_999)), ("180", True, (0, 9_999)), ("270", True, (0, 0))],
)  # fmt: skip
def test_a_panel_that_lies_turned_or_mirrored_is_put_right(
    turned: str, mirrored: bool, corner: tuple[int, int]
) -> None:
    options = TouchEvdevOptions.from_table({"path": "x", "turned": turned, "mirrored": mirrored})
    assert options.in_picture(0, 0) == corner


def test_options_that_cannot_be_are_all_named() -> None:
    with pytest.raises(SettingsError) as refused:
        TouchEvdevOptions.from_table({"turned": "45", "mirrored": "yes", "bounce_ms": 900})
    assert {problem.path for problem in refused.value.problems} == {"path", "turned", "mirrored", "bounce_ms"}


def test_a_panel_that_is_not_there_is_missing_and_a_file_is_no_panel(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path, status in (("none", Status.MISSING), ("file", Status.SELF_CHECK_FAILED)):
        told = Told()
        driver = TouchEvdev("touch", TouchEvdevOptions(str(tmp_path / path)), told.emit)
        driver.start()
        assert told.next_status(status).reason in ("not_found", "wrong_device")
        driver.close()
        driver.close()
