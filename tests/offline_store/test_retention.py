"""Old entries go only where the disk is short, and only what head office has had for 90 days."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agent.keys import Identity, new_transaction_id
from agent.offline_store.retention import KEPT_MS, LET_GO_AT_ONCE
from agent.offline_store.store import Room, Store, StoreCause, StoreError
from agent.offline_store.verify import verify_journal
from contract.bodies import CancelBody, EntryKind, EpochReason
from tests.contract.samples import ADDRESS
from tests.offline_store.counter import NOON_MS, begin_epoch, cancel, carry_all, identity, opened, sell, stamp

RESERVE = 1_000_000


class Disk:
    """How much room there is."""

    def __init__(self) -> None:
        self.free = 10 * RESERVE

    @property
    def room(self) -> Room:
        return Room(RESERVE, lambda _path: self.free)


@pytest.fixture
def who() -> Identity:
    return identity()


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def store(tmp_path: Path, who: Identity, disk: Disk) -> Iterator[Store]:
    found = opened(tmp_path / "till.db", who, disk.room)
    yield found
    found.close()


def _season(store: Store, count: int) -> None:
    """So many entries, one an hour, the last two sales; all acknowledged but the newest."""
    for number in range(count - 2):
        hour = stamp(number * 3_600_000)
        store.append(EntryKind.CANCEL, new_transaction_id(), hour, CancelBody("1001", 1, 100))
    sell(store, owes=False)
    sell(store, owes=False)


def _acknowledge(store: Store, seq: int, signed_ms: int) -> None:
    digest = store.digest_at(seq)
    assert digest is not None and store.advance(seq, digest, signed_ms)


def test_while_there_is_room_nothing_ever_goes(store: Store, disk: Disk) -> None:
    _season(store, 10)
    _acknowledge(store, 9, NOON_MS + 100 * KEPT_MS)
    sell(store)
    assert store.entry(1).header.seq == 1


def test_on_a_short_disk_what_head_office_has_had_for_long_makes_room_and_the_rest_verifies(
    store: Store, disk: Disk, tmp_path: Path, who: Identity
) -> None:
    _season(store, LET_GO_AT_ONCE)
    _acknowledge(store, 400, NOON_MS + KEPT_MS + 300 * 3_600_000)
    disk.free = RESERVE - 50_000
    assert sell(store).header.seq == LET_GO_AT_ONCE + 1
    assert [seq for seq, _ in store.entries_after(300, 2, 2**30)] == [301, 302]
    with pytest.raises(StoreError) as refused:
        store.entry(300)
    assert refused.value.cause is StoreCause.ABSENT
    assert store.totals().sales == 3
    report = verify_journal(tmp_path / "till.db", ADDRESS, who.signer.public)
    assert (report.epochs[0].start.seq, report.head.seq) == (300, LET_GO_AT_ONCE + 1)
    store.close()
    store.open()
    assert (store.acked().seq, store.backlog().count) == (400, 101)
    begin_epoch(store, 2)
    assert verify_journal(tmp_path / "till.db", ADDRESS, who.signer.public).epochs[1].carried == 101


@pytest.mark.parametrize("keeps", ["not acknowledged", "too young", "no signed time"])
def test_what_may_be_asked_for_stays_and_the_sale_is_refused(store: Store, disk: Disk, keeps: str) -> None:
    _season(store, 30)
    if keeps == "too young":
        _acknowledge(store, 29, NOON_MS + KEPT_MS)
    if keeps == "no signed time":
        _acknowledge(store, 29, 0)
    disk.free = RESERVE - 1
    with pytest.raises(StoreError) as refused:
        sell(store)
    assert refused.value.cause is StoreCause.FULL
    assert store.entry(1).header.seq == 1
    assert cancel(store).header.seq == 31


def test_what_paper_is_owed_for_and_what_is_counted_from_stays(store: Store, disk: Disk) -> None:
    first = sell(store)
    for _ in range(20):
        cancel(store)
    _acknowledge(store, 21, NOON_MS + 2 * KEPT_MS)
    disk.free = RESERVE - 1
    with pytest.raises(StoreError):
        sell(store)
    assert store.last_sale() == first


def test_pages_in_the_file_do_not_stand_for_a_disk_that_is_nearly_full(store: Store, disk: Disk) -> None:
    _season(store, 200)
    _acknowledge(store, 190, NOON_MS + 10 * KEPT_MS)
    disk.free = RESERVE // 2 - 1
    with pytest.raises(StoreError) as refused:
        sell(store)
    assert refused.value.cause is StoreCause.FULL


def test_what_follows_a_young_entry_is_young_whatever_the_clock_said(store: Store, disk: Disk) -> None:
    _season(store, 10)
    # It begins while the clock has not been set yet, as after a repair of the file.
    store.begin_epoch(2, EpochReason.JOURNAL_DAMAGED, new_transaction_id(), replace(stamp(), wall_ms=0))
    carry_all(store)
    _acknowledge(store, 2, NOON_MS + KEPT_MS)
    disk.free = RESERVE - 1
    with pytest.raises(StoreError):
        sell(store)
    assert store.entry(1).header.epoch == 2
