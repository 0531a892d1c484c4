"""Splitting a whole into parts that always sum to it: over lines, over payers, over tax rates.

Every split of the engine is one of these two: :func:`split` in proportion to weights, and :func:`fill`, where each
part also has a capacity (a price floor, what is left of a line).
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum

from contract.errors import ContractError, Reason
from rules.rounding import Rounding, divide


class Split(StrEnum):
    """Who gets what rounding leaves over.

    ``largest_remainder``: the parts that lost most by rounding down (Hamilton's method), ties to the earlier part; each
    part is within one unit of its exact share. ``last_remainder``: the last part takes what the others, each rounded,
    left. ``first_remainder``: one unit each to the first parts.
    """

    LARGEST = "largest_remainder"
    LAST = "last_remainder"
    FIRST = "first_remainder"


def split(
    amount: int, weights: Sequence[int], method: Split = Split.LARGEST, rounding: Rounding = Rounding.FLOOR
) -> tuple[int, ...]:
    """Split ``amount`` in proportion to ``weights``; the parts sum to it exactly.

    A negative amount gives the negated parts of the positive one, so that a refund mirrors its sale. A part without
    weight gets 0. No part falls below 0, and none exceeds its weight as long as ``amount`` is at most their sum.

    ``rounding`` is for LAST (every part but the last one with weight) and FIRST (every part); LARGEST always rounds
    down first. Where the rest left for the last part would be negative or above its weight, the excess moves to its
    neighbours, one unit each, from the nearest before it towards the first. FIRST adds its rest to the first parts
    that have room, and takes it back from the first parts that have anything if rounding gave too much.

    Raises ContractError(OUT_OF_RANGE) for a negative weight, and for an amount without any weight.
    """
    if amount < 0:
        return tuple([-share for share in split(-amount, weights, method, rounding)])
    total = _total(weights, "weights")
    if not amount:
        return (0,) * len(weights)
    if not total:
        raise ContractError(Reason.OUT_OF_RANGE, "weights", "an amount is split over at least one positive weight")
    if len(weights) == 1:
        return (amount,)
    if amount == total:
        return tuple(weights)
    if method is Split.LARGEST:
        return tuple(_largest(amount, weights, total))
    ceilings = weights if amount < total else [amount if weight else 0 for weight in weights]
    return tuple(_with_rest(amount, weights, total, ceilings, method, rounding))


def fill(
    amount: int,
    weights: Sequence[int],
    capacities: Sequence[int],
    method: Split = Split.LARGEST,
    rounding: Rounding = Rounding.FLOOR,
) -> tuple[int, ...]:
    """Split ``amount`` like :func:`split`, but give no part more than its capacity: what a full part refuses goes to
    the open ones in proportion to their weights, until it is placed or all are full (water filling).

    The parts sum to ``amount`` or, if that is less, to the capacities of all parts with weight; a part without weight
    gets 0, so an amount without any weight is not an error here but places nothing. A negative amount gives the
    negated parts of the positive one. The parts that end up full are found in one pass in order of capacity per
    weight; the open ones share the rest in one split, so that nothing is rounded twice.

    Raises ContractError(OUT_OF_RANGE) for a negative weight or capacity, or where the two differ in number.
    """
    if amount < 0:
        return tuple([-share for share in fill(-amount, weights, capacities, method, rounding)])
    if len(weights) != len(capacities):
        raise ContractError(Reason.OUT_OF_RANGE, "capacities", "expected one for each weight")
    total = _total(weights, "weights")
    _total(capacities, "capacities")
    if not amount or not total:
        return (0,) * len(weights)
    if len(weights) == 1:
        return (min(amount, capacities[0]),)
    for weight, capacity in zip(weights, capacities, strict=True):
        if amount * weight > capacity * total:
            return tuple(_filled(amount, weights, total, capacities, method, rounding))
    rooms = [capacity if weight else 0 for weight, capacity in zip(weights, capacities, strict=True)]
    return tuple(_shares(amount, weights, total, rooms, method, rounding))


def _total(parts: Sequence[int], path: str) -> int:
    """The sum of ``parts``, none of which may be negative."""
    if parts and min(parts) < 0:
        raise ContractError(Reason.OUT_OF_RANGE, path, "expected no negative part")
    return sum(parts)


def _shares(
    amount: int, weights: Sequence[int], total: int, ceilings: Sequence[int], method: Split, rounding: Rounding
) -> list[int]:
    """A positive ``amount`` over ``weights`` of sum ``total``, where no exact share exceeds its ceiling."""
    if method is Split.LARGEST:
        return _largest(amount, weights, total)
    return _with_rest(amount, weights, total, ceilings, method, rounding)


def _largest(amount: int, weights: Sequence[int], total: int) -> list[int]:
    """Hamilton's method. Only a share with a fraction is rounded up, so no part passes a whole ceiling."""
    shares = [amount * weight // total for weight in weights]
    left = amount - sum(shares)
    if left:
        remainders = [amount * weight % total for weight in weights]
        for index in sorted(range(len(weights)), key=remainders.__getitem__, reverse=True)[:left]:
            shares[index] += 1
    return shares


def _with_rest(
    amount: int, weights: Sequence[int], total: int, ceilings: Sequence[int], method: Split, rounding: Rounding
) -> list[int]:
    """Shares rounded one by one, and the rest where ``method`` says, each between 0 and its ceiling."""
    if method is Split.FIRST:
        shares = [divide(amount * weight, total, rounding) for weight in weights]
        _move(shares, amount - sum(shares), range(len(shares)), ceilings)
        return shares
    last = len(weights) - 1
    while not weights[last]:
        last -= 1
    shares = [divide(amount * weight, total, rounding) for weight in weights[:last]]
    rest = amount - sum(shares)
    shares.append(max(0, min(rest, ceilings[last])))
    shares += [0] * (len(weights) - last - 1)
    _move(shares, rest - shares[last], range(last - 1, -1, -1), ceilings)
    return shares


def _move(shares: list[int], excess: int, order: Iterable[int], ceilings: Sequence[int]) -> None:
    """Add ``excess`` to ``shares`` (take it, if negative), one unit each in ``order``, between 0 and the ceilings.

    One pass is enough: rounding moved each share by less than one unit, so there are more shares that were rounded
    the other way, and so have room for a unit, than units to place.
    """
    step = 1 if excess > 0 else -1
    for index in order:
        if not excess:
            return
        if 0 <= shares[index] + step <= ceilings[index]:
            shares[index] += step
            excess -= step


def _filled(
    amount: int, weights: Sequence[int], total: int, capacities: Sequence[int], method: Split, rounding: Rounding
) -> list[int]:
    """:func:`fill` where at least one part is full.

    Two different ratios of capacity to weight differ by at least one part in the square of the largest weight; scaled
    by that square, their whole quotients keep the exact order.
    """
    scale = max(weights) ** 2
    by_ratio = sorted(
        [index for index, weight in enumerate(weights) if weight],
        key=lambda index: capacities[index] * scale // weights[index],
    )
    shares = [0] * len(weights)
    for place, index in enumerate(by_ratio):
        weight, capacity = weights[index], capacities[index]
        if amount * weight <= capacity * total:
            still_open = sorted(by_ratio[place:])
            break
        shares[index] = capacity
        amount -= capacity
        total -= weight
    else:
        return shares
    rest = _shares(
        amount,
        [weights[index] for index in still_open],
        total,
        [capacities[index] for index in still_open],
        method,
        rounding,
    )
    for index, share in zip(still_open, rest, strict=True):
        shares[index] = share
    return shares
