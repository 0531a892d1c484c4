"""Static checks of a pack: what in it can never happen, gets in its own way, or costs money nobody bounded.

Every finding that blames a rule comes with a basket that was priced under the pack and does what the finding says. The
work grows with the number of rules, so that ten thousand of them are checked in seconds.
"""

from collections.abc import Callable, Iterator, Sequence

from contract.basket import Basket
from contract.calendar import day_text
from contract.money import format_minor
from rules.advice.example import Example, example
from rules.advice.goods import Goods
from rules.advice.more_goods import try_out
from rules.engine.compiled import Compiled
from rules.grammar.pack import Pack
from rules.grammar.rewards import ASKED_FOR
from rules.linting.finding import Finding, Kind, Weight
from rules.linting.giving import below_floors, crowded, unbounded
from rules.linting.meeting import conflicts, overlaps
from rules.linting.reach import beaten, unreached

Progress = Callable[[int, int], None]
"""Told how many rules of how many have been looked at."""

NEAR_DAYS = 14
"""A pack that ends within so many days had better be followed by another."""

MOST_LOOKED_AT = 1_000
"""In how many baskets, the golden ones first, a rule that lost is looked for."""


def lint(
    pack: Pack, baskets: Sequence[Basket] = (), progress: Progress | None = None, today: int | None = None
) -> tuple[Finding, ...]:
    """Return what is wrong with ``pack`` and what is worth knowing, the wrong first, in the order of its rules.
    ``baskets`` are baskets as they are sold, beside the golden ones: their goods, prices and floors are tried as well.
    Where the caller says what day ``today`` is (since 1970-01-01), it is told when the pack ends. The pack has been
    read by ``rules.pack`` or checked as it does.
    """
    compiled = Compiled(pack)
    goods = Goods(compiled, [line for basket in baskets for line in basket.lines])
    examples: dict[str, Example] = {}
    found: list[Finding] = list(_golden(pack, compiled))
    for number, rule in enumerate(pack.rules):
        examples[rule.rule] = example(rule, compiled, goods)
        found += unreached(examples[rule.rule], compiled, goods)
        found += unbounded(examples[rule.rule], compiled)
        if progress is not None:
            progress(number + 1, len(pack.rules))
    sold = [*(golden.basket for golden in pack.golden), *baskets]
    seen = _seen(sold[:MOST_LOOKED_AT], examples, compiled)
    found += (one for one in beaten(examples, compiled) if one.kind is not Kind.BEATEN or one.rule not in seen)
    found += conflicts(examples, compiled, goods)
    found += overlaps(compiled, goods)
    found += below_floors(sold, compiled, goods)
    found += crowded(examples, compiled, goods)
    found += _untested(pack, examples, compiled)
    found += () if today is None else _ending(pack, today)
    place = {rule.rule: number for number, rule in enumerate(pack.rules)}
    weights, kinds = list(Weight), list(Kind)
    found.sort(key=lambda one: (weights.index(one.weight), place.get(one.rule, -1), kinds.index(one.kind), one.words))
    return tuple(found)


def _ending(pack: Pack, today: int) -> Iterator[Finding]:
    """A pack that is over, ends soon, or never does."""
    last = pack.valid_until
    if last is None:
        words = ("没有写有效期，会一直用到下一版", "names no last day: it prices until another takes its place")
        yield Finding("", Kind.UNENDING, Weight.NOTE, words, None)
    elif last < today + NEAR_DAYS:
        over, day = last < today, day_text(last)
        words = (
            f"{day} {'已经过期' if over else '以后规则不再生效'}，收银机按原价卖",
            f"{'was over' if over else 'is over'} after {day}: tills sell at list prices then",
        )
        yield Finding("", Kind.ENDING, Weight.WRONG if over else Weight.NOTE, words, None)


def _seen(sold: Sequence[Basket], examples: dict[str, Example], compiled: Compiled) -> set[str]:
    """The rules that apply to some basket at hand: to one as it is sold, or to the example of any rule."""
    trials = [*(try_out(basket, compiled) for basket in sold), *(found.trial for found in examples.values())]
    return {effect.rule for trial in trials if trial is not None for effect in trial.priced.effects}


def _golden(pack: Pack, compiled: Compiled) -> Iterator[Finding]:
    """Golden baskets that these rules price otherwise than they say: no till would take the pack."""
    for index, golden in enumerate(pack.golden):
        trial = try_out(golden.basket, compiled)
        if trial is None:
            words = (f"golden[{index}] 无法计价", f"golden[{index}] cannot be priced")
            yield Finding("", Kind.GOLDEN, Weight.WRONG, words, golden.basket)
            continue
        comes_to = (trial.priced.payable_minor, trial.priced.points)
        if comes_to != (golden.payable_minor, golden.points):
            written, found = format_minor(golden.payable_minor), format_minor(comes_to[0])
            words = (
                f"golden[{index}] 写的是 {written} 和 {golden.points} 分，算出 {found} 和 {comes_to[1]} 分",
                f"golden[{index}] says {written} and {golden.points} points, and comes to {found} and {comes_to[1]}",
            )
            yield Finding("", Kind.GOLDEN, Weight.WRONG, words, golden.basket)


def _untested(pack: Pack, examples: dict[str, Example], compiled: Compiled) -> Iterator[Finding]:
    """Rules that no golden basket makes apply, each with the basket that would."""
    tested: set[str] = set()
    for golden in pack.golden:
        trial = try_out(golden.basket, compiled)
        if trial is not None:
            tested.update(effect.rule for effect in trial.priced.effects)
    for rule in pack.rules:
        found = examples[rule.rule]
        for_top_ups = any(isinstance(effect, ASKED_FOR) for effect in rule.then)
        if rule.rule not in tested and found.applies and not for_top_ups and found.trial is not None:
            words = ("没有黄金购物篮用到它", "no golden basket makes it apply")
            yield Finding(rule.rule, Kind.UNTESTED, Weight.NOTE, words, found.trial.basket)
