"""Through pcscd and a reader of the ACR122's class a credential is written onto a tag as it is through libnfc."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager

import pytest

from agent.drivers.card_pcsc import CardPcscOptions, TagWriter
from agent.drivers.cards.diversify import tag_password
from agent.drivers.cards.order import Order, add_order_arguments
from agent.drivers.facts import CardAssurance, CardPresented, CardProblem, CardRefused, Status
from simulator import ndef
from simulator.acr122 import READER_NAME, OnReader
from simulator.cards import Card, Phone, UidCard
from simulator.cards_type2 import Ntag213, Ultralight
from simulator.desfire_secure import enciphered
from simulator.faults import Fault
from tests.drivers.softhsm import token_with
from tests.drivers.told import Told
from tests.pcscd import SmartCardService, needs_pcscd, smart_card_service

pytestmark = needs_pcscd

UID, OTHER = bytes.fromhex("04782e21801d80"), bytes.fromhex("04782e21801d81")
MASTER = bytes(range(16))
MESSAGE, NEWER = ndef.external_message("example.org:card", bytes(range(90))), ndef.text_message("newer")
UPDATE_BINARY = 0xD6
NO_TABLES: Mapping[str, object] = {}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmartCardService]:
    with smart_card_service(tmp_path_factory.mktemp("pcscd"), READER_NAME) as service:
        yield service


def lay(service: SmartCardService, card: Card) -> None:
    """Lay a card on the reader in place of the one before it, once pcscd has seen that one go."""
    service.slots[0].faults.heal()
    service.slots[0].remove()
    assert service.wait_cards(0)
    service.slots[0].insert(OnReader(card))


@contextmanager
def writing(
    service: SmartCardService, message: bytes, only: bytes = b"", tables: Mapping[str, object] = NO_TABLES
) -> Iterator[Told]:
    told = Told()
    service.slots[0].remove()
    assert service.wait_cards(0)
    options = CardPcscOptions.from_table({"socket": str(service.socket_path), "reader": "*00 00", **tables})
    with closing(TagWriter("card", options, told.emit, message, only)) as writer:
        writer.start()
        told.next_status(Status.READY)
        yield told


def test_each_tag_that_comes_is_written_and_what_is_no_tag_or_is_closed_is_refused(service: SmartCardService) -> None:
    closed = Ntag213(OTHER, MESSAGE)
    closed.protect(b"abcd", b"ef")
    with writing(service, NEWER) as told:
        for tag in (Ntag213(UID), Ultralight(OTHER, NEWER)):
            lay(service, tag)
            written = told.next(CardPresented)
            assert (written.uid, written.content, written.assurance) == (tag.uid, NEWER, CardAssurance.READ)
            assert NEWER in tag.memory
        refused = ((UidCard(UID[:4]), CardProblem.UNSUPPORTED), (Phone(), CardProblem.UNSUPPORTED))
        for card, problem in (*refused, (closed, CardProblem.UNREADABLE)):
            lay(service, card)
            assert told.next(CardRefused).reason is problem
        assert MESSAGE in closed.memory


def test_a_credential_made_for_one_tag_is_written_onto_no_other(service: SmartCardService) -> None:
    right, wrong = Ntag213(UID), Ntag213(OTHER)
    with writing(service, MESSAGE, only=UID) as told:
        lay(service, wrong)
        assert told.next(CardRefused) == CardRefused("card", CardProblem.UNSUPPORTED)
        lay(service, right)
        assert told.next(CardPresented).content == MESSAGE
    assert MESSAGE in right.memory and MESSAGE not in wrong.memory


def test_a_tag_is_closed_with_a_password_of_its_own_and_opens_to_us_again(
    service: SmartCardService, tmp_path_factory: pytest.TempPathFactory
) -> None:
    tag = Ntag213(UID)
    with token_with(tmp_path_factory.mktemp("token"), {"members": MASTER}) as token:
        tables = {"tag": {"key": "members", "counter": True}, "token": token.table}
        for message in (MESSAGE, NEWER):
            with writing(service, message, tables=tables) as told:
                lay(service, tag)
                written = told.next(CardPresented)
                assert (written.content, written.assurance) == (message, CardAssurance.PASSWORD)
    password, answer = tag_password(lambda block: enciphered(MASTER, block, bytes(16)), UID, b"")
    assert password + answer in tag.memory
    tag.power_up()
    assert tag.exchange(b"\xa2\x04abcd") != tag.exchange(b"\x30\x04")
    assert NEWER in tag.memory


@pytest.mark.parametrize("fault", [Fault.ERROR_FRAME, Fault.GARBAGE, Fault.DISCONNECT])
def test_a_tag_that_was_not_written_whole_is_not_told_as_written_and_is_written_at_its_next_coming(
    service: SmartCardService, fault: Fault
) -> None:
    tag = Ntag213(UID, NEWER)
    with writing(service, MESSAGE) as told:
        lay(service, tag)
        told.next(CardPresented)
        service.slots[0].remove()
        assert service.wait_cards(0)
        service.slots[0].faults.fail(fault, command=UPDATE_BINARY)
        service.slots[0].insert(OnReader(tag))
        assert told.next(CardRefused).reason in (CardProblem.UNREADABLE, CardProblem.REMOVED)
        assert len(told.of(CardPresented)) == 1
        lay(service, tag)
        assert told.next(CardPresented).content == MESSAGE


@pytest.mark.parametrize("only", [b"", UID])
def test_an_order_is_the_same_on_both_sides_of_the_process(only: bytes) -> None:
    arguments = argparse.ArgumentParser()
    add_order_arguments(arguments)
    order = Order(MESSAGE, only)
    assert Order.from_arguments(arguments.parse_args(order.to_arguments())) == order
    assert Order.from_arguments(arguments.parse_args([])) is None
