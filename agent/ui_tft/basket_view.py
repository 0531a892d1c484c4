"""The basket with its member: list price, each rule with its reason and effect, and what is to be paid, large."""

from __future__ import annotations

from collections.abc import Sequence

from agent.txn.state import Lang, OpenBasket
from agent.txn.value import spendable_minor, spendable_points
from agent.ui_tft import theme
from agent.ui_tft.amounts import line_words, money, tier_words
from agent.ui_tft.bars import EDGE
from agent.ui_tft.screen import WIDTH, Sheet
from agent.ui_tft.widths import largest_size, width_px
from agent.ui_tft.words import Say
from contract.money import format_minor
from rules.advice.offer import Offer
from rules.explain import Change, Explanation, points_text

MEMBER_PX = 36
PAYABLE_PX = 66
_LIST_PX = 29
_LINE_PX = 22
_OFFER_PX = 22
_ROOMY_PX, _CLOSE_PX, _TIGHT_PX = 39, 33, 23
_DENSE_PX = 22
"""So high a rule stands where keys take their part of the glass: three rules have their place then."""
_IN_POINTS = (Change.POINTS, Change.COST)


def basket_view(sheet: Sheet, basket: OpenBasket, lang: Lang, top: int, bottom: int) -> None:
    """Put the whole basket between ``top`` and ``bottom``; what there is no room for is counted, never left unsaid."""
    member_strip(sheet, basket, lang, top)
    if not basket.lines:
        _nothing_yet(sheet, lang, top + MEMBER_PX, bottom)
        return
    _payable(sheet, basket, lang, bottom - PAYABLE_PX)
    _reckoning(sheet, basket, lang, top + MEMBER_PX, bottom - PAYABLE_PX)


def member_strip(sheet: Sheet, basket: OpenBasket, lang: Lang, top: int) -> None:
    """Put who buys: the tier as a badge, the masked name and number, the points known, and the stored value that may be
    spent here now.
    """
    buyer = basket.buyer
    sheet.box(0, top, WIDTH, MEMBER_PX, theme.WHITE)
    line = top + 25
    if buyer is None:
        sheet.write(EDGE, line - 1, Say.NO_MEMBER.say(lang), 16, theme.MUTED, most_px=WIDTH - 2 * EDGE)
        return
    ground, words = theme.TIERS.get(buyer.customer.tier, theme.TIER_ELSE)
    tier = tier_words(buyer.customer.tier, lang)
    badge_px = width_px(tier, 16, bold=True) + 20
    sheet.box(EDGE, top + 5, badge_px, 26, ground, 13)
    sheet.write(EDGE + 10, top + 24, tier, 16, words, bold=True)
    known = Say.CODE_MEMBER.say(lang)
    here = spendable_points(basket.buyer, basket.points_held)
    if here:
        known = Say.POINTS_HERE.say(lang, points=points_text(here, basket.active.pack.points_scale))
    elif buyer.points is not None:
        known = Say.POINTS_HELD.say(lang, points=points_text(buyer.points, basket.active.pack.points_scale))
    points_px = sheet.write(WIDTH - EDGE, line - 1, known, 15, theme.MUTED, align="right", most_px=150)
    stored_minor = spendable_minor(buyer, basket.held)
    if stored_minor:
        words = Say.STORED_HELD.say(lang, amount=money(stored_minor, basket.active.pack.currency))
        right = WIDTH - EDGE - points_px - 12
        points_px += 12 + sheet.write(right, line, words, 16, theme.GREEN, bold=True, align="right", most_px=170)
    x = EDGE + badge_px + 12
    x += sheet.write(x, line, buyer.name_masked, 19, theme.INK, bold=True, most_px=130) + 12
    sheet.write(x, line, buyer.phone_masked, 17, theme.MUTED, most_px=max(WIDTH - EDGE - points_px - x - 8, 0))


def _nothing_yet(sheet: Sheet, lang: Lang, top: int, bottom: int) -> None:
    """A member is here, and nothing is in the basket: ask for the first article."""
    middle = top + (bottom - top) // 2
    head, below = Say.NO_LINES.say(lang), Say.NO_LINES_ELSE.say(lang)
    sheet.write(WIDTH // 2, middle + 4, head, 34, theme.INK, bold=True, align="center", most_px=WIDTH - 2 * EDGE)
    sheet.write(WIDTH // 2, middle + 38, below, 17, theme.MUTED, align="center", most_px=WIDTH - 2 * EDGE)


def _payable(sheet: Sheet, basket: OpenBasket, lang: Lang, top: int) -> None:
    sheet.box(0, top, WIDTH, PAYABLE_PX, theme.NIGHT)
    amount = money(basket.priced.payable_minor, basket.active.pack.currency)
    size = largest_size(amount, (50, 44, 38), 300, bold=True)
    sheet.write(WIDTH - EDGE, top + 33 + size * 36 // 100, amount, size, theme.WHITE, bold=True, align="right")
    earned = basket.priced.points
    if basket.draws and (basket.stored_minor or basket.priced.stored_minor):
        stored_minor = basket.stored_minor + basket.priced.stored_minor
        sheet.write(EDGE, top + 22, Say.PAYABLE.say(lang), 17, theme.WHITE, bold=True)
        room = WIDTH - 2 * EDGE - width_px(amount, size, bold=True) - 10
        floor_minor = basket.on_floor_minor
        say_stored = Say.FLOOR_PART if floor_minor else Say.STORED_PART
        for line, (say, minor) in enumerate(((say_stored, stored_minor), (Say.CASH_PART, basket.cash_minor))):
            words = say.say(lang, amount=format_minor(minor), floor=format_minor(floor_minor))
            sheet.write(EDGE, top + 42 + 18 * line, words, 15, theme.NIGHT_GOLD, bold=True, most_px=room)
        return
    sheet.write(EDGE, top + (29 if earned else 40), Say.PAYABLE.say(lang), 20, theme.WHITE, bold=True)
    if earned:
        words = Say.POINTS_TO_EARN.say(lang, points=points_text(earned, basket.active.pack.points_scale))
        room = WIDTH - 2 * EDGE - width_px(amount, size, bold=True) - 10
        sheet.write(EDGE, top + 53, words, 16, theme.NIGHT_GOLD, most_px=room)


def _reckoning(sheet: Sheet, basket: OpenBasket, lang: Lang, top: int, bottom: int) -> None:
    """List price first, then the rules, then what else could be had; older lines above them where there is room."""
    shown = basket.explanations
    room = bottom - top - _LIST_PX - 2
    row_px = _row_px(sheet, len(shown), room)
    if basket.offer is not None and _leaves_rules_alone(sheet, len(shown), row_px, room - _OFFER_PX):
        _offer(sheet, basket.offer, lang, bottom - _OFFER_PX)
        room -= _OFFER_PX
        row_px = _row_px(sheet, len(shown), room)
    most = max(room // row_px, 1)
    spare = room - row_px * min(len(shown), most)
    y = _older_lines(sheet, basket, lang, top, spare // _LINE_PX)
    _list_price(sheet, basket, lang, y)
    y += _LIST_PX
    _rules(sheet, shown, basket.active.pack.points_scale, lang, y, (row_px, most))


def rule_rows(sheet: Sheet, shown: Sequence[Explanation], points_scale: int, lang: Lang, top: int, bottom: int) -> None:
    """Put rules, each with its reason and what it did, as high as there is room for; what does not fit is counted."""
    row_px = _row_px(sheet, len(shown), bottom - top)
    _rules(sheet, shown, points_scale, lang, top, (row_px, max((bottom - top) // row_px, 1)))


def _rules(
    sheet: Sheet, shown: Sequence[Explanation], points_scale: int, lang: Lang, top: int, rows: tuple[int, int]
) -> None:
    """Put rules in rows that are so high, at most so many of them."""
    row_px, most = rows
    whole = shown if len(shown) <= most else shown[: most - 1]
    for place, one in enumerate(whole):
        _rule_row(sheet, one, lang, top + place * row_px, row_px)
    if len(whole) < len(shown):
        _rest(sheet, shown[len(whole) :], points_scale, lang, top + len(whole) * row_px)


def _row_px(sheet: Sheet, count: int, room: int) -> int:
    """How high each of so many rules stands where there is so much room for all."""
    return next((px for px in (_ROOMY_PX, _CLOSE_PX) if px * count <= room), _DENSE_PX if sheet.touch else _TIGHT_PX)


def _leaves_rules_alone(sheet: Sheet, count: int, row_px: int, room: int) -> bool:
    """Whether every rule, with its reason, has its place in what an offer would leave of the room."""
    with_offer_px = _row_px(sheet, count, room)
    return with_offer_px * count <= room and (with_offer_px > _TIGHT_PX or row_px <= _TIGHT_PX)


def _offer(sheet: Sheet, offer: Offer, lang: Lang, top: int) -> None:
    """What could still be had, and by which rule where that fits beside it."""
    at = 0 if lang is Lang.ZH else 1
    sheet.box(0, top, WIDTH, _OFFER_PX, theme.GREEN_PALE)
    room = WIDTH - 2 * EDGE
    size = largest_size(offer.words[at], (16, 15, 14), room, bold=True)
    words_px = sheet.write(EDGE, top + 17, offer.words[at], size, theme.GREEN, bold=True, most_px=room)
    if words_px + 12 + width_px(offer.title[at], 13) <= room:
        sheet.write(WIDTH - EDGE, top + 17, offer.title[at], 13, theme.MUTED, align="right")


def _older_lines(sheet: Sheet, basket: OpenBasket, lang: Lang, top: int, most: int) -> int:
    """Put the lines before the last, the newest of them, if all or some fit; return where to go on."""
    older = basket.lines[:-1][-most:] if most > 0 else ()
    y = top
    for line in older:
        sheet.write(EDGE, y + 20, line_words(line, lang), 15, theme.MUTED, most_px=320)
        sheet.write(WIDTH - EDGE, y + 20, format_minor(line.list_minor), 15, theme.MUTED, align="right")
        y += _LINE_PX
    return y


def _list_price(sheet: Sheet, basket: OpenBasket, lang: Lang, top: int) -> None:
    line = top + 22
    amount_px = sheet.write(
        WIDTH - EDGE, line, format_minor(basket.priced.list_minor), 20, theme.INK, bold=True, align="right"
    )
    x = WIDTH - EDGE - amount_px - 8
    x -= sheet.write(x, line, Say.LIST_PRICE.say(lang), 15, theme.MUTED, align="right") + 12
    name = line_words(basket.lines[-1], lang)
    if len(basket.lines) > 1:
        name = Say.ITEMS.say(lang, name=name, count=sum(item.quantity for item in basket.lines))
    sheet.write(EDGE, line, name, 17, theme.INK, most_px=x - EDGE)


def _rule_row(sheet: Sheet, one: Explanation, lang: Lang, top: int, height: int) -> None:
    """One rule: title, reason and what it did; on two lines, or on one where room is short."""
    title, reason = (one.title, one.reason) if lang is Lang.ZH else (one.title_en, one.reason_en)
    colour = {Change.OFF: theme.GREEN, Change.NONE: theme.MUTED}.get(one.kind, theme.AMBER_INK)
    change = Say.POINTS_UNIT.say(lang, points=one.change) if one.kind in _IN_POINTS else one.change
    tight = height <= _TIGHT_PX
    middle = top + (17 if tight else height // 2 + 8)
    change_px = sheet.write(WIDTH - EDGE, middle, change, 18 if tight else 22, colour, bold=True, align="right")
    room = WIDTH - 2 * EDGE - change_px - 12
    sheet.box(EDGE, top + 1, WIDTH - 2 * EDGE, 1, theme.LINE)
    if tight:
        title_px = sheet.write(EDGE, middle, title, 15, theme.INK, bold=True, most_px=room)
        if room - title_px > 60:
            sheet.write(EDGE + title_px + 10, middle - 1, reason, 13, theme.MUTED, most_px=room - title_px - 10)
        return
    roomy = height == _ROOMY_PX
    sheet.write(EDGE, top + (18 if roomy else 16), title, 17 if roomy else 15, theme.INK, bold=True, most_px=room)
    sheet.write(EDGE, top + (35 if roomy else 30), reason, 14 if roomy else 12, theme.MUTED, most_px=room)


def _rest(sheet: Sheet, rest: Sequence[Explanation], points_scale: int, lang: Lang, top: int) -> None:
    """What the rules not shown one by one come to: in money, or where they take none off, in points."""
    off = [one.amount for one in rest if one.kind is Change.OFF]
    points = sum(one.amount for one in rest if one.kind is Change.POINTS)
    total = format_minor(sum(off)) if off else f"+{points_text(points, points_scale)}" if points else ""
    sheet.box(EDGE, top + 1, WIDTH - 2 * EDGE, 1, theme.LINE)
    sheet.write(EDGE, top + 17, Say.MORE_RULES.say(lang, count=len(rest)), 15, theme.MUTED)
    sheet.write(WIDTH - EDGE, top + 17, total, 18, theme.GREEN, bold=True, align="right")
