"""Amounts of money as people key and read them. In memory money is an integer of minor units (fen for yuan), never a
float.
"""

import re

from contract import wire
from contract.errors import ContractError, Reason

SCALE = 100
"""Minor units in one unit of the currency (ISO 4217: exponent 2 for CNY)."""

MAX_AMOUNT_MINOR = 99_999_999
"""The largest amount one line, basket or tender may hold: 999,999.99."""

AMOUNT_MINOR = wire.whole(0, MAX_AMOUNT_MINOR)
CURRENCY = wire.text(3, "[A-Z]{3}")

_AMOUNT = re.compile(r"([0-9]{1,6})(?:\.([0-9]{1,2}))?")


def parse_amount_minor(text: str) -> int:
    """Return the minor units of a keyed amount such as ``268``, ``268.5`` or ``268.00``.

    Raises ContractError: BAD_AMOUNT for anything that is not digits with at most two decimals, OUT_OF_RANGE above
    999,999.99.
    """
    if len(text.partition(".")[0]) > 6 and text.replace(".", "", 1).isdecimal():
        raise ContractError(Reason.OUT_OF_RANGE, detail="at most 999999.99")
    match = _AMOUNT.fullmatch(text)
    if match is None or not text.isascii():
        raise ContractError(Reason.BAD_AMOUNT, detail="expected digits with at most two decimals")
    return int(match[1]) * SCALE + int((match[2] or "0").ljust(2, "0"))


def format_minor(amount_minor: int) -> str:
    """Return ``221.20`` for 22120 and ``-20.00`` for -2000: no grouping, always two decimals."""
    sign = "-" if amount_minor < 0 else ""
    units, rest = divmod(abs(amount_minor), SCALE)
    return f"{sign}{units}.{rest:02d}"
