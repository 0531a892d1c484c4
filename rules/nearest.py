"""The nearest single change to a basket with which a rule that did not apply would: so much more to spend, one piece
more, another tier, a later hour. Each change that is told was priced, and the rule applied.

"Single" means one thing that a customer or cashier can change: money spent, units, articles, who buys, when, where, how
it is paid, what is presented. A rule that misses two such things has no nearest change; nor has one that another rule
beats, whose budget is used up, or whose time is over.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from contract.basket import Basket, Customer, PlannedTender
from contract.calendar import DAY_MINUTES
from contract.money import MAX_AMOUNT_MINOR
from contract.trace import AppliedEffect
from rules.engine.compiled import Compiled
from rules.engine.shortfall import Shortfall, Why
from rules.goods import Goods
from rules.grammar import conditions as asks
from rules.grammar.conditions import leaves
from rules.grammar.rule import Rule
from rules.moments import local_minute_of, moment_of, zone_of
from rules.more_goods import Case, Step, more_articles, more_spent, more_units, one_item, try_out

UNNAMED_TIER = "member"


@dataclass(frozen=True, slots=True)
class Nearest:
    """A change, and what it brings. ``why`` says what changes; ``missing`` is by how much, in its unit (minor units to
    spend, units, articles, points, visits, days); ``wanted`` to which name (a tier, a code, a shop), ``at`` to which
    local minute since 1970-01-01T00:00. ``basket`` is the changed basket, ``effects`` what the rule does to it.
    """

    why: Why
    missing: int
    wanted: str | None
    at: int | None
    basket: Basket
    effects: tuple[AppliedEffect, ...]

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
    for part in _ways(shortfall):
        find = _CHANGES.get(part.why)
        if find is None:
            continue
        for step in find(Case(basket, compiled, goods, rule, part)):
            found = try_out(step.basket, compiled)
            if found is not None and found.applied(rule.rule):
                effects = found.effects(rule.rule)
                return Nearest(part.why, step.missing, step.wanted, step.at, step.basket, effects)
    return None


def _ways(shortfall: Shortfall) -> list[Shortfall]:
    """The shortfalls each of which, made good, might be enough: the cheapest kind of change first."""
    if not shortfall.parts:
        return [shortfall]
    if not shortfall.any_would_do:
        return []
    ways = [way for part in shortfall.parts for way in _ways(part)]
    return sorted(ways, key=lambda way: (_ORDER.get(way.why, len(_ORDER)), way.missing, way.at or 0))


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


# --- when ------------------------------------------------------------------------------------------------------------


def _later(case: Case) -> Iterator[Step]:
    """At the minute from which time allows it."""
    at = case.shortfall.at
    if at is None or case.basket.moment_ms is None:
        return
    moment_ms = moment_of(at, zone_of(case.basket.shop, case.compiled.pack))
    if moment_ms is not None and moment_ms > case.basket.moment_ms:
        yield Step(replace(case.basket, moment_ms=moment_ms), at=at)


def _days_later(case: Case) -> Iterator[Step]:
    """So many days after the last visit."""
    if case.basket.moment_ms is None or not case.shortfall.missing:
        return
    moment_ms = case.basket.moment_ms + case.shortfall.missing * 86_400_000
    at = local_minute_of(moment_ms, zone_of(case.basket.shop, case.compiled.pack))
    yield Step(replace(case.basket, moment_ms=moment_ms), case.shortfall.missing, at=at)


def _visits(case: Case) -> Iterator[Step]:
    """After so many visits more."""
    customer, missing = case.basket.customer, case.shortfall.missing
    if customer is None or not missing:
        return
    visits = None if customer.visits is None else customer.visits + missing
    days = customer.visit_days
    if case.basket.moment_ms is not None:
        today = local_minute_of(case.basket.moment_ms, zone_of(case.basket.shop, case.compiled.pack)) // DAY_MINUTES
        days = (*days, *[today] * missing)[-62:]
    yield Step(replace(case.basket, customer=replace(customer, visits=visits, visit_days=days)), missing)


_CHANGES: dict[Why, Callable[[Case], Iterator[Step]]] = {
    Why.MIN_SPEND: more_spent,
    Why.MIN_QUANTITY: more_units,
    Why.NO_ITEM: one_item,
    Why.DISTINCT: more_articles,
    Why.CODE: _presented("codes"),
    Why.TENDER: _tender,
    Why.FLAG: _presented("flags"),
    Why.POINTS: _points,
    Why.CLOCK: _later,
    Why.WEEKDAY: _later,
    Why.NOT_STARTED: _later,
    Why.FESTIVAL: _later,
    Why.BIRTHDAY: _later,
    Why.ANNIVERSARY: _later,
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
"""How each kind of shortfall is made good; the nearest to hand first."""

_ORDER = {why: place for place, why in enumerate(_CHANGES)}
