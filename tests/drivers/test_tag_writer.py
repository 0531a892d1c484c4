"""Through the real libnfc a credential is written onto a tag, read back, and closed to others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from agent.drivers.card_libnfc import CardLibnfcOptions, TagWriter
from agent.drivers.cards.diversify import tag_password
from agent.drivers.facts import CardAssurance, CardPresented, CardProblem, CardRefused, Status
from simulator import ndef
from simulator.cards import UidCard
from simulator.cards_type2 import Ntag213, Ultralight
from simulator.desfire_secure import enciphered
from simulator.pn532 import Pn532
from tests.drivers.softhsm import token_with
from tests.drivers.told import Told

UID, OTHER = bytes.fromhex("04782e21801d80"), bytes.fromhex("04782e21801d81")
MASTER = bytes(range(16))
MESSAGE, NEWER = ndef.external_message("example.org:card", bytes(range(90))), ndef.text_message("newer")
LOOKS_UNTIL_GONE = 8
Tables = Mapping[str, object]
NO_TABLES: Tables = {}


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Pn532]:
    reader = Pn532(tmp_path / "reader")
    reader.start()
    yield reader
    reader.close()


def take_away(reader: Pn532) -> None:
    reader.field.remove()
    assert reader.field.wait_polled(LOOKS_UNTIL_GONE)


def opened(reader: Pn532, told: Told, message: bytes, only: bytes = b"", tables: Tables = NO_TABLES) -> TagWriter:
    options = CardLibnfcOptions.from_table({"connstring": reader.connstring, "poll_s": 0.02, **tables})
    writer = TagWriter("card", options, told.emit, message, only)
    writer.start()
    told.next_status(Status.READY)
    return writer


def test_each_tag_that_comes_is_written_and_what_is_no_tag_or_is_closed_is_refused(reader: Pn532) -> None:
    told = Told()
    writer = opened(reader, told, NEWER)
    closed = Ntag213(OTHER, MESSAGE)
    closed.protect(b"abcd", b"ef")
    try:
        for tag in (Ntag213(UID), Ultralight(OTHER, NEWER)):
            reader.field.present(tag)
            written = told.next(CardPresented)
            assert (written.uid, written.content, written.assurance) == (tag.uid, NEWER, CardAssurance.READ)
            assert NEWER in tag.memory
            take_away(reader)
        for card, problem in ((UidCard(UID[:4]), CardProblem.UNSUPPORTED), (closed, CardProblem.UNREADABLE)):
            reader.field.present(card)
            assert told.next(CardRefused).reason is problem
            take_away(reader)
        assert MESSAGE in closed.memory
    finally:
        writer.close()


def test_a_credential_made_for_one_tag_is_written_onto_no_other(reader: Pn532) -> None:
    told = Told()
    writer = opened(reader, told, MESSAGE, only=UID)
    right, wrong = Ntag213(UID), Ntag213(OTHER)
    try:
        reader.field.present(wrong)
        assert told.next(CardRefused) == CardRefused("card", CardProblem.UNSUPPORTED)
        take_away(reader)
        reader.field.present(right)
        assert told.next(CardPresented).content == MESSAGE
        assert MESSAGE in right.memory and MESSAGE not in wrong.memory
    finally:
        writer.close()


def test_a_tag_is_closed_with_a_password_of_its_own_and_opens_to_us_again(reader: Pn532, tmp_path: Path) -> None:
    folder = tmp_path / "token"
    folder.mkdir()
    tag = Ntag213(UID)
    with token_with(folder, {"members": MASTER}) as token:
        tables = {"tag": {"key": "members", "counter": True}, "token": token.table}
        for message in (MESSAGE, NEWER):
            told = Told()
            writer = opened(reader, told, message, tables=tables)
            try:
                reader.field.present(tag)
                written = told.next(CardPresented)
                assert (written.content, written.assurance) == (message, CardAssurance.PASSWORD)
                take_away(reader)
            finally:
                writer.close()
    password, answer = tag_password(lambda block: enciphered(MASTER, block, bytes(16)), UID, b"")
    assert password + answer in tag.memory
    tag.power_up()
    assert tag.exchange(b"\xa2\x04abcd") != tag.exchange(b"\x30\x04")
    assert NEWER in tag.memory
