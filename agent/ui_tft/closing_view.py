"""Screens around a commit: booking, paid, and what a restart found."""

from __future__ import annotations

from agent.txn.receipt import number_of, on_floor_minor, paid_by
from agent.txn.returning import Refunding
from agent.txn.state import (
    Committing,
    Done,
    HandedOut,
    Lang,
    Paid,
    ReceiptState,
    Recovered,
    Refunded,
    ShiftClosed,
    SlippedOut,
    SoldSale,
    ToppedUp,
)
from agent.ui_tft import theme
from agent.ui_tft.amounts import money, tier_words
from agent.ui_tft.bars import EDGE
from agent.ui_tft.screen import WIDTH, Sheet
from agent.ui_tft.status import StatusBar
from agent.ui_tft.widths import largest_size
from agent.ui_tft.words import Say, problem_words
from contract.bodies import EntryKind, ShiftCloseBody, TrainingBody
from contract.money import format_minor
from contract.trade import RedemptionBody, RefundBody
from rules.explain import points_text

_BOOKING = {
    EntryKind.SALE: Say.COMMITTING,
    EntryKind.TOP_UP: Say.TOPPING_UP,
    EntryKind.SLIP_OUT: Say.SLIPPING_OUT,
    EntryKind.SLIP_IN: Say.SLIPPING_IN,
    EntryKind.REDEMPTION: Say.HANDING_OUT,
    EntryKind.REFUND: Say.REFUNDING,
    EntryKind.SHIFT_CLOSE: Say.SHIFT_CLOSING,
}
_DONE = {
    SoldSale: Say.PAID,
    ToppedUp: Say.TOPPED_UP,
    SlippedOut: Say.SLIPPED_OUT,
    HandedOut: Say.HANDED_OUT,
    Refunded: Say.REFUNDED,
}
_PAPERS = {
    SoldSale: Say.PAPER_SALE,
    ToppedUp: Say.TOP_UP,
    SlippedOut: Say.KEY_SLIP,
    HandedOut: Say.KEY_REDEEM,
    Refunded: Say.REFUND,
    ShiftClosed: Say.PAPER_SHIFT,
}
_MIDDLE = WIDTH // 2
_ROOM = WIDTH - 2 * EDGE


def paper_words(done: Done, lang: Lang) -> str:
    """What kind of paper it is that is printed of this."""
    return _PAPERS[type(done)].say(lang)


def given_words(done: HandedOut, lang: Lang) -> str:
    """What was handed out, by the title of the rule that gave it."""
    at = 0 if lang is Lang.ZH else 1
    return ", ".join((one.title, one.title_en)[at] for one in done.explanations)


def committing_view(sheet: Sheet, scene: Committing, lang: Lang, top: int, bottom: int) -> None:
    """The amount, and that it is not done yet."""
    height = bottom - top
    body = scene.asked.body
    kind = body.kind if isinstance(body, TrainingBody) else scene.asked.kind
    amount = _amount_words(scene, lang)
    words = _BOOKING.get(kind, Say.CANCELLING).say(lang)
    line = top + height * 42 // 100
    if kind is not EntryKind.SLIP_IN:
        size = largest_size(amount, (56, 44, 34, 26), _ROOM, bold=True)
        sheet.write(_MIDDLE, line, amount, size, theme.INK, bold=True, align="center", most_px=_ROOM)
    sheet.write(_MIDDLE, line + 48, words, 26, theme.GREEN, bold=True, align="center", most_px=_ROOM)
    sheet.write(_MIDDLE, line + 80, Say.PLEASE_WAIT.say(lang), 16, theme.MUTED, align="center", most_px=_ROOM)


def _amount_words(scene: Committing, lang: Lang) -> str:
    """The amount that is being booked, or what is handed out."""
    basket, before = scene.basket, scene.before
    if isinstance(before, Refunding) and before.plan is not None:
        return money(before.plan.body.refund_minor, before.plan.body.currency)
    if basket is None:
        return before.keyed if before is not None else ""
    amount_minor = basket.priced.payable_minor
    for plan in (basket.top_up, basket.slip):
        amount_minor = amount_minor if plan is None else plan.amount_minor
    body = scene.asked.body if scene.practised is None else scene.practised
    if isinstance(body, RedemptionBody):
        rules = (rule for rule in basket.active.pack.rules if rule.rule == body.rule)
        return next((rule.title if lang is Lang.ZH else rule.title_en for rule in rules), "")
    return money(amount_minor, basket.active.pack.currency)


def paid_view(sheet: Sheet, scene: Paid, status: StatusBar, lang: Lang, top: int, bottom: int) -> None:
    """Done, for everybody to see: what was paid, what it earned, how the paper is."""
    done = scene.sold
    sheet.box(0, top, WIDTH, bottom - top, theme.GREEN)
    receipt_top = bottom - 40
    middle = top + (receipt_top - top) // 2
    sheet.picto("check", EDGE + 10, middle - 44, 88, theme.WHITE)
    x = EDGE + 122
    room = WIDTH - EDGE - x
    sheet.write(x, middle - 46, _done_words(done, lang), 22, theme.MINT, bold=True, most_px=room)
    amount = given_words(done, lang) if isinstance(done, HandedOut) else money(done.amount_minor, done.currency)
    size = largest_size(amount, (58, 50, 44, 38, 30, 24, 18), room, bold=True)
    sheet.write(x, middle + 14, amount, size, theme.WHITE, bold=True, most_px=room)
    tendered = _tender_words(done, lang)
    sheet.write(x, middle + 43, tendered, largest_size(tendered, (17, 16, 15), room), theme.WHITE, most_px=room)
    earned = _member_words(done, lang)
    size = largest_size(earned, (18, 16, 15), room, bold=True)
    sheet.write(x, middle + 69, earned, size, theme.GREEN_GOLD, bold=True, most_px=room)
    _receipt_row(sheet, scene, status, lang, receipt_top)


def recovered_view(sheet: Sheet, scene: Recovered, lang: Lang, top: int, bottom: int) -> None:
    """The sale that is safe, and the paper that may be missing."""
    sold = scene.owed[0]
    head_px = 38
    sheet.box(0, top, WIDTH, head_px, theme.GREEN_PALE)
    head = Say.RECOVERED.say(lang)
    sheet.write(EDGE, top + 26, head, largest_size(head, (20, 18, 17), _ROOM, bold=True), theme.GREEN, bold=True)
    question_top = bottom - (56 if len(scene.owed) > 1 else 38)
    room_px = question_top - top - head_px
    sign_px = min(room_px - 16, 84)
    sheet.picto("paper", EDGE + 12, top + head_px + (room_px - sign_px) // 2, sign_px, theme.NIGHT)
    x = EDGE + 122
    room = WIDTH - EDGE - x
    middle = top + head_px + room_px // 2
    amount = given_words(sold, lang) if isinstance(sold, HandedOut) else money(sold.amount_minor, sold.currency)
    size = largest_size(amount, (42, 34, 26, 18), room, bold=True)
    sheet.write(x, middle + 2, amount, size, theme.INK, bold=True, most_px=room)
    kind_px = sheet.write(x, middle + 24, paper_words(sold, lang), 15, theme.INK, bold=True, most_px=room)
    sheet.write(x + kind_px + 8, middle + 24, sold.when, 15, theme.MUTED, most_px=room - kind_px - 8)
    sheet.write(x, middle + 43, number_of(sold.entry), 15, theme.MUTED, most_px=room)
    words, colour = _recovered_question(scene, lang)
    size = largest_size(words, (20, 18), _ROOM, bold=True)
    sheet.write(EDGE, question_top + 21, words, size, colour, bold=True, most_px=_ROOM)
    if len(scene.owed) > 1:
        more = Say.RECOVERED_MORE.say(lang, count=len(scene.owed) - 1)
        sheet.write(EDGE, question_top + 45, more, 15, theme.MUTED, most_px=_ROOM)


def _recovered_question(scene: Recovered, lang: Lang) -> tuple[str, str]:
    """What is said of the paper, and in which colour."""
    if scene.receipt is ReceiptState.PRINTING:
        return Say.RECEIPT_PRINTING.say(lang), theme.GREEN
    if scene.problem:
        return Say.RECEIPT_WAITING.say(lang, why=problem_words(scene.problem, lang)), theme.RED
    return Say.RECOVERED_PAPER.say(lang), theme.GREEN


def _done_words(done: Done, lang: Lang) -> str:
    """What was done."""
    if isinstance(done, ShiftClosed):
        return Say.SHIFT_CLOSED.say(lang, number=done.body.number)
    return _DONE[type(done)].say(lang)


def _back_words(body: RefundBody, lang: Lang) -> str:
    """Where what goes back went, and what the cashier still has to pay out."""
    stored, cash_minor = format_minor(body.to_stored_minor), body.refund_minor - body.to_stored_minor
    cash = format_minor(cash_minor)
    if not body.to_stored_minor:
        return Say.REFUNDED_CASH.say(lang, cash=cash)
    return (Say.REFUNDED_BOTH if cash_minor else Say.REFUNDED_STORED).say(lang, stored=stored, cash=cash)


def _drawer_words(body: ShiftCloseBody, lang: Lang) -> str:
    """How what was counted stands to what should be there."""
    difference_minor = body.cash_counted_minor - body.cash_expected_minor
    if not difference_minor:
        return Say.SHIFT_EXACT.say(lang)
    difference = f"{'+' if difference_minor > 0 else ''}{format_minor(difference_minor)}"
    return Say.SHIFT_DIFFERS.say(lang, expected=format_minor(body.cash_expected_minor), difference=difference)


def _tender_words(done: Done, lang: Lang) -> str:
    """How it was paid; of a top-up, in cash; of a slip, where it goes."""
    if isinstance(done, Refunded):
        return _back_words(done.body, lang)
    if isinstance(done, ShiftClosed):
        return _drawer_words(done.body, lang)
    if isinstance(done, HandedOut):
        reasons = [one.reason if lang is Lang.ZH else one.reason_en for one in done.explanations]
        goods = [f"{item.name} × {item.count}" for item in done.body.given]
        return " · ".join(part for part in (*goods, *reasons) if part)
    if isinstance(done, ToppedUp):
        return Say.CASH_EXACT.say(lang, amount=format_minor(done.amount_minor))
    if isinstance(done, SlippedOut):
        to = done.slip.addressee
        return Say.SLIP_FOR.say(lang, till=f"{to.shop}.{to.terminal}".upper())
    stored_minor, cash_minor = paid_by(done.sale)
    stored, cash = format_minor(stored_minor), format_minor(cash_minor)
    if not stored_minor:
        return Say.CASH_EXACT.say(lang, amount=cash)
    words = (Say.CASH_AND_STORED if cash_minor else Say.STORED_EXACT).say(lang, stored=stored, cash=cash)
    floor_minor = on_floor_minor(done.sale)
    return f"{words} {Say.ON_FLOOR.say(lang, amount=format_minor(floor_minor))}" if floor_minor else words


def _member_words(sold: Done, lang: Lang) -> str:
    if isinstance(sold, ToppedUp):
        added = Say.STORED_ADDED.say(lang, amount=format_minor(sold.amount_minor + sold.body.bonus_minor))
        points = Say.POINTS_ADDED.say(lang, points=points_text(sold.body.points, sold.points_scale))
        return f"{added} · {points}" if sold.body.points else added
    if sold.buyer is None:
        return ""
    who = tier_words(sold.buyer.customer.tier, lang)
    if sold.buyer.name_masked:
        who = f"{who} {sold.buyer.name_masked}"
    if not isinstance(sold, SoldSale) or not sold.sale.points_earned:
        return who
    earned = points_text(sold.sale.points_earned, sold.sale.points_scale)
    return f"{who} · {Say.POINTS_EARNED.say(lang, points=earned)}"


def _receipt_row(sheet: Sheet, scene: Paid, status: StatusBar, lang: Lang, top: int) -> None:
    line = top + 26
    if scene.receipt is ReceiptState.WAITING:
        sheet.box(0, top, WIDTH, 40, theme.AMBER_PALE)
        why = Say.RECEIPT_WAITING.say(lang, why=problem_words(scene.problem, lang))
        x = EDGE + sheet.write(EDGE, line, why, 16, theme.AMBER_INK, bold=True, most_px=250) + 10
        sheet.write(x, line, Say.REPRINT_AFTER.say(lang), 15, theme.AMBER_INK, most_px=WIDTH - EDGE - x)
        return
    words = Say.RECEIPT_HELD if status.is_in_trouble("printer") else Say.RECEIPT_PRINTING
    if scene.receipt is ReceiptState.PRINTED:
        words = Say.RECEIPT_SENT if status.prints_unconfirmed else Say.RECEIPT_PRINTED
    sheet.write(EDGE + 10, line, words.say(lang), 17, theme.WHITE, bold=True, most_px=270)
    sheet.write(WIDTH - EDGE, line, number_of(scene.sold.entry), 15, theme.MINT, align="right", most_px=180)
