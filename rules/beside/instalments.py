"""A bonus given in parts: so much a week or a month, never a fen or a point more or less than was promised."""

from contract import wire
from contract.calendar import DAY
from rules.beside.bounds import POINTS
from rules.beside.months import month_later

MOST_PARTS = 520
"""Ten years of weeks."""

_PARTS = wire.whole(1, MOST_PARTS)
_EVERY = wire.whole(1, 3_660)


def instalments(amount: int, parts: int, every_days: int, first_day: int) -> tuple[tuple[int, int], ...]:
    """Return ``(day, amount)`` of each part: the first on ``first_day``, then one every ``every_days`` days.

    ``amount`` is minor units or points, 0 to 2**40. The parts sum to it exactly and differ by at most 1; what does
    not divide goes, one unit each, to the earlier parts (largest remainder, where all remainders are equal). A part
    of nothing is left out. Raises ContractError for anything out of range, also for a part past the calendar.
    """
    _EVERY.read(every_days, "every_days")
    DAY.read(first_day, "first_day")
    shares = _shares(amount, parts)
    last = first_day + every_days * (len(shares) - 1) if shares else first_day
    DAY.read(last, "every_days")
    return tuple((first_day + index * every_days, share) for index, share in enumerate(shares))


def monthly_instalments(amount: int, parts: int, first_day: int) -> tuple[tuple[int, int], ...]:
    """Return ``(day, amount)`` of each part, one a calendar month on the day of the month of ``first_day``, or on the
    month's last day where it is shorter. The rest is as in :func:`instalments`.
    """
    DAY.read(first_day, "first_day")
    shares = _shares(amount, parts)
    days = [DAY.read(month_later(first_day, index), "parts") for index in range(len(shares))]
    return tuple(zip(days, shares, strict=True))


def _shares(amount: int, parts: int) -> tuple[int, ...]:
    each, over = divmod(POINTS.read(amount, "amount"), _PARTS.read(parts, "parts"))
    shares = (each + (1 if index < over else 0) for index in range(parts))
    return tuple(share for share in shares if share)
