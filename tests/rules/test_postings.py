"""What a sale, top-up, return or redemption moves between accounts balances in every unit, whatever the rules did."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.basket import Basket, BasketLine, Customer, TaxRate
from contract.errors import ContractError
from contract.postings import POINTS as IN_POINTS
from contract.postings import Posting, require_balanced
from contract.value import Account, Asset, Draw
from rules.engine.compiled import compile_pack
from rules.engine.price import price
from rules.grammar.pack import Pack
from rules.postings import redemption_postings, refund_postings, sale_postings, top_up_postings
from rules.refund import Refund
from tests.rules.samples import FULL_200_20, GOLD_10, POINTS, basket, pack, rule

EVERYTHING = (
    GOLD_10,
    FULL_200_20,
    POINTS,
    rule("pay", "points", {"pay_points": {"points": 100, "minor": 100, "most_points": 500}}, priority=9),
    rule("back", "points", {"rebate": {"rate_bp": 100}}),
    rule("round", "tender", {"round_total": {"to_minor": 10, "mode": "down"}}, priority=9),
    rule("stored", "tender", {"pay_stored": {"most_minor": 1_000}}),
)
WALLET = Account(Asset.STORED, "m-1")
LOT = bytes([7]) * 16
ON_TOP = {"inclusive": False, "at": "document"}


def moved(rules: Pack, sold: Basket, member: str | None = "m-1") -> dict[str, int]:
    """What stands on each account after the sale, what rules pay from stored value being drawn as principal."""
    priced = price(sold, compile_pack(rules))
    draws = (Draw(LOT, WALLET, priced.stored_minor, 0, LOT, "s01"),) if priced.stored_minor else ()
    return stood(sale_postings(priced, "CNY", "s01", "t1", member, draws))


def stood(postings: tuple[Posting, ...]) -> dict[str, int]:
    """What stands on each account; postings that balance, none of them empty, one an account."""
    require_balanced(postings)
    assert all(posting.amount for posting in postings)
    assert len({(posting.account, posting.unit) for posting in postings}) == len(postings)
    return {posting.account: posting.amount for posting in postings}


@given(
    st.lists(st.integers(0, 300_000), min_size=1, max_size=5),
    st.sampled_from(["", "gold", "silver"]),
    st.sampled_from([(), (TaxRate("vat", 1_300), TaxRate("city", 250))]),
    st.booleans(),
)
def test_the_postings_of_every_sale_balance_in_money_and_in_points(
    amounts: list[int], tier: str, taxes: tuple[TaxRate, ...], on_top: bool
) -> None:
    lines = tuple(BasketLine("A", 1, amount, taxes=taxes) for amount in amounts)
    customer = Customer(tier, points=700, stored_minor=5_000) if tier else None
    rules = pack(*EVERYTHING, tax={**ON_TOP, "inclusive": not on_top})
    sold = Basket(lines, customer)
    accounts = moved(rules, sold, "m-1" if tier else None)
    assert accounts.get("shop/s01/t1/cash", 0) == price(sold, compile_pack(rules)).to_pay_minor


def test_points_stored_value_bonus_rounding_and_tax_stand_on_accounts_of_their_own() -> None:
    line = BasketLine("A", 1, 10_003, taxes=(TaxRate("vat", 1_000),))
    customer = Customer("silver", points=700, stored_minor=5_000)
    # 100.03 less 5.00 by 500 points is 95.03; 9.50 tax on top is 104.53, rounded to 104.50, 10.00 of it stored value.
    assert moved(pack(*EVERYTHING, tax=ON_TOP), Basket((line,), customer)) == {
        "shop/s01/t1/cash": 9_450,
        "shop/s01/discounts": 500,
        "shop/s01/rounding": 3,
        "shop/s01/sales": -10_003,
        "shop/s01/tax": -950,
        "member/m-1/principal": 1_000,
        "member/m-1/bonus": -95,
        "shop/s01/bonus_issued": 95,
        "shop/s01/points_issued": 95,
        "shop/s01/points_spent": -500,
        "member/m-1/points": 500 - 95,
    }


def test_nobody_earns_points_that_belong_to_nobody() -> None:
    everybody = rule("all", "points", {"points_per_money": {"points": 1, "spend_minor": 100}})
    postings = sale_postings(price(basket(10_000), compile_pack(pack(everybody))), "CNY", "s01", "t1", None)
    assert IN_POINTS not in {posting.unit for posting in postings}


def test_a_top_up_is_owed_to_the_member_as_principal_and_bonus() -> None:
    assert stood(top_up_postings("CNY", "s01", "t1", "m-1", 10_000, 2_000, 100)) == {
        "shop/s01/t1/cash": 10_000,
        "member/m-1/principal": -10_000,
        "shop/s01/bonus_issued": 2_000,
        "member/m-1/bonus": -2_000,
        "shop/s01/points_issued": 100,
        "member/m-1/points": -100,
    }


def test_a_sale_paid_from_leases_takes_principal_and_bonus_and_the_rest_in_cash() -> None:
    priced = price(basket(10_000, tier="gold"), compile_pack(pack()))
    draws = (Draw(LOT, WALLET, 5_000, 1_000, LOT, "s02"), Draw(LOT, Account(Asset.COUPON, "C-1"), 1))
    assert stood(sale_postings(priced, "CNY", "s01", "t1", "m-1", draws)) == {
        "shop/s01/t1/cash": 4_000,
        "shop/s01/sales": -10_000,
        "member/m-1/principal": 5_000,
        "member/m-1/bonus": 1_000,
        "coupon/C-1": 1,
        "shop/s01/taken/coupon": -1,
    }


def back(**parts: int) -> Refund:
    """A return of one unit."""
    whole = {"refund_minor": 0, "to_stored_minor": 0, "points_back": 0, "points_restored": 0, "bonus_back_minor": 0}
    return Refund(
        units=(1,), points_debt=0, codes_restored=(), coupons_withdrawn=(), counts_withdrawn=(), gifts_due=(),
        **{**whole, **parts},
    )  # fmt: skip


def test_a_refund_goes_back_to_the_lot_it_was_drawn_from_and_the_rest_out_of_the_drawer() -> None:
    found = back(refund_minor=2_000, to_stored_minor=1_200, points_back=20, points_restored=5, bonus_back_minor=30)
    returned = (Draw(LOT, WALLET, 1_000, 200, LOT, "s02"),)
    assert stood(refund_postings(found, "CNY", "s01", "t1", "m-1", returned, tax_minor=100)) == {
        "shop/s01/t1/cash": -800,
        "shop/s01/sales": 1_900,
        "shop/s01/tax": 100,
        "member/m-1/principal": -1_000,
        "member/m-1/bonus": -170,
        "shop/s01/bonus_issued": -30,
        "shop/s01/points_issued": -20,
        "shop/s01/points_spent": 5,
        "member/m-1/points": 15,
    }
    assert stood(refund_postings(back(refund_minor=50), "CNY", "s01", "t1", None)) == {
        "shop/s01/t1/cash": -50,
        "shop/s01/sales": 50,
    }


def test_a_refund_that_returns_other_value_than_it_says_has_no_postings() -> None:
    with pytest.raises(ContractError) as refused:
        refund_postings(back(refund_minor=50, to_stored_minor=50), "CNY", "s01", "t1", "m-1")
    assert refused.value.path == "returned"


def test_what_is_handed_out_is_taken_from_what_was_granted() -> None:
    draws = (
        Draw(LOT, Account(Asset.POINTS, "m-1"), 300),
        Draw(LOT, Account(Asset.USES, "m-1", "wash"), 1),
        Draw(bytes(16), Account(Asset.USES, "m-1", "wash"), 2),
        Draw(LOT, Account(Asset.GIFT, "BAG"), 1),
    )
    assert stood(redemption_postings(draws, "CNY", "s01")) == {
        "member/m-1/points": 300,
        "shop/s01/points_spent": -300,
        "member/m-1/uses/wash": 3,
        "shop/s01/taken/uses": -3,
        "gift/BAG": 1,
        "shop/s01/taken/gift": -1,
    }
