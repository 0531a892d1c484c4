"""Why a rule did not apply, and what would change that, in words: for the glass, for the command line, for HQ alike.

Everything is said in Chinese and in English. Amounts are minor units shown in the currency, whole ones without decimals
(``30``, ``12.50``), points in the unit people see.
"""

from collections.abc import Callable, Sequence

from contract.calendar import local_minute_text
from contract.money import SCALE, format_minor
from contract.trace import AppliedEffect, Given
from rules.advice.nearest import Nearest
from rules.engine.shortfall import Shortfall, Why
from rules.explain import Words, points_text
from rules.grammar.pack import Pack

MOST_NAMES = 4
"""How many of the names that would do are listed."""
_WEEKDAYS = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")
_WEEKDAYS_EN = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def hint(shortfall: Shortfall, pack: Pack) -> Words:
    """Return why a rule of ``pack`` did not apply: ``("还差 12.50 元", "12.50 short of the amount")``. Of several
    reasons all are told, of alternatives that any would do.
    """
    if shortfall.parts:
        told = [hint(part, pack) for part in shortfall.parts]
        told = list(dict.fromkeys(told))
        if shortfall.any_would_do:
            return "，或".join(zh for zh, _en in told), ", or ".join(en for _zh, en in told)
        return "；".join(zh for zh, _en in told), "; ".join(en for _zh, en in told)
    if shortfall.why is Why.WEEKDAY:
        days = [int(day) - 1 for day in shortfall.wanted if day.isdecimal() and 1 <= int(day) <= 7]
        return (
            f"限{'、'.join(_WEEKDAYS[day] for day in days)}",
            f"only on {', '.join(_WEEKDAYS_EN[day] for day in days)}",
        )
    zh, en = _reason(shortfall, pack)
    day, _t, minute = ("" if shortfall.at is None else local_minute_text(shortfall.at)).partition("T")
    # A clock alone names no day: another condition may exclude the next one.
    when = minute if shortfall.why is Why.CLOCK else day if minute == "00:00" else f"{day} {minute}"
    names, names_en = _listed(shortfall.wanted, "、"), _listed(shortfall.wanted, ", ")
    return zh.format(names=names, when=when), en.format(names=names_en, when=when)


def advice(nearest: Nearest, pack: Pack) -> Words:
    """Return the nearest change and what it brings: ``("再消费 12.50 元可减 30", "Spend 12.50 more to save 30")``."""
    zh, en = _step(nearest, pack)
    gain, gain_en = gained(nearest.effects, pack)
    return f"{zh}{gain}", f"{en} {gain_en}"


def gained(effects: Sequence[AppliedEffect], pack: Pack) -> Words:
    """Return what a rule gives, as the end of a sentence: ``("可减 30", "to save 30")``."""
    off = sum(effect.off_minor for effect in effects)
    points = sum(effect.points for effect in effects)
    bonus = sum(effect.bonus_minor for effect in effects)
    stored = sum(effect.stored_minor for effect in effects)
    given = [item for effect in effects for item in (*effect.gifts, *effect.coupons, *effect.counts)]
    if off:
        _zh, shown = amount(off, pack)
        return f"可减 {shown}", f"to save {shown}"
    if points:
        shown = points_text(points, pack.points_scale)
        return f"可得 {shown} 分", f"to earn {shown} points"
    if given:
        listed = _given(given)
        return f"可得 {listed}", f"to get {listed}"
    if bonus:
        zh, en = amount(bonus, pack)
        return f"可返 {zh}到储值", f"to get {en} into stored value"
    if stored:
        zh, en = amount(stored, pack)
        return f"可用储值付 {zh}", f"to pay {en} from stored value"
    return "即可使用", "and it applies"


def amount(minor: int, pack: Pack) -> Words:
    """Return an amount as people say it: ``("12.50 元", "12.50")`` in CNY, with the currency's code elsewhere."""
    shown = format_minor(minor)
    if not minor % SCALE:
        shown = str(minor // SCALE)
    return (f"{shown} 元", shown) if pack.currency == "CNY" else (f"{shown} {pack.currency}",) * 2


def _step(nearest: Nearest, pack: Pack) -> Words:
    missing, wanted = nearest.missing, nearest.wanted or ""
    when = "" if nearest.at is None else local_minute_text(nearest.at).replace("T", " ")
    if nearest.why is Why.MIN_SPEND:
        zh, en = amount(missing, pack)
        return f"再消费 {zh}", f"Spend {en} more"
    if nearest.why is Why.POINTS:
        shown = points_text(missing, pack.points_scale)
        return f"再有 {shown} 分", f"With {shown} more points,"
    if nearest.at is not None and not missing:
        return f"{when} 起", f"Come from {when} on"
    zh, en = _put(nearest.why, missing, wanted)
    for more in nearest.also:
        if more.why is Why.MIN_SPEND:
            spent, spent_en = amount(more.missing, pack)
            zh, en = f"{zh}，共 {spent}，", f"{en}, for {spent_en},"
        elif more.why is Why.DISTINCT:
            zh, en = f"{zh}，含 {more.missing} 种不同商品，", f"{en}, of {more.missing} more articles,"
        else:
            also, also_en = _put(more.why, more.missing, more.wanted or "")
            zh, en = f"{zh}{also}", f"{en} and {also_en[0].lower()}{also_en[1:]}"
    return zh.replace("，，", "，"), en.replace(",,", ",")


def _put(why: Why, missing: int, wanted: str) -> Words:
    zh, en = _STEPS[why]
    if why is Why.NO_ITEM and missing > 1:
        zh, en = "买 {missing} 件参加活动的商品", "Buy {missing} articles it is for"
    many = "" if missing == 1 else "s"
    return zh.format(missing=missing, wanted=wanted), en.format(missing=missing, wanted=wanted, many=many)


def _reason(shortfall: Shortfall, pack: Pack) -> Words:
    """The reason with ``{names}`` and ``{when}`` still to fill in."""
    count = _COUNTED.get(shortfall.why)
    if count is not None and shortfall.missing > 0:
        return count(shortfall.missing, pack)
    if shortfall.at is not None and shortfall.why in _COMES:
        zh, en = _REASONS[shortfall.why]
        if shortfall.why in _COMES_AGAIN:
            return f"{zh}，下一次 {{when}}", f"{en}, next on {{when}}"
        return f"{zh}，{{when}} 起", f"{en}, from {{when}} on"
    return _REASONS[shortfall.why]


def _listed(names: tuple[str, ...], between: str) -> str:
    more = "…" if len(names) > MOST_NAMES else ""
    # What stands in a name is never a place to fill in.
    return between.join(names[:MOST_NAMES]) + more


def _given(items: Sequence[Given]) -> str:
    return ", ".join(f"{item.name} × {item.count}" for item in items)


def _money(zh: str, en: str) -> Callable[[int, Pack], Words]:
    def words(missing: int, pack: Pack) -> Words:
        shown, shown_en = amount(missing, pack)
        return zh.replace("#", shown), en.replace("#", shown_en)

    return words


def _count(zh: str, en: str) -> Callable[[int, Pack], Words]:
    return lambda missing, _pack: (zh.replace("#", str(missing)), en.replace("#", str(missing)))


def _points(missing: int, pack: Pack) -> Words:
    shown = points_text(missing, pack.points_scale)
    return f"还差 {shown} 分", f"{shown} points short"


def _short_of_pool(missing: int, pack: Pack) -> Words:
    shown = points_text(missing, pack.points_scale)
    return f"商户预存的积分在本机还差 {shown} 分", f"the merchant's prepaid points here are {shown} short"


_COUNTED: dict[Why, Callable[[int, Pack], Words]] = {
    Why.MIN_SPEND: _money("还差 #", "# short of the amount"),
    Why.MAX_SPEND: _money("金额超出 #", "# above the amount"),
    Why.MIN_QUANTITY: _count("还差 # 件", "# short of the quantity"),
    Why.MAX_QUANTITY: _count("超出 # 件", "# above the quantity"),
    Why.DISTINCT: _count("还差 # 种商品", "# different articles short"),
    Why.POINTS: _points,
    Why.NTH_VISIT: _count("还差 # 次到店", "# visits short"),
    Why.LAST_VISIT: _count("距上次到店还差 # 天", "# days too soon after the last visit"),
    Why.BUDGET: _money("活动预算还差 #", "the campaign's budget lacks #"),
    Why.POOL_SHARE_USED: _short_of_pool,
    Why.BUDGET_SHARE_USED: _money("本机预算还差 #", "this terminal's share of the budget lacks #"),
}
"""Reasons that say by how much."""

_COMES = (Why.NOT_STARTED, Why.CLOCK, Why.FESTIVAL, Why.BIRTHDAY, Why.ANNIVERSARY)
"""Reasons that time mends, told with the minute from which it does."""
_COMES_AGAIN = (Why.FESTIVAL, Why.BIRTHDAY, Why.ANNIVERSARY)

_REASONS: dict[Why, Words] = {
    Why.PACK_OVER: ("规则已过有效期", "the rules are past their last day"),
    Why.PAUSED: ("规则已暂停", "the rule is paused"),
    Why.MEMBER: ("限会员", "only for members"),
    Why.NOT_MEMBER: ("限非会员", "only for those who are no members"),
    Why.TIER: ("限等级 {names}", "only for tier {names}"),
    Why.TAG: ("限标签 {names}", "only for members tagged {names}"),
    Why.SEGMENT: ("限人群 {names}", "only for segment {names}"),
    Why.CARD_TYPE: ("限卡种 {names}", "only for card type {names}"),
    Why.BIRTHDAY: ("不在生日期间", "not around the birthday"),
    Why.NTH_VISIT: ("到店次数不符", "not that visit"),
    Why.LAST_VISIT: ("距上次到店的天数不符", "the last visit was not that long ago"),
    Why.NOT_STARTED: ("尚未开始", "not started"),
    Why.EXPIRED: ("已结束", "over"),
    Why.WEEKDAY: ("不在指定的星期", "not on that day of the week"),
    Why.CLOCK: ("不在指定时段", "not at that time of day"),
    Why.FESTIVAL: ("不在 {names} 的日子", "not on a day of {names}"),
    Why.ANNIVERSARY: ("不在店庆期间", "not around the shop's anniversary"),
    Why.TIME_UNKNOWN: ("不知道时间", "the time is not known"),
    Why.SHOP: ("限门店 {names}", "only in shop {names}"),
    Why.SHOP_GROUP: ("限门店组 {names}", "only in shops of {names}"),
    Why.TERMINAL: ("限终端 {names}", "only at terminal {names}"),
    Why.CHANNEL: ("限渠道 {names}", "only through channel {names}"),
    Why.NO_ITEM: ("没有参加活动的商品", "no article it is for"),
    Why.MIN_QUANTITY: ("件数不够", "not enough units"),
    Why.MAX_QUANTITY: ("件数太多", "too many units"),
    Why.DISTINCT: ("商品种类不够", "not enough different articles"),
    Why.MIN_SPEND: ("金额不够", "the amount is not reached"),
    Why.MAX_SPEND: ("金额太高", "the amount is too high"),
    Why.TENDER: ("限支付方式 {names}", "only when paid by {names}"),
    Why.CODE: ("需出示 {names}", "needs the code {names}"),
    Why.POINTS: ("积分不够", "not enough points"),
    Why.FLAG: ("需有标记 {names}", "needs the flag {names}"),
    Why.NEGATED: ("属于除外的情况", "an exception holds"),
    Why.LIMIT_MEMBER: ("该会员的次数已用完", "this member has used it up"),
    Why.LIMIT_MEMBER_DAY: ("该会员今天的次数已用完", "this member has used it up today"),
    Why.LIMIT_SHOP_DAY: ("本店今天的次数已用完", "used up in this shop today"),
    Why.LIMIT_TOTAL: ("活动次数已用完", "used up"),
    Why.BUDGET: ("活动预算已用完", "the campaign's budget is used up"),
    Why.BUDGET_SHARE_USED: ("本机的活动份额已用完", "this terminal's share of the campaign is used up"),
    Why.POOL_SHARE_USED: ("商户预存的积分在本机已用完", "the merchant's prepaid points here are used up"),
    Why.STOCK: ("赠品 {names} 已送完", "no more of the gift {names}"),
    Why.WOULD_BE_FREE: ("积分会付清全部金额", "the points would pay everything"),
    Why.NOTHING_LEFT: ("没有可优惠的金额", "nothing left to take off or to give for"),
    Why.NOT_BEST: ("另一规则更优惠", "another rule is the better deal"),
    Why.EXCLUDED: ("被另一规则排除", "another rule excludes it"),
    Why.CONFLICT: ("与同优先级的规则冲突", "in conflict with a rule of the same priority"),
    Why.NO_TOP_UP: ("只用于储值", "only for top-ups"),
    Why.NO_REDEMPTION: ("只用于兑换", "only where a member redeems"),
    Why.TOO_MANY_EFFECTS: ("一笔销售的优惠太多", "too many effects in one sale"),
}

_STEPS: dict[Why, Words] = {
    Why.MIN_QUANTITY: ("再买 {missing} 件", "Buy {missing} more"),
    Why.NO_ITEM: ("买 1 件参加活动的商品", "Buy an article it is for"),
    Why.DISTINCT: ("再买 {missing} 种不同商品", "Buy {missing} more different article{many}"),
    Why.CODE: ("出示 {wanted}，", "Show {wanted}"),
    Why.TENDER: ("用 {wanted} 支付", "Pay by {wanted}"),
    Why.FLAG: ("有标记 {wanted} 时，", "With the flag {wanted},"),
    Why.LAST_VISIT: ("{missing} 天后再来", "Come back in {missing} day{many}"),
    Why.NTH_VISIT: ("再来 {missing} 次后", "After {missing} more visit{many}, come"),
    Why.MEMBER: ("成为会员", "Become a member"),
    Why.TIER: ("升到等级 {wanted}，", "Reach tier {wanted}"),
    Why.TAG: ("有标签 {wanted} 的会员，", "Be tagged {wanted}"),
    Why.SEGMENT: ("属于人群 {wanted} 的会员，", "Be in segment {wanted}"),
    Why.CARD_TYPE: ("用卡种 {wanted}，", "Use a card of type {wanted}"),
    Why.CHANNEL: ("通过渠道 {wanted}，", "Buy through {wanted}"),
    Why.SHOP: ("到门店 {wanted}，", "Buy in shop {wanted}"),
    Why.SHOP_GROUP: ("到门店 {wanted}，", "Buy in shop {wanted}"),
    Why.TERMINAL: ("在终端 {wanted}，", "Buy at terminal {wanted}"),
}
"""What to change, before what it brings. A change of time is told with the time instead."""
