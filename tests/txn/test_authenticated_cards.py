"""A card that proved to hold its key is told apart from one that anybody could copy, at the till and at head office."""

from __future__ import annotations

from dataclasses import replace

from agent.txn.state import Selling
from contract.credentials import read_credential_text
from contract.trade import Assurance, Medium, MemberRef, SaleBody
from hq.audit_level import audit_level
from hq.unsettled import Cause
from simulator.ndef import text_message
from tests.txn.desk import GOLD, GOLD_UID, NOTHING_OFF, Desk, MemoryBook, pack

LEVELS = [
    {"medium": "card", "assurance": "claimed", "stored_sale_minor": 2_000},
    {"medium": "card", "assurance": "authenticated", "stored_sale_minor": 50_000},
]


def a_till() -> Desk:
    book = MemoryBook(active=pack(1, {**NOTHING_OFF, "spending": LEVELS, "zones": ["Asia/Shanghai"]}))
    book.cards = {GOLD_UID: GOLD}
    book.lend(GOLD.member, 100_000)
    return Desk(book).sign_in()


def recognised(desk: Desk) -> MemberRef:
    assert isinstance(desk.state.scene, Selling) and desk.state.scene.basket is not None
    buyer = desk.state.scene.basket.buyer
    assert buyer is not None
    return buyer.ref


def test_a_card_that_proved_its_key_may_spend_by_a_level_of_its_own() -> None:
    desk = a_till()
    for authenticated, most in ((False, 2_000), (True, 10_000)):
        desk.tap(GOLD_UID, authenticated=authenticated)
        desk.keys("100", "enter", "stored", "cash")
        desk.commit()
        body = desk.book.journal[-1].body()
        assert isinstance(body, SaleBody) and body.member is not None
        assert sum(draw.whole for draw in body.draws) == most
        assert body.member.assurance is (Assurance.AUTHENTICATED if authenticated else Assurance.CLAIMED)


def test_head_office_judges_such_a_sale_by_the_same_level() -> None:
    desk = a_till()
    desk.tap(GOLD_UID, authenticated=True)
    desk.keys("100", "enter", "stored", "cash")
    desk.commit()
    body = desk.book.journal[-1].body()
    assert isinstance(body, SaleBody) and body.member is not None and desk.book.active is not None
    assert list(audit_level(body, desk.book.active.pack)) == []
    copied = replace(body, member=replace(body.member, assurance=Assurance.CLAIMED))
    assert [finding.cause for finding in audit_level(copied, desk.book.active.pack)] == [Cause.BEYOND_LEVEL]


def test_a_credential_on_a_card_that_proved_its_key_is_both() -> None:
    desk = a_till()
    desk.tap(GOLD_UID, text_message(desk.credential(card=GOLD_UID)), authenticated=True)
    assert recognised(desk) == MemberRef("m-9", Medium.CARD, Assurance.AUTHENTICATED)


def test_a_credential_may_lie_in_a_file_as_it_is() -> None:
    desk = a_till()
    sealed = read_credential_text(desk.credential(card=GOLD_UID))
    desk.tap(GOLD_UID, sealed, authenticated=True)
    assert recognised(desk) == MemberRef("m-9", Medium.CARD, Assurance.AUTHENTICATED)


def test_a_forged_credential_is_refused_whatever_the_card_proved() -> None:
    desk = a_till()
    desk.tap(GOLD_UID, text_message(desk.credential(card=b"\x04another")), authenticated=True)
    assert desk.refused == "credential_copied"
