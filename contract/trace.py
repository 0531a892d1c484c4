"""The trace of a price: what each rule did, unit by unit, and who pays for it. It is journalled with the sale; screen,
receipt, refund and head office read it.

Units of a line are counted from 0 in a fixed order. A share covers ``units`` units of one line from ``unit`` on, each
with the same amount; the shares of an effect sum to what it took off.
"""

from collections import Counter
from collections.abc import Iterable

from contract import wire
from contract.basket import CODE, MAX_LINES, MAX_POINTS, MAX_QUANTITY, MOST_CODES
from contract.ids import RULE, SKU, TAG
from contract.making import dataclass
from contract.money import AMOUNT_MINOR, MAX_AMOUNT_MINOR

MOST_GIVEN = 1_000_000
MOST_SHARES = 10_000
"""How many shares one effect has at most; a basket whose trace would have more is not priced."""


@dataclass(frozen=True, slots=True)
class Share:
    """What an effect took off some units of a line, in minor units each; 0 for units that only took part (the ones
    bought in buy-and-get).
    """

    line: int = wire.at(1, wire.whole(0, MAX_LINES))
    off_minor: int = wire.at(2, AMOUNT_MINOR)
    unit: int = wire.maybe(3, wire.whole(0, MAX_QUANTITY), 0)
    units: int = wire.maybe(4, wire.whole(1, MAX_QUANTITY), 1)


@dataclass(frozen=True, slots=True)
class Given:
    """Something that is not money: so many of an article, coupons of a template, uses of a count card."""

    name: str = wire.at(1, SKU)
    count: int = wire.at(2, wire.whole(1, MOST_GIVEN))


GIVEN = wire.many(wire.record(Given), 32)
POINTS = wire.whole(0, MAX_POINTS)


@dataclass(frozen=True, slots=True)
class AppliedEffect:
    """One effect of one rule, as it applied. ``part`` is its place in the rule's ``then``; ``base_minor`` the amount it
    looked at; ``off_minor`` what it took off; ``points`` what it gave, ``points_spent`` what it cost; ``bonus_minor``
    goes into stored value, ``stored_minor`` is paid from it; ``rounding_minor`` is what rounding the total added,
    negative where it took off. ``codes`` are the coupons or codes that let it apply, ``funded_by`` is who bears it.
    """

    rule: str = wire.at(1, RULE)
    part: int = wire.maybe(2, wire.whole(0, 8), 0)
    base_minor: int = wire.maybe(3, AMOUNT_MINOR, 0)
    off_minor: int = wire.maybe(4, AMOUNT_MINOR, 0)
    shares: tuple[Share, ...] = wire.maybe(5, wire.many(wire.record(Share), MOST_SHARES), ())
    points: int = wire.maybe(6, POINTS, 0)
    points_spent: int = wire.maybe(7, POINTS, 0)
    gifts: tuple[Given, ...] = wire.maybe(8, GIVEN, ())
    coupons: tuple[Given, ...] = wire.maybe(9, GIVEN, ())
    counts: tuple[Given, ...] = wire.maybe(10, GIVEN, ())
    bonus_minor: int = wire.maybe(11, AMOUNT_MINOR, 0)
    stored_minor: int = wire.maybe(12, AMOUNT_MINOR, 0)
    rounding_minor: int = wire.maybe(13, wire.whole(-MAX_AMOUNT_MINOR, MAX_AMOUNT_MINOR), 0)
    codes: tuple[str, ...] = wire.maybe(14, wire.many(CODE, MOST_CODES), ())
    funded_by: str | None = wire.maybe(15, TAG)


@dataclass(frozen=True, slots=True)
class RuleTimes:
    """So many applications of a rule."""

    rule: str = wire.at(1, RULE)
    times: int = wire.at(2, wire.whole(1, MOST_GIVEN))


def times_acted(effects: Iterable[AppliedEffect]) -> dict[str, int]:
    """Return how often each rule has acted: as often as that of its effects which acted most often."""
    parts = Counter((effect.rule, effect.part) for effect in effects)
    found: dict[str, int] = {}
    for (rule, _part), times in parts.items():
        found[rule] = max(times, found.get(rule, 0))
    return found
