"""No module without a test that reaches it.

A module counts as reached when a test imports it, or when a module of the same package that is reached imports it.
Programs that tests start as processes of their own are listed with the test that starts them, and modules that are
loaded by name with the module that names them.
"""

import ast

from tests.tidy.tree import ROOT, Module, modules, product

RUN_AS_PROCESSES: dict[str, str] = {}
"""Module started as a process: the test file that starts it and names it."""

LOADED_BY_NAME = {"hq.migrations": "hq.db"}
"""Package whose modules are found by name: the module that has them loaded, and names the package."""


def test_every_module_is_reached_by_a_test() -> None:
    known = {module.name: module for module in product()}
    imports = {module.name: _imported(module, set(known)) for module in modules()}
    reached = set(RUN_AS_PROCESSES)
    for module in modules():
        if module.path.parts[0] == "tests":
            reached |= imports[module.name]
    waiting = list(reached)
    while waiting:
        name = waiting.pop()
        same_package = {other for other in imports[name] if _package(known[other]) == _package(known[name])}
        loaded = {other for other in known for package, by in LOADED_BY_NAME.items() if by == name and package in other}
        waiting += (same_package | loaded) - reached
        reached |= same_package | loaded
    empty = {module.name for module in product() if all(isinstance(node, ast.Expr) for node in module.syntax.body)}
    unreached = sorted(set(known) - reached - empty)
    assert not unreached, "\n".join(unreached)


def test_every_listed_process_is_started_by_the_test_it_is_listed_with() -> None:
    for name, path in RUN_AS_PROCESSES.items():
        assert name in (ROOT / path).read_text(encoding="utf-8"), f"{path} does not start {name}"


def test_every_package_loaded_by_name_is_named_by_its_loader() -> None:
    for package, loader in LOADED_BY_NAME.items():
        text = (ROOT / loader.replace(".", "/")).with_suffix(".py").read_text(encoding="utf-8")
        assert package.rpartition(".")[-1] in text, f"{loader} does not name {package}"


def _package(module: Module) -> str:
    return str(module.path.parent)


def _imported(module: Module, known: set[str]) -> set[str]:
    """Names of known modules that this one imports anywhere in its text; a package stands for its ``__init__``."""
    found: set[str] = set()
    for node in ast.walk(module.syntax):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
            found.add(node.module)
    return found & known
