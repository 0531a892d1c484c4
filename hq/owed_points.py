"""Points that a sale promised because the merchant who pays for them had none left at the till: given by head office
once the merchant's pool has them, in the order they were promised, once.

What is owed comes again from the sale and the pack that it names, as when the entry was judged; of what the till
recorded otherwise nothing is given, and of a sale of which something came back nothing either.
"""

import hashlib

from sqlalchemy import Connection, delete, exists, select

from contract.bodies import OfficeBody
from contract.errors import ContractError
from contract.ids import receipt_number
from contract.postings import (
    POINTS,
    Posting,
    member_points_account,
    points_cost_account,
    pool_account,
    taken_account,
)
from contract.trade import PendingPoints, SaleBody
from contract.value import Account, Asset
from hq.documents import Desk
from hq.free import free_amount
from hq.instalments import read_entry
from hq.meaning import Meaning
from hq.own_chain import book
from hq.packs import PackShelf
from hq.restoring import open_restoration
from hq.tables import entries, owed_points, refunds
from rules.engine.price import price
from rules.engine.promised import promised

MOST_POOLS = 16
MOST_GIVEN = 64
"""So many promises are looked at in one step, and of so many merchants."""


def give_owed(connection: Connection, desk: Desk, shelf: PackShelf, now_ms: int) -> int:
    """Give what pools have points for; return how many promises are done with."""
    if open_restoration(connection) is not None:
        return 0
    pools = connection.scalars(select(owed_points.c.pool).distinct().order_by(owed_points.c.pool).limit(MOST_POOLS))
    return sum(_give_of(connection, desk, shelf, pool, now_ms) for pool in pools.all())


def _give_of(connection: Connection, desk: Desk, shelf: PackShelf, pool: str, now_ms: int) -> int:
    """Give what one merchant owes, the oldest promise first, until its pool does not suffice for the next."""
    free = free_amount(connection, Account(Asset.POOL, pool), "")
    if free <= 0:
        return 0
    rows = connection.execute(
        select(owed_points, entries.c.address, entries.c.epoch, entries.c.sealed)
        .join(entries, entries.c.id == owed_points.c.entry_id)
        .where(owed_points.c.pool == pool)
        .order_by(owed_points.c.entry_id)
        .limit(MOST_GIVEN)
    ).all()
    done = 0
    for row in rows:
        points = int(row.points)
        if points > free:
            break
        read = read_entry(connection, row)
        if read is not None and _is_owed(connection, shelf, read, PendingPoints(pool, points)):
            _book(connection, desk, read, PendingPoints(pool, points), now_ms)
            free -= points
        connection.execute(
            delete(owed_points).where(owed_points.c.entry_id == row.entry_id, owed_points.c.pool == pool)
        )
        done += 1
    return done


def _is_owed(connection: Connection, shelf: PackShelf, read: Meaning, item: PendingPoints) -> bool:
    body = read.body
    known = shelf.find(connection, body.pack.digest) if isinstance(body, SaleBody) else None
    if not isinstance(body, SaleBody) or body.member is None or known is None:
        return False
    came_back = exists().where(refunds.c.original_transaction == read.header.transaction)
    if connection.scalar(select(came_back)):
        return False
    try:
        return item in promised(body.basket, price(body.basket, known.compiled), known.compiled)
    except ContractError:
        return False


def _book(connection: Connection, desk: Desk, read: Meaning, item: PendingPoints, now_ms: int) -> None:
    """The same accounts move as had the till given the points out of its share."""
    header, body = read.header, read.body
    assert isinstance(body, SaleBody) and body.member is not None
    shop, member = header.address.shop, body.member.member
    moved = (
        Posting(pool_account(item.pool), POINTS, item.points),
        Posting(taken_account(shop, Asset.POOL), POINTS, -item.points),
        Posting(points_cost_account(shop), POINTS, item.points),
        Posting(member_points_account(member), POINTS, -item.points),
    )
    receipt = receipt_number(header.address, header.epoch, header.seq)
    name = hashlib.sha256(b"tapledger-owed-points" + header.transaction + item.pool.encode()).digest()[:16]
    book(connection, desk, OfficeBody("points_owed", f"{receipt}, member {member}", moved), now_ms, name)
