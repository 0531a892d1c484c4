"""What the customer reads on the pole: the amount that matters now, and nothing of anybody."""

import pytest

from agent.txn.state import Lang
from agent.ui_tft.customer_view import WELCOME, CustomerView, customer_view
from tests.ui_tft.gallery import SCENES, played

TOTAL = CustomerView(("合计", "￥221.20"), ("Total", "CNY 221.20"), "221.20", "total")
PAID = CustomerView(("已付", "￥221.20"), ("Paid", "CNY 221.20"), "221.20", "received")


def view(name: str) -> CustomerView:
    state, _status = played(name, Lang.ZH)
    return customer_view(state)


@pytest.mark.parametrize(
    ("scene", "shown"), [("ready", WELCOME), ("sign-in", WELCOME), ("basket", TOTAL), ("paid", PAID)]
)
def test_the_customer_reads_what_is_to_be_paid_and_then_that_it_was(scene: str, shown: CustomerView) -> None:
    assert view(scene) == shown


@pytest.mark.parametrize(("scene", "zh", "meaning"), [("top-up", "充值", "total"), ("refunded", "退款", "change")])
def test_money_paid_in_and_given_back_is_named(scene: str, zh: str, meaning: str) -> None:
    shown = view(scene)
    assert (shown.zh[0], shown.meaning) == (zh, meaning)
    assert shown.amount in shown.zh[1]


def test_the_same_is_read_in_whatever_language_the_cashier_works() -> None:
    for name in SCENES:
        assert customer_view(played(name, Lang.EN)[0]) == view(name)


def test_nothing_of_a_member_stands_there_and_the_figures_are_figures() -> None:
    for name in SCENES:
        shown = view(name)
        assert not any(mark in row for row in (*shown.zh, *shown.en) for mark in ("*", "张", "138"))
        assert all(letter in "-.0123456789" for letter in shown.amount)
        assert all(row.isascii() for row in shown.en)
