"""A journal in a file: entries as they were signed, behind a signed list of what there is, for head office to bring in
from a stick or a technician to verify.

The file is a CBOR sequence (RFC 8742) of byte strings. The first holds the manifest, an envelope signed by the
terminal; each other one holds an entry, epoch after epoch and in order. The manifest says how many bytes follow it and
their SHA-256, so that nothing can be taken out of the file or put into it unseen.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Protocol

from contract import wire
from contract.envelope import ContentType, Keyring, open_sealed, peek, seal
from contract.errors import ContractError, Reason
from contract.ids import DIGEST, TerminalAddress
from contract.journal import MAX_PAYLOAD_BYTES
from contract.making import dataclass
from contract.signing import PublicKey, Signer, parse_public_key

GRAMMAR = 1
MOST_EPOCHS = 256
MOST_MISSING = 1_000
"""How many places that could not be read an export names, in each epoch."""
MAX_MANIFEST_BYTES = 65_000
"""With its envelope, still a byte string with a length of two bytes."""
_MAX_ENVELOPE_BYTES = 128
"""What an envelope adds to its payload at most."""

_SEQ = wire.whole(0, 2**53)
_KEY = wire.text(160, "[a-z0-9]{1,8}:[0-9a-f]{1,140}")

Read = Callable[[int], bytes]
"""Like a file's ``read``: up to so many bytes, none only at the end."""


class Sink(Protocol):
    """Where an export goes, like a file open for writing."""

    def write(self, data: bytes, /) -> int:
        """Take all of ``data``."""
        ...


@dataclass(frozen=True, slots=True)
class ExportedEpoch:
    """The entries of one epoch in the file: ``first_seq`` to ``last_seq`` without ``missing``, which could not be read
    at the terminal. ``before`` is the hash that the first one is chained from, ``head`` the hash of the last one,
    ``key`` the public key that verifies them, ``acked_seq`` how far the terminal knew them acknowledged.
    """

    epoch: int = wire.at(1, wire.whole(1, 2**31))
    key: str = wire.at(2, _KEY)
    first_seq: int = wire.at(3, wire.whole(1, 2**53))
    last_seq: int = wire.at(4, wire.whole(1, 2**53))
    before: bytes = wire.at(5, DIGEST)
    head: bytes = wire.at(6, DIGEST)
    acked_seq: int = wire.at(7, _SEQ)
    missing: tuple[int, ...] = wire.maybe(8, wire.many(wire.whole(1, 2**53), MOST_MISSING), ())

    @property
    def count(self) -> int:
        """How many entries of this epoch the file holds."""
        return self.last_seq - self.first_seq + 1 - len(self.missing)

    def public_key(self) -> PublicKey:
        """The key that verifies these entries, as the file says; who believes it is the caller's to judge. Raises
        ContractError.
        """
        return parse_public_key(self.key)


@dataclass(frozen=True, slots=True)
class ExportManifest:
    """What is in the file: whose journal, made when by the terminal's clock, which epochs, and how many entries in so
    many bytes of that SHA-256 follow.
    """

    grammar: int = wire.at(1, wire.whole(1, 255))
    address: TerminalAddress = wire.at(2, wire.record(TerminalAddress))
    made_ms: int = wire.at(3, wire.whole(0, 2**53))
    epochs: tuple[ExportedEpoch, ...] = wire.at(4, wire.many(wire.record(ExportedEpoch), MOST_EPOCHS))
    count: int = wire.at(5, _SEQ)
    size: int = wire.at(6, wire.whole(0, 2**60))
    digest: bytes = wire.at(7, DIGEST)


@dataclass(frozen=True, slots=True)
class ExportedEntry:
    """One entry out of the file, as signed and not verified yet, and where it is to stand."""

    epoch: int
    seq: int
    sealed: bytes


class Measure:
    """Reckons what a manifest says of the entries that follow it; they are handed in in the file's order."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._size = 0
        self._count = 0

    def add(self, sealed: bytes) -> None:
        """Count one entry."""
        framed = frame(sealed)
        self._hash.update(framed)
        self._size += len(framed)
        self._count += 1

    def manifest(self, address: TerminalAddress, made_ms: int, epochs: tuple[ExportedEpoch, ...]) -> ExportManifest:
        """Return the manifest of what was handed in."""
        return ExportManifest(GRAMMAR, address, made_ms, epochs, self._count, self._size, self._hash.digest())


def seal_manifest(signer: Signer, manifest: ExportManifest) -> bytes:
    """Return the signed manifest. Raises ContractError where a field breaks its limits or the parts do not fit."""
    _require_whole(manifest)
    payload = wire.pack(manifest)
    if len(payload) > MAX_MANIFEST_BYTES:
        raise ContractError(Reason.TOO_LARGE, detail=f"{len(payload)} bytes")
    return seal(signer, ContentType.EXPORT, payload)


def write_export(sink: Sink, manifest: bytes, entries: Iterable[bytes]) -> None:
    """Write a sealed manifest and the entries it tells of."""
    sink.write(frame(manifest))
    for sealed in entries:
        sink.write(frame(sealed))


def read_manifest(read: Read) -> bytes:
    """Read the sealed manifest from the beginning of a file. Raises ContractError."""
    found = _framed(read, MAX_MANIFEST_BYTES + _MAX_ENVELOPE_BYTES, "manifest")
    if found is None:
        raise ContractError(Reason.NOT_AN_ENVELOPE, "manifest", "the file is empty")
    return found[0]


def peek_manifest(sealed: bytes) -> ExportManifest:
    """Read a manifest without believing it: for looking up whose key has to verify it. Raises ContractError."""
    return _manifest(peek(sealed, MAX_MANIFEST_BYTES))


def open_manifest(sealed: bytes, believed: Keyring) -> ExportManifest:
    """Verify the manifest by the terminal's journal key and read it. Raises ContractError. Whether that key is the one
    of the terminal it names is the caller's to judge.
    """
    return _manifest(open_sealed(sealed, ContentType.EXPORT, believed, MAX_MANIFEST_BYTES).payload)


def read_entries(read: Read, manifest: ExportManifest) -> Iterator[ExportedEntry]:
    """Yield the entries behind the manifest one after the other; what is not as the manifest says raises ContractError.

    That nothing was changed is known only at the end, where the hash is compared: until then each entry is worth no
    more than its own signature and place in the chain. Memory does not grow with the file.
    """
    seen, size = hashlib.sha256(), 0
    for epoch, seq in _places(manifest):
        path = f"epoch {epoch} entry {seq}"
        found = _framed(read, MAX_PAYLOAD_BYTES + _MAX_ENVELOPE_BYTES, path)
        if found is None:
            raise ContractError(Reason.MISSING_FIELD, path, "the file ends before it")
        sealed, head = found
        seen.update(head)
        seen.update(sealed)
        size += len(head) + len(sealed)
        if size > manifest.size:
            raise ContractError(Reason.TOO_LARGE, path, f"the manifest says {manifest.size} bytes")
        yield ExportedEntry(epoch, seq, sealed)
    if read(1):
        raise ContractError(Reason.TOO_LARGE, "", "the file goes on behind its last entry")
    if (size, seen.digest()) != (manifest.size, manifest.digest):
        raise ContractError(Reason.BAD_SIGNATURE, "digest", "the entries are not those that were signed for")


def frame(sealed: bytes) -> bytes:
    """Return ``sealed``, shorter than 65,536 bytes, as the CBOR byte string (RFC 8949 section 3.1, shortest head) that
    it is in the file.
    """
    return _head(len(sealed)) + sealed


def _head(size: int) -> bytes:
    if size < 24:
        return bytes([0x40 + size])
    return bytes([0x58, size]) if size < 2**8 else b"\x59" + size.to_bytes(2, "big")


def _framed(read: Read, max_bytes: int, path: str) -> tuple[bytes, bytes] | None:
    """The next byte string and its head; None at the end."""
    first = _exactly(read, 1, path, may_end=True)
    if not first:
        return None
    more = {0x58: 1, 0x59: 2}.get(first[0], 0)
    if not (more or 0x40 <= first[0] < 0x58):
        raise ContractError(Reason.NOT_CBOR, path, "expected a byte string")
    digits = _exactly(read, more, path)
    size = int.from_bytes(digits, "big") if more else first[0] - 0x40
    if first + digits != _head(size):
        raise ContractError(Reason.NOT_DETERMINISTIC, path, "the length is not in its shortest form")
    if not 1 <= size <= max_bytes:
        raise ContractError(Reason.TOO_LARGE if size else Reason.OUT_OF_RANGE, path, f"{size} bytes")
    return _exactly(read, size, path), first + digits


def _exactly(read: Read, size: int, path: str, may_end: bool = False) -> bytes:
    found = b""
    while len(found) < size:
        more = read(size - len(found))
        if not more:
            if may_end and not found:
                return b""
            raise ContractError(Reason.MISSING_FIELD, path, "the file ends in the middle of it")
        found += more
    return found


def _places(manifest: ExportManifest) -> Iterator[tuple[int, int]]:
    for part in manifest.epochs:
        missing = frozenset(part.missing)
        for seq in range(part.first_seq, part.last_seq + 1):
            if seq not in missing:
                yield part.epoch, seq


def _manifest(payload: bytes) -> ExportManifest:
    manifest = wire.unpack(ExportManifest, payload, MAX_MANIFEST_BYTES)
    _require_whole(manifest)
    return manifest


def _require_whole(manifest: ExportManifest) -> None:
    """Raise ContractError unless the parts of a manifest fit each other."""
    if manifest.grammar != GRAMMAR:
        raise ContractError(Reason.NEWER_GRAMMAR, "grammar", str(manifest.grammar))
    before = 0
    for index, part in enumerate(manifest.epochs):
        path = f"epochs[{index}]"
        if part.epoch <= before:
            raise ContractError(Reason.OUT_OF_RANGE, f"{path}.epoch", "expected in order, each once")
        before = part.epoch
        places = (part.first_seq - 1, *part.missing, part.last_seq + 1)
        if any(later <= earlier for earlier, later in pairwise(places)):
            raise ContractError(Reason.OUT_OF_RANGE, f"{path}.missing", "expected places from first to last, in order")
        part.public_key()
    if manifest.count != sum(part.count for part in manifest.epochs):
        raise ContractError(Reason.OUT_OF_RANGE, "count", "expected as many as the epochs hold")
