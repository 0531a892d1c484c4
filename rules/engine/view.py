"""A basket while it is priced: its facts, what every unit costs now, and what rules have given so far."""

from contract.basket import Basket, Customer, RuleUsage
from contract.calendar import DAY_MINUTES
from rules.engine.proposal import Proposal
from rules.engine.selecting import Matcher
from rules.engine.shortfall import Shortfall
from rules.engine.units import Units
from rules.grammar.pack import Pack, ShopFacts, Zone
from rules.grammar.select import ALL, Select
from rules.moments import local_minute_of
from rules.tax import TaxedLine, Taxes, taxes

Acted = tuple[int, int, Proposal]
"""The number of a rule, the place of the effect in it, and what it did."""

NO_SHOP = ShopFacts("unknown")


class Facts:
    """What does not change while a basket is priced. ``day`` and ``minute`` are local to the shop, None where the
    basket does not tell the time; ``over`` says that the pack is past its last day by then. ``is_told`` says that the
    basket tells of campaigns or of merchants' points, which may limit any rule. With ``explain``, everything that a
    rule missed is noted, not only the first thing.
    """

    __slots__ = (
        "basket",
        "codes",
        "customer",
        "day",
        "explain",
        "is_told",
        "minute",
        "over",
        "pack",
        "pools",
        "shop",
        "tenders",
        "usage",
    )

    def __init__(self, basket: Basket, pack: Pack, shops: dict[str, ShopFacts], zones: dict[str, Zone]) -> None:
        self.basket = basket
        self.explain = False
        self.pack = pack
        self.customer: Customer | None = basket.customer
        self.shop = shops.get(basket.shop, NO_SHOP) if basket.shop is not None else NO_SHOP
        # Most baskets have nothing of these.
        self.codes = frozenset(basket.codes)
        tenders = basket.tenders
        self.tenders = frozenset([tender.kind for tender in tenders] if tenders else ())
        usages, pools = basket.usage, basket.pools
        self.usage: dict[str, RuleUsage] = {usage.rule: usage for usage in usages} if usages else {}
        self.pools: dict[str, int] = {share.pool: share.left for share in pools} if pools else {}
        self.is_told = bool(usages or pools)
        self.day: int | None = None
        self.minute: int | None = None
        if basket.moment_ms is not None:
            # As rules.moments.zone_of finds it, without a search through all shops and zones.
            zone = zones[self.shop.zone] if self.shop.zone is not None else pack.zones[0] if pack.zones else None
            self.day, self.minute = divmod(local_minute_of(basket.moment_ms, zone), DAY_MINUTES)
        self.over = pack.valid_until is not None and self.day is not None and self.day > pack.valid_until

    @property
    def local_minute(self) -> int | None:
        """Minutes since 1970-01-01T00:00 of the shop's local time."""
        return None if self.day is None or self.minute is None else self.day * DAY_MINUTES + self.minute


class View:
    """Everything that changes while rules act on a basket; a copy of it is a fork of what could happen."""

    __slots__ = (
        "_lines",
        "bonus_minor",
        "earned",
        "effects",
        "facts",
        "matchers",
        "only",
        "outcomes",
        "rounding_minor",
        "spent",
        "stock",
        "stored_minor",
        "units",
    )

    def __init__(self, facts: Facts, matchers: dict[int, Matcher]) -> None:
        self.facts = facts
        self.matchers = matchers
        self.units = Units(facts.basket.lines)
        self.earned = self.spent = self.rounding_minor = self.stored_minor = self.bonus_minor = 0
        stocks = facts.basket.stock
        self.stock: dict[str, int] = {stock.sku: stock.left for stock in stocks} if stocks else {}
        self.effects: list[Acted] = []
        self.outcomes: dict[int, Shortfall | None] = {}
        self._lines: dict[int, list[int]] = {}
        self.only: frozenset[int] | None = None
        """The lines that money may be taken off; all of them where it is None."""

    def copy(self) -> "View":
        """An independent copy of this state."""
        twin = object.__new__(View)
        twin.facts, twin.matchers, twin._lines = self.facts, self.matchers, self._lines
        twin.units = self.units.copy()
        twin.earned, twin.spent, twin.rounding_minor = self.earned, self.spent, self.rounding_minor
        twin.stored_minor, twin.bonus_minor, twin.only = self.stored_minor, self.bonus_minor, self.only
        twin.stock, twin.effects, twin.outcomes = self.stock.copy(), self.effects.copy(), self.outcomes.copy()
        return twin

    def adopt(self, fork: "View") -> None:
        """Become ``fork``, a copy of this view that went on."""
        self.units, self.stock, self.effects, self.outcomes = fork.units, fork.stock, fork.effects, fork.outcomes
        self.earned, self.spent, self.rounding_minor = fork.earned, fork.spent, fork.rounding_minor
        self.stored_minor, self.bonus_minor = fork.stored_minor, fork.bonus_minor

    def lines(self, select: Select) -> list[int]:
        """The lines that ``select`` takes, in canonical order."""
        key = 0 if select is ALL else id(select)
        found = self._lines.get(key)
        if found is None:
            matcher = self.matchers[key]
            found = matcher.among(self.units.lines)
            self._lines[key] = found
        return found

    def taxed(self) -> Taxes | None:
        """The taxes of the lines as they stand; None where the pack names no terms or no line bears any."""
        terms, units = self.facts.pack.tax, self.units
        if terms is None or not any(line.taxes for line in units.lines):
            return None
        by_entry: list[TaxedLine] = [TaxedLine(0, ())] * len(units.lines)
        for entered, line, left in zip(units.entered, units.lines, units.left, strict=True):
            by_entry[entered] = TaxedLine(left, line.taxes)
        return taxes(by_entry, terms.inclusive, terms.at)

    @property
    def payable_minor(self) -> int:
        """What is to be paid now: all lines, the tax on top of them, the rounding of the total."""
        found = None if self.facts.pack.tax is None else self.taxed()
        return (sum(self.units.left) if found is None else found.gross_minor) + self.rounding_minor

    @property
    def points_left(self) -> int:
        """The points the member may still use of the balance before the sale."""
        customer = self.facts.customer
        return 0 if customer is None else max(0, customer.points - self.spent)

    @property
    def points_with_earned(self) -> int:
        """The points the member may still use of the balance and of what this sale has earned so far."""
        customer = self.facts.customer
        return 0 if customer is None else max(0, customer.points + self.earned - self.spent)
