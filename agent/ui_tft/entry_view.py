"""Screens on which something is keyed: signing in, an amount, a phone number; and the one that waits for the first."""

from __future__ import annotations

from agent.txn import keying
from agent.txn.state import AskPin, Lang, Selling, SignIn
from agent.ui_tft import theme
from agent.ui_tft.amounts import money, phone_groups
from agent.ui_tft.bars import EDGE
from agent.ui_tft.screen import WIDTH, Sheet, Sign
from agent.ui_tft.status import StatusBar
from agent.ui_tft.widths import largest_size, width_px, wrapped
from agent.ui_tft.words import Say, kind_words

PRODUCT = "Tapledger"
_MIDDLE = WIDTH // 2


def sign_in_view(sheet: Sheet, scene: SignIn, status: StatusBar, lang: Lang, top: int, bottom: int) -> None:
    """Two fields, the one that is being keyed framed; a PIN is dots."""
    height = bottom - top
    title = status.shop_name or PRODUCT
    size = largest_size(title, (27, 23, 19), WIDTH - 2 * EDGE, bold=True)
    line = top + height * 22 // 100
    sheet.write(_MIDDLE, line, title, size, theme.NIGHT, bold=True, align="center", most_px=WIDTH - 2 * EDGE)
    sub, colour = Say.SIGN_IN.say(lang), theme.MUTED
    if not status.pack_version:
        sub, colour = _waiting_words(status, lang), theme.AMBER_INK
    sheet.write(_MIDDLE, line + 25, sub, 16, colour, align="center", most_px=WIDTH - 2 * EDGE)
    at = line + 40
    field_px = min(52, (bottom - at - 10) // 2)
    dots = "●" * len(scene.pin or "")
    _field(sheet, at, field_px, Say.CASHIER_NUMBER.say(lang), scene.number, scene.pin is None)
    _field(sheet, at + field_px + 6, field_px, Say.PIN.say(lang), dots, scene.pin is not None)


def ask_pin_view(sheet: Sheet, scene: AskPin, lang: Lang, top: int, bottom: int) -> None:
    """What is to pay, and the field for the member's PIN, which is dots."""
    basket, room = scene.basket, WIDTH - 2 * EDGE
    name = "" if basket.buyer is None else basket.buyer.name_masked
    line = top + (bottom - top) * 26 // 100
    title = Say.MEMBER_PIN_ASKED.say(lang)
    size = largest_size(title, (27, 23, 19), room, bold=True)
    sheet.write(_MIDDLE, line, title, size, theme.NIGHT, bold=True, align="center", most_px=room)
    amount = money(basket.priced.to_pay_minor, basket.active.pack.currency) if basket.lines else ""
    told = " · ".join(part for part in (name, amount) if part)
    sheet.write(_MIDDLE, line + 28, told, 18, theme.MUTED, align="center", most_px=room)
    _field(sheet, line + 46, min(56, bottom - line - 56), Say.PIN.say(lang), "●" * len(scene.keyed), True)


def ready_view(sheet: Sheet, status: StatusBar, lang: Lang, top: int, bottom: int) -> None:
    """What to do first, large, under the sign of a card, or under what head office wants to be read."""
    room = WIDTH - 2 * EDGE
    line = top + (bottom - top) * 74 // 100
    if status.pack_version:
        head, below = Say.TAP_CARD.say(lang), Say.OR_ELSE.say(lang)
        notice = status.notice[0 if lang is Lang.ZH else 1]
        if notice:
            _notice(sheet, notice, top + 10, line - 40)
        else:
            _ready_pill(sheet, top, lang)
            _sign_between(sheet, "card", top + 38, line - 34)
    else:
        head, below = Say.NO_RULES.say(lang), _waiting_words(status, lang)
        _sign_between(sheet, "hourglass", top + 14, line - 44)
    size = largest_size(head, (36, 32, 28), room, bold=True)
    sheet.write(_MIDDLE, line, head, size, theme.INK, bold=True, align="center", most_px=room)
    small = largest_size(below, (17, 16, 15, 14), room)
    sheet.write(_MIDDLE, line + 32, below, small, theme.MUTED, align="center", most_px=room)


def _ready_pill(sheet: Sheet, top: int, lang: Lang) -> None:
    ready = Say.READY.say(lang)
    pill_px = width_px(ready, 15, bold=True) + 28
    sheet.box(_MIDDLE - pill_px // 2, top + 10, pill_px, 26, theme.GREEN, 13)
    sheet.write(_MIDDLE, top + 28, ready, 15, theme.WHITE, bold=True, align="center")


def _notice(sheet: Sheet, words: str, top: int, bottom: int) -> None:
    """Head office's words in a box, as large as they fit into it; what is longer still is cut."""
    room, height = WIDTH - 2 * EDGE - 40, bottom - top - 16
    sizes = (24, 22, 20, 18, 17, 16, 15)
    size = next((one for one in sizes if len(wrapped(words, one, room)) * _leading(one) <= height), sizes[-1])
    lines = wrapped(words, size, room)
    most = max(1, height // _leading(size))
    shown = lines if len(lines) <= most else [*lines[: most - 1], " ".join(lines[most - 1 :])]
    sheet.box(EDGE, top, WIDTH - 2 * EDGE, bottom - top, theme.GREEN_PALE, 12)
    sheet.box(EDGE, top + 12, 6, bottom - top - 24, theme.GREEN)
    line = top + (bottom - top - len(shown) * _leading(size)) // 2 + size
    for number, text in enumerate(shown):
        sheet.write(EDGE + 24, line + number * _leading(size), text, size, theme.INK, most_px=room)


def _leading(size: int) -> int:
    """How far one line of a text stands below the other."""
    return size * 13 // 10


def keyed_view(sheet: Sheet, scene: Selling, lang: Lang, top: int, bottom: int) -> None:
    """What is being keyed, as large as fits, in a framed field; below it what the basket has so far."""
    phone = scene.phone_entry or keying.is_phone(scene.keyed)
    title = (Say.PHONE if phone else Say.AMOUNT).say(lang)
    shown = phone_groups(scene.keyed) if phone else scene.keyed
    height = bottom - top
    field_px = min(104, height * 46 // 100)
    at = top + height * 26 // 100
    sheet.write(EDGE + 4, at - 14, title, 20, theme.MUTED, bold=True)
    if phone:
        count = Say.PHONE_COUNT.say(lang, count=len(scene.keyed))
        sheet.write(WIDTH - EDGE - 4, at - 14, count, 16, theme.MUTED, align="right")
    _frame(sheet, EDGE, at, WIDTH - 2 * EDGE, field_px)
    room = WIDTH - 2 * EDGE - 44
    size = largest_size(shown, (60, 52, 46, 40, 36), room, bold=True)
    right = WIDTH - EDGE - 24
    line = at + field_px // 2 + size * 36 // 100
    sheet.write(right, line, shown, size, theme.INK, bold=True, align="right", most_px=room)
    sheet.box(right + 5, line - size * 74 // 100, 3, size * 78 // 100, theme.GREEN)
    if scene.basket is not None and scene.basket.lines:
        pieces = sum(item.quantity for item in scene.basket.lines)
        payable = money(scene.basket.priced.payable_minor, scene.basket.active.pack.currency)
        words = Say.SO_FAR.say(lang, count=pieces, payable=payable)
        sheet.write(WIDTH - EDGE - 4, at + field_px + 30, words, 18, theme.MUTED, align="right", most_px=room)


def _sign_between(sheet: Sheet, sign: Sign, top: int, bottom: int) -> None:
    """Put a sign in the middle, as large as there is room for."""
    size = min(bottom - top, 92)
    sheet.picto(sign, _MIDDLE - size // 2, top + (bottom - top - size) // 2, size, theme.NIGHT)


def _waiting_words(status: StatusBar, lang: Lang) -> str:
    if status.fetching:
        return Say.FETCHING.say(lang, what=kind_words(status.fetching, lang))
    return Say.NO_RULES_NEXT.say(lang)


def _field(sheet: Sheet, top: int, height: int, title: str, keyed: str, active: bool) -> None:
    """One row of the sign-in: a title and what is keyed."""
    left, width = 70, WIDTH - 140
    if active:
        _frame(sheet, left, top, width, height)
    else:
        sheet.box(left, top, width, height, theme.WHITE, 10)
    line = top + height // 2 + 8
    sheet.write(left + 16, line - 1, title, 17, theme.MUTED, most_px=130)
    size = 16 if keyed.startswith("●") else 26
    sheet.write(
        left + width - 22,
        line + (0 if size == 16 else 2),
        keyed,
        size,
        theme.INK,
        bold=True,
        align="right",
        most_px=width - 150,
    )
    if active:
        sheet.box(left + width - 18, line - 20, 2, 26, theme.GREEN)


def _frame(sheet: Sheet, x: int, y: int, width: int, height: int) -> None:
    sheet.box(x, y, width, height, theme.GREEN, 12)
    sheet.box(x + 3, y + 3, width - 6, height - 6, theme.WHITE, 9)
