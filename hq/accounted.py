"""Leases of an epoch that has ended, freed once every entry of that epoch is here: nothing can be drawn any more.

What was lent to an epoch, or came to be in it, is suspended when the next one begins, because part of what was drawn
may be missing. A till whose file had kept its structure says that nothing stood behind the last place it knows of.
Where it says so, and head office has that one chain whole, what is left is free again, and nobody need give it up.
"""

from sqlalchemy import Connection, Row, func, select, update

from hq.bulk import keep_rows
from hq.lease_book import LeaseState
from hq.tables import carried, chains, charges, entries, epoch_starts, leases, placements

LOOK_AGAIN_MS = 60_000
"""So long after it was found to lack something an epoch is looked at again."""

MOST_LOOKED_AT = 4
"""So many epochs are looked at in one step."""

_UNTAKEN = ("waiting", "held")
_LIVE = (LeaseState.ACTIVE.value, LeaseState.SUSPENDED.value)


def free_accounted(connection: Connection, now_ms: int) -> int:
    """Free what is left of leases whose epoch has ended and is known to its last entry; return how many leases."""
    rows = connection.execute(
        select(epoch_starts)
        .where(epoch_starts.c.due_ms <= now_ms)
        .order_by(epoch_starts.c.due_ms, epoch_starts.c.entry_id)
        .limit(MOST_LOOKED_AT)
    ).all()
    freed = 0
    for row in rows:
        whole = _is_whole(connection, row)
        if whole:
            freed += _free(connection, row.address, row.previous_epoch, now_ms)
        connection.execute(
            update(epoch_starts)
            .where(epoch_starts.c.entry_id == row.entry_id)
            .values(due_ms=None if whole else now_ms + LOOK_AGAIN_MS)
        )
    return freed


def _is_whole(connection: Connection, start: Row[*tuple[object, ...]]) -> bool:
    """Whether all entries of the epoch before ``start`` are here and in effect, as one chain that went one way."""
    said = start._mapping
    address, epoch, head_seq = said["address"], said["previous_epoch"], said["head_seq"]
    followers = connection.scalar(
        select(func.count()).where(epoch_starts.c.address == address, epoch_starts.c.previous_epoch == epoch)
    )
    chain = connection.execute(
        select(chains.c.upto_seq, chains.c.head_hash).where(chains.c.address == address, chains.c.epoch == epoch)
    ).one_or_none()
    if followers != 1 or chain is None or chain.upto_seq > head_seq:
        return False
    return (
        _all_taken(connection, address, epoch)
        and _same_here(connection, address, epoch, chain.upto_seq)
        and _reaches(connection, chain, address, epoch, head_seq)
    )


def _all_taken(connection: Connection, address: str, epoch: int) -> bool:
    """Whether each entry of the epoch, come by itself or carried, took effect, and nothing it drew may be drawn yet."""
    own = select(entries.c.id).where(
        entries.c.address == address, entries.c.epoch == epoch, entries.c.judged.in_(_UNTAKEN)
    )
    brought = (
        select(entries.c.id)
        .join(carried, carried.c.entry_id == entries.c.id)
        .where(carried.c.address == address, carried.c.epoch == epoch, entries.c.judged.in_(_UNTAKEN))
    )
    here = (charges.c.address == address, charges.c.epoch == epoch)
    charged = select(charges.c.id).where(*here, charges.c.waits | charges.c.settles)
    return all(connection.scalar(asked.limit(1)) is None for asked in (own, brought, charged))


def _same_here(connection: Connection, address: str, epoch: int, upto_seq: int) -> bool:
    """Whether what was carried of places that came by themselves is the very same."""
    other = (
        select(carried.c.entry_id)
        .join(
            entries,
            (entries.c.address == carried.c.address)
            & (entries.c.epoch == carried.c.epoch)
            & (entries.c.seq == carried.c.seq),
        )
        .where(
            carried.c.address == address,
            carried.c.epoch == epoch,
            carried.c.seq <= upto_seq,
            carried.c.digest != entries.c.digest,
        )
    )
    return connection.scalar(other.limit(1)) is None


def _reaches(connection: Connection, chain: Row[*tuple[object, ...]], address: str, epoch: int, head_seq: int) -> bool:
    """Whether what was carried goes on from the last place that came by itself up to ``head_seq``, link by link."""
    known = chain._mapping
    at, digest = known["upto_seq"], known["head_hash"]
    rows = connection.execute(
        select(carried.c.seq, carried.c.digest, carried.c.previous)
        .where(carried.c.address == address, carried.c.epoch == epoch, carried.c.seq > at)
        .order_by(carried.c.seq)
    )
    for row in rows:
        if row.seq == at and row.digest == digest:
            continue
        if (row.seq, row.previous) != (at + 1, digest):
            return False
        at, digest = row.seq, row.digest
    return bool(at == head_seq)


def _free(connection: Connection, address: str, epoch: int, now_ms: int) -> int:
    rows = connection.execute(
        update(leases)
        .where(leases.c.address == address, leases.c.epoch == epoch, leases.c.state.in_(_LIVE))
        .values(
            state=LeaseState.CLOSED.value,
            returned=leases.c.granted - leases.c.drawn,
            returned_bonus=leases.c.granted_bonus - leases.c.drawn_bonus,
        )
        .returning(leases.c.asset, leases.c.holder, leases.c.name)
    ).all()
    due = sorted({(row.asset, row.holder, row.name, now_ms) for row in rows})
    keep_rows(connection, placements, ("asset", "holder", "name", "due_ms"), due)
    return len(rows)
