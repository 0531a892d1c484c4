"""The same baskets under two packs: what changes for whom, which rules come and go, and where a floor holds.

One basket gives a ``Change``, many give a ``Tally``. Tallies add up in any grouping, so that several processes can each
take a part: the sum is the same.
"""

from collections.abc import Iterable
from dataclasses import field
from heapq import nsmallest

from contract.basket import Basket
from contract.making import dataclass
from rules.advice.trial import without_floors
from rules.engine.compiled import Compiled
from rules.engine.price import price
from rules.priced import Priced

MOST_LISTED = 20
"""How many baskets are listed by name, those whose price changes most."""
MOST_CLAMPS = 10_000
"""How many clamps are listed one by one, the first; all are counted."""
NO_TIER = "-"
"""Stands for customers who are no members."""


@dataclass(frozen=True, slots=True)
class Clamp:
    """A line that rules wanted to take below its floor under the new pack: what they wanted and what it comes to, in
    minor units.
    """

    basket: int
    line: int
    sku: str
    wanted_minor: int
    payable_minor: int


@dataclass(frozen=True, slots=True)
class Change:
    """One basket under both packs. ``came`` are rules that apply under the new pack alone, ``went`` under the old."""

    basket: int
    tier: str
    list_minor: int
    old_minor: int
    new_minor: int
    old_points: int
    new_points: int
    came: tuple[str, ...]
    went: tuple[str, ...]
    clamps: tuple[Clamp, ...]

    @property
    def difference_minor(self) -> int:
        """What the customer pays more, negative where less."""
        return self.new_minor - self.old_minor


@dataclass(slots=True)
class Group:
    """What changes for the customers of one tier. ``winners`` pay less, ``losers`` more."""

    baskets: int = 0
    winners: int = 0
    losers: int = 0
    old_minor: int = 0
    new_minor: int = 0
    old_points: int = 0
    new_points: int = 0


@dataclass(slots=True)
class RuleCount:
    """How often a rule applied under each pack, and what it took off, in minor units."""

    old_times: int = 0
    new_times: int = 0
    old_minor: int = 0
    new_minor: int = 0


@dataclass(slots=True)
class ClampCount:
    """How often rules wanted to take an article below its floor, and how much the floors kept, in minor units."""

    times: int = 0
    kept_minor: int = 0


@dataclass(slots=True)
class Tally:
    """What many baskets come to under two packs. ``biggest`` are the changes that move most money, ``clamps`` the first
    lines that a floor held, by the number of the basket.
    """

    tiers: dict[str, Group] = field(default_factory=dict)
    rules: dict[str, RuleCount] = field(default_factory=dict)
    floors: dict[str, ClampCount] = field(default_factory=dict)
    biggest: list[Change] = field(default_factory=list)
    clamps: list[Clamp] = field(default_factory=list)

    def take(self, basket: Basket, number: int, old: Compiled, new: Compiled) -> Change:
        """Count one basket, and return what changes for it. Raises ContractError where it cannot be priced."""
        before, after = price(basket, old), price(basket, new)
        change = _change(basket, number, before, after, new)
        self._count(change)
        self._count_rules(before, after)
        self._keep(change)
        return change

    def add(self, other: "Tally") -> None:
        """Take in what another tally counted."""
        for tier, group in other.tiers.items():
            _add(self.tiers.setdefault(tier, Group()), group)
        for rule, count in other.rules.items():
            _add(self.rules.setdefault(rule, RuleCount()), count)
        for sku, floor in other.floors.items():
            _add(self.floors.setdefault(sku, ClampCount()), floor)
        self.biggest = nsmallest(MOST_LISTED, [*self.biggest, *other.biggest], key=_by_size)
        self.clamps = sorted([*self.clamps, *other.clamps], key=_by_place)[:MOST_CLAMPS]

    @property
    def whole(self) -> Group:
        """All tiers together."""
        found = Group()
        for group in self.tiers.values():
            _add(found, group)
        return found

    def _count(self, change: Change) -> None:
        group = self.tiers.setdefault(change.tier, Group())
        group.baskets += 1
        group.winners += change.difference_minor < 0
        group.losers += change.difference_minor > 0
        group.old_minor += change.old_minor
        group.new_minor += change.new_minor
        group.old_points += change.old_points
        group.new_points += change.new_points
        for clamp in change.clamps:
            floor = self.floors.setdefault(clamp.sku, ClampCount())
            floor.times += 1
            floor.kept_minor += clamp.payable_minor - clamp.wanted_minor

    def _count_rules(self, before: Priced, after: Priced) -> None:
        for rule, off in _off_by_rule(before).items():
            count = self.rules.setdefault(rule, RuleCount())
            count.old_times += 1
            count.old_minor += off
        for rule, off in _off_by_rule(after).items():
            count = self.rules.setdefault(rule, RuleCount())
            count.new_times += 1
            count.new_minor += off

    def _keep(self, change: Change) -> None:
        if change.difference_minor and (
            len(self.biggest) < MOST_LISTED or _by_size(change) < _by_size(self.biggest[-1])
        ):
            self.biggest = nsmallest(MOST_LISTED, [*self.biggest, change], key=_by_size)
        # Baskets are taken in the order of their numbers, so that the first clamps are there first.
        self.clamps += change.clamps[: MOST_CLAMPS - len(self.clamps)]


def compared(basket: Basket, old: Compiled, new: Compiled, number: int = 0) -> Change:
    """Return what changes for one basket. Raises ContractError where it cannot be priced."""
    return _change(basket, number, price(basket, old), price(basket, new), new)


def _change(basket: Basket, number: int, before: Priced, after: Priced, new: Compiled) -> Change:
    had = dict.fromkeys(effect.rule for effect in before.effects)
    has = dict.fromkeys(effect.rule for effect in after.effects)
    return Change(
        basket=number,
        tier=NO_TIER if basket.customer is None else basket.customer.tier,
        list_minor=after.list_minor,
        old_minor=before.payable_minor,
        new_minor=after.payable_minor,
        old_points=before.points,
        new_points=after.points,
        came=tuple(rule for rule in has if rule not in had),
        went=tuple(rule for rule in had if rule not in has),
        clamps=tuple(_clamps(basket, number, after, new)),
    )


def _clamps(basket: Basket, number: int, priced: Priced, compiled: Compiled) -> Iterable[Clamp]:
    """The lines that would come to less if they had no floor."""
    if not priced.effects or not any(line.floor_minor for line in basket.lines):
        return
    free = price(without_floors(basket), compiled)
    for place, line in enumerate(basket.lines):
        wanted, held = free.payable_by_line[place], priced.payable_by_line[place]
        if wanted < min(line.floor_minor * line.quantity, line.list_minor) <= held:
            yield Clamp(number, place, line.sku, wanted, held)


def _off_by_rule(priced: Priced) -> dict[str, int]:
    found: dict[str, int] = {}
    for effect in priced.effects:
        found[effect.rule] = found.get(effect.rule, 0) + effect.off_minor
    return found


def _add(group: Group | RuleCount | ClampCount, other: Group | RuleCount | ClampCount) -> None:
    for name in type(group).__slots__:
        setattr(group, name, getattr(group, name) + getattr(other, name))


def _by_size(change: Change) -> tuple[int, int]:
    return (-abs(change.difference_minor), change.basket)


def _by_place(clamp: Clamp) -> tuple[int, int]:
    return (clamp.basket, clamp.line)
