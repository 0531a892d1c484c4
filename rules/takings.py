"""What a sale or a top-up takes of what belongs to nobody in particular: campaigns' budgets, points that merchants have
paid for in advance, gifts kept in stock. A till gives of these what head office has lent it, and no more.

The till draws what this says, in the entry itself; head office reckons it again from the entry and the pack.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from contract.making import dataclass
from contract.trace import AppliedEffect, times_acted
from contract.value import Account, Asset
from rules.grammar.pack import Pack
from rules.grammar.rewards import Gift, Redeem
from rules.grammar.rule import Limits


@dataclass(frozen=True, slots=True)
class Shared:
    """What of a pack is given from shares alone: rules with a budget, rules limited in number, merchants whose points
    are paid in advance, and effects (rule, place in it) whose gifts come from a stock.
    """

    budgets: frozenset[str]
    counted: frozenset[str]
    pools: frozenset[str]
    stocked: frozenset[tuple[str, int]]
    gifts: frozenset[str]
    """What sales give away from a stock, by article."""
    limited: Mapping[str, Limits]
    """Rules that apply so often per member, per member and day, or per shop and day, with these limits."""
    redeems: bool
    """Whether a rule says what members may take without a sale."""


def shared_of(pack: Pack) -> Shared:
    """Return what of ``pack`` is given from shares alone."""
    return Shared(
        budgets=frozenset(rule.rule for rule in pack.rules if rule.limits.budget_minor is not None),
        counted=frozenset(rule.rule for rule in pack.rules if rule.limits.total is not None),
        pools=frozenset() if pack.points is None else frozenset(pack.points.pools),
        stocked=frozenset(
            (rule.rule, place)
            for rule in pack.rules
            for place, effect in enumerate(rule.then)
            if (isinstance(effect, Gift) and effect.stocked) or (isinstance(effect, Redeem) and not effect.service)
        ),
        gifts=frozenset(
            effect.sku for rule in pack.rules for effect in rule.then if isinstance(effect, Gift) and effect.stocked
        ),
        limited={rule.rule: rule.limits for rule in pack.rules if rule.limits.counts},
        redeems=any(isinstance(effect, Redeem) for rule in pack.rules for effect in rule.then),
    )


def pool_of(funded_by: str | None, shop: str | None, pools: Collection[str]) -> str | None:
    """Return whose advance payment points come from: of the merchant that bears the rule, else of the shop that gives
    them, where that is one of ``pools``; None where they are head office's or somebody's who pays otherwise.
    """
    payer = shop if funded_by is None else funded_by
    return payer if payer in pools else None


def points_by_pool(effects: Iterable[AppliedEffect], shop: str | None, pools: Collection[str]) -> dict[str, int]:
    """Return how many points were given at each merchant's expense who pays for them in advance."""
    found: Counter[str] = Counter()
    for effect in effects:
        pool = pool_of(effect.funded_by, shop, pools) if effect.points else None
        if pool is not None:
            found[pool] += effect.points
    return dict(found)


def takings(effects: Iterable[AppliedEffect], shop: str | None, shared: Shared) -> dict[Account, int]:
    """Return what the effects of one entry at ``shop`` take of each account that is given from shares, in its unit."""
    found: Counter[Account] = Counter()
    effects = tuple(effects)
    for effect in effects:
        rule = effect.rule
        if rule in shared.budgets:
            found[Account(Asset.BUDGET, rule)] += effect.off_minor + effect.bonus_minor
        if (rule, effect.part) in shared.stocked:
            for gift in effect.gifts:
                found[Account(Asset.GIFT, gift.name)] += gift.count
    if shared.counted:
        for rule, times in times_acted(effects).items():
            if rule in shared.counted:
                found[Account(Asset.BUDGET_USES, rule)] = times
    for pool, points in points_by_pool(effects, shop, shared.pools).items():
        found[Account(Asset.POOL, pool)] = points
    return {account: amount for account, amount in found.items() if amount}
