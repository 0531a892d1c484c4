"""compose(): the state of the till and of its surroundings as one screen, pure."""

from __future__ import annotations

from agent.txn.returning import Refunding
from agent.txn.state import (
    AskPin,
    Committing,
    Menu,
    OpenBasket,
    Paid,
    PlannedRedemption,
    PlannedSlip,
    PlannedTopUp,
    Recovered,
    Reprinting,
    Selling,
    ShiftReport,
    SignIn,
    TillState,
)
from agent.ui_tft import theme
from agent.ui_tft.bars import bottom_bar, device_strip, status_bar, training_band
from agent.ui_tft.basket_view import basket_view
from agent.ui_tft.closing_view import committing_view, paid_view, recovered_view
from agent.ui_tft.entry_view import ask_pin_view, keyed_view, ready_view, sign_in_view
from agent.ui_tft.menu_view import menu_view
from agent.ui_tft.redeem_view import redeem_view
from agent.ui_tft.refund_view import refund_view
from agent.ui_tft.report_view import report_view
from agent.ui_tft.reprint_view import reprint_view
from agent.ui_tft.screen import HEIGHT, WIDTH, Screen, Sheet
from agent.ui_tft.slip_view import slip_view
from agent.ui_tft.status import DeviceNote, StatusBar, Touch
from agent.ui_tft.top_up_view import top_up_view
from agent.ui_tft.touch_keys import touch_keys, touch_top

__all__ = ["DeviceNote", "Screen", "StatusBar", "Touch", "compose"]


def compose(state: TillState, status: StatusBar, touch: Touch | None = None) -> Screen:
    """Return the screen for this state, in the state's language; with keys on it where the till is served by
    ``touch``. Equal arguments give equal screens.
    """
    sheet, lang = Sheet(touch is not None), state.lang
    sheet.box(0, 0, WIDTH, HEIGHT, theme.PAPER)
    if touch is not None:
        top, bottom = touch_top(sheet, state, status), touch_keys(sheet, state, touch)
    else:
        top = status_bar(sheet, state, status)
        top = training_band(sheet, state, top)
        top = device_strip(sheet, status, lang, top)
        bottom = bottom_bar(sheet, state)
    match state.scene:
        case SignIn() as scene:
            sign_in_view(sheet, scene, status, lang, top, bottom)
        case Selling(keyed=keyed, phone_entry=phone_entry) as scene if keyed or phone_entry:
            keyed_view(sheet, scene, lang, top, bottom)
        case Selling(basket=None):
            ready_view(sheet, status, lang, top, bottom)
        case Selling(basket=OpenBasket(slip=PlannedSlip() as plan) as basket):
            slip_view(sheet, basket, plan, lang, top, bottom)
        case Selling(basket=OpenBasket(redeem=PlannedRedemption() as offered) as basket):
            redeem_view(sheet, basket, offered, lang, top, bottom)
        case Selling(basket=OpenBasket(top_up=PlannedTopUp() as top_up) as basket):
            top_up_view(sheet, basket, top_up, lang, top, bottom)
        case Selling(basket=basket) if basket is not None:
            basket_view(sheet, basket, lang, top, bottom)
        case Refunding() as scene:
            refund_view(sheet, scene, lang, top, bottom)
        case ShiftReport() as scene:
            report_view(sheet, scene, lang, top, bottom)
        case Reprinting() as scene:
            reprint_view(sheet, scene, lang, top, bottom)
        case Menu():
            menu_view(sheet, lang, top, bottom)
        case AskPin() as scene:
            ask_pin_view(sheet, scene, lang, top, bottom)
        case Committing() as scene:
            committing_view(sheet, scene, lang, top, bottom)
        case Paid() as scene:
            paid_view(sheet, scene, status, lang, top, bottom)
        case Recovered() as scene:
            recovered_view(sheet, scene, lang, top, bottom)
    return sheet.done()
