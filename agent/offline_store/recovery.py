"""A damaged store is brought back: nobody is needed for it, and nothing is thrown away.

A file whose structure holds is used on, in a new epoch. Of any other all that can be read goes into a new file, which
is made whole beside the old one before anything is moved; the old one is kept under another name. A power cut in
between leaves the old file, or is finished by the next opening (database.py).
"""

from dataclasses import replace
from pathlib import Path

from agent.clock import Stamp
from agent.keys import Identity
from agent.offline_store.chain import Place, body_of
from agent.offline_store.database import Connect, connected, held, kept_epoch, swap_in
from agent.offline_store.faults import StoreCause, StoreError, damaged_rows
from agent.offline_store.salvage import rebuild
from agent.offline_store.store import Store
from contract.bodies import EpochReason, EpochStartBody
from contract.journal import Entry
from contract.making import dataclass


@dataclass(frozen=True, slots=True)
class Recovery:
    """How a damaged store was brought back: the epoch it goes on in, where the damaged file was put (None where it
    could stay in use), how many entries of the epochs before it holds, and which are known to be lost; ``all_known``
    where no others can be.
    """

    epoch: int
    aside: Path | None
    entries: int
    lost: tuple[Place, ...]
    all_known: bool = False

    @property
    def detail(self) -> str:
        """In one line, for a technical event and the log."""
        lost = ", ".join(map(str, self.lost[:8])) + (", ..." if len(self.lost) > 8 else "")
        lost = f"{len(self.lost)} lost" + (f": {lost}" if lost else "")
        if not self.all_known:
            lost = f"{lost}, and how many more is not known" if self.lost else "how many are lost is not known"
        where = "the file is used on" if self.aside is None else f"the file is kept as {self.aside.name}"
        return f"{self.entries} entries kept, {lost}; {where}"


def recover(path: Path, identity: Identity, transaction: bytes, stamp: Stamp, connect: Connect = connected) -> Recovery:
    """Bring the store at ``path`` back, whose opening said CORRUPT, or whose use said so without naming an entry. It is
    closed before and after; what head office has not acknowledged is carried over into a new epoch.

    Where the file cannot be used on, head office's documents have to be fetched anew. Raises StoreError with the causes
    of :meth:`Store.open`; the files of other terminals and of newer programs are left alone.
    """
    try:
        return _used_on(path, identity, transaction, stamp, connect)
    except StoreError as error:
        if error.cause not in (StoreCause.CORRUPT, StoreCause.INVALID, StoreCause.ABSENT):
            raise
    built, known_epoch = path.with_name(f"{path.name}.building"), kept_epoch(path)
    with held(path):
        try:
            for end in ("", "-wal", "-shm", ".lock"):
                built.with_name(built.name + end).unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(StoreCause.IO, f"{built}: {error.strerror}") from error
        fresh = Store(built, identity, connect=connect)
        fresh.open()
        try:
            first = rebuild(path, fresh.parts, transaction, stamp, known_epoch)
            found = _recovery(fresh, first)
        finally:
            fresh.close()
        return replace(found, aside=swap_in(path, built))


def _used_on(path: Path, identity: Identity, transaction: bytes, stamp: Stamp, connect: Connect) -> Recovery:
    """Begin a new epoch in the file as it is. Raises StoreError, CORRUPT where its structure does not hold."""
    store = Store(path, identity, connect=connect)
    parts = store.parts
    parts.database.open()
    try:
        if not parts.database.is_whole():
            raise StoreError(StoreCause.CORRUPT, "the file's structure does not hold together")
        with damaged_rows():
            parts.journal.require_own()
            why = EpochReason.JOURNAL_DAMAGED
            first = parts.epochs.begin(store.epoch() + 1, why, transaction, stamp, head_proven=True)
            parts.journal.require_sound()
            return _recovery(store, first)
    finally:
        store.close()


def _recovery(store: Store, first: Entry) -> Recovery:
    """What came of it, by the first entry of the new epoch."""
    body = body_of(first)
    lost = body.lost if isinstance(body, EpochStartBody) else ()
    before = body.previous_epoch if isinstance(body, EpochStartBody) else first.header.epoch
    (entries,) = store.parts.database.row("SELECT count(*) FROM journal WHERE epoch < ?", first.header.epoch) or (0,)
    all_known = isinstance(body, EpochStartBody) and body.head_proven
    return Recovery(first.header.epoch, None, entries, tuple(Place(before, seq) for seq in lost), all_known)
