"""Screens of a till that is served by touch: nothing overflows or overlaps there either, and every key can be hit."""

from collections.abc import Iterator

import pytest

from agent.drivers.facts import Key
from agent.txn.state import Lang, Notice
from agent.ui_tft.screen import HEIGHT, WIDTH, Screen
from agent.ui_tft.view import Touch, compose
from contract.refusals import RefusalCode
from tests.ui_tft import test_layout as layout
from tests.ui_tft.gallery import ALL_TROUBLE, SCENES, noticed, played, refused

FINGER_PX = 46
"""7 mm on a panel of 3.5 inches with 480 x 320 pixels."""


def screens() -> Iterator[tuple[str, Screen]]:
    """Every screen, also with devices in trouble, every refusal and every notice, in both languages."""
    touch = Touch()
    for lang in Lang:
        for name in SCENES:
            yield f"{name}-{lang}", compose(*played(name, lang), touch)
            yield f"{name}-{lang}-trouble", compose(played(name, lang)[0], ALL_TROUBLE, touch)
        for code in RefusalCode:
            yield f"{code}-{lang}", compose(*refused(code, lang), touch)
        for notice in Notice:
            yield f"{notice}-{lang}", compose(*noticed(notice, lang), touch)


ALL = dict(screens())


@pytest.mark.parametrize("name", ALL)
def test_a_screen_with_keys_is_as_sound_as_one_without(name: str) -> None:
    layout.stands_inside(ALL[name])
    assert layout.overlapping(ALL[name]) == []
    layout.has_contrast(ALL[name])
    assert layout.is_cut_as_meant(name, ALL[name])


@pytest.mark.parametrize("name", ALL)
def test_every_key_is_large_enough_for_a_finger_and_one_alone_is_meant(name: str) -> None:
    targets = ALL[name].targets
    for target in targets:
        assert target.width >= FINGER_PX and target.height >= FINGER_PX, target
        assert target.x >= 0 and target.x + target.width <= WIDTH, target
        assert target.y >= 0 and target.y + target.height <= HEIGHT, target
        assert target.key in set(Key)
    keys = [target.key for target in targets]
    assert len(keys) == len(set(keys))
    for at, one in enumerate(targets):
        for other in targets[at + 1 :]:
            here = one.x, one.y, one.x + one.width, one.y + one.height
            assert not layout.meet(here, (other.x, other.y, other.x + other.width, other.y + other.height))


@pytest.mark.parametrize("name", SCENES)
def test_without_touch_a_screen_can_be_touched_nowhere_and_has_no_keys(name: str) -> None:
    assert compose(*played(name, Lang.ZH)).targets == ()


def test_the_digits_stay_where_they_are_from_the_sign_in_to_the_next_customer() -> None:
    def digits(name: str) -> dict[str, tuple[int, int]]:
        return {target.key: (target.x, target.y) for target in ALL[name].targets if target.key in "0123456789"}

    expected = digits("sign-in-zh")
    assert len(expected) == 10
    for name in ("ready-zh", "amount-zh", "basket-zh", "basket-zh-trouble", "paid-zh"):
        assert digits(name) == expected


def test_a_pressed_key_is_seen_but_no_digit_of_a_pin() -> None:
    for name, seen in (("sign-in", True), ("basket", True), ("sign-in-pin", False), ("member-pin", False)):
        state, status = played(name, Lang.ZH)
        changed = compose(state, status, Touch("5")) != compose(state, status, Touch())
        assert changed is seen
        assert compose(state, status, Touch("5")).targets == compose(state, status, Touch()).targets


def test_three_rules_have_their_place_with_their_reasons_beside_the_keys() -> None:
    words = " | ".join(ALL["basket-zh"].text)
    for said in ("金卡9折", "268.00 打9折", "-26.80", "满200减20", "-20.00", "¥221.20", "可得 221 积分"):
        assert said in words
    assert "另有" not in words
