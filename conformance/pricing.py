"""A cart case priced by our engine, and told in the case's own names."""

from fractions import Fraction

from conformance import conditions as asked_of
from conformance import effects as neutral
from conformance.cases import CartCase, Hint, Promotion
from conformance.outcome import NotExpressibleError, Outcome
from conformance.profiles import Profile
from conformance.terms import hint_of, reason_of
from conformance.translate import Translated, translate
from contract.errors import ContractError
from contract.trace import Share
from rules.engine.compiled import compile_pack
from rules.engine.shortfall import Shortfall, Why
from rules.engine.verdicts import Verdict, judge
from rules.priced import Priced

IDLE = (Why.NOTHING_LEFT, Why.NO_ITEM, Why.STOCK)
"""Why a rule whose conditions hold gives nothing all the same."""


CONDITIONS_OF = {
    Why.MIN_QUANTITY: (asked_of.MinQty, asked_of.QtyRange, asked_of.LineMinQty),
    Why.MIN_SPEND: (asked_of.Spend,),
}
"""What a condition may have missed and an effect too: too few units for a bundle, too little money for a point."""


def priced_case(body: CartCase, scale: int, profile: Profile) -> Outcome:
    """Return what a cart case comes to. Raises NotExpressibleError for what our grammar leaves out on purpose."""
    translated = translate(body, scale, profile)
    compiled = compile_pack(translated.pack)
    try:
        judged = judge(translated.basket, compiled)
    except ContractError as error:
        raise NotExpressibleError(f"beyond what a till takes ({error})") from error
    _require_same_base(translated, judged.priced)
    return _outcome(body, translated, judged.priced, judged.verdicts)


def _outcome(body: CartCase, translated: Translated, found: Priced, verdicts: tuple[Verdict, ...]) -> Outcome:
    discounts = _discounts(body, translated, found)
    customer = translated.basket.customer
    points, stored = (customer.points, customer.stored_minor) if customer else (0, 0)
    scale = translated.points_scale
    missed = _missed(translated, verdicts)
    reasons = {promotion.id: reason_of(shortfall) for promotion, shortfall in missed}
    if Why.CONFLICT in [shortfall.why for _promotion, shortfall in missed]:
        reasons["*"] = "conflict"
    return Outcome(
        subtotal=found.list_minor,
        discount=sum(discounts.values()),
        total=found.payable_minor,
        lines=discounts,
        applied=frozenset(_applied(translated, verdicts)),
        idle=frozenset(promotion.id for promotion, shortfall in missed if _idle(promotion, shortfall)),
        reasons=reasons,
        free_items=_free_items(translated, found),
        points_earned=Fraction(found.points, scale),
        points_spent=Fraction(found.points_spent, scale),
        points_balance=Fraction(points - found.points_spent + found.points, scale),
        to_pay=found.to_pay_minor,
        wallet_balance=stored - found.stored_minor + found.bonus_minor,
        hint=_hints(missed),
    )


def _discounts(body: CartCase, translated: Translated, found: Priced) -> dict[str, int]:
    """What was taken off each line of the cart; 0 for those that do not pay."""
    discounts = {line.id: 0 for line in body.cart}
    lines = zip(translated.goods.ids, translated.basket.lines, found.payable_by_line, strict=True)
    for line_id, line, payable_minor in lines:
        discounts[line_id] += line.list_minor - payable_minor
    return discounts


def _applied(translated: Translated, verdicts: tuple[Verdict, ...]) -> list[str]:
    return [
        translated.promotions[verdict.rule].id
        for verdict in verdicts
        if verdict.applied and verdict.rule in translated.promotions
    ]


def _missed(translated: Translated, verdicts: tuple[Verdict, ...]) -> list[tuple[Promotion, Shortfall]]:
    return [
        (translated.promotions[verdict.rule], verdict.shortfall)
        for verdict in verdicts
        if not verdict.applied and verdict.shortfall is not None and verdict.rule in translated.promotions
    ]


def _idle(promotion: Promotion, shortfall: Shortfall) -> bool:
    """Whether all conditions of a promotion hold and only its effects found nothing to give."""
    conditions = CONDITIONS_OF.get(shortfall.why, ())
    asked = any(isinstance(condition, conditions) for condition in promotion.when)
    return shortfall.why in IDLE or (bool(conditions) and not asked)


def _hints(missed: list[tuple[Promotion, Shortfall]]) -> dict[str, Hint]:
    hints = {promotion.id: hint_of(shortfall) for promotion, shortfall in missed}
    return {name: hint for name, hint in hints.items() if hint is not None}


def _free_items(translated: Translated, found: Priced) -> dict[str, int]:
    free: dict[str, int] = {}
    for effect in found.effects:
        for given in effect.gifts:
            sku = translated.gifts[given.name]
            free[sku] = free.get(sku, 0) + given.count
    return free


def _require_same_base(translated: Translated, found: Priced) -> None:
    """Raise NotExpressibleError where a discount on some units of a line counts against them what other units of that
    line were given, and that matters: our rules look at the units they touch.
    """
    for place, effect in enumerate(found.effects):
        promotion = translated.promotions.get(effect.rule)
        if promotion is None or not any(map(_less_given, promotion.effects)):
            continue
        touched: dict[int, set[int]] = {}
        for share in effect.shares:
            touched.setdefault(share.line, set()).update(_units(share))
        for line, units in touched.items():
            earlier = [share for before in found.effects[:place] for share in before.shares if share.line == line]
            elsewhere = [share for share in earlier if share.off_minor and not _units(share) <= units]
            left_minor = translated.basket.lines[line].unit_price_minor * len(units) - sum(map(_taken, earlier))
            taken_minor = sum(_taken(share) for share in effect.shares if share.line == line)
            whole = any(isinstance(one, neutral.Amount) and one.value == taken_minor for one in promotion.effects)
            if elsewhere and not (whole and taken_minor <= left_minor):
                raise NotExpressibleError(
                    "a discount on some units of a line that counts against them what its other units were given"
                )


def _units(share: Share) -> set[int]:
    return set(range(share.unit, share.unit + share.units))


def _taken(share: Share) -> int:
    return share.units * share.off_minor


def _less_given(effect: neutral.Effect) -> bool:
    return (
        isinstance(effect, neutral.Percent | neutral.Amount | neutral.Tiered)
        and effect.basis == "list_capped_units_less_given"
        and (effect.max_units_per_line is not None or effect.max_units is not None)
    )
