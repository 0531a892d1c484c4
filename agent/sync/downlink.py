"""The downlink: how head office's documents reach this terminal, over a broker that nobody trusts.

A pure machine: events and the time go in, effects come out. Announcements say what there is; one blob at a time is
fetched in chunks, checked against its name, and judged. What an announcement says is believed of nothing but where to
look; a welcome's list is signed and goes first. Of deltas only one that builds on what is held is fetched; where there
is none, head office is asked which comes next.
"""

from collections import OrderedDict
from enum import Enum, auto

from agent.clock import Stamp
from agent.sync.blob import Blob
from agent.sync.effects import (
    DocumentActivated,
    DocumentArrived,
    DocumentRefused,
    DocumentRejected,
    Effect,
    Event,
    Listed,
    ListingWanted,
    MessageRefused,
    Publish,
    Tick,
)
from agent.sync.facts import LinkDown, LinkUp, MessageArrived
from agent.sync.parties import JournalView, Pace, Parties
from agent.sync.trust import Distrust, Doubt, builds_on, judge
from contract import topics, wire
from contract.documents import DELTA_KINDS, DocumentKind, OpenedDocument
from contract.envelope import digest
from contract.errors import ContractError
from contract.making import dataclass
from contract.messages import Announcement, HeldDocument, Want, read_announcement, read_chunk

CANDIDATES_OF_A_KIND = 4
REMEMBERED_REFUSALS = 256
LONGEST_WAIT_DOUBLINGS = 8


class _Stage(Enum):
    WAITING = auto()
    HANDED = auto()


@dataclass(slots=True)
class _Candidate:
    """A document that may be worth fetching. ``signed`` where head office's own welcome named it."""

    announcement: Announcement
    signed: bool
    stage: _Stage = _Stage.WAITING
    not_before_ms: int = 0
    damaged: int = 0
    """How often it came whole and was not what its name says."""


@dataclass(frozen=True, slots=True)
class _Refusal:
    """``by_label`` where only what an unsigned announcement said was refused, not the blob of this name itself.

    ``until_ms`` of one that expired: a clock that was ahead and is put right makes it worth another look.
    """

    reason: str
    by_label: bool = False
    until_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Fetching:
    """What is being fetched, and how many of its chunks are here."""

    kind: str
    version: int
    have: int
    chunks: int


class Downlink:
    """The machine. ``journal.held()`` says what is active; the till activates and tells."""

    def __init__(self, parties: Parties, journal: JournalView, pace: Pace) -> None:
        self._parties = parties
        self._journal = journal
        self._pace = pace
        self._up = False
        self._chunk_topic = topics.down(parties.address, topics.Down.CHUNK)
        self._kinds = frozenset(kind.value for kind in DocumentKind)
        self._announce_topics = {topics.announce(parties.address, kind): kind for kind in self._kinds}
        self._candidates: dict[bytes, _Candidate] = {}
        self._refused: OrderedDict[bytes, _Refusal] = OrderedDict()
        self._announced: dict[str, int] = {}
        """The highest version of each kind that was spoken of, by whomever."""
        self._blob: Blob | None = None

    @property
    def fetching(self) -> Fetching | None:
        """What is being fetched now."""
        if self._blob is None:
            return None
        announced = self._blob.announcement
        return Fetching(announced.kind, announced.version, self._blob.have, announced.chunks)

    def step(self, event: Event, now: Stamp) -> list[Effect]:
        """Take an event at the time ``now`` and return what follows, in order."""
        match event:
            case LinkUp():
                self._begin_connection()
            case LinkDown():
                self._up = False
                return []
            case Listed():
                # Kinds that this program does not know are for tills that were upgraded before this one.
                known = [item for item in event.documents if item.kind in self._kinds]
                effects = [effect for item in known for effect in self._consider(item, True, now)]
                return effects + self._pump(now)
            case MessageArrived() if event.topic in self._announce_topics:
                return self._take_announcement(event, now) + self._pump(now)
            case MessageArrived() if event.topic == self._chunk_topic:
                return self._take_chunk(event, now) + self._pump(now)
            case DocumentActivated():
                return self._activated(event.digest) + self._pump(now)
            case DocumentRejected():
                self._refuse(event.digest, _Refusal(event.reason))
            case Tick():
                pass
            case _:
                return []
        return self._pump(now)

    def _begin_connection(self) -> None:
        self._up = True
        if self._blob is not None:
            self._blob.forget_asked()
        for candidate in self._candidates.values():
            candidate.not_before_ms = 0
        # What was damaged on the way may come undamaged over another connection.
        for name in [name for name, refusal in self._refused.items() if refusal.reason == Doubt.HASH_MISMATCH]:
            del self._refused[name]

    def _activated(self, name: bytes) -> list[Effect]:
        """A document is active. Where there may be more of its kind, ask what comes next."""
        candidate = self._candidates.get(name)
        self._drop(name)
        if candidate is None:
            return []
        announced = candidate.announcement
        more = announced.kind in DELTA_KINDS or self._announced.get(announced.kind, 0) > announced.version
        return [ListingWanted(progress=True)] if more else []

    def _take_announcement(self, message: MessageArrived, now: Stamp) -> list[Effect]:
        if not message.payload:
            return []  # A retained message was cleared (MQTT 5 section 3.3.1.3).
        try:
            announced = read_announcement(message.payload)
        except ContractError as error:
            return [MessageRefused(message.topic, error.reason.value)]
        if announced.kind != self._announce_topics[message.topic]:
            return [MessageRefused(message.topic, Doubt.MISLABELLED.value)]
        return self._consider(announced, False, now)

    def _consider(self, announced: Announcement, signed: bool, now: Stamp) -> list[Effect]:
        if signed:
            self._forget_labels(announced)
        refusal = self._refused.get(announced.digest)
        if refusal is not None and refusal.until_ms is not None and now.wall_ms <= refusal.until_ms:
            del self._refused[announced.digest]
        held = self._active(announced.kind)
        known = announced.digest in self._candidates or announced.digest in self._refused
        if known or (held is not None and held.digest == announced.digest):
            return []
        overtaken = held is not None and held.version >= announced.version
        if overtaken or self._is_past(announced.kind, announced.version, announced.base, signed):
            if signed:
                return []  # Head office's own list, overtaken on the way by what it published since.
            self._refuse(announced.digest, _Refusal(Doubt.OLDER_VERSION.value, by_label=True))
            return [DocumentRefused(announced.kind, announced.version, Doubt.OLDER_VERSION.value)]
        self._announced[announced.kind] = max(self._announced.get(announced.kind, 0), announced.version)
        if not builds_on(announced.kind, announced.base, held):
            # Of a welcome's list this is what it was before something became active; the next one says what follows.
            waits = any(item.announcement.kind == announced.kind for item in self._candidates.values())
            return [] if signed or waits else [ListingWanted(progress=False)]
        self._candidates[announced.digest] = _Candidate(announced, signed)
        self._thin_out(announced.kind)
        if signed and self._blob is not None and not self._candidates[self._blob.announcement.digest].signed:
            self._blob = None
        return []

    def _forget_labels(self, announced: Announcement) -> None:
        """Head office's signed word about a blob replaces what an announcement said, and what came of that."""
        refusal, candidate = self._refused.get(announced.digest), self._candidates.get(announced.digest)
        if refusal is not None and refusal.by_label:
            del self._refused[announced.digest]
        if candidate is None or candidate.signed:
            return
        if candidate.announcement == announced:
            candidate.signed = True
        elif candidate.stage is _Stage.WAITING:
            self._drop(announced.digest)

    def _thin_out(self, kind: str) -> None:
        """Anybody who can announce could announce without end; only the most promising few are remembered."""
        same = [item for item in self._candidates.values() if item.announcement.kind == kind]
        same.sort(key=lambda item: (item.signed, item.announcement.version), reverse=True)
        for item in same[CANDIDATES_OF_A_KIND:]:
            self._drop(item.announcement.digest)

    def _take_chunk(self, message: MessageArrived, now: Stamp) -> list[Effect]:
        try:
            chunk = read_chunk(message.payload)
        except ContractError as error:
            return [MessageRefused(message.topic, error.reason.value)]
        blob = self._blob
        if blob is None or chunk.digest != blob.announcement.digest:
            return []  # Late: asked for, and given up or complete since.
        if not blob.fits(chunk):
            return [MessageRefused(message.topic, Doubt.CHUNK_MALFORMED.value)]
        if not blob.take(chunk) or not blob.whole:
            return []
        self._blob = None
        return self._judge(blob, now)

    def _judge(self, blob: Blob, now: Stamp) -> list[Effect]:
        announced, candidate = blob.announcement, self._candidates[blob.announcement.digest]
        found = self._judged(blob, now)
        if isinstance(found, OpenedDocument):
            candidate.stage = _Stage.HANDED
            return [DocumentArrived(found)]
        refused = DocumentRefused(announced.kind, announced.version, found.reason)
        if found.reason == Doubt.HASH_MISMATCH and candidate.signed:
            # There is such a document, and what came was damaged on the way: try again, ever more patiently.
            wait_ms = self._pace.set_aside_ms << min(candidate.damaged, LONGEST_WAIT_DOUBLINGS)
            candidate.not_before_ms = now.monotonic_ms + wait_ms
            candidate.damaged += 1
            return [refused] if candidate.damaged == 1 else []
        labels = (Doubt.HASH_MISMATCH, Doubt.MISLABELLED, Doubt.OLDER_VERSION)
        by_label = not candidate.signed and found.reason in labels
        self._refuse(announced.digest, _Refusal(found.reason, by_label, found.accept_until_ms))
        return [refused]

    def _judged(self, blob: Blob, now: Stamp) -> OpenedDocument | Distrust:
        announced, sealed = blob.announcement, blob.data()
        if digest(sealed) != announced.digest:
            return Distrust(Doubt.HASH_MISMATCH.value)
        parties = self._parties
        found = judge(sealed, parties.believed, parties.address, self._journal.held(), now.wall_ms)
        if isinstance(found, OpenedDocument):
            document = found.document
            if (document.kind, document.version) != (announced.kind, announced.version):
                return Distrust(Doubt.MISLABELLED.value)
            signed = self._candidates[announced.digest].signed
            if self._is_past(document.kind, document.version, document.base, signed):
                return Distrust(Doubt.OLDER_VERSION.value)
        return found

    def _is_past(self, kind: str, version: int, base: bytes | None, signed: bool) -> bool:
        """Whether a later version was active here once, though it is not any more (the file was damaged, say): an older
        one is a replay. A delta is not, for it builds on what is held; nor is a snapshot on which newer deltas build,
        where head office itself names it.
        """
        if base is not None or (signed and kind in DELTA_KINDS):
            return False
        return version < self._journal.floor(kind)

    def _pump(self, now: Stamp) -> list[Effect]:
        """Ask for what comes next."""
        if not self._up:
            return []
        now_ms = now.monotonic_ms
        if self._blob is not None and self._blob.rounds >= self._pace.chunk_rounds:
            self._candidates[self._blob.announcement.digest].not_before_ms = now_ms + self._pace.set_aside_ms
            self._blob = None
        if self._blob is None:
            self._blob = self._choose(now_ms)
        if self._blob is None:
            return []
        topic = topics.up(self._parties.address, topics.Up.WANT)
        name = self._blob.announcement.digest
        return [Publish(topic, wire.pack(Want(name, index))) for index in self._blob.ask(now_ms, self._pace.chunk_ms)]

    def _choose(self, now_ms: int) -> Blob | None:
        ready = [item for item in self._candidates.values() if self._worth_fetching(item, now_ms)]
        if not ready:
            return None
        return Blob(max(ready, key=lambda item: (item.signed, item.announcement.version)).announcement)

    def _worth_fetching(self, item: _Candidate, now_ms: int) -> bool:
        if item.stage is not _Stage.WAITING or now_ms < item.not_before_ms:
            return False
        kind, version = item.announcement.kind, item.announcement.version
        held = self._active(kind)
        if not builds_on(kind, item.announcement.base, held):
            return False
        return (held is None or held.version < version) and not any(
            other.stage is _Stage.HANDED and other.announcement.kind == kind and other.announcement.version >= version
            for other in self._candidates.values()
        )

    def _active(self, kind: str) -> HeldDocument | None:
        return next((held for held in self._journal.held() if held.kind == kind), None)

    def _refuse(self, name: bytes, refusal: _Refusal) -> None:
        self._drop(name)
        self._refused[name] = refusal
        while len(self._refused) > REMEMBERED_REFUSALS:
            self._refused.popitem(last=False)

    def _drop(self, name: bytes) -> None:
        self._candidates.pop(name, None)
        if self._blob is not None and self._blob.announcement.digest == name:
            self._blob = None
