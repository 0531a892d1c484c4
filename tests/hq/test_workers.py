"""Several workers at once: real processes on one shared subscription and one PostgreSQL, whoever takes which batch."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from contract import topics
from contract.messages import open_ack
from contract.topics import Down, Up
from contract.trade import PackRef
from hq import books, ledger
from hq.db import reading
from hq.documents import announcements
from hq.tables import transactions
from rules.authoring import read_authored
from tests.hq.premises import LiveOffice, live_office
from tests.hq.tills import A1, B1, GOLD_AT_TILL, PACK, Till, sale_body
from tests.postgres import Cluster
from tests.provisioning.premises import Caller, caller
from tests.waiting import eventually

SALES = 120
BATCH = 5


@pytest.fixture
def live(tmp_path: Path, postgres: Cluster) -> Iterator[LiveOffice]:
    with live_office(tmp_path, postgres.new(), ("hq-1", "hq-2")) as office:
        office.start_broker()
        yield office


def journal(office: LiveOffice, till: Till) -> None:
    """So many sales of a till, under the pack that is published."""
    engine = office.engine()
    with reading(engine) as connection:
        (newest,) = [item for item in announcements(connection, till.address) if item.kind == "pack"]
    engine.dispose()
    till.wall_ms = time.time_ns() // 1_000_000
    body = sale_body(read_authored(PACK), PackRef(newest.version, newest.digest), till.address, member=GOLD_AT_TILL)
    for _ in range(SALES):
        till.sell(body)


def send_all(office: LiveOffice, till: Till, client: Caller) -> None:
    """Send a journal in small batches without waiting for an answer, and again from where head office says it is until
    it has all.
    """
    client.subscribe(topics.terminal_subscription(till.address))
    upto = 0

    def once() -> bool:
        nonlocal upto
        for first in range(upto, SALES, BATCH):
            part = till.entries[first : first + BATCH]
            client.publish(topics.up(till.address, Up.BATCH), till.batch(*part))
        for _ in range(upto, SALES, BATCH):
            topic, payload = client.messages.get(timeout=10)
            if topics.read_down(topic)[1] is Down.ACK:
                ack = open_ack(payload, office.believed, till.address)
                assert {refused.reason for refused in ack.refused} <= {"gap"}
                upto = max(upto, ack.upto_seq)
        return upto == SALES

    eventually(once, timeout_s=60)


def test_two_workers_share_the_tills_and_every_sale_is_in_the_books_once(live: LiveOffice) -> None:
    workers = [live.start("hq-1"), live.start("hq-2")]
    tills = [live.till(A1), live.till(B1)]
    for till in tills:
        journal(live, till)
        with caller(live.port, live.tills[till.address].identity_folder) as client:
            send_all(live, till, client)
    engine = live.engine()
    with reading(engine) as connection:
        assert len(connection.execute(select(transactions)).all()) == 2 * SALES
        assert [sale.posted for sale in books.sale_lines(connection)] == [True] * 2 * SALES
        for till in tills:
            assert books.verify_chain(connection, till.address, 1) == books.ChainReport(SALES, "")
        # Batches that overtook each other on their way through two workers are nothing to tell people.
        assert books.exception_lines(connection) == ()
        assert books.refused_bytes(connection) == ()
        assert ledger.differences(connection) == ()
        assert books.ledger_sums(connection) == {"CNY": 0, "points": 0}
    engine.dispose()
    for process in workers:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_when_one_worker_is_killed_the_other_takes_what_its_tills_send_again(live: LiveOffice) -> None:
    first, second = live.start("hq-1"), live.start("hq-2")
    till = live.till(A1)
    journal(live, till)
    with caller(live.port, live.tills[A1].identity_folder) as client:
        client.publish(topics.up(A1, Up.BATCH), till.batch(*till.entries[:BATCH]))
        first.send_signal(signal.SIGKILL)
        first.wait(10)
        send_all(live, till, client)
    engine = live.engine()
    with reading(engine) as connection:
        assert books.verify_chain(connection, A1, 1) == books.ChainReport(SALES, "")
        assert ledger.differences(connection) == ()
    engine.dispose()
    assert second.poll() is None
