"""The story of the walking till, played by its own command from the first signed document to the last forgery."""

import signal
from pathlib import Path

import pytest

from demo.story import Story
from tapledger.main import main


@pytest.mark.timeout(400)
def test_every_chapter_of_the_story_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    try:
        status = main(["demo", "--story", "--folder", str(tmp_path)])
    finally:
        signal.signal(signal.SIGTERM, before)
    said = capsys.readouterr()
    failed = [line for line in said.out.splitlines() if "✘" in line]
    logs = [log.read_text(errors="replace")[-2_000:] for log in (tmp_path / "agent.log", tmp_path / "hq.log")]
    assert not failed, "\n".join([*failed, *logs])
    assert status == 0, said.err
    assert f"{Story.CHAPTERS} of {Story.CHAPTERS} steps" in said.out
    assert sum(line.startswith("✔") for line in said.out.splitlines()) == Story.CHAPTERS
