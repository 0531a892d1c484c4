"""A terminal's member cache: loading it, looking members up, updating it, and what it takes of the disk.

500 members for each lookup asked for, a million as it is: loaded as a till gets them, a snapshot and then deltas, each
verified, decoded and activated through the store. The limit is SQLite alone in the same run: one table of the same rows
under their 16-byte keys (WAL, FULL), read by primary key, written in commits of the same size. Reads find what the
kernel has cached, on both sides.
"""

import hashlib
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from agent.clock import Stamp
from agent.keys import Identity, new_transaction_id
from agent.offline_store.store import Store
from bench._figures import PI_FACTOR, asked_samples, beside, median, say_step, spread
from contract.documents import (
    MOST_DELTA_MEMBERS,
    MOST_MEMBERS,
    Document,
    DocumentKind,
    MemberRecord,
    MembersContent,
    OpenedDocument,
    open_document,
    read_members,
    seal_document,
)
from contract.envelope import keyring
from contract.ids import TerminalAddress
from contract.journal import TimeQuality
from contract.signing import SoftwareSigner
from contract.wire import pack

MEMBERS_A_LOOKUP = 500
UPDATED = 10_000
STANDS_STILL_MS = 500.0
MOST_SHOWN = 10
T = TypeVar("T")
BARE_READ = "SQLite, one row by primary key"


@dataclass(frozen=True, slots=True)
class Slice:
    """How long one document took, in milliseconds: to verify and decode, and to activate; and the processor's part of
    the latter.
    """

    read_ms: float
    activate_ms: float
    busy_ms: float


class Office:
    """Signs the documents that one terminal takes, each building on the one before."""

    def __init__(self) -> None:
        key = ed25519.Ed25519PrivateKey.generate()
        self._signer = SoftwareSigner(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        self._believed = keyring(self._signer.public)
        self._versions = count(1)
        self._before: bytes | None = None
        self.address = TerminalAddress("bench", "shop", "till")
        self.identity = Identity(self.address, 1, self._signer, bytes(32), self._believed)

    def sealed(self, members: Sequence[MemberRecord]) -> bytes:
        """A members document: the first a snapshot, all others deltas."""
        document = Document(
            grammar=1,
            kind=DocumentKind.MEMBERS,
            tenant=self.address.tenant,
            version=next(self._versions),
            issued_ms=1,
            accept_until_ms=2**53,
            content=pack(MembersContent(tuple(members))),
            base=self._before,
        )
        return seal_document(self._signer, document)

    def opened(self, sealed: bytes) -> OpenedDocument:
        """The document as a terminal opens it."""
        found = open_document(sealed, self._believed)
        self._before = found.digest
        return found


def main() -> int:
    """Measure and print."""
    lookups = asked_samples(__doc__ or "", 2_000)
    members = lookups * MEMBERS_A_LOOKUP
    with tempfile.TemporaryDirectory(prefix="tapledger-bench-") as name:
        _measure(Path(name), members, lookups)
    return 0


def _measure(folder: Path, members: int, lookups: int) -> None:
    office = Office()
    store = Store(folder / "till.db", office.identity)
    store.open()
    loading = _load(store, office, members)
    store.close()
    a_member = (folder / "till.db").stat().st_size / members
    row_bytes = _row_bytes(folder / "till.db")
    bare = _Bare(folder / "bare.db", row_bytes)
    bare_loading = bare.load(members)
    store.open()

    ours = sum(item.activate_ms for item in loading)
    beside(f"loading {members} members", ours, sum(bare_loading), "ms", "the same rows into a bare table")
    print(f"  besides, verified and decoded in {sum(item.read_ms for item in loading) / 1000:.1f} s")
    _say_slices("loading, a slice", loading)
    print(f"  a slice of the bare table: {spread(bare_loading[1:] or bare_loading, 'ms')}")
    beside("a member on disk", a_member, bare.file_bytes() / members, "bytes", "the bare table")
    _look_up(store, bare, members, lookups)
    _update(store, office, bare, members)
    store.close()
    bare.close()


def _load(store: Store, office: Office, members: int) -> list[Slice]:
    loading: list[Slice] = []
    began = time.monotonic()
    for first, last in _slices(members):
        sealed = office.sealed([_member(number) for number in range(first, last)])
        loading.append(_activated(store, office, sealed))
        if len(loading) % 20 == 0:
            say_step(f"{last} of {members} members after {time.monotonic() - began:.0f} s")
    return loading


def _slices(members: int) -> Iterator[tuple[int, int]]:
    """Where each document begins and ends: a snapshot, then deltas."""
    last = min(members, MOST_MEMBERS)
    yield 0, last
    while last < members:
        first, last = last, min(members, last + MOST_DELTA_MEMBERS)
        yield first, last


def _activated(store: Store, office: Office, sealed: bytes) -> Slice:
    began = time.perf_counter()
    opened = office.opened(sealed)
    content = read_members(opened.document.content)
    read, busy = time.perf_counter(), time.process_time()
    store.activate(opened, new_transaction_id(), Stamp(1, TimeQuality.SYNCHRONISED, bytes(16), 1), content)
    taken = time.perf_counter() - read
    return Slice((read - began) * 1000, taken * 1000, (time.process_time() - busy) * 1000)


def _say_slices(what: str, taken: list[Slice]) -> None:
    """The longest that the till's thread stands still for one delta; a snapshot has a bound of its own."""
    deltas = [item.activate_ms for item in (taken[1:] or taken)]
    print(f"  {what}: {spread(deltas, 'ms')}; in the first tenth {median(deltas[: len(deltas) // 10 + 1]):.0f} ms")
    print(f"  of that the processor: {spread([item.busy_ms for item in (taken[1:] or taken)], 'ms')}")
    beside(f"{what}, the longest", max(deltas), STANDS_STILL_MS, "ms", "so long the counter may wait")


def _look_up(store: Store, bare: "_Bare", members: int, lookups: int) -> None:
    drawn = random.Random(1)
    asked = [drawn.randrange(members) for _ in range(lookups)]
    limit = median([_timed_us(bare.read, _key(number)) for number in asked])
    ways: dict[str, Callable[[int], object]] = {
        "by card": lambda number: store.member_by_card(_card(number)),
        "by phone": lambda number: store.member_by_phone(_phone(number)),
        "by QR (id)": lambda number: store.member_by_id(_id(number)),
        f"by last four digits (up to {MOST_SHOWN})": lambda number: store.members_by_last4(
            _phone(number)[-4:], MOST_SHOWN
        ),
    }
    for way, ask in ways.items():
        taken = [_timed_us(ask, number) for number in asked]
        print(f"  {way}: {spread(taken, 'us')}; on a Pi about {median(taken) * PI_FACTOR:.0f} us")
        beside(f"lookup {way}", median(taken), limit, "us", BARE_READ)


def _update(store: Store, office: Office, bare: "_Bare", members: int) -> None:
    """Every one of so many members, anywhere in the cache, has other points."""
    chosen = random.Random(2).sample(range(members), min(UPDATED, members))
    slices = [chosen[at : at + MOST_DELTA_MEMBERS] for at in range(0, len(chosen), MOST_DELTA_MEMBERS)]
    taken = [
        _activated(store, office, office.sealed([_member(number, points=7) for number in numbers]))
        for numbers in slices
    ]
    limit = bare.update(slices)
    beside(f"delta of {len(chosen)} members", sum(item.activate_ms for item in taken), limit, "ms", "a bare table")
    print(f"  besides, verified and decoded in {sum(item.read_ms for item in taken):.0f} ms")
    beside(
        "delta, the longest slice",
        max(item.activate_ms for item in taken),
        STANDS_STILL_MS,
        "ms",
        "so long the counter may wait",
    )


class _Bare:
    """SQLite alone: one table under a key of 16 bytes."""

    def __init__(self, path: Path, row_bytes: int) -> None:
        self._path = path
        self._row = bytes(row_bytes)
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("CREATE TABLE bare (key BLOB PRIMARY KEY, row BLOB NOT NULL) STRICT, WITHOUT ROWID")

    def load(self, members: int) -> list[float]:
        """Insert so many rows in commits of a slice each; milliseconds of each."""
        return [self._write("INSERT INTO bare VALUES (?2, ?1)", range(first, last)) for first, last in _slices(members)]

    def update(self, slices: list[list[int]]) -> float:
        """Write these rows again, a commit for each slice; milliseconds in all."""
        return sum(self._write("UPDATE bare SET row = ?1 WHERE key = ?2", numbers) for numbers in slices)

    def read(self, key: bytes) -> object:
        """Read one row."""
        return self._connection.execute("SELECT row FROM bare WHERE key = ?", (key,)).fetchone()

    def file_bytes(self) -> int:
        """How large the file is once the log is in it."""
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return self._path.stat().st_size

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _write(self, sql: str, numbers: Sequence[int]) -> float:
        rows = [(self._row, _key(number)) for number in numbers]
        began = time.perf_counter()
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany(sql, rows)
        self._connection.execute("COMMIT")
        return (time.perf_counter() - began) * 1000


def _row_bytes(path: Path) -> int:
    """How many bytes a member's encrypted part has in the middle."""
    connection = sqlite3.connect(path)
    try:
        (found,) = connection.execute(
            "SELECT avg(length(sealed)) FROM (SELECT sealed FROM members LIMIT 1000)"
        ).fetchone()
        return int(found)
    finally:
        connection.close()


def _member(number: int, points: int = 120) -> MemberRecord:
    """A member as there are many: a phone number, every second one with a card, some with more."""
    return MemberRecord(
        member=_id(number),
        name=f"会员{number % 9_973}",
        tier=("basic", "silver", "gold")[number % 3],
        tags=("vip",) if number % 10 == 0 else (),
        cards=(_card(number),),
        points=points + number % 5_000,
        phone=_phone(number),
        birthday=101 + number % 28,
        visits=number % 40,
    )


def _id(number: int) -> str:
    return f"m-{number:08d}"


def _phone(number: int) -> str:
    return f"138{(number * 7_919) % 100_000_000:08d}"


def _card(number: int) -> bytes:
    return b"\x04" + number.to_bytes(6, "big")


def _key(number: int) -> bytes:
    """A key that lies anywhere, as hashes do."""
    return hashlib.sha256(number.to_bytes(8, "big")).digest()[:16]


def _timed_us(ask: Callable[[T], object], what: T) -> float:
    began = time.perf_counter()
    found = ask(what)
    taken = (time.perf_counter() - began) * 1e6
    if not found:
        raise RuntimeError(f"{what!r} was not found")
    return taken


if __name__ == "__main__":
    sys.exit(main())
