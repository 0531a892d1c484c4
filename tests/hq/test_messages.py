"""Every message door of head office: what is asked is answered, and whatever else arrives is kept by name and ends
nothing.
"""

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from contract import topics, wire
from contract.documents import CHUNK_BYTES, DocumentKind, open_document
from contract.envelope import keyring
from contract.errors import Reason
from contract.ids import TerminalAddress
from contract.journal import identity_hash
from contract.messages import HeldDocument, Hello, LeasesHeld, Want, leases_digest, read_announcement, read_chunk
from contract.topics import MAX_MESSAGE_BYTES, Up
from hq import books
from hq.db import writing
from hq.documents import announcements, sign
from hq.greeting import OVERTAKEN_MS
from hq.tables import quarantine
from hq.unsettled import KEPT_IN_ALL, KEPT_OF_ONE_KIND, KEPT_OF_ONE_TILL, Cause, keep_refused
from hq.worker import Publish
from tests.hq.tills import A1, B1, NOW_MS, PACK, HeadOffice, Till


def refusals(hq: HeadOffice) -> list[str]:
    return [line.reason for line in hq.look(books.refused_bytes)]


def tell(hq: HeadOffice, taken: list[Publish]) -> None:
    """Say of announcements that the connection took them."""
    for publish in taken:
        hq.worker.announced(publish)


def held(hq: HeadOffice) -> HeldDocument:
    return HeldDocument(DocumentKind.PACK, hq.ref.version, hq.ref.digest)


def test_a_hello_is_answered_with_what_head_office_has_and_the_newest_documents(hq: HeadOffice) -> None:
    till = hq.enrolled()
    welcome = hq.greet(till)
    assert (welcome.upto_seq, welcome.head_hash) == (0, identity_hash(A1, 1, till.signer.public))
    assert (welcome.address, welcome.epoch, welcome.hq_time_ms) == (A1, 1, NOW_MS)
    assert [(item.kind, item.version, item.digest) for item in welcome.documents] == [
        (DocumentKind.PACK, hq.ref.version, hq.ref.digest)
    ]
    entry = till.tell("event")
    hq.offer(till, entry)
    welcome = hq.greet(till)
    assert (welcome.upto_seq, welcome.head_hash) == (1, entry.digest)
    hq.worker.note_heard()
    (state,) = hq.look(books.till_states)
    assert (state.told_head_seq, state.last_seen_ms) == (1, NOW_MS)


def test_a_till_that_lacks_a_document_has_it_announced_at_its_hello(hq: HeadOffice) -> None:
    till = hq.enrolled()
    _, announced = hq.send(till, Up.HELLO, till.hello())
    assert announced.retain and announced.topic == topics.announce(A1, DocumentKind.PACK)
    assert read_announcement(announced.payload).digest == hq.ref.digest
    assert len(hq.send(till, Up.HELLO, till.hello(held(hq)))) == 1


def test_a_till_whose_journal_ends_before_head_office_s_copy_is_put_before_people(hq: HeadOffice) -> None:
    till = hq.enrolled()
    entries = [till.tell("event") for _ in range(3)]
    hq.offer(till, *entries)
    del till.entries[1:]
    # A hello may be overtaken by entries that were sent after it: what is fresh is nothing to tell.
    assert hq.greet(till).upto_seq == 3
    assert hq.look(books.exception_lines) == ()
    assert hq.greet(till, now_ms=NOW_MS + OVERTAKEN_MS + 1).upto_seq == 3
    (told,) = hq.look(books.exception_lines)
    assert (told.seq, told.reason) == (1, Cause.JOURNAL_BEHIND)


def test_a_till_whose_journal_is_another_than_head_office_s_copy_is_put_before_people(hq: HeadOffice) -> None:
    till = hq.enrolled()
    hq.offer(till, till.tell("event"))
    till.entries.clear()
    till.tell("another")
    hq.greet(till)
    assert [line.reason for line in hq.look(books.exception_lines)] == [Cause.HEAD_DIFFERS]


def test_a_document_arrives_whole_in_chunks_and_is_the_one_that_was_signed(hq: HeadOffice) -> None:
    till = hq.enrolled()
    with writing(hq.engine) as connection:
        big = sign(connection, hq.desk, DocumentKind.MEMBERS, b"\xa5" * (2 * CHUNK_BYTES + 17), NOW_MS)
    hq.publish(DocumentKind.MEMBERS)
    (announced,) = [item for item in hq.greet(till).documents if item.kind == DocumentKind.MEMBERS]
    assert (announced.digest, announced.size, announced.chunks) == (big.digest, big.size, 3)
    blob = b""
    for index in range(announced.chunks):
        (answer,) = hq.send(till, Up.WANT, wire.pack(Want(announced.digest, index)))
        chunk = read_chunk(answer.payload)
        assert (chunk.index, chunk.count) == (index, 3)
        assert len(answer.payload) <= MAX_MESSAGE_BYTES
        blob += chunk.data
    opened = open_document(blob, keyring(hq.desk.signer.public))
    assert (opened.digest, opened.document.version) == (announced.digest, 1)


def test_what_is_not_published_or_not_for_this_shop_or_not_there_is_not_handed_out(hq: HeadOffice) -> None:
    a1, b1 = hq.enrolled(A1), hq.enrolled(B1)
    signed = hq.sign_pack(PACK.replace("2000}]", "1000}]").replace("22120", "23120").replace("221}", "231}"))
    with writing(hq.engine) as connection:
        own = sign(connection, hq.desk, DocumentKind.MEMBERS, b"shop b alone", NOW_MS, shop="shop-b")
    hq.publish(DocumentKind.MEMBERS)
    for till, digest, index in ((a1, signed.digest, 0), (a1, own.digest, 0), (a1, bytes(32), 0), (b1, own.digest, 1)):
        assert hq.send(till, Up.WANT, wire.pack(Want(digest, index))) == []
    assert refusals(hq) == [Cause.UNKNOWN_BLOB] * 4
    assert len(hq.send(b1, Up.WANT, wire.pack(Want(own.digest, 0)))) == 1
    assert [item.kind for item in hq.greet(a1).documents] == [DocumentKind.PACK]
    assert [item.kind for item in hq.greet(b1).documents] == [DocumentKind.MEMBERS, DocumentKind.PACK]
    stranger = Till(TerminalAddress("acme", "shop-a", "a9"))
    assert hq.send(stranger, Up.WANT, wire.pack(Want(hq.ref.digest, 0))) == []


def test_what_is_published_by_anyone_is_announced_to_every_till_once(hq: HeadOffice) -> None:
    assert hq.worker.poll() == []
    hq.enrolled(A1), hq.enrolled(B1)
    announced = hq.worker.poll()
    assert [item.topic for item in announced] == [
        topics.announce(A1, DocumentKind.PACK),
        topics.announce(B1, DocumentKind.PACK),
    ]
    assert all(item.retain for item in announced)
    tell(hq, announced)
    assert hq.worker.poll() == []
    other = hq.sign_pack(PACK.replace("2000}]", "1000}]").replace("22120", "23120").replace("221}", "231}"))
    assert hq.worker.poll() == []
    hq.publish(DocumentKind.PACK, now_ms=NOW_MS + 1)
    announced = hq.worker.poll()
    assert [read_announcement(item.payload).digest for item in announced] == [other.digest] * 2
    tell(hq, announced)
    assert hq.worker.poll() == []
    hq.worker.announce_again()
    assert len(hq.worker.poll()) == 2


def test_an_announcement_that_the_connection_did_not_take_is_made_again(hq: HeadOffice) -> None:
    hq.enrolled(A1), hq.enrolled(B1)
    first, second = hq.worker.poll()
    tell(hq, [first])
    assert hq.worker.poll() == [second]
    tell(hq, [second])
    assert hq.worker.poll() == []


def test_a_message_on_a_topic_that_nobody_agreed_on_is_kept_by_name(hq: HeadOffice) -> None:
    for topic in ("tl/1/acme/shop-a/a1/up/other", "tl/1/acme/shop-a/a1/down/ack", "tl/2/x", "", "tl/1/../a/b/up/hello"):
        assert hq.worker.handle(topic, b"x", NOW_MS) == []
    assert set(refusals(hq)) == {Reason.BAD_TOPIC}


def test_more_than_64_kib_is_refused_at_every_door_and_not_kept_whole(hq: HeadOffice) -> None:
    till = hq.enrolled()
    for kind in Up:
        assert hq.send(till, kind, b"\x00" * (MAX_MESSAGE_BYTES + 1)) == []
    assert refusals(hq) == [Reason.TOO_LARGE] * 3
    assert {line.size for line in hq.look(books.refused_bytes)} == {MAX_MESSAGE_BYTES + 1}


def test_refused_bytes_give_way_to_newer_ones_so_that_nobody_fills_the_disk(hq: HeadOffice) -> None:
    till = hq.enrolled()
    for number in range(KEPT_OF_ONE_KIND + 5):
        hq.send(till, Up.WANT, b"\xff" + number.to_bytes(3, "big"))
    assert len(refusals(hq)) == KEPT_OF_ONE_KIND


def refuse(hq: HeadOffice, address: TerminalAddress, reason: str, times: int) -> None:
    with writing(hq.engine) as connection:
        for number in range(times):
            keep_refused(connection, topics.up(address, Up.BATCH), b"%d" % number, reason, "", NOW_MS)


def test_one_till_s_rubbish_of_many_kinds_drives_out_its_own_alone(hq: HeadOffice) -> None:
    refuse(hq, B1, Reason.BAD_SIGNATURE, 3)
    for reason in list(Reason)[:9]:
        refuse(hq, A1, reason, KEPT_OF_ONE_KIND)
    kept = [line.topic for line in hq.look(books.refused_bytes)]
    assert Counter(kept) == {topics.up(A1, Up.BATCH): KEPT_OF_ONE_TILL, topics.up(B1, Up.BATCH): 3}


def test_the_rubbish_of_many_tills_does_not_grow_beyond_a_limit_in_all(hq: HeadOffice) -> None:
    row = {"detail": "", "payload": b"", "size": 0, "first_ms": NOW_MS, "last_ms": NOW_MS, "times": 1}
    many = [
        {"topic": f"tl/1/acme/shop-a/a{number}/up/hello", "reason": "not_cbor", "digest": b"%d" % number, **row}
        for number in range(KEPT_IN_ALL)
    ]
    with writing(hq.engine) as connection:
        connection.execute(insert(quarantine), many)
    refuse(hq, B1, Reason.BAD_SIGNATURE, 1)
    kept = hq.look(books.refused_bytes)
    assert (len(kept), kept[0].topic, kept[-1].reason) == (KEPT_IN_ALL, many[1]["topic"], Reason.BAD_SIGNATURE)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(list(Up)), payload=st.binary(max_size=200))
def test_garbage_at_any_door_is_kept_by_name_and_ends_nothing(hq: HeadOffice, kind: Up, payload: bytes) -> None:
    now_ms = 1 + max((line.last_ms for line in hq.look(books.refused_bytes)), default=NOW_MS)
    assert hq.worker.handle(topics.up(A1, kind), payload, now_ms) == []
    assert sum(line.last_ms == now_ms for line in hq.look(books.refused_bytes)) == 1


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_true_message_with_some_bytes_changed_ends_nothing(hq: HeadOffice, data: st.DataObject) -> None:
    till = Till(A1) if hq.look(books.till_states) else hq.enrolled()
    kind = data.draw(st.sampled_from(list(Up)))
    true = {
        Up.HELLO: wire.pack(Hello(1, 1, 3, bytes(32), 2, NOW_MS, (held(hq),), LeasesHeld(0, leases_digest(())))),
        Up.BATCH: till.batch(till.tell("event")),
        Up.WANT: wire.pack(Want(hq.ref.digest, 0)),
    }[kind]
    changed = bytearray(true)
    for _ in range(data.draw(st.integers(1, 3))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    for answer in hq.worker.handle(topics.up(A1, kind), bytes(changed), NOW_MS):
        assert len(answer.payload) <= MAX_MESSAGE_BYTES
    assert hq.look(lambda connection: announcements(connection, A1))
