"""Presentations and coupons are taken once: remembered in the commit of the entry that took them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agent.keys import Identity, new_transaction_id
from agent.offline_store.store import Store, StoreError
from contract.bodies import Body, CarryOverBody, EntryKind
from contract.trace import AppliedEffect
from contract.trade import Assurance, Medium, MemberRef
from contract.value import Lease, draw
from tests.contract.bodies import redemption, refund, top_up
from tests.contract.samples import sale
from tests.offline_store.counter import identity, opened, stamp
from tests.offline_store.lending import COUPON, Lender, activate, lease

NONCE = b"n" * 16
SHOWN = MemberRef("m-0001", Medium.QR, Assurance.SIGNED, NONCE)
VOUCHER = lease(5, COUPON, 1)


@pytest.fixture
def who() -> Identity:
    return identity()


@pytest.fixture
def store(tmp_path: Path, who: Identity) -> Iterator[Store]:
    found = opened(tmp_path / "till.db", who)
    activate(found, Lender().leases(VOUCHER, replace(redemption_lease(), amount=10)))
    yield found
    found.close()


def redemption_lease() -> Lease:
    (taken,) = redemption().draws
    return replace(lease(9, taken.account, 10), lease=taken.lease)


def append(store: Store, kind: EntryKind, body: Body) -> None:
    store.append(kind, new_transaction_id(), stamp(), body)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (EntryKind.SALE, replace(sale(), member=SHOWN)),
        (EntryKind.REFUND, replace(refund(), member=SHOWN, born=())),
        (EntryKind.TOP_UP, replace(top_up(), member=SHOWN, born=())),
        (EntryKind.REDEMPTION, replace(redemption(), member=SHOWN)),
    ],
)
def test_a_presentation_is_taken_with_the_entry_that_names_it(store: Store, kind: EntryKind, body: Body) -> None:
    assert not store.presentation_taken(NONCE)
    append(store, kind, body)
    store.close()
    store.open()
    assert store.presentation_taken(NONCE)
    assert not store.presentation_taken(b"m" * 16)


def test_goods_may_come_back_and_others_be_bought_on_one_presentation(store: Store) -> None:
    append(store, EntryKind.REFUND, replace(refund(), member=SHOWN, born=()))
    append(store, EntryKind.SALE, replace(sale(), member=SHOWN))
    assert store.presentation_taken(NONCE)


def test_a_coupon_is_taken_by_the_sale_that_draws_it_or_that_a_rule_applied_to_for_it(store: Store) -> None:
    effects = (AppliedEffect("spring", off_minor=100, codes=("C-0002", "C-0003")),)
    append(store, EntryKind.SALE, replace(sale(), draws=(draw(VOUCHER, 1),), effects=effects))
    taken = [code for code in ("C-0001", "C-0002", "C-0003", "C-0004") if store.coupon_taken(code)]
    assert taken == ["C-0001", "C-0002", "C-0003"]


def test_what_a_refused_entry_would_have_taken_is_not_taken(store: Store) -> None:
    body = replace(sale(), member=SHOWN, draws=(draw(VOUCHER, 1), draw(VOUCHER, 1)))
    with pytest.raises(StoreError):
        append(store, EntryKind.SALE, body)
    assert not store.presentation_taken(NONCE)
    assert not store.coupon_taken("C-0001")


def test_a_signed_coupon_that_was_not_lent_is_brought_once(store: Store) -> None:
    brought = draw(lease(77, replace(COUPON, holder="C-0009"), 1), 1)
    for wrong in ((brought, brought), (replace(brought, amount=2),), (replace(brought, amount=0),)):
        with pytest.raises(StoreError, match="lease"):
            append(store, EntryKind.SALE, replace(sale(), draws=wrong))
        assert not store.coupon_taken("C-0009")
    append(store, EntryKind.SALE, replace(sale(), draws=(brought,)))
    assert store.coupon_taken("C-0009")
    with pytest.raises(StoreError, match="taken before"):
        append(store, EntryKind.SALE, replace(sale(), draws=(brought,)))


def test_a_coupon_that_a_refund_gives_back_is_good_again(store: Store) -> None:
    effects = (AppliedEffect("spring", off_minor=100, codes=("C-0002",)),)
    append(store, EntryKind.SALE, replace(sale(), effects=effects))
    append(store, EntryKind.REFUND, replace(refund(), born=(), codes_restored=("C-0002",)))
    assert not store.coupon_taken("C-0002")


def test_what_was_taken_stays_taken_in_a_file_begun_anew(store: Store, tmp_path: Path, who: Identity) -> None:
    effects = (AppliedEffect("spring", off_minor=100, codes=("C-0002",)),)
    body = replace(sale(), member=SHOWN, effects=effects)
    entry = store.append(EntryKind.SALE, new_transaction_id(), stamp(), body)
    anew = opened(tmp_path / "anew.db", who)
    carried = CarryOverBody(1, entry.header.seq, entry.sealed)
    anew.append(EntryKind.CARRY_OVER, entry.header.transaction, stamp(), carried)
    assert anew.presentation_taken(NONCE)
    assert anew.coupon_taken("C-0002")
    anew.close()
