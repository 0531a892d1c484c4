"""Packs over the whole grammar and baskets they have something to say about: figures are small and names few, so that
conditions often hold, rules often meet, and floors, caps, balances and stocks are often reached.
"""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from contract.basket import Basket, BasketLine, Customer, PlannedTender, RuleUsage, Stock, TaxRate
from contract.errors import ContractError
from rules.grammar.conditions import Per
from rules.grammar.effects import Effect
from rules.grammar.pack import (
    Calendar,
    CountCard,
    CouponTemplate,
    GoldenBasket,
    Group,
    Pack,
    ShopFacts,
    TaxTerms,
    Zone,
    ZoneStep,
)
from rules.grammar.policies import DEFAULT_POLICIES, CouponOnReturn, Exclusion, PointsOnReturn, Policies, ReducedGoods
from rules.grammar.rewards import PayStored, PointsPerMoney
from rules.grammar.rule import NO_LIMITS, BudgetPer, Lane, Limits, OnReturn, Rule
from rules.grammar.select import ItemSet, Select
from rules.pack import GRAMMAR
from rules.references import require_sense
from rules.shares import Split
from rules.tax import TaxRounding
from tests.rules.engine.kinds import (
    BRANDS,
    CATEGORIES,
    CODES,
    FLAGS,
    ITEM_TAGS,
    NOON_MS,
    SKUS,
    TAGS,
    TENDERS,
    TIERS,
    TODAY,
    bases,
    conditions,
    maybe,
    minors,
    money_effects,
    other_effects,
    redeems,
    roundings,
    seldom,
    some,
    top_ups,
)

DECLARED = Pack(
    grammar=GRAMMAR,
    currency="CNY",
    rules=(),
    golden=(GoldenBasket(Basket(()), 0),),
    zones=(Zone("Asia/Shanghai", (ZoneStep(0, 86_400 + 8 * 3_600),)),),
    shops=(ShopFacts("north", None, ("city",), 618), ShopFacts("south")),
    calendars=(Calendar("fair", (TODAY, TODAY + 7)), Calendar("past", (TODAY - 1,))),
    sets=(ItemSet("drinks", Select(categories=("tea",))), ItemSet("cheap", Select(price_max_minor=900, set="drinks"))),
    groups=(Group("one"), Group("two"), Group("each-line", Per.LINE), Group("line-too", Per.LINE)),
    coupons=(CouponTemplate("next", "next", "next", 1, 30),),
    count_cards=(CountCard("ten", "ten", "ten", 365),),
)
"""Everything rules refer to by name."""


limits = st.builds(
    Limits,
    per_sale=st.integers(1, 3),
    per_member=seldom(st.integers(0, 3)),
    per_member_day=seldom(st.integers(0, 3)),
    per_shop_day=seldom(st.integers(0, 3)),
    total=seldom(st.integers(0, 3)),
    budget_minor=maybe(minors),
    budget_per=st.sampled_from(BudgetPer),
    cap_minor=maybe(minors),
)
policies = st.builds(
    Policies,
    percent_base=bases,
    threshold_base=bases,
    percent_rounding=roundings,
    split=st.sampled_from(Split),
    exclusion=st.sampled_from(Exclusion),
    points_base=bases,
    points_on_return=st.sampled_from(PointsOnReturn),
    stored_value_earns=st.booleans(),
    coupon_on_return=st.sampled_from(CouponOnReturn),
    reduced_goods=st.sampled_from(ReducedGoods),
)


@st.composite
def rules(draw: st.DrawFn, name: str = "rule", effects: st.SearchStrategy[Effect] | None = None) -> Rule:
    """One rule."""
    groups = draw(maybe(some(("one", "two", "each-line", "line-too")), ()))
    kinds = money_effects | money_effects | other_effects if effects is None else effects
    then = (
        draw(st.lists(kinds, min_size=1, max_size=draw(st.sampled_from([1, 1, 3]))))
        if draw(st.integers(0, 30)) < 30
        else [draw(st.one_of(top_ups, redeems))]
    )
    found = Rule(
        rule=name,
        title=name,
        title_en=name,
        lane=draw(st.sampled_from(Lane)),
        then=tuple(then),
        when=tuple(draw(st.lists(conditions, max_size=draw(st.sampled_from([0, 0, 1, 2]))))),
        priority=draw(st.integers(0, 3)),
        limits=draw(maybe(limits, NO_LIMITS)),
        groups=groups,
        exclusive=draw(st.integers(0, 24)) == 24,
        on_return=draw(st.sampled_from(OnReturn)),
        funded_by=draw(maybe(st.just("south"))),
        paused=draw(st.integers(0, 20)) == 20,
    )
    # A budget is for rules that give money.
    if makes_sense(replace(DECLARED, rules=(found,))):
        return found
    return replace(found, limits=replace(found.limits, budget_minor=None))


@st.composite
def packs(
    draw: st.DrawFn,
    most_rules: int = 8,
    policy: st.SearchStrategy[Policies] | None = None,
    effects: st.SearchStrategy[Effect] | None = None,
) -> Pack:
    """Any pack that makes sense."""
    names = draw(
        st.permutations([f"rule-{index}" for index in range(draw(st.sampled_from([1, *range(2, most_rules + 1)])))])
    )
    pack = replace(
        DECLARED,
        rules=tuple(draw(rules(name, effects)) for name in names),
        policies=draw(policy if policy is not None else maybe(policies, DEFAULT_POLICIES)),
        tax=draw(maybe(st.builds(TaxTerms, inclusive=st.booleans(), at=st.sampled_from(TaxRounding)))),
    )
    # Where stored value earns nothing, it pays before points are reckoned.
    sensible = pack if makes_sense(pack) else replace(pack, rules=tuple([_pays_first(rule) for rule in pack.rules]))
    require_sense(sensible)
    return sensible


def _pays_first(rule: Rule) -> Rule:
    """``rule`` before all that give points, where it pays from stored value."""
    if not any(isinstance(effect, PayStored) for effect in rule.then):
        return rule
    then = tuple([effect for effect in rule.then if not isinstance(effect, PointsPerMoney)])
    return replace(rule, then=then, lane=Lane.LINE, priority=9)


@st.composite
def lines(draw: st.DrawFn) -> BasketLine:
    """One line, often with a floor, a weight, taxes, or as a gift."""
    weight_g = draw(maybe(st.integers(1, 3_000)))
    unit_price_minor = draw(st.sampled_from([0, 99, 100, 333, 1_000, 2_999]) | st.integers(0, 3_000))
    return BasketLine(
        sku=draw(st.sampled_from(SKUS)),
        quantity=1 if weight_g is not None else draw(st.sampled_from([1, 1, 1, 2, 3, 5, 7, 100])),
        unit_price_minor=unit_price_minor,
        categories=draw(maybe(some(CATEGORIES), ())),
        brand=draw(maybe(st.sampled_from(BRANDS))),
        tags=draw(maybe(some(ITEM_TAGS), ())),
        member_price_minor=draw(maybe(st.integers(0, 3_000))),
        floor_minor=draw(maybe(st.integers(0, unit_price_minor + 9), 0)),
        weight_g=weight_g,
        excluded=draw(st.integers(0, 9)) == 9,
        reduced=draw(st.integers(0, 5)) == 5,
        gift=draw(st.integers(0, 9)) == 9,
        taxes=draw(maybe(st.sampled_from([(TaxRate("vat", 1_300),), (TaxRate("vat", 600), TaxRate("city", 199))]), ())),
    )


customers = st.builds(
    Customer,
    tier=st.sampled_from(TIERS),
    tags=maybe(some(TAGS), ()),
    segments=maybe(some(TAGS), ()),
    card_type=maybe(st.sampled_from(TAGS)),
    birthday=maybe(st.sampled_from([229, 618, 620, 101, 1231])),
    points=st.integers(-50, 1_000),
    stored_minor=maybe(minors, 0),
    visits=maybe(st.integers(0, 9)),
    visit_days=maybe(st.lists(st.integers(TODAY - 40, TODAY), max_size=4).map(tuple), ()),
)


@st.composite
def baskets(draw: st.DrawFn, of: st.SearchStrategy[BasketLine] | None = None, most_lines: int = 5) -> Basket:
    """A basket of any lines, with or without everything else."""
    count = st.integers(0, 3)
    usage = st.builds(
        RuleUsage,
        rule=st.just(""),
        member=count,
        member_today=count,
        today=count,
        total=count,
        given_minor=minors,
        share_uses=maybe(count),
        share_minor=maybe(minors),
    )
    used = draw(maybe(st.lists(st.integers(0, 7), max_size=4, unique=True), []))
    return Basket(
        lines=tuple(draw(of or lines()) for _line in range(draw(st.sampled_from([1, *range(most_lines + 1)])))),
        customer=draw(st.sampled_from([0, 1, 1, 1]).flatmap(lambda known: customers if known else st.none())),
        shop=draw(maybe(st.sampled_from(["north", "south", "east"]), "north")),
        terminal=draw(maybe(st.none(), "till-1")),
        channel=draw(maybe(st.none(), "store")),
        moment_ms=draw(maybe(st.none() | st.integers(0, 3 * 86_400_000).map(lambda ms: NOON_MS + ms), NOON_MS)),
        codes=draw(maybe(some(CODES), ())),
        tenders=draw(
            maybe(
                st.lists(st.builds(PlannedTender, kind=st.sampled_from(TENDERS), amount_minor=minors), max_size=3).map(
                    tuple
                ),
                (),
            )
        ),
        flags=draw(maybe(st.just(FLAGS), ())),
        usage=tuple(replace(draw(usage), rule=f"rule-{index}") for index in used),
        stock=draw(
            maybe(st.builds(Stock, sku=st.sampled_from(SKUS), left=st.integers(0, 6)).map(lambda one: (one,)), ())
        ),
        want_points=draw(maybe(st.integers(0, 400))),
    )


def makes_sense(pack: Pack) -> bool:
    """Whether a pack is one that head office could sign."""
    try:
        require_sense(pack)
    except ContractError:
        return False
    return True
