"""What must hold, looked at after every event by somebody who believes neither side.

The witness sees every entry that lies on a terminal's disk and every paper in a customer's hand, and reads head
office's books through a connection of its own, in plain SQL. After each event:

- an entry that was on a disk stays on it, unchanged, until somebody puts another image there;
- what a paper says is on the disk;
- an entry that head office has in a place never becomes another, and is one that some terminal committed;
- a terminal believes itself acknowledged only where head office has, or had, the very entry;
- a transaction is posted once; the ledger's sum is 0 in every unit after each entry; no account is below its bound;
- no more of a sale comes back than was sold, and no more of a top-up than was paid in;
- beyond what was lent nobody spends more at a terminal in a day than its floor limit;
- no terminal takes a coupon again that it did not give back;
- a shift that is closed comes to what its entries say.

At the end, after the faults are healed and everything had time to travel, every entry on a disk and every entry once
acknowledged is at head office exactly once or in quarantine with an alarm, the chains are whole, and the books are what
the entries add up to.
"""

import hashlib
import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from contract.bodies import Body, CarryOverBody, EntryKind, OfficeBody, ShiftCloseBody
from contract.envelope import keyring
from contract.ids import TerminalAddress
from contract.journal import EntryHeader, open_entry, peek_header
from tests.fleet.office import Office
from tests.fleet.shifts import shift_differences
from tests.fleet.terminal import Unit
from tests.fleet.truth import Truth
from tests.fleet.world import Broken, Violation, World

EXPECTED = {"time_implausible", "journal_behind"}
"""What people are told where nothing is wrong but a clock, or a hello that took longer than any should."""
MENDED = {"coupon_doubled", "floor_borne"}
"""What is settled again where it is not so in the end, and is looked at then."""
FORKS = {
    *("entry_conflict", "head_differs", "old_epoch_grew", "epoch_began"),
    *("chain_broken", "lease_overdrawn", "lease_unknown", "return_differs", "slip_doubled"),
    *("floor_exceeded", "returned_twice", "bonus_spent", "pool_short", "entries_lost", "original_unknown"),
}
"""What they are told besides of a terminal whose disk was copied, put back or damaged."""

Place = tuple[str, int, int]
"""Address, epoch, sequence."""


@dataclass
class Books:
    """What was read of head office's books so far, since an older backup last took their place."""

    entries: int = 0
    postings: int = 0
    exceptions: int = 0
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
        self.committed_at: dict[Place, bytes] = {}
        self.forked: set[TerminalAddress] = set()
        """Terminals that committed two entries in one place, which no honest disk does."""
        self.original: dict[bytes, bytes] = {}
        """By the digest of a carry-over, the digest of what it carries."""
        self.truth = Truth(office.premises.believed)
        self.seen_at_office: dict[Place, bytes] = {}
        self.ever_at_office: set[bytes] = set()
        self.acknowledged: set[bytes] = set()
        self.alarmed: set[str] = set()
        """The terminals about which head office has told people something."""
        self.books = Books()
        self._unexplained: dict[bytes, Place] = {}
        """What head office has and nobody saw on a disk yet: the terminal may have lost power since it said so."""
        self._restored = 0
        self.reader: sqlite3.Connection | None = None

    def look(self) -> None:
        """Look at what changed. Raises Broken."""
        if any(unit.replaced for unit in self.units):
            self.forget()
        changed = []
        for unit in self.units:
            if unit.changed:
                unit.changed = False
                self._look_at_terminal(unit)
                changed.append(unit)
        if self.office.changed:
            self.office.changed = False
            self._look_at_books()
        for unit in changed:
            if unit.running is not None:
                self._look_at_cursor(unit)
        if self._unexplained:
            self._require_explained()
        if self.truth.changed:
            self._look_at_truth()

    def _look_at_truth(self) -> None:
        self.truth.changed = False
        copies = Counter({unit.identity.address: 0 for unit in self.units})
        for unit in self.units:
            copies[unit.identity.address] += unit.lives
        for promise, found in (
            ("nothing comes back twice", self.truth.back_twice(copies)),
            ("a lease gives no more than was lent", self.truth.overdrawn(copies)),
            ("a terminal takes a coupon once", self.truth.taken_again(copies)),
            ("nobody spends beyond the floor limit of a day", self.truth.beyond_floor(copies)),
            ("no account is below its bound", self.truth.below_bound()),
        ):
            if found:
                self._broken(promise, found)

    def close(self) -> None:
        """Let go of the books."""
        if self.reader is not None:
            self.reader.close()
            self.reader = None

    def body_of(self, digest: bytes) -> Body:
        """What an entry says, its signature verified."""
        address = peek_header(self.sealed[digest]).address
        keys = [unit.identity.signer.public for unit in self.units if unit.identity.address == address]
        believed = keyring(keys[0]) if keys else self.office.premises.believed
        return open_entry(self.sealed[digest], believed).body()

    def forked_or_copied(self) -> set[TerminalAddress]:
        """The terminals whose disk went two ways."""
        lives = Counter({unit.identity.address: 0 for unit in self.units})
        for unit in self.units:
            lives[unit.identity.address] += unit.lives
        return {address for address, times in lives.items() if times > 1}

    def forget(self) -> None:
        """A disk or the books were replaced by something older: what nobody has any more cannot be asked for. Of a
        terminal whose disk went two ways another unit may now be the first to come, and what head office booked itself
        since its backup is gone.
        """
        kept = set(self.books.digests).union(*(unit.rows for unit in self.units))
        self.acknowledged &= kept
        names = {str(address) for address in self.forked_or_copied()} | {self.office.address}
        self.seen_at_office = {
            place: digest
            for place, digest in self.seen_at_office.items()
            if place in self.books.places or place[0] not in names
        }
        for unit in self.units:
            unit.replaced = False

    # The terminals.

    def _look_at_terminal(self, unit: Unit) -> None:
        if unit.unopened is not None:
            self._broken("a store opens again", f"{unit.label}: {unit.unopened}")
        if unit.running is None:
            return
        if unit.booted:
            unit.booted = False
            self._require_rows_kept(unit)
        for sealed in unit.entries_from(len(unit.rows)):
            digest = hashlib.sha256(sealed).digest()
            unit.rows.append(digest)
            self._see_committed(digest, sealed)
            if self.committed[digest].kind is EntryKind.SHIFT_CLOSE and not unit.spoiled:
                self._look_at_shift(unit)
        on_disk = {self.committed[digest].transaction for digest in unit.rows} if unit.papers else set()
        for paper in unit.papers:
            if paper.transaction not in on_disk:
                self._broken("what a receipt says is in the journal", f"{unit.label} entry {paper.seq}")
        unit.papers.clear()

    def _require_rows_kept(self, unit: Unit) -> None:
        there = [hashlib.sha256(sealed).digest() for sealed in unit.entries_from(0)]
        if len(there) < len(unit.rows):
            self._broken("what was committed stays", f"{unit.label} had {len(unit.rows)} entries, now {len(there)}")
        if there[: len(unit.rows)] != unit.rows:
            self._broken("a committed entry does not change", unit.label)

    def _look_at_shift(self, unit: Unit) -> None:
        """The newest entry of a terminal closes a shift."""
        entries = [(self.committed[row], self.body_of(row)) for row in unit.rows if row not in self.original]
        wrong = shift_differences(entries)
        if wrong:
            self._broken("a shift comes to what its entries say", f"{unit.label}: {wrong}")

    def _see_committed(self, digest: bytes, sealed: bytes) -> None:
        if digest in self.committed:
            return
        header = self.committed[digest] = peek_header(sealed)
        self.sealed[digest] = sealed
        place = (str(header.address), header.epoch, header.seq)
        if self.committed_at.setdefault(place, digest) != digest:
            self.forked.add(header.address)
        if header.kind is EntryKind.CARRY_OVER:
            self.original[digest] = hashlib.sha256(_carried(self.body_of(digest))).digest()
        else:
            self.truth.see(header, self.body_of(digest))

    def _look_at_cursor(self, unit: Unit) -> None:
        assert unit.running is not None
        acked = unit.running.store.acked()
        if acked.seq == 0 or acked.digest in self.acknowledged:
            return
        if acked.digest not in self.ever_at_office:
            self._broken("only what head office has is acknowledged", f"{unit.label} believes {acked.seq} is there")
        epoch = self.committed[acked.digest].epoch
        for digest in unit.rows:
            header = self.committed[digest]
            if header.epoch == epoch and header.seq <= acked.seq:
                self.acknowledged.add(digest)

    # Head office.

    def _look_at_books(self) -> None:
        older = False
        if self._restored != self.office.restored or self.reader is None:
            self._restored = self.office.restored
            self.close()
            self.reader = _reading(self.office.premises.database)
            self.books = Books()
            older = True
        books = self.books
        rows = self.reader.execute(
            "SELECT id, address, epoch, seq, digest, sealed FROM entries WHERE id > ? ORDER BY id", (books.entries,)
        )
        for entry_id, address, epoch, seq, digest, sealed in rows:
            books.entries = entry_id
            self._see_entry((address, epoch, seq), digest, sealed)
        self._see_postings()
        self._see_exceptions()
        if older:
            self._begin_again()

    def _begin_again(self) -> None:
        """The books are an older backup."""
        self.forget()
        self._reckon_again()

    def _reckon_again(self) -> None:
        """What head office booked itself after the backup is gone: no terminal can give that back."""
        excused = self.truth.excused
        self.truth = Truth(self.office.premises.believed)
        self.truth.excused = excused
        for digest, header in self.committed.items():
            body = self.body_of(digest)
            if isinstance(body, OfficeBody) and digest not in self.books.digests:
                excused.update(posting.account for posting in body.postings)
            elif digest not in self.original:
                self.truth.see(header, body)

    def _see_entry(self, place: Place, digest: bytes, sealed: bytes) -> None:
        if hashlib.sha256(sealed).digest() != digest:
            self._broken("an entry is kept as it was received", f"{place}")
        if place[0] == self.office.address and digest not in self.committed:
            self._see_committed(digest, sealed)
        if digest not in self.committed:
            # Sent before its terminal lost power and before anybody could look at its disk.
            self._unexplained[digest] = place
            self.sealed[digest] = sealed
        before = self.seen_at_office.setdefault(place, digest)
        if before != digest:
            self._broken("no entry that head office had becomes another", f"{place}")
        if place in self.books.places or digest in self.books.digests:
            self._broken("an entry is in the books once", f"{place}")
        self.ever_at_office.add(digest)
        self.books.places[place] = digest
        self.books.digests.add(digest)

    def _require_explained(self) -> None:
        for digest, place in list(self._unexplained.items()):
            units = [unit for unit in self.units if unit.name == place[0]]
            if digest not in self.committed and any(unit.replaced_unseen for unit in units):
                self._see_committed(digest, self.sealed[digest])
            if digest in self.committed:
                del self._unexplained[digest]
            elif all(unit.running is not None for unit in units):
                self._broken("head office has only what a terminal committed", f"{place}")

    def _see_postings(self) -> None:
        assert self.reader is not None
        books = self.books
        rows = self.reader.execute(
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

    def _see_exceptions(self) -> None:
        """Honest terminals with honest papers give people nothing to settle but what the faults here bring about."""
        assert self.reader is not None
        rows = self.reader.execute(
            "SELECT id, address, epoch, seq, reason, detail FROM exceptions WHERE id > ? ORDER BY id",
            (self.books.exceptions,),
        )
        for exception_id, address, epoch, seq, reason, detail in rows:
            self.books.exceptions = exception_id
            self.alarmed.add(address)
            if not self._is_expected(reason, address, (address, epoch, seq)):
                self._broken("people are told only what went wrong", f"{address} {epoch}/{seq} {reason}: {detail}")

    def _is_expected(self, reason: str, address: str, place: Place) -> bool:
        """Whether people have to be told this."""
        if reason == "cash_differs":
            found = self.body_of(self.books.places[place])
            if isinstance(found, CarryOverBody):
                found = self.body_of(hashlib.sha256(found.sealed).digest())
            return isinstance(found, ShiftCloseBody) and found.cash_expected_minor != found.cash_counted_minor
        if reason == "floor_exceeded" and any(unit.clock_jumped for unit in self.units if unit.name == address):
            # Of a day that cannot be head office counts another than the till did.
            return True
        forked = address in map(str, self.forked_or_copied())
        return reason in EXPECTED or reason in MENDED or (forked and reason in FORKS)

    def _broken(self, promise: str, detail: str) -> None:
        violation = Violation(promise, detail)
        self.world.tell("witness", f"VIOLATION {violation}")
        raise Broken(violation)


def _carried(body: Body) -> bytes:
    assert isinstance(body, CarryOverBody)
    return body.sealed


def _reading(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
