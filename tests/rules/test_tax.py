"""Tax: net and tax are the amount, line by line and in all, wherever it is rounded."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.basket import TaxRate
from contract.errors import ContractError, Reason
from rules.rounding import BASIS_POINTS, Rounding, divide, part
from rules.shares import split
from rules.tax import LineTax, TaxedLine, Taxes, TaxRounding, TaxTotal, taxes

VAT_15 = TaxRate("vat", 1_500)
GST = TaxRate("gst", 500)
PST = TaxRate("pst", 700)
AMOUNTS = st.integers(0, 99_999_999) | st.integers(0, 9)
RATES = st.lists(
    st.builds(TaxRate, st.sampled_from(["a", "b", "c", "d"]), st.sampled_from([0, 1, 500, 700, 1_999, 10_000])),
    max_size=4,
    unique_by=lambda rate: rate.tax,
).map(tuple)
DOCUMENTS = st.lists(st.builds(TaxedLine, AMOUNTS, RATES), max_size=8)
PLACES = st.sampled_from(TaxRounding)
ROUNDINGS = st.sampled_from(Rounding)


def line_taxes(line: tuple[LineTax, ...]) -> int:
    return sum(one.tax_minor for one in line)


def require_consistent(document: list[TaxedLine], found: Taxes) -> None:
    """The totals are the sums of the lines, and the document is the sum of its totals."""
    assert found.net_minor + found.tax_minor == found.gross_minor
    assert found.tax_minor == sum(map(line_taxes, found.lines)) == sum(total.tax_minor for total in found.totals)
    for total in found.totals:
        rate = TaxRate(total.tax, total.rate_bp)
        own = [
            line[source.rates.index(rate)]
            for source, line in zip(document, found.lines, strict=True)
            if rate in source.rates
        ]
        assert total.net_minor == sum(one.net_minor for one in own)
        assert total.tax_minor == sum(one.tax_minor for one in own)
    assert {TaxRate(total.tax, total.rate_bp) for total in found.totals} == {r for s in document for r in s.rates}


@given(DOCUMENTS, PLACES, ROUNDINGS)
def test_an_inclusive_amount_is_its_net_and_its_tax_on_every_line_and_in_all(
    document: list[TaxedLine], at: TaxRounding, rounding: Rounding
) -> None:
    found = taxes(document, True, at, rounding)
    require_consistent(document, found)
    assert found.gross_minor == sum(source.amount_minor for source in document)
    for source, line in zip(document, found.lines, strict=True):
        assert [one.tax for one in line] == [rate.tax for rate in source.rates]
        for one in line:
            assert one.net_minor + line_taxes(line) == source.amount_minor
            assert one.net_minor >= 0
            assert one.tax_minor >= 0


@given(DOCUMENTS, PLACES, ROUNDINGS)
def test_an_exclusive_amount_is_the_net_and_the_tax_comes_on_top(
    document: list[TaxedLine], at: TaxRounding, rounding: Rounding
) -> None:
    found = taxes(document, False, at, rounding)
    require_consistent(document, found)
    assert found.net_minor == sum(source.amount_minor for source in document)
    for source, line in zip(document, found.lines, strict=True):
        assert all(one.net_minor == source.amount_minor and one.tax_minor >= 0 for one in line)


@given(DOCUMENTS, st.booleans(), PLACES, ROUNDINGS)
def test_nothing_paid_is_nothing_taxed(
    document: list[TaxedLine], inclusive: bool, at: TaxRounding, rounding: Rounding
) -> None:
    free = [TaxedLine(0, source.rates) for source in document]
    found = taxes(free, inclusive, at, rounding)
    assert (found.net_minor, found.tax_minor, found.gross_minor) == (0, 0, 0)
    beside = taxes([*document, *free], inclusive, at, rounding)
    assert not any(one.tax_minor for line in beside.lines[len(document) :] for one in line)


@given(DOCUMENTS, st.booleans(), ROUNDINGS)
def test_by_line_the_tax_of_a_line_is_rounded_once_from_the_sum_of_its_rates(
    document: list[TaxedLine], inclusive: bool, rounding: Rounding
) -> None:
    for source, line in zip(document, taxes(document, inclusive, TaxRounding.LINE, rounding).lines, strict=True):
        rates_bp = [rate.rate_bp for rate in source.rates]
        whole_bp = BASIS_POINTS + (sum(rates_bp) if inclusive else 0)
        tax_minor = divide(source.amount_minor * sum(rates_bp), whole_bp, rounding)
        assert tuple(one.tax_minor for one in line) == split(tax_minor, rates_bp)


@given(DOCUMENTS, ROUNDINGS)
def test_by_document_a_rate_on_top_is_rounded_once_over_everything_it_applies_to(
    document: list[TaxedLine], rounding: Rounding
) -> None:
    for total in taxes(document, False, TaxRounding.DOCUMENT, rounding).totals:
        assert total.tax_minor == part(total.net_minor, total.rate_bp, rounding)


def exact_tax(source: TaxedLine, rate: TaxRate) -> Fraction:
    """One tax inside an inclusive amount, unrounded."""
    return Fraction(source.amount_minor * rate.rate_bp, BASIS_POINTS + sum(one.rate_bp for one in source.rates))


@given(DOCUMENTS)
def test_by_document_an_inclusive_rate_is_the_exact_sum_of_its_lines_rounded_once(document: list[TaxedLine]) -> None:
    for total in taxes(document, True, TaxRounding.DOCUMENT, Rounding.DOWN).totals:
        rate = TaxRate(total.tax, total.rate_bp)
        exact = sum((exact_tax(source, rate) for source in document if rate in source.rates), Fraction(0))
        assert total.tax_minor == exact.numerator // exact.denominator


@given(st.lists(AMOUNTS, min_size=1, max_size=8), st.integers(0, 10_000), st.booleans(), PLACES)
def test_with_one_rate_every_line_is_near_its_exact_tax(
    amounts: list[int], rate_bp: int, inclusive: bool, at: TaxRounding
) -> None:
    found = taxes([TaxedLine(amount, (TaxRate("vat", rate_bp),)) for amount in amounts], inclusive, at)
    for amount, line in zip(amounts, found.lines, strict=True):
        exact = Fraction(amount * rate_bp, BASIS_POINTS + (rate_bp if inclusive else 0))
        # By line half a unit is rounded; by document the line also bears its part of what rounding the total did.
        most = Fraction(1, 2) if at is TaxRounding.LINE else Fraction(3, 2)
        assert abs(line_taxes(line) - exact) <= most


@given(DOCUMENTS, st.booleans(), PLACES, ROUNDINGS)
def test_the_order_of_the_lines_changes_no_total(
    document: list[TaxedLine], inclusive: bool, at: TaxRounding, rounding: Rounding
) -> None:
    assert taxes(document, inclusive, at, rounding).totals == taxes(document[::-1], inclusive, at, rounding).totals


def discounted(amounts: list[int], off_minor: int, rate: TaxRate) -> list[TaxedLine]:
    """Lines at list price less a discount of the whole basket, in minor units."""
    shares = split(off_minor, amounts)
    return [TaxedLine(amount - share, (rate,)) for amount, share in zip(amounts, shares, strict=True)]


@pytest.mark.parametrize("rounding", Rounding)
@pytest.mark.parametrize("at", TaxRounding)
@pytest.mark.parametrize("inclusive", [False, True])
@pytest.mark.parametrize(
    ("amounts", "rate"),
    [
        ([1_150, 1_150], VAT_15),
        ([560, 892, 4_491, 21_726, 240_000], VAT_15),
        ([999, 999], TaxRate("vat", 1_999)),
    ],
)
def test_a_hundred_percent_off_leaves_nothing_to_pay_however_tax_is_rounded(
    amounts: list[int], rate: TaxRate, inclusive: bool, at: TaxRounding, rounding: Rounding
) -> None:
    found = taxes(discounted(amounts, part(sum(amounts), 10_000), rate), inclusive, at, rounding)
    assert (found.net_minor, found.tax_minor, found.gross_minor) == (0, 0, 0)


@pytest.mark.parametrize("at", TaxRounding)
def test_ten_off_an_inclusive_hundred_is_ninety_exactly(at: TaxRounding) -> None:
    found = taxes(discounted([10_000], 1_000, TaxRate("vat", 1_000)), True, at)
    assert (found.gross_minor, found.net_minor, found.tax_minor) == (9_000, 8_182, 818)


def test_by_line_and_by_document_differ_where_halves_add_up() -> None:
    lines = [TaxedLine(10, (GST,))] * 3
    by_line = taxes(lines, False, TaxRounding.LINE)
    by_document = taxes(lines, False, TaxRounding.DOCUMENT)
    assert (by_line.tax_minor, by_document.tax_minor) == (3, 2)
    assert [line_taxes(line) for line in by_document.lines] == [1, 1, 0]


def test_several_rates_on_a_line_share_its_tax_and_are_told_apart() -> None:
    found = taxes([TaxedLine(999, (GST, PST)), TaxedLine(500, (GST,)), TaxedLine(250, ())], False, TaxRounding.LINE)
    assert found == Taxes(
        lines=(
            (LineTax("gst", 999, 50), LineTax("pst", 999, 70)),
            (LineTax("gst", 500, 25),),
            (),
        ),
        totals=(TaxTotal("gst", 500, 1_499, 75), TaxTotal("pst", 700, 999, 70)),
        net_minor=1_749,
        tax_minor=145,
        gross_minor=1_894,
    )


def test_no_document_at_all_has_no_tax() -> None:
    assert taxes([], True, TaxRounding.DOCUMENT) == Taxes((), (), 0, 0, 0)


def test_a_thousand_lines_of_different_rates_stay_exact() -> None:
    shared = TaxRate("shared", 500)
    document = [TaxedLine(99_999_999 - index, (shared, TaxRate("own", index))) for index in range(1_000)]
    require_consistent(document, taxes(document, True, TaxRounding.DOCUMENT))


@pytest.mark.parametrize(
    ("line", "path"),
    [
        (TaxedLine(-1, ()), "lines[1].amount_minor"),
        (TaxedLine(1, (GST, TaxRate("pst", -1))), "lines[1].rates[1].rate_bp"),
        (TaxedLine(1, (GST, TaxRate("gst", 700))), "lines[1].rates[1].tax"),
    ],
)
def test_a_line_that_cannot_be_taxed_is_refused_with_its_place(line: TaxedLine, path: str) -> None:
    with pytest.raises(ContractError) as refused:
        taxes([TaxedLine(100, (GST,)), line], True, TaxRounding.LINE)
    assert (refused.value.reason, refused.value.path) == (Reason.OUT_OF_RANGE, path)
