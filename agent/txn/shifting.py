"""The report of a shift, and closing it: what the drawer should hold, what was counted, and the difference."""

from __future__ import annotations

from dataclasses import replace

from agent.txn import keying
from agent.txn.answers import Step, move, refuse
from agent.txn.book import Book
from agent.txn.effects import Commit, PrintReport, Sound, SoundName
from agent.txn.events import Input, KeyDown
from agent.txn.report_paper import since_of, x_report
from agent.txn.state import Committing, Selling, ShiftReport, TillState
from contract.bodies import EntryKind
from contract.errors import ContractError
from contract.money import parse_amount_minor
from contract.refusals import Refusal, RefusalCode


def report_begun(state: TillState, scene: Selling, book: Book) -> Step:
    """Show the figures of the running shift and print them (X report), between baskets."""
    if scene.basket is not None or scene.keyed or scene.phone_entry or state.cashier is None:
        return refuse(state, RefusalCode.KEY_NOT_NOW)
    body = book.open_shift(state.cashier.cashier)
    if body is None:
        return refuse(state, RefusalCode.STORE_FAILED)
    since_ms = since_of(body.figures)
    since = book.local_time(since_ms) if since_ms else ""
    paper = x_report(body, book.shop_name(), book.local_time(book.now().wall_ms), since)
    return replace(state, scene=ShiftReport(body)), (Sound(SoundName.ATTENTION), PrintReport(paper))


def report_step(state: TillState, scene: ShiftReport, event: Input, book: Book) -> Step:
    """Take the cash that was counted; ``enter`` or ``report`` again closes the shift, ``cancel`` leaves it running."""
    match event:
        case KeyDown(key=key) if key in keying.TYPING_KEYS:
            amount = keying.amount_after(scene.keyed, key)
            return refuse(state, amount) if isinstance(amount, Refusal) else move(state, replace(scene, keyed=amount))
        case KeyDown(key="clear") if scene.keyed:
            return move(state, replace(scene, keyed=keying.without_last(scene.keyed)))
        case KeyDown(key="clear" | "cancel"):
            return move(state, Selling())
        case KeyDown(key="enter" | "report") if not scene.keyed:
            return refuse(state, RefusalCode.REPORT_COUNT)
        case KeyDown(key="enter" | "report"):
            return _closing(state, scene, book)
    return refuse(state, RefusalCode.KEY_NOT_NOW)


def _closing(state: TillState, scene: ShiftReport, book: Book) -> Step:
    try:
        counted_minor = parse_amount_minor(scene.keyed.removesuffix("."))
    except ContractError:
        return refuse(state, RefusalCode.AMOUNT_MALFORMED, replace(scene, keyed=""))
    body = book.open_shift(scene.body.cashier)
    if body is None:
        return refuse(state, RefusalCode.STORE_FAILED)
    body = replace(body, cash_counted_minor=counted_minor)
    order = Commit(EntryKind.SHIFT_CLOSE, book.new_transaction(), body, owes_receipt=True)
    return replace(state, scene=Committing(None, order, scene)), (order,)
