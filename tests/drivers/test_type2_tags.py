"""Tags are read and written as their data sheets say, whatever they claim of themselves."""

from __future__ import annotations

import pytest

from agent.drivers.cards import type2
from agent.drivers.cards.link import CardError
from simulator import ndef
from simulator.cards_type2 import Ntag213, Ntag215, Ntag216, Ultralight, UltralightEv1
from tests.drivers.air import Air, Says

UID = bytes.fromhex("04782e21801d80")
MESSAGE = ndef.text_message("会员一", "zh")
KINDS = [Ultralight, UltralightEv1, Ntag213, Ntag215, Ntag216]


@pytest.mark.parametrize("kind", KINDS)
def test_a_tag_is_written_and_read_back_from_one_byte_to_the_last(kind: type[Ultralight]) -> None:
    room = kind.DATA_PAGES * 4
    for size in (1, 7, 30, room - (2 if room <= 256 else 4)):
        tag = kind(UID, MESSAGE)
        content = bytes((at * 7) & 0xFF for at in range(size))
        type2.write_message(Air(tag), content)
        assert type2.read_message(Air(tag)) == content
        with pytest.raises(CardError):
            type2.write_message(Air(tag), bytes(room))


def test_a_tag_that_is_taken_away_while_it_is_written_holds_the_old_message_the_new_one_or_none() -> None:
    before, after = ndef.text_message("a" * 60), ndef.text_message("b" * 70)
    for frames in range(1, 80):
        tag = Ntag213(UID, before)
        try:
            type2.write_message(Air(tag, cut_after=frames), after)
        except CardError:
            assert type2.read_message(Air(tag)) in (before, after, None)
        else:
            assert type2.read_message(Air(tag)) == after
            break
    else:
        pytest.fail("it never came to its end")


def test_a_locked_tag_and_one_that_takes_nothing_are_refused() -> None:
    locked = Ntag213(UID, MESSAGE)
    locked.damage(3, bytes.fromhex("e110120f"))
    closed = Ntag213(UID, MESSAGE)
    closed.protect(b"abcd", b"ef")
    for tag in (locked, closed):
        with pytest.raises(CardError):
            type2.write_message(Air(tag), b"new")
        assert type2.read_message(Air(tag)) == MESSAGE


@pytest.mark.parametrize("kind", [UltralightEv1, Ntag213, Ntag215, Ntag216])
def test_a_tag_that_was_protected_is_read_by_all_and_written_with_the_password_alone(kind: type[UltralightEv1]) -> None:
    tag = kind(UID, MESSAGE)
    model = type2.model_of(Air(tag))
    assert model is not None
    type2.protect(Air(tag), model, b"abcd", b"ef")
    assert type2.read_message(Air(tag), fast=True) == MESSAGE
    with pytest.raises(CardError):
        type2.write_message(Air(tag), b"new")
    with pytest.raises(CardError):
        type2.give_password(Air(tag), b"abce", b"ef")
    with pytest.raises(CardError):
        type2.give_password(Air(tag), b"abcd", b"eg")
    link = Air(tag)
    type2.give_password(link, b"abcd", b"ef")
    type2.write_message(link, b"new")
    assert type2.read_message(Air(tag)) == b"new"
    if model.has_nfc_counter:
        assert type2.counter_of(link) == 5


def test_a_tag_says_which_it_is_and_an_old_one_does_not() -> None:
    named = [None if (model := type2.model_of(Air(kind(UID)))) is None else model.name for kind in KINDS]
    assert named == [None, "MIFARE Ultralight EV1 (48)", "NTAG213", "NTAG215", "NTAG216"]
    assert type2.model_of(Says(b"\x00\x04\x04\x02\x01\x00\x77\x03")) is None
    assert type2.model_of(Says(b"\x00")) is None


def test_reading_takes_one_frame_for_a_short_message_and_one_more_for_a_long_one() -> None:
    for size, fast, frames in ((5, None, 1), (100, True, 2), (100, None, 3), (100, False, 7), (40, None, 3)):
        air = Air(Ntag213(UID, bytes(range(size))))
        assert type2.read_message(air, fast) == bytes(range(size))
        assert len(air.frames) == frames


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ("0000 0303 010203 fe", b"\x01\x02\x03"),
        ("0103 a00c34 0303 010203 fe", b"\x01\x02\x03"),
        ("fd02 aabb 0301 07 fe", b"\x07"),
        ("03ff 0003 010203 fe", b"\x01\x02\x03"),
        ("0300 fe", None),
        ("fe 0303 010203", None),
        ("00" * 144, None),
    ],
    ids=["nulls before", "a lock TLV before", "another's TLV before", "long length", "empty", "ended", "nothing"],
)
def test_the_first_message_is_found_among_other_tlvs(data: str, found: bytes | None) -> None:
    tag = Ntag213(UID)
    tag.damage(4, bytes.fromhex(data))
    assert type2.read_message(Air(tag)) == found


@pytest.mark.parametrize("fast", [False, True, None])
@pytest.mark.parametrize(
    "data",
    ["03fe", "03ffffff", "03ff1000", "01fe 0301", "fdff ffff", "fd90", "03ff"],
    ids=["too long", "64 KB", "4 KB", "skips past the end", "64 KB of another's", "to the end", "cut off"],
)
def test_a_length_that_lies_is_refused_and_no_more_is_read_than_there_is(data: str, fast: bool | None) -> None:
    tag = Ntag213(UID)
    tag.damage(4, bytes.fromhex(data) + b"\xff" * (144 - len(bytes.fromhex(data))))
    air = Air(tag)
    with pytest.raises(CardError):
        type2.read_message(air, fast)
    assert len(air.frames) <= 10


def test_a_tag_that_claims_a_larger_area_than_it_has_is_refused_in_the_end() -> None:
    tag = Ntag213(UID)
    tag.damage(3, bytes.fromhex("e110ff00") + bytes(160))
    with pytest.raises(CardError):
        type2.read_message(Air(tag))


def test_an_area_full_of_tlvs_that_go_nowhere_comes_to_an_end() -> None:
    tag = Ntag216(UID)
    tag.damage(4, b"\xfd\x00" * 436)
    assert type2.read_message(Air(tag), fast=True) is None


@pytest.mark.parametrize("answer", [b"", b"\x00", bytes(15), bytes(17), bytes(300)])
def test_an_answer_of_another_length_is_refused(answer: bytes) -> None:
    with pytest.raises(CardError):
        type2.read_message(Says(answer))
    with pytest.raises(CardError):
        type2.counter_of(Says(answer))


def test_a_tag_without_container_is_none_of_the_forums() -> None:
    with pytest.raises(type2.NotNdefError):
        type2.read_message(Says(bytes(16)))
