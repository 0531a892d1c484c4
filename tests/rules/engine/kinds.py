"""Every kind of condition and effect, with small figures and few names."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from rules.grammar import conditions as asks
from rules.grammar import money, rewards
from rules.grammar.conditions import Base, Condition, Per, Span
from rules.grammar.effects import Effect
from rules.grammar.select import ALL, EVERY_UNIT, Order, Pick, Select
from rules.rounding import Rounding
from rules.shares import Split

SKUS, CATEGORIES, BRANDS, ITEM_TAGS = ("A", "B", "C", "D"), ("tea", "ware"), ("spring", "brook"), ("new", "heavy")
TIERS, TAGS = ("gold", "silver"), ("teacher", "lapsed")
CODES, TENDERS, FLAGS, CHANNELS = ("TEN", "TWENTY"), ("cash", "voucher", "stored_value"), ("staff",), ("store", "web")
TODAY = 20_622
"""2026-06-18, a Thursday."""
NOON_MS = (TODAY * 1_440 + 12 * 60 - 8 * 60) * 60_000


def some(names: tuple[str, ...]) -> st.SearchStrategy[tuple[str, ...]]:
    """One or two of these names."""
    return st.lists(st.sampled_from(names), min_size=1, max_size=2, unique=True).map(tuple)


def maybe(values: st.SearchStrategy[Any], otherwise: Any = None) -> st.SearchStrategy[Any]:
    """These values one time in three."""
    return st.just(otherwise) | st.just(otherwise) | values


def seldom(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """These values one time in eight."""
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
    "skus": some(SKUS),
    "categories": some(CATEGORIES),
    "brands": some(BRANDS),
    "tags": some(ITEM_TAGS),
    "not_skus": some(SKUS),
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
    units=maybe(units),
    per_line=maybe(units),
    skip=maybe(st.integers(0, 3), 0),
    groups_of=maybe(st.integers(1, 3)),
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
    return maybe(
        st.builds(
            money.Ladder,
            by=st.sampled_from(money.Measure),
            steps=_steps(money.Step, values),
            select=maybe(selects),
            base=maybe(bases),
        )
    )


_split: dict[str, Any] = {"split": maybe(st.sampled_from(Split))}
_rounded: dict[str, Any] = {"rounding": maybe(roundings)}
_sides = st.builds(money.Side, quantity=st.integers(1, 3), select=selects, order=st.sampled_from(Order))

MONEY_EFFECTS: dict[type, st.SearchStrategy[Effect]] = {
    money.Percent: st.builds(
        money.Percent,
        rate_bp=rates,
        scope=scopes,
        select=selects,
        pick=picks,
        ladder=_ladders(rates),
        cap_minor=maybe(minors),
        base=maybe(bases),
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
        base=maybe(bases),
        **_rounded,
        **_split,
    ),
    money.FixedPrice: st.builds(
        money.FixedPrice, price_minor=minors, scope=scopes, select=selects, pick=picks, **_rounded, **_split
    ),
    money.MemberPrice: st.builds(money.MemberPrice, select=selects),
    money.SpendSave: st.builds(money.SpendSave, steps=save_steps(), select=selects, base=maybe(bases), **_split)
    | st.builds(
        money.SpendSave,
        steps=save_steps().map(lambda steps: steps[:1]),
        every=st.just(True),
        select=selects,
        base=maybe(bases),
        most_times=maybe(units),
        **_split,
    ),
    money.NthUnit: st.builds(
        money.NthUnit,
        nth=st.integers(2, 4),
        rate_bp=rates,
        select=selects,
        same_sku=st.booleans(),
        from_cheapest=st.booleans(),
        most_times=maybe(units),
        **_rounded,
    ),
    money.BuyGet: st.builds(
        money.BuyGet,
        buy=_sides,
        get=_sides,
        rate_bp=rates,
        most_times=maybe(units),
        partial=st.booleans(),
        **_rounded,
    ),
    money.AnyFor: st.builds(
        money.AnyFor,
        units=units,
        price_minor=minors,
        select=selects,
        order=st.sampled_from(Order),
        most_times=maybe(units),
        **_rounded,
        **_split,
    ),
    money.Package: st.builds(
        money.Package,
        parts=st.lists(
            st.builds(money.PackagePart, quantity=st.integers(1, 3), select=selects), min_size=1, max_size=3
        ).map(tuple),
        price_minor=minors,
        most_times=maybe(units),
        **_split,
    ),
}
"""Effects that take money off."""
money_effects = _any_of(MONEY_EFFECTS)

_points = st.integers(1, 300)
OTHER_EFFECTS: dict[type, st.SearchStrategy[Effect]] = {
    rewards.Gift: st.builds(
        rewards.Gift, sku=st.sampled_from(SKUS), quantity=units, every=maybe(units), select=selects
    ),
    rewards.PointsPerMoney: st.builds(
        rewards.PointsPerMoney,
        points=_points,
        spend_minor=some_minors,
        select=selects,
        base=maybe(bases),
        proportional=st.booleans(),
        not_tenders=maybe(some(TENDERS), ()),
        cap_points=maybe(st.integers(0, 500)),
        **_rounded,
    ),
    rewards.PointsPerUnit: st.builds(
        rewards.PointsPerUnit, points=_points, select=selects, cap_points=maybe(st.integers(0, 500))
    ),
    rewards.PointsBonus: st.builds(rewards.PointsBonus, points=_points),
    rewards.PointsTimes: st.builds(
        rewards.PointsTimes, rate_bp=st.integers(10_001, 30_000), cap_points=maybe(st.integers(0, 500))
    ),
    rewards.PayPoints: st.builds(
        rewards.PayPoints,
        points=st.integers(1, 100),
        minor=st.integers(1, 500),
        most_points=maybe(st.integers(0, 500)),
        most_bp=maybe(rates),
        select=selects,
        part_steps=st.booleans(),
        own_points=st.booleans(),
        waste=st.booleans(),
        leave_minor=maybe(minors, 0),
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
        rewards.Rebate, rate_bp=rates, minor=some_minors, select=selects, base=maybe(bases)
    ).filter(lambda rebate: rebate.rate_bp < 10_000),
    rewards.RoundTotal: st.builds(rewards.RoundTotal, to_minor=st.sampled_from([5, 10, 100]), mode=roundings),
    rewards.PayStored: st.builds(rewards.PayStored, most_minor=maybe(minors)),
}
"""Effects that give or take something else. Top-ups stand apart: a rule for them does nothing else."""
other_effects = _any_of(OTHER_EFFECTS)

redeems = st.builds(rewards.Redeem, sku=st.sampled_from(["A", "B"]), points=st.integers(1, 100), service=st.booleans())
top_ups = st.builds(
    rewards.TopUp,
    steps=st.tuples(st.builds(rewards.TopUpStep, amount_minor=some_minors, bonus_minor=some_minors)),
    every=st.booleans(),
)

LEAVES: dict[type, st.SearchStrategy[Condition]] = {
    asks.Member: st.builds(asks.Member, is_member=st.sampled_from([True, True, False])),
    asks.Tier: st.builds(asks.Tier, any_of=some(TIERS)),
    asks.Tag: st.builds(asks.Tag, any_of=some(TAGS)),
    asks.Segment: st.builds(asks.Segment, any_of=some(TAGS)),
    asks.CardType: st.builds(asks.CardType, any_of=some(TAGS)),
    asks.Birthday: st.builds(asks.Birthday, days_before=st.integers(0, 9), days_after=st.integers(0, 9)),
    asks.Visit: st.builds(asks.Visit, nth=st.integers(1, 4), within=st.sampled_from(Span), every=st.booleans()),
    asks.LastVisit: st.builds(asks.LastVisit, at_least_days=st.integers(0, 9), at_most_days=maybe(st.integers(9, 60))),
    asks.Dates: st.builds(asks.Dates, first=st.integers(TODAY - 3, TODAY), last=maybe(st.integers(TODAY, TODAY + 3))),
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
    asks.Shop: st.builds(asks.Shop, any_of=some(("north", "south"))),
    asks.ShopGroup: st.builds(asks.ShopGroup, any_of=st.just(("city",))),
    asks.Terminal: st.builds(asks.Terminal, any_of=st.just(("north/till-1",))),
    asks.Channel: st.builds(asks.Channel, any_of=some(CHANNELS)),
    asks.Quantity: st.builds(
        asks.Quantity,
        at_least=st.integers(1, 4),
        at_most=maybe(st.integers(4, 9)),
        select=selects,
        per=st.sampled_from(Per),
    ),
    asks.Distinct: st.builds(asks.Distinct, at_least=st.integers(1, 3), select=selects),
    asks.Spend: st.builds(
        asks.Spend,
        at_least_minor=st.integers(1, 2_000),
        at_most_minor=maybe(st.integers(2_000, 9_000)),
        select=selects,
        per=st.sampled_from(Per),
        base=maybe(bases),
    ),
    asks.Tender: st.builds(asks.Tender, any_of=some(TENDERS)),
    asks.Code: st.builds(asks.Code, any_of=some(CODES)),
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
