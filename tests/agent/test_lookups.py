"""What a transaction looks up: answers that a damaged row, or many of them, cannot take away."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from agent.clock import SystemClock
from agent.lookups import LOOKED_BACK, StoreBook
from agent.txn.recovery import MOST_OFFERED
from contract.bodies import EntryKind
from tests.offline_store.counter import begin_epoch, cancel, carry_all, identity, opened, sell


def test_a_damaged_entry_hides_none_of_the_receipts_that_are_owed(tmp_path: Path) -> None:
    who = identity()
    store = opened(tmp_path / "till.db", who)
    book = StoreBook(store, who, SystemClock(0))
    for _ in range(4):
        sell(store)
    with sqlite3.connect(tmp_path / "till.db") as somebody_else:
        somebody_else.execute("UPDATE journal SET sealed = x'00' WHERE seq = 2")
    somebody_else.close()
    assert [entry.header.seq for entry in book.unprinted()] == [1, 3, 4]
    assert StoreBook(store, who, SystemClock(0), prints=False).unprinted() == ()
    store.close()


def test_no_more_receipts_are_opened_than_one_start_offers(tmp_path: Path) -> None:
    who = identity()
    store = opened(tmp_path / "till.db", who)
    for _ in range(MOST_OFFERED + 3):
        sell(store)
    found = StoreBook(store, who, SystemClock(0)).unprinted()
    assert [entry.header.seq for entry in found] == list(range(1, MOST_OFFERED + 1))
    store.close()


def test_the_newest_papers_are_found_behind_other_entries_damaged_ones_and_in_epochs_that_have_ended(
    tmp_path: Path,
) -> None:
    who = identity()
    store = opened(tmp_path / "till.db", who)
    book = StoreBook(store, who, SystemClock(0))
    assert book.last_papers(6) == ()
    for _ in range(3):
        sell(store)
        cancel(store)
    with sqlite3.connect(tmp_path / "till.db") as somebody_else:
        somebody_else.execute("UPDATE journal SET sealed = x'00' WHERE seq = 3")
    somebody_else.close()
    begin_epoch(store, 2)
    carry_all(store)
    sell(store)
    found = [(entry.header.epoch, entry.header.kind) for entry in book.last_papers(6)]
    assert found == [(2, EntryKind.SALE), (1, EntryKind.SALE), (1, EntryKind.SALE)]
    assert len(book.last_papers(2)) == 2
    store.close()


def test_the_last_sale_is_found_however_long_ago_it_was(tmp_path: Path) -> None:
    who = identity()
    store = opened(tmp_path / "till.db", who)
    first = sell(store)
    for _ in range(LOOKED_BACK):
        cancel(store)
    assert StoreBook(store, who, SystemClock(0)).last_papers(6) == (first,)
    store.close()
