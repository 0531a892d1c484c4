"""The end of a shift in the till's own loop, with its printer: the report of no entry, and the one of an entry."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.bodies import ShiftCloseBody
from tests.agent.shop import Shop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A till that has everything, and a cashier at it."""
    found = Shop(tmp_path)
    found.open()
    found.provision()
    found.sign_in()
    yield found
    found.close()


def test_a_shift_is_looked_at_and_closed_and_training_is_over_with_the_next_start(shop: Shop) -> None:
    shop.sell("80", "¥80.00")
    shop.press("menu")
    shop.outside.see("退货", "报告", "训练")
    shop.press("2")
    shop.outside.see("X 报告 · 第 1 班（未交班）", "80.00")
    assert shop.outside.papers[-1][0] == "report"
    # Its paper is out, and belongs to nobody.
    shop.printed("report")
    shop.press(*"80", "enter")
    shop.outside.see("第 1 班已交班", "与应有现金相符")
    body = shop.journal()[-1].body()
    assert isinstance(body, ShiftCloseBody) and body.figures is not None
    assert (body.cash_expected_minor, body.cash_counted_minor, body.figures.sales) == (8_000, 8_000, 1)
    shop.press("enter", "training")
    shop.outside.see("训练 TRAINING · 不记账")
    shop.restart()
    shop.outside.see("中断之前")
    shop.press("clear")
    shop.sign_in()
    assert not any("TRAINING" in row for row in shop.outside.text)
