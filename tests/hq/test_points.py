"""Points at head office: in lots, first in first out, given back to where they came from, expiring on their day."""

from __future__ import annotations

from dataclasses import replace
from threading import Thread

import pytest
from sqlalchemy import Connection, select

from contract.bodies import EntryKind
from contract.postings import POINTS as UNIT
from contract.trace import Given
from contract.trade import MemberRef, Original, PerpetualTotals, RedemptionBody, RefundBody
from contract.value import Account, Asset, Draw
from hq.books import sale_lines
from hq.bulk import write_together
from hq.db import writing
from hq.grants import buy_pool, expire_due, grant, set_term
from hq.lending import POINTS_DAYS
from hq.points import PointsMove, lots_of, move_points
from hq.tables import sales
from rules.beside.lots import balance
from rules.postings import counted_postings, redemption_postings, refund_postings
from rules.refund import Refund
from tests.hq.borrowers import Borrower, balance_of, causes, lend, require_sound
from tests.hq.tills import A1, B1, GOLD_AT_TILL, NOW_MS, HeadOffice

POINTS = Account(Asset.POINTS, "m1")
DAY_MS = 86_400_000
TODAY = NOW_MS // DAY_MS


def points_of(hq: HeadOffice) -> int:
    """What the ledger says m1 has, which the lots say too."""
    account = hq.look(lambda connection: lots_of(connection, "m1"))
    here = -balance_of(hq, "member/m1/points", UNIT)
    assert here == balance(account, TODAY)
    return here


def redeem(borrower: Borrower, points: int) -> None:
    """Hand something out against points that the till was lent."""
    (lease,) = (item for item in borrower.held.values() if item.account == POINTS)
    borrower.held[lease.lease] = replace(lease, amount=lease.amount - points)
    draws = (Draw(lease.lease, POINTS, points),)
    body = RedemptionBody(
        "01",
        borrower.hq.ref,
        "CNY",
        GOLD_AT_TILL,
        (Given("cup", 1),),
        draws,
        redemption_postings(draws, "CNY", borrower.address.shop),
    )
    borrower.till.append(EntryKind.REDEMPTION, body)


def refund_of(hq: HeadOffice, borrower: Borrower, sale: Original, points: int) -> RefundBody:
    found = Refund((1,), 0, 0, points, 0, 0, 0, (), (), (), ())
    return RefundBody(
        cashier="01",
        pack=hq.ref,
        currency="CNY",
        original=sale,
        units=(1,),
        refund_minor=0,
        to_stored_minor=0,
        points_back=points,
        points_restored=0,
        tenders=(),
        postings=refund_postings(found, "CNY", borrower.address.shop, borrower.address.terminal, "m1"),
        totals=PerpetualTotals(1, 1),
        member=GOLD_AT_TILL,
    )


def test_106_earned_and_50_redeemed_elsewhere_leave_56(hq: HeadOffice) -> None:
    a, b = Borrower(hq, hq.enrolled(A1)), Borrower(hq, hq.enrolled(B1))
    # 106.00 at gold's 10 % off earns 95, so the rest is granted: it is the balance over documents that counts.
    sale = a.till.sell(hq.sale(a.till, 10_600))
    a.sync()
    earned = points_of(hq)
    with writing(hq.engine) as connection:
        grant(connection, hq.desk, POINTS, 106 - earned, NOW_MS)
    assert points_of(hq) == 106
    assert lend(hq, B1, 50, POINTS) == 50
    b.activate()
    redeem(b, 50)
    b.sync()
    assert points_of(hq) == 56
    assert sale.header.seq == 1
    require_sound(hq)


def test_buying_and_returning_100_times_leaves_no_point(hq: HeadOffice) -> None:
    a = Borrower(hq, hq.enrolled(A1))
    for _ in range(100):
        body = hq.sale(a.till, 26_800)
        sale = a.till.sell(body)
        original = Original("shop-a", "a1", 1, sale.header.seq, sale.header.transaction, sale.digest)
        a.till.append(EntryKind.REFUND, refund_of(hq, a, original, body.points_earned))
    for start in range(0, 200, 50):
        assert hq.offer(a.till, *a.till.entries[start : start + 50]).refused == ()
    assert points_of(hq) == 0


def test_one_sale_sent_five_times_is_one_sale_and_earns_once(hq: HeadOffice) -> None:
    a = Borrower(hq, hq.enrolled(A1))
    body = hq.sale(a.till)
    sale = a.till.sell(body)
    for _ in range(5):
        assert hq.offer(a.till, sale).upto_seq == 1
    assert points_of(hq) == body.points_earned
    assert len(hq.look(sale_lines)) == 1


def test_finishing_one_members_sale_leaves_anothers_wallet_untouched(hq: HeadOffice) -> None:
    a, b = Borrower(hq, hq.enrolled(A1)), Borrower(hq, hq.enrolled(B1))
    a.top_up(5_000)
    other = MemberRef("m2", GOLD_AT_TILL.medium, GOLD_AT_TILL.assurance)
    b.till.sell(hq.sale(b.till, 10_000, other))
    a.sync()
    b.sync()
    assert (balance_of(hq, "member/m1/principal"), balance_of(hq, "member/m2/principal")) == (-5_000, 0)
    assert balance_of(hq, "member/m1/points", UNIT) == 0
    assert hq.look(lambda connection: connection.scalars(select(sales.c.member)).all()) == ["m2"]


def test_points_expire_on_their_day_and_those_that_are_lent_when_they_came_back(hq: HeadOffice) -> None:
    b = Borrower(hq, hq.enrolled(B1))
    with writing(hq.engine) as connection:
        set_term(connection, POINTS_DAYS, 30)
        grant(connection, hq.desk, POINTS, 100, NOW_MS)
        # Nothing is lent beyond its last day.
    assert lend(hq, B1, 60, POINTS, NOW_MS + 25 * DAY_MS) == 0
    assert lend(hq, B1, 60, POINTS) == 60
    b.activate()
    last_ms = NOW_MS + 30 * DAY_MS
    with writing(hq.engine) as connection:
        assert expire_due(connection, hq.desk, last_ms) == (0, "")
        assert expire_due(connection, hq.desk, last_ms + DAY_MS) == (1, "")
    assert balance_of(hq, "member/m1/points", UNIT) == -60
    redeem(b, 10)
    b.give_back()
    b.sync()
    with writing(hq.engine) as connection:
        expire_due(connection, hq.desk, last_ms + 2 * DAY_MS)
    assert balance_of(hq, "member/m1/points", UNIT) == 0
    require_sound(hq)


def test_points_returned_after_they_were_spent_are_owed_and_the_next_earning_pays(hq: HeadOffice) -> None:
    a, b = Borrower(hq, hq.enrolled(A1)), Borrower(hq, hq.enrolled(B1))
    body = hq.sale(a.till)
    sale = a.till.sell(body)
    a.sync()
    lend(hq, B1, body.points_earned, POINTS)
    b.activate()
    redeem(b, body.points_earned)
    b.sync()
    original = Original("shop-a", "a1", 1, 1, sale.header.transaction, sale.digest)
    a.till.append(EntryKind.REFUND, refund_of(hq, a, original, body.points_earned))
    a.sync()
    assert points_of(hq) == -body.points_earned
    a.till.sell(hq.sale(a.till))
    a.sync()
    assert points_of(hq) == 0


def test_points_spent_without_a_lease_are_charged_to_the_shop(hq: HeadOffice) -> None:
    a = Borrower(hq, hq.enrolled(A1))
    with writing(hq.engine) as connection:
        grant(connection, hq.desk, POINTS, 100, NOW_MS)
    draws = (Draw(bytes(16), POINTS, 80),)
    postings = redemption_postings(draws, "CNY", "shop-a")
    body = RedemptionBody("01", hq.ref, "CNY", GOLD_AT_TILL, (Given("cup", 1),), draws, postings)
    a.till.append(EntryKind.REDEMPTION, body)
    a.sync()
    assert "lease_unknown" in causes(hq)
    assert points_of(hq) == 100
    assert balance_of(hq, "shop/shop-a/beyond_leases", UNIT) == 80


def test_a_merchant_issues_what_it_paid_for_and_what_it_redeems_fills_its_pool(hq: HeadOffice) -> None:
    a = Borrower(hq, hq.enrolled(A1))
    with writing(hq.engine) as connection:
        assert buy_pool(connection, hq.desk, "shop-a", 10_000, 500, 9_000, NOW_MS) == 10_500
        grant(connection, hq.desk, POINTS, 300, NOW_MS)
    pool = Account(Asset.POOL, "shop-a")
    assert lend(hq, A1, 1_000, pool) == 1_000
    a.activate()
    (lease,) = a.held.values()
    body = hq.sale(a.till)
    draws = (Draw(lease.lease, pool, body.points_earned),)
    funded = replace(body, draws=draws, postings=(*body.postings, *counted_postings(draws, "CNY", "shop-a")))
    a.till.sell(funded)
    a.sync()
    assert balance_of(hq, "shop/shop-a/points_pool", UNIT) == -10_500 + body.points_earned
    assert "pool_short" not in causes(hq)
    lend(hq, A1, 100, POINTS)
    a.activate()
    redeem(a, 100)
    a.sync()
    assert balance_of(hq, "shop/shop-a/points_pool", UNIT) == -10_500 + body.points_earned - 100
    # What is issued beyond the pool's share is told.
    a.till.sell(hq.sale(a.till))
    a.sync()
    assert "pool_short" in causes(hq)
    assert balance_of(hq, "shop/shop-a/beyond_leases", UNIT) == body.points_earned
    require_sound(hq)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_what_a_member_owes_is_paid_once_whoever_earns_at_the_same_moment(hq: HeadOffice) -> None:
    day = NOW_MS // DAY_MS

    def move(connection: Connection, moved: PointsMove) -> None:
        _, fresh = move_points(connection, [moved], 0)
        write_together(connection, [fresh])

    def earn(source: bytes) -> None:
        with writing(hq.engine) as connection:
            move(connection, PointsMove("m1", source, day, earned=70))

    with writing(hq.engine) as connection:
        move(connection, PointsMove("m1", b"S" * 16, day, spent=100))
    with writing(hq.engine) as connection:
        move(connection, PointsMove("m1", b"A" * 16, day, earned=70))
        other = Thread(target=earn, args=(b"B" * 16,))
        other.start()
        # It is under way before the first is for good.
        other.join(0.5)
    other.join(30)
    with writing(hq.engine) as connection:
        account = lots_of(connection, "m1")
    assert sum(lot.points for lot in account.lots) == 40
    assert account.debts == ()
