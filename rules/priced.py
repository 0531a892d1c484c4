"""What pricing comes to: the outcome and the trace that led to it."""

from contract.making import dataclass
from contract.trace import AppliedEffect
from rules.tax import Taxes


@dataclass(frozen=True, slots=True)
class Priced:
    """The outcome of pricing a basket, in minor units and points.

    ``payable_by_line`` stands in basket order; the lines, the tax on top of them where prices exclude it, and
    ``rounding_minor`` sum to ``payable_minor``. ``stored_minor`` of that is paid from stored value, ``bonus_minor``
    goes into it. ``points`` are earned, ``points_spent`` used. ``exact`` is false where so many rules competed that
    not every combination was tried.
    """

    payable_by_line: tuple[int, ...]
    effects: tuple[AppliedEffect, ...]
    list_minor: int
    payable_minor: int
    points: int
    points_spent: int
    rounding_minor: int
    stored_minor: int
    bonus_minor: int
    taxes: Taxes | None
    exact: bool

    @property
    def to_pay_minor(self) -> int:
        """What is left to pay by other means than stored value."""
        return self.payable_minor - self.stored_minor
