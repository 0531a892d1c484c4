"""Each spendable thing has one place in the ledger; what a transaction creates has a name before anybody gave it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contract.bodies import require_whole
from contract.errors import ContractError
from contract.postings import Posting
from contract.value import Account, Asset, Lease, bonus_place, born_lease_id, draw, ledger_place
from tests.contract.bodies import LEASE, refund, sale_on_floor, top_up

HOLDERS = {
    Asset.STORED: Account(Asset.STORED, "m-0001"),
    Asset.POINTS: Account(Asset.POINTS, "m-0001"),
    Asset.USES: Account(Asset.USES, "m-0001", "coffee"),
    Asset.COUPON: Account(Asset.COUPON, "T-10-7F3K"),
    Asset.GIFT: Account(Asset.GIFT, "CUP"),
    Asset.BUDGET: Account(Asset.BUDGET, "spring"),
    Asset.BUDGET_USES: Account(Asset.BUDGET_USES, "spring"),
    Asset.POOL: Account(Asset.POOL, "s01"),
}


@pytest.mark.parametrize("asset", Asset)
def test_an_account_has_a_place_in_the_ledger_that_a_posting_can_name(asset: Asset) -> None:
    account, unit = ledger_place(HOLDERS[asset], "CNY")
    assert Posting(account, unit, -1).account == account


def test_no_two_accounts_share_a_place() -> None:
    places = {ledger_place(account, "CNY") for account in HOLDERS.values()}
    places.add(bonus_place(HOLDERS[Asset.STORED], "CNY"))
    assert len(places) == len(HOLDERS) + 1


def test_a_lease_born_of_a_transaction_has_one_name_for_each_account() -> None:
    first, second = bytes(16), bytes(15) + b"\x01"
    names = {born_lease_id(transaction, account) for transaction in (first, second) for account in HOLDERS.values()}
    assert len(names) == 2 * len(HOLDERS)
    assert born_lease_id(first, HOLDERS[Asset.POINTS]) == born_lease_id(first, Account(Asset.POINTS, "m-0001"))


def test_value_put_back_to_several_lots_is_a_lease_for_each() -> None:
    wallet, transaction = HOLDERS[Asset.STORED], bytes(16)
    lots = [bytes([number]) * 16 for number in range(4)]
    assert len({born_lease_id(transaction, wallet, lot) for lot in lots}) == 4
    assert born_lease_id(transaction, wallet, transaction) == born_lease_id(transaction, wallet)


def test_a_draw_says_by_itself_whose_value_it_took_and_who_issued_it() -> None:
    taken = draw(LEASE, 1_000, 200)
    assert (taken.lease, taken.account, taken.lot, taken.issuer) == (LEASE.lease, LEASE.account, LEASE.lot, "s01")
    assert taken.whole == 1_200
    assert isinstance(LEASE, Lease)


def test_what_goes_on_a_floor_limit_is_one_draw_of_the_buyers_stored_value_and_stands_nowhere_else() -> None:
    good = sale_on_floor(bytes(16))
    require_whole(good)
    (draw_on_floor,) = good.draws
    assert draw_on_floor.lease not in {born_lease_id(bytes(16), account) for account in HOLDERS.values()}
    for wrong in (
        (draw_on_floor, draw_on_floor),
        (replace(draw_on_floor, account=HOLDERS[Asset.POINTS]),),
        (replace(draw_on_floor, account=Account(Asset.STORED, "m-0002")),),
        (replace(draw_on_floor, bonus_minor=1),),
        (replace(draw_on_floor, lot=bytes(16)),),
        (replace(draw_on_floor, issuer="s01"),),
        (replace(draw_on_floor, amount=0),),
    ):
        with pytest.raises(ContractError, match="draws"):
            require_whole(replace(good, draws=wrong))
    with pytest.raises(ContractError, match="draws"):
        require_whole(replace(top_up(), draws=good.draws))
    with pytest.raises(ContractError, match="draws"):
        require_whole(replace(refund(), draws=good.draws))
    require_whole(replace(refund(), returned=good.draws))
