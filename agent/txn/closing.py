"""What follows a commit: only the journal's word lets the sound and the paper out."""

from __future__ import annotations

from dataclasses import replace

from agent.txn.answers import Step, nod, refuse
from agent.txn.book import Book
from agent.txn.effects import OpenDrawer, Print, Sound, SoundName
from agent.txn.events import Input, KeyDown, ReceiptPrinted, ReceiptWaiting
from agent.txn.receipt import receipt_of
from agent.txn.selling import selling_step
from agent.txn.slipping import slip_taken
from agent.txn.sold import body_of, just_sold, just_topped_up, recalled, refunded
from agent.txn.state import (
    Committing,
    Done,
    Notice,
    Paid,
    ReceiptState,
    Selling,
    SignIn,
    TillState,
)
from contract.bodies import Body, EntryKind, ShiftCloseBody
from contract.journal import Entry
from contract.refusals import Refusal, RefusalCode
from contract.trade import RefundBody, SaleBody, TenderKind, TopUpBody


def committed(state: TillState, scene: Committing, entry: Entry, book: Book) -> Step:
    """Believe the journal: what is shown, sounded and printed is the entry it holds, not what was asked for.

    An entry of another transaction is none of this till's business and changes nothing.
    """
    asked = scene.asked
    if entry.header.transaction != asked.transaction:
        return state, ()
    if entry.header.kind is EntryKind.SLIP_IN:
        return nod(replace(state, refusal=None), Selling(), slip_taken(entry, book))
    if entry.header.kind is EntryKind.TRAINING:
        return _practised(replace(state, refusal=None), scene, entry, book)
    if entry.header.kind is EntryKind.CANCEL:
        return nod(replace(state, refusal=None), Selling(), Notice.BASKET_CANCELLED)
    sold = _sold(scene, entry, book)
    if sold is None:
        return nod(replace(state, refusal=None), Selling(), Notice.ALREADY_BOOKED)
    as_asked = asked.body == body_of(sold)
    after = replace(
        state,
        scene=Paid(sold, ReceiptState.PRINTING),
        refusal=None,
        notice=None if as_asked else Notice.ALREADY_BOOKED,
    )
    paper = receipt_of(sold, book.shop_name(), reprint=not as_asked)
    drawer = (OpenDrawer(),) if as_asked and _cash_moves(asked.body) else ()
    return after, (Sound(SoundName.SUCCESS), *drawer, Print(entry.header.seq, paper, entry.header.epoch))


def _cash_moves(body: Body) -> bool:
    """Whether somebody puts cash into the drawer or takes some out; who closes a shift counts what is in it."""
    match body:
        case SaleBody(tenders=tenders) | TopUpBody(tenders=tenders) | RefundBody(tenders=tenders):
            return any(tender.kind is TenderKind.CASH and tender.amount_minor for tender in tenders)
        case ShiftCloseBody():
            return True
    return False


def commit_failed(state: TillState, scene: Committing, cause: str) -> Step:
    """Give back what was on the glass as it was, and say that nothing was booked."""
    return refuse(state, Refusal(RefusalCode.STORE_FAILED, cause), scene.before or Selling(scene.basket))


def _practised(state: TillState, scene: Committing, entry: Entry, book: Book) -> Step:
    """Show and print what was practised, marked as such; the entry says only that it was."""
    basket, body = scene.basket, scene.practised
    done: Done | None = None
    match body:
        case SaleBody() if basket is not None:
            done = just_sold(entry, body, basket.explanations, basket.buyer, book)
        case TopUpBody() if basket is not None and basket.top_up is not None and basket.buyer is not None:
            done = just_topped_up(entry, body, basket.top_up.explanations, basket.buyer, book)
        case RefundBody():
            done = refunded(entry, body, book)
    if done is None:
        return nod(state, Selling(), Notice.PRACTISED)
    paper = receipt_of(done, book.shop_name(), reprint=False)
    after = replace(state, scene=Paid(done, ReceiptState.PRINTING), notice=None)
    return after, (Sound(SoundName.SUCCESS), Print(entry.header.seq, paper, entry.header.epoch))


def receipt_told(state: TillState, event: ReceiptPrinted | ReceiptWaiting) -> Step:
    """Keep up with the receipt of the sale on the glass."""
    scene = state.scene
    if not isinstance(scene, Paid):
        return state, ()
    header = scene.sold.entry.header
    if (header.epoch, header.seq) != (event.epoch, event.seq):
        return state, ()
    if isinstance(event, ReceiptPrinted):
        return replace(state, scene=replace(scene, receipt=ReceiptState.PRINTED, problem="")), ()
    return replace(state, scene=replace(scene, receipt=ReceiptState.WAITING, problem=event.problem)), ()


def paid_step(state: TillState, scene: Paid, event: Input, book: Book) -> Step:
    """Begin the next basket with whatever comes; a second press of ``cash`` is not a beginning."""
    match event:
        case KeyDown(key="cash" | "stored"):
            return refuse(state, RefusalCode.KEY_NOT_NOW)
        case KeyDown(key="enter" | "clear" | "cancel"):
            return replace(state, scene=Selling()), ()
        case KeyDown(key="signout"):
            return replace(state, scene=SignIn(), cashier=None), ()
        case KeyDown(key="reprint"):
            paper = receipt_of(scene.sold, book.shop_name(), reprint=True)
            after = replace(state, scene=replace(scene, receipt=ReceiptState.PRINTING, problem=""))
            return after, (
                Sound(SoundName.ATTENTION),
                Print(scene.sold.entry.header.seq, paper, scene.sold.entry.header.epoch),
            )
    ready = Selling()
    return selling_step(replace(state, scene=ready), ready, event, book)


def _sold(scene: Committing, entry: Entry, book: Book) -> Done | None:
    """What an entry holds; where that is what was asked for, with the words the basket already had."""
    basket, asked = scene.basket, scene.asked.body
    held = recalled(entry, book)
    if held is not None and asked != body_of(held):
        return held
    match asked:
        case SaleBody() if basket is not None:
            return just_sold(entry, asked, basket.explanations, basket.buyer, book)
        case TopUpBody() if basket is not None and basket.top_up is not None and basket.buyer is not None:
            return just_topped_up(entry, asked, basket.top_up.explanations, basket.buyer, book)
    return held
