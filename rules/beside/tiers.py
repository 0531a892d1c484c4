"""Tiers: what a member has risen to by spend or growth points in a rolling window, for how long, and what is missing.

Growth points are not the points a member spends: a movement here holds what was bought and the growth it gave, and
nothing that a member spends ever becomes one. So spending points cannot lower a tier. Everything is reckoned anew
from the dated movements, so till and head office reach the same tier at the same sale.
"""

from collections import defaultdict
from collections.abc import Sequence
from enum import StrEnum

from contract import wire
from contract.calendar import DAY, LAST_DAY
from contract.errors import ContractError, Reason
from contract.ids import TIER
from contract.making import dataclass
from rules.beside.bounds import DAYS, MOST_RECORDS, POINTS, SIGNED, require_kept


class Basis(StrEnum):
    """What a ladder counts: minor units spent, or growth points."""

    SPEND = "spend"
    GROWTH = "growth"


@dataclass(frozen=True, slots=True)
class Rung:
    """A tier and what it takes, in minor units or growth points."""

    tier: str = wire.at(1, TIER)
    threshold: int = wire.at(2, POINTS)


@dataclass(frozen=True, slots=True)
class Ladder:
    """The tiers of a tenant, lowest first.

    ``window_days`` is how many days a movement counts, its own day included; 0 is for ever. ``grace_days`` is how
    long a tier is kept after its threshold is no longer met. ``sale_counts``: the very sale that crosses a threshold
    already gives the new tier; otherwise it counts from the next sale on. ``above``: a threshold must be exceeded,
    not only reached.
    """

    basis: Basis = wire.at(1, wire.choice(Basis))
    rungs: tuple[Rung, ...] = wire.at(2, wire.many(wire.record(Rung), 16, least=1))
    window_days: int = wire.at(3, DAYS)
    grace_days: int = wire.maybe(4, DAYS, 0)
    sale_counts: bool = wire.maybe(5, wire.flag(), True)
    above: bool = wire.maybe(6, wire.flag(), False)


@dataclass(frozen=True, slots=True)
class Movement:
    """What one sale or refund moved: minor units spent and growth points given, and the last day it counts, where it
    expires earlier than the window says.

    A refund is negative and carries the day, and the last day, of the sale it undoes: the tier is then what it would
    be without that sale.
    """

    day: int = wire.at(1, DAY)
    spend_minor: int = wire.at(2, SIGNED)
    growth: int = wire.at(3, SIGNED)
    until_day: int | None = wire.maybe(4, DAY)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a member stands today.

    ``tier`` is None below the lowest rung. ``counted`` is what counts today, in the ladder's basis. ``next_tier`` and
    ``missing``: the rung above and how much more today would reach it (None and 0 at the top). ``keep_missing``: how
    much more today would meet the present tier again, 0 where it is met; above 0 the tier is kept by grace.
    ``until_day``: the last day of the present tier if nothing more is bought, None where it has no end.
    """

    tier: str | None
    counted: int
    next_tier: str | None
    missing: int
    keep_missing: int
    until_day: int | None


@dataclass(frozen=True, slots=True)
class _Span:
    """What counts from ``first`` to ``last`` day, both included."""

    first: int
    last: int
    counted: int


def tier_of(ladder: Ladder, movements: Sequence[Movement], today_day: int, sale: Movement | None = None) -> Standing:
    """Return where a member stands today, ``sale`` being the one under way, if any.

    The tier is the highest whose threshold was met on any of the last ``grace_days`` days or today. Movements may
    come in any order; one dated after today does not count yet. Raises ContractError with the path to the field.
    """
    require_ladder(ladder)
    DAY.read(today_day, "today_day")
    if len(movements) > MOST_RECORDS:
        raise ContractError(Reason.TOO_LARGE, "movements", f"at most {MOST_RECORDS}")
    for index, movement in enumerate(movements):
        _require_movement(movement, f"movements[{index}]")
    counting = list(movements)
    if sale is not None:
        _require_movement(sale, "sale")
        counting += [sale] if ladder.sale_counts else []
    spans = _spans(ladder, [movement for movement in counting if movement.day <= today_day])
    recent = [span for span in spans if span.first <= today_day and span.last >= today_day - ladder.grace_days]
    return _standing(ladder, spans, max(span.counted for span in recent), recent[-1].counted, today_day)


def risen_to(ladder: Ladder, movements: Sequence[Movement], sale: Movement, today_day: int) -> str | None:
    """Return the tier that this very sale gives for the first time, to be congratulated on once; None where the tier
    stays as it is, or does not count the sale yet.
    """
    before, after = tier_of(ladder, movements, today_day), tier_of(ladder, movements, today_day, sale)
    names = [None, *(rung.tier for rung in ladder.rungs)]
    return after.tier if names.index(after.tier) > names.index(before.tier) else None


def require_ladder(ladder: Ladder) -> None:
    """Raise ContractError, with the path to the field, for a ladder that breaks its limits, names a tier twice, or
    does not rise.
    """
    require_kept(ladder, "ladder")
    for index, rung in enumerate(ladder.rungs):
        if rung.tier in {lower.tier for lower in ladder.rungs[:index]}:
            raise ContractError(Reason.OUT_OF_RANGE, f"ladder.rungs[{index}].tier", "used twice")
        if index and rung.threshold <= ladder.rungs[index - 1].threshold:
            raise ContractError(Reason.OUT_OF_RANGE, f"ladder.rungs[{index}].threshold", "must rise from rung to rung")


def _standing(ladder: Ladder, spans: Sequence[_Span], best: int, counted: int, today_day: int) -> Standing:
    extra = 1 if ladder.above else 0
    needs = [rung.threshold + extra for rung in ladder.rungs]
    rank = sum(1 for need in needs if best >= need)
    above = ladder.rungs[rank] if rank < len(needs) else None
    return Standing(
        tier=ladder.rungs[rank - 1].tier if rank else None,
        counted=counted,
        next_tier=above.tier if above else None,
        missing=needs[rank] - counted if above else 0,
        keep_missing=max(needs[rank - 1] - counted, 0) if rank else 0,
        until_day=_until(spans, needs[rank - 1], ladder.grace_days, today_day) if rank else None,
    )


def _until(spans: Sequence[_Span], need: int, grace_days: int, today_day: int) -> int | None:
    """The last day on which ``need`` has been met within the grace, reckoned without a break from today."""
    held = today_day
    for span in spans:
        if span.counted < need:
            continue
        if span.first > max(today_day, held + grace_days + 1):
            break
        held = span.last
    return held + grace_days if held + grace_days < LAST_DAY else None


def _spans(ladder: Ladder, movements: Sequence[Movement]) -> list[_Span]:
    """What counts on every day of the calendar, as spans without gaps. Never below 0."""
    changes: defaultdict[int, int] = defaultdict(int)
    for movement in movements:
        amount = movement.spend_minor if ladder.basis is Basis.SPEND else movement.growth
        gone_day = LAST_DAY + 1 if movement.until_day is None else movement.until_day + 1
        if ladder.window_days:
            gone_day = min(gone_day, movement.day + ladder.window_days)
        changes[movement.day] += amount
        changes[gone_day] -= amount
    days = sorted({0} | {day for day, amount in changes.items() if amount and day <= LAST_DAY})
    spans: list[_Span] = []
    counted = 0
    for index, day in enumerate(days):
        counted += changes[day]
        last = days[index + 1] - 1 if index + 1 < len(days) else LAST_DAY
        spans.append(_Span(day, last, max(counted, 0)))
    return spans


def _require_movement(movement: Movement, path: str) -> None:
    require_kept(movement, path)
    if movement.until_day is not None and movement.until_day < movement.day:
        raise ContractError(Reason.OUT_OF_RANGE, f"{path}.until_day", "before its own day")
