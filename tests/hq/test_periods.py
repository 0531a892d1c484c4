"""Closed books stay closed: what comes late is late, what was frozen recomputes, and everything sums to nothing."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from sqlalchemy import func, select, update

from contract.bodies import CarryOverBody, EntryKind, EpochReason, EpochStartBody
from hq.books import ledger_sums
from hq.db import reading, writing
from hq.errors import OfficeError
from hq.periods import close_period, closed_periods, kept_lines
from hq.settlement.merkle import Tree
from hq.settlement.report import Line
from hq.settlement.terms import ISSUER_BEARS, SettlementClass, ShopTerms
from hq.settlement_text import period_text, report_text
from hq.shop_terms import add_terms
from hq.tables import entries, periods, postings
from tests.hq.tills import B1, NOW_MS, HeadOffice
from tests.hq.trades import sale_body
from tests.hq.trading import Chain, quiet

DAY_MS = 86_400_000


@pytest.fixture
def chain(hq: HeadOffice) -> Chain:
    return Chain(hq)


def rows(said: dict[str, Any]) -> dict[tuple[str, str, str], int]:
    return {(row["payer"], row["payee"], row["kind"]): row["amount_minor"] for row in said["rows"]}


@pytest.mark.row("W30")
def test_a_top_up_at_a_is_settled_with_where_it_was_spent_and_refunded(chain: Chain) -> None:
    """Top-up 100+20 at A, drawn 5:1; spend 60 at B and 30 at C; refund 12 at C."""
    top_up = chain.top_up("shop-a", 10_000, 2_000)
    at_b = chain.spend("shop-b", 5_000, 1_000)
    at_c = chain.spend("shop-c", 2_500, 500)
    back = chain.refund("shop-c", at_c, 1_000, 200)
    lines: list[Line] = []
    said = chain.report(lines)
    assert rows(said) == {
        ("shop-a", "@pool", "principal"): 10_000,
        ("@pool", "shop-b", "principal"): 5_000,
        ("@pool", "shop-c", "principal"): 1_500,
        ("shop-a", "shop-b", "bonus"): 1_000,
        ("shop-a", "shop-c", "bonus"): 300,
    }
    # The member keeps principal 35 and bonus 7, in the ledger as in the report; all rows and the liability sum to 0.
    assert (chain.balance("member/m1/principal"), chain.balance("member/m1/bonus")) == (-3_500, -700)
    assert said["liabilities"] == [
        {"currency": "CNY", "principal_minor": 3_500, "bonus_minor": 700, "pool_minor": 3_500, "difference_minor": 0}
    ]
    shops = ("shop-a", "shop-b", "shop-c")
    assert [chain.balance(f"shop/{shop}/settlement") for shop in shops] == [-11_300, 6_000, 1_800]
    assert sum(chain.balance(f"pool/settlement/{shop}") for shop in shops) + chain.balance("member/m1/principal") == 0
    # Every row drills to the signed entries it comes from.
    drilled: dict[tuple[str, str, str], list[tuple[bytes, int]]] = {}
    for line in lines:
        key = (line.key.payer, line.key.payee, line.key.kind.value)
        drilled.setdefault(key, []).append((line.entry.digest, line.amount_minor))
    assert drilled == {
        ("shop-a", "@pool", "principal"): [(top_up.digest, 10_000)],
        ("@pool", "shop-b", "principal"): [(at_b.digest, 5_000)],
        ("@pool", "shop-c", "principal"): [(at_c.digest, 2_500), (back.digest, -1_000)],
        ("shop-a", "shop-b", "bonus"): [(at_b.digest, 1_000)],
        ("shop-a", "shop-c", "bonus"): [(at_c.digest, 500), (back.digest, -200)],
    }
    with reading(chain.hq.engine) as connection:
        assert set(ledger_sums(connection).values()) == {0}


@pytest.mark.row("W29")
def test_direct_and_franchise_shops_stand_in_one_report(chain: Chain) -> None:
    """A and B are one owner's own and net inside; C is another's franchise at 97 % and is owed."""
    terms = ShopTerms("shop-c", 0, "partners", SettlementClass.FRANCHISE, 9_700, ISSUER_BEARS)
    with writing(chain.hq.engine) as connection:
        assert add_terms(connection, "acme", [terms], NOW_MS) == 1
    chain.top_up("shop-a", 10_000, 0)
    chain.spend("shop-b", 5_000, 0)
    chain.spend("shop-c", 3_000, 0)
    said = chain.report()
    assert said["payments"] == [
        {"payer": "company:acme", "payee": "@pool", "currency": "CNY", "amount_minor": 5_000},
        {"payer": "@pool", "payee": "shop:shop-c", "currency": "CNY", "amount_minor": 3_000},
        {"payer": "shop:shop-c", "payee": "company:acme", "currency": "CNY", "amount_minor": 90},
    ]
    told = {
        shop["shop"]: (shop["company"], shop["settles"], shop["rate_bp"], shop["net_minor"]) for shop in said["shops"]
    }
    assert told == {
        "office": ("acme", "direct", 10_000, 90),
        "shop-a": ("acme", "direct", 10_000, -10_000),
        "shop-b": ("acme", "direct", 10_000, 5_000),
        "shop-c": ("partners", "franchise", 9_700, 2_910),
    }
    assert chain.balance("shop/shop-c/settlement") == 2_910
    text = report_text(said)
    assert "加盟 franchise" in text and "直营 direct" in text and "97.00%" in text


@pytest.mark.row("W31")
def test_a_sale_synced_late_is_late_of_the_closed_period_and_changes_nothing_of_it(chain: Chain) -> None:
    """B's till was offline for three days; meanwhile the books were closed."""
    for till in chain.tills.values():
        till.wall_ms = NOW_MS - 3 * DAY_MS
    chain.top_up("shop-a", 10_000, 2_000)
    late_till = chain.tills["shop-b"]
    late_body = sale_body("shop-b", chain.draws(5_000, 1_000), chain.hq.pack, chain.hq.ref, "b1", NOW_MS)
    late = late_till.append(EntryKind.SALE, late_body)
    to_ms = NOW_MS - 2 * DAY_MS
    closed = chain.close("june", to_ms)
    tree = Tree()
    for till in chain.tills.values():
        for entry in till.entries:
            if entry is not late:
                tree.add(entry.digest)
    assert (closed.root, closed.entries) == (tree.root(), 1)
    assert closed.report_hash == hashlib.sha256(closed.report).digest()
    frozen = json.loads(closed.report)
    assert frozen["trial_balance"]["CNY"] == {"debit": 22_000, "credit": 22_000}
    assert (frozen["ledger_differences"], frozen["late_entries"]) == ([], 0)

    chain.hq.offer(late_till, late)
    said = chain.report()
    assert {row["late_of"] for row in said["rows"]} == {"june"}
    assert rows(said) == {("@pool", "shop-b", "principal"): 5_000, ("shop-a", "shop-b", "bonus"): 1_000}
    assert chain.balance("shop/shop-b/settlement") == 6_000

    chain.tills["shop-c"].wall_ms = to_ms
    chain.spend("shop-c", 2_500, 500)
    july = chain.close("july", NOW_MS)
    said = json.loads(july.report)
    assert (said["signed_entries"], said["late_entries"], said["ledger_differences"]) == (2, 1, [])
    late_rows = [row for row in said["settlement"]["rows"] if row.get("late_of") == "june"]
    assert sum(row["amount_minor"] for row in late_rows) == 6_000
    with reading(chain.hq.engine) as connection:
        june = closed_periods(connection)[0]
        assert set(ledger_sums(connection).values()) == {0}
    assert june == closed
    assert chain.holds("june") and chain.holds("july")
    assert all(sums["debit"] == sums["credit"] for sums in said["trial_balance"].values())
    assert "一致 agrees" in period_text(said, july.report_hash)


def test_a_period_that_was_tampered_with_no_longer_recomputes(chain: Chain) -> None:
    chain.top_up("shop-a", 10_000, 2_000)
    chain.close("june", NOW_MS + 1_000)
    assert chain.holds("june")
    with writing(chain.hq.engine) as connection:
        more = postings.c.account == "shop/shop-a/settlement"
        connection.execute(update(postings).where(more).values(amount=postings.c.amount - 1))
    with pytest.raises(OfficeError, match="do not balance"):
        chain.holds("june")
    with writing(chain.hq.engine) as connection:
        (sealed,) = connection.scalars(select(entries.c.sealed))
        connection.execute(update(entries).values(sealed=sealed[:-1] + b"x"))
    with pytest.raises(OfficeError, match="not the bytes"):
        chain.holds("june")


def test_a_period_is_closed_once_in_order_and_only_when_it_is_over(chain: Chain) -> None:
    chain.close("june", NOW_MS)
    for name, to_ms, now_ms in (
        ("june", NOW_MS + 1, NOW_MS + 1),
        ("again", NOW_MS, NOW_MS),
        ("early", NOW_MS - 1, NOW_MS),
        ("ahead", NOW_MS + 2, NOW_MS + 1),
    ):
        with writing(chain.hq.engine) as connection, pytest.raises(OfficeError):
            close_period(connection, "acme", name, to_ms, now_ms, quiet)
    with reading(chain.hq.engine) as connection:
        assert [period.name for period in closed_periods(connection)] == ["june"]
        assert connection.scalar(select(func.count()).select_from(periods)) == 1


def test_an_entry_carried_into_a_later_epoch_settles_once(chain: Chain) -> None:
    chain.top_up("shop-a", 10_000, 0)
    before = chain.spend("shop-b", 5_000, 0)
    unsent = chain.tills["shop-b"].append(
        EntryKind.SALE, sale_body("shop-b", chain.draws(1_000, 0), chain.hq.pack, chain.hq.ref, "b1", NOW_MS)
    )
    again = chain.hq.enrolled(B1, 2)
    start = EpochStartBody(EpochReason.JOURNAL_DAMAGED, 1, 0, bytes(32), 2)
    carried = [again.append(EntryKind.EPOCH_START, start)]
    for entry in (before, unsent):
        body = CarryOverBody(1, entry.header.seq, entry.sealed)
        carried.append(again.append(EntryKind.CARRY_OVER, body, entry.header.transaction))
    chain.hq.offer(again, *carried)
    assert rows(chain.report())["@pool", "shop-b", "principal"] == 6_000
    assert chain.balance("shop/shop-b/settlement") == 6_000
    closed = chain.close("june", NOW_MS + 1_000)
    with reading(chain.hq.engine) as connection:
        receipts = sorted(receipt for _key, receipt, _transaction, _amount in kept_lines(connection, closed))
    assert receipts == ["SHOP-A.A1-1-000001", "SHOP-B.B1-1-000001", "SHOP-B.B1-1-000002"]
    # Both the entry and the one that carries it are among what was signed.
    assert (closed.entries, json.loads(closed.report)["ledger_differences"]) == (5, [])


def test_terms_are_not_changed_for_what_was_settled(chain: Chain) -> None:
    new = ShopTerms("shop-a", 0, "partners", SettlementClass.FRANCHISE, 9_000, ISSUER_BEARS)
    chain.top_up("shop-a", 10_000, 0)
    with writing(chain.hq.engine) as connection:
        with pytest.raises(OfficeError, match="settled already"):
            add_terms(connection, "acme", [new], NOW_MS)
        later = ShopTerms("shop-a", NOW_MS, "partners", SettlementClass.FRANCHISE, 9_000, ISSUER_BEARS)
        assert [add_terms(connection, "acme", [later], NOW_MS) for _ in range(2)] == [1, 0]
        other = ShopTerms("shop-a", NOW_MS, "partners", SettlementClass.FRANCHISE, 8_000, ISSUER_BEARS)
        with pytest.raises(OfficeError, match="not changed"):
            add_terms(connection, "acme", [other], NOW_MS)


def test_a_clock_far_ahead_puts_no_entry_beyond_every_period(chain: Chain) -> None:
    chain.tills["shop-a"].wall_ms = NOW_MS + 75 * 365 * DAY_MS
    chain.top_up("shop-a", 10_000, 0)
    assert chain.close("june", NOW_MS + 1_000).entries == 1
    assert chain.report()["rows"] == []


def test_what_was_spent_beyond_leases_stands_in_the_period_s_report_with_who_bears_it(chain: Chain) -> None:
    chain.top_up("shop-a", 10_000, 1_000)
    chain.spend("shop-b", 5_000, 500)
    till = chain.tills["shop-b"]
    body = sale_body("shop-b", chain.draws(2_000, 200), chain.hq.pack, chain.hq.ref, "b1", NOW_MS)
    chain.hq.offer(till, till.append(EntryKind.SALE, body))
    chain.hq.worker.lend(NOW_MS)
    said = json.loads(chain.close("first", NOW_MS + DAY_MS).report)
    assert said["late_spends"] == [{"account": "shop/shop-b/beyond_leases", "unit": "CNY", "amount": 2_200}]
    # The pool has paid for it, and the issuer for its bonus; both have it again, and all rows sum to what is owed.
    found = rows(said["settlement"])
    assert found["shop-b", "@pool", "late"] == 2_200
    assert found["shop-a", "@pool", "late"] == -200
    net = {shop["shop"]: shop["net_minor"] for shop in said["settlement"]["shops"]}
    assert net == {"shop-a": -10_000 - 500, "shop-b": 5_500}
    (liability,) = said["settlement"]["liabilities"]
    assert (liability["principal_minor"], liability["bonus_minor"], liability["difference_minor"]) == (5_000, 500, 0)
    assert said["ledger_differences"] == []
    assert chain.holds("first")
