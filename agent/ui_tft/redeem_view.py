"""What a member may take without a sale, each under the number of the key that chooses it, with what it costs."""

from __future__ import annotations

from agent.txn.state import MOST_CHOICES, Choice, Lang, OpenBasket, PlannedRedemption
from agent.ui_tft import theme
from agent.ui_tft.bars import EDGE
from agent.ui_tft.basket_view import MEMBER_PX, member_strip
from agent.ui_tft.screen import WIDTH, Sheet
from agent.ui_tft.widths import largest_size, width_px
from agent.ui_tft.words import Say
from contract.refusals import Refusal, RefusalCode
from rules.explain import points_text, redeem_cost
from rules.grammar.pack import Pack
from rules.grammar.rewards import Redeem
from rules.grammar.rule import Rule

_HEAD_PX = 34
_COST_PX = 230
_SMALL = 12
_SMALLEST_PX = 120
_MISSING = {
    RefusalCode.USES_SHORT: Say.REDEEM_USES_SHORT,
    RefusalCode.GIFT_SHARE_USED: Say.REDEEM_GIFT_OUT,
    RefusalCode.REDEEM_SHARE_USED: Say.REDEEM_SHARE_OUT,
}


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
        _row(sheet, place + 1, one, basket.active.pack, lang, (y + row_px * place, row_px))


def _row(sheet: Sheet, number: int, one: Choice, pack: Pack, lang: Lang, place: tuple[int, int]) -> None:
    """One thing under its number, with what it costs; grey, with the reason, where it cannot be taken now."""
    at, row_px = place
    rule = one.wanted.rule
    title = rule.title if lang is Lang.ZH else rule.title_en
    words = _cost(rule, pack)[0 if lang is Lang.ZH else 1]
    colours = theme.WHITE, theme.GREEN, theme.INK, theme.AMBER_INK
    if one.missing is not None:
        why = _missing(one.missing, pack, lang)
        both = f"{words} · {why}"
        fits = width_px(both, _SMALL, bold=True) <= min(_COST_PX, WIDTH - 2 * EDGE - 64 - width_px(title, 14))
        words = both if fits else why
        colours = theme.PAPER, theme.MUTED, theme.MUTED, theme.MUTED
    back, figure, ink, price = colours
    sheet.box(EDGE, at, WIDTH - 2 * EDGE, row_px - 4, back, 8)
    line = at + row_px // 2 + 4
    sheet.write(EDGE + 12, line + 1, str(number), 20, figure, bold=True)
    room = max(WIDTH - 2 * EDGE - 64 - width_px(title, 14), _SMALLEST_PX)
    size = largest_size(words, (16, 14, _SMALL), min(_COST_PX, room), bold=True)
    at_right = WIDTH - EDGE - 12
    cost_px = sheet.write(at_right, line, words, size, price, bold=True, align="right", most_px=_COST_PX)
    room = WIDTH - 2 * EDGE - cost_px - 64
    sheet.write(EDGE + 38, line, title, largest_size(title, (18, 16, 14), room), ink, most_px=room)


def _cost(rule: Rule, pack: Pack) -> tuple[str, str]:
    (effect,) = (effect for effect in rule.then if isinstance(effect, Redeem))
    return redeem_cost(effect, pack)


def _missing(missing: Refusal, pack: Pack, lang: Lang) -> str:
    """Why it cannot be taken here now, in a word or two."""
    short = int(missing.detail) if missing.detail.isdecimal() else 0
    if missing.code is RefusalCode.POINTS_SHORT and short:
        return Say.REDEEM_POINTS_SHORT.say(lang, points=points_text(short, pack.points_scale))
    return _MISSING.get(missing.code, Say.REDEEM_NOT_NOW).say(lang)
