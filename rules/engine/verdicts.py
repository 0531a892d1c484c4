"""A verdict for every rule of a pack that touches a basket's shop: applied, or why not, and what would change that.

The rules that the index finds are asked by the pricing itself. Of the others the index knows that they cannot apply;
what they missed is told by the same conditions, and by a table made once where that never differs.
"""

from contract.basket import Basket
from contract.making import dataclass
from rules.engine.acting import propose, refused
from rules.engine.compiled import Compiled, Keys, needed, selects_of, stands_for
from rules.engine.conditions import check, check_all
from rules.engine.keys import keys_of
from rules.engine.meeting import meet
from rules.engine.price import opened, outcome
from rules.engine.shortfall import Shortfall, Why
from rules.engine.view import View
from rules.grammar import conditions as asks
from rules.grammar.conditions import Condition, leaves
from rules.grammar.money import BuyGet, Package
from rules.grammar.rule import NO_LIMITS, Rule
from rules.priced import Priced

_NO_ITEM = Shortfall(Why.NO_ITEM)


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


class Judge:
    """Judges baskets by one pack. What it makes ready once, it keeps."""

    def __init__(self, compiled: Compiled) -> None:
        self._compiled = compiled
        nobody = compiled.open(Basket(()))
        self._rows = [_row(rule, compiled, nobody) for rule in compiled.rules]

    def judge(self, basket: Basket) -> Judged:
        """Price ``basket`` and judge every rule. The price is the one :func:`rules.engine.price.price` gives. Raises
        ContractError as it does.
        """
        compiled = self._compiled
        view = opened(basket, compiled)
        view.facts.explain = True
        keys = keys_of(view)
        met = meet(view, compiled.candidates(view), compiled)
        priced = outcome(met, compiled)
        given = _given(priced)
        outcomes = met.view.outcomes
        verdicts = []
        for number, row in enumerate(self._rows):
            if row.shops is not None and row.shops.isdisjoint(keys):
                continue
            if row.about_shops and check_all(row.about_shops, view) is not None:
                continue
            if number in outcomes:
                name = compiled.rules[number].rule
                off, points = given.get(name, (0, 0))
                missing = outcomes[number]
                verdicts.append(Verdict(name, missing is None, missing, off, points))
            else:
                verdicts.append(_unmet(row, keys, met.view) or _in_full(compiled.rules[number], met.view))
        return Judged(priced, tuple(verdicts))


def judge(basket: Basket, compiled: Compiled) -> Judged:
    """Judge one basket; whoever judges many keeps a :class:`Judge`. Raises ContractError as it does."""
    return Judge(compiled).judge(basket)


@dataclass(frozen=True, slots=True)
class _Row:
    """What is known of a rule before any basket. ``shops`` are the keys without one of which it does not touch the
    basket at all, ``about_shops`` the conditions that say so in other words. For each need, ``needs`` has the verdict
    where nothing else is missed; ``others`` are the conditions that no key stands for. With ``deals`` an effect puts
    units of several selections together.
    """

    rule: str
    shops: Keys | None
    about_shops: tuple[Condition, ...]
    needs: tuple[tuple[Keys, Verdict], ...]
    others: tuple[Condition, ...]
    limited: bool
    deals: bool


def _row(rule: Rule, compiled: Compiled, nobody: View) -> _Row:
    shops: Keys | None = None
    about_shops, needs, others = list[Condition](), list[tuple[Keys, Verdict]](), list[Condition]()
    for condition in rule.when:
        if all(isinstance(part, asks.Shop | asks.ShopGroup) for part in leaves(condition)):
            if shops is None and stands_for(condition):
                shops = needed(condition, compiled.sets)[0]
            else:
                about_shops.append(condition)
        elif stands_for(condition):
            missing = check(condition, nobody)
            needs += [(keys, Verdict(rule.rule, False, missing, 0, 0)) for keys in needed(condition, compiled.sets)]
        else:
            others.append(condition)
    goods = compiled.goods_of(rule)
    if goods is not None:
        needs.append((goods, Verdict(rule.rule, False, _NO_ITEM, 0, 0)))
    limited = rule.paused or rule.limits is not NO_LIMITS or bool(about_shops)
    deals = any(isinstance(effect, BuyGet | Package) for effect in rule.then)
    return _Row(rule.rule, shops, tuple(about_shops), tuple(needs), tuple(others), limited, deals)


def _unmet(row: _Row, keys: set[str], view: View) -> Verdict | None:
    """The verdict of a rule that misses just one thing, and that one without asking it everything; None where it has to
    be asked.
    """
    if row.limited or view.facts.over:
        return None
    found: Verdict | None = None
    for needs, verdict in row.needs:
        if needs.isdisjoint(keys):
            if found is not None:
                return None
            found = verdict
    missing: Shortfall | None = None
    for condition in row.others:
        missed = check(condition, view)
        if missed is not None:
            if found is not None or missing is not None:
                return None
            missing = missed
    if missing is not None:
        return Verdict(row.rule, False, missing, 0, 0)
    return None if found is not None and found.shortfall is _NO_ITEM and row.deals else found


def _in_full(rule: Rule, view: View) -> Verdict:
    """The verdict of a rule that cannot apply, by asking all its conditions."""
    return Verdict(rule.rule, False, refused(rule, view) or _lacking(rule, view), 0, 0)


def _lacking(rule: Rule, view: View) -> Shortfall:
    """What goods a rule misses: of a deal of which some is there, as many units as it lacks."""
    for effect in rule.then:
        if isinstance(effect, BuyGet | Package) and any(view.lines(select) for select in selects_of(effect)):
            found = propose(effect, view)
            if isinstance(found, Shortfall):
                return found
    return _NO_ITEM


def _given(priced: Priced) -> dict[str, tuple[int, int]]:
    """What each rule took off and gave in points."""
    given: dict[str, tuple[int, int]] = {}
    for effect in priced.effects:
        off, points = given.get(effect.rule, (0, 0))
        given[effect.rule] = (off + effect.off_minor, points + effect.points)
    return given
