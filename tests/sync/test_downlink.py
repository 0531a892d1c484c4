"""The downlink, as scripts of conversations: what is fetched, in which order, and what is refused by name."""

from dataclasses import replace

import pytest

from agent.sync.downlink import CANDIDATES_OF_A_KIND, Downlink, Fetching
from agent.sync.effects import (
    DocumentActivated,
    DocumentArrived,
    DocumentRefused,
    DocumentRejected,
    Effect,
    Listed,
    MessageRefused,
    Tick,
)
from agent.sync.facts import LinkDown, LinkProblem, LinkUp, MessageArrived
from agent.sync.parties import Pace
from contract import cbor, topics, wire
from contract.documents import CHUNK_BYTES, DocumentKind, seal_document
from contract.messages import Announcement, Chunk, HeldDocument, Want, read_want
from tests.contract.samples import ADDRESS, eddsa_signer
from tests.sync.office import NOON_MS, Office, Shelf, announcement_message, at, chunk_message, document, published

PACE = Pace(chunk_ms=2_000, chunk_rounds=3, set_aside_ms=15_000)
CHUNK_TOPIC = topics.down(ADDRESS, topics.Down.CHUNK)
PACK, MEMBERS = DocumentKind.PACK, DocumentKind.MEMBERS
BIG = bytes(range(256)) * 800  # 204,800 bytes: seven chunks.


class Terminal:
    """A downlink, connected, with head office at the other end."""

    def __init__(self) -> None:
        self.office = Office(eddsa_signer().public)
        self.shelf = Shelf()
        self.downlink = Downlink(self.office.parties(), self.shelf, PACE)
        self.downlink.step(LinkUp(), at(0))

    def hear(self, announced: Announcement, ms: int = 0) -> list[Effect]:
        """An announcement arrives."""
        return self.downlink.step(announcement_message(announced), at(ms))

    def fetch(self, found: list[Effect], ms: int = 0) -> list[Effect]:
        """Answer every want with its chunk until nothing is wanted; return what else came out."""
        rest: list[Effect] = []
        waiting = list(found)
        while waiting:
            effect = waiting.pop(0)
            wants = published([effect], topics.Up.WANT)
            if not wants:
                rest.append(effect)
            for want in wants:
                for chunk in self.office.answer(want):
                    waiting += self.downlink.step(chunk, at(ms))
        return rest

    def activate(self, arrived: Effect) -> list[Effect]:
        """Do as the till does with a document that arrived."""
        assert isinstance(arrived, DocumentArrived)
        document = arrived.opened.document
        kept = [held for held in self.shelf.documents if held.kind is not document.kind]
        held = HeldDocument(document.kind, document.version, arrived.opened.digest)
        self.shelf.documents = (*kept, held)
        return self.downlink.step(DocumentActivated(arrived.opened.digest), at(0))


@pytest.fixture
def terminal() -> Terminal:
    return Terminal()


def wants(found: list[Effect]) -> list[int]:
    return [read_want(message.payload).index for message in published(found, topics.Up.WANT)]


def test_an_announced_document_is_fetched_verified_and_handed_over(terminal: Terminal) -> None:
    announced = terminal.office.publish(document(1))
    (arrived,) = terminal.fetch(terminal.hear(announced))
    assert isinstance(arrived, DocumentArrived)
    assert (arrived.opened.document, arrived.opened.digest) == (document(1), announced.digest)
    assert terminal.downlink.fetching is None


def test_a_document_listed_in_the_welcome_is_fetched_too(terminal: Terminal) -> None:
    announced = terminal.office.publish(document(1))
    (arrived,) = terminal.fetch(terminal.downlink.step(Listed((announced,)), at(0)))
    assert isinstance(arrived, DocumentArrived)


def test_a_large_document_is_asked_for_four_chunks_at_a_time(terminal: Terminal) -> None:
    announced = terminal.office.publish(document(1, BIG))
    assert announced.chunks == 7
    found = terminal.hear(announced)
    assert wants(found) == [0, 1, 2, 3]
    assert terminal.downlink.fetching == Fetching(PACK, 1, 0, 7)
    for message in published(found, topics.Up.WANT):
        assert read_want(message.payload) == Want(announced.digest, read_want(message.payload).index)
    (chunk,) = terminal.office.answer(published(found, topics.Up.WANT)[0])
    assert wants(terminal.downlink.step(chunk, at(1))) == [4]
    assert terminal.downlink.fetching == Fetching(PACK, 1, 1, 7)


def test_chunks_may_come_in_any_order_and_twice(terminal: Terminal) -> None:
    announced = terminal.office.publish(document(1, BIG))
    terminal.hear(announced)
    found: list[Effect] = []
    for index in (6, 3, 3, 0, 5, 1, 1, 4, 2, 2):
        found += terminal.downlink.step(chunk_message(terminal.office.chunk(announced.digest, index)), at(1))
    arrived = [effect for effect in found if isinstance(effect, DocumentArrived)]
    assert [effect.opened.document for effect in arrived] == [document(1, BIG)]


def test_a_chunk_that_does_not_come_is_asked_for_again(terminal: Terminal) -> None:
    terminal.hear(terminal.office.publish(document(1, BIG)))
    assert wants(terminal.downlink.step(Tick(), at(1_999))) == []
    assert wants(terminal.downlink.step(Tick(), at(2_000))) == [0, 1, 2, 3]
    assert wants(terminal.downlink.step(Tick(), at(3_999))) == []


def test_after_a_lost_connection_only_what_is_missing_is_asked_for(terminal: Terminal) -> None:
    announced = terminal.office.publish(document(1, BIG))
    terminal.hear(announced)
    for index in (0, 2):
        terminal.downlink.step(chunk_message(terminal.office.chunk(announced.digest, index)), at(1))
    assert terminal.downlink.step(LinkDown(LinkProblem.LOST), at(2)) == []
    assert wants(terminal.downlink.step(Tick(), at(60_000))) == []
    assert wants(terminal.downlink.step(LinkUp(), at(60_001))) == [1, 3, 4, 5]


def test_one_blob_at_a_time_and_then_the_next(terminal: Terminal) -> None:
    found = terminal.hear(terminal.office.publish(document(1)))
    assert terminal.hear(terminal.office.publish(document(1, b"members", MEMBERS))) == []
    arrived = terminal.fetch(found)
    kinds = [effect.opened.document.kind for effect in arrived if isinstance(effect, DocumentArrived)]
    assert kinds == [PACK, MEMBERS]


def test_what_is_active_is_not_fetched_again(terminal: Terminal) -> None:
    announced = terminal.office.publish(document(1))
    (arrived,) = terminal.fetch(terminal.hear(announced))
    terminal.activate(arrived)
    assert terminal.hear(announced) == []
    assert terminal.downlink.step(Listed((announced,)), at(1)) == []


def test_what_waits_for_the_basket_to_close_is_not_fetched_again_and_a_newer_one_is(terminal: Terminal) -> None:
    announced = terminal.office.publish(document(1))
    terminal.fetch(terminal.hear(announced))
    assert terminal.hear(announced) == []
    (arrived,) = terminal.fetch(terminal.hear(terminal.office.publish(document(2))))
    assert isinstance(arrived, DocumentArrived)
    assert arrived.opened.document.version == 2


def test_an_older_pack_replayed_is_refused_by_name_without_being_fetched(terminal: Terminal) -> None:
    old = terminal.office.publish(document(1))
    (arrived,) = terminal.fetch(terminal.hear(terminal.office.publish(document(2))))
    terminal.activate(arrived)
    assert terminal.hear(old) == [DocumentRefused(PACK, 1, "older_version")]
    assert terminal.hear(old) == []


def test_an_older_pack_announced_as_a_newer_one_is_refused_by_name(terminal: Terminal) -> None:
    old = terminal.office.publish(document(1))
    (arrived,) = terminal.fetch(terminal.hear(terminal.office.publish(document(2))))
    terminal.activate(arrived)
    assert terminal.fetch(terminal.hear(replace(old, version=3))) == [DocumentRefused(PACK, 3, "older_version")]


def test_a_welcome_that_lists_what_was_overtaken_since_is_no_attack(terminal: Terminal) -> None:
    old = terminal.office.publish(document(1))
    (arrived,) = terminal.fetch(terminal.hear(terminal.office.publish(document(2))))
    terminal.activate(arrived)
    assert terminal.downlink.step(Listed((old,)), at(1)) == []


def test_a_pack_signed_by_another_key_is_refused_and_not_fetched_again(terminal: Terminal) -> None:
    announced = terminal.office.publish(document(1), signer=eddsa_signer())
    assert terminal.fetch(terminal.hear(announced)) == [DocumentRefused(PACK, 1, "unknown_key")]
    assert terminal.hear(announced) == []
    assert terminal.downlink.step(LinkUp(), at(1)) == []
    (arrived,) = terminal.fetch(terminal.hear(terminal.office.publish(document(2))))
    assert isinstance(arrived, DocumentArrived)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"tenant": "other"}, "foreign_origin"),
        ({"shop": "s09"}, "foreign_origin"),
        ({"accept_until_ms": NOON_MS - 1}, "expired"),
        ({"grammar": 2}, "newer_grammar"),
    ],
)
def test_a_signed_document_that_is_not_for_us_or_not_understood_is_refused(
    terminal: Terminal, changed: dict[str, object], reason: str
) -> None:
    announced = terminal.office.publish(replace(document(1), **changed))  # type: ignore[arg-type]
    assert terminal.fetch(terminal.hear(announced)) == [DocumentRefused(PACK, 1, reason)]


def test_a_blob_that_is_not_what_its_name_says_is_refused(terminal: Terminal) -> None:
    announced = terminal.office.publish(document(1, b"ten percent off"))
    terminal.office.blobs[announced.digest] = terminal.office.blobs[announced.digest].replace(b"ten", b"six")
    assert terminal.fetch(terminal.hear(announced)) == [DocumentRefused(PACK, 1, "hash_mismatch")]
    assert terminal.hear(announced) == []


def test_a_blob_damaged_on_the_way_is_fetched_again_over_another_connection(terminal: Terminal) -> None:
    announced = terminal.office.publish(document(1, b"ten percent off"))
    honest = terminal.office.blobs[announced.digest]
    terminal.office.blobs[announced.digest] = honest.replace(b"ten", b"six")
    terminal.fetch(terminal.hear(announced))
    terminal.office.blobs[announced.digest] = honest
    terminal.downlink.step(LinkUp(), at(1))
    (arrived,) = terminal.fetch(terminal.hear(announced))
    assert isinstance(arrived, DocumentArrived)


def test_what_head_office_listed_and_came_damaged_is_said_once_and_tried_again_ever_more_patiently(
    terminal: Terminal,
) -> None:
    announced = terminal.office.publish(document(1, b"ten percent off"))
    honest = terminal.office.blobs[announced.digest]
    terminal.office.blobs[announced.digest] = honest.replace(b"ten", b"six")
    found = terminal.fetch(terminal.downlink.step(Listed((announced,)), at(0)))
    assert found == [DocumentRefused(PACK, 1, "hash_mismatch")]
    assert terminal.downlink.step(Tick(), at(14_999)) == []
    assert terminal.fetch(terminal.downlink.step(Tick(), at(15_000)), 15_000) == []
    assert terminal.downlink.step(Tick(), at(44_999)) == []
    terminal.office.blobs[announced.digest] = honest
    (arrived,) = terminal.fetch(terminal.downlink.step(Tick(), at(45_000)), 45_000)
    assert isinstance(arrived, DocumentArrived)


def test_a_tampered_blob_under_its_own_name_is_refused(terminal: Terminal) -> None:
    sealed = seal_document(terminal.office.signer, document(1, b"ten percent off")).replace(b"ten", b"six")
    announced = terminal.office.publish_blob(PACK, 1, sealed)
    assert terminal.fetch(terminal.hear(announced)) == [DocumentRefused(PACK, 1, "bad_signature")]


def test_a_document_announced_as_something_else_is_refused(terminal: Terminal) -> None:
    announced = terminal.office.publish(document(1, kind=MEMBERS))
    assert terminal.fetch(terminal.hear(replace(announced, kind=PACK))) == [DocumentRefused(PACK, 1, "mislabelled")]
    crossed = MessageArrived(topics.announce(ADDRESS, PACK), wire.pack(announced))
    assert terminal.downlink.step(crossed, at(1)) == [MessageRefused(crossed.topic, "mislabelled")]


def test_a_lie_about_a_document_does_not_outlast_head_offices_own_word(terminal: Terminal) -> None:
    truth = terminal.office.publish(document(1, b"ten percent off"))
    for lie in (replace(truth, size=1), replace(truth, version=9), replace(truth, kind=MEMBERS)):
        fresh = Terminal()
        fresh.office = terminal.office
        fresh.downlink = Downlink(terminal.office.parties(), fresh.shelf, PACE)
        fresh.downlink.step(LinkUp(), at(0))
        fresh.fetch(fresh.hear(lie))
        found = fresh.fetch(fresh.downlink.step(Listed((truth,)), at(1)))
        assert [type(effect) for effect in found] == [DocumentArrived]


def _chunks_that_do_not_fit(announced: Announcement, office: Office) -> list[Chunk]:
    first, last = office.chunk(announced.digest, 0), office.chunk(announced.digest, 6)
    return [
        replace(first, count=8),
        replace(first, index=7),
        replace(first, data=first.data[:-1]),
        replace(last, data=last.data + b"\0"),
        replace(last, index=0),
    ]


def test_chunks_that_do_not_fit_are_refused_and_do_no_harm(terminal: Terminal) -> None:
    announced = terminal.office.publish(document(1, BIG))
    found = terminal.hear(announced)
    for chunk in _chunks_that_do_not_fit(announced, terminal.office):
        assert terminal.downlink.step(chunk_message(chunk), at(1)) == [MessageRefused(CHUNK_TOPIC, "chunk_malformed")]
    oversized = cbor.encode({1: announced.digest, 2: 0, 3: 7, 4: bytes(CHUNK_BYTES + 1)})
    for payload, reason in ((oversized, "out_of_range"), (bytes(70_000), "too_large"), (b"", "not_cbor")):
        refused = terminal.downlink.step(MessageArrived(CHUNK_TOPIC, payload), at(1))
        assert refused == [MessageRefused(CHUNK_TOPIC, reason)]
    assert [type(effect) for effect in terminal.fetch(found)] == [DocumentArrived]


def test_chunks_nobody_asked_for_are_dropped(terminal: Terminal) -> None:
    announced = terminal.office.publish(document(1))
    chunk = chunk_message(terminal.office.chunk(announced.digest, 0))
    assert terminal.downlink.step(chunk, at(0)) == []


def test_a_document_that_nobody_serves_does_not_keep_the_others_waiting(terminal: Terminal) -> None:
    bogus = Announcement(PACK, 9_999, bytes(32), 5_000_000)
    assert wants(terminal.hear(bogus)) == [0, 1, 2, 3]
    honest = terminal.office.publish(document(1, b"members", MEMBERS))
    terminal.hear(honest)
    found: list[Effect] = []
    for ms in range(2_000, 12_000, 2_000):
        found += terminal.fetch(terminal.downlink.step(Tick(), at(ms)), ms)
    assert [effect.opened.document.kind for effect in found if isinstance(effect, DocumentArrived)] == [MEMBERS]


def test_head_offices_own_word_goes_before_an_announcement(terminal: Terminal) -> None:
    terminal.hear(Announcement(PACK, 9_999, bytes(32), 5_000_000))
    honest = terminal.office.publish(document(1))
    (arrived,) = terminal.fetch(terminal.downlink.step(Listed((honest,)), at(0)))[:1]
    assert isinstance(arrived, DocumentArrived)


def test_a_flood_of_announcements_is_not_remembered(terminal: Terminal) -> None:
    honest = terminal.office.publish(document(1))
    terminal.downlink.step(Listed((honest,)), at(0))
    for number in range(1_000):
        terminal.hear(Announcement(PACK, 10 + number, number.to_bytes(32, "big"), 100))
    assert terminal.downlink.fetching == Fetching(PACK, 1, 0, 1)
    names = {effect.payload for ms in range(0, 600_000, 2_000) for effect in _wants_at(terminal, ms)}
    assert len(names) <= CANDIDATES_OF_A_KIND


def _wants_at(terminal: Terminal, ms: int) -> list[MessageArrived]:
    found = terminal.downlink.step(Tick(), at(ms))
    return [MessageArrived(message.topic, message.payload) for message in published(found, topics.Up.WANT)]


def test_a_document_the_till_rejects_is_not_fetched_again(terminal: Terminal) -> None:
    announced = terminal.office.publish(document(1))
    terminal.fetch(terminal.hear(announced))
    assert terminal.downlink.step(DocumentRejected(announced.digest, "golden_basket_differs"), at(1)) == []
    assert terminal.hear(announced) == []
    assert terminal.downlink.step(Listed((announced,)), at(2)) == []


@pytest.mark.parametrize("payload", [b"\xff", b"\xa0", bytes(70_000)])
def test_a_garbled_announcement_is_refused_by_name(terminal: Terminal, payload: bytes) -> None:
    topic = topics.announce(ADDRESS, PACK)
    (refused,) = terminal.downlink.step(MessageArrived(topic, payload), at(0))
    assert isinstance(refused, MessageRefused)
    assert refused.reason in ("not_cbor", "missing_field", "too_large")


def test_a_cleared_announcement_says_nothing(terminal: Terminal) -> None:
    assert terminal.downlink.step(MessageArrived(topics.announce(ADDRESS, PACK), b""), at(0)) == []


def test_what_expired_by_a_clock_that_was_ahead_is_looked_at_again_when_the_clock_is_right(terminal: Terminal) -> None:
    announced = terminal.office.publish(document(1))
    late_ms = 2 * 86_400_000
    (refused,) = terminal.fetch(terminal.hear(announced, late_ms), late_ms)
    assert refused == DocumentRefused(PACK, 1, "expired")
    assert terminal.hear(announced, late_ms + 1) == []
    (arrived,) = terminal.fetch(terminal.downlink.step(Listed((announced,)), at(5)), 5)
    assert isinstance(arrived, DocumentArrived)


def test_an_older_document_is_a_replay_also_where_the_newer_one_is_not_here_any_more(terminal: Terminal) -> None:
    terminal.shelf.floors = {PACK: 7, MEMBERS: 7}
    for kind in (PACK, MEMBERS):
        announced = terminal.office.publish(document(6, b"old", kind))
        assert terminal.fetch(terminal.hear(announced)) == [DocumentRefused(kind, 6, "older_version")]
        mislabelled = replace(terminal.office.publish(document(5, b"older", kind)), version=9)
        (refused,) = terminal.fetch(terminal.hear(mislabelled))
        assert isinstance(refused, DocumentRefused)
        (arrived,) = terminal.fetch(terminal.hear(terminal.office.publish(document(7, b"same", kind))))
        assert isinstance(arrived, DocumentArrived)


def test_an_older_snapshot_is_fetched_where_head_office_names_it_for_newer_deltas_build_on_it(
    terminal: Terminal,
) -> None:
    terminal.shelf.floors = {PACK: 7, MEMBERS: 7}
    members = terminal.office.publish(document(5, b"some", MEMBERS))
    assert terminal.hear(members) == [DocumentRefused(MEMBERS, 5, "older_version")]
    pack = terminal.office.publish(document(5, b"rules", PACK))
    (arrived,) = terminal.fetch(terminal.downlink.step(Listed((members, pack)), at(0)))
    assert isinstance(arrived, DocumentArrived) and arrived.opened.document.kind is MEMBERS
    terminal.activate(arrived)
    delta = replace(document(6, b"more", MEMBERS), base=arrived.opened.digest)
    announced = terminal.office.publish_blob(MEMBERS, 6, seal_document(terminal.office.signer, delta))
    found = terminal.fetch(terminal.hear(replace(announced, base=arrived.opened.digest)))
    assert [type(effect) for effect in found] == [DocumentArrived]
