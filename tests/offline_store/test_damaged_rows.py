"""A page that is whole for SQLite may still hold rows that nobody wrote: nothing where a number belongs, a text that is
none. Such a file is said to be damaged, and is brought back as any other.
"""

import sqlite3
from contextlib import suppress
from pathlib import Path

import pytest

from agent.offline_store.faults import StoreCause, StoreError
from agent.offline_store.recovery import recover
from agent.offline_store.store import Store
from agent.offline_store.verify import verify_journal
from tests.contract.samples import ADDRESS
from tests.offline_store.counter import identity, opened, sell, stamp

SALES = 5


def write_what_nobody_wrote(path: Path, table: str, column: str, value: str) -> None:
    """Let every row of ``table`` hold ``value`` in ``column``, as a disk does that asks no schema."""
    with sqlite3.connect(path, isolation_level=None) as file:
        (declared,) = file.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).fetchone()
        # The table is what it was declared as again when the row is in: only then does it fit no more.
        for lenient in (declared.replace(" NOT NULL", "").replace(" STRICT", "").replace("STRICT,", ""), declared):
            file.execute("PRAGMA writable_schema = ON")
            file.execute("UPDATE sqlite_master SET sql = ? WHERE name = ?", (lenient, table))
            file.execute("PRAGMA writable_schema = RESET")
            if lenient is not declared:
                file.execute(f"UPDATE {table} SET {column} = {value}")
    file.close()


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("heard", "signed_time_ms", "NULL"),
        ("identity", "address", "NULL"),
        ("identity", "address", "CAST(x'ff00' AS TEXT)"),
        ("identity", "acked_seq", "NULL"),
        ("journal", "sealed", "NULL"),
        ("journal", "digest", "NULL"),
        ("totals", "counted_place", "NULL"),
        ("document_floors", "version", "NULL"),
    ],
)
def test_rows_that_nobody_wrote_are_damage_and_the_store_comes_back(
    tmp_path: Path, table: str, column: str, value: str
) -> None:
    path, who = tmp_path / "till.db", identity()
    store = opened(path, who)
    for _ in range(SALES):
        sell(store)
    store.close()
    write_what_nobody_wrote(path, table, column, value)
    store = Store(path, who)
    try:
        store.open()
        sell(store)
    except StoreError as error:
        assert error.cause is StoreCause.CORRUPT
        store.close()
        with suppress(StoreError):
            verify_journal(path, ADDRESS, who.signer.public)
        recover(path, who, bytes(16), stamp())
        store.open()
        sell(store)
        store.close()
        verify_journal(path, ADDRESS, who.signer.public)
    else:
        assert table == "document_floors", "what an opening reads is looked at"
        store.close()
