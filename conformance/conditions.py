"""The conditions of the case format (``when``): one record each, with the fields cases may write.

A promotion applies where all its conditions hold. A limit that is used up, else the first that does not hold, gives the
reason. docs: conformance/README.md.
"""

from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from conformance.reading import (
    day,
    decimal,
    flag,
    named,
    natural,
    one_of,
    part,
    positive,
    record,
    text,
    whole,
    word,
    words,
)

OPERATORS = ("gte", "gt", "lt", "lte")
"""How ``spend`` compares what was spent with the amount."""


@dataclass(frozen=True, slots=True)
class Selector:
    """Which lines are meant: each field narrows further; a list means any of its members; prices are list prices of
    one unit in minor units, both ends included.
    """

    sku: tuple[str, ...] | None = part(words, None)
    category: tuple[str, ...] | None = part(words, None)
    not_category: tuple[str, ...] | None = part(words, None)
    tag: tuple[str, ...] | None = part(words, None)
    price_min: int | None = part(whole, None)
    price_max: int | None = part(whole, None)
    exclude_reduced: bool = part(flag, False)
    include_gifts: bool = part(flag, False)


SELECT = record(Selector)


@dataclass(frozen=True, slots=True)
class MinQty:
    """At least ``qty`` units of the selected lines together."""

    qty: int = part(natural)
    select: Selector | None = part(SELECT, None)


@dataclass(frozen=True, slots=True)
class QtyRange:
    """From ``min`` to ``max`` units of the selected lines together, both included."""

    min: int = part(natural, 0)
    max: int | None = part(natural, None)
    select: Selector | None = part(SELECT, None)


@dataclass(frozen=True, slots=True)
class LineMinQty:
    """At least ``qty`` units on one and the same line."""

    qty: int = part(natural)
    select: Selector | None = part(SELECT, None)


@dataclass(frozen=True, slots=True)
class Distinct:
    """At least ``count`` different SKUs among the selected lines."""

    count: int = part(natural)
    select: Selector | None = part(SELECT, None)


@dataclass(frozen=True, slots=True)
class Spend:
    """The selected lines come to ``amount`` or more (or as ``op`` says), in minor units, on list prices or on what
    earlier promotions left (``basis``). The format knows it as ``min_spend`` and as ``spend``.
    """

    amount: int = part(whole)
    op: str = part(word(*OPERATORS), "gte")
    basis: str | None = part(word("list", "current"), None)
    select: Selector | None = part(SELECT, None)


@dataclass(frozen=True, slots=True)
class Contains:
    """At least one line is selected."""

    select: Selector = part(SELECT, Selector())


@dataclass(frozen=True, slots=True)
class InGroup:
    """The customer belongs to one of the groups ``any``."""

    any: tuple[str, ...] = part(words)


@dataclass(frozen=True, slots=True)
class IsCustomer:
    """The customer is one of ``any``."""

    any: tuple[str, ...] = part(words)


@dataclass(frozen=True, slots=True)
class NthOrder:
    """This purchase is the customer's ``n``-th; the first is 1."""

    n: int = part(positive)


@dataclass(frozen=True, slots=True)
class LastOrderBefore:
    """The last purchase was ``days`` or more days ago; a customer without one does not qualify."""

    days: int = part(natural)


@dataclass(frozen=True, slots=True)
class Code:
    """The customer showed the code."""

    code: str = part(text)


@dataclass(frozen=True, slots=True)
class Dates:
    """Today is within ``start`` to ``end``, whole days, both included; an absent end is open."""

    start: date | None = part(day, None, "from")
    end: date | None = part(day, None, "to")


@dataclass(frozen=True, slots=True)
class Channel:
    """The sale is made in one of the channels ``any``."""

    any: tuple[str, ...] = part(words)


@dataclass(frozen=True, slots=True)
class LimitTotal:
    """The promotion was ``used`` fewer than ``limit`` times by all customers together."""

    limit: int = part(natural)
    used: int = part(natural, 0)


@dataclass(frozen=True, slots=True)
class LimitCustomer:
    """This customer used the promotion fewer than ``limit`` times."""

    limit: int = part(natural)


@dataclass(frozen=True, slots=True)
class Flag:
    """The context says ``value`` under ``name``; a flag that is not there is false."""

    name: str = part(text)
    value: object = part(lambda plain, path: plain, True)


@dataclass(frozen=True, slots=True)
class PointsAtLeast:
    """The customer holds ``points`` or more."""

    points: Fraction = part(decimal)


Condition = (
    MinQty
    | QtyRange
    | LineMinQty
    | Distinct
    | Spend
    | Contains
    | InGroup
    | IsCustomer
    | NthOrder
    | LastOrderBefore
    | Code
    | Dates
    | Channel
    | LimitTotal
    | LimitCustomer
    | Flag
    | PointsAtLeast
)

CONDITIONS: dict[str, type[Condition]] = {
    "min_qty": MinQty,
    "qty_range": QtyRange,
    "line_min_qty": LineMinQty,
    "distinct": Distinct,
    "min_spend": Spend,
    "spend": Spend,
    "contains": Contains,
    "group": InGroup,
    "customer": IsCustomer,
    "nth_order": NthOrder,
    "last_order_before_days": LastOrderBefore,
    "code": Code,
    "dates": Dates,
    "channel": Channel,
    "limit_total": LimitTotal,
    "limit_customer": LimitCustomer,
    "flag": Flag,
    "points_at_least": PointsAtLeast,
}
"""The word a case writes under ``kind``, and the record it is read into."""

CONDITION = one_of(CONDITIONS)
USES = named(natural)
