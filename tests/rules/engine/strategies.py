"""Packs over the whole grammar and baskets they have something to say about: figures are small and names few, so that
conditions often hold, rules often meet, and floors, caps, balances and stocks are often reached.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from contract.basket import Basket, BasketLine, Customer, PlannedTender, RuleUsage, Stock, TaxRate
from contract.errors import ContractError
from rules.grammar import conditions as asks
from rules.grammar import money, rewards
from rules.grammar.conditions import Base, Condition, Per, Span
from rules.grammar.effects import Effect, MoneyEffect
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
from rules.grammar.rule import NO_LIMITS, BudgetPer, Lane, Limits, OnReturn, Rule
from rules.grammar.select import ALL, EVERY_UNIT, ItemSet, Order, Pick, Select
from rules.pack import GRAMMAR
from rules.references import require_sense
from rules.rounding import Rounding
from rules.shares import Split
from rules.tax import TaxRounding

SKUS, CATEGORIES, BRANDS, ITEM_TAGS = ("A", "B", "C", "D"), ("tea", "ware"), ("spring", "brook"), ("new", "heavy")
TIERS, TAGS = ("gold", "silver"), ("teacher", "lapsed")
CODES, TENDERS, FLAGS, CHANNELS = ("TEN", "TWENTY"), ("cash", "voucher", "stored_value"), ("staff",), ("store", "web")
TODAY = 20_622
"""2026-06-18, a Thursday."""
NOON_MS = (TODAY * 1_440 + 12 * 60 - 8 * 60) * 60_000

DECLARED = Pack(
    grammar=GRAMMAR,
    currency="CNY",
    rules=(),
    golden=(GoldenBasket(Basket(()), 0),),
    zones=(Zone("Asia/Shanghai", (ZoneStep(0, 86_400 + 8 * 3_600),)),),
    shops=(ShopFacts("north", None, ("city",), 618), ShopFacts("south")),
    calendars=(Calendar("fair", (TODAY, TODAY + 7)), Calendar("past", (TODAY - 1,))),
    sets=(ItemSet("drinks", Select(categories=("tea",))), ItemSet("cheap", Select(price_max_minor=900, set="drinks"))),
    groups=(Group("one"), Group("two"), Group("each-line", Per.LINE)),
    coupons=(CouponTemplate("next", "next", "next", 1, 30),),
    count_cards=(CountCard("ten", "ten", "ten", 365),),
)
"""Everything rules refer to by name."""


def _some(names: tuple[str, ...]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(names), min_size=1, max_size=2, unique=True).map(tuple)


def _maybe(values: st.SearchStrategy[Any], otherwise: Any = None) -> st.SearchStrategy[Any]:
    return st.just(otherwise) | st.just(otherwise) | values


def _seldom(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.sampled_from([0] * 7 + [1]).flatmap(lambda written: values if written else st.none())


def _any_of(kinds: dict[type, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    return st.sampled_from(list(kinds.values())).flatmap(lambda kind: kind)


minors = st.integers(0, 3_000) | st.integers(0, 3_000) | st.sampled_from([1, 99, 100, 333, 1_000])
some_minors = minors.map(lambda minor: minor + 1)
rates = st.integers(0, 10_000) | st.sampled_from([1, 500, 1_000, 3_333, 5_000, 10_000])
units = st.integers(1, 5)
bases = st.sampled_from(Base)
roundings = st.sampled_from(Rounding)
scopes = st.sampled_from(money.Scope)

_asked: dict[str, st.SearchStrategy[Any]] = {
    "skus": _some(SKUS),
    "categories": _some(CATEGORIES),
    "brands": _some(BRANDS),
    "tags": _some(ITEM_TAGS),
    "not_skus": _some(SKUS),
    "not_categories": st.just(("ware",)),
    "not_brands": st.just(("brook",)),
    "not_tags": st.just(("heavy",)),
    "price_min_minor": st.integers(0, 400),
    "price_max_minor": st.integers(400, 4_000),
    "reduced": st.booleans(),
    "include_gifts": st.just(True),
    "set": st.sampled_from(["drinks", "cheap"]),
}


@st.composite
def selections(draw: st.DrawFn) -> Select:
    """The whole basket, or what is named by one or two fields."""
    fields = draw(st.sampled_from([0, 0, 0, 1, 1, 2]))
    names = [draw(st.sampled_from(list(_asked))) for _field in range(fields)]
    return Select(**{name: draw(_asked[name]) for name in names}) if names else ALL


selects = selections()
picks = st.just(EVERY_UNIT) | st.builds(
    Pick,
    order=st.sampled_from(Order),
    units=_maybe(units),
    per_line=_maybe(units),
    skip=_maybe(st.integers(0, 3), 0),
    groups_of=_maybe(st.integers(1, 3)),
)


def _steps(of: type, values: st.SearchStrategy[int]) -> st.SearchStrategy[Any]:
    starts = st.lists(st.integers(1, 4_000), min_size=1, max_size=3, unique=True).map(sorted)
    return starts.flatmap(lambda at: st.tuples(*[values.map(lambda value, at=at: of(at, value)) for at in at]))  # type: ignore[misc]


@st.composite
def save_steps(draw: st.DrawFn) -> tuple[money.SaveStep, ...]:
    """满减 steps that ascend and save no more than is spent."""
    spends = sorted(draw(st.lists(st.integers(1, 6_000), min_size=1, max_size=3, unique=True)))
    saved, steps = 1, []
    for spend in spends:
        saved = draw(st.integers(saved, max(saved, spend // 2))) if saved <= spend else saved
        steps.append(money.SaveStep(spend, min(saved, spend)))
    return tuple(steps)


def _ladders(values: st.SearchStrategy[int]) -> st.SearchStrategy[Any]:
    return _maybe(
        st.builds(
            money.Ladder,
            by=st.sampled_from(money.Measure),
            steps=_steps(money.Step, values),
            select=_maybe(selects),
            base=_maybe(bases),
        )
    )


_split: dict[str, Any] = {"split": _maybe(st.sampled_from(Split))}
_rounded: dict[str, Any] = {"rounding": _maybe(roundings)}
_sides = st.builds(money.Side, quantity=st.integers(1, 3), select=selects, order=st.sampled_from(Order))

MONEY_EFFECTS: dict[type, st.SearchStrategy[Effect]] = {
    money.Percent: st.builds(
        money.Percent,
        rate_bp=rates,
        scope=scopes,
        select=selects,
        pick=picks,
        ladder=_ladders(rates),
        cap_minor=_maybe(minors),
        base=_maybe(bases),
        **_rounded,
        **_split,
    ),
    money.Amount: st.builds(
        money.Amount,
        off_minor=minors,
        scope=scopes,
        select=selects,
        pick=picks,
        ladder=_ladders(minors),
        base=_maybe(bases),
        **_rounded,
        **_split,
    ),
    money.FixedPrice: st.builds(
        money.FixedPrice, price_minor=minors, scope=scopes, select=selects, pick=picks, **_rounded, **_split
    ),
    money.MemberPrice: st.builds(money.MemberPrice, select=selects),
    money.SpendSave: st.builds(money.SpendSave, steps=save_steps(), select=selects, base=_maybe(bases), **_split)
    | st.builds(
        money.SpendSave,
        steps=save_steps().map(lambda steps: steps[:1]),
        every=st.just(True),
        select=selects,
        base=_maybe(bases),
        most_times=_maybe(units),
        **_split,
    ),
    money.NthUnit: st.builds(
        money.NthUnit,
        nth=st.integers(2, 4),
        rate_bp=rates,
        select=selects,
        same_sku=st.booleans(),
        from_cheapest=st.booleans(),
        most_times=_maybe(units),
        **_rounded,
    ),
    money.BuyGet: st.builds(
        money.BuyGet,
        buy=_sides,
        get=_sides,
        rate_bp=rates,
        most_times=_maybe(units),
        partial=st.booleans(),
        **_rounded,
    ),
    money.AnyFor: st.builds(
        money.AnyFor,
        units=units,
        price_minor=minors,
        select=selects,
        order=st.sampled_from(Order),
        most_times=_maybe(units),
        **_rounded,
        **_split,
    ),
    money.Package: st.builds(
        money.Package,
        parts=st.lists(
            st.builds(money.PackagePart, quantity=st.integers(1, 3), select=selects), min_size=1, max_size=3
        ).map(tuple),
        price_minor=minors,
        most_times=_maybe(units),
        **_split,
    ),
}
"""Effects that take money off."""
money_effects = _any_of(MONEY_EFFECTS)

_points = st.integers(1, 300)
OTHER_EFFECTS: dict[type, st.SearchStrategy[Effect]] = {
    rewards.Gift: st.builds(
        rewards.Gift, sku=st.sampled_from(SKUS), quantity=units, every=_maybe(units), select=selects
    ),
    rewards.PointsPerMoney: st.builds(
        rewards.PointsPerMoney,
        points=_points,
        spend_minor=some_minors,
        select=selects,
        base=_maybe(bases),
        proportional=st.booleans(),
        not_tenders=_maybe(_some(TENDERS), ()),
        cap_points=_maybe(st.integers(0, 500)),
        **_rounded,
    ),
    rewards.PointsPerUnit: st.builds(
        rewards.PointsPerUnit, points=_points, select=selects, cap_points=_maybe(st.integers(0, 500))
    ),
    rewards.PointsBonus: st.builds(rewards.PointsBonus, points=_points),
    rewards.PointsTimes: st.builds(
        rewards.PointsTimes, rate_bp=st.integers(10_001, 30_000), cap_points=_maybe(st.integers(0, 500))
    ),
    rewards.PayPoints: st.builds(
        rewards.PayPoints,
        points=st.integers(1, 100),
        minor=st.integers(1, 500),
        most_points=_maybe(st.integers(0, 500)),
        most_bp=_maybe(rates),
        select=selects,
        part_steps=st.booleans(),
        own_points=st.booleans(),
        waste=st.booleans(),
        leave_minor=_maybe(minors, 0),
        never_free=st.booleans(),
        **_rounded,
        **_split,
    ),
    rewards.PointsPrice: st.builds(
        rewards.PointsPrice,
        points=_points,
        price_minor=st.integers(0, 500),
        select=selects,
        units=units,
    ),
    rewards.CostPoints: st.builds(rewards.CostPoints, points=_points),
    rewards.IssueCoupon: st.builds(rewards.IssueCoupon, coupon=st.just("next"), count=units),
    rewards.GrantCounts: st.builds(
        rewards.GrantCounts, card=st.just("ten"), uses=units, per_unit=st.booleans(), select=selects
    ),
    rewards.Rebate: st.builds(
        rewards.Rebate, rate_bp=rates, minor=some_minors, select=selects, base=_maybe(bases)
    ).filter(lambda rebate: rebate.rate_bp < 10_000),
    rewards.RoundTotal: st.builds(rewards.RoundTotal, to_minor=st.sampled_from([5, 10, 100]), mode=roundings),
    rewards.PayStored: st.builds(rewards.PayStored, most_minor=_maybe(minors)),
}
"""Effects that give or take something else. Top-ups stand apart: a rule for them does nothing else."""
other_effects = _any_of(OTHER_EFFECTS)

top_ups = st.builds(
    rewards.TopUp,
    steps=st.tuples(st.builds(rewards.TopUpStep, amount_minor=some_minors, bonus_minor=some_minors)),
    every=st.booleans(),
)

LEAVES: dict[type, st.SearchStrategy[Condition]] = {
    asks.Member: st.builds(asks.Member, is_member=st.sampled_from([True, True, False])),
    asks.Tier: st.builds(asks.Tier, any_of=_some(TIERS)),
    asks.Tag: st.builds(asks.Tag, any_of=_some(TAGS)),
    asks.Segment: st.builds(asks.Segment, any_of=_some(TAGS)),
    asks.CardType: st.builds(asks.CardType, any_of=_some(TAGS)),
    asks.Birthday: st.builds(asks.Birthday, days_before=st.integers(0, 9), days_after=st.integers(0, 9)),
    asks.Visit: st.builds(asks.Visit, nth=st.integers(1, 4), within=st.sampled_from(Span), every=st.booleans()),
    asks.LastVisit: st.builds(asks.LastVisit, at_least_days=st.integers(0, 9), at_most_days=_maybe(st.integers(9, 60))),
    asks.Dates: st.builds(asks.Dates, first=st.integers(TODAY - 3, TODAY), last=_maybe(st.integers(TODAY, TODAY + 3))),
    asks.Window: st.builds(
        asks.Window,
        start=st.integers((TODAY - 1) * 1_440, (TODAY + 1) * 1_440),
        end=st.just((TODAY + 2) * 1_440),
    ),
    asks.Weekday: st.builds(
        asks.Weekday, any_of=st.lists(st.integers(1, 7), min_size=1, max_size=4, unique=True).map(tuple)
    ),
    asks.Clock: st.builds(asks.Clock, any_of=st.just((asks.Hours(0, 600), asks.Hours(700, 1_440)))),
    asks.Festival: st.builds(asks.Festival, calendar=st.sampled_from(["fair", "past"])),
    asks.Anniversary: st.builds(asks.Anniversary, days_before=st.integers(0, 3), days_after=st.integers(0, 3)),
    asks.Shop: st.builds(asks.Shop, any_of=_some(("north", "south"))),
    asks.ShopGroup: st.builds(asks.ShopGroup, any_of=st.just(("city",))),
    asks.Terminal: st.builds(asks.Terminal, any_of=st.just(("north/till-1",))),
    asks.Channel: st.builds(asks.Channel, any_of=_some(CHANNELS)),
    asks.Quantity: st.builds(
        asks.Quantity,
        at_least=st.integers(1, 4),
        at_most=_maybe(st.integers(4, 9)),
        select=selects,
        per=st.sampled_from(Per),
    ),
    asks.Distinct: st.builds(asks.Distinct, at_least=st.integers(1, 3), select=selects),
    asks.Spend: st.builds(
        asks.Spend,
        at_least_minor=st.integers(1, 2_000),
        at_most_minor=_maybe(st.integers(2_000, 9_000)),
        select=selects,
        per=st.sampled_from(Per),
        base=_maybe(bases),
    ),
    asks.Tender: st.builds(asks.Tender, any_of=_some(TENDERS)),
    asks.Code: st.builds(asks.Code, any_of=_some(CODES)),
    asks.PointsBalance: st.builds(asks.PointsBalance, at_least=st.integers(0, 300)),
    asks.Flag: st.builds(asks.Flag, any_of=st.just(FLAGS)),
}
_leaves = _any_of(LEAVES)
_pairs: st.SearchStrategy[Condition] = st.one_of(
    st.builds(asks.All, parts=st.lists(_leaves, min_size=1, max_size=2).map(tuple)),
    st.builds(asks.Any, parts=st.lists(_leaves, min_size=1, max_size=3).map(tuple)),
)
conditions: st.SearchStrategy[Condition] = st.one_of(
    _leaves, _leaves, _pairs, st.builds(asks.Not, part=_leaves), st.builds(asks.Not, part=_pairs)
)
"""Any condition, up to two storeys of all, any and not."""

limits = st.builds(
    Limits,
    per_sale=st.integers(1, 3),
    per_member=_seldom(st.integers(0, 3)),
    per_member_day=_seldom(st.integers(0, 3)),
    per_shop_day=_seldom(st.integers(0, 3)),
    total=_seldom(st.integers(0, 3)),
    budget_minor=_maybe(minors),
    budget_per=st.sampled_from(BudgetPer),
    cap_minor=_maybe(minors),
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
    """One rule. A rule of the group by the line only takes money off."""
    groups = draw(_maybe(_some(("one", "two", "each-line")), ()))
    kinds = money_effects | money_effects | other_effects if effects is None else effects
    then = (
        draw(st.lists(kinds, min_size=1, max_size=draw(st.sampled_from([1, 1, 3]))))
        if draw(st.integers(0, 30)) < 30
        else [draw(top_ups)]
    )
    if "each-line" in groups and not all(isinstance(effect, MoneyEffect) for effect in then):
        groups = tuple(group for group in groups if group != "each-line")
    return Rule(
        rule=name,
        title=name,
        title_en=name,
        lane=draw(st.sampled_from(Lane)),
        then=tuple(then),
        when=tuple(draw(st.lists(conditions, max_size=draw(st.sampled_from([0, 0, 1, 2]))))),
        priority=draw(st.integers(0, 3)),
        limits=draw(_maybe(limits, NO_LIMITS)),
        groups=groups,
        exclusive=draw(st.integers(0, 24)) == 24,
        on_return=draw(st.sampled_from(OnReturn)),
        funded_by=draw(_maybe(st.just("south"))),
        paused=draw(st.integers(0, 20)) == 20,
    )


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
        policies=draw(policy if policy is not None else _maybe(policies, DEFAULT_POLICIES)),
        tax=draw(_maybe(st.builds(TaxTerms, inclusive=st.booleans(), at=st.sampled_from(TaxRounding)))),
    )
    require_sense(pack)
    return pack


@st.composite
def lines(draw: st.DrawFn) -> BasketLine:
    """One line, often with a floor, a weight, taxes, or as a gift."""
    weight_g = draw(_maybe(st.integers(1, 3_000)))
    unit_price_minor = draw(st.sampled_from([0, 99, 100, 333, 1_000, 2_999]) | st.integers(0, 3_000))
    return BasketLine(
        sku=draw(st.sampled_from(SKUS)),
        quantity=1 if weight_g is not None else draw(st.sampled_from([1, 1, 1, 2, 3, 5, 7, 100])),
        unit_price_minor=unit_price_minor,
        categories=draw(_maybe(_some(CATEGORIES), ())),
        brand=draw(_maybe(st.sampled_from(BRANDS))),
        tags=draw(_maybe(_some(ITEM_TAGS), ())),
        member_price_minor=draw(_maybe(st.integers(0, 3_000))),
        floor_minor=draw(_maybe(st.integers(0, unit_price_minor + 9), 0)),
        weight_g=weight_g,
        excluded=draw(st.integers(0, 9)) == 9,
        reduced=draw(st.integers(0, 5)) == 5,
        gift=draw(st.integers(0, 9)) == 9,
        taxes=draw(
            _maybe(st.sampled_from([(TaxRate("vat", 1_300),), (TaxRate("vat", 600), TaxRate("city", 199))]), ())
        ),
    )


customers = st.builds(
    Customer,
    tier=st.sampled_from(TIERS),
    tags=_maybe(_some(TAGS), ()),
    segments=_maybe(_some(TAGS), ()),
    card_type=_maybe(st.sampled_from(TAGS)),
    birthday=_maybe(st.sampled_from([229, 618, 620, 101, 1231])),
    points=st.integers(-50, 1_000),
    stored_minor=_maybe(minors, 0),
    visits=_maybe(st.integers(0, 9)),
    visit_days=_maybe(st.lists(st.integers(TODAY - 40, TODAY), max_size=4).map(tuple), ()),
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
        share_uses=_maybe(count),
        share_minor=_maybe(minors),
    )
    used = draw(_maybe(st.lists(st.integers(0, 7), max_size=4, unique=True), []))
    return Basket(
        lines=tuple(draw(of or lines()) for _line in range(draw(st.sampled_from([1, *range(most_lines + 1)])))),
        customer=draw(st.sampled_from([0, 1, 1, 1]).flatmap(lambda known: customers if known else st.none())),
        shop=draw(_maybe(st.sampled_from(["north", "south", "east"]), "north")),
        terminal=draw(_maybe(st.none(), "till-1")),
        channel=draw(_maybe(st.none(), "store")),
        moment_ms=draw(_maybe(st.none() | st.integers(0, 3 * 86_400_000).map(lambda ms: NOON_MS + ms), NOON_MS)),
        codes=draw(_maybe(_some(CODES), ())),
        tenders=draw(
            _maybe(
                st.lists(st.builds(PlannedTender, kind=st.sampled_from(TENDERS), amount_minor=minors), max_size=3).map(
                    tuple
                ),
                (),
            )
        ),
        flags=draw(_maybe(st.just(FLAGS), ())),
        usage=tuple(replace(draw(usage), rule=f"rule-{index}") for index in used),
        stock=draw(
            _maybe(st.builds(Stock, sku=st.sampled_from(SKUS), left=st.integers(0, 6)).map(lambda one: (one,)), ())
        ),
        want_points=draw(_maybe(st.integers(0, 400))),
    )


def makes_sense(pack: Pack) -> bool:
    """Whether a pack is one that head office could sign."""
    try:
        require_sense(pack)
    except ContractError:
        return False
    return True
