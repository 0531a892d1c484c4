"""How often limited rules have acted is right whatever tills say of returns, in whatever order journals come, and
whatever clocks say.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from sqlalchemy import select

from contract import topics
from contract.basket import Basket, BasketLine, Customer
from contract.bodies import EntryKind
from contract.documents import DocumentKind
from contract.journal import Entry
from contract.topics import Up
from contract.trace import RuleTimes
from contract.trade import Original, PackRef, PerpetualTotals, RefundBody, SaleBody, Tender, TenderKind
from hq.books import exception_lines
from hq.db import reading
from hq.rule_counts import used_by_member
from hq.tables import rule_counts
from rules.authoring import read_authored
from rules.engine.compiled import compile_pack
from rules.engine.price import price
from rules.postings import refund_postings, sale_postings
from rules.refund import refund, sold_of
from rules.undone import rules_undone
from tests.hq.borrowers import DAY_MS
from tests.hq.test_together import C1
from tests.hq.tills import A1, B1, GOLD_AT_TILL, NOW_MS, HeadOffice, Till
from tests.txn.desk import promising

TEN = {"amount": {"off_minor": 1_000, "scope": "basket"}}
WELCOME = {"rule": "welcome", "lane": "basket", "when": [{"member": True}], "limits": {"per_member": 1}, "then": [TEN]}
TODAY = {**WELCOME, "rule": "today", "limits": {"per_member_day": 1}}
TOTALS = PerpetualTotals(1, 1)


class Limited:
    """A head office whose pack has rules that a member gets once, and tills that give them nevertheless."""

    def __init__(self, hq: HeadOffice) -> None:
        self.hq = hq
        text = json.dumps(promising(WELCOME, TODAY, zones=["UTC"]))
        signed = hq.sign_pack(text)
        hq.publish(DocumentKind.PACK)
        self.ref = PackRef(signed.version, signed.digest)
        self.compiled = compile_pack(read_authored(text))

    def sells(self, till: Till, wall_ms: int = NOW_MS) -> Entry:
        """The member buys one piece for 50."""
        till.wall_ms, address, customer = wall_ms, till.address, Customer("gold")
        line = BasketLine("open", 1, 5_000, ("general",))
        basket = Basket((line,), customer, address.shop, address.terminal, "store", wall_ms)
        priced = price(basket, self.compiled)
        body = SaleBody(
            cashier="01",
            pack=self.ref,
            currency="CNY",
            basket=basket,
            names=("商品",),
            payable_by_line=priced.payable_by_line,
            effects=priced.effects,
            payable_minor=priced.payable_minor,
            points_earned=0,
            points_spent=0,
            tenders=(Tender(TenderKind.CASH, priced.payable_minor),),
            postings=sale_postings(priced, "CNY", address.shop, address.terminal, "m1"),
            totals=TOTALS,
            member=GOLD_AT_TILL,
        )
        return till.sell(body)

    def takes_back(self, till: Till, sale: Entry, said: Sequence[RuleTimes] | None = None) -> Entry:
        """The piece comes back; the till says that this undoes what the rules say, or what it is told to say."""
        sale_body, header, address = sale.body(), sale.header, till.address
        assert isinstance(sale_body, SaleBody)
        sold = sold_of(sale_body)
        found = refund(sold, self.compiled, (1,))
        stands = header.address.shop, header.address.terminal, header.epoch, header.seq
        body = RefundBody(
            cashier="01",
            pack=self.ref,
            currency="CNY",
            original=Original(*stands, header.transaction, sale.digest),
            units=(1,),
            refund_minor=found.refund_minor,
            to_stored_minor=0,
            points_back=0,
            points_restored=0,
            tenders=(Tender(TenderKind.CASH, found.refund_minor),),
            postings=refund_postings(found, "CNY", address.shop, address.terminal, "m1", ()),
            totals=TOTALS,
            member=GOLD_AT_TILL,
            rules_undone=rules_undone(sold, self.compiled, (1,)) if said is None else tuple(said),
        )
        return till.append(EntryKind.REFUND, body)

    def counts(self, rule: str = "welcome") -> dict[str, int]:
        """How often a rule has acted for the member by head office's count, by terminal."""
        asked = select(rule_counts).where(rule_counts.c.rule == rule, rule_counts.c.holder == "member/m1")
        with reading(self.hq.engine) as connection:
            return {row.address.rpartition("/")[2]: row.times for row in connection.execute(asked)}

    def found(self) -> list[str]:
        with reading(self.hq.engine) as connection:
            return [line.detail for line in exception_lines(connection) if line.reason == "beyond_limit"]


@pytest.fixture
def limited(hq: HeadOffice) -> Limited:
    return Limited(hq)


def test_one_sale_that_comes_back_again_and_again_undoes_its_rules_once(limited: Limited) -> None:
    a, b = limited.hq.enrolled(A1), limited.hq.enrolled(B1)
    sale = limited.sells(a)
    limited.hq.offer(a, sale, *(limited.takes_back(a, sale) for _time in range(2)))
    limited.hq.offer(a, limited.takes_back(a, sale, [RuleTimes("welcome", 1)]))
    assert limited.counts() == {"": 0, "a1": 0}
    limited.hq.offer(b, *(limited.sells(b) for _time in range(2)))
    assert limited.counts() == {"": 2, "a1": 0, "b1": 2}
    (told,) = limited.found()
    assert told.endswith("acted 2 times, the pack allows 1; shop-b/b1 2")


def test_what_came_back_before_its_sale_was_told_is_taken_off_all_the_same(limited: Limited) -> None:
    a, b = limited.hq.enrolled(A1), limited.hq.enrolled(B1)
    sale = limited.sells(a)
    limited.hq.offer(b, limited.takes_back(b, sale))
    assert limited.counts() == {}
    limited.hq.offer(a, sale)
    assert limited.counts() == {"": 0, "a1": 0}
    # In one batch, the return first.
    other = limited.sells(a)
    later = a.next_epoch(1)
    later.entries.pop()
    limited.hq.offer(later, later.entries[0], limited.takes_back(later, other), later.carry(other))
    assert limited.counts() == {"": 0, "a1": 0}
    assert limited.found() == []


@pytest.mark.parametrize("together", [True, False])
def test_a_sale_that_came_back_twice_is_found_out_though_its_first_return_came_before_it(
    limited: Limited, together: bool
) -> None:
    a, b = limited.hq.enrolled(A1), limited.hq.enrolled(B1)
    sale = limited.sells(a)
    first, again = limited.takes_back(b, sale), limited.takes_back(a, sale)
    batches = (topics.up(B1, Up.BATCH), b.batch(first)), (topics.up(A1, Up.BATCH), a.batch(sale, again))
    if together:
        assert limited.hq.worker.together(batches, NOW_MS)[1] == []
    else:
        for topic, payload in batches:
            limited.hq.worker.handle(topic, payload, NOW_MS)
    with reading(limited.hq.engine) as connection:
        told = [(line.address, line.reason) for line in exception_lines(connection)]
    assert told == [(B1, "original_unknown"), (A1, "returned_twice")]
    assert limited.counts() == {"": 0, "a1": 0}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("together", [True, False])
def test_what_people_are_told_is_the_same_whether_batches_come_in_one_commit(limited: Limited, together: bool) -> None:
    a, b, other = (limited.hq.enrolled(address) for address in (A1, B1, C1))
    sale = limited.sells(a)
    batches = [
        (topics.up(till.address, Up.BATCH), till.batch(*entries))
        for till, entries in (
            (b, [limited.takes_back(b, sale)]),
            (other, [limited.sells(other)]),
            (a, [sale, limited.sells(a)]),
        )
    ]
    if together:
        assert limited.hq.worker.together(batches, NOW_MS)[1] == []
    else:
        for topic, payload in batches:
            limited.hq.worker.handle(topic, payload, NOW_MS)
    (told,) = limited.found()
    assert told.endswith("acted 2 times, the pack allows 1; shop-a/a1 1, shop-c/c1 1")


def test_a_clock_far_ahead_makes_nobody_forget_this_day(limited: Limited) -> None:
    a, b = limited.hq.enrolled(A1), limited.hq.enrolled(B1)
    limited.hq.offer(a, limited.sells(a))
    limited.hq.offer(b, limited.sells(b, NOW_MS + 70 * 365 * DAY_MS))
    with reading(limited.hq.engine) as connection:
        told = used_by_member(connection, limited.hq.desk, NOW_MS)["m1"]
    assert [item.terminal for item in told if item.rule == "today" and item.day == NOW_MS // DAY_MS] == ["a1"]
