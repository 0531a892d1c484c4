"""Batches of many tills taken with one commit come to the very books that they come to one after the other."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from contract import topics
from contract.envelope import keyring
from contract.ids import TerminalAddress
from contract.messages import open_ack
from contract.topics import Up
from hq import books
from hq.db import open_database
from hq.tables import METADATA
from hq.unsettled import Cause
from hq.worker import Publish, Worker
from tests.hq.borrowers import Borrower, lend, require_sound
from tests.hq.tills import A1, B1, NOW_MS, TENANT, HeadOffice, Till

C1 = TerminalAddress(TENANT, "shop-c", "c1")

_OWN_ORDER = {"exceptions": "id", "quarantine": "id", "postings": "id"}
"""Tables whose rows are numbered as they come, which is another order where they come together."""


def books_of(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    """All that the books hold."""
    found = {}
    with engine.connect() as connection:
        for table in METADATA.sorted_tables:
            columns = [column for column in table.c if column.name != _OWN_ORDER.get(table.name)]
            found[table.name] = sorted((tuple(row) for row in connection.execute(select(*columns))), key=repr)
    return found


def as_message(batch: bytes, till: Till) -> tuple[str, bytes]:
    return topics.up(till.address, Up.BATCH), batch


def upto(hq: HeadOffice, answers: list[Publish]) -> list[tuple[TerminalAddress, int]]:
    """What each answer acknowledges."""
    found = []
    for answer in answers:
        (address,) = [each for each in (A1, B1, C1) if answer.topic == topics.down(each, topics.Down.ACK)]
        found.append((address, open_ack(answer.payload, keyring(hq.desk.signer.public), address).upto_seq))
    return found


def offered(hq: HeadOffice) -> list[tuple[str, bytes]]:
    """Value that travels between three tills while nothing of it has reached head office: topped up, spent, sent on
    slips of which the taking is told before the giving, and after it, and taken twice; sold to one member everywhere.
    """
    a, b, c = (Borrower(hq, hq.enrolled(address)) for address in (A1, B1, C1))
    a.top_up(10_000, keep=False)
    a.sync()
    lend(hq, A1, 4_000)
    lend(hq, B1, 2_000)
    for each in (a, b):
        each.activate()
    messages = []

    def offer(till: Borrower) -> None:
        fresh = till.till.entries[till.sent :]
        messages.append(as_message(till.till.batch(*fresh), till.till))
        till.sent = len(till.till.entries)

    for till in (a, b):
        offer(till)
    to_c = a.slip_out(C1, 700)
    assert to_c is not None
    c.slip_in(to_c, a.till)
    c.spend(300)
    offer(c)
    offer(a)
    to_b = a.slip_out(B1, 500)
    assert to_b is not None
    offer(a)
    b.slip_in(to_b, a.till)
    b.spend(2_200)
    offer(b)
    b.slip_in(to_b, a.till)
    offer(b)
    for number in range(3):
        for each in (a, b, c):
            each.till.sell(hq.sale(each.till, 10_000 + number))
            offer(each)
    a.top_up(3_000, bonus=300)
    a.give_back()
    offer(a)
    return messages


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("size", [2, 5, 64])
def test_batches_taken_together_come_to_the_books_they_come_to_one_by_one(
    hq: HeadOffice, tmp_path: Path, size: int
) -> None:
    messages = offered(hq)
    hq.engine.dispose()
    shutil.copy(tmp_path / "hq.db", tmp_path / "other.db")
    engine = open_database(f"sqlite:///{tmp_path}/other.db")
    other = HeadOffice(engine, hq.desk, Worker(engine, hq.desk), hq.pack, hq.ref)
    said, said_together = [], []
    for topic, payload in messages:
        said += hq.worker.handle(topic, payload, NOW_MS)
    for first in range(0, len(messages), size):
        answers, left = other.worker.together(messages[first : first + size], NOW_MS)
        assert left == []
        said_together += answers
    assert upto(hq, said) == upto(hq, said_together)
    assert books_of(hq.engine) == books_of(other.engine)
    require_sound(other)
    assert {line.reason for line in other.look(books.exception_lines)} >= {Cause.SLIP_DOUBLED}
    engine.dispose()


def test_what_is_not_plainly_next_is_left_and_holds_up_nobody(hq: HeadOffice) -> None:
    a, b = hq.enrolled(A1), hq.enrolled(B1)
    first, second, third = (a.tell("event") for _ in range(3))
    hello = (topics.up(A1, Up.HELLO), a.hello())
    early = as_message(a.batch(third), a)
    again = as_message(a.batch(first, second), a)
    stranger = as_message(Till(C1).batch(Till(C1).tell("event")), Till(C1))
    rubbish = (topics.up(B1, Up.BATCH), b"rubbish")
    messages = [hello, early, as_message(a.batch(first), a), again, stranger, rubbish, as_message(a.batch(second), a)]
    answers, left = hq.worker.together([*messages, as_message(b.batch(b.tell("event")), b)], NOW_MS)
    assert upto(hq, answers) == [(A1, 1), (A1, 2), (B1, 1)]
    assert left == [hello, early, again, stranger, rubbish]
    assert hq.look(books.refused_bytes) == ()
    assert upto(hq, hq.worker.handle(*again, NOW_MS)) == [(A1, 2)]


def test_where_one_till_s_entry_is_broken_the_others_are_taken_all_the_same(hq: HeadOffice) -> None:
    a, b = hq.enrolled(A1), hq.enrolled(B1)
    broken = bytearray(b.tell("event").sealed)
    broken[-1] ^= 1
    answers, left = hq.worker.together(
        [as_message(b.batch(bytes(broken)), b), as_message(a.batch(a.tell("event")), a)], NOW_MS
    )
    assert upto(hq, answers) == [(A1, 1)]
    assert len(left) == 1
    assert upto(hq, hq.worker.handle(*left[0], NOW_MS)) == [(B1, 0)]
