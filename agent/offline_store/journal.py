"""The journal: signed, hash-chained entries that are never edited, and what has become of them.

One table is journal and outbox. An entry, the perpetual totals it carries and the receipt it owes are one commit; the
acknowledged cursor moves only to a hash that is this journal's own.
"""

from dataclasses import dataclass, replace
from typing import Any

from agent.clock import Stamp
from agent.offline_store.database import Database
from agent.offline_store.faults import StoreCause, StoreError
from contract.bodies import Body, EntryKind
from contract.envelope import Keyring, keyring
from contract.errors import ContractError
from contract.ids import TerminalAddress
from contract.journal import GRAMMAR, Entry, EntryHeader, TimeQuality, identity_hash, open_entry, seal_entry
from contract.signing import PublicKey, Signer
from contract.trade import PerpetualTotals, SaleBody

CHECKED_ON_OPEN = 64
"""So many of the newest entries are verified each time the store is opened; verify.py reads all of them."""


@dataclass(frozen=True, slots=True)
class ChainPoint:
    """A place in the chain: the entry ``seq`` and its SHA-256; for ``seq`` 0 the identity's hash."""

    seq: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many entries head office has not acknowledged, and the wall time of the oldest (None where there is none)."""

    count: int
    oldest_wall_ms: int | None


@dataclass(frozen=True, slots=True)
class Source:
    """Whose chain it is: a terminal, one epoch of it, and the key that verifies its entries."""

    address: TerminalAddress
    epoch: int
    key: PublicKey

    @property
    def start(self) -> ChainPoint:
        """Where the chain begins."""
        return ChainPoint(0, identity_hash(self.address, self.epoch, self.key))

    @property
    def believed(self) -> Keyring:
        """The one key that signs this chain."""
        return keyring(self.key)


class Journal:
    """The entries of one terminal and epoch in ``database``, signed by ``signer``."""

    def __init__(self, database: Database, address: TerminalAddress, epoch: int, signer: Signer) -> None:
        self._database = database
        self._signer = signer
        self._source = Source(address, epoch, signer.public)
        self._start = self._source.start

    def require_own(self) -> None:
        """Claim a new file for this terminal, or make sure that it is this terminal's. Raises StoreError(FOREIGN)."""
        source = self._source
        mine = (str(source.address), source.epoch, source.key.text(), self._start.digest)
        found = self._database.row("SELECT address, epoch, journal_key, identity_hash FROM identity")
        if found is None:
            with self._database.transaction():
                self._database.write("INSERT INTO identity VALUES (1, ?, ?, ?, ?)", *mine)
                self._database.write("INSERT INTO totals VALUES (1, 0, 0)")
                self._database.write("INSERT INTO acknowledged VALUES (1, 0, ?, 0)", self._start.digest)
        elif found != mine:
            raise StoreError(StoreCause.FOREIGN, f"the file belongs to {found[0]} epoch {found[1]} or to another key")

    def require_sound(self) -> None:
        """Verify the newest entries, the totals and the cursor. Raises StoreError(CORRUPT) naming what does not fit."""
        head, acked = self.head(), self.acked()
        first = max(1, head.seq - CHECKED_ON_OPEN + 1)
        point = self._point(first - 1)
        for seq, sealed in self.entries_after(first - 1, CHECKED_ON_OPEN, 2**62):
            point = ChainPoint(seq, check_link(self._source, point, seq, sealed).digest)
        if point != head:
            raise StoreError(StoreCause.CORRUPT, f"entry {head.seq}: is not the end of the chain before it")
        if acked.seq > head.seq or self._point(acked.seq) != acked:
            raise StoreError(StoreCause.CORRUPT, f"the journal does not hold what was acknowledged up to {acked.seq}")
        newest = self.last_sale()
        carried = PerpetualTotals(0, 0) if newest is None else _sale(newest).totals
        if carried != self.totals():
            raise StoreError(StoreCause.CORRUPT, "the perpetual totals are not those of the newest sale")

    def append(
        self, kind: EntryKind, transaction: bytes, stamp: Stamp, body: Body, owes_receipt: bool = False
    ) -> Entry:
        """Sign and chain an entry, durably, in a transaction of its own; see :meth:`append_within`."""
        with self._database.transaction():
            return self.append_within(kind, transaction, stamp, body, owes_receipt)

    def append_within(
        self, kind: EntryKind, transaction: bytes, stamp: Stamp, body: Body, owes_receipt: bool = False
    ) -> Entry:
        """Sign and chain an entry as part of the caller's transaction.

        A sale carries the perpetual totals of this journal, whatever totals the body came with. A transaction id that
        is in the journal returns the entry it has. Raises StoreError; INVALID where the contract forbids the body.
        """
        known = self.known(transaction)
        if known is not None:
            return known
        if isinstance(body, SaleBody):
            before = self.totals()
            body = replace(body, totals=_plus(before, body))
        entry = self._sealed(kind, transaction, stamp, body)
        header = entry.header
        self._database.write(
            "INSERT INTO journal (seq, transaction_id, wall_ms, digest, sealed) VALUES (?, ?, ?, ?, ?)",
            *(header.seq, transaction, header.wall_ms, entry.digest, entry.sealed),
        )
        if isinstance(body, SaleBody):
            after = body.totals
            self._database.write("UPDATE totals SET sales = ?, payable_minor = ?", after.sales, after.payable_minor)
            self._database.write("INSERT INTO receipts (seq, owed) VALUES (?, ?)", header.seq, int(owes_receipt))
        return entry

    def known(self, transaction: bytes) -> Entry | None:
        """Return the entry with this transaction id, if it is in the journal."""
        found = self._database.row("SELECT seq FROM journal WHERE transaction_id = ?", transaction)
        return None if found is None else self.entry(found[0])

    def totals(self) -> PerpetualTotals:
        """Return the counters over the till's whole life."""
        return PerpetualTotals(*self._one("SELECT sales, payable_minor FROM totals"))

    def head(self) -> ChainPoint:
        """Return the newest entry's place."""
        found = self._database.row("SELECT seq, digest FROM journal ORDER BY seq DESC LIMIT 1")
        return self._start if found is None else ChainPoint(*found)

    def acked(self) -> ChainPoint:
        """Return how far head office has acknowledged."""
        return ChainPoint(*self._one("SELECT seq, digest FROM acknowledged"))

    def signed_time_ms(self) -> int:
        """Return the latest time that head office has signed and this store has seen; 0 for none."""
        (acked_ms,) = self._one("SELECT signed_time_ms FROM acknowledged")
        (issued_ms,) = self._one("SELECT coalesce(max(issued_ms), 0) FROM documents")
        return max(int(acked_ms), int(issued_ms))

    def believed_time_ms(self) -> int:
        """Return the latest time that is believed to have passed: signed by head office, or kept in the newest entry.

        An entry counts where its time was disciplined or had itself been raised to a signed time; a crystal's word
        alone is no reason to stay ahead of a better clock for ever.
        """
        seq = self.head().seq
        header = None if seq == 0 else self.entry(seq).header
        free = header is None or header.time_quality is TimeQuality.FREE_RUNNING
        return max(self.signed_time_ms(), 0 if header is None or free else header.wall_ms)

    def note_signed_time(self, signed_ms: int) -> None:
        """Remember a time that head office signed. No sync of its own: lost at a power cut, an older one holds."""
        with self._database.transaction(durable=False):
            self._database.write("UPDATE acknowledged SET signed_time_ms = max(signed_time_ms, ?)", signed_ms)

    def advance(self, upto_seq: int, head_hash: bytes, hq_time_ms: int = 0) -> bool:
        """Move the acknowledged cursor to ``upto_seq`` where that entry has the hash ``head_hash``, else return False.

        False also below what was acknowledged before. The move has no sync of its own: lost at a power cut, head office
        says it again.
        """
        acked, signed_ms = self.acked(), self.signed_time_ms()
        if not acked.seq <= upto_seq <= self.head().seq or self.digest_at(upto_seq) != head_hash:
            return False
        if upto_seq == acked.seq and hq_time_ms <= signed_ms:
            return True
        with self._database.transaction(durable=False):
            self._database.write(
                "UPDATE acknowledged SET seq = ?, digest = ?, signed_time_ms = max(signed_time_ms, ?)",
                *(upto_seq, head_hash, hq_time_ms),
            )
        return True

    def backlog(self) -> Backlog:
        """Return what waits for head office."""
        acked = self.acked().seq
        oldest = self._database.row("SELECT wall_ms FROM journal WHERE seq = ?", acked + 1)
        return Backlog(self.head().seq - acked, None if oldest is None else oldest[0])

    def entries_after(self, seq: int, most: int, max_bytes: int) -> list[tuple[int, bytes]]:
        """Return consecutive ``(seq, signed bytes)`` from ``seq + 1`` on: at most ``most``, at most ``max_bytes``."""
        found: list[tuple[int, bytes]] = []
        left = max_bytes
        sql = "SELECT seq, sealed FROM journal WHERE seq > ? ORDER BY seq LIMIT ?"
        for number, sealed in self._database.rows(sql, seq, most):
            left -= len(sealed)
            if left < 0:
                break
            if number != seq + len(found) + 1:
                raise StoreError(StoreCause.CORRUPT, f"entry {seq + len(found) + 1}: is missing")
            found.append((number, sealed))
        return found

    def digest_at(self, seq: int) -> bytes | None:
        """Return the hash of an entry (of the identity for 0), None where there is none."""
        if seq == 0:
            return self._start.digest
        found = self._database.row("SELECT digest FROM journal WHERE seq = ?", seq)
        return None if found is None else bytes(found[0])

    def entry(self, seq: int) -> Entry:
        """Return an entry, its signature verified. Raises StoreError, ABSENT where there is none."""
        found = self._database.row("SELECT sealed FROM journal WHERE seq = ?", seq)
        if found is None:
            raise StoreError(StoreCause.ABSENT, f"entry {seq}")
        return _opened(self._source.believed, seq, found[0])

    def last_sale(self) -> Entry | None:
        """Return the newest sale."""
        (seq,) = self._one("SELECT max(seq) FROM receipts")
        if seq is None:
            return None
        self._point(seq)
        return self.entry(seq)

    def unprinted(self) -> list[int]:
        """Return the sales whose paper is not known to be out, oldest first."""
        return [seq for (seq,) in self._database.rows("SELECT seq FROM receipts WHERE owed = 1 ORDER BY seq")]

    def mark_printed(self, seq: int) -> None:
        """Note that a sale's paper is out or not wanted. Without a sync of its own: a lost mark costs a second paper,
        which says that it is one.
        """
        with self._database.transaction(durable=False):
            self._database.write("UPDATE receipts SET owed = 0 WHERE seq = ?", seq)

    def _sealed(self, kind: EntryKind, transaction: bytes, stamp: Stamp, body: Body) -> Entry:
        head = self.head()
        header = EntryHeader(
            grammar=GRAMMAR,
            address=self._source.address,
            epoch=self._source.epoch,
            seq=head.seq + 1,
            previous=head.digest,
            kind=kind,
            transaction=transaction,
            wall_ms=stamp.wall_ms,
            time_quality=stamp.quality,
            boot_id=stamp.boot_id,
            monotonic_ms=stamp.monotonic_ms,
        )
        try:
            return seal_entry(self._signer, header, body)
        except ContractError as error:
            raise StoreError(StoreCause.INVALID, str(error)) from error

    def _point(self, seq: int) -> ChainPoint:
        digest = self.digest_at(seq)
        if digest is None:
            raise StoreError(StoreCause.CORRUPT, f"entry {seq}: is missing")
        return ChainPoint(seq, digest)

    def _one(self, sql: str) -> tuple[Any, ...]:
        found = self._database.row(sql)
        if found is None:
            raise StoreError(StoreCause.CORRUPT, "a row that is made with the file is missing")
        return found


def check_link(source: Source, before: ChainPoint, seq: int, sealed: bytes) -> Entry:
    """Verify that ``sealed`` is the entry that follows ``before`` and return it. Raises StoreError(CORRUPT)."""
    entry = _opened(source.believed, seq, sealed)
    header = entry.header
    if (header.address, header.epoch) != (source.address, source.epoch):
        raise StoreError(StoreCause.CORRUPT, f"entry {seq}: belongs to {header.address} epoch {header.epoch}")
    if (header.seq, header.previous) != (before.seq + 1, before.digest):
        raise StoreError(StoreCause.CORRUPT, f"entry {seq}: broken_chain")
    return entry


def check_totals(before: PerpetualTotals, entry: Entry) -> PerpetualTotals:
    """Verify that ``entry``, where it is a sale, counts on from ``before``; return the totals after it."""
    if entry.header.kind is not EntryKind.SALE:
        return before
    sale = _sale(entry)
    if sale.totals != _plus(before, sale):
        raise StoreError(StoreCause.CORRUPT, f"entry {entry.header.seq}: the perpetual totals do not count on")
    return sale.totals


def _plus(before: PerpetualTotals, sale: SaleBody) -> PerpetualTotals:
    return PerpetualTotals(before.sales + 1, before.payable_minor + sale.payable_minor)


def _sale(entry: Entry) -> SaleBody:
    try:
        body = entry.body()
    except ContractError as error:
        raise StoreError(StoreCause.CORRUPT, f"entry {entry.header.seq}: {error}") from error
    if not isinstance(body, SaleBody):
        raise StoreError(StoreCause.CORRUPT, f"entry {entry.header.seq}: is no sale")
    return body


def _opened(believed: Keyring, seq: int, sealed: bytes) -> Entry:
    try:
        entry = open_entry(sealed, believed)
    except ContractError as error:
        raise StoreError(StoreCause.CORRUPT, f"entry {seq}: {error.reason.value}") from error
    if entry.header.seq != seq:
        raise StoreError(StoreCause.CORRUPT, f"entry {seq}: says that it is entry {entry.header.seq}")
    return entry
