"""Entries that head office asks for again: any range of any epoch, beside the flow, and honest about what is lost."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.keys import Identity
from agent.offline_store.store import Store
from agent.sync.effects import Effect, JournalGrew, NotHeld, Tick
from agent.sync.facts import LinkDown, LinkProblem, LinkUp
from agent.sync.parties import Pace, Parties
from agent.sync.uplink import Uplink
from contract import topics
from contract.messages import Batch, Range, RefusedEntry, read_batch
from tests.offline_store.counter import begin_epoch, cancel, identity, opened
from tests.sync.office import Office, at, office_for, others, published

PACE = Pace(reply_ms=5_000, again_ms=60_000, longest_again_ms=120_000)


@dataclass
class Terminal:
    """A terminal in its second epoch, everything acknowledged; the first has 250 entries."""

    who: Identity
    path: Path
    store: Store
    office: Office
    uplink: Uplink

    def ask(self, *ranges: Range, ms: int = 0) -> list[Effect]:
        """Head office asks again."""
        self.office.time_ms += 1
        return self.uplink.step(self.office.welcome(wanted=ranges), at(ms))

    def answer(self, epoch: int, ms: int = 0) -> list[Effect]:
        """Head office acknowledges a batch of an epoch."""
        self.office.time_ms += 1
        own = epoch == self.office.epoch
        ack = self.office.ack() if own else self.office.ack(epoch=epoch, upto_seq=9_999, head_hash=bytes(32))
        return self.uplink.step(ack, at(ms))


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    who = identity()
    store = opened(tmp_path / "till.db", who)
    for _ in range(250):
        entry = cancel(store)
    store.advance(250, entry.digest)
    begin_epoch(store, 2)
    office = office_for(who)
    office.epoch = 2
    office.kept = [sealed for _seq, sealed in store.entries_after(0, 100, 2**62)]
    store.advance(office.point().seq, office.point().digest)
    uplink = Uplink(Parties(who.address, 2, office.parties().believed), store, PACE)
    uplink.step(LinkUp(), at(0))
    yield Terminal(who, tmp_path / "till.db", store, office, uplink)
    store.close()


def batches(found: list[Effect]) -> list[Batch]:
    return [read_batch(message.payload) for message in published(found, topics.Up.BATCH)]


def spans(found: list[Effect]) -> list[tuple[int, int, int]]:
    return [(batch.epoch, batch.first_seq, batch.first_seq + len(batch.entries) - 1) for batch in batches(found)]


def test_a_range_of_an_earlier_epoch_is_sent_as_it_was_signed_one_batch_at_a_time(terminal: Terminal) -> None:
    found = terminal.ask(Range(1, 1, 250))
    sent = batches(found)
    assert terminal.uplink.step(Tick(), at(100)) == []
    while found := terminal.answer(1):
        if not batches(found):
            break
        sent += batches(found)
    assert all(batch.epoch == 1 and len(batch.entries) <= 100 for batch in sent)
    kept = [sealed for _seq, sealed in terminal.store.entries_of(1, 0, 1_000, 2**62)]
    assert [sealed for batch in sent for sealed in batch.entries] == kept
    assert terminal.store.acked() == terminal.office.point()


def test_a_batch_that_nobody_answers_delays_the_next_and_stops_nothing(terminal: Terminal) -> None:
    terminal.ask(Range(1, 1, 150))
    assert terminal.uplink.step(Tick(), at(4_999)) == []
    assert len(spans(terminal.uplink.step(Tick(), at(5_000)))) == 1


def test_the_current_epoch_flows_while_an_old_one_is_asked_for(terminal: Terminal) -> None:
    terminal.ask(Range(1, 1, 250))
    cancel(terminal.store)
    (batch,) = batches(terminal.uplink.step(JournalGrew(), at(10)))
    assert batch.epoch == 2


def test_ranges_of_the_current_epoch_may_be_asked_for_again_too_and_move_no_cursor(terminal: Terminal) -> None:
    before = terminal.store.acked()
    assert spans(terminal.ask(Range(2, 1, 1))) == [(2, 1, 1)]
    assert others(terminal.answer(2)) == []
    assert terminal.store.acked() == before


def test_a_range_still_asked_for_after_it_was_sent_whole_is_sent_again_ever_more_seldom(terminal: Terminal) -> None:
    sent = []
    for ms in range(0, 400_000, 1_000):
        found = terminal.ask(Range(1, 3, 4), ms=ms) if ms % 20_000 == 0 else terminal.uplink.step(Tick(), at(ms))
        sent += [ms for span in spans(found) if span == (1, 3, 4)]
        terminal.answer(1, ms)
    assert sent == [0, 60_000, 180_000, 300_000]


def test_what_head_office_no_longer_asks_for_is_not_sent(terminal: Terminal) -> None:
    terminal.ask(Range(1, 1, 250))
    terminal.ask()
    assert spans(terminal.answer(1)) == []
    terminal.ask(Range(1, 1, 250), ms=1)
    terminal.uplink.step(LinkDown(LinkProblem.LOST), at(2))
    assert terminal.uplink.step(Tick(), at(3)) == []


def test_behind_an_entry_that_is_not_here_any_more_nothing_is_sent_but_other_ranges_are(terminal: Terminal) -> None:
    with sqlite3.connect(terminal.path) as somebody_else:
        somebody_else.execute("UPDATE journal SET sealed = x'00' WHERE epoch = 1 AND seq IN (5, 6)")
    somebody_else.close()
    found = terminal.ask(Range(1, 4, 8), Range(9, 1, 3), Range(1, 7, 9))
    assert spans(found) == [(1, 4, 4)]
    assert NotHeld(Range(1, 5, 8)) in terminal.answer(1)
    assert NotHeld(Range(9, 1, 3)) in terminal.uplink.step(Tick(), at(10))
    assert spans(terminal.uplink.step(Tick(), at(20))) == [(1, 7, 9)]


@pytest.mark.parametrize("reason", ["gap", "entry_conflict"])
def test_behind_an_entry_that_has_no_place_at_head_office_nothing_is_sent_for_a_while(
    terminal: Terminal, reason: str
) -> None:
    terminal.ask(Range(1, 1, 250))
    ack = terminal.office.ack(
        epoch=1, upto_seq=40, head_hash=bytes(32), refused=(RefusedEntry(24, reason), RefusedEntry(25, "gap"))
    )
    found = terminal.uplink.step(ack, at(1))
    assert NotHeld(Range(1, 24, 250)) in found and spans(found) == []
    assert spans(terminal.uplink.step(Tick(), at(59_999))) == []
    assert spans(terminal.uplink.step(Tick(), at(60_001))) == [(1, 1, 100)]
    busy = terminal.office.ack(epoch=1, upto_seq=0, head_hash=bytes(32), refused=(RefusedEntry(1, "busy"),))
    assert not [effect for effect in terminal.uplink.step(busy, at(60_002)) if isinstance(effect, NotHeld)]


def test_a_range_turned_round_asks_for_nothing(terminal: Terminal) -> None:
    assert spans(terminal.ask(Range(1, 8, 4))) == []
