"""The uplink: how the journal reaches head office, each entry once and none left out.

A pure machine: events and the time go in, effects come out. A hello opens each connection and head office's signed
welcome says what it has; batches follow from there, and only signed acknowledgements count. What is lost, doubled or
reordered on the way is found by its absence in an acknowledgement and sent again.

Where head office holds another chain than ours, or ours is damaged before head office has it all, this chain ends: the
till begins a new epoch and a new conversation. Only a welcome that is signed, ours and not stale says so.
"""

from collections import deque
from enum import StrEnum

from agent.clock import Stamp
from agent.offline_store.faults import StoreCause, StoreError
from agent.sync.again import Again
from agent.sync.effects import (
    Acknowledged,
    Effect,
    Event,
    Heard,
    JournalGrew,
    Listed,
    MessageRefused,
    NewEpoch,
    NotHeld,
    Publish,
    Quarantined,
    Reconnect,
    Refused,
    Tick,
)
from agent.sync.facts import LinkDown, LinkUp, MessageArrived
from agent.sync.parties import JournalView, Pace, Parties
from contract import topics, wire
from contract.bodies import EpochReason
from contract.errors import ContractError
from contract.making import dataclass
from contract.messages import (
    BATCH_BYTES,
    BATCH_ENTRIES,
    GRAMMAR,
    Ack,
    Batch,
    Hello,
    Range,
    RefusedEntry,
    Welcome,
    open_ack,
    open_welcome,
)

OUTSTANDING_BATCHES = 4
"""So many are on their way at once: what waits at head office it takes with one commit."""

REMEMBERED_REFUSALS = 64


class Mistrust(StrEnum):
    """Why a message that is signed is still not believed. Stable, beside contract.errors.Reason."""

    OTHER_EPOCH = "other_epoch"
    ABOVE_HEAD = "above_head"
    """Head office has entries that this journal does not: an older image of it was restored, or it was copied."""
    HASH_MISMATCH = "hash_mismatch"
    """Head office has another entry in this place: a copied terminal, or not our head office."""
    OTHER_KEY = "other_key"
    """Head office has another unit's key under this terminal's name: what this one signs is nobody's."""


class Standing(StrEnum):
    """How the conversation stands, for the glass and the log."""

    OFFLINE = "offline"
    GREETING = "greeting"
    TALKING = "talking"
    DISPUTED = "disputed"
    """Head office's chain is not ours, or ours is damaged: nothing more of it is sent."""


@dataclass(frozen=True, slots=True)
class _Sent:
    """A batch on its way."""

    last_seq: int


class Uplink:
    """The machine. ``journal`` is read, never written: the till moves the cursor, and begins epochs, when told to."""

    def __init__(self, parties: Parties, journal: JournalView, pace: Pace) -> None:
        self._parties = parties
        self._journal = journal
        self._pace = pace
        self._again = Again(journal, pace)
        self._standing = Standing.OFFLINE
        self._welcome_topic = topics.down(parties.address, topics.Down.WELCOME)
        self._ack_topic = topics.down(parties.address, topics.Down.ACK)
        self._batch_topic = topics.up(parties.address, topics.Up.BATCH)
        self._sent: deque[_Sent] = deque()
        self._sent_upto = 0
        self._confirmed = 0
        self._newest_epoch = parties.epoch
        self._hello_ms = 0
        self._greeting_ms = 0
        """How long the next answer to a hello is waited for."""
        self._listing_ms: int | None = None
        """How long after the last hello the next one may ask for a listing; None where none is wanted."""
        self._longest_listing_ms = pace.greeting_ms
        self._heard_ms = 0
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
                self._heard_ms = now_ms
                return self._greet(now)
            case LinkDown():
                self._standing = Standing.OFFLINE
                self._sent.clear()
                self._again.forget()
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

    def ask_listing(self, progress: bool, now: Stamp) -> list[Effect]:
        """Say hello soon, so that head office lists what this terminal needs next: at once where a document became
        active since, ever more patiently where none did.
        """
        if self._standing is not Standing.TALKING:
            return []  # The welcome that is waited for will list it.
        if progress:
            self._longest_listing_ms = self._pace.greeting_ms
        self._listing_ms = self._longest_listing_ms
        return self._say_listing(now)

    def _say_listing(self, now: Stamp) -> list[Effect]:
        if self._listing_ms is None or now.monotonic_ms - self._hello_ms < self._listing_ms:
            return []
        self._longest_listing_ms = min(2 * self._longest_listing_ms, self._pace.heartbeat_ms)
        return [self._hello(now)]

    def _greet(self, now: Stamp) -> list[Effect]:
        self._standing = Standing.GREETING
        self._sent.clear()
        self._again.forget()
        self._pause_ms = self._paused_until_ms = 0
        self._greeting_ms = self._pace.greeting_ms
        return [self._hello(now)]

    def _hello(self, now: Stamp) -> Publish:
        head = self._journal.head()
        self._hello_ms = now.monotonic_ms
        self._listing_ms = None
        hello = Hello(
            grammar=GRAMMAR,
            epoch=self._parties.epoch,
            head_seq=head.seq,
            head_hash=head.digest,
            acked_seq=self._journal.acked().seq,
            sent_ms=now.wall_ms,
            documents=self._journal.held(),
            leases=self._journal.leases_held(),
            earlier=self._journal.earlier(),
        )
        return Publish(topics.up(self._parties.address, topics.Up.HELLO), wire.pack(hello))

    def _keep_time(self, now: Stamp) -> list[Effect]:
        now_ms = now.monotonic_ms
        if self._standing is Standing.OFFLINE:
            return []
        if now_ms - self._heard_ms >= self._pace.silence_ms:
            self._heard_ms = now_ms
            return [Reconnect()]
        match self._standing:
            case Standing.GREETING if now_ms - self._hello_ms >= self._greeting_ms:
                self._greeting_ms = min(2 * self._greeting_ms, max(self._pace.heartbeat_ms, self._pace.greeting_ms))
                return [self._hello(now)]
            case Standing.TALKING if self._sent and now_ms - self._progress_ms >= self._pace.reply_ms:
                # Something was lost on the way. Head office's welcome says where to begin again.
                return self._greet(now)
        effects: list[Effect] = []
        if now_ms - self._hello_ms >= self._pace.heartbeat_ms:
            effects.append(self._hello(now))
        return effects + self._say_listing(now) + self._fill(now_ms)

    def _take_welcome(self, payload: bytes, now_ms: int) -> list[Effect]:
        if self._standing is Standing.OFFLINE:
            return []
        try:
            welcome = open_welcome(payload, self._parties.believed, self._parties.address)
        except ContractError as error:
            return [MessageRefused(self._welcome_topic, error.reason.value)]
        self._heard_ms = now_ms
        mistrust = self._mistrusted(welcome)
        if mistrust is not None:
            refused = MessageRefused(self._welcome_topic, mistrust.value)
            return [refused] if mistrust is Mistrust.OTHER_EPOCH else [refused, *self._dispute(welcome, mistrust)]
        self._newest_epoch = max(self._newest_epoch, welcome.newest_epoch)
        effects: list[Effect] = [Heard(welcome.hq_time_ms), Listed(welcome.documents)]
        stale = welcome.hq_time_ms <= self._hq_time_ms
        if self._standing is not Standing.TALKING or (welcome.upto_seq < self._confirmed and not stale):
            # A new conversation, or head office has come back from an older backup: begin again where it stands.
            self._begin_after(welcome.upto_seq, now_ms)
        effects += self._confirm(welcome, now_ms)
        self._standing = Standing.TALKING
        if not stale:
            self._again.want(welcome.wanted)
        return effects + self._fill(now_ms)

    def _dispute(self, welcome: Welcome, mistrust: Mistrust) -> list[Effect]:
        """Head office has another chain than ours. What it said before it said something else counts for nothing, and
        what it signed before the latest time we know of begins no epoch.
        """
        if welcome.hq_time_ms < self._hq_time_ms:
            return []
        self._standing = Standing.DISPUTED
        self._sent.clear()
        self._hq_time_ms = welcome.hq_time_ms
        # With another key head office has no place for any epoch that this one begins: people have to enrol it.
        if welcome.hq_time_ms < self._journal.signed_time_ms() or mistrust is Mistrust.OTHER_KEY:
            return []
        self._newest_epoch = max(self._newest_epoch, welcome.newest_epoch)
        return [self._new_epoch(EpochReason.CHAIN_DISPUTED, f"{mistrust}: head office has {welcome.upto_seq}")]

    def _damaged(self, error: StoreError) -> list[Effect]:
        """What head office still needs of this chain cannot be read."""
        self._standing = Standing.DISPUTED
        self._sent.clear()
        return [self._new_epoch(EpochReason.JOURNAL_DAMAGED, error.detail)]

    def _new_epoch(self, reason: EpochReason, detail: str) -> NewEpoch:
        return NewEpoch(max(self._parties.epoch, self._newest_epoch) + 1, reason, detail)

    def _take_ack(self, payload: bytes, now_ms: int) -> list[Effect]:
        if self._standing is Standing.OFFLINE:
            return []
        try:
            ack = open_ack(payload, self._parties.believed, self._parties.address)
        except ContractError as error:
            return [MessageRefused(self._ack_topic, error.reason.value)]
        self._heard_ms = now_ms
        again = self._again.answered(ack.epoch)
        if again and ack.epoch != self._parties.epoch:
            rest = self._again.refused(ack, now_ms)
            return [Heard(ack.hq_time_ms), *([] if rest is None else [NotHeld(rest)]), *self._fill(now_ms)]
        mistrust = self._mistrusted(ack)
        if mistrust is not None:
            return [MessageRefused(self._ack_topic, mistrust.value)]
        effects: list[Effect] = [Heard(ack.hq_time_ms)]
        effects += self._confirm(ack, now_ms)
        effects += self._take_refusals(ack, now_ms)
        effects += [Quarantined(item.seq, item.reason) for item in self._unreported(ack.quarantined)]
        return effects + self._fill(now_ms)

    def _take_refusals(self, ack: Ack, now_ms: int) -> list[Effect]:
        if not ack.refused:
            return []
        if ack.upto_seq >= self._confirmed and now_ms >= self._paused_until_ms:
            self._pause_ms = min(max(2 * self._pause_ms, self._pace.first_pause_ms), self._pace.longest_pause_ms)
            self._paused_until_ms = now_ms + self._pause_ms
            self._begin_after(ack.upto_seq, now_ms)
        return [Refused(item.seq, item.reason) for item in self._unreported(ack.refused)]

    def _unreported(self, items: tuple[RefusedEntry, ...]) -> list[RefusedEntry]:
        fresh = [item for item in items if (item.seq, item.reason) not in self._reported]
        self._reported.extend((item.seq, item.reason) for item in fresh)
        return fresh

    def _mistrusted(self, said: Ack | Welcome) -> Mistrust | None:
        if said.epoch != self._parties.epoch:
            return Mistrust.OTHER_EPOCH
        ours = self._journal.digest_at(said.upto_seq)
        if ours is None:
            return Mistrust.ABOVE_HEAD
        if ours == said.head_hash:
            return None
        # Where a chain begins follows from name, epoch and key: of these only the key can differ.
        return Mistrust.HASH_MISMATCH if said.upto_seq else Mistrust.OTHER_KEY

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
        """Send what is not on its way yet, as far as may be on its way at once, and beside it what is asked for again.

        Of what head office has never had, one batch that cannot be read is the end of this chain.
        """
        effects: list[Effect] = []
        if self._standing is not Standing.TALKING:
            return effects
        while now_ms >= self._paused_until_ms and len(self._sent) < OUTSTANDING_BATCHES:
            try:
                entries = self._journal.entries_after(self._sent_upto, BATCH_ENTRIES, BATCH_BYTES)
            except StoreError as error:
                if error.cause is not StoreCause.CORRUPT or error.in_the_file:
                    raise
                return effects + self._damaged(error)
            if not entries:
                break
            if not self._sent:
                self._progress_ms = now_ms
            batch = Batch(GRAMMAR, self._parties.epoch, entries[0][0], tuple(sealed for _seq, sealed in entries))
            effects.append(Publish(self._batch_topic, wire.pack(batch)))
            self._sent_upto = entries[-1][0]
            self._sent.append(_Sent(self._sent_upto))
        return effects + self._send_again(now_ms)

    def _send_again(self, now_ms: int) -> list[Effect]:
        match self._again.step(now_ms):
            case Batch() as batch:
                return [Publish(self._batch_topic, wire.pack(batch))]
            case Range() as missing:
                return [NotHeld(missing)]
        return []
