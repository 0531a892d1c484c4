"""What restored books have lost of ended epochs is asked for again, whatever stands in its place meanwhile."""

import pytest

from contract.bodies import EntryKind, EpochReason, EpochStartBody
from contract.errors import Reason
from contract.messages import EarlierEpoch, Range
from hq.db import writing
from hq.tables import chains as chain_rows
from hq.tables import entries, postings, sales, transactions
from hq.unsettled import Cause
from tests.hq.tills import HeadOffice, Till, sold


def forget(hq: HeadOffice, epoch: int, upto: int) -> None:
    """What a backup from before those entries would hold: nothing of them."""
    with writing(hq.engine) as connection:
        gone = [
            row.id for row in connection.execute(entries.select().where(entries.c.epoch == epoch, entries.c.seq > upto))
        ]
        head = connection.execute(entries.select().where(entries.c.epoch == epoch, entries.c.seq == upto)).one()
        for table in (postings, sales, transactions):
            connection.execute(table.delete().where(table.c.entry_id.in_(gone)))
        connection.execute(entries.delete().where(entries.c.id.in_(gone)))
        connection.execute(
            chain_rows.update().where(chain_rows.c.epoch == epoch).values(upto_seq=upto, head_hash=head.digest)
        )


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_entries_of_an_ended_epoch_that_were_lost_with_the_database_are_asked_for_again(hq: HeadOffice) -> None:
    till = hq.enrolled()
    for _ in range(4):
        till.sell(hq.sale(till, member=None))
    hq.offer(till, *till.entries[:3])
    later = till.next_epoch(3)
    hq.offer(later, *later.entries)
    ended = EarlierEpoch(1, 4, till.head_hash)
    assert hq.greet(later, earlier=(ended,)).wanted == ()
    forget(hq, 1, 1)
    assert hq.greet(later, earlier=(ended,)).wanted == (Range(1, 2, 3),)
    assert hq.offer(till, *till.entries[1:3]).upto_seq == 3
    assert hq.greet(later, earlier=(ended,)).wanted == ()
    assert sorted(sold(hq)) == [(1, seq, True) for seq in (1, 2, 3, 4)]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_a_copy_has_overwritten_in_restored_books_is_asked_for_and_carried_over(hq: HeadOffice) -> None:
    till = hq.enrolled()
    till.sell(hq.sale(till, member=None))
    twin = Till(till.address)
    twin.signer, twin.entries = till.signer, [*till.entries]
    for _ in range(3):
        till.sell(hq.sale(till, member=None))
    hq.offer(till, *till.entries[:3])
    forget(hq, 1, 1)
    for number in range(4):
        twin.sell(hq.sale(till, member=None), transaction=bytes([number]) * 16)
    hq.offer(twin, *twin.entries[1:])
    later = till.next_epoch(3)
    hq.offer(later, *later.entries)
    ended = EarlierEpoch(1, 4, till.head_hash)
    assert hq.greet(later, earlier=(ended,)).wanted == (Range(1, 1, 3),)
    (refused,) = hq.offer(till, *till.entries[:3]).refused
    assert (refused.seq, refused.reason) == (2, Cause.ENTRY_CONFLICT)
    hq.offer(later, *(later.carry(entry) for entry in till.entries[1:3]))
    assert hq.greet(later, earlier=(ended,)).wanted == ()
    assert len(sold(hq)) == 1 + 4 + 3


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_of_a_chain_that_went_two_ways_all_is_asked_for_again_until_it_is_here(hq: HeadOffice) -> None:
    till = hq.enrolled()
    till.sell(hq.sale(till, member=None))
    twin = Till(till.address)
    twin.signer, twin.entries = till.signer, [*till.entries]
    for _ in range(3):
        till.sell(hq.sale(till, member=None))
    hq.offer(till, *till.entries)
    # The copy, behind an older image, begins an epoch of its own; the till follows with the next.
    twin.sell(hq.sale(till, member=None), transaction=b"w" * 16)
    copied = twin.next_epoch(1)
    hq.offer(copied, *copied.entries)
    later = Till(till.address, 3)
    later.signer = till.signer
    start = EpochStartBody(EpochReason.CHAIN_DISPUTED, 1, 4, till.head_hash, 4)
    hq.offer(later, later.append(EntryKind.EPOCH_START, start))
    ended = EarlierEpoch(1, 4, till.head_hash)
    assert hq.greet(later, earlier=(ended,)).wanted == ()
    # Of books restored from before, the copy's entry is what follows: only the till knows from where they differ.
    forget(hq, 1, 1)
    hq.offer(twin, twin.entries[1])
    assert hq.greet(later, earlier=(ended,)).wanted == (Range(1, 1, 4),)
    (refused,) = hq.offer(till, *till.entries).refused
    assert (refused.seq, refused.reason) == (2, Cause.ENTRY_CONFLICT)
    hq.offer(later, *(later.carry(entry) for entry in till.entries[1:]))
    assert hq.greet(later, earlier=(ended,)).wanted == ()
    assert len(sold(hq)) == 1 + 1 + 3


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_does_not_follow_from_what_a_silent_copy_wrote_is_asked_for_from_the_beginning(hq: HeadOffice) -> None:
    till = hq.enrolled()
    till.sell(hq.sale(till, member=None))
    twin = Till(till.address)
    twin.signer, twin.entries = till.signer, [*till.entries]
    for _ in range(4):
        till.sell(hq.sale(till, member=None))
    hq.offer(till, *till.entries)
    # Of books restored from before, a copy that sells on in the same epoch fills a part; the till begins another.
    forget(hq, 1, 1)
    for number in range(2):
        twin.sell(hq.sale(till, member=None), transaction=bytes([number]) * 16)
    hq.offer(twin, *twin.entries[1:])
    later = till.next_epoch(5)
    hq.offer(later, *later.entries)
    ended = EarlierEpoch(1, 5, till.head_hash)
    assert hq.greet(later, earlier=(ended,)).wanted == (Range(1, 4, 5),)
    (refused,) = hq.offer(till, *till.entries[3:], first_seq=4).refused
    assert (refused.seq, refused.reason) == (4, Reason.BROKEN_CHAIN)
    assert hq.greet(later, earlier=(ended,)).wanted == (Range(1, 1, 5),)
    (refused,) = hq.offer(till, *till.entries).refused
    assert (refused.seq, refused.reason) == (2, Cause.ENTRY_CONFLICT)
    hq.offer(later, *(later.carry(entry) for entry in till.entries[1:]))
    assert hq.greet(later, earlier=(ended,)).wanted == ()
    assert len(sold(hq)) == 1 + 2 + 4
