"""Whatever a driver says is wrong, the glass has words for it in both languages, and the technicians' page a row."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from agent.txn.state import Lang
from agent.ui_tft.status import UNCONFIRMED
from agent.ui_tft.words import device_words
from tests.tidy.tree import ROOT

SAYING = {"say": 1, "_tell": 1, "PinsUnusable": 1, "KeysError": 0, "OpenError": 0, "ServiceError": 0}
"""Calls that tell a reason, and which of their arguments it is."""
NEVER_TOLD = {"reader_gone", UNCONFIRMED}
"""Told as `unplugged` or `not_found`; shown at each sale, and nobody's trouble."""


def reasons() -> Iterator[str]:
    for path in sorted((ROOT / "agent" / "drivers").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                at = SAYING.get(name)
                if at is not None and len(node.args) > at:
                    yield from _texts(node.args[at])
            elif isinstance(node, ast.AnnAssign | ast.Assign) and isinstance(node.value, ast.Dict):
                target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
                if isinstance(target, ast.Name) and target.id.strip("_") == "PROBLEMS":
                    for key in node.value.keys:
                        yield from _texts(key)


def _texts(node: ast.expr | None) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from (*_texts(node.body), *_texts(node.orelse))


REASONS = sorted(set(reasons()) - NEVER_TOLD)


def test_the_reasons_are_found() -> None:
    assert {"not_found", "reader_silent", "token_missing", "library_missing", "driver_fault"} <= set(REASONS)


@pytest.mark.parametrize("reason", REASONS)
def test_a_reason_has_words_and_a_next_step_in_both_languages_and_a_row_for_technicians(reason: str) -> None:
    for lang in Lang:
        cause, next_step = device_words("card", "ready", reason, lang)
        assert next_step and cause != device_words("card", "ready", "no such reason", lang)[0]
    assert f"`{reason}`" in (ROOT / "docs" / "technicians.md").read_text("utf-8")
