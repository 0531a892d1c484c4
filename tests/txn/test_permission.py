"""What a member may spend is said by the pack, for each way of being recognised; the PIN is asked where it helps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from agent.txn.effects import PinOwner, RecordPinTry, Report
from agent.txn.events import Tick
from agent.txn.member_pin import LOCKED_EVENT
from agent.txn.patience import LOCK_MS, MOST_WRONG_PINS
from agent.txn.state import AskPin, Selling
from agent.txn.step import IDLE_MS
from agent.ui_tft.view import StatusBar, compose
from contract import credentials
from contract.bodies import EntryKind
from contract.credentials import MemberCredential, credential_text, seal_credential
from contract.trade import Assurance, Medium, RedemptionBody, SaleBody
from contract.value import Account, Asset, floor_draw
from tests.txn.desk import (
    DAY_ZERO_MS,
    GOLD,
    GOLD_PHONE,
    GOLD_UID,
    NOTHING_OFF,
    Desk,
    MemoryBook,
    pack,
    promising,
    verifier,
)
from tests.txn.purse import DAY_MS, Phone

PIN = "2468"
MEMBER = replace(GOLD, pin=verifier(PIN))


def at(
    levels: list[dict[str, Any]], pin: bool = True, lent: int = 100_000, rules: Mapping[str, Any] = NOTHING_OFF
) -> Desk:
    """A till whose pack says ``levels``, with a member who holds so much here."""
    found = MEMBER if pin else GOLD
    book = MemoryBook(active=pack(1, {**rules, "spending": levels, "zones": ["Asia/Shanghai"]}))
    book.cards, book.phones = {GOLD_UID: found}, {GOLD_PHONE: found}
    book.lend(found.member, lent)
    return Desk(book).sign_in()


def level(medium: str, assurance: str, **most: int) -> dict[str, Any]:
    return {"medium": medium, "assurance": assurance, **most}


def last(desk: Desk) -> SaleBody:
    desk.commit()
    body = desk.book.journal[-1].body()
    assert isinstance(body, SaleBody)
    return body


def paid(desk: Desk) -> int:
    return sum(draw.whole for draw in last(desk).draws)


def asked(desk: Desk) -> bool:
    return isinstance(desk.state.scene, AskPin)


@pytest.mark.parametrize("pin", [False, True])
def test_a_bare_phone_number_spends_nothing_and_with_the_pin_everything(pin: bool) -> None:
    desk = at([], pin)
    desk.keys(GOLD_PHONE, "enter", "80", "enter", "stored")
    if not pin:
        assert desk.refused == "value_not_by_phone"
        return
    assert asked(desk)
    desk.keys(PIN, "enter")
    body = last(desk)
    assert sum(draw.whole for draw in body.draws) == body.payable_minor == 8_000
    assert body.member is not None
    assert (body.member.medium, body.member.assurance) == (Medium.PHONE, Assurance.PIN)


@pytest.mark.row("W21")
def test_a_phone_number_gives_discount_and_points_value_needs_the_pin_or_a_fresh_code_each_within_its_level() -> None:
    book = MemoryBook()
    book.phones = {GOLD_PHONE: replace(MEMBER, member="m-9")}
    book.cards = {GOLD_UID: book.phones[GOLD_PHONE]}
    book.lend("m-9", 100_000)
    desk = Desk(book).sign_in()
    # Discount and points at once, by the number alone.
    desk.keys(GOLD_PHONE, "enter", "268", "enter", "cash")
    by_phone = last(desk)
    assert (by_phone.payable_minor, by_phone.points_earned, by_phone.draws) == (22_120, 221, ())
    # Stored value: refused without, paid with the PIN, paid with a code that the phone shows now.
    desk.keys(GOLD_PHONE, "enter", "100", "enter", "stored", "cancel", "stored")
    assert desk.refused == "value_not_by_phone"
    desk.keys("cancel")
    desk.commit()
    desk.keys(GOLD_PHONE, "enter", "100", "enter", "stored", PIN, "enter")
    assert paid(desk) == 9_000
    desk.scan(Phone(desk.book.hq).shows(desk.book.now().wall_ms))
    desk.keys("100", "enter", "stored")
    assert paid(desk) == 9_000
    # And each level has its own limit in the pack.
    for medium, assurance, most in (("phone", "pin", 5_000), ("card", "claimed", 2_000), ("qr", "fresh", 7_000)):
        limited = at([level(medium, assurance, stored_sale_minor=most)], pin=medium == "phone")
        match medium:
            case "phone":
                limited.keys(GOLD_PHONE, "enter")
            case "card":
                limited.tap(GOLD_UID)
            case _:
                limited.scan(Phone(limited.book.hq, member=GOLD.member).shows(DAY_ZERO_MS))
        limited.keys("100", "enter", "stored", *([PIN, "enter"] if medium == "phone" else []), "cash")
        assert paid(limited) == most


def test_a_code_that_can_be_copied_may_be_let_spend_less_than_one_shown_now() -> None:
    desk = at([level("qr", "signed", stored_sale_minor=0), level("qr", "fresh", stored_sale_minor=6_000)], pin=False)
    told = MemberCredential(credentials.GRAMMAR, "acme", GOLD.member, "gold", (), 99_999)
    desk.scan(credential_text(seal_credential(desk.book.hq, told)))
    desk.keys("50", "enter", "stored")
    assert desk.refused == "value_level"
    desk.scan(Phone(desk.book.hq, member=GOLD.member).shows(DAY_ZERO_MS))
    desk.keys("stored")
    assert paid(desk) == 5_000


def test_above_the_level_of_a_card_the_pin_is_asked_and_whoever_leaves_it_pays_up_to_the_level() -> None:
    levels = [level("card", "claimed", stored_sale_minor=5_000)]
    desk = at(levels)
    desk.tap(GOLD_UID)
    desk.keys("50", "enter", "stored")
    assert paid(desk) == 5_000
    desk.tap(GOLD_UID)
    desk.keys("80", "enter", "stored")
    assert asked(desk)
    desk.keys("cancel")
    assert isinstance(desk.state.scene, Selling)
    desk.keys("stored", "cash")
    assert paid(desk) == 5_000
    desk.tap(GOLD_UID)
    desk.keys("80", "enter", "stored", PIN, "enter")
    assert paid(desk) == 8_000


def test_the_pin_is_masked_and_leaves_the_glass_with_everybody() -> None:
    desk = at([])
    desk.keys(GOLD_PHONE, "enter", "80", "enter", "stored", PIN)
    text = compose(desk.state, StatusBar(True, 0, 0, "12:00", 1)).text
    assert PIN not in "".join(text) and "●●●●" in text and PIN not in repr(desk.state)
    desk.keys("clear")
    assert "●●●" in compose(desk.state, StatusBar(True, 0, 0, "12:00", 1)).text
    desk.book.elapsed_ms += IDLE_MS
    desk.tell(Tick())
    assert isinstance(desk.state.scene, Selling)


def test_wrong_pins_are_counted_before_anybody_learns_of_it_and_lock_the_member() -> None:
    desk = at([])
    desk.keys(GOLD_PHONE, "enter", "80", "enter", "stored")
    for number in range(1, MOST_WRONG_PINS + 1):
        desk.effects.clear()
        desk.keys("1111", "enter")
        assert desk.effects[0] == RecordPinTry("m-1", False, desk.book.now().wall_ms, PinOwner.MEMBER)
        assert desk.refused == ("pin_wrong" if number < MOST_WRONG_PINS else "member_pin_locked")
    assert any(isinstance(effect, Report) and effect.code == LOCKED_EVENT for effect in desk.effects)
    desk.tap(GOLD_UID)
    desk.keys("cancel")
    desk.commit()
    desk.keys(GOLD_PHONE, "enter", "80", "enter", "stored")
    assert desk.refused == "member_pin_locked"
    desk.book.elapsed_ms += LOCK_MS
    desk.keys("stored", PIN, "enter")
    assert paid(desk) == 8_000
    assert desk.book.member_pin_tries("m-1").count == 0


def test_a_try_that_cannot_be_counted_is_none() -> None:
    desk = at([])
    desk.disk_refuses = True
    desk.keys(GOLD_PHONE, "enter", "80", "enter", "stored", PIN, "enter")
    assert desk.refused == "store_failed"
    assert isinstance(desk.state.scene, Selling)


def test_a_day_has_its_own_limit_in_the_time_of_the_shop() -> None:
    desk = at([level("card", "claimed", stored_day_minor=10_000)], pin=False)
    for wanted, takes in (("60", 6_000), ("60", 4_000)):
        desk.tap(GOLD_UID)
        desk.keys(wanted, "enter", "stored", "cash")
        assert paid(desk) == takes
    desk.tap(GOLD_UID)
    desk.keys("60", "enter", "stored")
    assert desk.refused == "value_level"
    desk.keys("cash")
    desk.commit()
    # Midnight in Shanghai, not in Greenwich.
    desk.book.elapsed_ms += 16 * 3_600_000 - DAY_ZERO_MS % DAY_MS + DAY_MS * (DAY_ZERO_MS % DAY_MS >= 16 * 3_600_000)
    desk.tap(GOLD_UID)
    desk.keys("60", "enter", "stored")
    assert paid(desk) == 6_000


def test_in_training_a_pin_books_nothing_either() -> None:
    desk = at([])
    desk.keys("training", GOLD_PHONE, "enter", "80", "enter", "stored", PIN, "enter")
    desk.commit()
    assert desk.book.journal[-1].header.kind is EntryKind.TRAINING
    assert sum(held.amount for held in desk.book.spendable(Account(Asset.STORED, GOLD.member))) == 100_000


def test_redeeming_by_a_bare_phone_number_asks_for_the_pin() -> None:
    cup = {"rule": "cup", "title": "杯子", "title_en": "Cup", "lane": "points"}
    rules = promising({**cup, "then": [{"redeem": {"sku": "CUP", "points": 500, "service": True}}]})
    desk = at([], rules=rules)
    desk.book.share(Account(Asset.POINTS, GOLD.member), 1_200, 1)
    desk.keys(GOLD_PHONE, "enter", "redeem", PIN, "enter", "1")
    desk.commit()
    body = desk.book.journal[-1].body()
    assert isinstance(body, RedemptionBody) and body.member.assurance is Assurance.PIN


def test_a_slip_carries_no_more_than_the_level_lets_spend() -> None:
    desk = at([level("card", "claimed", stored_sale_minor=5_000)], pin=False)
    desk.book.others[(replace(desk.book.address, terminal="t02"), 1)] = desk.book.hq.public
    desk.tap(GOLD_UID)
    desk.keys("60", "slip")
    assert desk.refused == "value_level"
    desk.keys("50", "slip", "1")
    assert desk.state.outstanding is not None


def test_beyond_what_lies_here_a_floor_limit_pays_once_a_day_shown_before_it_is_booked_and_on_the_paper() -> None:
    desk = at([level("card", "claimed", floor_day_minor=3_000)], pin=False, lent=5_000)
    desk.tap()
    desk.keys("70", "enter", "stored")
    basket = desk.state.scene.basket if isinstance(desk.state.scene, Selling) else None
    assert basket is not None and (basket.stored_minor, basket.cash_minor, basket.on_floor_minor) == (7_000, 0, 2_000)
    assert "储值 70.00，其中垫付 20.00" in texts(desk)
    desk.keys("cash")
    body = last(desk)
    assert [(item.whole, item.on_floor) for item in body.draws] == [(5_000, False), (2_000, True)]
    assert body.draws[1] == floor_draw(desk.book.journal[-1].header.transaction, body.draws[0].account, 2_000)
    assert any("垫付 20.00" in text for text in texts(desk))
    # What is left of the day, then nothing; another day begins anew.
    desk.tap()
    desk.keys("70", "enter", "stored", "cash")
    assert paid(desk) == 1_000
    desk.tap()
    desk.keys("1", "enter", "stored")
    assert desk.refused == "floor_used"
    desk.keys("cash")
    desk.commit()
    desk.book.elapsed_ms += DAY_MS
    desk.tap()
    desk.keys("1", "enter", "stored", "cash")
    assert paid(desk) == 100


def test_no_floor_limit_without_one_nor_for_whom_the_level_lets_spend_nothing_and_the_pin_may_have_its_own() -> None:
    desk = at([level("card", "signed", floor_day_minor=3_000)], pin=False, lent=0)
    desk.tap()
    desk.keys("1", "enter", "stored")
    assert desk.refused == "value_none"
    levels = [level("phone", "claimed", floor_day_minor=3_000), level("phone", "pin", floor_day_minor=2_000)]
    desk = at(levels, lent=0)
    desk.keys(GOLD_PHONE, "enter", "50", "enter", "stored")
    assert asked(desk)
    desk.keys(PIN, "enter")
    desk.keys("cash")
    assert paid(desk) == 2_000
    # The bound of a sale holds for all of it.
    desk = at([level("card", "claimed", stored_sale_minor=600, floor_day_minor=3_000)], pin=False, lent=500)
    desk.tap()
    desk.keys("50", "enter", "stored", "cash")
    assert [(item.whole, item.on_floor) for item in last(desk).draws] == [(500, False), (100, True)]


def texts(desk: Desk) -> list[str]:
    """Every text on the glass."""
    return list(compose(desk.state, StatusBar(True, 0, 0, "12:00", 1)).text)
