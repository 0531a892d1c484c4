"""What a journal must hold to, entry by entry, wherever it is read from: a store, or an exported file."""

from collections.abc import Callable

from agent.offline_store.chain import (
    NOTHING_YET,
    ChainPoint,
    Place,
    Source,
    body_of,
    carries,
    check_link,
    check_origin,
    counted,
    damaged,
    opened,
    original,
    totals_in,
)
from agent.offline_store.faults import StoreCause, StoreError
from contract import envelope
from contract.bodies import EpochStartBody
from contract.journal import Entry
from contract.making import dataclass
from contract.trade import PerpetualTotals

MOST_LOST = 1_000
"""How many lost entries the first entry of an epoch names; what lies behind them is lost too."""


@dataclass(frozen=True, slots=True)
class Declared:
    """What an epoch's first entry says of the one before: from where on it was carried over, where it ended, and which
    places could not be read any more.
    """

    lost: frozenset[int] = frozenset()
    acked: ChainPoint | None = None
    head_seq: int | None = None

    def is_lost(self, seq: int) -> bool:
        """Whether this place is known to be lost."""
        return seq in self.lost or (len(self.lost) >= MOST_LOST and seq > max(self.lost))


NOTHING_DECLARED = Declared()


@dataclass(frozen=True, slots=True)
class EpochReport:
    """An epoch found whole: the place it begins behind, where it ends, how far it was acknowledged (None where that is
    not told with a hash), how many entries carry others over, and what is known to be lost.
    """

    epoch: int
    start: ChainPoint
    head: ChainPoint
    acked: ChainPoint | None
    carried: int
    lost: tuple[int, ...]


def declared_by(first: Entry) -> Declared:
    """What the first entry of an epoch says of the one before. Raises StoreError(CORRUPT)."""
    body = body_of(first)
    if not isinstance(body, EpochStartBody):
        return NOTHING_DECLARED
    return Declared(frozenset(body.lost), ChainPoint(body.acked_seq, body.acked_digest), body.head_seq)


class Audit:
    """Takes the entries of a journal in order, epoch after epoch. ``digest_of`` gives the hash of an entry that is
    kept. Methods raise StoreError, CORRUPT, at the first thing that does not fit.
    """

    def __init__(self, digest_of: Callable[[Place], bytes | None]) -> None:
        self._digest_of = digest_of
        self._totals: PerpetualTotals | None = NOTHING_YET
        self._left_over = 0
        """What was to be carried into an epoch that ended before all of it was: it is carried into a later one."""
        self.reports: tuple[EpochReport, ...] = ()

    @property
    def totals(self) -> PerpetualTotals | None:
        """The perpetual totals so far; None while the newest entry that carries any has not been seen."""
        return self._totals

    def begin(self, source: Source, start: ChainPoint, declared: Declared) -> None:
        """The entries of ``source`` behind ``start`` follow; ``declared`` is what the next epoch says of this one."""
        self._source, self._start, self._declared = source, start, declared
        self._point: ChainPoint | None = start
        self._seq = start.seq
        self._lost: list[int] = []
        self._carried = 0
        self._to_carry = 0
        if start.seq:
            self._totals = None

    def unreadable(self, seq: int) -> None:
        """The entry at ``seq`` is missing or cannot be read."""
        if not self._declared.is_lost(seq):
            raise damaged(Place(self._source.epoch, seq), "is missing")
        self._lost.append(seq)
        self._seq, self._point = seq, None
        self._totals = None

    def take(self, seq: int, sealed: bytes) -> Entry | None:
        """Verify the next entry and return it; None where it is known to be lost."""
        for missing in range(self._seq + 1, seq):
            self.unreadable(missing)
        if self._declared.is_lost(seq):
            self.unreadable(seq)
            return None
        if self._point is None:
            entry = check_origin(self._source, seq, sealed)
        else:
            entry = check_link(self._source, self._point, seq, sealed)
        self._seq, self._point = seq, ChainPoint(seq, entry.digest)
        if carries(entry):
            self._check_carried(entry)
        else:
            self._check_body(entry)
        return entry

    def end(self, head: ChainPoint, acked: ChainPoint | None, carrying: bool) -> None:
        """The epoch ends at ``head`` and was acknowledged up to ``acked``; ``carrying`` where not all was carried
        into it, but is now being, or into a later one.
        """
        epoch = self._source.epoch
        for missing in range(self._seq + 1, head.seq + 1):
            self.unreadable(missing)
        if self._seq != head.seq or (self._point or head) != head:
            raise damaged(Place(epoch, self._seq + 1), "is not the end of the chain before it")
        self._check_acked(head, acked)
        self._check_declared(head)
        self._left_over = max(0, self._to_carry - self._carried - len(self._lost))
        if self._left_over and not carrying:
            raise damaged(Place(epoch, 1), f"{self._to_carry} entries were to be carried, {self._carried} were")
        report = EpochReport(epoch, self._start, head, acked, self._carried, tuple(self._lost))
        self.reports = (*self.reports, report)

    def _check_acked(self, head: ChainPoint, acked: ChainPoint | None) -> None:
        """What was acknowledged must be held, unless it is known to be lost or was let go."""
        if acked is None or acked.seq < self._start.seq or self._declared.is_lost(acked.seq):
            return
        place = Place(self._source.epoch, acked.seq)
        kept = self._start.digest if acked.seq == self._start.seq else self._digest_of(place)
        if acked.seq > head.seq or kept != acked.digest:
            raise StoreError(StoreCause.CORRUPT, f"the journal does not hold what was acknowledged up to {place}")

    def _check_body(self, entry: Entry) -> None:
        body = body_of(entry)
        if isinstance(body, EpochStartBody) and len(body.lost) < MOST_LOST:
            lost = sum(seq > body.acked_seq for seq in body.lost)
            self._to_carry = max(0, body.head_seq - body.acked_seq) - lost + self._left_over
        carried = totals_in(body)
        if carried is None:
            return
        if self._totals is not None and totals_in(counted(self._totals, body)) != carried:
            raise damaged(Place(self._source.epoch, entry.header.seq), "the perpetual totals do not count on")
        self._totals = carried

    def _check_carried(self, entry: Entry) -> None:
        place, sealed = original(entry)
        here = Place(self._source.epoch, entry.header.seq)
        if place.epoch >= here.epoch:
            raise damaged(here, f"carries entry {place}, which is not of an earlier epoch")
        try:
            carried = opened(self._source.believed, place, sealed)
        except StoreError as error:
            raise damaged(here, f"what it carries does not verify: {error.detail}") from error
        if (carried.header.address, carried.header.transaction) != (self._source.address, entry.header.transaction):
            raise damaged(here, f"what it carries is another transaction than {place}")
        kept = self._digest_of(place)
        if kept not in (None, envelope.digest(sealed)):
            raise damaged(here, f"what it carries is not entry {place} as it is kept")
        self._carried += 1

    def _check_declared(self, head: ChainPoint) -> None:
        said, epoch = self._declared, self._source.epoch
        if said.head_seq is not None and said.head_seq != head.seq:
            raise damaged(Place(epoch, head.seq), f"the next epoch says that this one ends with {said.head_seq}")
        if said.acked is None or not self._start.seq <= said.acked.seq <= head.seq:
            return
        kept = (
            self._start.digest if said.acked.seq == self._start.seq else self._digest_of(Place(epoch, said.acked.seq))
        )
        if kept is not None and not said.is_lost(said.acked.seq) and kept != said.acked.digest:
            raise damaged(Place(epoch, said.acked.seq), "is not what the next epoch says was acknowledged")
