"""price(): what a basket costs and earns under a pack, with every step it took.

Lanes run in order (line, basket, points), inside a lane higher priority first, ties by the rule's name, each rule
seeing what the earlier ones left. A line never falls below 0, and the payable total is the sum of its lines by
construction.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from contract.errors import ContractError, Reason
from contract.journal import AppliedEffect, EffectShare
from contract.money import MAX_AMOUNT_MINOR
from rules.basket import Basket
from rules.pack import EffectKind, Lane, Pack, Rule
from rules.shares import part_half_up, split_largest_remainder


@dataclass(frozen=True, slots=True)
class Priced:
    """The outcome: payable amount of each line in basket order, the effects in the order they applied, totals in
    minor units, and points earned.
    """

    payable_by_line: tuple[int, ...]
    effects: tuple[AppliedEffect, ...]
    list_minor: int
    payable_minor: int
    points: int


def price(basket: Basket, pack: Pack) -> Priced:
    """Price ``basket`` by ``pack``. Raises ContractError(OUT_OF_RANGE) where the basket's list price exceeds the
    largest amount.
    """
    if basket.list_minor > MAX_AMOUNT_MINOR:
        raise ContractError(Reason.OUT_OF_RANGE, "lines", "basket above the largest amount")
    left = [line.list_minor for line in basket.lines]
    effects: list[AppliedEffect] = []
    for rule in in_order(pack):
        chosen = _chosen_lines(rule, basket)
        if not chosen:
            continue
        effect = _APPLY[rule.effect.kind](rule, chosen, left)
        if effect is None:
            continue
        for share in effect.shares:
            left[share.line] -= share.amount_minor
        effects.append(effect)
    return Priced(
        payable_by_line=tuple(left),
        effects=tuple(effects),
        list_minor=basket.list_minor,
        payable_minor=sum(left),
        points=sum(effect.points for effect in effects),
    )


def in_order(pack: Pack) -> list[Rule]:
    """The rules of a pack in the order they act."""
    lanes = list(Lane)
    return sorted(pack.rules, key=lambda rule: (lanes.index(rule.lane), -rule.priority, rule.rule))


def _chosen_lines(rule: Rule, basket: Basket) -> list[int]:
    """The lines a rule looks at; none where a condition on the customer does not hold."""
    asked, customer = rule.conditions, basket.customer
    if customer is None and (asked.member or asked.tiers):
        return []
    if customer is not None and asked.tiers and customer.tier not in asked.tiers:
        return []
    return [
        index for index, line in enumerate(basket.lines) if not asked.categories or line.category in asked.categories
    ]


def _percent_off(rule: Rule, chosen: Sequence[int], left: Sequence[int]) -> AppliedEffect | None:
    base = sum(left[index] for index in chosen)
    if rule.lane is Lane.LINE:
        parts = tuple(part_half_up(left[index], rule.effect.rate_bp) for index in chosen)
    else:
        parts = split_largest_remainder(part_half_up(base, rule.effect.rate_bp), [left[index] for index in chosen])
    return _off(rule, base, chosen, parts)


def _spend_save(rule: Rule, chosen: Sequence[int], left: Sequence[int]) -> AppliedEffect | None:
    base = sum(left[index] for index in chosen)
    times = base // rule.effect.spend_minor
    if not rule.effect.every:
        times = min(times, 1)
    off = min(times * rule.effect.save_minor, base)
    return _off(rule, base, chosen, split_largest_remainder(off, [left[index] for index in chosen]))


def _off(rule: Rule, base: int, chosen: Sequence[int], parts: Sequence[int]) -> AppliedEffect | None:
    """The effect that takes ``parts`` off the ``chosen`` lines; none where nothing is taken."""
    shares = tuple(EffectShare(line, part) for line, part in zip(chosen, parts, strict=True) if part)
    if not shares:
        return None
    return AppliedEffect(rule.rule, base, sum(parts), 0, shares)


def _points_per_money(rule: Rule, chosen: Sequence[int], left: Sequence[int]) -> AppliedEffect | None:
    base = sum(left[index] for index in chosen)
    points = base // rule.effect.spend_minor * rule.effect.points
    return AppliedEffect(rule.rule, base, 0, points, ()) if points else None


_APPLY = {
    EffectKind.PERCENT_OFF: _percent_off,
    EffectKind.SPEND_SAVE: _spend_save,
    EffectKind.POINTS_PER_MONEY: _points_per_money,
}


def failed_golden(pack: Pack) -> int | None:
    """Return the index of the first golden basket this engine prices differently, or None where all agree."""
    for index, golden in enumerate(pack.golden):
        priced = price(golden.basket, pack)
        if (priced.payable_minor, priced.points) != (golden.payable_minor, golden.points):
            return index
    return None
