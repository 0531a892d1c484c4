"""The most points one sale could earn under a pack: a pack that could earn more than a journal entry holds is refused
when it is written, so that no till meets a sale it cannot keep.

The bound is generous to the pack where that costs nothing: rules for single articles share the basket's units and
money, so of them only the article with most counts. Everything else is added up, and ``points_times`` multiplied, as if
all of it met in one sale.
"""

from collections import defaultdict
from collections.abc import Mapping

from contract.basket import MAX_LINES, MAX_POINTS, MAX_QUANTITY
from contract.errors import ContractError, Reason
from contract.money import MAX_AMOUNT_MINOR
from rules.grammar.pack import Pack
from rules.grammar.rewards import PointsBonus, PointsPerMoney, PointsPerUnit, PointsTimes, TopUp
from rules.grammar.select import Select
from rules.rounding import BASIS_POINTS

_EARNING = {
    PointsPerMoney: "points_per_money",
    PointsPerUnit: "points_per_unit",
    PointsBonus: "points_bonus",
    PointsTimes: "points_times",
    TopUp: "top_up",
}


def require_bounded_points(pack: Pack) -> None:
    """Raise ContractError(OUT_OF_RANGE) with the path to the effect with which the largest basket, or the largest
    top-up, could earn more than MAX_POINTS.
    """
    sets = {item.name: item.select for item in pack.sets}
    anywhere = topped_up = widest = 0
    by_sku: dict[str, int] = defaultdict(int)
    factors: list[tuple[str, PointsTimes, int]] = []
    for index, rule in enumerate(pack.rules):
        for place, effect in enumerate(rule.then):
            name = _EARNING.get(type(effect))
            if name is None or rule.paused:
                continue
            path = f"rules[{index}].then[{place}].{name}"
            times = rule.limits.per_sale
            match effect:
                case PointsBonus(points):
                    anywhere += points * times
                case PointsTimes(_, None):
                    factors.append((path, effect, times))
                case PointsTimes(_, most_added):
                    anywhere += (most_added or 0) * times
                case TopUp():
                    topped_up += _most_of_top_up(effect) * times
                case PointsPerMoney() | PointsPerUnit():
                    most, skus = _most_of(effect) * times, _skus(effect.select, sets)
                    cap = effect.cap_points
                    if skus and (cap is None or cap * times >= most):
                        for sku in skus:
                            by_sku[sku] += most
                            widest = max(widest, by_sku[sku])
                    else:
                        anywhere += most if cap is None else min(most, cap * times)
            _require(max(anywhere + widest, topped_up), path)
    _require_factors(anywhere + widest, factors)


def _require_factors(most: int, factors: list[tuple[str, PointsTimes, int]]) -> None:
    for path, effect, times in factors:
        for _ in range(times if most else 0):
            most = most * effect.rate_bp // BASIS_POINTS
            _require(most, path)


def _most_of(effect: PointsPerMoney | PointsPerUnit) -> int:
    if isinstance(effect, PointsPerUnit):
        return effect.points * MAX_LINES * MAX_QUANTITY
    return -(-MAX_AMOUNT_MINOR * effect.points // effect.spend_minor)


def _most_of_top_up(effect: TopUp) -> int:
    if not effect.every:
        return max(step.points for step in effect.steps)
    times = MAX_AMOUNT_MINOR // effect.steps[0].amount_minor
    return effect.steps[0].points * (times if effect.most_times is None else min(times, effect.most_times))


def _skus(select: Select, sets: Mapping[str, Select]) -> set[str]:
    """The only articles that ``select``, or a set it builds on, can mean; none where it names no article."""
    while not select.skus and select.set is not None:
        select = sets[select.set]
    return set(select.skus)


def _require(points: int, path: str) -> None:
    if points > MAX_POINTS:
        raise ContractError(
            Reason.OUT_OF_RANGE, path, f"with it one sale could earn more than {MAX_POINTS} points; write cap_points"
        )
