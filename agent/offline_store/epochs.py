"""One chain ends and the next begins: what head office has not acknowledged is carried over, as it was signed.

The first entry of the new epoch, its row in the file and the first of what is carried are one durable commit; the rest
follows in commits of their own, in order. Where the power fails between them, the next opening goes on.
"""

from collections.abc import Callable

from agent.clock import Stamp
from agent.offline_store.audit import MOST_LOST
from agent.offline_store.chain import (
    MOST_EPOCH,
    ChainPoint,
    Place,
    Source,
    body_of,
    original,
    place_of,
)
from agent.offline_store.database import Database
from agent.offline_store.faults import StoreCause, StoreError
from agent.offline_store.journal import Journal
from contract.bodies import Body, CarryOverBody, EntryKind, EpochReason, EpochStartBody
from contract.errors import ContractError
from contract.journal import Entry, EntryHeader, peek_header

CARRIED_AT_ONCE = 100
"""So many entries are carried over in one commit."""

_COUNTING = frozenset([EntryKind.SALE, EntryKind.REFUND, EntryKind.TOP_UP, EntryKind.SHIFT_CLOSE])
"""The kinds of entry that carry the perpetual totals."""

Applied = Callable[[Entry, Body], None]
"""Lets an entry have its effect on what else is kept, inside the transaction that appends it."""


class Epochs:
    """The epochs of ``journal``; ``applied`` is told of each entry that begins one or carries over."""

    def __init__(self, database: Database, journal: Journal, applied: Applied) -> None:
        self._database = database
        self._journal = journal
        self._applied = applied

    def begin(self, epoch: int, reason: EpochReason, transaction: bytes, stamp: Stamp) -> Entry:
        """End the open epoch and begin ``epoch``, durably; return its first entry.

        Where that epoch has begun already and not everything is carried over yet, go on with it. Raises StoreError,
        INVALID unless ``epoch`` is later than the open one.
        """
        unfinished = self._carried_seq() is not None
        self.finish()
        old = self._journal.source
        if epoch == old.epoch and unfinished:
            return self._journal.entry(1)
        if not old.epoch < epoch <= MOST_EPOCH:
            raise StoreError(StoreCause.INVALID, f"epoch {epoch} cannot follow {old.epoch}")
        acked, head = self._acked(), self._journal.head()
        lost = self._lost(old.epoch, acked.seq, head.seq, reason is EpochReason.JOURNAL_DAMAGED)
        body = EpochStartBody(reason, old.epoch, acked.seq, acked.digest, head.seq, lost[:MOST_LOST])
        new = Source(old.address, epoch, old.key)
        with self._journal.going_on(new), self._database.transaction():
            if lost or reason is EpochReason.JOURNAL_DAMAGED:
                self._recount()
                self._database.write(
                    "UPDATE identity SET acked_seq = ?, acked_digest = ? WHERE epoch = ?",
                    *(acked.seq, acked.digest, old.epoch),
                )
            self._journal.found(new)
            start = self._append(EntryKind.EPOCH_START, transaction, stamp, body)
            self._carry_some(old.epoch, acked.seq, head.seq, stamp)
        self.finish()
        return start

    def finish(self) -> None:
        """Carry over what a power cut or a full disk has left behind; nothing where all is done. Raises StoreError."""
        carried = self._carried_seq()
        if carried is None:
            return
        epochs = self._journal.epochs()
        before = epochs[epochs.index(self._journal.source.epoch) - 1]
        head_seq = self._journal.head(before).seq
        newest = self._journal.entry(self._journal.head().seq).header
        stamp = Stamp(newest.wall_ms, newest.time_quality, newest.boot_id, newest.monotonic_ms)
        while carried is not None:
            with self._database.transaction():
                self._carry_some(before, carried, head_seq, stamp)
            carried = self._carried_seq()

    def _carry_some(self, epoch: int, after: int, head_seq: int, stamp: Stamp) -> None:
        """Carry the next entries of ``epoch`` over as part of the caller's transaction, and note how far that is."""
        upto = min(after + CARRIED_AT_ONCE, head_seq)
        for seq in range(after + 1, upto + 1):
            place = Place(epoch, seq)
            kept = self._as_kept(place)
            if kept is None:
                continue
            header, sealed = kept
            if header.kind is EntryKind.CARRY_OVER:
                place, sealed = original(self._journal.at(place))
            body = CarryOverBody(place.epoch, place.seq, sealed)
            self._append(EntryKind.CARRY_OVER, header.transaction, stamp, body)
        self._database.write(
            "UPDATE identity SET carried_seq = ? WHERE epoch = ?",
            *(upto if upto < head_seq else None, self._journal.source.epoch),
        )

    def _append(self, kind: EntryKind, transaction: bytes, stamp: Stamp, body: Body) -> Entry:
        entry = self._journal.append_within(kind, transaction, stamp, body)
        self._applied(entry, body)
        return entry

    def _carried_seq(self) -> int | None:
        found = self._database.row("SELECT carried_seq FROM identity WHERE epoch = ?", self._journal.source.epoch)
        if found is None:
            raise StoreError(StoreCause.CORRUPT, "a row that is made with the file is missing")
        return None if found[0] is None else int(found[0])

    def _acked(self) -> ChainPoint:
        """How far head office has acknowledged the open epoch, as far as its entries bear that out; else where the
        chain begins, for what is carried over twice is posted once.
        """
        acked = self._journal.acked()
        following = self._whole(Place(self._journal.source.epoch, acked.seq + 1))
        if self._journal.digest_at(acked.seq) == acked.digest:
            return acked
        if following is not None and following.header.previous == acked.digest:
            return acked
        return self._journal.start()

    def _lost(self, epoch: int, acked_seq: int, head_seq: int, all_of_it: bool) -> tuple[int, ...]:
        """The places behind the acknowledged one that cannot be read as they were kept; with ``all_of_it`` also those
        before.
        """
        first = self._journal.start(epoch).seq if all_of_it else acked_seq
        places = range(first + 1, head_seq + 1)
        return tuple(seq for seq in places if self._as_kept(Place(epoch, seq)) is None)

    def _as_kept(self, place: Place) -> tuple[EntryHeader, bytes] | None:
        """The header and the signed bytes of the entry at ``place``; None where they are missing, or not what was kept
        there. Damage shows in the hash, so the signature is not verified.
        """
        sealed = self._journal.bytes_at(place)
        try:
            header = None if sealed is None else peek_header(sealed)
        except ContractError:
            return None
        if sealed is None or header is None or (header.epoch, header.seq) != (place.epoch, place.seq):
            return None
        return header, sealed

    def _whole(self, place: Place) -> Entry | None:
        """The entry at ``place``; None where it cannot be read as it was signed."""
        try:
            return self._journal.at(place) if self._journal.bytes_at(place) is not None else None
        except StoreError as error:
            if error.cause is StoreCause.CORRUPT:
                return None
            raise

    def _recount(self) -> None:
        """Take the perpetual totals from the newest entry that carries any and can be read, and look for the newest
        sale and closing of a shift anew where they cannot, as part of the caller's transaction.
        """
        kept = self._database.row("SELECT sale_place, shift_place FROM totals") or (None, None)
        counting = self._newest(_COUNTING)
        places = [
            row if row is not None and self._is(row, kind) else self._row_of_newest(kind)
            for row, kind in zip(kept, (EntryKind.SALE, EntryKind.SHIFT_CLOSE), strict=True)
        ]
        self._database.write("INSERT OR IGNORE INTO heard VALUES (1, 0)")
        self._database.write("DELETE FROM totals")
        self._database.write("INSERT INTO totals VALUES (1, 0, 0, 0, 0, 0, 0, 0, ?, ?)", *places)
        if counting is not None:
            self._journal.count(Place(counting.header.epoch, counting.header.seq).row, body_of(counting))

    def _is(self, row: int, kind: EntryKind) -> bool:
        """Whether an entry of this kind stands in ``row``, or nothing is said to."""
        entry = self._whole(place_of(row)) if row else None
        return not row or (entry is not None and entry.header.kind is kind)

    def _row_of_newest(self, kind: EntryKind) -> int:
        entry = self._newest(frozenset([kind]))
        return 0 if entry is None else Place(entry.header.epoch, entry.header.seq).row

    def _newest(self, kinds: frozenset[EntryKind]) -> Entry | None:
        """The newest entry of these kinds that can be read."""
        for epoch in reversed(self._journal.epochs()):
            for seq in range(self._journal.head(epoch).seq, self._journal.start(epoch).seq, -1):
                kept = self._as_kept(Place(epoch, seq))
                if kept is None or kept[0].kind not in kinds:
                    continue
                entry = self._whole(Place(epoch, seq))
                if entry is not None:
                    return entry
        return None
