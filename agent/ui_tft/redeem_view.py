"""What a member may take without a sale, each under the number of the key that chooses it, with what it costs."""

from __future__ import annotations

from agent.txn.state import MOST_CHOICES, Lang, OpenBasket, PlannedRedemption
from agent.ui_tft import theme
from agent.ui_tft.bars import EDGE
from agent.ui_tft.basket_view import MEMBER_PX, member_strip
from agent.ui_tft.screen import WIDTH, Sheet
from agent.ui_tft.widths import largest_size
from agent.ui_tft.words import Say
from rules.engine.redeeming import Redeemable
from rules.explain import redeem_cost
from rules.grammar.pack import Pack
from rules.grammar.rewards import Redeem

_HEAD_PX = 34
_COST_PX = 210


def redeem_view(sheet: Sheet, basket: OpenBasket, plan: PlannedRedemption, lang: Lang, top: int, bottom: int) -> None:
    """Put the question and what there is on this page between ``top`` and ``bottom``."""
    member_strip(sheet, basket, lang, top)
    y = top + MEMBER_PX
    sheet.write(EDGE, y + 25, Say.REDEEM_WHAT.say(lang), 20, theme.INK, bold=True)
    pages = -(-len(plan.choices) // MOST_CHOICES)
    if pages > 1:
        words = Say.SLIP_PAGE.say(lang, page=plan.first // MOST_CHOICES + 1, pages=pages)
        sheet.write(WIDTH - EDGE, y + 24, words, 15, theme.MUTED, align="right")
    y += _HEAD_PX
    row_px = min(32, (bottom - y) // MOST_CHOICES)
    for place, one in enumerate(plan.shown):
        at = y + row_px * place
        title = one.rule.title if lang is Lang.ZH else one.rule.title_en
        cost = _cost(one, basket.active.pack)[0 if lang is Lang.ZH else 1]
        sheet.box(EDGE, at, WIDTH - 2 * EDGE, row_px - 4, theme.WHITE, 8)
        line = at + row_px // 2 + 4
        sheet.write(EDGE + 12, line + 1, str(place + 1), 20, theme.GREEN, bold=True)
        size = largest_size(cost, (16, 14, 12), _COST_PX, bold=True)
        at_right = WIDTH - EDGE - 12
        cost_px = sheet.write(at_right, line, cost, size, theme.AMBER_INK, bold=True, align="right", most_px=_COST_PX)
        room = WIDTH - 2 * EDGE - cost_px - 64
        sheet.write(EDGE + 38, line, title, largest_size(title, (18, 16, 14), room), theme.INK, most_px=room)


def _cost(one: Redeemable, pack: Pack) -> tuple[str, str]:
    (effect,) = (effect for effect in one.rule.then if isinstance(effect, Redeem))
    return redeem_cost(effect, pack)
