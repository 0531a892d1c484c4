"""Past the last day of its rules a till sells at list prices and says so; head office comes to the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from contract.bodies import EntryKind
from contract.calendar import day_text
from contract.documents import DocumentKind
from contract.trade import SaleBody
from hq.books import exception_lines
from hq.db import reading
from rules.authoring import read_authored
from rules.pack import write_pack
from tests.agent.shop import Shop
from tests.hq.on_the_line import Line, meet
from tests.hq.test_value_from_tills import two_tills
from tests.hq.tills import NOW_MS, HeadOffice
from tests.sync.office import NOON_MS
from tests.txn.desk import promising
from tests.waiting import eventually

DAY_MS = 86_400_000
GOLD = {"rule": "gold", "title": "金卡9折", "title_en": "Gold", "lane": "line", "when": [{"tier": ["gold"]}]}
TENTH = {**GOLD, "then": [{"percent": {"rate_bp": 1_000, "scope": "line"}}]}


def rules(last_ms: int) -> str:
    """A tenth off for gold, to the end of a day."""
    return json.dumps(promising(TENTH) | {"zones": ["UTC"], "valid_until": day_text(last_ms // DAY_MS)})


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_day_after_everything_costs_its_list_price_and_head_office_agrees(hq: HeadOffice, tmp_path: Path) -> None:
    a1, b1 = two_tills(hq, tmp_path, rules(NOW_MS))
    hq.publish(DocumentKind.PACK)
    line = Line(hq, a1)
    for elapsed_ms in (0, DAY_MS):
        a1.hands.elapsed_ms = elapsed_ms
        a1.tap()
        a1.keys("100", "enter", "cash")
    bodies = [entry.body() for entry in a1.journal() if entry.header.kind is EntryKind.SALE]
    assert [body.payable_minor for body in bodies if isinstance(body, SaleBody)] == [9_000, 10_000]
    meet(hq, line, began_ms=DAY_MS, turns=2)
    with reading(hq.engine) as connection:
        assert [(found.reason, found.detail) for found in exception_lines(connection)] == []
    for one in (a1, b1):
        one.store.close()


def test_the_glass_says_that_the_rules_are_over_and_the_journal_once(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.open()
    try:
        shop.provision()
        shop.publish(2, write_pack(read_authored(rules(NOON_MS - DAY_MS))))
        shop.outside.see("v2", "优惠规则", "按原价卖")
        shop.sign_in()
        shop.tap()
        shop.sell("100", "¥100.00")
        eventually(lambda: any("rules_over" in told for told in shop.events()))
        assert [told.split(":")[0] for told in shop.events()] == ["rules_over pack 2"]
        shop.publish(3, write_pack(read_authored(rules(NOON_MS))))
        shop.press("enter")
        shop.outside.see("v3")
        eventually(lambda: "按原价卖" not in "".join(shop.outside.text))
        shop.tap()
        shop.sell("100", "¥90.00")
    finally:
        shop.close()
