"""Points are spent oldest-expiring first, go back to where they came from, and what cannot is owed in plain sight."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract import wire
from contract.basket import MAX_POINTS
from contract.calendar import LAST_DAY
from contract.errors import ContractError, Reason
from rules.beside.bounds import MOST_RECORDS
from rules.beside.lots import (
    EMPTY,
    Debt,
    Earning,
    Lot,
    PointsAccount,
    Short,
    Spending,
    balance,
    earn,
    expire,
    give_back,
    next_expiry,
    owed,
    require_account,
    spend,
    spendable,
    take_back,
    with_expired,
)

A, B, C = (bytes([number]) * 16 for number in (1, 2, 3))


def spent_of(account: PointsAccount, points: int, day: int) -> tuple[PointsAccount, Spending]:
    """A spending that the account can bear."""
    found = spend(account, points, day)
    assert not isinstance(found, Short)
    return found


def holding(*lots: tuple[bytes, int, int, int | None]) -> PointsAccount:
    """An account of lots: source, points, day of earning, last day."""
    account = EMPTY
    for source, points, day, until_day in lots:
        account, _earning = earn(account, source, points, day, until_day)
    return account


def test_earn_106_and_redeem_50_elsewhere_leaves_56() -> None:
    account, _spending = spent_of(holding((A, 106, 1, 366)), 50, 2)
    assert balance(account, 2) == 56


def test_to_buy_and_refund_100_times_ends_at_nothing() -> None:
    account = EMPTY
    for number in range(100):
        account, earning = earn(account, bytes([number]) * 16, 257, number, number + 365)
        account, rest = take_back(account, earning, 257, number)
        assert rest.points == 0
    assert account == EMPTY


def test_what_expires_first_is_spent_first_and_the_parts_say_from_where() -> None:
    account = holding((A, 30, 1, None), (B, 30, 2, 50), (C, 30, 3, 40))
    account, spending = spent_of(account, 70, 10)
    assert [(part.source, part.points) for part in spending.parts] == [(C, 30), (B, 30), (A, 10)]
    assert account == holding((A, 20, 1, None))


def test_nobody_spends_more_than_the_balance_and_is_told_what_is_missing() -> None:
    account = holding((A, 30, 1, 20), (B, 40, 1, 30))
    assert spend(account, 71, 10) == Short(1)
    assert spend(account, 41, 21) == Short(1)
    assert spent_of(account, 0, 10) == (account, Spending(()))


def test_a_last_day_still_counts_and_what_is_over_is_dropped_and_told() -> None:
    account = holding((A, 30, 1, 20), (B, 40, 1, None))
    assert expire(account, 20) == (account, ())
    assert next_expiry(account, 20) == (20, 30)
    assert expire(account, 21) == (holding((B, 40, 1, None)), (Lot(A, 1, 30, 20),))
    assert [balance(account, day) for day in (20, 21)] == [70, 40]
    assert next_expiry(account, 21) is None


def test_what_is_given_back_goes_to_its_own_lot_the_longest_lived_first() -> None:
    before = holding((A, 30, 1, 20), (B, 40, 1, 30))
    after, spending = spent_of(before, 50, 5)
    part, rest, lost = give_back(after, spending, 20, 6)
    assert (part, rest.points, lost) == (holding((B, 40, 1, 30)), 30, ())
    whole, rest, lost = give_back(part, rest, 30, 7)
    assert (whole, rest, lost) == (before, Spending(()), ())


def test_what_is_given_back_too_late_stays_lost_or_lives_on_as_the_policy_says() -> None:
    account, spending = spent_of(holding((A, 30, 1, 20)), 30, 5)
    kept, _rest, lost = give_back(account, spending, 30, 21)
    assert (kept, lost) == (EMPTY, (Lot(A, 1, 30, 20),))
    longer, _rest, lost = give_back(account, spending, 30, 21, late_days=14)
    assert (longer, lost) == (PointsAccount((Lot(A, 1, 30, 35),), ()), ())


def test_a_refund_takes_from_the_very_lot_and_leaves_the_others_alone() -> None:
    account = holding((A, 30, 1, 20))
    account, earning = earn(account, B, 50, 2, 90)
    account, rest = take_back(account, earning, 20, 3)
    assert account == holding((A, 30, 1, 20), (B, 30, 2, 90))
    assert rest.points == 30


def test_what_was_spent_is_owed_with_its_age_and_the_next_earning_pays_it() -> None:
    account, earning = earn(EMPTY, A, 50, 1, None)
    account, _spending = spent_of(account, 40, 2)
    account, _rest = take_back(account, earning, 50, 10)
    assert account.debts == (Debt(A, 10, 40),)
    assert (balance(account, 15), spendable(account, 15), account.debts[0].age_days(15)) == (-40, 0, 5)
    account, second = earn(account, B, 25, 20, None)
    assert (account, second.paid) == (PointsAccount((), (Debt(A, 10, 15),)), (Debt(A, 10, 25),))
    account, third = earn(account, C, 25, 30, 60)
    assert (account, third.paid) == (PointsAccount((Lot(C, 30, 10, 60),), ()), (Debt(A, 10, 15),))


def test_who_owes_cannot_spend_the_points_that_are_owed() -> None:
    account, earning = earn(holding((A, 100, 1, None)), B, 50, 1, 5)
    account, _spending = spent_of(account, 50, 2)
    account, _rest = take_back(account, earning, 50, 3)
    assert (balance(account, 3), owed(account)) == (50, 50)
    assert spend(account, 51, 3) == Short(1)


def test_an_earning_taken_back_owes_again_what_it_paid_with_the_age_it_had() -> None:
    account, earning = earn(EMPTY, A, 50, 1, None)
    account, _spending = spent_of(account, 50, 2)
    before, _rest = take_back(account, earning, 50, 10)
    after, second = earn(before, B, 80, 20, 300)
    assert take_back(after, second, 80, 25)[0] == before


def test_points_that_expired_unspent_are_not_asked_for_again() -> None:
    account, earning = earn(EMPTY, A, 100, 1, 20)
    account, _spending = spent_of(account, 40, 2)
    account, over = expire(account, 21)
    account, _rest = take_back(account, with_expired(earning, over), 100, 22)
    assert account.debts == (Debt(A, 22, 40),)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["earn", "spend", "give back", "take back", "expire"]),
        st.integers(0, 300),
        st.integers(0, 9),
        st.one_of(st.none(), st.integers(0, 30)),
    ),
    max_size=40,
)


@settings(max_examples=150)
@given(STEPS)
def test_the_balance_is_lots_less_debts_and_every_point_is_accounted_for(
    steps: list[tuple[str, int, int, int | None]],
) -> None:
    account, earnings, spendings = EMPTY, list[Earning](), list[Spending]()
    held = 0
    for day, (what, asked, which, lasts) in enumerate(steps):
        points = asked
        if what == "earn":
            until_day = None if lasts is None else day + lasts
            account, earning = earn(account, bytes([day]) * 16, points, day, until_day)
            earnings.append(earning)
            held += points
        elif what == "spend":
            found = spend(account, points, day)
            if isinstance(found, Short):
                assert found.missing == points - spendable(account, day)
                continue
            assert balance(found[0], day) == balance(account, day) - points
            # Nothing can be spent of what is owed already, but no points at all.
            assert balance(found[0], day) >= 0 or points == 0
            account, spending = found
            spendings.append(spending)
            held -= points
        elif what == "give back" and spendings:
            one = which % len(spendings)
            points = min(asked, spendings[one].points)
            account, spendings[one], lost = give_back(account, spendings[one], points, day, lasts)
            held += points - sum(part.points for part in lost)
        elif what == "take back" and earnings:
            one = which % len(earnings)
            points = min(asked, earnings[one].points)
            expired = earnings[one].expired
            account, earnings[one] = take_back(account, earnings[one], points, day)
            held -= points - (expired - earnings[one].expired)
        else:
            account, over = expire(account, day)
            earnings = [with_expired(earning, over) for earning in earnings]
            held -= sum(lot.points for lot in over)
        require_account(account)
        assert sum(lot.points for lot in account.lots) - owed(account) == held
        assert all(lot.points > 0 for lot in account.lots) and all(debt.points > 0 for debt in account.debts)


PURCHASES = st.lists(
    st.tuples(st.integers(0, 120), st.integers(0, 100), st.one_of(st.none(), st.integers(0, 20))),
    min_size=1,
    max_size=6,
)


@settings(max_examples=150)
@given(PURCHASES, st.data())
def test_refunds_of_parts_in_any_order_never_leave_more_points_than_before(
    purchases: list[tuple[int, int, int | None]], data: st.DataObject
) -> None:
    account = before = holding((A, 500, 0, None), (B, 200, 0, 20))
    left: list[tuple[Earning, Spending]] = []
    for number, (earns, spends, lasts) in enumerate(purchases):
        day = number + 1
        account, spending = spent_of(account, min(spends, spendable(account, day)), day)
        account, earning = earn(account, bytes([100 + number]) * 16, earns, day, None if lasts is None else day + lasts)
        left.append((earning, spending))
    day = len(purchases)
    while left:
        day += data.draw(st.integers(0, 4))
        account, over = expire(account, day)
        left = [(with_expired(earning, over), spending) for earning, spending in left]
        which = data.draw(st.integers(0, len(left) - 1))
        earning, spending = left.pop(which)
        whole = data.draw(st.booleans())
        parts = 1 if whole else 2
        account, earning = take_back(account, earning, -(-earning.points // parts), day)
        account, spending, lost = give_back(account, spending, -(-spending.points // parts), day)
        left = [(with_expired(other, lost), spending_of) for other, spending_of in left]
        if earning.points or spending.points:
            left.append((earning, spending))
    assert balance(account, day) <= balance(before, 0)
    if day <= 20 and all(lasts is None for _earns, _spends, lasts in purchases):
        assert account == before


@given(
    st.lists(st.tuples(st.integers(1, 90), st.one_of(st.none(), st.integers(3, 60))), max_size=6),
    st.integers(0, 200),
    st.integers(0, 60),
)
def test_a_sale_and_its_refund_leave_every_lot_and_debt_as_they_were(
    held: list[tuple[int, int | None]], earns: int, owes: int
) -> None:
    before = holding(*((bytes([50 + number]) * 16, points, 0, last) for number, (points, last) in enumerate(held)))
    if owes:
        before = replace(before, debts=(Debt(A, 0, owes),))
    after, spending = spent_of(before, spendable(before, 1), 1)
    after, earning = earn(after, B, earns, 1, 90)
    after, _rest, lost = give_back(after, spending, spending.points, 2)
    assert (take_back(after, earning, earns, 2)[0], lost) == (before, ())


def test_more_than_was_earned_or_spent_is_never_undone() -> None:
    account, earning = earn(EMPTY, A, 10, 1, None)
    account, spending = spent_of(account, 5, 1)
    with pytest.raises(ContractError) as caught:
        take_back(account, earning, 11, 2)
    assert (caught.value.reason, caught.value.path) == (Reason.OUT_OF_RANGE, "points")
    with pytest.raises(ContractError) as caught:
        give_back(account, spending, 6, 2)
    assert (caught.value.reason, caught.value.path) == (Reason.OUT_OF_RANGE, "points")


@pytest.mark.parametrize(
    ("source", "points", "day", "until_day", "path"),
    [
        (b"short", 1, 1, None, "source"),
        (A, -1, 1, None, "points"),
        (A, MAX_POINTS + 1, 1, None, "points"),
        (A, True, 1, None, "points"),
        (A, 1, -1, None, "day"),
        (A, 1, 5, 4, "until_day"),
        (A, 1, 5, LAST_DAY + 1, "until_day"),
    ],
)
def test_an_earning_out_of_range_is_refused_with_the_field(
    source: bytes, points: int, day: int, until_day: int | None, path: str
) -> None:
    with pytest.raises(ContractError) as caught:
        earn(EMPTY, source, points, day, until_day)
    assert caught.value.path == path


def test_an_account_holds_neither_more_lots_nor_more_points_than_its_limits() -> None:
    full = PointsAccount(tuple(Lot(number.to_bytes(16), 1, 1) for number in range(MOST_RECORDS)), ())
    with pytest.raises(ContractError) as caught:
        earn(full, b"\xff" * 16, 1, 1, None)
    assert caught.value.reason is Reason.TOO_LARGE
    with pytest.raises(ContractError) as caught:
        earn(holding((A, MAX_POINTS, 1, None)), B, 1, 1, None)
    assert caught.value.reason is Reason.OUT_OF_RANGE


@pytest.mark.parametrize(
    ("account", "path"),
    [
        (PointsAccount((Lot(A, 1, 0),), ()), "account.lots[0].points"),
        (PointsAccount((), (Debt(A, -1, 1),)), "account.debts[0].since_day"),
        (PointsAccount((Lot(A, 1, 1), Lot(A, 1, 1)), ()), "account.lots"),
        (PointsAccount((Lot(A, 1, 1), Lot(B, 1, 1, 9)), ()), "account.lots"),
        (PointsAccount((), (Debt(A, 2, 1), Debt(A, 1, 1))), "account.debts"),
        (PointsAccount((Lot(A, 9, 1, 8),), ()), "account.lots[0].until_day"),
    ],
)
def test_an_account_from_outside_that_is_not_in_order_is_refused(account: PointsAccount, path: str) -> None:
    with pytest.raises(ContractError) as caught:
        require_account(account)
    assert caught.value.path == path


def test_account_earning_and_spending_are_records() -> None:
    account, earning = earn(PointsAccount((), (Debt(A, 1, 5),)), B, 20, 2, 30)
    left, spending = spent_of(account, 10, 3)
    for record in (left, earning, spending):
        assert wire.unpack(type(record), wire.pack(record), 400) == record
