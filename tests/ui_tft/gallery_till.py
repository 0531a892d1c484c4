"""Screens of returns, of the end of a shift, of training and of the menu, made by playing a till."""

from __future__ import annotations

from collections.abc import Callable

from tests.txn.desk import Desk, pack, promising

_RULES: tuple[dict[str, object], ...] = (
    {
        "rule": "points",
        "title": "消费积分",
        "title_en": "Points",
        "lane": "points",
        "then": [{"points_per_money": {"points": 1, "spend_minor": 100}}],
    },
    {
        "rule": "gift",
        "title": "满200送礼品袋",
        "title_en": "Gift bag at 200",
        "lane": "gift",
        "when": [{"spend": {"at_least_minor": 20_000}}],
        "then": [{"gift": {"sku": "GIFT", "quantity": 1}}],
    },
)


def _bought(desk: Desk, *amounts: str, stored: bool = True) -> None:
    """A member buys goods of these prices, from stored value of two top-ups as far as that goes."""
    desk.book.active = pack(1, promising(_RULES[0]))
    desk.book.lend("m-1", 8_000, 2_000, number=0xA1)
    desk.book.lend("m-1", 5_000, number=0xB7)
    desk.tap()
    for amount in amounts:
        desk.keys(amount, "enter")
    if stored:
        desk.keys("stored")
    if desk.state.outstanding is None:
        desk.keys("cash")
    desk.commit()
    desk.keys("enter")


def _named(desk: Desk) -> None:
    _bought(desk, "120", "88.50", "60")
    desk.keys("refund", "1", "enter")


def _many(desk: Desk) -> None:
    _bought(desk, *["12"] * 14)
    desk.keys("refund", "1", "enter", *["enter"] * 9, "1")


def _planned(desk: Desk) -> None:
    _named(desk)
    desk.keys("refund")


def _planned_cash(desk: Desk) -> None:
    _bought(desk, "268", stored=False)
    desk.keys("refund", "1", "enter", "enter")


def _refunding(desk: Desk) -> None:
    _planned(desk)
    desk.keys("enter")


def _refunded(desk: Desk) -> None:
    _refunding(desk)
    desk.commit()


def _refunded_cash(desk: Desk) -> None:
    _planned_cash(desk)
    desk.keys("enter")
    desk.commit()


def _all_back(desk: Desk) -> None:
    _refunded_cash(desk)
    desk.keys("enter", "refund", "1", "enter")


def _report(desk: Desk) -> None:
    _refunded(desk)
    desk.keys("enter", "report")


def _counted(desk: Desk) -> None:
    _report(desk)
    desk.keys("38.50")


def _closed(desk: Desk) -> None:
    _counted(desk)
    desk.keys("enter")
    desk.commit()


def _trained(desk: Desk) -> None:
    desk.keys("training")
    desk.tap()
    desk.keys("268", "enter")


def _trained_paid(desk: Desk) -> None:
    _trained(desk)
    desk.keys("cash")
    desk.commit()


def _pressed(*keys: str) -> Callable[[Desk], None]:
    def script(desk: Desk) -> None:
        desk.keys(*keys)

    return script


SCRIPTS: dict[str, Callable[[Desk], None]] = {
    "refund": _pressed("refund"),
    "refund-keyed": _pressed("refund", "1.23"),
    "refund-unknown": _pressed("refund", "99", "enter"),
    "refund-lines": _named,
    "refund-many": _many,
    "refund-plan": _planned,
    "refund-plan-cash": _planned_cash,
    "refunding": _refunding,
    "refunded": _refunded,
    "refunded-cash": _refunded_cash,
    "refund-all-back": _all_back,
    "report": _report,
    "report-counted": _counted,
    "shift-closed": _closed,
    "menu": _pressed("menu"),
    "training-begun": _pressed("training"),
    "training-ready": _pressed("training", "lang", "lang"),
    "training-basket": _trained,
    "training-paid": _trained_paid,
    "training-sign-in": _pressed("training", "signout"),
}
"""What is played for each screen."""
