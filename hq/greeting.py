"""What a till's hello is answered with, and what is put before people where a till says what cannot be.

A fleet says hello far more often than it sells, and nearly always what it said before: such a hello writes nothing.
That the till was heard is kept in memory and written for many tills at once.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Select, Update, and_, bindparam, or_, select, update

from contract.ids import TerminalAddress
from contract.journal import identity_hash
from contract.messages import GRAMMAR, Announcement, Hello, Welcome
from contract.signing import parse_public_key
from hq.chains import wanted
from hq.documents import announcements, needed
from hq.granting import look_again_for
from hq.held_leases import LeaseReview
from hq.placement import DAY_MS, LendingPolicy
from hq.restoring import note_told
from hq.tables import chains, entries, terminals
from hq.unsettled import Cause, Finding, Place, raise_exceptions

OVERTAKEN_MS = 10_000
"""A hello may be overtaken by entries sent after it that another worker took: so long after the last of them a journal
that ends before it is nothing to tell people.
"""


@dataclass(frozen=True, slots=True)
class NotWelcome:
    """A hello that is not answered: a named reason, and a detail for people."""

    reason: Cause
    detail: str


@dataclass(frozen=True, slots=True)
class Greeting:
    """The answer to a hello, and the announcements of what is newest and the till does not have."""

    welcome: Welcome
    lacking: tuple[Announcement, ...]


class Greeter:
    """Answers hellos, and remembers between two of :meth:`write_heard` whom it heard. Belongs to one thread."""

    def __init__(self, policy: LendingPolicy) -> None:
        self._policy = policy
        self._heard: dict[tuple[str, int], tuple[int, int]] = {}
        self._leases = LeaseReview()

    def greet(
        self, connection: Connection, address: TerminalAddress, hello: Hello, now_ms: int
    ) -> Greeting | NotWelcome:
        """Answer a hello. An epoch that is not let in yet of a till that may speak is answered as one that has nothing
        here: its first entries let it in.
        """
        rows = connection.execute(_epochs(), {"address": str(address)}).all()
        here = next((row for row in rows if row.epoch == hello.epoch), None)
        if here is None and (not rows or rows[-1].revoked_ms is not None):
            return NotWelcome(Cause.UNKNOWN_TERMINAL, f"{address} epoch {hello.epoch} is not enrolled")
        if rows[-1].revoked_ms is not None or (here is not None and here.revoked_ms is not None):
            return NotWelcome(Cause.TERMINAL_REVOKED, f"{address} epoch {hello.epoch} is revoked")
        if here is None:
            upto_seq, head_hash = 0, identity_hash(address, hello.epoch, parse_public_key(rows[-1].public_key))
        else:
            upto_seq, head_hash = here.upto_seq, here.head_hash
            self._heard[str(address), hello.epoch] = (hello.head_seq, now_ms)
            self._look_at(connection, address, hello, here, now_ms)
        newest = announcements(connection, address)
        next_ones = needed(connection, address, newest, hello.documents)
        asked = wanted(connection, address, hello.earlier)
        known = rows[-1].epoch
        welcome = Welcome(GRAMMAR, address, hello.epoch, upto_seq, head_hash, now_ms, next_ones, known, asked)
        held = {(document.kind, document.version, document.digest) for document in hello.documents}
        lacking = tuple(item for item in newest if (item.kind, item.version, item.digest) not in held)
        return Greeting(welcome, lacking)

    @property
    def has_heard(self) -> bool:
        """Whether there is anything to write."""
        return bool(self._heard)

    def write_heard(self, connection: Connection) -> None:
        """Write of each till heard when that was, and how far it said its journal goes."""
        connection.execute(
            _hear(),
            [
                {"b_address": name, "b_epoch": epoch, "b_head_seq": head_seq, "b_heard_ms": heard_ms}
                # In one order: two workers wait for each other and never in a circle.
                for (name, epoch), (head_seq, heard_ms) in sorted(self._heard.items())
            ],
        )

    def forget_heard(self) -> None:
        """What :meth:`write_heard` wrote is in the database for good."""
        self._heard.clear()

    def _look_at(
        self, connection: Connection, address: TerminalAddress, hello: Hello, here: Row[*tuple[Any, ...]], now_ms: int
    ) -> None:
        """Take in what a hello tells, and put before people what cannot be."""
        place = Place(address, hello.epoch, hello.head_seq)
        if here.last_seen_ms is not None and here.last_seen_ms < now_ms - self._policy.seen_days * DAY_MS:
            look_again_for(connection, address, now_ms)
        found = [*_doubts(connection, place, hello, here, now_ms)]
        note_told(connection, address, hello, here.upto_seq, now_ms)
        if (hello.head_seq, hello.head_hash) == (here.upto_seq, here.head_hash):
            doubt = self._leases.doubt(connection, address, hello, now_ms)
            found += [] if doubt is None else [doubt]
        if found:
            raise_exceptions(connection, [(place, finding) for finding in found], now_ms)


@cache
def _epochs() -> Select[*tuple[Any, ...]]:
    """The epochs of a till in order, and how far each has come. Built once, as what follows: every hello asks it."""
    return (
        select(
            terminals.c.epoch,
            terminals.c.public_key,
            terminals.c.revoked_ms,
            chains.c.upto_seq,
            chains.c.head_hash,
            chains.c.last_seen_ms,
        )
        .join(chains, and_(chains.c.address == terminals.c.address, chains.c.epoch == terminals.c.epoch))
        .where(terminals.c.address == bindparam("address"))
        .order_by(terminals.c.epoch)
    )


@cache
def _hear() -> Update:
    heard_ms = bindparam("b_heard_ms", type_=chains.c.last_seen_ms.type)
    return (
        update(chains)
        .where(chains.c.address == bindparam("b_address"), chains.c.epoch == bindparam("b_epoch"))
        .where(or_(chains.c.last_seen_ms.is_(None), chains.c.last_seen_ms <= heard_ms))
        .values(told_head_seq=bindparam("b_head_seq"), last_seen_ms=heard_ms)
    )


def _doubts(
    connection: Connection, place: Place, hello: Hello, here: Row[*tuple[Any, ...]], now_ms: int
) -> list[Finding]:
    """What is wrong where a till says that its journal ends inside what head office has already."""
    if hello.head_seq > here.upto_seq:
        return []
    if hello.head_seq == here.upto_seq:
        return [] if hello.head_hash == here.head_hash else [_other_head(here.head_hash, hello)]
    stored, last_ms = identity_hash(place.address, place.epoch, parse_public_key(here.public_key)), 0
    for row in connection.execute(
        select(entries.c.seq, entries.c.digest, entries.c.received_ms).where(
            entries.c.address == str(place.address),
            entries.c.epoch == place.epoch,
            entries.c.seq.in_((hello.head_seq, here.upto_seq)),
        )
    ):
        stored = row.digest if row.seq == hello.head_seq else stored
        last_ms = row.received_ms if row.seq == here.upto_seq else last_ms
    if stored != hello.head_hash:
        return [_other_head(stored, hello)]
    if now_ms - last_ms > OVERTAKEN_MS:
        return [Finding(Cause.JOURNAL_BEHIND, f"head office has entries up to {here.upto_seq} of this journal")]
    return []


def _other_head(stored: bytes, hello: Hello) -> Finding:
    detail = f"head office has {stored.hex()} there, the till says {hello.head_hash.hex()}"
    return Finding(Cause.HEAD_DIFFERS, detail)
