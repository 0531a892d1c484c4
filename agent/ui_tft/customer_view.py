"""What the customer reads on the display on the pole: two short rows in each language, and the one amount that matters
now. Nothing of a member stands there: anybody in the queue can read it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from agent.txn.state import Committing, Done, OpenBasket, Paid, Refunded, Selling, ShiftClosed, TillState, ToppedUp
from agent.ui_tft.amounts import money
from contract.money import format_minor

Meaning = Literal["none", "price", "total", "received", "change"]


@dataclass(frozen=True, slots=True)
class CustomerView:
    """Rows in Chinese and in English, the amount as figures and a point (empty for none), and what the amount is."""

    zh: tuple[str, str]
    en: tuple[str, str]
    amount: str = ""
    meaning: Meaning = "none"


WELCOME = CustomerView(("欢迎光临", ""), ("Welcome", ""))


def customer_view(state: TillState) -> CustomerView:
    """What the customer is shown in this state. Equal states give equal views."""
    match state.scene:
        case Selling(basket=OpenBasket() as basket) if basket.lines or basket.top_up is not None:
            return _basket(basket)
        case Committing(basket=OpenBasket() as basket) if basket.lines or basket.top_up is not None:
            return _basket(basket)
        case Paid(sold=sold):
            return _done(sold)
    return WELCOME


def _basket(basket: OpenBasket) -> CustomerView:
    currency = basket.active.pack.currency
    if basket.top_up is not None:
        return _amount("充值", "Top-up", basket.top_up.amount_minor, currency, "total")
    return _amount("合计", "Total", basket.priced.payable_minor, currency, "total")


def _done(sold: Done) -> CustomerView:
    currency = sold.currency
    match sold:
        case Refunded():
            return _amount("退款", "Refund", sold.amount_minor, currency, "change")
        case ToppedUp():
            return _amount("已充值", "Topped up", sold.amount_minor, currency, "received")
        case ShiftClosed():
            return WELCOME
    return _amount("已付", "Paid", sold.amount_minor, currency, "received")


def _amount(zh: str, en: str, minor: int, currency: str, meaning: Meaning) -> CustomerView:
    words = money(minor, currency)
    # The yen sign is in neither character set of such displays; GB 18030 has the wide one in two bytes.
    return CustomerView((zh, words.replace("¥", "￥")), (en, words.replace("¥", "CNY ")), format_minor(minor), meaning)
