"""The running shift: its figures, what the drawer should hold, and the cash that is being counted."""

from __future__ import annotations

from collections.abc import Sequence

from agent.txn.state import Lang, ShiftReport
from agent.ui_tft import theme
from agent.ui_tft.bars import EDGE
from agent.ui_tft.screen import WIDTH, Sheet
from agent.ui_tft.widths import largest_size
from agent.ui_tft.words import Say
from contract.bodies import ShiftFigures
from contract.money import format_minor

_ROOM = WIDTH - 2 * EDGE
_HEAD_PX = 34
_CASH_PX = 76
_LEAST_ROW_PX = 20


def report_view(sheet: Sheet, scene: ShiftReport, lang: Lang, top: int, bottom: int) -> None:
    """Put the X report between ``top`` and ``bottom``."""
    body = scene.body
    sheet.box(0, top, WIDTH, _HEAD_PX, theme.GREEN_PALE)
    title = Say.REPORT.say(lang, number=body.number)
    sheet.write(EDGE, top + 23, title, 18, theme.GREEN, bold=True, most_px=_ROOM)
    rows = () if body.figures is None else _rows(body.figures, lang)
    y = top + _HEAD_PX
    row_px = min(28, (bottom - _CASH_PX - y) // max(1, len(rows)))
    if row_px < _LEAST_ROW_PX:
        _side_by_side(sheet, rows, y, bottom - _CASH_PX)
        rows = ()
    for words, count, amount in rows:
        sheet.write(EDGE, y + row_px - 8, words, 16, theme.INK, most_px=180)
        sheet.write(260, y + row_px - 8, count, 16, theme.MUTED, align="right", most_px=70)
        sheet.write(WIDTH - EDGE, y + row_px - 8, amount, 17, theme.INK, bold=True, align="right", most_px=180)
        y += row_px
    _cash(sheet, scene, lang, bottom - _CASH_PX)


def _side_by_side(sheet: Sheet, rows: Sequence[tuple[str, str, str]], top: int, bottom: int) -> None:
    """Put rows in two columns, where there is little room."""
    row_px = (bottom - top) // max(1, -(-len(rows) // 2))
    column_px = _ROOM // 2
    for place, (words, count, amount) in enumerate(rows):
        left, line = EDGE + (column_px + 8) * (place % 2), top + row_px * (place // 2) + row_px - 6
        right = left + column_px - 8
        amount_px = sheet.write(right, line, amount, 14, theme.INK, bold=True, align="right")
        count_px = sheet.write(right - amount_px - (8 if amount else 0), line, count, 13, theme.MUTED, align="right")
        room = column_px - 8 - amount_px - count_px - 16
        sheet.write(left, line, words, largest_size(words, (14, 13, 12), room), theme.INK, most_px=room)


def _cash(sheet: Sheet, scene: ShiftReport, lang: Lang, top: int) -> None:
    sheet.box(0, top, WIDTH, _CASH_PX, theme.NIGHT)
    expected = format_minor(scene.body.cash_expected_minor)
    sheet.write(EDGE, top + 30, Say.REPORT_EXPECTED.say(lang), 18, theme.WHITE, bold=True, most_px=200)
    sheet.write(WIDTH - EDGE, top + 30, expected, 24, theme.WHITE, bold=True, align="right", most_px=220)
    words = scene.keyed or Say.REPORT_COUNT.say(lang)
    colour, size = (theme.MINT, 24) if scene.keyed else (theme.NIGHT_SOFT, 16)
    sheet.write(EDGE, top + 62, Say.REPORT_COUNTED.say(lang), 18, theme.MINT, bold=True, most_px=200)
    sheet.write(WIDTH - EDGE, top + 62, words, size, colour, bold=bool(scene.keyed), align="right", most_px=240)


def _rows(figures: ShiftFigures, lang: Lang) -> list[tuple[str, str, str]]:
    counts = [
        (Say.REPORT_SALES, figures.sales, format_minor(figures.payable_minor)),
        (Say.REPORT_REFUNDS, figures.refunds, format_minor(figures.refunded_minor)),
        (Say.REPORT_TOP_UPS, figures.top_ups, format_minor(figures.topped_up_minor)),
        (Say.REPORT_REDEMPTIONS, figures.redemptions, ""),
        (Say.REPORT_CANCELS, figures.cancels, ""),
    ]
    if figures.unreadable:
        counts.append((Say.REPORT_UNREADABLE, figures.unreadable, ""))
    return [(say.say(lang), f"× {count}", amount) for say, count, amount in counts]
