"""The question for a member's PIN: asked where it lets more be spent than the recognition alone does.

A right PIN raises how sure the recognition is, and the key that asked is pressed again. Whoever leaves the question
goes on without: the same basket does not ask again.
"""

from __future__ import annotations

from dataclasses import replace

from agent.txn import permission
from agent.txn.answers import Step, move, refuse
from agent.txn.book import Book
from agent.txn.effects import PinOwner, RecordPinTry, Report
from agent.txn.events import Input, KeyDown, PinTryCounted, PinTryLost
from agent.txn.keying import DIGIT_KEYS, PIN_DIGITS, digits_after, without_last
from agent.txn.patience import MOST_WRONG_PINS, is_locked
from agent.txn.sale import as_of_now
from agent.txn.selling import selling_step
from agent.txn.state import AskPin, Selling, TillState
from contract.pins import is_pin
from contract.refusals import Refusal, RefusalCode

LOCKED_EVENT = "member_pin_locked"


def pin_step(state: TillState, scene: AskPin, event: Input, book: Book) -> Step:
    """Answer what a person does while the member's PIN is asked for."""
    if not isinstance(event, KeyDown):
        return refuse(state, RefusalCode.KEY_NOT_NOW)
    match event.key:
        case key if key in DIGIT_KEYS:
            pin = digits_after(scene.keyed, key, PIN_DIGITS)
            return refuse(state, RefusalCode.PIN_WRONG) if pin is None else move(state, replace(scene, keyed=pin))
        case "clear" if scene.keyed:
            return move(state, replace(scene, keyed=without_last(scene.keyed)))
        case "clear" | "cancel":
            return move(state, left(scene))
        case "enter" if scene.keyed:
            return _entered(state, scene, book)
    return refuse(state, RefusalCode.KEY_NOT_NOW)


def pin_told(state: TillState, scene: AskPin, event: PinTryCounted | PinTryLost, book: Book) -> Step:
    """Go on once the try is counted; a try that the store cannot count is none, and one of somebody else changes
    nothing.
    """
    if isinstance(event, PinTryLost):
        return refuse(state, Refusal(RefusalCode.STORE_FAILED, event.cause), left(scene))
    basket = scene.basket
    if event.of is not PinOwner.MEMBER or basket.buyer is None or basket.buyer.ref.member != event.who:
        return state, ()
    if not event.ok:
        return _wrong(state, scene, event.who, book)
    raised = as_of_now(replace(basket, buyer=permission.with_pin(basket.buyer)), book)
    if isinstance(raised, Refusal):
        return refuse(state, raised, left(scene))
    selling = replace(scene.selling, basket=raised)
    return selling_step(replace(state, scene=selling), selling, KeyDown(scene.key), book)


def left(scene: AskPin) -> Selling:
    """The basket as it was, which does not ask again."""
    return replace(scene.selling, basket=replace(scene.basket, pin_asked=True))


def _entered(state: TillState, scene: AskPin, book: Book) -> Step:
    """Judge a PIN. The try is counted before anybody learns whether it was right."""
    buyer = scene.basket.buyer
    found = None if buyer is None else book.member_by_id(buyer.ref.member)
    if found is None or found.pin is None:
        return refuse(state, RefusalCode.VALUE_LEVEL, left(scene))
    now_ms = book.now().wall_ms
    if is_locked(book.member_pin_tries(found.member), now_ms):
        return refuse(state, RefusalCode.MEMBER_PIN_LOCKED, left(scene))
    return state, (RecordPinTry(found.member, is_pin(scene.keyed, found.pin), now_ms, PinOwner.MEMBER),)


def _wrong(state: TillState, scene: AskPin, member: str, book: Book) -> Step:
    count = book.member_pin_tries(member).count
    if count < MOST_WRONG_PINS:
        return refuse(state, RefusalCode.PIN_WRONG, replace(scene, keyed=""))
    after, effects = refuse(state, RefusalCode.MEMBER_PIN_LOCKED, left(scene))
    return after, (*effects, Report(LOCKED_EVENT, f"{member}: {count} wrong PINs in a row"))
