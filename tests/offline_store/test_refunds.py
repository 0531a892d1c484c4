"""What came back of a sale is known at once, in whichever epoch and file; the packs that priced it are kept."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from agent.keys import new_transaction_id
from agent.offline_store.epochs import CARRIED_AT_ONCE
from agent.offline_store.store import Store
from contract.bodies import EntryKind, EpochReason
from contract.documents import DocumentKind
from contract.journal import Entry
from contract.trade import PackRef
from rules.authoring import read_authored
from rules.pack import write_pack
from tests.contract.bodies import refund
from tests.offline_store.counter import carry_all, identity, opened, sell, stamp
from tests.offline_store.lending import Lender, activate
from tests.txn.desk import NOTHING_OFF


def take_back(store: Store, sale: Entry, *units: int) -> Entry:
    """So many units of each line of a sale come back for cash."""
    body = refund()
    original = replace(body.original, transaction=sale.header.transaction, digest=sale.digest)
    body = replace(body, original=original, units=units, returned=(), born=())
    return store.append(EntryKind.REFUND, new_transaction_id(), stamp(), body)


def test_what_came_back_is_told_in_order_and_outlives_the_file_and_the_epoch(tmp_path: Path) -> None:
    who, path = identity(), tmp_path / "till.db"
    store = opened(path, who)
    sale, other = sell(store), sell(store)
    for units in ((1,), (2,), (3,)):
        take_back(store, sale, *units)
    store.close()
    store = opened(path, who)
    assert [one.units for one in store.returns.of(sale.header.transaction)] == [(1,), (2,), (3,)]
    assert store.returns.of(other.header.transaction) == ()
    store.begin_epoch(2, EpochReason.CHAIN_DISPUTED, new_transaction_id(), stamp())
    # Until it is carried over, head office would hear of a return before it hears of the sale.
    assert store.returns.waits(sale.header.transaction)
    carry_all(store)
    assert not store.returns.waits(sale.header.transaction)
    assert [one.units for one in store.returns.of(sale.header.transaction)] == [(1,), (2,), (3,)]
    assert not store.returns.waits(sell(store).header.transaction)
    store.close()


def test_a_sale_waits_until_the_open_epoch_has_it_and_what_came_back_of_it(tmp_path: Path) -> None:
    store = opened(tmp_path / "till.db", identity())
    sale = sell(store).header.transaction
    for epoch in (2, 3):
        store.begin_epoch(epoch, EpochReason.CHAIN_DISPUTED, new_transaction_id(), stamp())
        assert store.returns.waits(sale)
        carry_all(store)
        assert not store.returns.waits(sale)
    one = sell(store)
    for _other in range(CARRIED_AT_ONCE):
        sell(store)
    take_back(store, one, 1)
    store.begin_epoch(4, EpochReason.CHAIN_DISPUTED, new_transaction_id(), stamp())
    store.carry_on(stamp())
    assert store.returns.waits(one.header.transaction), "the sale is there, its first return is not"
    carry_all(store)
    assert not store.returns.waits(one.header.transaction)
    store.close()


def test_packs_that_priced_are_kept_long_enough_to_reckon_a_return(tmp_path: Path) -> None:
    store, office = opened(tmp_path / "till.db", identity()), Lender()
    rules = write_pack(read_authored(json.dumps(NOTHING_OFF)))
    refs = []
    for _version in range(66):
        document = office.document(DocumentKind.PACK, rules)
        activate(store, document)
        refs.append(PackRef(document.document.version, document.digest))
    kept = [store.pack_content_of(ref) is not None for ref in refs]
    # The active one, the one before it, and 60 more.
    assert kept == [False] * 4 + [True] * 62
    store.close()
