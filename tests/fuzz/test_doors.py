"""Nothing raises past its door: whatever bytes arrive, they are taken or refused by the door's one exception.

Here each door sees some inputs, changed from ones it takes; ``./dev fuzz`` lets a coverage-guided fuzzer at
the same doors for as long as one likes.
"""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.doors import Door, doors

DOORS = doors()


@st.composite
def changed(draw: st.DrawFn, door: Door) -> bytes:
    """Bytes that the door takes, with some changed, left out, doubled or put in; or any bytes at all."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=200))
    data = bytearray(draw(st.sampled_from(door.seeds)))
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, len(data)))
        match draw(st.integers(0, 4)):
            case 0 if place < len(data):
                data[place] = draw(st.sampled_from([0, 1, 0x18, 0x1B, 0x3B, 0x7F, 0x80, 0x9F, 0xBF, 0xF6, 0xFB, 0xFF]))
            case 1 if place < len(data):
                data[place] ^= 1 << draw(st.integers(0, 7))
            case 2:
                del data[place : place + draw(st.integers(1, 40))]
            case 3:
                data[place:place] = draw(st.binary(max_size=12))
            case _:
                data[place:place] = data[: draw(st.integers(0, 60))]
    return bytes(data)


@pytest.mark.parametrize("name", DOORS)
def test_a_door_takes_or_refuses_whatever_comes(name: str) -> None:
    door = DOORS[name]

    @settings(max_examples=door.everyday, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None)
    @given(data=changed(door))
    def try_it(data: bytes) -> None:
        with suppress(*door.refusals):
            door.take(data)

    try_it()


@pytest.mark.parametrize("name", DOORS)
def test_what_a_door_is_tried_with_is_taken_before_it_is_changed(name: str) -> None:
    assert DOORS[name].seeds
    for seed in DOORS[name].seeds:
        DOORS[name].take(seed)
