"""What an exchange comes to, in money, stored value, points and everything that was given; all reckoned by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from contract.basket import Basket, BasketLine, Customer
from contract.trace import Given
from rules.engine.compiled import Compiled, compile_pack
from rules.engine.price import price
from rules.exchange import exchange
from rules.grammar.pack import Pack
from rules.refund import Sold, refund
from tests.rules.samples import basket, pack, percent, rule, save

PER_YUAN = rule("points", "points", {"points_per_money": {"points": 1, "spend_minor": 100}}, when=[{"member": True}])


def sold(bought: Basket, whole: Pack) -> tuple[Sold, Compiled]:
    """A sale of ``bought`` under a pack."""
    compiled = compile_pack(whole)
    priced = price(bought, compiled)
    return Sold(bought, priced.effects, priced.payable_minor), compiled


def _ring_pack() -> Pack:
    gold = {**percent("gold", 1_000, lane="line", scope="line"), "when": [{"tier": ["gold"]}]}
    coupon = rule("coupon", "coupon", {"amount": {"off_minor": 5_000, "scope": "basket"}}, when=[{"code": ["FIFTY"]}])
    return pack(gold, coupon, PER_YUAN)


def test_a_ring_of_1000_exchanged_for_one_of_1200_and_returned() -> None:
    """1,000 less 10 % less 50 is 850 with 850 points; 1,200 comes to 1,030: 180 more to pay and 180 more points. It
    comes back for 1,030, with all points and the coupon.
    """
    ring = BasketLine("RING", 1, 100_000, ("rings",))
    bought = Basket((ring,), Customer("gold"), codes=("FIFTY",))
    sale, compiled = sold(bought, _ring_pack())
    assert (sale.payable_minor, sum(effect.points for effect in sale.effects)) == (85_000, 850)
    other = replace(ring, sku="RING-2", unit_price_minor=120_000)
    changed = exchange(sale, compiled, (1,), (other,))
    assert (changed.priced.payable_minor, changed.due_minor, changed.points) == (103_000, 18_000, 180)
    now = Sold(replace(bought, lines=(other,)), changed.priced.effects, changed.priced.payable_minor)
    back = refund(now, compiled, (1,))
    assert (back.refund_minor, back.points_back, back.codes_restored) == (103_000, 1_030, ("FIFTY",))
    cheaper = exchange(sale, compiled, (1,), (replace(ring, unit_price_minor=50_000),))
    assert (cheaper.due_minor, cheaper.points) == (-45_000, -450)


def test_an_exchange_after_a_return_counts_the_money_the_customer_still_has_in_it() -> None:
    """满300减200 charged back: after one of three comes back for nothing, the two that stay stand at 200.00, but only
    100.00 was ever paid. One of them exchanged for one of 150.00: 250.00 less the 100.00 that were paid.
    """
    whole = pack({**save("save", 30_000, 20_000), "on_return": "charge_back"})
    bought = basket(10_000, 10_000, 10_000)
    sale, compiled = sold(bought, whole)
    first = refund(sale, compiled, (1, 0, 0))
    assert first.refund_minor == 0
    changed = exchange(sale, compiled, (0, 1, 0), (BasketLine("NEW", 1, 15_000),), (first,))
    assert (changed.priced.payable_minor, changed.due_minor) == (25_000, 15_000)


@pytest.mark.parametrize(
    ("most_minor", "new_minor", "due", "to_stored", "from_stored"),
    [
        ({}, 400, -600, 600, 0),
        ({"most_minor": 500}, 400, -600, 100, 0),
        ({"most_minor": 500}, 700, -300, 0, 0),
        ({}, 1_300, 300, 0, 300),
        ({}, 3_000, 2_000, 0, 1_000),
        ({"most_minor": 500}, 1_300, 300, 0, 0),
    ],
)
def test_an_exchange_turns_no_stored_value_into_cash(
    most_minor: Any, new_minor: int, due: int, to_stored: int, from_stored: int
) -> None:
    """10.00 wholly or half from a balance of 20.00: what was paid from it goes back to it, as in a refund."""
    whole = pack(rule("stored", "tender", {"pay_stored": most_minor}))
    sale, compiled = sold(Basket((BasketLine("A", 1, 1_000),), Customer("gold", stored_minor=2_000)), whole)
    changed = exchange(sale, compiled, (1,), (BasketLine("B", 1, new_minor),))
    assert (changed.due_minor, changed.to_stored_minor, changed.from_stored_minor) == (due, to_stored, from_stored)


def test_an_exchange_gives_and_takes_back_what_belongs_to_the_goods() -> None:
    """Tea 20.00 by a code gives a cup, a coupon, two washes, 3.00 of bonus and 20 points; ware gives a bag instead."""
    tea, ware = BasketLine("TEA", 1, 2_000, ("tea",)), BasketLine("WARE", 1, 500, ("ware",))
    gives: tuple[Any, ...] = (
        {"gift": {"sku": "CUP"}},
        {"issue_coupon": {"coupon": "next"}},
        {"grant_counts": {"card": "wash", "uses": 2}},
        {"rebate": {"minor": 300}},
    )
    with_tea: list[Any] = [{"code": ["TEA"]}, {"quantity": {"at_least": 1, "select": {"categories": ["tea"]}}}]
    with_ware: list[Any] = [{"code": ["WARE"]}, {"quantity": {"at_least": 1, "select": {"categories": ["ware"]}}}]
    whole = pack(
        rule("tea", "basket", *gives, when=with_tea),
        rule("ware", "basket", {"gift": {"sku": "BAG"}}, when=with_ware),
        PER_YUAN,
        coupons=[{"coupon": "next", "title": "next", "title_en": "next", "valid_from_days": 1, "valid_days": 30}],
        count_cards=[{"card": "wash", "title": "wash", "title_en": "wash", "valid_days": 365}],
    )
    sale, compiled = sold(Basket((tea,), Customer("gold"), codes=("TEA", "WARE")), whole)
    there = exchange(sale, compiled, (1,), (ware,), balance=6)
    assert (there.due_minor, there.points, there.points_debt, there.bonus_minor) == (-1_500, -15, 9, -300)
    assert (there.codes_restored, there.codes_used) == (("TEA",), ("WARE",))
    assert (there.gifts, there.gifts_due) == ((Given("BAG", 1),), (Given("CUP", 1),))
    assert (there.coupons_withdrawn, there.counts_withdrawn) == ((Given("next", 1),), (Given("wash", 2),))
    now = Sold(replace(sale.basket, lines=(ware,)), there.priced.effects, there.priced.payable_minor)
    back = exchange(now, compiled, (1,), (tea,), balance=0)
    assert (back.due_minor, back.points, back.points_debt, back.bonus_minor) == (1_500, 15, 0, 300)
    assert (back.coupons, back.counts, back.gifts_due) == ((Given("next", 1),), (Given("wash", 2),), (Given("BAG", 1),))
