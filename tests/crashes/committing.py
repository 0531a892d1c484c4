"""A till that only commits sales, as a process of its own: ``committing.py STORE KEY FULL|NORMAL`` sells until it is
killed, and says each sequence once the store has said that it is durable. Given a fourth word, it waits for
a line on its standard input before it marks the paper as out, says so, and waits for another.

NORMAL is the store that is careless: the same code over a connection that turns the one word around.
"""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
import sys
from pathlib import Path
from typing import Any

from agent.offline_store.database import connected
from agent.offline_store.faults import StoreError
from agent.offline_store.store import Store
from contract.signing import SoftwareSigner
from tests.offline_store.counter import identity, sell


class Careless(sqlite3.Connection):
    """A connection that never lets a commit be synced."""

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        """Run a statement."""
        return super().execute(sql.replace("synchronous = FULL", "synchronous = NORMAL"), parameters)


def main() -> None:
    path, key, synchronous = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    connect = {"FULL": connected, "NORMAL": careless}[synchronous]
    store = Store(path, identity(SoftwareSigner(key.read_bytes())), connect=connect)
    store.open()
    for _ in itertools.count():
        entry = sell(store)
        print(entry.header.seq, flush=True)
        if len(sys.argv) > 4:
            sys.stdin.readline()
            with contextlib.suppress(StoreError):
                store.mark_printed(entry.header.seq)
            print("marked", flush=True)
            sys.stdin.readline()
        else:
            store.mark_printed(entry.header.seq)


def careless(path: Path) -> sqlite3.Connection:
    """Open the file for a store that does not sync."""
    return sqlite3.connect(path, isolation_level=None, factory=Careless)


if __name__ == "__main__":
    main()
