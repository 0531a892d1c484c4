"""What a top-up of stored value brings: the ladders of a pack's top-up rules."""

from dataclasses import replace

from contract.basket import MAX_POINTS, Basket
from contract.calendar import LAST_DAY
from contract.errors import ContractError, Reason
from contract.making import dataclass
from contract.money import MAX_AMOUNT_MINOR
from contract.trace import MOST_GIVEN, AppliedEffect, Given
from rules.beside.instalments import instalments
from rules.engine.acting import refused
from rules.engine.compiled import Compiled
from rules.engine.price import opened
from rules.engine.shortfall import Shortfall, Why
from rules.engine.view import View
from rules.grammar.rewards import TopUp, TopUpStep
from rules.grammar.rule import Rule
from rules.takings import pool_of


@dataclass(frozen=True, slots=True)
class Brought:
    """What one rule brings: bonus money in all, when how much of it comes (days since 1970-01-01, the first at once),
    points, coupons, uses of count cards, and who bears it.
    """

    rule: str
    bonus_minor: int
    instalments: tuple[tuple[int, int], ...]
    points: int
    coupons: tuple[Given, ...]
    counts: tuple[Given, ...]
    funded_by: str | None


@dataclass(frozen=True, slots=True)
class ToppedUp:
    """What a top-up brings, rule by rule in the order they act, and why each other top-up rule does not apply."""

    brought: tuple[Brought, ...]
    shortfalls: tuple[tuple[str, Shortfall], ...]


def top_up(amount_minor: int, basket: Basket, compiled: Compiled) -> ToppedUp:
    """Return what topping up ``amount_minor`` brings. ``basket`` has no lines; it tells who, where and when.

    Of rules that exclude each other the one with the higher priority applies, the first in order among equals; points
    and bonus money have no common measure to find a best deal by. Raises ContractError where the amount is beyond the
    largest, or the basket has lines.
    """
    if not 0 < amount_minor <= MAX_AMOUNT_MINOR:
        raise ContractError(Reason.OUT_OF_RANGE, "amount_minor", f"expected 1 to {MAX_AMOUNT_MINOR}")
    if basket.lines:
        raise ContractError(Reason.OUT_OF_RANGE, "lines", "a top-up has none")
    view = opened(basket, compiled)
    taken: set[str] = set()
    pools = dict(view.facts.pools)
    brought, shortfalls = list[Brought](), list[tuple[str, Shortfall]]()
    for rule in sorted(compiled.rules, key=lambda rule: -rule.priority):
        ladders = [effect for effect in rule.then if isinstance(effect, TopUp)]
        if not ladders:
            continue
        missing = refused(rule, view)
        if missing is None and not taken.isdisjoint(rule.groups):
            missing = Shortfall(Why.EXCLUDED)
        found = missing if missing is not None else _climbed(rule, ladders, amount_minor, view)
        if isinstance(found, Shortfall):
            shortfalls.append((rule.rule, found))
        else:
            taken.update(rule.groups)
            brought.append(_funded(found, view, pools))
    return ToppedUp(tuple(brought), tuple(shortfalls))


def at_once(brought: Brought) -> AppliedEffect:
    """What a rule brings with the top-up itself; what it brings on later days is head office's to grant."""
    first = brought.instalments[0][1] if brought.instalments else brought.bonus_minor
    return replace(in_all(brought), bonus_minor=first)


def in_all(brought: Brought) -> AppliedEffect:
    """What a rule brings with all its instalments. So much of a campaign's budget is taken when it is promised: the
    customer has it on paper, and nobody else may be given it.
    """
    return AppliedEffect(
        rule=brought.rule,
        points=brought.points,
        coupons=brought.coupons,
        counts=brought.counts,
        bonus_minor=brought.bonus_minor,
        funded_by=brought.funded_by,
    )


def _funded(found: Brought, view: View, pools: dict[str, int]) -> Brought:
    """What a rule brings, without points that the merchant who pays for them has not enough of here; those that are
    given are taken out of ``pools``.
    """
    pool = pool_of(found.funded_by, view.facts.basket.shop, pools) if found.points else None
    if pool is None:
        return found
    if found.points > pools[pool]:
        return replace(found, points=0)
    pools[pool] -= found.points
    return found


def _climbed(rule: Rule, ladders: list[TopUp], amount_minor: int, view: View) -> Brought | Shortfall:
    bonus, points = 0, 0
    dated: list[tuple[int, int]] = []
    coupons, counts = dict[str, int](), dict[str, int]()
    reached = False
    for ladder in ladders:
        step, times = _step(ladder, amount_minor)
        if step is None:
            continue
        reached = True
        before, bonus = bonus, min(MAX_AMOUNT_MINOR, bonus + step.bonus_minor * times)
        points = min(MAX_POINTS, points + step.points * times)
        today = view.facts.day
        if whole := bonus - before:
            # Without a day, or where a part would lie beyond the calendar, the whole bonus comes at once.
            first = max(0, today or 0)
            late = today is None or first + ladder.every_days * (ladder.parts - 1) > LAST_DAY
            parts = 1 if late or not ladder.every_days else ladder.parts
            dated += instalments(whole, parts, max(1, ladder.every_days), first)
        for coupon in step.coupons:
            coupons[coupon.coupon] = coupons.get(coupon.coupon, 0) + coupon.count * times
        for card in step.counts:
            counts[card.card] = counts.get(card.card, 0) + card.uses * times
    if not reached:
        return Shortfall(Why.MIN_SPEND, min(ladder.steps[0].amount_minor for ladder in ladders) - amount_minor)
    usage, budget = view.facts.usage.get(rule.rule), rule.limits.budget_minor
    if budget is not None and bonus > (rest := budget - (0 if usage is None else usage.given_minor)):
        return Shortfall(Why.BUDGET, bonus - max(0, rest))
    if usage is not None and usage.share_minor is not None and bonus > usage.share_minor:
        return Shortfall(Why.BUDGET_SHARE_USED, bonus - usage.share_minor)
    return Brought(rule.rule, bonus, tuple(sorted(dated)), points, _given(coupons), _given(counts), rule.funded_by)


def _step(ladder: TopUp, amount_minor: int) -> tuple[TopUpStep | None, int]:
    """The highest step reached, and how many times it counts."""
    step = next((step for step in reversed(ladder.steps) if step.amount_minor <= amount_minor), None)
    times = amount_minor // step.amount_minor if step is not None and ladder.every else 1
    return step, times if ladder.most_times is None else min(times, ladder.most_times)


def _given(counts: dict[str, int]) -> tuple[Given, ...]:
    return tuple(Given(name, min(count, MOST_GIVEN)) for name, count in sorted(counts.items()) if count)
