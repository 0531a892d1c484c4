"""What two workers do to one member's value at the same moment comes to what one after the other would have done."""

from __future__ import annotations

from dataclasses import replace
from threading import Thread

import pytest
from sqlalchemy import event

from contract.bodies import EntryKind
from contract.postings import Posting, bonus_cost_account, member_bonus_account
from contract.trade import Original
from contract.value import Account, Asset
from hq.db import writing
from hq.granting import lend_from
from hq.placement import DEFAULT_LENDING
from rules.postings import refund_postings
from rules.refund import Refund
from tests.hq.borrowers import Borrower, balance_of, causes, require_sound
from tests.hq.tills import A1, B1, NOW_MS, HeadOffice
from tests.hq.trades import refund_body, sale_body


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_both_ends_of_a_slip_that_two_workers_take_at_one_moment_find_each_other(hq: HeadOffice) -> None:
    a, b = Borrower(hq, hq.enrolled(A1)), Borrower(hq, hq.enrolled(B1))
    a.top_up(10_000)
    a.sync()
    b.sync()
    slip = a.slip_out(B1, 7_000)
    assert slip is not None
    b.slip_in(slip, a.till)
    met: list[str] = []

    @event.listens_for(hq.engine, "before_cursor_execute")
    def _meet(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        """The other end is committed once this one has asked for slips and leases, and before it locks their lots."""
        if "FROM lots" in statement and not met:
            met.append(statement)
            other = Thread(target=b.sync)
            other.start()
            other.join(30)

    a.sync()
    assert met
    assert (causes(hq), balance_of(hq, "office/slips_ahead")) == (set(), 0)
    b.spend(7_000)
    b.sync()
    assert (causes(hq), balance_of(hq, "member/m1/principal")) == (set(), -3_000)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_bonus_that_is_being_lent_is_not_taken_back(hq: HeadOffice) -> None:
    a, b = Borrower(hq, hq.enrolled(A1)), Borrower(hq, hq.enrolled(B1))
    brought = (Posting(member_bonus_account("m1"), "CNY", -1_000), Posting(bonus_cost_account("shop-a"), "CNY", 1_000))
    body = sale_body("shop-a", [], hq.pack, hq.ref, "a1", NOW_MS)
    sale = a.till.sell(replace(body, bonus_minor=1_000, postings=(*body.postings, *brought)))
    a.sync()
    b.sync()
    original = Original("shop-a", "a1", 1, 1, sale.header.transaction, sale.digest)
    back = refund_body("shop-a", [], original, hq.ref, "a1")
    found = Refund((1,), 100, 0, 0, 0, 0, 1_000, (), (), (), ())
    moved = refund_postings(found, "CNY", "shop-a", "a1", "m1", ())
    a.till.append(EntryKind.REFUND, replace(back, refund_minor=100, bonus_back_minor=1_000, postings=moved))
    with writing(hq.engine) as connection:
        account = Account(Asset.STORED, "m1")
        assert lend_from(connection, B1, account, 1_000, DEFAULT_LENDING, NOW_MS) == 1_000
        refunding = Thread(target=a.sync)
        refunding.start()
        # It is under way before what is lent is for good.
        refunding.join(0.5)
    refunding.join(30)
    assert "bonus_spent" in causes(hq)
    require_sound(hq)
