"""A verdict for every rule of a pack that touches a basket's shop: applied, or why not, and what would change that.

It is the pricing itself that is asked, with every rule instead of only those the index finds; nothing judges twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from contract.basket import Basket
from rules.engine.compiled import Compiled, leaves
from rules.engine.conditions import check_all
from rules.engine.meeting import meet
from rules.engine.price import opened, outcome
from rules.engine.shortfall import Shortfall
from rules.engine.view import View
from rules.grammar import conditions as asks
from rules.grammar.rule import Rule
from rules.priced import Priced


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one rule. ``off_minor`` and ``points`` are what it took off and gave where it applied;
    ``shortfall`` says why it did not: the first condition it missed, in the order they are written, with all it missed
    as parts where there are several.
    """

    rule: str
    applied: bool
    shortfall: Shortfall | None
    off_minor: int
    points: int


@dataclass(frozen=True, slots=True)
class Judged:
    """The price of a basket and the verdict of every rule that touches its shop, in the order rules act."""

    priced: Priced
    verdicts: tuple[Verdict, ...]


def judge(basket: Basket, compiled: Compiled) -> Judged:
    """Price ``basket`` and judge every rule. The price is the one :func:`rules.engine.price.price` gives. Raises
    ContractError as it does.
    """
    view = opened(basket, compiled)
    view.facts.explain = True
    numbers = [number for number, rule in enumerate(compiled.rules) if _touches(rule, view)]
    met = meet(view, numbers, compiled)
    priced = outcome(met, compiled)
    off: dict[str, int] = {}
    points: dict[str, int] = {}
    for effect in priced.effects:
        off[effect.rule] = off.get(effect.rule, 0) + effect.off_minor
        points[effect.rule] = points.get(effect.rule, 0) + effect.points
    verdicts = []
    for number in numbers:
        name = compiled.rules[number].rule
        missing = met.view.outcomes[number]
        verdicts.append(Verdict(name, missing is None, missing, off.get(name, 0), points.get(name, 0)))
    return Judged(priced, tuple(verdicts))


def _touches(rule: Rule, view: View) -> bool:
    """Whether a rule can apply in the basket's shop at all: it says nothing of shops, or this one is among them."""
    return check_all(tuple(_about_shops(rule)), view) is None


def _about_shops(rule: Rule) -> Iterator[asks.Condition]:
    for condition in rule.when:
        if all(isinstance(part, asks.Shop | asks.ShopGroup) for part in leaves(condition)):
            yield condition
