"""Leases: what a terminal may give away by itself, lowered by each spend in the spend's own commit, never below 0."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agent.keys import Identity, new_transaction_id
from agent.offline_store.holdings import EARLY_MS, MOST_RETURNED
from agent.offline_store.store import Store, StoreCause, StoreError
from contract.bodies import Body, DocumentChangeBody, EntryKind, Returned
from contract.messages import LeasesHeld, leases_digest
from contract.value import Asset, Draw, Lease, born_lease_id, draw
from tests.contract.bodies import refund, top_up
from tests.contract.samples import sale
from tests.offline_store.counter import NOON_MS, begin_epoch, identity, opened, stamp
from tests.offline_store.lending import (
    ANNA,
    ANNAS_COFFEES,
    ANNAS_POINTS,
    COUPON,
    SPRING,
    TONIGHT_MS,
    Lender,
    activate,
    doubtful,
    give_back,
    lease,
    replayed,
    spend,
)

ONE = lease(1, bonus_minor=2_000)


@pytest.fixture
def who() -> Identity:
    return identity()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "till.db"


@pytest.fixture
def lender() -> Lender:
    return Lender()


@pytest.fixture
def store(path: Path, who: Identity, lender: Lender) -> Iterator[Store]:
    """A till that was lent 100.00 with 20.00 bonus."""
    found = opened(path, who)
    activate(found, lender.leases(ONE))
    yield found
    found.close()


def left(store: Store) -> dict[bytes, tuple[int, int]]:
    holders = {account.holder for account in (ANNA, SPRING, COUPON)} | {"m-0001"}
    return {
        held.lease.lease: (held.amount, held.bonus_minor) for holder in holders for held in store.holdings_of(holder)
    }


def refused(store: Store, kind: EntryKind, body: Body, after_ms: int = 0) -> str:
    """Why an entry is refused; nothing of it is written."""
    before = (store.head(), left(store), store.leases_held())
    with pytest.raises(StoreError) as failed:
        store.append(kind, new_transaction_id(), stamp(after_ms), body)
    assert failed.value.cause is StoreCause.INVALID
    assert (store.head(), left(store), store.leases_held()) == before
    return failed.value.detail


def test_what_head_office_lends_is_held_with_the_entry_that_says_so(store: Store, lender: Lender) -> None:
    entry = store.entry(1)
    body = entry.body()
    assert isinstance(body, DocumentChangeBody)
    assert body.sealed is not None
    (held,) = store.spendable(ANNA, stamp())
    assert (held.lease, held.amount, held.bonus_minor) == (ONE, 10_000, 2_000)
    assert store.leases_held() == LeasesHeld(1, leases_digest([(ONE.lease, 10_000, 2_000)]))


def test_a_spend_lowers_the_lease_in_its_own_commit(store: Store) -> None:
    spend(store, draw(ONE, 2_500, 500))
    store.close()
    store.open()
    assert left(store) == {ONE.lease: (7_500, 1_500)} == replayed(store)
    assert store.leases_held() == LeasesHeld(1, leases_digest([(ONE.lease, 7_500, 1_500)]))


def test_a_spend_that_comes_twice_is_counted_once(store: Store) -> None:
    name, body = new_transaction_id(), replace(sale(), draws=(draw(ONE, 2_500, 500),))
    first = store.append(EntryKind.SALE, name, stamp(), body)
    assert store.append(EntryKind.SALE, name, stamp(), body) == first
    assert left(store) == {ONE.lease: (7_500, 1_500)}


def test_a_lease_that_is_used_up_is_held_no_more(store: Store) -> None:
    spend(store, draw(ONE, 9_000, 2_000), draw(ONE, 1_000))
    assert left(store) == {}
    assert store.leases_held() == LeasesHeld(0, leases_digest(()))
    assert "not held" in refused(store, EntryKind.SALE, replace(sale(), draws=(draw(ONE, 0),)))


@pytest.mark.parametrize(
    "wrong",
    [
        draw(lease(2), 1),
        draw(ONE, 10_001),
        draw(ONE, 1, 2_001),
        replace(draw(ONE, 1), account=ANNAS_POINTS),
        replace(draw(ONE, 1), lot=b"M" * 16),
        replace(draw(ONE, 1), issuer="s08"),
        replace(draw(ONE, 1), lot=None, issuer=None),
    ],
)
def test_a_draw_of_what_is_not_held_or_too_much_of_it_is_refused_with_its_sale(store: Store, wrong: Draw) -> None:
    body = replace(sale(), draws=(draw(ONE, 1), wrong))
    assert refused(store, EntryKind.SALE, body).startswith(f"lease {wrong.lease.hex()}")


def test_past_its_time_a_lease_is_neither_offered_nor_drawn(store: Store) -> None:
    last, after = TONIGHT_MS - NOON_MS, TONIGHT_MS - NOON_MS + 1
    assert len(store.spendable(ANNA, stamp(last))) == 1
    assert store.spendable(ANNA, stamp(after)) == ()
    spend(store, draw(ONE, 1), at=stamp(last))
    assert "past its time" in refused(store, EntryKind.SALE, replace(sale(), draws=(draw(ONE, 1),)), after)
    assert store.expired(stamp(last)) == ()
    assert store.expired(stamp(after)) == (Returned(ONE.lease, 9_999, 2_000),)


def test_where_the_clock_is_doubtful_a_lease_ends_an_hour_sooner(store: Store) -> None:
    last = TONIGHT_MS - NOON_MS - EARLY_MS
    assert len(store.spendable(ANNA, doubtful(last))) == 1
    assert store.spendable(ANNA, doubtful(last + 1)) == ()
    with pytest.raises(StoreError):
        spend(store, draw(ONE, 1), at=doubtful(last + 1))
    spend(store, draw(ONE, 1), at=doubtful(last))
    assert store.expired(doubtful(last + 1)) == ()


def test_what_ends_first_is_offered_first(store: Store, lender: Lender) -> None:
    soon, later = replace(lease(2), spend_until_ms=TONIGHT_MS - 1), replace(lease(3), spend_until_ms=TONIGHT_MS + 1)
    points = lease(4, ANNAS_POINTS)
    activate(store, lender.leases(later, soon, points))
    assert [held.lease for held in store.spendable(ANNA, stamp())] == [soon, ONE, later]
    assert [held.lease for held in store.spendable(ANNAS_POINTS, stamp())] == [points]
    assert store.spendable(ANNAS_COFFEES, stamp()) == ()


def test_what_is_asked_back_is_offered_no_more_and_goes_back_whole(store: Store, lender: Lender) -> None:
    spend(store, draw(ONE, 4_000))
    activate(store, lender.leases(lease(2), recalled=[ONE.lease, bytes(16)]))
    assert store.recalled() == (Returned(ONE.lease, 6_000, 2_000),)
    assert [held.lease for held in store.spendable(ANNA, stamp())] == [lease(2)]
    spend(store, draw(ONE, 1_000))  # A sale that was begun before may still end.
    for wrong in (Returned(ONE.lease, 6_000, 2_000), Returned(ONE.lease, 5_000), Returned(b"?" * 16, 1)):
        with pytest.raises(StoreError, match="lease"):
            give_back(store, wrong)
    give_back(store, Returned(ONE.lease, 5_000, 2_000))
    assert store.recalled() == ()
    assert left(store) == {lease(2).lease: (10_000, 0)} == replayed(store)
    with pytest.raises(StoreError, match="not held"):
        spend(store, draw(ONE, 1))


def test_as_many_are_named_to_go_back_as_one_entry_holds(store: Store, lender: Lender) -> None:
    granted = [lease(number, SPRING, 1) for number in range(100, 100 + MOST_RETURNED)]
    activate(store, lender.leases(*granted))
    activate(store, lender.leases(recalled=[item.lease for item in granted]))
    activate(store, lender.leases(recalled=[ONE.lease]))
    give_back(store, *store.recalled())
    give_back(store, *store.recalled())
    assert (store.recalled(), left(store)) == ((), {})


def test_what_was_lent_is_not_lent_again_by_saying_it_anew(store: Store, lender: Lender) -> None:
    spend(store, draw(ONE, 10_000, 2_000))
    activate(store, lender.leases(ONE, lease(2)))
    assert left(store) == {lease(2).lease: (10_000, 0)} == replayed(store)


def test_what_is_lent_to_another_epoch_is_not_lent_to_this_one(store: Store, lender: Lender) -> None:
    activate(store, lender.leases(lease(2), recalled=[ONE.lease], epoch=2))
    assert left(store) == {ONE.lease: (10_000, 2_000)}
    assert store.recalled() == ()


def test_what_a_terminal_creates_may_be_spent_there_at_once(store: Store) -> None:
    name, account = new_transaction_id(), replace(ANNA, holder="m-0001")
    born = Lease(born_lease_id(name, account), account, 50_000, TONIGHT_MS, 5_000, name, "s01")
    store.append(EntryKind.TOP_UP, name, stamp(), replace(top_up(), born=(born,)))
    spend(store, draw(born, 1_000, 100))
    assert left(store)[born.lease] == (49_000, 4_900)
    for kind, body in ((EntryKind.TOP_UP, top_up()), (EntryKind.REFUND, refund())):
        assert "not named after" in refused(store, kind, replace(body, born=(born,)))


def test_a_new_epoch_holds_nothing_of_the_one_before_though_it_carries_its_spends(store: Store, lender: Lender) -> None:
    spend(store, draw(ONE, 2_500))
    begin_epoch(store, 2)
    assert (left(store), store.leases_held()) == ({}, LeasesHeld(0, leases_digest(())))
    activate(store, lender.leases(lease(2), epoch=1))
    assert left(store) == {}
    activate(store, lender.leases(ONE, epoch=2))
    assert left(store) == {ONE.lease: (10_000, 2_000)} == replayed(store)


def test_leases_on_the_disk_name_nobody(store: Store, path: Path, lender: Lender) -> None:
    activate(store, lender.leases(lease(2, ANNAS_COFFEES), lease(3, COUPON, 1)))
    store.close()
    with sqlite3.connect(path) as connection:
        rows = b"".join(repr(row).encode() for row in connection.execute("SELECT * FROM leases"))
        assert b"anna" not in rows
        assert b"coffee" not in rows
        (other,) = connection.execute("SELECT sealed FROM leases WHERE lease = ?", (lease(2).lease,)).fetchone()
        connection.execute("UPDATE leases SET sealed = ? WHERE lease = ?", (other, ONE.lease))
    connection.close()
    store.open()
    with pytest.raises(StoreError) as refused_row:
        spend(store, draw(ONE, 1))
    assert refused_row.value.cause is StoreCause.CORRUPT


def test_everything_that_can_be_lent_is_counted_alike(store: Store, lender: Lender) -> None:
    granted = [lease(10 + place, replace(SPRING, asset=asset), 3) for place, asset in enumerate(Asset)]
    activate(store, lender.leases(*granted))
    for item in granted:
        spend(store, draw(item, 2))
        assert "left" in refused(store, EntryKind.SALE, replace(sale(), draws=(draw(item, 2),)))
    assert {held.lease.account.asset for held in store.holdings_of(SPRING.holder)} == set(Asset)
    assert left(store) == replayed(store)
