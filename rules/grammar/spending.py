"""What a member may spend by how sure the recognition is: a pack's levels, and what stands where it names none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from contract import wire
from contract.basket import MAX_POINTS
from contract.making import dataclass
from contract.money import AMOUNT_MINOR
from contract.trade import Assurance, Medium

MOST_LEVELS = 16

_POINTS = wire.whole(0, MAX_POINTS)


@dataclass(frozen=True, slots=True)
class SpendingLevel:
    """The most a member recognised by ``medium`` with ``assurance`` may spend at a till: of stored value (minor units)
    and of points (the pack's smallest unit), in one sale and in a day of the shop. What is not written has no bound; a
    phone number that anybody can say spends nothing that is not written.

    ``floor_day_minor`` is the floor limit: so much stored value a day a till lets such a member spend beyond what was
    lent to it, at the risk of its shop; nothing where it is not written.
    """

    medium: Medium = wire.at(1, wire.choice(Medium))
    assurance: Assurance = wire.at(2, wire.choice(Assurance))
    stored_sale_minor: int | None = wire.maybe(3, AMOUNT_MINOR)
    stored_day_minor: int | None = wire.maybe(4, AMOUNT_MINOR)
    points_sale: int | None = wire.maybe(5, _POINTS)
    points_day: int | None = wire.maybe(6, _POINTS)
    floor_day_minor: int = wire.maybe(7, AMOUNT_MINOR, 0)


def level_of(levels: Iterable[SpendingLevel], medium: Medium, assurance: Assurance) -> SpendingLevel:
    """Return what holds for such a recognition by a pack's ``levels``."""
    found = next((one for one in levels if (one.medium, one.assurance) == (medium, assurance)), None)
    level = found or SpendingLevel(medium, assurance)
    if (medium, assurance) != (Medium.PHONE, Assurance.CLAIMED):
        return level
    return replace(level, stored_sale_minor=level.stored_sale_minor or 0, points_sale=level.points_sale or 0)
