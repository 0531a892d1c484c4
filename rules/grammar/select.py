"""Which units a condition counts or an effect touches, and which of them come first."""

from enum import StrEnum

from contract import wire
from contract.basket import MAX_QUANTITY
from contract.ids import CATEGORY, SKU, TAG
from contract.making import dataclass
from contract.money import AMOUNT_MINOR

UNITS = wire.whole(1, MAX_QUANTITY)


@dataclass(frozen=True, slots=True)
class Select:
    """Units of lines for which everything written holds; a list asks for any of its entries. Prices are unit list
    prices. Nothing written selects the whole basket; excluded goods are never selected, gifts only on request.

    ``set`` names an item set of the pack, whose own selection must hold too. ``reduced`` true asks for goods at a
    special price, false for all others.
    """

    skus: tuple[str, ...] = wire.maybe(1, wire.many(SKU, 5_000), ())
    categories: tuple[str, ...] = wire.maybe(2, wire.many(CATEGORY, 500), ())
    brands: tuple[str, ...] = wire.maybe(3, wire.many(TAG, 500), ())
    tags: tuple[str, ...] = wire.maybe(4, wire.many(TAG, 100), ())
    not_skus: tuple[str, ...] = wire.maybe(5, wire.many(SKU, 5_000), ())
    not_categories: tuple[str, ...] = wire.maybe(6, wire.many(CATEGORY, 500), ())
    not_brands: tuple[str, ...] = wire.maybe(7, wire.many(TAG, 500), ())
    not_tags: tuple[str, ...] = wire.maybe(8, wire.many(TAG, 100), ())
    price_min_minor: int | None = wire.maybe(9, AMOUNT_MINOR)
    price_max_minor: int | None = wire.maybe(10, AMOUNT_MINOR)
    reduced: bool | None = wire.maybe(11, wire.flag())
    include_gifts: bool = wire.maybe(12, wire.flag(), False)
    set: str | None = wire.maybe(13, TAG)


ALL = Select()
SELECT = wire.record(Select)


class Order(StrEnum):
    """Which units come first: the cheapest or dearest as they stand, those of the lines with most units, or those
    entered first. Ties keep the canonical order of lines.
    """

    CHEAPEST = "cheapest"
    DEAREST = "dearest"
    FULLEST = "fullest"
    ENTERED = "entered"


ORDER = wire.choice(Order)


@dataclass(frozen=True, slots=True)
class Pick:
    """How many of the selected units an effect touches: after leaving the first ``skip`` of each line alone, at most
    ``per_line`` of each line, at most ``units`` in all, and only full groups of ``groups_of``.
    """

    order: Order = wire.maybe(1, ORDER, Order.CHEAPEST)
    units: int | None = wire.maybe(2, UNITS)
    per_line: int | None = wire.maybe(3, UNITS)
    skip: int = wire.maybe(4, wire.whole(0, MAX_QUANTITY), 0)
    groups_of: int | None = wire.maybe(5, UNITS)


EVERY_UNIT = Pick()
PICK = wire.record(Pick)


@dataclass(frozen=True, slots=True)
class ItemSet:
    """A selection with a name, for rules to share. It may build on another set, never on itself."""

    name: str = wire.at(1, TAG)
    select: Select = wire.at(2, SELECT)
