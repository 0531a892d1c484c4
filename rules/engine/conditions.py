"""Whether a condition holds for a basket as it stands, and what is missing where it does not.

One function per kind; None means it holds.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from contract.basket import MOST_VISIT_DAYS
from contract.calendar import DAY_MINUTES, date_of
from rules.engine.shortfall import Shortfall, Why
from rules.engine.view import View
from rules.grammar import conditions as grammar
from rules.grammar.conditions import Base, Condition, Per, Span
from rules.moments import weekday_of

Missing = Shortfall | None


def check(condition: Condition, view: View) -> Missing:
    """Return None where ``condition`` holds, else by how much it does not."""
    return _CHECKS[type(condition)](condition, view)


def check_all(conditions: Sequence[Condition], view: View) -> Missing:
    """Return None where all hold, the shortfall of the first that does not otherwise; on a view that is to explain,
    with the shortfalls of all that do not as its parts, where there are several.
    """
    for condition in conditions:
        missing = _CHECKS[type(condition)](condition, view)
        if missing is not None:
            return _together(conditions, view) if view.facts.explain else missing
    return None


def codes_used(conditions: Sequence[Condition], view: View) -> tuple[str, ...]:
    """The codes that let conditions hold which do hold for ``view``, each once. Of several that would do, as few as
    possible: whoever needs no code for a rule has used none.
    """
    return tuple(dict.fromkeys(code for condition in conditions for code in _codes(condition, view)))


def _codes(condition: Condition, view: View) -> tuple[str, ...]:
    match condition:
        case grammar.Code():
            return next(((code,) for code in condition.any_of if code in view.facts.codes), ())
        case grammar.All():
            return codes_used(condition.parts, view)
        case grammar.Any():
            return min((_codes(part, view) for part in condition.parts if check(part, view) is None), key=len)
        case _:
            return ()


def _together(conditions: Sequence[Condition], view: View) -> Shortfall:
    missed = [missing for condition in conditions if (missing := check(condition, view)) is not None]
    return missed[0] if len(missed) == 1 else replace(missed[0], parts=tuple(missed), any_would_do=False)


def _all(asked: grammar.All, view: View) -> Missing:
    return check_all(asked.parts, view)


def _any(asked: grammar.Any, view: View) -> Missing:
    missed = []
    for part in asked.parts:
        missing = check(part, view)
        if missing is None:
            return None
        missed.append(missing)
    first = missed[0]
    return Shortfall(first.why, first.missing, first.wanted, first.at, tuple(missed), any_would_do=True)


def _not(asked: grammar.Not, view: View) -> Missing:
    return Shortfall(Why.NEGATED) if check(asked.part, view) is None else None


def _member(asked: grammar.Member, view: View) -> Missing:
    if (view.facts.customer is not None) is asked.is_member:
        return None
    return Shortfall(Why.MEMBER if asked.is_member else Why.NOT_MEMBER)


def _tier(asked: grammar.Tier, view: View) -> Missing:
    customer = view.facts.customer
    return None if customer is not None and customer.tier in asked.any_of else Shortfall(Why.TIER, 0, asked.any_of)


def _one_of(has: Iterable[str], wanted: tuple[str, ...], why: Why) -> Missing:
    return None if any(name in wanted for name in has) else Shortfall(why, 0, wanted)


def _tag(asked: grammar.Tag, view: View) -> Missing:
    customer = view.facts.customer
    return _one_of(() if customer is None else customer.tags, asked.any_of, Why.TAG)


def _segment(asked: grammar.Segment, view: View) -> Missing:
    customer = view.facts.customer
    return _one_of(() if customer is None else customer.segments, asked.any_of, Why.SEGMENT)


def _card_type(asked: grammar.CardType, view: View) -> Missing:
    customer = view.facts.customer
    has = () if customer is None or customer.card_type is None else (customer.card_type,)
    return _one_of(has, asked.any_of, Why.CARD_TYPE)


def _birthday(asked: grammar.Birthday, view: View) -> Missing:
    customer = view.facts.customer
    yearly = None if customer is None else customer.birthday
    return _around(yearly, asked.days_before, asked.days_after, view, Why.BIRTHDAY)


def _anniversary(asked: grammar.Anniversary, view: View) -> Missing:
    return _around(view.facts.shop.anniversary, asked.days_before, asked.days_after, view, Why.ANNIVERSARY)


def _around(yearly: int | None, days_before: int, days_after: int, view: View, why: Why) -> Missing:
    """Today lies in the window around a day of every year, which may reach over New Year."""
    today = view.facts.day
    if today is None:
        return Shortfall(Why.TIME_UNKNOWN)
    if yearly is None:
        return Shortfall(why)
    year = date_of(today).year
    kept = [_day_in(year + offset, yearly) for offset in (-1, 0, 1)]
    if any(day - days_before <= today <= day + days_after for day in kept):
        return None
    coming = [day - days_before for day in kept if day - days_before > today]
    return Shortfall(why, at=min(coming) * DAY_MINUTES if coming else None)


def _day_in(year: int, yearly: int) -> int:
    """The day of ``year`` on which a day of every year is kept: 29 February on the 28th where there is none."""
    month, day = divmod(yearly, 100)
    if (month, day) == (2, 29) and (year % 4 or (not year % 100 and year % 400)):
        day = 28
    return date(year, month, day).toordinal() - date(1970, 1, 1).toordinal()


def _visit(asked: grammar.Visit, view: View) -> Missing:
    customer, today = view.facts.customer, view.facts.day
    if customer is None or (asked.within is Span.EVER and customer.visits is None):
        return Shortfall(Why.NTH_VISIT)
    if asked.within is Span.EVER:
        before = customer.visits or 0
    elif today is None:
        return Shortfall(Why.TIME_UNKNOWN)
    else:
        start = _start_of(asked.within, today)
        before = sum(1 for day in customer.visit_days if start <= day <= today)
        if before == MOST_VISIT_DAYS:
            # The list is full, and no day of it before the span: nobody knows how many more there were.
            return Shortfall(Why.NTH_VISIT)
    this = before + 1
    if this == asked.nth or (asked.every and this % asked.nth == 0):
        return None
    return Shortfall(Why.NTH_VISIT, asked.nth - this % asked.nth if asked.every else max(0, asked.nth - this))


def _start_of(span: Span, day: int) -> int:
    """The first day of the calendar period that ``day`` lies in."""
    today = date_of(day)
    match span:
        case Span.WEEK:
            return day - today.weekday()
        case Span.MONTH:
            return day - today.day + 1
        case Span.YEAR:
            return day - (today - date(today.year, 1, 1)).days
        case _:
            return day


def _last_visit(asked: grammar.LastVisit, view: View) -> Missing:
    customer, today = view.facts.customer, view.facts.day
    if today is None:
        return Shortfall(Why.TIME_UNKNOWN)
    if customer is None or not customer.visit_days:
        return Shortfall(Why.LAST_VISIT)
    since = today - max(customer.visit_days)
    if since < asked.at_least_days:
        return Shortfall(Why.LAST_VISIT, asked.at_least_days - since)
    if asked.at_most_days is not None and since > asked.at_most_days:
        return Shortfall(Why.LAST_VISIT)
    return None


def _dates(asked: grammar.Dates, view: View) -> Missing:
    today = view.facts.day
    if today is None:
        return Shortfall(Why.TIME_UNKNOWN)
    if asked.first is not None and today < asked.first:
        return Shortfall(Why.NOT_STARTED, at=asked.first * DAY_MINUTES)
    if asked.last is not None and today > asked.last:
        return Shortfall(Why.EXPIRED, at=(asked.last + 1) * DAY_MINUTES)
    return None


def _window(asked: grammar.Window, view: View) -> Missing:
    now = view.facts.local_minute
    if now is None:
        return Shortfall(Why.TIME_UNKNOWN)
    if now < asked.start:
        return Shortfall(Why.NOT_STARTED, at=asked.start)
    return Shortfall(Why.EXPIRED, at=asked.end) if now >= asked.end else None


def _weekday(asked: grammar.Weekday, view: View) -> Missing:
    today = view.facts.day
    if today is None:
        return Shortfall(Why.TIME_UNKNOWN)
    weekday = weekday_of(today)
    if weekday in asked.any_of:
        return None
    ahead = min((wanted - weekday) % 7 for wanted in asked.any_of)
    return Shortfall(Why.WEEKDAY, 0, tuple(map(str, asked.any_of)), (today + ahead) * DAY_MINUTES)


def _clock(asked: grammar.Clock, view: View) -> Missing:
    minute, now = view.facts.minute, view.facts.local_minute
    if minute is None or now is None:
        return Shortfall(Why.TIME_UNKNOWN)
    if any(hours.start <= minute < hours.end for hours in asked.any_of):
        return None
    return Shortfall(Why.CLOCK, at=now + min((hours.start - minute) % DAY_MINUTES for hours in asked.any_of))


def _festival(asked: grammar.Festival, view: View) -> Missing:
    today = view.facts.day
    if today is None:
        return Shortfall(Why.TIME_UNKNOWN)
    days = next(calendar.days for calendar in view.facts.pack.calendars if calendar.name == asked.calendar)
    if today in days:
        return None
    coming = [day for day in days if day > today]
    return Shortfall(Why.FESTIVAL, 0, (asked.calendar,), min(coming) * DAY_MINUTES if coming else None)


def _shop(asked: grammar.Shop, view: View) -> Missing:
    return None if view.facts.basket.shop in asked.any_of else Shortfall(Why.SHOP, 0, asked.any_of)


def _shop_group(asked: grammar.ShopGroup, view: View) -> Missing:
    return _one_of(view.facts.shop.groups, asked.any_of, Why.SHOP_GROUP)


def _terminal(asked: grammar.Terminal, view: View) -> Missing:
    basket = view.facts.basket
    return _one_of((f"{basket.shop}/{basket.terminal}",), asked.any_of, Why.TERMINAL)


def _channel(asked: grammar.Channel, view: View) -> Missing:
    return None if view.facts.basket.channel in asked.any_of else Shortfall(Why.CHANNEL, 0, asked.any_of)


def _tender(asked: grammar.Tender, view: View) -> Missing:
    return _one_of(view.facts.tenders, asked.any_of, Why.TENDER)


def _code(asked: grammar.Code, view: View) -> Missing:
    return _one_of(view.facts.codes, asked.any_of, Why.CODE)


def _flag(asked: grammar.Flag, view: View) -> Missing:
    return _one_of(view.facts.basket.flags, asked.any_of, Why.FLAG)


def _points_balance(asked: grammar.PointsBalance, view: View) -> Missing:
    has = 0 if view.facts.customer is None else view.facts.customer.points
    return None if has >= asked.at_least else Shortfall(Why.POINTS, asked.at_least - has)


def _quantity(asked: grammar.Quantity, view: View) -> Missing:
    counts = [view.units.lines[line].quantity for line in view.lines(asked.select)]
    return _between(counts, asked.per, asked.at_least, asked.at_most, Why.MIN_QUANTITY, Why.MAX_QUANTITY)


def _spend(asked: grammar.Spend, view: View) -> Missing:
    units = view.units
    base = asked.base or view.facts.pack.policies.threshold_base
    by_line = units.left if base is Base.LEFT else units.worth
    amounts = [by_line[line] for line in view.lines(asked.select)]
    return _between(amounts, asked.per, asked.at_least_minor, asked.at_most_minor, Why.MIN_SPEND, Why.MAX_SPEND)


def _between(found: list[int], per: Per, at_least: int, at_most: int | None, below: Why, above: Why) -> Missing:
    """The sum, or one of the lines, lies between the bounds."""
    candidates = found if per is Per.LINE else [sum(found)]
    if any(at_least <= number and (at_most is None or number <= at_most) for number in candidates):
        return None
    nearest = max((number for number in candidates if number < at_least), default=None)
    if nearest is not None or not candidates:
        return Shortfall(below, at_least - (nearest or 0))
    return Shortfall(above, min(candidates) - (at_most or 0))


def _distinct(asked: grammar.Distinct, view: View) -> Missing:
    found = len({view.units.lines[line].sku for line in view.lines(asked.select)})
    return None if found >= asked.at_least else Shortfall(Why.DISTINCT, asked.at_least - found)


_CHECKS: dict[type, Callable[[Any, View], Missing]] = {
    grammar.All: _all,
    grammar.Any: _any,
    grammar.Not: _not,
    grammar.Member: _member,
    grammar.Tier: _tier,
    grammar.Tag: _tag,
    grammar.Segment: _segment,
    grammar.CardType: _card_type,
    grammar.Birthday: _birthday,
    grammar.Visit: _visit,
    grammar.LastVisit: _last_visit,
    grammar.Dates: _dates,
    grammar.Window: _window,
    grammar.Weekday: _weekday,
    grammar.Clock: _clock,
    grammar.Festival: _festival,
    grammar.Anniversary: _anniversary,
    grammar.Shop: _shop,
    grammar.ShopGroup: _shop_group,
    grammar.Terminal: _terminal,
    grammar.Channel: _channel,
    grammar.Quantity: _quantity,
    grammar.Distinct: _distinct,
    grammar.Spend: _spend,
    grammar.Tender: _tender,
    grammar.Code: _code,
    grammar.PointsBalance: _points_balance,
    grammar.Flag: _flag,
}
