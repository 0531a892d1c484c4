"""One SQLite file with one writer: opening, numbered migrations, and transactions that are durable when they return.

WAL with synchronous=FULL: a commit is one write and one fdatasync of the log (sqlite.org/wal.html,
sqlite.org/pragma.html#pragma_synchronous). What may be lost at a power cut without harm can ask for no sync of its own.
"""

import fcntl
import glob
import os
import sqlite3
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from importlib import resources
from pathlib import Path
from threading import get_ident
from typing import Any

from agent.offline_store.faults import StoreCause, StoreError, fault, named_faults

BUSY_TIMEOUT_MS = 500
"""A reader of another process, such as a technician's check, may hold the file; the till waits this long."""

_CHECKPOINT_PAGES = 1_000
_MOST_EPOCH_BYTES = 12
"""An epoch in decimal, padded with spaces, and a line's end: written at once over the one before."""

_MOST_STEPS = 10_000
"""A shape of a higher number is damage, and not a newer program's."""

_SHAPE = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name"

_READY = ".salvaged-"
"""What the name of a file ends with, before a number, that is ready to take a damaged one's place."""


def connected(path: Path) -> sqlite3.Connection:
    """Open the file; the library begins no transaction by itself. Raises sqlite3.Error."""
    return sqlite3.connect(path, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None)


Connect = Callable[[Path], sqlite3.Connection]


class Database:
    """The file at ``path``, opened by ``connect``. All methods belong to the thread that called :meth:`open`."""

    def __init__(self, path: Path, connect: Connect = connected) -> None:
        self._path = path
        self._connect = connect
        self._connection: sqlite3.Connection | None = None
        self._owner: int | None = None
        self._lock: int | None = None
        self._log_in_doubt = False
        self._promise: bool | None = None
        """Whether a commit is durable, as it was last said to the library; None where that is in doubt."""
        self._over = 0
        """How many transactions were undone, and rows written through connections that are closed."""

    def open(self) -> None:
        """Open the file, made where it is missing, and bring it to this program's shape. Raises StoreError."""
        if self._connection is not None:
            return
        self._lock, self._owner = _hold(self._path), get_ident()
        try:
            self._require_content(self._lock)
            with named_faults():
                self._connection = self._connect(self._path)
                self._set_up(self._connection)
                self._migrate(self._connection)
        except StoreError:
            self.close()
            raise

    def close(self) -> None:
        """Close the file and let others have it; may be called again."""
        connection, self._connection = self._connection, None
        self._promise = None
        lock, self._lock = self._lock, None
        try:
            if connection is not None:
                with named_faults():
                    self._over += connection.total_changes + 1
                    connection.close()
        finally:
            if lock is not None:
                os.close(lock)

    def keep_epoch(self, epoch: int) -> None:
        """Note beside the file that it holds ``epoch``, so that a file that is emptied or gone later is not taken for a
        new one. Where that cannot be written, the next opening tries again. Raises StoreError, CLOSED.
        """
        if self._lock is None:
            raise StoreError(StoreCause.CLOSED)
        told = f"{epoch:<{_MOST_EPOCH_BYTES - 1}}\n".encode()
        with suppress(OSError):
            if os.pread(self._lock, _MOST_EPOCH_BYTES, 0) != told:
                os.pwrite(self._lock, told, 0)
                os.fsync(self._lock)

    def _require_content(self, lock: int) -> None:
        epoch = _epoch_told(lock)
        if epoch and self._path.stat().st_size == 0:
            raise StoreError(StoreCause.CORRUPT, f"the file is empty or gone, and epoch {epoch} was kept in it")

    @property
    def version(self) -> int:
        """A number that grows with every row written, every transaction undone and every opening: what was read while
        it stood still is still so. Raises StoreError.
        """
        if self._owner != get_ident():
            raise StoreError(StoreCause.CLOSED, "another thread has it open")
        return self._open_connection().total_changes + self._over

    def row(self, sql: str, *values: object) -> tuple[Any, ...] | None:
        """Return the first row, or None. Raises StoreError."""
        try:
            found: tuple[Any, ...] | None = self._open_connection().execute(sql, values).fetchone()
        except (sqlite3.Error, UnicodeError) as error:
            raise fault(error) from error
        return found

    def rows(self, sql: str, *values: object) -> Generator[tuple[Any, ...], None, None]:
        """Yield the rows one after the other. Raises StoreError."""
        with named_faults():
            cursor = self._open_connection().execute(sql, values)
            try:
                yield from cursor
            finally:
                cursor.close()

    def write(self, sql: str, *values: object) -> None:
        """Run one statement inside :meth:`transaction`. Raises StoreError."""
        try:
            self._open_connection().execute(sql, values)
        except sqlite3.Error as error:
            raise fault(error) from error

    def write_many(self, sql: str, rows: Iterator[tuple[object, ...]]) -> None:
        """Run one statement for each row inside :meth:`transaction`. Raises StoreError."""
        with named_faults():
            self._open_connection().executemany(sql, rows)

    def transaction(self, durable: bool = True) -> "Transaction":
        """All or nothing. When it returns without an error and is ``durable``, a power cut cannot undo it.

        Raises StoreError, having undone everything; so does any exception inside.
        """
        return Transaction(self._begin, self._end, durable)

    def _begin(self, durable: bool) -> sqlite3.Connection:
        connection = self._open_connection()
        try:
            if self._log_in_doubt:
                self._settle_log(connection)
            if durable is not self._promise:
                self._say_promise(connection, durable)
            try:
                connection.execute("BEGIN IMMEDIATE")
            except BaseException:
                self._undo(connection)
                raise
        except sqlite3.Error as error:
            raise fault(error) from error
        return connection

    def _end(self, connection: sqlite3.Connection, error: BaseException | None) -> None:
        """Commit, or after an error undo everything."""
        try:
            if error is not None:
                self._undo(connection)
            else:
                self._commit(connection)
        except sqlite3.Error as failed:
            raise fault(failed) from failed
        if isinstance(error, sqlite3.Error):
            raise fault(error) from error

    def _undo(self, connection: sqlite3.Connection) -> None:
        self._over += 1
        if connection.in_transaction:
            connection.execute("ROLLBACK")

    def _say_promise(self, connection: sqlite3.Connection, durable: bool) -> None:
        """Let commits from now on be durable, or not; where that fails half way it is said again."""
        self._promise = None
        connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        # A checkpoint follows a synced commit only: a failed sync of its own is passed over in silence, and what was
        # not durable before it would be missing in the middle of the log.
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES if durable else 0}")
        self._promise = durable

    def _commit(self, connection: sqlite3.Connection) -> None:
        try:
            connection.execute("COMMIT")
        except BaseException as error:
            self._log_in_doubt = self._log_in_doubt or isinstance(error, sqlite3.Error)
            self._undo(connection)
            raise

    def _settle_log(self, connection: sqlite3.Connection) -> None:
        """After a commit that failed, begin the log anew before anything else is written.

        A failed sync leaves the refused commit whole in the log, where the next start would find and believe it; and
        what the kernel held of the log at that moment may never reach the disk, whatever a later sync says. The
        checkpoint writes everything that counts to the file, syncs it, and empties the log. Raises StoreError.
        """
        (busy, _pages, _moved) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise StoreError(StoreCause.LOCKED, "after a failed commit the log is begun anew, and somebody reads it")
        self._log_in_doubt = False

    def _open_connection(self) -> sqlite3.Connection:
        if self._connection is None:
            raise StoreError(StoreCause.CLOSED)
        return self._connection

    def is_whole(self) -> bool:
        """Whether the file's own structure holds together, all of it read, and has this program's shape; a page's
        content may still be another than was written. Raises StoreError, CORRUPT where not even that can be asked.
        """
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as empty:
            self._migrate(empty)
            shape = empty.execute(_SHAPE).fetchall()
        return list(self.rows(_SHAPE)) == shape and self.row("PRAGMA integrity_check(1)") == ("ok",)

    @staticmethod
    def _set_up(connection: sqlite3.Connection) -> None:
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise StoreError(StoreCause.IO, f"the file system offers no write-ahead log (journal mode {mode})")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        connection.execute("PRAGMA cell_size_check = ON")
        # Sorting and index building must not leave plain text in temporary files.
        connection.execute("PRAGMA temp_store = MEMORY")

    @staticmethod
    def _migrate(connection: sqlite3.Connection) -> None:
        steps = migrations()
        (done,) = connection.execute("PRAGMA user_version").fetchone()
        if not 0 <= done <= _MOST_STEPS:
            raise StoreError(StoreCause.CORRUPT, f"the file says that it has shape {done}")
        if done > len(steps):
            raise StoreError(StoreCause.NEWER, f"the file has shape {done}, this program knows {len(steps)}")
        for number, sql in enumerate(steps[done:], start=done + 1):
            connection.executescript(f"BEGIN IMMEDIATE;\n{sql}\nPRAGMA user_version = {number};\nCOMMIT;")


class Transaction:
    """A transaction that ``begin`` begins and ``end`` ends, which is told the exception inside, if there was one."""

    __slots__ = ("_begin", "_connection", "_durable", "_end")

    def __init__(
        self,
        begin: Callable[[bool], sqlite3.Connection],
        end: Callable[[sqlite3.Connection, BaseException | None], None],
        durable: bool,
    ) -> None:
        self._begin, self._end, self._durable = begin, end, durable

    def __enter__(self) -> None:
        self._connection = self._begin(self._durable)

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self._end(self._connection, error)


def migrations() -> list[str]:
    """Return the numbered steps, first to last."""
    folder = resources.files("agent.offline_store").joinpath("migrations")
    steps = sorted((item for item in folder.iterdir() if item.name.endswith(".sql")), key=lambda item: item.name)
    return [item.read_text(encoding="utf-8") for item in steps]


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Within it nobody else opens the file. Raises StoreError(LOCKED)."""
    lock = _hold(path)
    try:
        yield
    finally:
        os.close(lock)


def kept_epoch(path: Path) -> int:
    """The newest epoch that the file was last known to hold; 0 where that is not known. Raises StoreError."""
    try:
        lock = os.open(_beside(path, ".lock"), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise StoreError(StoreCause.IO, f"{path.parent}: {error.strerror}") from error
    try:
        return _epoch_told(lock)
    finally:
        os.close(lock)


def _epoch_told(lock: int) -> int:
    try:
        told = os.pread(lock, _MOST_EPOCH_BYTES, 0).strip()
    except OSError as error:
        raise StoreError(StoreCause.IO, f"the lock: {error.strerror}") from error
    return int(told) if told.isdigit() else 0


def swap_in(path: Path, built: Path) -> Path:
    """Put the whole and closed file ``built`` in the place of ``path``, which is kept with its log under the name
    returned. Once it has begun, a power cut does not undo it: the next opening finishes it. Raises StoreError.
    """
    number = 1
    while _beside(path, f".damaged-{number}").exists() or _beside(path, f".damaged-{number}-wal").exists():
        number += 1
    try:
        built.rename(_beside(path, f"{_READY}{number}"))
        _sync_folder(path.parent)
        _finish_swap(path)
    except OSError as error:
        raise StoreError(StoreCause.IO, f"{path}: {error.strerror}") from error
    return _beside(path, f".damaged-{number}")


def _finish_swap(path: Path) -> None:
    """Where another file is ready to take the place of ``path``, let it; each step may have been taken before. Raises
    OSError.
    """
    for ready in path.parent.glob(f"{glob.escape(path.name)}{_READY}*"):
        number = ready.name.removeprefix(f"{path.name}{_READY}")
        for end in ("", "-wal"):
            if _beside(path, end).exists():
                _beside(path, end).rename(_beside(path, f".damaged-{number}{end}"))
        _beside(path, "-shm").unlink(missing_ok=True)
        _sync_folder(path.parent)
        ready.rename(path)
        _sync_folder(path.parent)


def _beside(path: Path, end: str) -> Path:
    return path.with_name(path.name + end)


def _hold(path: Path) -> int:
    """Make this process the only writer: two tills on one file would fork the chain. Raises StoreError(LOCKED)."""
    try:
        _make_folder(path.parent)
        descriptor = os.open(_beside(path, ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(StoreCause.IO, f"{path.parent}: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _finish_swap(path)
        # SQLite gives the log beside the file the file's own mode, so the file is made here, for its owner alone.
        os.close(os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except BlockingIOError as error:
        os.close(descriptor)
        raise StoreError(StoreCause.LOCKED, f"{path}: another process has it open") from error
    except OSError as error:
        os.close(descriptor)
        raise StoreError(StoreCause.IO, f"{path}: {error.strerror}") from error
    return descriptor


def _make_folder(folder: Path) -> None:
    """Make the folder where it is missing, for its owner alone, so that a power cut does not take its name, and all
    that is in it, away again. Raises OSError.
    """
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
