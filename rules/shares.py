"""Rounding and splitting of integers, in one named place each."""

from collections.abc import Sequence

from contract.errors import ContractError, Reason

BASIS_POINTS = 10_000
"""Rates are whole basis points: 10 % is 1,000."""


def part_half_up(amount: int, rate_bp: int) -> int:
    """Return ``amount`` times ``rate_bp`` basis points, rounded half up once. Both must be non-negative."""
    return (amount * rate_bp * 2 + BASIS_POINTS) // (BASIS_POINTS * 2)


def split_largest_remainder(amount: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Split ``amount`` in proportion to ``weights`` so that the parts sum to it exactly.

    Each part is first rounded down; what is left goes, one unit each, to the largest remainders (Hamilton's method),
    ties to the earlier part. No part exceeds its weight as long as ``amount`` is at most their sum. Raises
    ContractError(OUT_OF_RANGE) for negative input, or an amount without any weight.
    """
    total = sum(weights)
    if amount < 0 or any(weight < 0 for weight in weights) or (amount and not total):
        raise ContractError(Reason.OUT_OF_RANGE, detail="split needs non-negative amounts and a positive weight")
    if not amount:
        return tuple(0 for _ in weights)
    floors = [amount * weight // total for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda index: (-(amount * weights[index] % total), index))
    for index in by_remainder[: amount - sum(floors)]:
        floors[index] += 1
    return tuple(floors)
