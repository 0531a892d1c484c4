"""A cart case as a pack and a basket of ours, under the profile of its engine."""

from dataclasses import dataclass, replace
from fractions import Fraction
from math import lcm

from conformance import effects as neutral
from conformance.cases import CartCase, Promotion
from conformance.conditions import PointsAtLeast
from conformance.gives import GivesReader
from conformance.goods import Goods, goods_of, rounding_of
from conformance.outcome import NotExpressibleError
from conformance.profiles import Profile
from conformance.terms import Terms, TermsReader, Words, day_number, flags_of, new_words
from contract.basket import Basket, Customer, PlannedTender, Stock
from contract.errors import ContractError
from contract.money import MAX_AMOUNT_MINOR
from rules.grammar.conditions import Per
from rules.grammar.effects import Effect
from rules.grammar.pack import GoldenBasket, Group, Pack
from rules.grammar.policies import Exclusion
from rules.grammar.rewards import PayStored, RoundTotal
from rules.grammar.rule import Lane, Rule
from rules.pack import GRAMMAR, read_pack, write_pack

MOST_POINT_UNITS = 10_000
ROUNDING_RULE = "rounding-of-the-total"
ONE_OF = "one-of-these"
MOST_PRIORITY = 1_000_000
DAY_MS = 86_400_000
NOON_MS = 43_200_000
SOME_DAY = 20_000
"""The day a sale is made on where a case names none but asks how long ago the last one was."""


@dataclass(frozen=True, slots=True)
class Translated:
    """What is priced, and how its names lead back to the case: rules to promotions, gifts to articles."""

    pack: Pack
    basket: Basket
    goods: Goods
    promotions: dict[str, Promotion]
    gifts: dict[str, str]
    points_scale: int


def translate(body: CartCase, scale: int, profile: Profile) -> Translated:
    """Return the pack and the basket of a case. Raises NotExpressibleError for what the grammar leaves out on purpose,
    and for figures beyond what a till takes.
    """
    body = replace(body, combine=body.combine or profile.combine)
    goods, words = goods_of(body), new_words()
    points_scale = _points_scale(body, scale)
    gives = GivesReader(body, scale, goods, words, points_scale)
    terms = TermsReader(body, goods, words, gives.points)
    named = _named(body)
    rules, usage = [], []
    for rule, (promotion, priority) in named.items():
        found = terms.read(promotion, rule)
        usage.append(found.usage)
        then = gives.read(promotion)
        rules.append(_rule(rule, promotion, priority, found, then, body.combine or ""))
        rules[-1:] = _paid_last(rules[-1])
    rounding = body.cart_rounding
    if rounding is not None and rounding.at == "total" and rounding.to > 1:
        rules.append(_rounding_rule(RoundTotal(rounding.to, rounding_of(rounding.mode))))
    pack = _pack(body, profile, tuple(rules), points_scale)
    basket = _basket(body, goods, words, gives)
    # A rule that was never used says nothing of its use.
    used = tuple([one for one in usage if one.total or one.member])
    try:
        pack = read_pack(write_pack(pack))
    except ContractError as error:
        raise NotExpressibleError(f"beyond the bounds of a pack ({error})") from error
    promotions = {rule: promotion for rule, (promotion, _priority) in named.items()}
    return Translated(pack, replace(basket, usage=used), goods, promotions, gives.gifts.known(), points_scale)


def _named(body: CartCase) -> dict[str, tuple[Promotion, int]]:
    """The promotions under the names of their rules, in the order in which they act, with our priorities.

    Promotions go by priority, then by the order of the file; ours then fall from rule to rule. Where only the highest
    priority counts, equal ones stay equal. Where each is reckoned on the list price the order changes nothing but who
    is cut at the end, so those go first that have no base to name.
    """
    ordered = sorted(body.promotions, key=lambda promotion: -promotion.priority)
    if body.combine == "sum_on_list":
        ordered.sort(key=lambda promotion: not any(isinstance(gives, _WITHOUT_BASE) for gives in promotion.effects))
    ranks = sorted({promotion.priority for promotion in ordered})
    by_rank = body.combine == "highest_priority_only"
    return {
        f"p{index:04d}": (promotion, ranks.index(promotion.priority) if by_rank else len(ordered) - index)
        for index, promotion in enumerate(ordered)
    }


_WITHOUT_BASE = (neutral.OrderPrice, neutral.UnitPrice, neutral.Bundle, neutral.BuyGet)


def _rule(name: str, promotion: Promotion, priority: int, terms: Terms, then: tuple[Effect, ...], combine: str) -> Rule:
    paying = all(isinstance(effect, PayStored) for effect in then)
    competing = combine in ("highest_priority_only", "best_order", "best_line")
    return Rule(
        rule=name,
        title=name,
        title_en=name,
        # One lane for all, for the format knows no lanes, only an order; but what pays the rest comes after everything.
        lane=Lane.TENDER if paying else Lane.BASKET,
        then=then,
        when=terms.when,
        priority=priority,
        limits=terms.limits,
        groups=(ONE_OF,) if competing else (),
        exclusive=promotion.exclusive and combine == "exclusive_first",
        paused=not promotion.enabled or promotion.max_applications == 0,
    )


def _paid_last(rule: Rule) -> list[Rule]:
    """``rule``, and where it pays from the wallet beside other things a second one for that: what pays the rest comes
    after everything.
    """
    paying = tuple(effect for effect in rule.then if isinstance(effect, PayStored))
    others = tuple(effect for effect in rule.then if not isinstance(effect, PayStored))
    if not paying or not others:
        return [rule]
    second = replace(rule, rule=f"{rule.rule}-pay", lane=Lane.TENDER, then=paying, groups=(), exclusive=False)
    return [replace(rule, then=others), second]


def _rounding_rule(effect: RoundTotal) -> Rule:
    """The rule that rounds the total: after every discount, before anything is paid."""
    return Rule(ROUNDING_RULE, ROUNDING_RULE, ROUNDING_RULE, Lane.TENDER, (effect,), priority=MOST_PRIORITY)


def _pack(body: CartCase, profile: Profile, rules: tuple[Rule, ...], points_scale: int) -> Pack:
    exclusion = {
        "highest_priority_only": Exclusion.PRIORITY,
        "exclusive_first": Exclusion.EXCLUSIVE_FIRST,
        "best_order": Exclusion.BEST,
        "best_line": Exclusion.BEST,
    }.get(body.combine or "", profile.policies.exclusion)
    per = Per.LINE if body.combine == "best_line" else Per.BASKET
    return Pack(
        grammar=GRAMMAR,
        currency="CNY",
        rules=rules,
        golden=(GoldenBasket(Basket(()), 0),),
        policies=replace(profile.policies, exclusion=exclusion),
        groups=(Group(ONE_OF, per),) if any(rule.groups for rule in rules) else (),
        points_scale=points_scale,
    )


def _basket(body: CartCase, goods: Goods, words: Words, gives: GivesReader) -> Basket:
    context = body.context
    last = body.customer.days_since_last_order if body.customer else None
    today = SOME_DAY if context.today is None else day_number(context.today)
    tells_day = context.today is not None or last is not None
    tenders = {
        effect.less_tender: context.flags.get(effect.less_tender, 0)
        for promotion in body.promotions
        for effect in promotion.effects
        if isinstance(effect, neutral.Points) and effect.less_tender is not None
    }
    return Basket(
        lines=goods.lines,
        customer=_customer(body, words, gives, today),
        channel=None if context.channel is None else words.channels[context.channel],
        moment_ms=today * DAY_MS + NOON_MS if tells_day else None,
        codes=tuple(dict.fromkeys(words.codes[code] for code in context.codes)),
        tenders=tuple(
            PlannedTender(words.tenders[name], min(amount, MAX_AMOUNT_MINOR))
            for name, amount in tenders.items()
            if isinstance(amount, int) and amount > 0
        ),
        flags=flags_of(body, words),
        stock=tuple(Stock(sku, left) for sku, left in gives.available.items()),
        want_points=None if context.want_points is None else max(0, gives.points(context.want_points)),
    )


def _customer(body: CartCase, words: Words, gives: GivesReader, today: int) -> Customer | None:
    """The member, where a case has a customer or gives points or stored value, which only members have."""
    known = body.customer
    if known is None:
        kept = (neutral.Points, neutral.RedeemPoints, neutral.SpendPoints, neutral.PayWallet, neutral.WalletTopup)
        if not any(isinstance(effect, kept) for promotion in body.promotions for effect in promotion.effects):
            return None
        return Customer("member")
    last = known.days_since_last_order
    return Customer(
        tier="member",
        tags=tuple(dict.fromkeys(words.groups[name] for name in known.groups)),
        segments=() if known.id is None else (words.customers[known.id],),
        points=gives.points(known.points),
        stored_minor=known.wallet,
        visits=known.past_orders or 0,
        visit_days=() if last is None else (max(0, today - last),),
    )


def _points_scale(body: CartCase, scale: int) -> int:
    """The number of our smallest units in one point: as many as make every figure of the case whole, within bounds."""
    figures: list[Fraction] = []
    if body.customer is not None:
        figures.append(body.customer.points)
    if body.context.want_points is not None:
        figures.append(body.context.want_points)
    for promotion in body.promotions:
        figures += [asked.points for asked in promotion.when if isinstance(asked, PointsAtLeast)]
        for effect in promotion.effects:
            figures += _figures(effect, scale)
    return min(lcm(*[figure.denominator for figure in figures]), MOST_POINT_UNITS)


def _figures(effect: neutral.Effect, scale: int) -> list[Fraction]:
    """The numbers of points an effect names, and what the smallest amount of money comes to in points."""
    match effect:
        case neutral.Points(per, rate, round_):
            return [rate / scale if per == "money" else rate] if round_ in (None, "none") else []
        case neutral.RedeemPoints(value, step, most, whole_steps):
            return [step, most or Fraction(0)] + ([] if whole_steps else [step / value])
        case neutral.SpendPoints(points):
            return [points]
    return []
