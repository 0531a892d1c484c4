"""Whatever a PC/SC reader is called and whatever its cards say, it is refused or read, and nothing else leaves."""

from __future__ import annotations

from contextlib import closing, suppress
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent.drivers.card_pcsc import CardPcsc, CardPcscOptions
from agent.drivers.cards.contactless import ReaderTagLink, activated, kind_of
from agent.drivers.cards.identify import Activated
from agent.drivers.cards.link import MOST_ANSWER_BYTES, CardError
from agent.drivers.cards.plan import CardPlan, FilePlan, TagPlan
from agent.drivers.cards.reading import UnsupportedError, read_apdu_card, read_contact_card, read_tag, write_tag
from agent.drivers.cards.type2 import NotNdefError
from agent.drivers.facts import CardPresented, Status
from agent.drivers.pcsc_reader import Claim, fits
from simulator.acr122 import OnReader
from simulator.cards import UidCard
from simulator.desfire_secure import enciphered
from tests.drivers.told import Told
from tests.pcscd import needs_pcscd, smart_card_service

UID = bytes.fromhex("04782e21801d80")
FILE = FilePlan(bytes.fromhex("d2760000850101"), bytes.fromhex("e104"))
OK = b"\x90\x00"
LOOPS = (b"\x61\xff", b"\x6c\x00", bytes(256) + b"\x61\x00", bytes(65_535), b"\x90", b"")
MOST_COMMANDS = 2_000
"""More than a card that is read in pieces of a sensible size takes to its end."""

answers = st.one_of(st.sampled_from(LOOPS), st.binary(max_size=300), st.binary(max_size=40).map(lambda said: said + OK))


class Liar:
    """A card that says these answers in turn, for ever, and is never gone."""

    def __init__(self, said: list[bytes]) -> None:
        self._said = said
        self.asked = 0

    def apdu(self, command: bytes) -> bytes:
        assert 4 <= len(command) <= 5 + 255 + 1
        self.asked += 1
        if self.asked > MOST_COMMANDS:
            # Where time ends it in the field.
            raise CardError("a card without an end")
        return self._said[self.asked % len(self._said)]

    def wake(self) -> None:
        return


class Keys:
    def encrypt(self, name: str, block: bytes) -> bytes:
        return enciphered(bytes(16), block, bytes(16))


@given(st.binary(max_size=40), st.lists(answers, min_size=1, max_size=12))
@example(bytes.fromhex("3b8f8001804f0ca000000306030003000000005b"), [UID + OK])
def test_an_atr_and_answers_that_lie_are_refused_or_read(atr: bytes, said: list[bytes]) -> None:
    kind_of(atr)
    card = Liar(said)
    with suppress(CardError, UnsupportedError):
        found = activated(card, atr)
        read = (
            read_contact_card(card, FILE)
            if found is None
            else read_apdu_card(found, card, CardPlan(TagPlan("", b""), None, FILE), None)
        )
        assert read.content is None or len(read.content) <= MOST_ANSWER_BYTES


@given(st.lists(answers, min_size=1, max_size=12), st.booleans(), st.booleans())
def test_a_tag_whose_reader_lies_is_read_written_or_refused(said: list[bytes], direct: bool, keyed: bool) -> None:
    tag = Activated(b"\x00\x44", 0x00, UID)
    plan = TagPlan("members" if keyed else "", b"", counter=True)
    for write in (False, True):
        card = Liar(said)
        link = ReaderTagLink(card, UID, direct, card.wake)
        with suppress(CardError, UnsupportedError, NotNdefError):
            if write:
                assert write_tag(tag, link, plan, Keys(), b"\xd0\x00\x00").content in (None, b"\xd0\x00\x00")
            else:
                read_tag(tag, link, plan, Keys())


@given(st.text(st.characters(exclude_characters="*?"), max_size=60))
def test_a_name_fits_itself_and_what_leaves_it_open(name: str) -> None:
    assert fits(name, name) and fits(name, "*") and fits(name, "?" * len(name)) and fits(f"{name} 00 00", f"{name}*")
    assert not fits(name, f"{name}?") and not fits(f"{name}x", name)


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=120))
def test_a_reader_is_taken_once_whatever_it_is_called(name: str) -> None:
    first = Claim.of(f"of this test {name}")
    assert first is not None
    assert Claim.of(f"of this test {name}") is None
    first.release()
    again = Claim.of(f"of this test {name}")
    assert again is not None
    again.release()


@needs_pcscd
@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("SCR 3310 [CCID Interface] (21)", "SCR 3310 [CCID Interface] (21) 00 00"),
        ("--reader=* \x1b[2J\x07' OR 1=1", "--reader=* ?[2J?' OR 1=1 00 00"),
        ("x" * 110, f"{'x' * 110} 00 00"),
    ],
    ids=["brackets", "options and escapes", "long"],
)
def test_a_reader_is_served_whatever_it_is_called(tmp_path: Path, name: str, pattern: str) -> None:
    with smart_card_service(tmp_path, name) as service:
        told = Told()
        options = {"socket": str(service.socket_path), "reader": pattern}
        with closing(CardPcsc("card", CardPcscOptions.from_table(options), told.emit)) as driver:
            driver.start()
            told.next_status(Status.READY)
            service.slots[0].insert(OnReader(UidCard(b"\x11\x22\x33\x44")))
            assert told.next(CardPresented).uid == b"\x11\x22\x33\x44"


@needs_pcscd
@pytest.mark.parametrize("name", ["Caf\udce9 \udcff", "读卡器"], ids=["no UTF-8", "no ASCII"])
def test_a_name_that_pyscard_cannot_take_is_told(tmp_path: Path, name: str) -> None:
    with smart_card_service(tmp_path, name) as service:
        told = Told()
        with closing(CardPcsc("card", CardPcscOptions(socket=str(service.socket_path)), told.emit)) as driver:
            driver.start()
            missing = told.next_status(Status.MISSING)
            assert (missing.reason, missing.next_step) == ("reader_garbled", "check_reader")
