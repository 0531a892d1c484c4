"""Goods that come back: which sale, what of it, and what goes back to where it came from."""

from __future__ import annotations

from agent.txn.receipt import number_of
from agent.txn.returning import NamedSale, PlannedRefund, Refunding
from agent.txn.state import Lang
from agent.txn.withdrawn import Gone
from agent.ui_tft import theme
from agent.ui_tft.amounts import money
from agent.ui_tft.bars import EDGE
from agent.ui_tft.screen import WIDTH, Sheet
from agent.ui_tft.widths import largest_size
from agent.ui_tft.words import Say
from contract.money import format_minor
from contract.value import Asset
from rules.explain import points_text

_ROOM = WIDTH - 2 * EDGE
_MIDDLE = WIDTH // 2
_HEAD_PX = 34
_ROW_PX = 34
_WHOLE_PX = 60
_WITHDRAWN = {
    Gone.COUPON: Say.REFUND_COUPONS_GONE,
    Gone.USES: Say.REFUND_USES_GONE,
    Gone.GIFT: Say.REFUND_GIFTS_DUE,
}


def refund_view(sheet: Sheet, scene: Refunding, lang: Lang, top: int, bottom: int) -> None:
    """Put what a return has come to between ``top`` and ``bottom``."""
    if scene.plan is not None:
        _plan(sheet, scene.plan, lang, top, bottom)
    elif scene.named is not None:
        _lines(sheet, scene, scene.named, lang, top, bottom)
    else:
        _naming(sheet, scene, lang, top, bottom)


def _naming(sheet: Sheet, scene: Refunding, lang: Lang, top: int, bottom: int) -> None:
    height = bottom - top
    line = top + height * 30 // 100
    title = Say.REFUND_WHICH.say(lang)
    size = largest_size(title, (30, 26, 22), _ROOM, bold=True)
    sheet.write(_MIDDLE, line, title, size, theme.INK, bold=True, align="center", most_px=_ROOM)
    words = Say.REFUND_WHICH_ELSE.say(lang)
    sheet.write(_MIDDLE, line + 28, words, 16, theme.MUTED, align="center", most_px=_ROOM)
    at, field_px = line + 46, min(72, bottom - line - 56)
    sheet.box(EDGE, at, _ROOM, field_px, theme.GREEN, 12)
    sheet.box(EDGE + 3, at + 3, _ROOM - 6, field_px - 6, theme.WHITE, 9)
    sheet.write(
        WIDTH - EDGE - 22, at + field_px // 2 + 14, scene.keyed, 38, theme.INK, bold=True, align="right", most_px=_ROOM
    )


def _head(sheet: Sheet, title: Say, number: str, lang: Lang, top: int) -> int:
    sheet.box(0, top, WIDTH, _HEAD_PX, theme.RED_PALE)
    px = sheet.write(EDGE, top + 23, title.say(lang), 18, theme.RED, bold=True)
    sheet.write(WIDTH - EDGE, top + 23, number, 15, theme.INK, align="right", most_px=_ROOM - px - 10)
    return top + _HEAD_PX


def _lines(sheet: Sheet, scene: Refunding, named: NamedSale, lang: Lang, top: int, bottom: int) -> None:
    """The lines of which anything can come back, the one that is asked framed; as many as fit around it."""
    y = _head(sheet, Say.REFUND_HOW_MANY, number_of(named.entry), lang, top) + 4
    lines = named.returnable
    rows = max(1, (bottom - y) // _ROW_PX)
    place = lines.index(scene.line)
    first = max(0, min(place - rows // 2, len(lines) - rows))
    for line in lines[first : first + rows]:
        asked = line == scene.line
        if asked:
            sheet.box(EDGE - 6, y, _ROOM + 12, _ROW_PX - 3, theme.GREEN, 8)
            sheet.box(EDGE - 4, y + 2, _ROOM + 8, _ROW_PX - 7, theme.WHITE, 7)
        count = scene.keyed if asked and scene.keyed else str(scene.units[line])
        words = Say.REFUND_OF.say(lang, left=named.left[line])
        px = sheet.write(WIDTH - EDGE - 4, y + 22, words, 15, theme.MUTED, align="right")
        colour = theme.RED if scene.units[line] or asked else theme.MUTED
        x = WIDTH - EDGE - 12 - px
        px += 8 + sheet.write(x, y + 23, count, 22, colour, bold=True, align="right")
        each = f"@ {format_minor(named.sale.basket.lines[line].unit_price_minor)}"
        px += 14 + sheet.write(WIDTH - EDGE - 18 - px, y + 22, each, 15, theme.MUTED, align="right")
        name = f"{line + 1}. {named.sale.names[line]}"
        sheet.write(EDGE, y + 22, name, 17, theme.INK, bold=asked, most_px=_ROOM - px - 16)
        y += _ROW_PX


def _plan(sheet: Sheet, plan: PlannedRefund, lang: Lang, top: int, bottom: int) -> None:
    """What goes back where, and the whole of it, large."""
    y = _head(sheet, Say.REFUND, number_of(plan.entry), lang, top) + 6
    rows = _rows(plan, lang)
    room = bottom - _WHOLE_PX - y
    row_px = min(28, room // max(1, min(len(rows), 6)))
    shown = rows if len(rows) * row_px <= room else rows[: room // row_px - 1]
    for words, amount, colour in shown:
        px = sheet.write(WIDTH - EDGE, y + 19, amount, 17, colour, bold=True, align="right", most_px=220)
        sheet.write(EDGE, y + 19, words, 17, theme.INK, most_px=_ROOM - px - 10)
        y += row_px
    if len(shown) < len(rows):
        sheet.write(EDGE, y + 19, Say.MORE_RULES.say(lang, count=len(rows) - len(shown)), 15, theme.MUTED)
    top = bottom - _WHOLE_PX
    sheet.box(0, top, WIDTH, _WHOLE_PX, theme.NIGHT)
    amount = money(plan.body.refund_minor, plan.body.currency)
    size = largest_size(amount, (44, 38, 34), 320, bold=True)
    sheet.write(WIDTH - EDGE, top + 44, amount, size, theme.WHITE, bold=True, align="right", most_px=320)
    sheet.write(EDGE, top + 38, Say.REFUND_WHOLE.say(lang), 20, theme.WHITE, bold=True, most_px=130)


def _rows(plan: PlannedRefund, lang: Lang) -> list[tuple[str, str, str]]:
    """What goes back, where, and in which colour it is written: red for what is taken from the customer."""
    body = plan.body
    found = []
    cash_minor = sum(tender.amount_minor for tender in body.tenders)
    stored = [item for item in body.returned if item.account.asset is Asset.STORED]
    if cash_minor or not stored:
        found.append((Say.REFUND_CASH.say(lang), format_minor(cash_minor), theme.GREEN))
    for item in stored:
        bonus = Say.REFUND_BONUS.say(lang, amount=format_minor(item.bonus_minor)) if item.bonus_minor else ""
        lot = "" if item.lot is None else item.lot.hex()[:6].upper()
        words = Say.REFUND_STORED.say(lang, lot=lot).strip()
        found.append((words, f"{format_minor(item.amount)}{bonus}", theme.GREEN))
    if body.points_restored:
        points = points_text(body.points_restored, body.points_scale)
        found.append((Say.REFUND_POINTS_BACK.say(lang), f"+{points}", theme.GREEN))
    found += [(Say.REFUND_CODE.say(lang), code, theme.GREEN) for code in body.codes_restored]
    if body.points_back:
        points = points_text(body.points_back, body.points_scale)
        found.append((Say.REFUND_POINTS_TAKEN.say(lang), f"-{points}", theme.RED))
    if body.bonus_back_minor:
        found.append((Say.REFUND_BONUS_TAKEN.say(lang), f"-{format_minor(body.bonus_back_minor)}", theme.RED))
    for one in plan.withdrawn:
        title = one.title if lang is Lang.ZH else one.title_en
        found.append((_WITHDRAWN[one.kind].say(lang), f"{title} × {one.count}", theme.RED))
    return found
