"""A member's stored value at the till: seen, spent, topped up, and never more of it than lies here."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.txn.events import Started
from agent.txn.state import Paid, Recovered, Selling, TillState, ToppedUp
from contract.bodies import EntryKind
from contract.postings import require_balanced
from contract.trade import SaleBody, TenderKind, TopUpBody
from contract.value import Account, Asset, born_lease_id
from tests.txn.desk import GOLD_PHONE, NOTHING_OFF, SILVER_UID, Desk, MemoryBook, commits, pack, paper_text, promising
from tests.txn.purse import Phone

LADDER = {
    "rule": "top-100",
    "title": "充100送20",
    "title_en": "Pay in 100, get 20",
    "lane": "points",
    "then": [{"top_up": {"steps": [{"amount_minor": 10_000, "bonus_minor": 2_000}]}}],
}


@pytest.fixture
def desk() -> Desk:
    """A till without discounts at which a gold member has 100.00 + 20.00 to spend."""
    book = MemoryBook(active=pack(1, NOTHING_OFF))
    book.lend("m-1", 10_000, 2_000)
    return Desk(book).sign_in()


def sale(desk: Desk) -> SaleBody:
    """The sale that was committed last."""
    body = desk.book.journal[-1].body()
    assert isinstance(body, SaleBody)
    return body


def left(desk: Desk, member: str = "m-1") -> int:
    """What is left of a member's stored value here."""
    return sum(held.amount + held.bonus_minor for held in desk.book.spendable(Account(Asset.STORED, member)))


def test_a_purchase_is_paid_from_stored_value_at_one_press(desk: Desk) -> None:
    desk.tap()
    desk.keys("60", "enter", "stored")
    words = paper_text(desk.commit())
    body = sale(desk)
    assert [(tender.kind, tender.amount_minor) for tender in body.tenders] == [(TenderKind.STORED_VALUE, 6_000)]
    assert [(draw.amount, draw.bonus_minor, draw.issuer) for draw in body.draws] == [(5_000, 1_000, "s02")]
    assert "储值 Stored value | 60.00" in words and not any(row.startswith("现金") for row in words)
    assert left(desk) == 6_000
    require_balanced(body.postings)
    assert {posting.account: posting.amount for posting in body.postings} == {
        "shop/s01/sales": -6_000,
        "member/m-1/principal": 5_000,
        "member/m-1/bonus": 1_000,
    }


def test_what_stored_value_does_not_cover_is_paid_in_cash(desk: Desk) -> None:
    desk.tap()
    desk.keys("150", "enter", "stored")
    assert isinstance(desk.state.scene, Selling) and desk.state.scene.basket is not None
    assert (desk.state.scene.basket.stored_minor, desk.state.scene.basket.cash_minor) == (12_000, 3_000)
    desk.keys("cash")
    words = paper_text(desk.commit())
    assert "储值 Stored value | 120.00" in words and "现金 Cash | 30.00" in words
    assert left(desk) == 0


def test_pressed_again_nothing_is_paid_from_stored_value(desk: Desk) -> None:
    desk.tap()
    desk.keys("150", "enter", "stored", "stored", "cash")
    desk.commit()
    assert sale(desk).draws == () and left(desk) == 12_000


def test_what_is_added_or_taken_back_is_reckoned_again(desk: Desk) -> None:
    desk.tap()
    desk.keys("150", "enter", "stored", "100", "enter")
    assert isinstance(desk.state.scene, Selling) and desk.state.scene.basket is not None
    assert desk.state.scene.basket.cash_minor == 13_000
    desk.keys("clear", "clear")
    desk.keys("20", "enter", "cash")
    desk.commit()
    assert (sale(desk).tenders[0].amount_minor, left(desk)) == (2_000, 10_000)


def test_two_members_who_buy_one_after_the_other_spend_their_own(desk: Desk) -> None:
    desk.book.lend("m-2", 5_000, 0, number=2)
    desk.tap()
    desk.keys("150", "enter", "stored")
    desk.tap(SILVER_UID)
    assert isinstance(desk.state.scene, Selling) and desk.state.scene.basket is not None
    assert not desk.state.scene.basket.pays_stored
    desk.keys("stored", "cash")
    desk.commit()
    assert (left(desk, "m-1"), left(desk, "m-2")) == (12_000, 0)


@pytest.mark.parametrize(
    ("before", "refusal"),
    [
        (lambda desk: desk.keys("60", "enter"), "member_needed"),
        (lambda desk: desk.keys(GOLD_PHONE, "enter", "60", "enter"), "value_not_by_phone"),
        (lambda desk: (desk.tap(SILVER_UID), desk.keys("60", "enter")), "value_none"),
        (lambda desk: desk.tap(), "basket_empty"),
        (lambda desk: (desk.tap(), desk.keys("60")), "key_not_now"),
    ],
)
def test_the_key_says_why_it_cannot_be(desk: Desk, before: object, refusal: str) -> None:
    assert callable(before)
    before(desk)
    desk.keys("stored")
    assert desk.refused == refusal
    assert left(desk) == 12_000


def test_a_lease_that_ends_between_price_and_payment_is_said_before_anything_is_booked(desk: Desk) -> None:
    desk.tap()
    desk.keys("150", "enter", "stored")
    desk.book.leases.clear()
    assert commits(desk.keys("cash")) == [] and desk.refused == "value_short"
    assert isinstance(desk.state.scene, Selling) and desk.state.scene.basket is not None
    assert desk.state.scene.basket.cash_minor == 15_000
    desk.keys("cash")
    desk.commit()
    assert sale(desk).draws == ()


def test_a_sale_that_another_lease_covers_is_booked_as_it_was_shown(desk: Desk) -> None:
    desk.tap()
    desk.keys("150", "enter", "stored")
    desk.book.leases.clear()
    desk.book.lend("m-1", 12_000, 0, number=7)
    desk.keys("cash")
    assert desk.refused == ""
    desk.commit()
    assert [(draw.whole, draw.lease) for draw in sale(desk).draws] == [(12_000, bytes([7]) * 16)]


def test_a_member_never_seen_spends_no_more_than_the_credential_says(desk: Desk) -> None:
    desk.book.lend("m-9", 10_000, 0, number=3)
    phone = Phone(desk.book.hq, limit_minor=3_000)
    desk.scan(phone.shows(desk.book.now().wall_ms))
    desk.keys("50", "enter", "stored", "cash")
    desk.commit()
    assert [tender.amount_minor for tender in sale(desk).tenders] == [3_000, 2_000]
    assert left(desk, "m-9") == 7_000


def test_rules_that_ask_how_it_is_paid_see_stored_value(desk: Desk) -> None:
    five_off = {
        "rule": "stored-5",
        "title": "储值支付减5",
        "title_en": "5 off by stored value",
        "lane": "basket",
        "when": [{"tender": ["stored_value"]}],
        "then": [{"amount": {"off_minor": 500, "scope": "basket"}}],
    }
    desk.book.active = pack(2, promising(five_off))
    desk.tap()
    desk.keys("60", "enter", "stored")
    desk.commit()
    body = sale(desk)
    assert (body.payable_minor, body.tenders[0].amount_minor, len(body.tenders)) == (5_500, 5_500, 1)
    assert left(desk) == 6_500


def test_a_top_up_shows_what_comes_with_it_and_can_be_spent_here_at_once(desk: Desk) -> None:
    desk.book.active = pack(2, promising(LADDER))
    desk.book.leases.clear()
    desk.tap()
    desk.keys("100", "topup")
    assert isinstance(desk.state.scene, Selling) and desk.state.scene.basket is not None
    plan = desk.state.scene.basket.top_up
    assert plan is not None and (plan.amount_minor, plan.bonus_minor) == (10_000, 2_000)
    desk.keys("cash")
    words = paper_text(desk.commit())
    body = desk.book.journal[-1].body()
    assert isinstance(body, TopUpBody) and desk.book.journal[-1].header.kind is EntryKind.TOP_UP
    (born,) = body.born
    transaction = desk.book.journal[-1].header.transaction
    assert (born.lease, born.lot) == (born_lease_id(transaction, born.account), transaction)
    assert (born.amount, born.bonus_minor, born.issuer) == (10_000, 2_000, "s01")
    assert "充值 Top-up | CNY 100.00" in words and "储值增加 Stored value | +120.00" in words
    assert (body.totals.top_ups, body.totals.topped_up_minor, body.totals.sales) == (1, 10_000, 0)
    assert isinstance(desk.state.scene, Paid) and isinstance(desk.state.scene.sold, ToppedUp)
    desk.tap()
    desk.keys("60", "enter", "stored")
    desk.commit()
    assert left(desk) == 6_000
    assert sale(desk).totals.top_ups == 1


@pytest.mark.parametrize(("keys", "refusal"), [(("100", "topup"), "member_needed"), (("topup",), "member_needed")])
def test_nobody_is_topped_up_without_being_known(desk: Desk, keys: tuple[str, ...], refusal: str) -> None:
    desk.keys(*keys)
    assert desk.refused == refusal


def test_a_top_up_is_left_again_without_a_trace(desk: Desk) -> None:
    desk.tap()
    desk.keys("topup")
    assert desk.refused == "key_not_now"
    desk.keys("0", "topup")
    assert desk.refused == "amount_zero"
    desk.keys("100", "topup", "clear")
    assert isinstance(desk.state.scene, Selling) and desk.state.scene.basket is not None
    assert desk.state.scene.basket.top_up is None
    desk.keys("100", "topup", "cancel")
    assert desk.state.scene == Selling() and desk.book.journal == []


def test_a_top_up_whose_paper_was_lost_is_offered_after_a_restart(desk: Desk) -> None:
    desk.tap()
    desk.keys("100", "topup", "cash")
    desk.commit()
    desk.state = TillState()
    desk.tell(Started())
    assert isinstance(desk.state.scene, Recovered)
    words = paper_text(desk.keys("reprint"))
    assert words[0] == "补打 REPRINT" and "储值充值单 Top-up receipt" in words


def test_a_top_up_the_disk_refuses_is_shown_again(desk: Desk) -> None:
    desk.tap()
    desk.keys("100", "topup", "cash")
    desk.fail_commit()
    assert desk.refused == "store_failed"
    desk.keys("cash")
    desk.commit()
    assert left(desk) == 22_000


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["spend", "top"]), st.integers(1, 20_000)), max_size=8))
def test_value_here_is_what_came_less_what_went_whatever_is_done(steps: list[tuple[str, int]]) -> None:
    desk = Desk(MemoryBook(active=pack(1, NOTHING_OFF))).sign_in()
    balance = 0
    for kind, minor in steps:
        desk.tap()
        amount = f"{minor // 100}.{minor % 100:02d}"
        if kind == "top":
            desk.keys(amount, "topup", "cash")
            balance += minor
        else:
            desk.keys(amount, "enter", "stored")
            if desk.state.outstanding is None:
                desk.keys("cash")
            balance -= min(balance, minor)
        desk.commit()
        body = desk.book.journal[-1].body()
        assert isinstance(body, SaleBody | TopUpBody)
        require_balanced(body.postings)
        assert left(desk) == balance
