"""How the store fails: one exception with a named cause, and the translation of SQLite's result codes into it."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum


class StoreCause(StrEnum):
    """Why the store could not do something. The values are stable: they are shown, logged and documented."""

    FULL = "full"
    """No room, or only the reserve left that closing a day needs. Reading goes on; nothing was written."""
    IO = "io"
    """The disk or the file system failed a read or a write."""
    CORRUPT = "corrupt"
    """What was read is not what was written: damage, or somebody else's hand."""
    LOCKED = "locked"
    """Another process holds the store."""
    READ_ONLY = "read_only"
    """The file or the file system lets nothing be written, as after an SD card's own protection."""
    FOREIGN = "foreign"
    """The file belongs to another terminal, epoch or key."""
    NEWER = "newer"
    """The file was written by a newer version of this program."""
    INVALID = "invalid"
    """What was to be written breaks the contract; the fault is in the caller or in a document, not on the disk."""
    ABSENT = "absent"
    """What was asked for is not in the store."""
    CLOSED = "closed"
    """The store is not open."""


class StoreError(Exception):
    """The store could not do what was asked, and wrote nothing of it. ``cause`` is named, ``detail`` is for people.

    ``entry`` is the epoch and sequence of the one entry that is damaged, where it is known to be one; None where more
    of the file may be.
    """

    def __init__(self, cause: StoreCause, detail: str = "", entry: tuple[int, int] | None = None) -> None:
        super().__init__(f"{cause.value}: {detail}" if detail else cause.value)
        self.cause = cause
        self.detail = detail
        self.entry = entry

    @property
    def in_the_file(self) -> bool:
        """Whether more of the file than one entry is damaged: then the whole has to be brought back (recovery.py)."""
        return self.cause is StoreCause.CORRUPT and self.entry is None


def cause_of(error: sqlite3.Error) -> StoreCause:
    """Name the cause of an SQLite error by its primary result code (sqlite.org/rescode.html)."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        if isinstance(error, sqlite3.OperationalError):
            # The module's own, of a text that is none (it has no other of that class without a code).
            return StoreCause.CORRUPT
        return StoreCause.CLOSED if isinstance(error, sqlite3.ProgrammingError) else StoreCause.IO
    causes = {
        # A table that is not there, or not of the shape this program gave it: the file is not what was written.
        sqlite3.SQLITE_ERROR: StoreCause.CORRUPT,
        sqlite3.SQLITE_FULL: StoreCause.FULL,
        sqlite3.SQLITE_CORRUPT: StoreCause.CORRUPT,
        sqlite3.SQLITE_NOTADB: StoreCause.CORRUPT,
        sqlite3.SQLITE_BUSY: StoreCause.LOCKED,
        sqlite3.SQLITE_LOCKED: StoreCause.LOCKED,
        sqlite3.SQLITE_READONLY: StoreCause.READ_ONLY,
        sqlite3.SQLITE_CONSTRAINT: StoreCause.INVALID,
        sqlite3.SQLITE_TOOBIG: StoreCause.INVALID,
        sqlite3.SQLITE_MISMATCH: StoreCause.INVALID,
    }
    return causes.get(code & 0xFF, StoreCause.IO)


def fault(error: sqlite3.Error | UnicodeError) -> StoreError:
    """An SQLite error as the store's own; a text that is none, which the library cannot even quote, is one as well."""
    if isinstance(error, UnicodeError):
        return StoreError(StoreCause.CORRUPT, "a text in it is none")
    return StoreError(cause_of(error), str(error))


@contextmanager
def damaged_rows() -> Iterator[None]:
    """Within it rows of a file that may be damaged are read: one that holds what was never written there, such as
    nothing where a number belongs, leaves as a StoreError, CORRUPT.
    """
    try:
        yield
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise StoreError(StoreCause.CORRUPT, f"a row holds what was never written there: {error}") from error


@contextmanager
def named_faults() -> Iterator[None]:
    """Within it, an SQLite error leaves as a StoreError with its cause."""
    try:
        yield
    except (sqlite3.Error, UnicodeError) as error:
        raise fault(error) from error
