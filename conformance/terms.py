"""The conditions of a promotion as conditions and limits of ours, and the reasons of ours in the case's words."""

from collections.abc import Callable
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
                    limits, usage = replace(limits, total=limit), replace(usage, total=used)
                case neutral.LimitCustomer(limit):
                    uses = self._case.customer.uses.get(promotion.id, 0) if self._case.customer else 0
                    limits, usage = replace(limits, per_member=limit), replace(usage, member=uses)
                case _:
                    when += self._condition(asked)
        return Terms(tuple(when), limits, usage)

    def _limits(self, promotion: Promotion) -> Limits:
        limits = Limits(per_sale=max(1, promotion.max_applications or 1))
        if promotion.budget is not None:
            per = BudgetPer(promotion.budget.per)
            limits = replace(limits, budget_minor=promotion.budget.left, budget_per=per)
        return limits

    def _condition(self, asked: neutral.Condition) -> tuple[Condition, ...]:
        """Return our conditions for one of the case; none where it always holds."""
        words = self._words
        match asked:
            case neutral.InGroup(any):
                return (_any_of(ours.Tag, tuple([words.groups[name] for name in any])),)
            case neutral.IsCustomer(any):
                return (_any_of(ours.Segment, tuple([words.customers[name] for name in any])),)
            case neutral.Channel(any):
                return (_any_of(ours.Channel, tuple([words.channels[name] for name in any])),)
            case neutral.Code(code):
                return (ours.Code((words.codes[code],)),)
            case neutral.Flag(name, value):
                return (ours.Flag((words.flags[flag_said(name, value)],)),)
            case neutral.NthOrder(n):
                return (ours.Visit(n),)
            case neutral.LastOrderBefore(days):
                return (ours.LastVisit(at_least_days=days),)
            case neutral.Dates(start, end):
                return (ours.Dates(_day(start), _day(end)),) if start or end else ()
            case neutral.PointsAtLeast(points):
                return (ours.PointsBalance(max(0, self._points(points))),)
            case _:
                return self._of_goods(asked)

    def _of_goods(self, asked: neutral.Condition) -> tuple[Condition, ...]:
        select = self._goods.select
        match asked:
            case neutral.MinQty(qty, selector):
                return (ours.Quantity(at_least=qty, select=select(selector)),)
            case neutral.QtyRange(low, high, selector):
                return (ours.Quantity(at_least=low, at_most=high, select=select(selector)),)
            case neutral.LineMinQty(qty, selector):
                return (ours.Quantity(at_least=qty, select=select(selector), per=ours.Per.LINE),)
            case neutral.Distinct(count, selector):
                return (ours.Distinct(count, select(selector)),) if count else ()
            case neutral.Contains(selector):
                return (ours.Distinct(1, select(selector)),)
            case neutral.Spend(amount, op, basis, selector):
                low, high = _bounds(amount, op)
                if high is not None and high < 0:
                    return (ours.Not(ours.Spend()),)
                base = Base.LIST if self._list_only else _base(basis)
                return (ours.Spend(max(0, low), high, select(selector), base=base),)
        raise TypeError(f"no translation of {asked!r}")


def _any_of(kind: Callable[[tuple[str, ...]], Condition], names: tuple[str, ...]) -> Condition:
    """One of ``names``; a list of nobody is never met."""
    return kind(names or ("nobody",))


def _bounds(amount_minor: int, op: str) -> tuple[int, int | None]:
    """Return what must be spent at least and at most, both included."""
    match op:
        case "gt":
            return amount_minor + 1, None
        case "lt":
            return 0, amount_minor - 1
        case "lte":
            return 0, amount_minor
    return amount_minor, None


def _base(basis: str | None) -> Base | None:
    return None if basis is None else Base.LIST if basis == "list" else Base.LEFT


def _day(day: date | None) -> int | None:
    return None if day is None else day_number(day)


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


def reason_of(promotion: Promotion, shortfall: Shortfall) -> str:
    """Return the case's word for why ``promotion`` did not apply."""
    if shortfall.why is Why.DISTINCT:
        counted = [asked for asked in promotion.when if isinstance(asked, neutral.Distinct | neutral.Contains)]
        return "contains" if isinstance(counted[0], neutral.Contains) else "distinct"
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
