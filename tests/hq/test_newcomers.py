"""A member who is new at a till finds there what was granted before anybody knew where the member buys."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from contract.bodies import EntryKind
from contract.value import Account, Asset
from hq.db import writing
from hq.granting import HEARD_MS
from hq.grants import grant, pay_in
from hq.tables import habits
from tests.hq.borrowers import DAY_MS, Borrower, require_sound, take_step
from tests.hq.tills import A1, B1, NOW_MS, HeadOffice, Till
from tests.hq.trades import MEMBER, sale_body

_GIVEN = (
    Account(Asset.STORED, "m1"),
    Account(Asset.POINTS, "m1"),
    Account(Asset.USES, "m1", "WASH"),
    Account(Asset.USES, "m1", "zzz"),
)


def _give(hq: HeadOffice, account: Account) -> None:
    with writing(hq.engine) as connection:
        if account.asset is Asset.STORED:
            pay_in(connection, hq.desk, "m1", 10_000, 0, bytes(16), NOW_MS)
        else:
            grant(connection, hq.desk, account, 100, NOW_MS)
    take_step(hq)


def _visit(hq: HeadOffice, till: Till, wall_ms: int = NOW_MS) -> None:
    till.wall_ms = wall_ms
    body = sale_body(till.address.shop, (), hq.pack, hq.ref, till.address.terminal, wall_ms, MEMBER)
    hq.offer(till, till.append(EntryKind.SALE, body))


def _held(borrower: Borrower, account: Account, now_ms: int = NOW_MS) -> int:
    take_step(borrower.hq, now_ms)
    borrower.activate()
    return sum(item.amount for item in borrower.held.values() if item.account == account)


@pytest.mark.parametrize("account", _GIVEN, ids=lambda account: f"{account.asset}{account.name}")
def test_what_was_granted_before_the_first_visit_is_lent_where_the_member_comes(
    hq: HeadOffice, account: Account
) -> None:
    a = Borrower(hq, hq.enrolled(A1))
    a.greet()
    _give(hq, account)
    assert _held(a, account) == 0
    _visit(hq, a.till)
    assert _held(a, account) > 0
    require_sound(hq)


@pytest.mark.parametrize("account", _GIVEN, ids=lambda account: f"{account.asset}{account.name}")
def test_each_further_shop_where_a_member_comes_gets_its_part(hq: HeadOffice, account: Account) -> None:
    a, b = Borrower(hq, hq.enrolled(A1)), Borrower(hq, hq.enrolled(B1))
    a.greet()
    b.greet()
    _give(hq, account)
    _visit(hq, a.till)
    assert _held(a, account) > 0
    _visit(hq, b.till)
    assert _held(b, account) > 0
    require_sound(hq)


def test_a_member_whose_name_begins_like_anothers_gets_nothing_of_it(hq: HeadOffice) -> None:
    a = Borrower(hq, hq.enrolled(A1))
    a.greet()
    _give(hq, _GIVEN[2])
    till = a.till
    body = sale_body("shop-a", (), hq.pack, hq.ref, "a1", NOW_MS, replace(MEMBER, member="m"))
    hq.offer(till, till.append(EntryKind.SALE, body))
    assert _held(a, _GIVEN[2]) == 0


def test_the_last_visit_is_the_newest_in_whatever_order_visits_are_told(hq: HeadOffice) -> None:
    till = hq.enrolled(A1)
    for days in (1, 3, 2):
        _visit(hq, till, NOW_MS - DAY_MS * days)
    last_ms, times = hq.look(lambda connection: connection.execute(select(habits.c.last_ms, habits.c.times)).one())
    assert times == 3
    assert NOW_MS - 2 * DAY_MS < last_ms < NOW_MS
    _visit(hq, till, NOW_MS + 10_000 * DAY_MS)
    assert hq.look(lambda connection: connection.scalar(select(habits.c.last_ms))) == NOW_MS


@pytest.mark.parametrize("account", _GIVEN, ids=lambda account: f"{account.asset}{account.name}")
def test_a_till_that_was_silent_for_long_is_lent_its_part_again_once_it_is_heard(
    hq: HeadOffice, account: Account
) -> None:
    a = Borrower(hq, hq.enrolled(A1))
    a.greet()
    _visit(hq, a.till)
    silent_ms = NOW_MS + 10 * DAY_MS
    with writing(hq.engine) as connection:
        if account.asset is Asset.STORED:
            pay_in(connection, hq.desk, "m1", 10_000, 0, bytes(16), silent_ms)
        else:
            grant(connection, hq.desk, account, 100, silent_ms)
    assert _held(a, account, silent_ms) == 0
    a.greet(silent_ms)
    assert _held(a, account, silent_ms) == 0
    assert _held(a, account, silent_ms + HEARD_MS) > 0
    require_sound(hq)
