"""Rules that get in each other's way: equals of which none acts, and the same discount given twice.

Rules are compared only within the buckets in which they can meet at all, each with its nearest neighbours there; so the
work grows with the number of rules. What is told was priced: both rules are in the basket beside it. That nothing is
told proves nothing.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

from contract.basket import Basket
from contract.calendar import DAY_MINUTES, LAST_DAY, local_minute_text
from rules.advice.example import Example, basket_for
from rules.advice.example_facts import ways
from rules.advice.goods import Goods
from rules.advice.more_goods import try_out
from rules.advice.trial import Trial
from rules.engine.compiled import DISCOUNT_LANES, Compiled, selects_of
from rules.engine.shortfall import Why
from rules.grammar import conditions as asks
from rules.grammar.policies import Exclusion
from rules.grammar.rule import Rule
from rules.linting.finding import Finding, Kind, Weight

MOST_PARTNERS = 8
"""With how many others of its bucket a rule is put into one basket."""
_MOST_WAYS = 4
_END = (LAST_DAY + 1) * DAY_MINUTES


def conflicts(examples: Mapping[str, Example], compiled: Compiled, goods: Goods) -> Iterator[Finding]:
    """Rules of equal priority that exclude each other: under ``priority`` none of them acts, under ``exclusive_first``
    the first name does.
    """
    policy = compiled.pack.policies.exclusion
    if policy is Exclusion.BEST:
        return
    told: set[str] = set()
    for name, found in examples.items():
        trial = found.trial
        if trial is not None and _why(trial, name) is Why.CONFLICT:
            others = tuple(rule for rule in trial.outcomes if rule != name and _why(trial, rule) is Why.CONFLICT)
            told.add(name)
            yield _conflict(name, others, trial)
    for rule, other in _equals(compiled):
        if rule.rule in told:
            continue
        trial = together(rule, other, compiled, goods)
        if trial is None:
            continue
        if _why(trial, rule.rule) is Why.CONFLICT and _why(trial, other.rule) is Why.CONFLICT:
            told.add(rule.rule)
            yield _conflict(rule.rule, (other.rule,), trial)
        elif policy is Exclusion.EXCLUSIVE_FIRST:
            acts = [one.rule for one in (rule, other) if trial.applied(one.rule)]
            if len(acts) == 1 and Why.EXCLUDED in (_why(trial, rule.rule), _why(trial, other.rule)):
                told.add(rule.rule)
                words = (
                    f"与 {other.rule} 同为独占且优先级相同：只按名称先后，{acts[0]} 生效",
                    f"is exclusive like {other.rule}, at the same priority: by name alone, {acts[0]} acts",
                )
                yield Finding(rule.rule, Kind.CONFLICTING, Weight.NOTE, words, trial.basket, (other.rule,))


def overlaps(compiled: Compiled, goods: Goods) -> Iterator[Finding]:
    """The same discount twice: rules with the same effects, or the same title and kind of effect, whose times overlap
    and which both apply to one basket.
    """
    told: set[frozenset[str]] = set()
    for same_effects in (True, False):
        for bucket in _alike(compiled, same_effects):
            for rule, other in _overlapping(bucket):
                pair = frozenset((rule.rule, other.rule))
                if pair in told or _apart(rule, other, compiled):
                    continue
                trial = together(rule, other, compiled, goods)
                if trial is None or not (trial.applied(rule.rule) and trial.applied(other.rule)):
                    continue
                told.add(pair)
                yield _overlap(rule, other, trial, same_effects)


def together(rule: Rule, other: Rule, compiled: Compiled, goods: Goods) -> Trial | None:
    """A basket made for both rules, on trial; None where their conditions leave none."""
    found, _complete = ways((*rule.when, *other.when))
    for way in found[:_MOST_WAYS]:
        made = basket_for(way, (*rule.then, *other.then), compiled, goods)
        if isinstance(made, Basket):
            trial = try_out(made, compiled)
            if trial is not None:
                return trial
    return None


def _apart(rule: Rule, other: Rule, compiled: Compiled) -> bool:
    """Whether two rules never apply to one basket together."""
    groups = set(rule.groups) & set(other.groups)
    return rule.exclusive or other.exclusive or not groups <= compiled.line_groups


def _conflict(name: str, others: tuple[str, ...], trial: Trial) -> Finding:
    zh, en = "、".join(others), ", ".join(others)
    words = (
        f"与 {zh} 互斥且优先级相同：两者都成立时都不生效",
        f"excludes {en} at the same priority: where both hold, neither applies",
    )
    return Finding(name, Kind.CONFLICTING, Weight.WRONG, words, trial.basket, others)


def _why(trial: Trial, rule: str) -> Why | None:
    missing = trial.outcomes.get(rule)
    return None if missing is None else missing.why


def _equals(compiled: Compiled) -> Iterator[tuple[Rule, Rule]]:
    """Pairs of rules of the same priority that exclude each other."""
    grouped: dict[tuple[str, int], list[Rule]] = defaultdict(list)
    exclusive: dict[int, list[Rule]] = defaultdict(list)
    others: dict[int, list[Rule]] = defaultdict(list)
    for rule in compiled.rules:
        if rule.paused:
            continue
        for group in rule.groups:
            if group not in compiled.line_groups:
                grouped[group, rule.priority].append(rule)
        if rule.exclusive:
            exclusive[rule.priority].append(rule)
        elif rule.lane in DISCOUNT_LANES:
            others[rule.priority].append(rule)
    for bucket in (*grouped.values(), *exclusive.values()):
        yield from _neighbours(bucket)
    for priority, rules in exclusive.items():
        for rule in rules:
            for other in others[priority][:MOST_PARTNERS]:
                yield rule, other


def _neighbours(bucket: Sequence[Rule]) -> Iterator[tuple[Rule, Rule]]:
    """Each rule with the next ones of its bucket, those that ask for the same things next to each other."""
    in_order = sorted(bucket, key=_likeness)
    for place, rule in enumerate(in_order):
        for other in in_order[place + 1 : place + 1 + MOST_PARTNERS]:
            yield rule, other


def _likeness(rule: Rule) -> tuple[object, ...]:
    named = [select for effect in rule.then for select in selects_of(effect)]
    return tuple((select.skus[:4], select.categories[:4], select.brands[:4], select.tags[:4]) for select in named)


# --- the same twice --------------------------------------------------------------------------------------------------


def _alike(compiled: Compiled, same_effects: bool) -> Iterable[list[Rule]]:
    """Rules that differ in nothing but their dates and figures, in buckets."""
    buckets: dict[Hashable, list[Rule]] = defaultdict(list)
    for rule in compiled.rules:
        if rule.paused:
            continue
        otherwise = frozenset(
            condition for condition in rule.when if not isinstance(condition, asks.Dates | asks.Window)
        )
        effects: Hashable = rule.then
        if not same_effects:
            effects = (rule.title, tuple((type(effect), *selects_of(effect)) for effect in rule.then))
        buckets[rule.lane, effects, otherwise].append(rule)
    return [bucket for bucket in buckets.values() if len(bucket) > 1]


def _overlapping(bucket: Sequence[Rule]) -> Iterator[tuple[Rule, Rule]]:
    """Pairs whose times overlap: each rule with the one that reaches furthest among those that began before it."""
    in_order = sorted(bucket, key=lambda rule: (_times(rule), rule.rule))
    furthest = in_order[0]
    for _before, rule in pairwise(in_order):
        if _times(rule)[0] < _times(furthest)[1]:
            yield furthest, rule
        if _times(rule)[1] > _times(furthest)[1]:
            furthest = rule


def _times(rule: Rule) -> tuple[int, int]:
    """From which local minute up to which the dates of a rule let it apply."""
    start, end = 0, _END
    for condition in rule.when:
        match condition:
            case asks.Dates(first, last):
                start = max(start, 0 if first is None else first * DAY_MINUTES)
                end = min(end, _END if last is None else (last + 1) * DAY_MINUTES)
            case asks.Window(begin, stop):
                start, end = max(start, begin), min(end, stop)
    return start, end


def _overlap(rule: Rule, other: Rule, trial: Trial, same_effects: bool) -> Finding:
    start = max(_times(rule)[0], _times(other)[0])
    end = min(_times(rule)[1], _times(other)[1])
    what, what_en = ("效果相同", "does the same as") if same_effects else ("标题相同", "has the title of")
    dated = start > 0 or end < _END
    when, when_en = "", ""
    if dated:
        begin = local_minute_text(start).replace("T", " ")
        stop = local_minute_text(min(end, _END - 1)).replace("T", " ")
        when, when_en = f"，{begin} 至 {stop}", f", from {begin} to {stop}"
    words = (
        f"与 {other.rule} {what}，时间重叠{when}：同一笔销售两个都生效",
        f"{what_en} {other.rule} at an overlapping time{when_en}: both apply to one sale",
    )
    weight = Weight.WRONG if same_effects or dated else Weight.NOTE
    return Finding(rule.rule, Kind.OVERLAPPING, weight, words, trial.basket, (other.rule,))
