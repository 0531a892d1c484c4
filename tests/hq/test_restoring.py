"""Head office restored from an older backup lends nothing until it knows what it had lent."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from contract.messages import HeldDocument
from contract.topics import Up
from hq.books import awaited_tills, verify_chain
from hq.db import open_database, writing
from hq.grants import pay_in
from hq.own_place import own_chain_of
from hq.people import enrol
from hq.restoring import begin_restoration, close_restoration, open_restoration
from hq.worker import Worker
from tests.hq.borrowers import Borrower, balance_of, causes, lend, require_sound, take_step
from tests.hq.test_together import C1
from tests.hq.tills import A1, B1, NOW_MS, TENANT, HeadOffice, Till, head_office


@contextmanager
def restored(hq: HeadOffice, backup: Path, folder: Path) -> Iterator[HeadOffice]:
    """The same head office on books as they were when they were copied."""
    again = folder / "again"
    again.mkdir()
    shutil.copy(backup, again / "hq.db")
    engine = open_database(f"sqlite:///{again}/hq.db")
    yield HeadOffice(engine, hq.desk, Worker(engine, hq.desk), hq.pack, hq.ref)
    engine.dispose()


def copied(hq: HeadOffice, folder: Path) -> Path:
    """The books as they are now."""
    backup = folder / "backup.db"
    raw = hq.engine.raw_connection()
    raw.cursor().execute(f"VACUUM INTO '{backup}'")
    raw.close()
    return backup


def is_restoring(hq: HeadOffice) -> bool:
    return hq.look(open_restoration) is not None


def send_again(borrower: Borrower, hq: HeadOffice) -> None:
    """Take up work with other books: they have forgotten part of the journal."""
    borrower.hq = hq
    held = () if borrower.active is None else (borrower.active,)
    welcome = hq.greet(borrower.till, *held, acked_seq=borrower.acked)
    borrower.sent = welcome.upto_seq
    fresh = borrower.till.entries[borrower.sent :]
    if fresh:
        assert hq.offer(borrower.till, *fresh).refused == ()
    borrower.sent = len(borrower.till.entries)


def test_leases_that_the_books_have_forgotten_are_honoured_and_nothing_is_lent_before(tmp_path: Path) -> None:
    with head_office(f"sqlite:///{tmp_path}/hq.db") as first:
        a, b = Borrower(first, first.enrolled(A1)), Borrower(first, first.enrolled(B1))
        a.top_up(10_000, keep=False)
        a.sync()
        take_step(first)
        backup = copied(first, tmp_path)
        # Half of it is lent to A by habit.
        assert lend(first, B1, 6_000) == 5_000
        b.activate()
        b.sync()
        b.spend(1_000)
        with restored(first, backup, tmp_path) as hq:
            send_again(b, hq)
            assert is_restoring(hq)
            take_step(hq)
            assert lend(hq, A1, 1) == 0
            # B has told what it holds and takes a document of now; A has not yet.
            assert b.activate() is not None
            b.sync()
            take_step(hq)
            assert is_restoring(hq)
            send_again(a, hq)
            a.activate()
            a.sync()
            take_step(hq)
            assert not is_restoring(hq)
            assert lend(hq, A1, 10_000) == 0
            b.spend(4_000)
            b.sync()
            require_sound(hq)
            assert balance_of(hq, "member/m1/principal") == -5_000
            assert causes(hq) == set()


def test_a_document_on_its_way_when_the_books_were_lost_is_found_out_before_anything_is_lent(tmp_path: Path) -> None:
    with head_office(f"sqlite:///{tmp_path}/hq.db") as first:
        a, b = Borrower(first, first.enrolled(A1)), Borrower(first, first.enrolled(B1))
        a.top_up(10_000, keep=False)
        a.sync()
        take_step(first)
        a.activate()
        a.sync()
        lend(first, B1, 1_000)
        b.activate()
        b.sync()
        backup = copied(first, tmp_path)
        assert lend(first, B1, 3_000) == 3_000
        with restored(first, backup, tmp_path) as hq:
            with writing(hq.engine) as connection:
                begin_restoration(connection, "told by people", NOW_MS)
            take_step(hq)
            # The document that was lost with the books is laid before the one of now, which so cannot be laid any more.
            assert b.activate() is not None
            b.spend(3_500)
            for borrower in (a, b):
                send_again(borrower, hq)
            a.activate()
            a.sync()
            take_step(hq)
            assert is_restoring(hq)
            assert b.activate() is not None
            b.sync()
            take_step(hq)
            assert not is_restoring(hq)
            require_sound(hq)
            assert balance_of(hq, "member/m1/principal") == -6_500
            # What is lent to A and B stays so, the rest is free.
            assert lend(hq, A1, 10_000) == 10_000 - 4_000 - a.wallet()
            require_sound(hq)


def test_a_lease_that_nobody_knew_of_shows_that_the_books_are_old(tmp_path: Path) -> None:
    with head_office(f"sqlite:///{tmp_path}/hq.db") as first:
        a, b = Borrower(first, first.enrolled(A1)), Borrower(first, first.enrolled(B1))
        a.top_up(10_000, keep=False)
        a.sync()
        take_step(first)
        backup = copied(first, tmp_path)
        lend(first, B1, 3_000)
        b.activate()
        with restored(first, backup, tmp_path) as hq:
            held, b.active = b.active, None
            send_again(b, hq)
            b.active = held
            assert is_restoring(hq)


def test_a_till_that_was_acknowledged_further_than_the_books_go_says_that_they_are_old(tmp_path: Path) -> None:
    with head_office(f"sqlite:///{tmp_path}/hq.db") as first:
        a = Borrower(first, first.enrolled(A1))
        backup = copied(first, tmp_path)
        a.top_up(10_000)
        a.sync()
        with restored(first, backup, tmp_path) as hq:
            a.acked = len(a.till.entries)
            send_again(a, hq)
            assert is_restoring(hq)
            take_step(hq)
            a.activate()
            a.sync()
            take_step(hq)
            assert not is_restoring(hq)
            require_sound(hq)


def test_what_head_office_books_after_a_restoration_shares_no_place_with_what_it_booked_before(tmp_path: Path) -> None:
    with head_office(f"sqlite:///{tmp_path}/hq.db") as hq:
        with writing(hq.engine) as connection:
            pay_in(connection, hq.desk, "m1", 100, 0, bytes(16), NOW_MS)
        with writing(hq.engine) as connection:
            begin_restoration(connection, "told", NOW_MS + 1)
            pay_in(connection, hq.desk, "m1", 100, 0, bytes([1]) * 16, NOW_MS + 2)
        with hq.engine.connect() as connection:
            own = own_chain_of(TENANT)
            assert verify_chain(connection, own, 1).count == 1
            assert verify_chain(connection, own, (NOW_MS + 2) // 60_000).count == 1


def test_a_till_enrolled_after_the_backup_is_waited_for_until_it_is_enrolled_again(tmp_path: Path) -> None:
    with head_office(f"sqlite:///{tmp_path}/hq.db") as first:
        a = Borrower(first, first.enrolled(A1))
        a.top_up(10_000, keep=False)
        a.sync()
        backup = copied(first, tmp_path)
        b = Borrower(first, first.enrolled(B1))
        assert lend(first, B1, 5_000) == 5_000
        b.activate()
        b.sync()
        with restored(first, backup, tmp_path) as hq:
            with writing(hq.engine) as connection:
                begin_restoration(connection, "told by people", NOW_MS)
            held = [(lease.lease, lease.amount, lease.bonus_minor) for lease in b.held.values()]
            assert hq.send(b.till, Up.HELLO, b.till.hello(left=tuple(held))) == []
            send_again(a, hq)
            for _step in range(3):
                take_step(hq)
                a.activate()
                a.sync()
            # A stranger's hello alone, with nothing in hand, would keep nobody waiting.
            assert hq.send(Till(C1), Up.HELLO, Till(C1).hello()) == []
            assert is_restoring(hq) and lend(hq, A1, 10_000) == 0
            assert hq.look(awaited_tills) == (f"{B1} (不在册，请重新登记 to be enrolled again)",)

            with writing(hq.engine) as connection:
                enrol(connection, b.till.enrolment, TENANT, NOW_MS)
            send_again(b, hq)
            for each in (b, a):
                take_step(hq)
                each.activate()
                each.sync()
            take_step(hq)
            assert not is_restoring(hq)
            # What B does not hold goes to A.
            lend(hq, A1, 10_000)
            a.activate()
            for each in (a, b):
                each.spend(10_000)
                each.sync()
            require_sound(hq)
            assert balance_of(hq, "member/m1/principal") == 0
            assert causes(hq) == set()


def test_one_till_that_says_what_it_never_brings_stops_lending_once_at_most(hq: HeadOffice) -> None:
    a, b = Borrower(hq, hq.enrolled(A1)), Borrower(hq, hq.enrolled(B1))
    a.top_up(10_000, keep=False)
    a.sync()
    # More than its own journal has can never have been acknowledged.
    hq.greet(b.till, acked_seq=10**9)
    assert not is_restoring(hq)
    for _ in range(3):
        b.till.tell("event")
    hq.greet(b.till, acked_seq=3)
    assert is_restoring(hq)
    take_step(hq)
    with writing(hq.engine) as connection:
        close_restoration(connection, NOW_MS)
    for _ in range(2):
        b.till.tell("event")
        hq.greet(b.till, acked_seq=len(b.till.entries))
        assert not is_restoring(hq)
    assert lend(hq, A1, 100) == 100
    # Nor by documents that nobody signed, or in epoch after epoch that it begins for that.
    later = b.till.next_epoch(0)
    hq.offer(later, *later.entries)
    for version in range(7, 10):
        hq.greet(later, HeldDocument("pack", version, bytes(32)), acked_seq=len(later.entries))
        later.tell("event")
        assert not is_restoring(hq)
    hq.greet(a.till, HeldDocument("pack", 8, bytes(32)))
    assert is_restoring(hq)
    with writing(hq.engine) as connection:
        close_restoration(connection, NOW_MS)
    hq.greet(a.till, HeldDocument("pack", 9, bytes(32)))
    assert not is_restoring(hq)
    # Another day it may be so.
    hq.greet(a.till, HeldDocument("pack", 10, bytes(32)), now_ms=NOW_MS + 86_400_001)
    assert is_restoring(hq)
    with writing(hq.engine) as connection:
        close_restoration(connection, NOW_MS)
    # What it said is here now, so it is believed again.
    hq.offer(b.till, *b.till.entries)
    b.till.tell("event")
    hq.greet(b.till, acked_seq=len(b.till.entries))
    assert is_restoring(hq)
