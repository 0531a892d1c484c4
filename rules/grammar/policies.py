"""The ten questions on which engines contradict each other, as named policies of a pack, each with a default and its
reason. There are no others: everything else has one answer.
"""

from enum import StrEnum

from contract import wire
from contract.making import dataclass
from rules.grammar.conditions import BASE, Base
from rules.rounding import Rounding
from rules.shares import Split


class Exclusion(StrEnum):
    """Who wins among rules that exclude each other.

    ``best``: the combination that leaves the member least to pay. ``exclusive_first``: the exclusive rule of highest
    priority whose conditions hold, whatever else there is; groups by best deal. ``priority``: the highest priority of
    those whose conditions hold; two of the same priority are a conflict, and none of them applies.
    """

    BEST = "best"
    EXCLUSIVE_FIRST = "exclusive_first"
    PRIORITY = "priority"


class PointsOnReturn(StrEnum):
    """How much of the points earned a return takes back: the part its value is of the sale, or everything above what
    the goods that stay would have earned.
    """

    PRORATE = "prorate"
    RECOMPUTE = "recompute"


class CouponOnReturn(StrEnum):
    """What becomes of a coupon when everything it was used on comes back."""

    GIVEN_BACK = "given_back"
    STAYS_USED = "stays_used"


class ReducedGoods(StrEnum):
    """Whether rules touch goods that have a special price already, unless their selection says which."""

    LIKE_OTHERS = "like_others"
    LEFT_ALONE = "left_alone"


@dataclass(frozen=True, slots=True)
class Policies:
    """One answer to each question.

    - ``percent_base``: left. Two discounts together never exceed what the cashier reads aloud one after the other.
    - ``threshold_base``: left. "Spend 200" means 200 of money that is really spent.
    - ``percent_rounding``: half_up. What every till, tax office and schoolbook does.
    - ``split``: largest_remainder. No line is off by a whole fen, and the order of lines does not matter.
    - ``exclusion``: best. The member is promised the best deal, so the engine has to find it.
    - ``points_base``: left. Points are earned on what is paid.
    - ``points_on_return``: recompute. Buy and return any number of times, and the points are where they were.
    - ``stored_value_earns``: true. Stored value was paid in full once; points used as cash never earn. Where it is
      false, rules that pay from stored value act before those that give points for money.
    - ``coupon_on_return``: given_back. The member got nothing for it.
    - ``reduced_goods``: like_others. A rule that means otherwise selects ``reduced: false``.
    """

    percent_base: Base = wire.maybe(1, BASE, Base.LEFT)
    threshold_base: Base = wire.maybe(2, BASE, Base.LEFT)
    percent_rounding: Rounding = wire.maybe(3, wire.choice(Rounding), Rounding.HALF_UP)
    split: Split = wire.maybe(4, wire.choice(Split), Split.LARGEST)
    exclusion: Exclusion = wire.maybe(5, wire.choice(Exclusion), Exclusion.BEST)
    points_base: Base = wire.maybe(6, BASE, Base.LEFT)
    points_on_return: PointsOnReturn = wire.maybe(7, wire.choice(PointsOnReturn), PointsOnReturn.RECOMPUTE)
    stored_value_earns: bool = wire.maybe(8, wire.flag(), True)
    coupon_on_return: CouponOnReturn = wire.maybe(9, wire.choice(CouponOnReturn), CouponOnReturn.GIVEN_BACK)
    reduced_goods: ReducedGoods = wire.maybe(10, wire.choice(ReducedGoods), ReducedGoods.LIKE_OTHERS)


DEFAULT_POLICIES = Policies()
