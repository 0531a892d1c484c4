"""The whole pack: its rules, and what they refer to by name."""

from enum import StrEnum

from contract import wire
from contract.basket import MAX_POINTS, Basket
from contract.calendar import DAY, YEARLY
from contract.ids import NAME, TAG
from contract.making import dataclass
from contract.money import AMOUNT_MINOR, CURRENCY
from rules.grammar.conditions import PER, Per
from rules.grammar.policies import DEFAULT_POLICIES, Policies
from rules.grammar.rule import Rule
from rules.grammar.select import ItemSet
from rules.grammar.spending import MOST_LEVELS, SpendingLevel
from rules.tax import TaxRounding

MAX_RULES = 20_000


@dataclass(frozen=True, slots=True)
class ZoneStep:
    """From ``from_s`` (Unix seconds) on, local time is ``offset_s`` seconds ahead of UTC, plus 86,400 to keep it
    positive.
    """

    from_s: int = wire.at(1, wire.whole(0, 2**40))
    offset_s: int = wire.at(2, wire.whole(0, 2 * 86_400))


@dataclass(frozen=True, slots=True)
class Zone:
    """A time zone as it was known when the pack was written: its IANA name and its steps, in order, the first from 0.
    Every machine that prices by the pack reads the same clock, whatever its own time zone database says.
    """

    name: str = wire.at(1, wire.text(40, "[A-Za-z0-9_+/-]{1,40}"))
    steps: tuple[ZoneStep, ...] = wire.at(2, wire.many(wire.record(ZoneStep), 1_000, least=1))


@dataclass(frozen=True, slots=True)
class ShopFacts:
    """What rules may ask of a shop: its zone (the pack's first where not written), its groups, its anniversary."""

    shop: str = wire.at(1, NAME)
    zone: str | None = wire.maybe(2, wire.text(40))
    groups: tuple[str, ...] = wire.maybe(3, wire.many(TAG, 64), ())
    anniversary: int | None = wire.maybe(4, YEARLY)


@dataclass(frozen=True, slots=True)
class Calendar:
    """Days with a name: festivals, member days, whatever no formula gives."""

    name: str = wire.at(1, TAG)
    days: tuple[int, ...] = wire.at(2, wire.many(DAY, 2_000, least=1))


@dataclass(frozen=True, slots=True)
class Group:
    """A group of rules that exclude each other: over the whole basket, or line by line, where each line gets the rule
    of the group that is best for it.
    """

    name: str = wire.at(1, TAG)
    per: Per = wire.maybe(2, PER, Per.BASKET)


@dataclass(frozen=True, slots=True)
class CouponTemplate:
    """A coupon that rules issue: valid from so many days after the sale, for so many days."""

    coupon: str = wire.at(1, TAG)
    title: str = wire.at(2, wire.text(24))
    title_en: str = wire.at(3, wire.text(40))
    valid_from_days: int = wire.at(4, wire.whole(0, 3_660))
    valid_days: int = wire.at(5, wire.whole(1, 3_660))


@dataclass(frozen=True, slots=True)
class CountCard:
    """A count card that rules grant uses on, and how many days they are valid."""

    card: str = wire.at(1, TAG)
    title: str = wire.at(2, wire.text(24))
    title_en: str = wire.at(3, wire.text(40))
    valid_days: int = wire.at(4, wire.whole(1, 36_600))


@dataclass(frozen=True, slots=True)
class TaxTerms:
    """Whether prices include tax, and whether tax is rounded on each line or once on the document."""

    inclusive: bool = wire.at(1, wire.flag())
    at: TaxRounding = wire.at(2, wire.choice(TaxRounding))


class Unfunded(StrEnum):
    """What becomes of points whose merchant has not paid for so many: they are not given, or given once it has."""

    NONE = "none"
    PENDING = "pending"


@dataclass(frozen=True, slots=True)
class PointsTerms:
    """How points that are earned come to be. The merchants in ``pools`` pay for theirs in advance: what a rule that one
    of them bears gives, or a rule that nobody else bears gives in its shop, comes out of what it paid for, as far as
    head office has lent of it to the till.
    """

    at_once: bool = wire.maybe(1, wire.flag(), False)
    pools: tuple[str, ...] = wire.maybe(2, wire.many(NAME, 1_000), ())
    unfunded: Unfunded = wire.maybe(3, wire.choice(Unfunded), Unfunded.NONE)


@dataclass(frozen=True, slots=True)
class GoldenBasket:
    """A basket with what it must come to: a till that computes anything else refuses the pack."""

    basket: Basket = wire.at(1, wire.record(Basket))
    payable_minor: int = wire.at(2, AMOUNT_MINOR)
    points: int = wire.maybe(3, wire.whole(0, MAX_POINTS), 0)


@dataclass(frozen=True, slots=True)
class Pack:
    """All rules of a scope, in the currency they are written in. ``points_scale`` is how many of the smallest units of
    points make one point that people see. After the day ``valid_until`` (since 1970-01-01, by the shop's clock) none of
    its rules applies any more; whoever has nothing newer sells at list prices.
    """

    grammar: int = wire.at(1, wire.whole(1, 255))
    currency: str = wire.at(2, CURRENCY)
    rules: tuple[Rule, ...] = wire.at(3, wire.many(wire.record(Rule), MAX_RULES))
    golden: tuple[GoldenBasket, ...] = wire.at(4, wire.many(wire.record(GoldenBasket), 100, least=1))
    policies: Policies = wire.maybe(5, wire.record(Policies), DEFAULT_POLICIES)
    zones: tuple[Zone, ...] = wire.maybe(6, wire.many(wire.record(Zone), 64), ())
    shops: tuple[ShopFacts, ...] = wire.maybe(7, wire.many(wire.record(ShopFacts), 20_000), ())
    calendars: tuple[Calendar, ...] = wire.maybe(8, wire.many(wire.record(Calendar), 500), ())
    sets: tuple[ItemSet, ...] = wire.maybe(9, wire.many(wire.record(ItemSet), 1_000), ())
    groups: tuple[Group, ...] = wire.maybe(10, wire.many(wire.record(Group), 1_000), ())
    coupons: tuple[CouponTemplate, ...] = wire.maybe(11, wire.many(wire.record(CouponTemplate), 1_000), ())
    count_cards: tuple[CountCard, ...] = wire.maybe(12, wire.many(wire.record(CountCard), 1_000), ())
    tax: TaxTerms | None = wire.maybe(13, wire.record(TaxTerms))
    points_scale: int = wire.maybe(14, wire.whole(2, 10_000), 1)
    points: PointsTerms | None = wire.maybe(15, wire.record(PointsTerms))
    valid_until: int | None = wire.maybe(16, DAY)
    spending: tuple[SpendingLevel, ...] = wire.maybe(17, wire.many(wire.record(SpendingLevel), MOST_LEVELS), ())
