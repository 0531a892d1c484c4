"""Growth of points: a stated part of a balance added every month, capped, to the millionth of a point.

A month's growth is reckoned on the points that stood through the whole month, together with the fraction carried
from earlier months; it is exact to a millionth of a point, rounded down there. Whole points are posted on the day of
the month that the account began on, and what is left of a point is carried forward. It is a bonus in points out of
the issuer's points budget; money is never grown.
"""

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum

from contract import wire
from contract.basket import MAX_POINTS
from contract.calendar import DAY
from contract.errors import ContractError, Reason
from contract.making import dataclass
from rules.beside.bounds import MOST_RECORDS, POINTS, SIGNED, require_kept
from rules.beside.months import month_later

MILLION = 1_000_000
"""Millionths in one point, and parts in a whole rate."""

MOST_MONTHS = 1_200


class Rounding(StrEnum):
    """When a fraction becomes a point: ``floor`` once it is whole, ``half_up`` from a half on, ``ceil`` at once. The
    fraction carried keeps the account exact under each.
    """

    FLOOR = "floor"
    HALF_UP = "half_up"
    CEIL = "ceil"


_ADDED_BEFORE_FLOOR = {Rounding.FLOOR: 0, Rounding.HALF_UP: MILLION // 2, Rounding.CEIL: MILLION - 1}


@dataclass(frozen=True, slots=True)
class GrowthRule:
    """How points grow: ``rate_ppm`` parts per million a month (1,000 is 0.1 %), and when a fraction is posted.

    ``base_cap_points``: what a balance holds above it does not grow. ``total_cap_points``: growth never adds more than
    this to one account, ever.
    """

    rate_ppm: int = wire.at(1, wire.whole(0, MILLION))
    rounding: Rounding = wire.at(2, wire.choice(Rounding))
    base_cap_points: int | None = wire.maybe(3, POINTS)
    total_cap_points: int | None = wire.maybe(4, POINTS)


@dataclass(frozen=True, slots=True)
class Growing:
    """How far an account has grown: the day it began, the months posted since, the fraction of a point carried, in
    millionths (below 0 where rounding posted a point early), and the points that growth has added in all.
    """

    since_day: int = wire.at(1, DAY)
    months: int = wire.at(2, wire.whole(0, MOST_MONTHS))
    carried_millionths: int = wire.at(3, wire.whole(-MILLION, MILLION))
    added_points: int = wire.at(4, POINTS)


@dataclass(frozen=True, slots=True)
class Change:
    """What else moved a balance on a day: points earned, or spent where below 0."""

    day: int = wire.at(1, DAY)
    points: int = wire.at(2, SIGNED)


@dataclass(frozen=True, slots=True)
class Posted:
    """Whole points that growth adds on a day."""

    day: int
    points: int


@dataclass(frozen=True, slots=True)
class Grown:
    """The state after every month that is due, the balance then, and the entries to post, none of them empty."""

    growing: Growing
    balance_points: int
    posted: tuple[Posted, ...]


@dataclass(frozen=True, slots=True)
class Accrual:
    """What to show as of a day: the balance with everything posted by then, and what has accrued beyond it, in
    millionths of a point, the running month counted by its days.
    """

    as_of_day: int
    balance_points: int
    accrued_millionths: int


def growing_from(day: int) -> Growing:
    """Return the state of an account that begins to grow on ``day``."""
    return Growing(DAY.read(day, "day"), 0, 0, 0)


def grown(
    rule: GrowthRule, growing: Growing, balance_points: int, today_day: int, changes: Sequence[Change] = ()
) -> Grown:
    """Post every month that is due by ``today_day``.

    ``balance_points`` is the balance right after the last posting (or at the beginning), ``changes`` what moved it
    since then. A month runs from one posting day up to the day before the next and grows its lowest balance at the
    end of a day, so points bought for the last day of a month grow from the next on. Changes from the last posting
    day reached on are not used and are to be handed in again. Raises ContractError with the path to the field; also
    where the balance would leave the range, or a change lies before the month that is running.
    """
    state, balance, waiting = _checked(rule, growing, balance_points, today_day, changes)
    posted: list[Posted] = []
    while (due_day := month_later(state.since_day, state.months + 1)) <= today_day:
        balance, lowest, waiting = _through(balance, waiting, due_day)
        state, points = _one_month(rule, state, lowest)
        balance = _within(balance + points)
        if points:
            posted.append(Posted(due_day, points))
    return Grown(state, balance, tuple(posted))


def accrued(
    rule: GrowthRule, growing: Growing, balance_points: int, as_of_day: int, changes: Sequence[Change] = ()
) -> Accrual:
    """Return what to show as of ``as_of_day``, from the same state as :func:`grown`: nothing is posted by looking."""
    so_far = grown(rule, growing, balance_points, as_of_day, changes)
    state = so_far.growing
    began_day, due_day = (month_later(state.since_day, months) for months in (state.months, state.months + 1))
    since = sorted((change for change in changes if change.day >= began_day), key=_day_of)
    balance, lowest, _later = _through(so_far.balance_points, since, as_of_day + 1)
    elapsed = max(as_of_day - began_day, 0)
    running = _month_millionths(rule, state, lowest) * elapsed // (due_day - began_day)
    accrued_millionths = state.carried_millionths + running
    if rule.total_cap_points is not None:
        left = max(rule.total_cap_points - state.added_points, 0)
        accrued_millionths = min(accrued_millionths, left * MILLION)
    return Accrual(as_of_day, balance, accrued_millionths)


def _one_month(rule: GrowthRule, state: Growing, lowest: int) -> tuple[Growing, int]:
    """The state after one month more, and the whole points that month posts."""
    fraction = state.carried_millionths + _month_millionths(rule, state, lowest)
    points = (fraction + _ADDED_BEFORE_FLOOR[rule.rounding]) // MILLION
    fraction -= points * MILLION
    if rule.total_cap_points is not None and state.added_points + points >= rule.total_cap_points:
        points, fraction = max(rule.total_cap_points - state.added_points, 0), 0
    added = _within(state.added_points + points)
    return replace(state, months=state.months + 1, carried_millionths=fraction, added_points=added), points


def _month_millionths(rule: GrowthRule, state: Growing, lowest: int) -> int:
    """What a whole month adds, in millionths of a point, rounded down."""
    base = lowest * MILLION + state.carried_millionths
    if rule.base_cap_points is not None:
        base = min(base, rule.base_cap_points * MILLION)
    return max(base, 0) * rule.rate_ppm // MILLION


def _through(balance: int, waiting: Sequence[Change], end_day: int) -> tuple[int, int, list[Change]]:
    """The balance before ``end_day``, the lowest it ever was at the end of a day until then, and the changes left."""
    lowest = balance
    used = 0
    for index, change in enumerate(waiting):
        if change.day >= end_day:
            break
        balance = _within(balance + change.points)
        used = index + 1
        if used == len(waiting) or waiting[used].day != change.day:
            lowest = min(lowest, balance)
    return balance, lowest, list(waiting[used:])


def _checked(
    rule: GrowthRule, growing: Growing, balance_points: int, today_day: int, changes: Sequence[Change]
) -> tuple[Growing, int, list[Change]]:
    """State, balance and changes in order of days, or the ContractError."""
    require_kept(rule, "rule")
    require_kept(growing, "growing")
    SIGNED.read(balance_points, "balance_points")
    DAY.read(today_day, "today_day")
    if len(changes) > MOST_RECORDS:
        raise ContractError(Reason.TOO_LARGE, "changes", f"at most {MOST_RECORDS}")
    began_day = month_later(growing.since_day, growing.months)
    for index, change in enumerate(changes):
        require_kept(change, f"changes[{index}]")
        if change.day < began_day:
            raise ContractError(Reason.OUT_OF_RANGE, f"changes[{index}].day", "before the last posting")
    if today_day >= month_later(growing.since_day, MOST_MONTHS + 1):
        raise ContractError(Reason.OUT_OF_RANGE, "today_day", f"more than {MOST_MONTHS} months after the beginning")
    return growing, balance_points, sorted(changes, key=_day_of)


def _within(points: int) -> int:
    if not -MAX_POINTS <= points <= MAX_POINTS:
        raise ContractError(Reason.OUT_OF_RANGE, "balance_points", "would leave the range")
    return points


def _day_of(change: Change) -> int:
    return change.day
