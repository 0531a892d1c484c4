"""The database, of both kinds: its numbered steps make what the code sees, and a commit survives."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from pathlib import Path
from threading import Barrier

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, insert, select
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError

from contract.documents import CatalogueItem, MemberRecord
from hq import ledger
from hq.db import Turn, insisting, migrate, open_database, reading, take_turns, writing
from hq.errors import OfficeError
from hq.migrations import env
from hq.migrations.versions import (
    v0001_first,
    v0002_what_rules_look_at,
    v0003_nothing_doubled,
    v0004_value_lent,
    v0005_periods,
)
from hq.people import catalogue_now, member_records
from hq.tables import METADATA, members, terminals, transactions
from tests.postgres import Cluster

ROW = {"address": "acme/shop-a/a1", "epoch": 1, "public_key": "eddsa:00", "enrolled_ms": 1}


@pytest.fixture(params=("sqlite", "postgresql"))
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> URL | str:
    """Where a database of each kind is that has no table yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/hq.db"
    running: Cluster = request.getfixturevalue("postgres")
    return running.new()


def test_the_numbered_steps_make_the_tables_that_the_code_sees(empty: URL | str) -> None:
    engine = open_database(empty)
    migrate(engine)
    migrate(engine)
    with reading(engine) as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    engine.dispose()


def test_steps_are_numbered_from_one_on() -> None:
    steps = (v0001_first, v0002_what_rules_look_at, v0003_nothing_doubled, v0004_value_lent, v0005_periods)
    numbered = [(f"{number:04}", f"{number - 1:04}" if number > 1 else None) for number in range(1, len(steps) + 1)]
    assert [(step.revision, step.down_revision) for step in steps] == numbered
    # Alembic runs env.py as a program of its own; importing it, as here, must touch nothing.
    assert callable(env.migrate_handed_connection)


def test_members_and_goods_of_an_older_head_office_are_kept(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/hq.db")
    migrate(engine, "0001")
    with writing(engine) as connection:
        for row in (
            "members VALUES ('m1', '会员一', 'gold', '[]', '[\"04a1b2c3\"]', NULL)",
            "catalogue VALUES ('open', '商品', 'Goods', 'general', 0, NULL)",
            "catalogue_heads VALUES ('CNY', '示范店', 'open')",
        ):
            connection.exec_driver_sql(f"INSERT INTO {row}")
    migrate(engine)
    with reading(engine) as connection:
        (member,) = member_records(connection)
        (item,) = catalogue_now(connection).items
    assert member == MemberRecord("m1", "会员一", "gold", (), (bytes.fromhex("04a1b2c3"),), 0)
    assert item == CatalogueItem("open", "商品", "Goods", "general", 0)
    engine.dispose()


def test_what_was_posted_before_there_were_balances_is_in_them(empty: URL | str) -> None:
    engine = open_database(empty)
    migrate(engine, "0002")
    with writing(engine) as connection:
        for number in (1, 2):
            connection.exec_driver_sql(
                "INSERT INTO entries (id, address, epoch, seq, kind, transaction_id, digest, sealed, received_ms,"
                " judged)"
                f" SELECT {number}, 'acme/shop-a/a1', 1, {number}, 'sale', {_octets(engine, number)},"
                f" {_octets(engine, 10 + number)}, {_octets(engine, 0)}, 1, 'posted'"
            )
            connection.exec_driver_sql(
                f"INSERT INTO transactions (transaction_id, entry_id) SELECT {_octets(engine, number)}, {number}"
            )
            for account, amount in (("shop/a/cash", 100 * number), ("shop/a/sales", -100 * number)):
                connection.exec_driver_sql(
                    "INSERT INTO postings (entry_id, account, unit, amount)"
                    f" SELECT {number}, '{account}', 'CNY', {amount}"
                )
    migrate(engine)
    with reading(engine) as connection:
        assert ledger.balance(connection, "shop/a/cash", "CNY") == 300
        assert ledger.differences(connection) == ()
        known = connection.execute(select(transactions.c.transaction_id, transactions.c.digest)).all()
    assert sorted(map(tuple, known)) == [(b"\x01", b"\x0b"), (b"\x02", b"\x0c")]
    engine.dispose()


def _octets(engine: Engine, value: int) -> str:
    """One byte as each database writes it."""
    return f"X'{value:02x}'" if engine.dialect.name == "sqlite" else f"decode('{value:02x}', 'hex')"


def test_sqlite_is_asked_to_survive_a_power_cut(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/hq.db")
    with reading(engine) as connection:
        asked = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    # synchronous 2 is FULL (sqlite.org, "PRAGMA Statements").
    assert asked == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    engine.dispose()


def test_who_opens_a_new_sqlite_file_while_another_writes_it_waits(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "hq.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    engine = open_database(f"sqlite:///{tmp_path}/hq.db")
    with ThreadPoolExecutor(1) as pool:
        opening = pool.submit(lambda: engine.connect().close())
        with pytest.raises(FutureTimeout):
            opening.result(timeout=0.2)
        other.rollback()
        opening.result()
    engine.dispose()
    other.close()


def test_what_raises_in_a_transaction_leaves_nothing_behind(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/hq.db")
    migrate(engine)
    with pytest.raises(OperationalError), writing(engine) as connection:
        connection.execute(insert(terminals).values(ROW))
        connection.exec_driver_sql("SELECT no_such_thing")
    with reading(engine) as connection:
        assert connection.execute(select(terminals)).all() == []
    engine.dispose()


def test_a_reader_sees_one_state_while_another_process_writes(tmp_path: Path) -> None:
    engine, other = (open_database(f"sqlite:///{tmp_path}/hq.db") for _ in range(2))
    migrate(engine)
    with reading(engine) as reader:
        assert reader.execute(select(terminals)).all() == []
        with writing(other) as writer:
            writer.execute(insert(terminals).values(ROW))
        assert reader.execute(select(terminals)).all() == []
    with reading(engine) as reader:
        assert len(reader.execute(select(terminals)).all()) == 1
    engine.dispose()
    other.dispose()


def test_what_a_failed_statement_was_given_is_not_in_its_message(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/hq.db")
    member = {
        "member": "m1",
        "name": "会员一",
        "tier": "gold",
        "tags": [],
        "cards": ["04a1b2c3"],
        "phone": "13800000001",
    }
    # Nothing was migrated, so there is no such table.
    with pytest.raises(OperationalError) as raised, writing(engine) as connection:
        connection.execute(insert(members).values(member))
    told = str(raised.value)
    assert "members" in told
    assert [secret for secret in ("会员一", "04a1b2c3", "13800000001") if secret in told] == []
    engine.dispose()


@pytest.mark.parametrize("turn", Turn)
def test_two_that_migrate_sign_or_lend_at_once_wait_for_each_other_in_postgresql(
    postgres: Cluster, prepared: Engine, turn: Turn
) -> None:
    other = open_database(prepared.url)
    with writing(prepared, turn), writing(other) as connection:
        connection.exec_driver_sql("SET LOCAL lock_timeout = '20ms'")
        with pytest.raises(OperationalError, match="lock timeout"), connection.begin_nested():
            take_turns(connection, turn)
        (free,) = [each for each in Turn if each.value == turn.value % len(Turn) + 1]
        take_turns(connection, free)
    other.dispose()


def test_two_processes_may_bring_an_empty_database_to_the_newest_step_at_once(empty: URL | str) -> None:
    engines = [open_database(empty) for _ in range(4)]
    with ThreadPoolExecutor(len(engines)) as pool:
        list(pool.map(migrate, engines))
    for engine in engines:
        with reading(engine) as connection:
            assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
        engine.dispose()


def test_a_driver_that_is_not_installed_is_said_by_name() -> None:
    with pytest.raises(OfficeError, match="driver is missing"):
        open_database("mysql+mysqldb://hq@localhost/hq")


def test_of_two_transactions_that_wait_for_each_other_the_one_given_up_is_done_again(postgres: Cluster) -> None:
    engine = open_database(postgres.new())
    migrate(engine)
    with writing(engine) as connection:
        connection.execute(insert(terminals), [ROW, {**ROW, "epoch": 2}])
    both_begun, tries = Barrier(2), [0, 0]

    def work(number: int) -> None:
        with writing(engine) as connection:
            tries[number] += 1
            for place, epoch in enumerate((1, 2) if number else (2, 1)):
                if place == 1 and tries[number] == 1:
                    both_begun.wait(30)
                here = terminals.c.epoch == epoch
                connection.execute(terminals.update().where(here).values(enrolled_ms=terminals.c.enrolled_ms + 1))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda number: insisting(lambda: work(number)), (0, 1)))
    with reading(engine) as connection:
        assert connection.scalars(select(terminals.c.enrolled_ms)).all() == [3, 3]
    # The one given up may, when it begins again, be before the other once more.
    assert sum(tries) > 2
    engine.dispose()
