"""A journal out of a file, such as from a USB stick, through the very checks it would meet over the air."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, select

from contract import wire
from contract.envelope import keyring
from contract.export import ExportedEntry, ExportManifest, open_manifest, peek_manifest, read_entries, read_manifest
from contract.ids import TerminalAddress
from contract.messages import BATCH_BYTES, BATCH_ENTRIES, GRAMMAR, Ack, Batch, RefusedEntry
from hq.db import reading
from hq.errors import OfficeError
from hq.facts import keys_of
from hq.ingest import BatchRefused, take
from hq.packs import PackShelf
from hq.tables import chains


@dataclass(frozen=True, slots=True)
class BroughtEpoch:
    """What became of one epoch in the file: entries that were new, that head office had, that it cannot read yet, and
    what it refused first, after which it took nothing more of this epoch. ``missing`` could not be read at the till.
    """

    epoch: int
    new: int
    known: int
    unread: int
    refused: RefusedEntry | None
    missing: int


@dataclass(frozen=True, slots=True)
class Brought:
    """What became of a file: whose journal, made when (Unix milliseconds, by the till's clock)."""

    address: TerminalAddress
    made_ms: int
    epochs: tuple[BroughtEpoch, ...]

    @property
    def whole(self) -> bool:
        """Whether nothing was refused."""
        return all(epoch.refused is None for epoch in self.epochs)


def bring_in(engine: Engine, shelf: PackShelf, path: Path, now_ms: int) -> Brought:
    """Take the entries of an exported journal into the books, those that are new, each batch for good by itself.

    The file is read twice: nothing of it is taken before all of it is what its till signed for. Raises OSError where
    it cannot be read, OfficeError where it is of a till that head office does not know, ContractError where it is
    damaged or not signed by that till.
    """
    with path.open("rb") as file:
        sealed = read_manifest(file.read)
        address = peek_manifest(sealed).address
        with reading(engine) as connection:
            keys = keys_of(connection, address)
        if not keys:
            raise OfficeError(
                f"{path}：{address} 没有登记；用 hq terminal add 登记后再导入。",
                f"{path}: {address} is not enrolled; add it with `tapledger hq terminal add`.",
            )
        manifest = open_manifest(sealed, keyring(*keys.values()))
        for _ in read_entries(file.read, manifest):
            pass
    with path.open("rb") as file:
        read_manifest(file.read)
        entries = _Ahead(read_entries(file.read, manifest))
        epochs = tuple(
            _bring_epoch(engine, shelf, manifest, part.epoch, len(part.missing), entries, now_ms)
            for part in manifest.epochs
        )
    return Brought(address, manifest.made_ms, epochs)


class _Ahead:
    """Entries of a file, cut into batches of one epoch without gaps."""

    def __init__(self, entries: Iterator[ExportedEntry]) -> None:
        self._entries = entries
        self._next = next(entries, None)

    def batches(self, epoch: int) -> Iterator[Batch]:
        """Yield the batches of ``epoch``, which is the next in the file."""
        while self._next is not None and self._next.epoch == epoch:
            first_seq, taken, size = self._next.seq, list[bytes](), 0
            while self._fits(epoch, first_seq + len(taken), len(taken), size):
                assert self._next is not None
                taken.append(self._next.sealed)
                size += len(self._next.sealed)
                self._next = next(self._entries, None)
            yield Batch(GRAMMAR, epoch, first_seq, tuple(taken))

    def _fits(self, epoch: int, seq: int, count: int, size: int) -> bool:
        found = self._next
        if found is None or (found.epoch, found.seq) != (epoch, seq):
            return False
        return count == 0 or (count < BATCH_ENTRIES and size + len(found.sealed) <= BATCH_BYTES)


def _bring_epoch(
    engine: Engine,
    shelf: PackShelf,
    manifest: ExportManifest,
    epoch: int,
    missing: int,
    entries: _Ahead,
    now_ms: int,
) -> BroughtEpoch:
    new, known, unread = 0, 0, 0
    refused: RefusedEntry | None = None
    for batch in entries.batches(epoch):
        if refused is not None:
            continue
        with reading(engine) as connection:
            before = _upto(connection, manifest.address, epoch)
        outcome = take(engine, manifest.address, wire.pack(batch), shelf, now_ms)
        if isinstance(outcome, BatchRefused):
            refused = RefusedEntry(batch.first_seq, outcome.reason)
        if not isinstance(outcome, Ack):
            continue
        new += outcome.upto_seq - before
        known += max(0, min(before, batch.first_seq + len(batch.entries) - 1) - batch.first_seq + 1)
        unread += len(outcome.quarantined)
        refused = outcome.refused[0] if outcome.refused else None
    return BroughtEpoch(epoch, new, known, unread, refused, missing)


def _upto(connection: Connection, address: TerminalAddress, epoch: int) -> int:
    found: int | None = connection.scalar(
        select(chains.c.upto_seq).where(chains.c.address == str(address), chains.c.epoch == epoch)
    )
    return found or 0
