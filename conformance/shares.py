"""The case types without promotions: splits and tiers."""

from collections.abc import Sequence

from conformance.cases import AllocationCase, TierCase
from conformance.gives import split as split_named
from conformance.goods import rounding_of
from conformance.outcome import NotExpressibleError, Outcome
from conformance.profiles import Profile
from contract.errors import ContractError
from rules.beside.tiers import Basis, Ladder, Movement, Rung, tier_of
from rules.shares import split

TODAY = 20_000
"""A day to buy on; none of these cases asks which."""


def allocated(body: AllocationCase, profile: Profile) -> Outcome:
    """Return the parts of a split. Weights that are all zero share evenly, or get nothing, as the profile says."""
    policies = profile.policies
    method = split_named(body.method) or policies.split
    rounding = policies.percent_rounding if body.round is None else rounding_of(body.round)
    weights: Sequence[int] = body.weights
    if not any(weights):
        if not profile.weightless_evenly:
            return Outcome(parts=(0,) * len(weights))
        weights = (1,) * len(weights)
    return Outcome(parts=split(body.amount, weights, method, rounding) if weights else ())


def tiered(body: TierCase) -> Outcome:
    """Return the tier a customer has after the sale: the highest whose threshold is reached by all that was spent.
    Raises NotExpressibleError for no tier or too many, and for two of one threshold.
    """
    rising = sorted(body.tiers, key=lambda name: body.tiers[name])
    rungs = tuple([Rung(f"tier-{place}", body.tiers[name]) for place, name in enumerate(rising)])
    ladder = Ladder(Basis.SPEND, rungs, window_days=0, grace_days=0, sale_counts=True, above=False)
    before = [Movement(TODAY, body.customer.spent, 0)] if body.customer.spent else []
    try:
        standing = tier_of(ladder, before, TODAY, Movement(TODAY, body.current_sale, 0))
    except ContractError as error:
        raise NotExpressibleError(f"beyond the bounds of a ladder of tiers ({error})") from error
    return Outcome(tier=None if standing.tier is None else rising[int(standing.tier.rpartition("-")[2])])
