"""What a case came to with us, in the case's own names, ready to be compared."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from conformance.cases import Hint


class NotExpressibleError(Exception):
    """The case asks for something our grammar does not have on purpose. The text is the reason, for a retailer."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came out; None is what a case of this type does not have.

    ``lines`` is the discount of each cart line. ``applied`` are the promotions that gave something; ``idle`` those
    whose conditions held and that found nothing to give, which some sources count as applied and others do not.
    ``reasons``
    and ``hint`` tell of those that did not apply.
    """

    subtotal: int | None = None
    discount: int | None = None
    total: int | None = None
    lines: Mapping[str, int] = field(default_factory=dict)
    applied: frozenset[str] = frozenset()
    idle: frozenset[str] = frozenset()
    reasons: Mapping[str, str] = field(default_factory=dict)
    free_items: Mapping[str, int] = field(default_factory=dict)
    points_earned: Fraction | None = None
    points_spent: Fraction | None = None
    points_balance: Fraction | None = None
    to_pay: int | None = None
    wallet_balance: int | None = None
    hint: Mapping[str, Hint] = field(default_factory=dict)
    parts: tuple[int, ...] | None = None
    tier: str | None = None
