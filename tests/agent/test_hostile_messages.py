"""Whatever arrives from the network, in whatever order, under whatever clock: nothing raises, nothing is believed that
head office did not sign for us, the cursor stands where head office does, and no chain ends.
"""

import shutil
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.offline_store.chain import ChainPoint
from agent.sync.facts import LinkDown, LinkProblem, LinkUp, MessageArrived
from contract import topics
from contract.documents import DocumentKind, seal_document
from contract.ids import TerminalAddress
from contract.messages import (
    GRAMMAR,
    Ack,
    Announcement,
    Chunk,
    Range,
    RefusedEntry,
    Welcome,
    seal_ack,
    seal_welcome,
)
from rules.pack import write_pack
from tests.agent.desk import Desk
from tests.agent.shop import contents, rules
from tests.contract.samples import ADDRESS, NEIGHBOUR, eddsa_signer
from tests.offline_store.counter import cancel
from tests.sync.office import NOON_MS, announcement_message, chunk_message, document

STRANGER = eddsa_signer()
ELSEWHERE = TerminalAddress("other", ADDRESS.shop, ADDRESS.terminal)
CLOCKS_MS = (0, NOON_MS, NOON_MS - 86_400_000, 4_070_908_800_000)
"""1970, now, yesterday, and the year 2099."""
OWN_TOPICS = [topics.down(ADDRESS, kind) for kind in topics.Down] + [topics.announce(ADDRESS, k) for k in DocumentKind]
Hostile = Callable[[Desk, list[MessageArrived], int, bytes], None]


def junk(desk: Desk, _heard: list[MessageArrived], number: int, data: bytes) -> None:
    """Bytes on a topic of ours."""
    desk.courier.handle(MessageArrived(OWN_TOPICS[number % len(OWN_TOPICS)], data))


def oversized(desk: Desk, _heard: list[MessageArrived], number: int, data: bytes) -> None:
    """More than any message may hold."""
    desk.courier.handle(MessageArrived(OWN_TOPICS[number % len(OWN_TOPICS)], data + bytes(70_000)))


def somewhere(desk: Desk, _heard: list[MessageArrived], number: int, data: bytes) -> None:
    """On no topic of ours."""
    topic = (topics.down(NEIGHBOUR, topics.Down.ACK), topics.down(ELSEWHERE, topics.Down.WELCOME), "", "tl/1/x" * 99)
    desk.courier.handle(MessageArrived(topic[number % 4], data))


def replayed(desk: Desk, heard: list[MessageArrived], number: int, _data: bytes) -> None:
    """Something of before, once more."""
    if heard:
        desk.courier.handle(heard[number % len(heard)])


def mutated(desk: Desk, heard: list[MessageArrived], number: int, data: bytes) -> None:
    """Something of before with other bytes in it, cut short or prolonged."""
    if not heard:
        return
    message = heard[number % len(heard)]
    payload, at = message.payload, number % (len(message.payload) + 1)
    changed = (payload[:at], payload + data, payload[:at] + data + payload[at + len(data) :], payload[at:])
    desk.courier.handle(replace(message, payload=changed[(number // 7) % 4]))


def crossed(desk: Desk, heard: list[MessageArrived], number: int, _data: bytes) -> None:
    """Something of before on another topic of ours."""
    if heard:
        topic = OWN_TOPICS[number % len(OWN_TOPICS)]
        desk.courier.handle(replace(heard[number % len(heard)], topic=topic))


def forged(desk: Desk, _heard: list[MessageArrived], number: int, data: bytes) -> None:
    """What head office could say, in another's hand."""
    kind = (topics.Down.ACK, topics.Down.WELCOME)[number % 2]
    address = (ADDRESS, NEIGHBOUR, ELSEWHERE)[number % 3]
    digest = data.ljust(32, b"\0")[:32]
    if kind is topics.Down.ACK:
        payload = seal_ack(STRANGER, Ack(GRAMMAR, address, 1, number, digest, number, ()))
    else:
        payload = seal_welcome(STRANGER, Welcome(GRAMMAR, address, 1, number, digest, number, (), 1))
    desk.courier.handle(MessageArrived(topics.down(ADDRESS, kind), payload))


def for_others(desk: Desk, _heard: list[MessageArrived], number: int, data: bytes) -> None:
    """What head office says to another terminal or of another epoch, delivered here."""
    signer, digest = desk.office.signer, data.ljust(32, b"\0")[:32]
    address, epoch = ((NEIGHBOUR, 1), (ELSEWHERE, 1), (ADDRESS, 2))[number % 3]
    ack = Ack(GRAMMAR, address, epoch, number, digest, desk.office.time_ms, (RefusedEntry(1, "x"),))
    welcome = Welcome(GRAMMAR, address, epoch, number, digest, desk.office.time_ms, (), 9, (Range(1, 1, number + 1),))
    desk.courier.handle(MessageArrived(topics.down(ADDRESS, topics.Down.ACK), seal_ack(signer, ack)))
    desk.courier.handle(MessageArrived(topics.down(ADDRESS, topics.Down.WELCOME), seal_welcome(signer, welcome)))


def announced(desk: Desk, _heard: list[MessageArrived], number: int, data: bytes) -> None:
    """Documents that do not exist, or are signed by a stranger, announced as whatever."""
    kind = list(DocumentKind)[number % len(DocumentKind)]
    base = data.ljust(32, b"\1")[:32] if number % 2 else None
    sealed = seal_document(STRANGER, document(number + 1, data or b"x", kind))
    name = desk.office.publish_blob(kind, number + 1, sealed).digest
    desk.office.listed.pop(kind)
    desk.courier.handle(announcement_message(Announcement(kind, number + 1, name, len(sealed), base)))
    desk.courier.handle(chunk_message(Chunk(name, number % 5, 1 + number % 7, data or b"x")))


def another_time(desk: Desk, _heard: list[MessageArrived], number: int, _data: bytes) -> None:
    """The machine's clock is set."""
    desk.hands.began_ms = CLOCKS_MS[number % len(CLOCKS_MS)]


def trade(desk: Desk, _heard: list[MessageArrived], _number: int, _data: bytes) -> None:
    """Somebody works at the till."""
    desk.courier.entry_appended(cancel(desk.store).header.seq)


def head_office(desk: Desk, heard: list[MessageArrived], number: int, _data: bytes) -> None:
    """Head office answers what it was asked, perhaps in another order."""
    answers = [answer for message in desk.road.waiting for answer in desk.office.answer(message)]
    desk.road.waiting.clear()
    heard += answers
    for answer in answers[number % 3 :] + answers[: number % 3]:
        desk.courier.handle(answer)


def reconnected(desk: Desk, _heard: list[MessageArrived], _number: int, _data: bytes) -> None:
    """The connection is lost and found."""
    desk.courier.handle(LinkDown(LinkProblem.LOST))
    desk.road.waiting.clear()
    desk.courier.handle(LinkUp())


def waited(desk: Desk, _heard: list[MessageArrived], number: int, _data: bytes) -> None:
    """Time passes."""
    desk.hands.elapsed_ms += number % 30_000
    desk.office.time_ms += number % 30_000
    desk.courier.tick()
    desk.courier.activate_arrived()


ACTS: tuple[Hostile, ...] = (
    junk, oversized, somewhere, replayed, mutated, crossed, forged, for_others, announced, another_time,
    trade, head_office, reconnected, waited, trade, head_office, waited,
)  # fmt: skip


def require_the_truth(desk: Desk, before: ChainPoint) -> ChainPoint:
    """The cursor stands on an entry of ours that head office has, and never goes back; documents are head office's."""
    acked = desk.store.acked()
    assert desk.store.digest_at(acked.seq) == acked.digest
    assert before.seq <= acked.seq <= len(desk.office.kept)
    assert desk.store.epoch() == 1
    for held in desk.store.held():
        assert held.kind in (DocumentKind.PACK, DocumentKind.CASHIERS) and held.version == 1
    return acked


@given(
    st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 2**20), st.binary(max_size=60)), min_size=1, max_size=40)
)
@settings(max_examples=60, deadline=None)
def test_no_message_raises_moves_the_cursor_wrongly_or_ends_the_chain(
    tmp_path_factory: pytest.TempPathFactory, acts: list[tuple[Hostile, int, bytes]]
) -> None:
    folder = tmp_path_factory.mktemp("hostile")
    desk = Desk(folder)
    heard: list[MessageArrived] = []
    desk.publish(1, contents()[DocumentKind.CASHIERS], DocumentKind.CASHIERS)
    desk.publish(1, write_pack(rules(1)))
    acked = desk.store.acked()
    for act, number, data in acts:
        act(desk, heard, number, data)
        acked = require_the_truth(desk, acked)
    desk.hands.began_ms = NOON_MS
    reconnected(desk, heard, 0, b"")
    desk.let_through()
    desk.wait(60_000)
    assert desk.courier.online, "and in the end everything is said"
    assert desk.office.kept == [sealed for _seq, sealed in desk.store.entries_after(0, 10_000, 2**62)]
    desk.store.close()
    shutil.rmtree(folder)


SEQS, DIGESTS, TIMES = st.integers(0, 2**53), st.binary(min_size=32, max_size=32), st.integers(0, 2**53)
REFUSED = st.builds(RefusedEntry, st.integers(1, 2**53), st.sampled_from(["bad_signature", "broken_chain", "x"]))
RANGES = st.builds(Range, st.integers(1, 4), st.integers(1, 2**53), st.integers(1, 2**53))
ANNOUNCED = st.builds(
    Announcement,
    st.sampled_from([kind.value for kind in DocumentKind] + ["later"]),
    st.integers(1, 2**53),
    DIGESTS,
    st.integers(1, 10_000_000),
    st.none() | DIGESTS,
)
SIGNED = st.one_of(
    st.builds(
        Ack, st.just(GRAMMAR), st.just(ADDRESS), st.integers(1, 3), SEQS | st.integers(0, 5), DIGESTS, TIMES,
        st.lists(REFUSED, max_size=3).map(tuple), st.lists(REFUSED, max_size=3).map(tuple),
    ),
    st.builds(
        Welcome, st.just(GRAMMAR), st.just(ADDRESS), st.integers(1, 3), SEQS | st.integers(0, 5), DIGESTS, TIMES,
        st.lists(ANNOUNCED, max_size=3).map(tuple), st.integers(1, 2**31), st.lists(RANGES, max_size=3).map(tuple),
    ),
)  # fmt: skip


@given(st.lists(st.tuples(SIGNED, st.booleans()), min_size=1, max_size=12))
@settings(max_examples=50, deadline=None)
def test_a_head_office_that_has_lost_its_mind_moves_no_cursor_and_gets_no_more_than_a_few_epochs(
    tmp_path_factory: pytest.TempPathFactory, said: list[tuple[Ack | Welcome, bool]]
) -> None:
    folder = tmp_path_factory.mktemp("mad")
    desk = Desk(folder)
    for _ in range(3):
        trade(desk, [], 0, b"")
    acked = desk.store.acked()
    sold = desk.store.entries_after(acked.seq, 100, 2**62)
    for message, ours in said:
        changed = replace(message, head_hash=desk.store.digest_at(message.upto_seq) or bytes(32)) if ours else message
        if isinstance(changed, Ack):
            payload, kind = seal_ack(desk.office.signer, changed), topics.Down.ACK
        else:
            payload, kind = seal_welcome(desk.office.signer, changed), topics.Down.WELCOME
        desk.courier.handle(MessageArrived(topics.down(ADDRESS, kind), payload))
        desk.courier.tick()
        desk.courier.activate_arrived()
        acked = desk.store.acked()
        assert desk.store.digest_at(acked.seq) == acked.digest
    assert len(desk.store.earlier()) <= 3
    assert [desk.store.entries_of(1, seq - 1, 1, 2**62)[0][1] for seq, _ in sold] == [sealed for _, sealed in sold]
    desk.store.close()
    shutil.rmtree(folder)
