"""What a shop's clock shows at a moment of the world, and when it shows what."""

from bisect import bisect_right

from contract.calendar import DAY_MINUTES
from rules.grammar.pack import Pack, Zone, ZoneStep

_DAY_S = 86_400


def zone_of(shop: str | None, pack: Pack) -> Zone | None:
    """The time zone of a shop: its own, or the pack's first; None where the pack names none."""
    named = next((facts.zone for facts in pack.shops if facts.shop == shop and facts.zone is not None), None)
    if named is not None:
        return next(zone for zone in pack.zones if zone.name == named)
    return pack.zones[0] if pack.zones else None


def is_over(pack: Pack, shop: str | None, moment_ms: int) -> bool:
    """Tell whether a pack is past its last day at a moment in a shop: none of its rules applies any more."""
    if pack.valid_until is None:
        return False
    return local_minute_of(moment_ms, zone_of(shop, pack)) // DAY_MINUTES > pack.valid_until


def moment_of(local_minute: int, zone: Zone | None) -> int | None:
    """Return the first moment, Unix time in milliseconds, at which a clock in ``zone`` shows ``local_minute`` (minutes
    since 1970-01-01T00:00); UTC where there is no zone. None where no clock there ever shows it: in the hour that is
    left out when summer time begins, or before 1970 in UTC.
    """
    if zone is None:
        return local_minute * 60_000
    ends = [step.from_s for step in zone.steps[1:]] + [None]
    for step, end in zip(zone.steps, ends, strict=True):
        at_s = local_minute * 60 - (step.offset_s - _DAY_S)
        if at_s >= step.from_s and (end is None or at_s < end):
            return at_s * 1_000
    return None


def local_minute_of(moment_ms: int, zone: Zone | None) -> int:
    """Return what a clock in ``zone`` shows at a moment, in minutes since 1970-01-01T00:00; UTC where there is no
    zone.
    """
    at_s = moment_ms // 1_000
    if zone is not None:
        step = zone.steps[bisect_right(zone.steps, at_s, key=_begins) - 1]
        at_s += step.offset_s - _DAY_S
    return at_s // 60


def day_of(moment_ms: int, zone: Zone | None) -> int:
    """Return the day that a clock in ``zone`` shows at a moment, in days since 1970-01-01."""
    return local_minute_of(moment_ms, zone) // DAY_MINUTES


def day_began_ms(moment_ms: int, zone: Zone | None) -> int:
    """Return when the day that a clock in ``zone`` shows at a moment began, had the clock not been changed since."""
    minutes = local_minute_of(moment_ms, zone) % DAY_MINUTES
    return moment_ms - moment_ms % 60_000 - minutes * 60_000


def weekday_of(day: int) -> int:
    """Return the day of the week, 1 for Monday to 7 for Sunday (ISO 8601). 1970-01-01 was a Thursday."""
    return (day + 3) % 7 + 1


def _begins(step: ZoneStep) -> int:
    return step.from_s
