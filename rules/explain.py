"""Why a price is what it is: each applied effect in words, for the glass, the receipt and HQ alike."""

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any

from contract.basket import Basket
from contract.making import dataclass
from contract.money import format_minor
from contract.trace import AppliedEffect, Given
from contract.trade import PendingPoints
from rules.called import card_called, coupon_called
from rules.grammar import money, rewards
from rules.grammar.conditions import Base
from rules.grammar.effects import Effect
from rules.grammar.pack import Pack
from rules.grammar.rule import Rule
from rules.rounding import BASIS_POINTS

Words = tuple[str, str]
"""The same in Chinese and in English."""


class Change(StrEnum):
    """What an effect changed: money off what is to pay, points earned, something given along (goods, coupons, uses,
    bonus money), or a part paid from stored value. Points spent without money off are ``COST``; of what was kept from a
    rule nothing came (``NONE``).
    """

    OFF = "off"
    POINTS = "points"
    GIVEN = "given"
    PAID = "paid"
    COST = "cost"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Explanation:
    """One effect for people: the rule's title, the reason it applied, and what it did (``-26.80``, ``+221``, ``×1``),
    in Chinese and English. ``amount`` is what ``change`` says as a number: minor units, points or pieces.
    """

    rule: str
    title: str
    title_en: str
    reason: str
    reason_en: str
    change: str
    kind: Change
    amount: int


@dataclass(frozen=True, slots=True)
class _Case:
    """An applied effect beside the words of the rule it is an effect of."""

    pack: Pack
    effect: Any
    applied: AppliedEffect

    @property
    def base(self) -> str:
        """The amount it looked at."""
        return format_minor(self.applied.base_minor)

    @property
    def off(self) -> str:
        """What it took off."""
        return format_minor(self.applied.off_minor)

    def points(self, count: int) -> str:
        """Points as people see them."""
        return points_text(count, self.pack.points_scale)


def explain(pack: Pack, effects: tuple[AppliedEffect, ...]) -> tuple[Explanation, ...]:
    """Explain effects that :func:`rules.engine.price.price` found under ``pack``, in their order. Effects of rules not
    in the pack are told by the rule's name and what they did.
    """
    by_name = {rule.rule: rule for rule in pack.rules}
    return tuple(_explain(pack, by_name.get(effect.rule), effect) for effect in effects)


def withheld(pack: Pack, basket: Basket, pending: Iterable[PendingPoints] = ()) -> tuple[Explanation, ...]:
    """Explain what rules did not give of ``basket`` because this terminal's share does not suffice: of a campaign, of
    points that a merchant pays for in advance (``pending`` of them are to come), of a gift in stock.
    """
    by_name = {rule.rule: rule for rule in pack.rules}
    found = [
        Explanation(usage.rule, rule.title, rule.title_en, *_SHARE_USED, "—", Change.NONE, 0)
        for usage in basket.usage
        if (usage.share_minor is not None or usage.share_uses is not None) and (rule := by_name.get(usage.rule))
    ]
    found += [
        Explanation(usage.rule, rule.title, rule.title_en, *_MEMBER_USED, "—", Change.NONE, 0)
        for usage in basket.usage
        if (rule := by_name.get(usage.rule))
        and rule.limits.per_member is not None
        and usage.member >= rule.limits.per_member
    ]
    owed = {item.pool: item.points for item in pending}
    for share in basket.pools:
        points = owed.get(share.pool)
        words, change = _POOL_USED, "—"
        if points is not None:
            words, change = _POOL_PENDING, f"(+{points_text(points, pack.points_scale)})"
        kind = Change.NONE if points is None else Change.POINTS
        titles = f"{share.pool} 的积分", f"Points of {share.pool}"
        found.append(Explanation(share.pool, *titles, *words, change, kind, 0))
    for stock in basket.stock:
        titles = f"赠品 {stock.sku}", f"Gift {stock.sku}"
        found.append(Explanation(stock.sku, *titles, *_STOCK_USED, "—", Change.NONE, 0))
    return tuple(found)


def explain_by_name(effects: tuple[AppliedEffect, ...], points_scale: int) -> tuple[Explanation, ...]:
    """Explain effects whose pack is no longer kept, by the names of the rules and what they did."""
    return tuple(_told(effect.rule, effect.rule, ("", ""), effect, points_scale, effect.rule) for effect in effects)


def _explain(pack: Pack, rule: Rule | None, applied: AppliedEffect) -> Explanation:
    if rule is None or applied.part >= len(rule.then):
        return explain_by_name((applied,), pack.points_scale)[0]
    effect: Effect = rule.then[applied.part]
    reason = _REASONS[type(effect)](_Case(pack, effect, applied))
    return _told(rule.title, rule.title_en, reason, applied, pack.points_scale, rule.rule)


def _told(title: str, title_en: str, reason: Words, applied: AppliedEffect, scale: int, rule: str) -> Explanation:
    kind, amount, change = _change(applied, scale)
    return Explanation(rule, title, title_en, *reason, change, kind, amount)


def _change(applied: AppliedEffect, scale: int) -> tuple[Change, int, str]:
    """What an effect did, as its kind, as a number and as people read it."""
    given = sum(item.count for item in (*applied.gifts, *applied.coupons, *applied.counts))
    off = applied.rounding_minor - applied.off_minor
    if off:
        return Change.OFF, off, f"+{format_minor(off)}" if off > 0 else format_minor(off)
    if applied.bonus_minor:
        return Change.GIVEN, applied.bonus_minor, f"+{format_minor(applied.bonus_minor)}"
    if applied.points:
        return Change.POINTS, applied.points, f"+{points_text(applied.points, scale)}"
    if given:
        return Change.GIVEN, given, f"×{given}"
    if applied.stored_minor:
        return Change.PAID, -applied.stored_minor, format_minor(-applied.stored_minor)
    if applied.points_spent:
        return Change.COST, -applied.points_spent, f"-{points_text(applied.points_spent, scale)}"
    return Change.OFF, 0, format_minor(0)


_SHARE_USED = ("本机的活动份额已用完", "this till's share is used up")
_MEMBER_USED = ("该会员的次数已用完", "this member has used it up")
_POOL_USED = ("商户预存的积分已用完，本单不给", "the merchant's prepaid points are used up")
_POOL_PENDING = ("商户预存的积分已用完，补足后到账", "to come once the merchant has paid for them")
_STOCK_USED = ("本机的赠品份额已用完", "this till's share of the gift is used up")


def fold(rate_bp: int) -> str:
    """Return what is left to pay as Chinese shops say it: 1,000 basis points off is ``9``, 1,250 is ``8.75``."""
    return _trimmed(BASIS_POINTS - rate_bp, BASIS_POINTS // 10)


def percent(rate_bp: int) -> str:
    """Return ``10 %`` for 1,000 basis points, ``12.5 %`` for 1,250."""
    return f"{_trimmed(rate_bp, BASIS_POINTS // 100)} %"


def points_text(points: int, scale: int) -> str:
    """Return points as people see them: 22,150 at 100 to the point is ``221.5``. A scale that is no power of ten leaves
    a fraction, ``7 1/3``.
    """
    if points < 0:
        return f"-{points_text(-points, scale)}"
    if scale == 10 ** (len(str(scale)) - 1):
        return _trimmed(points, scale)
    whole, rest = divmod(points, scale)
    return f"{whole} {rest}/{scale}" if rest else str(whole)


def _trimmed(number: int, unit: int) -> str:
    """``number`` as a decimal of ``unit`` (a power of ten), without trailing zeros."""
    whole, rest = divmod(number, unit)
    digits = str(rest).rjust(len(str(unit)) - 1, "0").rstrip("0")
    return f"{whole}.{digits}" if digits else str(whole)


def _discount(rate_bp: int) -> Words:
    """A rate off as people say it."""
    if rate_bp == BASIS_POINTS:
        return "免费", "free"
    return ("半价", "half price") if rate_bp * 2 == BASIS_POINTS else (f"{fold(rate_bp)}折", f"{percent(rate_bp)} off")


def _percent(case: _Case) -> Words:
    if case.effect.ladder is not None:
        return _by_ladder(case)
    rate_bp = case.effect.rate_bp
    capped = case.effect.cap_minor is not None and case.applied.off_minor == case.effect.cap_minor
    most, most_en = ("，减到上限", ", at its cap") if capped else ("", "")
    if rate_bp == BASIS_POINTS:
        return f"{case.base} 免费{most}", f"{case.base} free{most_en}"
    return f"{case.base} 打{fold(rate_bp)}折{most}", f"{percent(rate_bp)} off {case.base}{most_en}"


def _by_ladder(case: _Case) -> Words:
    return f"{case.base} 按阶梯减{case.off}", f"{case.off} off {case.base}, by its steps"


def _amount(case: _Case) -> Words:
    if case.effect.ladder is not None:
        return _by_ladder(case)
    off = format_minor(case.effect.off_minor)
    words = {"unit": (f"每件减{off}", f"{off} off each"), "line": (f"每行减{off}", f"{off} off each line")}
    return words.get(case.effect.scope, (f"{case.base} 减{off}", f"{off} off {case.base}"))


def _fixed_price(case: _Case) -> Words:
    price = format_minor(case.effect.price_minor)
    words = {"unit": (f"每件 {price}", f"{price} each"), "line": (f"每行 {price}", f"{price} a line")}
    return words.get(case.effect.scope, (f"一口价 {price}", f"{price} together"))


def _member_price(case: _Case) -> Words:
    price = format_minor(case.applied.base_minor - case.applied.off_minor)
    return f"{case.base} 会员价 {price}", f"{case.base} for members: {price}"


def _spend_save(case: _Case) -> Words:
    reached = [step for step in case.effect.steps if step.spend_minor <= case.applied.base_minor]
    step = max(reached or case.effect.steps, key=lambda step: step.spend_minor)
    spend, save = format_minor(step.spend_minor), format_minor(step.save_minor)
    each, each_en = ("每满", " each time") if case.effect.every else ("满", "")
    return f"{case.base} 已{each}{spend}，减{save}", f"{case.base} reached {spend}: {save} off{each_en}"


def _nth_unit(case: _Case) -> Words:
    nth, (zh, en) = case.effect.nth, _discount(case.effect.rate_bp)
    return f"每{nth}件有1件{zh}", f"1 of {nth}: {en}"


def _buy_get(case: _Case) -> Words:
    buy, get, (zh, en) = case.effect.buy.quantity, case.effect.get.quantity, _discount(case.effect.rate_bp)
    if case.effect.rate_bp == BASIS_POINTS:
        return f"买{buy}送{get}", f"buy {buy}, get {get} free"
    return f"买{buy}件，另{get}件{zh}", f"buy {buy}, {get} more: {en}"


def _any_for(case: _Case) -> Words:
    price = format_minor(case.effect.price_minor)
    return f"任选{case.effect.units}件 {price}", f"any {case.effect.units} for {price}"


def _package(case: _Case) -> Words:
    price = format_minor(case.effect.price_minor)
    return f"套餐价 {price}", f"together for {price}"


def _gift(case: _Case) -> Words:
    listed = _listed(case.applied.gifts)
    return f"赠品 {listed}", f"gift: {listed}"


def _points_per_money(case: _Case) -> Words:
    spend, points = format_minor(case.effect.spend_minor), case.points(case.effect.points)
    on_list = (case.effect.base or case.pack.policies.points_base) is Base.LIST
    zh, en = ("原价", "at list price") if on_list else ("实付", "paid")
    return f"{zh} {case.base}，每 {spend} 得 {points} 分", f"{case.base} {en}, {points} for every {spend}"


def _points_per_unit(case: _Case) -> Words:
    points = case.points(case.effect.points)
    return f"每件得 {points} 分", f"{points} for each"


def _points_bonus(case: _Case) -> Words:
    return "赠送积分", "bonus points"


def _points_times(case: _Case) -> Words:
    times = _trimmed(case.effect.rate_bp, BASIS_POINTS)
    return f"积分 {times} 倍", f"{times} times the points"


def _pay_points(case: _Case) -> Words:
    spent = case.points(case.applied.points_spent)
    return f"{spent} 分抵 {case.off}", f"{spent} points pay {case.off}"


def _points_price(case: _Case) -> Words:
    points, price = case.points(case.effect.points), format_minor(case.effect.price_minor)
    spent = case.points(case.applied.points_spent)
    return f"每件 {points} 分加 {price}，用 {spent} 分", f"{points} points and {price} each, {spent} points used"


def _cost_points(case: _Case) -> Words:
    spent = case.points(case.applied.points_spent)
    return f"用 {spent} 分", f"{spent} points used"


def _issue_coupon(case: _Case) -> Words:
    templates = {item.coupon: item for item in case.pack.coupons}
    found = [templates[item.name] for item in case.applied.coupons if item.name in templates]
    if not found:
        listed = _listed(case.applied.coupons)
        return f"送券 {listed}", f"coupon: {listed}"
    days = found[0].valid_days
    return f"送券 {found[0].title}，{days} 天有效", f"coupon: {found[0].title_en}, valid {days} days"


def _grant_counts(case: _Case) -> Words:
    cards = {item.card: item for item in case.pack.count_cards}
    found = [cards[item.name] for item in case.applied.counts if item.name in cards]
    uses = sum(item.count for item in case.applied.counts)
    if not found:
        listed = _listed(case.applied.counts)
        return f"送次数 {listed}", f"uses: {listed}"
    return f"送 {found[0].title} {uses} 次", f"{uses} uses of {found[0].title_en}"


def _rebate(case: _Case) -> Words:
    bonus = format_minor(case.applied.bonus_minor)
    return f"返 {bonus} 到储值", f"{bonus} into stored value"


def _round_total(case: _Case) -> Words:
    step = format_minor(case.effect.to_minor)
    return f"应付取整到 {step}", f"total rounded to {step}"


def _pay_stored(case: _Case) -> Words:
    return "储值支付", "paid from stored value"


def _top_up(case: _Case) -> Words:
    """All that comes with it: what it changed is told of the first of these alone."""
    applied, bonus = case.applied, format_minor(case.applied.bonus_minor)
    parts = [(bonus, bonus)] if applied.bonus_minor else []
    if applied.points:
        points = case.points(applied.points)
        parts.append((f"{points} 分", f"{points} points"))
    named = [(coupon_called(item.name, case.pack), item.count) for item in applied.coupons]
    named += [(card_called(item.name, case.pack), item.count) for item in applied.counts]
    parts += [(f"{zh} × {count}", f"{en} × {count}") for (zh, en), count in named]
    listed = " + ".join(zh for zh, _en in parts), " + ".join(en for _zh, en in parts)
    return f"充值送 {listed[0]}".rstrip(), f"top-up brings {listed[1]}".strip()


def _redeem(case: _Case) -> Words:
    return redeem_cost(case.effect, case.pack)


def redeem_cost(effect: rewards.Redeem, pack: Pack) -> Words:
    """What it costs to redeem something: points, uses of a count card, or a coupon where it is neither."""
    zh, en = list[str](), list[str]()
    if effect.points:
        shown = points_text(effect.points, pack.points_scale)
        zh.append(f"{shown} 分")
        en.append(f"{shown} points")
    if effect.card is not None:
        titles = card_called(effect.card, pack)
        zh.append(f"{titles[0]} {effect.uses} 次")
        en.append(f"{effect.uses} of {titles[1]}")
    return " + ".join(zh) or "凭券", " + ".join(en) or "with the coupon"


def _listed(given: tuple[Given, ...]) -> str:
    return ", ".join(f"{item.name} × {item.count}" for item in given)


_REASONS: dict[type, Callable[[_Case], Words]] = {
    money.Percent: _percent,
    money.Amount: _amount,
    money.FixedPrice: _fixed_price,
    money.MemberPrice: _member_price,
    money.SpendSave: _spend_save,
    money.NthUnit: _nth_unit,
    money.BuyGet: _buy_get,
    money.AnyFor: _any_for,
    money.Package: _package,
    rewards.Gift: _gift,
    rewards.PointsPerMoney: _points_per_money,
    rewards.PointsPerUnit: _points_per_unit,
    rewards.PointsBonus: _points_bonus,
    rewards.PointsTimes: _points_times,
    rewards.PayPoints: _pay_points,
    rewards.PointsPrice: _points_price,
    rewards.CostPoints: _cost_points,
    rewards.IssueCoupon: _issue_coupon,
    rewards.GrantCounts: _grant_counts,
    rewards.Rebate: _rebate,
    rewards.RoundTotal: _round_total,
    rewards.PayStored: _pay_stored,
    rewards.TopUp: _top_up,
    rewards.Redeem: _redeem,
}
"""For each kind of effect what is said of one that applied."""
