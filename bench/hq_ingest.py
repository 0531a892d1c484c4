"""How many sales a second one worker of head office takes in: verified, chained, priced again, posted, committed.

The limit is a bare loop over the same signed bytes that verifies, decodes and prices each sale and inserts the very
same rows in batches of the same size, in the same way (entry, transaction, sale, lot of points, postings, balances): no
chain, no comparison of what was priced, no question to the books. On PostgreSQL that waits for its disk, and on SQLite
(WAL, FULL). Both take turns, part by part.

Tills that are online send one sale at a time. How many of these a worker takes, those that wait together with one
commit, is measured beside the same with a commit for each; and so are heartbeats, beside the sales of whole batches.

``--samples N`` takes N batches; how a worker's memory goes over very many is for ``hq_memory``.
"""

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Iterable
from itertools import islice
from typing import Protocol

from sqlalchemy import Engine
from sqlalchemy.engine import URL

from bench._figures import beside, say_step
from bench._journal import Journal
from contract import topics, wire
from contract.envelope import Keyring
from contract.ids import TerminalAddress
from contract.journal import open_entry
from contract.messages import GRAMMAR, Batch, Hello, LeasesHeld, leases_digest, read_batch
from contract.topics import Up
from contract.trade import SaleBody
from hq.bulk import Row, add_rows, insert_rows
from hq.db import open_database, writing
from hq.documents import Desk
from hq.people import enrol
from hq.rows import COLUMNS, rows_of
from hq.tables import balances, entries, points_lots, postings, sales, transactions
from hq.taking import DAY_MS
from hq.worker import Worker
from rules.engine.compiled import Compiled, compile_pack
from rules.engine.price import price
from tests.hq.tills import NOW_MS, TENANT, HeadOffice, head_office
from tests.postgres import cluster

SHARE = 0.7
"""The least that a worker reaches of the bare loop's pace."""

PART = 10
"""So many batches are timed at a time, one side after the other."""

LIVE_TILLS = 64

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class _Barrier(Protocol):
    """Where processes wait for each other."""

    def wait(self) -> int:
        """Wait until all are here."""
        ...


def main() -> int:
    """Measure and print; status 1 where the limit is not met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=60, metavar="N", help="batches (default: %(default)s)")
    batches = max(1, parser.parse_args().samples)
    with tempfile.TemporaryDirectory(prefix="tapledger-bench-") as name, cluster(durable=True) as postgres:
        say_step("PostgreSQL")
        held = _beside_bare("PostgreSQL", postgres.new(), postgres.new(), batches)
        say_step("SQLite")
        held &= _beside_bare("SQLite", f"sqlite:///{name}/hq.db", f"sqlite:///{name}/bare.db", batches)
        say_step(f"{LIVE_TILLS} tills online")
        _live(postgres.new())
        say_step("heartbeats, and what the database grows by")
        _heartbeats_and_growth(postgres.new(), batches)
        say_step("two workers")
        one, two = (_together(postgres.new(), workers, batches) for workers in (1, 2))
        beside("two workers on one PostgreSQL", two, one, "sales/s", f"one worker; {os.cpu_count()} processors here")
    return 0 if held else 1


def _beside_bare(name: str, database: URL | str, other: URL | str, batches: int) -> bool:
    """Measure both, taking turns, and tell whether the limit is met."""
    with head_office(database) as office, head_office(other) as bare:
        journal = _let_in(office, "a1")
        loop = _Bare(bare.engine, compile_pack(office.pack), journal.believed)
        ours_s, bare_s, done = 0.0, 0.0, 0
        # The first part warms both up.
        part = list(islice(journal.batches(), min(PART, batches)))
        _taken_s(office.worker, journal.address, part), loop.taken_s(part)
        first_bytes = _resident_bytes()
        while done < batches:
            part = list(islice(journal.batches(), min(PART, batches - done)))
            ours_s += _taken_s(office.worker, journal.address, part)
            bare_s += loop.taken_s(part)
            done += len(part)
        count = done * journal.per_batch
        pace = count / bare_s
        limit_is = f"{SHARE} of the bare loop's {pace:.0f}"
        beside(f"ingest of one worker, {name}", count / ours_s, SHARE * pace, "sales/s", limit_is)
        mib = 1024 * 1024
        last_bytes = _resident_bytes()
        beside(f"memory after {count} sales, {name}", last_bytes / mib, first_bytes / mib, "MiB", "once it was warm")
        return count / ours_s >= SHARE * pace


def _live(database: URL) -> None:
    """Sales that come one at a time from many tills: taken together, as they wait, and each by itself."""
    with head_office(database) as office:
        rounds = [_one_by_one(_let_in(office, f"l{number}")) for number in range(LIVE_TILLS)]
        together, alone = _Pace(), _Pace()
        for number, messages in enumerate(zip(*rounds, strict=False)):
            began = time.perf_counter()
            if number % 2:
                answers, left = office.worker.together(messages, NOW_MS)
                assert len(answers) == LIVE_TILLS and not left
                together.count(LIVE_TILLS, began)
            else:
                for topic, payload in messages[: LIVE_TILLS // 8]:
                    assert office.worker.handle(topic, payload, NOW_MS)
                alone.count(LIVE_TILLS // 8, began)
                office.worker.together(messages[LIVE_TILLS // 8 :], NOW_MS)
        limit_is = "the same, each with a commit of its own"
        beside("sales that come one at a time", together.a_second, alone.a_second, "sales/s", limit_is)


class _Pace:
    """How many in how long."""

    def __init__(self) -> None:
        self._done, self._took_s = 0, 0.0

    def count(self, done: int, began: float) -> None:
        """Add so many that were begun at ``began``."""
        self._done += done
        self._took_s += time.perf_counter() - began

    @property
    def a_second(self) -> float:
        """How many a second."""
        return self._done / self._took_s


def _one_by_one(journal: Journal) -> list[tuple[str, bytes]]:
    """A batch of one entry each, as a till sends that is online."""
    (whole,) = islice(journal.batches(), 1)
    batch = read_batch(whole)
    topic = topics.up(journal.address, Up.BATCH)
    return [
        (topic, wire.pack(Batch(GRAMMAR, batch.epoch, seq, (entry,))))
        for seq, entry in enumerate(batch.entries, start=batch.first_seq)
    ]


def _heartbeats_and_growth(database: URL, batches: int) -> None:
    """What a fleet costs beside its sales; docs/scale.md reckons with both."""
    with head_office(database) as office:
        journal = _let_in(office, "g1")
        before = _database_bytes(office.engine)
        part = list(islice(journal.batches(), batches))
        count = len(part) * journal.per_batch
        sales_s = count / _taken_s(office.worker, journal.address, part)
        # What is deleted or overwritten on the way is what a vacuum gives back.
        with office.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM")
        grown = (_database_bytes(office.engine) - before) / count
        signed = sum(len(sealed) for payload in part for sealed in read_batch(payload).entries) / count
        beside("PostgreSQL grows by", grown, signed, "bytes a sale", "its signed entry")
        topic = topics.up(journal.address, Up.HELLO)
        seq, head = journal.head
        hello = Hello(GRAMMAR, 1, seq, head, seq, NOW_MS, (), LeasesHeld(0, leases_digest(())))
        began = time.perf_counter()
        for _ in range(count):
            office.worker.handle(topic, wire.pack(hello), NOW_MS)
        office.worker.note_heard()
        beside("heartbeats of one worker", count / (time.perf_counter() - began), sales_s, "a second", "its sales")


def _database_bytes(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one())


class _Bare:
    """What no head office can do without: verify, decode, price, insert, commit."""

    def __init__(self, engine: Engine, compiled: Compiled, believed: Keyring) -> None:
        self._engine = engine
        self._compiled = compiled
        self._believed = believed
        self._last_id = 0

    def taken_s(self, batches: Iterable[bytes]) -> float:
        """Take batches in; how long it took, in seconds."""
        began = time.perf_counter()
        for payload in batches:
            self._take(payload)
        return time.perf_counter() - began

    def _take(self, payload: bytes) -> None:
        rows: dict[str, list[Row]] = {"entries": [], "transactions": [], "sales": [], "lots": [], "postings": []}
        moved: dict[tuple[str, str], int] = {}
        for sealed in read_batch(payload).entries:
            entry = open_entry(sealed, self._believed)
            header, body = entry.header, entry.body()
            assert isinstance(body, SaleBody)
            price(body.basket, self._compiled)
            self._last_id += 1
            address = str(header.address)
            named = (header.kind.value, header.transaction, entry.digest, sealed, NOW_MS, "posted")
            rows["entries"].append((self._last_id, address, header.epoch, header.seq, *named))
            rows["transactions"].append((header.transaction, self._last_id, entry.digest))
            for _, row in rows_of(header, body, True):
                rows["sales"].append((self._last_id, *row))
            if body.member is not None:
                points = body.points_earned
                earned = (body.member.member, header.wall_ms // DAY_MS, None, points, points, 0, None)
                rows["lots"].append((header.transaction, *earned))
            for item in body.postings:
                rows["postings"].append((self._last_id, item.account, item.unit, item.amount))
                moved[item.account, item.unit] = moved.get((item.account, item.unit), 0) + item.amount
        with writing(self._engine) as connection:
            insert_rows(connection, entries, _ENTRY, rows["entries"])
            insert_rows(connection, transactions, ("transaction_id", "entry_id", "digest"), rows["transactions"])
            insert_rows(connection, sales, ("entry_id", *COLUMNS[sales]), rows["sales"])
            insert_rows(connection, points_lots, _LOT, rows["lots"])
            insert_rows(connection, postings, ("entry_id", "account", "unit", "amount"), rows["postings"])
            changed = [(*place, amount) for place, amount in sorted(moved.items())]
            add_rows(connection, balances, ("account", "unit", "amount"), changed)


_ENTRY = (
    "id",
    "address",
    "epoch",
    "seq",
    "kind",
    "transaction_id",
    "digest",
    "sealed",
    "received_ms",
    "judged",
)


_LOT = ("source", "member", "earned_day", "until_day", "points", "remaining", "expired", "paid")


def _together(database: URL, workers: int, batches: int) -> float:
    """Sales a second of so many processes on one database, each with a till of its own."""
    with head_office(database) as office:
        parts = []
        for number in range(workers):
            journal = _let_in(office, f"w{number}")
            parts.append((journal.address, list(islice(journal.batches(), batches + PART))))
        count = workers * batches * journal.per_batch
        desk = office.desk
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(workers + 1)
    running = [context.Process(target=_work, args=(database, desk, address, part, barrier)) for address, part in parts]
    for process in running:
        process.start()
    barrier.wait()
    began = time.perf_counter()
    for process in running:
        process.join()
    return count / (time.perf_counter() - began)


def _work(database: URL, desk: Desk, address: TerminalAddress, batches: list[bytes], barrier: "_Barrier") -> None:
    engine = open_database(database)
    worker = Worker(engine, desk)
    _taken_s(worker, address, batches[:PART])
    barrier.wait()
    _taken_s(worker, address, batches[PART:])
    engine.dispose()


def _let_in(office: HeadOffice, name: str) -> Journal:
    journal = Journal(office, TerminalAddress(TENANT, "shop-a", name))
    with writing(office.engine) as connection:
        enrol(connection, journal.enrolment, TENANT, NOW_MS)
    return journal


def _taken_s(worker: Worker, address: TerminalAddress, batches: Iterable[bytes]) -> float:
    """Let a worker take batches in; how long it took, in seconds."""
    topic = topics.up(address, Up.BATCH)
    began = time.perf_counter()
    for payload in batches:
        (answer,) = worker.handle(topic, payload, NOW_MS)
        assert answer.payload
    return time.perf_counter() - began


def _resident_bytes() -> int:
    with open("/proc/self/statm", encoding="ascii") as told:
        return int(told.read().split()[1]) * _PAGE_BYTES


if __name__ == "__main__":
    sys.exit(main())
