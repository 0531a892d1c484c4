"""Whatever the network, the power and head office's backups do: in the end head office has every entry once, in order.

A real store and a whole conversation on one side, an honest head office on the other, and between them a network that
loses, doubles, reorders and damages what it carries. Time is a number.
"""

import shutil
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.keys import new_transaction_id
from agent.offline_store.store import Store
from agent.sync.conversation import Conversation
from agent.sync.effects import (
    Acknowledged,
    DocumentActivated,
    DocumentArrived,
    Effect,
    Event,
    JournalGrew,
    Publish,
    Tick,
)
from agent.sync.facts import LinkDown, LinkProblem, LinkUp, MessageArrived
from contract.documents import DocumentKind
from contract.errors import ContractError
from tests.offline_store.counter import cancel, identity, opened, sell
from tests.sync.office import Office, announcement_message, at, document, office_for

TICK_MS = 250
CALM_MS = 240_000


class Act(Enum):
    """What may happen next."""

    SELL = auto()
    GIVE_UP = auto()
    WAIT = auto()
    WAIT_LONG = auto()
    CARRY_UP = auto()
    CARRY_DOWN = auto()
    LOSE_UP = auto()
    LOSE_DOWN = auto()
    DOUBLE_UP = auto()
    DOUBLE_DOWN = auto()
    DAMAGE_UP = auto()
    DAMAGE_DOWN = auto()
    CUT = auto()
    JOIN = auto()
    RESTART_TILL = auto()
    RESTORE_OFFICE = auto()
    PUBLISH_PACK = auto()


@dataclass
class World:
    """The till, head office, what is under way between them, and the time."""

    folder: Path
    now_ms: int = 0
    joined: bool = False
    up: list[Publish] = field(default_factory=list)
    down: list[MessageArrived] = field(default_factory=list)
    packs: int = 0

    def __post_init__(self) -> None:
        self.who = identity()
        self.office: Office = office_for(self.who)
        self.store: Store = opened(self.folder / "till.db", self.who)
        self.conversation = Conversation(self.office.parties(), self.store)

    def step(self, event: Event) -> None:
        """The till takes an event and carries out what follows."""
        for effect in self.conversation.step(event, at(self.now_ms)):
            self._carry_out(effect)

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case Publish() if self.joined:
                self.up.append(effect)
            case Acknowledged():
                assert self.store.advance(effect.upto_seq, effect.head_hash, effect.hq_time_ms)
            case DocumentArrived():
                self.store.activate(effect.opened, new_transaction_id(), at(self.now_ms))
                self.step(DocumentActivated(effect.opened.digest))
                self.step(JournalGrew())

    def wait(self, ms: int) -> None:
        """Time passes."""
        for _ in range(0, ms, TICK_MS):
            self.now_ms += TICK_MS
            self.office.time_ms = max(self.office.time_ms, at(self.now_ms).wall_ms)
            self.step(Tick())

    def carry_up(self, index: int, again: bool = False, damage: int | None = None) -> None:
        """Head office takes a message, perhaps damaged, and answers; what it cannot read it does not answer."""
        message = self.up[index] if again else self.up.pop(index)
        if damage is not None:
            message = Publish(message.topic, damaged(message.payload, damage))
        try:
            self.down += self.office.answer(message)
        except ContractError:
            return

    def carry_down(self, index: int, again: bool = False, damage: int | None = None) -> None:
        """The till takes a message, perhaps damaged."""
        message = self.down[index] if again else self.down.pop(index)
        if damage is not None:
            message = MessageArrived(message.topic, damaged(message.payload, damage))
        self.step(message)

    def cut(self) -> None:
        """The connection is lost with all that was on it."""
        self.joined = False
        self.up.clear()
        self.down.clear()
        self.step(LinkDown(LinkProblem.LOST))

    def join(self) -> None:
        """There is a connection."""
        if not self.joined:
            self.joined = True
            self.down += [announcement_message(announced) for announced in self.office.listed.values()]
            self.step(LinkUp())

    def restart_till(self) -> None:
        """The power goes and comes back: memory is lost, the store is not."""
        self.cut()
        self.store.close()
        self.store.open()
        self.conversation = Conversation(self.office.parties(), self.store)

    def publish_pack(self) -> None:
        """Head office publishes the next pack."""
        self.packs += 1
        announced = self.office.publish(document(self.packs, self.packs.to_bytes(2, "big") * 30_000))
        if self.joined:
            self.down.append(announcement_message(announced))

    def do(self, act: Act, number: int) -> None:
        """Let one thing happen; ``number`` chooses which message it happens to."""
        match act:
            case Act.SELL:
                sell(self.store)
                self.step(JournalGrew())
            case Act.GIVE_UP:
                cancel(self.store)
                self.step(JournalGrew())
            case Act.WAIT:
                self.wait(TICK_MS)
            case Act.WAIT_LONG:
                self.wait(6_000)
            case Act.CUT:
                self.cut()
            case Act.JOIN:
                self.join()
            case Act.RESTART_TILL:
                self.restart_till()
            case Act.RESTORE_OFFICE:
                self.office.kept = self.office.kept[: number % (len(self.office.kept) + 1)]
            case Act.PUBLISH_PACK:
                self.publish_pack()
            case _:
                self._to_a_message(act, number)

    def _to_a_message(self, act: Act, number: int) -> None:
        upward = act.name.endswith("_UP")
        messages = self.up if upward else self.down
        if not messages:
            return
        index = number % len(messages)
        if act.name.startswith("LOSE"):
            messages.pop(index)
            return
        carry = self.carry_up if upward else self.carry_down
        carry(index, again=act.name.startswith("DOUBLE"), damage=number if act.name.startswith("DAMAGE") else None)

    def calm_down(self) -> None:
        """From now on nothing is lost; go on until all is said, or fail."""
        self.cut()
        self.join()
        for _ in range(0, CALM_MS, TICK_MS):
            while self.up or self.down:
                if self.up:
                    self.carry_up(0)
                if self.down:
                    self.carry_down(0)
            if self.settled():
                return
            self.wait(TICK_MS)
        pytest.fail("not settled")

    def settled(self) -> bool:
        """Whether head office has everything, the till knows it, and the newest pack is active."""
        held = {document.kind: document.version for document in self.store.held()}
        return self.store.acked() == self.store.head() and held.get(DocumentKind.PACK, 0) == self.packs

    def require_a_true_copy(self) -> None:
        """What head office has is the beginning of the journal, nothing skipped and nothing doubled."""
        entries = [sealed for _seq, sealed in self.store.entries_after(0, 10_000, 2**62)]
        assert self.office.kept == entries[: len(self.office.kept)]


def damaged(payload: bytes, number: int) -> bytes:
    """The payload with one bit flipped, or cut short."""
    if number % 4 == 3:
        return payload[: number % (len(payload) + 1)]
    where = (number // 8) % len(payload)
    return payload[:where] + bytes([payload[where] ^ (1 << number % 8)]) + payload[where + 1 :]


@given(st.lists(st.tuples(st.sampled_from(Act), st.integers(0, 2**20)), max_size=70))
@settings(max_examples=120, deadline=None)
def test_no_storm_skips_or_doubles_an_entry_and_after_it_everything_drains(
    tmp_path_factory: pytest.TempPathFactory, acts: list[tuple[Act, int]]
) -> None:
    folder = tmp_path_factory.mktemp("storm")
    world = World(folder)
    world.join()
    for act, number in acts:
        world.do(act, number)
        world.require_a_true_copy()
    world.calm_down()
    world.require_a_true_copy()
    assert len(world.office.kept) == world.store.head().seq
    sold = sum(act is Act.SELL for act, _number in acts)
    assert world.store.totals().sales == sold
    world.store.close()
    shutil.rmtree(folder)


def test_a_day_offline_drains_in_order(tmp_path: Path) -> None:
    world = World(tmp_path)
    for _ in range(250):
        cancel(world.store)
    world.calm_down()
    world.require_a_true_copy()
    assert len(world.office.kept) == 250
    world.store.close()
