"""Documents that build on others: only what fits what is held is fetched, and what comes next is asked for."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.keys import new_transaction_id
from agent.offline_store.store import Store
from agent.sync.conversation import Conversation
from agent.sync.effects import (
    Acknowledged,
    DocumentActivated,
    DocumentArrived,
    DocumentRefused,
    Effect,
    JournalGrew,
    ListingWanted,
    Tick,
)
from agent.sync.facts import LinkUp
from agent.sync.parties import Pace
from agent.sync.trust import Distrust, judge
from contract import topics, wire
from contract.documents import (
    CatalogueContent,
    CatalogueItem,
    Document,
    DocumentKind,
    LeasesContent,
    OpenedDocument,
    seal_document,
)
from contract.ids import TerminalAddress
from contract.messages import Announcement, HeldDocument, read_hello
from tests.contract.samples import ADDRESS, NEIGHBOUR
from tests.offline_store.counter import identity, opened
from tests.sync.office import NOON_MS, Office, announcement_message, at, document, office_for, published

PACE = Pace(heartbeat_ms=20_000, greeting_ms=1_000)
CATALOGUE, LEASES = DocumentKind.CATALOGUE, DocumentKind.LEASES


class Terminal:
    """A store and a whole conversation; head office lists what the terminal needs next, as its hello says."""

    def __init__(self, store: Store, office: Office) -> None:
        self.store = store
        self.office = office
        self.conversation = Conversation(office.parties(), store, PACE)
        self.chain: list[tuple[Announcement, bytes | None]] = []
        self.hellos = 0
        self.now_ms = 0

    def publish(self, content: bytes, kind: DocumentKind = CATALOGUE, **changed: Any) -> Announcement:
        """Head office makes the next version over the last one."""
        base = self.chain[-1][0].digest if self.chain else None
        made = replace(document(len(self.chain) + 1, content, kind), base=base, **changed)
        announced = replace(self.office.publish(made), base=base)
        self.office.listed.clear()
        self.chain.append((announced, base))
        return announced

    def run(self, found: list[Effect]) -> list[Effect]:
        """Let both sides talk until they are quiet; return what is neither talk nor a document."""
        rest: list[Effect] = []
        waiting = list(found)
        while waiting:
            effect = waiting.pop(0)
            if isinstance(effect, DocumentArrived):
                self.store.activate(effect.opened, new_transaction_id(), at(self.now_ms))
                waiting += self.conversation.step(DocumentActivated(effect.opened.digest), at(self.now_ms))
                waiting += self.conversation.step(JournalGrew(), at(self.now_ms))
            if isinstance(effect, Acknowledged):
                assert self.store.advance(effect.upto_seq, effect.head_hash, effect.hq_time_ms)
            hellos = published([effect], topics.Up.HELLO)
            self.hellos += len(hellos)
            for message in hellos:
                self._list(read_hello(message.payload).documents)
            talk = (*hellos, *published([effect], topics.Up.WANT), *published([effect], topics.Up.BATCH))
            for message in talk:
                for answer in self.office.answer(message):
                    waiting += self.conversation.step(answer, at(self.now_ms))
            if isinstance(effect, DocumentRefused):
                rest.append(effect)
        return rest

    def wait(self, ms: int) -> list[Effect]:
        """Time passes."""
        rest: list[Effect] = []
        for _ in range(0, ms, 250):
            self.now_ms += 250
            self.office.time_ms += 250
            rest += self.run(self.conversation.step(Tick(), at(self.now_ms)))
        return rest

    def _list(self, held: tuple[HeldDocument, ...]) -> None:
        active = next((item.digest for item in held), None)
        self.office.listed.clear()
        for announced, base in self.chain:
            if base == active:
                self.office.listed[DocumentKind(announced.kind)] = announced


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    who = identity()
    store = opened(tmp_path / "till.db", who)
    yield Terminal(store, office_for(who))
    store.close()


def catalogue(*skus: str) -> bytes:
    items = tuple(CatalogueItem(sku, sku, sku, "general", 0) for sku in skus)
    return wire.pack(CatalogueContent("CNY", "shop", "OPEN", items))


def version(terminal: Terminal) -> int:
    active = terminal.store.active(CATALOGUE)
    return 0 if active is None else active.version


def test_a_terminal_far_behind_is_led_from_one_delta_to_the_next_without_waiting_for_heartbeats(
    terminal: Terminal,
) -> None:
    terminal.publish(catalogue("OPEN"))
    for number in range(6):
        terminal.publish(catalogue(f"A{number}"))
    terminal.run(terminal.conversation.step(LinkUp(), at(0)))
    terminal.wait(8_000)
    assert version(terminal) == 7
    assert all(terminal.store.item(f"A{number}") is not None for number in range(6))


def test_an_announcement_that_builds_on_something_else_is_not_fetched_and_head_office_is_asked(
    terminal: Terminal,
) -> None:
    terminal.publish(catalogue("OPEN"))
    terminal.run(terminal.conversation.step(LinkUp(), at(0)))
    assert version(terminal) == 1
    terminal.publish(catalogue("A"))
    newest = terminal.publish(catalogue("B"))
    terminal.now_ms += 5_000
    found = terminal.conversation.step(announcement_message(newest), at(terminal.now_ms))
    assert published(found, topics.Up.WANT) == []
    assert terminal.run(found) == []
    terminal.wait(3_000)
    assert version(terminal) == 3


def test_announcements_that_never_fit_make_nobody_say_hello_without_end(terminal: Terminal) -> None:
    terminal.publish(catalogue("OPEN"))
    terminal.run(terminal.conversation.step(LinkUp(), at(0)))
    before = terminal.hellos
    for number in range(1_000):
        lie = Announcement(CATALOGUE, 1_000 + number, number.to_bytes(32, "big"), 100, bytes(32))
        terminal.run(terminal.conversation.step(announcement_message(lie), at(terminal.now_ms)))
        terminal.wait(250)
    # One every twenty seconds is the heartbeat; the first few come sooner.
    assert terminal.hellos - before <= 250_000 // 20_000 + 6


def test_a_listing_overtaken_by_an_activation_is_passed_over(terminal: Terminal) -> None:
    first = terminal.publish(catalogue("OPEN"))
    second = terminal.publish(catalogue("A"))
    terminal.run(terminal.conversation.step(LinkUp(), at(0)))
    terminal.wait(3_000)
    for old in (first, second):
        welcome = terminal.office.welcome(documents=(old,))
        found = terminal.conversation.step(welcome, at(terminal.now_ms))
        assert published(found, topics.Up.WANT) == []
        assert not [effect for effect in found if isinstance(effect, DocumentRefused | ListingWanted)]


def _judged(kind: DocumentKind, held: HeldDocument | None, **changed: Any) -> object:
    office = Office(identity().signer.public)
    made = replace(document(2, b"x", kind), shop=ADDRESS.shop, terminal=ADDRESS.terminal)
    sealed = seal_document(office.signer, replace(made, **changed))
    active = () if held is None else (held,)
    found = judge(sealed, office.parties().believed, ADDRESS, active, NOON_MS)
    return found.reason if isinstance(found, Distrust) else type(found)


HELD = bytes(range(32))


@pytest.mark.parametrize(
    ("kind", "base", "held", "found"),
    [
        (CATALOGUE, None, HELD, OpenedDocument),
        (CATALOGUE, HELD, HELD, OpenedDocument),
        (CATALOGUE, bytes(32), HELD, "base_missing"),
        (CATALOGUE, HELD, None, "base_missing"),
        (DocumentKind.PACK, HELD, HELD, "base_missing"),
        (LEASES, None, None, OpenedDocument),
        (LEASES, HELD, HELD, OpenedDocument),
        (LEASES, None, HELD, "base_missing"),
        (LEASES, bytes(32), HELD, "base_missing"),
    ],
)
def test_a_delta_is_believed_over_the_very_document_it_builds_on(
    kind: DocumentKind, base: bytes | None, held: bytes | None, found: object
) -> None:
    assert _judged(kind, None if held is None else HeldDocument(kind, 1, held), base=base) == found


@pytest.mark.parametrize("terminal", [None, NEIGHBOUR.terminal + "x"])
def test_leases_that_name_another_terminal_or_none_are_for_somebody_else(terminal: str | None) -> None:
    assert _judged(LEASES, None, terminal=terminal) == "foreign_origin"
    assert _judged(LEASES, None, shop=None, terminal=None) == "foreign_origin"


def test_a_document_for_one_terminal_is_refused_by_every_other() -> None:
    office = Office(identity().signer.public)
    made: Document = replace(document(1, b"x", LEASES), shop=ADDRESS.shop, terminal=ADDRESS.terminal)
    sealed = seal_document(office.signer, made)
    for other in (NEIGHBOUR, TerminalAddress(ADDRESS.tenant, "s99", ADDRESS.terminal)):
        told = judge(sealed, office.parties().believed, other, (), NOON_MS)
        assert told == Distrust("foreign_origin")


def test_leases_arrive_and_are_held(terminal: Terminal) -> None:
    content = wire.pack(LeasesContent(1, ()))
    announced = terminal.publish(content, LEASES, shop=ADDRESS.shop, terminal=ADDRESS.terminal)
    terminal.run(terminal.conversation.step(LinkUp(), at(0)))
    (held,) = terminal.store.held()
    assert (held.kind, held.digest) == (LEASES, announced.digest)
