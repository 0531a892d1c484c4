"""The policies of each engine the cases come from: what it answers to the questions on which engines contradict each
other.

A profile fills in what a case leaves open; a field written in a case always wins. Where no source is known to test a
question, the answer is the format's own default: discounts and points on what is left, thresholds on list prices,
rounding half up, the remainder of a split to the last line.
"""

from dataclasses import dataclass, replace

from rules.grammar.conditions import Base
from rules.grammar.policies import CouponOnReturn, Exclusion, PointsOnReturn, Policies
from rules.rounding import Rounding
from rules.shares import Split


@dataclass(frozen=True, slots=True)
class Profile:
    """How one engine prices. ``policies`` go into the pack as they are. ``combine`` is how promotions meet where the
    case does not say; ``weightless_evenly`` whether a split over nothing but zero weights gives equal parts, or
    nothing.
    """

    engine: str
    policies: Policies
    combine: str = "sequential"
    weightless_evenly: bool = False


FORMAT = Policies(
    threshold_base=Base.LIST,
    split=Split.LAST,
    points_on_return=PointsOnReturn.PRORATE,
)
"""What the format says of cases that say nothing. Percentages follow one another, each on what is left."""


def profile_of(engine: str) -> Profile:
    """Return the profile of an engine; one that is not known prices as the format says."""
    first, largest = replace(FORMAT, split=Split.FIRST), replace(FORMAT, split=Split.LARGEST)
    known = (
        # Percentages on the sum, truncated; the last line takes what is left over.
        Profile("oscar", replace(FORMAT, percent_rounding=Rounding.DOWN)),
        Profile("saleor", FORMAT),
        Profile("ruoyi", FORMAT),
        Profile("presta", FORMAT),
        # An exclusive promotion beats one of higher priority; a cancelled order gives its coupon back.
        Profile("sylius", replace(first, exclusion=Exclusion.EXCLUSIVE_FIRST), combine="exclusive_first"),
        Profile("solidus", first),
        Profile("vendure", largest, weightless_evenly=True),
        Profile("spree", largest),
        Profile("medusa", largest),
        Profile("odoo", replace(largest, stored_value_earns=True, coupon_on_return=CouponOnReturn.GIVEN_BACK)),
        # Priority decides, and equal rank is an error; a return is reckoned anew on what is left.
        Profile("erpnext", replace(FORMAT, exclusion=Exclusion.PRIORITY, points_on_return=PointsOnReturn.RECOMPUTE)),
    )
    return next((profile for profile in known if profile.engine == engine), Profile(engine, FORMAT))
