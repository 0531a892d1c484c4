"""A basket with more goods in it: so much more spent, so many units or articles more, of what a rule looks at."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from contract.basket import MAX_LINES, MAX_QUANTITY, Basket, BasketLine
from contract.errors import ContractError
from contract.making import dataclass
from contract.money import MAX_AMOUNT_MINOR
from rules.advice.goods import Goods
from rules.advice.trial import Trial, tried
from rules.engine.compiled import Compiled, selects_of
from rules.engine.shortfall import Shortfall, Why, ways_to_mend
from rules.grammar import conditions as asks
from rules.grammar import money
from rules.grammar.conditions import leaves
from rules.grammar.effects import Effect
from rules.grammar.rule import Rule
from rules.grammar.select import Select

MOST_ROUNDS = 16
"""How often an amount is raised by what is still missing."""


MOST_TRIED = 3
"""How many ways to mend one of several things are tried."""


@dataclass(frozen=True, slots=True)
class Also:
    """What else belongs to a change: the money that units cost together, a tag beside a tier; as in
    :class:`Shortfall`.
    """

    why: Why
    missing: int = 0
    wanted: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A changed basket to try, and what was changed; ``wanted``, ``at`` and ``also`` as in :class:`Nearest`. ``why`` is
    what kind of change it is, where it is another than what was missed first.
    """

    basket: Basket
    missing: int = 0
    wanted: str | None = None
    at: int | None = None
    why: Why | None = None
    also: tuple[Also, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """A rule that did not apply to a basket, and one thing that it missed."""

    basket: Basket
    compiled: Compiled
    goods: Goods
    rule: Rule
    shortfall: Shortfall


def try_out(basket: Basket, compiled: Compiled, explain: bool = False) -> Trial | None:
    """The basket on trial, ``explain`` as for :func:`tried`; None for one that no till could have."""
    total = basket.list_minor
    if len(basket.lines) > MAX_LINES or total > MAX_AMOUNT_MINOR:
        return None
    if any(line.quantity > MAX_QUANTITY for line in basket.lines):
        return None
    try:
        return tried(basket, compiled, explain)
    except ContractError:
        return None


def more_spent(case: Case) -> Iterator[Step]:
    """So much more spent on what the rule looks at, and no more than it takes: other rules take a part of what is
    added, so the amount is reckoned up from what is still missing, then down to the least that will do.
    """
    for select, per in _measured(case.rule):
        if per is asks.Per.LINE:
            yield from _more_of_lines(case, select, by_money=True)
            continue
        template = case.goods.line(select)
        found = None if template is None else _least_spent(case, template, select)
        if found is not None:
            yield found


def _least_spent(case: Case, template: BasketLine, select: Select) -> Step | None:
    def tried_with(minor: int) -> tuple[Basket, Trial] | None:
        grown = with_spend(case.basket, template, minor, case.goods, select)
        trial = None if grown is None else try_out(grown, case.compiled)
        return None if grown is None or trial is None else (grown, trial)

    too_little, before, missing = 0, 0, case.shortfall.missing
    added = missing
    for _round in range(MOST_ROUNDS):
        outcome = tried_with(added)
        if outcome is None:
            return None
        grown, trial = outcome
        if trial.applied(case.rule.rule):
            return _least_between(too_little, Step(grown, added), tried_with, case)
        still = trial.outcomes.get(case.rule.rule)
        short = [] if still is None else _of_kind(still, Why.MIN_SPEND)
        if not short:
            return None
        before, missing = missing, min(part.missing for part in short)
        closer = before - missing
        more = missing if closer <= 0 else max(missing, -(-missing * (added - too_little) // closer))
        too_little, added = added, added + more
    return None


def _least_between(
    too_little: int, enough: Step, tried_with: Callable[[int], tuple[Basket, Trial] | None], case: Case
) -> Step:
    """The least amount that does, between one that does not and one that does."""
    while enough.missing - too_little > 1:
        middle = (too_little + enough.missing) // 2
        outcome = tried_with(middle)
        if outcome is not None and outcome[1].applied(case.rule.rule):
            enough = Step(outcome[0], middle)
        else:
            too_little = middle
    return enough


def with_spend(basket: Basket, template: BasketLine, minor: int, goods: Goods, select: Select) -> Basket | None:
    """``basket`` with ``minor`` more of goods like ``template``: one unit at that price, where ``select`` takes such a
    one, or as many units as it needs. None where no line can hold them.
    """
    if not 0 < minor <= MAX_AMOUNT_MINOR:
        return None
    more = replace(template, quantity=1, unit_price_minor=minor, floor_minor=0, member_price_minor=None)
    if not goods.takes(select, more):
        units = -(-minor // max(1, template.unit_price_minor))
        if units > MAX_QUANTITY:
            return None
        more = replace(template, quantity=units, floor_minor=0, member_price_minor=None)
    return replace(basket, lines=(*basket.lines, more))


def more_units(case: Case) -> Iterator[Step]:
    """So many more units: all that a deal still lacks; or of a line that is there, the cheapest first; or of an article
    that is not.
    """
    yield from _whole_deals(case)
    for select, per in _counted(case.rule):
        if per is asks.Per.LINE:
            yield from _more_of_lines(case, select, by_money=False)
            continue
        yield from _units_of(case, select, case.shortfall.missing)


def _units_of(case: Case, select: Select, count: int) -> Iterator[Step]:
    lines = case.basket.lines
    there = [place for place, line in enumerate(lines) if _grows(line) and case.goods.takes(select, line)]
    cheapest = sorted(there, key=lambda place: lines[place].unit_price_minor)
    for place in cheapest[:1]:
        more = replace(lines[place], quantity=lines[place].quantity + count)
        yield Step(replace(case.basket, lines=(*lines[:place], more, *lines[place + 1 :])), count)
    template = case.goods.line(select)
    if template is not None:
        yield Step(replace(case.basket, lines=(*lines, replace(template, quantity=count))), count)


def _more_of_lines(case: Case, select: Select, by_money: bool) -> Iterator[Step]:
    """More units of one line, of the line that needs fewest."""
    lines = case.basket.lines
    there = [place for place, line in enumerate(lines) if _grows(line) and case.goods.takes(select, line)]
    for place in sorted(there, key=lambda place: -lines[place].list_minor if by_money else -lines[place].quantity)[:1]:
        line = lines[place]
        missing = case.shortfall.missing
        count = -(-missing // max(1, line.unit_price_minor)) if by_money else missing
        more = replace(line, quantity=line.quantity + count)
        grown = replace(case.basket, lines=(*lines[:place], more, *lines[place + 1 :]))
        yield Step(grown, count * line.unit_price_minor if by_money else count)


def _whole_deals(case: Case) -> Iterator[Step]:
    """All that a package, or what is bought and what is got, still lacks."""
    for effect in case.rule.then:
        lines = list(case.basket.lines)
        for select, missing in _parts_missing(effect, case):
            template = case.goods.line(select)
            if missing > 0 and template is not None:
                lines.append(replace(template, quantity=missing))
        added = sum(line.quantity for line in lines[len(case.basket.lines) :])
        if added:
            yield Step(replace(case.basket, lines=tuple(lines)), added)


def _parts_missing(effect: Effect, case: Case) -> list[tuple[Select, int]]:
    """The selections that a deal puts together, and how many units each lacks."""

    def has(select: Select) -> int:
        return sum(line.quantity for line in case.basket.lines if case.goods.takes(select, line))

    match effect:
        case money.Package():
            return [(part.select, part.quantity - has(part.select)) for part in effect.parts]
        case money.BuyGet() if effect.buy.select != effect.get.select:
            to_buy = max(0, effect.buy.quantity - has(effect.buy.select))
            # What both sides could use is bought; the rest of what is missing has to be got.
            to_get = min(effect.get.quantity, case.shortfall.missing - to_buy)
            return [(effect.buy.select, to_buy), (effect.get.select, to_get)]
    return []


def more_articles(case: Case) -> Iterator[Step]:
    """So many different articles more."""
    for select, _per in _counted(case.rule):
        lines = list(case.basket.lines)
        has = {line.sku for line in lines}
        for line in distinct_lines(select, case.goods, case.shortfall.missing + len(has)):
            if line.sku not in has and len(lines) - len(case.basket.lines) < case.shortfall.missing:
                lines.append(line)
        if len(lines) - len(case.basket.lines) == case.shortfall.missing:
            yield Step(replace(case.basket, lines=tuple(lines)), case.shortfall.missing)


def distinct_lines(select: Select, goods: Goods, most: int) -> list[BasketLine]:
    """Up to ``most`` lines of different articles that ``select`` takes."""
    template = goods.line(select)
    if template is None:
        return []
    found = {line.sku: line for line in goods.known if goods.takes(select, line)}
    for sku in (*select.skus, *(f"item-{number}" for number in range(1, min(most, MAX_LINES) + 1))):
        made = replace(template, sku=sku)
        if len(found) < most and sku not in found and goods.takes(select, made):
            found[sku] = made
    return list(found.values())[:most]


def one_item(case: Case) -> Iterator[Step]:
    """One unit of what the rule is about."""
    for select, _per in _counted(case.rule):
        yield from _units_of(case, select, 1)


def more_of_all(case: Case, way: Sequence[Shortfall]) -> Iterator[Step]:
    """Goods with which everything in ``way``, all of it about goods, is there, and what more turns out to be missing:
    units and articles first, and then so much as the money still lacks.
    """
    rule, left = case.rule.rule, tuple(way)
    grown = case
    for _round in range(len(way) + 2):
        part = min(left, key=lambda one: _IN_TURN.index(one.why))
        trial = _mended(replace(grown, shortfall=part))
        if trial is None:
            return
        grown = replace(grown, basket=trial.basket)
        if trial.applied(rule):
            yield _told(case.basket, grown.basket, way)
            return
        still = trial.outcomes.get(rule)
        left = () if still is None else ways_to_mend(still)[0]
        if not left or not all(one.why in GOODS for one in left):
            return


def _mended(case: Case) -> Trial | None:
    """The basket on trial with more goods, so that the rule applies or at least misses the one thing no more."""
    for step in islice(GOODS[case.shortfall.why](case), MOST_TRIED):
        trial = try_out(step.basket, case.compiled, explain=True)
        if trial is None:
            continue
        still = trial.outcomes.get(case.rule.rule)
        if trial.applied(case.rule.rule) or (still is not None and not _of_kind(still, case.shortfall.why)):
            return trial
    return None


def _told(before: Basket, after: Basket, way: Sequence[Shortfall]) -> Step:
    """The step from one basket to another: how many units more, and what else ``way`` is about."""
    whys = {part.why: part.missing for part in way}
    units = sum(line.quantity for line in after.lines) - sum(line.quantity for line in before.lines)
    also = []
    if Why.DISTINCT in whys:
        also.append(Also(Why.DISTINCT, whys[Why.DISTINCT]))
    if Why.MIN_SPEND in whys:
        also.append(Also(Why.MIN_SPEND, after.list_minor - before.list_minor))
    why = Why.NO_ITEM if Why.NO_ITEM in whys else Why.MIN_QUANTITY
    return Step(after, units, why=why, also=tuple(also))


GOODS: dict[Why, Callable[[Case], Iterator[Step]]] = {
    Why.MIN_SPEND: more_spent,
    Why.MIN_QUANTITY: more_units,
    Why.NO_ITEM: one_item,
    Why.DISTINCT: more_articles,
}
"""How what is missed of goods is made good."""

_IN_TURN = (Why.NO_ITEM, Why.DISTINCT, Why.MIN_QUANTITY, Why.MIN_SPEND)


def _measured(rule: Rule) -> list[tuple[Select, asks.Per]]:
    """What a rule reckons money on, in the order it is asked, each once."""
    return list(dict.fromkeys(_all_measured(rule)))


def _all_measured(rule: Rule) -> Iterator[tuple[Select, asks.Per]]:
    for condition in rule.when:
        for part in leaves(condition):
            if isinstance(part, asks.Spend) and part.at_least_minor:
                yield part.select, part.per
    for effect in rule.then:
        for select in selects_of(effect):
            yield select, asks.Per.BASKET


def _counted(rule: Rule) -> list[tuple[Select, asks.Per]]:
    """What a rule counts units or articles of, in the order it is asked, each once."""
    return list(dict.fromkeys(_all_counted(rule)))


def _all_counted(rule: Rule) -> Iterator[tuple[Select, asks.Per]]:
    for condition in rule.when:
        for part in leaves(condition):
            match part:
                case asks.Quantity(select=select, per=per):
                    yield select, per
                case asks.Distinct(select=select) | asks.Spend(select=select):
                    yield select, asks.Per.BASKET
    for effect in rule.then:
        for select in selects_of(effect):
            yield select, asks.Per.BASKET


def _of_kind(shortfall: Shortfall, why: Why) -> list[Shortfall]:
    """The shortfalls of one kind, wherever they stand in ``shortfall``."""
    if shortfall.parts:
        return [found for part in shortfall.parts for found in _of_kind(part, why)]
    return [shortfall] if shortfall.why is why else []


def _grows(line: BasketLine) -> bool:
    return line.weight_g is None and not line.gift and not line.excluded
