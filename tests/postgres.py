"""A PostgreSQL of one's own: a cluster in a temporary folder, spoken to over a socket in that folder alone.

The service that Debian starts on installing it is never touched. PostgreSQL refuses to run as root, so root hands the
cluster to the account that came with the package.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL

_BINARIES = Path("/usr/lib/postgresql")


@dataclass
class Cluster:
    """A running cluster."""

    folder: Path
    made: int = 0

    def url(self, database: str) -> URL:
        """Where a database of the cluster is reached."""
        query = {"host": str(self.folder)}
        return URL.create("postgresql+psycopg", username="postgres", database=database, query=query)

    def new(self) -> URL:
        """Make an empty database."""
        self.made += 1
        engine = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                # The other way to copy a template waits for everything there is to be on the disk.
                connection.execute(text(f"CREATE DATABASE tapledger_{self.made} STRATEGY wal_log"))
        finally:
            engine.dispose()
        return self.url(f"tapledger_{self.made}")


@contextmanager
def cluster(durable: bool = False) -> Iterator[Cluster]:
    """Start a cluster, and leave nothing of it behind. Unless it is ``durable`` it is told not to wait for the disk,
    which no test that ends with its process can tell.
    """
    folder = Path(tempfile.mkdtemp(prefix="tapledger-pg-"))
    try:
        if os.geteuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        data = folder / "data"
        _as_owner("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        options = f"-k {folder} -c listen_addresses='' -c max_connections=40 -c shared_buffers=32MB"
        if not durable:
            options += " -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
        _as_owner("pg_ctl", "start", "-w", "-D", data, "-l", folder / "log", "-o", options)
        try:
            yield Cluster(folder)
        finally:
            _as_owner("pg_ctl", "stop", "-w", "-D", data, "-m", "immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _as_owner(binary: str, *arguments: object) -> None:
    newest = max(_BINARIES.iterdir(), key=lambda folder: int(folder.name))
    command = [str(newest / "bin" / binary), *(str(argument) for argument in arguments)]
    if os.geteuid() == 0:
        command = ["runuser", "-u", "postgres", "--", *command]
    # pg_ctl leaves the server behind with whatever it was given to write to, so that is not a pipe.
    with tempfile.TemporaryFile() as said:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, cwd="/", check=False)
        if done.returncode:
            said.seek(0)
            raise RuntimeError(f"{binary} failed: {said.read().decode(errors='replace')}")
