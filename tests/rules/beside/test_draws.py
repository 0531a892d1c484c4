"""What a spend takes from the leases in hand sums exactly, in whatever parts it is taken and given back."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.errors import ContractError
from contract.value import MOST_DRAWS, Account, Asset, Draw, DrawOrder, Lease
from rules.beside.draws import Short, give_back, spend, spendable

WALLET = Account(Asset.STORED, "m1")
ORDERS = st.sampled_from(list(DrawOrder))


@dataclass(frozen=True, slots=True)
class Held:
    """A lease and what is left of it."""

    lease: Lease
    amount: int
    bonus_minor: int


def held(number: int, amount: int, bonus: int, until: int = 9, order: DrawOrder = DrawOrder.PRO_RATA) -> Held:
    """A whole lease of one top-up."""
    lot = bytes([number]) * 16
    return Held(Lease(lot, WALLET, amount, until, bonus, lot, "shop-a", order), amount, bonus)


def taken(holding: Held, whole: int) -> tuple[Draw, Held]:
    """What a spend takes of one holding, and what is left of it."""
    found = spend([holding], whole)
    assert not isinstance(found, Short)
    (one,) = found
    return one, Held(holding.lease, holding.amount - one.amount, holding.bonus_minor - one.bonus_minor)


def parts(draws: tuple[Draw, ...]) -> list[tuple[int, int, int]]:
    """The lease's number, principal and bonus of each draw."""
    return [(item.lease[0], item.amount, item.bonus_minor) for item in draws]


def test_a_top_up_of_100_and_20_is_drawn_5_to_1_and_goes_back_5_to_1() -> None:
    sixty, after = taken(held(1, 10_000, 2_000), 6_000)
    thirty, left = taken(after, 3_000)
    (twelve,) = give_back([thirty], 1_200)
    assert (sixty.amount, sixty.bonus_minor) == (5_000, 1_000)
    assert (thirty.amount, thirty.bonus_minor) == (2_500, 500)
    assert (twelve.amount, twelve.bonus_minor) == (1_000, 200)
    assert (left.amount + twelve.amount, left.bonus_minor + twelve.bonus_minor) == (3_500, 700)


@given(st.integers(0, 5_000), st.integers(0, 5_000), ORDERS, st.lists(st.integers(1, 3_000), min_size=1, max_size=30))
def test_a_lease_drained_in_any_number_of_spends_gives_exactly_its_principal_and_bonus(
    principal: int, bonus: int, order: DrawOrder, spends: list[int]
) -> None:
    holding = held(1, principal, bonus, order=order)
    took = [0, 0]
    for whole in [*spends, principal + bonus]:
        asked = min(whole, holding.amount + holding.bonus_minor)
        if not asked:
            break
        one, holding = taken(holding, asked)
        assert one.whole == asked and one.amount >= 0 and one.bonus_minor >= 0
        took = [took[0] + one.amount, took[1] + one.bonus_minor]
        spent = sum(took)
        if order is DrawOrder.PRO_RATA:
            assert took[0] == spent * principal // (principal + bonus)
        elif order is DrawOrder.PRINCIPAL_FIRST:
            assert took[0] == min(spent, principal)
        else:
            assert took[1] == min(spent, bonus)
    assert took == [principal, bonus]


@given(st.lists(st.tuples(st.integers(0, 900), st.integers(0, 900)), min_size=1, max_size=6), st.data())
def test_what_goes_back_in_parts_is_what_was_drawn_lease_by_lease(
    sizes: list[tuple[int, int]], data: st.DataObject
) -> None:
    holdings = [held(number, *size) for number, size in enumerate(sizes, start=1)]
    whole = data.draw(st.integers(0, spendable(holdings)))
    draws = spend(holdings, whole)
    assert not isinstance(draws, Short)
    back: dict[bytes, list[int]] = {}
    earlier = 0
    while earlier < whole:
        part = data.draw(st.integers(1, whole - earlier))
        returned = give_back(draws, part, earlier)
        assert sum(item.whole for item in returned) == part
        for item in returned:
            sums = back.setdefault(item.lease, [0, 0])
            back[item.lease] = [sums[0] + item.amount, sums[1] + item.bonus_minor]
        earlier += part
    assert back == {item.lease: [item.amount, item.bonus_minor] for item in draws}


def test_the_lease_that_ends_first_is_drawn_first_and_goes_back_last() -> None:
    holdings = [held(1, 500, 0, until=30), held(2, 500, 0, until=10), held(3, 500, 0, until=20)]
    draws = spend(holdings, 1_200)
    assert not isinstance(draws, Short)
    assert parts(draws) == [(2, 500, 0), (3, 500, 0), (1, 200, 0)]
    assert parts(give_back(draws, 300)) == [(1, 200, 0), (3, 100, 0)]


def test_a_spend_beyond_what_is_held_says_how_much_is_missing_and_takes_nothing() -> None:
    assert spend([held(1, 500, 100)], 650) == Short(50)
    assert spend([], 1) == Short(1)
    assert spend([], 0) == ()


def test_one_spend_draws_from_no_more_leases_than_an_entry_holds() -> None:
    holdings = [held(number, 10, 0) for number in range(1, MOST_DRAWS + 3)]
    assert spendable(holdings) == MOST_DRAWS * 10
    assert spend(holdings, MOST_DRAWS * 10 + 1) == Short(1)


def test_parts_that_were_moved_out_of_proportion_bound_what_is_taken() -> None:
    lease = held(1, 1_000, 1_000).lease
    assert spend([Held(lease, 10, 990)], 500) == (Draw(lease.lease, WALLET, 0, 500, lease.lot, lease.issuer),)
    (one,) = give_back([Draw(lease.lease, WALLET, 10, 490)], 500)
    assert (one.amount, one.bonus_minor) == (10, 490)


def test_no_more_goes_back_than_was_drawn() -> None:
    draws = [Draw(b"1" * 16, WALLET, 100, 20)]
    for whole, earlier in ((121, 0), (21, 100), (-1, 0), (1, -1)):
        with pytest.raises(ContractError):
            give_back(draws, whole, earlier)
    with pytest.raises(ContractError):
        spend([], -1)
