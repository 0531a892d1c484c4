"""What must hold in the end, when the faults are healed and everything had time to travel."""

from collections import Counter

from contract.journal import peek_header
from tests.fleet.invariants import Witness
from tests.fleet.world import Broken, Violation

ALL_ENTRIES = "SELECT address, epoch, seq, digest, sealed FROM entries ORDER BY address, epoch, seq"


class Ending:
    """The last look, over everything the witness saw."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness

    def settled(self) -> bool:
        """Tell whether every terminal is on, has nothing left to send, and head office has all that is on a disk."""
        witness = self._witness
        return (
            all(unit.running is not None for unit in witness.units)
            and all(len(witness.books.digests) >= len(unit.known) for unit in witness.units)
            and all(witness.books.digests.issuperset(unit.known) for unit in witness.units)
            and all(unit.running.store.backlog().count == 0 for unit in witness.units if unit.running is not None)
        )

    def unsettled(self) -> str:
        """Which terminals still have something to send, for people."""
        told = []
        for unit in self._witness.units:
            missing = len(set(unit.known) - self._witness.books.digests)
            if unit.running is None:
                told.append(f"{unit.label} is off")
            elif missing or unit.running.store.backlog().count:
                told.append(
                    f"{unit.label}: {missing} entries are not at head office, online {unit.running.courier.online}"
                )
        return ", ".join(told)

    def look(self) -> None:
        """Raise Broken where something is missing, doubled, or not what it adds up to."""
        self._require_everything_arrived()
        self._require_whole_chains()
        self._require_books_recompute()

    def _require_everything_arrived(self) -> None:
        witness = self._witness
        there = Counter(witness.books.places.values())
        for unit in witness.units:
            for seq, digest in enumerate(unit.known, start=1):
                if there[digest] != 1:
                    self._broken("every committed entry is at head office once", f"{unit.label} entry {seq}")
        for digest in witness.acknowledged:
            if there[digest] != 1:
                header = witness.committed[digest]
                self._broken("what was acknowledged is kept", f"{header.address} entry {header.seq}")

    def _require_whole_chains(self) -> None:
        before: dict[tuple[str, int], tuple[int, bytes]] = {}
        witness = self._witness
        for (address, epoch, seq), digest in sorted(witness.books.places.items()):
            header = peek_header(witness.sealed[digest])
            last_seq, last_digest = before.get((address, epoch), (0, header.previous))
            if (seq, header.previous) != (last_seq + 1, last_digest):
                self._broken("the chains at head office are whole", f"{address} entry {seq}")
            before[address, epoch] = seq, digest

    def _require_books_recompute(self) -> None:
        witness = self._witness
        expected: Counter[tuple[str, str]] = Counter()
        counted: set[bytes] = set()
        for digest in witness.books.digests:
            header = witness.committed[digest]
            if header.transaction in counted:
                continue
            counted.add(header.transaction)
            for posting in witness.postings_of(digest):
                expected[posting.account, posting.unit] += posting.amount
        found = {key: amount for key, amount in witness.books.balances.items() if amount}
        wanted = {key: amount for key, amount in expected.items() if amount}
        if found != wanted:
            keys = sorted(key for key in found.keys() | wanted.keys() if found.get(key) != wanted.get(key))
            shown = ", ".join(f"{key[0]} {found.get(key, 0)} not {wanted.get(key, 0)}" for key in keys[:5])
            self._broken("the books are what the entries add up to", shown)

    def _broken(self, promise: str, detail: str) -> None:
        violation = Violation(promise, detail)
        self._witness.world.tell("witness", f"VIOLATION {violation}")
        raise Broken(violation)
