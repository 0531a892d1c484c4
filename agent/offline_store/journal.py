"""The journal: signed, hash-chained entries that are never edited, and what has become of them.

One table is journal and outbox. An entry, the perpetual totals it carries and the receipt it owes are one commit; the
acknowledged cursor moves only to a hash that is this journal's own. Epochs follow each other in one file: whatever asks
by sequence speaks of the open one, unless it says which.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from agent.clock import Stamp
from agent.offline_store.chain import (
    MOST_SEQ,
    NOTHING_YET,
    ChainPoint,
    Place,
    Source,
    body_of,
    carries,
    check_link,
    counted,
    damaged,
    opened,
    place_of,
    require_genuine,
    totals_in,
)
from agent.offline_store.database import Database
from agent.offline_store.faults import StoreCause, StoreError
from contract import envelope
from contract.bodies import Body, EntryKind, ShiftCloseBody
from contract.errors import ContractError
from contract.ids import TerminalAddress
from contract.journal import GRAMMAR, Entry, EntryHeader, TimeQuality, seal_entry
from contract.messages import MOST_EARLIER, EarlierEpoch
from contract.signing import Signer
from contract.trade import PerpetualTotals, SaleBody

CHECKED_ON_OPEN = 64
"""So many of the newest entries are verified each time the store is opened; verify.py reads all of them."""


class Journal:
    """The entries of one terminal in ``database``, signed by ``signer``. ``epoch`` is what a new file begins with."""

    def __init__(self, database: Database, address: TerminalAddress, epoch: int, signer: Signer) -> None:
        self._database = database
        self._signer = signer
        self._source = Source(address, epoch, signer.public)
        self._head: tuple[int, int, ChainPoint] | None = None
        """The newest entry's place in an epoch, as read or written at this version of the file."""
        self._totals: tuple[int, PerpetualTotals] | None = None

    @property
    def source(self) -> Source:
        """Whose chain is open, and in which epoch."""
        return self._source

    def require_own(self) -> None:
        """Claim a new file for this terminal, or make sure that it is this terminal's and go on in its newest epoch.
        Raises StoreError, FOREIGN where it is another's.
        """
        born = self._source
        found = self._database.row(
            "SELECT epoch, address, journal_key, identity_hash FROM identity ORDER BY epoch DESC LIMIT 1"
        )
        if found is None:
            if self._database.row("SELECT 1 FROM journal UNION ALL SELECT 1 FROM totals") is not None:
                raise StoreError(StoreCause.CORRUPT, "a row that is made with the file is missing")
            with self._database.transaction():
                self.found(born)
                self._database.write("INSERT INTO totals VALUES (1, 0, 0, 0, 0, 0, 0, 0, 0, 0)")
                self._database.write("INSERT INTO heard VALUES (1, 0)")
            return
        epoch, address, key, identity = found
        newest = Source(born.address, epoch, born.key)
        if (address, key, identity) != (str(born.address), born.key.text(), newest.start.digest) or epoch < born.epoch:
            require_genuine(epoch, address, key, identity)
            raise StoreError(StoreCause.FOREIGN, f"the file belongs to {address} epoch {epoch} or to another key")
        self._source = newest

    def found(self, source: Source) -> None:
        """Note that the chain of ``source`` begins here, as part of the caller's transaction."""
        start = source.start.digest
        self._database.write(
            "INSERT INTO identity VALUES (?, ?, ?, ?, 0, ?, 0, ?, NULL)",
            *(source.epoch, str(source.address), source.key.text(), start, start, start),
        )

    @contextmanager
    def going_on(self, source: Source) -> Iterator[None]:
        """Within it and after it ``source`` is the open chain; an exception inside leaves the one before open."""
        before, self._source = self._source, source
        try:
            yield
        except BaseException:
            self._source = before
            raise

    def require_sound(self) -> None:
        """Verify the newest entries, the totals and the cursor. Raises StoreError(CORRUPT) naming what does not fit."""
        head, acked, start = self.head(), self.acked(), self.start()
        first = max(start.seq, head.seq - CHECKED_ON_OPEN)
        digest = self.digest_at(first)
        if digest is None:
            raise damaged(Place(self._source.epoch, first), "is missing")
        point = ChainPoint(first, digest)
        for seq, sealed in self.entries_after(first, CHECKED_ON_OPEN, 2**62):
            point = ChainPoint(seq, check_link(self._source, point, seq, sealed).digest)
        if point != head:
            raise damaged(Place(self._source.epoch, point.seq + 1), "is not the end of the chain before it")
        if self.digest_at(acked.seq) != acked.digest:
            raise StoreError(StoreCause.CORRUPT, f"the journal does not hold what was acknowledged up to {acked.seq}")
        counting, sale = self._one("SELECT counted_place, sale_place FROM totals")
        for row in (counting, sale):
            if row and self.bytes_at(place_of(row)) is None:
                raise damaged(place_of(row), "is missing")
        carried = totals_in(body_of(self.at(place_of(counting)))) if counting else NOTHING_YET
        if carried != self.totals():
            raise StoreError(StoreCause.CORRUPT, "the perpetual totals are not those of the newest entry with any")
        self.last_sale()
        self.signed_time_ms()

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

        What counts carries the perpetual totals of this journal, whatever totals the body came with. A transaction id
        that is in the journal returns the entry it has; only what carries that very entry over is another one. Raises
        StoreError; INVALID where the contract forbids the body.
        """
        known = None if kind is EntryKind.CARRY_OVER else self.known(transaction)
        return self.add_within(kind, transaction, stamp, body, owes_receipt) if known is None else known

    def add_within(
        self, kind: EntryKind, transaction: bytes, stamp: Stamp, body: Body, owes_receipt: bool = False
    ) -> Entry:
        """Do the same with what is not in the journal. Raises StoreError, INVALID also where its transaction id is."""
        before = self.totals()
        body = counted(before, body)
        entry = self._sealed(kind, transaction, stamp, body)
        row = self.keep(entry)
        self.count(row, body)
        if owes_receipt:
            self._database.write("INSERT INTO receipts (place) VALUES (?)", row)
        version = self._database.version
        self._head = version, entry.header.epoch, ChainPoint(entry.header.seq, entry.digest)
        self._totals = version, totals_in(body) or before
        return entry

    def keep(self, entry: Entry) -> int:
        """Write an entry's row as part of the caller's transaction, and return the number of the row."""
        header = entry.header
        row = Place(header.epoch, header.seq).row
        self._database.write(
            "INSERT INTO journal (place, transaction_id, carried, wall_ms, digest, sealed) VALUES (?, ?, ?, ?, ?, ?)",
            *(row, header.transaction, int(carries(entry)), header.wall_ms, entry.digest, entry.sealed),
        )
        return row

    def count(self, row: int, body: Body) -> None:
        """Take over the totals that the entry in ``row`` carries, if any, as part of the caller's transaction."""
        after = totals_in(body)
        if after is None:
            return
        self._database.write(
            "UPDATE totals SET sales = ?, payable_minor = ?, refunds = ?, refunded_minor = ?, top_ups = ?,"
            " topped_up_minor = ?, counted_place = ?, sale_place = iif(?, ?, sale_place),"
            " shift_place = iif(?, ?, shift_place)",
            *(after.sales, after.payable_minor, after.refunds, after.refunded_minor, after.top_ups),
            *(after.topped_up_minor, row, isinstance(body, SaleBody), row, isinstance(body, ShiftCloseBody), row),
        )

    def known(self, transaction: bytes) -> Entry | None:
        """Return the entry with this transaction id, if it is in the journal, in whichever epoch."""
        found = self._database.row("SELECT place FROM journal WHERE transaction_id = ? AND carried = 0", transaction)
        return None if found is None else self.at(place_of(found[0]))

    def totals(self) -> PerpetualTotals:
        """Return the counters over the till's whole life."""
        version = self._database.version
        if self._totals is None or self._totals[0] != version:
            sql = "SELECT sales, payable_minor, refunds, refunded_minor, top_ups, topped_up_minor FROM totals"
            self._totals = version, PerpetualTotals(*self._one(sql))
        return self._totals[1]

    def head(self, epoch: int | None = None) -> ChainPoint:
        """Return the newest entry's place; of an epoch that has no entry its start. Raises StoreError, ABSENT where
        there is no such epoch.
        """
        version, epoch = self._database.version, epoch or self._source.epoch
        if self._head is None or self._head[:2] != (version, epoch):
            found = self._database.row(
                "SELECT seq, digest FROM journal WHERE place BETWEEN ? AND ? ORDER BY place DESC LIMIT 1",
                *(self._row(0, epoch), self._row(MOST_SEQ, epoch)),
            )
            self._head = version, epoch, self.start(epoch) if found is None else ChainPoint(*found)
        return self._head[2]

    def start(self, epoch: int | None = None) -> ChainPoint:
        """Return what the first entry that is kept is chained from. Raises StoreError, ABSENT where there is no such
        epoch.
        """
        return ChainPoint(*self._epoch("kept_after_seq, kept_after_digest", epoch))

    def acked(self, epoch: int | None = None) -> ChainPoint:
        """Return how far head office has acknowledged. Raises StoreError, ABSENT where there is no such epoch."""
        return ChainPoint(*self._epoch("acked_seq, acked_digest", epoch))

    def epochs(self) -> list[int]:
        """Return every epoch of this till that the file knows, oldest first."""
        return [epoch for (epoch,) in self._database.rows("SELECT epoch FROM identity ORDER BY epoch")]

    def earlier(self) -> tuple[EarlierEpoch, ...]:
        """Return the latest of the chains that have ended, oldest first, as a hello tells of them."""
        ended = self.epochs()[:-1][-MOST_EARLIER:]
        heads = ((epoch, self.head(epoch)) for epoch in ended)
        return tuple(EarlierEpoch(epoch, head.seq, head.digest) for epoch, head in heads)

    def signed_time_ms(self) -> int:
        """Return the latest time that head office has signed and this store has seen; 0 for none."""
        (heard_ms,) = self._one("SELECT signed_time_ms FROM heard")
        (issued_ms,) = self._one("SELECT coalesce(max(issued_ms), 0) FROM documents")
        return max(int(heard_ms), int(issued_ms))

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
            self._database.write("UPDATE heard SET signed_time_ms = max(signed_time_ms, ?)", signed_ms)

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
                "UPDATE identity SET acked_seq = ?, acked_digest = ? WHERE epoch = ?",
                *(upto_seq, head_hash, self._source.epoch),
            )
            self._database.write("UPDATE heard SET signed_time_ms = max(signed_time_ms, ?)", hq_time_ms)
        return True

    def entries_after(self, seq: int, most: int, max_bytes: int) -> list[tuple[int, bytes]]:
        """Return consecutive ``(seq, signed bytes)`` from ``seq + 1`` on: at most ``most``, at most ``max_bytes``.

        They end before an entry that cannot be read as it was written. Where that is the very first: StoreError,
        CORRUPT with its place.
        """
        found: list[tuple[int, bytes]] = []
        try:
            self._gather(found, self._source.epoch, seq, most, max_bytes)
        except StoreError as error:
            if error.cause is not StoreCause.CORRUPT:
                raise
            if not found:
                raise damaged(Place(self._source.epoch, seq + 1), error.detail) from error
        return found

    def entries_of(self, epoch: int, seq: int, most: int, max_bytes: int) -> list[tuple[int, bytes]]:
        """Return the same of any epoch, as far as it is kept and can be read; nothing where that is not at all."""
        found: list[tuple[int, bytes]] = []
        try:
            self._gather(found, epoch, seq, most, max_bytes)
        except StoreError as error:
            if error.cause is not StoreCause.CORRUPT:
                raise
        return found

    def digest_at(self, seq: int, epoch: int | None = None) -> bytes | None:
        """Return the hash of an entry (of the identity for 0), None where there is none."""
        chain = self._database.row(
            "SELECT identity_hash, kept_after_seq, kept_after_digest FROM identity WHERE epoch = ?",
            epoch or self._source.epoch,
        )
        if chain is None or not 0 <= seq <= MOST_SEQ:
            return None
        identity, kept_after_seq, kept_after_digest = chain
        if seq in (0, kept_after_seq):
            return bytes(kept_after_digest if seq else identity)
        found = self._database.row("SELECT digest FROM journal WHERE place = ?", self._row(seq, epoch))
        return None if found is None else bytes(found[0])

    def entry(self, seq: int, epoch: int | None = None) -> Entry:
        """Return an entry, its signature verified. Raises StoreError, ABSENT where there is none."""
        return self.at(Place(epoch or self._source.epoch, seq))

    def at(self, place: Place) -> Entry:
        """Return the entry at ``place``, its signature verified. Raises StoreError, ABSENT where there is none."""
        found = self._database.row("SELECT sealed FROM journal WHERE place = ?", place.row)
        if found is None:
            raise StoreError(StoreCause.ABSENT, f"entry {place}")
        return opened(self._source.believed, place, found[0])

    def bytes_at(self, place: Place) -> bytes | None:
        """Return the signed bytes at ``place``; None where they are missing or not those that were signed, as far as
        their hash can tell.
        """
        try:
            found = self._database.row("SELECT digest, sealed FROM journal WHERE place = ?", place.row)
        except StoreError as error:
            if error.cause is StoreCause.CORRUPT:
                return None
            raise
        return None if found is None or envelope.digest(found[1]) != found[0] else bytes(found[1])

    def last_sale(self) -> Entry | None:
        """Return the newest sale, in whichever epoch."""
        (row,) = self._one("SELECT sale_place FROM totals")
        return self.at(place_of(row)) if row else None

    def unprinted(self) -> list[Place]:
        """Return the entries whose paper is not known to be out, oldest first, in whichever epoch."""
        return [place_of(row) for (row,) in self._database.rows("SELECT place FROM receipts ORDER BY place")]

    def mark_printed(self, seq: int, epoch: int | None = None) -> None:
        """Note that an entry's paper is out or not wanted. Without a sync of its own: a lost mark costs a second paper,
        which says that it is one.
        """
        with self._database.transaction(durable=False):
            self._database.write("DELETE FROM receipts WHERE place = ?", self._row(seq, epoch))

    def _gather(self, found: list[tuple[int, bytes]], epoch: int, seq: int, most: int, max_bytes: int) -> None:
        sql = "SELECT seq, digest, sealed FROM journal WHERE place > ? AND place <= ? ORDER BY place LIMIT ?"
        with closing(self._database.rows(sql, self._row(seq, epoch), self._row(MOST_SEQ, epoch), most)) as rows:
            for number, digest, sealed in rows:
                if type(sealed) is not bytes:
                    raise StoreError(StoreCause.CORRUPT, "its row holds no bytes")
                max_bytes -= len(sealed)
                if max_bytes < 0:
                    return
                if number != seq + len(found) + 1:
                    raise StoreError(StoreCause.CORRUPT, "is missing")
                if envelope.digest(sealed) != digest:
                    raise StoreError(StoreCause.CORRUPT, "its bytes are not those that were signed")
                found.append((number, sealed))

    def _sealed(self, kind: EntryKind, transaction: bytes, stamp: Stamp, body: Body) -> Entry:
        head = self.head()
        if head.seq >= MOST_SEQ:
            raise StoreError(StoreCause.FULL, f"epoch {self._source.epoch} has no number left")
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

    def _row(self, seq: int, epoch: int | None = None) -> int:
        return Place(epoch or self._source.epoch, seq).row

    def _epoch(self, columns: str, epoch: int | None) -> tuple[Any, ...]:
        number = epoch or self._source.epoch
        found = self._database.row(f"SELECT {columns} FROM identity WHERE epoch = ?", number)
        if found is None:
            raise StoreError(StoreCause.ABSENT, f"epoch {number}")
        return found

    def _one(self, sql: str) -> tuple[Any, ...]:
        found = self._database.row(sql)
        if found is None:
            raise StoreError(StoreCause.CORRUPT, "a row that is made with the file is missing")
        return found
