"""What is priced: the lines of a basket, who buys, where, when, and what is known of limits. The till prices it, the
journal keeps it, head office prices it again.

Only what a rule may look at stands here. Everything but the lines may be missing; a rule that asks for what is missing
does not apply.
"""

from contract import wire
from contract.calendar import DAY, LAST_DAY, YEARLY
from contract.ids import CATEGORY, NAME, RULE, SKU, TAG, TIER
from contract.making import dataclass
from contract.money import AMOUNT_MINOR

MAX_LINES = 1_000
MAX_QUANTITY = 9_999
MAX_POINTS = 2**40
"""The most points one sale may earn or a member may hold, in the pack's smallest unit of points."""
LAST_MOMENT_MS = LAST_DAY * 86_400_000
"""The beginning of the calendar's last day (UTC), so that no zone leads beyond it."""
MOST_VISIT_DAYS = 62
"""How many days of a member's latest visits are told at most: two months of them."""
MOST_CODES = 32
CODE = wire.text(64, "[A-Za-z0-9._-]{1,64}")
COUNT = wire.whole(0, 2**31)
MONEY_TOTAL = wire.whole(0, 2**53)


@dataclass(frozen=True, slots=True)
class TaxRate:
    """One tax on a line: its name and rate in basis points."""

    tax: str = wire.at(1, TAG)
    rate_bp: int = wire.at(2, wire.whole(0, 10_000))


@dataclass(frozen=True, slots=True)
class BasketLine:
    """One line: what, how many whole units, and the list price of one unit in minor units.

    Goods sold by weight have ``weight_g``: their ``unit_price_minor`` is that of 1,000 g, their quantity is 1. No rule
    takes a unit below ``floor_minor``. ``excluded`` goods are seen by no rule; ``reduced`` ones have a special price
    already; a ``gift`` costs nothing and counts nothing.
    """

    sku: str = wire.at(1, SKU)
    quantity: int = wire.at(2, wire.whole(1, MAX_QUANTITY))
    unit_price_minor: int = wire.at(3, AMOUNT_MINOR)
    categories: tuple[str, ...] = wire.maybe(4, wire.many(CATEGORY, 8), ())
    brand: str | None = wire.maybe(5, TAG)
    tags: tuple[str, ...] = wire.maybe(6, wire.many(TAG, 16), ())
    member_price_minor: int | None = wire.maybe(7, AMOUNT_MINOR)
    floor_minor: int = wire.maybe(8, AMOUNT_MINOR, 0)
    weight_g: int | None = wire.maybe(9, wire.whole(1, 999_999))
    excluded: bool = wire.maybe(10, wire.flag(), False)
    reduced: bool = wire.maybe(11, wire.flag(), False)
    gift: bool = wire.maybe(12, wire.flag(), False)
    taxes: tuple[TaxRate, ...] = wire.maybe(13, wire.many(wire.record(TaxRate), 4), ())

    @property
    def list_minor(self) -> int:
        """The line at list price, in minor units; by weight rounded half up once. A gift costs nothing."""
        if self.gift:
            return 0
        if self.weight_g is not None:
            return (self.unit_price_minor * self.weight_g * 2 + 1_000) // 2_000
        return self.quantity * self.unit_price_minor


@dataclass(frozen=True, slots=True)
class RuleUsage:
    """How often a rule has applied before this basket, and what its campaign has given: by this member ever and today,
    at this shop today, by anyone ever. ``share_*`` is what this terminal may still give of the campaign's budget.
    """

    rule: str = wire.at(1, RULE)
    member: int = wire.maybe(2, COUNT, 0)
    member_today: int = wire.maybe(3, COUNT, 0)
    today: int = wire.maybe(4, COUNT, 0)
    total: int = wire.maybe(5, COUNT, 0)
    given_minor: int = wire.maybe(6, MONEY_TOTAL, 0)
    share_uses: int | None = wire.maybe(7, COUNT)
    share_minor: int | None = wire.maybe(8, MONEY_TOTAL)


@dataclass(frozen=True, slots=True)
class Stock:
    """How many of an article may still be given away here."""

    sku: str = wire.at(1, SKU)
    left: int = wire.at(2, COUNT)


@dataclass(frozen=True, slots=True)
class PoolShare:
    """How many points, in the pack's smallest unit, may still be given here of those a merchant paid for in advance."""

    pool: str = wire.at(1, NAME)
    left: int = wire.at(2, MONEY_TOTAL)


@dataclass(frozen=True, slots=True)
class PlannedTender:
    """How the customer means to pay a part: the kind of tender and minor units."""

    kind: str = wire.at(1, TAG)
    amount_minor: int = wire.at(2, AMOUNT_MINOR)


@dataclass(frozen=True, slots=True)
class Customer:
    """The member who buys. ``visits`` counts the purchases before this one, ``visit_days`` are the days of the latest
    of them; ``birthday`` is a day of every year; ``points`` is the balance before the sale, ``stored_minor`` the stored
    value that may be spent here.
    """

    tier: str = wire.at(1, TIER)
    tags: tuple[str, ...] = wire.maybe(2, wire.many(TAG, 32), ())
    segments: tuple[str, ...] = wire.maybe(3, wire.many(TAG, 32), ())
    card_type: str | None = wire.maybe(4, TAG)
    birthday: int | None = wire.maybe(5, YEARLY)
    points: int = wire.maybe(6, wire.whole(-MAX_POINTS, MAX_POINTS), 0)
    stored_minor: int = wire.maybe(7, AMOUNT_MINOR, 0)
    visits: int | None = wire.maybe(8, COUNT)
    visit_days: tuple[int, ...] = wire.maybe(9, wire.many(DAY, MOST_VISIT_DAYS), ())


@dataclass(frozen=True, slots=True)
class Basket:
    """Lines in the order they were entered, the member if any, and what else rules may ask for. ``moment_ms`` is Unix
    time; ``want_points`` is the most points the member wants to pay with, as many as the rules allow where not written.
    """

    lines: tuple[BasketLine, ...] = wire.at(1, wire.many(wire.record(BasketLine), MAX_LINES))
    customer: Customer | None = wire.maybe(2, wire.record(Customer))
    shop: str | None = wire.maybe(3, NAME)
    terminal: str | None = wire.maybe(4, NAME)
    channel: str | None = wire.maybe(5, TAG)
    moment_ms: int | None = wire.maybe(6, wire.whole(0, LAST_MOMENT_MS))
    codes: tuple[str, ...] = wire.maybe(7, wire.many(CODE, MOST_CODES), ())
    tenders: tuple[PlannedTender, ...] = wire.maybe(8, wire.many(wire.record(PlannedTender), 8), ())
    flags: tuple[str, ...] = wire.maybe(9, wire.many(TAG, 16), ())
    usage: tuple[RuleUsage, ...] = wire.maybe(10, wire.many(wire.record(RuleUsage), 1_000), ())
    stock: tuple[Stock, ...] = wire.maybe(11, wire.many(wire.record(Stock), 200), ())
    want_points: int | None = wire.maybe(12, wire.whole(0, MAX_POINTS))
    pools: tuple[PoolShare, ...] = wire.maybe(13, wire.many(wire.record(PoolShare), 200), ())

    @property
    def list_minor(self) -> int:
        """The whole basket at list price, in minor units."""
        return sum(line.list_minor for line in self.lines)
