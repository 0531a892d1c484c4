"""The newest papers, each under the number of the key that prints it once more."""

from __future__ import annotations

from agent.txn.receipt import number_of
from agent.txn.state import MOST_CHOICES, Done, HandedOut, Lang, Reprinting
from agent.ui_tft import theme
from agent.ui_tft.amounts import money
from agent.ui_tft.bars import EDGE
from agent.ui_tft.closing_view import given_words, paper_words
from agent.ui_tft.screen import WIDTH, Sheet
from agent.ui_tft.widths import largest_size
from agent.ui_tft.words import Say

_HEAD_PX = 40
_ROOM = WIDTH - 2 * EDGE


def reprint_view(sheet: Sheet, scene: Reprinting, lang: Lang, top: int, bottom: int) -> None:
    """Put the list between ``top`` and ``bottom``, the newest first."""
    sheet.write(EDGE, top + 28, Say.REPRINT_WHICH.say(lang), 20, theme.INK, bold=True, most_px=_ROOM)
    y = top + _HEAD_PX
    row_px = min(36, (bottom - y) // MOST_CHOICES)
    for place, done in enumerate(scene.papers):
        at = y + row_px * place
        sheet.box(EDGE, at, _ROOM, row_px - 4, theme.WHITE, 8)
        line = at + row_px // 2 + 4
        sheet.write(EDGE + 12, line + 1, str(place + 1), 20, theme.GREEN, bold=True)
        sheet.write(EDGE + 38, line, paper_words(done, lang), 17, theme.INK, bold=True, most_px=78)
        said = f"{done.when[5:16]}  {number_of(done.entry).rpartition('-')[2]}"
        said_px = sheet.write(EDGE + 120, line, said, 15, theme.MUTED, most_px=150)
        what, room = _what(done, lang), _ROOM - 120 - said_px - 22
        size = largest_size(what, (17, 15, 13), room, bold=True)
        sheet.write(WIDTH - EDGE - 12, line, what, size, theme.INK, bold=True, align="right", most_px=room)


def _what(done: Done, lang: Lang) -> str:
    """What it was over: an amount, or what was handed out."""
    if isinstance(done, HandedOut):
        return given_words(done, lang)
    return money(done.amount_minor, done.currency)
