"""A started stage for tests: broker, head office, till and counter, all real, shared by the tests of a session.

A folder's conftest.py imports the fixture ``live_stage``. Who uses it leaves the counter as it was found: no fault
switched on, no card in the field, no basket open.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from demo import cast
from demo.audit import Auditor
from demo.hands import Hands
from demo.site import TILL
from demo.stage import Stage, open_stage
from tests.waiting import eventually

LOOKS_UNTIL_GONE = 8
"""After so many calls into an empty field the reader has noticed that the last card left."""

PATIENCE_S = 40.0


@dataclass(frozen=True, slots=True)
class LiveStage:
    """A started stage with a cashier's hands and an auditor; ``agent_pid`` is the till's process as it was started."""

    stage: Stage
    hands: Hands
    auditor: Auditor
    agent_pid: int

    def serves_the_next_customer(self) -> None:
        """The till is the same process as ever, and a member who taps a card is greeted."""
        assert self.stage.agent.pid == self.agent_pid, self.stage.agent.log_tail()
        self.stage.counter.cards.wait_polled(LOOKS_UNTIL_GONE)
        self.hands.tap(cast.gold_card(), "金卡")
        self.hands.press("cancel")
        self.hands.see("本单已取消")

    def head_office_has_everything(self) -> None:
        """Wait until head office has acknowledged the whole journal and every link of it verifies."""
        glass = self.stage.counter.glass

        def drained() -> bool:
            report = self.auditor.chain(TILL)
            assert not report.problem, report.problem
            backlog_shown = any("待传" in row for row in glass.text)
            return not backlog_shown and self.auditor.acknowledged(TILL) == report.count

        eventually(drained, PATIENCE_S)


@pytest.fixture(scope="session")
def live_stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStage]:
    """One stage for the session, its cashier signed in."""
    with open_stage(tmp_path_factory.mktemp("stage"), "zh", print) as stage:
        hands = Hands(stage.counter)
        hands.sign_in(*cast.CASHIER)
        assert stage.agent.pid is not None
        yield LiveStage(stage, hands, Auditor(stage.office, stage.hq_keys()), stage.agent.pid)
