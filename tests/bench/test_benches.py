"""Every bench can be started by anyone and prints its figures beside a limit. What the figures are, no test says."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SAMPLES = {"broker_connections": 20}
"""How often what a single measurement may not show, such as one connection in a broker's memory, is measured."""
BENCHES = sorted(path.stem for path in (ROOT / "bench").glob("[a-z]*.py"))


@pytest.mark.parametrize("name", BENCHES)
def test_a_bench_prints_each_figure_beside_its_limit(name: str) -> None:
    command = [str(ROOT / "dev"), "bench", name, "--samples", str(SAMPLES.get(name, 1))]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    figures = [line for line in done.stdout.splitlines() if "; limit " in line]
    assert figures, done.stdout + done.stderr
    assert all("ratio" in line for line in figures)
