"""The simulated reader keeps to NXP's manual, byte by byte, and fails as it is told to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator import ndef
from simulator.cards import ClassicCard, Phone, TypeBCard, UidCard
from simulator.cards_type2 import Ntag213
from simulator.faults import Fault
from simulator.pn532 import Pn532
from simulator.pn532_chip import crc_a
from tests.simulator.host import ACK, NACK, Host, command_frame, extended_frame
from tests.waiting import eventually

ERROR_FRAME = bytes.fromhex("0000ff01ff7f8100")
FIRMWARE = bytes.fromhex("32010607")
FEW_RETRIES = bytes.fromhex("3205000102")
LIST_ONE_TYPE_A = bytes.fromhex("4a0100")
TAG_UID = bytes.fromhex("04a1b2c3d4e5f6")


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Pn532]:
    reader = Pn532(tmp_path / "reader")
    reader.start()
    yield reader
    reader.close()


@pytest.fixture
def host(reader: Pn532) -> Iterator[Host]:
    with Host(reader.path) as host:
        host.wake()
        assert host.ask(FEW_RETRIES) == b""
        yield host


def test_a_sleeping_chip_says_nothing_until_it_is_woken(reader: Pn532) -> None:
    with Host(reader.path) as host:
        host.send(command_frame(b"\x02"))
        assert host.is_silent()
        host.wake()
        assert host.ask(b"\x02") == FIRMWARE


def test_power_down_puts_it_to_sleep_again(host: Host) -> None:
    assert host.ask(b"\x16\xf0") == b"\x00"
    host.send(command_frame(b"\x02"))
    assert host.is_silent()


def test_a_frame_that_is_damaged_gets_no_acknowledgement_and_the_next_is_heard(host: Host) -> None:
    whole = command_frame(b"\x02")
    for damaged in (whole[:-2] + b"\x00\x00", whole[:4] + b"\x00" + whole[5:], whole[:-3]):
        host.send(damaged)
        assert host.is_silent()
        assert host.ask(b"\x02") == FIRMWARE


def test_bytes_between_frames_are_passed_over(host: Host) -> None:
    host.send(b"\x12\x00\x34" + command_frame(b"\x02"))
    assert host.receive(6) == ACK
    assert host.answer_to(0x02) == FIRMWARE


def test_extended_frames_go_both_ways(host: Host) -> None:
    test_line = b"\x00\x00" + bytes(range(256))
    host.send(extended_frame(test_line))
    assert host.receive(6) == ACK
    assert host.answer_to(0x00) == test_line[1:]


def test_a_nack_brings_the_last_answer_once_more(host: Host) -> None:
    assert host.ask(b"\x02") == FIRMWARE
    host.send(NACK)
    assert host.answer_to(0x02) == FIRMWARE


@pytest.mark.parametrize("command", ["7e", "4a0300", "4a01", "40", "32ff00", "0009", "1409"])
def test_what_it_cannot_make_sense_of_gets_an_error_frame(host: Host, command: str) -> None:
    host.send(command_frame(bytes.fromhex(command)))
    assert host.receive(14) == ACK + ERROR_FRAME


def test_registers_keep_what_was_written(host: Host) -> None:
    assert host.ask(bytes.fromhex("08 6305 40 633d 07")) == b""
    assert host.ask(bytes.fromhex("06 6305 633d")) == b"\x40\x07"


def test_an_empty_field_gives_no_target(host: Host) -> None:
    assert host.ask(LIST_ONE_TYPE_A) == b"\x00"


def test_a_card_gives_its_number(reader: Pn532, host: Host) -> None:
    reader.field.present(UidCard(b"\x11\x22\x33\x44"))
    assert host.ask(LIST_ONE_TYPE_A) == bytes.fromhex("01 01 0004 00 04 11223344")


def test_two_cards_are_listed_when_two_are_asked_for(reader: Pn532, host: Host) -> None:
    reader.field.present(UidCard(b"\x11\x22\x33\x44"), UidCard(b"\x55\x66\x77\x88"))
    assert host.ask(b"\x4a\x02\x00") == bytes.fromhex("02 01 0004 00 04 11223344 02 0004 00 04 55667788")


def test_a_card_is_found_by_its_number_among_others(reader: Pn532, host: Host) -> None:
    reader.field.present(UidCard(b"\x11\x22\x33\x44"), Ntag213(TAG_UID))
    listed = host.ask(b"\x4a\x01\x00" + b"\x88" + TAG_UID)
    assert listed == bytes.fromhex("01 01 0044 00 07") + TAG_UID


def test_endless_listing_waits_for_a_card_and_is_called_off_by_an_ack(reader: Pn532, host: Host) -> None:
    assert host.ask(bytes.fromhex("32050001ff")) == b""
    host.send(command_frame(LIST_ONE_TYPE_A))
    assert host.receive(6) == ACK
    assert host.is_silent()
    host.send(ACK)
    reader.field.present(UidCard(b"\x11\x22\x33\x44"))
    assert host.is_silent()
    assert host.ask(LIST_ONE_TYPE_A)[:2] == b"\x01\x01"


def test_auto_poll_answers_when_a_card_comes(reader: Pn532, host: Host) -> None:
    host.send(command_frame(bytes.fromhex("60 ff 01 00 03")))
    assert host.receive(6) == ACK
    assert host.is_silent()
    reader.field.present(TypeBCard(b"\x01\x02\x03\x04"))
    assert host.answer_to(0x60)[:2] == b"\x01\x23"


def test_auto_poll_gives_up_after_its_periods(host: Host) -> None:
    assert host.ask(bytes.fromhex("60 01 01 00")) == b"\x00"


def test_a_deselected_card_sleeps_until_the_field_has_been_off(reader: Pn532, host: Host) -> None:
    reader.field.present(UidCard(b"\x11\x22\x33\x44"))
    assert host.ask(LIST_ONE_TYPE_A)[0] == 1
    assert host.ask(b"\x44\x00") == b"\x00"
    assert host.ask(LIST_ONE_TYPE_A) == b"\x00"
    assert host.ask(b"\x32\x01\x00") == b""
    assert host.ask(LIST_ONE_TYPE_A)[0] == 1


def test_a_selected_card_that_was_deselected_can_be_selected_again(reader: Pn532, host: Host) -> None:
    reader.field.present(Ntag213(TAG_UID))
    host.ask(LIST_ONE_TYPE_A)
    host.ask(b"\x44\x01")
    assert host.ask(b"\x40\x01\x30\x00") == b"\x01"
    assert host.ask(b"\x54\x01") == b"\x00"
    assert host.ask(b"\x40\x01\x30\x00")[0] == 0


def test_a_tag_gives_its_message_page_by_page(reader: Pn532, host: Host) -> None:
    message = ndef.uri_message("https://example.org/m")
    reader.field.present(Ntag213(TAG_UID, message))
    host.ask(LIST_ONE_TYPE_A)
    answer = host.ask(b"\x40\x01\x30\x04") + host.ask(b"\x40\x01\x30\x08")[1:]
    assert answer[0] == 0
    assert answer[1:3] == bytes([3, len(message)]) and answer[3 : 3 + len(message)] == message
    assert host.ask(b"\x40\x01\x30\x2d") == b"\x13"


def test_with_the_chips_checksums_off_the_host_does_its_own(reader: Pn532, host: Host) -> None:
    reader.field.present(Ntag213(TAG_UID))
    host.ask(LIST_ONE_TYPE_A)
    assert host.ask(b"\x42\x60") == b"\x00" + Ntag213.VERSION
    host.ask(bytes.fromhex("08 6302 00 6303 00"))
    assert host.ask(b"\x42\x60") == b"\x01"
    assert host.ask(b"\x42\x60" + crc_a(b"\x60")) == b"\x00" + Ntag213.VERSION + crc_a(Ntag213.VERSION)
    write = b"\xa2\x05abcd"
    assert host.ask(b"\x42" + write + crc_a(write)) == b"\x00\x0a"


def test_the_checksum_is_the_one_of_the_standards_examples() -> None:
    assert crc_a(b"\x00\x00") == b"\xa0\x1e"
    assert crc_a(b"\x12\x34") == b"\x26\xcf"


def test_a_classic_sector_opens_to_its_key_alone(reader: Pn532, host: Host) -> None:
    card = ClassicCard(b"\x01\x02\x03\x04", key_a=b"secret", key_b=b"hidden")
    card.put(5, b"sixteen bytes it")
    reader.field.present(card)
    host.ask(LIST_ONE_TYPE_A)
    assert host.ask(b"\x40\x01\x60\x05" + b"wrong!" + card.uid) == b"\x14"
    host.ask(LIST_ONE_TYPE_A)
    assert host.ask(b"\x40\x01\x30\x05") == b"\x13"
    assert host.ask(b"\x40\x01\x30\x05") == b"\x01"
    host.ask(LIST_ONE_TYPE_A)
    assert host.ask(b"\x40\x01\x60\x05" + b"secret" + card.uid) == b"\x00"
    assert host.ask(b"\x40\x01\x30\x05") == b"\x00sixteen bytes it"
    assert host.ask(b"\x40\x01\x30\x09") == b"\x13"
    host.ask(LIST_ONE_TYPE_A)
    assert host.ask(b"\x40\x01\x61\x09" + b"hidden" + card.uid) == b"\x00"
    assert host.ask(b"\x40\x01\x30\x0b")[1:7] == bytes(6)


def test_a_phone_gives_another_random_number_each_time_and_knows_no_application(reader: Pn532, host: Host) -> None:
    reader.field.present(Phone())
    seen = set()
    for _ in range(3):
        listed = host.ask(LIST_ONE_TYPE_A)
        assert listed[:7] == bytes.fromhex("01 01 0004 20 04 08") and listed[10:] == Phone.ATS
        seen.add(listed[6:10])
        assert host.ask(b"\x40\x01" + bytes.fromhex("00a4040007f0010203040506")) == b"\x00\x6a\x82"
        assert host.ask(b"\x42\xb2") == b"\x00\xa2"
        host.ask(b"\x32\x01\x00")
    assert len(seen) == 3


def test_a_card_pulled_away_answers_no_more(reader: Pn532, host: Host) -> None:
    reader.field.present(Ntag213(TAG_UID))
    reader.field.remove_during_read(after_exchanges=2)
    host.ask(LIST_ONE_TYPE_A)
    assert host.ask(b"\x40\x01\x30\x00")[0] == 0
    assert host.ask(b"\x40\x01\x30\x04")[0] == 0
    assert host.ask(b"\x40\x01\x30\x08") == b"\x01"
    assert reader.field.cards == ()


def test_it_remembers_when_a_cards_answer_was_written(reader: Pn532, host: Host) -> None:
    reader.field.present(UidCard(b"\x11\x22\x33\x44"))
    host.ask(LIST_ONE_TYPE_A)
    last = eventually(lambda: reader.answers)[-1]
    assert (last.uid, last.command) == (b"\x11\x22\x33\x44", 0x4A)
    assert reader.answered_before(last.written_monotonic_ns) == last
    assert reader.answered_before(last.written_monotonic_ns - 1) is None


@pytest.mark.parametrize(
    ("fault", "heard"),
    [
        (Fault.SILENT, b""),
        (Fault.NO_ANSWER, ACK),
        (Fault.ERROR_FRAME, ACK + ERROR_FRAME),
        (Fault.WRONG_CHECKSUM, ACK + bytes.fromhex("0000ff06fad50332010607bd00")),
        (Fault.HALF_FRAME, ACK + bytes.fromhex("0000ff06fad5")),
        (Fault.SLOW_BYTES, ACK + bytes.fromhex("0000ff06fad50332010607e800")),
    ],
)
def test_each_fault_is_what_it_says_and_passes(reader: Pn532, host: Host, fault: Fault, heard: bytes) -> None:
    reader.fail(fault, times=1)
    host.send(command_frame(b"\x02"))
    assert host.receive(len(heard) + 1, 0.3) == heard
    assert reader.failing is None
    assert host.ask(b"\x02") == FIRMWARE


def test_a_status_byte_goes_bad_only_where_there_is_one(reader: Pn532, host: Host) -> None:
    reader.fail(Fault.NAD_STATUS, times=1)
    assert host.ask(b"\x02") == FIRMWARE
    assert host.ask(b"\x44\x00") == b"\x80"
    assert host.ask(b"\x44\x00") == b"\x00"


def test_a_fault_can_wait_for_one_command(reader: Pn532, host: Host) -> None:
    reader.fail(Fault.SILENT, command=0x4A)
    assert host.ask(b"\x02") == FIRMWARE
    host.send(command_frame(LIST_ONE_TYPE_A))
    assert host.is_silent()
    reader.heal()
    assert host.ask(LIST_ONE_TYPE_A) == b"\x00"


def test_after_unplug_and_replug_it_is_at_the_same_path_and_asleep(reader: Pn532, host: Host) -> None:
    reader.unplug()
    assert not reader.path.exists()
    assert host.receive(1, 0.2) == b""
    reader.replug()
    with Host(reader.path) as again:
        again.send(command_frame(b"\x02"))
        assert again.is_silent()
        again.wake()
        assert again.ask(b"\x02") == FIRMWARE
