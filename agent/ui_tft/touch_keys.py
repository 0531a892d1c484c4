"""The keys on the glass of a till that is served by touch: the digits always at one place, below them what else the
screen takes. What a key says and where it is touched is put in one go, so the two cannot differ.

A key is 46 pixels high and at least as wide: 7 mm on a panel of 3.5 inches with 480 x 320 pixels, which a finger hits.
"""

from __future__ import annotations

from agent.txn.keying import is_phone
from agent.txn.returning import Refunding
from agent.txn.state import (
    MOST_CHOICES,
    AskPin,
    Committing,
    Menu,
    Paid,
    Recovered,
    Reprinting,
    Selling,
    ShiftReport,
    SignIn,
    TillState,
)
from agent.ui_tft import theme
from agent.ui_tft.bars import (
    STATUS_PX,
    banner,
    device_strip,
    notice_bar,
    status_bar,
    training_band,
    useful_keys,
)
from agent.ui_tft.screen import HEIGHT, WIDTH, Sheet
from agent.ui_tft.status import StatusBar, Touch
from agent.ui_tft.widths import largest_size, width_px
from agent.ui_tft.words import Say

KEY_PX = 46
_GAP_PX = 2
_CAPS = (18, 16, 15, 14, 13, 12)
_DOES = 12
_DIGITS = "1234567890"
_KEYS = {
    Say.KEY_ENTER: "enter",
    Say.KEY_CLEAR: "clear",
    Say.KEY_CANCEL: "cancel",
    Say.KEY_MEMBER: "member",
    Say.KEY_CASH: "cash",
    Say.KEY_STORED: "stored",
    Say.KEY_POINTS: "points",
    Say.KEY_REDEEM: "redeem",
    Say.KEY_TOP_UP: "topup",
    Say.KEY_SLIP: "slip",
    Say.KEY_REPRINT: "reprint",
    Say.KEY_REFUND: "refund",
    Say.KEY_REPORT: "report",
    Say.KEY_TRAINING: "training",
    Say.KEY_MENU: "menu",
    Say.KEY_SIGNOUT: "signout",
    Say.KEY_LANG: "lang",
}
"""Which key of the till each cap is."""
_MAIN = ("enter", "cash")

Cap = tuple[str, str, str]
"""The key, what stands on it, and below that, small, what it does."""


def touch_top(sheet: Sheet, state: TillState, status: StatusBar) -> int:
    """Put what stands at the top; return where the body may begin. A refusal or a notice takes the place of the bar for
    as long as it stands, so that no key moves; training takes it all along, for nothing is booked or sent then.
    """
    if state.refusal is not None:
        return banner(sheet, state.refusal, state.lang, 0)
    if state.notice is not None:
        top = notice_bar(sheet, state.notice, state.lang, 0, STATUS_PX)
    elif state.training:
        top = training_band(sheet, state, 0)
    else:
        top = status_bar(sheet, state, status)
    return device_strip(sheet, status, state.lang, top)


def touch_keys(sheet: Sheet, state: TillState, touch: Touch) -> int:
    """Put the keys; return where the body has to end."""
    rows = _rows(state)
    top = HEIGHT - KEY_PX * max(len(rows), 1)
    ground = theme.GREEN_DEEP if isinstance(state.scene, Paid) else theme.LINE
    if state.training:
        # Also while a refusal stands where the words are that say so.
        ground = theme.RED
    sheet.box(0, top, WIDTH, HEIGHT - top, ground)
    for place, row in enumerate(rows):
        _row(sheet, row, _lit(state, touch), top + KEY_PX * place)
    return top


def _lit(state: TillState, touch: Touch) -> str:
    """The key that is drawn as pressed: none of a PIN, which others may look at."""
    secret = isinstance(state.scene, AskPin) or (isinstance(state.scene, SignIn) and state.scene.pin is not None)
    return "" if secret and touch.pressed in _DIGITS else touch.pressed


def _row(sheet: Sheet, row: list[Cap], lit: str, top: int) -> None:
    """Keys side by side over the whole width, without a gap that a finger could fall into."""
    for place, (key, cap, does) in enumerate(row):
        left, right = WIDTH * place // len(row), WIDTH * (place + 1) // len(row)
        sheet.target(left, top, right - left, KEY_PX, key)
        ground, ink, dim = theme.WHITE, theme.INK, theme.MUTED
        if key == lit:
            ground, ink, dim = theme.NIGHT, theme.WHITE, theme.WHITE
        elif key in _MAIN:
            ground, ink, dim = theme.GREEN, theme.WHITE, theme.WHITE
        elif key == "cancel":
            ground, ink, dim = theme.RED_PALE, theme.RED, theme.RED
        sheet.box(left + _GAP_PX, top + _GAP_PX, right - left - 2 * _GAP_PX, KEY_PX - 2 * _GAP_PX, ground, 7)
        middle, room = (left + right) // 2, right - left - 8
        size = 24 if len(cap) == 1 else largest_size(cap, _CAPS, room, bold=True)
        two = bool(does) and does != cap and width_px(does, _DOES) <= room
        line = top + (22 if two else 23 + size * 36 // 100)
        sheet.write(middle, line, cap, size, ink, bold=True, align="center", most_px=room)
        if two:
            sheet.write(middle, top + 37, does, _DOES, dim, align="center", most_px=room)


def _rows(state: TillState) -> list[list[Cap]]:
    """The rows of keys of a screen; a screen from which one of a few is chosen needs one row only."""
    scene = state.scene
    if isinstance(scene, Committing):
        return []
    caps = [(_KEYS[key], key.say(state.lang), does.say(state.lang)) for key, does in _wanted(state)]
    # What is pressed most lies at the right, where the hand is.
    caps = [*_typed(state), *reversed(caps)]
    if isinstance(scene, Menu | Recovered) or (isinstance(scene, Refunding) and scene.plan is not None):
        return [caps]
    basket = scene.basket if isinstance(scene, Selling) and not scene.keyed and not scene.phone_entry else None
    if basket is not None and basket.top_up is not None:
        return [caps]
    shown = len(scene.papers) if isinstance(scene, Reprinting) else 0
    if basket is not None and basket.redeem is not None:
        shown = len(basket.redeem.shown)
    elif basket is not None and basket.slip is not None:
        shown = len(basket.slip.shown)
    if shown:
        return [[*((digit, digit, "") for digit in _DIGITS[: min(shown, MOST_CHOICES)]), *caps]]
    return [[(digit, digit, "") for digit in _DIGITS], caps]


def _typed(state: TillState) -> list[Cap]:
    """Keys beside the digits by which an amount or a number is keyed."""
    point, double_zero = (".", ".", ""), ("00", "00", "")
    match state.scene:
        case Selling(keyed=keyed, phone_entry=False) if keyed and not is_phone(keyed):
            return [point, double_zero]
        case ShiftReport(keyed=keyed) if keyed:
            return [point, double_zero]
        case Refunding(named=None, plan=None):
            return [point]
    return []


def _wanted(state: TillState) -> list[tuple[Say, Say]]:
    """The keys that do something, as on every till, and those that a keypad has besides."""
    menu = (Say.KEY_MENU, Say.DO_LIST)
    match state.scene:
        case Paid():
            language = (Say.KEY_LANG, Say.DO_LANG)
            return [(Say.KEY_MEMBER, Say.DO_PHONE), (Say.KEY_REPRINT, Say.DO_NOTHING_MORE), menu, language]
        case Selling(keyed="", phone_entry=False, basket=basket) if basket is not None:
            chosen = basket.top_up or basket.redeem or basket.slip
            return [*useful_keys(state), *(() if chosen else (menu,))]
    return useful_keys(state)
