"""A store with damaged pages comes back with every entry that can still be read, and nothing is thrown away."""

import random
import shutil
import sqlite3
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from agent.keys import Identity, new_transaction_id
from agent.offline_store.epochs import CARRIED_AT_ONCE
from agent.offline_store.recovery import Recovery, recover
from agent.offline_store.store import Place, Store, StoreCause, StoreError
from agent.offline_store.verify import verify_journal
from contract.bodies import CarryOverBody, EntryKind, EpochReason, EpochStartBody, TechnicalEventBody
from contract.trade import SaleBody
from tests.contract.samples import ADDRESS, sale
from tests.offline_store.counter import (
    HeadOffice,
    begin_epoch,
    cancel,
    carry_all,
    cashier,
    identity,
    opened,
    sell,
    stamp,
)

PAGE = 4096
SALES = 60
ACKED = 20


@pytest.fixture(scope="module")
def who() -> Identity:
    return identity()


@dataclass(frozen=True, slots=True)
class Day:
    """A till's day as the disk has it: closed in order, or amid it with the newest in the log; and its entries."""

    folder: Path
    entries: list[bytes]

    def closed(self, folder: Path) -> Path:
        """A copy of the store, closed in order."""
        return Path(shutil.copy(self.folder / "till.db", folder / "till.db"))

    def running(self, folder: Path) -> Path:
        """A copy of the store in the middle of the day, its log beside it."""
        shutil.copy(self.folder / "running.db-wal", folder / "till.db-wal")
        return Path(shutil.copy(self.folder / "running.db", folder / "till.db"))


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory, who: Identity) -> Day:
    folder = tmp_path_factory.mktemp("day")
    path = folder / "till.db"
    store = opened(path, who)
    for number in range(SALES - 10):
        _trade(store, number)
    assert store.advance(ACKED, store.entry(ACKED).digest)
    store.close()
    store = opened(path, who)
    for number in range(10):
        _trade(store, number)
    for name in ("", "-wal"):
        shutil.copy(folder / f"till.db{name}", folder / f"running.db{name}")
    entries = [sealed for _seq, sealed in store.entries_of(1, 0, 1_000, 2**40)]
    store.close()
    return Day(folder, entries)


def _trade(store: Store, number: int) -> None:
    """A sale; now and then one so long that it does not fit into a page, and a basket given up."""
    if number % 7 == 3:
        body = sale()
        line = body.basket.lines[0]
        long = replace(
            body,
            basket=replace(body.basket, lines=(line,) * 100),
            names=("很长很长的商品名称" * 4,) * 100,
            payable_by_line=(100,) * 100,
        )
        store.append(EntryKind.SALE, new_transaction_id(), stamp(number), long, owes_receipt=True)
    elif number % 5 == 4:
        cancel(store)
    else:
        sell(store)


def _brought_back(path: Path, who: Identity, entries: list[bytes]) -> tuple[Store, Recovery | None]:
    """Open and sell as a till does: where that is refused, or reading what waits is, recover and open again; then make
    sure of all that must hold whatever was damaged.
    """
    found: Recovery | None = None
    store = Store(path, who)
    try:
        store.open()
        if not _readable(store):
            begin_epoch(store, store.epoch() + 1, EpochReason.JOURNAL_DAMAGED)
        sold = sell(store)
    except StoreError as error:
        assert error.cause is StoreCause.CORRUPT
        store.close()
        found = recover(path, who, new_transaction_id(), stamp())
        store = opened(path, who)
        carry_all(store)
        sold = sell(store)
    body = sold.body()
    assert isinstance(body, SaleBody) and body.totals == store.totals()
    first = store.entry(1).body()
    lost = set(first.lost) if isinstance(first, EpochStartBody) else set()
    if isinstance(first, EpochStartBody) and first.head_proven:
        assert first.head_seq >= len(entries)
    acked = first.acked_seq if isinstance(first, EpochStartBody) else store.acked().seq
    carried = {item.seq: item.sealed for item in _carried(store)}
    for seq, sealed in enumerate(entries, start=1):
        kept = store.entries_of(1, seq - 1, 1, 2**30) == [(seq, sealed)]
        if store.epoch() > 1 and kept and seq > acked:
            assert carried[seq] == sealed, seq
        assert kept or seq in lost or store.epoch() == 1 or seq > len(entries) - 10, seq
    store.close()
    verify_journal(path, ADDRESS, who.signer.public)
    return opened(path, who), found


def _readable(store: Store) -> bool:
    seq = store.acked().seq
    while seq < store.head().seq:
        try:
            seq = store.entries_after(seq, 100, 2**30)[-1][0]
        except StoreError as error:
            assert error.entry == (store.epoch(), seq + 1)
            return False
    return True


def _carried(store: Store) -> list[CarryOverBody]:
    bodies = [store.entry(seq).body() for seq in range(1, store.head().seq + 1)]
    return [body for body in bodies if isinstance(body, CarryOverBody)]


def _spoil(path: Path, place: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        file.write(data)


def test_without_its_first_page_a_file_is_salvaged_whole(day: Day, tmp_path: Path, who: Identity) -> None:
    path = day.closed(tmp_path)
    _spoil(path, 0, random.Random(1).randbytes(PAGE))
    store, found = _brought_back(path, who, day.entries)
    assert found is not None and found.aside == tmp_path / "till.db.damaged-1"
    assert (found.entries, found.lost, found.epoch) == (SALES, (), 2)
    assert found.aside.exists()
    assert len(_carried(store)) == SALES
    assert "60 entries kept, how many are lost is not known; the file is kept as till.db.damaged-1" in found.detail
    store.append(EntryKind.TECHNICAL_EVENT, new_transaction_id(), stamp(), TechnicalEventBody("salvaged", found.detail))
    assert store.held() == ()
    store.close()
    assert sorted(item.name for item in tmp_path.iterdir() if "building" in item.name) in (
        [],
        ["till.db.building.lock"],
    )


@pytest.mark.parametrize("seed", range(8))
def test_whichever_pages_are_overwritten_the_till_comes_back_with_all_that_is_left(
    day: Day, tmp_path: Path, who: Identity, seed: int
) -> None:
    chance = random.Random(seed)
    path = day.running(tmp_path) if seed % 3 == 0 else day.closed(tmp_path)
    pages = path.stat().st_size // PAGE
    for _ in range(chance.randint(1, 4)):
        page = chance.randrange(pages)
        start = page * PAGE + chance.choice((0, 0, chance.randrange(PAGE)))
        size = chance.choice((1, 16, 512, PAGE))
        _spoil(path, start, chance.randbytes(size))
    store, _found = _brought_back(path, who, day.entries)
    store.close()


@pytest.mark.parametrize("seed", range(4))
def test_a_damaged_log_costs_at_most_what_stood_in_it(day: Day, tmp_path: Path, who: Identity, seed: int) -> None:
    chance = random.Random(100 + seed)
    path = day.running(tmp_path)
    log = path.with_name("till.db-wal")
    for _ in range(chance.randint(1, 3)):
        _spoil(log, chance.randrange(log.stat().st_size), chance.randbytes(chance.choice((1, 24, PAGE))))
    if seed == 0:
        _spoil(log, 0, bytes(32))
    if seed % 2:
        _spoil(path, 0, bytes(PAGE))
    store, _found = _brought_back(path, who, day.entries)
    store.close()


def test_an_entry_changed_on_the_disk_is_lost_and_all_others_go_on(day: Day, tmp_path: Path, who: Identity) -> None:
    path = day.closed(tmp_path)
    store = opened(path, who)
    with sqlite3.connect(path) as somebody_else:
        somebody_else.execute("UPDATE journal SET sealed = zeroblob(400) WHERE seq = 30")
    somebody_else.close()
    assert [seq for seq, _ in store.entries_after(ACKED, 100, 2**30)] == list(range(ACKED + 1, 30))
    with pytest.raises(StoreError) as refused:
        store.entries_after(29, 100, 2**30)
    assert (refused.value.cause, refused.value.entry) == (StoreCause.CORRUPT, (1, 30))
    first = begin_epoch(store, 2, EpochReason.JOURNAL_DAMAGED)
    body = first.body()
    assert isinstance(body, EpochStartBody) and body.lost == (30,)
    assert [item.seq for item in _carried(store)] == [seq for seq in range(ACKED + 1, SALES + 1) if seq != 30]
    assert store.entries_of(1, 29, 100, 2**30) == []
    store.close()
    report = verify_journal(path, ADDRESS, who.signer.public)
    assert report.lost == (Place(1, 30),)


def test_a_changed_entry_among_the_newest_opens_again_in_the_same_file(day: Day, tmp_path: Path, who: Identity) -> None:
    path = day.closed(tmp_path)
    data = bytearray(path.read_bytes())
    data[data.index(day.entries[45][-64:])] ^= 1
    path.write_bytes(bytes(data))
    store, found = _brought_back(path, who, day.entries)
    assert found is not None and (found.aside, found.lost) == (None, (Place(1, 46),))
    store.close()


def test_the_perpetual_totals_go_on_from_the_newest_entry_that_can_be_read(
    day: Day, tmp_path: Path, who: Identity
) -> None:
    path = day.closed(tmp_path)
    whole = opened(path, who)
    totals, waiting = whole.totals(), [place for place in whole.unprinted() if place.seq != 1]
    whole.close()
    damaged = day.closed(tmp_path)
    _spoil(damaged, 0, bytes(PAGE))
    recover(damaged, who, new_transaction_id(), stamp())
    store = opened(damaged, who)
    assert store.totals() == totals
    assert waiting
    store.close()


@pytest.mark.parametrize("cut", ["built", "moved", "moved with its log"])
def test_a_power_cut_while_the_files_change_places_is_finished_by_the_next_opening(
    day: Day, tmp_path: Path, who: Identity, cut: str
) -> None:
    path = day.closed(tmp_path)
    _spoil(path, 0, bytes(PAGE))
    path.with_name("till.db-wal").write_bytes(b"")
    recover(path, who, new_transaction_id(), stamp())
    # Back to where the power failed, by the steps of the swap.
    path.rename(path.with_name("till.db.salvaged-1"))
    aside, log = path.with_name("till.db.damaged-1"), path.with_name("till.db.damaged-1-wal")
    if cut != "moved with its log":
        log.rename(path.with_name("till.db-wal"))
    if cut == "built":
        aside.rename(path)
    store = opened(path, who)
    carry_all(store)
    assert (store.epoch(), store.head().seq) == (2, 1 + SALES)
    store.close()
    assert aside.exists() and log.exists()
    assert not path.with_name("till.db.salvaged-1").exists()


def test_a_cut_before_the_new_file_is_whole_leaves_the_old_one_for_the_next_try(
    day: Day, tmp_path: Path, who: Identity
) -> None:
    path = day.closed(tmp_path)
    _spoil(path, 0, bytes(PAGE))
    path.with_name("till.db.building").write_bytes(b"half of something" * 1_000)
    path.with_name("till.db.building-wal").write_bytes(b"and its log")
    found = recover(path, who, new_transaction_id(), stamp())
    assert (found.entries, found.lost) == (SALES, ())


def test_a_second_damage_is_kept_beside_the_first(day: Day, tmp_path: Path, who: Identity) -> None:
    path = day.closed(tmp_path)
    for epoch, name in ((2, "till.db.damaged-1"), (3, "till.db.damaged-2")):
        _spoil(path, 0, bytes(PAGE))
        found = recover(path, who, new_transaction_id(), stamp())
        assert found.aside is not None and (found.epoch, found.aside.name) == (epoch, name)
    store = opened(path, who)
    carry_all(store)
    assert len({item.sealed for item in _carried(store)}) == SALES + 1
    store.close()
    verify_journal(path, ADDRESS, who.signer.public)


@pytest.mark.parametrize("content", [b"", b"this is no database " * 900, bytes(8_192)])
def test_of_a_file_that_holds_nothing_nothing_is_kept_and_the_till_still_comes_up(
    tmp_path: Path, who: Identity, content: bytes
) -> None:
    path = tmp_path / "till.db"
    path.write_bytes(content)
    found = recover(path, who, new_transaction_id(), stamp())
    assert (found.epoch, found.entries, found.lost) == (2, 0, ())
    store = opened(path, who)
    assert sell(store).header.seq == 2
    store.close()


def test_another_terminals_file_is_left_alone(day: Day, tmp_path: Path) -> None:
    path = day.closed(tmp_path)
    data = path.read_bytes()
    with pytest.raises(StoreError) as refused:
        recover(path, identity(), new_transaction_id(), stamp())
    assert refused.value.cause is StoreCause.FOREIGN
    assert path.read_bytes() == data


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM journal WHERE seq = 50",
        "DELETE FROM journal WHERE seq >= 58",
        "UPDATE journal SET place = place + 1 WHERE seq = 60",
        "UPDATE journal SET digest = zeroblob(32) WHERE seq = 55",
        "UPDATE totals SET payable_minor = payable_minor - 1",
        "DELETE FROM totals",
        "UPDATE identity SET acked_seq = 71",
        "UPDATE identity SET acked_digest = zeroblob(32)",
        "UPDATE identity SET identity_hash = zeroblob(32)",
        "DELETE FROM identity",
        "DELETE FROM heard",
        "DROP TABLE receipts",
        "PRAGMA user_version = 1",
        "PRAGMA user_version = 99999999",
    ],
)
def test_whatever_row_is_damaged_the_till_comes_back_and_its_journal_verifies(
    day: Day, tmp_path: Path, who: Identity, damage: str
) -> None:
    path = day.closed(tmp_path)
    with sqlite3.connect(path) as somebody_else:
        somebody_else.execute(damage)
    somebody_else.close()
    store, found = _brought_back(path, who, day.entries)
    assert found is not None and store.epoch() == 2
    store.close()


def test_what_was_not_carried_over_yet_when_the_file_broke_is_carried_over_after(
    day: Day, tmp_path: Path, who: Identity
) -> None:
    path = day.closed(tmp_path)
    store = opened(path, who)
    for _ in range(CARRIED_AT_ONCE):
        cancel(store)
    waiting = SALES - ACKED + CARRIED_AT_ONCE
    store.begin_epoch(2, EpochReason.CHAIN_DISPUTED, new_transaction_id(), stamp())
    assert store.carry_on(stamp()).left
    between = sell(store)
    store.close()
    _spoil(path, 0, bytes(PAGE))
    recover(path, who, new_transaction_id(), stamp())
    store = opened(path, who)
    assert store.backlog().count == 1 + 1 + CARRIED_AT_ONCE + 1 + waiting - CARRIED_AT_ONCE
    carry_all(store)
    carried = _carried(store)
    assert [item.seq for item in carried if item.epoch == 1] == list(range(ACKED + 1, ACKED + 1 + waiting))
    assert [item.sealed for item in carried if item.epoch == 2][1:] == [between.sealed]
    store.close()
    verify_journal(path, ADDRESS, who.signer.public)


def test_versions_of_documents_that_were_active_are_known_in_the_new_file(tmp_path: Path, who: Identity) -> None:
    path, office = tmp_path / "till.db", HeadOffice()
    store = opened(path, who)
    for document in (office.cashiers(3, cashier("1001")), office.pack(8), office.pack(9)):
        store.activate(document, new_transaction_id(), stamp())
    with sqlite3.connect(path) as somebody_else:
        somebody_else.execute("INSERT INTO document_floors VALUES ('members', 12), ('unheard_of', 5)")
        somebody_else.execute("UPDATE document_floors SET version = 40 WHERE kind = 'pack'")
        somebody_else.execute("DROP TABLE receipts")
    somebody_else.close()
    store.close()
    found = recover(path, who, new_transaction_id(), stamp())
    assert found.aside is not None
    store = opened(path, who)
    assert store.held() == ()
    floors = [store.floor(kind) for kind in ("cashiers", "pack", "members", "unheard_of")]
    assert floors == [3, 9, 12, 0], "what entries say goes before what the damaged file says"
    with pytest.raises(StoreError) as refused:
        store.activate(office.pack(8), new_transaction_id(), stamp())
    assert (refused.value.cause, refused.value.detail[:13]) == (StoreCause.INVALID, "older_version")
    store.activate(office.pack(9), new_transaction_id(), stamp())
    store.close()
