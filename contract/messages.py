"""The messages between terminal and HQ, each one record. What moves trust is signed: entries by the terminal,
acknowledgements and welcomes by HQ.
"""

import hashlib
from collections.abc import Iterable

from contract import cbor, wire
from contract.documents import CHUNK_BYTES, MAX_DOCUMENT_BYTES
from contract.envelope import ContentType, Keyring, open_sealed, seal
from contract.errors import ContractError, Reason
from contract.ids import DIGEST, TerminalAddress
from contract.journal import MAX_PAYLOAD_BYTES
from contract.making import dataclass
from contract.signing import Signer
from contract.topics import KIND_PATTERN, MAX_MESSAGE_BYTES

GRAMMAR = 1
BATCH_ENTRIES = 100
BATCH_BYTES = 32_000
MOST_EARLIER = 16
"""How many earlier epochs a hello tells of, the latest of them."""

_GRAMMAR = wire.whole(GRAMMAR, GRAMMAR)
_EPOCH = wire.whole(1, 2**31)
_SEQ = wire.whole(0, 2**53)
_TIME_MS = wire.whole(0, 2**53)
_KIND_NAME = wire.text(24, KIND_PATTERN)
_KIND = wire.Kind(lambda value: _KIND_NAME.write(str(value)), _KIND_NAME.read, _KIND_NAME.shape)
"""A document's kind as text: head office is upgraded first, and a till must go on hearing of kinds it does not know."""


@dataclass(frozen=True, slots=True)
class HeldDocument:
    """A document a terminal has active. ``kind`` is a value of DocumentKind, or of a newer one."""

    kind: str = wire.at(1, _KIND)
    version: int = wire.at(2, wire.whole(1, 2**53))
    digest: bytes = wire.at(3, DIGEST)


@dataclass(frozen=True, slots=True)
class EarlierEpoch:
    """A chain of this terminal that has ended: how far it goes."""

    epoch: int = wire.at(1, _EPOCH)
    head_seq: int = wire.at(2, _SEQ)
    head_hash: bytes = wire.at(3, DIGEST)


@dataclass(frozen=True, slots=True)
class LeasesHeld:
    """What a terminal holds of leases after the entry ``head_seq`` of the hello around it: how many have anything left,
    and the digest of those (:func:`leases_digest`).
    """

    count: int = wire.at(1, wire.whole(0, 2**31))
    digest: bytes = wire.at(2, DIGEST)


@dataclass(frozen=True, slots=True)
class Hello:
    """A terminal's state on every connection and at every heartbeat: head of its chain, what HQ has acknowledged,
    documents and leases held, and the chains of earlier epochs it still keeps.
    """

    grammar: int = wire.at(1, _GRAMMAR)
    epoch: int = wire.at(2, _EPOCH)
    head_seq: int = wire.at(3, _SEQ)
    head_hash: bytes = wire.at(4, DIGEST)
    acked_seq: int = wire.at(5, _SEQ)
    sent_ms: int = wire.at(6, _TIME_MS)
    documents: tuple[HeldDocument, ...] = wire.at(7, wire.many(wire.record(HeldDocument), 16))
    leases: LeasesHeld = wire.at(8, wire.record(LeasesHeld))
    earlier: tuple[EarlierEpoch, ...] = wire.maybe(9, wire.many(wire.record(EarlierEpoch), MOST_EARLIER), ())


@dataclass(frozen=True, slots=True)
class Announcement:
    """A document to be had: blob name, size in bytes, and of a delta the blob it builds on. On the retained topic it is
    the newest of its kind; in a welcome, the one that this terminal needs next. A reader passes over a ``kind`` it does
    not know.
    """

    kind: str = wire.at(1, _KIND)
    version: int = wire.at(2, wire.whole(1, 2**53))
    digest: bytes = wire.at(3, DIGEST)
    size: int = wire.at(4, wire.whole(1, MAX_DOCUMENT_BYTES + 256))
    base: bytes | None = wire.maybe(5, DIGEST)

    @property
    def chunks(self) -> int:
        """How many chunks the blob travels in."""
        return -(-self.size // CHUNK_BYTES)


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive entries from ``first_seq`` on, as signed, at most 100 and 32 kB."""

    grammar: int = wire.at(1, _GRAMMAR)
    epoch: int = wire.at(2, _EPOCH)
    first_seq: int = wire.at(3, wire.whole(1, 2**53))
    entries: tuple[bytes, ...] = wire.at(4, wire.many(wire.octets(1, MAX_PAYLOAD_BYTES + 256), BATCH_ENTRIES, least=1))


@dataclass(frozen=True, slots=True)
class RefusedEntry:
    """An entry HQ will not take as it arrived, and why: a value of :class:`contract.errors.Reason` or of HQ's
    exceptions.
    """

    seq: int = wire.at(1, wire.whole(1, 2**53))
    reason: str = wire.at(2, wire.text(40, "[a-z0-9_]{1,40}"))


@dataclass(frozen=True, slots=True)
class Ack:
    """HQ has everything of this terminal and epoch up to ``upto_seq``, whose entry hashes to ``head_hash``, in its
    database for good.

    ``upto_seq`` 0 with the identity hash means HQ has nothing. Sent in answer to a batch; the heartbeat, being a hello,
    is answered by a welcome. ``refused`` are sent again; ``quarantined`` HQ has stored and counts among those it has,
    but cannot read: they are not sent again.
    """

    grammar: int = wire.at(1, _GRAMMAR)
    address: TerminalAddress = wire.at(2, wire.record(TerminalAddress))
    epoch: int = wire.at(3, _EPOCH)
    upto_seq: int = wire.at(4, _SEQ)
    head_hash: bytes = wire.at(5, DIGEST)
    hq_time_ms: int = wire.at(6, _TIME_MS)
    refused: tuple[RefusedEntry, ...] = wire.at(7, wire.many(wire.record(RefusedEntry), BATCH_ENTRIES))
    quarantined: tuple[RefusedEntry, ...] = wire.maybe(8, wire.many(wire.record(RefusedEntry), BATCH_ENTRIES), ())


@dataclass(frozen=True, slots=True)
class Range:
    """Consecutive entries of one epoch, both ends included."""

    epoch: int = wire.at(1, _EPOCH)
    first_seq: int = wire.at(2, wire.whole(1, 2**53))
    last_seq: int = wire.at(3, wire.whole(1, 2**53))


@dataclass(frozen=True, slots=True)
class Welcome:
    """HQ's answer to a hello: what it has of this chain, its time, the documents this terminal needs next, the newest
    epoch it knows of this terminal, and entries it asks for again, having lost them.
    """

    grammar: int = wire.at(1, _GRAMMAR)
    address: TerminalAddress = wire.at(2, wire.record(TerminalAddress))
    epoch: int = wire.at(3, _EPOCH)
    upto_seq: int = wire.at(4, _SEQ)
    head_hash: bytes = wire.at(5, DIGEST)
    hq_time_ms: int = wire.at(6, _TIME_MS)
    documents: tuple[Announcement, ...] = wire.at(7, wire.many(wire.record(Announcement), 16))
    newest_epoch: int = wire.at(8, _EPOCH)
    wanted: tuple[Range, ...] = wire.maybe(9, wire.many(wire.record(Range), MOST_EARLIER), ())


@dataclass(frozen=True, slots=True)
class Want:
    """A terminal asks for one chunk of a blob."""

    digest: bytes = wire.at(1, DIGEST)
    index: int = wire.at(2, wire.whole(0, 4_000))


@dataclass(frozen=True, slots=True)
class Chunk:
    """One chunk of a blob; all but the last hold ``CHUNK_BYTES``."""

    digest: bytes = wire.at(1, DIGEST)
    index: int = wire.at(2, wire.whole(0, 4_000))
    count: int = wire.at(3, wire.whole(1, 4_000))
    data: bytes = wire.at(4, wire.octets(1, CHUNK_BYTES))


def leases_digest(held: Iterable[tuple[bytes, int, int]]) -> bytes:
    """What is left of leases, given as (id, amount, bonus in minor units) in any order, as 32 bytes: the sum of the
    SHA-256 of each, modulo 2**256. A terminal that holds very many keeps it up with each spend (:func:`digest_after`).
    """
    return digest_after(bytes(32), (), held)


def digest_after(
    digest: bytes, gone: Iterable[tuple[bytes, int, int]], come: Iterable[tuple[bytes, int, int]]
) -> bytes:
    """The digest of the leases that ``digest`` is of, without those ``gone`` and with those that have ``come``."""
    total = int.from_bytes(digest, "big") + sum(map(_lease_number, come)) - sum(map(_lease_number, gone))
    return (total % 2**256).to_bytes(32, "big")


def _lease_number(left: tuple[bytes, int, int]) -> int:
    return int.from_bytes(hashlib.sha256(cbor.encode(list(left))).digest(), "big")


def read_hello(data: bytes) -> Hello:
    """Decode a hello. Raises ContractError."""
    return wire.unpack(Hello, data, MAX_MESSAGE_BYTES)


def read_batch(data: bytes) -> Batch:
    """Decode a batch; its entries stay closed. Raises ContractError."""
    return wire.unpack(Batch, data, MAX_MESSAGE_BYTES)


def read_want(data: bytes) -> Want:
    """Decode a request for a chunk. Raises ContractError."""
    return wire.unpack(Want, data, MAX_MESSAGE_BYTES)


def read_chunk(data: bytes) -> Chunk:
    """Decode a chunk. Raises ContractError."""
    return wire.unpack(Chunk, data, MAX_MESSAGE_BYTES)


def read_announcement(data: bytes) -> Announcement:
    """Decode an announcement. Raises ContractError."""
    return wire.unpack(Announcement, data, MAX_MESSAGE_BYTES)


def seal_ack(signer: Signer, ack: Ack) -> bytes:
    """Return HQ's signed acknowledgement."""
    return seal(signer, ContentType.ACK, wire.pack(ack))


def open_ack(data: bytes, believed: Keyring, address: TerminalAddress) -> Ack:
    """Verify and decode an acknowledgement meant for ``address``. Raises ContractError (FOREIGN_ORIGIN for another
    terminal's).
    """
    opened = open_sealed(data, ContentType.ACK, believed, MAX_MESSAGE_BYTES)
    ack = wire.unpack(Ack, opened.payload, MAX_MESSAGE_BYTES)
    _require_own(ack.address, address)
    return ack


def seal_welcome(signer: Signer, welcome: Welcome) -> bytes:
    """Return HQ's signed welcome."""
    return seal(signer, ContentType.WELCOME, wire.pack(welcome))


def open_welcome(data: bytes, believed: Keyring, address: TerminalAddress) -> Welcome:
    """Verify and decode a welcome meant for ``address``. Raises ContractError (FOREIGN_ORIGIN for another
    terminal's).
    """
    opened = open_sealed(data, ContentType.WELCOME, believed, MAX_MESSAGE_BYTES)
    welcome = wire.unpack(Welcome, opened.payload, MAX_MESSAGE_BYTES)
    _require_own(welcome.address, address)
    return welcome


def _require_own(found: TerminalAddress, address: TerminalAddress) -> None:
    if found != address:
        raise ContractError(Reason.FOREIGN_ORIGIN, "address", str(found))
