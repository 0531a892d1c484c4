"""An honest head office in a few lines, from the contract alone, and a script to hold conversations with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from agent.clock import Stamp
from agent.keys import Identity
from agent.offline_store.chain import ChainPoint
from agent.sync import effects
from agent.sync.facts import MessageArrived
from agent.sync.parties import Parties
from contract import envelope, topics, wire
from contract.documents import CHUNK_BYTES, Document, DocumentKind, seal_document
from contract.envelope import keyring
from contract.errors import ContractError
from contract.journal import TimeQuality, identity_hash, open_entry
from contract.messages import (
    GRAMMAR,
    Ack,
    Announcement,
    Chunk,
    EarlierEpoch,
    HeldDocument,
    LeasesHeld,
    RefusedEntry,
    Welcome,
    leases_digest,
    read_batch,
    read_want,
    seal_ack,
    seal_welcome,
)
from contract.signing import PublicKey, Signer
from tests.contract.samples import ADDRESS, eddsa_signer

NOON_MS = 1_760_000_000_000


def at(ms: int) -> Stamp:
    """``ms`` after the conversation began."""
    return Stamp(NOON_MS + ms, TimeQuality.FREE_RUNNING, bytes(16), 100_000 + ms)


@dataclass
class Office:
    """Head office: keeps what it takes, answers like the contract says, refuses by name."""

    key: PublicKey
    epoch: int = 1
    signer: Signer = field(default_factory=eddsa_signer)
    kept: list[bytes] = field(default_factory=list)
    blobs: dict[bytes, bytes] = field(default_factory=dict)
    listed: dict[DocumentKind, Announcement] = field(default_factory=dict)
    time_ms: int = NOON_MS

    def parties(self) -> Parties:
        """What the terminal at ADDRESS knows of this office."""
        return Parties(ADDRESS, self.epoch, keyring(self.signer.public))

    def point(self) -> ChainPoint:
        """How far this office has the chain."""
        if not self.kept:
            return ChainPoint(0, identity_hash(ADDRESS, self.epoch, self.key))
        return ChainPoint(len(self.kept), envelope.digest(self.kept[-1]))

    def answer(self, message: effects.Publish) -> list[MessageArrived]:
        """Take what a terminal published, and answer it."""
        _address, kind = topics.read_up(message.topic)
        self.time_ms += 1
        match kind:
            case topics.Up.HELLO:
                return [self.welcome()]
            case topics.Up.BATCH:
                return [self.ack(self._take(message.payload))]
            case topics.Up.WANT:
                return self._chunk(message.payload)

    def welcome(self, **changed: object) -> MessageArrived:
        """A signed welcome that says what this office has; ``changed`` fields say something else."""
        point = self.point()
        said = Welcome(
            *(GRAMMAR, ADDRESS, self.epoch, point.seq, point.digest, self.time_ms),
            *(tuple(self.listed.values()), self.epoch),
        )
        said = replace(said, **changed)  # type: ignore[arg-type]
        return MessageArrived(topics.down(ADDRESS, topics.Down.WELCOME), seal_welcome(self.signer, said))

    def ack(self, refused: tuple[RefusedEntry, ...] = (), **changed: object) -> MessageArrived:
        """A signed acknowledgement of what this office has; ``changed`` fields say something else."""
        point = self.point()
        said = Ack(GRAMMAR, ADDRESS, self.epoch, point.seq, point.digest, self.time_ms, refused)
        said = replace(said, **changed)  # type: ignore[arg-type]
        return MessageArrived(topics.down(ADDRESS, topics.Down.ACK), seal_ack(self.signer, said))

    def publish(self, document: Document, signer: Signer | None = None) -> Announcement:
        """Sign a document, keep its blob, list it, and return what announces it."""
        return self.publish_blob(document.kind, document.version, seal_document(signer or self.signer, document))

    def publish_blob(self, kind: DocumentKind, version: int, sealed: bytes) -> Announcement:
        """Keep and list a blob, whatever it is."""
        name = envelope.digest(sealed)
        self.blobs[name] = sealed
        self.listed[kind] = Announcement(kind, version, name, len(sealed))
        return self.listed[kind]

    def chunk(self, name: bytes, index: int) -> Chunk:
        """One chunk of a blob."""
        blob = self.blobs[name]
        data = blob[index * CHUNK_BYTES : (index + 1) * CHUNK_BYTES]
        return Chunk(name, index, -(-len(blob) // CHUNK_BYTES), data)

    def _chunk(self, payload: bytes) -> list[MessageArrived]:
        want = read_want(payload)
        return [chunk_message(self.chunk(want.digest, want.index))] if want.digest in self.blobs else []

    def _take(self, payload: bytes) -> tuple[RefusedEntry, ...]:
        batch = read_batch(payload)
        for seq, sealed in enumerate(batch.entries, start=batch.first_seq):
            if seq <= len(self.kept):
                if self.kept[seq - 1] != sealed:
                    return (RefusedEntry(seq, "hash_conflict"),)
                continue
            try:
                entry = open_entry(sealed, keyring(self.key))
            except ContractError as error:
                return (RefusedEntry(seq, error.reason.value),)
            if (entry.header.seq, entry.header.previous) != (len(self.kept) + 1, self.point().digest):
                return (RefusedEntry(seq, "broken_chain"),)
            self.kept.append(sealed)
        return ()


def announcement_message(announced: Announcement) -> MessageArrived:
    """An announcement as the broker delivers it."""
    return MessageArrived(topics.announce(ADDRESS, announced.kind), wire.pack(announced))


def chunk_message(chunk: Chunk) -> MessageArrived:
    """A chunk as the broker delivers it."""
    return MessageArrived(topics.down(ADDRESS, topics.Down.CHUNK), wire.pack(chunk))


def document(version: int, content: bytes = b"rules", kind: DocumentKind = DocumentKind.PACK) -> Document:
    """A document for the tenant of ADDRESS, to be accepted within a day of NOON_MS."""
    return Document(1, kind, ADDRESS.tenant, version, NOON_MS, NOON_MS + 86_400_000, content)


@dataclass
class Shelf:
    """A journal that holds documents and no entries: what a downlink needs to see."""

    documents: tuple[HeldDocument, ...] = ()
    floors: Mapping[str, int] = field(default_factory=dict)

    def head(self) -> ChainPoint:
        return ChainPoint(0, bytes(32))

    def acked(self) -> ChainPoint:
        return ChainPoint(0, bytes(32))

    def digest_at(self, seq: int) -> bytes | None:
        return bytes(32) if seq == 0 else None

    def entries_after(self, seq: int, most: int, max_bytes: int) -> list[tuple[int, bytes]]:
        return []

    def entries_of(self, epoch: int, seq: int, most: int, max_bytes: int) -> list[tuple[int, bytes]]:
        return []

    def held(self) -> tuple[HeldDocument, ...]:
        return self.documents

    def floor(self, kind: str) -> int:
        return self.floors.get(kind, 0)

    def leases_held(self) -> LeasesHeld:
        return LeasesHeld(0, leases_digest(()))

    def earlier(self) -> tuple[EarlierEpoch, ...]:
        return ()

    def signed_time_ms(self) -> int:
        return 0


def office_for(who: Identity) -> Office:
    """The head office that the terminal ``who`` is enrolled at."""
    return Office(who.signer.public, who.epoch)


def published(found: list[effects.Effect], kind: topics.Up) -> list[effects.Publish]:
    """The messages of one kind among effects."""
    topic = topics.up(ADDRESS, kind)
    return [effect for effect in found if isinstance(effect, effects.Publish) and effect.topic == topic]


def others(found: list[effects.Effect]) -> list[effects.Effect]:
    """The effects that are no messages, and not the mere sign of life of head office."""
    return [effect for effect in found if not isinstance(effect, effects.Publish | effects.Heard | effects.Listed)]
