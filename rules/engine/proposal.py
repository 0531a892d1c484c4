"""What an effect would do, before anyone decides that it does."""

from dataclasses import dataclass, field

from contract.trace import Given
from rules.engine.units import Off


@dataclass(slots=True)
class Proposal:
    """Offs over units, what they were reckoned on, and everything else an effect gives or takes. ``part`` are units
    that only take part; ``used`` tells that buy-and-get has used the units of both. ``codes`` are those that let the
    rule apply; ``pool`` is the merchant of whose share the points are.
    """

    base_minor: int = 0
    offs: list[Off] = field(default_factory=list)
    part: list[Off] = field(default_factory=list)
    used: bool = False
    points: int = 0
    points_spent: int = 0
    gifts: tuple[Given, ...] = ()
    coupons: tuple[Given, ...] = ()
    counts: tuple[Given, ...] = ()
    bonus_minor: int = 0
    stored_minor: int = 0
    rounding_minor: int = 0
    codes: tuple[str, ...] = ()
    pool: str | None = None

    @property
    def off_minor(self) -> int:
        """What is taken off altogether."""
        return sum([count * off for _line, _unit, count, off in self.offs])
