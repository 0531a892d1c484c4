"""Any record of the grammar, drawn from its declaration: what may stand in a field is what its kind says."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime
from functools import cache
from typing import Any

from hypothesis import strategies as st

from contract import wire
from contract.calendar import DAY, LOCAL_MINUTE, MINUTE, YEARLY
from contract.errors import ContractError
from rules.grammar.conditions import Per
from rules.grammar.pack import Calendar, CountCard, CouponTemplate, GoldenBasket, Group, Pack, ShopFacts, Zone, ZoneStep
from rules.grammar.policies import Policies
from rules.grammar.rewards import PointsBonus, Redeem, TopUp
from rules.grammar.rule import Rule
from rules.grammar.select import ItemSet, Select
from rules.pack import GRAMMAR
from rules.references import require_sense

NAMES = ("a", "b", "c")
"""Names are drawn from these where their form allows, so that references often lead somewhere."""

SHANGHAI = Zone("Asia/Shanghai", (ZoneStep(0, 32 * 3_600),))
DECLARED = Pack(
    grammar=GRAMMAR,
    currency="CNY",
    rules=(),
    golden=(),
    zones=(SHANGHAI,),
    shops=(ShopFacts("a", "Asia/Shanghai", ("a", "b"), 618), ShopFacts("b")),
    calendars=tuple(Calendar(name, (20_000, 20_001)) for name in NAMES),
    sets=tuple(ItemSet(name, Select(categories=("a",))) for name in NAMES),
    groups=(Group("a"), Group("b"), Group("c", Per.LINE)),
    coupons=tuple(CouponTemplate(name, name, name, 0, 30) for name in NAMES),
    count_cards=tuple(CountCard(name, name, name, 365) for name in NAMES),
)
"""Everything that rules refer to by the names above."""


def records(of: type, deep: int = 2) -> st.SearchStrategy[Any]:
    """Any record of the dataclass ``of``, alternatives that hold their own kind at most ``deep`` inside each other."""
    return _records(of, deep)


@cache
def _records(of: Any, deep: int) -> st.SearchStrategy[Any]:
    drawn = {}
    for part in wire.layout(of):
        value = st.deferred(lambda kind=part.kind: values(kind, deep))  # type: ignore[misc]
        drawn[part.name] = st.just(part.default) | value if part.optional else value
    return st.builds(of, **drawn)


def values(kind: wire.Kind, deep: int) -> st.SearchStrategy[Any]:
    """Any value of ``kind``."""
    match kind.shape:
        case wire.Later(find):
            return values(find(), deep)
        case wire.Nested(of):
            return _records(of, deep)
        case wire.Several(of, least, most):
            return st.lists(values(of, deep), min_size=least, max_size=min(most, max(least, 3))).map(tuple)
        case wire.Alternatives(options):
            flat = [option for option in options.values() if deep or not _holds_its_own(option)]
            return st.sampled_from(flat).flatmap(lambda of: _records(of, deep - _holds_its_own(of)))
        case wire.Plain(_, parse):
            return _authored(kind).map(lambda plain: kind.read(parse(plain, "") if parse else plain, ""))


def _holds_its_own(of: type) -> bool:
    kinds = [part.kind for part in wire.layout(of)]
    kinds += [kind.shape.of for kind in kinds if isinstance(kind.shape, wire.Several)]
    return any(isinstance(kind.shape, wire.Later) for kind in kinds)


def _authored(kind: wire.Kind) -> st.SearchStrategy[Any]:
    days = st.dates(date(1970, 1, 1), date(2199, 12, 31))
    if kind is DAY:
        return days.map(date.isoformat)
    if kind is YEARLY:
        return days.map(lambda day: day.isoformat()[5:])
    if kind is MINUTE:
        return st.times().map(lambda time: time.isoformat("minutes")) | st.just("24:00")
    if kind is LOCAL_MINUTE:
        moments = st.datetimes(datetime(1970, 1, 1), datetime(2199, 12, 31))
        return moments.map(lambda moment: moment.isoformat(timespec="minutes"))
    assert isinstance(kind.shape, wire.Plain)
    schema: Any = kind.shape.schema
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema["type"] == "boolean":
        return st.booleans()
    if schema["type"] == "integer":
        low, high = schema["minimum"], schema["maximum"]
        return st.integers(low, min(high, low + 1_000)) | st.integers(low, high)
    pattern = schema.get("pattern", "")
    if all(re.search(pattern, name) for name in NAMES):
        return st.sampled_from(NAMES)
    if pattern:
        return st.from_regex(pattern.removesuffix("$"), fullmatch=True)
    return st.text(st.sampled_from("满减ab 9折"), min_size=schema["minLength"], max_size=min(8, schema["maxLength"]))


@st.composite
def packs(draw: st.DrawFn) -> Pack:
    """Any pack that makes sense, of up to five rules."""
    drawn = draw(st.lists(records(Rule), max_size=5))
    golden = draw(st.lists(records(GoldenBasket), min_size=1, max_size=2))
    rules = tuple(_sensible(replace(rule, rule=f"rule-{index}")) for index, rule in enumerate(drawn))
    sold = tuple(basket for basket in golden if _makes_sense(replace(DECLARED, golden=(basket,))))
    nothing = replace(golden[0], basket=replace(golden[0].basket, lines=()))
    pack = replace(DECLARED, rules=rules, golden=sold or (nothing,), policies=draw(records(Policies)))
    earning = replace(pack.policies, stored_value_earns=True)
    return pack if _makes_sense(pack) else replace(pack, rules=pack.rules[:1], policies=earning)


def _sensible(rule: Rule) -> Rule:
    """``rule`` without the conditions and effects that make no sense or do not go together, with a bonus where nothing
    is left of it, and with a budget only where it moves money.
    """
    without_budget = replace(rule.limits, budget_minor=None)
    alone = replace(rule, when=(), then=(PointsBonus(1),), limits=without_budget)
    effects = [
        effect for effect in rule.then if _makes_sense(replace(DECLARED, rules=(replace(alone, then=(effect,)),)))
    ]
    first = effects[0] if effects else None
    for_top_ups = isinstance(first, TopUp)
    if isinstance(first, Redeem):
        effects = effects[:1]
    else:
        effects = [one for one in effects if isinstance(one, TopUp) is for_top_ups and not isinstance(one, Redeem)]
    asked = [asked for asked in rule.when if _makes_sense(replace(DECLARED, rules=(replace(alone, when=(asked,)),)))]
    found = replace(rule, when=tuple(asked), then=tuple(effects) or alone.then)
    return found if _makes_sense(replace(DECLARED, rules=(found,))) else replace(found, limits=without_budget)


def _makes_sense(pack: Pack) -> bool:
    try:
        require_sense(pack)
    except ContractError:
        return False
    return True
