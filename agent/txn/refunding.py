"""Goods that come back, key by key: naming the sale, choosing what of it, and the cashier's word."""

from __future__ import annotations

from dataclasses import replace

from agent.txn.answers import Step, move, nod, refuse
from agent.txn.book import Book
from agent.txn.events import CodeFailed, CodeRead, Input, KeyDown
from agent.txn.keying import DIGIT_KEYS, TYPING_KEYS, without_last
from agent.txn.refund_plan import as_of_now, by_code, by_number, planned
from agent.txn.returning import NamedSale, PlannedRefund, Refunding
from agent.txn.state import Committing, Selling, TillState
from contract.refusals import Refusal, RefusalCode

MOST_CHARS = 24
"""The most characters kept of a receipt's number."""
QUANTITY_DIGITS = 6


def refund_begun(state: TillState, scene: Selling) -> Step:
    """Ask for the sale, between baskets."""
    if scene.basket is not None or scene.keyed or scene.phone_entry:
        return refuse(state, RefusalCode.KEY_NOT_NOW)
    return move(state, Refunding())


def refunding_step(state: TillState, scene: Refunding, event: Input, book: Book) -> Step:
    """Answer what a person does while goods come back."""
    match event:
        case KeyDown(key="cancel"):
            return move(state, Selling())
        case KeyDown(key=key) if scene.plan is not None:
            return _confirming(state, scene, scene.plan, key, book)
        case KeyDown(key=key) if scene.named is not None:
            return _choosing(state, scene, scene.named, key, book)
        case KeyDown(key=key):
            return _naming(state, scene, key, book)
        case CodeRead(data=data) if scene.named is None and scene.plan is None:
            return _named(state, by_code(data, _cashier(state), book))
        case CodeFailed() if scene.named is None:
            return refuse(state, RefusalCode.CODE_GARBLED)
    return refuse(state, RefusalCode.KEY_NOT_NOW)


def _naming(state: TillState, scene: Refunding, key: str, book: Book) -> Step:
    if key in TYPING_KEYS:
        keyed = scene.keyed + key
        fits = len(keyed) <= MOST_CHARS and keyed.count(".") <= 1
        return move(state, replace(scene, keyed=keyed)) if fits else refuse(state, RefusalCode.REFUND_NO_RECEIPT)
    match key:
        case "clear":
            return move(state, replace(scene, keyed=without_last(scene.keyed)) if scene.keyed else Selling())
        case "enter" if scene.keyed:
            return _named(replace(state, scene=Refunding()), by_number(scene.keyed, _cashier(state), book))
    return refuse(state, RefusalCode.KEY_NOT_NOW)


def _cashier(state: TillState) -> str:
    return state.cashier.cashier if state.cashier else ""


def _named(state: TillState, found: NamedSale | PlannedRefund | Refusal) -> Step:
    if isinstance(found, Refusal):
        return refuse(state, found)
    if isinstance(found, PlannedRefund):
        return nod(state, Refunding(plan=found))
    return nod(state, Refunding(named=found, units=found.left, line=found.returnable[0]))


def _choosing(state: TillState, scene: Refunding, named: NamedSale, key: str, book: Book) -> Step:
    """Ask line by line how many come back; nothing keyed leaves the line as it is."""
    if key in DIGIT_KEYS:
        keyed = (scene.keyed + key).lstrip("0") or "0"
        return move(state, replace(scene, keyed=keyed[:QUANTITY_DIGITS]))
    place = named.returnable.index(scene.line)
    match key:
        case "clear" if scene.keyed:
            return move(state, replace(scene, keyed=without_last(scene.keyed)))
        case "clear" if place:
            return move(state, replace(scene, line=named.returnable[place - 1]))
        case "clear":
            return move(state, Refunding())
        case "enter" | "refund" if scene.keyed and int(scene.keyed) > named.left[scene.line]:
            emptied = replace(scene, keyed="")
            return refuse(state, Refusal(RefusalCode.REFUND_TOO_MANY, str(named.left[scene.line])), emptied)
        case "enter" | "refund":
            count = int(scene.keyed) if scene.keyed else scene.units[scene.line]
            units = (*scene.units[: scene.line], count, *scene.units[scene.line + 1 :])
            chosen = replace(scene, keyed="", units=units)
            if key == "enter" and place + 1 < len(named.returnable):
                return move(state, replace(chosen, line=named.returnable[place + 1]))
            return _reckoned(state, chosen, named, book)
    return refuse(state, RefusalCode.KEY_NOT_NOW)


def _reckoned(state: TillState, scene: Refunding, named: NamedSale, book: Book) -> Step:
    plan = planned(named, scene.units, _cashier(state), book)
    if isinstance(plan, Refusal):
        return refuse(state, plan, replace(scene, line=named.returnable[0]))
    return nod(state, replace(scene, plan=plan))


def _confirming(state: TillState, scene: Refunding, plan: PlannedRefund, key: str, book: Book) -> Step:
    match key:
        case "enter":
            return _booked(state, scene, plan, book)
        case "clear":
            return move(state, replace(scene, plan=None))
    return refuse(state, RefusalCode.KEY_NOT_NOW)


def _booked(state: TillState, scene: Refunding, plan: PlannedRefund, book: Book) -> Step:
    """Order the return to be booked as it stands on the glass. Value may have gone elsewhere since then: what would be
    paid out or taken otherwise now is shown first.
    """
    again = as_of_now(scene, plan, _cashier(state), book)
    if isinstance(again, Refusal):
        return refuse(state, again, replace(scene, plan=None))
    if not again.tells_the_same(plan):
        return refuse(state, RefusalCode.PLAN_CHANGED, replace(scene, plan=again))
    return replace(state, scene=Committing(None, again.order, replace(scene, plan=again))), (again.order,)
