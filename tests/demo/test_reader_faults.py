"""The card reader aborts, hangs, falls silent or is pulled out: said on the glass in words, healed, and nothing else
stops.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo import cast
from simulator.faults import Fault
from tests.demo.stage_fixture import PATIENCE_S, LiveStage
from tests.waiting import eventually

CHILD = b"agent.drivers.card_libnfc_child"


@pytest.fixture
def shop(live_stage: LiveStage) -> Iterator[LiveStage]:
    """The till with its reader working; afterwards the reader is well again."""
    eventually(lambda: reader_process(live_stage), PATIENCE_S)
    yield live_stage
    live_stage.stage.counter.reader.heal()
    live_stage.stage.counter.mend()
    live_stage.stage.counter.cards.remove()


def test_a_reader_whose_answer_makes_libnfc_abort_costs_its_own_process_only(shop: LiveStage) -> None:
    aborted = reader_process(shop)
    shop.stage.counter.reader.fail(Fault.NAD_STATUS, times=1)
    shop.stage.counter.cards.present(cast.unknown_card())
    shop.hands.see("读卡器异常退出")
    healed(shop)
    assert reader_process(shop) not in (0, aborted)


def test_a_reader_whose_process_is_killed_is_replaced(shop: LiveStage) -> None:
    killed = reader_process(shop)
    os.kill(killed, signal.SIGKILL)
    shop.hands.see("读卡器异常退出")
    healed(shop)
    assert reader_process(shop) not in (0, killed)


def test_a_reader_whose_process_hangs_is_said_to_hang_and_replaced(shop: LiveStage) -> None:
    hung = reader_process(shop)
    os.kill(hung, signal.SIGSTOP)
    shop.hands.see("读卡器没有响应")
    healed(shop)
    assert reader_process(shop) not in (0, hung)


def test_a_reader_that_falls_silent_is_said_to_be_and_works_again_when_it_answers(shop: LiveStage) -> None:
    shop.stage.counter.reader.fail(Fault.SILENT)
    shop.hands.see("读卡器没有应答", "请检查接线和电源")
    sell_without_a_card(shop)
    shop.stage.counter.reader.heal()
    healed(shop)


def test_a_reader_that_is_pulled_out_is_missed_and_welcomed_back(shop: LiveStage) -> None:
    shop.stage.counter.breaks("card")
    shop.hands.see("读卡器已断开", "请检查接线和电源")
    sell_without_a_card(shop)
    shop.stage.counter.breaks("card", on=False)
    healed(shop)


@pytest.mark.parametrize(("device", "words"), [("code", "扫码器"), ("keypad", "键盘"), ("printer", "打印机")])
def test_every_other_device_that_vanishes_is_named_and_welcomed_back(shop: LiveStage, device: str, words: str) -> None:
    shop.stage.counter.breaks(device)
    shop.hands.see(words)
    shop.stage.counter.breaks(device, on=False)
    shop.hands.await_that(f"{device} is back", lambda: words not in "".join(shop.stage.counter.glass.text))
    shop.serves_the_next_customer()


def test_a_screen_that_vanishes_shows_the_newest_picture_when_it_is_back(shop: LiveStage) -> None:
    shop.stage.counter.breaks("glass")
    shop.hands.press(*"7.00")
    shop.stage.counter.breaks("glass", on=False)
    shop.hands.see("7.00")
    shop.hands.press("cancel")
    shop.serves_the_next_customer()


def healed(shop: LiveStage) -> None:
    """The glass has no complaint about the reader any more, and the next member is served."""
    shop.stage.counter.cards.remove()
    shop.hands.await_that("the reader is back", lambda: "读卡器" not in "".join(shop.stage.counter.glass.text))
    shop.serves_the_next_customer()


def sell_without_a_card(shop: LiveStage) -> None:
    """Selling goes on without the reader."""
    papers = len(shop.stage.counter.roll.receipts)
    shop.hands.press("member", *cast.PHONE_NUMBER, "enter")
    shop.hands.see("0003")
    shop.hands.press(*"3.00", "enter", "cash")
    shop.hands.paper("the receipt", papers + 1)


def reader_process(shop: LiveStage) -> int:
    """The process id of the till's reader, 0 while there is none."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            # The name in parentheses may hold anything; the parent is the second field after it (proc(5)).
            parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == shop.agent_pid and CHILD in (process / "cmdline").read_bytes():
                return int(process.name)
        except (OSError, ValueError, IndexError):
            continue
    return 0
