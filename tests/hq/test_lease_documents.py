"""What is lent reaches the till it is lent to, whatever became of the unit and of the documents before."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from contract.documents import open_document
from contract.envelope import keyring
from hq.db import writing
from hq.restoring import begin_restoration, open_restoration
from hq.tables import lease_documents
from tests.hq.borrowers import DAY_MS, Borrower, causes, lend, require_sound, take_step
from tests.hq.tills import A1, NOW_MS, HeadOffice

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def borrowing(hq: HeadOffice) -> Borrower:
    """A till that holds 3,000 of a member's 10,000."""
    a = Borrower(hq, hq.enrolled(A1))
    a.top_up(10_000, keep=False)
    a.sync()
    assert lend(hq, A1, 3_000) == 3_000
    a.activate()
    a.sync()
    return a


def test_a_unit_that_came_in_place_of_another_is_lent_to(hq: HeadOffice) -> None:
    borrowing(hq)
    new = Borrower(hq, hq.enrolled(A1, epoch=2))
    new.sync()
    assert lend(hq, A1, 3_000) == 3_000
    new.sync()
    new.activate()
    assert new.wallet() == 3_000
    # The chain of its documents goes on as any other.
    new.sync()
    assert lend(hq, A1, 1_000) == 1_000
    new.activate()
    new.sync()
    assert new.wallet() == 4_000
    require_sound(hq)
    assert causes(hq) == set()


def test_a_restoration_closes_although_a_unit_was_replaced(hq: HeadOffice) -> None:
    borrowing(hq)
    new = Borrower(hq, hq.enrolled(A1, epoch=2))
    new.sync()
    with writing(hq.engine) as connection:
        begin_restoration(connection, "said by people", NOW_MS)
    for _ in range(2):
        take_step(hq)
        new.sync()
        new.activate()
        new.sync()
    assert hq.look(open_restoration) is None


def test_a_till_is_not_signed_for_anew_with_each_hello(hq: HeadOffice) -> None:
    a = borrowing(hq)
    assert lend(hq, A1, 1_000) == 1_000
    for _ in range(3):
        a.sync()
        take_step(hq)
    assert len(hq.look(lambda connection: connection.execute(select(lease_documents)).all())) == 2


def test_a_document_that_lay_too_long_to_be_taken_is_signed_again(hq: HeadOffice) -> None:
    a = Borrower(hq, hq.enrolled(A1))
    a.top_up(10_000, keep=False)
    a.sync()
    assert lend(hq, A1, 3_000) == 3_000
    late_ms = NOW_MS + 400 * DAY_MS
    a.sync(late_ms)
    assert lend(hq, A1, 2_000, now_ms=late_ms) == 2_000
    row = hq.look(
        lambda connection: connection.execute(select(lease_documents).where(lease_documents.c.state == "offered")).one()
    )
    document = open_document(row.sealed, keyring(hq.desk.signer.public)).document
    assert (document.version, document.accept_until_ms) == (2, late_ms + hq.desk.accept_days * DAY_MS)
    a.activate()
    a.sync(late_ms)
    assert a.wallet() == 5_000
    require_sound(hq)
