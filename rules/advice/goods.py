"""Lines of goods that a selection takes: those the pack's golden baskets know, or else made from what it asks for."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from contract.basket import BasketLine
from rules.engine.compiled import Compiled
from rules.engine.selecting import Matcher
from rules.grammar.policies import ReducedGoods
from rules.grammar.select import ALL, Select

USUAL_PRICE_MINOR = 10_000
"""What a made article costs where nothing says otherwise."""
MOST_KNOWN = 200


class Goods:
    """The goods of a pack. Never changes."""

    def __init__(self, compiled: Compiled, lines: Iterable[BasketLine] = ()) -> None:
        """``lines`` are further goods that are known beside those of the golden baskets."""
        self._compiled = compiled
        self._sets = {item.name: item.select for item in compiled.pack.sets}
        self.known: tuple[BasketLine, ...] = tuple(_one_of_each(compiled, lines))
        self._by_sku: dict[str, list[BasketLine]] = {}
        for line in self.known:
            self._by_sku.setdefault(line.sku, []).append(line)

    def takes(self, select: Select, line: BasketLine) -> bool:
        """Whether a selection of the pack takes ``line``."""
        return self._matcher(select).takes(line)

    def line(self, select: Select) -> BasketLine | None:
        """One unit that a selection of the pack takes; None where it can take nothing at all."""
        levels = list(self._levels(select))
        skus = self._skus(levels)
        known = self.known if skus is None else [line for sku in skus for line in self._by_sku.get(sku, ())]
        matcher = self._matcher(select)
        fitting = [line for line in known if matcher.takes(line)]
        # An article with a floor shows less well what a rule does.
        found = next((line for line in fitting if not line.floor_minor), None)
        made = None if found is not None else self._made(levels, skus)
        if made is not None and matcher.takes(made):
            return made
        return found or next(iter(fitting), None)

    def _matcher(self, select: Select) -> Matcher:
        key = 0 if select is ALL else id(select)
        return self._compiled.matchers[key]

    def _levels(self, select: Select) -> Iterator[Select]:
        """A selection and the sets it builds on."""
        yield select
        while select.set is not None:
            select = self._sets[select.set]
            yield select

    def _skus(self, levels: list[Select]) -> list[str] | None:
        """The only articles that can be meant; None where any can."""
        asked = [level.skus for level in levels if level.skus]
        if not asked:
            return None
        return [sku for sku in asked[0] if all(sku in others for others in asked[1:])]

    def _made(self, levels: list[Select], skus: list[str] | None) -> BasketLine | None:
        barred = {name: {item for level in levels for item in getattr(level, f"not_{name}")} for name in _NAMES}
        sku = next((sku for sku in (_made_skus() if skus is None else skus) if sku not in barred["skus"]), None)
        brands = [level.brands for level in levels if level.brands]
        brand = None
        if brands:
            meant = [name for name in brands[0] if all(name in other for other in brands[1:])]
            brand = next((name for name in meant if name not in barred["brands"]), None)
        categories = _one_of_each_list([level.categories for level in levels], barred["categories"])
        tags = _one_of_each_list([level.tags for level in levels], barred["tags"])
        low = max(level.price_min_minor or 0 for level in levels)
        high = min((level.price_max_minor for level in levels if level.price_max_minor is not None), default=None)
        if sku is None or (brands and brand is None) or categories is None or tags is None:
            return None
        if high is not None and low > high:
            return None
        price = max(low, USUAL_PRICE_MINOR if high is None else min(high, USUAL_PRICE_MINOR))
        reduced = any(level.reduced for level in levels)
        return BasketLine(sku, 1, price, categories, brand, tags, reduced=reduced)

    @property
    def leaves_reduced_alone(self) -> bool:
        """Whether a selection that says nothing of them leaves goods at a special price alone."""
        return self._compiled.pack.policies.reduced_goods is ReducedGoods.LEFT_ALONE


_NAMES = ("skus", "brands", "categories", "tags")


def _made_skus() -> Iterator[str]:
    return (f"item-{number}" for number in range(1, 10_002))


def _one_of_each_list(asked: list[tuple[str, ...]], barred: set[str]) -> tuple[str, ...] | None:
    """One name of each list, none of them barred; None where a list has no other."""
    found: list[str] = []
    for names in asked:
        if not names or any(name in found for name in names):
            continue
        name = next((name for name in names if name not in barred), None)
        if name is None:
            return None
        found.append(name)
    return tuple(found)


def _one_of_each(compiled: Compiled, further: Iterable[BasketLine]) -> Iterator[BasketLine]:
    seen: set[BasketLine] = set()
    of_golden = (line for golden in compiled.pack.golden for line in golden.basket.lines)
    for line in (*of_golden, *further):
        if len(seen) == MOST_KNOWN:
            return
        one = replace(line, quantity=1)
        if line.gift or line.excluded or line.weight_g is not None or not line.unit_price_minor or one in seen:
            continue
        seen.add(one)
        yield one
