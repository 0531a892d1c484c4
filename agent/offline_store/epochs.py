"""One chain ends and the next begins: what head office has not acknowledged is carried over, as it was signed.

The first entry of the new epoch and its row in the file are one durable commit. What is carried follows a little at a
time, in order, while the till sells on: other entries of the new epoch may stand between. The file says how far that
is, so that whatever cuts it off, it goes on; also where another epoch begins before all is carried.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise

from agent.clock import Stamp
from agent.offline_store.audit import MOST_LOST, declared_by
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
from contract.making import dataclass

CARRIED_AT_ONCE = 100
"""So many entries are carried over in one commit."""

_COUNTING = frozenset([EntryKind.SALE, EntryKind.REFUND, EntryKind.TOP_UP, EntryKind.SHIFT_CLOSE])
"""The kinds of entry that carry the perpetual totals."""

Applied = Callable[[Entry, Body], None]
"""Lets an entry have its effect on what else is kept, inside the transaction that appends it."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many entries head office has not acknowledged, and the wall time of the oldest (None where there is none)."""

    count: int
    oldest_wall_ms: int | None


@dataclass(frozen=True, slots=True)
class Carried:
    """What one step of carrying over came to: how many entries were carried, whether anything is ``left`` for the next
    step, and which entries could be read when the epoch began and cannot any more.
    """

    count: int = 0
    left: bool = False
    unreadable: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class _Rest:
    """Of ``epoch`` the entries behind ``after`` up to ``upto``, which began to be carried over into ``into``."""

    into: int
    epoch: int
    after: int
    upto: int


class Epochs:
    """The epochs of ``journal``; ``applied`` is told of each entry that begins one. What an entry that is carried over
    took once stays taken, for it is in the same file.
    """

    def __init__(self, database: Database, journal: Journal, applied: Applied) -> None:
        self._database = database
        self._journal = journal
        self._applied = applied

    def begin(
        self, epoch: int, reason: EpochReason, transaction: bytes, stamp: Stamp, head_proven: bool = False
    ) -> Entry:
        """End the open epoch and begin ``epoch``, durably; return its first entry. What is to be carried over waits for
        :meth:`carry_on`. ``head_proven`` where the file's structure was looked through and holds. Raises StoreError,
        INVALID unless ``epoch`` is later than the open one.
        """
        old = self._journal.source
        if not old.epoch < epoch <= MOST_EPOCH:
            raise StoreError(StoreCause.INVALID, f"epoch {epoch} cannot follow {old.epoch}")
        damaged = reason is EpochReason.JOURNAL_DAMAGED
        acked, head = self._acked(), self._journal.head()
        lost = self._lost(old.epoch, acked.seq, head.seq, damaged)
        body = EpochStartBody(reason, old.epoch, acked.seq, acked.digest, head.seq, lost[:MOST_LOST])
        if head_proven and not self._told_behind(Place(old.epoch, head.seq)):
            body = replace(body, head_proven=True)
        new = Source(old.address, epoch, old.key)
        with self._journal.going_on(new), self._database.transaction():
            if lost or damaged:
                self._recount()
            self._database.write(
                "UPDATE identity SET acked_seq = ?, acked_digest = ? WHERE epoch = ?",
                *(acked.seq, acked.digest, old.epoch),
            )
            self._journal.found(new)
            start = self._journal.append_within(EntryKind.EPOCH_START, transaction, stamp, body)
            self._applied(start, body)
            if acked.seq < head.seq:
                self._database.write("UPDATE identity SET carried_seq = ? WHERE epoch = ?", acked.seq, epoch)
            if lost:
                self._carry_originals()
            return start

    def carry_on(self, stamp: Stamp) -> Carried:
        """Carry the next entries over, as many as one durable commit takes. Raises StoreError."""
        rest = next(self._rests(), None)
        if rest is None:
            return Carried()
        with self._database.transaction():
            count, unreadable = self._carry_some(rest, stamp)
        return Carried(count, next(self._rests(), None) is not None, unreadable)

    def again(self, first: Place) -> None:
        """Let what is kept from ``first`` on of an epoch that has ended be carried over anew: head office has lost it.
        Raises StoreError.
        """
        if first.epoch not in self._journal.epochs()[:-1]:
            return
        after = max(first.seq - 1, self._journal.start(first.epoch).seq)
        with self._database.transaction(durable=False):
            self._database.write(
                "UPDATE identity SET carried_seq = min(coalesce(carried_seq, ?1), ?1)"
                " WHERE epoch = (SELECT min(epoch) FROM identity WHERE epoch > ?2)",
                *(after, first.epoch),
            )

    def _carry_originals(self) -> None:
        """Have whatever was carried looked at again, as part of the caller's transaction: of what is lost now, the
        entry as it was first signed may still lie in an earlier epoch. What a carrier that can be read holds is
        carried no second time.
        """
        for before, into in pairwise(self._journal.epochs()):
            sql = "UPDATE identity SET carried_seq = min(coalesce(carried_seq, ?1), ?1) WHERE epoch = ?2"
            first = self._whole(Place(into, 1))
            said = None if first is None else declared_by(first).acked
            after = max((said or self._journal.acked(before)).seq, self._journal.start(before).seq)
            self._database.write(sql, after, into)

    def backlog(self) -> Backlog:
        """Return what waits for head office, whether it is in the open epoch already or not."""
        source, acked = self._journal.source, self._journal.acked().seq
        rests = list(self._rests())
        first = [Place(source.epoch, acked + 1), *(Place(rest.epoch, rest.after + 1) for rest in rests)]
        ages = [self._database.row("SELECT wall_ms FROM journal WHERE place = ?", place.row) for place in first]
        count = self._journal.head().seq - acked + sum(rest.upto - rest.after for rest in rests)
        return Backlog(count, min((int(age[0]) for age in ages if age is not None), default=None))

    def _rests(self) -> Iterator[_Rest]:
        """What is still to be carried over, in this order. ``carried_seq`` of an epoch's row says how far the epoch
        before it is; where that was finished in a later epoch only, the number stays.

        The newest comes first: it holds what was carried into it, which stands before the rest in every chain.
        """
        rows = list(self._database.rows("SELECT epoch, carried_seq FROM identity ORDER BY epoch DESC"))
        for (into, carried_seq), (epoch, _carried_seq) in pairwise(rows):
            upto = 0 if carried_seq is None else self._journal.head(epoch).seq
            if carried_seq is not None and carried_seq < upto:
                yield _Rest(into, epoch, carried_seq, upto)

    def _carry_some(self, rest: _Rest, stamp: Stamp) -> tuple[int, tuple[Place, ...]]:
        """Carry the next entries over as part of the caller's transaction and note how far that is; return how many,
        and the places that cannot be read though nothing said so.
        """
        unreadable = []
        upto = min(rest.after + CARRIED_AT_ONCE, rest.upto)
        carried = self._carried_before(Place(rest.epoch, rest.after), Place(rest.epoch, upto))
        for seq in range(rest.after + 1, upto + 1):
            if seq in carried:
                continue
            entry = self._to_carry(Place(rest.epoch, seq))
            if entry is None:
                unreadable.append(Place(rest.epoch, seq))
            else:
                transaction, body = entry
                self._journal.append_within(EntryKind.CARRY_OVER, transaction, stamp, body)
        whole = upto == rest.upto and rest.into == self._journal.source.epoch
        self._database.write("UPDATE identity SET carried_seq = ? WHERE epoch = ?", None if whole else upto, rest.into)
        count = upto - rest.after - len(unreadable)
        return count, tuple(place for place in unreadable if not self._declared_lost(rest.into, place))

    def _carried_before(self, after: Place, upto: Place) -> frozenset[int]:
        """Which of these entries a later one that can be read carries already."""
        sql = (
            "SELECT first.seq, later.place FROM journal AS first"
            " JOIN journal AS later ON later.transaction_id = first.transaction_id AND later.carried = 1"
            " WHERE first.place > ? AND first.place <= ? AND later.place > first.place"
        )
        try:
            found = list(self._database.rows(sql, after.row, upto.row))
        except StoreError as error:
            if error.cause is not StoreCause.CORRUPT:
                raise
            return frozenset()  # What is carried twice is posted once.
        return frozenset(seq for seq, row in found if self._as_kept(place_of(row)) is not None)

    def _to_carry(self, place: Place) -> tuple[bytes, CarryOverBody] | None:
        """The transaction at ``place``, and it carried over as it was first signed; None where it cannot be read."""
        kept = self._as_kept(place)
        if kept is None:
            return None
        header, sealed = kept
        if header.kind is EntryKind.CARRY_OVER:
            carrier = self._whole(place)
            if carrier is None:
                return None
            place, sealed = original(carrier)
        return header.transaction, CarryOverBody(place.epoch, place.seq, sealed)

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

    def _lost(self, epoch: int, acked_seq: int, head_seq: int, damaged: bool) -> tuple[int, ...]:
        """The places behind the acknowledged one that cannot be read as they were kept; of a ``damaged`` journal also
        those before, and each is looked into. Otherwise their hashes tell, for the till waits.
        """
        first = self._journal.start(epoch).seq if damaged else acked_seq
        places = range(first + 1, head_seq + 1)
        if not damaged and self._hashes_hold(Place(epoch, first), len(places)):
            return ()
        return tuple(seq for seq in places if self._as_kept(Place(epoch, seq)) is None)

    def _told_behind(self, head: Place) -> bool:
        """Whether anything else in the file tells of an entry behind ``head``."""
        sql = "SELECT max(sale_place, shift_place) FROM totals UNION ALL SELECT max(place) FROM receipts"
        return any(row is not None and row > head.row for (row,) in self._database.rows(sql))

    def _hashes_hold(self, after: Place, count: int) -> bool:
        """Whether all of the next ``count`` entries are there, with the bytes that were signed."""
        upto = after.seq + count
        for seq in range(after.seq, upto, CARRIED_AT_ONCE):
            most = min(CARRIED_AT_ONCE, upto - seq)
            if len(self._journal.entries_of(after.epoch, seq, most, 2**62)) < most:
                return False
        return True

    def _declared_lost(self, epoch: int, place: Place) -> bool:
        """Whether the first entry of ``epoch`` says that this one of the epoch before is lost."""
        try:
            return declared_by(self._journal.entry(1, epoch)).is_lost(place.seq)
        except StoreError as error:
            if error.cause in (StoreCause.CORRUPT, StoreCause.ABSENT):
                return False
            raise

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
