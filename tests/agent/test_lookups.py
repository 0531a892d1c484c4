"""What a transaction looks up: answers that a damaged row, or many of them, cannot take away."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from agent.clock import SystemClock
from agent.lookups import StoreBook
from agent.txn.recovery import MOST_OFFERED
from tests.offline_store.counter import identity, opened, sell


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
