"""To whom value goes on paper: the other terminals, each under the number of the key that chooses it."""

from __future__ import annotations

from agent.txn.state import MOST_CHOICES, Lang, OpenBasket, PlannedSlip
from agent.ui_tft import theme
from agent.ui_tft.amounts import money
from agent.ui_tft.bars import EDGE
from agent.ui_tft.basket_view import MEMBER_PX, member_strip
from agent.ui_tft.screen import WIDTH, Sheet
from agent.ui_tft.widths import largest_size
from agent.ui_tft.words import Say

_HEAD_PX = 34
_COLUMNS = 2


def slip_view(sheet: Sheet, basket: OpenBasket, plan: PlannedSlip, lang: Lang, top: int, bottom: int) -> None:
    """Put the question and the terminals on this page between ``top`` and ``bottom``."""
    member_strip(sheet, basket, lang, top)
    y = top + MEMBER_PX
    asked = Say.SLIP_TO.say(lang, amount=money(plan.amount_minor, basket.active.pack.currency))
    pages = -(-len(plan.choices) // MOST_CHOICES)
    page_px = 0
    if pages > 1:
        words = Say.SLIP_PAGE.say(lang, page=plan.first // MOST_CHOICES + 1, pages=pages)
        page_px = 12 + sheet.write(WIDTH - EDGE, y + 24, words, 15, theme.MUTED, align="right")
    room = WIDTH - 2 * EDGE - page_px
    sheet.write(EDGE, y + 25, asked, largest_size(asked, (20, 18, 16), room, bold=True), theme.INK, bold=True)
    y += _HEAD_PX
    rows = MOST_CHOICES // _COLUMNS
    row_px = min(52, (bottom - y) // rows)
    column_px = (WIDTH - 2 * EDGE) // _COLUMNS
    for place, terminal in enumerate(plan.shown):
        x, at = EDGE + column_px * (place % _COLUMNS), y + row_px * (place // _COLUMNS)
        sheet.box(x, at, column_px - 6, row_px - 5, theme.WHITE, 8)
        sheet.write(x + 12, at + row_px // 2 + 6, str(place + 1), 22, theme.GREEN, bold=True)
        name = f"{terminal.shop}.{terminal.terminal}".upper()
        size = largest_size(name, (19, 16, 14, 12, 11), column_px - 54, bold=True)
        sheet.write(x + 38, at + row_px // 2 + 5, name, size, theme.INK, bold=True, most_px=column_px - 50)
