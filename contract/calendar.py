"""Days and times of a shop as integers: a day counts from 1970-01-01, a minute of a day from midnight.

People write them as ISO 8601 has them (``2026-06-18``, ``08:30``, ``06-18``, ``2026-06-18T20:00``); on the wire they
are whole numbers. All are local to the shop: which moment of the world they are is told by the shop's zone.
"""

import re
from collections.abc import Callable
from datetime import date

from contract import wire
from contract.errors import ContractError, Reason

DAY_MINUTES = 24 * 60
_EPOCH = date(1970, 1, 1).toordinal()
LAST_DAY = date(2199, 12, 31).toordinal() - _EPOCH
LEAP_YEAR = 2024

_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_YEARLY = re.compile(r"([0-9]{2})-([0-9]{2})")
_CLOCK = re.compile(r"([0-9]{2}):([0-9]{2})")


def day_of(text: str) -> int:
    """Return the day written as ``2026-06-18``. Raises ContractError(OUT_OF_RANGE) for anything that is no day."""
    match = _DAY.fullmatch(text)
    try:
        found = date(int(match[1]), int(match[2]), int(match[3])).toordinal() - _EPOCH if match else -1
    except ValueError:
        found = -1
    if not 0 <= found <= LAST_DAY:
        raise ContractError(Reason.OUT_OF_RANGE, detail="expected a day such as 2026-06-18")
    return found


def date_of(day: int) -> date:
    """Return the calendar date of a day."""
    return date.fromordinal(_EPOCH + day)


def day_text(day: int) -> str:
    """Return ``2026-06-18``."""
    return date_of(day).isoformat()


def minute_of(text: str) -> int:
    """Return the minute of a day written as ``08:30``; ``24:00`` is its end. Raises ContractError(OUT_OF_RANGE)."""
    match = _CLOCK.fullmatch(text)
    found = int(match[1]) * 60 + int(match[2]) if match and int(match[2]) < 60 else -1
    if not 0 <= found <= DAY_MINUTES:
        raise ContractError(Reason.OUT_OF_RANGE, detail="expected a time of day such as 08:30")
    return found


def minute_text(minute: int) -> str:
    """Return ``08:30``."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


def yearly_of(text: str) -> int:
    """Return a day of every year written as ``06-18``, as month times 100 plus day. Raises
    ContractError(OUT_OF_RANGE).
    """
    match = _YEARLY.fullmatch(text)
    try:
        found = date(LEAP_YEAR, int(match[1]), int(match[2])) if match else None
    except ValueError:
        found = None
    if found is None:
        raise ContractError(Reason.OUT_OF_RANGE, detail="expected a day of the year such as 06-18")
    return found.month * 100 + found.day


def yearly_text(yearly: int) -> str:
    """Return ``06-18``."""
    return f"{yearly // 100:02d}-{yearly % 100:02d}"


def local_minute_of(text: str) -> int:
    """Return the minutes since 1970-01-01T00:00 of a local time written as ``2026-06-18T20:00``. Raises
    ContractError(OUT_OF_RANGE).
    """
    day, found, clock = text.partition("T")
    if not found:
        raise ContractError(Reason.OUT_OF_RANGE, detail="expected a local time such as 2026-06-18T20:00")
    return day_of(day) * DAY_MINUTES + minute_of(clock)


def local_minute_text(minute: int) -> str:
    """Return ``2026-06-18T20:00``."""
    return f"{day_text(minute // DAY_MINUTES)}T{minute_text(minute % DAY_MINUTES)}"


def _written(
    whole: wire.Kind, parse: Callable[[str], int], show: Callable[[int], str], schema: dict[str, object]
) -> wire.Kind:
    """A whole number on the wire that people write as text."""

    def read(authored: object, path: str) -> object:
        if type(authored) is not str:
            raise ContractError(Reason.WRONG_TYPE, path, "expected text")
        try:
            return parse(authored)
        except ContractError as error:
            raise ContractError(error.reason, path, error.detail) from error

    return wire.Kind(whole.write, whole.read, wire.Plain({"type": "string"} | schema, read, show), whole.quick)


def _read_yearly(plain: object, path: str) -> int:
    found = wire.whole(101, 1231).read(plain, path)
    yearly_of(yearly_text(found))
    return int(found)


DAY = _written(wire.whole(0, LAST_DAY), day_of, day_text, {"format": "date"})
MINUTE = _written(wire.whole(0, DAY_MINUTES), minute_of, minute_text, {"pattern": "^[0-2][0-9]:[0-5][0-9]$"})
YEARLY = _written(
    wire.Kind(lambda value: _read_yearly(value, ""), _read_yearly),
    yearly_of,
    yearly_text,
    {"pattern": "^[0-1][0-9]-[0-3][0-9]$"},
)
LOCAL_MINUTE = _written(
    wire.whole(0, (LAST_DAY + 1) * DAY_MINUTES),
    local_minute_of,
    local_minute_text,
    {"pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-2][0-9]:[0-5][0-9]$"},
)
