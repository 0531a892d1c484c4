"""Effects that take money off the units they select.

What they take is never more than the units still cost above their floors. Scopes say where a figure is reckoned and
rounded: on each unit, on each line, or once over the basket and then split. The pack's policies fill in what an effect
leaves open.
"""

from enum import StrEnum
from typing import ClassVar

from contract import wire
from contract.basket import MAX_QUANTITY
from contract.making import dataclass
from contract.money import AMOUNT_MINOR, MAX_AMOUNT_MINOR
from rules.grammar.conditions import BASE, Base
from rules.grammar.select import ALL, EVERY_UNIT, ORDER, PICK, SELECT, UNITS, Order, Pick, Select
from rules.rounding import BASIS_POINTS, Rounding
from rules.shares import Split

RATE_BP = wire.whole(0, BASIS_POINTS)
SOME_MINOR = wire.whole(1, MAX_AMOUNT_MINOR)
MOST_TIMES = wire.whole(1, MAX_QUANTITY)
MOST_STEPS = 32


class Scope(StrEnum):
    """Where a figure is reckoned and rounded: on each unit, each line, or once over all and split over the lines."""

    UNIT = "unit"
    LINE = "line"
    BASKET = "basket"


class Measure(StrEnum):
    """What a ladder climbs on: money spent or units bought."""

    SPEND = "spend"
    QUANTITY = "quantity"


@dataclass(frozen=True, slots=True)
class Step:
    """From ``at_least`` (minor units or units) on, the figure is ``value`` (basis points or minor units)."""

    at_least: int = wire.at(1, wire.whole(0, 2**53))
    value: int = wire.at(2, AMOUNT_MINOR)


@dataclass(frozen=True, slots=True)
class Ladder:
    """A figure that grows with what is bought: the highest step reached counts, below the first the effect's own
    figure. It is measured on the effect's selection unless ``select`` says otherwise.
    """

    by: Measure = wire.at(1, wire.choice(Measure))
    steps: tuple[Step, ...] = wire.at(2, wire.many(wire.record(Step), MOST_STEPS, least=1))
    select: Select | None = wire.maybe(3, SELECT)
    base: Base | None = wire.maybe(4, BASE)


@dataclass(frozen=True, slots=True)
class Percent:
    """Takes ``rate_bp`` basis points off (1,000 is 10 %, 9折). ``cap_minor`` is the most it takes in all."""

    KEY: ClassVar[int] = 1
    rate_bp: int = wire.at(1, RATE_BP)
    scope: Scope = wire.at(2, wire.choice(Scope))
    select: Select = wire.maybe(3, SELECT, ALL)
    pick: Pick = wire.maybe(4, PICK, EVERY_UNIT)
    ladder: Ladder | None = wire.maybe(5, wire.record(Ladder))
    cap_minor: int | None = wire.maybe(6, AMOUNT_MINOR)
    base: Base | None = wire.maybe(7, BASE)
    rounding: Rounding | None = wire.maybe(8, wire.choice(Rounding))
    split: Split | None = wire.maybe(9, wire.choice(Split))


@dataclass(frozen=True, slots=True)
class Amount:
    """Takes ``off_minor`` off: each unit, each line, or the basket; never more than they cost."""

    KEY: ClassVar[int] = 2
    off_minor: int = wire.at(1, AMOUNT_MINOR)
    scope: Scope = wire.at(2, wire.choice(Scope))
    select: Select = wire.maybe(3, SELECT, ALL)
    pick: Pick = wire.maybe(4, PICK, EVERY_UNIT)
    ladder: Ladder | None = wire.maybe(5, wire.record(Ladder))
    base: Base | None = wire.maybe(6, BASE)
    rounding: Rounding | None = wire.maybe(7, wire.choice(Rounding))
    split: Split | None = wire.maybe(8, wire.choice(Split))


@dataclass(frozen=True, slots=True)
class FixedPrice:
    """Each unit, each line or all selected units together cost ``price_minor``; never more than before."""

    KEY: ClassVar[int] = 3
    price_minor: int = wire.at(1, AMOUNT_MINOR)
    scope: Scope = wire.at(2, wire.choice(Scope))
    select: Select = wire.maybe(3, SELECT, ALL)
    pick: Pick = wire.maybe(4, PICK, EVERY_UNIT)
    rounding: Rounding | None = wire.maybe(5, wire.choice(Rounding))
    split: Split | None = wire.maybe(6, wire.choice(Split))


@dataclass(frozen=True, slots=True)
class MemberPrice:
    """Each selected unit costs the member price of its article, where it has one and that is lower."""

    KEY: ClassVar[int] = 4
    select: Select = wire.maybe(1, SELECT, ALL)


@dataclass(frozen=True, slots=True)
class SaveStep:
    """Spend so much, save so much."""

    spend_minor: int = wire.at(1, SOME_MINOR)
    save_minor: int = wire.at(2, SOME_MINOR)


@dataclass(frozen=True, slots=True)
class SpendSave:
    """满减: the highest step reached takes its ``save_minor`` off the selected units. With ``every`` (每满) there is
    one step, taken for each full ``spend_minor``, at most ``most_times``.
    """

    KEY: ClassVar[int] = 5
    steps: tuple[SaveStep, ...] = wire.at(1, wire.many(wire.record(SaveStep), MOST_STEPS, least=1))
    every: bool = wire.maybe(2, wire.flag(), False)
    select: Select = wire.maybe(3, SELECT, ALL)
    base: Base | None = wire.maybe(4, BASE)
    most_times: int | None = wire.maybe(5, MOST_TIMES)
    split: Split | None = wire.maybe(6, wire.choice(Split))


@dataclass(frozen=True, slots=True)
class NthUnit:
    """第二件半价: the selected units, dearest first, are counted in groups of ``nth``; the last of each full group gets
    ``rate_bp`` off. With ``same_sku`` each article is counted by itself. ``from_cheapest`` gives as many discounts, but
    to the cheapest units of all. ``nth`` 3 and ``rate_bp`` 10000 with ``same_sku`` is 买二送一 of the same article.
    ``most_times`` bounds the discounts of one sale: they go to the articles where they take most off.
    """

    KEY: ClassVar[int] = 6
    nth: int = wire.at(1, wire.whole(2, 1_000))
    rate_bp: int = wire.at(2, RATE_BP)
    select: Select = wire.maybe(3, SELECT, ALL)
    same_sku: bool = wire.maybe(4, wire.flag(), False)
    from_cheapest: bool = wire.maybe(5, wire.flag(), False)
    most_times: int | None = wire.maybe(6, MOST_TIMES)
    rounding: Rounding | None = wire.maybe(7, wire.choice(Rounding))


@dataclass(frozen=True, slots=True)
class Side:
    """One side of buy-and-get: so many of these units, these first."""

    quantity: int = wire.at(1, UNITS)
    select: Select = wire.maybe(2, SELECT, ALL)
    order: Order = wire.maybe(3, ORDER, Order.DEAREST)


@dataclass(frozen=True, slots=True)
class BuyGet:
    """Buy the units of ``buy``, get those of ``get`` with ``rate_bp`` off (10,000 is free), at most ``most_times``, as
    often as the basket has both where that is not written. A unit used on one side is not used again, nor by a later
    ``buy_get``. What is got has to be in the basket; ``partial`` gives what there is where fewer units
    than ``get`` asks for are left. For the same article on both sides see ``nth_unit``.
    """

    KEY: ClassVar[int] = 7
    buy: Side = wire.at(1, wire.record(Side))
    get: Side = wire.at(2, wire.record(Side))
    rate_bp: int = wire.at(3, RATE_BP)
    most_times: int | None = wire.maybe(4, MOST_TIMES)
    partial: bool = wire.maybe(5, wire.flag(), False)
    rounding: Rounding | None = wire.maybe(6, wire.choice(Rounding))


@dataclass(frozen=True, slots=True)
class AnyFor:
    """Any ``units`` of the selected for ``price_minor``, at most ``most_times``."""

    KEY: ClassVar[int] = 8
    units: int = wire.at(1, UNITS)
    price_minor: int = wire.at(2, AMOUNT_MINOR)
    select: Select = wire.maybe(3, SELECT, ALL)
    order: Order = wire.maybe(4, ORDER, Order.DEAREST)
    most_times: int | None = wire.maybe(5, MOST_TIMES)
    rounding: Rounding | None = wire.maybe(6, wire.choice(Rounding))
    split: Split | None = wire.maybe(7, wire.choice(Split))


@dataclass(frozen=True, slots=True)
class PackagePart:
    """A part of a package: so many of these units."""

    quantity: int = wire.at(1, UNITS)
    select: Select = wire.at(2, SELECT)


@dataclass(frozen=True, slots=True)
class Package:
    """All parts together for ``price_minor``, at most ``most_times``; the price is shared by what the parts cost."""

    KEY: ClassVar[int] = 9
    parts: tuple[PackagePart, ...] = wire.at(1, wire.many(wire.record(PackagePart), 16, least=1))
    price_minor: int = wire.at(2, AMOUNT_MINOR)
    most_times: int | None = wire.maybe(3, MOST_TIMES)
    split: Split | None = wire.maybe(4, wire.choice(Split))
