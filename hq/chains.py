"""Whose journals are let in and how far each has come: chains, their keys, and the epochs that tills begin themselves.

A till that begins a new epoch by itself keeps its journal key, so head office lets the new chain in by itself: its
first entry says which epoch it follows and is signed by that epoch's key. A replaced unit has another key and is
enrolled by people.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Select, Update, bindparam, func, select, tuple_, update

from contract.bodies import EpochStartBody
from contract.envelope import Keyring, keyring
from contract.errors import ContractError
from contract.ids import TerminalAddress
from contract.journal import Entry, identity_hash, open_entry
from contract.messages import EarlierEpoch, Range
from contract.signing import PublicKey, parse_public_key
from hq.bulk import keep_rows
from hq.tables import carried, chains, entries, epoch_starts, terminals


@dataclass(frozen=True, slots=True)
class Chain:
    """A journal: whose and which epoch, and how far head office has it. ``believed`` holds the key that must have
    signed its entries.

    ``keys`` are all the till's keys by epoch, ``newest`` is its newest epoch, ``revoked`` says that nothing of it is
    taken any more.
    """

    address: TerminalAddress
    epoch: int
    upto_seq: int
    head_hash: bytes
    keys: Mapping[int, PublicKey]
    believed: Keyring
    newest: int
    revoked: bool = False


def lock_chain(connection: Connection, address: TerminalAddress, epoch: int) -> Chain | None:
    """The chain as it is now, nobody else's until the transaction ends; None where it is not let in."""
    return lock_chains(connection, ((address, epoch),)).get((address, epoch))


def lock_chains(
    connection: Connection, wanted: Collection[tuple[TerminalAddress, int]]
) -> dict[tuple[TerminalAddress, int], Chain]:
    """The chains of these tills and epochs as they are now, nobody else's until the transaction ends; those that are
    not let in are missing.

    Where several workers share the tills, a row is theirs one at a time, locked in one order; SQLite has one writer
    anyway.
    """
    addresses = {str(address): address for address, _ in wanted}
    epochs: dict[str, dict[int, Row[*tuple[Any, ...]]]] = defaultdict(dict)
    for row in connection.execute(_locked(), {"addresses": sorted(addresses)}):
        epochs[row.address][row.epoch] = row
    found = {}
    for address, epoch in wanted:
        rows = epochs[str(address)]
        if epoch in rows:
            found[address, epoch] = _chain(address, epoch, rows)
    return found


@cache
def _locked() -> Select[*tuple[Any, ...]]:
    """Built once: every batch asks it."""
    return (
        select(
            terminals.c.address,
            terminals.c.epoch,
            terminals.c.public_key,
            terminals.c.revoked_ms,
            chains.c.upto_seq,
            chains.c.head_hash,
        )
        .join(chains, (chains.c.address == terminals.c.address) & (chains.c.epoch == terminals.c.epoch))
        .where(terminals.c.address.in_(bindparam("addresses", expanding=True)))
        .order_by(terminals.c.address, terminals.c.epoch)
        .with_for_update(of=chains)
    )


def _chain(address: TerminalAddress, epoch: int, rows: Mapping[int, Row[*tuple[Any, ...]]]) -> Chain:
    row = rows[epoch]
    keys = {each.epoch: parse_public_key(each.public_key) for each in rows.values()}
    revoked = row.revoked_ms is not None
    return Chain(address, epoch, row.upto_seq, row.head_hash, keys, keyring(keys[epoch]), max(rows), revoked)


def move_heads(connection: Connection, moved: Collection[Chain], now_ms: int) -> None:
    """Write how far chains have come."""
    connection.execute(
        _move(),
        [
            {
                "b_address": str(chain.address),
                "b_epoch": chain.epoch,
                "b_upto_seq": chain.upto_seq,
                "b_head_hash": chain.head_hash,
                "b_now_ms": now_ms,
            }
            for chain in moved
        ],
    )


@cache
def _move() -> Update:
    return (
        update(chains)
        .where(chains.c.address == bindparam("b_address"), chains.c.epoch == bindparam("b_epoch"))
        .values(
            upto_seq=bindparam("b_upto_seq"), head_hash=bindparam("b_head_hash"), last_seen_ms=bindparam("b_now_ms")
        )
    )


def let_in(connection: Connection, address: TerminalAddress, epoch: int, first: bytes, now_ms: int) -> bool:
    """Let in an epoch that a till began by itself, where ``first``, offered as its first entry, says so and is signed
    by the key of the till's newest epoch; tell whether it is. Nobody lets in an epoch after one that is revoked, and a
    unit that was replaced or revoked begins none, whichever of its own it follows.
    """
    rows = connection.execute(
        select(terminals.c.epoch, terminals.c.public_key, terminals.c.revoked_ms)
        .where(terminals.c.address == str(address))
        .order_by(terminals.c.epoch)
    ).all()
    if not rows or rows[-1].revoked_ms is not None:
        return False
    key = parse_public_key(rows[-1].public_key)
    opened = _opened(first, key)
    if opened is None:
        return False
    entry, start = opened
    header = entry.header
    if (header.address, header.epoch, header.seq) != (address, epoch, 1):
        return False
    # Before the newest unit came, the place was another's.
    others = max((row.epoch for row in rows if row.public_key != rows[-1].public_key), default=0)
    if not others < start.previous_epoch < epoch:
        return False
    _enrol(connection, address, epoch, key, now_ms)
    return True


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest epoch of a till, and its key, which an epoch that the till begins by itself has too."""

    epoch: int
    key: PublicKey


def newest_of(connection: Connection, address: TerminalAddress) -> Newest | None:
    """The newest epoch of a till that may speak; None for one that nobody enrolled or that is revoked."""
    row = connection.execute(
        select(terminals.c.epoch, terminals.c.public_key, terminals.c.revoked_ms)
        .where(terminals.c.address == str(address))
        .order_by(terminals.c.epoch.desc())
        .limit(1)
    ).one_or_none()
    if row is None or row.revoked_ms is not None:
        return None
    return Newest(row.epoch, parse_public_key(row.public_key))


def revoke(connection: Connection, address: TerminalAddress, now_ms: int) -> bool:
    """Take nothing more from a till, in none of its epochs so far; tell whether there was any to revoke. A replaced
    unit is enrolled with a new epoch.
    """
    done = connection.execute(
        update(terminals)
        .where(terminals.c.address == str(address), terminals.c.revoked_ms.is_(None))
        .values(revoked_ms=now_ms)
    )
    return done.rowcount > 0


def expected(connection: Connection, address: TerminalAddress, epoch: int, seq: int) -> bool:
    """Tell whether an old epoch may still gain the entry ``seq``: a newer epoch, begun by the till itself, says that it
    goes so far.
    """
    head: int | None = connection.scalar(
        select(func.max(epoch_starts.c.head_seq)).where(
            epoch_starts.c.address == str(address), epoch_starts.c.previous_epoch == epoch
        )
    )
    return head is not None and seq <= head


def wanted(connection: Connection, address: TerminalAddress, earlier: Sequence[EarlierEpoch]) -> tuple[Range, ...]:
    """Which entries of its earlier epochs head office asks a till for again: those that it once had acknowledged and
    has lost. What came after them was carried over.

    Where the books, restored, have been filled by a copy of the till meanwhile, what this one knew to be acknowledged
    has no place in that chain any more: it is asked for from the beginning, and carried over from where it differs. A
    copy shows when it begins an epoch of its own, or when what this till sends does not follow (:func:`note_differs`).
    """
    if not earlier:
        return ()
    asked = {item.epoch: item for item in earlier}
    starts = connection.execute(
        select(
            epoch_starts.c.previous_epoch, epoch_starts.c.acked_seq, epoch_starts.c.acked_digest, epoch_starts.c.differs
        )
        .where(epoch_starts.c.address == str(address), epoch_starts.c.previous_epoch.in_(asked))
        .order_by(epoch_starts.c.previous_epoch, epoch_starts.c.acked_seq)
    ).all()
    here = {
        row.epoch: row.upto_seq
        for row in connection.execute(
            select(chains.c.epoch, chains.c.upto_seq).where(chains.c.address == str(address), chains.c.epoch.in_(asked))
        )
    }
    ways = Counter(row.previous_epoch for row in starts)
    known = _digests_at(connection, address, {(row.previous_epoch, row.acked_seq) for row in starts})
    found: dict[int, Range] = {}
    for row in starts:
        epoch, last = row.previous_epoch, min(row.acked_seq, asked[row.previous_epoch].head_seq)
        first = here.get(epoch, 0) + 1
        two_ways = row.differs or ways[epoch] > 1
        if two_ways and row.acked_digest in known:
            # What comes again is carried over in order, so what stood before it is here too.
            continue
        if first <= last:
            # Of a chain that went two ways, what is here may be the other's: the till shows from where.
            found[epoch] = Range(epoch, 1 if two_ways else first, last)
        elif last == row.acked_seq > 0 and row.acked_digest not in known:
            found[epoch] = Range(epoch, 1, last)
    return tuple(found.values())


def note_differs(connection: Connection, chain: Chain) -> None:
    """Remember that an entry of ``chain``, signed by its till, does not follow from what is here of it."""
    connection.execute(
        update(epoch_starts)
        .where(epoch_starts.c.address == str(chain.address), epoch_starts.c.previous_epoch == chain.epoch)
        .values(differs=True)
    )


def _digests_at(connection: Connection, address: TerminalAddress, places: Collection[tuple[int, int]]) -> set[bytes]:
    """The hashes of what is here of these places (epoch, sequence): in the chain itself, or carried over from it."""
    found: set[bytes] = set()
    for table in (entries, carried):
        here = tuple_(table.c.epoch, table.c.seq).in_(sorted(places))
        found.update(connection.scalars(select(table.c.digest).where(table.c.address == str(address), here)))
    return found


def _opened(first: bytes, key: PublicKey) -> tuple[Entry, EpochStartBody] | None:
    try:
        entry = open_entry(first, keyring(key))
        body = entry.body()
    except ContractError:
        return None
    return (entry, body) if isinstance(body, EpochStartBody) else None


def _enrol(connection: Connection, address: TerminalAddress, epoch: int, key: PublicKey, now_ms: int) -> None:
    # Two workers may meet the new epoch at once; both write the same.
    name = str(address)
    keep_rows(
        connection,
        terminals,
        ("address", "epoch", "public_key", "enrolled_ms"),
        [(name, epoch, key.text(), now_ms)],
    )
    keep_rows(
        connection,
        chains,
        ("address", "epoch", "upto_seq", "head_hash", "told_head_seq"),
        [(name, epoch, 0, identity_hash(address, epoch, key), 0)],
    )
