"""A floor limit lets a member spend beyond what lies at a till: what the member has free pays it, the rest the shop
bears and people see it; it is taken back when the member has money again.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection

from agent.offline_store.faults import StoreError
from agent.paper import Pair, Paper
from agent.txn.effects import Print
from contract.bodies import EntryKind
from contract.documents import DocumentKind
from contract.trade import SaleBody
from contract.value import floor_draw
from hq.books import exception_lines, ledger_sums
from hq.db import reading, writing
from hq.exposure import exposure
from hq.grants import pay_in
from hq.ledger import balance
from hq.periods import open_entries, settle_entries
from hq.settlement.plain import plain_report
from hq.value_text import exposure_text
from tests.agent.real_till import WALLET, RealTill
from tests.hq.borrowers import require_sound
from tests.hq.on_the_line import Line, meet
from tests.hq.test_returns_at_the_till import code_on
from tests.hq.test_value_from_tills import two_tills
from tests.hq.tills import NOW_MS, TENANT, HeadOffice
from tests.hq.trading import quiet
from tests.txn.desk import NOTHING_OFF

CARD = {"medium": "card", "assurance": "claimed", "floor_day_minor": 5_000}
RULES = json.dumps(NOTHING_OFF | {"zones": ["UTC"], "spending": [CARD]})


def told(connection: Connection) -> list[tuple[str, str]]:
    """The open exceptions: what, and in which words."""
    return [(line.reason, line.detail) for line in exception_lines(connection) if line.settled_ms is None]


def stands(connection: Connection) -> tuple[int, int, int, int]:
    """What the member has of principal and bonus, and what the two shops bear."""
    member = [-balance(connection, f"member/m-1/{part}", "CNY") for part in ("principal", "bonus")]
    shops = [balance(connection, f"shop/{shop}/beyond_leases", "CNY") for shop in ("shop-a", "shop-b")]
    return member[0], member[1], shops[0], shops[1]


def spend_beyond(a1: RealTill, b1: RealTill) -> None:
    """Spend on the floor limits of two tills: 50 at the first, where 30 lie, and 45 at the other."""
    # 30 and then 20 of the 50 that the pack allows a day; it is shown before it is booked.
    a1.tap()
    a1.keys("50", "enter", "stored")
    assert len(list(a1.draws())) == 0
    (printed,) = (effect for effect in a1.keys("cash") if isinstance(effect, Print))
    assert ("  其中垫付 On floor limit", "20.00") in pairs(printed.paper)
    assert [(draw.whole, draw.on_floor) for draw in a1.draws()] == [(3_000, False), (2_000, True)]
    # The rest of the day's 50, then no more.
    a1.tap()
    a1.keys("40", "enter", "stored", "cash")
    a1.tap()
    a1.keys("1", "enter", "stored")
    assert a1.refused == "floor_used"
    a1.keys("cash")
    # The other till knows nothing of that; nothing was lent to it.
    b1.tap()
    b1.keys("45", "enter", "stored", "cash")
    assert [draw.whole for till in (a1, b1) for draw in till.draws() if draw.on_floor] == [2_000, 3_000, 4_500]


def test_two_tills_offline_let_one_member_spend_beyond_the_balance_and_the_shops_bear_what_it_has_not(
    hq: HeadOffice, tmp_path: Path
) -> None:
    a1, b1 = two_tills(hq, tmp_path, RULES)
    hq.publish(DocumentKind.PACK)
    lines = Line(hq, a1), Line(hq, b1)
    a1.tap()
    a1.keys("30", "topup", "cash")
    spend_beyond(a1, b1)
    passed_ms = meet(hq, *lines)
    with reading(hq.engine) as connection:
        assert stands(connection) == (0, 0, 5_000, 4_500)
        assert sorted(told(connection)) == [
            ("floor_borne", f"{amount} that m-1 spent on the floor limit is borne by shop/{shop}/beyond_leases")
            for amount, shop in (("20.00", "shop-a"), ("30.00", "shop-a"), ("45.00", "shop-b"))
        ]
        seen = exposure_text(exposure(connection), "")
        assert "merchant risk: card claimed" in seen and "at each till: 50.00" in seen
        assert "borne so far: shop/shop-a/beyond_leases 50.00, shop/shop-b/beyond_leases 45.00" in seen
    require_sound(hq)

    # Money comes: it pays what shops bore, the oldest first, with its bonus; what is over is the member's.
    with writing(hq.engine) as connection:
        pay_in(connection, hq.desk, "m-1", 5_000, 1_000, b"p" * 16, NOW_MS + passed_ms)
    passed_ms = meet(hq, *lines, began_ms=passed_ms)
    with reading(hq.engine) as connection:
        assert sum(stands(connection)[:2]) == 0 and sum(stands(connection)[2:]) == 3_500
        assert len(told(connection)) == 1
    with writing(hq.engine) as connection:
        pay_in(connection, hq.desk, "m-1", 10_000, 2_000, b"q" * 16, NOW_MS + passed_ms)
    meet(hq, *lines, began_ms=passed_ms)
    with reading(hq.engine) as connection:
        principal, bonus, *borne = stands(connection)
        assert (principal + bonus, borne, told(connection)) == (8_500, [0, 0], [])
        assert set(ledger_sums(connection).values()) == {0}
        said = plain_report(settle_entries(connection, TENANT, open_entries(connection, quiet), NOW_MS))
        booked = {shop: balance(connection, f"shop/{shop}/settlement", "CNY") for shop in ("shop-a", "shop-b")}
    assert {shop["shop"]: shop["net_minor"] for shop in said["shops"] if shop["shop"] in booked} == booked
    assert [item["difference_minor"] for item in said["liabilities"]] == [0]
    require_sound(hq)
    for till in (a1, b1):
        till.store.close()


def test_what_the_member_has_elsewhere_pays_without_a_word_and_what_comes_back_is_value_again(
    hq: HeadOffice, tmp_path: Path
) -> None:
    a1, b1 = two_tills(hq, tmp_path, RULES)
    hq.publish(DocumentKind.PACK)
    lines = Line(hq, a1), Line(hq, b1)
    with writing(hq.engine) as connection:
        pay_in(connection, hq.desk, "m-1", 4_000, 0, b"p" * 16, NOW_MS)
    b1.tap()
    paid = b1.keys("30", "enter", "stored", "cash")
    meet(hq, *lines)
    with reading(hq.engine) as connection:
        assert (told(connection), stands(connection)) == ([], (1_000, 0, 0, 0))
    require_sound(hq)

    # The goods come back: what was spent on the floor limit is the member's again, spendable there at once.
    held = b1.left
    b1.keys("enter", "refund")
    b1.scan(code_on(paid))
    b1.keys("refund", "enter")
    assert b1.left == held + 3_000
    meet(hq, *lines, began_ms=60_000)
    with reading(hq.engine) as connection:
        assert (told(connection), stands(connection)) == ([], (4_000, 0, 0, 0))
    require_sound(hq)
    for till in (a1, b1):
        till.store.close()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_beyond_the_limit_the_shop_bears_it_whatever_the_member_has(hq: HeadOffice, tmp_path: Path) -> None:
    a1, b1 = two_tills(hq, tmp_path, RULES)
    hq.publish(DocumentKind.PACK)
    with writing(hq.engine) as connection:
        pay_in(connection, hq.desk, "m-1", 20_000, 0, b"p" * 16, NOW_MS)
    a1.tap()
    a1.keys("50", "enter", "stored", "cash")
    body = next(found for entry in a1.journal() if isinstance(found := entry.body(), SaleBody))
    # A till that forgets the day.
    again = replace(body, draws=(floor_draw(b"2" * 16, WALLET, 5_000),))
    with pytest.raises(StoreError, match="not named after the transaction"):
        a1.store.append(EntryKind.SALE, b"3" * 16, a1.hands.clock().stamp(), again)
    a1.store.append(EntryKind.SALE, b"2" * 16, a1.hands.clock().stamp(), again)
    meet(hq, Line(hq, a1), Line(hq, b1))
    said = "m-1: 100.00 on the floor limit here that day, the pack allows 50.00; 50.00 is borne"
    with reading(hq.engine) as connection:
        assert told(connection) == [("floor_exceeded", said)]
        assert stands(connection) == (15_000, 0, 5_000, 0)
    require_sound(hq)
    for till in (a1, b1):
        till.store.close()


def pairs(paper: Paper) -> list[tuple[str, str]]:
    """What stands side by side on a paper."""
    return [(row.left, row.right) for row in paper.rows if isinstance(row, Pair)]
