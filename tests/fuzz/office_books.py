"""A head office for fuzzing: before each input its books are what they were before the first, and whatever came they
must be right.
"""

from __future__ import annotations

import sqlite3
import tempfile
from functools import cache
from pathlib import Path

from sqlalchemy import Engine, select
from starlette.applications import Starlette

from contract.documents import DocumentKind
from contract.envelope import keyring
from contract.signing import SoftwareSigner
from contract.value import Asset
from hq import books, ledger
from hq.db import migrate, open_database, reading, writing
from hq.documents import Desk, publish, sign_pack
from hq.grants import pay_in
from hq.holds import Asked, reserve
from hq.own_chain import ensure_own_chain
from hq.packs import PackShelf
from hq.people import enrol, replace_members
from hq.sources import Enrolment, MemberRow
from hq.tables import exceptions
from hq.unsettled import Cause
from hq.web.door import WebClient, build_door
from hq.worker import Worker
from rules.authoring import read_authored
from tests.contract import vectors
from tests.contract.samples import ADDRESS, NEIGHBOUR
from tests.hq.tills import PACK

NOW_MS = 1_760_000_100_000
TOKEN = "a-token-of-thirty-two-characters"
HELD = Asked("shop", "order-1", "m-0001", Asset.STORED, 1_000, 900)
TILLS: dict[str, SoftwareSigner] = {str(ADDRESS): vectors.till(), str(NEIGHBOUR): vectors.phone()}
"""The journal key of each till, by its address."""


class Books:
    """A head office with two tills, two members, one of whom has paid in and has a reservation, and a pack."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        path = Path(self._folder.name) / "hq.db"
        self.engine = open_database(f"sqlite:///{path}")
        self.desk = Desk(vectors.office(), ADDRESS.tenant, 366)
        self._fill()
        self.worker = Worker(self.engine, self.desk)
        self.packs = PackShelf(keyring(self.desk.signer.public))
        self.web: Starlette = build_door(self.engine, self.desk, (WebClient("shop", TOKEN),), lambda: NOW_MS)
        self._before = sqlite3.connect(":memory:", check_same_thread=False)
        with sqlite3.connect(path) as now:
            now.backup(self._before)
        now.close()

    def _fill(self) -> None:
        migrate(self.engine)
        with writing(self.engine) as connection:
            ensure_own_chain(connection, self.desk, NOW_MS)
            for address in (ADDRESS, NEIGHBOUR):
                enrolment = Enrolment(address, 1, TILLS[str(address)].public)
                enrol(connection, enrolment, ADDRESS.tenant, NOW_MS)
            members = (
                MemberRow("m-0001", "会员一", "gold", (), ("04a1b2c3",), "13800000001"),
                MemberRow("m-0002", "会员二", "base", (), ("04a1b2c4",), "13800000002"),
            )
            replace_members(connection, members)
            sign_pack(connection, self.desk, read_authored(PACK), NOW_MS)
            publish(connection, DocumentKind.PACK, None, NOW_MS)
            pay_in(connection, self.desk, "m-0001", 50_000, 10_000, b"paid in at first", NOW_MS)
            reserve(connection, HELD, NOW_MS)

    def copy_to(self, path: Path) -> None:
        """Put the books as they were before the first input into a file."""
        with sqlite3.connect(path) as copy:
            self._before.backup(copy)
        copy.close()

    def begin_again(self) -> None:
        """Forget everything that came."""
        raw = self.engine.raw_connection()
        try:
            assert isinstance(raw.driver_connection, sqlite3.Connection)
            self._before.backup(raw.driver_connection)
        finally:
            raw.close()

    def require_right(self) -> None:
        """Raise AssertionError unless the books are."""
        require_right(self.engine)


def require_right(engine: Engine) -> None:
    """Raise AssertionError unless balances are the sums of postings, all units sum to 0, the tills' chains verify, and
    nothing waits because it could not be judged.
    """
    with reading(engine) as connection:
        assert ledger.differences(connection) == ()
        assert set(books.ledger_sums(connection).values()) <= {0}
        for address in (ADDRESS, NEIGHBOUR):
            assert not books.verify_chain(connection, address, 1).problem
        failed = select(exceptions.c.detail).where(exceptions.c.reason == Cause.JUDGING_FAILED.value)
        assert connection.execute(failed).all() == []


@cache
def opened() -> Books:
    """The one head office of this process."""
    return Books()
