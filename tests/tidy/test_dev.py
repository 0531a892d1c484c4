"""`./dev` explains itself: its help has every verb, what it does not know it refuses, and CI uses the same door."""

import os
import re
import subprocess

from tests.tidy.tree import ROOT


def _dev(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([str(ROOT / "dev"), *words], capture_output=True, text=True, check=False, timeout=60)


def test_help_names_every_verb_and_asks_for_nothing() -> None:
    verbs = re.findall(r"^    ([a-z]+)\)$", (ROOT / "dev").read_text(encoding="utf-8"), re.MULTILINE)
    assert {"setup", "demo", "test", "check", "rows", "bench", "lock"} <= set(verbs)
    said = _dev("help")
    assert said.returncode == 0
    assert [verb for verb in verbs if not re.search(rf"^  {verb} ", said.stdout, re.MULTILINE)] == []


def test_an_unknown_verb_is_refused_with_the_help() -> None:
    said = _dev("tset")
    assert said.returncode == 1
    assert "there is no verb 'tset'" in said.stderr
    assert "./dev VERB" in said.stderr


def test_ci_runs_what_people_run() -> None:
    assert os.access(ROOT / "dev", os.X_OK)
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    assert '/../dev" test' in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
