"""The real thing: a store, the conversation, the link and mosquitto over TLS, and head office at the other end."""

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agent.clock import SystemClock
from agent.keys import load_identity, new_transaction_id
from agent.offline_store.store import Store
from agent.sync.conversation import Conversation
from agent.sync.effects import Acknowledged, DocumentActivated, DocumentArrived, Event, JournalGrew, Publish, Tick
from agent.sync.link import Link
from contract.documents import DocumentKind
from tests.contract.samples import ADDRESS
from tests.offline_store.counter import cancel, opened, sell
from tests.provisioning.premises import Caller, caller
from tests.sync.brokers import Inbox, Premises, linked
from tests.sync.office import Office, document, office_for

DEADLINE_S = 30


class Till:
    """A loop as the till has one: facts from the mailbox into the conversation, effects carried out."""

    def __init__(self, store: Store, conversation: Conversation, link: Link, inbox: Inbox) -> None:
        self.store = store
        self.conversation = conversation
        self.link = link
        self.inbox = inbox
        self.clock = SystemClock(0)

    def step(self, event: Event) -> None:
        for effect in self.conversation.step(event, self.clock.stamp()):
            match effect:
                case Publish():
                    self.link.publish(effect.topic, effect.payload)
                case Acknowledged():
                    assert self.store.advance(effect.upto_seq, effect.head_hash, effect.hq_time_ms)
                case DocumentArrived():
                    self.store.activate(effect.opened, new_transaction_id(), self.clock.stamp())
                    self.step(DocumentActivated(effect.opened.digest))
                    self.step(JournalGrew())

    def run_until(self, done: Callable[[], bool]) -> None:
        """Serve until ``done``, or fail after a generous time."""
        deadline_ms = self.clock.monotonic_ms() + DEADLINE_S * 1_000
        while not done():
            assert self.clock.monotonic_ms() < deadline_ms, "not so in time"
            try:
                self.step(self.inbox.facts.get(timeout=0.1))
            except queue.Empty:
                self.step(Tick())


@contextlib.contextmanager
def answering(hq: Caller, office: Office) -> Iterator[None]:
    """Let ``office`` answer what arrives at ``hq``, until the end."""
    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            with contextlib.suppress(queue.Empty):
                topic, payload = hq.messages.get(timeout=0.1)
                for message in office.answer(Publish(topic, payload)):
                    hq.client.publish(message.topic, message.payload, qos=1)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.fixture(scope="module")
def premises(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Premises]:
    found = Premises(tmp_path_factory.mktemp("premises"))
    found.start_broker()
    yield found
    found.kill_broker()


def test_a_journal_drains_and_a_document_arrives_through_a_real_broker_that_is_killed_on_the_way(
    premises: Premises, tmp_path: Path
) -> None:
    who = load_identity(premises.terminal.identity_folder, ADDRESS, 1)
    store = opened(tmp_path / "till.db", who)
    office = office_for(who)
    conversation = Conversation(office.parties(), store)
    for _ in range(150):
        cancel(store)
    with (
        caller(premises.port, premises.worker_folder) as hq,
        answering(hq, office),
        linked(premises.options()) as (link, inbox),
    ):
        hq.subscribe("tl/1/+/+/+/up/+")
        till = Till(store, conversation, link, inbox)
        till.run_until(lambda: store.acked().seq >= 100)
        sell(store)
        till.step(JournalGrew())
        premises.kill_broker()
        office.publish(replace(document(1, bytes(100_000)), accept_until_ms=2**53))
        sell(store)
        till.step(JournalGrew())
        premises.start_broker()
        hq.connected.get(timeout=10)
        hq.subscribe("tl/1/+/+/+/up/+")
        till.run_until(lambda: store.active(DocumentKind.PACK) is not None and store.acked() == store.head())
    assert office.kept == [sealed for _seq, sealed in store.entries_after(0, 1_000, 2**62)]
    assert len(office.kept) == store.head().seq == 153
    store.close()
