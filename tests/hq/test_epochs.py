"""A till that had to begin a new epoch is let in by itself; what it carries over counts once, whatever came before."""

import pytest

from contract import wire
from contract.bodies import CarryOverBody, EntryKind, EpochReason, EpochStartBody
from contract.documents import DocumentKind, KeysContent, open_document
from contract.envelope import keyring
from contract.ids import TerminalAddress
from contract.journal import identity_hash
from contract.messages import EarlierEpoch, Range, RefusedEntry
from contract.topics import Up
from hq import books, chains, ledger
from hq.bulletins import publish_keys
from hq.db import writing
from hq.documents import announcements, sealed_bytes
from hq.grants import write_off
from hq.unsettled import Cause
from tests.hq.borrowers import Borrower, lend, require_sound, take_step
from tests.hq.tills import A1, B1, NOW_MS, HeadOffice, Till, sold


def reasons(hq: HeadOffice) -> list[tuple[int, int, str]]:
    return [(line.epoch, line.seq, line.reason) for line in hq.look(books.exception_lines)]


def test_a_till_that_began_a_new_epoch_is_let_in_and_what_it_carries_counts_once(hq: HeadOffice) -> None:
    till = hq.enrolled()
    first, second = till.sell(hq.sale(till)), till.sell(hq.sale(till, 10_000))
    hq.offer(till, first)
    later = till.next_epoch(1)
    ack = hq.offer(later, *later.entries)
    assert (ack.epoch, ack.upto_seq, ack.head_hash, ack.refused) == (2, 2, later.head_hash, ())
    assert sold(hq) == [(1, 1, True), (1, 2, True)]
    assert hq.offer(later, *later.entries).upto_seq == 2
    assert sold(hq) == [(1, 1, True), (1, 2, True)]
    assert reasons(hq) == [(2, 1, Cause.EPOCH_BEGAN)]
    assert hq.look(lambda connection: books.verify_chain(connection, A1, 2)) == books.ChainReport(2, "")
    assert hq.look(ledger.differences) == ()
    # The receipt that was printed names the place in the epoch that ended.
    assert hq.look(books.sale_lines)[1].receipt == "SHOP-A.A1-1-000002"
    assert second.header.seq == 2


def test_a_carried_entry_that_is_in_the_books_already_is_posted_once_and_nothing_is_told(hq: HeadOffice) -> None:
    till = hq.enrolled()
    hq.offer(till, *(till.sell(hq.sale(till)) for _ in range(2)))
    later = till.next_epoch(0)
    assert hq.offer(later, *later.entries).upto_seq == 3
    assert sold(hq) == [(1, 1, True), (1, 2, True)]
    assert reasons(hq) == [(2, 1, Cause.EPOCH_BEGAN)]
    assert [balance.points for balance in hq.look(books.member_balances)] == [2 * 221]


def test_an_entry_that_comes_by_itself_after_it_was_carried_over_is_posted_once(hq: HeadOffice) -> None:
    till = hq.enrolled()
    sale = till.sell(hq.sale(till))
    later = till.next_epoch(0)
    hq.offer(later, *later.entries)
    assert hq.offer(till, sale).upto_seq == 1
    assert sold(hq) == [(1, 1, True)]
    assert reasons(hq) == [(2, 1, Cause.EPOCH_BEGAN)]


def test_what_is_carried_through_two_epochs_is_the_entry_as_it_was_first_signed(hq: HeadOffice) -> None:
    till = hq.enrolled()
    till.sell(hq.sale(till))
    third = till.next_epoch(0).next_epoch(0)
    # The epoch between never reached head office: it is carried over itself, with what it carried.
    assert [entry.header.kind for entry in third.entries] == [EntryKind.EPOCH_START, *[EntryKind.CARRY_OVER] * 2]
    assert hq.offer(third, *third.entries).upto_seq == 3
    assert sold(hq) == [(1, 1, True)]
    assert {reason for _, _, reason in reasons(hq)} == {Cause.EPOCH_BEGAN}


def test_a_copied_till_s_other_sale_under_a_known_transaction_is_held_for_people(hq: HeadOffice) -> None:
    till = hq.enrolled()
    hq.offer(till, till.sell(hq.sale(till), transaction=b"t" * 16))
    copy = Till(A1)
    copy.signer = till.signer
    copy.sell(hq.sale(till, 100), transaction=b"t" * 16)
    later = copy.next_epoch(0)
    assert hq.offer(later, *later.entries).upto_seq == 2
    assert sold(hq) == [(1, 1, True), (1, 1, False)]
    assert (2, 2, Cause.TRANSACTION_DOUBLED) in reasons(hq)
    assert [sale.exceptions for sale in hq.look(books.sale_lines)] == [(), (Cause.TRANSACTION_DOUBLED,)]
    assert hq.look(books.ledger_sums) == {"CNY": 0, "points": 0}


def test_places_that_a_till_could_not_read_any_more_are_put_before_people(hq: HeadOffice) -> None:
    till = hq.enrolled()
    for _ in range(3):
        till.sell(hq.sale(till))
    later = till.next_epoch(0, lost=(2,))
    hq.offer(later, *later.entries)
    assert sold(hq) == [(1, 1, True), (1, 3, True)]
    told = {line.reason: line.detail for line in hq.look(books.exception_lines)}
    assert told[Cause.ENTRIES_LOST] == "epoch 1: 2"


def test_a_hello_of_an_epoch_not_let_in_yet_is_answered_with_nothing_and_its_identity(hq: HeadOffice) -> None:
    till = hq.enrolled()
    later = till.next_epoch(0)
    welcome = hq.greet(later)
    assert (welcome.epoch, welcome.upto_seq, welcome.newest_epoch) == (2, 0, 1)
    assert welcome.head_hash == identity_hash(A1, 2, till.signer.public)
    assert hq.look(books.till_states)[-1].epoch == 1


def test_an_epoch_that_another_key_begins_is_not_let_in(hq: HeadOffice) -> None:
    till = hq.enrolled()
    stranger = Till(A1)
    stranger.sell(hq.sale(till))
    later = stranger.next_epoch(0)
    assert hq.send(later, Up.BATCH, later.batch(*later.entries)) == []
    assert [line.reason for line in hq.look(books.refused_bytes)] == [Cause.UNKNOWN_TERMINAL]
    assert [state.epoch for state in hq.look(books.till_states)] == [1]


@pytest.mark.parametrize("revoked", [True, False])
def test_a_unit_that_was_replaced_lets_itself_in_no_more(hq: HeadOffice, revoked: bool) -> None:
    stolen = hq.enrolled()
    hq.offer(stolen, stolen.sell(hq.sale(stolen)))
    if revoked:
        with writing(hq.engine) as connection:
            chains.revoke(connection, A1, NOW_MS)
    new = hq.enrolled(epoch=2)
    hq.offer(new, new.sell(hq.sale(new)))
    for follows in (1, 2):
        later = Till(A1, 3)
        later.signer = stolen.signer
        start = EpochStartBody(EpochReason.CHAIN_DISPUTED, follows, 1, stolen.head_hash, 1)
        later.append(EntryKind.EPOCH_START, start)
        later.sell(hq.sale(later))
        assert hq.send(later, Up.BATCH, later.batch(*later.entries)) == []
    assert [state.epoch for state in hq.look(books.till_states)] == [1, 2]
    # The unit that came in its place goes on, and begins epochs as it must.
    own = new.next_epoch(1)
    assert hq.offer(own, *own.entries).upto_seq == len(own.entries)
    assert [state.epoch for state in hq.look(books.till_states)] == [1, 2, 3]


def test_the_unit_that_came_later_signs_nothing_for_the_one_before(hq: HeadOffice) -> None:
    hq.enrolled()
    new = hq.enrolled(epoch=2)
    forged = Till(A1)
    forged.signer = new.signer
    new.carry(forged.sell(hq.sale(forged)))
    hq.offer(new, *new.entries)
    assert sold(hq) == []
    assert reasons(hq) == [(2, 1, Cause.CARRIED_UNVERIFIED)]


@pytest.mark.parametrize("follows", [1, 2, 3])
def test_an_epoch_that_begins_with_anything_but_its_own_start_is_not_let_in(hq: HeadOffice, follows: int) -> None:
    till = hq.enrolled()
    later = Till(A1, 2)
    later.signer = till.signer
    if follows == 1:
        later.sell(hq.sale(till))
    else:
        start = EpochStartBody(EpochReason.CHAIN_DISPUTED, follows, 0, bytes(32), 0)
        later.append(EntryKind.EPOCH_START, start)
    assert hq.send(later, Up.BATCH, later.batch(*later.entries)) == []
    assert [state.epoch for state in hq.look(books.till_states)] == [1]


def test_of_two_copies_that_begin_the_same_epoch_the_second_meets_a_conflict(hq: HeadOffice) -> None:
    till = hq.enrolled()
    one, other = till.next_epoch(0), till.next_epoch(0)
    other.entries.clear()
    other.wall_ms += 1
    other.append(EntryKind.EPOCH_START, one.entries[0].body(), b"o" * 16)
    hq.offer(one, *one.entries)
    ack = hq.offer(other, *other.entries)
    assert ack.refused == (RefusedEntry(1, Cause.ENTRY_CONFLICT),)
    assert (2, 1, Cause.ENTRY_CONFLICT) in reasons(hq)


def test_a_carry_over_that_does_not_hold_what_it_says_is_held_for_people(hq: HeadOffice) -> None:
    mine, theirs = hq.enrolled(A1), hq.enrolled(B1)
    own, foreign = mine.sell(hq.sale(mine)), theirs.sell(hq.sale(theirs))
    stranger = Till(A1).sell(hq.sale(mine))
    later = mine.next_epoch(1)
    first = later.entries[0]
    lies = (
        CarryOverBody(1, 2, own.sealed),
        CarryOverBody(1, 1, foreign.sealed),
        CarryOverBody(1, 1, stranger.sealed),
        CarryOverBody(2, 1, first.sealed),
        CarryOverBody(1, 1, b"\x00" * 40),
    )
    for body in lies:
        later.append(EntryKind.CARRY_OVER, body, own.header.transaction)
    later.append(EntryKind.CARRY_OVER, CarryOverBody(1, 1, own.sealed), b"x" * 16)
    assert hq.offer(later, *later.entries).upto_seq == 7
    assert sold(hq) == []
    assert [reason for _, _, reason in reasons(hq)] == [Cause.EPOCH_BEGAN, *[Cause.CARRIED_UNVERIFIED] * 6]


def test_a_revoked_till_is_refused_in_every_epoch_and_what_it_sends_is_kept(hq: HeadOffice) -> None:
    till = hq.enrolled()
    hq.offer(till, till.tell("event"))
    with writing(hq.engine) as connection:
        assert chains.revoke(connection, A1, NOW_MS)
        assert not chains.revoke(connection, A1, NOW_MS)
    later = till.next_epoch(1)
    for sender in (till, later):
        assert hq.send(sender, Up.HELLO, sender.hello()) == []
    assert hq.send(till, Up.BATCH, till.batch(till.tell("event"))) == []
    assert hq.send(later, Up.BATCH, later.batch(*later.entries)) == []
    kept = [line.reason for line in hq.look(books.refused_bytes)]
    assert sorted(kept) == sorted([*[Cause.TERMINAL_REVOKED] * 2, *[Cause.UNKNOWN_TERMINAL] * 2])
    assert [state.upto_seq for state in hq.look(books.till_states)] == [1]
    replaced = hq.enrolled(A1, epoch=2)
    assert hq.offer(replaced, replaced.tell("event")).upto_seq == 1


def test_what_an_older_epoch_is_known_to_hold_may_come_late_and_what_is_beyond_is_told(hq: HeadOffice) -> None:
    till = hq.enrolled()
    for _ in range(2):
        till.sell(hq.sale(till))
    later = till.next_epoch(2)
    hq.offer(later, *later.entries)
    hq.offer(till, *till.entries)
    assert reasons(hq) == [(2, 1, Cause.EPOCH_BEGAN)]
    hq.offer(till, till.sell(hq.sale(till)))
    assert reasons(hq) == [(2, 1, Cause.EPOCH_BEGAN), (1, 3, Cause.OLD_EPOCH_GREW)]


def test_an_ended_epoch_that_head_office_never_heard_of_is_let_in_when_it_is_sent(hq: HeadOffice) -> None:
    till = hq.enrolled()
    till.sell(hq.sale(till))
    second = till.next_epoch(0)
    third = second.next_epoch(len(second.entries))
    hq.offer(third, *third.entries)
    ended = EarlierEpoch(2, 2, second.head_hash)
    assert hq.greet(third, earlier=(ended,)).wanted == (Range(2, 1, 2),)
    assert hq.offer(second, *second.entries).upto_seq == 2
    assert sold(hq) == [(1, 1, True)]
    assert [state.epoch for state in hq.look(books.till_states)] == [1, 2, 3]
    assert Cause.OLD_EPOCH_GREW not in {reason for _, _, reason in reasons(hq)}


def test_a_till_never_enrolled_cannot_let_itself_in(hq: HeadOffice) -> None:
    stranger = Till(TerminalAddress("acme", "shop-z", "z1"))
    stranger.tell("event")
    later = stranger.next_epoch(0)
    assert hq.send(later, Up.BATCH, later.batch(*later.entries)) == []
    assert hq.send(later, Up.HELLO, later.hello()) == []
    assert {line.reason for line in hq.look(books.refused_bytes)} == {Cause.UNKNOWN_TERMINAL}


def test_tills_are_told_whose_slips_to_believe_when_a_till_begins_an_epoch(hq: HeadOffice) -> None:
    till, other = hq.enrolled(), hq.enrolled(B1)
    with writing(hq.engine) as connection:
        publish_keys(connection, hq.desk, NOW_MS)
    hq.worker.lend(NOW_MS)
    hq.offer(till, till.tell("event"))
    later = till.next_epoch(1)
    hq.offer(later, *later.entries)
    hq.worker.lend(NOW_MS)
    (told,) = [item for item in hq.look(lambda connection: announcements(connection, B1)) if item.kind == "keys"]
    assert told.version == 2
    sealed = hq.look(lambda connection: sealed_bytes(connection, DocumentKind.KEYS, told.digest))
    content = open_document(sealed or b"", keyring(hq.desk.signer.public)).document.content
    keys = {(item.address, item.epoch): item.key for item in wire.unpack(KeysContent, content, 10_000).terminals}
    assert keys == {(A1, 1): till.key.text(), (A1, 2): till.key.text(), (B1, 1): other.key.text()}


@pytest.mark.parametrize("proven", [False, True])
def test_people_are_told_whether_the_leases_of_an_ended_epoch_wait_for_them(hq: HeadOffice, proven: bool) -> None:
    """A file that kept its structure proves where it ended; of any other a person decides."""
    a = Borrower(hq, hq.enrolled())
    a.top_up(10_000)
    a.sync()
    a.begin_epoch(head_proven=proven)
    a.sync()
    lines = hq.look(books.exception_lines)
    (told,) = (line.detail for line in lines if line.reason == Cause.EPOCH_BEGAN)
    assert told.endswith("stays suspended until somebody writes it off") is not proven
    take_step(hq)
    assert bool(lend(hq, A1, 10_000)) is proven
    if not proven:
        with writing(hq.engine) as connection:
            write_off(connection, hq.desk, A1, None, "Chen", NOW_MS)
        assert lend(hq, A1, 10_000) == 10_000
    require_sound(hq)
