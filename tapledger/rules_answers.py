"""From what ``rules`` says to what the commands answer: the records of :mod:`tapledger.rules_output`."""

from collections.abc import Callable, Sequence

from contract.basket import Basket
from rules.advice.goods import Goods
from rules.advice.hints import advice, hint
from rules.advice.nearest import Nearest, nearest
from rules.compare import Group, Tally
from rules.engine.compiled import Compiled
from rules.engine.verdicts import Judged, Verdict
from rules.explain import explain
from rules.grammar.pack import Pack
from rules.grammar.rule import Rule
from rules.linting.finding import Finding, Weight
from rules.priced import Priced
from rules.refund import Refund
from tapledger.rules_output import (
    ChangeAnswer,
    ClampAnswer,
    CompareAnswer,
    ExplainAnswer,
    FindingAnswer,
    FloorAnswer,
    GroupAnswer,
    LintAnswer,
    NearestAnswer,
    PriceAnswer,
    PricedEffect,
    PricedLine,
    RefundAnswer,
    RuleAnswer,
    Sale,
    TaxAnswer,
    VerdictAnswer,
)


def price_answer(basket: Basket, priced: Priced, pack: Pack) -> PriceAnswer:
    """What a basket comes to."""
    lines = tuple(
        PricedLine(line.sku, line.quantity, line.list_minor, payable)
        for line, payable in zip(basket.lines, priced.payable_by_line, strict=True)
    )
    totals = () if priced.taxes is None else priced.taxes.totals
    return PriceAnswer(
        currency=pack.currency,
        points_scale=pack.points_scale,
        list_minor=priced.list_minor,
        payable_minor=priced.payable_minor,
        to_pay_minor=priced.to_pay_minor,
        rounding_minor=priced.rounding_minor,
        stored_minor=priced.stored_minor,
        bonus_minor=priced.bonus_minor,
        points=priced.points,
        points_spent=priced.points_spent,
        exact=priced.exact,
        lines=lines,
        effects=_effects(priced, pack),
        taxes=tuple(TaxAnswer(total.tax, total.rate_bp, total.net_minor, total.tax_minor) for total in totals),
        sale=Sale(basket, priced.effects, priced.payable_minor),
    )


def _effects(priced: Priced, pack: Pack) -> tuple[PricedEffect, ...]:
    return tuple(
        PricedEffect(
            rule=effect.rule,
            title=told.title,
            title_en=told.title_en,
            reason=told.reason,
            reason_en=told.reason_en,
            change=told.change,
            base_minor=effect.base_minor,
            off_minor=effect.off_minor,
            points=effect.points,
            points_spent=effect.points_spent,
            bonus_minor=effect.bonus_minor,
            stored_minor=effect.stored_minor,
            rounding_minor=effect.rounding_minor,
            shares=effect.shares,
            gifts=effect.gifts,
            coupons=effect.coupons,
            counts=effect.counts,
            funded_by=effect.funded_by,
        )
        for effect, told in zip(priced.effects, explain(pack, priced.effects), strict=True)
    )


def explain_answer(
    basket: Basket, judged: Judged, compiled: Compiled, progress: Callable[[int], None] | None = None
) -> ExplainAnswer:
    """The price, and every rule's verdict with the nearest single change that would flip it. ``progress`` is told how
    many verdicts there are so far: each change is priced before it is told.
    """
    pack = compiled.pack
    goods = Goods(compiled, basket.lines)
    rules = {rule.rule: rule for rule in pack.rules}
    verdicts = []
    for verdict in judged.verdicts:
        verdicts.append(_verdict(basket, verdict, rules[verdict.rule], compiled, goods))
        if progress is not None:
            progress(len(verdicts))
    return ExplainAnswer(price_answer(basket, judged.priced, pack), tuple(verdicts))


def _verdict(basket: Basket, verdict: Verdict, rule: Rule, compiled: Compiled, goods: Goods) -> VerdictAnswer:
    missed = verdict.shortfall
    if missed is None:
        return VerdictAnswer(rule.rule, rule.title, rule.title_en, True, verdict.off_minor, verdict.points)
    reason, reason_en = hint(missed, compiled.pack)
    change = nearest(basket, compiled, goods, rule, missed)
    return VerdictAnswer(
        rule=rule.rule,
        title=rule.title,
        title_en=rule.title_en,
        applied=False,
        off_minor=0,
        points=0,
        why=missed.why,
        missing=missed.missing,
        reason=reason,
        reason_en=reason_en,
        nearest=None if change is None else _nearest(change, compiled.pack),
    )


def _nearest(change: Nearest, pack: Pack) -> NearestAnswer:
    zh, en = advice(change, pack)
    return NearestAnswer(
        change.why, change.missing, change.off_minor, change.points, zh, en, change.basket, change.wanted, change.at
    )


def refund_answer(refund: Refund, pack: Pack) -> RefundAnswer:
    """What comes back."""
    return RefundAnswer(
        currency=pack.currency,
        units=refund.units,
        refund_minor=refund.refund_minor,
        to_stored_minor=refund.to_stored_minor,
        points_back=refund.points_back,
        points_debt=refund.points_debt,
        points_restored=refund.points_restored,
        bonus_back_minor=refund.bonus_back_minor,
        codes_restored=refund.codes_restored,
        coupons_withdrawn=refund.coupons_withdrawn,
        counts_withdrawn=refund.counts_withdrawn,
        gifts_due=refund.gifts_due,
        points_scale=pack.points_scale,
    )


def lint_answer(rules: int, findings: Sequence[Finding]) -> LintAnswer:
    """What is wrong with a pack, and what is worth knowing."""
    wrong = sum(finding.weight is Weight.WRONG for finding in findings)
    told = tuple(
        FindingAnswer(finding.rule, finding.kind, finding.weight, *finding.words, finding.others, finding.basket)
        for finding in findings
    )
    return LintAnswer(rules, wrong, len(findings) - wrong, told)


def compare_answer(tally: Tally) -> CompareAnswer:
    """What changes for whom."""
    tiers = tuple(_group(tier, group) for tier, group in sorted(tally.tiers.items()))
    rules = tuple(
        RuleAnswer(rule, count.old_times, count.new_times, count.old_minor, count.new_minor)
        for rule, count in sorted(tally.rules.items())
    )
    floors = tuple(FloorAnswer(sku, floor.times, floor.kept_minor) for sku, floor in sorted(tally.floors.items()))
    biggest = tuple(
        ChangeAnswer(one.basket, one.tier, one.list_minor, one.old_minor, one.new_minor, one.came, one.went)
        for one in tally.biggest
    )
    clamps = tuple(
        ClampAnswer(clamp.basket, clamp.line, clamp.sku, clamp.wanted_minor, clamp.payable_minor)
        for clamp in tally.clamps
    )
    return CompareAnswer(_group("", tally.whole), tiers, rules, floors, biggest, clamps)


def _group(tier: str, group: Group) -> GroupAnswer:
    return GroupAnswer(
        tier=tier,
        baskets=group.baskets,
        winners=group.winners,
        losers=group.losers,
        old_minor=group.old_minor,
        new_minor=group.new_minor,
        old_points=group.old_points,
        new_points=group.new_points,
    )
