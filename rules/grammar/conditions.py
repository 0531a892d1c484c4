"""What must hold for a rule to apply: about the customer, the time, the place, the goods, the payment.

A condition that asks for something unknown (a birthday the till does not have, a shop the basket does not name) does
not hold; its ``not`` then does. Lists ask for any of their entries. Days and times are those of the shop's zone.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import ClassVar

from contract import wire
from contract.basket import CODE, COUNT, MAX_POINTS, MONEY_TOTAL
from contract.calendar import DAY, LOCAL_MINUTE, MINUTE
from contract.ids import NAME, TAG, TIER
from contract.making import dataclass
from rules.grammar.select import ALL, SELECT, Select

NAMES = wire.many(NAME, 1_000, least=1)
TAGS = wire.many(TAG, 100, least=1)
DAYS = wire.whole(0, 36_600)
MOST_NESTED = 4
"""How many ``all``, ``any`` and ``not`` may stand inside each other."""


class Base(StrEnum):
    """On which price something is reckoned: on what earlier rules left, or on the list price."""

    LEFT = "left"
    LIST = "list"


BASE = wire.choice(Base)


class Per(StrEnum):
    """Over what something is counted: all selected units together, or each line alone."""

    BASKET = "basket"
    LINE = "line"


PER = wire.choice(Per)


class Span(StrEnum):
    """The period within which visits are counted, calendar periods of the shop; weeks begin on Monday."""

    EVER = "ever"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class All:
    """Every one of these holds."""

    KEY: ClassVar[int] = 1
    parts: "tuple[Condition, ...]" = wire.at(1, wire.many(wire.later(lambda: CONDITION), 64, least=1))


@dataclass(frozen=True, slots=True)
class Any:
    """At least one of these holds."""

    KEY: ClassVar[int] = 2
    parts: "tuple[Condition, ...]" = wire.at(1, wire.many(wire.later(lambda: CONDITION), 64, least=1))


@dataclass(frozen=True, slots=True)
class Not:
    """This does not hold."""

    KEY: ClassVar[int] = 3
    part: "Condition" = wire.at(1, wire.later(lambda: CONDITION))


@dataclass(frozen=True, slots=True)
class Member:
    """True: the customer is a member, of whatever tier; false: is none."""

    KEY: ClassVar[int] = 4
    is_member: bool = wire.at(1, wire.flag())


@dataclass(frozen=True, slots=True)
class Tier:
    """The member's tier is one of these."""

    KEY: ClassVar[int] = 5
    any_of: tuple[str, ...] = wire.at(1, wire.many(TIER, 64, least=1))


@dataclass(frozen=True, slots=True)
class Tag:
    """The member has one of these tags. To mean one certain member, give them a tag of their own."""

    KEY: ClassVar[int] = 6
    any_of: tuple[str, ...] = wire.at(1, TAGS)


@dataclass(frozen=True, slots=True)
class Segment:
    """The member is in one of these segments."""

    KEY: ClassVar[int] = 7
    any_of: tuple[str, ...] = wire.at(1, TAGS)


@dataclass(frozen=True, slots=True)
class CardType:
    """The member's card is of one of these types."""

    KEY: ClassVar[int] = 8
    any_of: tuple[str, ...] = wire.at(1, TAGS)


@dataclass(frozen=True, slots=True)
class Birthday:
    """Today lies in the window around the member's birthday: so many days before and after it, 0 and 0 for the day
    itself. A birthday on 29 February is kept on 28 February in other years. For the whole month of birth, head office
    gives members a tag.
    """

    KEY: ClassVar[int] = 9
    days_before: int = wire.at(1, wire.whole(0, 180))
    days_after: int = wire.at(2, wire.whole(0, 180))


@dataclass(frozen=True, slots=True)
class Visit:
    """This purchase is the member's ``nth`` within the span, counted from 1; with ``every``, each ``nth`` one (5: the
    5th, 10th, 15th).
    """

    KEY: ClassVar[int] = 10
    nth: int = wire.at(1, wire.whole(1, 100_000))
    within: Span = wire.maybe(2, wire.choice(Span), Span.EVER)
    every: bool = wire.maybe(3, wire.flag(), False)


@dataclass(frozen=True, slots=True)
class LastVisit:
    """The member's last purchase lies at least, and at most, so many days back. Without a purchase it does not hold."""

    KEY: ClassVar[int] = 11
    at_least_days: int = wire.maybe(1, DAYS, 0)
    at_most_days: int | None = wire.maybe(2, DAYS)


@dataclass(frozen=True, slots=True)
class Dates:
    """Today lies between these days, both included; one of them may be left open."""

    KEY: ClassVar[int] = 12
    first: int | None = wire.maybe(1, DAY)
    last: int | None = wire.maybe(2, DAY)


@dataclass(frozen=True, slots=True)
class Window:
    """Now is not before ``start`` and before ``end``, to the minute."""

    KEY: ClassVar[int] = 13
    start: int = wire.at(1, LOCAL_MINUTE)
    end: int = wire.at(2, LOCAL_MINUTE)


@dataclass(frozen=True, slots=True)
class Weekday:
    """Today is one of these days of the week, 1 for Monday to 7 for Sunday (ISO 8601)."""

    KEY: ClassVar[int] = 14
    any_of: tuple[int, ...] = wire.at(1, wire.many(wire.whole(1, 7), 7, least=1))


@dataclass(frozen=True, slots=True)
class Hours:
    """From ``start`` up to, not including, ``end`` of a day."""

    start: int = wire.at(1, MINUTE)
    end: int = wire.at(2, MINUTE)


@dataclass(frozen=True, slots=True)
class Clock:
    """The time of day lies in one of these spans."""

    KEY: ClassVar[int] = 15
    any_of: tuple[Hours, ...] = wire.at(1, wire.many(wire.record(Hours), 24, least=1))


@dataclass(frozen=True, slots=True)
class Festival:
    """Today is listed in this calendar of the pack: festivals, and whatever else no condition reckons, such as the 8th
    of each month.
    """

    KEY: ClassVar[int] = 16
    calendar: str = wire.at(1, TAG)


@dataclass(frozen=True, slots=True)
class Anniversary:
    """Today lies in the window around the shop's own anniversary."""

    KEY: ClassVar[int] = 17
    days_before: int = wire.at(1, wire.whole(0, 180))
    days_after: int = wire.at(2, wire.whole(0, 180))


@dataclass(frozen=True, slots=True)
class Shop:
    """The sale is made in one of these shops."""

    KEY: ClassVar[int] = 18
    any_of: tuple[str, ...] = wire.at(1, NAMES)


@dataclass(frozen=True, slots=True)
class ShopGroup:
    """The shop belongs to one of these groups."""

    KEY: ClassVar[int] = 19
    any_of: tuple[str, ...] = wire.at(1, TAGS)


@dataclass(frozen=True, slots=True)
class Terminal:
    """The sale is made at one of these terminals, written ``shop/terminal``."""

    KEY: ClassVar[int] = 20
    any_of: tuple[str, ...] = wire.at(1, wire.many(wire.text(33, "[a-z0-9-]{1,16}/[a-z0-9-]{1,16}"), 1_000, least=1))


@dataclass(frozen=True, slots=True)
class Channel:
    """The sale comes through one of these channels, such as ``store`` or ``web``."""

    KEY: ClassVar[int] = 21
    any_of: tuple[str, ...] = wire.at(1, TAGS)


@dataclass(frozen=True, slots=True)
class Quantity:
    """So many selected units are in the basket, or on one line. ``at_least`` 1 asks whether such goods are there at
    all.
    """

    KEY: ClassVar[int] = 22
    at_least: int = wire.maybe(1, COUNT, 0)
    at_most: int | None = wire.maybe(2, COUNT)
    select: Select = wire.maybe(3, SELECT, ALL)
    per: Per = wire.maybe(4, PER, Per.BASKET)


@dataclass(frozen=True, slots=True)
class Distinct:
    """So many different articles (SKUs) are among the selected units."""

    KEY: ClassVar[int] = 23
    at_least: int = wire.at(1, wire.whole(1, 1_000))
    select: Select = wire.maybe(2, SELECT, ALL)


@dataclass(frozen=True, slots=True)
class Spend:
    """The selected units cost so much together, or on one line; ``base`` names the price that counts, by the pack's
    policy where it is not written.
    """

    KEY: ClassVar[int] = 24
    at_least_minor: int = wire.maybe(1, MONEY_TOTAL, 0)
    at_most_minor: int | None = wire.maybe(2, MONEY_TOTAL)
    select: Select = wire.maybe(3, SELECT, ALL)
    per: Per = wire.maybe(4, PER, Per.BASKET)
    base: Base | None = wire.maybe(5, BASE)


@dataclass(frozen=True, slots=True)
class Tender:
    """Some of the sale is paid by one of these kinds of tender."""

    KEY: ClassVar[int] = 25
    any_of: tuple[str, ...] = wire.at(1, TAGS)


@dataclass(frozen=True, slots=True)
class Code:
    """One of these coupons or codes was presented, spelt with the same capitals."""

    KEY: ClassVar[int] = 26
    any_of: tuple[str, ...] = wire.at(1, wire.many(CODE, 1_000, least=1))


@dataclass(frozen=True, slots=True)
class PointsBalance:
    """The member has at least so many points before the sale."""

    KEY: ClassVar[int] = 27
    at_least: int = wire.at(1, wire.whole(0, MAX_POINTS))


@dataclass(frozen=True, slots=True)
class Flag:
    """The basket carries one of these free flags."""

    KEY: ClassVar[int] = 28
    any_of: tuple[str, ...] = wire.at(1, TAGS)


Condition = (
    All | Any | Not | Member | Tier | Tag | Segment | CardType | Birthday | Visit | LastVisit | Dates | Window
    | Weekday | Clock | Festival | Anniversary | Shop | ShopGroup | Terminal | Channel | Quantity | Distinct | Spend
    | Tender | Code | PointsBalance | Flag
)  # fmt: skip

Named = Tier | Tag | Segment | CardType | Shop | ShopGroup | Terminal | Channel | Tender | Code | Flag
"""Conditions that hold where one of the names in ``any_of`` is there."""

CONDITION: wire.Kind = wire.one_of(
    all=All,
    any=Any,
    not_=Not,
    member=Member,
    tier=Tier,
    tag=Tag,
    segment=Segment,
    card_type=CardType,
    birthday=Birthday,
    visit=Visit,
    last_visit=LastVisit,
    dates=Dates,
    window=Window,
    weekday=Weekday,
    clock=Clock,
    festival=Festival,
    anniversary=Anniversary,
    shop=Shop,
    shop_group=ShopGroup,
    terminal=Terminal,
    channel=Channel,
    quantity=Quantity,
    distinct=Distinct,
    spend=Spend,
    tender=Tender,
    code=Code,
    points_balance=PointsBalance,
    flag=Flag,
)


def leaves(condition: Condition) -> Iterator[Condition]:
    """The conditions that are not made of others."""
    match condition:
        case All() | Any():
            for part in condition.parts:
                yield from leaves(part)
        case Not():
            yield from leaves(condition.part)
        case _:
            yield condition
