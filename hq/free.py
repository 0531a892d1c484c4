"""What of an account is free: neither lent nor reserved. Nothing is lent, reserved or let expire beyond it.

Each figure is one statement, so that it is of one moment, and is asked for after the account was locked: two who lend
at once take turns, and an entry that is about to take effect is waited for.
"""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select

from contract.value import Account, Asset, DrawOrder, ledger_place
from hq.lease_book import OUTSTANDING
from hq.tables import balances, hold_parts, leases, lots, points_debts, points_lots

_LEFT = leases.c.granted - leases.c.drawn - leases.c.returned
_LEFT_BONUS = leases.c.granted_bonus - leases.c.drawn_bonus - leases.c.returned_bonus


@dataclass(frozen=True, slots=True)
class FreeLot:
    """What is free of one lot of stored value, in minor units."""

    lot: bytes
    principal: int
    bonus: int
    issuer: str | None
    order: DrawOrder

    @property
    def whole(self) -> int:
        """Principal and bonus together."""
        return self.principal + self.bonus


def free_amount(connection: Connection, account: Account, currency: str) -> int:
    """What is free of any account but stored value, which lies in lots. May be below 0."""
    name, unit = ledger_place(account, currency)
    here = (balances.c.account == name, balances.c.unit == unit)
    connection.execute(select(balances.c.amount).where(*here).with_for_update())
    found = connection.scalar(
        select(
            func.coalesce(select(-balances.c.amount).where(*here).scalar_subquery(), 0)
            - func.coalesce(_lent(account).scalar_subquery(), 0)
            - func.coalesce(_held(account).scalar_subquery(), 0)
        )
    )
    return int(found or 0)


def outstanding(connection: Connection, account: Account) -> int:
    """What is lent of an account and not accounted for."""
    return int(connection.scalar(_lent(account)) or 0)


def good_points(connection: Connection, member: str, until_day: int) -> int:
    """The points of a member that are good through ``until_day``, less what the member owes."""
    good = connection.scalar(
        select(func.sum(points_lots.c.remaining)).where(
            points_lots.c.member == member,
            points_lots.c.remaining > 0,
            or_(points_lots.c.until_day.is_(None), points_lots.c.until_day >= until_day),
        )
    )
    owed = connection.scalar(select(func.sum(points_debts.c.points)).where(points_debts.c.member == member))
    return int(good or 0) - int(owed or 0)


def lendable_points(connection: Connection, member: str, until_day: int) -> int:
    """What may be lent or reserved of a member's points through ``until_day``: nothing that expires before."""
    account = Account(Asset.POINTS, member)
    free = free_amount(connection, account, "")
    expiring = good_points(connection, member, 0) - good_points(connection, member, until_day)
    return max(0, free - expiring)


def free_lots(connection: Connection, member: str) -> tuple[FreeLot, ...]:
    """What is free of each of a member's lots, oldest first; lots of which nothing is free are left out."""
    mine = lots.c.member == member
    connection.execute(select(lots.c.lot).where(mine).order_by(lots.c.lot).with_for_update()).all()
    lent = and_(leases.c.lot == lots.c.lot, leases.c.state.in_(OUTSTANDING))
    held = hold_parts.c.lot == lots.c.lot

    def less(
        what: ColumnElement[int], lent_part: ColumnElement[int], held_part: ColumnElement[int]
    ) -> ColumnElement[int]:
        return (
            what
            - func.coalesce(select(func.sum(lent_part)).where(lent).scalar_subquery(), 0)
            - func.coalesce(select(func.sum(held_part)).where(held).scalar_subquery(), 0)
        )

    rows = connection.execute(
        select(
            lots.c.lot,
            less(lots.c.principal, _LEFT, hold_parts.c.amount).label("principal"),
            less(lots.c.bonus, _LEFT_BONUS, hold_parts.c.bonus).label("bonus"),
            lots.c.issuer,
            lots.c.draw_order,
        )
        .where(mine)
        .order_by(lots.c.made_ms, lots.c.lot)
    )
    found = (
        FreeLot(row.lot, max(0, int(row.principal)), max(0, int(row.bonus)), row.issuer, DrawOrder(row.draw_order))
        for row in rows
    )
    return tuple(lot for lot in found if lot.whole)


def _lent(account: Account) -> Select[tuple[int]]:
    return select(func.sum(_LEFT)).where(
        leases.c.asset == account.asset.value,
        leases.c.holder == account.holder,
        leases.c.name == account.name,
        leases.c.state.in_(OUTSTANDING),
    )


def _held(account: Account) -> Select[tuple[int]]:
    return select(func.sum(hold_parts.c.amount)).where(
        hold_parts.c.asset == account.asset.value,
        hold_parts.c.holder == account.holder,
        hold_parts.c.name == account.name,
    )
