"""The conditions of a promotion as conditions and limits of ours, and the reasons of ours in the case's words."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction

from conformance import conditions as neutral
from conformance.cases import CartCase, Hint, Promotion
from conformance.goods import Goods
from conformance.naming import Names
from contract.basket import RuleUsage
from rules.engine.shortfall import Shortfall, Why
from rules.grammar import conditions as ours
from rules.grammar.conditions import Base, Condition
from rules.grammar.rule import BudgetPer, Limits
from rules.grammar.select import Select

ALL_THE_MONEY_MINOR = 2**53
_EPOCH_DAY = date(1970, 1, 1).toordinal()

REASONS = {
    Why.PAUSED: "disabled",
    Why.TAG: "group",
    Why.SEGMENT: "customer",
    Why.NTH_VISIT: "nth_order",
    Why.LAST_VISIT: "last_order_before_days",
    Why.NOT_STARTED: "not_started",
    Why.EXPIRED: "expired",
    Why.CHANNEL: "channel",
    Why.MIN_QUANTITY: "min_qty",
    Why.MAX_QUANTITY: "min_qty",
    Why.DISTINCT: "distinct",
    Why.NEGATED: "contains",
    Why.MIN_SPEND: "min_spend",
    Why.MAX_SPEND: "min_spend",
    Why.CODE: "code",
    Why.FLAG: "flag",
    Why.POINTS: "points",
    Why.LIMIT_TOTAL: "limit_total",
    Why.LIMIT_MEMBER: "limit_customer",
    Why.BUDGET: "budget",
    Why.WOULD_BE_FREE: "would_be_free",
    Why.NOT_BEST: "not_best",
    Why.EXCLUDED: "not_best",
    Why.CONFLICT: "conflict",
}
"""Our reason for a rule that did not apply, in the words of the format."""


@dataclass(frozen=True, slots=True)
class Terms:
    """When a promotion applies, in our grammar."""

    when: tuple[Condition, ...]
    limits: Limits
    usage: RuleUsage


@dataclass(slots=True)
class Words:
    """The free names of a case made into ours, one list for each kind of name."""

    groups: Names
    customers: Names
    channels: Names
    codes: Names
    flags: Names
    tenders: Names


def new_words() -> Words:
    """Return lists without a name yet."""
    return Words(Names(), Names(), Names(), Names(), Names(), Names())


class TermsReader:
    """Translates the conditions of one case's promotions."""

    __slots__ = ("_case", "_goods", "_list_only", "_points", "_words")

    def __init__(self, body: CartCase, goods: Goods, words: Words, points: Callable[[Fraction], int]) -> None:
        self._case = body
        self._goods = goods
        self._words = words
        self._points = points
        # Where each promotion is reckoned as if it were alone, what earlier ones left is the list price.
        self._list_only = body.combine == "sum_on_list"

    def read(self, promotion: Promotion, rule: str) -> Terms:
        """Return the terms of ``promotion``, whose rule is named ``rule``."""
        when: list[Condition] = []
        limits = self._limits(promotion)
        usage = RuleUsage(rule)
        for asked in promotion.when:
            match asked:
                case neutral.LimitTotal(limit, used):
                    # Of two limits the one that leaves less is the one that counts.
                    if limits.total is None or limit - used < limits.total - usage.total:
                        limits, usage = replace(limits, total=limit), replace(usage, total=used)
                case neutral.LimitCustomer(limit):
                    customer = self._case.customer
                    if customer is None and limit:
                        # Nobody has used it yet; ours would ask for somebody whose uses can be counted.
                        continue
                    uses = customer.uses.get(promotion.id, 0) if customer else 0
                    most = limit if limits.per_member is None else min(limit, limits.per_member)
                    limits, usage = replace(limits, per_member=most), replace(usage, member=uses)
                case _:
                    when += self._condition(asked)
        return Terms(tuple(when), limits, usage)

    def _limits(self, promotion: Promotion) -> Limits:
        limits = Limits(per_sale=max(1, promotion.max_applications or 1))
        if promotion.budget is not None:
            per = BudgetPer(promotion.budget.per)
            limits = replace(limits, budget_minor=promotion.budget.left, budget_per=per)
        return limits

    def _condition(self, asked: neutral.Condition) -> Iterator[Condition]:
        """Yield our conditions for one of the case; none where it always holds."""
        words = self._words
        match asked:
            case neutral.InGroup(any):
                yield _any_of(ours.Tag, tuple([words.groups[name] for name in any]))
            case neutral.IsCustomer(any):
                yield _any_of(ours.Segment, tuple([words.customers[name] for name in any]))
            case neutral.Channel(any):
                yield _any_of(ours.Channel, tuple([words.channels[name] for name in any]))
            case neutral.Code(code):
                yield ours.Code((words.codes[code],))
            case neutral.Flag(name, value):
                yield ours.Flag((words.flags[flag_said(name, value)],))
            case neutral.NthOrder(n):
                yield ours.Visit(n)
            case neutral.LastOrderBefore(days):
                yield ours.LastVisit(at_least_days=days)
            case neutral.Dates(start, end):
                # Two conditions, so that a period that ends before it begins is met by nobody.
                if start is not None:
                    yield ours.Dates(first=day_number(start))
                if end is not None:
                    yield ours.Dates(last=day_number(end))
            case neutral.PointsAtLeast(points):
                yield ours.PointsBalance(max(0, self._points(points)))
            case _:
                yield from self._of_goods(asked)

    def _of_goods(self, asked: neutral.Condition) -> Iterator[Condition]:
        select = self._goods.select
        match asked:
            case neutral.MinQty(qty, selector):
                yield from _units(qty, None, select(selector), ours.Per.BASKET)
            case neutral.LineMinQty(qty, selector):
                yield from _units(qty, None, select(selector), ours.Per.LINE)
            case neutral.QtyRange(low, high, selector):
                # Two conditions, so that a range that ends before it begins is met by nobody.
                yield from _units(low, None, select(selector), ours.Per.BASKET)
                yield from _units(0, high, select(selector), ours.Per.BASKET)
            case neutral.Distinct(count, selector):
                if count:
                    yield ours.Distinct(count, select(selector))
            case neutral.Contains(selector):
                # Not none of them: said so, its reason is told from that of every counted condition.
                yield ours.Not(ours.Quantity(at_most=0, select=select(selector)))
            case neutral.Spend(amount, op, basis, selector):
                low, most = _bounds(amount, op)
                base = Base.LIST if self._list_only else _base(basis)
                if low > 0 or most is not None:
                    yield ours.Spend(max(0, low), most, select(selector), base=base)
            case _:
                raise TypeError(f"no translation of {asked!r}")


def _units(least: int, most: int | None, select: Select, per: ours.Per) -> Iterator[Condition]:
    """So many units; nothing where any number will do."""
    if least or most is not None:
        yield ours.Quantity(least, most, select, per)


def _any_of(kind: Callable[[tuple[str, ...]], Condition], names: tuple[str, ...]) -> Condition:
    """One of ``names``; a list of nobody is never met."""
    return kind(names or ("nobody",))


def _bounds(amount_minor: int, op: str) -> tuple[int, int | None]:
    """Return what must be spent at least and at most, both included."""
    most_minor = amount_minor - 1 if op == "lt" else amount_minor
    if op in ("lt", "lte"):
        # Nobody spends less than nothing; nobody spends all the money there is either.
        return (0, most_minor) if most_minor >= 0 else (ALL_THE_MONEY_MINOR, None)
    return (amount_minor + 1 if op == "gt" else amount_minor), None


def _base(basis: str | None) -> Base | None:
    return None if basis is None else Base.LIST if basis == "list" else Base.LEFT


def day_number(day: date) -> int:
    """Return the days since 1970-01-01."""
    return max(0, day.toordinal() - _EPOCH_DAY)


def flag_said(name: str, value: object) -> str:
    """Return the name of the flag that says ``name`` is ``value``."""
    return f"{name} {value}"


def flags_of(body: CartCase, words: Words) -> tuple[str, ...]:
    """Return the flags of the basket: everything the context says, and false for what a condition asks of in vain."""
    said = {name: value for name, value in body.context.flags.items()}
    for promotion in body.promotions:
        for asked in promotion.when:
            if isinstance(asked, neutral.Flag):
                said.setdefault(asked.name, False)
    return tuple([words.flags[flag_said(name, value)] for name, value in said.items()])


def reason_of(shortfall: Shortfall) -> str:
    """Return the case's word for why a promotion did not apply."""
    return REASONS.get(shortfall.why, str(shortfall.why))


def hint_of(shortfall: Shortfall) -> Hint | None:
    """Return by how much a promotion was missed, where that can be counted."""
    match shortfall.why:
        case Why.MIN_QUANTITY:
            return Hint(missing_qty=shortfall.missing)
        case Why.MIN_SPEND:
            return Hint(missing_spend=shortfall.missing)
        case Why.DISTINCT:
            return Hint(missing_distinct=shortfall.missing)
    return None
