"""A whole fleet with everything going wrong at once: nothing is lost, nothing is doubled, and a mistake is found."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.fleet.broken import mistakes
from tests.fleet.mistake import Mistake
from tests.fleet.premises import Premises, premises
from tests.fleet.run import play, play_all
from tests.tidy.tree import ROOT

SEEDS = 200
PORTION = 10


@pytest.fixture(scope="module")
def house() -> Iterator[Premises]:
    with premises() as made:
        yield made


@pytest.mark.parametrize("first", range(0, SEEDS, PORTION))
def test_nothing_is_lost_and_nothing_doubled_whatever_goes_wrong(house: Premises, first: int) -> None:
    for seed in range(first, first + PORTION):
        outcome = play(seed, house)
        assert outcome.violation is None, outcome.tail()


@pytest.mark.parametrize("mistake", mistakes(), ids=lambda mistake: mistake.name)
def test_a_fleet_with_a_mistake_in_it_is_found_out(house: Premises, mistake: Mistake) -> None:
    assert any(mistake.found_by(play(seed, house, mistake.cast).violation) for seed in mistake.seeds)


def test_a_seed_tells_the_same_story_in_every_process() -> None:
    first, second = (_playing("--seed", "7", hash_seed=hash_seed) for hash_seed in ("1", "2"))
    told, _ = first.communicate()
    assert second.communicate()[0] == told
    assert told.endswith("seed 7: all promises kept\n")


def test_a_broken_promise_is_told_with_its_seed_and_the_end_of_its_story(house: Premises) -> None:
    mistake = mistakes()[0]
    outcome = next(found for seed in range(40) if (found := play(seed, house, mistake.cast)).violation)
    again = play(outcome.seed, house, mistake.cast)
    assert again.story == outcome.story
    assert again.tail().startswith(f"seed {outcome.seed}: ")
    *_, shown, last = again.tail().splitlines()
    assert "VIOLATION" in shown
    assert last == f"seed {outcome.seed}: {outcome.violation}"


def test_a_soak_repeats_each_seed_that_failed_before_its_last_line(capsys: pytest.CaptureFixture[str]) -> None:
    violations = play_all(range(6), cast=mistakes()[0].cast)
    told = capsys.readouterr().out.splitlines()
    assert told[-1] == f"seeds 6, violations {violations}"
    repeated = told[-1 - violations : -1]
    assert violations and all(line in told[: -1 - violations] for line in repeated)
    assert all(re.match(r"seed \d: \w+", line) for line in repeated)
    assert play_all(range(2)) == 0
    assert capsys.readouterr().out.endswith("seeds 2, violations 0\n")


def _playing(*words: str, hash_seed: str) -> "subprocess.Popen[str]":
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    command = [sys.executable, "-m", "tests.fleet.run", *words]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
