"""A row is claimed only by its real id, and the table of `./dev rows` says by what it is shown."""

import pytest

from tests.tidy import rows


def test_every_claimed_row_is_a_mission_row() -> None:
    assert sorted(set(rows.shown_rows()) - set(rows.known_rows())) == []


def test_the_table_counts_the_shown_rows_and_names_the_rest_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    assert rows.main([]) == 0
    brief = capsys.readouterr().out.splitlines()
    assert rows.main(["--all"]) == 0
    full = capsys.readouterr().out.splitlines()
    shown, known = len(set(rows.shown_rows())), len(rows.known_rows())
    assert brief[-1] == full[-1] == f"{shown} of {known} rows are shown working"
    assert (len(brief), len(full)) == (shown + 1, known + 1)
