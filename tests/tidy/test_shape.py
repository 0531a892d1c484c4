"""Files stay small enough to read, are named for what they hold, and every package says who it is."""

import ast
import re
import tomllib
from collections.abc import Iterator

import pytest

from tests.tidy.tree import ROOT, modules, product, rooms

MODULE_LINES = 400
FUNCTION_LINES = 50
ACTS = {
    *("start", "run", "connect", "open", "listen", "Thread", "Process", "Popen", "Queue", "create_engine"),
    *("read_text", "read_bytes", "write_text", "write_bytes", "mkdir", "print", "now", "monotonic", "time"),
}
SAYS_NOTHING = {"utils", "util", "helpers", "helper", "manager", "managers", "common", "base", "misc", "stuff"}


def test_no_module_is_longer_than_a_reader_can_hold() -> None:
    lengths = {str(module.path): len(module.text.splitlines()) for module in modules()}
    assert {path: lines for path, lines in lengths.items() if lines > MODULE_LINES} == {}


def test_no_function_is_longer_than_a_screen() -> None:
    long = {
        f"{module.path}:{function.lineno} {function.name}": length
        for module in modules()
        for function in module.functions()
        if (length := (function.end_lineno or function.lineno) - function.lineno + 1) > FUNCTION_LINES
    }
    assert long == {}


def test_no_file_has_a_name_that_says_nothing() -> None:
    assert [module.path for module in modules() if SAYS_NOTHING & set(module.path.with_suffix("").parts)] == []


def test_every_package_says_what_belongs_in_it_what_does_not_and_who_may_come_in() -> None:
    silent = [
        module.path
        for module in product()
        if module.path.name == "__init__.py" and _sentences(ast.get_docstring(module.syntax) or "") < 3
    ]
    assert silent == []


def test_every_module_opens_by_saying_what_it_is() -> None:
    silent = [
        module.path
        for module in modules()
        if module.path.name != "__init__.py" and not ast.get_docstring(module.syntax)
    ]
    assert silent == []


@pytest.mark.parametrize("table", ["importlinter", "setuptools"])
def test_every_room_is_placed(table: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    placed = {
        "importlinter": project["importlinter"]["root_packages"],
        "setuptools": [name.rstrip("*") for name in project["setuptools"]["packages"]["find"]["include"]],
    }[table]
    assert sorted(placed) == list(rooms())


def test_importing_a_module_starts_opens_and_connects_nothing() -> None:
    acting = [
        f"{module.path}:{call.lineno} {_called(call)}"
        for module in product()
        for call in _calls_at_import(module.syntax)
        if _called(call) in ACTS
    ]
    assert acting == []


def _calls_at_import(syntax: ast.Module) -> Iterator[ast.Call]:
    """Every call that runs when the module is imported: outside functions, and not under the guard of a program."""
    waiting: list[ast.AST] = [syntax]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'":
            continue
        if isinstance(node, ast.Call):
            yield node
        waiting.extend(ast.iter_child_nodes(node))


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ast.unparse(call.func)


def _sentences(text: str) -> int:
    return len(re.findall(r"[.!?](?=\s|$)", text))
