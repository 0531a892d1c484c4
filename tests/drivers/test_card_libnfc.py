"""Through the real libnfc, every kind of card is told once, as what it is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.drivers.card_libnfc import CardLibnfc, CardLibnfcOptions
from agent.drivers.facts import (
    CardKind,
    CardPresented,
    CardProblem,
    CardRefused,
    DeviceStatus,
    Status,
)
from agent.drivers.libnfc_reader import Connstring
from contract.settings import SettingsError
from simulator import ndef
from simulator.cards import Card, ClassicCard, FelicaCard, Phone, TypeACard, TypeBCard, UidCard
from simulator.cards_type2 import Ntag213
from simulator.pn532 import Pn532
from tests.drivers.told import Told

UID = b"\x11\x22\x33\x44"
TAG_UID = bytes.fromhex("04a1b2c3d4e5f6")
LOOKS_UNTIL_GONE = 8


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Pn532]:
    reader = Pn532(tmp_path / "reader")
    reader.start()
    yield reader
    reader.close()


@pytest.fixture
def told(reader: Pn532) -> Iterator[Told]:
    told = Told()
    driver = CardLibnfc("card", CardLibnfcOptions(reader.connstring, poll_s=0.02), told.emit)
    driver.start()
    assert told.next(DeviceStatus) == DeviceStatus("card", Status.READY, "", "")
    yield told
    driver.close()


def take_away(reader: Pn532) -> None:
    reader.field.remove()
    assert reader.field.wait_polled(LOOKS_UNTIL_GONE)


@pytest.mark.parametrize(
    ("card", "kind", "uid", "content"),
    [
        (UidCard(UID), CardKind.UID_ONLY, UID, None),
        (ClassicCard(UID), CardKind.MIFARE_CLASSIC, UID, None),
        (Ntag213(TAG_UID), CardKind.NTAG, TAG_UID, None),
        (Ntag213(TAG_UID, ndef.text_message("会员", "zh")), CardKind.NTAG, TAG_UID, ndef.text_message("会员", "zh")),
        (Ntag213(b"\x05" + TAG_UID[1:]), CardKind.NTAG, b"\x05" + TAG_UID[1:], None),
        (TypeACard(bytes(range(1, 11)), b"\x00\x84"), CardKind.UID_ONLY, bytes(range(1, 11)), None),
    ],
    ids=["plain number", "classic", "empty tag", "tag with text", "tag of another maker", "ten-byte number"],
)
def test_a_card_is_presented_with_its_number_and_what_it_carries(
    reader: Pn532, told: Told, card: Card, kind: CardKind, uid: bytes, content: bytes | None
) -> None:
    reader.field.present(card)
    presented = told.next(CardPresented)
    assert (presented.device, presented.kind, presented.uid, presented.content) == ("card", kind, uid, content)


@pytest.mark.parametrize("card", [Phone(), UidCard(b"\x08\x22\x33\x44")], ids=["phone", "plain card"])
def test_a_number_that_was_made_up_is_nobodys(reader: Pn532, told: Told, card: Card) -> None:
    reader.field.present(card)
    assert told.next(CardRefused) == CardRefused("card", CardProblem.UNSUPPORTED)
    take_away(reader)
    reader.field.present(UidCard(UID))
    assert told.next(CardPresented).uid == UID


def test_a_message_that_fills_the_tag_is_read_whole(reader: Pn532, told: Told) -> None:
    message = ndef.external_message("example.org:card", bytes(range(110)))
    reader.field.present(Ntag213(TAG_UID, message))
    assert told.next(CardPresented).content == message


def test_a_tag_without_capability_container_is_a_plain_number(reader: Pn532, told: Told) -> None:
    tag = Ntag213(TAG_UID)
    tag.damage(3, bytes(4))
    reader.field.present(tag)
    assert told.next(CardPresented).kind is CardKind.UID_ONLY


@pytest.mark.parametrize("card", [FelicaCard(bytes(range(8))), TypeBCard(b"\x01\x02\x03\x04")], ids=["FeliCa", "B"])
def test_a_card_of_a_foreign_kind_is_refused_once_and_the_next_is_read(reader: Pn532, told: Told, card: Card) -> None:
    reader.field.present(card)
    assert told.next(CardRefused) == CardRefused("card", CardProblem.UNSUPPORTED)
    assert reader.field.wait_polled(20)
    take_away(reader)
    reader.field.present(UidCard(UID))
    assert told.next(CardPresented).uid == UID
    assert len(told.of(CardRefused)) == 1


@pytest.mark.parametrize(
    "card", [UidCard(UID), ClassicCard(UID), Ntag213(TAG_UID), Phone()], ids=lambda c: type(c).__name__
)
def test_a_card_that_stays_is_told_once_and_again_when_it_comes_back(reader: Pn532, told: Told, card: Card) -> None:
    kind: type[CardPresented] | type[CardRefused] = CardRefused if isinstance(card, Phone) else CardPresented
    commands = reader.commands
    reader.field.present(card)
    told.next(kind)
    # A phone is asked for a sign of life and not called for, so its looks are counted as commands.
    deadline_s = time.monotonic() + 10
    while reader.commands < commands + 30 and time.monotonic() < deadline_s:
        reader.field.wait_polled(1, 0.05)
    assert len(told.of(kind)) == 1
    take_away(reader)
    reader.field.present(card)
    told.next(kind)
    assert len(told.of(kind)) == 2


def test_a_field_that_breaks_off_for_a_moment_does_not_make_a_phone_another(reader: Pn532, told: Told) -> None:
    phone = Phone()
    reader.field.present(phone)
    told.next(CardRefused)
    first = phone.uid
    reader.field.power(False)
    assert reader.field.wait_polled(1)
    assert phone.uid != first
    take_away(reader)
    assert len(told.of(CardRefused)) == 1


def test_of_two_cards_at_once_the_second_is_told_when_the_first_has_left(reader: Pn532, told: Told) -> None:
    first, second = UidCard(UID), UidCard(b"\x55\x66\x77\x88")
    reader.field.present(first, second)
    assert told.next(CardPresented).uid == first.uid
    assert reader.field.wait_polled(10)
    assert len(told.of(CardPresented)) == 1
    reader.field.remove(first)
    assert told.next(CardPresented).uid == second.uid


@pytest.mark.parametrize(
    "useless", [Phone(), FelicaCard(bytes(range(8))), TypeBCard(b"\x01\x02\x03\x04")], ids=["phone", "FeliCa", "B"]
)
def test_a_card_that_is_not_supported_hides_none_beside_it_and_is_refused_once_while_it_lies_there(
    reader: Pn532, told: Told, useless: Card
) -> None:
    reader.field.present(useless)
    assert told.next(CardRefused) == CardRefused("card", CardProblem.UNSUPPORTED)
    for _ in range(3):
        member = Ntag213(TAG_UID, ndef.text_message("a text that takes several reads to get"))
        reader.field.present(member)
        assert told.next(CardPresented).uid == TAG_UID
        reader.field.remove(member)
        assert reader.field.wait_polled(30)
    assert len(told.of(CardPresented)) == 3
    assert len(told.of(CardRefused)) == 1
    reader.field.remove(useless)
    assert reader.field.wait_polled(30)
    reader.field.present(useless)
    assert told.next(CardRefused) == CardRefused("card", CardProblem.UNSUPPORTED)


def test_of_two_cards_that_are_not_supported_each_is_refused_once(reader: Pn532, told: Told) -> None:
    reader.field.present(Phone(), UidCard(b"\x08\x22\x33\x44"))
    told.next(CardRefused)
    told.next(CardRefused)
    assert reader.field.wait_polled(40)
    assert len(told.of(CardRefused)) == 2


def test_a_card_that_changes_places_with_another_is_told_at_once(reader: Pn532, told: Told) -> None:
    reader.field.present(UidCard(UID))
    told.next(CardPresented)
    reader.field.remove()
    reader.field.present(UidCard(b"\x55\x66\x77\x88"))
    assert told.next(CardPresented).uid == b"\x55\x66\x77\x88"


def test_a_tag_pulled_away_while_it_is_read_is_told_as_removed(reader: Pn532, told: Told) -> None:
    reader.field.remove_during_read(after_exchanges=1)
    reader.field.present(Ntag213(TAG_UID, ndef.text_message("a text that takes several reads to get")))
    assert told.next(CardRefused) == CardRefused("card", CardProblem.REMOVED)
    reader.field.present(Ntag213(TAG_UID))
    assert told.next(CardPresented).uid == TAG_UID


def test_a_tag_that_is_back_within_a_moment_was_only_on_its_way_in(reader: Pn532, told: Told) -> None:
    tag = Ntag213(TAG_UID, ndef.text_message("a text that takes several reads to get"))
    reader.field.remove_during_read(after_exchanges=1)
    reader.field.present(tag)
    while reader.field.cards:
        assert reader.field.wait_polled(1)
    reader.field.present(tag)
    assert told.next(CardPresented).uid == TAG_UID
    assert told.of(CardRefused) == []


@pytest.mark.parametrize("length", [0xFE, 0xFF], ids=["longer than the tag", "longer still"])
def test_a_tag_whose_content_cannot_be_true_is_unreadable_once(reader: Pn532, told: Told, length: int) -> None:
    tag = Ntag213(TAG_UID)
    tag.damage(4, bytes([0x03, length, 0xFF, 0xFF]))
    reader.field.present(tag)
    assert told.next(CardRefused) == CardRefused("card", CardProblem.UNREADABLE)
    assert reader.field.wait_polled(20)
    take_away(reader)
    reader.field.present(Ntag213(TAG_UID))
    assert told.next(CardPresented).uid == TAG_UID
    assert len(told.of(CardRefused)) == 1


def test_the_time_told_is_just_after_the_cards_last_answer(reader: Pn532, told: Told) -> None:
    reader.field.present(UidCard(UID))
    presented = told.next(CardPresented)
    answer = reader.answered_before(presented.seen_monotonic_ns)
    assert answer is not None and answer.uid == UID
    assert answer.written_monotonic_ns <= presented.seen_monotonic_ns <= time.monotonic_ns()


def test_looking_for_cards_asks_little_of_reader_and_processor(reader: Pn532) -> None:
    told = Told()
    driver = CardLibnfc("card", CardLibnfcOptions(reader.connstring), told.emit)
    driver.start()
    try:
        told.next_status(Status.READY)
        before, began_s = reader.commands, time.monotonic()
        assert reader.field.wait_polled(40, 30)
        assert (reader.commands - before) / (time.monotonic() - began_s) < 30
    finally:
        driver.close()


def test_options_are_checked_all_at_once() -> None:
    wrong = {"connstring": "pn532_uart:ttyUSB0", "poll_s": 9, "child_timeout_s": "long", "colour": 1}
    with pytest.raises(SettingsError) as refused:
        CardLibnfcOptions.from_table(wrong)
    assert len(refused.value.problems) == 4
    assert any("absolute path" in str(problem) for problem in refused.value.problems)


def test_options_have_defaults_for_all_but_the_reader() -> None:
    read = CardLibnfcOptions.from_table({"connstring": "pn532_uart:/dev/ttyUSB0"})
    assert read == CardLibnfcOptions("pn532_uart:/dev/ttyUSB0")
    with pytest.raises(SettingsError):
        CardLibnfcOptions.from_table({})


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("pn532_uart:/dev/ttyUSB0", Connstring("pn532_uart", "/dev/ttyUSB0", "")),
        ("pn532_uart:/dev/ttyUSB0:115200", Connstring("pn532_uart", "/dev/ttyUSB0", "115200")),
        ("pn532_uart:/dev/by-path/usb-0:1.2:1.0", Connstring("pn532_uart", "/dev/by-path/usb-0:1.2:1.0", "")),
        ("pn532_i2c:/dev/i2c-1", Connstring("pn532_i2c", "/dev/i2c-1", "")),
        ("acr122_usb", Connstring("acr122_usb", "", "")),
    ],
)
def test_a_connstring_is_taken_apart(text: str, parsed: Connstring) -> None:
    assert Connstring.parse(text) == parsed


@pytest.mark.parametrize("text", ["", "pn532", "pn532_uart", "pn532_uart:", "pn532_uart:tty", "usb:/dev/x"])
def test_a_connstring_that_names_no_reader_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Connstring.parse(text)
