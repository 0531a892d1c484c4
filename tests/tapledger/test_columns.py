"""Columns stand under each other although a Chinese character is two columns wide."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapledger.columns import columns, table


@pytest.mark.parametrize(
    ("text", "wide"), [("", 0), ("abc", 3), ("满减", 4), ("金卡9折", 7), ("，", 2), ("ｶ", 1), ("e\u0301", 1), ("✔", 1)]
)
def test_a_text_is_as_wide_as_a_terminal_shows_it(text: str, wide: int) -> None:
    assert columns(text) == wide


def test_a_table_has_heads_over_its_columns_and_amounts_end_under_each_other() -> None:
    assert table(("名称", "额"), [("金卡9折", "-1.00"), ("a", "+20.00")], right=(1,)) == (
        "名称         额\n金卡9折   -1.00\na        +20.00\n"
    )


def test_no_rows_make_no_table() -> None:
    assert table(("a",), []) == ""


@given(st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5)), min_size=1, max_size=5))
def test_whatever_is_shown_stays_in_its_row_and_moves_no_cursor(rows: list[tuple[str, str]]) -> None:
    shown = table(("a", "b"), rows)
    assert len(shown.split("\n")) == len(rows) + 2
    assert all(char.isprintable() for char in shown.replace("\n", ""))
