"""Tax on priced lines: inside their amounts or on top of them, several rates a line, rounded by line or by document.

Amounts are minor units after every discount; rates are basis points. Nothing here knows a country: a rate is a name
and a number.
"""

from collections.abc import Sequence
from enum import StrEnum
from math import lcm

from contract.basket import TaxRate
from contract.errors import ContractError, Reason
from contract.making import dataclass
from rules.rounding import BASIS_POINTS, Rounding, divide
from rules.shares import fill, split


class TaxRounding(StrEnum):
    """Where tax is rounded. LINE: once per line, from the sum of its rates. DOCUMENT: once per rate, from everything
    it applies to.
    """

    LINE = "line"
    DOCUMENT = "document"


@dataclass(frozen=True, slots=True)
class TaxedLine:
    """What a line comes to after discounts, in minor units, not negative, and the rates it bears (none: untaxed)."""

    amount_minor: int
    rates: tuple[TaxRate, ...]


@dataclass(frozen=True, slots=True)
class LineTax:
    """One tax of one line, in minor units. ``net_minor`` is the line without any of its taxes."""

    tax: str
    net_minor: int
    tax_minor: int


@dataclass(frozen=True, slots=True)
class TaxTotal:
    """One tax at one rate over the document, in minor units: the sums of its lines."""

    tax: str
    rate_bp: int
    net_minor: int
    tax_minor: int


@dataclass(frozen=True, slots=True)
class Taxes:
    """The taxes of a document, in minor units: for each line, in the order given, one entry for each of its rates in
    their order; for each tax and rate its total, by name and rate. ``net_minor + tax_minor == gross_minor``.
    """

    lines: tuple[tuple[LineTax, ...], ...]
    totals: tuple[TaxTotal, ...]
    net_minor: int
    tax_minor: int
    gross_minor: int


def taxes(lines: Sequence[TaxedLine], inclusive: bool, at: TaxRounding, rounding: Rounding = Rounding.HALF_UP) -> Taxes:
    """Return the taxes of ``lines``, whose amounts contain them (``inclusive``) or do not.

    With rates r1 + r2 ... = R, an inclusive amount a holds a x R / (1 + R) of tax, an exclusive one bears a x R. By
    LINE, that is rounded once and split over the rates by largest remainder. By DOCUMENT, the exact tax of each rate
    is summed over its lines and rounded once; its lines share it by largest remainder. Net and tax of an inclusive
    line always are its amount and neither is negative: where several rates leave a line no room for another unit,
    another line of the rate takes it. A zero amount has zero tax.

    Raises ContractError(OUT_OF_RANGE) with the path to a negative amount or rate, or to a tax that stands twice on one
    line.
    """
    _require_sound(lines)
    by_line = _rounded_by_line if at is TaxRounding.LINE else _rounded_by_document
    parts = by_line(lines, inclusive, rounding)
    nets = [line.amount_minor - (sum(own) if inclusive else 0) for line, own in zip(lines, parts, strict=True)]
    totals: dict[TaxRate, tuple[int, int]] = {}
    told: list[tuple[LineTax, ...]] = []
    for line, net_minor, own in zip(lines, nets, parts, strict=True):
        for rate, tax_minor in zip(line.rates, own, strict=True):
            net_before, tax_before = totals.get(rate, (0, 0))
            totals[rate] = (net_before + net_minor, tax_before + tax_minor)
        told.append(tuple(LineTax(rate.tax, net_minor, part) for rate, part in zip(line.rates, own, strict=True)))
    tax_sum = sum(map(sum, parts))
    net_sum = sum(nets)
    return Taxes(
        lines=tuple(told),
        totals=tuple(TaxTotal(rate.tax, rate.rate_bp, *totals[rate]) for rate in sorted(totals, key=_name_and_rate)),
        net_minor=net_sum,
        tax_minor=tax_sum,
        gross_minor=net_sum + tax_sum,
    )


def _require_sound(lines: Sequence[TaxedLine]) -> None:
    """Refuse what has no tax: negative amounts, and the same tax twice on a line."""
    for index, line in enumerate(lines):
        if line.amount_minor < 0:
            raise ContractError(Reason.OUT_OF_RANGE, f"lines[{index}].amount_minor", "expected no negative amount")
        for place, rate in enumerate(line.rates):
            path = f"lines[{index}].rates[{place}]"
            if rate.rate_bp < 0:
                raise ContractError(Reason.OUT_OF_RANGE, f"{path}.rate_bp", "expected no negative rate")
            if any(rate.tax == before.tax for before in line.rates[:place]):
                raise ContractError(Reason.OUT_OF_RANGE, f"{path}.tax", "a tax stands once on a line")


def _rounded_by_line(lines: Sequence[TaxedLine], inclusive: bool, rounding: Rounding) -> list[Sequence[int]]:
    """For each line the tax of each of its rates, the line's whole tax rounded once."""
    parts: list[Sequence[int]] = []
    for line in lines:
        rates_bp = [rate.rate_bp for rate in line.rates]
        tax_minor = divide(line.amount_minor * sum(rates_bp), _whole_bp(line, inclusive), rounding)
        parts.append(split(tax_minor, rates_bp))
    return parts


def _rounded_by_document(lines: Sequence[TaxedLine], inclusive: bool, rounding: Rounding) -> list[Sequence[int]]:
    """For each line the tax of each of its rates, every rate rounded once over all its lines.

    The lines of one rate may stand on different wholes, since each holds its own other rates: they are brought to a
    common denominator, so that the sum is exact before it is rounded. Of lines that lost equally much by rounding the
    dearer one gets the unit, so that the order of the lines decides between equal lines alone.
    """
    places: dict[TaxRate, list[tuple[int, int]]] = {}
    for index in sorted(range(len(lines)), key=lambda index: _dearest_first(lines[index])):
        for place, rate in enumerate(lines[index].rates):
            places.setdefault(rate, []).append((index, place))
    parts: list[list[int]] = [[0] * len(line.rates) for line in lines]
    room = [line.amount_minor for line in lines]
    for rate in sorted(places, key=_name_and_rate):
        own = places[rate]
        wholes = [_whole_bp(lines[index], inclusive) for index, _place in own]
        common = lcm(*set(wholes))
        weights = [
            lines[index].amount_minor * (common // whole) for (index, _place), whole in zip(own, wholes, strict=True)
        ]
        tax_minor = divide(rate.rate_bp * sum(weights), common, rounding)
        shares = fill(tax_minor, weights, [room[index] for index, _ in own]) if inclusive else split(tax_minor, weights)
        for (index, place), share in zip(own, shares, strict=True):
            parts[index][place] = share
            room[index] -= share
    return list(parts)


def _whole_bp(line: TaxedLine, inclusive: bool) -> int:
    """What the line's amount is in basis points of its net."""
    return BASIS_POINTS + sum(rate.rate_bp for rate in line.rates) if inclusive else BASIS_POINTS


def _name_and_rate(rate: TaxRate) -> tuple[str, int]:
    """The order of taxes wherever lines must not decide it."""
    return (rate.tax, rate.rate_bp)


def _dearest_first(line: TaxedLine) -> tuple[int, list[tuple[str, int]]]:
    """The order of lines wherever the basket's must not decide it."""
    return (-line.amount_minor, sorted(_name_and_rate(rate) for rate in line.rates))
