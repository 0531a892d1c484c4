"""What a member may take without a sale, and what it costs: the pack's redemption rules."""

from contract.basket import Basket
from contract.errors import ContractError, Reason
from contract.making import dataclass
from contract.trace import AppliedEffect, Given
from contract.value import Account, Asset
from rules.engine.acting import refused
from rules.engine.compiled import Compiled
from rules.engine.conditions import codes_used
from rules.engine.price import opened
from rules.engine.shortfall import Shortfall
from rules.engine.view import View
from rules.grammar.rewards import Redeem
from rules.grammar.rule import Rule
from rules.takings import takings


@dataclass(frozen=True, slots=True)
class Redeemable:
    """Something a member may take: by which rule, the effect as it would stand in a trace, and what it takes of each
    account, in the account's unit.
    """

    rule: Rule
    applied: AppliedEffect
    takes: dict[Account, int]


def redeemables(basket: Basket, member: str, compiled: Compiled) -> tuple[Redeemable, ...]:
    """Return what ``member`` may take, in the order of the rules, the higher priority first; whether it can be paid
    for is left to whoever holds the leases. ``basket`` has no lines; it tells who, where, when and which codes.

    Raises ContractError where the basket has lines.
    """
    view = _view(basket, compiled)
    rules = sorted(compiled.rules, key=lambda rule: -rule.priority)
    return tuple(
        _redeemable(rule, effect, view, member, compiled)
        for rule in rules
        for effect in rule.then
        if isinstance(effect, Redeem) and refused(rule, view) is None
    )


def redeemable(name: str, basket: Basket, member: str, compiled: Compiled) -> Redeemable | Shortfall | None:
    """Return what ``member`` takes by the rule of this name, or why it does not apply; None where the pack has no such
    rule. Raises ContractError where the basket has lines.
    """
    view = _view(basket, compiled)
    for rule in compiled.rules:
        for effect in rule.then:
            if rule.rule == name and isinstance(effect, Redeem):
                missing = refused(rule, view)
                return missing if missing is not None else _redeemable(rule, effect, view, member, compiled)
    return None


def _view(basket: Basket, compiled: Compiled) -> View:
    if basket.lines:
        raise ContractError(Reason.OUT_OF_RANGE, "lines", "what is redeemed has none")
    return opened(basket, compiled)


def _redeemable(rule: Rule, effect: Redeem, view: View, member: str, compiled: Compiled) -> Redeemable:
    codes = codes_used(rule.when, view)
    given = (Given(effect.sku, effect.quantity),)
    applied = AppliedEffect(rule.rule, points_spent=effect.points, gifts=given, codes=codes, funded_by=rule.funded_by)
    takes = takings((applied,), view.facts.basket.shop, compiled.shared)
    if effect.points:
        takes[Account(Asset.POINTS, member)] = effect.points
    if effect.card is not None:
        takes[Account(Asset.USES, member, effect.card)] = effect.uses
    takes |= {Account(Asset.COUPON, code): 1 for code in codes}
    return Redeemable(rule, applied, takes)
