"""Value goes where its member buys; what is anybody's is shared out evenly."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from contract.ids import TerminalAddress
from contract.value import Account, Asset
from hq.db import writing
from hq.exposure import exposure
from hq.grants import buy_pool, grant, pay_in, write_off
from hq.placement import DEFAULT_LENDING, Holding, LendingPolicy, Visit, even, habitual, moves
from tests.hq.borrowers import Borrower, balance_of, causes, lend, require_sound, take_step
from tests.hq.tills import A1, B1, NOW_MS, TENANT, HeadOffice

DAY_MS = 86_400_000
TILLS = [TerminalAddress(TENANT, f"shop-{shop}", f"{shop}{number}") for shop in "abc" for number in (1, 2, 3)]
VISITS = st.lists(
    st.builds(Visit, st.sampled_from(TILLS), st.integers(1, 50), st.integers(NOW_MS - 100 * DAY_MS, NOW_MS)),
    max_size=12,
)


def test_the_home_shop_gets_its_share_the_shop_visited_last_a_smaller_one_and_the_rest_stays() -> None:
    a1, a2, b1, c1 = TILLS[0], TILLS[1], TILLS[3], TILLS[6]
    visits = (
        Visit(a1, 3, NOW_MS - 5 * DAY_MS),
        Visit(a2, 1, NOW_MS - 6 * DAY_MS),
        Visit(b1, 1, NOW_MS - DAY_MS),
        Visit(c1, 2, NOW_MS - 9 * DAY_MS),
    )
    assert habitual(10_000, visits, 100_000, DEFAULT_LENDING, NOW_MS) == {a1: 3_750, a2: 1_250, b1: 2_000}
    assert habitual(10_000, visits, 3_000, DEFAULT_LENDING, NOW_MS) == {a1: 3_000, a2: 1_250, b1: 2_000}
    assert habitual(10_000, visits, 100_000, DEFAULT_LENDING, NOW_MS + 100 * DAY_MS) == {}


@given(st.integers(0, 10**9), VISITS)
def test_no_more_is_wanted_than_there_is(total: int, visits: list[Visit]) -> None:
    wanted = habitual(total, visits, 10**9, DEFAULT_LENDING, NOW_MS)
    assert sum(wanted.values()) <= total
    assert all(amount > 0 for amount in wanted.values())
    assert sum(even(total, TILLS, LendingPolicy(shared_bp=10_000)).values()) <= total


@given(
    st.dictionaries(st.sampled_from(TILLS), st.integers(1, 10_000)),
    st.dictionaries(st.sampled_from(TILLS), st.integers(0, 10_000)),
    st.integers(-100, 20_000),
)
def test_no_more_is_lent_than_is_free_and_only_those_with_too_much_are_asked_back(
    wanted: dict[TerminalAddress, int], held: dict[TerminalAddress, int], free: int
) -> None:
    found = moves(wanted, [Holding(address, amount) for address, amount in held.items()], free)
    assert sum(found.more.values()) <= max(free, 0)
    assert all(held.get(address, 0) + amount <= wanted[address] for address, amount in found.more.items())
    assert all(held[address] > wanted.get(address, 0) for address in found.back)
    assert not found.back or sum(found.more.values()) == max(free, 0)


def test_a_card_topped_up_at_one_shop_pays_at_another_up_to_what_was_lent_there_and_no_more(hq: HeadOffice) -> None:
    a, b = Borrower(hq, hq.enrolled(A1)), Borrower(hq, hq.enrolled(B1))
    # The member has bought at both shops before.
    for till in (a, b):
        till.till.sell(hq.sale(till.till))
        till.sync()
    a.top_up(10_000)
    a.sync()
    # A holds all of it from its birth; B's share is asked back, and comes on the next step.
    for _ in range(4):
        take_step(hq)
        for till in (a, b):
            till.activate()
            till.sync()
    lent_to_a, lent_to_b = a.wallet(), b.wallet()
    assert (lent_to_a, lent_to_b) == (5_000, 2_000)
    # Both offline: each takes what it holds and no more.
    a.spend(10_000)
    b.spend(10_000)
    assert a.wallet() == b.wallet() == 0
    b.sync()
    a.sync()
    assert balance_of(hq, "member/m1/principal") == -3_000
    assert causes(hq) == set()
    require_sound(hq)


def test_the_largest_possible_loss_is_what_tills_hold_and_what_was_written_off_is_free_again(hq: HeadOffice) -> None:
    b = Borrower(hq, hq.enrolled(B1))
    with writing(hq.engine) as connection:
        pay_in(connection, hq.desk, "m1", 10_000, 2_000, bytes(16), NOW_MS)
    lend(hq, B1, 6_000)
    b.activate()
    b.sync()
    found = hq.look(exposure)
    assert (found.money_minor, [item.address for item in found.terminals]) == (6_000, [str(B1)])
    late_ms = NOW_MS + 30 * DAY_MS
    take_step(hq, late_ms)
    assert hq.look(exposure).terminals[0].suspended_minor == 6_000
    with writing(hq.engine) as connection:
        assert write_off(connection, hq.desk, B1, None, "the manager", late_ms).leases == 1
    assert hq.look(exposure).money_minor == 0
    assert lend(hq, B1, 12_000, now_ms=late_ms) == 12_000
    # It was spent in time all the same: the member does not pay, the shop does, and people are told.
    b.spend(5_000)
    b.sync(late_ms)
    assert causes(hq) == {"late_spend"}
    assert balance_of(hq, "shop/shop-b/beyond_leases") == 5_000
    assert hq.look(exposure).terminals[0].beyond_minor == 5_000
    require_sound(hq)


def test_points_uses_and_what_is_shared_are_lent_unless_the_tenant_keeps_them_back(hq: HeadOffice) -> None:
    a = Borrower(hq, hq.enrolled(A1))
    a.top_up(10_000, keep=False)
    counted = (Account(Asset.POINTS, "m1"), Account(Asset.USES, "m1", "wash"), Account(Asset.BUDGET, "spring"))
    with writing(hq.engine) as connection:
        for account in (*counted, Account(Asset.GIFT, "cup")):
            grant(connection, hq.desk, account, 1_000, NOW_MS)
        buy_pool(connection, hq.desk, "shop-a", 1_000, 0, 100, NOW_MS)
    a.sync()
    take_step(hq, NOW_MS + 60_000, LendingPolicy(shared_bp=0, lend_points=False, lend_uses=False))
    a.activate()
    assert {lease.account.asset for lease in a.held.values()} == {Asset.STORED}
    with writing(hq.engine) as connection:
        for account in counted:
            grant(connection, hq.desk, account, 1, NOW_MS)
    a.sync()
    take_step(hq, NOW_MS + 120_000)
    a.activate()
    assert {lease.account for lease in a.held.values()} > {*counted}
    assert lend(hq, A1, 100, Account(Asset.GIFT, "cup")) == 100
    require_sound(hq)
