"""Coupons, budgets and gifts: single use, shares, and what a second use costs whom."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from sqlalchemy import select

from contract import wire
from contract.bodies import EntryKind
from contract.coupons import open_coupon, read_coupon_text
from contract.documents import DocumentKind, RevocationsContent, open_document
from contract.envelope import keyring
from contract.ids import TerminalAddress
from contract.journal import Entry
from contract.value import Account, Asset, Draw
from hq.bulletins import publish_revocations
from hq.coupons import CouponTerms, issue_coupon, withdraw_coupon
from hq.db import writing
from hq.documents import sealed_bytes
from hq.errors import OfficeError
from hq.grants import grant
from hq.placement import LendingPolicy
from hq.tables import exceptions
from rules.postings import counted_postings
from tests.hq.borrowers import Borrower, balance_of, causes, lend, require_sound, take_step
from tests.hq.tills import A1, B1, NOW_MS, TENANT, HeadOffice

A2 = TerminalAddress(TENANT, "shop-a", "a2")
DAY_MS = 86_400_000
SHARED = LendingPolicy(shared_bp=8_000)


def issued(hq: HeadOffice, code: str = "SPRING-1", at: TerminalAddress | None = None) -> str:
    with writing(hq.engine) as connection:
        return issue_coupon(
            connection, hq.desk, CouponTerms(code, NOW_MS, NOW_MS + DAY_MS, "m1", ("shop-a",), at), NOW_MS
        )


def use(borrower: Borrower, text: str, times: int = 1) -> Entry:
    """Sell something with the coupon, as a till that verified it."""
    sealed = read_coupon_text(text)
    code = open_coupon(sealed, keyring(borrower.hq.desk.signer.public)).code
    draw = Draw(hashlib.sha256(sealed).digest()[:16], Account(Asset.COUPON, code), times)
    body = borrower.hq.sale(borrower.till)
    postings = (*body.postings, *counted_postings((draw,), "CNY", borrower.address.shop))
    return borrower.till.append(EntryKind.SALE, replace(body, draws=(draw,), postings=postings))


def spend_from(borrower: Borrower, account: Account, amount: int) -> None:
    """Sell something that takes ``amount`` of a budget or gift from what is held."""
    lease = next(item for item in borrower.held.values() if item.account == account)
    borrower.held[lease.lease] = replace(lease, amount=lease.amount - amount)
    draw = Draw(lease.lease, account, amount)
    body = borrower.hq.sale(borrower.till)
    postings = (*body.postings, *counted_postings((draw,), "CNY", borrower.address.shop))
    borrower.till.append(EntryKind.SALE, replace(body, draws=(draw,), postings=postings))


def test_a_coupon_used_twice_is_put_before_people_with_both_places_and_charged(hq: HeadOffice) -> None:
    a, b = Borrower(hq, hq.enrolled(A1)), Borrower(hq, hq.enrolled(B1))
    text = issued(hq)
    assert balance_of(hq, "coupon/SPRING-1", "coupons") == -1
    use(a, text)
    use(b, text)
    a.sync()
    assert balance_of(hq, "coupon/SPRING-1", "coupons") == 0
    assert "coupon_doubled" not in causes(hq)
    b.sync()
    (told,) = hq.look(
        lambda connection: connection.execute(select(exceptions).where(exceptions.c.reason == "coupon_doubled")).all()
    )
    assert (told.address, "acme/shop-a/a1 epoch 1 seq 1" in told.detail) == (str(B1), True)
    assert balance_of(hq, "coupon/SPRING-1", "coupons") == 0
    assert balance_of(hq, "shop/shop-b/beyond_leases", "coupons") == 1


def test_a_coupon_for_one_till_counts_at_no_other(hq: HeadOffice) -> None:
    a, b = Borrower(hq, hq.enrolled(A1)), Borrower(hq, hq.enrolled(B1))
    text = issued(hq, at=A1)
    use(b, text)
    b.sync()
    assert "coupon_unknown" in causes(hq)
    use(a, text)
    a.sync()
    assert "coupon_doubled" not in causes(hq)
    assert balance_of(hq, "coupon/SPRING-1", "coupons") == 0


def test_a_coupon_says_for_whom_where_and_until_when_it_is_good_and_fits_a_code(hq: HeadOffice) -> None:
    text = issued(hq)
    coupon = open_coupon(read_coupon_text(text), keyring(hq.desk.signer.public))
    assert (coupon.tenant, coupon.member, coupon.shops, coupon.good_until_ms) == (
        TENANT,
        "m1",
        ("shop-a",),
        NOW_MS + DAY_MS,
    )
    assert len(text) < 300


def test_a_coupon_is_issued_once_and_withdrawn_once_and_tills_are_told(hq: HeadOffice) -> None:
    a = Borrower(hq, hq.enrolled(A1))
    text = issued(hq)
    with pytest.raises(OfficeError, match="issued before"):
        issued(hq)
    with writing(hq.engine) as connection:
        withdraw_coupon(connection, hq.desk, "SPRING-1", NOW_MS)
        stored = publish_revocations(connection, hq.desk, NOW_MS)
        with pytest.raises(OfficeError, match="withdrawn before"):
            withdraw_coupon(connection, hq.desk, "SPRING-1", NOW_MS)
        sealed = sealed_bytes(connection, DocumentKind.REVOCATIONS, stored.digest)
    document = open_document(sealed or b"", keyring(hq.desk.signer.public)).document
    assert wire.unpack(RevocationsContent, document.content, 10_000).coupons == ("SPRING-1",)
    use(a, text)
    a.sync()
    assert "coupon_doubled" in causes(hq)
    assert balance_of(hq, "coupon/SPRING-1", "coupons") == 0


def test_two_tills_that_cannot_speak_never_give_more_of_a_campaign_than_its_budget(hq: HeadOffice) -> None:
    a, b = Borrower(hq, hq.enrolled(A1)), Borrower(hq, hq.enrolled(B1))
    budget = Account(Asset.BUDGET, "spring")
    a.sync()
    b.sync()
    with writing(hq.engine) as connection:
        grant(connection, hq.desk, budget, 10_000, NOW_MS)
    take_step(hq, policy=SHARED)
    shares = []
    for till in (a, b):
        till.activate()
        (lease,) = till.held.values()
        shares.append(lease.amount)
        spend_from(till, budget, lease.amount)
    assert shares == [4_000, 4_000]
    a.sync()
    b.sync()
    require_sound(hq)
    assert balance_of(hq, "budget/spring") == -2_000
    # What is left is shared again, for all entries of a minute at once.
    take_step(hq, NOW_MS + 60_000, SHARED)
    a.activate()
    assert sum(item.amount for item in a.held.values() if item.account == budget) == 800
    with pytest.raises(OfficeError, match="only 400 of it are free"), writing(hq.engine) as connection:
        grant(connection, hq.desk, budget, -401, NOW_MS)
    require_sound(hq)


def test_a_gift_s_stock_is_shared_among_tills_to_the_piece(hq: HeadOffice) -> None:
    tills = [Borrower(hq, hq.enrolled(address)) for address in (A1, A2, B1)]
    gift = Account(Asset.GIFT, "cup")
    for till in tills:
        till.sync()
    with writing(hq.engine) as connection:
        grant(connection, hq.desk, gift, 10, NOW_MS)
    take_step(hq, policy=SHARED)
    for till in tills:
        till.activate()
    assert sorted(sum(item.amount for item in till.held.values()) for till in tills) == [2, 3, 3]
    spend_from(tills[0], gift, 2)
    tills[0].sync()
    assert balance_of(hq, "gift/cup", "pieces") == -8
    require_sound(hq)


def test_more_is_lent_of_a_budget_by_hand_and_never_more_than_is_free(hq: HeadOffice) -> None:
    Borrower(hq, hq.enrolled(A1))
    budget = Account(Asset.BUDGET_USES, "spring")
    with writing(hq.engine) as connection:
        grant(connection, hq.desk, budget, 5, NOW_MS)
    assert lend(hq, A1, 9, budget) == 5


def test_a_coupon_is_one_whatever_the_till_draws_of_it(hq: HeadOffice) -> None:
    a = Borrower(hq, hq.enrolled(A1))
    use(a, issued(hq), 5)
    a.sync()
    assert causes(hq) == {"draws_differ"}
    assert balance_of(hq, "coupon/SPRING-1", "coupons") == 0
    assert balance_of(hq, "shop/shop-a/beyond_leases", "coupons") == 4
    require_sound(hq)
