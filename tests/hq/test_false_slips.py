"""Whoever believes a slip is not charged for it: what a false slip moves is the giver's shop's to bear, and is told."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from contract.envelope import keyring
from contract.slips import GRAMMAR, Slip, open_slip, seal_slip
from contract.value import Account, Asset, Lease
from hq import chains
from hq.db import writing
from hq.tables import exceptions, slips
from tests.hq.borrowers import DAY_MS, Borrower, balance_of, causes, lend, require_sound, take_step
from tests.hq.tills import A1, B1, NOW_MS, HeadOffice

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

AHEAD = "office/slips_ahead"
GIVERS = "shop/shop-a/beyond_leases"


def tills(hq: HeadOffice, amount: int = 10_000) -> tuple[Borrower, Borrower]:
    """A giver that holds so much of a member's value, and an addressee."""
    a, b = Borrower(hq, hq.enrolled(A1)), Borrower(hq, hq.enrolled(B1))
    a.top_up(amount)
    a.sync()
    return a, b


def altered(a: Borrower, journalled: int, **paper: object) -> bytes:
    """A slip that says other than what its giver journals."""
    slip = a.slip_out(B1, journalled)
    assert slip is not None
    value = open_slip(slip, keyring(a.till.signer.public)).value
    names = {"amount": value.amount, "account": value.account, "lot": value.lot} | paper
    lot, account, amount = names["lot"], names["account"], names["amount"]
    assert isinstance(lot, bytes) and isinstance(account, Account) and isinstance(amount, int)
    changed = replace(value, lot=lot, account=account, amount=amount)
    return seal_slip(a.till.signer, Slip(GRAMMAR, A1, 1, B1, changed))


@pytest.mark.parametrize("ahead", [True, False])
def test_a_slip_that_says_more_than_its_giver_journals_is_the_giver_s_to_bear(hq: HeadOffice, ahead: bool) -> None:
    a, b = tills(hq)
    slip = altered(a, 100, amount=9_000)
    b.slip_in(slip, a.till)
    b.spend(9_000)
    for till in (b, a) if ahead else (a, b):
        till.sync()
        require_sound(hq)
    assert causes(hq) == {"slip_differs"}
    assert (balance_of(hq, GIVERS), balance_of(hq, AHEAD)) == (8_900, 0)
    assert balance_of(hq, "shop/shop-b/beyond_leases") == 0
    assert balance_of(hq, "member/m1/principal") == -9_900
    # What is told later again changes nothing, and the giver goes on with what it holds.
    a.spend(9_900)
    a.sync()
    require_sound(hq)
    assert balance_of(hq, "member/m1/principal") == 0


@pytest.mark.parametrize("ahead", [True, False])
def test_a_slip_that_says_less_than_its_giver_journals_leaves_the_rest_with_the_member(
    hq: HeadOffice, ahead: bool
) -> None:
    a, b = tills(hq)
    slip = altered(a, 9_000, amount=100)
    b.slip_in(slip, a.till)
    b.spend(100)
    for till in (b, a) if ahead else (a, b):
        till.sync()
        require_sound(hq)
    assert causes(hq) == {"slip_differs"}
    assert balance_of(hq, GIVERS) == balance_of(hq, AHEAD) == 0
    assert lend(hq, B1, 9_000) == 8_900


@pytest.mark.parametrize("ahead", [True, False])
@pytest.mark.parametrize("paper", [{"lot": b"L" * 16}, {"account": Account(Asset.STORED, "m2")}])
def test_a_slip_of_another_lot_or_member_than_its_giver_journals_is_the_giver_s_to_bear(
    hq: HeadOffice, ahead: bool, paper: dict[str, object]
) -> None:
    a, b = tills(hq)
    slip = altered(a, 5_000, **paper)
    b.slip_in(slip, a.till)
    for till in (b, a) if ahead else (a, b):
        till.sync()
        require_sound(hq)
    assert causes(hq) == {"slip_differs"}
    assert balance_of(hq, AHEAD) == 0
    of_m2 = -balance_of(hq, "member/m2/principal")
    borne = balance_of(hq, GIVERS)
    assert -balance_of(hq, "member/m1/principal") + of_m2 == 10_000 + borne
    assert balance_of(hq, "shop/shop-b/beyond_leases") == 0


def test_a_slip_whose_giver_does_not_tell_of_it_is_its_shop_s_to_bear_until_it_does(hq: HeadOffice) -> None:
    a, b = tills(hq)
    slip = a.slip_out(B1, 9_000)
    assert slip is not None
    b.slip_in(slip, a.till)
    b.spend(9_000)
    b.sync()
    take_step(hq, NOW_MS + DAY_MS)
    assert causes(hq) == set() and balance_of(hq, AHEAD) == 9_000
    for _ in range(2):
        take_step(hq, NOW_MS + DAY_MS + 1)
        assert causes(hq) == {"slip_untold"}
        assert (balance_of(hq, AHEAD), balance_of(hq, GIVERS)) == (0, 9_000)
        require_sound(hq)
    a.sync()
    assert (balance_of(hq, AHEAD), balance_of(hq, GIVERS)) == (0, 0)
    assert balance_of(hq, "member/m1/principal") == -1_000
    open_ones = select(exceptions).where(exceptions.c.reason == "slip_untold", exceptions.c.settled_ms.is_(None))
    assert hq.look(lambda connection: connection.execute(open_ones).all()) == []
    require_sound(hq)


def test_a_slip_by_a_revoked_till_that_told_nothing_of_it_is_its_shop_s_to_bear_at_once(hq: HeadOffice) -> None:
    a, b = tills(hq)
    slip = a.slip_out(B1, 9_000)
    assert slip is not None
    with writing(hq.engine) as connection:
        chains.revoke(connection, A1, NOW_MS)
    b.slip_in(slip, a.till)
    b.spend(9_000)
    b.sync()
    assert causes(hq) == {"slip_untold"}
    assert (balance_of(hq, AHEAD), balance_of(hq, GIVERS)) == (0, 9_000)
    require_sound(hq)


def test_a_slip_larger_than_any_moves_nothing(hq: HeadOffice) -> None:
    a, b = tills(hq)
    value = Lease(b"g" * 16, Account(Asset.STORED, "m1"), 2**53, 2**52, 0, b"L" * 16, "victim")
    b.slip_in(seal_slip(a.till.signer, Slip(GRAMMAR, A1, 1, B1, value)), a.till)
    b.sync()
    assert causes(hq) == {"slip_forged"}
    assert hq.look(lambda connection: connection.execute(select(slips)).all()) == []
    assert balance_of(hq, AHEAD) == 0


@pytest.mark.parametrize("again", [False, True], ids=["to be told of", "skipped"])
@pytest.mark.parametrize("ahead", [True, False])
def test_a_slip_of_an_epoch_that_only_its_addressee_has_heard_of_is_as_good_as_any(
    hq: HeadOffice, ahead: bool, again: bool
) -> None:
    a, b = tills(hq)
    a.begin_epoch()
    a.top_up(5_000)
    slip = a.slip_out(B1, 4_000)
    assert slip is not None
    b.slip_in(slip, a.till)
    b.spend(4_000)
    if again:
        a.begin_epoch()
    for till in (b, a) if ahead else (a, b):
        till.sync()
        require_sound(hq)
    assert causes(hq) <= {"epoch_began"}
    assert (balance_of(hq, AHEAD), balance_of(hq, "member/m1/principal")) == (0, -11_000)
