"""What a run of keys means: an amount, a phone number, a cashier's number. Bounded, whatever is leant on the keys."""

from __future__ import annotations

from contract.errors import ContractError, Reason
from contract.money import parse_amount_minor
from contract.refusals import Refusal, RefusalCode

MOST_CHARS = 16
"""The most characters kept of an amount; the largest amount has 9."""

PHONE_DIGITS = 11
LAST_DIGITS = 4
CASHIER_DIGITS = 8
PIN_DIGITS = 12
DIGIT_KEYS = frozenset([*"0123456789", "00"])
TYPING_KEYS = DIGIT_KEYS | {"."}


def amount_after(keyed: str, key: str) -> str | Refusal:
    """Return the amount field after one more of ``TYPING_KEYS``, or why the key does not fit.

    One point, at most two digits behind it, no leading zeros, at most ``MOST_CHARS`` characters.
    """
    if key == "." and "." in keyed:
        return Refusal(RefusalCode.AMOUNT_MALFORMED, "second point")
    grown = keyed + key
    if key == ".":
        grown = f"{keyed or '0'}."
    elif "." in grown and len(grown.partition(".")[2]) > 2:
        return Refusal(RefusalCode.AMOUNT_MALFORMED, "more than two decimals")
    elif "." not in grown:
        grown = grown.lstrip("0") or "0"
    return grown if len(grown) <= MOST_CHARS else Refusal(RefusalCode.AMOUNT_TOO_LARGE, "too many digits")


def digits_after(keyed: str, key: str, most: int) -> str | None:
    """Return a run of digits after one more of ``DIGIT_KEYS``; None where it would be longer than ``most``."""
    grown = keyed + key
    return grown if key in DIGIT_KEYS and len(grown) <= most else None


def without_last(keyed: str) -> str:
    """Return the field after ``clear``."""
    return keyed[:-1]


def read_amount_minor(keyed: str) -> int | Refusal:
    """Return the minor units of a keyed amount, above 0 and at most 999,999.99, or why it is none."""
    try:
        amount_minor = parse_amount_minor(keyed.removesuffix("."))
    except ContractError as error:
        too_large = error.reason is Reason.OUT_OF_RANGE
        return Refusal(RefusalCode.AMOUNT_TOO_LARGE if too_large else RefusalCode.AMOUNT_MALFORMED)
    return amount_minor or Refusal(RefusalCode.AMOUNT_ZERO)


def is_phone(text: str) -> bool:
    """Tell whether this is a mobile number of mainland China: 11 digits, the first a 1."""
    return len(text) == PHONE_DIGITS and text.isascii() and text.isdigit() and text[0] == "1"


def is_last4(text: str) -> bool:
    """Tell whether these may be the last four digits of a phone number."""
    return len(text) == LAST_DIGITS and text.isascii() and text.isdigit()
