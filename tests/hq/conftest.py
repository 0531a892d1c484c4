"""What tests of head office use: one on a database of its own, of each kind that head office runs on."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete
from sqlalchemy.engine import URL

from hq.db import migrate, open_database, writing
from hq.tables import METADATA
from tests.hq.tills import HeadOffice, head_office
from tests.postgres import Cluster, cluster


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """A PostgreSQL, started when the first test asks for it."""
    with cluster() as running:
        yield running


@pytest.fixture(scope="session")
def prepared(postgres: Cluster) -> Iterator[Engine]:
    """A database in it that has all tables."""
    engine = open_database(postgres.new())
    migrate(engine)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def prepared_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of SQLite's that has all tables, to be copied."""
    path = tmp_path_factory.mktemp("prepared") / "hq.db"
    engine = open_database(f"sqlite:///{path}")
    migrate(engine)
    engine.dispose()
    return path


@pytest.fixture(params=("sqlite", "postgresql"))
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[URL | str]:
    """Where a database of each kind is that has all tables and holds nothing yet."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("prepared_file"), tmp_path / "hq.db")
        yield f"sqlite:///{tmp_path}/hq.db"
        return
    engine: Engine = request.getfixturevalue("prepared")
    yield engine.url
    # Making a database for each test takes longer than the tests.
    with writing(engine) as connection:
        for table in reversed(METADATA.sorted_tables):
            connection.execute(delete(table))


@pytest.fixture
def hq(database: URL | str) -> Iterator[HeadOffice]:
    with head_office(database, prepared=True) as office:
        yield office
