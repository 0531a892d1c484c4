"""The till's process carries only what the till needs: the command line in front of it imports nothing heavy."""

import subprocess
import sys

from tests.tidy.tree import ROOT

HEAVY = ("alembic", "escpos", "evdev", "gpiozero", "pynfc", "simulator", "sqlalchemy", "starlette", "uvicorn")


def test_the_command_line_and_the_till_import_no_library_of_another_house_and_no_device_library() -> None:
    script = f"import sys, tapledger.main, agent.main; print(*sorted(set({HEAVY!r}) & set(sys.modules)))"
    seen = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True, text=True, timeout=60
    )
    assert seen.stdout.split() == []
