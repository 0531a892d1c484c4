"""Why a price is what it is: each applied effect in words, for the glass, the receipt and HQ alike."""

from dataclasses import dataclass

from contract.journal import AppliedEffect
from contract.money import format_minor
from rules.pack import EffectKind, Pack, Rule
from rules.shares import BASIS_POINTS


@dataclass(frozen=True, slots=True)
class Explanation:
    """One effect for people: the rule's title, the reason it applied, and what it did (``-26.80`` or ``+221``), in
    Chinese and English.
    """

    rule: str
    title: str
    title_en: str
    reason: str
    reason_en: str
    change: str


def explain(pack: Pack, effects: tuple[AppliedEffect, ...]) -> tuple[Explanation, ...]:
    """Explain effects that :func:`rules.price.price` found under ``pack``, in their order. Effects of rules not in
    the pack are left out.
    """
    by_name = {rule.rule: rule for rule in pack.rules}
    return tuple(_explain(by_name[effect.rule], effect) for effect in effects if effect.rule in by_name)


def _explain(rule: Rule, effect: AppliedEffect) -> Explanation:
    base = format_minor(effect.base_minor)
    match rule.effect.kind:
        case EffectKind.PERCENT_OFF:
            reason = f"{base} 打{fold(rule.effect.rate_bp)}折"
            reason_en = f"{percent(rule.effect.rate_bp)} off {base}"
        case EffectKind.SPEND_SAVE:
            spend, save = format_minor(rule.effect.spend_minor), format_minor(rule.effect.save_minor)
            each = "每满" if rule.effect.every else "满"
            reason = f"{base} 已{each}{spend}，减{save}"
            reason_en = f"{base} reached {spend}: {save} off" + (" each time" if rule.effect.every else "")
        case EffectKind.POINTS_PER_MONEY:
            spend = format_minor(rule.effect.spend_minor)
            reason = f"实付 {base}，每 {spend} 得 {rule.effect.points} 分"
            reason_en = f"{base} paid, {rule.effect.points} for every {spend}"
    change = f"+{effect.points}" if effect.points else format_minor(-effect.off_minor)
    return Explanation(rule.rule, rule.title, rule.title_en, reason, reason_en, change)


def fold(rate_bp: int) -> str:
    """Return what is left to pay as Chinese shops say it: 1,000 basis points off is ``9``, 1,250 is ``8.75``."""
    return _trimmed(BASIS_POINTS - rate_bp, BASIS_POINTS // 10)


def percent(rate_bp: int) -> str:
    """Return ``10 %`` for 1,000 basis points, ``12.5 %`` for 1,250."""
    return f"{_trimmed(rate_bp, BASIS_POINTS // 100)} %"


def _trimmed(number: int, unit: int) -> str:
    """``number`` as a decimal of ``unit`` (a power of ten), without trailing zeros."""
    whole, rest = divmod(number, unit)
    digits = str(rest).rjust(len(str(unit)) - 1, "0").rstrip("0")
    return f"{whole}.{digits}" if digits else str(whole)
