"""How much a card has proved reaches the journal, from the driver's fact to the sale."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.drivers.facts import CardAssurance, CardKind, CardPresented
from contract.trade import Assurance, Medium
from tests.agent.shop import GOLD_UID, Shop
from tests.waiting import eventually

_CARDS = (
    (CardKind.MIFARE_CLASSIC, CardAssurance.UID),
    (CardKind.NTAG, CardAssurance.READ),
    (CardKind.NTAG, CardAssurance.PASSWORD),
    (CardKind.DESFIRE, CardAssurance.AUTHENTICATED),
)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path)
    shop.open()
    shop.provision()
    shop.sign_in()
    yield shop
    shop.close()


def test_a_number_a_read_and_a_password_are_claims_and_a_key_is_a_proof(shop: Shop) -> None:
    for kind, assurance in _CARDS:
        before = len(shop.sales())
        shop.tell(CardPresented("card", kind, GOLD_UID, 0, None, assurance))
        shop.press(*"268.00", "enter", "cash")
        _wait_for_more(shop, before)
    members = [body.member for body in shop.sales()]
    assert [None if member is None else (member.medium, member.assurance) for member in members] == [
        (Medium.CARD, Assurance.CLAIMED),
        (Medium.CARD, Assurance.CLAIMED),
        (Medium.CARD, Assurance.CLAIMED),
        (Medium.CARD, Assurance.AUTHENTICATED),
    ]


def _wait_for_more(shop: Shop, before: int) -> None:
    eventually(lambda: len(shop.sales()) > before)
