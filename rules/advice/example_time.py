"""A day and a minute at which conditions of time hold: searched day by day, and on a day by spans of minutes."""

from collections.abc import Iterator, Sequence

from contract.calendar import DAY_MINUTES, LAST_DAY, date_of
from contract.making import dataclass
from rules.grammar import conditions as asks
from rules.grammar.conditions import Condition
from rules.grammar.pack import Pack
from rules.moments import weekday_of

MOST_DAYS = 28 * 366
"""How many days are gone through: in 28 years every date meets every day of the week."""

MOST_DAYS_AHEAD = 2 * 366
"""How many days are gone through for a customer who is to come later."""

Timed = tuple[Condition, bool]
"""A condition of time, and whether it is to hold or not to hold."""

_Span = tuple[int, int]
"""From a minute of a day up to, not including, another."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A local day and minute, and a birthday (month times 100 plus day) for a member of whom everything said of
    birthdays holds then.
    """

    day: int
    minute: int
    birthday: int | None


def moments(timed: Sequence[Timed], pack: Pack, anniversary: int | None, usual_day: int) -> Iterator[Moment]:
    """The moments at which everything in ``timed`` holds in a shop with this anniversary, one a day. ``usual_day`` is
    where the search begins when no condition says.
    """
    calendars = {calendar.name: frozenset(calendar.days) for calendar in pack.calendars}
    for day in _days(timed, calendars, usual_day):
        if not all(_as_said(condition, holds, day, calendars, anniversary) for condition, holds in timed):
            continue
        spans = _spans(timed, day)
        if spans:
            found, birthday = _birthday(timed, day)
            if found:
                yield Moment(day, spans[0][0], birthday)


@dataclass(frozen=True, slots=True)
class Known:
    """What conditions of time ask beside the time: the shop's anniversary and the member's birthday (month times 100
    plus day), and the day of the member's last visit; None where there is none.
    """

    anniversary: int | None
    birthday: int | None
    last_visit: int | None


def coming(timed: Sequence[Timed], pack: Pack, known: Known, now: int) -> Iterator[int]:
    """The local minutes after ``now`` from which on everything in ``timed`` holds, in order, as far as
    ``MOST_DAYS_AHEAD`` days from when it can hold at all. Visits are not looked at.
    """
    asked = {condition.calendar for condition, _holds in timed if isinstance(condition, asks.Festival)}
    calendars = {calendar.name: frozenset(calendar.days) for calendar in pack.calendars if calendar.name in asked}
    low, high, listed, _bounded = _between(timed, calendars)
    low = max(low, now // DAY_MINUTES)
    days = range(low, min(high, low + MOST_DAYS_AHEAD) + 1)
    for day in days if listed is None else sorted(day for day in listed if low <= day <= high):
        if not all(_as_said(condition, holds, day, calendars, known.anniversary) for condition, holds in timed):
            continue
        if all(_of_member(condition, day, known) is not (not holds) for condition, holds in timed):
            yield from (at for start, _end in _spans(timed, day) if (at := day * DAY_MINUTES + start) > now)


def _of_member(condition: Condition, day: int, known: Known) -> bool | None:
    """Whether a condition about a member's days holds; None for any other."""
    match condition:
        case asks.Birthday(before, after):
            return known.birthday is not None and around(day, known.birthday, before, after)
        case asks.LastVisit(least, most):
            since = -1 if known.last_visit is None else day - known.last_visit
            return least <= since and since >= 0 and (most is None or since <= most)
    return None


def _days(timed: Sequence[Timed], calendars: dict[str, frozenset[int]], usual_day: int) -> Iterator[int]:
    """The days that come into question, in order."""
    low, high, listed, bounded = _between(timed, calendars)
    if listed is not None:
        yield from sorted(day for day in listed if low <= day <= high)
    elif not bounded:
        yield from range(usual_day, usual_day + MOST_DAYS)
    elif low:
        yield from range(low, min(high, low + MOST_DAYS) + 1)
    else:
        yield from range(high, max(0, high - MOST_DAYS) - 1, -1)


def _between(
    timed: Sequence[Timed], calendars: dict[str, frozenset[int]]
) -> tuple[int, int, frozenset[int] | None, bool]:
    """The first and the last day that come into question, the only ones where they are listed, and whether any
    condition says when.
    """
    first, last = [0], [LAST_DAY]
    listed: frozenset[int] | None = None
    bounded = False
    for condition, holds in timed:
        if not holds:
            continue
        match condition:
            case asks.Dates(low, high):
                first += [] if low is None else [low]
                last += [] if high is None else [high]
                bounded = True
            case asks.Window(start, end):
                first.append(start // DAY_MINUTES)
                last.append((end - 1) // DAY_MINUTES)
                bounded = True
            case asks.Festival(name):
                days = calendars.get(name, frozenset())
                listed = days if listed is None else listed & days
    return max(first), min(last), listed, bounded


def _as_said(
    condition: Condition, holds: bool, day: int, calendars: dict[str, frozenset[int]], anniversary: int | None
) -> bool:
    """Whether a condition that the day alone decides holds, or does not hold, as it is to. Minutes and members are
    looked at elsewhere.
    """
    match condition:
        case asks.Dates(low, high):
            there = (low is None or low <= day) and (high is None or day <= high)
        case asks.Weekday(any_of):
            there = weekday_of(day) in any_of
        case asks.Festival(name):
            there = day in calendars.get(name, frozenset())
        case asks.Anniversary(before, after):
            there = anniversary is not None and around(day, anniversary, before, after)
        case _:
            return True
    return there is holds


def around(day: int, yearly: int, before: int, after: int) -> bool:
    """Whether a day lies in the window around a day of every year. 29 February is kept on the 28th in other years."""
    year = date_of(day).year
    return any(kept - before <= day <= kept + after for kept in (_kept(year + more, yearly) for more in (-1, 0, 1)))


def _kept(year: int, yearly: int) -> int:
    month, of_month = divmod(yearly, 100)
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if (month, of_month) == (2, 29) and not leap:
        of_month = 28
    start = date_of(0).replace(year=year, month=month, day=of_month)
    return (start - date_of(0)).days


def _spans(timed: Sequence[Timed], day: int) -> list[_Span]:
    """The spans of a day in which everything said of minutes holds, in order."""
    spans: list[_Span] = [(0, DAY_MINUTES)]
    for condition, holds in timed:
        match condition:
            case asks.Clock(any_of):
                asked = [(hours.start, hours.end) for hours in any_of]
            case asks.Window(start, end):
                begin, stop = start - day * DAY_MINUTES, end - day * DAY_MINUTES
                asked = [(max(0, begin), min(DAY_MINUTES, stop))]
            case _:
                continue
        asked = sorted((start, end) for start, end in asked if start < end)
        spans = _both(spans, asked if holds else _others(asked))
    return spans


def _both(spans: list[_Span], others: list[_Span]) -> list[_Span]:
    found = [(max(a, c), min(b, d)) for a, b in spans for c, d in others]
    return sorted((start, end) for start, end in found if start < end)


def _others(spans: list[_Span]) -> list[_Span]:
    """What a day has beside these spans, which are in order."""
    found, reached = [], 0
    for start, end in spans:
        if reached < start:
            found.append((reached, start))
        reached = max(reached, end)
    return [*found, (reached, DAY_MINUTES)] if reached < DAY_MINUTES else found


def _birthday(timed: Sequence[Timed], day: int) -> tuple[bool, int | None]:
    """A birthday of which everything holds that day: the day itself where that will do; whether there is one."""
    asked = [(condition, holds) for condition, holds in timed if isinstance(condition, asks.Birthday)]
    if not any(holds for _condition, holds in asked):
        return True, None
    for ahead in range(366):
        date = date_of(min(LAST_DAY, day + ahead))
        yearly = date.month * 100 + date.day
        if all(around(day, yearly, one.days_before, one.days_after) is holds for one, holds in asked):
            return True, yearly
    return False, None
