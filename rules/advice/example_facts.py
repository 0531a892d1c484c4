"""Who, when and where: facts of a basket for which conditions hold, or the proof that there are none.

Conditions about goods are left out here (``rules.advice.example``). For all others the search is exact: tiers, tags,
shops,
channels and codes are sets of names, days and minutes are gone through; so "there are none" is a proof, and it names
the conditions that stand in each other's way.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import product

from contract.basket import MOST_VISIT_DAYS, Basket, Customer, PlannedTender
from contract.calendar import DAY_MINUTES, day_of
from contract.making import dataclass
from rules.advice.example_time import Moment, moments
from rules.grammar import conditions as asks
from rules.grammar.conditions import Condition, Named
from rules.grammar.pack import Pack, ShopFacts
from rules.moments import moment_of, zone_of

MOST_WAYS = 64
"""How many ways through ``any`` are followed."""
MOST_PLACES = 50
_USUAL_DAY = day_of("2026-01-01")
_USUAL_TIERS = ("member", "gold", "silver", "basic")

Literal = tuple[Condition, bool]
"""A condition that is not made of others, and whether it is to hold or not to hold."""


@dataclass(frozen=True, slots=True)
class Clash:
    """Conditions that never hold together: which of those asked, by their kinds; ``sure`` is false where the search was
    cut short, so that nothing is proved.
    """

    kinds: tuple[type, ...]
    sure: bool = True


def ways(conditions: Iterable[Condition]) -> tuple[list[tuple[Literal, ...]], bool]:
    """Return the ways in which all of ``conditions`` can hold, each a list of what must and must not hold; and whether
    these are all of them.
    """
    found: list[tuple[Literal, ...]] = [()]
    complete = True
    for condition in conditions:
        more = _expanded(condition, True)
        complete = complete and len(found) * len(more) <= MOST_WAYS
        found = [way + tail for way, tail in product(found, more)][:MOST_WAYS]
    return found, complete


def _expanded(condition: Condition, holds: bool) -> list[tuple[Literal, ...]]:
    match condition:
        case asks.Not(part):
            return _expanded(part, not holds)
        case asks.All(parts) | asks.Any(parts):
            each = [_expanded(part, holds) for part in parts]
            if isinstance(condition, asks.All) is holds:
                found: list[tuple[Literal, ...]] = [()]
                for more in each:
                    found = [way + tail for way, tail in product(found, more)][: MOST_WAYS + 1]
                return found
            return [way for more in each for way in more][: MOST_WAYS + 1]
        case _:
            return [((condition, holds),)]


def facts_for(way: Sequence[Literal], pack: Pack, wants_member: bool = False) -> Basket | Clash:
    """Return a basket without lines in which everything ``way`` says of customer, time and place holds, or the clash.
    ``wants_member`` asks for a customer where the conditions leave that open.
    """
    both = {condition for condition, holds in way if holds} & {condition for condition, holds in way if not holds}
    if both:
        return Clash(tuple({type(condition) for condition in both}))
    presented = _presented(way)
    if isinstance(presented, Clash):
        return presented
    place = _placed(way, pack)
    if isinstance(place, Clash):
        return place
    basket, moment = place
    customer = _customer(way, moment, wants_member)
    if isinstance(customer, Clash):
        return customer
    codes, tenders, flags, channel = presented
    return replace(
        basket,
        customer=customer,
        codes=codes,
        tenders=tuple(PlannedTender(kind, 1) for kind in tenders),
        flags=flags,
        channel=channel,
    )


# --- names -----------------------------------------------------------------------------------------------------------


def _presented(
    way: Sequence[Literal],
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], str | None] | Clash:
    found = []
    for kind in (asks.Code, asks.Tender, asks.Flag):
        names = _several(way, kind)
        if names is None:
            return Clash((kind,))
        found.append(names)
    channel = _one(way, asks.Channel)
    if channel == "":
        return Clash((asks.Channel,))
    return found[0], found[1], found[2], channel


def _named(way: Sequence[Literal], kind: type) -> tuple[list[tuple[str, ...]], set[str]]:
    """The lists of names of which one each is asked for, and the names that are barred."""
    said = [(part.any_of, holds) for part, holds in way if isinstance(part, Named) and type(part) is kind]
    asked = [names for names, holds in said if holds]
    return asked, {name for names, holds in said if not holds for name in names}


def _several(way: Sequence[Literal], kind: type) -> tuple[str, ...] | None:
    """Names one of which is in each list asked for, where many may be had at once; None where there are none."""
    asked, barred = _named(way, kind)
    found: list[str] = []
    for names in asked:
        if any(name in found for name in names):
            continue
        name = next((name for name in names if name not in barred), None)
        if name is None:
            return None
        found.append(name)
    return tuple(found)


def _one(way: Sequence[Literal], kind: type) -> str | None:
    """The one name that is in all lists asked for; None where nothing is asked, empty where there is none."""
    asked, barred = _named(way, kind)
    if not asked:
        return None
    return next((name for name in asked[0] if name not in barred and all(name in other for other in asked[1:])), "")


# --- place and time --------------------------------------------------------------------------------------------------


def _placed(way: Sequence[Literal], pack: Pack) -> tuple[Basket, Moment | None] | Clash:
    """Shop, terminal and moment."""
    places = list(_places(way, pack))
    if not places:
        kinds = {type(condition) for condition, _holds in way} & {*_PLACES, asks.Anniversary}
        return Clash(tuple(kinds))
    timed = [literal for literal in way if type(literal[0]) in _TIMES]
    asked = any(holds or type(condition) in (asks.Visit, asks.LastVisit) for condition, holds in timed)
    if not asked:
        facts, terminal = places[0]
        return Basket((), shop=facts.shop if facts else None, terminal=terminal), None
    sure = len(places) <= MOST_PLACES
    for facts, terminal in places[:MOST_PLACES]:
        shop = facts.shop if facts else None
        zone = zone_of(shop, pack)
        anniversary = facts.anniversary if facts else None
        for moment in moments(timed, pack, anniversary, _USUAL_DAY):
            moment_ms = moment_of(moment.day * DAY_MINUTES + moment.minute, zone)
            if moment_ms is not None and moment_ms >= 0:
                return Basket((), shop=shop, terminal=terminal, moment_ms=moment_ms), moment
            sure = False
    return Clash(tuple({type(condition) for condition, _holds in timed}), sure)


_PLACES = (asks.Shop, asks.ShopGroup, asks.Terminal)
_TIMES = (
    *(asks.Dates, asks.Window, asks.Weekday, asks.Clock, asks.Festival, asks.Anniversary, asks.Birthday),
    *(asks.Visit, asks.LastVisit),
)


def _places(way: Sequence[Literal], pack: Pack) -> Iterator[tuple[ShopFacts | None, str | None]]:
    """The shops and terminals for which everything said of places holds; (None, None) for "no shop in particular"."""
    known = {facts.shop: facts for facts in pack.shops}
    terminals, _barred = _named(way, asks.Terminal)
    shops, _barred = _named(way, asks.Shop)
    wants_facts = any(holds and type(condition) in (asks.ShopGroup, asks.Anniversary) for condition, holds in way)
    candidates: Iterable[tuple[str | None, str | None]]
    if terminals:
        candidates = [(name.partition("/")[0], name.partition("/")[2]) for name in terminals[0]]
    elif shops:
        candidates = [(name, None) for name in shops[0]]
    elif wants_facts:
        candidates = [(name, None) for name in known]
    else:
        candidates = [(None, None), *((name, None) for name in known)]
    for shop, terminal in candidates:
        facts = None if shop is None else known.get(shop, ShopFacts(shop))
        if all(_there(condition, facts, terminal) is holds for condition, holds in way if type(condition) in _PLACES):
            needs = any(holds and type(condition) is asks.Anniversary for condition, holds in way)
            if not needs or (facts is not None and facts.anniversary is not None):
                yield facts, terminal


def _there(condition: Condition, facts: ShopFacts | None, terminal: str | None) -> bool:
    shop = None if facts is None else facts.shop
    match condition:
        case asks.Shop(any_of):
            return shop in any_of
        case asks.ShopGroup(any_of):
            return facts is not None and not set(facts.groups).isdisjoint(any_of)
        case asks.Terminal(any_of):
            return f"{shop}/{terminal}" in any_of
    return True


# --- the customer ----------------------------------------------------------------------------------------------------

_OF_MEMBERS = (*(asks.Tier, asks.Tag, asks.Segment, asks.CardType, asks.Birthday, asks.Visit, asks.LastVisit),)


def _customer(way: Sequence[Literal], moment: Moment | None, wants_member: bool) -> Customer | Clash | None:
    """The customer, None for somebody who is no member."""
    said = {condition.is_member is holds for condition, holds in way if isinstance(condition, asks.Member)}
    least = max((one.at_least for one, holds in way if isinstance(one, asks.PointsBalance) and holds), default=0)
    below = min((one.at_least for one, holds in way if isinstance(one, asks.PointsBalance) and not holds), default=None)
    needed = any(holds and type(condition) in _OF_MEMBERS for condition, holds in way) or least > 0
    if len(said) == 2 or (False in said and needed):
        kinds = {type(condition) for condition, holds in way if holds and type(condition) in _OF_MEMBERS}
        return Clash((asks.Member, *kinds))
    if below is not None and least >= below:
        return Clash((asks.PointsBalance,))
    if False in said or not (needed or True in said or wants_member):
        return None
    tier, card = _one(way, asks.Tier), _one(way, asks.CardType)
    tags, segments = _several(way, asks.Tag), _several(way, asks.Segment)
    if tier is None:
        _asked, barred = _named(way, asks.Tier)
        tier = next(name for name in (*_USUAL_TIERS, *(f"t{count}" for count in range(2_000))) if name not in barred)
    for kind, missing in (
        (asks.Tier, tier == ""),
        (asks.CardType, card == ""),
        (asks.Tag, tags is None),
        (asks.Segment, segments is None),
    ):
        if missing:
            return Clash((kind,))
    visited = _visited(way, moment)
    if isinstance(visited, Clash):
        return visited
    visits, days = visited
    birthday = None if moment is None else moment.birthday
    points = least if below is None else min(least, below - 1)
    return Customer(tier, tags or (), segments or (), card, birthday, points, 0, visits, days)


def _visited(way: Sequence[Literal], moment: Moment | None) -> tuple[int | None, tuple[int, ...]] | Clash:
    """How often and when the member has been here."""
    asked = [(condition, holds) for condition, holds in way if isinstance(condition, asks.Visit)]
    ever = [(condition, holds) for condition, holds in asked if condition.within is asks.Span.EVER]
    visits = None
    if any(holds for _condition, holds in ever):
        numbers = {times * one.nth for one, holds in ever if holds for times in range(1, 400 if one.every else 2)}
        fitting = [number for number in sorted(numbers) if all(_is_nth(one, number) is holds for one, holds in ever)]
        if not fitting:
            return Clash((asks.Visit,), all(not one.every for one, holds in ever if holds))
        visits = fitting[0] - 1
    within = [condition for condition, holds in asked if holds and condition.within is not asks.Span.EVER]
    days: tuple[int, ...] = ()
    if within and moment is not None:
        if max(condition.nth for condition in within) - 1 > MOST_VISIT_DAYS:
            return Clash((asks.Visit,))
        days = (moment.day,) * (within[0].nth - 1)
    back = [condition for condition, holds in way if holds and isinstance(condition, asks.LastVisit)]
    if back and moment is not None:
        least = max(condition.at_least_days for condition in back)
        most = min((one.at_most_days for one in back if one.at_most_days is not None), default=None)
        if most is not None and least > most:
            return Clash((asks.LastVisit,))
        days = (*days, max(0, moment.day - least))
    return visits, days


def _is_nth(asked: asks.Visit, number: int) -> bool:
    return number == asked.nth or (asked.every and number % asked.nth == 0)
