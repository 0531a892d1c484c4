"""The effects that give or take something other than a discount: gifts, points, coupons, counts, bonus money, the
rounding of the total and its payment from stored value.
"""

from collections import Counter

from contract.basket import MAX_POINTS
from contract.money import MAX_AMOUNT_MINOR
from contract.trace import MOST_GIVEN, Given
from rules.engine.proposal import Proposal
from rules.engine.shortfall import Shortfall, Why
from rules.engine.units import Off, Sharing, first_units, spread
from rules.engine.view import View
from rules.grammar.conditions import Base
from rules.grammar.rewards import (
    STORED_VALUE,
    CostPoints,
    Gift,
    GrantCounts,
    IssueCoupon,
    PayPoints,
    PayStored,
    PointsBonus,
    PointsPerMoney,
    PointsPerUnit,
    PointsPrice,
    PointsTimes,
    Rebate,
    RoundTotal,
)
from rules.grammar.select import Order, Select
from rules.rounding import BASIS_POINTS, Rounding, divide, part, to_step
from rules.shares import fill

Outcome = Proposal | Shortfall


def gift(effect: Gift, view: View) -> Outcome:
    """So many of an article, as far as its stock lasts."""
    times = 1
    if effect.every is not None:
        units = _count(effect.select, view)
        times = units // effect.every
        if not times:
            return Shortfall(Why.MIN_QUANTITY, effect.every - units)
    wanted = min(times * effect.quantity, MOST_GIVEN)
    count = min(wanted, view.stock.get(effect.sku, wanted))
    return Proposal(gifts=(Given(effect.sku, count),)) if count else Shortfall(Why.STOCK, 0, (effect.sku,))


def points_per_money(effect: PointsPerMoney, view: View) -> Outcome:
    """Points for money, paid or at list price."""
    if view.facts.customer is None:
        return Shortfall(Why.MEMBER)
    policies = view.facts.pack.policies
    base = effect.base or policies.points_base
    worth = max(0, _worth(effect.select, base, view) - _paid_otherwise(effect, view))
    if effect.proportional:
        points = divide(worth * effect.points, effect.spend_minor, effect.rounding or Rounding.FLOOR)
    else:
        points = worth // effect.spend_minor * effect.points
    return _points(points, effect.cap_points, worth, Shortfall(Why.MIN_SPEND, effect.spend_minor - worth), view)


def _paid_otherwise(effect: PointsPerMoney, view: View) -> int:
    """What of the selected goods is paid by means that earn nothing: each line bears its part of them by what it
    costs, so that rules for different goods count the same money once.
    """
    if not view.facts.basket.tenders and not view.stored_minor:
        return 0
    barred = set(effect.not_tenders)
    if not view.facts.pack.policies.stored_value_earns:
        barred.add(STORED_VALUE)
    if not barred:
        return 0
    paid = Counter[str]()
    for tender in view.facts.basket.tenders:
        paid[tender.kind] += tender.amount_minor
    # What the customer means to pay from stored value is what a rule has paid from it: the larger figure is both.
    paid[STORED_VALUE] = max(paid[STORED_VALUE], view.stored_minor)
    whole = sum(paid[kind] for kind in barred)
    if not whole:
        return 0
    left = view.units.left
    by_line = fill(whole, left, left)
    return sum(by_line[line] for line in view.lines(effect.select))


def points_per_unit(effect: PointsPerUnit, view: View) -> Outcome:
    """Points for every unit."""
    if view.facts.customer is None:
        return Shortfall(Why.MEMBER)
    points = _count(effect.select, view) * effect.points
    return _points(points, effect.cap_points, 0, Shortfall(Why.NO_ITEM), view)


def points_bonus(effect: PointsBonus, view: View) -> Outcome:
    """Points, once."""
    if view.facts.customer is None:
        return Shortfall(Why.MEMBER)
    return _points(effect.points, None, 0, Shortfall(Why.NOTHING_LEFT), view)


def points_times(effect: PointsTimes, view: View) -> Outcome:
    """What was earned so far, multiplied."""
    if view.facts.customer is None:
        return Shortfall(Why.MEMBER)
    points = part(view.earned, effect.rate_bp - BASIS_POINTS, Rounding.FLOOR)
    return _points(points, effect.cap_points, 0, Shortfall(Why.NOTHING_LEFT), view)


def _points(points: int, cap: int | None, base: int, otherwise: Shortfall, view: View) -> Outcome:
    points = min(points, MAX_POINTS - view.earned) if cap is None else min(points, cap, MAX_POINTS - view.earned)
    return Proposal(base, points=points) if points > 0 else otherwise


def pay_points(effect: PayPoints, view: View) -> Outcome:
    """Points as cash."""
    units = view.units
    runs = units.runs(view.lines(effect.select))
    worth = sum(run.count * run.each for run in runs)
    # Goods are counted, not what is to pay: tax on top of them goes with them.
    goods = sum(units.left)
    above_floors = sum(run.count * (run.each - units.floors[run.line]) for run in runs)
    room = min(above_floors, max(0, goods - effect.leave_minor))
    if effect.most_bp is not None:
        room = min(room, part(worth, effect.most_bp, Rounding.FLOOR))
    available = _wanted(view.points_with_earned if effect.own_points else view.points_left, view)
    if effect.most_points is not None:
        available = min(available, effect.most_points)
    if available < (1 if effect.part_steps else effect.points):
        return Shortfall(Why.POINTS, effect.points - available)
    if not room:
        return Shortfall(Why.NOTHING_LEFT)
    points, value = _points_for(room, available, effect)
    if not value:
        return Shortfall(Why.NOTHING_LEFT)
    if effect.never_free and value >= goods:
        return Shortfall(Why.WOULD_BE_FREE)
    policies = view.facts.pack.policies
    how = Sharing(effect.split or policies.split, effect.rounding or policies.percent_rounding)
    return Proposal(worth, spread(value, runs, units, how), points_spent=points)


def _wanted(available: int, view: View) -> int:
    """As many of the available points as the member still wants to use."""
    want = view.facts.basket.want_points
    return available if want is None else min(available, max(0, want - view.spent))


def _points_for(room: int, available: int, effect: PayPoints) -> tuple[int, int]:
    """How many of the available points are used, and the money they pay: never more than ``room``."""
    if effect.part_steps:
        needed = -(-room * effect.points // effect.minor)
        points = available if effect.waste else min(available, needed)
        return points, min(room, points * effect.minor // effect.points)
    steps = available // effect.points
    if not effect.waste:
        steps = min(steps, room // effect.minor)
    return steps * effect.points, min(room, steps * effect.minor)


def points_price(effect: PointsPrice, view: View) -> Outcome:
    """Some units for points and money."""
    units = view.units
    runs = [run for run in units.runs(view.lines(effect.select)) if run.each > effect.price_minor]
    if not runs:
        return Shortfall(Why.NO_ITEM)
    available = _wanted(view.points_left, view)
    count = min(effect.units, available // effect.points)
    if not count:
        return Shortfall(Why.POINTS, effect.points - available)
    units.sort(runs, Order.DEAREST)
    chosen = first_units(runs, count)
    offs: list[Off] = []
    for run in chosen:
        off = run.each - max(effect.price_minor, units.floors[run.line])
        if off > 0:
            offs.append((run.line, run.unit, run.count, off))
    bought = sum(count for _line, _unit, count, _off in offs)
    base = sum(run.count * run.each for run in chosen)
    return Proposal(base, offs, points_spent=bought * effect.points) if offs else Shortfall(Why.NOTHING_LEFT)


def cost_points(effect: CostPoints, view: View) -> Outcome:
    """Points that the rule costs, where the member wants to use so many."""
    available, want = view.points_with_earned, view.facts.basket.want_points
    if want is not None:
        available = min(available, want - view.spent)
    short = effect.points - available
    return Proposal(points_spent=effect.points) if short <= 0 else Shortfall(Why.POINTS, short)


def issue_coupon(effect: IssueCoupon, view: View) -> Outcome:
    """Coupons for later."""
    return Proposal(coupons=(Given(effect.coupon, effect.count),))


def grant_counts(effect: GrantCounts, view: View) -> Outcome:
    """Uses on a count card."""
    if view.facts.customer is None:
        return Shortfall(Why.MEMBER)
    uses = effect.uses * (_count(effect.select, view) if effect.per_unit else 1)
    return Proposal(counts=(Given(effect.card, min(uses, MOST_GIVEN)),)) if uses else Shortfall(Why.NO_ITEM)


def rebate(effect: Rebate, view: View) -> Outcome:
    """Bonus money into stored value."""
    if view.facts.customer is None:
        return Shortfall(Why.MEMBER)
    worth = _worth(effect.select, effect.base or Base.LEFT, view)
    bonus = min(MAX_AMOUNT_MINOR, part(worth, effect.rate_bp, Rounding.FLOOR) + effect.minor)
    return Proposal(worth, bonus_minor=bonus) if bonus else Shortfall(Why.NOTHING_LEFT)


def round_total(effect: RoundTotal, view: View) -> Outcome:
    """The total becomes a multiple of a step, once in a sale; what stored value has paid of it is no longer to pay."""
    if view.rounding_minor:
        return Shortfall(Why.NOTHING_LEFT)
    total = view.payable_minor - view.stored_minor
    change = to_step(total, effect.to_minor, effect.mode) - total
    return Proposal(total, rounding_minor=change) if change else Shortfall(Why.NOTHING_LEFT)


def pay_stored(effect: PayStored, view: View) -> Outcome:
    """What is left, from stored value."""
    customer = view.facts.customer
    if customer is None:
        return Shortfall(Why.MEMBER)
    left = view.payable_minor - view.stored_minor
    amount = min(left, customer.stored_minor - view.stored_minor)
    if effect.most_minor is not None:
        amount = min(amount, effect.most_minor)
    return Proposal(left, stored_minor=amount) if amount > 0 else Shortfall(Why.NOTHING_LEFT)


def _count(select: Select, view: View) -> int:
    return sum(view.units.lines[line].quantity for line in view.lines(select))


def _worth(select: Select, base: Base, view: View) -> int:
    amounts = view.units.left if base is Base.LEFT else view.units.worth
    return sum([amounts[line] for line in view.lines(select)])
