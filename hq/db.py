"""The database: how it is opened, and the two ways to be in it.

SQLite runs in WAL with synchronous=FULL, so a commit that returned survives a power cut (sqlite.org, "Write-Ahead
Logging"). Writers begin with BEGIN IMMEDIATE: one that read first and then found another had written would fail in the
middle. Only Core is used, and of one dialect alone what is in this module, so that a URL of PostgreSQL serves as well.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event, func, select
from sqlalchemy.engine import URL
from sqlalchemy.exc import IntegrityError, NoSuchModuleError, OperationalError

from hq.errors import OfficeError

BUSY_TIMEOUT_MS = 5_000
BUSY_PAUSE_MS = 5
TURNS = 0x7470
"""Sets this house's advisory locks apart from those of others in the same database."""

MOST_TRIES = 5
"""So often a transaction is tried that PostgreSQL gave up because of another."""

_WRITES = "tapledger_writes"
_MET_ANOTHER = ("40001", "40P01", "23505")
"""serialization_failure, deadlock_detected and unique_violation (PostgreSQL manual, "PostgreSQL Error Codes"): the last
where two transactions write down the same, such as both ends of a slip.
"""

T = TypeVar("T")


class Turn(Enum):
    """What transactions of several processes do one after the other."""

    MIGRATE = 1
    DOCUMENTS = 2
    LENDING = 3
    WAITING = 4


def open_database(url: URL | str) -> Engine:
    """Return an engine for ``url``; nothing is connected yet.

    Raises OfficeError where the driver for such a database is not installed.
    """
    try:
        # What a failed statement was given is members' names, cards and phones: none of it belongs in a log.
        engine = create_engine(url, hide_parameters=True)
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        raise OfficeError(
            f"缺少数据库驱动：{error}。请安装（PostgreSQL 用 psycopg）。",
            f"the database's driver is missing: {error}. Install it (for PostgreSQL: psycopg).",
        ) from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def migrate(engine: Engine, step: str = "head") -> None:
    """Bring the database to a numbered step, the newest unless another is named. Safe to run at every start, and by two
    processes at once: SQLite has one writer at a time, and in PostgreSQL they take turns.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with writing(engine, Turn.MIGRATE) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, step)


def take_turns(connection: Connection, turn: Turn) -> None:
    """Wait until no other transaction is at the same ``turn``, and hold it until this one ends.

    In PostgreSQL by an advisory lock of the transaction (PostgreSQL manual, "Advisory Locks"). In SQLite nothing is to
    be done, because a transaction that writes began with BEGIN IMMEDIATE and is the only one.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(TURNS, turn.value)))


@contextmanager
def writing(engine: Engine, turn: Turn | None = None) -> Iterator[Connection]:
    """A transaction that writes: committed at the end of the block, rolled back where it raises.

    With a ``turn`` it begins when no other transaction is at the same one.
    """
    with engine.connect().execution_options(**{_WRITES: True}) as connection, connection.begin():
        if turn is not None:
            take_turns(connection, turn)
        yield connection


def insisting(work: Callable[[], T]) -> T:
    """Do ``work``, which is a transaction of its own, and do it again at once where PostgreSQL gave it up because two
    transactions waited for each other or wrote the same: nothing of it was kept. After MOST_TRIES what was raised is
    raised.
    """
    for _ in range(MOST_TRIES - 1):
        try:
            return work()
        except (IntegrityError, OperationalError) as error:
            if getattr(error.orig, "sqlstate", None) not in _MET_ANOTHER:
                raise
    return work()


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that only reads, and sees one state of the database throughout."""
    with engine.connect() as connection, connection.begin():
        yield connection


def _prepare_sqlite(raw: Any, _record: object) -> None:
    # The driver's own idea of when a transaction begins is switched off; _begin_sqlite says it.
    raw.isolation_level = None
    cursor = raw.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    _enter_wal(cursor)
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _enter_wal(cursor: sqlite3.Cursor) -> None:
    # Of two that open a new file at once and both want it alone for this change, SQLite refuses one at once instead of
    # letting it wait (sqlite.org, sqlite3_busy_handler: where waiting would be a deadlock): the waiting is done here.
    for _ in range(BUSY_TIMEOUT_MS // BUSY_PAUSE_MS):
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
        time.sleep(BUSY_PAUSE_MS / 1000)
    cursor.execute("PRAGMA journal_mode=WAL")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
