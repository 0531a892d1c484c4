"""What was spent beyond the pack's level for such a recognition is told to people; the sale stands as it was made."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from contract.bodies import EntryKind
from contract.documents import DocumentKind
from contract.trade import Assurance, Medium, MemberRef, RefundBody, SaleBody
from contract.value import Asset
from hq.books import exception_lines
from hq.db import reading
from hq.ledger import balance
from hq.tables import day_spends
from tests.hq.test_value_from_tills import sync, two_tills
from tests.hq.tills import HeadOffice
from tests.txn.desk import promising

CARD = {"medium": "card", "assurance": "claimed", "stored_sale_minor": 3_000, "stored_day_minor": 5_000}
TENTH = {"rule": "none", "title": "无", "title_en": "none", "lane": "line", "when": [{"tier": ["nobody"]}]}
RULES = promising({**TENTH, "then": [{"percent": {"rate_bp": 1, "scope": "line"}}]})


def test_a_till_keeps_to_the_pack_and_one_that_does_not_is_found_out(hq: HeadOffice, tmp_path: Path) -> None:
    a1, b1 = two_tills(hq, tmp_path, json.dumps(RULES | {"zones": ["UTC"], "spending": [CARD]}))
    hq.publish(DocumentKind.PACK)
    a1.tap()
    a1.keys("100", "topup", "cash")
    spent = []
    for _sale in range(3):
        before = a1.left
        a1.tap()
        a1.keys("40", "enter", "stored")
        if not a1.refused:
            a1.keys("cash")
        spent.append(before - a1.left)
    # 30 in one sale, 50 in a day; then the till says so.
    assert (spent, a1.refused) == ([3_000, 2_000, 0], "value_level")
    assert a1.store.allowances.spent_since("m-1", Asset.STORED, 0) == 5_000
    assert a1.store.allowances.spent_since("m-1", Asset.STORED, a1.book.now().wall_ms + 1) == 0
    assert a1.store.allowances.spent_since("m-2", Asset.STORED, 0) == 0
    a1.keys("cash")

    # A till that forgets the day, and then the level, is still believed about the money.
    first, second = (
        body for entry in a1.journal() if isinstance(body := entry.body(), SaleBody) and body.draws and body.member
    )
    by_phone = replace(first, member=MemberRef("m-1", Medium.PHONE, Assurance.CLAIMED))
    for number, body in enumerate((by_phone, second)):
        a1.store.append(EntryKind.SALE, bytes([number]) * 16, a1.hands.clock().stamp(), body)
    assert a1.left == 0
    sync(hq, a1)
    b1.store.close()
    with reading(hq.engine) as connection:
        told = [(line.reason, line.detail) for line in exception_lines(connection)]
        assert balance(connection, "member/m-1/principal", "CNY") == 0
        assert list(connection.execute(select(day_spends.c.asset, day_spends.c.amount))) == [("stored", 10_000)]
    assert told == [
        ("beyond_level", "m-1 by phone, claimed: 30.00 of stored, the pack allows 0.00"),
        ("beyond_level", "m-1 on 2025-10-09: 100.00 of stored here, the pack allows 50.00 a day"),
    ]


def test_what_a_return_gives_back_may_be_spent_again_that_day_at_the_till_and_by_head_office(
    hq: HeadOffice, tmp_path: Path
) -> None:
    a1, b1 = two_tills(hq, tmp_path, json.dumps(RULES | {"zones": ["UTC"], "spending": [CARD]}))
    hq.publish(DocumentKind.PACK)
    a1.tap()
    a1.keys("100", "topup", "cash")
    for _again in range(2):
        a1.tap()
        a1.keys("30", "enter", "stored")
        receipt = str(a1.journal()[-1].header.seq)
        a1.keys("enter", "refund", receipt, "enter", "refund", "enter", "enter")
        assert (a1.left, a1.store.allowances.spent_since("m-1", Asset.STORED, 0)) == (10_000, 0)
    a1.tap()
    a1.keys("30", "enter", "stored")
    a1.tap()
    a1.keys("20", "enter", "stored")
    assert (a1.left, a1.store.allowances.spent_since("m-1", Asset.STORED, 0)) == (5_000, 5_000)
    a1.tap()
    a1.keys("1", "enter", "stored")
    assert a1.refused == "value_level"
    a1.keys("cash")
    # A return that is told again and again gives nothing more back, at neither.
    returned = next(body for entry in a1.journal() if isinstance(body := entry.body(), RefundBody))
    for number in range(3):
        a1.store.append(EntryKind.REFUND, bytes([number]) * 16, a1.hands.clock().stamp(), replace(returned, born=()))
    assert a1.store.allowances.spent_since("m-1", Asset.STORED, 0) == 5_000
    sync(hq, a1)
    b1.store.close()
    with reading(hq.engine) as connection:
        assert {line.reason for line in exception_lines(connection)} == {"returned_twice"}
        spent = select(day_spends.c.asset, day_spends.c.amount)
        assert list(connection.execute(spent)) == [("stored", 5_000)]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_wrong_pins_of_members_are_counted_on_the_disk_and_nobody_elses(hq: HeadOffice, tmp_path: Path) -> None:
    a1, b1 = two_tills(hq, tmp_path, json.dumps(RULES))
    allowances = a1.store.allowances
    for _try in range(3):
        allowances.record_pin_try("m-1", False, 7)
        allowances.record_pin_try("m-9", False, 7)
    a1.store.close()
    a1.store.open()
    assert (allowances.pin_tries("m-1").count, allowances.pin_tries("m-1").last_ms) == (3, 7)
    assert allowances.pin_tries("m-9").count == 0
    allowances.record_pin_try("m-1", True, 8)
    assert allowances.pin_tries("m-1").count == 0
    for one in (a1, b1):
        one.store.close()
