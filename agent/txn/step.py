"""step(): the whole of a transaction, one event at a time, without a clock, a file or a device."""

from __future__ import annotations

from dataclasses import replace

from agent.txn.answers import Step, refuse
from agent.txn.book import Book
from agent.txn.closing import commit_failed, committed, paid_step, receipt_told
from agent.txn.events import (
    CashiersChanged,
    CommitFailed,
    Committed,
    Event,
    Input,
    KeyDown,
    PackChanged,
    PinTryCounted,
    PinTryLost,
    ReceiptPrinted,
    ReceiptWaiting,
    Started,
    Tick,
)
from agent.txn.member_pin import left, pin_step, pin_told
from agent.txn.menu import menu_step
from agent.txn.recovery import owed_receipt_told, recovery_step, started
from agent.txn.refunding import refunding_step
from agent.txn.reprinting import reprinting_step
from agent.txn.returning import Refunding
from agent.txn.selling import offered, selling_step
from agent.txn.shifting import report_step
from agent.txn.sign_in import cashiers_changed, pin_try_told, sign_in_step
from agent.txn.state import (
    AskPin,
    Committing,
    Lang,
    Menu,
    Notice,
    Paid,
    ReceiptState,
    Recovered,
    Reprinting,
    Selling,
    ShiftReport,
    SignIn,
    TillState,
)
from agent.txn.training import practised
from contract.refusals import RefusalCode

WORDS_MS = 20_000
"""How long a refusal or a notice stands when nobody does anything."""

IDLE_MS = 60_000
"""After how long without a person a half-keyed sign-in is dropped and a paid sale leaves the glass."""


def step(state: TillState, event: Event, book: Book) -> Step:
    """Return where the till stands after ``event`` and what must follow, in order. Raises nothing of its own.

    At most one Commit is outstanding; a success sound and a first receipt come only in answer to ``Committed``.
    """
    match event:
        case Started():
            return started(state, book)
        case Committed(entry=entry):
            return committed(state, state.scene, entry, book) if isinstance(state.scene, Committing) else (state, ())
        case CommitFailed(cause=cause):
            return commit_failed(state, state.scene, cause) if isinstance(state.scene, Committing) else (state, ())
        case PinTryCounted() | PinTryLost():
            return _pin_try_told(state, event, book)
        case ReceiptPrinted() | ReceiptWaiting():
            if isinstance(state.scene, Recovered):
                return owed_receipt_told(state, state.scene, event)
            return receipt_told(state, event)
        case PackChanged():
            quiet = isinstance(state.scene, Selling) and state.refusal is None
            return replace(state, notice=Notice.RULES_CHANGED if quiet else state.notice), ()
        case CashiersChanged():
            return cashiers_changed(state, book)
        case Tick():
            return offered(_time_passed(state, book), book), ()
    answer = _input(state, event, book)
    return practised(state, answer) if state.training else answer


def _pin_try_told(state: TillState, event: PinTryCounted | PinTryLost, book: Book) -> Step:
    match state.scene:
        case SignIn() as scene:
            return pin_try_told(state, scene, event, book)
        case AskPin() as scene:
            # The key that asked is pressed again: what follows is a person's doing like any other.
            answer = pin_told(state, scene, event, book)
            return practised(state, answer) if state.training else answer
    return state, ()


def _input(state: TillState, event: Input, book: Book) -> Step:
    """Answer a person: first what they said before is forgotten, then the scene decides."""
    fresh = replace(state, refusal=None, notice=None, touched_ms=book.now().monotonic_ms)
    if event == KeyDown("lang"):
        other = Lang.EN if state.lang is Lang.ZH else Lang.ZH
        return replace(state, lang=other, touched_ms=fresh.touched_ms), ()
    match fresh.scene:
        case SignIn() as scene:
            return sign_in_step(fresh, scene, event, book)
        case Selling() as scene:
            return selling_step(fresh, scene, event, book)
        case Refunding() as scene:
            return refunding_step(fresh, scene, event, book)
        case ShiftReport() as scene:
            return report_step(fresh, scene, event, book)
        case Reprinting() as scene:
            return reprinting_step(fresh, scene, event, book)
        case Menu() as scene:
            return menu_step(fresh, scene, event, book)
        case AskPin() as scene:
            return pin_step(fresh, scene, event, book)
        case Committing():
            return refuse(fresh, RefusalCode.KEY_NOT_NOW)
        case Paid() as scene:
            return paid_step(fresh, scene, event, book)
        case Recovered() as scene:
            return recovery_step(fresh, scene, event, book)


def _time_passed(state: TillState, book: Book) -> TillState:
    """Let words fade, and leave nothing of a customer or of a PIN on the glass when everybody has gone."""
    idle_ms = book.now().monotonic_ms - state.touched_ms
    if idle_ms >= WORDS_MS and (state.refusal or state.notice):
        state = replace(state, refusal=None, notice=None)
    if idle_ms < IDLE_MS:
        return state
    match state.scene:
        case SignIn(number=number) if number:
            return replace(state, scene=SignIn())
        case Paid(receipt=ReceiptState.PRINTED) | Refunding() | ShiftReport() | Reprinting():
            return replace(state, scene=Selling())
        case Menu(behind=behind):
            return replace(state, scene=behind)
        case AskPin() as scene:
            return replace(state, scene=left(scene))
    return state
