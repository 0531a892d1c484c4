"""When a chain ends: head office holds another one, or ours is damaged. And when it does not."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.keys import Identity
from agent.offline_store.store import Store
from agent.sync.effects import Effect, NewEpoch, Quarantined, Reconnect, Tick
from agent.sync.facts import LinkUp, MessageArrived
from agent.sync.parties import Pace, Parties
from agent.sync.uplink import Standing, Uplink
from contract import topics
from contract.bodies import EpochReason
from contract.messages import RefusedEntry, read_batch, read_hello
from tests.offline_store.counter import begin_epoch, identity, opened, sell
from tests.sync.office import Office, at, office_for, others, published

PACE = Pace(heartbeat_ms=20_000, greeting_ms=1_000, reply_ms=5_000, silence_ms=65_000)
DISPUTED = EpochReason.CHAIN_DISPUTED


@dataclass
class Terminal:
    """A store and an uplink, connected; head office at the other end."""

    who: Identity
    path: Path
    store: Store
    office: Office
    uplink: Uplink

    def hear(self, message: MessageArrived, ms: int = 1) -> list[Effect]:
        """A message arrives."""
        return self.uplink.step(message, at(ms))

    def new_epochs(self, message: MessageArrived, ms: int = 1) -> list[NewEpoch]:
        """The epochs that a message leads to."""
        return [effect for effect in self.hear(message, ms) if isinstance(effect, NewEpoch)]


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    who = identity()
    store = opened(tmp_path / "till.db", who)
    office = office_for(who)
    uplink = Uplink(office.parties(), store, PACE)
    uplink.step(LinkUp(), at(0))
    yield Terminal(who, tmp_path / "till.db", store, office, uplink)
    store.close()


def test_another_entry_in_our_place_and_more_entries_than_ours_begin_a_new_epoch(terminal: Terminal) -> None:
    sell(terminal.store)
    for said in ({"upto_seq": 1, "head_hash": bytes(32)}, {"upto_seq": 2, "head_hash": bytes(32)}):
        (new,) = terminal.new_epochs(terminal.office.welcome(**said))
        assert (new.epoch, new.reason) == (2, DISPUTED)
        assert terminal.uplink.standing is Standing.DISPUTED


def test_the_new_epoch_is_above_every_one_that_head_office_knows(terminal: Terminal) -> None:
    (new,) = terminal.new_epochs(terminal.office.welcome(upto_seq=1, head_hash=bytes(32), newest_epoch=7))
    assert new.epoch == 8


def test_what_was_said_before_something_else_begins_no_epoch_and_stops_nothing(terminal: Terminal) -> None:
    office = terminal.office
    lie = office.welcome(upto_seq=1, head_hash=bytes(32))
    office.time_ms += 1_000
    terminal.hear(office.welcome())
    assert terminal.new_epochs(lie) == []
    assert terminal.uplink.standing is Standing.TALKING


def test_a_welcome_signed_before_the_latest_time_this_terminal_knows_begins_no_epoch(terminal: Terminal) -> None:
    terminal.store.note_signed_time(terminal.office.time_ms + 60_000)
    assert terminal.new_epochs(terminal.office.welcome(upto_seq=1, head_hash=bytes(32))) == []
    terminal.office.time_ms += 60_000
    assert len(terminal.new_epochs(terminal.office.welcome(upto_seq=1, head_hash=bytes(32)))) == 1


def test_an_acknowledgement_alone_begins_no_epoch(terminal: Terminal) -> None:
    terminal.hear(terminal.office.welcome())
    assert terminal.new_epochs(terminal.office.ack(upto_seq=1, head_hash=bytes(32))) == []
    assert terminal.uplink.standing is Standing.TALKING


def test_the_new_epoch_tells_of_the_one_before_and_carries_what_head_office_has_not_acknowledged(
    terminal: Terminal,
) -> None:
    store, office = terminal.store, terminal.office
    first, second = sell(store), sell(store)
    store.advance(1, first.digest)
    (new,) = terminal.new_epochs(office.welcome(upto_seq=2, head_hash=bytes(32)))
    begin_epoch(store, new.epoch, new.reason)
    uplink = Uplink(Parties(terminal.who.address, 2, office.parties().believed), store, PACE)
    office.epoch, office.kept = 2, []
    (hello,) = published(uplink.step(LinkUp(), at(6)), topics.Up.HELLO)
    said = read_hello(hello.payload)
    assert (said.epoch, said.head_seq, said.acked_seq) == (2, 2, 0)
    assert [(earlier.epoch, earlier.head_seq, earlier.head_hash) for earlier in said.earlier] == [(1, 2, second.digest)]
    (batch,) = published(uplink.step(office.welcome(), at(7)), topics.Up.BATCH)
    assert (read_batch(batch.payload).epoch, len(read_batch(batch.payload).entries)) == (2, 2)
    # What head office says of the epoch before is passed over now.
    assert not [effect for effect in uplink.step(office.welcome(epoch=1), at(8)) if isinstance(effect, NewEpoch)]


def test_an_entry_that_is_damaged_before_head_office_has_it_begins_a_new_epoch(terminal: Terminal) -> None:
    for _ in range(3):
        sell(terminal.store)
    with sqlite3.connect(terminal.path) as somebody_else:
        somebody_else.execute("UPDATE journal SET sealed = x'00' WHERE seq = 2")
    somebody_else.close()
    office = terminal.office
    found = terminal.hear(office.welcome())
    (batch,) = published(found, topics.Up.BATCH)
    assert len(read_batch(batch.payload).entries) == 1, "what stands before it is sent"
    (new,) = [effect for effect in found if isinstance(effect, NewEpoch)]
    assert (new.epoch, new.reason) == (2, EpochReason.JOURNAL_DAMAGED)


def test_what_head_office_cannot_read_counts_as_acknowledged_and_is_told_once(terminal: Terminal) -> None:
    store, office = terminal.store, terminal.office
    terminal.hear(office.welcome())
    entry = sell(store)
    office.kept = [entry.sealed]
    ack = office.ack(quarantined=(RefusedEntry(1, "newer_grammar"),))
    found = others(terminal.hear(ack))
    assert [type(effect).__name__ for effect in found] == ["Acknowledged", "Quarantined"]
    assert found[1] == Quarantined(1, "newer_grammar")
    store.advance(1, entry.digest)
    assert others(terminal.hear(ack)) == []


def test_head_office_that_signs_nothing_for_long_over_an_open_connection_is_looked_for_over_another(
    terminal: Terminal,
) -> None:
    terminal.hear(terminal.office.welcome(), 10_000)
    silent = [ms for ms in range(10_000, 200_000, 250) if Reconnect() in terminal.uplink.step(Tick(), at(ms))]
    assert silent == [75_000, 140_000]
    junk = MessageArrived(topics.down(terminal.who.address, topics.Down.WELCOME), b"junk")
    terminal.hear(junk, 204_000)
    assert Reconnect() in terminal.uplink.step(Tick(), at(205_000))
