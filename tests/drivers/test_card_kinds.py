"""Through the real libnfc, each kind of card shows what it carries and how much it can prove, and no more."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from agent.drivers.card_libnfc import CardLibnfc, CardLibnfcOptions
from agent.drivers.cards.diversify import application_key, tag_password
from agent.drivers.facts import CardAssurance, CardKind, CardPresented, CardProblem, CardRefused, DeviceStatus, Status
from simulator import ndef
from simulator.cards import Card, Phone, UidCard
from simulator.cards_desfire import Application, DataFile, DesfireCard, Mode
from simulator.cards_files import FileCard, Files, ndef_files
from simulator.cards_type2 import Ntag213, Ntag215, Ntag216, Ultralight, UltralightEv1
from simulator.desfire_secure import enciphered
from simulator.pn532 import Pn532
from tests.drivers.softhsm import Token, token_with
from tests.drivers.told import Told

UID = bytes.fromhex("04782e21801d80")
MASTER, SYSTEM = bytes(range(16)), b"shop card"
APPLICATION = bytes.fromhex("1089f4")
"""F48910 as it is sent."""
CONTENT = ndef.external_message("example.org:card", bytes(range(200)))
LOOKS_UNTIL_GONE = 8

Open = Callable[..., Told]


def encrypt(block: bytes) -> bytes:
    return enciphered(MASTER, block, bytes(16))


def own_key(uid: bytes) -> bytes:
    return application_key(encrypt, uid, APPLICATION, SYSTEM)


def in_a_file(content: bytes) -> bytearray:
    return bytearray(len(content).to_bytes(2, "big") + content + bytes(30))


def desfire(mode: Mode = Mode.ENCIPHERED, key: bytes = own_key(UID), hides: bool = False) -> DesfireCard:
    application = Application([key, own_key(b"")], {2: DataFile(in_a_file(CONTENT), mode, read=0)})
    return DesfireCard(UID, {APPLICATION: application}, hides)


def desfire_table(mode: Mode = Mode.ENCIPHERED, **more: object) -> dict[str, object]:
    table = {"application": "f48910", "key": "members", "system": SYSTEM.hex(), "file": 2, "mode": mode.name.lower()}
    return {"desfire": {**table, **more}}


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Token]:
    with token_with(tmp_path_factory.mktemp("token"), {"members": MASTER}) as token:
        yield token


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Pn532]:
    reader = Pn532(tmp_path / "reader")
    reader.start()
    yield reader
    reader.close()


@pytest.fixture
def open_driver(reader: Pn532) -> Iterator[Open]:
    with ExitStack() as running:

        def opened(tables: Mapping[str, object] = {}, ready: str = "") -> Told:
            told = Told()
            options = CardLibnfcOptions.from_table({"connstring": reader.connstring, "poll_s": 0.02, **tables})
            driver = CardLibnfc("card", options, told.emit)
            running.callback(driver.close)
            driver.start()
            assert told.next_status(Status.READY).reason == ready
            return told

        yield opened


def shown(told: Told) -> tuple[CardKind, bytes, CardAssurance, bytes | None, int | None]:
    card = told.next(CardPresented)
    return card.kind, card.uid, card.assurance, card.content, card.counter


def take_away(reader: Pn532) -> None:
    reader.field.remove()
    assert reader.field.wait_polled(LOOKS_UNTIL_GONE)


def test_a_tag_of_any_size_is_read(reader: Pn532, open_driver: Open) -> None:
    told = open_driver()
    for kind in (Ultralight, UltralightEv1, Ntag213, Ntag215, Ntag216):
        message = ndef.text_message("m" * (kind.DATA_PAGES * 4 - 20))
        reader.field.present(kind(UID, message))
        assert shown(told) == (CardKind.NTAG, UID, CardAssurance.READ, message, None)
        take_away(reader)


def test_a_tag_that_knows_its_password_is_told_apart_from_one_that_does_not(
    reader: Pn532, open_driver: Open, token: Token
) -> None:
    message = ndef.text_message("m" * 20)
    told = open_driver({"tag": {"key": "members", "system": SYSTEM.hex()}, "token": token.table})
    for kind in (UltralightEv1, Ntag213, Ntag216):
        ours, hidden, copied = (kind(UID, message) for _ in range(3))
        ours.protect(*tag_password(encrypt, UID, SYSTEM))
        hidden.protect(*tag_password(encrypt, UID, SYSTEM), reading=True)
        copied.protect(b"1234", b"56")
        known = CardAssurance.PASSWORD
        for tag, assurance in ((ours, known), (hidden, known), (copied, CardAssurance.READ)):
            reader.field.present(tag)
            assert shown(told) == (CardKind.NTAG, UID, assurance, message, None)
            take_away(reader)
    reader.field.present(Ultralight(UID, message))
    assert shown(told) == (CardKind.NTAG, UID, CardAssurance.READ, message, None)


def test_the_counter_of_a_tag_counts_each_time_it_comes(reader: Pn532, open_driver: Open) -> None:
    told = open_driver({"tag": {"counter": True}})
    tag, still = Ntag213(UID, ndef.text_message("a")), Ntag213(UID)
    tag.count_reads(begin=41)
    for counter in (42, 43):
        reader.field.present(tag)
        assert shown(told)[4] == counter
        take_away(reader)
    reader.field.present(still)
    assert shown(told) == (CardKind.NTAG, UID, CardAssurance.UID, None, None)


def test_a_card_with_files_is_read_whole(reader: Pn532, open_driver: Open) -> None:
    told = open_driver({"file": {}})
    for size in (1, 200, 1_000):
        content = (bytes(range(250)) * 4)[:size]
        reader.field.present(FileCard(UID, Files(ndef_files(content))))
        assert shown(told) == (CardKind.ISO7816, UID, CardAssurance.READ, content, None)
        take_away(reader)
    # A phone may carry such a file too: that counts, and its number does not.
    reader.field.present(FileCard(b"\x08\x01\x02\x03", Files(ndef_files(CONTENT))))
    assert shown(told) == (CardKind.ISO7816, b"", CardAssurance.READ, CONTENT, None)
    take_away(reader)
    # And one without the file is its number.
    reader.field.present(FileCard(UID, Files({})))
    assert shown(told) == (CardKind.ISO14443_4, UID, CardAssurance.UID, None, None)


@pytest.mark.parametrize("mode", list(Mode))
def test_a_desfire_proves_its_key_and_gives_its_file(
    reader: Pn532, open_driver: Open, token: Token, mode: Mode
) -> None:
    told = open_driver({**desfire_table(mode), "token": token.table})
    reader.field.present(desfire(mode))
    assert shown(told) == (CardKind.DESFIRE, UID, CardAssurance.AUTHENTICATED, CONTENT, None)


def test_a_desfire_that_hides_its_number_tells_it_to_us(reader: Pn532, open_driver: Open, token: Token) -> None:
    told = open_driver({**desfire_table(number_key_number=1), "token": token.table})
    reader.field.present(desfire(hides=True))
    assert shown(told) == (CardKind.DESFIRE, UID, CardAssurance.AUTHENTICATED, CONTENT, None)


def test_a_desfire_with_another_key_is_worth_its_number_and_no_more(
    reader: Pn532, open_driver: Open, token: Token
) -> None:
    told = open_driver({**desfire_table(), "token": token.table})
    for other in (desfire(key=bytes(16)), DesfireCard(UID)):
        reader.field.present(other)
        assert shown(told) == (CardKind.DESFIRE, UID, CardAssurance.UID, None, None)
        take_away(reader)


def test_a_card_of_which_nothing_lasts_is_not_supported(reader: Pn532, open_driver: Open, token: Token) -> None:
    told = open_driver({**desfire_table(), "file": {}, "token": token.table})
    cards: tuple[Card, ...] = (desfire(hides=True), Phone(), FileCard(b"\x08\x01\x02\x03", Files({})))
    for card in cards:
        reader.field.present(card)
        assert told.next(CardRefused) == CardRefused("card", CardProblem.UNSUPPORTED)
        take_away(reader)
    reader.field.present(UidCard(UID[:4]))
    assert shown(told)[1] == UID[:4]


def test_a_desfire_pulled_away_at_any_moment_is_told_as_removed_and_the_next_is_read(
    reader: Pn532, open_driver: Open, token: Token
) -> None:
    told = open_driver({**desfire_table(), "token": token.table})
    for exchanges in range(1, 8):
        reader.field.remove_during_read(after_exchanges=exchanges)
        reader.field.present(desfire())
        assert told.next(CardRefused) == CardRefused("card", CardProblem.REMOVED)
        reader.field.present(desfire())
        assert shown(told)[2] is CardAssurance.AUTHENTICATED
        take_away(reader)


def test_without_its_token_the_reader_says_so_reads_what_it_can_and_goes_on_when_the_token_is_back(
    reader: Pn532, open_driver: Open, token: Token
) -> None:
    hidden = token.pin_file.with_name("away")
    os.rename(token.pin_file, hidden)
    try:
        told = open_driver({**desfire_table(), "token": token.table}, ready="token_refused")
        assert told.of(DeviceStatus)[-1].next_step == "check_token"
        reader.field.present(desfire())
        assert shown(told)[2] is CardAssurance.UID
    finally:
        os.rename(hidden, token.pin_file)
    reader.field.remove()
    assert told.next_status(Status.READY).reason == ""
    reader.field.present(desfire())
    assert shown(told)[2] is CardAssurance.AUTHENTICATED


def test_a_key_that_the_token_does_not_have_is_told_by_name(reader: Pn532, open_driver: Open, token: Token) -> None:
    open_driver({**desfire_table(key="nobody"), "token": token.table}, ready="key_missing")
