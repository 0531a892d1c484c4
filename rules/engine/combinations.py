"""The effects that put units together: nth unit, buy and get, any for a price, package.

Big runs of equal units are taken many groups at a time, so that the work grows with the number of different units, not
with the quantity.
"""

from collections.abc import Sequence

from rules.engine.proposal import Proposal
from rules.engine.shortfall import Shortfall, Why
from rules.engine.units import Off, Run, Sharing, spread
from rules.engine.view import View
from rules.grammar.money import AnyFor, BuyGet, NthUnit, Package
from rules.grammar.select import Order
from rules.rounding import BASIS_POINTS, Rounding, divide
from rules.shares import Split

Outcome = Proposal | Shortfall
UNBOUNDED = 10_000
"""How often one effect acts in one sale at most, where a rule says nothing."""


def nth_unit(effect: NthUnit, view: View) -> Outcome:
    """Every nth unit, dearest first, or as many of the cheapest."""
    units = view.units
    lines = view.lines(effect.select)
    queues: dict[str, list[Run]] = {}
    for run in units.runs(lines):
        queues.setdefault(units.lines[run.line].sku if effect.same_sku else "", []).append(run)
    times_left = effect.most_times or UNBOUNDED
    chosen: list[Run] = []
    for sku in sorted(queues):
        runs = queues[sku]
        units.sort(runs, Order.DEAREST)
        times = min(times_left, sum(run.count for run in runs) // effect.nth)
        chosen += _cheapest(runs, times) if effect.from_cheapest else _every_nth(runs, effect.nth, times)
        times_left -= times
    if not chosen:
        longest = max((sum(run.count for run in runs) for runs in queues.values()), default=0)
        return Shortfall(Why.MIN_QUANTITY, effect.nth - longest)
    return _off_units(chosen, lines, effect.rate_bp, effect.rounding, view)


def _every_nth(runs: Sequence[Run], nth: int, times: int) -> list[Run]:
    """The units at places nth, 2 nth, 3 nth ...; of a run of equal units the last ones stand for them."""
    chosen = []
    place = 0
    for run in runs:
        count = min((place + run.count) // nth - place // nth, times)
        place += run.count
        if count > 0:
            chosen.append(Run(run.line, run.unit + run.count - count, count, run.each))
            times -= count
    return chosen


def _cheapest(runs: Sequence[Run], times: int) -> list[Run]:
    chosen = []
    for run in reversed(runs):
        count = min(run.count, times)
        if count > 0:
            chosen.append(Run(run.line, run.unit + run.count - count, count, run.each))
            times -= count
    return chosen


def buy_get(effect: BuyGet, view: View) -> Outcome:
    """Buy these, get those."""
    units = view.units
    # Both sides draw from the same runs, so that what one takes is gone for the other.
    pool = {(run.line, run.unit): run for run in units.runs(range(len(units.lines)), unused=True)}
    buy_lines, get_lines = set(view.lines(effect.buy.select)), set(view.lines(effect.get.select))
    buys = [run for run in pool.values() if run.line in buy_lines]
    gets = [run for run in pool.values() if run.line in get_lines]
    units.sort(buys, effect.buy.order)
    units.sort(gets, effect.get.order)
    bought: list[Run] = []
    got: list[Run] = []
    times = effect.most_times or UNBOUNDED
    while times > 0:
        now = _batch(buys, gets, effect, times)
        taken = _drawn(buys, effect.buy.quantity * now)
        if sum(run.count for run in taken) < effect.buy.quantity:
            break
        given = _drawn(gets, effect.get.quantity * now)
        count = sum(run.count for run in given)
        if count < effect.get.quantity and not (effect.partial and count):
            break
        bought += taken
        got += given
        times -= now
    if not got:
        return _not_enough(effect, view)
    found = _off_units(got, [], effect.rate_bp, effect.rounding, view)
    if isinstance(found, Proposal):
        found.used = True
        found.part = [(run.line, run.unit, run.count, 0) for run in bought]
        found.base_minor = sum(run.count * run.each for run in [*bought, *got])
    return found


def _not_enough(effect: BuyGet, view: View) -> Shortfall:
    buys = sum(run.count for run in view.units.runs(view.lines(effect.buy.select), unused=True))
    if buys < effect.buy.quantity:
        return Shortfall(Why.MIN_QUANTITY, effect.buy.quantity - buys)
    gets = sum(run.count for run in view.units.runs(view.lines(effect.get.select), unused=True))
    wanted = 1 if effect.partial else effect.get.quantity
    # Units that both sides want count once, and the side that buys comes first.
    both = len(set(view.lines(effect.buy.select)) & set(view.lines(effect.get.select)))
    return Shortfall(Why.MIN_QUANTITY, max(1, wanted + (effect.buy.quantity if both else 0) - gets))


def _batch(buys: Sequence[Run], gets: Sequence[Run], effect: BuyGet, times: int) -> int:
    """How many times the first runs of both sides can serve alike."""
    buy = next((run for run in buys if run.count), None)
    get = next((run for run in gets if run.count), None)
    if buy is None or get is None:
        return 1
    if buy is get:
        return max(1, min(times, buy.count // (effect.buy.quantity + effect.get.quantity)))
    return max(1, min(times, buy.count // effect.buy.quantity, get.count // effect.get.quantity))


def _drawn(runs: Sequence[Run], most: int) -> list[Run]:
    """Take the first ``most`` units out of ``runs``; fewer where there are no more."""
    drawn = []
    for run in runs:
        if not most:
            break
        count = min(run.count, most)
        if count:
            drawn.append(Run(run.line, run.unit, count, run.each))
            run.unit += count
            run.count -= count
            most -= count
    return drawn


def any_for(effect: AnyFor, view: View) -> Outcome:
    """Any so many for a price."""
    units = view.units
    runs = units.runs(view.lines(effect.select))
    units.sort(runs, effect.order)
    how = _sharing(effect.split, effect.rounding, view)
    have = sum(run.count for run in runs)
    times = min(effect.most_times or UNBOUNDED, have // effect.units)
    if not times:
        return Shortfall(Why.MIN_QUANTITY, effect.units - have)
    base, offs = 0, list[Off]()
    while times > 0:
        first = next(run for run in runs if run.count)
        now = max(1, min(times, first.count // effect.units))
        group = _drawn(runs, effect.units * now)
        worth = sum(run.count * run.each for run in group)
        base += worth
        offs += spread(max(0, worth - effect.price_minor * now), group, units, how)
        times -= now
    return Proposal(base, offs) if offs else Shortfall(Why.NOTHING_LEFT)


def package(effect: Package, view: View) -> Outcome:
    """All parts together for a price."""
    units = view.units
    pool = {(run.line, run.unit): run for run in units.runs(range(len(units.lines)))}
    sides = []
    for part in effect.parts:
        lines = set(view.lines(part.select))
        runs = [run for run in pool.values() if run.line in lines]
        units.sort(runs, Order.DEAREST)
        sides.append((part.quantity, runs))
    how = _sharing(effect.split, None, view)
    base, offs, missing = 0, list[Off](), 0
    times = effect.most_times or UNBOUNDED
    while times > 0:
        drawn, missing = _one_of_each(sides)
        if missing:
            break
        group = [Run(run.line, first, count, run.each) for run, first, count in drawn]
        worth = sum(run.count * run.each for run in group)
        if worth <= effect.price_minor:
            break
        found = spread(worth - effect.price_minor, group, units, how)
        now = _again(drawn, found, times)
        offs += found
        base += worth * now
        times -= now
    if offs:
        return Proposal(base, merged(offs))
    return Shortfall(Why.MIN_QUANTITY, missing) if missing else Shortfall(Why.NOTHING_LEFT)


_Drawn = list[tuple[Run, int, int]]
"""Runs that units were taken from, with the place of the first of them on its line and their number."""


def _one_of_each(sides: Sequence[tuple[int, Sequence[Run]]]) -> tuple[_Drawn, int]:
    """The units of one package, taken out of the runs, and how many were missing."""
    drawn: _Drawn = []
    missing = 0
    for quantity, runs in sides:
        wanted = quantity
        for run in runs:
            count = min(run.count, wanted)
            if count:
                drawn.append((run, run.unit, count))
                run.unit += count
                run.count -= count
                wanted -= count
            if not wanted:
                break
        missing += wanted
    return drawn, missing


def _again(drawn: _Drawn, found: list[Off], most: int) -> int:
    """How many packages like the one drawn the same runs hold, up to ``most``. The others are taken out as well, and
    ``found``, what is taken off one, becomes what is taken off all: every package is shared alike.
    """
    first: dict[int, tuple[Run, int, int]] = {}
    for run, unit, count in drawn:
        _run, start, so_far = first.get(id(run), (run, unit, 0))
        first[id(run)] = (run, start, so_far + count)
    now = min(most, *[1 + run.count // count for run, _start, count in first.values()])
    if now > 1:
        starts = {
            (run.line, unit): start for run, start, count in first.values() for unit in range(start, start + count)
        }
        for place, (line, unit, count, off) in enumerate(found):
            start = starts[line, unit]
            found[place] = (line, start + (unit - start) * now, count * now, off)
        for run, _start, count in first.values():
            run.unit += count * (now - 1)
            run.count -= count * (now - 1)
    return now


def merged(offs: list[Off]) -> list[Off]:
    """``offs`` with neighbours of one line and one amount put together."""
    found: list[Off] = []
    for line, unit, count, off in sorted(offs):
        if found and found[-1][0] == line and found[-1][1] + found[-1][2] == unit and found[-1][3] == off:
            found[-1] = (line, found[-1][1], found[-1][2] + count, off)
        else:
            found.append((line, unit, count, off))
    return found


def _off_units(
    chosen: Sequence[Run], part_lines: Sequence[int], rate_bp: int, rounding: Rounding | None, view: View
) -> Outcome:
    """So many basis points off each chosen unit; all units of ``part_lines`` take part."""
    units = view.units
    mode = rounding or view.facts.pack.policies.percent_rounding
    offs = []
    for run in chosen:
        off = min(divide(run.each * rate_bp, BASIS_POINTS, mode), run.each - units.floors[run.line])
        if off > 0:
            offs.append((run.line, run.unit, run.count, off))
    if not offs:
        return Shortfall(Why.NOTHING_LEFT)
    others = units.runs(part_lines)
    taking_part = [(run.line, run.unit, run.count, 0) for run in others]
    base = sum(run.count * run.each for run in (others or chosen))
    return Proposal(base, merged(offs), taking_part)


def _sharing(own: Split | None, rounding: Rounding | None, view: View) -> Sharing:
    policies = view.facts.pack.policies
    return Sharing(own or policies.split, rounding or policies.percent_rounding)
