"""What a till's hello is answered with, and what is put before people where a till says what cannot be."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from contract.ids import TerminalAddress
from contract.journal import identity_hash
from contract.messages import GRAMMAR, Hello, Welcome
from contract.signing import parse_public_key
from hq import lending
from hq.chains import newest_of, wanted
from hq.documents import needed
from hq.tables import chains, entries, terminals
from hq.unsettled import Cause, Finding, Place, raise_exceptions

OVERTAKEN_MS = 10_000
"""A hello may be overtaken by entries sent after it that another worker took: so long after the last of them a journal
that ends before it is nothing to tell people.
"""

Greeted = Callable[[Connection, TerminalAddress, Hello, int], None]

GREETED: tuple[Greeted, ...] = (lending.greeted,)
"""Whoever has to hear of each hello of a chain that is let in, with the instant (Unix milliseconds)."""


@dataclass(frozen=True, slots=True)
class NotWelcome:
    """A hello that is not answered: a named reason, and a detail for people."""

    reason: Cause
    detail: str


def welcome(connection: Connection, address: TerminalAddress, hello: Hello, now_ms: int) -> Welcome | NotWelcome:
    """Answer a hello. An epoch that is not let in yet of a till that may speak is answered as one that has nothing
    here: its first entries let it in.
    """
    newest = newest_of(connection, address)
    here = (chains.c.address == str(address), chains.c.epoch == hello.epoch)
    row = connection.execute(
        select(chains.c.upto_seq, chains.c.head_hash, terminals.c.public_key, terminals.c.revoked_ms)
        .join(terminals, (terminals.c.address == chains.c.address) & (terminals.c.epoch == chains.c.epoch))
        .where(*here)
    ).one_or_none()
    if row is None and newest is None:
        return NotWelcome(Cause.UNKNOWN_TERMINAL, f"{address} epoch {hello.epoch} is not enrolled")
    if newest is None or (row is not None and row.revoked_ms is not None):
        return NotWelcome(Cause.TERMINAL_REVOKED, f"{address} epoch {hello.epoch} is revoked")
    upto_seq, head_hash = 0, identity_hash(address, hello.epoch, newest.key)
    if row is not None:
        upto_seq, head_hash = row.upto_seq, row.head_hash
        connection.execute(update(chains).where(*here).values(told_head_seq=hello.head_seq, last_seen_ms=now_ms))
        first = identity_hash(address, hello.epoch, parse_public_key(row.public_key))
        place = Place(address, hello.epoch, hello.head_seq)
        doubts = _doubts(connection, place, hello, upto_seq, first, now_ms)
        raise_exceptions(connection, [(place, finding) for finding in doubts], now_ms)
        for greeted in GREETED:
            greeted(connection, address, hello, now_ms)
    documents = needed(connection, address, hello.documents)
    asked = wanted(connection, address, hello.earlier)
    known = max(newest.epoch, hello.epoch) if row is not None else newest.epoch
    return Welcome(GRAMMAR, address, hello.epoch, upto_seq, head_hash, now_ms, documents, known, asked)


def _doubts(
    connection: Connection, place: Place, hello: Hello, upto_seq: int, first: bytes, now_ms: int
) -> list[Finding]:
    """What is wrong where a till says that its journal ends inside what head office has already."""
    if hello.head_seq > upto_seq:
        return []
    stored, last_ms = first, 0
    for row in connection.execute(
        select(entries.c.seq, entries.c.digest, entries.c.received_ms).where(
            entries.c.address == str(place.address),
            entries.c.epoch == place.epoch,
            entries.c.seq.in_((hello.head_seq, upto_seq)),
        )
    ):
        stored = row.digest if row.seq == hello.head_seq else stored
        last_ms = row.received_ms if row.seq == upto_seq else last_ms
    if stored != hello.head_hash:
        detail = f"head office has {stored.hex()} there, the till says {hello.head_hash.hex()}"
        return [Finding(Cause.HEAD_DIFFERS, detail)]
    if hello.head_seq < upto_seq and now_ms - last_ms > OVERTAKEN_MS:
        return [Finding(Cause.JOURNAL_BEHIND, f"head office has entries up to {upto_seq} of this journal")]
    return []
