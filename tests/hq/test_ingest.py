"""The door of the journals, attacked: whatever is not this till's next entry is refused by name; all else goes on."""

import hashlib
from dataclasses import replace

import pytest

from contract import cbor, topics, wire
from contract.bodies import CarryOverBody, EntryKind, TechnicalEventBody
from contract.envelope import ContentType, peek, seal
from contract.errors import Reason
from contract.ids import TerminalAddress
from contract.journal import GRAMMAR, MAX_ENTRY_BYTES, seal_entry
from contract.messages import Batch, RefusedEntry, Want
from contract.topics import Up
from hq import books
from hq.unsettled import Cause
from tests.hq.tills import A1, B1, NOW_MS, HeadOffice, Till, spoiled


def refusals(hq: HeadOffice) -> list[str]:
    return [line.reason for line in hq.look(books.refused_bytes)]


def reasons(hq: HeadOffice) -> list[tuple[int, str]]:
    return [(line.seq, line.reason) for line in hq.look(books.exception_lines)]


def upto(hq: HeadOffice) -> list[int]:
    return [state.upto_seq for state in hq.look(books.till_states)]


def test_a_sale_is_stored_as_signed_verified_priced_again_and_posted_before_it_is_acknowledged(hq: HeadOffice) -> None:
    till = hq.enrolled()
    entry = till.sell(hq.sale(till))
    ack = hq.offer(till, entry)
    assert (ack.address, ack.upto_seq, ack.head_hash, ack.refused) == (A1, 1, entry.digest, ())
    (sale,) = hq.look(books.sale_lines)
    assert (sale.payable_minor, sale.points_earned, sale.posted, sale.exceptions) == (22_120, 221, True, ())
    assert hq.look(lambda connection: books.verify_chain(connection, A1, 1)) == books.ChainReport(1, "")
    assert hq.look(lambda connection: books.entries_of(connection, A1, 1)) == (entry,)
    balances = {(line.account, line.unit): line.balance for line in hq.look(books.trial_balance)}
    assert balances == {(item.account, item.unit): item.amount for item in hq.sale(till).postings}
    assert [balance.points for balance in hq.look(books.member_balances)] == [221]
    assert hq.look(books.ledger_sums) == {"CNY": 0, "points": 0}


def test_a_batch_sent_twice_is_acknowledged_twice_and_posted_once(hq: HeadOffice) -> None:
    till = hq.enrolled()
    sent = [till.sell(hq.sale(till)) for _ in range(3)]
    first = hq.offer(till, *sent)
    again = hq.offer(till, *sent)
    assert (first.upto_seq, again.upto_seq, again.refused) == (3, 3, ())
    assert len(hq.look(books.sale_lines)) == 3
    assert [balance.points for balance in hq.look(books.member_balances)] == [3 * 221]
    assert reasons(hq) == []


def test_a_batch_that_overlaps_what_is_known_adds_only_what_is_new(hq: HeadOffice) -> None:
    till = hq.enrolled()
    sent = [till.sell(hq.sale(till)) for _ in range(4)]
    hq.offer(till, *sent[:2])
    assert hq.offer(till, *sent[1:]).upto_seq == 4


def test_an_entry_with_one_bit_flipped_is_refused_and_the_true_one_is_taken_after_it(hq: HeadOffice) -> None:
    till = hq.enrolled()
    entry = till.sell(hq.sale(till))
    ack = hq.offer(till, spoiled(entry.sealed), first_seq=1)
    assert (ack.upto_seq, ack.refused) == (0, (RefusedEntry(1, Reason.BAD_SIGNATURE),))
    assert refusals(hq) == [Reason.BAD_SIGNATURE]
    assert hq.look(books.sale_lines) == ()
    assert hq.offer(till, entry).upto_seq == 1


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_wherever_one_bit_is_flipped_nothing_of_it_reaches_the_books(hq: HeadOffice) -> None:
    till = hq.enrolled()
    entry = till.sell(hq.sale(till))
    for at in range(len(entry.sealed)):
        ack = hq.offer(till, spoiled(entry.sealed, at), first_seq=1)
        assert (ack.upto_seq, len(ack.refused)) == (0, 1), at
    assert hq.look(books.sale_lines) == ()


def test_an_entry_of_another_till_is_refused_as_foreign_in_ones_own_topic(hq: HeadOffice) -> None:
    mine, theirs = hq.enrolled(A1), hq.enrolled(B1)
    ack = hq.offer(mine, theirs.tell("hello"))
    assert ack.refused == (RefusedEntry(1, Reason.FOREIGN_ORIGIN),)
    assert upto(hq) == [0, 0]


def test_an_entry_signed_by_this_till_in_the_name_of_another_is_refused_as_foreign(hq: HeadOffice) -> None:
    mine = hq.enrolled(A1)
    header = replace(mine.tell("mine").header, address=B1)
    forged = seal_entry(mine.signer, header, TechnicalEventBody("theirs", ""))
    assert hq.offer(mine, forged).refused == (RefusedEntry(1, Reason.FOREIGN_ORIGIN),)


def test_nothing_of_another_tenant_comes_in_by_its_own_topic_or_by_a_till_of_ours(hq: HeadOffice) -> None:
    mine = hq.enrolled(A1)
    theirs = Till(TerminalAddress("other", A1.shop, A1.terminal))
    # Even the very key that is enrolled here speaks for the tenant it is enrolled with alone.
    theirs.signer = mine.signer
    entry = theirs.sell(hq.sale(mine))
    assert hq.send(theirs, Up.HELLO, theirs.hello()) == []
    assert hq.send(theirs, Up.BATCH, theirs.batch(entry)) == []
    assert hq.send(theirs, Up.WANT, wire.pack(Want(bytes(32), 0))) == []
    assert hq.offer(mine, entry).refused == (RefusedEntry(1, Reason.FOREIGN_ORIGIN),)
    carrier = mine.append(EntryKind.CARRY_OVER, CarryOverBody(1, 1, entry.sealed), entry.header.transaction)
    assert hq.offer(mine, carrier).refused == ()
    assert refusals(hq) == [Cause.UNKNOWN_TERMINAL, Cause.UNKNOWN_TERMINAL, Cause.UNKNOWN_BLOB, Reason.FOREIGN_ORIGIN]
    assert reasons(hq) == [(1, Cause.CARRIED_UNVERIFIED)]
    assert (upto(hq), hq.look(books.sale_lines)) == ([1], ())


def test_an_entry_signed_by_a_stranger_is_refused(hq: HeadOffice) -> None:
    till, stranger = hq.enrolled(A1), Till(A1)
    assert hq.offer(till, stranger.tell("hello")).refused == (RefusedEntry(1, Reason.UNKNOWN_KEY),)


def test_a_till_that_is_not_enrolled_gets_no_answer_and_leaves_a_trace(hq: HeadOffice) -> None:
    stranger = Till(A1)
    assert hq.send(stranger, Up.BATCH, stranger.batch(stranger.tell("hello"))) == []
    assert hq.send(stranger, Up.HELLO, stranger.hello()) == []
    assert refusals(hq) == [Cause.UNKNOWN_TERMINAL, Cause.UNKNOWN_TERMINAL]


def test_a_gap_is_named_and_closed_by_what_was_missing(hq: HeadOffice) -> None:
    till = hq.enrolled()
    first, second, third = (till.tell("event") for _ in range(3))
    assert hq.offer(till, first).upto_seq == 1
    ack = hq.offer(till, third)
    assert (ack.upto_seq, ack.refused) == (1, (RefusedEntry(3, Cause.GAP),))
    assert hq.offer(till, second, third).upto_seq == 3
    assert (refusals(hq), reasons(hq)) == ([], [])


def test_an_entry_offered_under_another_number_than_it_was_signed_with_is_refused(hq: HeadOffice) -> None:
    till = hq.enrolled()
    first, second = till.tell("event"), till.tell("event")
    assert hq.offer(till, second, first_seq=1).refused == (RefusedEntry(1, Reason.BROKEN_CHAIN),)
    hq.offer(till, first)
    assert hq.offer(till, second, first_seq=1).refused == (RefusedEntry(1, Reason.BROKEN_CHAIN),)
    assert reasons(hq) == []


def test_an_entry_that_does_not_hang_on_the_one_before_is_refused_and_put_before_people(hq: HeadOffice) -> None:
    till = hq.enrolled()
    hq.offer(till, till.tell("event"))
    header = replace(till.tell("event").header, previous=bytes(32))
    loose = seal_entry(till.signer, header, TechnicalEventBody("event", ""))
    assert hq.offer(till, loose).refused == (RefusedEntry(2, Reason.BROKEN_CHAIN),)
    assert reasons(hq) == [(2, Cause.CHAIN_BROKEN)]


def test_another_entry_under_a_number_that_is_taken_is_a_conflict_kept_for_people(hq: HeadOffice) -> None:
    till = hq.enrolled()
    first = till.sell(hq.sale(till))
    hq.offer(till, first)
    till.entries.clear()
    other = till.sell(hq.sale(till, amount_minor=100))
    for _ in range(2):
        ack = hq.offer(till, other)
        assert (ack.upto_seq, ack.head_hash) == (1, first.digest)
        assert ack.refused == (RefusedEntry(1, Cause.ENTRY_CONFLICT),)
    assert reasons(hq) == [(1, Cause.ENTRY_CONFLICT)]
    (kept,) = hq.look(books.refused_bytes)
    assert (kept.reason, kept.times, kept.size) == (Cause.ENTRY_CONFLICT, 2, len(other.sealed))
    assert [sale.payable_minor for sale in hq.look(books.sale_lines)] == [22_120]


def test_what_follows_a_refused_entry_waits_and_what_came_before_it_stays(hq: HeadOffice) -> None:
    till = hq.enrolled()
    first, second, third = (till.tell("event") for _ in range(3))
    ack = hq.offer(till, first, spoiled(second.sealed), third.sealed)
    assert (ack.upto_seq, ack.head_hash) == (1, first.digest)
    assert ack.refused == (RefusedEntry(2, Reason.BAD_SIGNATURE),)
    assert hq.offer(till, second, third).upto_seq == 3


def newer_body(till: Till) -> bytes:
    """An entry whose body has a field this head office does not know, as a newer till would write."""
    header, body = cbor.decode(peek(till.tell("event").sealed, MAX_ENTRY_BYTES), MAX_ENTRY_BYTES)
    fields = cbor.decode(body, MAX_ENTRY_BYTES) | {99: "new"}
    return seal(till.signer, ContentType.ENTRY, cbor.encode([header, cbor.encode(fields)]))


def newer_header(till: Till) -> bytes:
    """An entry of a grammar that this head office does not know."""
    header, body = cbor.decode(peek(till.tell("event").sealed, MAX_ENTRY_BYTES), MAX_ENTRY_BYTES)
    return seal(till.signer, ContentType.ENTRY, cbor.encode([header | {1: GRAMMAR + 1}, body]))


def chained_after(till: Till, sealed: bytes) -> None:
    """Let the till go on from ``sealed`` as its own latest entry."""
    till.entries[-1] = replace(till.entries[-1], sealed=sealed, digest=hashlib.sha256(sealed).digest())


def test_an_entry_that_cannot_be_read_is_stored_acknowledged_and_holds_up_nothing(hq: HeadOffice) -> None:
    till = hq.enrolled()
    sent = []
    for make in (newer_body, newer_header):
        sealed = make(till)
        chained_after(till, sealed)
        sent.append(sealed)
    sent.append(till.sell(hq.sale(till)).sealed)
    ack = hq.offer(till, *sent, first_seq=1)
    assert (ack.upto_seq, ack.refused) == (3, ())
    unread = tuple(RefusedEntry(seq, Cause.UNREADABLE) for seq in (1, 2))
    assert ack.quarantined == unread
    assert hq.offer(till, *sent, first_seq=1).quarantined == unread
    assert reasons(hq) == [(1, Cause.UNREADABLE), (2, Cause.UNREADABLE)]
    assert [sale.posted for sale in hq.look(books.sale_lines)] == [True]
    # A second start of the same head office can read them no better, and says nothing twice.
    assert hq.worker.judge_waiting(NOW_MS) == 0
    assert len(reasons(hq)) == 2


def test_an_unreadable_entry_sent_again_in_another_place_is_refused(hq: HeadOffice) -> None:
    till = hq.enrolled()
    sealed = newer_header(till)
    hq.offer(till, sealed, first_seq=1)
    assert hq.offer(till, sealed, first_seq=2).refused == (RefusedEntry(2, Reason.BROKEN_CHAIN),)


def test_a_batch_of_a_hundred_entries_is_taken_whole(hq: HeadOffice) -> None:
    till = hq.enrolled()
    events = [till.tell("event") for _ in range(100)]
    assert hq.offer(till, *events).upto_seq == 100


def test_a_batch_that_cannot_be_read_is_kept_by_name_and_not_answered(hq: HeadOffice) -> None:
    till = hq.enrolled()
    good = till.batch(till.tell("event"))
    for payload, reason in (
        (good[:-1], Reason.NOT_CBOR),
        (good + b"\x00", Reason.NOT_CBOR),
        (b"", Reason.NOT_CBOR),
        (wire.pack(Batch(1, 1, 1, (b"x" * 24_256,) * 3)), Reason.TOO_LARGE),
        (cbor.encode({1: 1, 2: 1, 3: 1, 4: [], 5: 0}), Reason.UNKNOWN_FIELD),
    ):
        assert hq.send(till, Up.BATCH, payload) == []
        kept = hq.look(books.refused_bytes)[-1]
        assert (kept.topic, kept.size) == (topics.up(A1, Up.BATCH), len(payload))
        assert kept.reason in (reason, Reason.NOT_DETERMINISTIC), payload[:20]
    assert hq.offer(till, till.entries[0]).upto_seq == 1


def test_a_new_epoch_of_a_till_starts_its_own_chain(hq: HeadOffice) -> None:
    old = hq.enrolled(A1, epoch=1)
    hq.offer(old, old.append(EntryKind.TECHNICAL_EVENT, TechnicalEventBody("event", "")))
    new = hq.enrolled(A1, epoch=2)
    assert hq.offer(new, new.tell("event")).upto_seq == 1
    assert upto(hq) == [1, 1]


def test_a_journal_that_grows_after_its_till_was_replaced_is_taken_and_put_before_people_once(hq: HeadOffice) -> None:
    old = hq.enrolled(A1, epoch=1)
    hq.offer(old, old.tell("event"))
    new = hq.enrolled(A1, epoch=2)
    hq.offer(new, new.tell("event"))
    hq.offer(old, *old.entries)
    assert reasons(hq) == []
    for _ in range(2):
        assert hq.offer(old, old.sell(hq.sale(old))).refused == ()
    (told,) = hq.look(books.exception_lines)
    assert (told.epoch, told.seq, told.reason) == (1, 2, Cause.OLD_EPOCH_GREW)
    assert [sale.posted for sale in hq.look(books.sale_lines)] == [True, True]
