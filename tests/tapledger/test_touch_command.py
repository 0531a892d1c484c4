"""``tapledger device test`` of a touch panel: by four corners it tells how the panel lies behind the picture."""

from __future__ import annotations

import re

import pytest

from agent.config import DeviceConfig
from agent.drivers.facts import Finger, Touched
from agent.drivers.touch_evdev import TouchEvdevOptions
from tapledger.device_exercises import EXERCISES, Bench

CORNERS = ((300, 300), (9_699, 300), (9_699, 9_699), (300, 9_699))
"""Where a person touches, clockwise from the top left, in ten-thousandths of the picture."""
LIES = [(turned, mirrored) for turned in (0, 90, 180, 270) for mirrored in (False, True)]


def felt(lies: TouchEvdevOptions, told: TouchEvdevOptions, corner: tuple[int, int]) -> tuple[int, int]:
    """Where a driver that was told one thing feels a corner of a panel that lies another way."""
    here = (300, 9_699)
    (raw,) = [(x, y) for x in here for y in here if lies.in_picture(x, y) == corner]
    return told.in_picture(*raw)


def tried(told: dict[str, object], places: list[tuple[int, int]]) -> int:
    """Try a panel whose four corners are felt there; the exit status."""
    bench = Bench(DeviceConfig("touch", "evdev", {"path": "/dev/input/by-id/x", **told}), for_s=0.05)
    for place in places:
        bench.hear(Touched("touch", Finger.DOWN, *place, 0))
        bench.hear(Touched("touch", Finger.UP, *place, 0))
    return EXERCISES["touch"](bench, None)


@pytest.mark.parametrize(("turned", "mirrored"), LIES)
def test_the_verdict_names_what_puts_a_panel_right_whatever_is_configured_now(
    turned: int, mirrored: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    lies = TouchEvdevOptions("", turned, mirrored)
    for now in LIES:
        status = tried(
            {"turned": str(now[0]), "mirrored": now[1]},
            [felt(lies, TouchEvdevOptions("", *now), corner) for corner in CORNERS],
        )
        said = capsys.readouterr().out
        assert (status == 0) == (now == (turned, mirrored))
        named = re.findall(r'turned = "(\d+)", mirrored = (\w+)', said)
        assert named == ([] if status == 0 else [(str(turned), str(mirrored).lower())] * 2)


def test_corners_that_cannot_be_are_no_good_panel(capsys: pytest.CaptureFixture[str]) -> None:
    for places, why in (
        ([], "no touch came"),
        ([*CORNERS[:3]], "no touch came"),
        ([CORNERS[0]] * 4, "do not fit together"),
        ([(5_000, 300), *CORNERS[1:]], "not at an edge"),
    ):
        assert tried({}, places) == 1
        assert why in capsys.readouterr().out
