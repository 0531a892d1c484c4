"""The smallest basket that meets a rule: made from its own conditions and effects, then put on trial.

An example is never claimed, it is priced: where the engine says that the rule did not apply, the example says so too,
with the reason. Where conditions cannot hold together, it says which.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from contract.basket import MAX_LINES, MAX_QUANTITY, Basket, BasketLine
from contract.making import dataclass
from contract.money import MAX_AMOUNT_MINOR
from rules.advice.example_facts import Clash, Literal, facts_for, ways
from rules.advice.goods import Goods
from rules.advice.more_goods import distinct_lines, try_out
from rules.advice.nearest import nearest
from rules.advice.trial import Trial
from rules.engine.compiled import Compiled
from rules.engine.shortfall import Shortfall, Why
from rules.grammar import conditions as asks
from rules.grammar import money, rewards
from rules.grammar.effects import Effect
from rules.grammar.rule import Rule
from rules.grammar.select import ALL, Select

FOR_MEMBERS = (
    *(rewards.PointsPerMoney, rewards.PointsPerUnit, rewards.PointsBonus, rewards.PointsTimes, rewards.PayPoints),
    *(rewards.PointsPrice, rewards.CostPoints, rewards.GrantCounts, rewards.Rebate, rewards.PayStored),
)
"""Effects that need a customer."""
_POINTS_AT_HAND = 1_000_000


@dataclass(frozen=True, slots=True)
class Nothing:
    """A selection that no article can meet, and how it is used: by a condition or by an effect."""

    select: Select
    by: type


@dataclass(frozen=True, slots=True)
class Example:
    """A rule's smallest basket on trial; ``trial`` is None where ``clash`` or ``nothing`` says why there is none."""

    rule: Rule
    trial: Trial | None
    clash: Clash | None = None
    nothing: Nothing | None = None

    @property
    def applies(self) -> bool:
        """Whether the rule applies to it."""
        return self.trial is not None and self.trial.applied(self.rule.rule)

    @property
    def shortfall(self) -> Shortfall | None:
        """Why the rule does not apply, where it was asked and did not."""
        return None if self.trial is None else self.trial.outcomes.get(self.rule.rule)


@dataclass(frozen=True, slots=True)
class _Need:
    """Goods that a condition or an effect needs: so many units, so much money, so many articles; in one line, or on
    lines of their own.
    """

    select: Select
    by: type
    units: int = 1
    spend_minor: int = 0
    distinct: int = 1
    apart: bool = False
    member_price: bool = False


def example(rule: Rule, compiled: Compiled, goods: Goods) -> Example:
    """Return the smallest basket for ``rule`` of the pack: one to which it applies, else the best that was found, else
    why there is none.
    """
    found, sure = ways(rule.when)
    best: Trial | None = None
    clash: Clash | None = None
    nothing: Nothing | None = None
    for way in found:
        made = basket_for(way, rule.then, compiled, goods)
        if isinstance(made, Clash):
            clash = clash or made
            sure = sure and made.sure
            continue
        if isinstance(made, Nothing):
            nothing = nothing or made
            continue
        trial = _on_trial(made, rule, compiled, goods)
        sure = sure and trial is not None
        if trial is not None and trial.applied(rule.rule):
            return Example(rule, trial)
        best = best or trial
    if best is not None or not sure:
        return Example(rule, best)
    return Example(rule, None, None if nothing is not None else clash, nothing)


def basket_for(
    way: Sequence[Literal], then: Sequence[Effect], compiled: Compiled, goods: Goods
) -> Basket | Clash | Nothing:
    """Return a basket that holds what ``way`` asks for and what the effects need, not yet priced."""
    wants_member = any(isinstance(effect, FOR_MEMBERS) for effect in then)
    facts = facts_for(way, compiled.pack, wants_member)
    if isinstance(facts, Clash):
        return facts
    lines = _lines((), list(_needs_of_way(way)), goods)
    if isinstance(lines, Nothing):
        return lines
    empty: Nothing | None = None
    found = 0
    for effect in then:
        more = _lines(lines, list(_needs_of_effect(effect)), goods)
        if isinstance(more, Nothing):
            empty = empty or more
        else:
            lines, found = more, found + 1
    if empty is not None and not found:
        return empty
    basket = replace(facts, lines=lines)
    total = min(basket.list_minor, MAX_AMOUNT_MINOR)
    customer = basket.customer
    if customer is not None and any(isinstance(effect, _SPENDS_POINTS) for effect in then):
        barred = any(isinstance(condition, asks.PointsBalance) and not holds for condition, holds in way)
        customer = customer if barred else replace(customer, points=max(customer.points, _POINTS_AT_HAND))
    if customer is not None and any(isinstance(effect, rewards.PayStored) for effect in then):
        customer = replace(customer, stored_minor=total)
    tenders = tuple(replace(tender, amount_minor=total) for tender in basket.tenders)
    return replace(basket, customer=customer, tenders=tenders)


_SPENDS_POINTS = (rewards.PayPoints, rewards.PointsPrice, rewards.CostPoints)


def _on_trial(basket: Basket, rule: Rule, compiled: Compiled, goods: Goods) -> Trial | None:
    """The basket on trial; where other rules took too much of it, with more of the same goods; where one change does,
    with that change.
    """
    trial = try_out(basket, compiled)
    for times in _TIMES_MORE:
        missing = None if trial is None else trial.outcomes.get(rule.rule)
        if trial is None or missing is None or missing.why not in (Why.MIN_SPEND, Why.NOTHING_LEFT):
            break
        trial = try_out(multiplied(basket, times), compiled) or trial
    missing = None if trial is None else trial.outcomes.get(rule.rule)
    if trial is None or missing is None or missing.why in _NOT_MENDED:
        return trial
    change = nearest(trial.basket, compiled, goods, rule, missing)
    return trial if change is None else try_out(change.basket, compiled)


_TIMES_MORE = (2, 8)
_NOT_MENDED = (Why.MIN_SPEND, Why.NOTHING_LEFT, Why.NOT_BEST, Why.EXCLUDED, Why.CONFLICT, Why.PAUSED)


def multiplied(basket: Basket, times: int) -> Basket:
    """So many times the goods, as far as a line holds them."""
    grown = (
        line if line.weight_g is not None else replace(line, quantity=min(MAX_QUANTITY, line.quantity * times))
        for line in basket.lines
    )
    return replace(basket, lines=tuple(grown))


# --- goods -----------------------------------------------------------------------------------------------------------


def _needs_of_way(way: Sequence[Literal]) -> Iterator[_Need]:
    for condition, holds in way:
        match condition:
            case asks.Quantity() if holds and (condition.at_least or condition.per is asks.Per.LINE):
                yield _Need(condition.select, asks.Quantity, max(1, condition.at_least))
            case asks.Spend() if holds and (condition.at_least_minor or condition.per is asks.Per.LINE):
                yield _Need(condition.select, asks.Spend, 1, condition.at_least_minor)
            case asks.Distinct() if holds:
                yield _Need(condition.select, asks.Distinct, condition.at_least, distinct=condition.at_least)
            case asks.Quantity() if not holds and not condition.at_least and condition.at_most is not None:
                yield _Need(condition.select, asks.Quantity, condition.at_most + 1)
            case asks.Spend() if not holds and not condition.at_least_minor and condition.at_most_minor is not None:
                yield _Need(condition.select, asks.Spend, 1, condition.at_most_minor + 1)


def _needs_of_effect(effect: Effect) -> Iterator[_Need]:
    kind = type(effect)
    match effect:
        case money.Percent() | money.Amount():
            pick = effect.pick
            yield _Need(effect.select, kind, pick.skip + max(pick.groups_of or 1, 1))
            own = effect.rate_bp if isinstance(effect, money.Percent) else effect.off_minor
            if effect.ladder is not None and not own:
                step = effect.ladder.steps[0]
                select = effect.ladder.select if effect.ladder.select is not None else effect.select
                by_units = effect.ladder.by is money.Measure.QUANTITY
                yield _Need(select, kind, max(1, step.at_least if by_units else 1), 0 if by_units else step.at_least)
        case money.FixedPrice() | rewards.PointsPrice():
            yield _Need(effect.select, kind, 1, effect.price_minor + 1)
        case money.MemberPrice():
            yield _Need(effect.select, kind, member_price=True)
        case money.SpendSave():
            yield _Need(effect.select, kind, 1, effect.steps[0].spend_minor)
        case money.NthUnit():
            yield _Need(effect.select, kind, effect.nth)
        case money.BuyGet():
            yield _Need(effect.buy.select, kind, effect.buy.quantity, apart=True)
            yield _Need(effect.get.select, kind, effect.get.quantity, apart=True)
        case money.AnyFor():
            yield _Need(effect.select, kind, effect.units, effect.price_minor + 1)
        case money.Package():
            for part in effect.parts:
                least = -(-(effect.price_minor + 1) // len(effect.parts))
                yield _Need(part.select, kind, part.quantity, least, apart=True)
        case _:
            yield from _needs_of_reward(effect)


def _needs_of_reward(effect: Effect) -> Iterator[_Need]:
    kind = type(effect)
    match effect:
        case rewards.Gift(every=int() as every):
            yield _Need(effect.select, kind, every)
        case rewards.PointsPerMoney():
            yield _Need(effect.select, kind, 1, effect.spend_minor)
        case rewards.PointsPerUnit() | rewards.GrantCounts(per_unit=True):
            yield _Need(effect.select, kind)
        case rewards.Rebate() if not effect.minor:
            yield _Need(effect.select, kind)
        case rewards.PayPoints():
            yield _Need(effect.select, kind, 1, effect.minor + effect.leave_minor)
        case rewards.RoundTotal():
            yield _Need(ALL, kind, 1, effect.to_minor + 1)
        case rewards.PointsTimes() | rewards.PayStored():
            yield _Need(ALL, kind)


def _lines(given: Sequence[BasketLine], needs: Sequence[_Need], goods: Goods) -> tuple[BasketLine, ...] | Nothing:
    """``given`` with what is needed beside it."""
    lines = list(given)
    for need in needs:
        there = [] if need.apart else [place for place, line in enumerate(lines) if goods.takes(need.select, line)]
        if need.distinct > 1:
            has = {lines[place].sku for place in there}
            more = [line for line in distinct_lines(need.select, goods, need.distinct) if line.sku not in has]
            lines += more[: need.distinct - len(has)]
            there = [place for place, line in enumerate(lines) if goods.takes(need.select, line)]
        if not there:
            template = goods.line(need.select)
            if template is None:
                return Nothing(need.select, need.by)
            lines.append(template)
            there = [len(lines) - 1]
        if len(lines) > MAX_LINES:
            break
        lines[there[-1]] = _enough(lines[there[-1]], [lines[place] for place in there[:-1]], need, goods)
    return tuple(lines)


def _enough(line: BasketLine, others: Sequence[BasketLine], need: _Need, goods: Goods) -> BasketLine:
    """``line`` with so many units, and at such a price, that together with ``others`` it is what is needed."""
    missing = need.units - line.quantity - sum(other.quantity for other in others)
    if missing > 0:
        line = replace(line, quantity=min(MAX_QUANTITY, line.quantity + missing))
    short = need.spend_minor - line.list_minor - sum(other.list_minor for other in others)
    if short > 0:
        dearer = replace(line, unit_price_minor=line.unit_price_minor - (-short // line.quantity))
        known = replace(line, quantity=1) in goods.known
        if not known and dearer.unit_price_minor <= MAX_AMOUNT_MINOR and goods.takes(need.select, dearer):
            line = dearer
        elif line.unit_price_minor:
            more = -(-short // line.unit_price_minor)
            line = replace(line, quantity=min(MAX_QUANTITY, line.quantity + more))
    if need.member_price and line.member_price_minor is None:
        line = replace(line, member_price_minor=max(line.floor_minor, line.unit_price_minor * 9 // 10))
    return line
