"""A store's connection whose power fails at a chosen statement: nothing after it is written."""

import sqlite3
from pathlib import Path
from typing import Any

from agent.offline_store.database import BUSY_TIMEOUT_MS


class PowerCut(BaseException):
    """The power failed: nothing of this process runs on."""


class Current:
    """Fails before the statement of this number that writes; None: never."""

    def __init__(self, fails_at: int | None = None) -> None:
        self.left = fails_at
        self.writes = 0

    def connect(self, path: Path) -> sqlite3.Connection:
        """What the store is handed."""
        connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None, factory=_Powered)
        assert isinstance(connection, _Powered)
        connection.current = self
        return connection

    def before(self, sql: str) -> None:
        """A statement is about to run."""
        if not sql.startswith(("INSERT", "UPDATE", "DELETE", "BEGIN", "COMMIT")):
            return
        self.writes += 1
        if self.left is not None and self.writes > self.left:
            raise PowerCut


class _Powered(sqlite3.Connection):
    current: Current

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        self.current.before(sql)
        return super().execute(sql, *values)
