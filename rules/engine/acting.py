"""One rule acts on a view: its limits are asked, its conditions, then each of its effects."""

from collections.abc import Callable
from typing import Any

from contract.basket import RuleUsage
from rules.engine import combinations, discounts, rewards
from rules.engine.conditions import check_all, codes_used
from rules.engine.proposal import Proposal
from rules.engine.shortfall import Shortfall, Why
from rules.engine.units import Off, Sharing
from rules.engine.view import View
from rules.grammar import money
from rules.grammar import rewards as gives
from rules.grammar.effects import Effect
from rules.grammar.rule import NO_LIMITS, BudgetPer, Rule
from rules.takings import pool_of

Outcome = Proposal | Shortfall
MAX_EFFECTS = 200
"""How many effects a sale may have while it is priced: as many as an entry holds (``contract.trade.MAX_EFFECTS``)
and those of one more rule. So no rule is left out of a sale that an entry holds, and the work is bounded.
"""
_NO_TOP_UP = Shortfall(Why.NO_TOP_UP)
_NO_REDEMPTION = Shortfall(Why.NO_REDEMPTION)
_UNUSED = RuleUsage("unused")


def act(number: int, rule: Rule, view: View) -> None:
    """Let a rule act on ``view``, as often as it may, and note why it did not where it does not."""
    for time in range(rule.limits.per_sale):
        missing = refused(rule, view, time) or _once(number, rule, view)
        if missing is not None:
            if not time:
                view.outcomes[number] = missing
            return
        view.outcomes[number] = None


def refused(rule: Rule, view: View, times: int = 0) -> Shortfall | None:
    """Why a rule may not act now: its pack over, paused, a limit used up, a condition that does not hold. None where it
    may.
    """
    if view.facts.over:
        return Shortfall(Why.PACK_OVER)
    if rule.paused:
        return Shortfall(Why.PAUSED)
    if rule.limits is not NO_LIMITS or view.facts.is_told:
        missing = _limited(rule, view, times)
        if missing is not None:
            return missing
    return check_all(rule.when, view)


def propose(effect: Effect, view: View) -> Outcome:
    """What an effect would do to ``view``. Nothing is taken off any more once the total is rounded or paid from stored
    value: what was rounded or paid would no longer be so.
    """
    found = _EFFECTS[type(effect)](effect, view)
    if (view.rounding_minor or view.stored_minor) and isinstance(found, Proposal) and found.offs:
        return Shortfall(Why.NOTHING_LEFT)
    return found if view.only is None or isinstance(found, Shortfall) else on_lines(found, view.only)


def on_lines(found: Proposal, lines: frozenset[int]) -> Outcome:
    """What of a proposal falls on these lines; what points are spent on, whole or not at all."""
    offs = [off for off in found.offs if off[0] in lines]
    if len(offs) < len(found.offs) and (not offs or found.points_spent):
        return Shortfall(Why.NOT_BEST)
    found.offs = offs
    found.part = [off for off in found.part if off[0] in lines]
    return found


def commit(number: int, place: int, found: Proposal, view: View) -> None:
    """Do what was proposed."""
    if found.offs:
        view.units.take(found.offs, found.used)
    if found.used:
        view.units.take(found.part, True)
    view.earned += found.points
    view.spent += found.points_spent
    view.bonus_minor += found.bonus_minor
    view.stored_minor += found.stored_minor
    view.rounding_minor += found.rounding_minor
    for given in found.gifts:
        if given.name in view.stock:
            view.stock[given.name] -= given.count
    view.effects.append((number, place, found))


def _once(number: int, rule: Rule, view: View) -> Shortfall | None:
    """One application; all of it or nothing."""
    if len(view.effects) + len(rule.then) > MAX_EFFECTS:
        return Shortfall(Why.TOO_MANY_EFFECTS)
    codes = codes_used(rule.when, view) if view.facts.codes else ()
    if len(rule.then) == 1:
        found = propose(rule.then[0], view)
        if isinstance(found, Proposal) and (rule.limits is not NO_LIMITS or view.facts.is_told):
            found = _within_limits(number, rule, found, view)
        if isinstance(found, Shortfall):
            return found
        found.codes = codes
        commit(number, 0, found, view)
        return None
    return _several(number, rule, codes, view)


def _several(number: int, rule: Rule, codes: tuple[str, ...], view: View) -> Shortfall | None:
    """An application of more than one effect, tried on a fork. What the rule costs is taken last: a rule that gives
    nothing costs nothing.
    """
    fork = view.copy()
    first: Shortfall | None = None
    gave = False
    costs = [place for place, effect in enumerate(rule.then) if isinstance(effect, gives.CostPoints)]
    others = [place for place in range(len(rule.then)) if place not in costs]
    for place in others:
        found = propose(rule.then[place], fork)
        if isinstance(found, Proposal):
            found = _within_limits(number, rule, found, fork)
        if isinstance(found, Proposal):
            found.codes = codes
            commit(number, place, found, fork)
            gave = True
        elif found.why in (Why.BUDGET, Why.BUDGET_SHARE_USED):
            return found
        else:
            first = first or found
    if others and not gave:
        return first
    for place in costs:
        found = propose(rule.then[place], fork)
        if isinstance(found, Shortfall):
            return found
        found.codes = codes
        commit(number, place, found, fork)
    view.adopt(fork)
    return None


def _limited(rule: Rule, view: View, times: int) -> Shortfall | None:
    """Which count of the rule's limits is used up, if any."""
    limits = rule.limits
    usage = view.facts.usage.get(rule.rule, _UNUSED)
    if view.facts.customer is None and (limits.per_member is not None or limits.per_member_day is not None):
        # Whom nobody knows, nobody can count.
        return Shortfall(Why.MEMBER)
    if usage.share_uses is not None and times >= usage.share_uses:
        return Shortfall(Why.BUDGET_SHARE_USED)
    for limit, used, why in (
        (limits.per_member, usage.member, Why.LIMIT_MEMBER),
        (limits.per_member_day, usage.member_today, Why.LIMIT_MEMBER_DAY),
        (limits.per_shop_day, usage.today, Why.LIMIT_SHOP_DAY),
        (limits.total, usage.total, Why.LIMIT_TOTAL),
    ):
        if limit is not None and used + times >= limit:
            return Shortfall(why)
    return None


def _within_limits(number: int, rule: Rule, found: Proposal, view: View) -> Outcome:
    """``found`` as far as the rule's cap and budget let it be. What points are spent on is given whole or not at all.
    Bonus money is given too, so that a budget pays for it.
    """
    if found.points and view.facts.pools and (missing := _unfunded(rule, found, view)):
        return Shortfall(Why.POOL_SHARE_USED, missing)
    limits, usage = rule.limits, view.facts.usage.get(rule.rule)
    share = None if usage is None else usage.share_minor
    if limits.cap_minor is None and limits.budget_minor is None and share is None:
        return found
    acted = [other for its, _place, other in view.effects if its == number]
    off = found.off_minor
    if limits.cap_minor is not None and off:
        policies = view.facts.pack.policies
        how = Sharing(policies.split, policies.percent_rounding)
        found.offs = discounts.capped(found.offs, limits.cap_minor - sum(other.off_minor for other in acted), view, how)
        if not found.offs:
            return Shortfall(Why.NOTHING_LEFT)
    given = sum(other.off_minor + other.bonus_minor for other in acted)
    rests = []
    if limits.budget_minor is not None:
        rests.append((limits.budget_minor - (0 if usage is None else usage.given_minor) - given, Why.BUDGET))
    if share is not None:
        rests.append((share - given, Why.BUDGET_SHARE_USED))
    for rest, why in rests:
        wanted = found.off_minor + found.bonus_minor
        fitting = _fitting(found.offs, rest - found.bonus_minor, limits.budget_per)
        if wanted and (found.bonus_minor > rest or (found.offs and not fitting)):
            return Shortfall(why, wanted - max(0, rest))
        found.offs = fitting
    if found.points_spent and found.off_minor < off:
        return Shortfall(Why.NOTHING_LEFT)
    return found


def _unfunded(rule: Rule, found: Proposal, view: View) -> int:
    """How many points are missing for ``found`` in what a merchant has paid for and is here: given whole or not."""
    pools = view.facts.pools
    found.pool = pool_of(rule.funded_by, view.facts.basket.shop, pools)
    if found.pool is None:
        return 0
    given = sum(other.points for _number, _place, other in view.effects if other.pool == found.pool)
    return max(0, given + found.points - pools[found.pool])


def _fitting(offs: list[Off], rest: int, per: BudgetPer) -> list[Off]:
    """The offs that a budget's rest pays for: all or none, or those lines that fit one after another."""
    if per is BudgetPer.APPLICATION:
        return offs if sum(count * off for _line, _unit, count, off in offs) <= rest else []
    kept: list[Off] = []
    for line in dict.fromkeys(off[0] for off in offs):
        of_line = [off for off in offs if off[0] == line]
        total = sum(count * off for _line, _unit, count, off in of_line)
        if total <= rest:
            kept += of_line
            rest -= total
    return kept


_EFFECTS: dict[type, Callable[[Any, View], Outcome]] = {
    money.Percent: discounts.percent,
    money.Amount: discounts.amount,
    money.FixedPrice: discounts.fixed_price,
    money.MemberPrice: discounts.member_price,
    money.SpendSave: discounts.spend_save,
    money.NthUnit: combinations.nth_unit,
    money.BuyGet: combinations.buy_get,
    money.AnyFor: combinations.any_for,
    money.Package: combinations.package,
    gives.Gift: rewards.gift,
    gives.PointsPerMoney: rewards.points_per_money,
    gives.PointsPerUnit: rewards.points_per_unit,
    gives.PointsBonus: rewards.points_bonus,
    gives.PointsTimes: rewards.points_times,
    gives.PayPoints: rewards.pay_points,
    gives.PointsPrice: rewards.points_price,
    gives.CostPoints: rewards.cost_points,
    gives.IssueCoupon: rewards.issue_coupon,
    gives.GrantCounts: rewards.grant_counts,
    gives.Rebate: rewards.rebate,
    gives.RoundTotal: rewards.round_total,
    gives.PayStored: rewards.pay_stored,
    gives.TopUp: lambda _effect, _view: _NO_TOP_UP,
    gives.Redeem: lambda _effect, _view: _NO_REDEMPTION,
}
