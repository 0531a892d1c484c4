"""The journal written into a file for head office, and such a file verified entry by entry without head office.

Both read a little at a time: the file may be larger than the terminal's memory, and the till sells on beside it.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO

from agent.offline_store.audit import NOTHING_DECLARED, Audit, Declared, declared_by
from agent.offline_store.chain import ChainPoint, Place, Source, opened
from agent.offline_store.faults import StoreCause, StoreError
from agent.offline_store.reading import SLICE_ROWS, KeptChain, digest_at, outline, reading, rows_of
from agent.offline_store.verify import ChainReport, Progress
from contract import envelope
from contract.envelope import keyring
from contract.errors import ContractError
from contract.export import (
    MOST_EPOCHS,
    MOST_MISSING,
    ExportedEpoch,
    ExportManifest,
    Measure,
    open_manifest,
    peek_manifest,
    read_entries,
    read_manifest,
    seal_manifest,
    write_export,
)
from contract.ids import TerminalAddress
from contract.signing import PublicKey, Signer

MOST_COMPARED = 200_000
"""With the originals of so many entries what carries them over is compared; a terminal has not so many waiting."""

OpenFile = Callable[[], AbstractContextManager[BinaryIO]]
"""Opens a file from its beginning; it is read more than once."""


def export_journal(
    store_path: Path, address: TerminalAddress, signer: Signer, sink: BinaryIO, after: Place, made_ms: int
) -> ExportManifest:
    """Write every entry behind ``after`` into ``sink``, behind a manifest signed by ``signer``; return the manifest.

    An entry that cannot be read is left out and named in the manifest. Raises StoreError: ABSENT where there is nothing
    to write; OSError where ``sink`` takes no more.
    """
    with reading(store_path) as connection:
        chains, _totals = outline(connection, address, signer.public)
        wanted = [part for chain in chains if (part := _behind(connection, chain, after)) is not None]
        measure = Measure()
        parts = tuple(_measured(connection, chain, measure) for chain in wanted)
        if not parts:
            raise StoreError(StoreCause.ABSENT, f"no entry behind {after}")
        try:
            manifest = measure.manifest(address, made_ms, parts[-MOST_EPOCHS:])
            sealed = seal_manifest(signer, manifest)
        except ContractError as error:
            raise StoreError(StoreCause.INVALID, str(error)) from error
        missing = {Place(part.epoch, seq) for part in parts for seq in part.missing}
        write_export(sink, sealed, _written(connection, wanted, missing))
        return manifest


def verify_export(
    open_file: OpenFile, key: PublicKey | None = None, progress: Progress | None = None
) -> tuple[ExportManifest, ChainReport]:
    """Verify every entry of an exported journal, by ``key``, or where none is given by the one the file itself names.

    Raises ContractError where the file is not whole as its manifest says; StoreError, CORRUPT at the first entry that
    does not fit, FOREIGN where it is signed by another key; OSError.
    """
    with open_file() as file:
        manifest = _manifest(read_manifest(file.read), key)
        declared, digests = _looked_over(file, manifest)
    audit = Audit(digests.get)
    done = 0
    with open_file() as file:
        read_manifest(file.read)
        entries = read_entries(file.read, manifest)
        for index, part in enumerate(manifest.epochs):
            source = Source(manifest.address, part.epoch, part.public_key())
            start = ChainPoint(part.first_seq - 1, part.before)
            if not start.seq and start != source.start:
                raise StoreError(StoreCause.CORRUPT, f"epoch {part.epoch} does not begin with the terminal's identity")
            following = manifest.epochs[index + 1].epoch if index + 1 < len(manifest.epochs) else 0
            audit.begin(source, start, declared.get(following, NOTHING_DECLARED))
            for _ in range(part.count):
                entry = next(entries)
                audit.take(entry.seq, entry.sealed)
                done += 1
                if progress is not None and done % SLICE_ROWS == 0:
                    progress(done, manifest.count)
            audit.end(ChainPoint(part.last_seq, part.head), None, carrying=True)
    return manifest, ChainReport(audit.reports, audit.totals)


def _behind(connection: sqlite3.Connection, chain: KeptChain, after: Place) -> KeptChain | None:
    """The part of an epoch that is wanted; None where nothing of it is."""
    if chain.source.epoch < after.epoch or chain.head.seq == chain.start.seq:
        return None
    if chain.source.epoch > after.epoch or after.seq <= chain.start.seq:
        return chain
    if after.seq >= chain.head.seq:
        return None
    digest = digest_at(connection, Place(chain.source.epoch, after.seq))
    if digest is None:
        raise StoreError(StoreCause.CORRUPT, f"entry {after}: cannot be read; begin behind another one")
    return KeptChain(chain.source, ChainPoint(after.seq, digest), chain.acked, chain.head, chain.carrying)


def _measured(connection: sqlite3.Connection, chain: KeptChain, measure: Measure) -> ExportedEpoch:
    """What the manifest says of an epoch, of which each entry that verifies is counted."""
    source, missing = chain.source, []
    for seq, columns in rows_of(connection, chain):
        place = Place(source.epoch, seq)
        sealed = None if columns is None else _verified(source, place, columns[2])
        if sealed is None:
            missing.append(seq)
        else:
            measure.add(sealed)
        if len(missing) > MOST_MISSING:
            raise StoreError(
                StoreCause.CORRUPT, f"more than {MOST_MISSING} entries of epoch {source.epoch} are damaged"
            )
    return ExportedEpoch(
        epoch=source.epoch,
        key=source.key.text(),
        first_seq=chain.start.seq + 1,
        last_seq=chain.head.seq,
        before=chain.start.digest,
        head=chain.head.digest,
        acked_seq=chain.acked.seq,
        missing=tuple(missing),
    )


def _verified(source: Source, place: Place, sealed: bytes) -> bytes | None:
    try:
        return opened(source.believed, place, sealed).sealed
    except StoreError:
        return None


def _written(connection: sqlite3.Connection, chains: list[KeptChain], missing: set[Place]) -> Iterator[bytes]:
    for chain in chains:
        for seq, columns in rows_of(connection, chain):
            if Place(chain.source.epoch, seq) in missing:
                continue
            if columns is None:
                raise StoreError(StoreCause.CORRUPT, f"entry {chain.source.epoch}/{seq}: could be read a moment ago")
            yield columns[2]


def _manifest(sealed: bytes, key: PublicKey | None) -> ExportManifest:
    """The manifest, verified by ``key``, or by the one that it names itself. Raises ContractError, StoreError."""
    said = peek_manifest(sealed)
    keys = {part.key for part in said.epochs}
    believed = key or (said.epochs[-1].public_key() if said.epochs else None)
    if believed is None or keys - {believed.text()}:
        raise StoreError(StoreCause.FOREIGN, f"the file belongs to {said.address} with another key")
    return open_manifest(sealed, keyring(believed))


def _looked_over(file: BinaryIO, manifest: ExportManifest) -> tuple[dict[int, Declared], dict[Place, bytes]]:
    """What each epoch's first entry says of the one before, and the hashes of what may have been carried over; the file
    is read whole, and whole it is.
    """
    parts = {part.epoch: part for part in manifest.epochs}
    newest = manifest.epochs[-1].epoch
    declared: dict[int, Declared] = {}
    digests: dict[Place, bytes] = {}
    for entry in read_entries(file.read, manifest):
        part, place = parts[entry.epoch], Place(entry.epoch, entry.seq)
        if entry.seq == 1:
            declared[entry.epoch] = declared_by(opened(keyring(part.public_key()), place, entry.sealed))
        if entry.epoch < newest and entry.seq > part.acked_seq and len(digests) < MOST_COMPARED:
            digests[place] = envelope.digest(entry.sealed)
    return declared, digests
