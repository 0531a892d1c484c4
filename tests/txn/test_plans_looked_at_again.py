"""What stands on the glass is what is booked: a plan is reckoned again at the key that books it."""

from __future__ import annotations

from collections.abc import Mapping

from contract.trade import RedemptionBody, RefundBody, TopUpBody
from contract.value import Account, Asset
from hq.audit_value import audit_top_up
from tests.txn.desk import Desk, MemoryBook, commits, pack, paper_text, promising
from tests.txn.test_shares import EARN, TOP

BUDGET = Account(Asset.BUDGET, "top")
CUP = {"rule": "cup", "lane": "points", "priority": 9, "then": [{"redeem": {"sku": "CUP", "points": 500}}]}
WASH = {"rule": "wash", "lane": "points", "then": [{"redeem": {"sku": "WASH", "points": 1, "service": True}}]}


def till(*rules: Mapping[str, object], **more: object) -> Desk:
    """A till with these rules alone."""
    return Desk(MemoryBook(active=pack(1, promising(*rules, **more)))).sign_in()


def last(desk: Desk) -> object:
    """What the newest entry says."""
    return desk.book.journal[-1].body()


def test_a_top_up_whose_campaign_ended_meanwhile_is_shown_without_it_before_it_is_booked() -> None:
    desk = till(TOP)
    desk.book.share(BUDGET, 2_000)
    desk.tap()
    desk.keys("100", "topup")
    desk.book.leases.clear()
    assert commits(desk.keys("cash")) == [] and desk.refused == "plan_changed"
    desk.keys("cash")
    desk.commit()
    body = last(desk)
    assert isinstance(body, TopUpBody) and desk.book.active is not None
    assert (body.amount_minor, body.bonus_minor, body.draws) == (10_000, 0, ())
    assert audit_top_up(body, desk.book.address, desk.book.active.compiled) == ()


def test_a_top_up_that_another_lease_covers_is_booked_as_it_was_shown() -> None:
    desk = till(TOP)
    desk.book.share(BUDGET, 2_000, 1)
    desk.tap()
    desk.keys("100", "topup")
    desk.book.leases.clear()
    desk.book.share(BUDGET, 5_000, 2)
    desk.keys("cash")
    desk.commit()
    body = last(desk)
    assert isinstance(body, TopUpBody)
    assert (body.bonus_minor, [draw.lease for draw in body.draws]) == (2_000, [bytes([2]) * 16])


def topped_up(desk: Desk) -> str:
    """A gold member pays in 100.00; the code of the paper."""
    desk.tap()
    desk.keys("100", "topup", "cash")
    paper = paper_text(desk.commit())
    desk.keys("enter")
    return next(row for row in paper if row.startswith("TLR1:"))


def test_a_top_up_of_which_less_is_left_meanwhile_is_paid_out_only_after_it_was_seen() -> None:
    desk = till()
    code = topped_up(desk)
    desk.keys("refund")
    desk.scan(code)
    (number, held) = next(iter(desk.book.leases.items()))
    desk.book.leases[number] = type(held)(held.lease, 4_000, 0)
    assert commits(desk.keys("enter")) == [] and desk.refused == "plan_changed"
    desk.keys("enter")
    desk.commit()
    body = last(desk)
    assert isinstance(body, RefundBody) and body.refund_minor == 4_000


def test_a_top_up_of_which_nothing_is_left_meanwhile_is_not_paid_out() -> None:
    desk = till()
    code = topped_up(desk)
    desk.keys("refund")
    desk.scan(code)
    desk.book.leases.clear()
    assert commits(desk.keys("enter")) == [] and desk.refused == "refund_spent"
    assert commits(desk.keys("enter")) == [], "the plan is gone"


def test_goods_whose_points_went_elsewhere_meanwhile_come_back_as_shown_and_head_office_takes_the_points() -> None:
    desk = till(EARN, points={"at_once": True})
    desk.tap()
    desk.sell("100")
    desk.keys("enter", "refund", "1", "enter", "refund")
    desk.book.leases.clear()
    (order,) = commits(desk.keys("enter"))
    desk.commit()
    body = last(desk)
    assert isinstance(body, RefundBody) and (body.points_back, body.draws) == (100, ())
    assert order.transaction == desk.book.journal[-1].header.transaction


def test_what_is_chosen_from_the_list_is_taken_only_where_the_rules_still_have_it() -> None:
    desk = till({**CUP, "limits": {"per_member": 1}}, WASH)
    desk.book.share(Account(Asset.POINTS, "m-1"), 1_200, 1)
    desk.book.share(Account(Asset.GIFT, "CUP"), 9, 2)
    desk.tap()
    desk.keys("redeem")
    desk.book.acted["m-1", "cup"] += 1
    assert commits(desk.keys("1")) == [] and desk.refused == "plan_changed"
    desk.keys("1")
    desk.commit()
    body = last(desk)
    assert isinstance(body, RedemptionBody) and body.rule == "wash"
