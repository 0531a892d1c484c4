"""Slips that were taken and of which their giver has not told: after a day the giver's shop bears them and people know.

The giver may be offline for longer. When it tells of the slip after all, what its lease held is taken back and the
exception is settled (``hq.slip_book``).
"""

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, Row, func, select, true, update

from contract.bodies import OfficeBody
from contract.ids import parse_address
from contract.postings import Posting
from hq.charges import Charge, keep_charges
from hq.documents import Desk
from hq.lease_book import beyond_leases_account, counted
from hq.own_chain import book_all
from hq.slip_book import AHEAD
from hq.tables import catalogue_heads, entries, late_terms, leases, postings, slips
from hq.unsettled import Cause, Finding, Place, raise_exceptions

AHEAD_MS = 24 * 60 * 60 * 1_000
"""So long a slip may be taken ahead of its giver's journal."""

MOST_CHARGED = 16
"""So many are charged in one step."""

_Untold = Row[*tuple[object, ...]]


def charge_untold(connection: Connection, desk: Desk, now_ms: int) -> int:
    """Charge slips whose givers have not told of them for a day; return how many. They are at most
    ``MOST_CHARGED``.
    """
    rows = connection.execute(
        select(slips.c.slip, slips.c.giver, entries.c.id, entries.c.address, entries.c.epoch, entries.c.seq)
        .join(entries, entries.c.id == slips.c.in_entry_id)
        .where(slips.c.ahead == true(), entries.c.received_ms < now_ms - AHEAD_MS)
        .order_by(slips.c.slip)
        .limit(MOST_CHARGED)
        .with_for_update(of=slips)
    ).all()
    if not rows:
        return 0
    bearers = {row.shop: row.bearer for row in connection.execute(select(late_terms))}
    givers = [parse_address(row.giver).shop for row in rows]
    bearing = [beyond_leases_account(None if bearers.get(shop) == "office" else shop) for shop in givers]
    bodies = [
        (OfficeBody("slip_untold", f"{row.giver}: {row.slip.hex()}", _moved(connection, row, bearer)), None)
        for row, bearer in zip(rows, bearing, strict=True)
    ]
    book_all(connection, desk, bodies, now_ms)
    keep_charges(connection, _charges(connection, rows, bearing, now_ms))
    connection.execute(update(slips).where(slips.c.slip.in_([row.slip for row in rows])).values(ahead=False))
    raise_exceptions(connection, [_told(row) for row in rows], now_ms)
    return len(rows)


def _moved(connection: Connection, row: Row[*tuple[object, ...]], bearer: str) -> tuple[Posting, ...]:
    """What was advanced for a slip, off that account and on its bearer's."""
    advanced = connection.execute(
        select(postings.c.unit, func.sum(postings.c.amount).label("amount"))
        .where(postings.c.entry_id == row.id, postings.c.account == AHEAD)
        .group_by(postings.c.unit)
    ).all()
    return tuple(
        Posting(account, part.unit, sign * int(part.amount))
        for part in advanced
        for account, sign in ((AHEAD, -1), (bearer, 1))
    )


def _charges(connection: Connection, rows: Sequence[_Untold], bearers: Sequence[str], now_ms: int) -> Iterator[Charge]:
    """What the givers' shops bear, for shops to settle."""
    currency = connection.scalar(select(catalogue_heads.c.currency)) or "CNY"
    found = connection.execute(select(leases).where(leases.c.lease.in_([row.slip for row in rows])))
    taken = {row.lease: counted(row).lease for row in found}
    for row, bearer in zip(rows, bearers, strict=True):
        lease, place = taken[row.slip], Place(parse_address(row.address), row.epoch, row.seq)
        amounts = lease.amount, lease.bonus_minor
        yield Charge(row.id, place, now_ms, lease, lease.issuer, currency, *amounts, bearer)


def _told(row: Row[*tuple[object, ...]]) -> tuple[Place, Finding]:
    place = Place(parse_address(row.address), row.epoch, row.seq)
    return place, Finding(Cause.SLIP_UNTOLD, f"slip {row.slip.hex()}: {row.giver} has not told of it for a day")
