"""The journal in a file: written beside a selling till, verified without head office, and wrong in no place unseen."""

import io
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.keys import Identity
from agent.offline_store.chain import Place
from agent.offline_store.export import export_journal, verify_export
from agent.offline_store.store import Store, StoreCause, StoreError
from agent.offline_store.verify import ChainReport
from contract.bodies import EpochReason
from contract.envelope import keyring
from contract.errors import ContractError
from contract.export import (
    ExportedEpoch,
    ExportManifest,
    Measure,
    open_manifest,
    read_entries,
    read_manifest,
    seal_manifest,
    write_export,
)
from contract.signing import Signer
from tests.contract.samples import ADDRESS
from tests.offline_store.counter import NOON_MS, begin_epoch, cancel, identity, opened, sell

ALL = Place(1, 0)


@pytest.fixture(scope="module")
def who() -> Identity:
    return identity()


@pytest.fixture
def store(tmp_path: Path, who: Identity) -> Iterator[Store]:
    found = opened(tmp_path / "till.db", who)
    yield found
    found.close()


def _traded(store: Store) -> None:
    """Three sales and a cancel, two acknowledged; then an epoch with a sale more."""
    for _ in range(3):
        sell(store)
    cancel(store)
    assert store.advance(2, store.entry(2).digest)
    begin_epoch(store, 2)
    sell(store)


def _export(folder: Path, who: Identity, after: Place = ALL) -> bytes:
    sink = io.BytesIO()
    export_journal(folder / "till.db", ADDRESS, who.signer, sink, after, NOON_MS)
    return sink.getvalue()


def _verify(data: bytes, who: Identity) -> tuple[ExportManifest, ChainReport]:
    return verify_export(lambda: io.BytesIO(data), who.signer.public)


def test_what_is_exported_beside_a_selling_till_verifies_and_is_what_was_signed(
    store: Store, tmp_path: Path, who: Identity
) -> None:
    _traded(store)
    data = _export(tmp_path, who)
    sell(store)
    manifest, report = _verify(data, who)
    assert (manifest.address, manifest.made_ms, manifest.count) == (ADDRESS, NOON_MS, 8)
    assert [(part.epoch, part.first_seq, part.last_seq, part.acked_seq) for part in manifest.epochs] == [
        (1, 1, 4, 2),
        (2, 1, 4, 0),
    ]
    assert [part.carried for part in report.epochs] == [0, 2]
    assert report.totals is not None and report.totals.sales == 4
    read = io.BytesIO(data).read
    found = [
        entry.sealed for entry in read_entries(read, open_manifest(read_manifest(read), keyring(who.signer.public)))
    ]
    assert found[:4] == [sealed for _seq, sealed in store.entries_of(1, 0, 10, 2**30)]


def test_an_export_may_begin_in_the_middle(store: Store, tmp_path: Path, who: Identity) -> None:
    _traded(store)
    manifest, report = _verify(_export(tmp_path, who, Place(1, 3)), who)
    assert [(part.epoch, part.first_seq) for part in manifest.epochs] == [(1, 4), (2, 1)]
    assert report.totals is not None and report.totals.sales == 4
    manifest, report = _verify(_export(tmp_path, who, Place(2, 2)), who)
    assert [(part.epoch, part.first_seq) for part in manifest.epochs] == [(2, 3)]
    with pytest.raises(StoreError) as refused:
        _export(tmp_path, who, Place(2, 9))
    assert refused.value.cause is StoreCause.ABSENT


def test_an_entry_that_cannot_be_read_is_left_out_named_and_found_missing(
    store: Store, tmp_path: Path, who: Identity
) -> None:
    _traded(store)
    with sqlite3.connect(tmp_path / "till.db") as somebody_else:
        somebody_else.execute("UPDATE journal SET sealed = x'00' WHERE epoch = 1 AND seq = 2")
    somebody_else.close()
    data = _export(tmp_path, who)
    with pytest.raises(StoreError, match="entry 1/2: is missing") as refused:
        _verify(data, who)
    assert refused.value.entry == (1, 2)
    read = io.BytesIO(data).read
    assert open_manifest(read_manifest(read), keyring(who.signer.public)).epochs[0].missing == (2,)


def test_what_a_later_epoch_says_is_lost_may_be_missing(store: Store, tmp_path: Path, who: Identity) -> None:
    for _ in range(4):
        sell(store)
    with sqlite3.connect(tmp_path / "till.db") as somebody_else:
        somebody_else.execute("UPDATE journal SET sealed = x'00' WHERE seq IN (2, 4)")
    somebody_else.close()
    begin_epoch(store, 2, EpochReason.JOURNAL_DAMAGED)
    sell(store)
    _manifest, report = _verify(_export(tmp_path, who), who)
    assert report.lost == (Place(1, 2), Place(1, 4))
    assert report.totals is not None and report.totals.sales == 4


def test_a_file_changed_on_the_way_is_refused(store: Store, tmp_path: Path, who: Identity) -> None:
    _traded(store)
    data = bytearray(_export(tmp_path, who))
    for place in range(40, len(data), 97):
        data[place] ^= 1
        with pytest.raises((ContractError, StoreError)):
            _verify(bytes(data), who)
        data[place] ^= 1


def test_another_terminals_key_does_not_verify_it(store: Store, tmp_path: Path, who: Identity) -> None:
    _traded(store)
    data = _export(tmp_path, who)
    with pytest.raises(StoreError) as refused:
        _verify(data, identity())
    assert refused.value.cause is StoreCause.FOREIGN
    assert verify_export(lambda: io.BytesIO(data))[0].address == ADDRESS


def _resigned(signer: Signer, entries: list[bytes], part: ExportedEpoch) -> bytes:
    """A file that its own terminal signs for, whatever is in it."""
    measure = Measure()
    for sealed in entries:
        measure.add(sealed)
    sink = io.BytesIO()
    write_export(sink, seal_manifest(signer, measure.manifest(ADDRESS, NOON_MS, (part,))), entries)
    return sink.getvalue()


def test_even_signed_for_anew_a_chain_cannot_be_bent(store: Store, tmp_path: Path, who: Identity) -> None:
    for _ in range(4):
        sell(store)
    entries = [sealed for _seq, sealed in store.entries_of(1, 0, 10, 2**30)]
    (part,) = _verify(_export(tmp_path, who), who)[0].epochs
    start, key = part.before, who.signer.public.text()
    for bent, said in (
        ([entries[0], entries[2], entries[1], entries[3]], "entry 1/2: says that it is entry 1/3"),
        ([entries[0], entries[1], entries[1], entries[3]], "entry 1/3: says that it is entry 1/2"),
    ):
        with pytest.raises(StoreError, match=said):
            _verify(_resigned(who.signer, bent, part), who)
    short = ExportedEpoch(1, key, 1, 3, start, part.head, 0)
    with pytest.raises(StoreError, match="not the end of the chain"):
        _verify(_resigned(who.signer, entries[:3], short), who)
    unfounded = ExportedEpoch(1, key, 1, 4, bytes(32), part.head, 0)
    with pytest.raises(StoreError, match="begin with the terminal's identity"):
        _verify(_resigned(who.signer, entries, unfounded), who)
