"""The database: its numbered steps make what the code sees, a commit survives, and another dialect would do as well."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import ClauseElement, create_mock_engine, insert, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import OperationalError
from sqlalchemy.schema import CreateTable

from contract.documents import CatalogueItem, MemberRecord, read_catalogue, read_members
from hq.db import Turn, migrate, open_database, reading, take_turns, writing
from hq.errors import OfficeError
from hq.migrations import env
from hq.migrations.versions import v0001_first, v0002_what_rules_look_at
from hq.people import catalogue_content, members_content
from hq.tables import METADATA, members, terminals

ROW = {"address": "acme/shop-a/a1", "epoch": 1, "public_key": "eddsa:00", "enrolled_ms": 1}


def test_the_numbered_steps_make_the_tables_that_the_code_sees(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/hq.db")
    migrate(engine)
    migrate(engine)
    with reading(engine) as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    engine.dispose()


def test_steps_are_numbered_from_one_on() -> None:
    steps = (v0001_first, v0002_what_rules_look_at)
    assert [(step.revision, step.down_revision) for step in steps] == [("0001", None), ("0002", "0001")]
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
        (member,) = read_members(members_content(connection)).members
        (item,) = read_catalogue(catalogue_content(connection)).items
    assert member == MemberRecord("m1", "会员一", "gold", (), (bytes.fromhex("04a1b2c3"),), 0)
    assert item == CatalogueItem("open", "商品", "Goods", "general", 0)
    engine.dispose()


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


def test_every_table_can_be_made_in_postgresql() -> None:
    for table in METADATA.sorted_tables:
        said = str(CreateTable(table).compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]
        assert "BLOB" not in said
        if "id" in table.c:
            assert "id BIGSERIAL" in said


def test_two_that_migrate_or_sign_at_once_wait_for_each_other_in_postgresql() -> None:
    asked: list[str] = []

    def note(statement: ClauseElement, *_parameters: object) -> None:
        asked.append(str(statement.compile(dialect=engine.dialect, compile_kwargs={"literal_binds": True})))

    # An engine that connects to nothing and tells what it would have said to such a database.
    engine = create_mock_engine("postgresql+psycopg://", note)
    for turn in Turn:
        take_turns(engine.connect(), turn)  # type: ignore[arg-type]
    assert asked == [f"SELECT pg_advisory_xact_lock(29808, {number}) AS pg_advisory_xact_lock_1" for number in (1, 2)]


def test_two_processes_may_bring_an_empty_database_to_the_newest_step_at_once(tmp_path: Path) -> None:
    engines = [open_database(f"sqlite:///{tmp_path}/hq.db") for _ in range(4)]
    with ThreadPoolExecutor(len(engines)) as pool:
        list(pool.map(migrate, engines))
    for engine in engines:
        with reading(engine) as connection:
            assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
        engine.dispose()


def test_a_driver_that_is_not_installed_is_said_by_name() -> None:
    with pytest.raises(OfficeError, match="psycopg"):
        open_database("postgresql+psycopg://hq@localhost/hq")
