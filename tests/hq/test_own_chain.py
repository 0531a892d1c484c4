"""What head office books itself is signed and chained like a till's journal, and booked once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from contract.bodies import CancelBody, EntryKind, OfficeBody
from contract.envelope import keyring
from contract.ids import TerminalAddress
from contract.postings import Posting
from contract.slips import open_slip
from contract.value import Account, Asset
from hq.books import entries_of, ledger_sums, verify_chain
from hq.db import writing
from hq.errors import OfficeError
from hq.grants import grant, pay_in, set_bearer
from hq.own_chain import book, book_all
from hq.own_place import own_chain_of
from hq.people import enrol, enrolled
from hq.sources import Enrolment
from hq.tables import postings
from tests.hq.borrowers import Borrower, balance_of, causes, lend, require_sound
from tests.hq.tills import A1, B1, NOW_MS, TENANT, HeadOffice, new_signer

OWN = own_chain_of(TENANT)
MOVED = (Posting("office/a", "points", 5), Posting("office/b", "points", -5))


def test_every_booking_of_head_office_traces_to_an_entry_it_signed(hq: HeadOffice) -> None:
    with writing(hq.engine) as connection:
        pay_in(connection, hq.desk, "m1", 10_000, 500, bytes(16), NOW_MS)
        book_all(connection, hq.desk, [(OfficeBody("a", "", MOVED), None), (OfficeBody("b", "", MOVED), None)], NOW_MS)
        grant(connection, hq.desk, Account(Asset.POINTS, "m1"), 7, NOW_MS)
        report = verify_chain(connection, OWN, 1)
        chained = {entry.digest for entry in entries_of(connection, OWN, 1)}
        traced = connection.scalars(select(postings.c.entry_id).distinct()).all()
        assert not any(ledger_sums(connection).values())
    assert (report.count, report.problem, len(chained), len(traced)) == (4, "", 4, 4)
    require_sound(hq)


def test_the_same_transaction_is_booked_once(hq: HeadOffice) -> None:
    with writing(hq.engine) as connection:
        first = book(connection, hq.desk, OfficeBody("a", "", MOVED), NOW_MS, b"once and for all")
        again = book(connection, hq.desk, OfficeBody("a", "", MOVED), NOW_MS, b"once and for all")
        assert first.entry_id == again.entry_id
        assert (first.is_new, again.is_new) == (True, False)
        with pytest.raises(OfficeError, match="booked before, as a : office/a 5 points"):
            book(connection, hq.desk, OfficeBody("b", "", MOVED), NOW_MS, b"once and for all")
    assert balance_of(hq, "office/a", "points") == 5


def test_a_booking_that_does_not_balance_is_not_made(hq: HeadOffice) -> None:
    with pytest.raises(Exception, match="unbalanced"), writing(hq.engine) as connection:
        book(connection, hq.desk, OfficeBody("a", "", MOVED[:1]), NOW_MS)
    assert balance_of(hq, "office/a", "points") == 0


def test_another_key_begins_another_epoch_of_the_chain(hq: HeadOffice) -> None:
    with writing(hq.engine) as connection:
        book(connection, hq.desk, OfficeBody("a", "", MOVED), NOW_MS)
        newer = replace(hq.desk, signer=new_signer())
        book(connection, newer, OfficeBody("b", "", MOVED), NOW_MS)
        assert verify_chain(connection, OWN, 1).count == 1
        assert verify_chain(connection, OWN, NOW_MS // 60_000).count == 1


def test_no_till_is_born_in_head_offices_own_shop_and_its_chain_is_no_till(hq: HeadOffice) -> None:
    with writing(hq.engine) as connection:
        book(connection, hq.desk, OfficeBody("a", "", MOVED), NOW_MS)
        with pytest.raises(OfficeError, match="head office's own"):
            slip = Enrolment(TerminalAddress(TENANT, "office", "t1"), 1, new_signer().public)
            enrol(connection, slip, TENANT, NOW_MS)
        assert enrolled(connection) == ()


def test_a_till_that_signs_a_booking_of_head_office_moves_nothing(hq: HeadOffice) -> None:
    a = Borrower(hq, hq.enrolled(A1))
    a.till.append(EntryKind.OFFICE, OfficeBody("paid_in", "", MOVED))
    a.sync()
    assert balance_of(hq, "office/a", "points") == 0


def test_head_office_bears_what_it_says_it_bears(hq: HeadOffice) -> None:
    a = Borrower(hq, hq.enrolled(A1))
    with writing(hq.engine) as connection:
        pay_in(connection, hq.desk, "m1", 10_000, 0, bytes(16), NOW_MS)
        set_bearer(connection, "shop-a", "office")
    lend(hq, A1, 1_000)
    a.activate()
    copied = dict(a.held)
    a.spend(1_000)
    a.held = copied
    a.spend(1_000)
    a.sync()
    assert balance_of(hq, "office/beyond_leases") == 1_000
    assert balance_of(hq, "member/m1/principal") == -9_000
    require_sound(hq)


def test_what_a_till_journals_under_the_id_of_anothers_slip_does_not_keep_the_slip_from_leaving(hq: HeadOffice) -> None:
    a, b = Borrower(hq, hq.enrolled(A1)), Borrower(hq, hq.enrolled(B1))
    a.top_up(10_000)
    a.sync()
    slip = a.slip_out(B1, 9_000)
    assert slip is not None
    taken = open_slip(slip, keyring(a.till.signer.public)).value.lease
    b.till.append(EntryKind.CANCEL, CancelBody("1", 1, 1), taken)
    b.till.append(EntryKind.SALE, hq.sale(b.till, 100), taken)
    b.slip_in(slip, a.till)
    b.spend(9_000)
    b.sync()
    a.give_back()
    a.sync()
    # The one till says two things under one id, which is told of; the other's slip leaves all the same.
    assert causes(hq) == {"transaction_doubled"}
    assert balance_of(hq, "office/slips_ahead") == 0
    assert balance_of(hq, "member/m1/principal") == -1_000
    require_sound(hq)
