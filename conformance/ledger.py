"""The case types beside the cart: splits, tiers, and points through sales, refunds and cancellations."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from conformance.cases import AllocationCase, Cancel, LedgerCase, Refund, Sale, TierCase
from conformance.gives import split as split_named
from conformance.goods import rounding_of
from conformance.outcome import Outcome
from conformance.profiles import Profile
from conformance.reading import CaseError
from rules.beside.tiers import Basis, Ladder, Movement, Rung, tier_of
from rules.grammar.policies import PointsOnReturn
from rules.rounding import Rounding, divide
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
    """Return the tier a customer has after the sale: the highest whose threshold is reached by all that was spent."""
    rising = sorted(body.tiers, key=lambda name: body.tiers[name])
    rungs = tuple([Rung(f"tier-{place}", body.tiers[name]) for place, name in enumerate(rising)])
    ladder = Ladder(Basis.SPEND, rungs, window_days=0, grace_days=0, sale_counts=True, above=False)
    before = [Movement(TODAY, body.customer.spent, 0)] if body.customer.spent else []
    standing = tier_of(ladder, before, TODAY, Movement(TODAY, body.current_sale, 0))
    return Outcome(tier=None if standing.tier is None else rising[int(standing.tier.rpartition("-")[2])])


@dataclass(slots=True)
class _Account:
    """What a sale earned and spent, and how much of it is still sold. A working record of :func:`balance_after`."""

    sale: Sale
    earned: Fraction
    kept: Fraction
    given_back: Fraction
    amount_left: int


def balance_after(body: LedgerCase, profile: Profile, scale: int) -> Outcome:
    """Return the balance after all events.

    A return takes back the part of the points its amount is of the sale, and gives back that part of those spent; or
    reckons what is left anew and leaves those spent alone. A cancelled sale never was. Everything returned is
    everything back, in however many parts.
    """
    accounts: dict[str, _Account] = {}
    for event in body.events:
        match event:
            case Sale():
                earned = _earned(event, event.amount, scale)
                accounts[event.id] = _Account(event, earned, earned, Fraction(0), event.amount)
            case Refund(of, amount, policy):
                recompute = profile.policies.points_on_return is PointsOnReturn.RECOMPUTE
                if policy is not None:
                    recompute = policy == "recompute_on_remaining"
                _refund(_known(accounts, of), amount, recompute, scale)
            case Cancel(of):
                account = _known(accounts, of)
                account.kept, account.given_back, account.amount_left = Fraction(0), account.sale.spend, 0
    moved = sum((account.kept - account.sale.spend + account.given_back for account in accounts.values()), Fraction(0))
    return Outcome(points_balance=body.customer.points + moved)


def _known(accounts: dict[str, _Account], name: str) -> _Account:
    if name not in accounts:
        raise CaseError("events", f"no sale {name!r} before this")
    return accounts[name]


def _refund(account: _Account, amount: int, recompute: bool, scale: int) -> None:
    account.amount_left = max(0, account.amount_left - amount)
    sold = account.sale.amount
    part_left = Fraction(account.amount_left, sold) if sold else Fraction(0)
    if recompute:
        account.kept = _earned(account.sale, account.amount_left, scale)
    else:
        account.kept = account.earned - _rounded(account.earned * (1 - part_left), account.sale.round)
        account.given_back = _rounded(account.sale.spend * (1 - part_left), account.sale.round)


def _earned(sale: Sale, amount: int, scale: int) -> Fraction:
    """The points on ``amount`` minor units of a sale; what is earned by the unit or once goes with the goods."""
    part_left = Fraction(amount, sale.amount) if sale.amount else Fraction(0)
    by_goods = (sale.earn_per_unit * sale.units + sale.earn_fixed) * (part_left if sale.amount else 1)
    return _rounded(sale.earn_rate_per_money * amount / scale + by_goods, sale.round)


def _rounded(points: Fraction, name: str | None) -> Fraction:
    if name is None or name == "none":
        return points
    return Fraction(divide(points.numerator, points.denominator, Rounding(name)))
