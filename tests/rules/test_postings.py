"""What a sale moves between accounts balances in money and in points, whatever the rules did."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from contract.basket import Basket, BasketLine, Customer, TaxRate
from contract.postings import POINTS as IN_POINTS
from contract.postings import require_balanced
from rules.engine.compiled import compile_pack
from rules.engine.price import price
from rules.grammar.pack import Pack
from rules.postings import sale_postings
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
ON_TOP = {"inclusive": False, "at": "document"}


def moved(rules: Pack, sold: Basket, member: str | None = "m-1") -> dict[str, int]:
    """What stands on each account after the sale; postings that balance, none of them empty."""
    postings = sale_postings(price(sold, compile_pack(rules)), "CNY", "s01", "t1", member)
    require_balanced(postings)
    assert all(posting.amount for posting in postings)
    assert len({posting.account for posting in postings}) == len(postings)
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
        "member/m-1/stored": 1_000 - 95,
        "shop/s01/bonus_issued": 95,
        "shop/s01/points_issued": 95,
        "shop/s01/points_spent": -500,
        "member/m-1/points": 500 - 95,
    }


def test_nobody_earns_points_that_belong_to_nobody() -> None:
    everybody = rule("all", "points", {"points_per_money": {"points": 1, "spend_minor": 100}})
    postings = sale_postings(price(basket(10_000), compile_pack(pack(everybody))), "CNY", "s01", "t1", None)
    assert IN_POINTS not in {posting.unit for posting in postings}
