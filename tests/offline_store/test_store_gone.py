"""A store that is empty or gone although there was one is not taken for a new till's."""

from pathlib import Path

import pytest

from agent.keys import new_transaction_id
from agent.offline_store.recovery import recover
from agent.offline_store.store import Store, StoreError
from agent.offline_store.verify import verify_journal
from tests.contract.samples import ADDRESS
from tests.offline_store.counter import begin_epoch, identity, opened, sell, stamp


@pytest.mark.parametrize("gone", [False, True])
def test_a_file_that_was_emptied_or_is_gone_is_not_taken_for_a_new_one(tmp_path: Path, gone: bool) -> None:
    who = identity()
    path = tmp_path / "till.db"
    store = opened(path, who)
    sell(store)
    begin_epoch(store, 5)
    store.close()
    opened(path, who).close()
    for end in ("-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
    path.unlink() if gone else path.write_bytes(b"")
    with pytest.raises(StoreError, match="epoch 5 was kept in it") as refused:
        Store(path, who).open()
    assert refused.value.in_the_file
    found = recover(path, who, new_transaction_id(), stamp())
    assert (found.epoch, found.entries) == (6, 0)
    assert found.detail.startswith(
        "0 entries kept, how many are lost is not known; the file is kept as till.db.damaged-"
    )
    store = opened(path, who)
    assert sell(store).header.seq == 2
    store.close()
    verify_journal(path, ADDRESS, who.signer.public)
