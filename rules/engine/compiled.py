"""A pack made ready to price by: rules in the order they act, selections as sets, and an index that finds the rules a
basket can meet.

Every rule needs certain keys of a basket: one of its SKUs, a tier, a shop, a month. Of what a rule needs, the index
files it under the rarest; the rest is asked of the few rules that a basket's keys lead to. So rules that cannot match
cost nothing, however many there are. Compiling reads the pack alone: the same pack gives the same index.
"""

from collections import Counter
from collections.abc import Iterator

from contract import cbor
from contract.basket import Basket
from contract.calendar import DAY_MINUTES, date_of
from rules.engine.keys import keys_of, prefixed
from rules.engine.selecting import Matcher
from rules.engine.view import Facts, View
from rules.grammar import conditions as asks
from rules.grammar import money, rewards
from rules.grammar.conditions import Base, Condition, Named, Per, leaves
from rules.grammar.effects import Effect
from rules.grammar.pack import Pack
from rules.grammar.rule import Lane, Rule
from rules.grammar.select import ALL, ItemSet, Select
from rules.takings import shared_of

Keys = frozenset[str]
"""Any one of these a basket must have."""

DISCOUNT_LANES = (Lane.LINE, Lane.BASKET, Lane.COUPON)
_LANES = {lane: place for place, lane in enumerate(Lane)}
_MOST_MONTHS = 60
_MOST_KEYS = 5_000


class Compiled:
    """A pack made ready. Belongs to whoever prices; it never changes."""

    __slots__ = (
        "_always",
        "_buckets",
        "_kinds",
        "_needs",
        "_shops",
        "_zones",
        "anything_excludes",
        "line_groups",
        "matchers",
        "may_flip",
        "pack",
        "rules",
        "sets",
        "shared",
        "turns",
    )

    def __init__(self, pack: Pack) -> None:
        self.pack = pack
        self.shared = shared_of(pack)
        self.sets = sets = {found.name: found for found in pack.sets}
        self.rules: tuple[Rule, ...] = tuple(sorted(pack.rules, key=lambda rule: _place(rule, sets)))
        self.matchers = _matchers(pack, sets)
        self.line_groups = frozenset(group.name for group in pack.groups if group.per is Per.LINE)
        self.anything_excludes = any(rule.groups or rule.exclusive for rule in self.rules)
        self.turns = _turns(self.rules, self.line_groups)
        # Whether a rule that cannot apply before others have acted might do so afterwards.
        base = pack.policies.threshold_base
        self.may_flip = [any(_flips(condition, base) for condition in rule.when) for rule in self.rules]
        self._shops = {shop.shop: shop for shop in pack.shops}
        self._zones = {zone.name: zone for zone in pack.zones}
        needs = [_needs(rule, sets) for rule in self.rules]
        common = Counter(key for asked in needs for keys in asked for key in keys)
        # Of a kind that no rule needs, no key is made.
        self._kinds = sorted({key.partition(":")[0] for key in common})
        self._buckets: dict[str, list[int]] = {}
        self._always: list[int] = []
        self._needs: list[tuple[Keys, ...]] = []
        for number, asked in enumerate(needs):
            # The rarest need comes first; a tie goes to the shorter, then to the first in the alphabet.
            ranked = sorted(asked, key=lambda keys: (max(common[key] for key in keys), len(keys), min(keys)))
            self._needs.append(tuple(ranked[1:]))
            if not ranked:
                self._always.append(number)
                continue
            for key in ranked[0]:
                self._buckets.setdefault(key, []).append(number)

    def open(self, basket: Basket) -> View:
        """A fresh view of ``basket``."""
        return View(Facts(basket, self.pack, self._shops, self._zones), self.matchers)

    def candidates(self, view: View) -> list[int]:
        """The numbers of the rules that ``view`` could meet, in the order they act."""
        keys = keys_of(view, self._kinds)
        found = list(self._always)
        buckets = self._buckets
        for key in keys:
            bucket = buckets.get(key)
            if bucket is not None:
                found += bucket
        needs = self._needs
        # Most rules have but one need, which is what they were found by.
        return sorted(
            {
                number
                for number in found
                if not needs[number] or all(not asked.isdisjoint(keys) for asked in needs[number])
            }
        )

    def goods_of(self, rule: Rule) -> Keys | None:
        """The keys of goods one of which ``rule`` needs to do anything; None where it needs none."""
        return _goods(rule, self.sets)

    def index_bytes(self) -> bytes:
        """The whole index as bytes: the order of the rules and what each is filed under. The same pack gives the same
        bytes on every machine.
        """
        buckets = [[key, numbers] for key, numbers in sorted(self._buckets.items())]
        needs = [[sorted(keys) for keys in asked] for asked in self._needs]
        return cbor.encode([[rule.rule for rule in self.rules], self._always, buckets, needs])


def compile_pack(pack: Pack) -> Compiled:
    """Return ``pack`` made ready to price by. The pack has been read by ``rules.pack`` or checked as it does."""
    return Compiled(pack)


def _place(rule: Rule, sets: dict[str, ItemSet]) -> tuple[int, int, bool, int, int, str]:
    """Where a rule acts: lane, priority, what builds on other rules after them, narrow selections before wide ones,
    name.
    """
    builds_on = any(isinstance(effect, rewards.PointsTimes | rewards.PayStored) for effect in rule.then)
    rank, names = min((_width(select, sets) for select in _selects_of_effects(rule)), default=(3, 0))
    return (_LANES[rule.lane], -rule.priority, builds_on, rank, names, rule.rule)


def _width(select: Select, sets: dict[str, ItemSet]) -> tuple[int, int]:
    """How wide a selection is: by articles, by brands and tags, by categories, or everything; then how many names."""
    own = (3, 0)
    if select.skus:
        own = (0, len(select.skus))
    elif select.brands or select.tags:
        own = (1, len(select.brands) + len(select.tags))
    elif select.categories:
        own = (2, len(select.categories))
    return own if select.set is None else min(own, _width(sets[select.set].select, sets))


def _selects_of_effects(rule: Rule) -> Iterator[Select]:
    for effect in rule.then:
        yield from selects_of(effect)


def selects_of(effect: Effect) -> Iterator[Select]:
    """Every selection an effect makes."""
    match effect:
        case money.BuyGet():
            yield effect.get.select
            yield effect.buy.select
        case money.Package():
            yield from (part.select for part in effect.parts)
        case money.Percent() | money.Amount():
            yield effect.select
            if effect.ladder is not None and effect.ladder.select is not None:
                yield effect.ladder.select
        case (
            rewards.PointsBonus()
            | rewards.PointsTimes()
            | rewards.CostPoints()
            | rewards.IssueCoupon()
            | rewards.RoundTotal()
            | rewards.PayStored()
            | rewards.TopUp()
            | rewards.Redeem()
        ):
            return
        case _:
            yield effect.select


def _turns(rules: tuple[Rule, ...], by_line: frozenset[str]) -> list[int]:
    """At whose turn each rule acts: its own, or where rules share a group by the line, at that of the first of them.

    The pack alone says so: whether that first one could meet a basket makes no difference to the others.
    """
    turns: list[int] = []
    leaders: dict[str, int] = {}
    for number, rule in enumerate(rules):
        groups = [name for name in rule.groups if name in by_line]
        led = [leaders[name] for name in groups if name in leaders]
        if groups and not led:
            leaders[groups[0]] = number
        turns.append(min(led, default=number))
    return turns


def _matchers(pack: Pack, sets: dict[str, ItemSet]) -> dict[int, Matcher]:
    """A matcher for each selection of the pack, under the identity of its record; 0 for the whole basket."""
    reduced = pack.policies.reduced_goods
    found = {0: Matcher(ALL, None, reduced)}

    def add(select: Select) -> Matcher:
        if id(select) not in found:
            within = add(sets[select.set].select) if select.set is not None else None
            found[id(select)] = Matcher(select, within, reduced)
        return found[id(select)]

    for rule in pack.rules:
        for effect in rule.then:
            for select in selects_of(effect):
                add(select)
        for condition in rule.when:
            for part in leaves(condition):
                if isinstance(part, asks.Quantity | asks.Distinct | asks.Spend):
                    add(part.select)
    return found


def _flips(condition: Condition, threshold_base: Base, negated: bool = False) -> bool:
    """Whether a condition can come true because others took money off: only what must not be reached can."""
    match condition:
        case asks.All() | asks.Any():
            return any(_flips(part, threshold_base, negated) for part in condition.parts)
        case asks.Not():
            return _flips(condition.part, threshold_base, not negated)
        case asks.Spend():
            on_left = (condition.base or threshold_base) is Base.LEFT
            return on_left and (negated or condition.at_most_minor is not None)
        case _:
            return False


def _needs(rule: Rule, sets: dict[str, ItemSet]) -> list[Keys]:
    """What a basket must have for a rule to apply: one key of each set."""
    found = [keys for condition in rule.when for keys in needed(condition, sets)]
    goods = _goods(rule, sets)
    if goods is not None:
        found.append(goods)
    return list(dict.fromkeys(keys for keys in found if len(keys) <= _MOST_KEYS))


def _goods(rule: Rule, sets: dict[str, ItemSet]) -> Keys | None:
    """The keys of goods one of which a rule's effects need to do anything; None where one of them needs none."""
    by_effect = [_items_of_effect(effect, sets) for effect in rule.then]
    return frozenset(key for keys in by_effect if keys for key in keys) if all(by_effect) else None


def stands_for(condition: Condition) -> bool:
    """Whether the keys a condition needs are all it asks: whoever has one of them meets it."""
    return isinstance(condition, Named) or (isinstance(condition, asks.Member) and condition.is_member)


def needed(condition: Condition, sets: dict[str, ItemSet]) -> list[Keys]:
    """The key sets a condition needs, each of them; none where nothing can be said."""
    match condition:
        case asks.All():
            return [keys for part in condition.parts for keys in needed(part, sets)]
        case asks.Any():
            parts = [needed(part, sets) for part in condition.parts]
            if not all(parts):
                return []
            return [frozenset(key for part in parts for key in part[0])]
        case asks.Member():
            return [frozenset(["member"])] if condition.is_member else []
        case asks.Dates():
            return _months(condition.first, condition.last)
        case asks.Window():
            return _months(condition.start // DAY_MINUTES, condition.end // DAY_MINUTES)
        case asks.Festival():
            return [frozenset([f"festival:{condition.calendar}"])]
        case asks.Weekday():
            return [frozenset(f"weekday:{day}" for day in condition.any_of)]
        case asks.Quantity() if condition.at_least:
            return _as_list(_items(condition.select, sets))
        case asks.Spend() if condition.at_least_minor:
            return _as_list(_items(condition.select, sets))
        case asks.Distinct():
            return _as_list(_items(condition.select, sets))
    if isinstance(condition, Named):
        return [frozenset(prefixed(_PREFIXES[type(condition)], condition.any_of))]
    return []


_PREFIXES: dict[type[Named], str] = {
    asks.Tier: "tier",
    asks.Tag: "tag",
    asks.Segment: "segment",
    asks.CardType: "card",
    asks.Shop: "shop",
    asks.ShopGroup: "group",
    asks.Terminal: "terminal",
    asks.Channel: "channel",
    asks.Tender: "tender",
    asks.Code: "code",
    asks.Flag: "flag",
}


def _as_list(keys: Keys | None) -> list[Keys]:
    return [] if keys is None else [keys]


def _months(first: int | None, last: int | None) -> list[Keys]:
    """The months a period touches, where it has both ends and is not too long to list."""
    if first is None or last is None or last - first > _MOST_MONTHS * 28:
        return []
    start, end = date_of(first), date_of(last)
    months = range(start.year * 12 + start.month, end.year * 12 + end.month + 1)
    return [frozenset(f"month:{month}" for month in months)]


def _items(select: Select, sets: dict[str, ItemSet]) -> Keys | None:
    """The keys of goods one of which a selection needs; None where it could take anything."""
    for prefix, names in (
        ("sku", select.skus),
        ("item", select.tags),
        ("brand", select.brands),
        ("category", select.categories),
    ):
        if names:
            return frozenset(f"{prefix}:{name}" for name in names)
    return None if select.set is None else _items(sets[select.set].select, sets)


def _items_of_effect(effect: Effect, sets: dict[str, ItemSet]) -> Keys | None:
    """The keys one of which an effect needs to do anything; None where it needs none."""
    first = _goods_of_effect(effect)
    return None if first is None else _items(first, sets)


def _goods_of_effect(effect: Effect) -> Select | None:
    """The selection of goods without which an effect does nothing; None where it needs none."""
    if isinstance(effect, rewards.Gift) and effect.every is None:
        return None
    if isinstance(effect, rewards.GrantCounts) and not effect.per_unit:
        return None
    if isinstance(effect, rewards.Rebate) and effect.minor:
        return None
    return next(selects_of(effect), None)


def finds_goods(rule: Rule, view: View) -> bool:
    """Whether ``view`` has goods for one of the rule's effects, or one of them needs none. A rule for top-ups finds
    nothing in a sale.
    """
    for effect in rule.then:
        select = _goods_of_effect(effect)
        if view.lines(select) if select is not None else not isinstance(effect, rewards.ASKED_FOR):
            return True
    return False
