"""What must hold, looked at after every event by somebody who believes neither side.

The witness sees every entry that lies on a terminal's disk and every paper in a customer's hand, and reads head
office's books through a connection of its own, in plain SQL. After each event:

- an entry that was on a disk stays on it, unchanged, until somebody puts another image there;
- what a paper says is on the disk;
- an entry that head office has in a place never becomes another, and is one that some terminal committed;
- a terminal believes itself acknowledged only where head office has, or had, the very entry;
- a transaction is posted once; the ledger's sum is 0 in every unit after each entry; no account is below its bound.

At the end, after the faults are healed and everything had time to travel, every entry on a disk and every entry once
acknowledged is at head office exactly once or in quarantine with an alarm, the chains are whole, and the books are what
the entries add up to.
"""

import hashlib
import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from contract.envelope import keyring
from contract.journal import EntryHeader, open_entry, peek_header
from contract.postings import Posting
from contract.trade import SaleBody
from tests.fleet.office import Office
from tests.fleet.terminal import Unit
from tests.fleet.world import Broken, Violation, World

Place = tuple[str, int, int]
"""Address, epoch, sequence."""


@dataclass
class Books:
    """What was read of head office's books so far, since an older backup last took their place."""

    entries: int = 0
    postings: int = 0
    places: dict[Place, bytes] = field(default_factory=dict)
    digests: set[bytes] = field(default_factory=set)
    posted: dict[bytes, int] = field(default_factory=dict)
    balances: Counter[tuple[str, str]] = field(default_factory=Counter)


class Witness:
    """Looks after each event at whatever may have changed."""

    def __init__(self, world: World, units: list[Unit], office: Office) -> None:
        self.world = world
        self.units = units
        self.office = office
        self.committed: dict[bytes, EntryHeader] = {}
        """Every entry that was ever seen on a disk."""
        self.sealed: dict[bytes, bytes] = {}
        self.seen_at_office: dict[Place, bytes] = {}
        self.acknowledged: set[bytes] = set()
        self.books = Books()
        self._unexplained: dict[bytes, Place] = {}
        """What head office has and nobody saw on a disk yet: the terminal may have lost power since it said so."""
        self._restored = 0
        self._reader: sqlite3.Connection | None = None

    def look(self) -> None:
        """Look at what changed. Raises Broken."""
        for unit in self.units:
            if unit.changed:
                unit.changed = False
                self._look_at_terminal(unit)
        if self.office.changed:
            self.office.changed = False
            self._look_at_books()
        for unit in self.units:
            if unit.running is not None:
                self._look_at_cursor(unit)
        if self._unexplained:
            self._require_explained()

    def close(self) -> None:
        """Let go of the books."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def postings_of(self, digest: bytes) -> tuple[Posting, ...]:
        """What an entry moves between accounts, as it says itself."""
        address = self.committed[digest].address
        key = next(unit.identity.signer.public for unit in self.units if unit.identity.address == address)
        body = open_entry(self.sealed[digest], keyring(key)).body()
        return body.postings if isinstance(body, SaleBody) else ()

    # The terminals.

    def _look_at_terminal(self, unit: Unit) -> None:
        running = unit.running
        if unit.unopened is not None:
            self._broken("a store opens again", f"{unit.label}: {unit.unopened}")
        if running is None:
            return
        head = running.store.head().seq
        if head < len(unit.known):
            self._broken("what was committed stays", f"{unit.label} had {len(unit.known)} entries, now {head}")
        if unit.booted:
            unit.booted = False
            for seq, digest in enumerate(unit.known, start=1):
                if running.store.digest_at(seq) != digest:
                    self._broken("a committed entry does not change", f"{unit.label} entry {seq}")
        for _seq, sealed in running.store.entries_after(len(unit.known), 10_000, 2**40):
            digest = hashlib.sha256(sealed).digest()
            unit.known.append(digest)
            self.committed[digest] = peek_header(sealed)
            self.sealed[digest] = sealed
        for paper in unit.papers:
            there = unit.known[paper.seq - 1 : paper.seq]
            if not there or self.committed[there[0]].transaction != paper.transaction:
                self._broken("what a receipt says is in the journal", f"{unit.label} entry {paper.seq}")
        unit.papers.clear()

    def _look_at_cursor(self, unit: Unit) -> None:
        assert unit.running is not None
        acked = unit.running.store.acked()
        if acked.seq == 0 or acked.digest in self.acknowledged:
            return
        place = (unit.name, unit.identity.epoch, acked.seq)
        if self.seen_at_office.get(place) != acked.digest:
            self._broken("only what head office has is acknowledged", f"{unit.label} believes {acked.seq} is there")
        self.acknowledged.update(unit.known[: acked.seq])

    # Head office.

    def _look_at_books(self) -> None:
        if self._restored != self.office.restored or self._reader is None:
            self._restored = self.office.restored
            self.close()
            self._reader = _reading(self.office.premises.database)
            self.books = Books()
        books = self.books
        rows = self._reader.execute(
            "SELECT id, address, epoch, seq, digest, sealed FROM entries WHERE id > ? ORDER BY id", (books.entries,)
        )
        for entry_id, address, epoch, seq, digest, sealed in rows:
            books.entries = entry_id
            self._see_entry((address, epoch, seq), digest, sealed)
        self._see_postings()

    def _see_entry(self, place: Place, digest: bytes, sealed: bytes) -> None:
        if hashlib.sha256(sealed).digest() != digest:
            self._broken("an entry is kept as it was received", f"{place}")
        if digest not in self.committed:
            self._unexplained[digest] = place
        before = self.seen_at_office.setdefault(place, digest)
        if before != digest:
            self._broken("no entry that head office had becomes another", f"{place}")
        if place in self.books.places or digest in self.books.digests:
            self._broken("an entry is in the books once", f"{place}")
        self.books.places[place] = digest
        self.books.digests.add(digest)

    def _require_explained(self) -> None:
        for digest, place in list(self._unexplained.items()):
            if digest in self.committed:
                del self._unexplained[digest]
            elif all(unit.running is not None for unit in self.units if unit.name == place[0]):
                self._broken("head office has only what a terminal committed", f"{place}")

    def _see_postings(self) -> None:
        assert self._reader is not None
        books = self.books
        rows = self._reader.execute(
            "SELECT p.id, p.entry_id, p.account, p.unit, p.amount, e.transaction_id"
            " FROM postings p JOIN entries e ON e.id = p.entry_id WHERE p.id > ? ORDER BY p.id",
            (books.postings,),
        )
        sums: Counter[tuple[int, str]] = Counter()
        before = set(books.posted.values())
        for posting_id, entry_id, account, unit, amount, transaction in rows:
            books.postings = posting_id
            sums[entry_id, unit] += amount
            books.balances[account, unit] += amount
            if entry_id in before or books.posted.setdefault(transaction, entry_id) != entry_id:
                self._broken(
                    "a transaction is posted once", f"{transaction.hex()[:8]} by entries {entry_id} and before"
                )
        for (entry_id, unit), total in sums.items():
            if total:
                self._broken("the ledger's sum is 0", f"entry {entry_id} adds {total} {unit}")

    def _broken(self, promise: str, detail: str) -> None:
        violation = Violation(promise, detail)
        self.world.tell("witness", f"VIOLATION {violation}")
        raise Broken(violation)


def _reading(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
