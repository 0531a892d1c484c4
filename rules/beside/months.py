"""Calendar months over plain days: the one place beside the basket that knows how long a month is.

``datetime.date`` (proleptic Gregorian calendar) reads no clock; it only says which date a day is.
"""

from datetime import date

from contract import wire
from contract.calendar import DAY, date_of

_DAY_0 = date(1970, 1, 1).toordinal()
_MONTHS = wire.whole(0, 12_000)


def month_later(day: int, months: int) -> int:
    """Return the day ``months`` calendar months after ``day``, 0 to 12,000: the same day of that month, or its last
    where the month is shorter (31 January and one month: 28 or 29 February).

    Reckon from the first day each time, not from the result before, or 31 January creeps to the 28th for ever.
    Raises ContractError for a day or months out of range; the result may lie past the last day that may be written.
    """
    start = date_of(DAY.read(day, "day"))
    year, month = divmod(start.year * 12 + start.month - 1 + _MONTHS.read(months, "months"), 12)
    return min(_first_of(year, month + 1) + start.day - 1, _last_of(year, month + 1))


def last_of_month(day: int) -> int:
    """Return the last day of the month that ``day`` lies in, where points expire at the end of a month."""
    start = date_of(DAY.read(day, "day"))
    return _last_of(start.year, start.month)


def last_of_year(day: int) -> int:
    """Return the last day of the year that ``day`` lies in, where points expire at the end of a year."""
    return _last_of(date_of(DAY.read(day, "day")).year, 12)


def _first_of(year: int, month: int) -> int:
    return date(year, month, 1).toordinal() - _DAY_0


def _last_of(year: int, month: int) -> int:
    return _first_of(year + month // 12, month % 12 + 1) - 1
