"""One basket tried out on a pack: what it comes to, and what became of every rule that its facts lead to.

Where ``rules.engine.verdicts`` judges every rule of a shop, this asks only the rules the index finds; so that thousands
of baskets can be tried on thousands of rules.
"""

from collections.abc import Mapping
from dataclasses import replace

from contract.basket import Basket
from contract.making import dataclass
from contract.trace import AppliedEffect
from rules.engine.compiled import Compiled
from rules.engine.meeting import meet
from rules.engine.price import opened, outcome
from rules.engine.shortfall import Shortfall
from rules.priced import Priced


@dataclass(frozen=True, slots=True)
class Trial:
    """A basket, its price, and why each rule that was asked did not apply (None for those that did). A rule that is not
    in ``outcomes`` asks for something the basket does not have at all.
    """

    basket: Basket
    priced: Priced
    outcomes: Mapping[str, Shortfall | None]

    def applied(self, rule: str) -> bool:
        """Whether a rule applied."""
        return rule in self.outcomes and self.outcomes[rule] is None

    def effects(self, rule: str) -> tuple[AppliedEffect, ...]:
        """What a rule did."""
        return tuple(effect for effect in self.priced.effects if effect.rule == rule)


def tried(basket: Basket, compiled: Compiled, explain: bool = False) -> Trial:
    """Price ``basket``; with ``explain`` the outcomes tell everything that a rule missed, not only the first thing.
    Raises ContractError as :func:`rules.engine.price.price` does.
    """
    view = opened(basket, compiled)
    view.facts.explain = explain
    met = meet(view, compiled.candidates(view), compiled)
    outcomes = {compiled.rules[number].rule: missing for number, missing in met.view.outcomes.items()}
    return Trial(basket, outcome(met, compiled), outcomes)


def without_floors(basket: Basket) -> Basket:
    """The same basket with goods that rules may give away."""
    return replace(basket, lines=tuple(replace(line, floor_minor=0) for line in basket.lines))
