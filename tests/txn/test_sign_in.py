"""Signing in: a number, a PIN, and five wrong ones."""

from dataclasses import replace

import pytest

from agent.txn.effects import RecordPinTry, Report, SoundName
from agent.txn.events import CashiersChanged, PinTryCounted, Tick
from agent.txn.patience import LOCK_MS, MOST_DOUBLINGS
from agent.txn.sign_in import LOCKED_EVENT
from agent.txn.state import Selling, SignedIn, SignIn, TillState
from contract.pins import is_pin
from tests.txn.desk import PIN, Desk, sounds, verifier


def test_a_right_pin_signs_in_and_the_try_is_recorded_first() -> None:
    desk = Desk()
    effects = desk.keys("1001", "enter", PIN, "enter")
    assert isinstance(effects[0], RecordPinTry)
    assert (effects[0].who, effects[0].ok) == ("1001", True)
    assert desk.state.cashier == SignedIn("1001", "收银员")
    assert desk.state.scene == Selling()


def test_a_pin_is_never_in_the_words_of_the_state() -> None:
    desk = Desk()
    desk.keys("1001", "enter", PIN)
    assert PIN not in repr(desk.state)


def test_five_wrong_pins_lock_the_cashier_for_a_minute() -> None:
    desk = Desk()
    desk.keys("1001", "enter")
    for _attempt in range(4):
        desk.keys("9999", "enter")
        assert desk.refused == "pin_wrong"
    desk.keys("9999", "enter")
    assert desk.refused == "cashier_locked"
    desk.keys("1001", "enter")
    assert desk.refused == "cashier_locked"
    desk.book.elapsed_ms += 59_999
    desk.keys("1001", "enter")
    assert desk.refused == "cashier_locked"
    desk.book.elapsed_ms += 1
    desk.keys("1001", "enter", "9999", "enter")
    assert desk.refused == "cashier_locked"
    desk.book.elapsed_ms += 120_000
    desk.sign_in()
    assert desk.book.pin_tries("1001").count == 0


def test_each_wrong_pin_after_a_lock_doubles_the_next_and_head_office_is_told() -> None:
    desk = Desk()
    desk.keys("1001", "enter")
    for _attempt in range(4):
        desk.keys("9999", "enter")
    assert not [effect for effect in desk.effects if isinstance(effect, Report)]
    lasted_ms = []
    for _lock in range(9):
        if desk.state.scene == SignIn():
            desk.keys("1001", "enter")
        desk.keys("9999", "enter")
        began_ms = desk.book.elapsed_ms
        while desk.keys("1001", "enter") and desk.refused == "cashier_locked":
            desk.book.elapsed_ms += LOCK_MS
        desk.keys("cancel")
        lasted_ms.append(desk.book.elapsed_ms - began_ms)
    assert lasted_ms == [LOCK_MS << min(lock, MOST_DOUBLINGS) for lock in range(9)]
    told = [effect for effect in desk.effects if isinstance(effect, Report)]
    assert [report.code for report in told] == [LOCKED_EVENT] * 9
    assert told[0].detail == "1001: 5 wrong PINs in a row"


@pytest.mark.parametrize("pin", [PIN, "9999"])
def test_while_the_disk_refuses_no_pin_lets_in_and_none_can_be_told_from_another(pin: str) -> None:
    desk = Desk(disk_refuses=True)
    effects = desk.keys("1001", "enter", pin, "enter")
    assert (desk.refused, desk.state.cashier, desk.state.scene) == ("store_failed", None, SignIn())
    assert sounds(effects) == [SoundName.REFUSED]
    desk.disk_refuses = False
    desk.sign_in()


def test_a_cashier_who_may_no_longer_sign_in_is_signed_out_between_baskets() -> None:
    desk = Desk().sign_in()
    desk.tell(CashiersChanged())
    assert desk.state.cashier is not None
    record = desk.book.cashiers.pop("1001")
    desk.keys("1.00", "enter")
    desk.tell(CashiersChanged())
    assert desk.state.cashier is not None and desk.basket_is_open()
    desk.keys("cash")
    desk.commit()
    desk.tell(CashiersChanged())
    assert desk.state == TillState(SignIn(), refusal=desk.state.refusal, touched_ms=desk.state.touched_ms)
    assert desk.refused == "cashier_unknown"
    desk.book.cashiers["1001"] = record
    desk.sign_in()


def test_an_answer_to_a_sign_in_that_was_given_up_lets_nobody_in() -> None:
    desk = Desk()
    desk.keys("1001", "enter", "1", "cancel")
    desk.tell(PinTryCounted("1001", True))
    assert (desk.state.cashier, desk.state.scene) == (None, SignIn())


def test_the_lock_holds_for_a_pin_that_was_being_keyed_when_it_fell() -> None:
    desk = Desk()
    desk.keys("1001", "enter", PIN)
    other = Desk(book=desk.book)
    other.keys("1001", "enter")
    for _attempt in range(5):
        other.keys("0", "enter")
    desk.keys("enter")
    assert (desk.refused, desk.state.cashier) == ("cashier_locked", None)


def test_a_number_nobody_has_is_refused() -> None:
    desk = Desk()
    for typed in ("7", ""):
        desk.keys(*([typed] if typed else []), "enter")
        assert desk.refused == "cashier_unknown"
        assert desk.state.scene == SignIn()


def test_what_is_keyed_stays_bounded() -> None:
    desk = Desk()
    desk.keys("1" * 99)
    assert isinstance(desk.state.scene, SignIn) and len(desk.state.scene.number) == 8
    desk.keys("cancel", "1001", "enter", "1" * 99)
    assert isinstance(desk.state.scene, SignIn) and len(desk.state.scene.pin or "") == 12


def test_clear_takes_one_digit_and_cancel_begins_again() -> None:
    desk = Desk()
    desk.keys("10019", "clear", "enter", "13579", "clear", "enter")
    assert desk.state.cashier is not None
    again = Desk()
    again.keys("1001", "enter", "1", "cancel")
    assert again.state.scene == SignIn()


@pytest.mark.parametrize("key", ["member", "cash", "reprint", "signout"])
def test_nothing_is_sold_before_somebody_signed_in(key: str) -> None:
    desk = Desk()
    assert sounds(desk.keys(key)) == [SoundName.REFUSED]
    assert desk.refused == "not_signed_in"


def test_cards_and_codes_wait_for_a_cashier() -> None:
    desk = Desk()
    desk.tap()
    assert desk.refused == "not_signed_in"
    desk.scan("6901234567892")
    assert desk.refused == "not_signed_in"


def test_a_half_keyed_pin_does_not_stay_on_the_glass() -> None:
    desk = Desk()
    desk.keys("1001", "enter", "13")
    desk.book.elapsed_ms += 60_000
    desk.tell(Tick())
    assert desk.state.scene == SignIn()


def test_a_verifier_that_argon2_cannot_use_makes_every_pin_wrong() -> None:
    good = verifier(PIN)
    assert is_pin(PIN, good)
    assert not is_pin(PIN, replace(good, memory_kib=1))
    assert not is_pin("", good)


def test_a_till_begins_in_the_language_of_its_shop() -> None:
    assert [TillState.started(language).lang.value for language in ("zh", "en", "fr")] == ["zh", "en", "zh"]
