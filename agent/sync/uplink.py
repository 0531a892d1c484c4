"""The uplink: how the journal reaches head office, each entry once and none left out.

A pure machine: events and the time go in, effects come out. A hello opens each connection and head office's signed
welcome says what it has; batches follow from there, and only signed acknowledgements count. What is lost, doubled or
reordered on the way is found by its absence in an acknowledgement and sent again.
"""

from collections import deque
from dataclasses import dataclass
from enum import StrEnum

from agent.clock import Stamp
from agent.sync.effects import (
    Acknowledged,
    Effect,
    Event,
    Heard,
    JournalGrew,
    Listed,
    MessageRefused,
    Publish,
    Refused,
    Tick,
)
from agent.sync.facts import LinkDown, LinkUp, MessageArrived
from agent.sync.parties import JournalView, Pace, Parties
from contract import topics, wire
from contract.errors import ContractError
from contract.messages import BATCH_BYTES, BATCH_ENTRIES, GRAMMAR, Ack, Batch, Hello, Welcome, open_ack, open_welcome

OUTSTANDING_BATCHES = 2
REMEMBERED_REFUSALS = 64


class Mistrust(StrEnum):
    """Why a message that is signed is still not believed. Stable, beside contract.errors.Reason."""

    OTHER_EPOCH = "other_epoch"
    ABOVE_HEAD = "above_head"
    """Head office has entries that this journal does not: an older image of it was restored, or it was copied."""
    HASH_MISMATCH = "hash_mismatch"
    """Head office has another entry in this place: a copied terminal, or not our head office."""


class Standing(StrEnum):
    """How the conversation stands, for the glass and the log."""

    OFFLINE = "offline"
    GREETING = "greeting"
    TALKING = "talking"
    DISPUTED = "disputed"
    """Head office's chain is not ours: nothing is sent until people have looked."""


@dataclass(frozen=True, slots=True)
class _Sent:
    """A batch on its way."""

    last_seq: int


class Uplink:
    """The machine. ``journal`` is read, never written: the till moves the cursor when told to."""

    def __init__(self, parties: Parties, journal: JournalView, pace: Pace) -> None:
        self._parties = parties
        self._journal = journal
        self._pace = pace
        self._standing = Standing.OFFLINE
        self._welcome_topic = topics.down(parties.address, topics.Down.WELCOME)
        self._ack_topic = topics.down(parties.address, topics.Down.ACK)
        self._sent: deque[_Sent] = deque()
        self._sent_upto = 0
        self._confirmed = 0
        self._hello_ms = 0
        self._progress_ms = 0
        self._paused_until_ms = 0
        self._pause_ms = 0
        self._hq_time_ms = 0
        self._reported: deque[tuple[int, str]] = deque(maxlen=REMEMBERED_REFUSALS)

    @property
    def standing(self) -> Standing:
        """How the conversation stands."""
        return self._standing

    def step(self, event: Event, now: Stamp) -> list[Effect]:
        """Take an event at the time ``now`` and return what follows, in order."""
        now_ms = now.monotonic_ms
        match event:
            case LinkUp():
                return self._greet(now)
            case LinkDown():
                self._standing = Standing.OFFLINE
                self._sent.clear()
                return []
            case MessageArrived() if event.topic == self._welcome_topic:
                return self._take_welcome(event.payload, now_ms)
            case MessageArrived() if event.topic == self._ack_topic:
                return self._take_ack(event.payload, now_ms)
            case Tick():
                return self._keep_time(now)
            case JournalGrew():
                return self._fill(now_ms)
        return []

    def _greet(self, now: Stamp) -> list[Effect]:
        self._standing = Standing.GREETING
        self._sent.clear()
        self._pause_ms = self._paused_until_ms = 0
        return [self._hello(now)]

    def _hello(self, now: Stamp) -> Publish:
        head = self._journal.head()
        self._hello_ms = now.monotonic_ms
        hello = Hello(
            grammar=GRAMMAR,
            epoch=self._parties.epoch,
            head_seq=head.seq,
            head_hash=head.digest,
            acked_seq=self._journal.acked().seq,
            sent_ms=now.wall_ms,
            documents=self._journal.held(),
            leases=self._journal.leases_held(),
        )
        return Publish(topics.up(self._parties.address, topics.Up.HELLO), wire.pack(hello))

    def _keep_time(self, now: Stamp) -> list[Effect]:
        now_ms = now.monotonic_ms
        match self._standing:
            case Standing.OFFLINE:
                return []
            case Standing.GREETING if now_ms - self._hello_ms >= self._pace.reply_ms:
                return [self._hello(now)]
            case Standing.TALKING if self._sent and now_ms - self._progress_ms >= self._pace.reply_ms:
                # Something was lost on the way. Head office's welcome says where to begin again.
                return self._greet(now)
        effects: list[Effect] = []
        if now_ms - self._hello_ms >= self._pace.heartbeat_ms:
            effects.append(self._hello(now))
        return effects + self._fill(now_ms)

    def _take_welcome(self, payload: bytes, now_ms: int) -> list[Effect]:
        if self._standing is Standing.OFFLINE:
            return []
        try:
            welcome = open_welcome(payload, self._parties.believed, self._parties.address)
        except ContractError as error:
            return [MessageRefused(self._welcome_topic, error.reason.value)]
        mistrust = self._mistrusted(welcome)
        if mistrust is not None:
            if mistrust is not Mistrust.OTHER_EPOCH:
                self._standing = Standing.DISPUTED
            return [MessageRefused(self._welcome_topic, mistrust.value)]
        effects: list[Effect] = [Heard(welcome.hq_time_ms), Listed(welcome.documents)]
        stale = welcome.hq_time_ms <= self._hq_time_ms
        if self._standing is not Standing.TALKING or (welcome.upto_seq < self._confirmed and not stale):
            # A new conversation, or head office has come back from an older backup: begin again where it stands.
            self._begin_after(welcome.upto_seq, now_ms)
        effects += self._confirm(welcome, now_ms)
        self._standing = Standing.TALKING
        return effects + self._fill(now_ms)

    def _take_ack(self, payload: bytes, now_ms: int) -> list[Effect]:
        if self._standing is Standing.OFFLINE:
            return []
        try:
            ack = open_ack(payload, self._parties.believed, self._parties.address)
        except ContractError as error:
            return [MessageRefused(self._ack_topic, error.reason.value)]
        mistrust = self._mistrusted(ack)
        if mistrust is not None:
            return [MessageRefused(self._ack_topic, mistrust.value)]
        effects: list[Effect] = [Heard(ack.hq_time_ms)]
        effects += self._confirm(ack, now_ms)
        effects += self._take_refusals(ack, now_ms)
        return effects + self._fill(now_ms)

    def _take_refusals(self, ack: Ack, now_ms: int) -> list[Effect]:
        if not ack.refused:
            return []
        if ack.upto_seq >= self._confirmed and now_ms >= self._paused_until_ms:
            self._pause_ms = min(max(2 * self._pause_ms, self._pace.first_pause_ms), self._pace.longest_pause_ms)
            self._paused_until_ms = now_ms + self._pause_ms
            self._begin_after(ack.upto_seq, now_ms)
        fresh = [item for item in ack.refused if (item.seq, item.reason) not in self._reported]
        self._reported.extend((item.seq, item.reason) for item in fresh)
        return [Refused(item.seq, item.reason) for item in fresh]

    def _mistrusted(self, said: Ack | Welcome) -> Mistrust | None:
        if said.epoch != self._parties.epoch:
            return Mistrust.OTHER_EPOCH
        ours = self._journal.digest_at(said.upto_seq)
        if ours is None:
            return Mistrust.ABOVE_HEAD
        return None if ours == said.head_hash else Mistrust.HASH_MISMATCH

    def _begin_after(self, seq: int, now_ms: int) -> None:
        self._sent.clear()
        self._sent_upto = self._confirmed = seq
        self._progress_ms = now_ms

    def _confirm(self, said: Ack | Welcome, now_ms: int) -> list[Effect]:
        """Head office has everything up to here: let go of what was on its way, and tell the till if that is new."""
        self._hq_time_ms = max(self._hq_time_ms, said.hq_time_ms)
        if said.upto_seq > self._confirmed:
            self._confirmed = said.upto_seq
            self._sent_upto = max(self._sent_upto, said.upto_seq)
            self._progress_ms = now_ms
            self._pause_ms = 0
        while self._sent and self._sent[0].last_seq <= self._confirmed:
            self._sent.popleft()
        if said.upto_seq <= self._journal.acked().seq:
            return []
        return [Acknowledged(said.upto_seq, said.head_hash, said.hq_time_ms)]

    def _fill(self, now_ms: int) -> list[Effect]:
        """Send what is not on its way yet, as far as may be on its way at once."""
        effects: list[Effect] = []
        if self._standing is not Standing.TALKING or now_ms < self._paused_until_ms:
            return effects
        while len(self._sent) < OUTSTANDING_BATCHES:
            entries = self._journal.entries_after(self._sent_upto, BATCH_ENTRIES, BATCH_BYTES)
            if not entries:
                break
            if not self._sent:
                self._progress_ms = now_ms
            batch = Batch(GRAMMAR, self._parties.epoch, entries[0][0], tuple(sealed for _seq, sealed in entries))
            effects.append(Publish(topics.up(self._parties.address, topics.Up.BATCH), wire.pack(batch)))
            self._sent_upto = entries[-1][0]
            self._sent.append(_Sent(self._sent_upto))
        return effects
