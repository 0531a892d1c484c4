"""The disk of a terminal: real SQLite files, and a current that fails at any write.

The product's store opens its file through a connection of this module. It counts what the store writes, and at the
write that was chosen the power fails: the files stay as they are, of the log only what was synced for certain and
perhaps a part of the rest, and every later call of the store raises PowerCut until the terminal is started again over
the copy. A full disk is the same connection saying so at a write (SQLITE_FULL), or the room it reports.

SQLite writes a commit to the end of the log and syncs it where ``synchronous`` is FULL (sqlite.org/wal.html); until
then the tail may be there, be torn, or be missing. Once the log is begun anew after a checkpoint nothing is cut off any
more: that the disk kept everything is one of the things that can happen.
"""

import random
import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.offline_store.database import BUSY_TIMEOUT_MS

FILE = "store.db"
_WRITES = ("INSERT", "UPDATE", "DELETE", "BEGIN", "COMMIT", "REPLACE")
_SALTS = slice(16, 24)
"""Where a log says which round of it this is (sqlite.org/fileformat2.html, section 4.1)."""


class PowerCut(BaseException):
    """The power failed: nothing of this process runs on."""


@dataclass(frozen=True, slots=True)
class Image:
    """A copy of a disk, as somebody made it: the files, and the digests of the entries in them."""

    folder: Path
    rows: tuple[bytes, ...]


class Disk:
    """One terminal's disk below ``folder``: a folder for each life between two power cuts."""

    syncs = True
    """Whether a commit that the store wants durable is synced."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self._folder = folder
        self._chance = chance
        self._life = 0
        self.dead = False
        self.writes_to_cut: int | None = None
        """After so many writes the power fails; None: it does not."""
        self.writes_to_full: int | None = None
        """From so many writes on there is no room; None: there is room."""
        self.free_bytes = 2**40
        self._synced_bytes = 0
        self._salts = b""
        self._durable = True
        folder.mkdir(parents=True)

    @property
    def path(self) -> Path:
        """The store's file in this life."""
        return self._folder / str(self._life) / FILE

    def power_on(self) -> None:
        """There is power again."""
        self.dead = False
        self.writes_to_cut = None

    def install(self, source: Path) -> None:
        """Put copies of the files of ``source`` on this disk, in a new life."""
        self._life += 1
        shutil.copytree(source, self.path.parent, ignore=shutil.ignore_patterns("*.lock", "*-shm"))
        log = self.path.with_name(f"{FILE}-wal")
        there = log.exists() and log.stat().st_size > 0
        self._synced_bytes, self._salts = (log.stat().st_size, _salts_of(log)) if there else (0, b"")

    def image(self, folder: Path, rows: list[bytes]) -> Image:
        """Copy what is on the disk now; ``rows`` are the entries that are on it."""
        shutil.copytree(self.path.parent, folder, ignore=shutil.ignore_patterns("*.lock", "*-shm"))
        return Image(folder, tuple(rows))

    def connect(self, path: Path) -> sqlite3.Connection:
        """Open the file; what the store is handed."""
        connection = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None, factory=PoweredConnection
        )
        assert isinstance(connection, PoweredConnection)
        connection.disk = self
        return connection

    def before(self, sql: str) -> None:
        """A statement is about to run. Raises PowerCut, or what SQLite raises where there is no room."""
        if self.dead:
            raise PowerCut
        if sql.startswith("PRAGMA synchronous"):
            self._durable = self.syncs and sql.endswith("FULL")
        if not sql.startswith(_WRITES):
            return
        if self.writes_to_cut is not None:
            self.writes_to_cut -= 1
            if self.writes_to_cut < 0 and not sql.startswith("COMMIT"):
                self.cut()
        if self.writes_to_full is not None:
            self.writes_to_full -= 1
            if self.writes_to_full < 0:
                error = sqlite3.OperationalError("database or disk is full")
                error.sqlite_errorcode = sqlite3.SQLITE_FULL
                raise error

    def after(self, sql: str) -> None:
        """A statement has run. Raises PowerCut in the middle of a commit, which may have come through or not."""
        if not sql.startswith("COMMIT"):
            return
        if self.writes_to_cut is not None and self.writes_to_cut < 0:
            self.cut()
        self._note_synced()

    def cut(self) -> None:
        """The power fails now: keep what is on the disk for the next life. Raises PowerCut."""
        self.dead = True
        self._next_life()
        raise PowerCut

    def pull_the_plug(self) -> None:
        """The power fails between two events."""
        self.dead = True
        self._next_life()

    def _next_life(self) -> None:
        left = self.path.parent
        log = left / f"{FILE}-wal"
        size = log.stat().st_size if log.exists() else 0
        same_round = size > 0 and self._salts in (b"", _salts_of(log))
        self._life += 1
        shutil.copytree(left, self.path.parent, ignore=shutil.ignore_patterns("*.lock", "*-shm"))
        if not same_round:
            return
        kept = self._chance.randint(min(self._synced_bytes, size), size) if self._chance.random() < 0.7 else size
        log = self.path.parent / log.name
        with log.open("r+b") as file:
            file.truncate(kept)
        # What is read after the power came back is on the disk for good.
        self._synced_bytes = kept
        self._salts = _salts_of(log)

    def _note_synced(self) -> None:
        log = self.path.with_name(f"{FILE}-wal")
        if not log.exists():
            # What is written is a file beside this one, which takes its place when it is whole.
            return
        salts = _salts_of(log)
        if not self._salts:
            self._salts = salts
        if self._durable and salts == self._salts:
            self._synced_bytes = log.stat().st_size


class PoweredConnection(sqlite3.Connection):
    """The connection of the product's store, on a disk that may fail."""

    disk: Disk

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        """Run a statement, if there is power."""
        self.disk.before(sql)
        found = super().execute(sql, parameters)
        self.disk.after(sql)
        return found

    def executemany(self, sql: str, parameters: Any, /) -> sqlite3.Cursor:
        """Run a statement for each row, if there is power."""
        self.disk.before(sql)
        return super().executemany(sql, parameters)


def _salts_of(log: Path) -> bytes:
    with log.open("rb") as file:
        return file.read(32)[_SALTS]
