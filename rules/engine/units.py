"""The units of a basket while rules act on them: what each still costs, exactly, however many there are.

A line of 9,999 equal units is one run; an effect that touches some of them splits it. A unit is a line's number and its
place on the line, from 0. Lines stand in canonical order, so that equal baskets price equally however they were
entered.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from contract.basket import BasketLine
from rules.grammar.select import EVERY_UNIT, Order, Pick
from rules.rounding import Rounding
from rules.shares import Split, fill


@dataclass(slots=True)
class Run:
    """``count`` neighbouring units of a line from ``unit`` on that cost ``each`` now. A working copy: whoever takes
    units from it changes it.
    """

    line: int
    unit: int
    count: int
    each: int


Off = tuple[int, int, int, int]
"""Line, first unit, number of units, and what is taken off each, in minor units."""

_Stretch = tuple[int, int, bool]
"""Number of units, what each costs now, and whether buy-and-get has used them."""


class Units:
    """What every unit costs now. ``left`` is the sum of each line, ``worth`` that at list price; ``lists`` the list
    price of one unit of each.
    """

    __slots__ = ("_stretches", "entered", "floors", "left", "lines", "lists", "worth")

    def __init__(self, lines: Sequence[BasketLine]) -> None:
        self.entered = _in_order(lines)
        self.lines = [lines[index] for index in self.entered]
        self.worth: list[int] = []
        self.lists: list[int] = []
        self.floors: list[int] = []
        self._stretches: list[list[_Stretch]] = []
        for line in self.lines:
            worth, quantity, floor = line.list_minor, line.quantity, line.floor_minor
            each = worth // quantity
            self.worth.append(worth)
            self.lists.append(each)
            self.floors.append(min(whole_minor(line, floor), each) if floor else 0)
            self._stretches.append([(quantity, each, False)])
        self.left = self.worth.copy()

    def copy(self) -> "Units":
        """An independent copy of this state."""
        twin = object.__new__(Units)
        twin.entered, twin.lines, twin.lists, twin.floors = self.entered, self.lines, self.lists, self.floors
        twin.worth = self.worth
        twin.left = self.left.copy()
        # A line's stretches are replaced, never changed, so both may hold the same ones.
        twin._stretches = self._stretches.copy()
        return twin

    def runs(self, lines: Iterable[int], pick: Pick = EVERY_UNIT, unused: bool = False) -> list[Run]:
        """The picked units of these lines, in the order of the pick; with ``unused`` only those that no buy-and-get
        has used.
        """
        found: list[Run] = []
        for line in lines:
            unit = 0
            for count, each, used in self._stretches[line]:
                if not (unused and used):
                    found.append(Run(line, unit, count, each))
                unit += count
        return found if pick is EVERY_UNIT else self._picked(found, pick)

    def take(self, offs: Iterable[Off], used: bool = False) -> None:
        """Take ``offs`` off; with ``used`` their units count as used by buy-and-get."""
        for line, unit, count, off in offs:
            stretches = self._stretches[line]
            if len(stretches) == 1 and count == stretches[0][0]:
                self._stretches[line] = [(count, stretches[0][1] - off, used or stretches[0][2])]
            else:
                self._stretches[line] = _cut(stretches, unit, count, off, used)
            self.left[line] -= off * count

    def _picked(self, found: list[Run], pick: Pick) -> list[Run]:
        if pick.skip:
            found = [
                Run(run.line, max(run.unit, pick.skip), run.count - max(0, pick.skip - run.unit), run.each)
                for run in found
                if run.unit + run.count > pick.skip
            ]
        self.sort(found, pick.order)
        return self._limited(found, pick)

    def sort(self, runs: list[Run], order: Order) -> None:
        """Put runs in this order; ties stay in canonical order, those of ENTERED as they were entered."""
        match order:
            case Order.CHEAPEST:
                runs.sort(key=lambda run: (run.each, run.line, run.unit))
            case Order.DEAREST:
                runs.sort(key=lambda run: (-run.each, run.line, run.unit))
            case Order.FULLEST:
                runs.sort(key=lambda run: (-self.lines[run.line].quantity, run.line, run.unit))
            case Order.ENTERED:
                runs.sort(key=lambda run: (self.entered[run.line], run.unit))

    @staticmethod
    def _limited(found: list[Run], pick: Pick) -> list[Run]:
        left = {run.line: pick.per_line for run in found} if pick.per_line is not None else {}
        taken: list[Run] = []
        for run in found:
            count = run.count if pick.per_line is None else min(run.count, left[run.line] or 0)
            if count:
                taken.append(Run(run.line, run.unit, count, run.each))
                if pick.per_line is not None:
                    left[run.line] = (left[run.line] or 0) - count
        total = sum(run.count for run in taken)
        most = total if pick.units is None else min(total, pick.units)
        if pick.groups_of is not None:
            most -= most % pick.groups_of
        return first_units(taken, most)


def _in_order(lines: Sequence[BasketLine]) -> list[int]:
    """The numbers of lines in canonical order. Where no article stands on two of them, its number alone decides."""
    skus = [line.sku for line in lines]
    if len(set(skus)) == len(skus):
        return sorted(range(len(skus)), key=skus.__getitem__)
    return sorted(range(len(skus)), key=lambda index: canonical(lines[index]))


def canonical(line: BasketLine) -> tuple[object, ...]:
    """What decides ties between lines: their facts, never the order they were entered in."""
    return (
        line.sku,
        line.unit_price_minor,
        line.quantity,
        line.weight_g or 0,
        line.floor_minor,
        -1 if line.member_price_minor is None else line.member_price_minor,
        line.excluded,
        line.reduced,
        line.gift,
        line.brand or "",
        line.categories,
        line.tags,
        tuple([(rate.tax, rate.rate_bp) for rate in line.taxes]),
    )


def whole_minor(line: BasketLine, minor: int) -> int:
    """What a unit of ``line`` comes to at a price of ``minor``, which for goods by weight is that of 1,000 g; rounded
    half up once, as their list price is.
    """
    return minor if line.weight_g is None else (minor * line.weight_g * 2 + 1_000) // 2_000


def first_units(runs: Iterable[Run], most: int) -> list[Run]:
    """The first ``most`` units of runs."""
    taken = []
    for run in runs:
        if most <= 0:
            break
        count = min(run.count, most)
        taken.append(run if count == run.count else Run(run.line, run.unit, count, run.each))
        most -= count
    return taken


class Sharing(NamedTuple):
    """How an amount is spread: who gets what rounding leaves over, how parts are rounded where the last or first one
    takes it, and whether list prices are the weights.
    """

    split: Split
    rounding: Rounding
    by_list: bool = False


def spread(amount: int, runs: Sequence[Run], units: Units, how: Sharing) -> list[Off]:
    """Take ``amount`` off ``runs``: over their lines by what the units cost, then over the units of each line; no unit
    goes below its floor. What does not fit anywhere is not taken.
    """
    if len(runs) == 1:
        run = runs[0]
        return _over_run(min(amount, _room(run, units.floors[run.line])), run, how.split)
    # The first and the last line are those of the order they were entered in; shares alone need no such order.
    key = None if how.split is Split.LARGEST else units.entered.__getitem__
    by_line: dict[int, list[Run]] = {}
    for run in runs:
        by_line.setdefault(run.line, []).append(run)
    lines = sorted(by_line, key=key)
    if len(lines) == len(runs):
        return _over_lines(amount, [by_line[line][0] for line in lines], units, how)
    weights, rooms = [], []
    for line in lines:
        floor, each_list, of_line = units.floors[line], units.lists[line], by_line[line]
        weights.append(sum([run.count * (each_list if how.by_list else run.each) for run in of_line]))
        rooms.append(sum([_room(run, floor) for run in of_line]))
    offs: list[Off] = []
    for line, part in zip(lines, fill(amount, weights, rooms, how.split, how.rounding), strict=True):
        if part:
            offs += spread_line(part, by_line[line], units.floors[line], how.split)
    return offs


def _over_lines(amount: int, runs: Sequence[Run], units: Units, how: Sharing) -> list[Off]:
    """:func:`spread` where each line has one run."""
    lists, floors, split = units.lists, units.floors, how.split
    weights = [run.count * (lists[run.line] if how.by_list else run.each) for run in runs]
    rooms = [max(0, run.count * (run.each - floors[run.line])) for run in runs]
    return by_run(fill(amount, weights, rooms, split, how.rounding), runs, units, split)


def by_run(amounts: Sequence[int], runs: Sequence[Run], units: Units, split: Split) -> list[Off]:
    """Take an amount off each run, as far as no unit goes below its floor."""
    floors = units.floors
    offs: list[Off] = []
    for wanted, run in zip(amounts, runs, strict=True):
        line, count = run.line, run.count
        room = count * (run.each - floors[line])
        amount = wanted if wanted <= room else max(0, room)
        each = amount // count
        if each * count != amount:
            offs += _over_run(amount, run, split)
        elif each:
            offs.append((line, run.unit, count, each))
    return offs


def _room(run: Run, floor: int) -> int:
    """What can be taken off a run of a line with this floor."""
    return run.count * (run.each - floor) if run.each > floor else 0


def spread_line(amount: int, runs: Sequence[Run], floor: int, split: Split) -> list[Off]:
    """Take ``amount`` off the units of one line, in proportion to what each costs; equal units differ by at most one
    minor unit.
    """
    if len(runs) == 1:
        return _over_run(amount, runs[0], split)
    whole = sum([run.count * run.each for run in runs])
    if split is Split.LARGEST and all([amount * run.each <= (run.each - floor) * whole for run in runs]):
        return _by_unit(amount, whole, runs)
    rooms = [_room(run, floor) for run in runs]
    parts = fill(amount, [run.count * run.each for run in runs], rooms, split)
    return [off for run, part in zip(runs, parts, strict=True) if part for off in _over_run(part, run, split)]


def _by_unit(amount: int, whole: int, runs: Sequence[Run]) -> list[Off]:
    """:func:`spread_line` by largest remainder over the units themselves, where each has room for its share. Dearer
    units get more, so that the prices of a line draw together however often something is taken off it, and the line
    does not fall into ever more runs.
    """
    left = amount - sum([run.count * (amount * run.each // whole) for run in runs])
    offs: list[Off] = []
    for run in sorted(runs, key=lambda run: -(amount * run.each % whole)):
        each = amount * run.each // whole
        more = min(left, run.count)
        left -= more
        offs += [(run.line, run.unit, more, each + 1), (run.line, run.unit + more, run.count - more, each)]
    return [off for off in offs if off[2] and off[3]]


def _over_run(amount: int, run: Run, split: Split) -> list[Off]:
    if run.count == 1:
        return [(run.line, run.unit, 1, amount)] if amount else []
    each, more = divmod(amount, run.count)
    if not more:
        return [(run.line, run.unit, run.count, each)] if each else []
    fewer = run.count - more
    if split is Split.LAST:
        parts = [(run.line, run.unit, fewer, each), (run.line, run.unit + fewer, more, each + 1)]
    else:
        parts = [(run.line, run.unit, more, each + 1), (run.line, run.unit + more, fewer, each)]
    return parts if each else [part for part in parts if part[3]]


def _cut(stretches: list[_Stretch], unit: int, count: int, off: int, used: bool) -> list[_Stretch]:
    """The stretches of a line after ``off`` came off ``count`` units from ``unit`` on."""
    if len(stretches) == 1 and off:
        ((number, each, was_used),) = stretches
        after = number - unit - count
        parts = [(count, each - off, was_used or used)]
        if unit:
            parts.insert(0, (unit, each, was_used))
        if after:
            parts.append((after, each, was_used))
        return parts
    changed: list[_Stretch] = []
    start, end = 0, unit + count
    for stretch in stretches:
        number, each, was_used = stretch
        stop = start + number
        if stop <= unit or start >= end:
            parts = [stretch]
        else:
            first, last = max(unit, start), min(end, stop)
            parts = [(last - first, each - off, was_used or used)]
            if start < first:
                parts.insert(0, (first - start, each, was_used))
            if last < stop:
                parts.append((stop - last, each, was_used))
        for part in parts:
            if changed and changed[-1][1:] == part[1:]:
                changed[-1] = (changed[-1][0] + part[0], part[1], part[2])
            else:
                changed.append(part)
        start = stop
    return changed
