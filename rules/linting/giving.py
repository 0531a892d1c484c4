"""Rules that give without bound, rules that together go below a floor, and sales with too many effects for a journal.

Each is shown by a basket that was priced: what the rule gives, what the line would come to, which rules no longer fit.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from contract.basket import MAX_QUANTITY, Basket, BasketLine
from contract.money import MAX_AMOUNT_MINOR, format_minor
from contract.trace import AppliedEffect
from rules.advice.example import Example
from rules.advice.example_facts import Literal, facts_for, ways
from rules.advice.goods import Goods
from rules.advice.more_goods import try_out
from rules.advice.trial import Trial, without_floors
from rules.crowding import most_effects
from rules.engine.acting import MAX_EFFECTS
from rules.engine.compiled import Compiled, selects_of
from rules.engine.shortfall import Why
from rules.explain import Words, points_text
from rules.grammar import conditions as asks
from rules.grammar import money, rewards
from rules.grammar.effects import Effect, MoneyEffect
from rules.grammar.rule import Rule
from rules.grammar.select import ALL
from rules.linting.finding import Finding, Kind, Weight
from rules.linting.reach import certain
from rules.rounding import BASIS_POINTS

MOST_STACKED = 40
"""How many rules are put onto one article."""
_STACKED_WHEN_CROWDED = 2 * MAX_EFFECTS


def unbounded(found: Example, compiled: Compiled) -> Iterator[Finding]:
    """A rule that gives in every sale, with no limit, threshold or cap: wrong where it gives without anything being
    bought for it, a note where what it gives grows with what is paid.
    """
    rule = found.rule
    if found.trial is None or not found.applies or _limited(rule) or _earned(rule):
        return
    for place, effect in enumerate(rule.then):
        trial = found.trial
        freely = _gives_freely(effect)
        if not freely and isinstance(effect, money.Amount) and _anywhere(effect):
            # The smallest basket it can be had with: goods for no more than what it takes off.
            paid = BasketLine("item-1", 1, max(1, min(effect.off_minor, MAX_AMOUNT_MINOR)))
            small = try_out(replace(trial.basket, lines=(paid,)), compiled)
            if small is not None and small.applied(rule.rule) and small.priced.payable_by_line[0] == 0:
                trial, freely = small, True
        applied = [one for one in trial.effects(rule.rule) if one.part == place]
        if not applied:
            continue
        zh, en = _given(applied[0], compiled)
        if freely or (_takes_money(effect) and trial.priced.list_minor and applied[0].off_minor == _whole(trial)):
            words = (
                f"没有限额和门槛，每笔销售都给：{zh}",
                f"has no limit and no threshold, and gives in every sale: {en}",
            )
            yield Finding(rule.rule, Kind.UNBOUNDED, Weight.WRONG, words, trial.basket)
            return
        if _grows(effect):
            words = (
                f"没有限额和上限，随金额增长：这里 {zh}",
                f"has no limit and no cap, and grows with the sale: here {en}",
            )
            yield Finding(rule.rule, Kind.UNBOUNDED, Weight.NOTE, words, trial.basket)
            return


def _whole(trial: Trial) -> int:
    return sum(line.list_minor for line in trial.basket.lines)


def _limited(rule: Rule) -> bool:
    limits = rule.limits
    counts = (limits.per_member, limits.per_member_day, limits.per_shop_day, limits.total)
    return any(limit is not None for limit in (*counts, limits.budget_minor, limits.cap_minor))


def _earned(rule: Rule) -> bool:
    """Whether something must be bought, shown or paid in points for the rule, or happens once."""
    if any(isinstance(effect, rewards.CostPoints) for effect in rule.then):
        return True
    for condition, holds in certain(rule):
        match condition:
            case asks.Spend(at_least_minor=least) | asks.Quantity(at_least=least) if holds and least:
                return True
            case asks.Distinct() | asks.Code() | asks.Visit(every=False) if holds:
                return True
    return False


def _gives_freely(effect: Effect) -> bool:
    match effect:
        case (
            rewards.Gift(every=None)
            | rewards.PointsBonus()
            | rewards.IssueCoupon()
            | rewards.GrantCounts(per_unit=False)
        ):
            return True
        case rewards.Rebate():
            return effect.minor > 0
    return False


def _anywhere(effect: money.Amount) -> bool:
    return effect.select == ALL and effect.ladder is None and effect.off_minor > 0


def _takes_money(effect: Effect) -> bool:
    """Whether an effect could make a whole basket free, and nothing has to be bought beside it."""
    return isinstance(effect, money.Percent | money.Amount | money.FixedPrice) and not (
        isinstance(effect, money.Percent | money.Amount) and effect.ladder is not None
    )


def _grows(effect: Effect) -> bool:
    match effect:
        case money.Percent():
            return effect.cap_minor is None and effect.rate_bp < BASIS_POINTS
        case rewards.PointsTimes():
            return effect.cap_points is None
        case rewards.Rebate():
            return effect.rate_bp > 0
    return False


def _given(effect: AppliedEffect, compiled: Compiled) -> Words:
    if effect.off_minor:
        return f"减 {format_minor(effect.off_minor)}", f"{format_minor(effect.off_minor)} off"
    if effect.points:
        shown = points_text(effect.points, compiled.pack.points_scale)
        return f"{shown} 分", f"{shown} points"
    if effect.bonus_minor:
        shown = format_minor(effect.bonus_minor)
        return f"返 {shown}", f"{shown} into stored value"
    shown = ", ".join(f"{item.name} × {item.count}" for item in (*effect.gifts, *effect.coupons, *effect.counts))
    return shown, shown


# --- floors ----------------------------------------------------------------------------------------------------------


def below_floors(baskets: Sequence[Basket], compiled: Compiled, goods: Goods) -> Iterator[Finding]:
    """Goods that the rules together want to take below their floor: in ``baskets`` as they are, and each known article
    with as many rules on it as can meet.
    """
    told: set[str] = set()
    by_sku, general = _money_rules(compiled)
    stacked = (
        basket
        for line in goods.known
        if line.floor_minor
        for basket in _stacks(line, [*by_sku.get(line.sku, ()), *general], compiled, goods, MOST_STACKED)
    )
    for basket in (*baskets, *stacked):
        if not any(line.floor_minor and line.sku not in told for line in basket.lines):
            continue
        trial, free = try_out(basket, compiled), try_out(without_floors(basket), compiled)
        if trial is None or free is None:
            continue
        for place, line in enumerate(basket.lines):
            wanted, held = free.priced.payable_by_line[place], trial.priced.payable_by_line[place]
            floor = min(line.floor_minor * line.quantity, line.list_minor)
            if line.sku not in told and line.weight_g is None and wanted < floor <= held:
                told.add(line.sku)
                yield _below(line, place, wanted, trial, free)


def _below(line: BasketLine, place: int, wanted: int, trial: Trial, free: Trial) -> Finding:
    taken: dict[str, int] = {}
    for effect in free.priced.effects:
        off = sum(share.off_minor * share.units for share in effect.shares if share.line == place)
        if off:
            taken[effect.rule] = taken.get(effect.rule, 0) + off
    rules = sorted(taken, key=lambda rule: (-taken[rule], rule))
    floor, units = format_minor(line.floor_minor * line.quantity), f"{line.quantity} of {line.sku}"
    together, together_en = ("合起来", "together with") if len(rules) > 1 else ("", "")
    others, others_en = "、".join(rules[1:]), ", ".join(rules[1:])
    beside, beside_en = (f"与 {others} {together}", f"{together_en} {others_en} ") if others else ("", "")
    words = (
        f"{beside}要把 {line.quantity} 件 {line.sku} 减到 {format_minor(wanted)}，低于底价 {floor}；按底价收",
        f"{beside_en}wants {units} at {format_minor(wanted)}, below the floor of {floor}, which holds",
    )
    return Finding(rules[0] if rules else "", Kind.BELOW_FLOOR, Weight.NOTE, words, trial.basket, tuple(rules[1:]))


def _money_rules(compiled: Compiled) -> tuple[dict[str, list[Rule]], list[Rule]]:
    """The rules that take money off: by the articles they name, and those that name none."""
    by_sku: dict[str, list[Rule]] = {}
    general: list[Rule] = []
    for rule in compiled.rules:
        if rule.paused or not any(isinstance(effect, MoneyEffect) for effect in rule.then):
            continue
        selects = [select for effect in rule.then if isinstance(effect, MoneyEffect) for select in selects_of(effect)]
        if all(select.skus for select in selects):
            for sku in dict.fromkeys(sku for select in selects for sku in select.skus):
                by_sku.setdefault(sku, []).append(rule)
        else:
            general.append(rule)
    return by_sku, general


def _stacks(line: BasketLine, rules: Sequence[Rule], compiled: Compiled, goods: Goods, most: int) -> Iterator[Basket]:
    """Baskets of one article that meet as many of ``rules`` as one customer at one time can."""
    fitting = [
        rule
        for rule in rules
        if any(goods.takes(select, line) for effect in rule.then for select in selects_of(effect)) or not _selects(rule)
    ][: 4 * most]
    for in_order in (fitting, fitting[::-1]) if len(fitting) > 1 else (fitting,):
        way: tuple[Literal, ...] = ()
        basket: Basket | None = None
        stacked = 0
        for rule in in_order:
            for more in ways(rule.when)[0][:2]:
                facts = facts_for((*way, *more), compiled.pack, wants_member=True)
                facts = facts if isinstance(facts, Basket) else facts_for((*way, *more), compiled.pack)
                if isinstance(facts, Basket):
                    way, basket, stacked = (*way, *more), facts, stacked + 1
                    break
            if stacked == most:
                break
        if basket is not None:
            for quantity in _quantities(way, in_order, line):
                yield replace(basket, lines=(replace(line, quantity=quantity),))


def _selects(rule: Rule) -> bool:
    return any(True for effect in rule.then for _select in selects_of(effect))


def _quantities(way: Sequence[Literal], rules: Sequence[Rule], line: BasketLine) -> list[int]:
    """How many units to try: one, some, and as many as the thresholds ask for."""
    units, minor = [1], [0]
    for condition, holds in way:
        match condition:
            case asks.Spend(at_least_minor=least) if holds:
                minor.append(least)
            case asks.Quantity(at_least=least) if holds:
                units.append(least)
    for rule in rules:
        for effect in rule.then:
            match effect:
                case money.SpendSave():
                    minor += [step.spend_minor for step in effect.steps]
                case money.NthUnit():
                    units.append(effect.nth)
                case money.AnyFor():
                    units.append(effect.units)
                case money.BuyGet():
                    units.append(effect.buy.quantity + effect.get.quantity)
    price = max(1, line.unit_price_minor)
    wanted = {1, max(units), *(-(-amount // price) for amount in minor if amount)}
    # What earlier rules leave of a threshold may be less than it: twice as many reach it.
    wanted |= {count * 2 for count in wanted}
    most = min(MAX_QUANTITY, MAX_AMOUNT_MINOR // price)
    return sorted(count for count in wanted if 1 <= count <= most)[:12]


# --- crowding --------------------------------------------------------------------------------------------------------


def crowded(examples: Mapping[str, Example], compiled: Compiled, goods: Goods) -> Iterator[Finding]:
    """More effects than one sale may have: shown by a basket in which rules no longer fit, or, where none was found,
    that there may be one: head office signs no such pack.
    """
    bound = most_effects(compiled.pack)
    if bound <= MAX_EFFECTS:
        return
    lines = goods.known or tuple(line for line in (goods.line(ALL),) if line is not None)
    for line in lines[:3]:
        for basket in _stacks(line, compiled.rules, compiled, goods, _STACKED_WHEN_CROWDED):
            trial = try_out(basket, compiled)
            left_out = [] if trial is None else _left_out(trial)
            if trial is not None and left_out:
                words = (
                    f"一笔销售超过 {MAX_EFFECTS} 个效果，放不下的规则有 {len(left_out)} 条",
                    f"a sale meets more than {MAX_EFFECTS} effects; {len(left_out)} rules no longer fit",
                )
                yield Finding(left_out[0], Kind.CROWDED, Weight.WRONG, words, basket, tuple(left_out[1:20]))
                return
    first = next(iter(examples), "")
    words = (
        f"一笔销售可能有 {bound} 个效果，至多容得下 {MAX_EFFECTS} 个：总部不会签发",
        f"a sale might meet {bound} effects, and holds {MAX_EFFECTS}: head office will not sign it",
    )
    yield Finding(first, Kind.CROWDED, Weight.WRONG, words, None)


def _left_out(trial: Trial) -> list[str]:
    return [
        rule for rule, missing in trial.outcomes.items() if missing is not None and missing.why is Why.TOO_MANY_EFFECTS
    ]
