"""How many effects one sale could meet: a bound that holds whatever amounts rules ask for, so that a pack by which one
article could not be sold is refused before anybody signs it.

A journal entry holds a limited number of effects. A basket of many articles may meet more of them; there the cashier
can take payment and begin another.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping
from heapq import nlargest
from typing import Any, cast

from contract.calendar import DAY_MINUTES
from rules.grammar import conditions, rewards
from rules.grammar.conditions import Condition
from rules.grammar.money import Package
from rules.grammar.pack import Pack
from rules.grammar.rule import Rule
from rules.grammar.select import Select

_MOST_AT_ONCE = {
    "sku": 1,
    "day": 1,
    "terminal": 1,
    "shop": 1,
    "brand": 1,
    "tier": 1,
    "card_type": 1,
    "channel": 1,
    "code": 32,
    "category": 8,
    "tag": 16,
    "member_tag": 32,
    "segment": 32,
    "shop_group": 64,
    "flag": 16,
}
"""How many values of a fact one basket of one article can have at once, by the limits of a basket. Of the facts that a
rule asks for, the first in this order stands for the rule.
"""

_MOST_DAYS = 92
"""A rule that holds for more days than this counts as one for every day."""

Asked = dict[str, tuple[Hashable, ...]]
"""For each fact asked for, the values that would do."""


def most_effects(pack: Pack) -> int:
    """Return a number of effects that no basket of one article exceeds under ``pack``.

    Each effect stands under one fact that its rule asks for; a basket meets those of the values it has. Rules of one
    group exclude each other, so that the one with most effects stands for its group.
    """
    sets = {item.name: item.select for item in pack.sets}
    by_value: dict[tuple[str, Hashable], dict[Hashable, int]] = defaultdict(lambda: defaultdict(int))
    by_fact: dict[str, dict[Hashable, int]] = defaultdict(lambda: defaultdict(int))
    for rule in pack.rules:
        if rule.paused:
            continue
        whole: dict[str, int] = defaultdict(int)
        each: dict[tuple[str, Hashable], int] = defaultdict(int)
        for effect in rule.then:
            fact, values = _standing(_asked(rule, effect, sets))
            whole[fact] += rule.limits.per_sale
            for value in values:
                each[fact, value] += rule.limits.per_sale
        stands_for: Hashable = ("group", rule.groups[0]) if rule.groups else ("rule", rule.rule)
        for fact, count in whole.items():
            by_fact[fact][stands_for] = max(by_fact[fact][stands_for], count)
        for place, count in each.items():
            by_value[place][stands_for] = max(by_value[place][stands_for], count)
    counts: dict[str, list[int]] = defaultdict(list)
    for (fact, _value), standing in by_value.items():
        counts[fact].append(sum(standing.values()))
    return sum(
        min(sum(standing.values()), sum(nlargest(_MOST_AT_ONCE[fact], counts[fact])))
        if fact
        else sum(standing.values())
        for fact, standing in by_fact.items()
    )


def _standing(asked: Asked) -> tuple[str, Iterable[Hashable]]:
    """The fact that stands for an effect, and its values; no fact for an effect that asks for none."""
    return next(((fact, set(asked[fact])) for fact in _MOST_AT_ONCE if fact in asked), ("", ()))


def _asked(rule: Rule, effect: object, sets: Mapping[str, Select]) -> Asked:
    """What a basket of one article must have for this effect of ``rule``."""
    asked: Asked = {}
    for condition in rule.when:
        asked.update(_of_condition(condition, sets))
    for select in _selections(effect):
        asked.update(_of_select(select, sets))
    return asked


def _of_condition(condition: Condition, sets: Mapping[str, Select]) -> Asked:
    match condition:
        case conditions.All(parts=parts):
            return {fact: values for part in parts for fact, values in _of_condition(part, sets).items()}
        case conditions.Quantity(select=select, at_least=least) | conditions.Spend(select=select, at_least_minor=least):
            return _of_select(select, sets) if least else {}
        case conditions.Distinct(select=select):
            return _of_select(select, sets)
        case conditions.Dates(first=int() as first, last=int() as last):
            return _of_days(first, last)
        case conditions.Window(start=start, end=end):
            return _of_days(start // DAY_MINUTES, end // DAY_MINUTES)
    fact = _FACTS.get(type(condition))
    return {} if fact is None else {fact: cast(Any, condition).any_of}


def _of_days(first: int, last: int) -> Asked:
    return {"day": tuple(range(first, last + 1))} if last - first < _MOST_DAYS else {}


def _of_select(select: Select, sets: Mapping[str, Select]) -> Asked:
    """What the article must be. A set is looked into as deep as it goes; it never builds on itself."""
    named = {} if select.set is None or select.set not in sets else _of_select(sets[select.set], sets)
    own = {"sku": select.skus, "brand": select.brands, "category": select.categories, "tag": select.tags}
    return named | {fact: values for fact, values in own.items() if values}


def _selections(effect: object) -> Iterator[Select]:
    """The selections that must all find units for ``effect`` to act."""
    match effect:
        case rewards.Gift(every=None) | rewards.GrantCounts(per_unit=False):
            return
        case rewards.Rebate(minor=minor) if minor:
            return
    parts = effect.parts if isinstance(effect, Package) else ()
    for place in (effect, getattr(effect, "buy", None), getattr(effect, "get", None), *parts):
        select = getattr(place, "select", None)
        if isinstance(select, Select):
            yield select


_FACTS: dict[type, str] = {
    conditions.Tier: "tier",
    conditions.Tag: "member_tag",
    conditions.Segment: "segment",
    conditions.CardType: "card_type",
    conditions.Shop: "shop",
    conditions.ShopGroup: "shop_group",
    conditions.Terminal: "terminal",
    conditions.Channel: "channel",
    conditions.Code: "code",
    conditions.Flag: "flag",
}
