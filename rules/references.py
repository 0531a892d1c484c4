"""Whether a pack makes sense as a whole: names used once, references that lead somewhere, figures that can hold.

What single fields may hold is declared with them; here is what takes two to be wrong. Paths are those of the authored
form: ``rules[3].when[0].spend.at_least_minor``.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TypeAlias

from contract.making import dataclass
from contract.money import MAX_AMOUNT_MINOR
from contract.named import names_of
from rules.grammar import conditions as asked
from rules.grammar import rewards as gives
from rules.grammar.conditions import CONDITION, MOST_NESTED, Condition, leaves
from rules.grammar.effects import EFFECT, Effect
from rules.grammar.money import Amount, BuyGet, Ladder, Package, Percent, SpendSave
from rules.grammar.pack import Pack, Zone
from rules.grammar.rule import Lane, Rule
from rules.grammar.select import ALL, Select
from rules.mistakes import once, refer, require_ascending, wrong
from rules.most_points import require_bounded_points
from rules.rounding import BASIS_POINTS, Rounding, part

MOST_CONDITIONS = 200_000
"""How many conditions all rules of a pack may have together."""

MOST_STOREYS = 8
"""How many item sets may be built on each other, the lowest counted."""

_WITHOUT_MONEY = frozenset(
    [
        gives.CostPoints,
        gives.Gift,
        gives.GrantCounts,
        gives.IssueCoupon,
        gives.PayStored,
        gives.PointsBonus,
        gives.PointsPerMoney,
        gives.Redeem,
        gives.PointsPerUnit,
        gives.PointsTimes,
        gives.RoundTotal,
    ]
)
"""The effects that take nothing off and give no money, whatever else they give."""

_CONDITION_NAMES = names_of(CONDITION)
_EFFECT_NAMES = names_of(EFFECT)


@dataclass(frozen=True, slots=True)
class _Known:
    """The names a pack declares, that its rules may refer to."""

    sets: frozenset[str]
    calendars: frozenset[str]
    groups: frozenset[str]
    coupons: frozenset[str]
    cards: frozenset[str]
    zones: frozenset[str]


def require_sense(pack: Pack) -> None:
    """Raise ContractError(OUT_OF_RANGE) with the path to the first thing in ``pack`` that cannot be meant."""
    once([rule.rule for rule in pack.rules], "rules", "rule")
    once([facts.shop for facts in pack.shops], "shops", "shop")
    known = _Known(
        sets=once([item.name for item in pack.sets], "sets", "name"),
        calendars=once([calendar.name for calendar in pack.calendars], "calendars", "name"),
        groups=once([group.name for group in pack.groups], "groups", "name"),
        coupons=once([coupon.coupon for coupon in pack.coupons], "coupons", "coupon"),
        cards=once([card.card for card in pack.count_cards], "count_cards", "card"),
        zones=once([zone.name for zone in pack.zones], "zones", "name"),
    )
    for index, zone in enumerate(pack.zones):
        _require_steps(zone, f"zones[{index}]")
    for index, facts in enumerate(pack.shops):
        if facts.zone is not None:
            refer(facts.zone, known.zones, "time zone", f"shops[{index}].zone")
    _require_sets(pack, known)
    count = 0
    for index, rule in enumerate(pack.rules):
        count += _require_rule(rule, f"rules[{index}]", known)
        if count > MOST_CONDITIONS:
            raise wrong(f"rules[{index}].when", f"more than {MOST_CONDITIONS} conditions in the pack")
    for index, golden in enumerate(pack.golden):
        if golden.basket.list_minor > MAX_AMOUNT_MINOR:
            raise wrong(f"golden[{index}].basket.lines", f"above the largest amount, {MAX_AMOUNT_MINOR}")
    once([f"{level.medium}, {level.assurance}" for level in pack.spending], "spending", "assurance")
    if pack.points is not None:
        once(pack.points.pools, "points", "pools")
    require_bounded_points(pack)
    _require_paid_before_earned(pack)


def _require_paid_before_earned(pack: Pack) -> None:
    """What stored value pays can only earn nothing where it has been paid by the time points are reckoned."""
    lanes, paid, earned = list(Lane), list[tuple[int, int, str]](), list[tuple[int, int]]()
    never = not pack.policies.stored_value_earns
    for index, rule in enumerate(pack.rules):
        turn = (lanes.index(rule.lane), -rule.priority)
        for place, effect in enumerate(rule.then):
            if type(effect) is gives.PayStored:
                paid.append((*turn, f"rules[{index}].then[{place}].pay_stored"))
            elif type(effect) is gives.PointsPerMoney and (never or gives.STORED_VALUE in effect.not_tenders):
                earned.append(turn)
    if paid and earned and max(paid)[:2] >= min(earned):
        detail = "stored value earns nothing here, so pay it before points: lane points, a higher priority than theirs"
        raise wrong(max(paid)[2], detail)


def _require_rule(rule: Rule, path: str, known: _Known) -> int:
    """Check one rule; returns how many conditions it has."""
    count = 0
    for index, condition in enumerate(rule.when):
        count += _require_condition(condition, f"{path}.when[{index}]", 0, known)
    for index, name in enumerate(rule.groups):
        refer(name, known.groups, "group of rules", f"{path}.groups[{index}]")
    for index, effect in enumerate(rule.then):
        here = f"{path}.then[{index}].{_EFFECT_NAMES[type(effect)]}"
        if type(effect) is gives.TopUp and any(type(other) is not gives.TopUp for other in rule.then):
            raise wrong(here, "a rule for top-ups does nothing else")
        if type(effect) is gives.Redeem:
            _require_redeem(effect, rule, here)
        _require_effect(effect, here, known)
    if rule.limits.budget_minor is not None and not any(_moves_money(effect) for effect in rule.then):
        raise wrong(f"{path}.limits.budget_minor", "a budget is money; this rule takes none off and gives none")
    return count


def _moves_money(effect: Effect) -> bool:
    """Whether an effect takes money off or gives bonus money: what counts against a budget."""
    if isinstance(effect, gives.TopUp):
        return any(step.bonus_minor for step in effect.steps)
    return type(effect) not in _WITHOUT_MONEY


# --- conditions ------------------------------------------------------------------------------------------------------


def _require_condition(condition: Condition, path: str, nested: int, known: _Known) -> int:
    """Check one condition and those inside it; returns how many they are."""
    here = f"{path}.{_CONDITION_NAMES[type(condition)]}"
    inner: Sequence[tuple[str, Condition]] = ()
    match condition:
        case asked.All(parts) | asked.Any(parts):
            inner = [(f"{here}[{index}]", item) for index, item in enumerate(parts)]
        case asked.Not(item):
            inner = [(here, item)]
        case _:
            check = _CONDITION_CHECKS.get(type(condition))
            if check is not None:
                check(condition, here, known)
            return 1
    if nested == MOST_NESTED:
        raise wrong(path, f"at most {MOST_NESTED} of all, any and not inside each other")
    return 1 + sum(_require_condition(item, place, nested + 1, known) for place, item in inner)


def _require_dates(condition: asked.Dates, path: str, _: _Known) -> None:
    if condition.first is None and condition.last is None:
        raise wrong(path, "write first, last or both")
    if condition.first is not None and condition.last is not None and condition.first > condition.last:
        raise wrong(f"{path}.last", "before first")


def _require_window(condition: asked.Window, path: str, _: _Known) -> None:
    if condition.start >= condition.end:
        raise wrong(f"{path}.end", "not after start")


def _require_clock(condition: asked.Clock, path: str, _: _Known) -> None:
    for index, hours in enumerate(condition.any_of):
        if hours.start >= hours.end:
            raise wrong(f"{path}[{index}].end", "not after start; write a span over midnight as two, up to 24:00")
    in_order = sorted(enumerate(condition.any_of), key=lambda item: item[1].start)
    for (_before, earlier), (index, later) in pairwise(in_order):
        if later.start < earlier.end:
            raise wrong(f"{path}[{index}].start", "overlaps another span")


def _require_festival(condition: asked.Festival, path: str, known: _Known) -> None:
    refer(condition.calendar, known.calendars, "calendar", path)


def _require_last_visit(condition: asked.LastVisit, path: str, _: _Known) -> None:
    if condition.at_most_days is not None and condition.at_least_days > condition.at_most_days:
        raise wrong(f"{path}.at_most_days", "below at_least_days")


def _require_quantity(condition: asked.Quantity, path: str, known: _Known) -> None:
    _require_span(condition.at_least, condition.at_most, path, "")
    _require_select(condition.select, f"{path}.select", known)


def _require_spend(condition: asked.Spend, path: str, known: _Known) -> None:
    _require_span(condition.at_least_minor, condition.at_most_minor, path, "_minor")
    _require_select(condition.select, f"{path}.select", known)


def _require_distinct(condition: asked.Distinct, path: str, known: _Known) -> None:
    _require_select(condition.select, f"{path}.select", known)


def _require_span(at_least: int, at_most: int | None, path: str, unit: str) -> None:
    if not at_least and at_most is None:
        raise wrong(path, f"asks nothing; write at_least{unit}, at_most{unit} or both")
    if at_most is not None and at_least > at_most:
        raise wrong(f"{path}.at_most{unit}", f"below at_least{unit}")


_Check: TypeAlias = Callable[..., None]
_CONDITION_CHECKS: dict[type, _Check] = {
    asked.Dates: _require_dates,
    asked.Window: _require_window,
    asked.Clock: _require_clock,
    asked.Festival: _require_festival,
    asked.LastVisit: _require_last_visit,
    asked.Quantity: _require_quantity,
    asked.Spend: _require_spend,
    asked.Distinct: _require_distinct,
}


# --- effects ---------------------------------------------------------------------------------------------------------


def _require_effect(effect: Effect, path: str, known: _Known) -> None:
    _require_select(getattr(effect, "select", ALL), f"{path}.select", known)
    check = _EFFECT_CHECKS.get(type(effect))
    if check is not None:
        check(effect, path, known)


def _require_percent(effect: Percent, path: str, known: _Known) -> None:
    if effect.ladder is not None:
        for index, step in enumerate(effect.ladder.steps):
            if step.value > BASIS_POINTS:
                raise wrong(f"{path}.ladder.steps[{index}].value", f"more than {BASIS_POINTS} basis points")
        _require_ladder(effect.ladder, f"{path}.ladder", known)


def _require_amount(effect: Amount, path: str, known: _Known) -> None:
    if effect.ladder is not None:
        _require_ladder(effect.ladder, f"{path}.ladder", known)


def _require_ladder(ladder: Ladder, path: str, known: _Known) -> None:
    require_ascending([step.at_least for step in ladder.steps], f"{path}.steps", "at_least")
    if ladder.select is not None:
        _require_select(ladder.select, f"{path}.select", known)


def _require_spend_save(effect: SpendSave, path: str, _: _Known) -> None:
    require_ascending([step.spend_minor for step in effect.steps], f"{path}.steps", "spend_minor")
    saved = 0
    for index, step in enumerate(effect.steps):
        here = f"{path}.steps[{index}].save_minor"
        if step.save_minor > step.spend_minor:
            raise wrong(here, "more than is spent")
        if step.save_minor < saved:
            raise wrong(here, "less than the step before saves")
        saved = step.save_minor
    _require_every(effect.every, len(effect.steps), effect.most_times, path)


def _require_buy_get(effect: BuyGet, path: str, known: _Known) -> None:
    _require_select(effect.buy.select, f"{path}.buy.select", known)
    _require_select(effect.get.select, f"{path}.get.select", known)


def _require_package(effect: Package, path: str, known: _Known) -> None:
    for index, piece in enumerate(effect.parts):
        _require_select(piece.select, f"{path}.parts[{index}].select", known)


def _require_coupon(effect: gives.IssueCoupon, path: str, known: _Known) -> None:
    refer(effect.coupon, known.coupons, "coupon", f"{path}.coupon")


def _require_card(effect: gives.GrantCounts, path: str, known: _Known) -> None:
    refer(effect.card, known.cards, "count card", f"{path}.card")


def _require_rebate(effect: gives.Rebate, path: str, _: _Known) -> None:
    if not effect.rate_bp and not effect.minor:
        raise wrong(path, "gives nothing; write rate_bp, minor or both")
    if part(MAX_AMOUNT_MINOR, effect.rate_bp, Rounding.DOWN) + effect.minor > MAX_AMOUNT_MINOR:
        raise wrong(f"{path}.minor", "with rate_bp, above the largest amount")


def _require_top_up(effect: gives.TopUp, path: str, known: _Known) -> None:
    require_ascending([step.amount_minor for step in effect.steps], f"{path}.steps", "amount_minor")
    _require_every(effect.every, len(effect.steps), effect.most_times, path)
    if effect.parts > 1 and not effect.every_days:
        raise wrong(f"{path}.every_days", "at least 1 day between parts")
    if effect.parts == 1 and effect.every_days:
        raise wrong(f"{path}.every_days", "only with parts")
    for index, step in enumerate(effect.steps):
        _require_top_up_step(step, f"{path}.steps[{index}]", known)


def _require_top_up_step(step: gives.TopUpStep, path: str, known: _Known) -> None:
    if not (step.bonus_minor or step.points or step.coupons or step.counts):
        raise wrong(path, "brings nothing; write bonus_minor, points, coupons or counts")
    for index, issued in enumerate(step.coupons):
        refer(issued.coupon, known.coupons, "coupon", f"{path}.coupons[{index}].coupon")
    for index, granted in enumerate(step.counts):
        refer(granted.card, known.cards, "count card", f"{path}.counts[{index}].card")


def _require_redeem(effect: gives.Redeem, rule: Rule, path: str) -> None:
    if len(rule.then) > 1:
        raise wrong(path, "a rule for what members redeem does nothing else")
    asks_code = any(isinstance(part, asked.Code) for condition in rule.when for part in leaves(condition))
    if not effect.points and effect.card is None and not asks_code:
        raise wrong(path, "costs nothing; write points or card, or let the rule ask for a code")


def _require_redeem_card(effect: gives.Redeem, path: str, known: _Known) -> None:
    if effect.card is not None:
        refer(effect.card, known.cards, "count card", f"{path}.card")
    elif effect.uses > 1:
        raise wrong(f"{path}.uses", "only with card")


def _require_every(every: bool, steps: int, most_times: int | None, path: str) -> None:
    if every and steps != 1:
        raise wrong(f"{path}.steps", "with every, exactly one step")
    if not every and most_times is not None:
        raise wrong(f"{path}.most_times", "only with every")


_EFFECT_CHECKS: dict[type, _Check] = {
    Percent: _require_percent,
    Amount: _require_amount,
    SpendSave: _require_spend_save,
    BuyGet: _require_buy_get,
    Package: _require_package,
    gives.IssueCoupon: _require_coupon,
    gives.GrantCounts: _require_card,
    gives.Rebate: _require_rebate,
    gives.TopUp: _require_top_up,
    gives.Redeem: _require_redeem_card,
}


# --- what rules refer to ---------------------------------------------------------------------------------------------


def _require_select(select: Select, path: str, known: _Known) -> None:
    if select is ALL:
        return
    low, high = select.price_min_minor, select.price_max_minor
    if low is not None and high is not None and low > high:
        raise wrong(f"{path}.price_max_minor", "below price_min_minor")
    if select.set is not None:
        refer(select.set, known.sets, "item set", f"{path}.set")


def _require_sets(pack: Pack, known: _Known) -> None:
    for index, item in enumerate(pack.sets):
        _require_select(item.select, f"sets[{index}].select", known)
    built_on = {item.name: item.select.set for item in pack.sets}
    for index, item in enumerate(pack.sets):
        path = f"sets[{index}].select.set"
        followed, below = [item.name], item.select.set
        while below is not None:
            if below in followed:
                raise wrong(path, "goes in a circle: " + " on ".join([*followed, below]))
            if len(followed) == MOST_STOREYS:
                raise wrong(path, f"at most {MOST_STOREYS} sets built on each other")
            followed.append(below)
            below = built_on[below]


def _require_steps(zone: Zone, path: str) -> None:
    if zone.steps[0].from_s:
        raise wrong(f"{path}.steps[0].from_s", "the first step begins at 0")
    require_ascending([step.from_s for step in zone.steps], f"{path}.steps", "from_s")
