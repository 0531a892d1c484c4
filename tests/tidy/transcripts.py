"""Transcripts in docs/rules/commands.md: behind ``$ tapledger rules ...`` in a ``console`` block stands what the
command prints in docs/examples; ``./dev docs`` writes it anew.

Files a command writes go to a folder of its own. Milliseconds are this machine's: they stand as 0.
"""

import contextlib
import io
import re
import shlex
import tempfile
from pathlib import Path

from tests.tidy.tree import ROOT

PAGE = "docs/rules/commands.md"
_BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
_MILLISECONDS = re.compile(r"(milliseconds to compile|编译毫秒)(\s+)\d+")


def retold(page: str) -> str:
    """Return the page with what every command prints now."""
    with tempfile.TemporaryDirectory(prefix="tapledger-docs-") as name:
        return _BLOCK.sub(lambda block: f"```console\n{_played(block[1], Path(name))}```", page)


def _played(block: str, folder: Path) -> str:
    """The commands of a block, each with what it prints."""
    told = []
    for line in block.splitlines():
        if line.startswith("$ "):
            told.append(f"{line}\n{_printed(shlex.split(line[2:]), folder)}")
    return "\n".join(told)


def _printed(words: list[str], folder: Path) -> str:
    from tapledger.main import main

    written = io.StringIO()
    kept = None
    if ">" in words:
        kept = folder / words[words.index(">") + 1]
        words = words[: words.index(">")]
    with contextlib.redirect_stdout(written), contextlib.redirect_stderr(written):
        main([_found(word, folder) for word in words[1:]])
    text = written.getvalue().replace(f"{ROOT}/docs/examples/", "").replace(f"{folder}/", "")
    if kept is not None:
        kept.write_text(text, encoding="utf-8")
        return ""
    return _MILLISECONDS.sub(r"\g<1>\g<2>0", text)


def _found(word: str, folder: Path) -> str:
    """A word of a command; a file of the examples, or one a command writes, by where it is."""
    example = ROOT / "docs" / "examples" / word
    if example.is_file():
        return str(example)
    return str(folder / word) if re.fullmatch(r"[a-z-]+\.(json|pack)", word) else word
