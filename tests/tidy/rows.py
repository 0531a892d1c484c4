"""``./dev rows``: which mission rows are shown working, and by which test or bench.

It reads marks alone and runs nothing: ``@pytest.mark.row("W73")`` on a test, a class or as a module's ``pytestmark``,
and a line ``Row: W73`` (or ``Rows: W73, W17``) in the docstring of a bench.
"""

import argparse
import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence

from tests.tidy.tree import ROOT, Module, modules

_BENCH_LINE = re.compile(r"^Rows?:\s*(.+)$", re.MULTILINE)
_ID = re.compile(r"[A-Z]\d{2,3}")


def known_rows() -> dict[str, str]:
    """Every mission row by its id, with what it is about, in the order of docs/rows.txt."""
    lines = (ROOT / "docs" / "rows.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("  ", 1) for line in lines if line and not line.startswith("#"))


def shown_rows() -> dict[str, list[str]]:
    """What shows each row: ``path::test`` of a test or ``path`` of a bench, by row id."""
    shown: dict[str, list[str]] = defaultdict(list)
    for module in modules():
        top = module.path.parts[0]
        if top == "bench":
            for line in _BENCH_LINE.findall(ast.get_docstring(module.syntax) or ""):
                for row in _ID.findall(line):
                    shown[row].append(str(module.path))
        elif top == "tests":
            for row, by in _marks(module):
                shown[row].append(by)
    return dict(shown)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table and return 0; 1 where a mark names a row that docs/rows.txt does not know."""
    parser = argparse.ArgumentParser(
        prog="./dev rows", description="Which mission rows are shown working, and by what."
    )
    parser.add_argument("--all", action="store_true", help="list the rows that are not shown yet, too")
    every = parser.parse_args(argv).all
    known, shown = known_rows(), shown_rows()
    for row, about in known.items():
        if row in shown or every:
            print(f"{row:<5} {about:<58.58} {' '.join(shown.get(row, ['-']))}")
    print(f"{sum(row in shown for row in known)} of {len(known)} rows are shown working")
    strangers = sorted(set(shown) - set(known))
    if strangers:
        print(f"docs/rows.txt does not know {', '.join(strangers)}", file=sys.stderr)
    return 1 if strangers else 0


def _marks(module: Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(module.syntax):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for decorator in node.decorator_list:
                for row in _rows_in(decorator):
                    yield row, f"{module.path}::{node.name}"
        elif isinstance(node, ast.Assign) and any(
            isinstance(t, ast.Name) and t.id == "pytestmark" for t in node.targets
        ):
            for row in _rows_in(node.value):
                yield row, str(module.path)


def _rows_in(marks: ast.expr) -> Iterator[str]:
    for node in ast.walk(marks):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.row":
            for argument in node.args:
                if isinstance(argument, ast.Constant):
                    yield str(argument.value)


if __name__ == "__main__":
    sys.exit(main())
