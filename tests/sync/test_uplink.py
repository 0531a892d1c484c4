"""The uplink, as scripts of conversations: what is sent when, and what is not believed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.keys import Identity
from agent.offline_store.store import Store
from agent.sync.effects import (
    Acknowledged,
    Effect,
    Heard,
    JournalGrew,
    Listed,
    MessageRefused,
    NewEpoch,
    Publish,
    Refused,
    Tick,
)
from agent.sync.facts import LinkDown, LinkProblem, LinkUp, MessageArrived
from agent.sync.parties import Pace
from agent.sync.uplink import OUTSTANDING_BATCHES, Standing, Uplink
from contract import topics
from contract.messages import BATCH_BYTES, Batch, RefusedEntry, read_batch, read_hello
from tests.contract.samples import ADDRESS, NEIGHBOUR, eddsa_signer
from tests.offline_store.counter import cancel, identity, opened, sell
from tests.sync.office import Office, at, office_for, others, published

PACE = Pace(heartbeat_ms=20_000, greeting_ms=1_000, reply_ms=5_000, first_pause_ms=500, longest_pause_ms=4_000)
ACK_TOPIC = topics.down(ADDRESS, topics.Down.ACK)
WELCOME_TOPIC = topics.down(ADDRESS, topics.Down.WELCOME)


@pytest.fixture
def who() -> Identity:
    return identity()


@pytest.fixture
def store(tmp_path: Path, who: Identity) -> Iterator[Store]:
    found = opened(tmp_path / "till.db", who)
    yield found
    found.close()


@pytest.fixture
def office(who: Identity) -> Office:
    return office_for(who)


@pytest.fixture
def uplink(store: Store, office: Office) -> Uplink:
    return Uplink(office.parties(), store, PACE)


def batches(found: list[Effect]) -> list[Batch]:
    return [read_batch(message.payload) for message in published(found, topics.Up.BATCH)]


def ranges(found: list[Effect]) -> list[tuple[int, int]]:
    return [(batch.first_seq, batch.first_seq + len(batch.entries) - 1) for batch in batches(found)]


def talking(uplink: Uplink, office: Office, ms: int = 0) -> list[Effect]:
    """Bring the conversation to where head office has answered the hello."""
    uplink.step(LinkUp(), at(ms))
    return uplink.step(office.welcome(), at(ms))


def test_without_a_connection_nothing_is_said(uplink: Uplink, store: Store, office: Office) -> None:
    sell(store)
    assert uplink.standing is Standing.OFFLINE
    for event in (Tick(), JournalGrew(), office.welcome(), office.ack(), LinkDown(LinkProblem.LOST)):
        assert uplink.step(event, at(60_000)) == []


def test_a_connection_begins_with_a_hello_that_says_where_the_journal_stands(uplink: Uplink, store: Store) -> None:
    first, head = sell(store), sell(store)
    store.advance(1, first.digest)
    (hello,) = published(uplink.step(LinkUp(), at(7)), topics.Up.HELLO)
    said = read_hello(hello.payload)
    assert (said.epoch, said.head_seq, said.head_hash, said.acked_seq) == (1, 2, head.digest, 1)
    assert (said.sent_ms, said.documents) == (at(7).wall_ms, ())
    assert uplink.standing is Standing.GREETING


def test_no_entry_is_sent_before_head_office_has_said_what_it_has(uplink: Uplink, store: Store) -> None:
    sell(store)
    uplink.step(LinkUp(), at(0))
    assert uplink.step(JournalGrew(), at(1)) == []
    assert batches(uplink.step(Tick(), at(1_000))) == []


def test_after_the_welcome_entries_are_sent_from_where_head_office_stands(
    uplink: Uplink, store: Store, office: Office
) -> None:
    office.kept = [sell(store).sealed, sell(store).sealed]
    third = sell(store)
    found = talking(uplink, office)
    assert batches(found) == [Batch(1, 1, 3, (third.sealed,))]
    assert found[:3] == [
        Heard(office.time_ms),
        Listed(()),
        Acknowledged(2, office.point().digest, office.time_ms),
    ]
    assert uplink.standing is Standing.TALKING


def test_a_sale_is_sent_as_soon_as_it_is_committed_and_its_acknowledgement_moves_the_cursor(
    uplink: Uplink, store: Store, office: Office
) -> None:
    talking(uplink, office)
    entry = sell(store)
    (batch,) = published(uplink.step(JournalGrew(), at(10)), topics.Up.BATCH)
    (ack,) = office.answer(batch)
    found = uplink.step(ack, at(20))
    assert others(found) == [Acknowledged(1, entry.digest, office.time_ms)]
    assert store.advance(1, entry.digest)


def test_at_most_four_batches_are_on_their_way_each_within_the_limits(
    uplink: Uplink, store: Store, office: Office
) -> None:
    for _ in range(430):
        cancel(store)
    found = talking(uplink, office)
    assert len(batches(found)) == OUTSTANDING_BATCHES == 4
    for batch in batches(found):
        assert len(batch.entries) <= 100
        assert sum(map(len, batch.entries)) <= BATCH_BYTES
    first, second, *_ = published(found, topics.Up.BATCH)
    assert published(uplink.step(JournalGrew(), at(1)), topics.Up.BATCH) == []
    (ack,) = office.answer(first)
    next_one = ranges(uplink.step(ack, at(2)))
    assert next_one[0][0] == ranges(found)[-1][1] + 1
    office.answer(second)


def test_a_hello_without_an_answer_is_said_again_soon_and_then_ever_more_patiently(uplink: Uplink) -> None:
    uplink.step(LinkUp(), at(0))
    said = [ms for ms in range(0, 60_000, 250) if published(uplink.step(Tick(), at(ms)), topics.Up.HELLO)]
    assert said == [1_000, 3_000, 7_000, 15_000, 31_000, 51_000]


def test_head_office_that_connects_after_the_terminal_is_greeted_again_and_the_journal_flows(
    uplink: Uplink, store: Store, office: Office
) -> None:
    sell(store)
    uplink.step(LinkUp(), at(0))  # Nobody hears it.
    (hello,) = published(uplink.step(Tick(), at(1_000)), topics.Up.HELLO)
    (welcome,) = office.answer(hello)
    assert ranges(uplink.step(welcome, at(1_100))) == [(1, 1)]


def test_a_batch_without_an_answer_leads_to_a_hello_and_from_there_again(
    uplink: Uplink, store: Store, office: Office
) -> None:
    sell(store)
    assert ranges(talking(uplink, office)) == [(1, 1)]
    assert uplink.step(Tick(), at(4_999)) == []
    found = uplink.step(Tick(), at(5_000))
    assert len(published(found, topics.Up.HELLO)) == 1
    assert ranges(uplink.step(office.welcome(), at(5_100))) == [(1, 1)]


def test_the_heartbeat_says_hello_and_does_not_interrupt_what_is_on_its_way(
    uplink: Uplink, store: Store, office: Office
) -> None:
    talking(uplink, office)
    assert uplink.step(Tick(), at(19_999)) == []
    sell(store)
    uplink.step(JournalGrew(), at(19_999))
    assert len(published(uplink.step(Tick(), at(20_000)), topics.Up.HELLO)) == 1
    assert batches(uplink.step(office.welcome(), at(20_050))) == []


def test_entries_that_head_office_refused_are_sent_again_after_a_pause_that_grows(
    uplink: Uplink, store: Store, office: Office
) -> None:
    sell(store)
    talking(uplink, office)
    no = office.ack((RefusedEntry(1, "bad_signature"),))
    assert others(uplink.step(no, at(0))) == [Refused(1, "bad_signature")]
    assert uplink.step(Tick(), at(499)) == []
    assert ranges(uplink.step(Tick(), at(500))) == [(1, 1)]
    assert others(uplink.step(no, at(600))) == []
    assert uplink.step(Tick(), at(1_599)) == []
    assert ranges(uplink.step(Tick(), at(1_600))) == [(1, 1)]
    (ack,) = office.answer(published(_batch_again(uplink, office), topics.Up.BATCH)[0])
    assert isinstance(others(uplink.step(ack, at(3_000)))[0], Acknowledged)


def _batch_again(uplink: Uplink, office: Office) -> list[Effect]:
    uplink.step(LinkUp(), at(2_000))
    return uplink.step(office.welcome(), at(2_000))


def test_what_head_office_took_before_a_refusal_counts(uplink: Uplink, store: Store, office: Office) -> None:
    first, second = sell(store), sell(store)
    talking(uplink, office)
    office.kept = [first.sealed]
    found = uplink.step(office.ack((RefusedEntry(2, "bad_signature"),)), at(0))
    assert others(found) == [Acknowledged(1, first.digest, office.time_ms), Refused(2, "bad_signature")]
    assert batches(uplink.step(Tick(), at(500))) == [Batch(1, 1, 2, (second.sealed,))]


def test_a_lost_connection_forgets_what_was_on_its_way(uplink: Uplink, store: Store, office: Office) -> None:
    sell(store)
    talking(uplink, office)
    uplink.step(LinkDown(LinkProblem.LOST), at(10))
    assert uplink.standing is Standing.OFFLINE
    assert ranges(talking(uplink, office, 20)) == [(1, 1)]


def test_head_office_back_from_an_older_backup_gets_everything_after_it_again(
    uplink: Uplink, store: Store, office: Office
) -> None:
    entries = [sell(store) for _ in range(4)]
    office.kept = [entry.sealed for entry in entries]
    talking(uplink, office)
    store.advance(4, entries[3].digest)
    office.kept = office.kept[:1]
    office.time_ms += 60_000
    found = uplink.step(office.welcome(), at(60_000))
    assert ranges(found) == [(2, 4)]
    assert others(found) == []
    assert store.acked().seq == 4


def test_a_welcome_overtaken_by_an_acknowledgement_sends_nothing_twice(
    uplink: Uplink, store: Store, office: Office
) -> None:
    talking(uplink, office)
    sell(store)
    old = office.welcome()
    (batch,) = published(uplink.step(JournalGrew(), at(1)), topics.Up.BATCH)
    (ack,) = office.answer(batch)
    uplink.step(ack, at(2))
    assert batches(uplink.step(old, at(3))) == []


def test_doubled_and_old_acknowledgements_change_nothing(uplink: Uplink, store: Store, office: Office) -> None:
    entries = [sell(store) for _ in range(2)]
    talking(uplink, office)
    office.kept = [entries[0].sealed]
    old = office.ack()
    office.kept = [entry.sealed for entry in entries]
    new = office.ack()
    assert len(others(uplink.step(new, at(1)))) == 1
    store.advance(2, entries[1].digest)
    for again in (new, old, new):
        assert others(uplink.step(again, at(2))) == []


@pytest.mark.parametrize("kind", ["ack", "welcome"])
@pytest.mark.parametrize(
    ("reason", "forge"),
    [
        ("bad_signature", lambda office: {"tamper": True}),
        ("unknown_key", lambda office: {"signer": eddsa_signer()}),
        ("foreign_origin", lambda office: {"address": NEIGHBOUR}),
        ("other_epoch", lambda office: {"epoch": 2}),
        ("above_head", lambda office: {"upto_seq": 3}),
        ("hash_mismatch", lambda office: {"upto_seq": 1, "head_hash": bytes(32)}),
        ("hash_mismatch", lambda office: {"upto_seq": 2}),
        ("other_key", lambda office: {"upto_seq": 0, "head_hash": bytes(32)}),
    ],
)
def test_what_cannot_be_believed_is_refused_by_name_and_moves_nothing(
    uplink: Uplink, store: Store, office: Office, kind: str, reason: str, forge: object
) -> None:
    first = sell(store)
    sell(store)
    office.kept = [first.sealed]
    talking(uplink, office)
    assert callable(forge)
    changed = forge(office)
    tamper = changed.pop("tamper", False)
    honest, office.signer = office.signer, changed.pop("signer", office.signer)
    message = office.ack(**changed) if kind == "ack" else office.welcome(**changed)
    office.signer = honest
    if tamper:
        message = MessageArrived(message.topic, message.payload[:-1] + bytes([message.payload[-1] ^ 1]))
    before = store.acked()
    found = uplink.step(message, at(1))
    assert found[0] == MessageRefused(message.topic, reason)
    disputed = kind == "welcome" and reason in ("above_head", "hash_mismatch")
    assert [type(effect) for effect in found[1:]] == ([NewEpoch] if disputed else [])
    assert store.acked() == before


@pytest.mark.parametrize("payload", [b"", b"\x00", b"\xd2\x84", bytes(70_000)])
def test_garbage_is_refused_by_name(uplink: Uplink, office: Office, payload: bytes) -> None:
    talking(uplink, office)
    for topic in (ACK_TOPIC, WELCOME_TOPIC):
        (refused,) = uplink.step(MessageArrived(topic, payload), at(1))
        assert isinstance(refused, MessageRefused)
        assert refused.reason in ("not_an_envelope", "too_large")


def test_a_welcome_is_no_acknowledgement(uplink: Uplink, office: Office) -> None:
    talking(uplink, office)
    crossed = MessageArrived(ACK_TOPIC, office.welcome().payload)
    assert uplink.step(crossed, at(1)) == [MessageRefused(ACK_TOPIC, "wrong_content_type")]


def test_a_dispute_over_the_chain_stops_the_sending_until_it_is_settled(
    uplink: Uplink, store: Store, office: Office
) -> None:
    sell(store)
    uplink.step(LinkUp(), at(0))
    uplink.step(office.welcome(upto_seq=1, head_hash=bytes(32)), at(1))
    assert uplink.standing is Standing.DISPUTED
    sell(store)
    assert uplink.step(JournalGrew(), at(2)) == []
    assert uplink.step(Tick(), at(19_999)) == []
    assert [type(effect) for effect in uplink.step(Tick(), at(20_000))] == [Publish]
    assert ranges(uplink.step(office.welcome(), at(20_001))) == [(1, 2)]


def test_messages_of_other_topics_are_none_of_its_business(uplink: Uplink, office: Office) -> None:
    talking(uplink, office)
    assert uplink.step(MessageArrived(topics.down(ADDRESS, topics.Down.CHUNK), b""), at(1)) == []
