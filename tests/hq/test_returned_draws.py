"""Points, budgets and pools that a sale drew come home with its goods, and head office has nothing to say."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.txn.effects import Print
from contract.value import Account, Asset
from hq.db import reading, writing
from hq.grants import buy_pool, grant
from hq.ledger import balance
from tests.hq.test_draws_from_tills import CAMPAIGN, EARN, PAY, Shops
from tests.hq.test_returns_at_the_till import last, words
from tests.hq.tills import NOW_MS, HeadOffice

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
POINTS = Account(Asset.POINTS, "m-1")


def points_by_the_books(hq: HeadOffice) -> int:
    """What head office owes the member."""
    with reading(hq.engine) as connection:
        return -balance(connection, "member/m-1/points", "points")


@pytest.mark.row("G03")
def test_points_are_earned_redeemed_and_reversed_by_returns(hq: HeadOffice, tmp_path: Path) -> None:
    """198.00 earns 198; 100 points are 1.00 off 2.00, which earns 1; both come back, and everybody has 0."""
    shops = Shops(hq, tmp_path, PAY, EARN, points={"at_once": True})
    till = shops.a
    till.tap()
    (printed,) = (effect for effect in till.keys("198", "enter", "cash") if isinstance(effect, Print))
    assert "本单积分 Points earned +198" in words(printed.paper)
    shops.meet()
    assert (shops.left(till, POINTS), points_by_the_books(hq)) == (198, 198)
    first = next(entry.header.seq for entry in till.journal() if entry.header.kind == "sale")

    till.tap()
    till.keys("2", "enter", "points", "cash")
    assert shops.left(till, POINTS) == 198 - 100 + 1
    shops.meet()
    assert points_by_the_books(hq) == 99
    second = max(entry.header.seq for entry in till.journal() if entry.header.kind == "sale")

    till.keys("enter", "refund", str(second), "enter", "refund", "enter")
    assert (last(till).refund_minor, last(till).points_back, last(till).points_restored) == (100, 1, 100)
    assert shops.left(till, POINTS) == 198
    till.keys("enter", "refund", str(first), "enter", "refund", "enter")
    assert (last(till).refund_minor, last(till).points_back) == (19_800, 198)
    # What was taken back cannot be spent here a moment later.
    assert shops.left(till, POINTS) == 0
    till.keys("enter")
    shops.meet()
    assert points_by_the_books(hq) == 0
    shops.require_right()
    shops.close()


def test_a_campaign_and_a_merchant_have_back_what_a_returned_sale_took(hq: HeadOffice, tmp_path: Path) -> None:
    shops = Shops(hq, tmp_path, CAMPAIGN, EARN, points={"pools": ["shop-a"], "at_once": True, "unfunded": "none"})
    budget, pool = Account(Asset.BUDGET, "save-20"), Account(Asset.POOL, "shop-a")
    shops.meet(2)
    with writing(hq.engine) as connection:
        grant(connection, hq.desk, budget, 30_000, NOW_MS)
        assert buy_pool(connection, hq.desk, "shop-a", 10_000, 0, 100_00, NOW_MS) == 10_000
    shops.meet()
    till = shops.a
    before = {account: shops.left(till, account) for account in (budget, pool)}
    till.tap()
    till.keys("60", "enter", "60", "enter", "cash")
    assert shops.left(till, budget) == before[budget] - 2_000
    assert shops.left(till, pool) == before[pool] - 100
    sale = till.journal()[-1].header.seq
    # Without one of the two the rule gives nothing any more or half as much, as it says itself.
    for keys in (("0", "enter", "refund", "enter"), ("refund", "enter")):
        till.keys("enter", "refund", str(sale), "enter", *keys)
    till.keys("enter")
    shops.meet()
    shops.require_right()
    with reading(hq.engine) as connection:
        assert -balance(connection, "budget/save-20", "CNY") == 30_000
        assert -balance(connection, "shop/shop-a/points_pool", "points") == 10_000
    assert points_by_the_books(hq) == 0
    shops.close()
