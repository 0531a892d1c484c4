"""Heartbeats: one that tells nothing new costs head office no write, and one that tells of other leases than the books
have is put before people, once.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import event

from contract.messages import HeldDocument
from contract.topics import Up
from hq import books
from hq.grants import write_off
from hq.held_leases import LOOK_INTERVAL_MS
from hq.unsettled import Cause
from tests.hq.borrowers import DAY_MS, Borrower, causes, lend, take_step
from tests.hq.tills import A1, B1, NOW_MS, HeadOffice

LATER_MS = NOW_MS + LOOK_INTERVAL_MS


def borrowing(hq: HeadOffice) -> Borrower:
    """A till that holds 3,000 of a member's 10,000."""
    a = Borrower(hq, hq.enrolled(A1))
    a.top_up(10_000, bonus=500, keep=False)
    a.sync()
    lend(hq, A1, 3_000)
    a.activate()
    a.sync()
    return a


def test_a_heartbeat_that_tells_nothing_new_writes_nothing_and_who_was_heard_is_written_for_all_at_once(
    hq: HeadOffice,
) -> None:
    a, b = hq.enrolled(A1), hq.enrolled(B1)
    hq.offer(a, a.tell("event"))
    b.tell("not_sent")
    held = HeldDocument("pack", hq.ref.version, hq.ref.digest)
    for till in (a, b):
        hq.greet(till, held)
    hq.worker.note_heard()
    said: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        said.append(statement)

    event.listen(hq.engine, "before_cursor_execute", note)
    for _ in range(3):
        for till in (a, b):
            hq.greet(till, held, now_ms=LATER_MS)
    assert said and all(statement.lstrip().startswith(("SELECT", "BEGIN")) for statement in said)
    said.clear()
    hq.worker.note_heard()
    assert len([statement for statement in said if statement.startswith("UPDATE")]) == 1
    hq.worker.note_heard()
    assert len([statement for statement in said if statement.startswith("UPDATE")]) == 1
    event.remove(hq.engine, "before_cursor_execute", note)
    states = {state.address: (state.told_head_seq, state.last_seen_ms) for state in hq.look(books.till_states)}
    assert states == {A1: (1, LATER_MS), B1: (1, LATER_MS)}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_leases_that_a_till_does_not_hold_though_its_journal_says_so_are_told_to_people_once(hq: HeadOffice) -> None:
    a = borrowing(hq)
    a.spend(1_000)
    a.sync()
    a.greet(LATER_MS)
    assert causes(hq) == set()
    (lease,) = a.held.values()
    a.held[lease.lease] = replace(lease, amount=lease.amount - 1)
    # It is looked at again only after a while, and holds nothing up.
    a.greet(LATER_MS + 1)
    assert causes(hq) == set()
    for more in (1, 2, 3):
        a.greet(LATER_MS + more * LOOK_INTERVAL_MS)
    (told,) = [line for line in hq.look(books.exception_lines) if line.reason == Cause.LEASES_DIFFER]
    assert (told.address, told.epoch, told.seq) == (A1, 1, len(a.till.entries))
    assert "1 leases" in told.detail
    assert a.spend(100) is not None
    a.sync()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_leases_are_not_doubted_while_one_side_knows_more_than_the_other(hq: HeadOffice) -> None:
    a = borrowing(hq)
    # Head office has not heard of a spend, the till not of a lease.
    a.spend(1_000)
    a.greet(LATER_MS)
    a.sync(LATER_MS)
    lend(hq, A1, 500)
    a.greet(LATER_MS + LOOK_INTERVAL_MS)
    a.activate()
    a.sync()
    a.greet(LATER_MS + 2 * LOOK_INTERVAL_MS)
    assert len(a.held) == 2
    assert causes(hq) == set()
    # What is past its time is still there, until the till gives it back; what was written off nobody counts.
    late_ms = NOW_MS + 60 * DAY_MS
    take_step(hq, late_ms)
    a.greet(late_ms)
    with hq.engine.begin() as connection:
        write_off(connection, hq.desk, A1, None, "manager", late_ms)
    a.held.clear()
    a.greet(late_ms + LOOK_INTERVAL_MS)
    assert hq.send(a.till, Up.HELLO, a.till.hello())
    assert causes(hq) == set()
