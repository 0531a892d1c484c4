"""A campaign's budget covers the bonus that top-ups bring on later days: it is taken when it is promised."""

from __future__ import annotations

from pathlib import Path

from contract.trade import TopUpBody
from contract.value import Account, Asset
from hq.db import writing
from hq.grants import grant
from tests.hq.borrowers import balance_of, open_causes, require_sound
from tests.hq.test_draws_from_tills import SQLITE, Shops
from tests.hq.test_returns_at_the_till import code_on
from tests.hq.tills import NOW_MS, HeadOffice

DAY_MS = 86_400_000
LADDER = {"steps": [{"amount_minor": 100_000, "bonus_minor": 12_000}], "parts": 3, "every_days": 30}
BUDGETED = {
    "rule": "in-parts",
    "lane": "points",
    "limits": {"budget_minor": 60_000},
    "then": [{"top_up": LADDER}],
}
BUDGET = Account(Asset.BUDGET, "in-parts")

pytestmark = SQLITE


def bonus_of(shops: Shops) -> int:
    return -balance_of(shops.hq, "member/m-1/bonus")


def test_a_promise_is_taken_of_the_budget_at_once_and_no_more_is_given(hq: HeadOffice, tmp_path: Path) -> None:
    shops = Shops(hq, tmp_path, BUDGETED)
    shops.meet(2)
    with writing(hq.engine) as connection:
        grant(connection, hq.desk, BUDGET, 30_000, NOW_MS)
    shops.meet()
    till = shops.a
    share = shops.left(till, BUDGET)
    assert 12_000 <= share < 24_000
    for _again in range(2):
        till.tap()
        till.keys("1000", "topup", "cash", "enter")
    first, second = (body for entry in till.journal() if isinstance(body := entry.body(), TopUpBody))
    # The share had room for the first part of a second promise, but not for all of it.
    assert (first.bonus_minor, second.bonus_minor, shops.left(till, BUDGET)) == (4_000, 0, share - 12_000)
    shops.meet(3)
    assert (balance_of(hq, "budget/in-parts"), bonus_of(shops)) == (-18_000, 4_000)
    for days in (29, 31, 61, 91, 500):
        hq.worker.renew(NOW_MS + days * DAY_MS)
    assert (balance_of(hq, "budget/in-parts"), bonus_of(shops)) == (-18_000, 12_000)
    assert open_causes(hq) == set()
    require_sound(hq)
    shops.close()


def test_what_lapses_with_a_top_up_paid_out_goes_back_to_the_budget_once(hq: HeadOffice, tmp_path: Path) -> None:
    shops = Shops(hq, tmp_path, BUDGETED)
    shops.meet(2)
    with writing(hq.engine) as connection:
        grant(connection, hq.desk, BUDGET, 30_000, NOW_MS)
    shops.meet()
    till = shops.a
    till.tap()
    code = code_on(till.keys("1000", "topup", "cash"))
    till.keys("enter", "refund")
    till.scan(code)
    till.keys("enter")
    shops.meet(3)
    assert balance_of(hq, "budget/in-parts") == -18_000
    for days in (31, 61, 91):
        hq.worker.renew(NOW_MS + days * DAY_MS)
    # The part that came at once was the customer's for a while; what had not come yet is there again.
    assert (balance_of(hq, "budget/in-parts"), bonus_of(shops)) == (-26_000, 0)
    assert open_causes(hq) == set()
    require_sound(hq)
    shops.close()
