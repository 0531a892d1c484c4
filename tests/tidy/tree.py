"""What the tidy tests look at: the files of this tree, and Python modules as syntax trees."""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Module:
    """One Python file: its path below the root, its dotted name, and its syntax."""

    path: Path
    syntax: ast.Module

    @property
    def name(self) -> str:
        """The name it is imported by."""
        parts = self.path.with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def text(self) -> str:
        """The file's text."""
        return (ROOT / self.path).read_text(encoding="utf-8")

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        """Every function and method, nested ones too."""
        for node in ast.walk(self.syntax):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node


@cache
def files() -> tuple[Path, ...]:
    """Every file git keeps or is about to, relative to the root: a new file is held to the rules before its commit."""
    listed = subprocess.run(
        # A tree that belongs to another account is read here, never run by git; so whose it is does not matter.
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    ).stdout.decode()
    return tuple(sorted(Path(name) for name in listed.split("\0") if name and (ROOT / name).is_file()))


@cache
def modules() -> tuple[Module, ...]:
    """Every Python file of the tree."""
    found = [path for path in files() if path.suffix == ".py"]
    return tuple(Module(path, ast.parse((ROOT / path).read_text(encoding="utf-8"), str(path))) for path in found)


@cache
def rooms() -> tuple[str, ...]:
    """The top-level packages of the product."""
    return tuple(
        sorted(
            path.parts[0]
            for path in files()
            if len(path.parts) == 2 and path.name == "__init__.py" and path.parts[0] not in ("tests", "bench")
        )
    )


def product() -> tuple[Module, ...]:
    """The modules of the product, without tests and benches."""
    return tuple(module for module in modules() if module.path.parts[0] in rooms())
