"""What a dishonest till says of value costs nobody but its own shop: it is held back, or charged there and told."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from contract.bodies import EntryKind
from contract.postings import Posting, cash_account, member_principal_account
from contract.trade import Original, SaleBody
from contract.value import Account, Asset, Draw, Lease
from hq import books
from hq.tables import entries, leases, lots, postings
from tests.hq.borrowers import Borrower, balance_of, causes, lend, require_sound, take_step
from tests.hq.tills import A1, B1, NOW_MS, HeadOffice
from tests.hq.trades import MEMBER, refund_body, sale_body, top_up_body
from tests.hq.trading import Chain

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

WALLET = Account(Asset.STORED, "m1")
LOT = b"L" * 16
MOST = 2**53


def judged(hq: HeadOffice) -> list[str]:
    return list(hq.look(lambda connection: connection.scalars(select(entries.c.judged).order_by(entries.c.id))))


@pytest.mark.parametrize(
    "drawn",
    [
        Draw(b"d" * 16, WALLET, MOST, 0, LOT, "shop-b"),
        Draw(b"d" * 16, WALLET, 100, 99_999_999, LOT, "shop-b"),
        Draw(b"d" * 16, WALLET, 0, 0, LOT, "shop-b"),
        Draw(b"d" * 16, Account(Asset.POINTS, "m1"), MOST),
        Draw(b"d" * 16, Account(Asset.BUDGET, "gold-10"), MOST),
        Draw(b"d" * 16, Account(Asset.GIFT, "open"), MOST),
        Draw(b"d" * 16, Account(Asset.USES, "m1", "wash"), MOST),
        Draw(b"d" * 16, Account(Asset.COUPON, "C1"), MOST),
    ],
)
def test_a_draw_that_is_not_what_is_posted_or_larger_than_any_settles_nothing(hq: HeadOffice, drawn: Draw) -> None:
    a = Borrower(hq, hq.enrolled(A1))
    paid = Draw(b"p" * 16, WALLET, 100, 0, LOT, "shop-a")
    body = sale_body("shop-a", [paid], hq.pack, hq.ref, "a1", NOW_MS, MEMBER)
    a.till.append(EntryKind.SALE, replace(body, draws=(drawn,)))
    a.sync()
    assert judged(hq) == ["held"]
    assert "postings_foreign" in causes(hq)
    assert hq.look(lambda connection: connection.execute(select(postings)).all()) == []


def test_a_top_up_that_pays_in_other_than_it_posts_settles_nothing(hq: HeadOffice) -> None:
    a = Borrower(hq, hq.enrolled(A1))
    body = top_up_body("shop-a", 10_000, 0, hq.ref, b"t" * 16, "a1")
    a.till.append(EntryKind.TOP_UP, replace(body, amount_minor=1), b"t" * 16)
    huge = Lease(b"h" * 16, WALLET, MOST, 2**52, 0, b"u" * 16, "shop-a")
    a.till.append(EntryKind.TOP_UP, replace(body, born=(huge,)), b"u" * 16)
    a.sync()
    assert judged(hq) == ["held", "held"]
    require_sound(hq)


def test_bonus_settles_by_who_issued_the_lease_whatever_a_draw_says(hq: HeadOffice) -> None:
    a, b = Borrower(hq, hq.enrolled(A1)), Borrower(hq, hq.enrolled(B1))
    a.top_up(10_000, 2_000, keep=False)
    a.sync()
    lend(hq, B1, 6_000)
    b.activate()
    for key, lease in list(b.held.items()):
        b.held[key] = replace(lease, issuer="victim", lot=LOT)
    b.spend(6_000)
    b.sync()
    assert causes(hq) == {"draws_differ"}
    assert balance_of(hq, "shop/shop-b/settlement") == 6_000
    assert balance_of(hq, "shop/shop-a/settlement") == -11_000
    assert balance_of(hq, "shop/victim/settlement") == balance_of(hq, "shop/victim/bonus_cost") == 0
    require_sound(hq)


def test_a_report_settles_as_the_ledger_did_where_a_draw_said_another_issuer(hq: HeadOffice) -> None:
    chain = Chain(hq)
    chain.top_up("shop-a", 10_000, 2_000)
    honest = chain.lease
    chain.lease = replace(honest, issuer="victim")
    sale = chain.spend("shop-b", 5_000, 1_000)
    chain.lease = replace(chain.lease, issuer="victim")
    chain.refund("shop-c", sale, 1_000, 200)
    said = chain.report()
    assert {row["payer"] for row in said["rows"]} == {"shop-a", "@pool"}
    closed = chain.close("first", NOW_MS + 86_400_000)
    assert b'"ledger_differences":[]' in closed.report
    assert chain.holds("first")


@pytest.mark.parametrize("forged", ["issuer", "lot", "amount"])
def test_what_a_till_lends_itself_is_of_its_own_top_up(hq: HeadOffice, forged: str) -> None:
    a = Borrower(hq, hq.enrolled(A1))
    body = top_up_body("shop-a", 10_000, 0, hq.ref, b"t" * 16, "a1")
    (born,) = body.born
    born = {
        "issuer": replace(born, issuer="victim"),
        "lot": replace(born, lot=LOT),
        "amount": replace(born, amount=10_001),
    }[forged]
    a.till.append(EntryKind.TOP_UP, replace(body, born=(born,)), b"t" * 16)
    a.sync()
    assert causes(hq) == {"born_differs"}
    assert hq.look(lambda connection: connection.execute(select(leases)).all()) == []
    assert [row.issuer for row in hq.look(lambda connection: connection.execute(select(lots)).all())] == ["shop-a"]


@pytest.mark.parametrize("forged", ["", "principal", "lot", "more"])
def test_what_goes_back_into_stored_value_is_what_the_sale_drew(hq: HeadOffice, forged: str) -> None:
    a = Borrower(hq, hq.enrolled(A1))
    a.top_up(10_000, 10_000)
    sale = a.spend(10_000)
    assert sale is not None
    a.sync()
    # These tills draw bonus first: all of it was bonus.
    sold = sale.body()
    assert isinstance(sold, SaleBody)
    (drawn,) = sold.draws
    returned = {
        "": drawn,
        "principal": replace(drawn, amount=10_000, bonus_minor=0),
        "lot": replace(drawn, lot=LOT, issuer="victim"),
        "more": replace(drawn, bonus_minor=10_001),
    }[forged]
    header = sale.header
    original = Original("shop-a", "a1", header.epoch, header.seq, header.transaction, sale.digest)
    a.till.append(EntryKind.REFUND, refund_body("shop-a", (returned,), original, hq.ref, "a1"))
    a.sync()
    told = [line.detail for line in hq.look(books.exception_lines) if line.reason == "refund_differs"]
    assert any("of m1, lot" in detail or "back to" in detail for detail in told) == bool(forged)
    assert {row.issuer for row in hq.look(lambda connection: connection.execute(select(lots)).all())} == {"shop-a"}
    require_sound(hq)


@pytest.mark.parametrize("forged", ["spent before", "of another lot"])
def test_a_top_up_that_is_paid_out_though_it_is_spent_is_the_shop_s_to_bear(hq: HeadOffice, forged: str) -> None:
    a = Borrower(hq, hq.enrolled(A1))
    top_up = a.top_up(10_000)
    (lease,) = a.held.values()
    a.spend(9_000)
    lot = lease.lot if forged == "spent before" else bytes(16)
    draw = Draw(lease.lease, lease.account, 4_000, 0, lot, lease.issuer)
    original = Original("shop-a", "a1", 1, 1, top_up.header.transaction, top_up.digest)
    moved = (
        Posting(member_principal_account("m1"), "CNY", 4_000),
        Posting(cash_account("shop-a", "a1"), "CNY", -4_000),
    )
    body = refund_body("shop-a", [], original, hq.ref, "a1")
    a.till.append(EntryKind.REFUND, replace(body, draws=(draw,), refund_minor=4_000, postings=moved))
    a.sync()
    require_sound(hq)
    take_step(hq)
    require_sound(hq)
    left = 0 if forged == "spent before" else 1_000
    assert balance_of(hq, "member/m1/principal") == -left
    assert balance_of(hq, "shop/shop-a/beyond_leases") == 3_000 + left
