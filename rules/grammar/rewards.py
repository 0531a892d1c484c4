"""Effects that give or take something other than a discount: gifts, points, coupons, counts, bonus money, and how the
total is rounded and paid.
"""

from typing import ClassVar

from contract import wire
from contract.basket import COUNT, MAX_POINTS
from contract.ids import SKU, TAG
from contract.making import dataclass
from contract.money import AMOUNT_MINOR
from rules.grammar.conditions import BASE, Base
from rules.grammar.money import MOST_STEPS, RATE_BP, SOME_MINOR
from rules.grammar.select import ALL, SELECT, UNITS, Select
from rules.rounding import BASIS_POINTS, Rounding
from rules.shares import Split

POINTS = wire.whole(0, MAX_POINTS)
STORED_VALUE = "stored_value"
"""The kind of tender that stored value is."""
SOME_POINTS = wire.whole(1, 1_000_000_000)


@dataclass(frozen=True, slots=True)
class Gift:
    """Gives ``quantity`` of an article beside what is in the basket, once, or for each full ``every`` selected units;
    as far as its stock lasts, where the basket tells of one. Goods in the basket are made free by ``buy_get``. With
    ``stocked`` a till gives only what head office has lent it of the article.
    """

    KEY: ClassVar[int] = 10
    sku: str = wire.at(1, SKU)
    quantity: int = wire.maybe(2, UNITS, 1)
    every: int | None = wire.maybe(3, UNITS)
    select: Select = wire.maybe(4, SELECT, ALL)
    stocked: bool = wire.maybe(5, wire.flag(), False)


@dataclass(frozen=True, slots=True)
class PointsPerMoney:
    """Gives ``points`` for every full ``spend_minor`` the selected units cost; with ``proportional`` also for a part of
    it, rounded once. Nothing is earned on what is paid with one of ``not_tenders``.
    """

    KEY: ClassVar[int] = 11
    points: int = wire.at(1, SOME_POINTS)
    spend_minor: int = wire.at(2, SOME_MINOR)
    select: Select = wire.maybe(3, SELECT, ALL)
    base: Base | None = wire.maybe(4, BASE)
    proportional: bool = wire.maybe(5, wire.flag(), False)
    rounding: Rounding | None = wire.maybe(6, wire.choice(Rounding))
    not_tenders: tuple[str, ...] = wire.maybe(7, wire.many(TAG, 16), ())
    cap_points: int | None = wire.maybe(8, POINTS)


@dataclass(frozen=True, slots=True)
class PointsPerUnit:
    """Gives ``points`` for every selected unit."""

    KEY: ClassVar[int] = 12
    points: int = wire.at(1, SOME_POINTS)
    select: Select = wire.maybe(2, SELECT, ALL)
    cap_points: int | None = wire.maybe(3, POINTS)


@dataclass(frozen=True, slots=True)
class PointsBonus:
    """Gives ``points`` once."""

    KEY: ClassVar[int] = 13
    points: int = wire.at(1, SOME_POINTS)


@dataclass(frozen=True, slots=True)
class PointsTimes:
    """Multiplies the points that earlier rules of this sale gave: 20,000 basis points doubles, 15,000 is half as much
    again, rounded down once. ``cap_points`` limits what is added. Those rules need a higher priority.
    """

    KEY: ClassVar[int] = 14
    rate_bp: int = wire.at(1, wire.whole(BASIS_POINTS + 1, 1_000_000))
    cap_points: int | None = wire.maybe(2, POINTS)


@dataclass(frozen=True, slots=True)
class PayPoints:
    """Points as cash: the member's points are paid in steps of ``points``, each worth ``minor``, as far as the member
    wants, the balance goes and the selected units cost. No more points are taken than the money they pay, unless
    ``waste`` is set. ``part_steps`` lets a fraction of a step pay its part. ``own_points`` adds the points this sale
    has earned so far. ``leave_minor`` is what must stay to be paid; ``never_free`` refuses points that would pay it
    all. Rules that shall earn nothing on it need a lower priority.
    """

    KEY: ClassVar[int] = 15
    points: int = wire.at(1, SOME_POINTS)
    minor: int = wire.at(2, SOME_MINOR)
    most_points: int | None = wire.maybe(3, POINTS)
    most_bp: int | None = wire.maybe(4, RATE_BP)
    select: Select = wire.maybe(5, SELECT, ALL)
    part_steps: bool = wire.maybe(6, wire.flag(), False)
    own_points: bool = wire.maybe(7, wire.flag(), False)
    waste: bool = wire.maybe(8, wire.flag(), False)
    leave_minor: int = wire.maybe(9, AMOUNT_MINOR, 0)
    rounding: Rounding | None = wire.maybe(10, wire.choice(Rounding))
    split: Split | None = wire.maybe(11, wire.choice(Split))
    never_free: bool = wire.maybe(12, wire.flag(), False)


@dataclass(frozen=True, slots=True)
class PointsPrice:
    """Points plus cash: up to ``units`` selected units cost ``points`` and ``price_minor`` each, as far as the balance
    goes.
    """

    KEY: ClassVar[int] = 16
    points: int = wire.at(1, SOME_POINTS)
    price_minor: int = wire.at(2, AMOUNT_MINOR)
    select: Select = wire.at(3, SELECT)
    units: int = wire.maybe(4, UNITS, 1)


@dataclass(frozen=True, slots=True)
class CostPoints:
    """The rule costs the member ``points``; it does not apply where the balance, and the points this sale has earned
    so far, do not cover them. Nobody is asked, whatever ``want_points`` says: let the rule ask for a ``code``.
    """

    KEY: ClassVar[int] = 17
    points: int = wire.at(1, SOME_POINTS)


@dataclass(frozen=True, slots=True)
class IssueCoupon:
    """Issues ``count`` coupons of a template of the pack, to members and others."""

    KEY: ClassVar[int] = 18
    coupon: str = wire.at(1, TAG)
    count: int = wire.maybe(2, wire.whole(1, 100), 1)


@dataclass(frozen=True, slots=True)
class GrantCounts:
    """Grants a member ``uses`` on a count card of the pack; once, or for each selected unit with ``per_unit``."""

    KEY: ClassVar[int] = 19
    card: str = wire.at(1, TAG)
    uses: int = wire.at(2, wire.whole(1, 10_000))
    per_unit: bool = wire.maybe(3, wire.flag(), False)
    select: Select = wire.maybe(4, SELECT, ALL)


@dataclass(frozen=True, slots=True)
class Rebate:
    """Gives bonus money into the member's stored value: ``rate_bp`` of what the selected units cost, rounded down, and
    ``minor`` once.
    """

    KEY: ClassVar[int] = 20
    rate_bp: int = wire.maybe(1, RATE_BP, 0)
    minor: int = wire.maybe(2, AMOUNT_MINOR, 0)
    select: Select = wire.maybe(3, SELECT, ALL)
    base: Base | None = wire.maybe(4, BASE)


@dataclass(frozen=True, slots=True)
class RoundTotal:
    """抹零: what is to pay becomes a multiple of ``to_minor``; the difference is a line of its own, taxes stay as they
    are. A rule that pays from stored value needs a lower priority.
    """

    KEY: ClassVar[int] = 21
    to_minor: int = wire.at(1, wire.whole(2, 100_000))
    mode: Rounding = wire.at(2, wire.choice(Rounding))


@dataclass(frozen=True, slots=True)
class PayStored:
    """Pays what is left from the member's stored value, at most ``most_minor``. What is to pay stays the same."""

    KEY: ClassVar[int] = 22
    most_minor: int | None = wire.maybe(1, AMOUNT_MINOR)


@dataclass(frozen=True, slots=True)
class CouponCount:
    """So many coupons of a template."""

    coupon: str = wire.at(1, TAG)
    count: int = wire.at(2, wire.whole(1, 100))


@dataclass(frozen=True, slots=True)
class CountUses:
    """So many uses of a count card."""

    card: str = wire.at(1, TAG)
    uses: int = wire.at(2, wire.whole(1, 10_000))


@dataclass(frozen=True, slots=True)
class TopUpStep:
    """What a top-up of at least ``amount_minor`` brings."""

    amount_minor: int = wire.at(1, SOME_MINOR)
    bonus_minor: int = wire.maybe(2, AMOUNT_MINOR, 0)
    points: int = wire.maybe(3, POINTS, 0)
    coupons: tuple[CouponCount, ...] = wire.maybe(4, wire.many(wire.record(CouponCount), 8), ())
    counts: tuple[CountUses, ...] = wire.maybe(5, wire.many(wire.record(CountUses), 8), ())


@dataclass(frozen=True, slots=True)
class TopUp:
    """A top-up ladder: the highest step reached counts; with ``every`` there is one step, for each full amount. The
    bonus money comes at once, or in ``parts`` equal parts ``every_days`` apart, the first at once. Only a top-up asks
    for it, never a sale; a rule with ``top_up`` has no other effects.
    """

    KEY: ClassVar[int] = 23
    steps: tuple[TopUpStep, ...] = wire.at(1, wire.many(wire.record(TopUpStep), MOST_STEPS, least=1))
    every: bool = wire.maybe(2, wire.flag(), False)
    parts: int = wire.maybe(3, wire.whole(1, 120), 1)
    every_days: int = wire.maybe(4, wire.whole(0, 366), 0)
    most_times: int | None = wire.maybe(5, COUNT)


@dataclass(frozen=True, slots=True)
class Redeem:
    """Hands something out where a member asks for it, without a sale: ``quantity`` of the article ``sku`` out of the
    gifts that head office has lent the till, or with ``service`` something that needs no stock. It costs ``points``,
    ``uses`` of a count ``card``, the coupon that the rule's ``code`` asks for, or several of these. Never a sale asks
    for it; a rule with ``redeem`` has no other effects.
    """

    KEY: ClassVar[int] = 24
    sku: str = wire.at(1, SKU)
    quantity: int = wire.maybe(2, UNITS, 1)
    points: int = wire.maybe(3, POINTS, 0)
    card: str | None = wire.maybe(4, TAG)
    uses: int = wire.maybe(5, wire.whole(2, 10_000), 1)
    service: bool = wire.maybe(6, wire.flag(), False)


ASKED_FOR = (TopUp, Redeem)
"""Effects that no sale has: a top-up or a member asks for them."""
