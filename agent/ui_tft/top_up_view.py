"""A top-up before it is paid: what is paid in, what comes with it and why, and what the member will have, large."""

from __future__ import annotations

from agent.txn.state import Lang, OpenBasket, PlannedTopUp
from agent.ui_tft import theme
from agent.ui_tft.amounts import money
from agent.ui_tft.bars import EDGE
from agent.ui_tft.basket_view import MEMBER_PX, PAYABLE_PX, member_strip, rule_rows
from agent.ui_tft.screen import WIDTH, Sheet
from agent.ui_tft.widths import largest_size
from agent.ui_tft.words import Say
from contract.money import format_minor

_PAID_PX = 34


def top_up_view(sheet: Sheet, basket: OpenBasket, plan: PlannedTopUp, lang: Lang, top: int, bottom: int) -> None:
    """Put the whole top-up between ``top`` and ``bottom``."""
    member_strip(sheet, basket, lang, top)
    y = top + MEMBER_PX
    sheet.write(EDGE, y + 25, Say.TOP_UP.say(lang), 20, theme.INK, bold=True)
    paid = money(plan.amount_minor, basket.active.pack.currency)
    sheet.write(WIDTH - EDGE, y + 25, paid, 22, theme.INK, bold=True, align="right")
    y += _PAID_PX
    if plan.explanations:
        rule_rows(sheet, plan.explanations, basket.active.pack.points_scale, lang, y, bottom - PAYABLE_PX)
    else:
        words = Say.TOP_UP_NOTHING_MORE.say(lang)
        sheet.write(EDGE, y + 24, words, 16, theme.MUTED, most_px=WIDTH - 2 * EDGE)
    _whole(sheet, plan, lang, bottom - PAYABLE_PX)


def _whole(sheet: Sheet, plan: PlannedTopUp, lang: Lang, top: int) -> None:
    sheet.box(0, top, WIDTH, PAYABLE_PX, theme.NIGHT)
    amount = f"+{format_minor(plan.amount_minor + plan.bonus_minor)}"
    size = largest_size(amount, (50, 44, 38), 300, bold=True)
    sheet.write(WIDTH - EDGE, top + 33 + size * 36 // 100, amount, size, theme.WHITE, bold=True, align="right")
    sheet.write(EDGE, top + 40, Say.TOP_UP_BRINGS.say(lang), 20, theme.WHITE, bold=True, most_px=150)
