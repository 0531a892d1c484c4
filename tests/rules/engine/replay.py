"""What a trace says the lines come to, reckoned anew: one price for each unit, one subtraction for each share."""

from __future__ import annotations

from collections.abc import Iterable

from contract.basket import Basket, BasketLine
from contract.trace import AppliedEffect


def list_of(line: BasketLine) -> list[int]:
    """The list price of every unit of a line."""
    if line.gift:
        return [0] * line.quantity
    if line.weight_g is not None:
        exact = line.unit_price_minor * line.weight_g
        return [exact // 1_000 + (exact % 1_000 >= 500)]
    return [line.unit_price_minor] * line.quantity


def floor_of(line: BasketLine) -> int:
    """What a unit of a line never costs less than."""
    floor = line.floor_minor
    if line.weight_g is not None:
        exact = line.floor_minor * line.weight_g
        floor = exact // 1_000 + (exact % 1_000 >= 500)
    return min(floor, *list_of(line))


def replay(basket: Basket, effects: Iterable[AppliedEffect]) -> list[list[int]]:
    """What every unit costs in the end. Asserts that no unit ever falls below its floor and that each effect takes off
    what it says, no more than once from a unit.
    """
    prices = [list_of(line) for line in basket.lines]
    floors = [floor_of(line) for line in basket.lines]
    for effect in effects:
        taken = 0
        touched: set[tuple[int, int]] = set()
        for share in effect.shares:
            for unit in range(share.unit, share.unit + share.units):
                if share.off_minor:
                    assert (share.line, unit) not in touched
                    touched.add((share.line, unit))
                prices[share.line][unit] -= share.off_minor
                assert prices[share.line][unit] >= floors[share.line]
                taken += share.off_minor
        assert taken == effect.off_minor
    return prices
