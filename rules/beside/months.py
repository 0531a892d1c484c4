"""Calendar months over plain days: the one place beside the basket that knows how long a month is.

``datetime.date`` (proleptic Gregorian calendar) reads no clock; it only says which date a day is.
"""

from datetime import date

from contract.errors import ContractError, Reason
from rules.beside.bounds import DAY, LAST_DAY

_DAY_0 = date(1970, 1, 1).toordinal()


def month_later(day: int, months: int) -> int:
    """Return the day ``months`` calendar months after ``day``: the same day of that month, or its last where the
    month is shorter (31 January and one month: 28 or 29 February).

    Reckon from the first day each time, not from the result before, or 31 January creeps to the 28th for ever.
    Raises ContractError(OUT_OF_RANGE) past 9999-12-31.
    """
    start = date.fromordinal(_DAY_0 + DAY.read(day, "day"))
    years, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    if months < 0 or years > date.max.year:
        raise ContractError(Reason.OUT_OF_RANGE, "months", "leads out of the calendar")
    return min(_first_of(years, month + 1) + start.day - 1, _last_of(years, month + 1))


def last_of_month(day: int) -> int:
    """Return the last day of the month that ``day`` lies in, where points expire at the end of a month."""
    start = date.fromordinal(_DAY_0 + DAY.read(day, "day"))
    return _last_of(start.year, start.month)


def last_of_year(day: int) -> int:
    """Return the last day of the year that ``day`` lies in, where points expire at the end of a year."""
    return _last_of(date.fromordinal(_DAY_0 + DAY.read(day, "day")).year, 12)


def _first_of(year: int, month: int) -> int:
    return date(year, month, 1).toordinal() - _DAY_0


def _last_of(year: int, month: int) -> int:
    if (year, month) == (date.max.year, 12):
        return LAST_DAY
    return _first_of(year + month // 12, month % 12 + 1) - 1
