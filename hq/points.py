"""Members' points in lots, by ``rules.beside.lots``: what expires first is spent first, and a return takes back from
the very lot that the sale made.

An earning of a member who owes nothing is one row and nothing more; lots are read only where something is spent, taken
back or given back.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, select, tuple_

from contract import wire
from contract.calendar import LAST_DAY
from contract.making import dataclass
from hq.bulk import Rows, insert_rows
from hq.tables import points_debts, points_lots, points_spendings
from rules.beside import lots
from rules.beside.lots import Debt, Earning, Lot, PointsAccount, Spending

MOST_LOTS = 9_000
"""So many lots of a member are looked at in one reckoning, those that expire first."""
MAX_SPENDING_BYTES = 1_000_000
_LOT = ("source", "member", "earned_day", "until_day", "points", "remaining", "expired", "paid")


@dataclass(frozen=True, slots=True)
class PointsMove:
    """What one transaction does to a member's points on ``day``: ``earned`` and ``spent`` by itself; of the
    transaction ``original``, ``back`` is taken of what it earned and ``restored`` given of what it spent.
    """

    member: str
    source: bytes
    day: int
    earned: int = 0
    spent: int = 0
    back: int = 0
    restored: int = 0
    original: bytes = b""

    @property
    def is_plain(self) -> bool:
        """Whether it only earns."""
        return not (self.spent or self.back or self.restored)


@dataclass(slots=True)
class _Member:
    account: PointsAccount
    before: PointsAccount
    earnings: dict[bytes, Earning] = field(default_factory=dict)
    spendings: dict[bytes, Spending] = field(default_factory=dict)
    new: set[bytes] = field(default_factory=set)


def move_points(connection: Connection, moves: Iterable[PointsMove], good_days: int) -> tuple[dict[bytes, int], Rows]:
    """Carry out ``moves`` in order; what is earned is good for ``good_days``, for ever where that is 0.

    Returns, by source, the points that were to be given again and have expired meanwhile, and the new lots, which the
    caller writes. What a member spends beyond what is there, and what cannot be taken back any more, is owed.
    """
    moves = tuple(moves)
    if not moves:
        return {}, Rows(points_lots, _LOT, ())
    debts = _debts(connection, {move.member for move in moves}, lock=True)
    busy = {move.member for move in moves if not move.is_plain} | debts.keys()
    found = _opened(connection, [move for move in moves if move.member in busy], debts)
    lost = {}
    fresh: list[tuple[object, ...]] = []
    for move in moves:
        if move.member not in busy:
            day, points = move.day, move.earned
            fresh.append((move.source, move.member, day, _until_day(day, good_days), points, points, 0, None))
        elif gone := _moved(found[move.member], move, good_days):
            lost[move.source] = gone
    fresh += [row for member, state in found.items() for row in _write(connection, member, state)]
    return lost, Rows(points_lots, _LOT, fresh)


def lots_of(connection: Connection, member: str, lock: bool = False) -> PointsAccount:
    """A member's lots and debts."""
    asked = (
        select(points_lots)
        .where(points_lots.c.member == member, points_lots.c.remaining > 0)
        .order_by(points_lots.c.until_day.is_(None), points_lots.c.until_day, points_lots.c.earned_day)
        .limit(MOST_LOTS)
    )
    rows = connection.execute(asked.with_for_update() if lock else asked)
    held = tuple(Lot(row.source, row.earned_day, row.remaining, row.until_day) for row in rows)
    return PointsAccount(held, _debts(connection, {member}).get(member, ()))


def expire_points(connection: Connection, member: str, most: int, today_day: int) -> int:
    """Let at most ``most`` points whose last day is over go; return how many. The caller posts them."""
    account = lots_of(connection, member, lock=True)
    _, over = lots.expire(account, today_day)
    gone = 0
    for lot in over:
        points = min(lot.points, most - gone)
        if points > 0:
            here = (points_lots.c.source == lot.source, points_lots.c.member == member)
            connection.execute(
                points_lots.update()
                .where(*here)
                .values(remaining=points_lots.c.remaining - points, expired=points_lots.c.expired + points)
            )
            gone += points
    return gone


def _opened(
    connection: Connection, moves: Sequence[PointsMove], debts: Mapping[str, tuple[Debt, ...]]
) -> dict[str, _Member]:
    found = {}
    for member in sorted({move.member for move in moves}):
        own = [move for move in moves if move.member == member]
        plain = all(move.is_plain for move in own)
        account = PointsAccount((), debts.get(member, ())) if plain else lots_of(connection, member, lock=True)
        found[member] = _Member(account, account)
        originals = {move.original for move in own if move.back or move.restored}
        if originals:
            _open_originals(connection, member, found[member], originals)
    return found


def _open_originals(connection: Connection, member: str, state: _Member, originals: set[bytes]) -> None:
    for row in connection.execute(
        select(points_lots).where(points_lots.c.member == member, points_lots.c.source.in_(originals))
    ):
        paid = () if row.paid is None else _unpacked(row.paid).debts
        earning = Earning(row.source, row.earned_day, row.points, paid, row.expired, row.until_day)
        state.earnings[row.source] = earning
    for row in connection.execute(
        select(points_spendings).where(points_spendings.c.member == member, points_spendings.c.source.in_(originals))
    ):
        state.spendings[row.source] = wire.unpack(Spending, row.parts, MAX_SPENDING_BYTES)


def _moved(state: _Member, move: PointsMove, good_days: int) -> int:
    """Carry out one move; return what expired of the points it gives again."""
    lost = 0
    if move.back:
        earning = state.earnings.get(move.original)
        here = min(move.back, earning.points) if earning is not None else 0
        if earning is not None:
            state.account, state.earnings[move.original] = lots.take_back(state.account, earning, here, move.day)
        # What no earning of ours covers is owed in plain sight, like points that were spent.
        _owe(state, Debt(move.source, move.day, move.back - here))
    if move.restored:
        spending = state.spendings.get(move.original, Spending(()))
        here = min(move.restored, spending.points)
        account, rest, over = lots.give_back(state.account, spending, here, move.day)
        state.account, state.spendings[move.original] = account, rest
        lost = sum(part.points for part in over)
        _earn(state, move, move.restored - here, good_days)
    if move.earned:
        _earn(state, move, move.earned, good_days)
    if move.spent:
        _spend(state, move)
    return lost


def _earn(state: _Member, move: PointsMove, points: int, good_days: int) -> None:
    if points:
        until_day = _until_day(move.day, good_days)
        state.account, earning = lots.earn(state.account, move.source, points, move.day, until_day)
        state.earnings[move.source] = earning
        state.new.add(move.source)


def _until_day(day: int, good_days: int) -> int | None:
    return min(day + good_days, LAST_DAY) if good_days else None


def _spend(state: _Member, move: PointsMove) -> None:
    there = min(move.spent, lots.spendable(state.account, move.day))
    spent = lots.spend(state.account, there, move.day)
    if isinstance(spent, tuple):
        state.account, spending = spent
        state.spendings[move.source] = spending
    _owe(state, Debt(move.source, move.day, move.spent - there))


def _owe(state: _Member, debt: Debt) -> None:
    if debt.points:
        state.account = PointsAccount(state.account.lots, (*state.account.debts, debt))


def _write(connection: Connection, member: str, state: _Member) -> list[tuple[object, ...]]:
    """Write down what changed of a member; return the rows of earnings that are new."""
    now = {lot.source: lot.points for lot in state.account.lots}
    before = {lot.source: lot.points for lot in state.before.lots}
    for source in sorted(before.keys() | now.keys() | state.earnings.keys()):
        earning = state.earnings.get(source)
        if source in state.new:
            continue
        values: dict[str, object] = {}
        if now.get(source, 0) != before.get(source, 0):
            values["remaining"] = now.get(source, 0)
        if earning is not None:
            values |= {"points": earning.points, "expired": earning.expired, "paid": _packed(earning.paid)}
        if values:
            here = (points_lots.c.source == source, points_lots.c.member == member)
            connection.execute(points_lots.update().where(*here).values(**values))
    if state.account.debts != state.before.debts:
        _write_debts(connection, member, state.before.debts, state.account.debts)
    if state.spendings:
        keys = [(source, member) for source in state.spendings]
        connection.execute(
            delete(points_spendings).where(tuple_(points_spendings.c.source, points_spendings.c.member).in_(keys))
        )
        kept = [(source, member, wire.pack(item)) for source, item in state.spendings.items() if item.parts]
        insert_rows(connection, points_spendings, ("source", "member", "parts"), kept)
    return [_new_row(member, state.earnings[source], now.get(source, 0)) for source in sorted(state.new)]


def _write_debts(connection: Connection, member: str, before: tuple[Debt, ...], now: tuple[Debt, ...]) -> None:
    """Write down what changed of a member's debts, and leave alone what another worker has written meanwhile."""
    owed: dict[tuple[bytes, int], int] = {(debt.source, debt.since_day): 0 for debt in before}
    for debt in now:
        owed[debt.source, debt.since_day] = owed.get((debt.source, debt.since_day), 0) + debt.points
    was = {(debt.source, debt.since_day) for debt in before}
    for (source, since_day), points in owed.items():
        here = (
            points_debts.c.member == member,
            points_debts.c.source == source,
            points_debts.c.since_day == since_day,
        )
        if not points:
            connection.execute(delete(points_debts).where(*here))
        elif (source, since_day) in was:
            connection.execute(points_debts.update().where(*here).values(points=points))
        else:
            columns = ("member", "source", "since_day", "points")
            insert_rows(connection, points_debts, columns, [(member, source, since_day, points)])


def _new_row(member: str, item: Earning, left: int) -> tuple[object, ...]:
    paid = _packed(item.paid)
    return item.source, member, item.earned_day, item.until_day, item.points, left, item.expired, paid


def _debts(connection: Connection, members: set[str], lock: bool = False) -> dict[str, tuple[Debt, ...]]:
    """What members owe, oldest first. With ``lock`` it is nobody else's until the transaction ends: a debt that another
    worker pays at this moment is waited for, and is gone then.
    """
    found: dict[str, tuple[Debt, ...]] = {}
    for row in connection.execute(_owed(lock), {"members": sorted(members)}):
        found[row.member] = (*found.get(row.member, ()), Debt(row.source, row.since_day, row.points))
    return found


@cache
def _owed(lock: bool) -> Select[*tuple[Any, ...]]:
    """Built once: every batch asks it. Locked in one order, so that two workers wait for each other and never in a
    circle.
    """
    asked = (
        select(points_debts)
        .where(points_debts.c.member.in_(bindparam("members", expanding=True)))
        .order_by(points_debts.c.member, points_debts.c.since_day, points_debts.c.source)
    )
    return asked.with_for_update() if lock else asked


def _packed(paid: tuple[Debt, ...]) -> bytes | None:
    return wire.pack(PointsAccount((), paid)) if paid else None


def _unpacked(paid: bytes) -> PointsAccount:
    return wire.unpack(PointsAccount, paid, MAX_SPENDING_BYTES)
