"""Entries that head office asks for again, having lost them: sent beside the current epoch's flow, one batch at a time.

What is still wanted is head office's to say, in each welcome; what is lost on the way stands in the next one again. So
nothing here counts what arrived: an acknowledgement of the epoch, or its absence for a while, only sets the pace.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from agent.sync.parties import JournalView, Pace
from contract.messages import BATCH_BYTES, BATCH_ENTRIES, GRAMMAR, MOST_EARLIER, Ack, Batch, Range

REMEMBERED_RANGES = 4 * MOST_EARLIER
NO_PLACE = frozenset(["gap", "entry_conflict"])
"""Why head office refuses what has no place in that chain. Of what does not follow from what it has (`broken_chain`) it
asks for more, to see from where the chains differ.
"""


@dataclass(slots=True)
class _Round:
    """How far a range has been sent in this round, and when the next may begin once it has all been."""

    next_seq: int
    not_before_ms: int = 0
    wait_ms: int = 0


class Again:
    """The ranges that head office wants. ``journal`` is read, never written."""

    def __init__(self, journal: JournalView, pace: Pace) -> None:
        self._journal = journal
        self._pace = pace
        self._wanted: list[Range] = []
        self._rounds: OrderedDict[Range, _Round] = OrderedDict()
        self._waiting: tuple[int, int] | None = None
        """The epoch of the batch on its way, and when it was sent."""

    def want(self, ranges: Sequence[Range]) -> None:
        """Take what a welcome asks for: this, and nothing from before."""
        self._wanted = [item for item in ranges if item.first_seq <= item.last_seq]
        for item in self._wanted:
            if item not in self._rounds:
                self._rounds[item] = self._resumed(item)
        while len(self._rounds) > REMEMBERED_RANGES:
            self._rounds.popitem(last=False)

    def forget(self) -> None:
        """The connection ended: what was on its way may never come, and the next welcome says what is wanted."""
        self._wanted = []
        self._waiting = None

    def answered(self, epoch: int) -> bool:
        """Take an acknowledgement of ``epoch``; False where no batch of it is on its way."""
        if self._waiting is None or self._waiting[0] != epoch:
            return False
        self._waiting = None
        return True

    def refused(self, ack: Ack, now_ms: int) -> Range | None:
        """Return the rest of a range, from what an acknowledgement says has no place in that chain at head office; it
        is not sent behind that until it is asked for again.
        """
        first = min((item.seq for item in ack.refused if item.reason in NO_PLACE), default=0)
        for item in self._wanted:
            if item.epoch == ack.epoch and item.first_seq <= first <= item.last_seq:
                self._sent_upto(item, self._rounds[item], item.last_seq, now_ms)
                return Range(item.epoch, first, item.last_seq)
        return None

    def step(self, now_ms: int) -> Batch | Range | None:
        """Return the batch to send now, the rest of a range whose first entry cannot be read, or None for nothing now.

        Raises StoreError.
        """
        if self._waiting is not None and now_ms - self._waiting[1] < self._pace.reply_ms:
            return None
        self._waiting = None
        for item in self._wanted:
            turn = self._rounds[item]
            if turn.next_seq <= item.last_seq and now_ms >= turn.not_before_ms:
                return self._take(item, turn, now_ms)
        return None

    def _take(self, item: Range, turn: _Round, now_ms: int) -> Batch | Range:
        first = turn.next_seq
        most = min(BATCH_ENTRIES, item.last_seq - first + 1)
        entries = self._journal.entries_of(item.epoch, first - 1, most, BATCH_BYTES)
        if not entries:
            # Behind a gap head office takes nothing of that epoch.
            self._sent_upto(item, turn, item.last_seq, now_ms)
            return Range(item.epoch, first, item.last_seq)
        self._waiting = item.epoch, now_ms
        self._sent_upto(item, turn, entries[-1][0], now_ms)
        return Batch(GRAMMAR, item.epoch, first, tuple(sealed for _seq, sealed in entries))

    def _sent_upto(self, item: Range, turn: _Round, seq: int, now_ms: int) -> None:
        turn.next_seq = seq + 1
        if seq >= item.last_seq:
            # Should it be asked for again, the next round begins at its first entry, later each time.
            pace = self._pace
            turn.wait_ms = min(max(2 * turn.wait_ms, pace.again_ms), pace.longest_again_ms)
            turn.not_before_ms = now_ms + turn.wait_ms
            turn.next_seq = item.first_seq

    def _resumed(self, item: Range) -> _Round:
        """A range that begins later than before is the rest of that one."""
        for known, turn in self._rounds.items():
            if (known.epoch, known.last_seq) == (item.epoch, item.last_seq) and known.first_seq <= item.first_seq:
                return _Round(max(turn.next_seq, item.first_seq), turn.not_before_ms, turn.wait_ms)
        return _Round(item.first_seq)
