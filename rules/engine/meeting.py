"""How rules meet: who acts, where rules exclude each other.

Rules that exclude nobody simply act, one after another. Of those that do, the pack's policy says who acts; by default
the combination that is best for the member, found by trying all of them as long as there are at most ``MOST_TRIALS``,
which covers any eight rules, and the basket is not out of all proportion (``MOST_WORK``). Above that the search starts
from nothing and goes through the competing rules, those first that would take most off alone, again and again, taking
in each that makes the deal better and putting out those it excludes, until a whole round changes nothing or the trials
are used up, of which large baskets get fewer; ``Met.exact`` is then false.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice

from rules.engine.acting import MAX_EFFECTS, act, commit, on_lines, propose, refused
from rules.engine.compiled import DISCOUNT_LANES, Compiled, finds_goods
from rules.engine.proposal import Proposal
from rules.engine.shortfall import Shortfall, Why
from rules.engine.view import Acted, View
from rules.grammar.policies import Exclusion

MOST_TRIALS = 256
MOST_WORK = 4_000_000
"""How much trying every combination may take: combinations times rules times lines. Any eight rules may be tried among
fifteen rules on a thousand lines, or a hundred and fifty on a hundred."""
CLIMB_WORK = 200_000
"""How much the bounded search may take, in the same measure."""
FEWEST_TRIALS = 4
_NOT_BEST = Shortfall(Why.NOT_BEST)
_EXCLUDED = Shortfall(Why.EXCLUDED)
_CONFLICT = Shortfall(Why.CONFLICT)


Rivals = dict[int, tuple[frozenset[int], ...]]
"""For each rule that competes, the sets of those it excludes; itself may be among them."""


@dataclass(slots=True)
class Met:
    """What came of it, and whether every combination was tried where rules competed."""

    view: View
    exact: bool


def meet(view: View, numbers: Sequence[int], compiled: Compiled) -> Met:
    """Let the rules of these numbers, in the order they act, act on ``view``."""
    rivals = _rivals(view, numbers, compiled)
    if not rivals:
        run(view, numbers, compiled)
        return Met(view, True)
    policy = compiled.pack.policies.exclusion
    if policy is Exclusion.PRIORITY:
        return _by_priority(view, numbers, rivals, compiled)
    if policy is Exclusion.EXCLUSIVE_FIRST:
        first = _exclusive_first(view, rivals, compiled)
        if first is not None:
            out = _discounts(numbers, compiled).union(_shut_out(rivals, first, rivals)) - {first}
            numbers = _without(numbers, out, _EXCLUDED, view)
            rivals = _among(set(numbers), rivals)
            if not rivals:
                run(view, numbers, compiled)
                return Met(view, True)
    return _best(view, numbers, rivals, compiled)


def run(view: View, numbers: Sequence[int], compiled: Compiled) -> None:
    """Let rules act one after another; those that share a group by the line act together, at the turn of the first rule
    of the group in the pack.
    """
    rules, by_line, turns = compiled.rules, compiled.line_groups, compiled.turns
    if not by_line:
        for number in numbers:
            act(number, rules[number], view)
        return
    for _turn, together in groupby(sorted(numbers, key=lambda number: (turns[number], number)), turns.__getitem__):
        several = list(together)
        if by_line.isdisjoint(rules[several[0]].groups):
            act(several[0], rules[several[0]], view)
        else:
            _best_by_line(several, compiled, view)


def _best_by_line(numbers: Sequence[int], compiled: Compiled, view: View) -> None:
    """Each line gets the rule of a group that takes most off it, the first of equals. Each rule is tried alone, and
    gives the lines it won just that.
    """
    tried: dict[int, list[Acted]] = {}
    best: dict[int, tuple[int, int]] = {}
    for number in numbers:
        fork = view.copy()
        fork.only = _open_lines(number, compiled, view)
        act(number, compiled.rules[number], fork)
        view.outcomes[number] = fork.outcomes[number]
        tried[number] = fork.effects[len(view.effects) :]
        by_line: dict[int, int] = {}
        for _number, _place, found in tried[number]:
            for line, _unit, count, off in found.offs:
                by_line[line] = by_line.get(line, 0) + count * off
        for line, off in by_line.items():
            if line not in best or off > best[line][0]:
                best[line] = (off, number)
    later: list[tuple[int, frozenset[int]]] = []
    for number, acted in tried.items():
        won = frozenset(line for line, (_off, winner) in best.items() if winner == number)
        if not won and any(found.offs for _number, _place, found in acted):
            view.outcomes[number] = _NOT_BEST
        elif len(view.effects) + len(acted) > MAX_EFFECTS:
            view.outcomes[number] = Shortfall(Why.TOO_MANY_EFFECTS)
        elif any(_draws_on_others(found) for _number, _place, found in acted):
            later.append((number, won))
        else:
            for _number, place, found in acted:
                left = on_lines(found, won)
                if isinstance(left, Proposal):
                    commit(number, place, left, view)
    # What was tried alone would spend the same points, stock or total twice: such rules act again, on what is left.
    for number, view.only in later:
        act(number, compiled.rules[number], view)
    view.only = None


def _open_lines(number: int, compiled: Compiled, view: View) -> frozenset[int] | None:
    """The lines that no rule of another of this rule's groups by the line has yet; None where that is all of them."""
    rules = compiled.rules
    groups = compiled.line_groups.intersection(rules[number].groups)
    taken = {
        off[0]
        for other, _place, found in view.effects
        if not groups.isdisjoint(rules[other].groups)
        for off in found.offs
    }
    return frozenset(range(len(view.units.lines))) - taken if taken else None


def _draws_on_others(found: Proposal) -> bool:
    """Whether a proposal uses what the proposals of other rules use too: points, stock, the total."""
    return bool(found.points_spent or found.gifts or found.rounding_minor or found.stored_minor)


def _rivals(view: View, numbers: Sequence[int], compiled: Compiled) -> Rivals:
    """Whom each rule excludes, among the rules that could apply; empty where nobody excludes anybody."""
    if not compiled.anything_excludes:
        return {}
    rules = compiled.rules
    grouped: dict[str, list[int]] = {}
    exclusive: list[int] = []
    for number in numbers:
        rule = rules[number]
        for group in rule.groups:
            if group not in compiled.line_groups:
                grouped.setdefault(group, []).append(number)
        if rule.exclusive:
            exclusive.append(number)
    if not exclusive and all(len(members) < 2 for members in grouped.values()):
        return {}
    # A rule without goods excludes nobody, whether the index can tell that it has none or not.
    able = {
        number
        for number in numbers
        if (compiled.may_flip[number] or refused(rules[number], view) is None) and finds_goods(rules[number], view)
    }
    # The members of a group share one set, so that a group of ten thousand takes no more room than its members.
    found: dict[int, list[frozenset[int]]] = {}
    for members in grouped.values():
        together = frozenset(able.intersection(members))
        for number in together if len(together) > 1 else ():
            found.setdefault(number, []).append(together)
    alone = frozenset(able.intersection(exclusive))
    discounts = frozenset(_discounts(numbers, compiled) & able)
    for number in discounts | alone if alone and len(discounts | alone) > 1 else ():
        found.setdefault(number, []).append(discounts if number in alone else alone)
    return {number: tuple(sets) for number, sets in found.items()}


def _shut_out(numbers: Iterable[int], by: int, rivals: Rivals) -> list[int]:
    """Those of ``numbers`` whom ``by`` excludes."""
    return [number for number in numbers if number != by and any(number in members for members in rivals[by])]


def _among(numbers: set[int], rivals: Rivals) -> Rivals:
    """The rivals that are left where only ``numbers`` are."""
    left = {number: tuple(members & numbers for members in rivals[number]) for number in numbers & rivals.keys()}
    return {number: sets for number, sets in left.items() if any(members - {number} for members in sets)}


def _discounts(numbers: Sequence[int], compiled: Compiled) -> set[int]:
    return {number for number in numbers if compiled.rules[number].lane in DISCOUNT_LANES}


def _without(numbers: Sequence[int], out: set[int], why: Shortfall, view: View) -> list[int]:
    """The numbers without those put out, each of whom is told why."""
    for number in out:
        view.outcomes[number] = why
    return [number for number in numbers if number not in out]


def _exclusive_first(view: View, rivals: Rivals, compiled: Compiled) -> int | None:
    """The exclusive rule of highest priority that may act, the first of equals; None where there is none."""
    rules = compiled.rules
    able = [number for number in rivals if rules[number].exclusive and refused(rules[number], view) is None]
    return min(able, key=lambda number: (-rules[number].priority, number), default=None)


def _by_priority(view: View, numbers: Sequence[int], rivals: Rivals, compiled: Compiled) -> Met:
    """Among rules that exclude each other the highest priority acts; two of the same rank are a conflict. Either shuts
    out those below. A rule that could act only after others have acted ranks below all that may act now.
    """
    rules = compiled.rules
    rank = {number: (refused(rules[number], view) is None, rules[number].priority) for number in rivals}
    standing: set[int] = set(rivals)
    tied: set[int] = set()
    judged: set[int] = set()
    for number in sorted(rivals, key=lambda number: (rank[number], -number), reverse=True):
        if number not in standing:
            continue
        for members in rivals[number]:
            # Rules of a group share one set: whoever ranks highest in it has judged it for all.
            if id(members) not in judged:
                judged.add(id(members))
                beaten = (standing & members) - {number}
                equals = {other for other in beaten if rank[other] == rank[number]}
                tied |= {number, *equals} if equals else set()
                standing -= beaten - equals
    kept = _without(numbers, rivals.keys() - standing, _EXCLUDED, view)
    run(view, _without(kept, tied & standing, _CONFLICT, view), compiled)
    return Met(view, True)


def _best(view: View, numbers: Sequence[int], rivals: Rivals, compiled: Compiled) -> Met:
    """The combination that is best for the member."""
    first = min(rivals)
    start = [number for number in numbers if number < first]
    rest = [number for number in numbers if number >= first]
    run(view, start, compiled)
    contest = _Contest(view, rest, rivals, compiled)
    size = len(rest) * max(1, len(view.units.lines))
    # Each competing rule is a combination of its own, so that more of them than trials are too many in any case.
    most = min(MOST_TRIALS, MOST_WORK // size)
    combinations = list(islice(independent(sorted(rivals), rivals), most + 1)) if len(rivals) < most else []
    if not combinations or len(combinations) > most:
        return Met(contest.climbed(max(FEWEST_TRIALS, min(MOST_TRIALS, CLIMB_WORK // size))), False)
    for chosen in combinations:
        contest.try_out(chosen)
    return Met(contest.winner(), True)


def independent(numbers: Sequence[int], rivals: Rivals) -> Iterator[frozenset[int]]:
    """Every set of rules of which no two exclude each other, those with earlier rules first."""

    def extend(place: int, chosen: frozenset[int]) -> Iterator[frozenset[int]]:
        if place == len(numbers):
            yield chosen
            return
        number = numbers[place]
        if not _shut_out(chosen, number, rivals):
            yield from extend(place + 1, chosen | {number})
        yield from extend(place + 1, chosen)

    return extend(0, frozenset())


class _Contest:
    """Tries combinations on forks of one view and keeps the best; of equals the first tried."""

    def __init__(self, view: View, numbers: Sequence[int], rivals: Rivals, compiled: Compiled) -> None:
        self._start = view
        self._free = [number for number in numbers if number not in rivals]
        self._rivals = rivals
        self._compiled = compiled
        self._best: View | None = None
        self._chosen: frozenset[int] = frozenset()
        self._score: tuple[int, ...] = ()

    def try_out(self, chosen: frozenset[int]) -> bool:
        """Let this combination act on a fork; tell whether it is the best so far."""
        fork = self._start.copy()
        run(fork, sorted([*self._free, *chosen]), self._compiled)
        score = _score(fork)
        if self._best is not None and score >= self._score:
            return False
        self._best, self._chosen, self._score = fork, chosen, score
        return True

    def climbed(self, most: int) -> View:
        """The bounded search: rounds through the competing rules, each taken in where that is better, in at most so
        many trials.
        """
        self.try_out(frozenset())
        trials = 1
        promising = self._promising()
        improved = True
        while improved:
            improved = False
            for number in promising:
                if number in self._chosen:
                    continue
                if trials == most:
                    return self.winner()
                trials += 1
                improved |= self.try_out(
                    self._chosen.difference(_shut_out(self._chosen, number, self._rivals)) | {number}
                )
        return self.winner()

    def _promising(self) -> list[int]:
        """The competing rules, those first that would take most off if each acted alone now."""
        alone: dict[int, int] = {}
        for number in self._rivals:
            found = [propose(effect, self._start) for effect in self._compiled.rules[number].then]
            alone[number] = sum(one.off_minor for one in found if isinstance(one, Proposal))
        return sorted(alone, key=lambda number: (-alone[number], number))

    def winner(self) -> View:
        """The best found. Those left out are told so, or what would have kept them out anyway."""
        best = self._start if self._best is None else self._best
        for number in self._rivals.keys() - self._chosen:
            best.outcomes[number] = _NOT_BEST
            if best.facts.explain:
                alone = self._start.copy()
                act(number, self._compiled.rules[number], alone)
                best.outcomes[number] = alone.outcomes[number] or _NOT_BEST
        return best


def _score(view: View) -> tuple[int, ...]:
    """What the member would choose by, smaller is better: what is to pay, bonus money, other gifts, then points. A gift
    that costs points is wanted, for whoever wants none says so with the basket; of gifts alike the cheaper one is.
    Where nothing else tells them apart, more rules act.
    """
    given = sum(
        item.count for _number, _place, found in view.effects for item in (*found.gifts, *found.coupons, *found.counts)
    )
    return (view.payable_minor, -view.bonus_minor, -given, view.spent - view.earned, -len(view.effects))
