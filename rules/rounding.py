"""Rounding of integers: every place where a part of a minor unit, a point or a step has to go somewhere.

Rates are whole basis points, quotients are pairs of integers; a way of rounding is always named.
"""

from enum import StrEnum

from contract.errors import ContractError, Reason

BASIS_POINTS = 10_000
"""Rates are whole basis points: 10 % is 1,000."""


class Rounding(StrEnum):
    """Where a quotient between two integers goes. ``up`` and ``half_up`` go away from zero, ``down`` and ``half_down``
    toward it, so that a refund rounds as its sale did; ``floor`` and ``ceil`` go down and up the number line;
    ``half_even`` takes the even one.
    """

    DOWN = "down"
    UP = "up"
    FLOOR = "floor"
    CEIL = "ceil"
    HALF_UP = "half_up"
    HALF_DOWN = "half_down"
    HALF_EVEN = "half_even"


def divide(numerator: int, denominator: int, rounding: Rounding) -> int:
    """Return ``numerator`` over ``denominator`` rounded once, exact for any sign and size of the numerator.

    Raises ContractError(OUT_OF_RANGE) where the denominator is not positive.
    """
    if denominator <= 0:
        raise ContractError(Reason.OUT_OF_RANGE, detail="a denominator must be positive")
    floor, rest = divmod(numerator, denominator)
    if not rest or rounding is Rounding.FLOOR:
        return floor
    if rounding is Rounding.CEIL:
        return floor + 1
    if rounding is Rounding.DOWN:
        return floor + 1 if numerator < 0 else floor
    if rounding is Rounding.UP:
        return floor if numerator < 0 else floor + 1
    if rest * 2 != denominator:
        return floor + 1 if rest * 2 > denominator else floor
    if rounding is Rounding.HALF_UP:
        return floor if numerator < 0 else floor + 1
    if rounding is Rounding.HALF_DOWN:
        return floor + 1 if numerator < 0 else floor
    return floor + (floor & 1)


def part(amount: int, rate_bp: int, rounding: Rounding = Rounding.HALF_UP) -> int:
    """Return ``amount`` times ``rate_bp`` basis points, in the units of ``amount``, rounded once."""
    return divide(amount * rate_bp, BASIS_POINTS, rounding)


def to_step(amount_minor: int, step_minor: int, rounding: Rounding) -> int:
    """Return the multiple of ``step_minor`` that ``amount_minor`` rounds to, both in minor units: 12.34 in steps of
    0.05 is 12.35 by HALF_UP. Raises ContractError(OUT_OF_RANGE) where the step is not positive.
    """
    return divide(amount_minor, step_minor, rounding) * step_minor
