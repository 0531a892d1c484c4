"""Goods come back at the till: the sale named, the goods chosen, and everything back to where it came from."""

from __future__ import annotations

import pytest

from agent.txn.returning import Refunding
from agent.txn.state import Paid, Refunded, Selling
from contract.trade import RefundBody, SaleBody
from contract.value import MOST_DRAWS, Account, Asset
from tests.txn.desk import Desk, pack, paper_text, prints, promising

POINTS = {"rule": "points", "lane": "points", "then": [{"points_per_money": {"points": 1, "spend_minor": 100}}]}


def desk() -> Desk:
    """A counter whose rules give points and nothing off."""
    found = Desk()
    found.book.active = pack(1, promising(POINTS))
    return found.sign_in()


def back(found: Desk) -> RefundBody:
    """What the newest return says."""
    body = found.book.journal[-1].body()
    assert isinstance(body, RefundBody)
    return body


def sold_from_two_lots(found: Desk) -> str:
    """A member buys three pieces of 40.00: 100.00 from two top-ups, 20.00 in cash; the code of the receipt."""
    found.book.lend("m-1", 5_000, 1_000, number=1)
    found.book.lend("m-1", 4_000, number=2)
    found.tap()
    found.keys("40", "enter", "40", "enter", "40", "enter", "stored", "cash")
    paper = paper_text(found.commit())
    found.keys("enter")
    return next(row for row in paper if row.startswith("TLR1:"))


def test_a_part_comes_back_lot_by_lot_and_may_be_spent_here_at_once() -> None:
    found = desk()
    code = sold_from_two_lots(found)
    found.keys("refund")
    found.scan(code)
    assert isinstance(found.state.scene, Refunding)
    # Of the three lines, each one piece: the first stays, the second and third come back.
    found.keys("0", "enter", "enter", "enter", "enter")
    paper = paper_text(found.commit())
    body = back(found)
    assert (body.units, body.refund_minor, body.to_stored_minor, body.tenders) == ((0, 1, 1), 8_000, 8_000, ())
    assert (body.points_back, [item.whole for item in body.returned]) == (80, [4_000, 4_000])
    assert {lease.lot for lease in body.born} == {bytes([1]) * 16, bytes([2]) * 16}
    assert len({lease.lease for lease in body.born}) == 2
    assert "退货 REFUND" in paper and "扣回积分 Points taken | -80" in paper
    scene = found.state.scene
    assert isinstance(scene, Paid) and isinstance(scene.sold, Refunded)
    found.tap()
    found.keys("80", "enter", "stored")
    assert found.state.outstanding is not None, "all of it is here again"


def test_a_second_return_of_the_same_goods_is_refused_and_the_rest_pays_the_cash() -> None:
    found = desk()
    sold_from_two_lots(found)
    # By the number as it can be keyed; the first line alone.
    found.keys("refund", "1", "enter", "enter", "0", "enter", "0", "enter", "enter")
    found.commit()
    found.keys("enter", "refund", "1.1", "enter")
    scene = found.state.scene
    assert isinstance(scene, Refunding) and scene.units == (0, 1, 1)
    found.keys("2", "enter")
    assert found.refused == "refund_too_many"
    found.keys("refund", "enter")
    found.commit()
    body = back(found)
    assert (body.refund_minor, body.to_stored_minor, sum(item.amount_minor for item in body.tenders)) == (
        8_000,
        6_000,
        2_000,
    )
    assert body.points_back == 80
    found.keys("enter", "refund", "1", "enter")
    assert found.refused == "refund_all_back"


@pytest.mark.parametrize(
    ("shown", "refused"),
    [
        ("TLR1:S01.T01-1-000001:AAAAAAAAAAAAAAAAAAAAAAAAAA", "refund_forged"),
        ("TLR1:S01.T02-1-000001:AAAAAAAAAAAAAAAAAAAAAAAAAA", "refund_elsewhere"),
        ("TLR1:S01.T01-1-000099:AAAAAAAAAAAAAAAAAAAAAAAAAA", "refund_unknown"),
        ("6901234567892", "refund_no_receipt"),
        ("TLR1:" + "9" * 900, "refund_no_receipt"),
        ("\x00\xff", "refund_no_receipt"),
    ],
)
def test_what_names_no_sale_of_this_till_is_refused_with_its_cause(shown: str, refused: str) -> None:
    found = desk()
    found.sell("10")
    found.keys("enter", "refund")
    found.scan(shown)
    assert found.refused == refused
    assert isinstance(found.state.scene, Refunding)


def test_what_is_no_sale_does_not_come_back_and_the_way_back_is_always_open() -> None:
    found = desk()
    found.tap()
    found.keys("100", "topup", "cash")
    found.commit()
    found.keys("enter", "refund", "1", "enter")
    assert found.refused == "refund_scan"
    found.keys("cancel", "signout")
    found.sign_in()
    found.keys("report", "100", "enter")
    found.commit()
    found.keys("enter", "refund", "2", "enter")
    assert found.refused == "refund_no_sale"
    found.keys("cancel")
    assert found.state.scene == Selling()
    found.sell("10")
    found.keys("enter", "refund", "3", "enter", "0", "enter")
    assert found.refused == "refund_nothing"
    found.keys("clear", "clear")
    assert found.state.scene == Selling()
    assert len(found.book.journal) == 3


def test_buying_and_returning_again_and_again_leaves_points_and_value_where_they_were() -> None:
    """Golden vector 12."""
    found = desk()
    found.book.lend("m-1", 10_000)
    points = 0
    for time in range(1, 21):
        found.tap()
        found.keys("99.99", "enter", "stored")
        found.commit()
        found.keys("enter", "refund", str(2 * time - 1), "enter", "refund", "enter")
        found.commit()
        found.keys("enter")
        sale, body = found.book.journal[-2].body(), back(found)
        points += getattr(sale, "points_earned", 0) - body.points_back
        held = sum(
            item.amount + item.bonus_minor
            for item in found.book.leases.values()
            if item.lease.account.asset is Asset.STORED
        )
        assert (points, held) == (0, 10_000)


def test_who_holds_ever_so_many_small_leases_pays_by_all_means_at_once_and_has_it_all_back() -> None:
    found = Desk()
    pay = {"rule": "pay", "lane": "points", "then": [{"pay_points": {"points": 1, "minor": 1}}]}
    bag = {"rule": "bag", "lane": "basket", "then": [{"gift": {"sku": "BAG", "stocked": True}}]}
    found.book.active = pack(1, promising(pay, bag))
    found.sign_in()
    for number in range(1, MOST_DRAWS + 9):
        found.book.lend("m-1", 10, 3, number=number)
        found.book.share(Account(Asset.POINTS, "m-1"), 10, number=100 + number)
    found.book.share(Account(Asset.GIFT, "BAG"), 1, number=99)
    found.tap()
    found.keys("10", "enter", "points", "stored", "cash")
    found.commit()
    sale = found.book.journal[-1].body()
    assert isinstance(sale, SaleBody) and len(sale.draws) == 2 * MOST_DRAWS + 1
    assert [tender.amount_minor for tender in sale.tenders] == [13 * MOST_DRAWS, 1_000 - 23 * MOST_DRAWS]
    found.keys("enter", "refund", "1", "enter", "refund", "enter")
    found.commit()
    body = back(found)
    assert (body.to_stored_minor, body.points_restored) == (13 * MOST_DRAWS, 10 * MOST_DRAWS)
    assert sum(lease.amount + lease.bonus_minor for lease in body.born) == 23 * MOST_DRAWS


def test_a_return_that_cannot_be_stored_is_on_the_glass_as_it_was() -> None:
    found = desk()
    found.sell("10")
    found.keys("enter", "refund", "1", "enter", "refund")
    before = found.state.scene
    found.keys("enter")
    found.fail_commit()
    assert (found.refused, found.state.scene) == ("store_failed", before)
    found.keys("enter")
    assert len(prints(found.commit())) == 1
