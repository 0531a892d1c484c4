"""Time zones by their IANA names, as the machine's own database knows them, for the packs that are written on it.

A pack carries the steps of its zones, so that every machine that prices by it reads the same clock; they are looked up
here, once, when it is written.
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from contract.errors import ContractError, Reason
from contract.settings import most_like
from rules.grammar.pack import ZoneStep

FIRST_YEAR, LAST_YEAR = 2020, 2045
"""The steps of these years are written; before them the offset of their first second holds, after them the last."""

_DAY_S = 86_400
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OF_ONE_MACHINE = {"localtime", "Factory", "posixrules"}


def zone_steps(name: str) -> tuple[ZoneStep, ...]:
    """Return the steps of the time zone ``name``. Raises ContractError(OUT_OF_RANGE) where there is none, with the name
    that was probably meant.
    """
    zone = _zone(name)
    first_s, end_s = _seconds(FIRST_YEAR), _seconds(LAST_YEAR + 1)
    offset_s = _offset_s(zone, first_s)
    steps = [ZoneStep(0, offset_s + _DAY_S)]
    # No zone changes twice within a day.
    for day_s in range(first_s, end_s, _DAY_S):
        later_s = _offset_s(zone, day_s + _DAY_S)
        if later_s != offset_s:
            offset_s = later_s
            steps.append(ZoneStep(_change_s(zone, day_s, day_s + _DAY_S), offset_s + _DAY_S))
    return tuple(steps)


def _zone(name: str) -> ZoneInfo:
    known = available_timezones() - _OF_ONE_MACHINE
    if not known:
        raise ContractError(Reason.OUT_OF_RANGE, detail="this machine has no time zone database; install tzdata")
    try:
        if name in known:
            return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        # The file vanished or broke since the names were listed; to whoever writes the pack that is no zone either.
        pass
    guess = most_like(name, sorted(known))
    raise ContractError(Reason.OUT_OF_RANGE, detail="no such time zone" + (f"; did you mean {guess}?" if guess else ""))


def _change_s(zone: ZoneInfo, before_s: int, after_s: int) -> int:
    """The first second of the offset that holds at ``after_s``; at ``before_s`` another one does."""
    wanted = _offset_s(zone, after_s)
    while after_s - before_s > 1:
        middle_s = (before_s + after_s) // 2
        if _offset_s(zone, middle_s) == wanted:
            after_s = middle_s
        else:
            before_s = middle_s
    return after_s


def _offset_s(zone: ZoneInfo, at_s: int) -> int:
    offset = (_EPOCH + timedelta(seconds=at_s)).astimezone(zone).utcoffset()
    return (offset or timedelta()) // timedelta(seconds=1)


def _seconds(year: int) -> int:
    return (datetime(year, 1, 1, tzinfo=UTC) - _EPOCH) // timedelta(seconds=1)
