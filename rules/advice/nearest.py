"""The nearest single change to a basket with which a rule that did not apply would: so much more to spend, one piece
more, another tier, a later hour. Each change that is told was priced, and the rule applied.

"Single" means one thing that a customer or cashier can change: the goods, who buys, when, where, how it is paid, what
is presented. It may mend several conditions: the minute from which the day and the hour are right; a tier and a tag of
one member; units and the money that they cost. A rule that misses two such things has no nearest change; nor has one
that another rule beats, whose budget is used up, or whose time is over.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from heapq import merge
from itertools import islice
from typing import Any

from contract.basket import MOST_VISIT_DAYS, Basket, Customer, PlannedTender
from contract.calendar import DAY_MINUTES
from contract.making import dataclass
from contract.money import MAX_AMOUNT_MINOR
from contract.trace import AppliedEffect
from rules.advice.example_facts import ways
from rules.advice.example_time import Known, coming
from rules.advice.goods import Goods
from rules.advice.more_goods import GOODS, Also, Case, Step, more_of_all, try_out
from rules.engine.compiled import Compiled
from rules.engine.conditions import check
from rules.engine.shortfall import Shortfall, Why, ways_to_mend
from rules.grammar import conditions as asks
from rules.grammar.conditions import leaves
from rules.grammar.rule import Rule
from rules.moments import local_minute_of, moment_of, zone_of

UNNAMED_TIER = "member"
MOST_MINUTES = 3
"""How many of the minutes that come into question are priced."""
MOST_WAYS_IN_TIME = 8
_DAY_MS = 86_400_000
_TIMES = (
    *(asks.Dates, asks.Window, asks.Weekday, asks.Clock, asks.Festival, asks.Anniversary, asks.Birthday),
    asks.LastVisit,
)
_UNDECIDED = (*_TIMES, asks.Visit, asks.Spend)
"""What a later hour, or what other rules do then, may change; pricing decides."""


@dataclass(frozen=True, slots=True)
class Nearest:
    """A change, and what it brings. ``why`` says what changes; ``missing`` is by how much, in its unit (minor units to
    spend, units, articles, points, visits, days); ``wanted`` to which name (a tier, a code, a shop), ``at`` to which
    local minute since 1970-01-01T00:00, ``also`` what else belongs to the change. ``basket`` is the changed basket,
    ``effects`` what the rule does to it.
    """

    why: Why
    missing: int
    wanted: str | None
    at: int | None
    basket: Basket
    effects: tuple[AppliedEffect, ...]
    also: tuple[Also, ...] = ()

    @property
    def off_minor(self) -> int:
        """What the rule would take off, in minor units."""
        return sum(effect.off_minor for effect in self.effects)

    @property
    def points(self) -> int:
        """The points the rule would give."""
        return sum(effect.points for effect in self.effects)


def nearest(basket: Basket, compiled: Compiled, goods: Goods, rule: Rule, shortfall: Shortfall) -> Nearest | None:
    """Return the nearest single change with which ``rule`` would apply, None where there is none. ``shortfall`` is what
    ``judge`` found for it, ``goods`` those of ``compiled``.
    """
    times_asked = False
    for way in sorted(ways_to_mend(shortfall), key=_nearness):
        by_time = all(part.why in _BY_TIME for part in way)
        if by_time and times_asked and len(way) > 1:
            continue
        times_asked = times_asked or by_time
        for step in _steps(Case(basket, compiled, goods, rule, way[0]), way):
            found = try_out(step.basket, compiled)
            if found is not None and found.applied(rule.rule):
                why = way[0].why if step.why is None else step.why
                effects = found.effects(rule.rule)
                return Nearest(why, step.missing, step.wanted, step.at, step.basket, effects, step.also)
    return None


def _nearness(way: tuple[Shortfall, ...]) -> tuple[int, int, int, int]:
    """One thing before several, and the cheapest kind of change first."""
    first = way[0]
    return len(way), _ORDER.get(first.why, len(_ORDER)), first.missing, first.at or 0


def _steps(case: Case, way: tuple[Shortfall, ...]) -> Iterator[Step]:
    """The changes of one kind that could make good everything in ``way``."""
    whys = {part.why for part in way}
    find = _CHANGES.get(case.shortfall.why)
    if len(way) == 1 and find is not None:
        yield from find(case)
    if whys <= _BY_TIME:
        yield from _later(case)
    elif (len(way) > 1 and whys <= GOODS.keys()) or whys == {Why.NO_ITEM}:
        yield from more_of_all(case, way)
    elif len(way) > 1 and whys <= _BY_CUSTOMER:
        yield from _another(case, way)
    elif len(way) > 1 and (len(whys) == 1 or whys <= _BY_PLACE) and find is not None:
        # One name may be in several lists; one shop may be of several groups.
        for part in way:
            yield from _CHANGES[part.why](replace(case, shortfall=replace(part, wanted=_common(way, part.why))))


def _common(way: tuple[Shortfall, ...], why: Why) -> tuple[str, ...]:
    """The names wanted, those first that everything of this kind in ``way`` wants."""
    lists = [part.wanted for part in way if part.why is why]
    names = dict.fromkeys(name for names in lists for name in names)
    return tuple(sorted(names, key=lambda name: -sum(name in names for names in lists)))


# --- who buys, how, where --------------------------------------------------------------------------------------------


def _customer(case: Case) -> Customer:
    """The customer, or one that somebody who is no member yet could become."""
    if case.basket.customer is not None:
        return case.basket.customer
    wanted = [part.any_of for condition in case.rule.when for part in leaves(condition) if isinstance(part, asks.Tier)]
    return Customer(wanted[0][0] if wanted else UNNAMED_TIER)


def _member(case: Case) -> Iterator[Step]:
    if case.basket.customer is None:
        yield Step(replace(case.basket, customer=_customer(case)))


def _tier(case: Case) -> Iterator[Step]:
    for tier in case.shortfall.wanted:
        customer = replace(_customer(case), tier=tier)
        yield Step(replace(case.basket, customer=customer), wanted=tier)


def _labelled(field: str) -> Callable[[Case], Iterator[Step]]:
    def find(case: Case) -> Iterator[Step]:
        customer = _customer(case)
        for name in case.shortfall.wanted[:1]:
            changed: Any = {field: (*getattr(customer, field), name)}
            yield Step(replace(case.basket, customer=replace(customer, **changed)), wanted=name)

    return find


def _card_type(case: Case) -> Iterator[Step]:
    for name in case.shortfall.wanted[:1]:
        yield Step(replace(case.basket, customer=replace(_customer(case), card_type=name)), wanted=name)


def _points(case: Case) -> Iterator[Step]:
    customer = case.basket.customer
    if customer is not None:
        more = replace(customer, points=customer.points + case.shortfall.missing)
        yield Step(replace(case.basket, customer=more), case.shortfall.missing)


def _presented(field: str) -> Callable[[Case], Iterator[Step]]:
    def find(case: Case) -> Iterator[Step]:
        for name in case.shortfall.wanted[:1]:
            changed: Any = {field: (*getattr(case.basket, field), name)}
            yield Step(replace(case.basket, **changed), wanted=name)

    return find


def _tender(case: Case) -> Iterator[Step]:
    for kind in case.shortfall.wanted[:1]:
        planned = PlannedTender(kind, min(case.basket.list_minor, MAX_AMOUNT_MINOR))
        yield Step(replace(case.basket, tenders=(planned,)), wanted=kind)


def _place(field: str) -> Callable[[Case], Iterator[Step]]:
    def find(case: Case) -> Iterator[Step]:
        for name in case.shortfall.wanted[:1]:
            changed: Any = {field: name}
            yield Step(replace(case.basket, **changed), wanted=name)

    return find


def _shop_group(case: Case) -> Iterator[Step]:
    wanted = set(case.shortfall.wanted)
    for facts in case.compiled.pack.shops:
        if wanted.intersection(facts.groups):
            yield Step(replace(case.basket, shop=facts.shop), wanted=facts.shop)
            return


def _terminal(case: Case) -> Iterator[Step]:
    for name in case.shortfall.wanted[:1]:
        shop, _slash, terminal = name.partition("/")
        yield Step(replace(case.basket, shop=shop, terminal=terminal), wanted=name)


def _another(case: Case, way: tuple[Shortfall, ...]) -> Iterator[Step]:
    """The customer as somebody of whom everything in ``way`` holds: a tier, a card, tags and segments together."""
    customer = _customer(case)
    told: list[tuple[Why, str]] = []
    for part in way:
        names = _common(way, part.why)[:1]
        has = {name for why, name in told if why is part.why}
        if not names or not has.isdisjoint(part.wanted):
            continue
        name = names[0] if names[0] in part.wanted else part.wanted[0]
        changed: Any = {}
        match part.why:
            case Why.TIER:
                changed = {"tier": name}
            case Why.CARD_TYPE:
                changed = {"card_type": name}
            case Why.TAG:
                changed = {"tags": (*customer.tags, name)}
            case _:
                changed = {"segments": (*customer.segments, name)}
        told.append((part.why, name))
        customer = replace(customer, **changed)
    told.sort(key=lambda one: (one[0] is not Why.TIER, one[0] is not Why.CARD_TYPE))
    why, wanted = told[0] if told else (Why.MEMBER, None)
    also = tuple(Also(more, wanted=name) for more, name in told[1:])
    yield Step(replace(case.basket, customer=customer), wanted=wanted, why=why, also=also)


# --- when ------------------------------------------------------------------------------------------------------------


def _later(case: Case) -> Iterator[Step]:
    """At the first minutes from which all that the rule asks of time holds, where time is all that it misses."""
    basket, pack = case.basket, case.compiled.pack
    if basket.moment_ms is None:
        return
    view = case.compiled.open(basket)
    customer = basket.customer
    birthday = None if customer is None else customer.birthday
    last_visit = None if customer is None else max(customer.visit_days, default=None)
    known = Known(view.facts.shop.anniversary, birthday, last_visit)
    minutes = [
        coming([literal for literal in way if type(literal[0]) in _TIMES], pack, known, view.facts.local_minute or 0)
        for way in ways(case.rule.when)[0][:MOST_WAYS_IN_TIME]
        if all(type(part) in _UNDECIDED or (check(part, view) is None) is holds for part, holds in way)
    ]
    zone = zone_of(basket.shop, pack)
    for at in islice(dict.fromkeys(islice(merge(*minutes), 2 * MOST_MINUTES)), MOST_MINUTES):
        moment_ms = moment_of(at, zone)
        if moment_ms is not None and moment_ms > basket.moment_ms:
            yield Step(replace(basket, moment_ms=moment_ms), at=at)


def _days_later(case: Case) -> Iterator[Step]:
    """So many days after the last visit."""
    if case.basket.moment_ms is None or not case.shortfall.missing:
        return
    moment_ms = case.basket.moment_ms + case.shortfall.missing * _DAY_MS
    at = local_minute_of(moment_ms, zone_of(case.basket.shop, case.compiled.pack))
    yield Step(replace(case.basket, moment_ms=moment_ms), case.shortfall.missing, at=at)


def _visits(case: Case) -> Iterator[Step]:
    """After so many visits more, today's among them: all of them today where visits of a day count, else one a day, so
    that those counted in a week, a month or a year still fall into it.
    """
    customer, missing, basket = case.basket.customer, case.shortfall.missing, case.basket
    if customer is None or not missing:
        return
    spans = {part.within for condition in case.rule.when for part in leaves(condition) if isinstance(part, asks.Visit)}
    a_day = 0 if asks.Span.DAY in spans or spans == {asks.Span.EVER} else 1
    visits = None if customer.visits is None else customer.visits + missing
    days, moment_ms = customer.visit_days, basket.moment_ms
    if moment_ms is not None and missing <= MOST_VISIT_DAYS:
        today = local_minute_of(moment_ms, zone_of(basket.shop, case.compiled.pack)) // DAY_MINUTES
        days = (*days, *(today + a_day * number for number in range(missing)))[-MOST_VISIT_DAYS:]
        moment_ms += a_day * missing * _DAY_MS
    later = replace(customer, visits=visits, visit_days=days)
    yield Step(replace(basket, customer=later, moment_ms=moment_ms), missing)


_CHANGES: dict[Why, Callable[[Case], Iterator[Step]]] = {
    **GOODS,
    Why.CODE: _presented("codes"),
    Why.TENDER: _tender,
    Why.FLAG: _presented("flags"),
    Why.POINTS: _points,
    Why.LAST_VISIT: _days_later,
    Why.NTH_VISIT: _visits,
    Why.MEMBER: _member,
    Why.TIER: _tier,
    Why.TAG: _labelled("tags"),
    Why.SEGMENT: _labelled("segments"),
    Why.CARD_TYPE: _card_type,
    Why.CHANNEL: _place("channel"),
    Why.TERMINAL: _terminal,
    Why.SHOP: _place("shop"),
    Why.SHOP_GROUP: _shop_group,
}
"""How each kind of shortfall is made good by itself; what time mends is in ``_BY_TIME``."""

_BY_TIME = {
    *(Why.CLOCK, Why.WEEKDAY, Why.NOT_STARTED, Why.FESTIVAL, Why.BIRTHDAY, Why.ANNIVERSARY, Why.LAST_VISIT),
    *(Why.EXPIRED, Why.NEGATED),
}
"""What a later hour may mend; an exception may be one of time."""
_BY_CUSTOMER = {Why.MEMBER, Why.TIER, Why.TAG, Why.SEGMENT, Why.CARD_TYPE}
_BY_PLACE = {Why.SHOP, Why.SHOP_GROUP, Why.TERMINAL}

_ORDER = {
    why: place
    for place, why in enumerate(
        (
            *(*GOODS, Why.CODE, Why.TENDER, Why.FLAG, Why.POINTS, Why.CLOCK, Why.WEEKDAY, Why.NOT_STARTED),
            *(Why.FESTIVAL, Why.BIRTHDAY, Why.ANNIVERSARY, Why.LAST_VISIT, Why.NTH_VISIT, Why.MEMBER, Why.TIER),
            *(Why.TAG, Why.SEGMENT, Why.CARD_TYPE, Why.CHANNEL, Why.TERMINAL, Why.SHOP, Why.SHOP_GROUP),
        )
    )
}
"""The nearest to hand first."""
