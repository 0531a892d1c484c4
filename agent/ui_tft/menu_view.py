"""The menu: what a cashier may do beside selling, each under the number of the key that chooses it."""

from __future__ import annotations

from agent.txn.state import MENU, Lang
from agent.ui_tft import theme
from agent.ui_tft.bars import EDGE
from agent.ui_tft.screen import WIDTH, Sheet
from agent.ui_tft.widths import largest_size
from agent.ui_tft.words import Say

_COLUMNS = 3
_NAMES = {
    "refund": Say.KEY_REFUND,
    "report": Say.KEY_REPORT,
    "training": Say.KEY_TRAINING,
    "topup": Say.KEY_TOP_UP,
    "slip": Say.KEY_SLIP,
    "points": Say.KEY_POINTS,
    "redeem": Say.KEY_REDEEM,
    "reprint": Say.KEY_REPRINT,
    "signout": Say.KEY_SIGNOUT,
}


def menu_view(sheet: Sheet, lang: Lang, top: int, bottom: int) -> None:
    """Put the list between ``top`` and ``bottom``."""
    rows = -(-len(MENU) // _COLUMNS)
    row_px = min(76, (bottom - top - 12) // rows)
    column_px = (WIDTH - 2 * EDGE) // _COLUMNS
    for place, name in enumerate(MENU):
        x, y = EDGE + column_px * (place % _COLUMNS), top + 8 + row_px * (place // _COLUMNS)
        sheet.target(x, y, column_px, row_px, str(place + 1))
        sheet.box(x, y, column_px - 8, row_px - 8, theme.WHITE, 8)
        line = y + row_px // 2 + 4
        sheet.write(x + 12, line, str(place + 1), 26, theme.GREEN, bold=True)
        words = _NAMES[name].say(lang)
        size = largest_size(words, (22, 19, 16, 14), column_px - 56, bold=True)
        sheet.write(x + 40, line - 1, words, size, theme.INK, bold=True, most_px=column_px - 52)
