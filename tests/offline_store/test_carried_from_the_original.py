"""An entry whose carrier is damaged before head office has it is carried over from where it was first signed."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from agent.keys import new_transaction_id
from agent.offline_store.recovery import recover
from agent.offline_store.store import Store
from agent.offline_store.verify import verify_journal
from contract.bodies import CarryOverBody, EpochReason
from tests.contract.samples import ADDRESS
from tests.offline_store.counter import begin_epoch, carry_all, identity, opened, sell, stamp


def _change(path: Path, change: str) -> None:
    with sqlite3.connect(path) as somebody_else:
        somebody_else.execute(change)
    somebody_else.close()


def _carried(store: Store) -> list[tuple[int, int, bytes]]:
    bodies = [store.entry(seq).body() for seq in range(1, store.head().seq + 1)]
    return [(body.epoch, body.seq, body.sealed) for body in bodies if isinstance(body, CarryOverBody)]


@pytest.mark.parametrize(
    ("epochs", "since"), [(2, 2), (3, 3), (3, 2)], ids=("carried once", "the last of two", "both of two")
)
@pytest.mark.parametrize("change", ["UPDATE journal SET sealed = x'00'", "DELETE FROM journal"])
@pytest.mark.parametrize("anew", [False, True], ids=("the same file", "a new file"))
def test_an_entry_whose_carrier_is_damaged_goes_to_head_office_as_it_was_first_signed(
    tmp_path: Path, epochs: int, since: int, change: str, anew: bool
) -> None:
    path, who = tmp_path / "till.db", identity()
    store = opened(path, who)
    sales = [sell(store) for _ in range(6)]
    assert store.advance(2, sales[1].digest)
    for epoch in range(2, epochs + 1):
        begin_epoch(store, epoch, EpochReason.CHAIN_DISPUTED)
        sell(store)
    store.close()
    of_one = "transaction_id IN (SELECT transaction_id FROM journal WHERE epoch = 1 AND seq = 4)"
    _change(path, f"{change} WHERE epoch >= {since} AND carried = 1 AND {of_one}")
    if anew:
        with path.open("r+b") as file:
            file.write(bytes(4096))
    assert (recover(path, who, new_transaction_id(), stamp()).aside is not None) == anew
    store = opened(path, who)
    carry_all(store)
    firsts = [(seq, sealed) for epoch, seq, sealed in _carried(store) if epoch == 1]
    assert sorted(firsts) == [(seq, sales[seq - 1].sealed) for seq in range(3, 7)]
    store.close()
    if since == epochs:
        # What was damaged in an epoch that had ended before, no epoch says is lost.
        verify_journal(path, ADDRESS, who.signer.public)
