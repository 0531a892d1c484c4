"""The program's report and exit status."""

from pathlib import Path

import pytest

from conformance.__main__ import main
from conformance.report import Result, Status, exit_status, lines
from tests.conformance.neutral import case

PASSED = Result("one-1", "one", Status.PASSED)
FAILED = Result("two-1", "two", Status.FAILED, ("total: expected 1, got 2", "tier: expected A, got B"))
NOT_EXPRESSIBLE = Result("one-2", "one", Status.NOT_EXPRESSIBLE, ("a percentage finer than 0.01 %",))
HALF = {"kind": "percent", "value": 50}


def test_the_report_counts_by_engine_gives_reasons_and_ends_with_the_total() -> None:
    assert list(lines([PASSED, FAILED, NOT_EXPRESSIBLE])) == [
        "one: passed 1, failed 0, not expressible 1",
        "  not expressible: one-2: a percentage finer than 0.01 %",
        "two: passed 0, failed 1, not expressible 0",
        "  failed: two-1: total: expected 1, got 2; tier: expected A, got B",
        "total: passed 1, failed 1, not expressible 1",
    ]


def test_an_empty_file_is_counted_too() -> None:
    assert list(lines([])) == ["total: passed 0, failed 0, not expressible 0"]


def test_only_a_failed_case_sets_the_exit_status() -> None:
    assert [exit_status([one]) for one in (PASSED, NOT_EXPRESSIBLE, FAILED)] == [0, 0, 1]
    assert exit_status([]) == 0


@pytest.mark.parametrize(
    ("effects", "total", "status", "last"),
    [
        ([HALF], 1500, 0, "total: passed 1, failed 0, not expressible 0"),
        ([HALF], 1499, 1, "total: passed 0, failed 1, not expressible 0"),
        ([{"kind": "percent", "value": "33.333"}], 2000, 0, "total: passed 0, failed 0, not expressible 1"),
    ],
)
def test_the_program_prints_the_report_of_a_file_and_says_whether_it_passed(
    effects: list[dict[str, object]],
    total: int,
    status: int,
    last: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text(case(effects, {"total": total}) + "\n", encoding="utf-8")
    assert main([str(path)]) == status
    assert capsys.readouterr().out.splitlines()[-1] == last


def test_without_a_file_the_shipped_cases_are_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("total: passed 224, failed 0")


def test_a_file_that_cannot_be_read_is_told_apart_from_cases_that_fail(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "absent.jsonl")]) == 2
    (tmp_path / "picture.jsonl").write_bytes(b"\xff\xfe\x00")
    assert main([str(tmp_path / "picture.jsonl")]) == 2
    assert main(["one.jsonl", "two.jsonl"]) == 2
    assert capsys.readouterr().out == ""


def test_the_program_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "./dev conformance [FILE.jsonl]" in capsys.readouterr().out
