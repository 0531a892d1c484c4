"""The edges of every screen: the status bar, the strip for a device in trouble, and the bottom with keys or words."""

from __future__ import annotations

from agent.txn.keying import is_phone
from agent.txn.returning import Refunding
from agent.txn.state import (
    MOST_CHOICES,
    AskPin,
    Committing,
    Lang,
    Menu,
    Notice,
    Paid,
    Recovered,
    Reprinting,
    Selling,
    ShiftReport,
    SignIn,
    SlipTaken,
    TillState,
)
from agent.ui_tft import theme
from agent.ui_tft.amounts import money
from agent.ui_tft.screen import HEIGHT, WIDTH, Sheet
from agent.ui_tft.status import StatusBar
from agent.ui_tft.widths import largest_size, width_px
from agent.ui_tft.words import Say, age_words, device_words
from contract.refusals import Refusal

EDGE = 14
STATUS_PX = 28
STRIP_PX = 28
BAND_PX = 24
KEYS_PX = 38
BANNER_PX = 60
_CAP_PX = 24

_NOTICES = {
    Notice.MEMBER_REPLACED: Say.MEMBER_REPLACED,
    Notice.BASKET_CANCELLED: Say.BASKET_CANCELLED,
    Notice.RECEIPT_AGAIN: Say.RECEIPT_AGAIN,
    Notice.RULES_CHANGED: Say.RULES_CHANGED,
    Notice.ALREADY_BOOKED: Say.ALREADY_BOOKED,
    Notice.COUPON_ADDED: Say.COUPON_ADDED,
    Notice.COUPON_IDLE: Say.COUPON_IDLE,
    Notice.TRAINING_BEGUN: Say.TRAINING_BEGUN,
    Notice.TRAINING_OVER: Say.TRAINING_OVER,
    Notice.PRACTISED: Say.PRACTISED,
}


def status_bar(sheet: Sheet, state: TillState, status: StatusBar) -> int:
    """Put the bar at the top, amber while offline; return where the body may begin."""
    lang = state.lang
    ground, words, dim = (
        (theme.NIGHT, theme.WHITE, theme.NIGHT_SOFT) if status.online else (theme.AMBER, theme.INK, theme.AMBER_INK)
    )
    sheet.box(0, 0, WIDTH, STATUS_PX, ground)
    sheet.write(WIDTH - EDGE, 20, status.clock_text, 16, words, bold=True, align="right", most_px=70)
    sheet.box(EDGE, 10, 8, 8, theme.MINT if status.online else theme.INK, 4)
    link_px = sheet.write(EDGE + 15, 20, _link_words(status, lang), 15, words, bold=True, most_px=300)
    facts = Say.RULES.say(lang, version=status.pack_version) if status.pack_version else Say.NO_RULES_SHORT.say(lang)
    if state.cashier is not None:
        facts = f"{state.cashier.cashier} · {facts}"
    room = WIDTH - 2 * EDGE - 15 - link_px - 60
    if width_px(facts, 14) <= room:
        sheet.write(WIDTH - EDGE - 56, 20, facts, 14, dim, align="right")
    return STATUS_PX


def training_band(sheet: Sheet, state: TillState, top: int) -> int:
    """Say on every screen that this is training; return where the body may begin."""
    if not state.training:
        return top
    sheet.box(0, top, WIDTH, BAND_PX, theme.RED)
    words = Say.TRAINING.say(state.lang)
    sheet.write(WIDTH // 2, top + 17, words, 15, theme.WHITE, bold=True, align="center", most_px=WIDTH - 2 * EDGE)
    return top + BAND_PX


def device_strip(sheet: Sheet, status: StatusBar, lang: Lang, top: int) -> int:
    """Put what is wrong with the devices, the first in full; return where the body may begin."""
    troubles = sorted(
        (note for note in status.devices if note.is_trouble), key=lambda note: (note.status == "ready", note.device)
    )
    if not troubles:
        return top
    sheet.box(0, top, WIDTH, STRIP_PX, theme.AMBER_PALE)
    sheet.picto("alert", EDGE - 2, top + 6, 16, theme.AMBER_INK)
    first = troubles[0]
    cause, next_step = device_words(first.device, first.status, first.reason, lang)
    more = f"+{len(troubles) - 1}" if len(troubles) > 1 else ""
    x = EDGE + 21
    x += sheet.write(x, top + 20, cause, 15, theme.AMBER_INK, bold=True, most_px=230) + 10
    sheet.write(x, top + 20, next_step, 15, theme.AMBER_INK, most_px=WIDTH - EDGE - x - (34 if more else 0))
    sheet.write(WIDTH - EDGE, top + 20, more, 15, theme.AMBER_INK, bold=True, align="right")
    return top + STRIP_PX


def bottom_bar(sheet: Sheet, state: TillState) -> int:
    """Put a refusal, a notice or the keys that do something; return where the body has to end."""
    if state.refusal is not None:
        top = HEIGHT - BANNER_PX
        banner(sheet, state.refusal, state.lang, top)
        return top
    top = HEIGHT - KEYS_PX
    if state.notice is not None:
        notice_bar(sheet, state.notice, state.lang, top, KEYS_PX)
        return top
    if isinstance(state.scene, Committing):
        return top
    sheet.box(0, top, WIDTH, KEYS_PX, theme.GREEN_DEEP if isinstance(state.scene, Paid) else theme.WHITE)
    if isinstance(state.scene, Paid):
        words = Say.NEXT_SALE.say(state.lang)
        sheet.write(WIDTH // 2, top + 25, words, 16, theme.MINT, align="center", most_px=WIDTH - 2 * EDGE)
    else:
        _keys(sheet, useful_keys(state), state.lang, top)
    return top


def _notice_words(notice: Notice | SlipTaken, lang: Lang) -> str:
    if isinstance(notice, SlipTaken):
        return Say.SLIP_TAKEN_IN.say(lang, whose=notice.whose, amount=money(notice.amount_minor, notice.currency))
    return _NOTICES[notice].say(lang)


def notice_bar(sheet: Sheet, notice: Notice | SlipTaken, lang: Lang, top: int, height: int) -> int:
    """Put what was understood; return where it ends."""
    sheet.box(0, top, WIDTH, height, theme.GREEN_PALE)
    words, line = _notice_words(notice, lang), top + height // 2 + 7
    sheet.write(WIDTH // 2, line, words, 18, theme.GREEN, bold=True, align="center", most_px=WIDTH - 2 * EDGE)
    return top + height


def banner(sheet: Sheet, refusal: Refusal, lang: Lang, top: int) -> int:
    """Put a refusal, the cause large, the next step below it; return where it ends."""
    text = refusal.text
    cause, next_step = (text.cause_zh, text.next_zh) if lang is Lang.ZH else (text.cause_en, text.next_en)
    sheet.box(0, top, WIDTH, BANNER_PX, theme.RED_PALE)
    sheet.box(0, top, 6, BANNER_PX, theme.RED)
    sheet.picto("alert", EDGE + 4, top + 14, 32, theme.RED)
    x = EDGE + 48
    room = WIDTH - EDGE - x
    size = largest_size(cause, (21, 19, 17), room, bold=True)
    sheet.write(x, top + 26, cause, size, theme.RED, bold=True, most_px=room)
    sheet.write(x, top + 49, next_step, largest_size(next_step, (17, 16, 15), room), theme.INK, most_px=room)
    return top + BANNER_PX


def _keys(sheet: Sheet, keys: list[tuple[Say, Say]], lang: Lang, top: int) -> None:
    """Key caps and what they do, as many as there is room for."""
    x = EDGE
    for key, does in keys:
        cap, words = key.say(lang), does.say(lang)
        cap_px = width_px(cap, 15, bold=True) + 14
        words_px = width_px(words, 15) + 6 if words else 0
        if x + cap_px + words_px > WIDTH - EDGE:
            break
        sheet.box(x, top + 7, cap_px, _CAP_PX, theme.LINE, 6)
        sheet.write(x + 7, top + 25, cap, 15, theme.INK, bold=True)
        sheet.write(x + cap_px + 6, top + 25, words, 15, theme.MUTED)
        x += cap_px + words_px + 14


def useful_keys(state: TillState) -> list[tuple[Say, Say]]:
    """The keys that do something now, by what is on them, each with what it does; the one pressed most first."""
    enter, clear, cancel = Say.KEY_ENTER, Say.KEY_CLEAR, Say.KEY_CANCEL
    match state.scene:
        case SignIn(pin=pin):
            last = (cancel, Say.DO_BACK) if pin is not None else (Say.KEY_LANG, Say.DO_LANG)
            return [(enter, Say.DO_NEXT if pin is None else Say.DO_SIGN_IN), (clear, Say.DO_CORRECT), last]
        case AskPin():
            return [(enter, Say.DO_NEXT), (clear, Say.DO_CORRECT), (cancel, Say.DO_BACK)]
        case Selling(phone_entry=phone_entry, keyed=keyed) if phone_entry or is_phone(keyed):
            return [(enter, Say.DO_FIND), (clear, Say.DO_CORRECT), (cancel, Say.DO_BACK)]
        case Selling(keyed=keyed, basket=basket) if keyed:
            may_top_up = basket is not None and basket.buyer is not None and not basket.lines
            slip = [(Say.KEY_SLIP, Say.DO_NOTHING_MORE)] if may_top_up and basket is not None and basket.held else []
            top_up = [(Say.KEY_TOP_UP, Say.DO_NOTHING_MORE)] if may_top_up else []
            return [(enter, Say.DO_ADD), *top_up, *slip, (clear, Say.DO_CORRECT), (cancel, Say.DO_BACK)]
        case Selling(basket=basket) if basket is not None and basket.top_up is not None:
            return [(Say.KEY_CASH, Say.DO_PAY), (clear, Say.DO_BACK), (cancel, Say.DO_CANCEL)]
        case Selling(basket=basket) if basket is not None and basket.redeem is not None:
            more = [(enter, Say.DO_MORE)] if len(basket.redeem.choices) > MOST_CHOICES else []
            return [*more, (clear, Say.DO_BACK)]
        case Selling(basket=basket) if basket is not None and basket.slip is not None:
            more = [(enter, Say.DO_MORE)] if len(basket.slip.choices) > MOST_CHOICES else []
            return [*more, (clear, Say.DO_BACK)]
        case Selling(basket=basket) if basket is not None and basket.lines:
            stored = [(Say.KEY_STORED, Say.DO_NO_STORED if basket.pays_stored else Say.DO_PAY)] if basket.held else []
            points = [(Say.KEY_POINTS, Say.DO_NO_POINTS if basket.pays_points else Say.DO_USE)]
            return [
                (Say.KEY_CASH, Say.DO_PAY),
                *stored,
                *(points if basket.points_held else []),
                (Say.KEY_MEMBER, Say.DO_PHONE),
                (clear, Say.DO_DELETE),
                (cancel, Say.DO_CANCEL),
            ]
        case Selling(basket=basket) if basket is not None:
            may_redeem = basket.buyer is not None and basket.active.compiled.shared.redeems
            redeem = [(Say.KEY_REDEEM, Say.DO_NOTHING_MORE)] if may_redeem else []
            return [*redeem, (Say.KEY_MEMBER, Say.DO_PHONE), (cancel, Say.DO_CANCEL)]
        case Selling():
            return [
                (Say.KEY_MEMBER, Say.DO_PHONE),
                (Say.KEY_MENU, Say.DO_LIST),
                (Say.KEY_REPRINT, Say.DO_LAST),
                (Say.KEY_SIGNOUT, Say.DO_LEAVE),
                (Say.KEY_LANG, Say.DO_LANG),
            ]
        case (Refunding() | ShiftReport() | Reprinting() | Menu() | Recovered()) as scene:
            return _keys_beside_selling(scene)
    return []


def _keys_beside_selling(scene: Refunding | ShiftReport | Reprinting | Menu | Recovered) -> list[tuple[Say, Say]]:
    enter, clear, cancel = Say.KEY_ENTER, Say.KEY_CLEAR, Say.KEY_CANCEL
    match scene:
        case Refunding(plan=plan) if plan is not None:
            return [(enter, Say.DO_REFUND), (clear, Say.DO_BACK), (cancel, Say.DO_NO_REFUND)]
        case Refunding(named=named) if named is not None:
            rest = (Say.KEY_REFUND, Say.DO_ALL)
            return [(enter, Say.DO_NEXT), rest, (clear, Say.DO_BACK), (cancel, Say.DO_NO_REFUND)]
        case Refunding():
            return [(enter, Say.DO_NEXT), (clear, Say.DO_CORRECT), (cancel, Say.DO_NO_REFUND)]
        case ShiftReport(keyed=keyed):
            close = [(enter, Say.DO_CLOSE), (clear, Say.DO_CORRECT)] if keyed else []
            return [*close, (cancel, Say.DO_BACK)]
        case Reprinting():
            return [(Say.KEY_REPRINT, Say.DO_NEWEST), (clear, Say.DO_BACK)]
        case Menu():
            return [(clear, Say.DO_BACK)]
        case Recovered(owed=owed):
            skip_all = [(clear, Say.DO_SKIP_ALL)] if len(owed) > 1 else []
            return [(Say.KEY_REPRINT, Say.DO_PRINT), (cancel, Say.DO_SKIP), *skip_all]


def _link_words(status: StatusBar, lang: Lang) -> str:
    if status.online:
        return Say.ONLINE_BACKLOG.say(lang, count=status.backlog) if status.backlog else Say.ONLINE.say(lang)
    if not status.backlog:
        return Say.OFFLINE.say(lang)
    return Say.OFFLINE_BACKLOG.say(lang, count=status.backlog, age=age_words(status.oldest_age_s, lang))
