"""Who may stand at this till: a number, a PIN, and patience with wrong ones."""

from __future__ import annotations

from dataclasses import replace

from agent.txn.answers import Step, move, nod, refuse
from agent.txn.book import Book
from agent.txn.effects import PinOwner, RecordPinTry, Report
from agent.txn.events import Input, KeyDown, PinTryCounted, PinTryLost
from agent.txn.keying import CASHIER_DIGITS, DIGIT_KEYS, PIN_DIGITS, digits_after, without_last
from agent.txn.patience import MOST_WRONG_PINS, is_locked
from agent.txn.state import Selling, SignedIn, SignIn, TillState
from contract.pins import is_pin
from contract.refusals import Refusal, RefusalCode

LOCKED_EVENT = "cashier_locked"


def sign_in_step(state: TillState, scene: SignIn, event: Input, book: Book) -> Step:
    """Answer what a person does while nobody is signed in."""
    if not isinstance(event, KeyDown):
        return refuse(state, RefusalCode.NOT_SIGNED_IN)
    match event.key:
        case key if key in DIGIT_KEYS:
            return _typed(state, scene, key)
        case "clear":
            if scene.pin is None:
                return move(state, SignIn(without_last(scene.number)))
            return move(state, replace(scene, pin=without_last(scene.pin)))
        case "cancel":
            return move(state, SignIn())
        case "enter":
            return _number_entered(state, scene, book) if scene.pin is None else _pin_entered(state, scene, book)
        case "member" | "cash" | "stored" | "topup" | "reprint" | "signout":
            return refuse(state, RefusalCode.NOT_SIGNED_IN)
    return refuse(state, RefusalCode.KEY_NOT_NOW)


def pin_try_told(state: TillState, scene: SignIn, event: PinTryCounted | PinTryLost, book: Book) -> Step:
    """Let a person in or not, once the try is counted; a try that the store cannot count is none.

    An answer to a sign-in that was given up meanwhile changes nothing.
    """
    if isinstance(event, PinTryLost):
        return refuse(state, Refusal(RefusalCode.STORE_FAILED, event.cause), SignIn())
    record = book.cashier(event.who) if event.of is PinOwner.CASHIER else None
    if record is None or scene.pin is None or scene.number != event.who:
        return state, ()
    if event.ok:
        return nod(replace(state, cashier=SignedIn(record.cashier, record.name)), Selling())
    return _wrong(state, scene, book)


def cashiers_changed(state: TillState, book: Book) -> Step:
    """Sign out whoever may no longer sign in; a basket that is open is closed first."""
    if state.cashier is None or state.open_basket or book.cashier(state.cashier.cashier) is not None:
        return state, ()
    return refuse(replace(state, cashier=None), RefusalCode.CASHIER_UNKNOWN, SignIn())


def _typed(state: TillState, scene: SignIn, key: str) -> Step:
    if scene.pin is None:
        number = digits_after(scene.number, key, CASHIER_DIGITS)
        return refuse(state, RefusalCode.CASHIER_UNKNOWN) if number is None else move(state, SignIn(number))
    pin = digits_after(scene.pin, key, PIN_DIGITS)
    return refuse(state, RefusalCode.PIN_WRONG) if pin is None else move(state, replace(scene, pin=pin))


def _number_entered(state: TillState, scene: SignIn, book: Book) -> Step:
    record = book.cashier(scene.number) if scene.number else None
    if record is None:
        return refuse(state, RefusalCode.CASHIER_UNKNOWN, SignIn())
    if _is_locked(record.cashier, book):
        return refuse(state, RefusalCode.CASHIER_LOCKED, SignIn())
    return move(state, replace(scene, pin=""))


def _pin_entered(state: TillState, scene: SignIn, book: Book) -> Step:
    """Judge a PIN. The try is counted before anybody learns whether it was right."""
    record = book.cashier(scene.number)
    if record is None:
        return refuse(state, RefusalCode.CASHIER_UNKNOWN, SignIn())
    if _is_locked(record.cashier, book):
        return refuse(state, RefusalCode.CASHIER_LOCKED, SignIn())
    right = is_pin(scene.pin or "", record.pin)
    return state, (RecordPinTry(record.cashier, right, book.now().wall_ms),)


def _wrong(state: TillState, scene: SignIn, book: Book) -> Step:
    count = book.pin_tries(scene.number).count
    if count < MOST_WRONG_PINS:
        return refuse(state, RefusalCode.PIN_WRONG, replace(scene, pin=""))
    after, effects = refuse(state, RefusalCode.CASHIER_LOCKED, SignIn())
    return after, (*effects, Report(LOCKED_EVENT, f"{scene.number}: {count} wrong PINs in a row"))


def _is_locked(cashier: str, book: Book) -> bool:
    return is_locked(book.pin_tries(cashier), book.now().wall_ms)
