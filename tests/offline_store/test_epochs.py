"""A new epoch: what head office has not acknowledged is carried over as it was signed, whenever the power fails."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.keys import Identity, new_transaction_id
from agent.offline_store.epochs import CARRIED_AT_ONCE, Backlog, Carried
from agent.offline_store.store import Place, Store, StoreCause, StoreError
from agent.offline_store.verify import verify_journal
from contract.bodies import CarryOverBody, EntryKind, EpochReason, EpochStartBody
from contract.envelope import keyring
from contract.journal import Entry, identity_hash, open_entry
from contract.messages import EarlierEpoch
from contract.trade import SaleBody
from tests.contract.samples import ADDRESS
from tests.offline_store.counter import NOON_MS, begin_epoch, cancel, carry_all, identity, opened, sell, stamp
from tests.offline_store.cutting import Current, PowerCut

DISPUTED, DAMAGED = EpochReason.CHAIN_DISPUTED, EpochReason.JOURNAL_DAMAGED


@pytest.fixture
def who() -> Identity:
    return identity()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "till.db"


@pytest.fixture
def store(path: Path, who: Identity) -> Iterator[Store]:
    found = opened(path, who)
    yield found
    found.close()


def _begin(store: Store, epoch: int, reason: EpochReason = DISPUTED) -> Entry:
    return begin_epoch(store, epoch, reason)


def _carried(store: Store, epoch: int) -> list[CarryOverBody]:
    entries = [store.entry(seq, epoch) for seq in range(1, store.head().seq + 1)]
    bodies = [entry.body() for entry in entries]
    return [body for body in bodies if isinstance(body, CarryOverBody)]


def test_a_new_epoch_says_why_and_carries_over_what_was_not_acknowledged(store: Store, who: Identity) -> None:
    entries = [sell(store) for _ in range(5)]
    assert store.advance(2, entries[1].digest)
    first = _begin(store, 4)
    assert (first.header.epoch, first.header.seq, first.header.kind) == (4, 1, EntryKind.EPOCH_START)
    assert first.header.previous == identity_hash(ADDRESS, 4, who.signer.public)
    assert first.body() == EpochStartBody(DISPUTED, 1, 2, entries[1].digest, 5)
    assert [(body.epoch, body.seq, body.sealed) for body in _carried(store, 4)] == [
        (1, entry.header.seq, entry.sealed) for entry in entries[2:]
    ]
    assert [store.entry(2 + index).header.transaction for index in range(3)] == [
        entry.header.transaction for entry in entries[2:]
    ]
    assert (store.epoch(), store.head().seq, store.acked().seq, store.backlog().count) == (4, 4, 0, 4)


def test_sequence_begins_anew_and_all_that_reads_by_it_speaks_of_the_open_epoch(store: Store, who: Identity) -> None:
    old = sell(store)
    assert store.advance(1, old.digest)
    _begin(store, 2)
    new = sell(store)
    assert (new.header.epoch, new.header.seq) == (2, 2)
    assert (store.entry(1, 1), store.entry(2)) == (old, new)
    assert (store.digest_at(1, 1), store.digest_at(2)) == (old.digest, new.digest)
    assert store.digest_at(0, 1) == identity_hash(ADDRESS, 1, who.signer.public)
    assert (store.digest_at(1, 7), store.entries_of(7, 0, 9, 10_000)) == (None, [])
    assert [seq for seq, _ in store.entries_after(0, 9, 10_000)] == [1, 2]
    assert store.entries_of(1, 0, 9, 10_000) == [(1, old.sealed)]
    assert store.earlier() == (EarlierEpoch(1, 1, old.digest),)
    assert store.advance(2, new.digest)


def test_perpetual_totals_go_on_and_what_is_carried_counts_once(store: Store, path: Path, who: Identity) -> None:
    for payable_minor in (100, 200):
        sell(store, payable_minor)
    _begin(store, 2)
    body = sell(store, 300).body()
    assert isinstance(body, SaleBody)
    assert body.totals == store.totals()
    assert (store.totals().sales, store.totals().payable_minor) == (3, 600)
    report = verify_journal(path, ADDRESS, who.signer.public)
    assert [(part.epoch, part.head.seq, part.carried) for part in report.epochs] == [(1, 2, 0), (2, 4, 2)]


def test_a_transaction_stays_one_across_epochs(store: Store) -> None:
    name = new_transaction_id()
    first = sell(store, transaction=name)
    _begin(store, 2)
    assert sell(store, transaction=name) == first == store.known(name)
    assert (store.head().seq, store.totals().sales) == (2, 1)


def test_paper_that_is_owed_is_owed_by_the_entry_as_it_was_signed(store: Store) -> None:
    sell(store)
    _begin(store, 2)
    sell(store)
    assert store.unprinted() == [Place(1, 1), Place(2, 3)]
    store.mark_printed(1)
    store.mark_printed(1, 1)
    assert store.unprinted() == [Place(2, 3)]
    assert store.last_sale() == store.entry(3)


def test_what_is_carried_twice_is_still_the_first_signed_bytes(store: Store, path: Path, who: Identity) -> None:
    sale = sell(store)
    _begin(store, 2)
    _begin(store, 5)
    assert [(body.epoch, body.seq) for body in _carried(store, 5)] == [(2, 1), (1, 1)]
    inner = _carried(store, 5)[1].sealed
    assert open_entry(inner, keyring(who.signer.public)) == sale
    assert [part.epoch for part in verify_journal(path, ADDRESS, who.signer.public).epochs] == [1, 2, 5]
    assert [part.epoch for part in store.earlier()] == [1, 2]


def test_what_head_office_has_lost_of_an_ended_epoch_is_carried_over_again_and_once(
    store: Store, path: Path, who: Identity
) -> None:
    entries = [cancel(store) for _ in range(2 * CARRIED_AT_ONCE)]
    assert store.advance(150, entries[149].digest)
    _begin(store, 2)
    before = len(_carried(store, 2))
    for first in (Place(1, 11), Place(1, 11), Place(2, 1), Place(9, 1)):
        store.carry_again(first)
    with sqlite3.connect(path) as somebody_else:
        somebody_else.execute("UPDATE journal SET sealed = x'00' WHERE epoch = 1 AND seq = 11")
    somebody_else.close()
    assert store.carry_on(stamp()) == Carried(99, True, (Place(1, 11),))
    carry_all(store)
    assert sorted(body.seq for body in _carried(store, 2)) == list(range(12, 2 * CARRIED_AT_ONCE + 1))
    assert (before, len(_carried(store, 2))) == (50, 189)
    store.carry_again(Place(1, 12))
    carry_all(store)
    assert len(_carried(store, 2)) == 189
    _begin(store, 3)
    store.carry_again(Place(1, 12))
    carry_all(store)
    assert len(_carried(store, 3)) == 1 + 189
    with sqlite3.connect(path) as somebody_else:
        somebody_else.execute("UPDATE journal SET sealed = ? WHERE epoch = 1 AND seq = 11", (entries[10].sealed,))
    verify_journal(path, ADDRESS, who.signer.public)
    with somebody_else:
        somebody_else.execute("UPDATE journal SET sealed = x'00' WHERE epoch = 3 AND seq = 5")
    somebody_else.close()
    head = store.head().seq
    store.carry_again(Place(2, 1))
    carry_all(store)
    assert store.head().seq == head + 1


def test_an_epoch_that_is_not_later_is_refused(store: Store) -> None:
    sell(store)
    _begin(store, 3)
    for epoch in (1, 2, 3, 2**31):
        with pytest.raises(StoreError) as refused:
            _begin(store, epoch)
        assert refused.value.cause is StoreCause.INVALID
    assert (store.epoch(), store.head().seq) == (3, 2)


def test_a_restart_goes_on_in_the_newest_epoch(store: Store, path: Path, who: Identity) -> None:
    sell(store)
    _begin(store, 2)
    store.close()
    again = opened(path, who)
    assert (again.epoch(), sell(again).header.seq) == (2, 3)
    again.close()
    with pytest.raises(StoreError) as refused:
        opened(path, replace(who, epoch=3))
    assert refused.value.cause is StoreCause.FOREIGN


@pytest.fixture(scope="module")
def backlog(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Identity, int]:
    """A store that head office has not heard of for long: more entries than are carried over in one commit."""
    path, who = tmp_path_factory.mktemp("backlog") / "till.db", identity()
    store = opened(path, who)
    waiting = CARRIED_AT_ONCE + 20
    for number in range(waiting):
        (sell if number % 9 == 0 else cancel)(store)
    store.close()
    return path, who, waiting


@given(st.floats(0, 1))
@settings(max_examples=8, deadline=None)
def test_wherever_the_power_fails_the_epoch_goes_on_after_the_next_opening_or_never_began(
    backlog: tuple[Path, Identity, int], tmp_path_factory: pytest.TempPathFactory, share: float
) -> None:
    source, who, waiting = backlog
    path = tmp_path_factory.mktemp("cut") / "till.db"
    path.write_bytes(source.read_bytes())
    statements = waiting + 16
    store = Store(path, who, connect=Current(int(statements * share)).connect)
    try:
        store.open()
        _begin(store, 2)
    except PowerCut:
        pass
    finally:
        store.close()
    again = opened(path, who)
    if again.epoch() == 1:
        assert again.head().seq == waiting
        _begin(again, 2)
    sell(again)
    carry_all(again)
    assert again.head().seq == 2 + waiting
    assert [body.seq for body in _carried(again, 2)] == list(range(1, waiting + 1))
    again.close()
    report = verify_journal(path, ADDRESS, who.signer.public)
    assert (report.head.seq, report.epochs[1].carried) == (waiting + 2, waiting)


@pytest.fixture
def waiting(backlog: tuple[Path, Identity, int], tmp_path: Path) -> Iterator[tuple[Store, Path, Identity, int]]:
    """That store, in which the next epoch has begun and nothing is carried over yet."""
    source, who, count = backlog
    path = tmp_path / "till.db"
    path.write_bytes(source.read_bytes())
    store = opened(path, who)
    store.begin_epoch(2, DISPUTED, new_transaction_id(), stamp(count))
    yield store, path, who, count
    store.close()


def test_an_epoch_begins_with_one_entry_and_the_rest_waits(waiting: tuple[Store, Path, Identity, int]) -> None:
    store, path, who, count = waiting
    assert (store.head().seq, store.backlog()) == (1, Backlog(1 + count, NOON_MS))
    verify_journal(path, ADDRESS, who.signer.public)
    assert store.carry_on(stamp(count)).left
    assert (store.head().seq, store.backlog().count) == (1 + CARRIED_AT_ONCE, 1 + count)
    assert not store.carry_on(stamp(count)).left
    assert (store.head().seq, store.backlog()) == (1 + count, Backlog(1 + count, NOON_MS + count))


def test_the_till_sells_while_the_rest_is_carried_over_in_order(waiting: tuple[Store, Path, Identity, int]) -> None:
    store, path, who, count = waiting
    sold = sell(store)
    store.carry_on(stamp())
    verify_journal(path, ADDRESS, who.signer.public)
    again = sell(store)
    carry_all(store)
    assert (sold.header.seq, again.header.seq) == (2, CARRIED_AT_ONCE + 3)
    assert [body.seq for body in _carried(store, 2)] == list(range(1, count + 1))
    report = verify_journal(path, ADDRESS, who.signer.public)
    assert (report.epochs[1].carried, report.head.seq) == (count, count + 3)


def test_an_epoch_that_ends_before_all_was_carried_into_it_leaves_the_rest_to_the_next(
    waiting: tuple[Store, Path, Identity, int],
) -> None:
    store, path, who, count = waiting
    store.carry_on(stamp())
    assert store.advance(11, store.entry(11).digest)
    sold = sell(store)
    store.begin_epoch(3, DISPUTED, new_transaction_id(), stamp())
    assert store.backlog().count == 1 + CARRIED_AT_ONCE + 2 - 11 + count - CARRIED_AT_ONCE
    verify_journal(path, ADDRESS, who.signer.public)
    store.close()
    store.open()
    carry_all(store)
    carried = _carried(store, 3)
    assert [body.seq for body in carried if body.epoch == 1] == list(range(11, count + 1))
    assert [body.sealed for body in carried if body.epoch == 2] == [sold.sealed]
    assert (store.carry_on(stamp()), store.backlog().count) == (Carried(), store.head().seq)
    assert [part.carried for part in verify_journal(path, ADDRESS, who.signer.public).epochs] == [0, 100, len(carried)]


def test_what_cannot_be_read_any_more_when_its_turn_comes_is_named_and_the_rest_goes_on(
    waiting: tuple[Store, Path, Identity, int],
) -> None:
    store, path, _who, count = waiting
    with sqlite3.connect(path) as somebody_else:
        somebody_else.execute("UPDATE journal SET sealed = zeroblob(400) WHERE epoch = 1 AND seq = 7")
    somebody_else.close()
    assert store.carry_on(stamp()) == Carried(CARRIED_AT_ONCE - 1, True, (Place(1, 7),))
    assert store.carry_on(stamp()) == Carried(count - CARRIED_AT_ONCE)
    assert [body.seq for body in _carried(store, 2)] == [seq for seq in range(1, count + 1) if seq != 7]


def test_what_an_epoch_leaves_out_is_found(waiting: tuple[Store, Path, Identity, int]) -> None:
    store, path, who, _count = waiting
    store.carry_on(stamp())
    with sqlite3.connect(path) as somebody_else:
        somebody_else.execute("UPDATE identity SET carried_seq = NULL")
    somebody_else.close()
    with pytest.raises(StoreError) as refused:
        verify_journal(path, ADDRESS, who.signer.public)
    assert "entries were to be carried, 100 were" in refused.value.detail


def test_after_a_full_disk_in_between_it_goes_on(backlog: tuple[Path, Identity, int], tmp_path: Path) -> None:
    source, who, waiting = backlog
    path = tmp_path / "till.db"
    path.write_bytes(source.read_bytes())
    current = Current()
    store = Store(path, who, connect=current.connect)
    store.open()
    current.left = current.writes + CARRIED_AT_ONCE + 20
    with pytest.raises(PowerCut):
        _begin(store, 2)
    current.left = None
    carry_all(store)
    assert (store.epoch(), store.head().seq) == (2, 1 + waiting)
    store.close()
