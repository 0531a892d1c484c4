"""Cards that take APDUs are read within bounds, and none is believed longer than its answers hold together."""

from __future__ import annotations

import pytest

from agent.drivers.cards import iso7816
from agent.drivers.cards.desfire import Desfire, FileMode, KeyRefusedError, NoDesfireError
from agent.drivers.cards.link import CardError
from simulator.cards import Phone
from simulator.cards_desfire import Application, DataFile, DesfireCard, Mode
from simulator.cards_files import NDEF_APPLICATION, NDEF_FILE, FileCard, Files, ndef_files
from tests.drivers.air import Air, Says

UID = bytes.fromhex("04782e21801d80")
KEY, RND_A = bytes(range(16)), bytes(range(100, 116))
APPLICATION = bytes.fromhex("1089f4")
CONTENT = bytes((at * 11) & 0xFF for at in range(300))


def a_file_card(in_pieces: bool = False, files: dict[bytes, bytes] | None = None) -> FileCard:
    applications = ndef_files(CONTENT) if files is None else {NDEF_APPLICATION: files}
    return FileCard(UID, Files(applications, in_pieces))


def a_desfire(mode: Mode = Mode.MACED) -> DesfireCard:
    held = bytearray(len(CONTENT).to_bytes(2, "big") + CONTENT + bytes(50))
    return DesfireCard(UID, {APPLICATION: Application([KEY], {1: DataFile(held, mode, read=0)})})


@pytest.mark.parametrize("in_pieces", [False, True])
def test_a_file_is_read_in_pieces_that_every_reader_passes(in_pieces: bool) -> None:
    air = Air(a_file_card(in_pieces))
    assert iso7816.select_application(air, NDEF_APPLICATION)
    assert iso7816.read_content(air, NDEF_FILE) == CONTENT
    assert max(command[4] for command in air.frames if command[1] == 0xB0) <= 0xF0


def test_what_is_not_there_is_told_apart_from_what_cannot_be_read() -> None:
    air = Air(a_file_card())
    assert not iso7816.select_application(air, b"\xa0\x00\x00\x00\x01")
    assert iso7816.select_application(air, NDEF_APPLICATION)
    assert iso7816.read_content(air, b"\xe1\x05") is None
    empty = Air(a_file_card(files={NDEF_FILE: b"\x00\x00"}))
    assert iso7816.select_application(empty, NDEF_APPLICATION)
    assert iso7816.read_content(empty, NDEF_FILE) is None
    assert not iso7816.select_application(Air(Phone()), NDEF_APPLICATION)


@pytest.mark.parametrize("held", ["", "00", "0005 0102", "ffff 0102", "1001 00"])
def test_a_file_that_lies_about_its_length_is_refused(held: str) -> None:
    air = Air(a_file_card(files={NDEF_FILE: bytes.fromhex(held)}))
    assert iso7816.select_application(air, NDEF_APPLICATION)
    with pytest.raises(CardError):
        iso7816.read_content(air, NDEF_FILE)


def test_a_card_that_wants_another_length_gets_it_once() -> None:
    card = Says(b"\x6c\x02", b"\x01\x02\x90\x00")
    assert iso7816.ask(card, bytes.fromhex("00b0000010")) == (b"\x01\x02", 0x9000)
    assert card.asked[1] == bytes.fromhex("00b0000002")
    stubborn = Says(b"\x6c\x02", for_ever=True)
    assert iso7816.ask(stubborn, bytes.fromhex("00b0000010")) == (b"", 0x6C02)
    # Without a length of its own the last byte is data, and stays.
    assert iso7816.ask(Says(b"\x6c\x02", for_ever=True), bytes.fromhex("00a4000c02e104")) == (b"", 0x6C02)


@pytest.mark.parametrize(
    "answer",
    [b"", b"\x90", bytes(64 * 1024), bytes(259), b"\x61\x00", bytes(256) + b"\x61\x00"],
    ids=["nothing", "one byte", "64 KB", "a byte too many", "ever more", "ever more of 256"],
)
def test_an_answer_without_an_end_or_a_beginning_is_refused(answer: bytes) -> None:
    card = Says(answer, for_ever=True)
    with pytest.raises(CardError):
        iso7816.ask(card, bytes.fromhex("00b0000010"))
    assert len(card.asked) <= 32


@pytest.mark.parametrize("mode", list(Mode))
def test_a_desfire_is_read_across_frames_in_each_mode(mode: Mode) -> None:
    card = Desfire(Air(a_desfire(mode)))
    assert card.select(APPLICATION)
    card.authenticate(0, KEY, RND_A)
    assert card.read_content(1, FileMode(mode.name.lower())) == CONTENT
    assert card.card_uid() == UID
    assert len(card.version()) == 28


def test_a_desfire_with_another_key_is_told_by_the_key_and_not_by_the_line() -> None:
    card = Desfire(Air(a_desfire()))
    card.select(APPLICATION)
    with pytest.raises(KeyRefusedError):
        card.authenticate(0, bytes(16), RND_A)
    with pytest.raises(KeyRefusedError):
        card.authenticate(5, KEY, RND_A)


def test_a_card_that_only_repeats_our_own_words_proves_nothing() -> None:
    card = Desfire(Says(bytes(16) + b"\x91\xaf", bytes(16) + b"\x91\x00"))
    with pytest.raises(KeyRefusedError):
        card.authenticate(0, KEY, RND_A)


def test_what_is_no_desfire_says_so_and_one_without_our_application_does_not() -> None:
    with pytest.raises(NoDesfireError):
        Desfire(Air(Phone())).select(APPLICATION)
    assert not Desfire(Air(DesfireCard(UID))).select(APPLICATION)


class Spoils:
    """Passes on to a card, and changes one bit of its answers after the card was proved: the nth byte of all."""

    def __init__(self, card: DesfireCard, at: int) -> None:
        self._air = Air(card)
        self._at = at
        self.armed = False
        self.spoiled = False

    def apdu(self, command: bytes) -> bytes:
        answer = self._air.apdu(command)
        if self.armed and not self.spoiled:
            body = answer[:-2]
            if self._at < len(body):
                self.spoiled = True
                return body[: self._at] + bytes([body[self._at] ^ 0x01]) + body[self._at + 1 :] + answer[-2:]
            self._at -= len(body)
        return answer


@pytest.mark.parametrize("mode", list(Mode))
def test_a_bit_that_is_changed_anywhere_after_the_proof_is_noticed(mode: Mode) -> None:
    # 120 bytes and a MAC of 8, or 120 bytes, a checksum of 4 and padding of 4: as many either way.
    whole = 128
    for at in (*range(0, whole, 3), whole):
        link = Spoils(a_desfire(mode), at)
        card = Desfire(link)
        card.select(APPLICATION)
        card.authenticate(0, KEY, RND_A)
        link.armed = True
        if at < whole:
            with pytest.raises(CardError):
                card.read_data(1, 0, 120, FileMode(mode.name.lower()))
            assert link.spoiled
        else:
            assert len(card.read_data(1, 0, 120, FileMode(mode.name.lower()))) == 120


@pytest.mark.parametrize("answer", [b"\x91\xaf", bytes(60) + b"\x91\xaf", bytes(8_000) + b"\x91\x00", b"\x00", b""])
def test_a_desfire_that_never_ends_or_says_nothing_is_refused(answer: bytes) -> None:
    card = Says(answer, for_ever=True)
    with pytest.raises(CardError):
        Desfire(card).version()
    assert len(card.asked) <= 128
