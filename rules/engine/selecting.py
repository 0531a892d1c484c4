"""A selection made ready: sets instead of lists, item sets resolved."""

from collections.abc import Sequence

from contract.basket import BasketLine
from rules.grammar.policies import ReducedGoods
from rules.grammar.select import Select


class Matcher:
    """Tells which lines a selection takes."""

    __slots__ = ("_narrow", "_reduced", "_said", "_select", "_sets", "_within")

    def __init__(self, select: Select, within: "Matcher | None", reduced_goods: ReducedGoods) -> None:
        self._select = select
        self._within = within
        # A set adds to what its user says: whoever asks for gifts or reduced goods need not say so in the set again.
        self._said: bool | None = select.reduced if select.reduced is not None or within is None else within._said
        self._reduced = False if self._said is None and reduced_goods is ReducedGoods.LEFT_ALONE else self._said
        self._narrow = select != _WHOLE
        self._sets = tuple(
            frozenset(names)
            for names in (
                *(select.skus, select.categories, select.brands, select.tags),
                *(select.not_skus, select.not_categories, select.not_brands, select.not_tags),
            )
        )

    def among(self, lines: Sequence[BasketLine]) -> list[int]:
        """The places of the lines that are selected."""
        if not self._narrow and self._reduced is None:
            gifts = self._select.include_gifts
            return [place for place, line in enumerate(lines) if not line.excluded and (gifts or not line.gift)]
        return [place for place, line in enumerate(lines) if self.takes(line)]

    def takes(self, line: BasketLine) -> bool:
        """Tell whether ``line`` is selected."""
        if line.excluded or (line.gift and not self._select.include_gifts):
            return False
        if self._reduced is not None and line.reduced is not self._reduced:
            return False
        return not self._narrow or self._holds(line)

    def _holds(self, line: BasketLine) -> bool:
        if self._select.reduced is not None and line.reduced is not self._select.reduced:
            return False
        low, high = self._select.price_min_minor, self._select.price_max_minor
        if low is not None and line.unit_price_minor < low:
            return False
        if high is not None and line.unit_price_minor > high:
            return False
        return self._named(line) and (self._within is None or self._within._holds(line))

    def _named(self, line: BasketLine) -> bool:
        skus, categories, brands, tags, not_skus, not_categories, not_brands, not_tags = self._sets
        if (skus and line.sku not in skus) or line.sku in not_skus:
            return False
        if (brands and line.brand not in brands) or line.brand in not_brands:
            return False
        if categories and categories.isdisjoint(line.categories):
            return False
        if tags and tags.isdisjoint(line.tags):
            return False
        return not_categories.isdisjoint(line.categories) and not_tags.isdisjoint(line.tags)


_WHOLE = Select()
