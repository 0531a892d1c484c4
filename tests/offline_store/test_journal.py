"""The journal: chained, counted, never doubled, and acknowledged only by its own hashes."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agent.keys import Identity, new_transaction_id
from agent.offline_store.store import Backlog, ChainPoint, Place, Store, StoreCause, StoreError
from contract.bodies import CancelBody, EntryKind, TechnicalEventBody
from contract.envelope import keyring
from contract.journal import TimeQuality, identity_hash, open_entry
from contract.trade import PerpetualTotals, SaleBody
from tests.contract.samples import ADDRESS, es256_signer, sale
from tests.offline_store.counter import NOON_MS, cancel, identity, opened, sell, stamp


@pytest.fixture
def who() -> Identity:
    return identity()


@pytest.fixture
def store(tmp_path: Path, who: Identity) -> Iterator[Store]:
    found = opened(tmp_path / "till.db", who)
    yield found
    found.close()


def test_the_first_entry_hangs_on_the_identity_and_each_next_one_on_the_one_before(store: Store, who: Identity) -> None:
    assert store.head() == ChainPoint(0, identity_hash(ADDRESS, 1, who.signer.public))
    first, second = sell(store), cancel(store)
    assert (first.header.seq, first.header.previous) == (1, identity_hash(ADDRESS, 1, who.signer.public))
    assert (second.header.seq, second.header.previous) == (2, first.digest)
    assert store.head() == ChainPoint(2, second.digest)


def test_what_is_kept_is_the_signed_bytes_that_were_returned(store: Store, who: Identity) -> None:
    entry = sell(store)
    assert store.entry(1) == entry == open_entry(entry.sealed, keyring(who.signer.public))
    assert entry.header.wall_ms == NOON_MS


def test_a_journal_may_be_signed_by_a_p256_key(tmp_path: Path) -> None:
    who = identity(es256_signer())
    first = opened(tmp_path / "till.db", who)
    sell(first)
    first.close()
    again = opened(tmp_path / "till.db", who)
    assert sell(again).header.seq == 2
    again.close()


def test_a_transaction_id_is_never_journalled_twice(store: Store) -> None:
    name = new_transaction_id()
    entry = sell(store, transaction=name)
    assert sell(store, transaction=name) == entry
    assert store.append(EntryKind.CANCEL, name, stamp(), CancelBody("1001", 0, 0)) == entry
    assert (store.head().seq, store.totals().sales, store.known(name)) == (1, 1, entry)


def test_sales_carry_the_perpetual_totals_of_the_store_whatever_they_came_with(store: Store) -> None:
    for payable_minor in (100, 0, 22_120):
        sell(store, payable_minor)
    cancel(store)
    last = store.last_sale()
    assert last is not None
    body = last.body()
    assert isinstance(body, SaleBody)
    assert body.totals == store.totals() == PerpetualTotals(3, 22_220)


def test_totals_chain_and_receipts_survive_closing(tmp_path: Path, who: Identity) -> None:
    path = tmp_path / "folder" / "till.db"
    first = opened(path, who)
    sell(first)
    sell(first, owes=False)
    sell(first)
    first.mark_printed(1)
    before = (first.head(), first.totals(), first.backlog())
    first.close()
    first.close()
    again = opened(path, who)
    assert (again.head(), again.totals(), again.backlog()) == before
    assert again.unprinted() == [Place(1, 3)]
    again.close()


def test_a_body_that_breaks_the_contract_is_refused_and_nothing_is_written(store: Store) -> None:
    too_long = TechnicalEventBody("code", "x" * 1_000)
    for kind, transaction, body in (
        (EntryKind.TECHNICAL_EVENT, new_transaction_id(), too_long),
        (EntryKind.CANCEL, new_transaction_id(), sale()),
        (EntryKind.SALE, b"short", sale()),
    ):
        with pytest.raises(StoreError) as refused:
            store.append(kind, transaction, stamp(), body)
        assert refused.value.cause is StoreCause.INVALID
    assert (store.head().seq, store.totals().sales) == (0, 0)
    assert sell(store).header.seq == 1


def test_an_entry_that_is_not_there_is_said_to_be_absent(store: Store) -> None:
    with pytest.raises(StoreError) as refused:
        store.entry(1)
    assert refused.value.cause is StoreCause.ABSENT
    assert (store.last_sale(), store.digest_at(1), store.known(bytes(16))) == (None, None, None)


def test_the_cursor_moves_only_to_a_hash_of_this_journal(store: Store) -> None:
    entries = [sell(store) for _ in range(3)]
    assert not store.advance(2, entries[0].digest)
    assert not store.advance(4, entries[2].digest)
    assert not store.advance(-1, entries[0].digest)
    assert store.acked().seq == 0
    assert store.advance(2, entries[1].digest)
    assert store.acked() == ChainPoint(2, entries[1].digest)


def test_the_cursor_does_not_go_back_and_staying_is_no_fault(store: Store) -> None:
    entries = [sell(store) for _ in range(2)]
    assert store.advance(0, store.acked().digest)
    assert store.advance(2, entries[1].digest)
    assert store.advance(2, entries[1].digest)
    assert not store.advance(1, entries[0].digest)
    assert store.acked().seq == 2


def test_the_latest_signed_time_is_remembered_across_a_restart(tmp_path: Path, who: Identity) -> None:
    path = tmp_path / "till.db"
    store = opened(path, who)
    assert store.signed_time_ms() == 0
    entry = sell(store)
    store.advance(1, entry.digest, NOON_MS + 5)
    store.advance(1, entry.digest, NOON_MS + 9)
    store.advance(1, entry.digest, NOON_MS + 1)
    store.close()
    again = opened(path, who)
    assert again.signed_time_ms() == NOON_MS + 9
    again.close()


def test_a_start_without_network_goes_on_from_the_newest_entry_whose_time_was_worth_believing(store: Store) -> None:
    def noted(after_ms: int, quality: TimeQuality) -> int:
        moment = replace(stamp(after_ms), quality=quality)
        store.append(EntryKind.CANCEL, new_transaction_id(), moment, CancelBody("1001", 1, 1))
        return store.believed_time_ms() - NOON_MS

    assert store.believed_time_ms() == 0
    assert noted(50, TimeQuality.DOUBTFUL) == 50
    assert noted(90, TimeQuality.SYNCHRONISED) == 90
    assert noted(9_000_000_000, TimeQuality.FREE_RUNNING) == -NOON_MS
    store.advance(3, store.head().digest, NOON_MS + 70)
    assert store.believed_time_ms() == NOON_MS + 70


def test_the_backlog_is_what_waits_and_how_long_the_oldest_has_waited(store: Store) -> None:
    assert store.backlog() == Backlog(0, None)
    first = store.append(EntryKind.CANCEL, new_transaction_id(), stamp(10), CancelBody("1001", 0, 0))
    store.append(EntryKind.CANCEL, new_transaction_id(), stamp(20), CancelBody("1001", 0, 0))
    assert store.backlog() == Backlog(2, NOON_MS + 10)
    store.advance(1, first.digest)
    assert store.backlog() == Backlog(1, NOON_MS + 20)


def test_entries_are_read_in_order_within_both_limits(store: Store) -> None:
    entries = [cancel(store) for _ in range(5)]
    size = len(entries[0].sealed)
    assert [seq for seq, _ in store.entries_after(0, 100, 1_000_000)] == [1, 2, 3, 4, 5]
    assert [seq for seq, _ in store.entries_after(1, 2, 1_000_000)] == [2, 3]
    assert [seq for seq, _ in store.entries_after(0, 100, 3 * size + 2)] == [1, 2, 3]
    assert store.entries_after(0, 1, 1_000_000) == [(1, entries[0].sealed)]
    assert store.entries_after(5, 100, 1_000_000) == []


def test_a_receipt_is_owed_until_its_paper_is_known_to_be_out(store: Store) -> None:
    sell(store)
    sell(store, owes=False)
    cancel(store)
    sell(store)
    assert store.unprinted() == [Place(1, 1), Place(1, 4)]
    store.mark_printed(4)
    store.mark_printed(99)
    assert store.unprinted() == [Place(1, 1)]


def test_opening_twice_is_opening_once(store: Store) -> None:
    store.open()
    assert sell(store).header.seq == 1
