"""Who may stand at this till: a number, a PIN, and patience with wrong ones."""

from __future__ import annotations

import hmac
from dataclasses import replace

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from agent.txn.answers import Step, move, nod, refuse
from agent.txn.book import Book
from agent.txn.effects import RecordPinTry
from agent.txn.events import Input, KeyDown
from agent.txn.keying import CASHIER_DIGITS, DIGIT_KEYS, PIN_DIGITS, digits_after, without_last
from agent.txn.state import Selling, SignedIn, SignIn, TillState
from contract.documents import CashierRecord, PinVerifier
from contract.refusals import RefusalCode

MOST_WRONG_PINS = 5
LOCK_MS = 60_000


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
        case "member" | "cash" | "reprint" | "signout":
            return refuse(state, RefusalCode.NOT_SIGNED_IN)
    return refuse(state, RefusalCode.KEY_NOT_NOW)


def pin_is_right(pin: str, verifier: PinVerifier) -> bool:
    """Tell whether ``pin`` is the one behind an argon2id verifier (RFC 9106: one lane, 32-byte tag), in constant time.

    Parameters that argon2 itself refuses make every PIN wrong.
    """
    try:
        kdf = Argon2id(
            salt=verifier.salt, length=32, iterations=verifier.passes, lanes=1, memory_cost=verifier.memory_kib
        )
        return hmac.compare_digest(kdf.derive(pin.encode()), verifier.tag)
    except ValueError:
        return False


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
    right = pin_is_right(scene.pin or "", record.pin)
    counted = RecordPinTry(record.cashier, right, book.now().wall_ms)
    after, effects = _signed_in(state, record) if right else _wrong(state, scene, record, book)
    return after, (counted, *effects)


def _signed_in(state: TillState, record: CashierRecord) -> Step:
    return nod(replace(state, cashier=SignedIn(record.cashier, record.name)), Selling())


def _wrong(state: TillState, scene: SignIn, record: CashierRecord, book: Book) -> Step:
    if book.pin_tries(record.cashier).count + 1 >= MOST_WRONG_PINS:
        return refuse(state, RefusalCode.CASHIER_LOCKED, SignIn())
    return refuse(state, RefusalCode.PIN_WRONG, replace(scene, pin=""))


def _is_locked(cashier: str, book: Book) -> bool:
    """Whether the last of too many wrong PINs is less than ``LOCK_MS`` away, whichever way a clock was set since."""
    tries = book.pin_tries(cashier)
    return tries.count >= MOST_WRONG_PINS and abs(book.now().wall_ms - tries.last_ms) < LOCK_MS
