"""Rules that never apply, and parts of rules that never count.

What is called unreachable is proved from the pack alone: conditions that cannot hold together, selections that no
article meets, limits of nothing, steps beyond what may be bought. The basket beside it was priced, and the rule did not
apply.
"""

from collections.abc import Iterator, Mapping

from contract.basket import MAX_LINES, MAX_QUANTITY, Basket
from contract.making import dataclass
from contract.money import MAX_AMOUNT_MINOR, format_minor
from contract.named import names_of
from rules.advice.example import FOR_MEMBERS, Example, Nothing, basket_for, multiplied
from rules.advice.example_facts import Clash, Literal, facts_for, ways
from rules.advice.goods import Goods
from rules.advice.hints import hint
from rules.advice.more_goods import try_out
from rules.advice.trial import Trial
from rules.engine.compiled import Compiled, selects_of
from rules.engine.shortfall import Why
from rules.explain import Words
from rules.grammar import conditions as asks
from rules.grammar import money
from rules.grammar.conditions import CONDITION, Base, leaves
from rules.grammar.effects import EFFECT
from rules.grammar.policies import Exclusion
from rules.grammar.rewards import ASKED_FOR
from rules.grammar.rule import NO_LIMITS, Rule
from rules.grammar.select import ALL, Select
from rules.linting.finding import Finding, Kind, Weight

MOST_UNITS = MAX_LINES * MAX_QUANTITY
_CONDITIONS = names_of(CONDITION)
_EFFECTS = names_of(EFFECT)
_LIMITED = (Why.LIMIT_MEMBER, Why.LIMIT_MEMBER_DAY, Why.LIMIT_SHOP_DAY, Why.LIMIT_TOTAL, Why.BUDGET)
_BEATEN = (Why.NOT_BEST, Why.EXCLUDED)
_TIMES_TRIED = (2, 10)
MOST_BEATEN = 200
"""Of how many rules that lost it is tried whether they lose in larger baskets too."""


def unreached(found: Example, compiled: Compiled, goods: Goods) -> Iterator[Finding]:
    """What keeps a rule, whose example this is, from ever applying; or what in it never counts. Rules that lose against
    others are left to :func:`beaten`.
    """
    rule = found.rule
    if rule.paused:
        basket = None if found.trial is None else found.trial.basket
        yield Finding(rule.rule, Kind.PAUSED, Weight.NOTE, ("已暂停，从不生效", "is paused and never applies"), basket)
        return
    if any(isinstance(effect, ASKED_FOR) for effect in rule.then):
        return
    if found.applies:
        yield from _steps(found, compiled)
        yield from _empty(found, goods)
        return
    why = _proof(found, compiled)
    if why is not None:
        yield Finding(rule.rule, Kind.UNREACHABLE, Weight.WRONG, why, _shown(found, compiled, goods))
        return
    shortfall = found.shortfall
    if found.trial is not None and shortfall is not None and shortfall.why not in (*_BEATEN, Why.CONFLICT):
        zh, en = hint(shortfall, compiled.pack)
        words = (f"没有找到它生效的购物篮：{zh}", f"no basket was found to which it applies: {en}")
        yield Finding(rule.rule, Kind.NOT_SHOWN, Weight.NOTE, words, found.trial.basket)


# --- proofs ----------------------------------------------------------------------------------------------------------


def _proof(found: Example, compiled: Compiled) -> Words | None:
    """Why no basket at all can meet the rule, where that is sure."""
    rule = found.rule
    if found.clash is not None and found.clash.sure:
        names = sorted(_CONDITIONS[kind] for kind in found.clash.kinds)
        return _never(names)
    if found.nothing is not None:
        return _no_article(found.nothing)
    clash = _goods_clash(rule, compiled)
    if clash is not None:
        return clash
    limits = rule.limits
    if 0 in (limits.per_member, limits.per_member_day, limits.per_shop_day, limits.total) or (
        limits.budget_minor == 0 and found.shortfall is not None and found.shortfall.why in _LIMITED
    ):
        return "限额为 0，从不生效", "has a limit of 0 and never applies"
    if all(isinstance(effect, FOR_MEMBERS) for effect in rule.then) and not _members_may(rule, compiled):
        return "效果只给会员，条件却排除会员", "gives only to members, and its conditions exclude them"
    if all(_gives_nothing(effect) for effect in rule.then):
        return "效果为 0，从不生效", "gives nothing and never applies"
    return None


def _never(names: list[str]) -> Words:
    if len(names) == 1:
        return f"条件 {names[0]} 不可能成立", f"its condition {names[0]} can never hold"
    return f"条件 {'、'.join(names)} 不能同时成立", f"its conditions {', '.join(names)} can never hold together"


def _no_article(nothing: Nothing) -> Words:
    name = _CONDITIONS.get(nothing.by) or _EFFECTS[nothing.by]
    return f"{name} 的选择范围里不可能有商品", f"no article can ever be in the selection of {name}"


def _members_may(rule: Rule, compiled: Compiled) -> bool:
    """Whether the conditions leave room for a member."""
    found, complete = ways(rule.when)
    member: Literal = (asks.Member(True), True)
    return not complete or any(
        not (isinstance(made, Clash) and made.sure)
        for made in (facts_for((*way, member), compiled.pack) for way in found)
    )


def _gives_nothing(effect: object) -> bool:
    match effect:
        case money.Percent():
            return effect.cap_minor == 0 or (effect.rate_bp == 0 and effect.ladder is None)
        case money.Amount():
            return effect.off_minor == 0 and effect.ladder is None
        case money.NthUnit() | money.BuyGet():
            return effect.rate_bp == 0
        case _:
            return False


@dataclass(frozen=True, slots=True)
class _Bound:
    """So much at least, or at most, of what a selection takes: money on a base, or units where ``base`` is None."""

    select: Select
    base: Base | None
    amount: int


def _goods_clash(rule: Rule, compiled: Compiled) -> Words | None:
    """Bounds on money or units that leave nothing between them."""
    least, most = bounds(rule, compiled)
    for low in least:
        highest = MOST_UNITS if low.base is None else MAX_AMOUNT_MINOR
        if low.amount > highest:
            return _never(["quantity" if low.base is None else "spend"])
        for high in most:
            if _same_measure(low, high, compiled) and low.amount > high.amount:
                shown = (low.amount, high.amount)
                if low.base is not None:
                    return (
                        f"要求金额至少 {format_minor(shown[0])}，又至多 {format_minor(shown[1])}",
                        f"asks for at least {format_minor(shown[0])} and at most {format_minor(shown[1])}",
                    )
                return (
                    f"要求至少 {shown[0]} 件，又至多 {shown[1]} 件",
                    f"asks for {shown[0]} units and at most {shown[1]}",
                )
    return None


def bounds(rule: Rule, compiled: Compiled) -> tuple[list[_Bound], list[_Bound]]:
    """What a rule's conditions want at least and at most of goods, as far as they are not alternatives."""
    least: list[_Bound] = []
    most: list[_Bound] = []
    for condition, holds in certain(rule):
        base: Base | None = None
        match condition:
            case asks.Spend():
                base = condition.base or compiled.pack.policies.threshold_base
                low, high = condition.at_least_minor, condition.at_most_minor
            case asks.Quantity():
                low, high = condition.at_least, condition.at_most
            case asks.Distinct():
                low, high = condition.at_least, None
            case _:
                continue
        whole = isinstance(condition, asks.Distinct) or condition.per is asks.Per.BASKET
        if holds:
            least += [_Bound(condition.select, base, low)] if low else []
            most += [_Bound(condition.select, base, high)] if high is not None and whole else []
        elif low and high is None and whole and not isinstance(condition, asks.Distinct):
            most.append(_Bound(condition.select, base, low - 1))
        elif high is not None and not low and whole:
            least.append(_Bound(condition.select, base, high + 1))
    return least, most


def certain(rule: Rule) -> Iterator[Literal]:
    """What must and must not hold in every way in which the rule's conditions hold."""
    found, complete = ways(rule.when)
    if not found or not complete:
        return
    for literal in dict.fromkeys(found[0]):
        if all(literal in other for other in found[1:]):
            yield literal


def _same_measure(low: _Bound, high: _Bound, compiled: Compiled) -> bool:
    """Whether what ``low`` measures is never more than what ``high`` measures."""
    if (low.base is None) is not (high.base is None) or (low.base is Base.LIST and high.base is Base.LEFT):
        return False
    if low.select == high.select:
        return True
    reduced = Goods(compiled).leaves_reduced_alone and low.select.reduced is not None
    return high.select == ALL and not low.select.include_gifts and not reduced


# --- the basket that shows it ----------------------------------------------------------------------------------------


def _shown(found: Example, compiled: Compiled, goods: Goods) -> Basket | None:
    """A basket that comes as near as can be, priced: the rule does not apply to it."""
    trial = found.trial or _relaxed(found, compiled, goods)
    if trial is None or trial.applied(found.rule.rule):
        return None
    return trial.basket


def _relaxed(found: Example, compiled: Compiled, goods: Goods) -> Trial | None:
    """A basket that meets the rule but for one condition, or as few as it takes."""
    rule = found.rule
    kinds = set(found.clash.kinds if found.clash is not None else ())
    clashing = [
        place
        for place, condition in enumerate(rule.when)
        if not kinds or any(type(part) in kinds for part in leaves(condition))
    ]
    for left_out in [*({place} for place in reversed(clashing)), set(clashing), set(range(len(rule.when)))]:
        kept = [condition for place, condition in enumerate(rule.when) if place not in left_out]
        for then in (rule.then, ()):
            for way in ways(kept)[0][:4]:
                made = basket_for(way, then, compiled, goods)
                trial = try_out(made, compiled) if isinstance(made, Basket) else None
                if trial is not None:
                    return trial
    return None


# --- steps -----------------------------------------------------------------------------------------------------------


def _steps(found: Example, compiled: Compiled) -> Iterator[Finding]:
    """Steps of ladders that are never reached, or always passed."""
    rule = found.rule
    least, most = bounds(rule, compiled)
    basket = None if found.trial is None else found.trial.basket
    for place, effect in enumerate(rule.then):
        ladder = _ladder(effect, compiled)
        if ladder is None:
            continue
        measure, steps = ladder
        by_units = measure.base is None
        limit = MOST_UNITS if by_units else MAX_AMOUNT_MINOR
        tops = [high.amount for high in most if _same_measure(measure, high, compiled)]
        floors = [low.amount for low in least if low.select == measure.select and low.base == measure.base]
        top = min([limit, *tops])
        beyond = [step for step in steps if step > top]
        reached = [step for step in steps if step <= max(floors, default=0)]
        name = _EFFECTS[type(effect)]
        for step in beyond:
            shown, most_shown = (str(step), str(top)) if by_units else (format_minor(step), format_minor(top))
            words = (
                f"{name} 的阶梯 {shown} 永远达不到：至多 {most_shown}",
                f"the step {shown} of {name} is never reached: at most {most_shown}",
            )
            yield Finding(rule.rule, Kind.UNREACHABLE, Weight.WRONG, words, basket)
        if place == 0 or measure.base is not Base.LEFT:
            for step in reached[:-1]:
                shown = str(step) if by_units else format_minor(step)
                words = (
                    f"{name} 的阶梯 {shown} 从不起作用：条件已要求更多",
                    f"the step {shown} of {name} never counts: the conditions ask for more",
                )
                yield Finding(rule.rule, Kind.UNREACHABLE, Weight.WRONG, words, basket)


def _ladder(effect: object, compiled: Compiled) -> tuple[_Bound, list[int]] | None:
    """What a ladder climbs on, and its steps."""
    policy = compiled.pack.policies.threshold_base
    match effect:
        case money.SpendSave(every=False):
            return _Bound(effect.select, effect.base or policy, 0), [step.spend_minor for step in effect.steps]
        case money.Percent(ladder=money.Ladder() as ladder) | money.Amount(ladder=money.Ladder() as ladder):
            own = ladder.select if ladder.select is not None else effect.select
            base = None if ladder.by is money.Measure.QUANTITY else ladder.base or policy
            return _Bound(own, base, 0), [step.at_least for step in ladder.steps]
    return None


def _empty(found: Example, goods: Goods) -> Iterator[Finding]:
    """Effects of a rule that never find an article, where others do."""
    for effect in found.rule.then:
        if found.trial is not None and any(goods.line(select) is None for select in selects_of(effect)):
            words = _no_article(Nothing(ALL, type(effect)))
            yield Finding(found.rule.rule, Kind.UNREACHABLE, Weight.WRONG, words, found.trial.basket)


# --- beaten ----------------------------------------------------------------------------------------------------------


def beaten(examples: Mapping[str, Example], compiled: Compiled) -> Iterator[Finding]:
    """Rules that lose against another where they could apply: always, where that is proved; else in every basket
    tried, for as many rules as ``MOST_BEATEN``.
    """
    tries_left = MOST_BEATEN
    for name, found in examples.items():
        trial, shortfall = found.trial, found.shortfall
        if trial is None or shortfall is None or shortfall.why not in _BEATEN:
            continue
        others = [examples[other].rule for other, missing in trial.outcomes.items() if missing is None]
        winners = [other for other in others if excludes(found.rule, other)]
        above = tuple(winner.rule for winner in winners if _always_above(winner, found.rule, compiled))
        if above:
            words = (
                f"总是被优先级更高的 {above[0]} 排除：后者的条件都已成立",
                f"is always excluded by {above[0]}, which ranks higher and asks for no more",
            )
            yield Finding(name, Kind.UNREACHABLE, Weight.WRONG, words, trial.basket, above)
        elif winners and tries_left:
            tries_left -= 1
            tries = [try_out(multiplied(trial.basket, times), compiled) for times in _TIMES_TRIED]
            if all(one is not None and not one.applied(name) for one in tries):
                yield _lost(found.rule, tuple(winner.rule for winner in winners), trial)


def _lost(rule: Rule, winners: tuple[str, ...], trial: Trial) -> Finding:
    count = len(_TIMES_TRIED) + 1
    words = (
        f"在试过的 {count} 个购物篮里都输给 {'、'.join(winners)}",
        f"lost to {', '.join(winners)} in all {count} baskets tried",
    )
    return Finding(rule.rule, Kind.BEATEN, Weight.NOTE, words, trial.basket, winners)


def excludes(rule: Rule, other: Rule) -> bool:
    """Whether two rules exclude each other by a group, or because one of them is exclusive."""
    return other is not rule and (rule.exclusive or other.exclusive or not set(rule.groups).isdisjoint(other.groups))


def _always_above(winner: Rule, rule: Rule, compiled: Compiled) -> bool:
    """Whether ``winner`` can act whenever ``rule`` can, and then always keeps it out."""
    policy = compiled.pack.policies.exclusion
    ranks = winner.priority > rule.priority
    decided = policy is Exclusion.PRIORITY or (policy is Exclusion.EXCLUSIVE_FIRST and winner.exclusive)
    return ranks and decided and winner.limits == NO_LIMITS and set(winner.when) <= set(rule.when)
