"""Money is keyed as people write it, kept as whole minor units, and printed back the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.errors import ContractError, Reason
from contract.money import MAX_AMOUNT_MINOR, format_minor, parse_amount_minor
from contract.postings import Posting, require_balanced
from tests.contract.samples import sale_postings


@pytest.mark.parametrize(
    ("text", "minor"),
    [("268", 26_800), ("268.5", 26_850), ("268.00", 26_800), ("0.01", 1), ("0", 0), ("999999.99", MAX_AMOUNT_MINOR)],
)
def test_an_amount_is_read_as_people_key_it(text: str, minor: int) -> None:
    assert parse_amount_minor(text) == minor


@pytest.mark.parametrize("text", ["9" * 99, "9" * 99 + ".99", "1000000", "1000000.00", "0" * 4_000])
def test_ninety_nine_digits_are_too_large(text: str) -> None:
    with pytest.raises(ContractError) as caught:
        parse_amount_minor(text)
    assert caught.value.reason is Reason.OUT_OF_RANGE


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        ".5",
        "5.",
        "1.234",
        "1,000",
        "-1",
        "+1",
        " 1",
        "1 ",
        "1\n",
        "12a",
        "abc",
        "1e3",
        "1_0",
        "1.2.3",
        "0x1",
        "２６８",
        "٢٦٨",
        "²",
        "一百",
        "1.٥",
        "nan",
        "inf",
    ],
)
def test_letters_signs_and_digits_of_other_scripts_are_no_amount(text: str) -> None:
    with pytest.raises(ContractError) as caught:
        parse_amount_minor(text)
    assert caught.value.reason is Reason.BAD_AMOUNT


@given(st.text(max_size=30))
def test_no_text_raises_anything_but_contract_error(text: str) -> None:
    try:
        assert 0 <= parse_amount_minor(text) <= MAX_AMOUNT_MINOR
    except ContractError:
        return


@given(st.integers(0, MAX_AMOUNT_MINOR))
def test_every_amount_reads_back_from_its_print(minor: int) -> None:
    assert parse_amount_minor(format_minor(minor)) == minor


def test_a_negative_amount_carries_its_sign_once() -> None:
    assert [format_minor(minor) for minor in (-1, -100, -2_005, 0)] == ["-0.01", "-1.00", "-20.05", "0.00"]


def test_postings_balance_in_every_unit_for_itself() -> None:
    require_balanced(sale_postings())
    require_balanced(())
    with pytest.raises(ContractError) as caught:
        require_balanced([Posting("a", "CNY", 221), Posting("b", "points", -221)])
    assert caught.value.reason is Reason.UNBALANCED


@given(st.integers(0, 4), st.integers(-5, 5).filter(bool))
def test_one_fen_too_much_anywhere_is_unbalanced(index: int, extra: int) -> None:
    postings = list(sale_postings())
    wrong = postings[index]
    postings[index] = Posting(wrong.account, wrong.unit, wrong.amount + extra)
    with pytest.raises(ContractError) as caught:
        require_balanced(postings)
    assert caught.value.reason is Reason.UNBALANCED
