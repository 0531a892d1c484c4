"""What goes back to where a sale drew it: in parts of whole units, and when nothing is kept all of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from contract.basket import Customer
from contract.errors import ContractError
from contract.value import Account, Asset, Draw
from rules.engine.compiled import compile_pack
from rules.engine.price import price
from rules.going_back import going_back
from rules.refund import Refund, Sold, refund
from tests.rules.samples import basket, pack, rule

STORED = Account(Asset.STORED, "m-1")
LOTS = (Draw(b"A" * 16, STORED, 3_000, 1_000, b"a" * 16, "s01"), Draw(b"B" * 16, STORED, 2_000, 0, b"b" * 16, "s02"))
OFF = rule("a-off", "line", {"percent": {"rate_bp": 1_000, "scope": "line", "select": {"skus": ["SKU-0"]}}})
POINTS = rule("points", "points", {"points_per_money": {"points": 1, "spend_minor": 100}})


def parts(drawn: tuple[Draw, ...], *returns: tuple[int, ...]) -> list[Counter[tuple[Asset, str]]]:
    """What goes back with each of these returns of three pieces of 40.00 each, 10 % off the first of them."""
    bought = replace(basket(4_000, 4_000, 4_000), customer=Customer("gold"))
    compiled = compile_pack(pack(OFF, POINTS))
    priced = price(bought, compiled)
    sold = Sold(bought, priced.effects, priced.payable_minor, stored_minor=6_000)
    earlier: list[Refund] = []
    found = []
    for units in returns:
        one = refund(sold, compiled, units, earlier)
        back = Counter[tuple[Asset, str]]()
        for item in going_back(sold, compiled, drawn, one, earlier):
            back[item.account.asset, item.lot.hex()[:2] if item.lot else ""] += item.whole
        found.append(back)
        earlier.append(one)
    return found


def test_stored_value_goes_back_lot_by_lot_the_last_drawn_first() -> None:
    first, second, third = parts(LOTS, (0, 0, 1), (0, 1, 0), (1, 0, 0))
    assert first == {(Asset.STORED, "62"): 2_000, (Asset.STORED, "61"): 2_000}
    assert second == {(Asset.STORED, "61"): 2_000}
    assert third == {}


@pytest.mark.parametrize(
    ("account", "drawn", "back"),
    [
        # The rule took 4.00 off the first piece alone: its budget is there again once that piece is.
        (Account(Asset.BUDGET, "a-off"), 400, (0, 0, 400)),
        (Account(Asset.BUDGET_USES, "a-off"), 1, (0, 0, 1)),
        # Uses go with the goods, at list price, and in whole ones.
        (Account(Asset.USES, "m-1", "coffee"), 4, (1, 1, 2)),
        # A merchant has back the points that are taken from the member: 36 + 40 + 40, and no more than were drawn.
        (Account(Asset.POOL, "s01"), 116, (40, 40, 36)),
        (Account(Asset.POOL, "s01"), 50, (40, 10, 0)),
        # Points and coupons are said by the return itself.
        (Account(Asset.POINTS, "m-1"), 100, (0, 0, 0)),
        (Account(Asset.COUPON, "C-1"), 1, (0, 0, 0)),
    ],
)
def test_what_is_counted_goes_back_in_its_own_proportion(account: Account, drawn: int, back: tuple[int, ...]) -> None:
    found = parts((Draw(b"C" * 16, account, drawn),), (0, 0, 1), (0, 1, 0), (1, 0, 0))
    assert tuple(sum(one.values()) for one in found) == back


def test_gifts_go_back_as_many_as_are_due_back() -> None:
    compiled = compile_pack(pack(rule("bag", "basket", {"gift": {"sku": "BAG", "quantity": 2}})))
    bought = replace(basket(10_000, 10_000), customer=Customer("gold"))
    priced = price(bought, compiled)
    sold = Sold(bought, priced.effects, priced.payable_minor)
    drawn = (Draw(b"G" * 16, Account(Asset.GIFT, "BAG"), 2),)
    first = refund(sold, compiled, (0, 1))
    second = refund(sold, compiled, (1, 0), [first])
    given = [sum(one.count for one in found.gifts_due) for found in (first, second)]
    back = [
        sum(item.amount for item in going_back(sold, compiled, drawn, found, earlier))
        for found, earlier in ((first, ()), (second, (first,)))
    ]
    assert back == given and sum(back) == sum(one.count for effect in priced.effects for one in effect.gifts)


def test_more_than_was_drawn_does_not_go_back() -> None:
    bought = basket(4_000)
    compiled = compile_pack(pack())
    sold = Sold(bought, (), 4_000, stored_minor=4_000)
    with pytest.raises(ContractError):
        going_back(sold, compiled, LOTS[1:], refund(sold, compiled, (1,)))
