"""A file of the first shape, one epoch and a row a receipt, goes on as it is after an upgrade."""

import sqlite3
from dataclasses import replace
from pathlib import Path

from agent.offline_store.database import migrations
from agent.offline_store.store import Place
from agent.offline_store.verify import verify_journal
from contract.bodies import CancelBody, EntryKind
from contract.journal import Entry, identity_hash, seal_entry
from contract.signing import SoftwareSigner
from contract.trade import PerpetualTotals
from tests.contract.samples import ADDRESS, eddsa_signer, header, sale
from tests.offline_store.counter import identity, opened, sell


def _old_chain(signer: SoftwareSigner) -> list[Entry]:
    """Three sales with a cancel between them."""
    found: list[Entry] = []
    before, sales = identity_hash(ADDRESS, 1, signer.public), 0
    for seq in range(1, 5):
        kind = EntryKind.CANCEL if seq == 2 else EntryKind.SALE
        sales += kind is EntryKind.SALE
        sold = replace(sale(), totals=PerpetualTotals(sales, sales * 22_120))
        body = sold if kind is EntryKind.SALE else CancelBody("1001", 1, 100)
        found.append(seal_entry(signer, header(seq, before, kind), body))
        before = found[-1].digest
    return found


def _old_file(path: Path, signer: SoftwareSigner, chain: list[Entry]) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    for step in migrations()[:2]:
        connection.executescript(step)
    start = identity_hash(ADDRESS, 1, signer.public)
    connection.execute("INSERT INTO identity VALUES (1, ?, 1, ?, ?)", (str(ADDRESS), signer.public.text(), start))
    for entry in chain:
        head = entry.header
        row = (head.seq, head.transaction, head.wall_ms, entry.digest, entry.sealed)
        connection.execute("INSERT INTO journal VALUES (?, ?, ?, ?, ?)", row)
    connection.execute("INSERT INTO totals VALUES (1, 3, 66360)")
    connection.execute("INSERT INTO acknowledged VALUES (1, 2, ?, 77)", (chain[1].digest,))
    connection.execute("INSERT INTO receipts VALUES (1, 0), (3, 1), (4, 0)")
    connection.execute("PRAGMA user_version = 2")
    connection.close()


def test_an_old_file_keeps_its_chain_cursor_totals_and_owed_papers(tmp_path: Path) -> None:
    signer, path = eddsa_signer(), tmp_path / "till.db"
    chain = _old_chain(signer)
    _old_file(path, signer, chain)
    store = opened(path, identity(signer))
    assert [sealed for _seq, sealed in store.entries_after(0, 10, 2**30)] == [entry.sealed for entry in chain]
    assert (store.epoch(), store.acked().seq, store.signed_time_ms()) == (1, 2, 77)
    assert (store.unprinted(), store.last_sale()) == ([Place(1, 3)], chain[3])
    assert sell(store).header.seq == 5
    assert store.totals() == PerpetualTotals(4, 4 * 22_120)
    store.close()
    assert verify_journal(path, ADDRESS, signer.public).head.seq == 5
