"""On readers of the ACR122's class contactless cards are what they are by libnfc: number, content and assurance."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.drivers.card_pcsc import CardPcsc, CardPcscOptions
from agent.drivers.cards import type2
from agent.drivers.cards.contactless import ReaderTagLink, activated, kind_of
from agent.drivers.cards.diversify import application_key, tag_password
from agent.drivers.cards.link import CardError
from agent.drivers.facts import CardAssurance, CardKind, CardPresented, CardProblem, CardRefused, DeviceStatus, Status
from simulator import ndef
from simulator.acr122 import READER_NAME, OnReader
from simulator.cards import Card, ClassicCard, Phone, UidCard
from simulator.cards_desfire import Application, DataFile, DesfireCard, Mode
from simulator.cards_files import FileCard, Files, ndef_files
from simulator.cards_type2 import Ntag213, Ntag216, Ultralight
from simulator.desfire_secure import enciphered
from simulator.vpcd import ATR_T0, ATR_T1
from tests.drivers.softhsm import token_with
from tests.drivers.told import Told
from tests.pcscd import SmartCardService, needs_pcscd, smart_card_service

pytestmark = needs_pcscd

UID = bytes.fromhex("04a1b2c3d4e5f6")
APPLICATION = bytes.fromhex("1089f4")
"""F48910 as it is sent."""
MASTER = bytes(range(16))
SHORT = b"\x11\x22\x33\x44"
TEXT = ndef.text_message("会员" * 60, "zh")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmartCardService]:
    with smart_card_service(tmp_path_factory.mktemp("pcscd"), READER_NAME) as service:
        yield service


def encrypt(block: bytes) -> bytes:
    return enciphered(MASTER, block, bytes(16))


def pull(service: SmartCardService) -> None:
    for slot in service.slots:
        slot.remove()
    assert service.wait_cards(0)


@contextmanager
def reading(service: SmartCardService, **options: object) -> Iterator[Told]:
    told = Told()
    checked = CardPcscOptions.from_table({"socket": str(service.socket_path), "reader": "*ACR122*00 00", **options})
    driver = CardPcsc("card", checked, told.emit)
    driver.start()
    try:
        told.next_status(Status.READY)
        yield told
    finally:
        driver.close()
        pull(service)


@pytest.mark.parametrize(
    ("card", "kind", "content"),
    [
        (UidCard(SHORT), CardKind.UID_ONLY, None),
        (ClassicCard(SHORT), CardKind.MIFARE_CLASSIC, None),
        (Ultralight(UID, TEXT[:40]), CardKind.NTAG, TEXT[:40]),
        (Ntag216(UID, TEXT), CardKind.NTAG, TEXT),
        (DesfireCard(UID), CardKind.DESFIRE, None),
        (FileCard(UID, Files(ndef_files(TEXT))), CardKind.ISO7816, TEXT),
    ],
    ids=["plain number", "classic", "Ultralight", "NTAG216", "DESFire", "files"],
)
def test_a_contactless_card_is_presented_as_what_it_is(
    service: SmartCardService, card: Card, kind: CardKind, content: bytes | None
) -> None:
    with reading(service, file={}) as told:
        service.slots[0].insert(OnReader(card))
        presented = told.next(CardPresented)
        assert (presented.kind, presented.uid, presented.content) == (kind, card.uid, content)
        assert presented.assurance is (CardAssurance.UID if content is None else CardAssurance.READ)


def test_what_a_card_proves_by_libnfc_it_proves_here(
    service: SmartCardService, tmp_path_factory: pytest.TempPathFactory
) -> None:
    own_key = application_key(encrypt, UID, APPLICATION, b"shop")
    held = bytearray(len(TEXT).to_bytes(2, "big") + TEXT)
    desfire = DesfireCard(UID, {APPLICATION: Application([own_key], {2: DataFile(held, Mode.ENCIPHERED, read=0)})})
    tag = Ntag213(UID, TEXT[:80])
    tag.protect(*tag_password(encrypt, UID, b"shop"))
    tag.count_reads(begin=41)
    system = b"shop".hex()
    with token_with(tmp_path_factory.mktemp("token"), {"members": MASTER}) as token:
        tables = {
            "desfire": {"application": "f48910", "key": "members", "system": system, "file": 2},
            "tag": {"key": "members", "system": system, "counter": True},
            "token": token.table,
        }
        with reading(service, **tables) as told:
            service.slots[0].insert(OnReader(desfire))
            card = told.next(CardPresented)
            assert (card.kind, card.uid, card.content) == (CardKind.DESFIRE, UID, TEXT)
            assert card.assurance is CardAssurance.AUTHENTICATED
            pull(service)
            service.slots[0].insert(OnReader(tag))
            card = told.next(CardPresented)
            assert (card.content, card.assurance, card.counter) == (TEXT[:80], CardAssurance.PASSWORD, 42)


def test_without_the_token_cards_are_worth_their_number_and_that_is_told(
    service: SmartCardService, tmp_path: Path
) -> None:
    (tmp_path / "pin").write_text("2468")
    table = {"library": "/nowhere.so", "token": "cards", "pin_file": str(tmp_path / "pin")}
    told = Told()
    options = {"socket": str(service.socket_path), "tag": {"key": "members"}, "token": table}
    driver = CardPcsc("card", CardPcscOptions.from_table(options), told.emit)
    driver.start()
    try:
        assert told.next_status(Status.READY) == DeviceStatus("card", Status.READY, "token_missing", "check_token")
        service.slots[0].insert(OnReader(Ntag213(UID)))
        assert told.next(CardPresented).assurance is CardAssurance.UID
    finally:
        driver.close()
        pull(service)


def test_a_phone_is_refused_once(service: SmartCardService) -> None:
    with reading(service) as told:
        service.slots[0].insert(OnReader(Phone()))
        assert told.next(CardRefused) == CardRefused("card", CardProblem.UNSUPPORTED)
        pull(service)
        service.slots[0].insert(OnReader(UidCard(SHORT)))
        assert told.next(CardPresented).uid == SHORT
        assert len(told.of(CardRefused)) == 1


def test_a_reader_whose_name_does_not_fit_is_left_alone(service: SmartCardService) -> None:
    told = Told()
    driver = CardPcsc("card", CardPcscOptions(socket=str(service.socket_path), reader="*00 01"), told.emit)
    driver.start()
    try:
        told.next_status(Status.READY)
        service.slots[0].insert(OnReader(UidCard(SHORT)))
        assert service.wait_cards(1)
        service.slots[1].insert(OnReader(ClassicCard(SHORT)))
        assert told.next(CardPresented).kind is CardKind.MIFARE_CLASSIC
        assert len(told.of(CardPresented)) == 1
    finally:
        driver.close()
        pull(service)


class Direct:
    """Class FF without pcscd between."""

    def __init__(self, card: Card) -> None:
        self._on = OnReader(card)
        self.atr = self._on.atr

    def apdu(self, command: bytes) -> bytes:
        return self._on.apdu(command) or b""

    def wake(self) -> None:
        self._on.power_up()


def test_a_tag_is_written_and_its_model_known_where_the_reader_passes_its_commands() -> None:
    reader = Direct(Ntag213(UID))
    link = ReaderTagLink(reader, UID, direct=True, reset=reader.wake)
    type2.write_message(link, TEXT[:100])
    assert type2.read_message(link) == TEXT[:100]
    assert type2.model_of(link) is not None
    blind = ReaderTagLink(reader, UID, direct=False, reset=reader.wake)
    assert type2.model_of(blind) is None
    assert type2.read_message(blind) == TEXT[:100]


def test_another_card_that_took_a_tags_place_is_noticed() -> None:
    other = Direct(Ntag213(b"\x05" + UID[1:]))
    with pytest.raises(CardError):
        ReaderTagLink(other, UID, direct=True, reset=other.wake).wake()


@pytest.mark.parametrize("atr", [b"", b"\x3b", b"\x3b\x80", ATR_T0, ATR_T1, bytes(33), b"\xff" * 40])
def test_an_atr_that_no_reader_made_up_is_a_card_with_contacts(atr: bytes) -> None:
    assert kind_of(atr) is None


@pytest.mark.parametrize("answer", [b"", b"\x90", b"\x90\x00", bytes(5) + b"\x90\x00", bytes(64) + b"\x90\x00"])
def test_a_number_that_no_card_has_is_refused(answer: bytes) -> None:
    class Liar:
        def apdu(self, command: bytes) -> bytes:
            return answer

    with pytest.raises(CardError):
        activated(Liar(), OnReader(UidCard(SHORT)).atr)


def test_a_card_with_contacts_whose_atr_looks_like_a_readers_is_taken_for_what_it_is() -> None:
    class NoSuchClass:
        def apdu(self, command: bytes) -> bytes:
            return b"\x6e\x00"

    assert activated(NoSuchClass(), OnReader(Phone()).atr) is None
