"""The journal entry and its hash chain.

An entry is an envelope over the CBOR array ``[header, body]``: the header is a record that can be read without
understanding the body, the body is a byte string holding a record whose shape depends on the header's kind. Each
header carries the SHA-256 of the entry before, as signed; the first of an epoch carries the hash of the terminal's
identity. Entries are never edited: whatever happened later is a later entry.
"""

import hashlib
from enum import StrEnum

from contract import cbor, wire
from contract.bodies import Body, EntryKind, body_type, require_whole
from contract.envelope import ContentType, Keyring, Opened, open_sealed, peek, seal
from contract.errors import ContractError, Reason
from contract.ids import DIGEST, TRANSACTION_ID, TerminalAddress
from contract.making import dataclass
from contract.signing import PublicKey, Signer

GRAMMAR = 3
MAX_ENTRY_BYTES = 24_000
"""The largest payload of an entry that a terminal makes of its own."""
MAX_PAYLOAD_BYTES = 26_000
"""The largest payload of any entry: one that holds an entry of an earlier epoch is a little larger than that."""


class TimeQuality(StrEnum):
    """How far the wall clock of an entry can be believed."""

    SYNCHRONISED = "synchronised"
    FREE_RUNNING = "free_running"
    DOUBTFUL = "doubtful"


@dataclass(frozen=True, slots=True)
class EntryHeader:
    """The part of an entry that everyone can read: where it stands in which chain, what kind it is, and when it was
    made.

    ``wall_ms`` is Unix time in milliseconds, ``monotonic_ms`` runs since the boot named by ``boot_id``;
    ``monotonic_ms`` never goes back in a boot.
    """

    grammar: int = wire.at(1, wire.whole(1, 255))
    address: TerminalAddress = wire.at(2, wire.record(TerminalAddress))
    epoch: int = wire.at(3, wire.whole(1, 2**31))
    seq: int = wire.at(4, wire.whole(1, 2**53))
    previous: bytes = wire.at(5, DIGEST)
    kind: EntryKind = wire.at(6, wire.choice(EntryKind))
    transaction: bytes = wire.at(7, TRANSACTION_ID)
    wall_ms: int = wire.at(8, wire.whole(0, 2**53))
    time_quality: TimeQuality = wire.at(9, wire.choice(TimeQuality))
    boot_id: bytes = wire.at(10, wire.octets(16))
    monotonic_ms: int = wire.at(11, wire.whole(0, 2**53))


@dataclass(frozen=True, slots=True)
class Entry:
    """A decoded entry beside the exact signed bytes it came from and their SHA-256."""

    header: EntryHeader
    body_bytes: bytes
    sealed: bytes
    digest: bytes

    def body(self) -> Body:
        """Decode the body. Raises ContractError where this grammar cannot read it, a sale's postings do not balance,
        or its parts do not fit each other.
        """
        found: Body = wire.unpack(body_type(self.header.kind), self.body_bytes, MAX_PAYLOAD_BYTES)
        require_whole(found)
        return found


def identity_hash(address: TerminalAddress, epoch: int, key: PublicKey) -> bytes:
    """What the first entry of an epoch is chained from: SHA-256 over the terminal's address, epoch and journal key."""
    return hashlib.sha256(cbor.encode(["tapledger-identity", str(address), epoch, key.raw])).digest()


def seal_entry(signer: Signer, header: EntryHeader, body: Body) -> Entry:
    """Return the signed entry. Raises ContractError where a field breaks its limits, the body is not of the header's
    kind, postings do not balance, or the parts of a sale do not fit each other.
    """
    if type(body) is not body_type(header.kind):
        raise ContractError(Reason.WRONG_TYPE, "body", f"not a {header.kind}")
    require_whole(body)
    body_bytes = wire.pack(body)
    payload = cbor.array([wire.pack(header), cbor.scalar(body_bytes)])
    if len(payload) > (MAX_PAYLOAD_BYTES if header.kind is EntryKind.CARRY_OVER else MAX_ENTRY_BYTES):
        raise ContractError(Reason.TOO_LARGE, detail=f"{len(payload)} bytes")
    sealed = seal(signer, ContentType.ENTRY, payload)
    return Entry(header, body_bytes, sealed, hashlib.sha256(sealed).digest())


def open_entry(sealed: bytes, believed: Keyring) -> Entry:
    """Verify the signature over the bytes as received and read the header; the body stays closed. Raises
    ContractError.
    """
    opened: Opened = open_sealed(sealed, ContentType.ENTRY, believed, MAX_PAYLOAD_BYTES)
    header, body_bytes = _split(opened.payload)
    return Entry(header, body_bytes, sealed, opened.digest)


def peek_header(sealed: bytes) -> EntryHeader:
    """Read the header of an entry without verifying anything. Raises ContractError."""
    return _split(peek(sealed, MAX_PAYLOAD_BYTES))[0]


def _split(payload: bytes) -> tuple[EntryHeader, bytes]:
    match cbor.parse(payload, MAX_PAYLOAD_BYTES):
        case [dict() as header, bytes() as body] if header.get(1) == GRAMMAR:
            found = wire.recognised(EntryHeader, header)
            if found is not None and cbor.array([found[1], cbor.scalar(body)]) == payload:
                return found[0], body
    match cbor.decode(payload, MAX_PAYLOAD_BYTES):
        case [dict() as header, bytes() as body]:
            if header.get(1) != GRAMMAR and type(header.get(1)) is int:
                raise ContractError(Reason.NEWER_GRAMMAR, detail=str(header.get(1)))
            return wire.from_wire(EntryHeader, header, "header"), body
    raise ContractError(Reason.WRONG_TYPE, detail="expected [header, body]")
