"""The one door to head office: whatever arrives, it answers and never raises."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.keys import Identity
from agent.offline_store.store import Store
from agent.sync.conversation import Conversation
from agent.sync.effects import DocumentArrived, Effect, Heard, JournalGrew, MessageRefused, StoreFailed, Tick
from agent.sync.facts import LinkDown, LinkProblem, LinkUp, MessageArrived
from agent.sync.uplink import Standing
from contract import topics
from contract.documents import DocumentKind
from contract.messages import Announcement, read_want
from tests.contract.samples import ADDRESS, NEIGHBOUR
from tests.offline_store.counter import identity, opened, sell
from tests.sync.office import Office, announcement_message, at, document, office_for, published


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
def conversation(store: Store, office: Office) -> Conversation:
    return Conversation(office.parties(), store)


def test_a_welcome_starts_both_the_uplink_and_the_fetching_of_what_it_lists(
    conversation: Conversation, store: Store, office: Office
) -> None:
    sell(store)
    announced = office.publish(document(1))
    conversation.step(LinkUp(), at(0))
    found = conversation.step(office.welcome(), at(1))
    assert found[0] == Heard(office.time_ms)
    assert len(published(found, topics.Up.BATCH)) == len(published(found, topics.Up.WANT)) == 1
    fetching = conversation.fetching
    assert fetching is not None
    assert (fetching.kind, fetching.version) == (DocumentKind.PACK, 1)
    (chunk,) = office.answer(published(found, topics.Up.WANT)[0])
    (arrived,) = conversation.step(chunk, at(2))
    assert isinstance(arrived, DocumentArrived)
    assert arrived.opened.digest == announced.digest


def test_a_kind_of_document_this_till_does_not_know_is_passed_over_in_silence(
    conversation: Conversation, store: Store, office: Office
) -> None:
    announced = office.publish(document(1))
    later = Announcement("prizes", 1, b"\1" * 32, 70_000)
    conversation.step(LinkUp(), at(0))
    found = conversation.step(office.welcome(documents=(later, announced)), at(1))
    assert conversation.standing is Standing.TALKING
    assert [read_want(want.payload).digest for want in published(found, topics.Up.WANT)] == [announced.digest]
    assert conversation.step(announcement_message(later), at(2)) == []
    (chunk,) = office.answer(published(found, topics.Up.WANT)[0])
    (arrived,) = conversation.step(chunk, at(3))
    assert isinstance(arrived, DocumentArrived)


def test_a_message_for_another_terminal_or_on_no_topic_of_ours_is_refused_by_name(conversation: Conversation) -> None:
    conversation.step(LinkUp(), at(0))
    foreign = topics.down(NEIGHBOUR, topics.Down.ACK)
    assert conversation.step(MessageArrived(foreign, b""), at(1)) == [MessageRefused(foreign, "foreign_origin")]
    for topic in ("", "tl/1", topics.up(ADDRESS, topics.Up.HELLO), f"{topics.down(ADDRESS, topics.Down.ACK)}/x"):
        assert conversation.step(MessageArrived(topic, b""), at(1)) == [MessageRefused(topic, "bad_topic")]
    endless = conversation.step(MessageArrived("x" * 60_000, b""), at(1))
    assert endless == [MessageRefused("x" * 120, "bad_topic")]


def test_a_journal_that_cannot_be_read_is_reported_and_the_conversation_goes_on(
    conversation: Conversation, store: Store, office: Office
) -> None:
    conversation.step(LinkUp(), at(0))
    conversation.step(office.welcome(), at(1))
    sell(store)
    store.close()
    found = conversation.step(JournalGrew(), at(2))
    assert [type(effect) for effect in found] == [StoreFailed]
    store.open()
    assert len(published(conversation.step(Tick(), at(3)), topics.Up.BATCH)) == 1
    assert conversation.standing is Standing.TALKING


TOPICS = st.sampled_from(
    [topics.down(ADDRESS, kind) for kind in topics.Down] + [topics.announce(ADDRESS, kind) for kind in DocumentKind]
)


@given(st.lists(st.tuples(TOPICS | st.text(max_size=80), st.binary(max_size=300)), max_size=20))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_bytes_on_any_topic_make_it_raise_or_believe_anything(
    conversation: Conversation, messages: list[tuple[str, bytes]]
) -> None:
    conversation.step(LinkUp(), at(0))
    found: list[Effect] = []
    for topic, payload in messages:
        found += conversation.step(MessageArrived(topic, payload), at(1))
    assert all(isinstance(effect, MessageRefused) for effect in found)
    assert conversation.standing is Standing.GREETING
    conversation.step(LinkDown(LinkProblem.LOST), at(2))
