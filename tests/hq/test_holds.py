"""A web shop reserves, captures and releases members' value; what it reserved no till can spend."""

from __future__ import annotations

from threading import Thread

import pytest
from sqlalchemy import func, select

from contract.bodies import EntryKind
from contract.value import Account, Asset
from hq.db import writing
from hq.grants import grant, pay_in
from hq.holds import Asked, Hold, HoldRefusal, HoldState, capture, release, reserve
from hq.restoring import begin_restoration
from hq.tables import entries
from tests.hq.borrowers import Borrower, balance_of, causes, lend, require_sound, take_step
from tests.hq.tills import A1, B1, NOW_MS, HeadOffice

POINTS = Account(Asset.POINTS, "m1")


def paid_in(hq: HeadOffice, amount: int, bonus: int = 0) -> None:
    with writing(hq.engine) as connection:
        pay_in(connection, hq.desk, "m1", amount, bonus, b"paid in online!!", NOW_MS)


def asked(amount: int, key: str = "order-1", asset: Asset = Asset.STORED, client: str = "shop") -> Asked:
    return Asked(client, key, "m1", asset, amount, 900)


def reserved(hq: HeadOffice, what: Asked, now_ms: int = NOW_MS) -> Hold | HoldRefusal:
    with writing(hq.engine) as connection:
        found = reserve(connection, what, now_ms)
    require_sound(hq)
    return found


def captured(hq: HeadOffice, hold: Hold, amount: int, now_ms: int = NOW_MS) -> Hold | HoldRefusal:
    with writing(hq.engine) as connection:
        found = capture(connection, hq.desk, "shop", hold.hold, amount, now_ms)
    require_sound(hq)
    return found


def released(hq: HeadOffice, hold: Hold) -> Hold | HoldRefusal:
    with writing(hq.engine) as connection:
        found = release(connection, "shop", hold.hold, NOW_MS)
    require_sound(hq)
    return found


def test_a_reservation_asked_for_five_times_charges_once(hq: HeadOffice) -> None:
    paid_in(hq, 10_000, 2_000)
    holds = {reserved(hq, asked(6_000)) for _ in range(5)}
    (hold,) = holds
    assert isinstance(hold, Hold)
    spent = {captured(hq, hold, 6_000) for _ in range(5)}
    (done,) = spent
    assert isinstance(done, Hold) and (done.state, done.taken) == (HoldState.CAPTURED, 6_000)
    assert (balance_of(hq, "member/m1/principal"), balance_of(hq, "member/m1/bonus")) == (-5_000, -1_000)
    assert balance_of(hq, "shop/office/sales") == -6_000
    booked = select(func.count()).where(entries.c.kind == "office")
    assert hq.look(lambda connection: connection.scalar(booked)) == 2


def test_what_is_reserved_is_not_lent_and_what_is_lent_is_not_reserved(hq: HeadOffice) -> None:
    b = Borrower(hq, hq.enrolled(B1))
    paid_in(hq, 10_000)
    hold = reserved(hq, asked(4_000))
    assert isinstance(hold, Hold)
    assert lend(hq, B1, 10_000) == 6_000
    assert reserved(hq, asked(1, "order-2")) is HoldRefusal.NOT_ENOUGH
    assert isinstance(released(hq, hold), Hold)
    assert isinstance(reserved(hq, asked(4_000, "order-3")), Hold)
    b.activate()
    b.spend(6_000)
    b.sync()
    require_sound(hq)


def test_a_key_used_for_something_else_is_refused(hq: HeadOffice) -> None:
    paid_in(hq, 10_000)
    assert isinstance(reserved(hq, asked(4_000)), Hold)
    assert reserved(hq, asked(4_001)) is HoldRefusal.KEY_REUSED
    # Another client's key is another key.
    assert isinstance(reserved(hq, asked(4_001, client="other")), Hold)


def test_part_of_a_reservation_is_captured_and_the_rest_is_free_again(hq: HeadOffice) -> None:
    paid_in(hq, 10_000, 2_000)
    hold = reserved(hq, asked(12_000))
    assert isinstance(hold, Hold)
    assert captured(hq, hold, 12_001) is HoldRefusal.ABOVE_HOLD
    assert isinstance(captured(hq, hold, 3_000), Hold)
    assert captured(hq, hold, 4_000) is HoldRefusal.HOLD_CAPTURED
    assert released(hq, hold) is HoldRefusal.HOLD_CAPTURED
    assert isinstance(reserved(hq, asked(9_000, "order-2")), Hold)


def test_a_reservation_ends_by_itself(hq: HeadOffice) -> None:
    paid_in(hq, 10_000)
    hold = reserved(hq, asked(10_000))
    assert isinstance(hold, Hold)
    later_ms = NOW_MS + 901_000
    assert captured(hq, hold, 1, later_ms) is HoldRefusal.HOLD_OVER
    take_step(hq, later_ms)
    assert isinstance(reserved(hq, asked(10_000, "order-2"), later_ms), Hold)
    assert released(hq, hold) == Hold(hold.hold, "m1", Asset.STORED, 10_000, 0, HoldState.EXPIRED, hold.until_ms)


def test_points_are_spent_on_the_web_and_at_tills_from_one_balance(hq: HeadOffice) -> None:
    b = Borrower(hq, hq.enrolled(B1))
    with writing(hq.engine) as connection:
        grant(connection, hq.desk, POINTS, 500, NOW_MS)
    hold = reserved(hq, asked(200, asset=Asset.POINTS))
    assert isinstance(hold, Hold)
    assert lend(hq, B1, 500, POINTS) == 300
    b.activate()
    assert [lease.amount for lease in b.held.values()] == [300]
    assert reserved(hq, asked(1, "order-2", Asset.POINTS)) is HoldRefusal.NOT_ENOUGH
    assert isinstance(captured(hq, hold, 150), Hold)
    assert balance_of(hq, "member/m1/points", "points") == -350
    assert isinstance(reserved(hq, asked(50, "order-3", Asset.POINTS)), Hold)
    assert reserved(hq, asked(1, "order-4", Asset.POINTS)) is HoldRefusal.NOT_ENOUGH


def test_nobody_reserves_while_restored_books_do_not_know_what_is_lent(hq: HeadOffice) -> None:
    hq.enrolled(A1)
    paid_in(hq, 10_000)
    with writing(hq.engine) as connection:
        begin_restoration(connection, "a backup was put in place", NOW_MS)
    assert reserved(hq, asked(1)) is HoldRefusal.BOOKS_RESTORED


def test_of_an_unknown_member_or_reservation_nothing_is_spent(hq: HeadOffice) -> None:
    unknown = Asked("shop", "k", "m9", Asset.STORED, 1, 900)
    assert reserved(hq, unknown) is HoldRefusal.MEMBER_UNKNOWN
    paid_in(hq, 10_000)
    hold = reserved(hq, asked(100, client="other"))
    assert isinstance(hold, Hold)
    # A client does not see what another reserved.
    assert captured(hq, hold, 100) is HoldRefusal.HOLD_UNKNOWN


def test_a_till_that_journals_under_an_id_of_head_office_hinders_no_capture_and_no_paying_in(hq: HeadOffice) -> None:
    paid_in(hq, 10_000)
    hold = reserved(hq, asked(5_000))
    assert isinstance(hold, Hold)
    a = Borrower(hq, hq.enrolled(A1))
    for taken in (hold.hold, b"paid in again!!!"):
        a.till.append(EntryKind.SALE, hq.sale(a.till, 100), taken)
    a.sync()
    for _ in range(2):
        done = captured(hq, hold, 5_000)
        assert isinstance(done, Hold) and done.taken == 5_000
        with writing(hq.engine) as connection:
            pay_in(connection, hq.desk, "m1", 1_000, 0, b"paid in again!!!", NOW_MS)
    assert balance_of(hq, "member/m1/principal") == -6_000
    assert causes(hq) == {"transaction_doubled"}
    require_sound(hq)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_reservation_that_is_captured_at_the_last_moment_does_not_run_out(hq: HeadOffice) -> None:
    paid_in(hq, 10_000)
    hold = reserved(hq, asked(5_000))
    assert isinstance(hold, Hold)
    with writing(hq.engine) as connection:
        done = capture(connection, hq.desk, "shop", hold.hold, 5_000, hold.until_ms)
        # Another worker's step begins before this is for good.
        step = Thread(target=take_step, args=(hq, hold.until_ms + 1))
        step.start()
    step.join(30)
    assert captured(hq, hold, 5_000, hold.until_ms + 5) == done
