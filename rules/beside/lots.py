"""Points in lots: each earning is a lot with its own last day, spent oldest-expiring first, and taken back from the
very lot it made.

What a member cannot give back any more is a debt in plain sight, with the day it began; the next earning pays it. The
balance is the lots less the debts, and nobody can spend more than that. Every function returns a new account and what
happened; earnings and spendings are kept by the caller (they stand in the journal) and handed in to undo them.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from contract import wire
from contract.basket import MAX_POINTS
from contract.calendar import DAY, LAST_DAY
from contract.errors import ContractError, Reason
from contract.making import dataclass
from rules.beside.bounds import DAYS, MOST_RECORDS, POINTS, SOME_POINTS, SOURCE, joined, require_kept


@dataclass(frozen=True, slots=True)
class Lot:
    """Points of one transaction that share one last day; ``until_day`` None never expires. The last day still
    counts.
    """

    source: bytes = wire.at(1, SOURCE)
    earned_day: int = wire.at(2, DAY)
    points: int = wire.at(3, SOME_POINTS)
    until_day: int | None = wire.maybe(4, DAY)

    def open_on(self, day: int) -> bool:
        """Whether these points may still be spent on ``day``."""
        return self.until_day is None or day <= self.until_day


@dataclass(frozen=True, slots=True)
class Debt:
    """Points a member owes, the transaction they came from, and since when."""

    source: bytes = wire.at(1, SOURCE)
    since_day: int = wire.at(2, DAY)
    points: int = wire.at(3, SOME_POINTS)

    def age_days(self, today_day: int) -> int:
        """How many days it has been owed."""
        return max(today_day - self.since_day, 0)


@dataclass(frozen=True, slots=True)
class PointsAccount:
    """A member's points: lots in the order they will be spent, debts in the order they will be paid."""

    lots: tuple[Lot, ...] = wire.at(1, wire.many(wire.record(Lot), MOST_RECORDS))
    debts: tuple[Debt, ...] = wire.at(2, wire.many(wire.record(Debt), MOST_RECORDS))


@dataclass(frozen=True, slots=True)
class Earning:
    """What one transaction earned and has not given back: ``lot`` is what went into its lot (None where all of it
    paid debts), ``paid`` the debts it paid, ``expired`` how many points of its lot have expired unspent.
    """

    source: bytes = wire.at(1, SOURCE)
    earned_day: int = wire.at(2, DAY)
    points: int = wire.at(3, POINTS)
    paid: tuple[Debt, ...] = wire.at(4, wire.many(wire.record(Debt), MOST_RECORDS))
    expired: int = wire.at(5, POINTS)
    until_day: int | None = wire.maybe(6, DAY)


@dataclass(frozen=True, slots=True)
class Spending:
    """What was spent and not given back: the parts of lots it consumed, in the order it took them."""

    parts: tuple[Lot, ...] = wire.at(1, wire.many(wire.record(Lot), MOST_RECORDS))

    @property
    def points(self) -> int:
        """All of it."""
        return sum(part.points for part in self.parts)


@dataclass(frozen=True, slots=True)
class Short:
    """A refusal: so many points are missing for this spending."""

    missing: int


EMPTY = PointsAccount((), ())


def balance(account: PointsAccount, today_day: int) -> int:
    """Lots that may be spent today, less debts; below 0 where a member owes more than that."""
    return sum(lot.points for lot in account.lots if lot.open_on(today_day)) - owed(account)


def spendable(account: PointsAccount, today_day: int) -> int:
    """What a member may spend today: the balance, or 0 while it is below."""
    return max(balance(account, today_day), 0)


def owed(account: PointsAccount) -> int:
    """All debts together."""
    return sum(debt.points for debt in account.debts)


def next_expiry(account: PointsAccount, today_day: int) -> tuple[int, int] | None:
    """Return the next last day and how many points end with it, for the receipt; None where none ever expire."""
    days = [lot.until_day for lot in account.lots if lot.until_day is not None and lot.open_on(today_day)]
    if not days:
        return None
    return min(days), sum(lot.points for lot in account.lots if lot.until_day == min(days))


def earn(
    account: PointsAccount, source: bytes, points: int, day: int, until_day: int | None
) -> tuple[PointsAccount, Earning]:
    """Add what ``source`` earned on ``day``, good through ``until_day``: it pays debts, oldest first, and the rest is
    a lot. A transaction earns once; what it gives in several rules is one sum for each last day.

    Raises ContractError for a value out of range, or an account that would hold too much.
    """
    SOURCE.read(source, "source")
    DAY.read(day, "day")
    POINTS.read(points, "points")
    if until_day is not None and DAY.read(until_day, "until_day") < day:
        raise ContractError(Reason.OUT_OF_RANGE, "until_day", "before the day of earning")
    paid: list[Debt] = []
    debts: list[Debt] = []
    left = points
    for debt in account.debts:
        pays = min(debt.points, left)
        left -= pays
        paid += [replace(debt, points=pays)] if pays else []
        debts += [replace(debt, points=debt.points - pays)] if pays < debt.points else []
    lots = [*account.lots, Lot(source, day, left, until_day)] if left else account.lots
    return _account(lots, debts), Earning(source, day, points, tuple(paid), 0, until_day)


def spend(account: PointsAccount, points: int, day: int) -> tuple[PointsAccount, Spending] | Short:
    """Take ``points`` on ``day``, from the lots that expire first, among those from the lots earned first. Short
    where the account does not hold so many beyond its debts. Raises ContractError for a value out of range.
    """
    DAY.read(day, "day")
    missing = POINTS.read(points, "points") - spendable(account, day)
    if missing > 0:
        return Short(missing)
    parts, lots = _taken(account.lots, points, lambda lot: lot.open_on(day))
    return _account(lots, account.debts), Spending(parts)


def give_back(
    account: PointsAccount, spending: Spending, points: int, day: int, late_days: int | None = None
) -> tuple[PointsAccount, Spending, tuple[Lot, ...]]:
    """Give back ``points`` of what was spent, each to its own lot with its own last day, the longest-lived first.

    A part whose last day is over stays lost where ``late_days`` is None; otherwise it is good again through ``day``
    plus ``late_days``. Returns the account, what of the spending is not given back yet, and the parts that stay lost.
    Raises ContractError(OUT_OF_RANGE) for more than is left of the spending.
    """
    DAY.read(day, "day")
    _require_most(points, spending.points, "points", "more than was spent")
    back, kept = _taken(tuple(reversed(spending.parts)), points, lambda part: True)
    if late_days is not None:
        until_day = min(day + DAYS.read(late_days, "late_days"), LAST_DAY)
        back = tuple(part if part.open_on(day) else replace(part, until_day=until_day) for part in back)
    lost = tuple(part for part in back if not part.open_on(day))
    lots = [*account.lots, *(part for part in back if part.open_on(day))]
    return _account(lots, account.debts), Spending(tuple(reversed(kept))), lost


def take_back(account: PointsAccount, earning: Earning, points: int, day: int) -> tuple[PointsAccount, Earning]:
    """Take back ``points`` of what a transaction earned, because it is refunded.

    First from the very lot it made; then from what expired of it unspent, which nobody owes; then the debts it paid
    are owed again, with their own age; the rest was spent and is owed from ``day`` on. Returns the account and what is
    left of the earning. Raises ContractError(OUT_OF_RANGE) for more than is left of the earning.
    """
    DAY.read(day, "day")
    require_kept(earning, "earning")
    _require_most(points, earning.points, "points", "more than was earned")

    def of_this(lot: Lot) -> bool:
        return lot.source == earning.source

    held = sum(lot.points for lot in account.lots if of_this(lot))
    _parts, lots = _taken(account.lots, min(points, held), of_this)
    left = points - min(points, held)
    expired = min(left, earning.expired)
    left -= expired
    owed_again: list[Debt] = []
    paid: list[Debt] = []
    for debt in earning.paid:
        again = min(debt.points, left)
        left -= again
        owed_again += [replace(debt, points=again)] if again else []
        paid += [replace(debt, points=debt.points - again)] if again < debt.points else []
    owed_again += [Debt(earning.source, day, left)] if left else []
    rest = replace(earning, points=earning.points - points, paid=tuple(paid), expired=earning.expired - expired)
    return _account(lots, [*account.debts, *owed_again]), rest


def expire(account: PointsAccount, today_day: int) -> tuple[PointsAccount, tuple[Lot, ...]]:
    """Drop the lots whose last day is over, and return them too, to be posted and told. Debts stay."""
    DAY.read(today_day, "today_day")
    over = tuple(lot for lot in account.lots if not lot.open_on(today_day))
    return _account([lot for lot in account.lots if lot.open_on(today_day)], account.debts), over


def with_expired(earning: Earning, over: Iterable[Lot]) -> Earning:
    """Return ``earning`` knowing what of its own is among the lots that expired or stayed lost: a refund does not ask
    for those points again.
    """
    gone = sum(lot.points for lot in over if lot.source == earning.source)
    return replace(earning, expired=min(earning.expired + gone, earning.points))


def require_account(account: PointsAccount, path: str = "account") -> None:
    """Raise ContractError, with the path to the field, for an account from outside that breaks its limits, is not in
    order, or names one lot or debt twice.
    """
    require_kept(account, path)
    ordered = _account(account.lots, account.debts)
    for name, found, wanted in (("lots", account.lots, ordered.lots), ("debts", account.debts, ordered.debts)):
        if found != wanted:
            raise ContractError(Reason.OUT_OF_RANGE, joined(path, name), "not in order, or named twice")
    for index, lot in enumerate(account.lots):
        if lot.until_day is not None and lot.until_day < lot.earned_day:
            raise ContractError(Reason.OUT_OF_RANGE, f"{joined(path, 'lots')}[{index}].until_day", "before its own day")


def _account(lots: Iterable[Lot], debts: Iterable[Debt]) -> PointsAccount:
    """The account in its one order: same lots and same debts added up, lots by last day, earning day and source, debts
    by age.
    """
    points_of: dict[tuple[int, int, bytes], int] = {}
    for lot in lots:
        last = LAST_DAY + 1 if lot.until_day is None else lot.until_day
        key = (last, lot.earned_day, lot.source)
        points_of[key] = points_of.get(key, 0) + lot.points
    owed_of: dict[tuple[int, bytes], int] = {}
    for debt in debts:
        since = (debt.since_day, debt.source)
        owed_of[since] = owed_of.get(since, 0) + debt.points
    if max(len(points_of), len(owed_of)) > MOST_RECORDS:
        raise ContractError(Reason.TOO_LARGE, "account", f"at most {MOST_RECORDS} lots and debts")
    if max(sum(points_of.values()), sum(owed_of.values())) > MAX_POINTS:
        raise ContractError(Reason.OUT_OF_RANGE, "account", "would hold or owe too many points")
    return PointsAccount(
        lots=tuple(
            Lot(source, earned, points_of[last, earned, source], last if last <= LAST_DAY else None)
            for last, earned, source in sorted(points_of)
        ),
        debts=tuple(Debt(source, since_day, owed_of[since_day, source]) for since_day, source in sorted(owed_of)),
    )


def _taken(lots: Sequence[Lot], points: int, wanted: Callable[[Lot], bool]) -> tuple[tuple[Lot, ...], list[Lot]]:
    """``points`` out of the ``wanted`` lots in their order: the parts taken, and the lots left."""
    parts: list[Lot] = []
    rest: list[Lot] = []
    for lot in lots:
        takes = min(lot.points, points) if wanted(lot) else 0
        points -= takes
        parts += [replace(lot, points=takes)] if takes else []
        rest += [replace(lot, points=lot.points - takes)] if takes < lot.points else []
    return tuple(parts), rest


def _require_most(points: int, most: int, path: str, detail: str) -> None:
    if POINTS.read(points, path) > most:
        raise ContractError(Reason.OUT_OF_RANGE, path, detail)
