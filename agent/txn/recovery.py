"""After a start: what was committed before the till went dark, and the paper that may be missing."""

from __future__ import annotations

from dataclasses import replace

from agent.txn.answers import Step, move, refuse
from agent.txn.book import Book
from agent.txn.effects import Print, Sound, SoundName, WaiveReceipt
from agent.txn.events import Input, KeyDown, ReceiptPrinted, ReceiptWaiting
from agent.txn.keying import DIGIT_KEYS
from agent.txn.receipt import receipt_of
from agent.txn.sign_in import sign_in_step
from agent.txn.sold import recalled
from agent.txn.state import ReceiptState, Recovered, SignIn, TillState
from contract.journal import Entry
from contract.refusals import RefusalCode

MOST_OFFERED = 50
"""The most receipts offered after one start; what is left is offered after the next."""


def started(state: TillState, book: Book) -> Step:
    """Offer the receipts still owed, oldest first; with none, ask for a cashier. Only a till that has done nothing yet
    starts.
    """
    if state.scene != SignIn() or state.cashier is not None:
        return state, ()
    owed = tuple(sold for entry in book.unprinted()[:MOST_OFFERED] if (sold := recalled(entry, book)) is not None)
    if not owed:
        return state, ()
    return replace(state, scene=Recovered(owed)), (Sound(SoundName.ATTENTION),)


def recovery_step(state: TillState, scene: Recovered, event: Input, book: Book) -> Step:
    """Print the receipt on offer (marked 补打, for it may be the second), skip it, or skip them all."""
    first = scene.owed[0]
    match event:
        case KeyDown(key="reprint" | "enter"):
            if scene.receipt is ReceiptState.PRINTING:
                return refuse(state, RefusalCode.KEY_NOT_NOW)
            paper = receipt_of(first, book.shop_name(), reprint=True)
            after = replace(state, scene=replace(scene, receipt=ReceiptState.PRINTING, problem=""))
            return after, (Print(first.entry.header.seq, paper, first.entry.header.epoch),)
        case KeyDown(key=key) if key in DIGIT_KEYS and scene.receipt is ReceiptState.PRINTING and len(scene.owed) == 1:
            # The last paper is on its way, and the cashier is already keying a number.
            return sign_in_step(replace(state, scene=SignIn()), SignIn(), event, book)
        case KeyDown(key="cancel"):
            after, _ = _next(state, scene)
            return after, (_waived(first.entry),)
        case KeyDown(key="clear"):
            return move(state, SignIn())[0], tuple(_waived(sold.entry) for sold in scene.owed)
        case KeyDown():
            return refuse(state, RefusalCode.KEY_NOT_NOW)
    return refuse(state, RefusalCode.NOT_SIGNED_IN)


def owed_receipt_told(state: TillState, scene: Recovered, event: ReceiptPrinted | ReceiptWaiting) -> Step:
    """Go on to the next once a paper is out; offer it again where it is not."""
    header = scene.owed[0].entry.header
    if (header.epoch, header.seq) != (event.epoch, event.seq):
        return state, ()
    if isinstance(event, ReceiptPrinted):
        return _next(state, scene)
    return move(state, replace(scene, receipt=ReceiptState.OWED, problem=event.problem))


def _waived(entry: Entry) -> WaiveReceipt:
    return WaiveReceipt(entry.header.seq, entry.header.epoch)


def _next(state: TillState, scene: Recovered) -> Step:
    rest = scene.owed[1:]
    return move(state, Recovered(rest) if rest else SignIn())
