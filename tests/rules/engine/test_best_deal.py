"""Where rules exclude each other the member gets the best deal there is, or what the pack's policy says instead."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain, combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.basket import Basket, BasketLine, Customer
from rules.engine.compiled import compile_pack
from rules.engine.meeting import MOST_TRIALS
from rules.engine.price import price
from rules.engine.shortfall import Why
from rules.engine.verdicts import judge
from rules.grammar.conditions import Per, Spend, leaves
from rules.grammar.effects import Effect
from rules.grammar.money import Amount, BuyGet, Package, Percent, Scope
from rules.grammar.pack import Pack
from rules.grammar.policies import Exclusion, Policies
from rules.grammar.rewards import (
    Gift,
    GrantCounts,
    IssueCoupon,
    PayStored,
    Rebate,
    Redeem,
    RoundTotal,
    TopUp,
    TopUpStep,
)
from rules.grammar.rule import Lane, Rule
from rules.grammar.select import Select
from rules.priced import Priced
from tests.rules.engine import kinds, strategies
from tests.rules.samples import basket, pack, percent, rule, save

BEST = st.just(Policies()) | st.builds(replace, strategies.policies, exclusion=st.just(Exclusion.BEST))


def score(priced: Priced) -> tuple[int, int, int, int, int]:
    """What a member would choose by, less is better."""
    given_things = [*chain.from_iterable((e.gifts, e.coupons, e.counts) for e in priced.effects)]
    return (
        priced.payable_minor,
        -priced.bonus_minor,
        -sum(given.count for given in chain.from_iterable(given_things)),
        priced.points_spent - priced.points,
        -len(priced.effects),
    )


def exclude_each_other(one: Rule, other: Rule) -> bool:
    """Whether two rules may not both act."""
    discounts = (Lane.LINE, Lane.BASKET, Lane.COUPON)
    return (
        not set(one.groups).isdisjoint(other.groups)
        or (one.exclusive and other.lane in discounts)
        or (other.exclusive and one.lane in discounts)
    )


def subsets(rules: Iterable[Rule]) -> Iterator[tuple[Rule, ...]]:
    """Every choice of rules, the empty one too."""
    every = tuple(rules)
    return chain.from_iterable(combinations(every, size) for size in range(len(every) + 1))


def legal(pack: Pack, basket: Basket) -> Iterator[Pack]:
    """The pack with each choice of its rules of which no two exclude each other, and nothing left to exclude. Rules
    without a rival that may act are in every choice.
    """
    able = [rule for rule in pack.rules if may_act(rule, pack, basket)]
    optional = [rule for rule in able if any(exclude_each_other(rule, other) for other in able if other is not rule)]
    free = [rule for rule in pack.rules if rule not in optional]
    for chosen in subsets(optional):
        if not any(exclude_each_other(one, other) for one, other in combinations(chosen, 2)):
            kept = [rule for rule in pack.rules if rule in free or rule in chosen]
            yield replace(pack, rules=tuple(replace(rule, groups=(), exclusive=False) for rule in kept))


def may_act(rule: Rule, pack: Pack, basket: Basket) -> bool:
    """Whether a rule's conditions and limits let it act on goods it finds: with effects that always apply to those, it
    would.
    """
    return any(
        price(
            basket, compile_pack(replace(pack, rules=(replace(rule, then=(one,), groups=(), exclusive=False),)))
        ).effects
        for effect in rule.then
        for one in _always(effect)
    )


def _always(effect: Effect) -> list[Effect]:
    match effect:
        case TopUp() | Redeem():
            return []
        case BuyGet():
            return [Gift("A", every=1, select=effect.get.select)]
        case Package():
            return [Gift("A", every=1, select=effect.parts[0].select)]
        case Gift(every=None) | GrantCounts(per_unit=False) | RoundTotal() | PayStored():
            return [IssueCoupon("next")]
        case Rebate() if effect.minor:
            return [IssueCoupon("next")]
        case _ if hasattr(effect, "select"):
            return [Gift("A", every=1, select=effect.select)]
    return [IssueCoupon("next")]


def _without_spends(rule: Rule) -> Rule:
    """``rule`` without conditions that what others take off could change."""
    parts = [part for condition in rule.when for part in leaves(condition)]
    return replace(rule, when=()) if any(isinstance(part, Spend) for part in parts) else rule


def competing(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """``rules``, those without a group in one of the two groups; by the line nobody competes here."""
    return tuple(
        _without_spends(
            replace(
                rule,
                groups=tuple(name for name in rule.groups if name in ("one", "two")) or (("one", "two")[index % 2],),
            )
        )
        for index, rule in enumerate(rules)
    )


@settings(max_examples=60)
@given(strategies.packs(most_rules=6, policy=BEST), strategies.baskets(most_lines=4))
def test_no_legal_choice_of_rules_is_better_than_the_one_the_engine_takes(pack: Pack, basket: Basket) -> None:
    pack, basket = replace(pack, rules=competing(pack.rules)), replace(basket, stock=())
    priced = price(basket, compile_pack(pack))
    best = min(score(price(basket, compile_pack(choice))) for choice in legal(pack, basket))
    assert (score(priced), priced.exact) == (best, True)


@pytest.mark.parametrize("seed", range(4))
def test_of_eight_coupons_in_overlapping_groups_the_best_are_taken(seed: int) -> None:
    """The same against brute force with eight rules that all hold, so that every choice counts."""
    names, groups = [f"coupon-{index}" for index in range(8)], ["a", "b", "c", "d"]
    rules = []
    for index, name in enumerate(names):
        figure = 700 + 613 * ((index * 5 + seed * 3) % 8)
        own = [groups[(index + seed) % 4], groups[(index * 3 + seed) % 4]]
        one = (
            percent(name, figure, index % 3, "coupon")
            if (index + seed) % 2
            else save(name, 4_000 + figure, figure, index % 3)
        )
        rules.append({**one, "groups": sorted(set(own)), "exclusive": index == seed})
    whole = pack(*rules, groups=[{"name": name} for name in groups])
    bought = basket(6_000, 2_999, 1_001)
    priced = price(bought, compile_pack(whole))
    assert priced.exact
    assert score(priced) == min(score(price(bought, compile_pack(choice))) for choice in legal(whole, bought))


def _fallback(rules: int, groups: int, at: int) -> Pack:
    authored = []
    for index in range(rules):
        own = sorted({f"g{index % groups}", f"g{(index * 7 + at) % groups}"})
        figure = 100 + (index * 37 + at * 11) % 900
        one = save(f"r{index}", 2_000 + figure * 9, figure, index % 5)
        authored.append({**(percent(f"r{index}", figure * 4, index % 5) if index % 3 else one), "groups": own})
    return pack(*authored, groups=[{"name": f"g{number}"} for number in range(groups)])


@pytest.mark.parametrize(("rules", "groups"), [(24, 12), (60, 12), (200, 40), (300, 1)])
def test_above_the_bound_the_search_says_so_and_beats_every_single_rule(rules: int, groups: int) -> None:
    for at in range(3):
        whole = _fallback(rules, groups, at)
        bought = basket(9_000, 4_999, 1_001)
        priced = price(bought, compile_pack(whole))
        assert not priced.exact
        for one in whole.rules:
            alone = replace(whole, rules=(replace(one, groups=()),))
            assert score(priced) <= score(price(bought, compile_pack(alone)))


def test_up_to_the_bound_every_combination_is_tried() -> None:
    bought = basket(10_000)
    for rules, exact in ((MOST_TRIALS - 1, True), (MOST_TRIALS, False)):
        one_group = [{**percent(f"r{index}", index + 1), "groups": ["g"]} for index in range(rules)]
        priced = price(bought, compile_pack(pack(*one_group, groups=[{"name": "g"}])))
        assert (priced.exact, priced.payable_minor) == (exact, 10_000 - rules)


@settings(max_examples=60)
@given(strategies.packs(most_rules=5, policy=st.just(Policies()), effects=kinds.money_effects), strategies.baskets())
def test_by_the_line_each_line_gets_the_rule_that_takes_most_off_it(pack: Pack, basket: Basket) -> None:
    rules = tuple(replace(rule, lane=Lane.LINE, groups=("each-line",), exclusive=False) for rule in pack.rules)
    rules = tuple(replace(rule, then=rule.then[:1], limits=replace(rule.limits, per_sale=1)) for rule in rules)
    priced = price(basket, compile_pack(replace(pack, rules=rules)))
    best = [0] * len(basket.lines)
    for one in rules:
        alone = price(basket, compile_pack(replace(pack, rules=(replace(one, groups=()),))))
        for line, left in enumerate(alone.payable_by_line):
            best[line] = max(best[line], basket.lines[line].list_minor - left)
    wanted = [line.list_minor - off for line, off in zip(basket.lines, best, strict=True)]
    assert list(priced.payable_by_line) == wanted


def _rule(name: str, off_minor: int, priority: int = 0, exclusive: bool = False, groups: tuple[str, ...] = ()) -> Rule:
    effect = Amount(off_minor, Scope.BASKET)
    return Rule(name, name, name, Lane.BASKET, (effect,), priority=priority, exclusive=exclusive, groups=groups)


def _priced(policy: Exclusion, *rules: Rule) -> tuple[int, dict[str, Why | None]]:
    groups = {**{group.name: group for group in strategies.DECLARED.groups}}
    whole = replace(
        strategies.DECLARED, rules=rules, policies=Policies(exclusion=policy), groups=tuple(groups.values())
    )
    judged = judge(basket(10_000), compile_pack(whole))
    told = {one.rule: one.shortfall.why if one.shortfall else None for one in judged.verdicts}
    return judged.priced.payable_minor, told


def test_an_exclusive_rule_goes_alone_where_it_is_the_best_deal_and_not_where_it_is_not() -> None:
    rules = (_rule("a", 300), _rule("b", 400), _rule("alone", 600, exclusive=True))
    assert _priced(Exclusion.BEST, *rules) == (9_300, {"a": None, "b": None, "alone": Why.NOT_BEST})
    more = (*rules[:2], _rule("alone", 800, exclusive=True))
    assert _priced(Exclusion.BEST, *more) == (9_200, {"a": Why.NOT_BEST, "b": Why.NOT_BEST, "alone": None})


def test_exclusive_first_takes_the_exclusive_rule_of_highest_priority_however_little_it_gives() -> None:
    rules = (
        _rule("a", 300, 9),
        _rule("b", 400, 9),
        _rule("low", 900, 1, exclusive=True),
        _rule("high", 100, 2, exclusive=True),
    )
    payable_minor, told = _priced(Exclusion.EXCLUSIVE_FIRST, *rules)
    assert payable_minor == 9_900
    assert told == {"a": Why.EXCLUDED, "b": Why.EXCLUDED, "low": Why.EXCLUDED, "high": None}
    grouped = (_rule("a", 300, groups=("one",)), _rule("b", 400, groups=("one",)))
    assert _priced(Exclusion.EXCLUSIVE_FIRST, *grouped)[0] == 9_600


def test_exclusive_first_leaves_groups_of_the_other_lanes_as_they_are() -> None:
    points = [
        rule(f"points-{count}", "points", {"points_bonus": count}, when=[{"member": True}], groups=["one"])
        for count in (10, 30, 20)
    ]
    alone = {**percent("alone", 1_000), "exclusive": True}
    whole = pack(
        alone, save("other", 1, 1), *points, groups=[{"name": "one"}], policies={"exclusion": "exclusive_first"}
    )
    priced = price(basket(10_000, tier="gold"), compile_pack(whole))
    assert (priced.payable_minor, priced.points) == (9_000, 30)


def test_by_priority_the_highest_acts_and_equals_are_a_conflict() -> None:
    one = ("one",)
    high, low = _rule("high", 100, 2, groups=one), _rule("low", 900, 1, groups=one)
    assert _priced(Exclusion.PRIORITY, high, low) == (9_900, {"high": None, "low": Why.EXCLUDED})
    equal = _rule("equal", 200, 2, groups=one)
    payable_minor, told = _priced(Exclusion.PRIORITY, high, low, equal, _rule("free", 50))
    assert payable_minor == 9_950
    assert told == {"high": Why.CONFLICT, "equal": Why.CONFLICT, "low": Why.EXCLUDED, "free": None}


def test_a_rule_whose_conditions_do_not_hold_takes_no_priority() -> None:
    """The first rule asks for a basket of at most 50: it is not, so that the second one acts."""
    high = rule(
        "high",
        "basket",
        {"amount": {"off_minor": 900, "scope": "basket"}},
        when=[{"spend": {"at_most_minor": 5_000}}],
        priority=9,
        groups=["one"],
    )
    low = {**percent("low", 1_000), "groups": ["one"]}
    exclusive = {**high, "groups": [], "exclusive": True}
    for policy, first in (("priority", high), ("exclusive_first", exclusive)):
        whole = pack(first, low, groups=[{"name": "one"}], policies={"exclusion": policy})
        assert price(basket(10_000), compile_pack(whole)).payable_minor == 9_000


def test_narrow_goes_before_wide_and_names_settle_what_is_left() -> None:
    off = {"percent": {"rate_bp": 1_000, "scope": "line"}}

    def on(name: str, **select: list[str]) -> Any:
        return rule(name, "line", {"percent": {**off["percent"], "select": select}} if select else off)

    whole = pack(
        on("z-all"),
        on("b-two", skus=["X", "Y"]),
        on("c-one", skus=["X"]),
        on("d-tea", categories=["tea"]),
        on("a-all"),
        on("e-brand", brands=["spring"]),
        {**on("last"), "priority": 1},
        percent("basket", 1_000, 9),
    )
    wanted = ["last", "c-one", "b-two", "e-brand", "d-tea", "a-all", "z-all", "basket"]
    assert [one.rule for one in compile_pack(whole).rules] == wanted


def test_thresholds_are_measured_on_what_is_left_unless_the_pack_says_list() -> None:
    """Gold pays 10 % less of 210.00, which leaves 189.00: below 200, at list price above it."""
    gold = percent("gold", 1_000, lane="line", scope="line")
    full = save("full", 20_000, 2_000)
    assert price(basket(21_000), compile_pack(pack(gold, full))).payable_minor == 18_900
    on_list = pack(gold, full, policies={"threshold_base": "list"})
    assert price(basket(21_000), compile_pack(on_list)).payable_minor == 16_900


def test_percentages_compound_unless_the_pack_says_list() -> None:
    two = (percent("a", 2_000, lane="line", scope="line"), percent("b", 1_000, lane="line", scope="line"))
    assert price(basket(10_000), compile_pack(pack(*two))).payable_minor == 7_200
    assert price(basket(10_000), compile_pack(pack(*two, policies={"percent_base": "list"}))).payable_minor == 7_000


def test_a_group_by_the_line_and_a_group_of_the_basket_hold_at_once() -> None:
    """Two rules compete for each line, two for the basket; the better line rules come first and leave 900 + 200."""
    tea = Select(skus=("SKU-0",))
    line = [
        Rule("tea", "t", "t", Lane.LINE, (Percent(1_000, Scope.LINE, tea),), groups=("each-line",)),
        Rule("all", "t", "t", Lane.LINE, (Amount(100, Scope.LINE),), groups=("each-line",)),
    ]
    rest = (_rule("small", 50, groups=("one",)), _rule("large", 70, groups=("one",)))
    whole = replace(strategies.DECLARED, rules=(*line, *rest))
    assert {group.name: group.per for group in whole.groups}["each-line"] is Per.LINE
    bought = Basket((BasketLine("SKU-0", 1, 2_000), BasketLine("SKU-1", 1, 300)), Customer("gold"))
    priced = price(bought, compile_pack(whole))
    assert priced.payable_minor == 1_800 + 200 - 70


def test_a_rule_that_finds_no_goods_and_a_rule_for_top_ups_exclude_nobody() -> None:
    """Neither does anything in this sale, whatever its priority."""
    ten = _rule("ten", 1_000, groups=("one",))
    nowhere = Rule("none", "n", "n", Lane.BASKET, (Percent(1, Scope.LINE, Select(price_min_minor=99_999)),), priority=9)
    top_up = Rule("top-up", "t", "t", Lane.BASKET, (TopUp((TopUpStep(100, 10),)),), priority=9)
    for idle in (nowhere, top_up):
        for policy in Exclusion:
            assert _priced(policy, ten, replace(idle, groups=("one",)))[0] == 9_000
            assert _priced(policy, ten, replace(idle, exclusive=True))[0] == 9_000
