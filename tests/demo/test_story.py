"""The story of the walking till, played from the first signed document to the last forgery."""

from pathlib import Path

import pytest

from demo.audit import Auditor
from demo.stage import open_stage
from demo.story import Chapter, Story


@pytest.mark.timeout(400)
def test_every_chapter_of_the_story_holds(tmp_path: Path) -> None:
    told: list[Chapter] = []
    with open_stage(tmp_path, "zh", print) as stage:
        Story(stage, Auditor(stage.office, stage.hq_keys()), told.append).play()
        logs = f"the till:\n{stage.agent.log_tail()}\nhead office:\n{stage.hq.log_tail()}"
    failed = [
        f"{chapter.number}. {chapter.title}: {check.statement}: {check.seen}"
        for chapter in told
        for check in chapter.checks
        if not check.holds
    ]
    assert not failed, "\n".join([*failed, logs])
    assert [chapter.number for chapter in told] == list(range(1, Story.CHAPTERS + 1))
    assert all(chapter.holds for chapter in told)
