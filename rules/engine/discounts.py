"""The effects that reckon a figure on units, lines or the basket: percent, amount, fixed price, member price, 满减.

Each looks at a view and returns what it would take off, or why it would take nothing. Nothing is changed here.
"""

from collections.abc import Callable, Sequence

from contract.money import MAX_AMOUNT_MINOR
from rules.engine.proposal import Proposal
from rules.engine.shortfall import Shortfall, Why
from rules.engine.units import Off, Run, Sharing, by_run, spread, whole_minor
from rules.engine.view import View
from rules.grammar.conditions import Base
from rules.grammar.money import (
    Amount,
    FixedPrice,
    Ladder,
    Measure,
    MemberPrice,
    Percent,
    Scope,
    SpendSave,
)
from rules.grammar.select import Pick, Select
from rules.rounding import BASIS_POINTS, Rounding, divide
from rules.shares import Split, split

Outcome = Proposal | Shortfall
Reckon = Callable[[int], int]
"""What a base amount gives off."""


def percent(effect: Percent, view: View) -> Outcome:
    """So many basis points off."""
    rate_bp = effect.rate_bp
    if effect.ladder is not None:
        rate_bp = min(_figure(rate_bp, effect.ladder, effect.select, view), BASIS_POINTS)
    base, how = _base(effect.base, view), _sharing(effect.split, effect.rounding, effect.base, view)
    rounding = effect.rounding or view.facts.pack.policies.percent_rounding
    reckon, cap = _percent_of(rate_bp, rounding), effect.cap_minor
    if cap is not None and effect.scope is Scope.BASKET:
        # One figure is cut before it is spread, so that floors hand on what they refuse of the cap, no more.
        return _reckoned(
            effect.scope, effect.select, effect.pick, base, how, view, lambda whole: min(reckon(whole), cap)
        )
    found = _reckoned(effect.scope, effect.select, effect.pick, base, how, view, reckon)
    if isinstance(found, Proposal) and effect.cap_minor is not None:
        return _proposal(found.base_minor, capped(found.offs, effect.cap_minor, view, how))
    return found


def amount(effect: Amount, view: View) -> Outcome:
    """So much off each unit, each line, or all."""
    figure = _figure(effect.off_minor, effect.ladder, effect.select, view)
    base, how = _base(effect.base, view), _sharing(effect.split, effect.rounding, effect.base, view)
    return _reckoned(effect.scope, effect.select, effect.pick, base, how, view, lambda whole: min(figure, whole))


def fixed_price(effect: FixedPrice, view: View) -> Outcome:
    """Each unit, each line, or all together cost so much."""
    how = _sharing(effect.split, effect.rounding, None, view)
    price = effect.price_minor
    return _reckoned(
        effect.scope, effect.select, effect.pick, Base.LEFT, how, view, lambda whole: max(0, whole - price)
    )


def member_price(effect: MemberPrice, view: View) -> Outcome:
    """Each unit costs its member price where that is lower."""
    units = view.units
    offs: list[Off] = []
    base = 0
    for run in units.runs(view.lines(effect.select)):
        line = units.lines[run.line]
        if line.member_price_minor is None:
            continue
        off = run.each - max(whole_minor(line, line.member_price_minor), units.floors[run.line])
        if off > 0:
            base += run.count * run.each
            offs.append((run.line, run.unit, run.count, off))
    return _proposal(base, offs)


def spend_save(effect: SpendSave, view: View) -> Outcome:
    """The highest step reached, or each full one."""
    units, policies = view.units, view.facts.pack.policies
    lines = view.lines(effect.select)
    base = effect.base or policies.threshold_base
    amounts = units.left if base is Base.LEFT else units.worth
    spent = sum([amounts[line] for line in lines])
    if spent < effect.steps[0].spend_minor:
        return Shortfall(Why.MIN_SPEND, effect.steps[0].spend_minor - spent)
    if effect.every:
        step = effect.steps[0]
        times = spent // step.spend_minor
        save = step.save_minor * (times if effect.most_times is None else min(times, effect.most_times))
    else:
        save = next(step.save_minor for step in reversed(effect.steps) if step.spend_minor <= spent)
    how = _sharing(effect.split, None, None, view)
    return _proposal(spent, spread(min(save, MAX_AMOUNT_MINOR), units.runs(lines), units, how))


def capped(offs: list[Off], cap_minor: int, view: View, how: Sharing) -> list[Off]:
    """``offs`` cut down to ``cap_minor`` altogether, each line in proportion to what it was to get."""
    total = sum(count * off for _line, _unit, count, off in offs)
    if total <= cap_minor:
        return offs
    by_line: dict[int, list[Off]] = {}
    for off in offs:
        by_line.setdefault(off[0], []).append(off)
    lines = sorted(by_line, key=None if how.split is Split.LARGEST else view.units.entered.__getitem__)
    weights = [sum(count * off for _line, _unit, count, off in by_line[line]) for line in lines]
    cut: list[Off] = []
    for line, part in zip(lines, split(cap_minor, weights, how.split), strict=True):
        cut += _cut_line(by_line[line], part)
    return cut


def _cut_line(offs: Sequence[Off], part: int) -> list[Off]:
    """The offs of one line, brought down to ``part`` altogether."""
    parts = split(part, [count * off for _line, _unit, count, off in offs])
    found: list[Off] = []
    for (line, unit, count, _off), share in zip(offs, parts, strict=True):
        each, more = divmod(share, count)
        found += [(line, unit, more, each + 1), (line, unit + more, count - more, each)]
    return [off for off in found if off[2] and off[3]]


def _reckoned(
    scope: Scope, select: Select, pick: Pick, base: Base, how: Sharing, view: View, reckon: Reckon
) -> Outcome:
    """What ``reckon`` gives on each unit, each line, or all picked units together."""
    lines = view.lines(select)
    if not lines:
        return Shortfall(Why.NO_ITEM)
    runs = view.units.runs(lines, pick)
    whole = _worth_of(runs, base, view)
    match scope:
        case Scope.UNIT:
            offs = _each_unit(runs, base, view, reckon)
        case Scope.LINE:
            offs = _each_line(runs, base, how, view, reckon)
        case Scope.BASKET:
            offs = spread(reckon(whole), runs, view.units, how)
    return _proposal(whole, offs)


def _worth_of(runs: Sequence[Run], base: Base, view: View) -> int:
    if len(runs) == 1:
        return runs[0].count * _worth(runs[0], base, view)
    if base is Base.LEFT:
        return sum([run.count * run.each for run in runs])
    lists = view.units.lists
    return sum([run.count * lists[run.line] for run in runs])


def _worth(run: Run, base: Base, view: View) -> int:
    return run.each if base is Base.LEFT else view.units.lists[run.line]


def _each_unit(runs: Sequence[Run], base: Base, view: View, reckon: Reckon) -> list[Off]:
    offs = []
    for run in runs:
        off = min(reckon(_worth(run, base, view)), run.each - view.units.floors[run.line])
        if off > 0:
            offs.append((run.line, run.unit, run.count, off))
    return offs


def _each_line(runs: Sequence[Run], base: Base, how: Sharing, view: View, reckon: Reckon) -> list[Off]:
    numbers = [run.line for run in runs]
    if numbers == sorted(set(numbers)):
        if base is Base.LEFT:
            amounts = [reckon(run.count * run.each) for run in runs]
        else:
            lists = view.units.lists
            amounts = [reckon(run.count * lists[run.line]) for run in runs]
        return by_run(amounts, runs, view.units, how.split)
    by_line: dict[int, list[Run]] = {}
    for run in runs:
        by_line.setdefault(run.line, []).append(run)
    offs: list[Off] = []
    for line in sorted(by_line):
        of_line = by_line[line]
        offs += spread(reckon(_worth_of(of_line, base, view)), of_line, view.units, how)
    return offs


def _percent_of(rate_bp: int, rounding: Rounding) -> Reckon:
    if rounding is Rounding.HALF_UP:
        # Amounts are never negative here, so that half up needs no case for signs.
        return lambda whole: (whole * rate_bp * 2 + BASIS_POINTS) // (BASIS_POINTS * 2)
    return lambda whole: divide(whole * rate_bp, BASIS_POINTS, rounding)


def _figure(own: int, ladder: Ladder | None, select: Select, view: View) -> int:
    """The figure of the highest step reached, the effect's own below the first."""
    if ladder is None:
        return own
    lines = view.lines(ladder.select if ladder.select is not None else select)
    units = view.units
    if ladder.by is Measure.QUANTITY:
        reached = sum(units.lines[line].quantity for line in lines)
    elif (ladder.base or view.facts.pack.policies.threshold_base) is Base.LIST:
        reached = sum(units.lines[line].list_minor for line in lines)
    else:
        reached = sum(units.left[line] for line in lines)
    return next((step.value for step in reversed(ladder.steps) if step.at_least <= reached), own)


def _base(own: Base | None, view: View) -> Base:
    return own or view.facts.pack.policies.percent_base


def _sharing(own: Split | None, rounding: Rounding | None, base: Base | None, view: View) -> Sharing:
    policies = view.facts.pack.policies
    by_list = (base or policies.percent_base) is Base.LIST
    return Sharing(own or policies.split, rounding or policies.percent_rounding, by_list)


def _proposal(base: int, offs: list[Off]) -> Outcome:
    if offs:
        return Proposal(base, offs)
    return Shortfall(Why.NOTHING_LEFT)
