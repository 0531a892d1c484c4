"""The effects that put units together: nth unit, buy and get, any for a price, package.

Big runs of equal units are taken many groups at a time, so that the work grows with the number of different units, not
with the quantity.
"""

from collections.abc import Sequence
from heapq import heapify, heappop, heappush

from contract.basket import MAX_LINES, MAX_QUANTITY
from rules.engine.proposal import Proposal
from rules.engine.shortfall import Shortfall, Why
from rules.engine.units import Off, Run, Sharing, Units, spread
from rules.engine.view import View
from rules.grammar.money import AnyFor, BuyGet, NthUnit, Package
from rules.grammar.select import Order
from rules.rounding import BASIS_POINTS, Rounding, divide
from rules.shares import Split

Outcome = Proposal | Shortfall
UNBOUNDED = MAX_LINES * MAX_QUANTITY
"""How often one effect acts in one sale where a rule says nothing: never more often than there are units."""


def nth_unit(effect: NthUnit, view: View) -> Outcome:
    """Every nth unit, dearest first, or as many of the cheapest."""
    units = view.units
    lines = view.lines(effect.select)
    queues: dict[str, list[Run]] = {}
    for run in units.runs(lines):
        queues.setdefault(units.lines[run.line].sku if effect.same_sku else "", []).append(run)
    by_sku: list[list[Run]] = []
    for sku in sorted(queues):
        runs = queues[sku]
        units.sort(runs, Order.DEAREST)
        times = sum(run.count for run in runs) // effect.nth
        by_sku.append(_cheapest(runs, times) if effect.from_cheapest else _every_nth(runs, effect.nth, times))
    mode = effect.rounding or view.facts.pack.policies.percent_rounding
    chosen = [run for runs in by_sku for run in runs]
    if effect.most_times is not None:
        chosen = _largest_first(by_sku, effect.most_times, effect.rate_bp, mode, units)
    if not chosen:
        longest = max((sum(run.count for run in runs) for runs in queues.values()), default=0)
        return Shortfall(Why.MIN_QUANTITY, effect.nth - longest)
    return _off_units(chosen, lines, effect.rate_bp, mode, view)


def _largest_first(by_sku: Sequence[list[Run]], most: int, rate_bp: int, mode: Rounding, units: Units) -> list[Run]:
    """The first ``most`` units: each time the article whose next unit has the most taken off, of equals the first by
    name.
    """
    queue = [(-_off(runs[0], rate_bp, mode, units), place, 0) for place, runs in enumerate(by_sku) if runs]
    heapify(queue)
    chosen: list[Run] = []
    while queue and most:
        _rank, place, index = heappop(queue)
        run = by_sku[place][index]
        count = min(run.count, most)
        chosen.append(Run(run.line, run.unit + run.count - count, count, run.each))
        most -= count
        if index + 1 < len(by_sku[place]):
            heappush(queue, (-_off(by_sku[place][index + 1], rate_bp, mode, units), place, index + 1))
    return chosen


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
    missing = 0
    times = effect.most_times or UNBOUNDED
    least = 1 if effect.partial else effect.get.quantity
    while times > 0:
        now = _batch(buys, gets, effect, times)
        taken = _drawn(buys, effect.buy.quantity * now)
        given = _drawn(gets, effect.get.quantity * now)
        bought_now, got_now = sum(run.count for run in taken), sum(run.count for run in given)
        # Both sides together: whoever has too few to buy with lacks what is got as well.
        missing = max(0, effect.buy.quantity - bought_now) + max(0, least - got_now)
        if missing:
            break
        bought += taken
        got += given
        times -= now
    if not got:
        return Shortfall(Why.MIN_QUANTITY, missing)
    mode = effect.rounding or view.facts.pack.policies.percent_rounding
    found = _off_units(got, [], effect.rate_bp, mode, view)
    if isinstance(found, Proposal):
        found.used = True
        found.part = [(run.line, run.unit, run.count, 0) for run in bought]
        found.base_minor = sum(run.count * run.each for run in [*bought, *got])
    return found


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


def _off_units(chosen: Sequence[Run], part_lines: Sequence[int], rate_bp: int, mode: Rounding, view: View) -> Outcome:
    """So many basis points off each chosen unit; all units of ``part_lines`` take part."""
    units = view.units
    offs = []
    for run in chosen:
        off = _off(run, rate_bp, mode, units)
        if off > 0:
            offs.append((run.line, run.unit, run.count, off))
    if not offs:
        return Shortfall(Why.NOTHING_LEFT)
    others = units.runs(part_lines)
    taking_part = [(run.line, run.unit, run.count, 0) for run in others]
    base = sum(run.count * run.each for run in (others or chosen))
    return Proposal(base, merged(offs), taking_part)


def _off(run: Run, rate_bp: int, mode: Rounding, units: Units) -> int:
    """What so many basis points take off a unit, down to its floor."""
    return min(divide(run.each * rate_bp, BASIS_POINTS, mode), run.each - units.floors[run.line])


def _sharing(own: Split | None, rounding: Rounding | None, view: View) -> Sharing:
    policies = view.facts.pack.policies
    return Sharing(own or policies.split, rounding or policies.percent_rounding)
