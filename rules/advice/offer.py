"""The one offer that is nearest to an open basket: what a customer at the counter could still buy, and what that would
bring. "Spend 12.50 more to save 30".

Only rules that the index finds for the basket are looked at, of them only those that miss one thing that buying more
makes good, and of those the nearest few are tried. What is told was priced: the rule applied, and the basket as a whole
was no worse off. Asked while a customer waits, it leaves alone what would take long to reckon.
"""

from collections import Counter
from dataclasses import replace

from contract.basket import Basket
from contract.making import dataclass
from contract.trace import AppliedEffect, Given
from rules.advice.goods import Goods
from rules.advice.hints import advice
from rules.advice.more_goods import try_out
from rules.advice.nearest import Nearest, nearest
from rules.engine.compiled import DISCOUNT_LANES, Compiled
from rules.engine.meeting import MOST_TRIALS, Met, meet
from rules.engine.price import opened, outcome
from rules.engine.shortfall import Shortfall, Why
from rules.explain import Words
from rules.grammar.pack import Pack
from rules.grammar.rule import Rule
from rules.priced import Priced

MOST_TRIED = 3
"""How many rules are tried out, the nearest first."""
MOST_WORK = 500
"""The most that trying rules out may take, in steps of one rule looking at one line. One rule tried prices the basket
some twelve times; what three of them would make too much is done for two, or for one, or not at all.
"""
_BY_BUYING = (Why.MIN_SPEND, Why.MIN_QUANTITY, Why.DISTINCT)
_COMPETED = (Why.NOT_BEST, Why.EXCLUDED, Why.CONFLICT)
_LEAST_PRICE_MINOR = 1


@dataclass(frozen=True, slots=True)
class Offer:
    """What to buy and what for, in Chinese and in English, with the rule that offers it and its title. ``cost_minor``
    is what has to be spent for it at list price, in minor units; of goods that the basket has nothing of, a guess.
    """

    rule: str
    title: Words
    words: Words
    cost_minor: int


@dataclass(frozen=True, slots=True)
class _Near:
    """A rule that misses one thing, and the least that could cost, in minor units."""

    least_minor: int
    number: int
    missed: Shortfall


def nearest_offer(basket: Basket, compiled: Compiled, goods: Goods) -> Offer | None:
    """Return the offer that the least money reaches, None where there is none or to find it would take long. ``basket``
    can be priced, ``goods`` are those of ``compiled``.
    """
    view = opened(basket, compiled)
    numbers = compiled.candidates(view)
    looks = len(basket.lines) * len(numbers)
    if not 0 < looks <= MOST_WORK:
        return None
    view.facts.explain = True
    met = meet(view, numbers, compiled)
    now = outcome(met, compiled)
    best: Offer | None = None
    most = min(MOST_TRIED, MOST_WORK // (looks * _combinations(met, compiled)))
    for near in _near(basket, met)[:most]:
        if best is not None and best.cost_minor <= near.least_minor:
            break
        rule = compiled.rules[near.number]
        change = nearest(basket, compiled, goods, rule, near.missed)
        found = None if change is None else _offered(change, rule, basket, now, compiled)
        if found is not None and (best is None or found.cost_minor < best.cost_minor):
            best = found
    return best


def _combinations(met: Met, compiled: Compiled) -> int:
    """How many combinations pricing tries at most, where rules that could act, or could once more is bought, exclude
    each other.
    """
    outcomes = met.view.outcomes.items()
    able = [
        compiled.rules[number]
        for number, missed in outcomes
        if missed is None or missed.why in _COMPETED or _ways(missed)
    ]
    combinations = 1
    for members in Counter(group for rule in able for group in rule.groups).values():
        combinations *= 1 + members
    if any(rule.exclusive for rule in able):
        combinations <<= min(sum(rule.lane in DISCOUNT_LANES for rule in able), MOST_TRIALS)
    return min(combinations, MOST_TRIALS)


def _near(basket: Basket, met: Met) -> list[_Near]:
    """The rules that miss one thing that buying more makes good, the nearest first."""
    cheapest = min((line.unit_price_minor for line in basket.lines), default=0)
    found = []
    for number, missed in met.view.outcomes.items():
        for way in _ways(missed):
            per_unit = {Why.MIN_SPEND: 1, Why.MIN_QUANTITY: cheapest}.get(way.why, 0)
            found.append(_Near(way.missing * per_unit, number, way))
    return sorted(found, key=lambda near: (near.least_minor, near.number))


def _ways(missed: Shortfall | None) -> list[Shortfall]:
    """What is missed, where buying more makes good all of it; of alternatives each that does."""
    if missed is None or (missed.parts and not missed.any_would_do):
        return []
    if missed.parts:
        return [way for part in missed.parts for way in _ways(part)]
    return [missed] if missed.why in _BY_BUYING and missed.missing > 0 else []


def _offered(change: Nearest, rule: Rule, basket: Basket, now: Priced, compiled: Compiled) -> Offer | None:
    """The change in words, where it keeps what the words promise."""
    cost_minor = change.basket.list_minor - basket.list_minor
    if change.why is Why.MIN_SPEND and cost_minor != change.missing:
        return None
    found = try_out(_promised(change, basket), compiled)
    if found is None or not found.applied(rule.rule):
        return None
    effects = found.effects(rule.rule)
    off = sum(effect.off_minor for effect in effects)
    more_off = _off(found.basket, found.priced) - _off(basket, now)
    if more_off < 0 or (off and not more_off):
        return None
    if not off and not any(
        effect.points or effect.gifts or effect.coupons or effect.counts or effect.bonus_minor for effect in effects
    ):
        return None
    words = _words(change, effects, compiled.pack)
    return Offer(rule.rule, (rule.title, rule.title_en), words, cost_minor)


def _promised(change: Nearest, basket: Basket) -> Basket:
    """The changed basket with articles nobody has picked yet at the least price: what it brings then, it brings with
    any. Money to spend is known whatever it is spent on.
    """
    if change.why is Why.MIN_SPEND:
        return change.basket
    kept = len(basket.lines)
    added = (
        replace(line, unit_price_minor=_LEAST_PRICE_MINOR, floor_minor=0, member_price_minor=None)
        for line in change.basket.lines[kept:]
    )
    return replace(change.basket, lines=(*change.basket.lines[:kept], *added))


def _words(change: Nearest, effects: tuple[AppliedEffect, ...], pack: Pack) -> Words:
    """The advice, with coupons and count cards by the titles that glass and paper call them by."""
    titles = {item.coupon: (item.title, item.title_en) for item in pack.coupons}
    titles |= {item.card: (item.title, item.title_en) for item in pack.count_cards}

    def titled(given: tuple[Given, ...], at: int) -> tuple[Given, ...]:
        return tuple(replace(item, name=titles[item.name][at]) if item.name in titles else item for item in given)

    zh, en = (
        advice(
            replace(
                change,
                effects=tuple(
                    replace(effect, coupons=titled(effect.coupons, at), counts=titled(effect.counts, at))
                    for effect in effects
                ),
            ),
            pack,
        )[at]
        for at in (0, 1)
    )
    return zh, en


def _off(basket: Basket, priced: Priced) -> int:
    """What all rules together take off the lines, in minor units."""
    return basket.list_minor - sum(priced.payable_by_line)
