"""Whatever a pack says and whatever is bought: nothing crashes, nothing is lost, nothing is made."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from contract import wire
from contract.basket import MAX_POINTS, Basket
from contract.trace import AppliedEffect
from rules.authoring import read_authored, write_authored
from rules.engine.acting import MAX_EFFECTS
from rules.engine.compiled import compile_pack
from rules.engine.meeting import meet
from rules.engine.price import opened, outcome, price
from rules.engine.verdicts import judge
from rules.grammar import conditions as asks
from rules.grammar.conditions import CONDITION
from rules.grammar.effects import EFFECT
from rules.grammar.money import AnyFor, BuyGet, Percent, Scope
from rules.grammar.pack import Pack
from rules.grammar.policies import Policies
from rules.grammar.rewards import Redeem, TopUp
from rules.grammar.rule import Lane, Rule
from rules.grammar.select import Order, Select
from rules.pack import read_pack, write_pack
from rules.priced import Priced
from rules.shares import Split
from tests.rules.engine import kinds, strategies
from tests.rules.engine.replay import replay

EXAMPLES = 40


def test_the_generated_packs_speak_the_whole_grammar() -> None:
    spoken = {*kinds.LEAVES, asks.All, asks.Any, asks.Not}
    assert isinstance(CONDITION.shape, wire.Alternatives) and isinstance(EFFECT.shape, wire.Alternatives)
    assert set(CONDITION.shape.options.values()) == spoken
    effects = {*kinds.MONEY_EFFECTS, *kinds.OTHER_EFFECTS, TopUp, Redeem}
    assert set(EFFECT.shape.options.values()) == effects


@settings(max_examples=EXAMPLES * 2)
@given(strategies.packs(), strategies.baskets())
def test_the_trace_replayed_unit_by_unit_comes_to_the_price(pack: Pack, basket: Basket) -> None:
    compiled = compile_pack(pack)
    priced = price(basket, compiled)
    units = replay(basket, priced.effects)
    assert [sum(prices) for prices in units] == list(priced.payable_by_line)
    require_sums(basket, priced, pack)
    for effect in priced.effects:
        wire.pack(effect)
        given_something = replace(effect, rule="", part=0, base_minor=0, shares=(), codes=(), funded_by=None)
        assert given_something != AppliedEffect(""), "an effect that does nothing has not applied"
    require_limits(basket, priced, pack)


def require_sums(basket: Basket, priced: Priced, pack: Pack) -> None:
    """The whole is the sum of its parts."""
    effects, goods = priced.effects, sum(priced.payable_by_line)
    assert priced.list_minor - goods == sum(effect.off_minor for effect in effects)
    assert priced.rounding_minor == sum(effect.rounding_minor for effect in effects)
    assert priced.points == sum(effect.points for effect in effects) <= MAX_POINTS
    assert priced.points_spent == sum(effect.points_spent for effect in effects)
    assert priced.bonus_minor == sum(effect.bonus_minor for effect in effects)
    assert priced.stored_minor == sum(effect.stored_minor for effect in effects)
    assert 0 <= priced.stored_minor <= priced.payable_minor
    taxed = priced.taxes
    if taxed is None:
        assert priced.payable_minor == goods + priced.rounding_minor
    else:
        assert taxed.net_minor + taxed.tax_minor == taxed.gross_minor
        on_top = 0 if pack.tax is not None and pack.tax.inclusive else taxed.tax_minor
        assert priced.payable_minor == goods + on_top + priced.rounding_minor


def require_limits(basket: Basket, priced: Priced, pack: Pack) -> None:
    """Nobody spends what they do not have, no stock and no cap is exceeded."""
    customer = basket.customer
    if customer is None:
        assert not priced.points and not priced.points_spent and not priced.stored_minor and not priced.bonus_minor
    else:
        assert priced.points_spent <= max(0, customer.points) + priced.points
        assert priced.stored_minor <= customer.stored_minor
    gifts = Counter[str]()
    for effect in priced.effects:
        gifts.update({given.name: given.count for given in effect.gifts})
    assert all(gifts[stock.sku] <= stock.left for stock in basket.stock)
    assert len(priced.effects) <= MAX_EFFECTS
    used = {usage.rule: usage for usage in basket.usage}
    for rule in pack.rules:
        own = [effect for effect in priced.effects if effect.rule == rule.rule]
        times = max(Counter(effect.part for effect in own).values(), default=0)
        assert times <= rule.limits.per_sale
        off = sum(effect.off_minor for effect in own)
        assert rule.limits.cap_minor is None or off <= rule.limits.cap_minor
        if rule.limits.budget_minor is not None and own and off:
            assert off + (used[rule.rule].given_minor if rule.rule in used else 0) <= rule.limits.budget_minor


@settings(max_examples=EXAMPLES)
@given(strategies.packs(), strategies.baskets())
def test_the_same_basket_has_the_same_price_again_and_everywhere(pack: Pack, basket: Basket) -> None:
    compiled = compile_pack(pack)
    priced = price(basket, compiled)
    assert price(basket, compiled) == priced
    sent = read_pack(write_pack(pack))
    assert price(wire.unpack(Basket, wire.pack(basket), 1_000_000), compile_pack(sent)) == priced
    written = read_authored(write_authored(pack))
    assert compile_pack(pack).index_bytes() == compile_pack(sent).index_bytes() == compile_pack(written).index_bytes()
    shuffled = replace(pack, rules=pack.rules[::-1])
    assert compile_pack(shuffled).index_bytes() == compiled.index_bytes()
    assert price(basket, compile_pack(shuffled)) == priced


@settings(max_examples=EXAMPLES)
@given(strategies.packs(), strategies.baskets())
def test_the_index_leaves_out_only_rules_that_cannot_apply(pack: Pack, basket: Basket) -> None:
    compiled = compile_pack(pack)
    priced = price(basket, compiled)
    judged = judge(basket, compiled)
    assert judged.priced == priced
    view = opened(basket, compiled)
    assert outcome(meet(view, range(len(compiled.rules)), compiled), compiled) == priced
    applied = {effect.rule for effect in priced.effects}
    for verdict in judged.verdicts:
        assert verdict.applied is (verdict.rule in applied) is (verdict.shortfall is None)
    assert applied <= {verdict.rule for verdict in judged.verdicts}


@settings(max_examples=EXAMPLES // 2)
@given(strategies.packs(), strategies.baskets(), st.data())
def test_two_hundred_rules_that_cannot_match_change_nothing(pack: Pack, basket: Basket, data: st.DataObject) -> None:
    never: list[asks.Condition] = [
        asks.Code(("NEVER",)),
        asks.Shop(("west",)),
        asks.Tier(("platinum",)),
        asks.Dates(kinds.TODAY + 90, kinds.TODAY + 99),
        asks.Quantity(1, select=Select(skus=("Z",))),
        asks.Flag(("never",)),
        asks.Segment(("nobody",)),
    ]
    off = Percent(5_000, Scope.LINE)
    more = [
        Rule(
            rule=f"{'az'[index % 2]}-{index}",
            title="x",
            title_en="x",
            lane=data.draw(st.sampled_from(Lane)) if index < 5 else Lane.BASKET,
            then=(off,) if index % 9 else (replace(off, select=Select(skus=("Z",))),),
            when=(never[index % len(never)],) if index % 9 else (),
            priority=index % 5,
            groups=("one",) if index % 3 else (),
            exclusive=not index % 11,
        )
        for index in range(200)
    ]
    compiled = compile_pack(pack)
    with_more = compile_pack(replace(pack, rules=(*more[:100], *pack.rules, *more[100:])))
    assert price(basket, with_more) == price(basket, compiled)


def _looks_at_the_order(pack: Pack) -> bool:
    return any(
        getattr(effect, "split", None) in (Split.LAST, Split.FIRST)
        or getattr(getattr(effect, "pick", None), "order", None) is Order.ENTERED
        or (isinstance(effect, AnyFor) and effect.order is Order.ENTERED)
        or (isinstance(effect, BuyGet) and Order.ENTERED in (effect.buy.order, effect.get.order))
        for rule in pack.rules
        for effect in rule.then
    )


def _by_line(basket: Basket, priced: Priced) -> Counter[Any]:
    return Counter(zip(basket.lines, priced.payable_by_line, strict=True))


def _by_effect(basket: Basket, priced: Priced) -> list[Any]:
    return [
        (
            replace(effect, shares=()),
            Counter((basket.lines[share.line], share.off_minor, share.unit, share.units) for share in effect.shares),
        )
        for effect in priced.effects
    ]


def _without_lines(priced: Priced) -> Priced:
    return replace(priced, payable_by_line=(), effects=(), taxes=None)


@settings(max_examples=EXAMPLES)
@given(strategies.packs(policy=st.just(Policies())), strategies.baskets(), st.randoms(use_true_random=False))
def test_the_order_in_which_lines_were_entered_means_nothing(pack: Pack, basket: Basket, chance: Any) -> None:
    if _looks_at_the_order(pack):
        return
    lines = list(basket.lines)
    chance.shuffle(lines)
    other = replace(basket, lines=tuple(lines))
    compiled = compile_pack(pack)
    one, two = price(basket, compiled), price(other, compiled)
    assert _by_line(basket, one) == _by_line(other, two)
    assert _by_effect(basket, one) == _by_effect(other, two)
    assert _without_lines(one) == _without_lines(two)
