"""What the panel's driver promises, on gpiozero's mock pins."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agent.drivers.facts import PanelChanged, PanelSignal, Status
from agent.drivers.panel_gpio import Lamps, PanelGpio, PanelGpioOptions
from contract.settings import SettingsError
from simulator.gpio import Board
from tests.drivers.told import Told
from tests.waiting import eventually

READY, ATTENTION, FAULT, BUZZER, DRAWER, TAMPER, POWER, OPEN = 4, 17, 27, 22, 23, 24, 25, 26
TABLE = {
    "ready": READY,
    "attention": ATTENTION,
    "fault": FAULT,
    "buzzer": BUZZER,
    "drawer": DRAWER,
    "tamper": TAMPER,
    "power_fail": POWER,
    "drawer_open": OPEN,
    "active_low": ["fault"],
    "drawer_ms": 20,
}


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def panel(board: Board, told: Told) -> Iterator[PanelGpio]:
    panel = PanelGpio("panel", PanelGpioOptions.from_table(TABLE), told.emit)
    panel.start()
    told.next_status(Status.READY)
    yield panel
    panel.close()


def test_lamps_show_what_they_are_told_and_go_out_at_the_end(board: Board, panel: PanelGpio) -> None:
    panel.light(Lamps(ready=True, fault=True))
    eventually(lambda: board.level(READY) and not board.level(FAULT) and not board.level(ATTENTION))
    panel.light(Lamps(attention=True))
    eventually(lambda: board.level(ATTENTION) and not board.level(READY) and board.level(FAULT))
    panel.close()
    eventually(lambda: not board.driven(ATTENTION))


def test_a_sound_is_beeps_and_the_drawer_a_pulse(board: Board, panel: PanelGpio) -> None:
    panel.sound("refused")
    eventually(lambda: board.levels(BUZZER) == [False, True, False, True, False, True, False])
    panel.open_drawer()
    eventually(lambda: board.levels(DRAWER) == [False, True, False])
    panel.sound("no such sound")
    panel.sound("success")
    eventually(lambda: len(board.levels(BUZZER)) == 9)


def test_contacts_are_told_when_they_change(board: Board, told: Told, panel: PanelGpio) -> None:
    board.ground(POWER)
    assert told.next(PanelChanged) == PanelChanged("panel", PanelSignal.POWER_FAIL, True)
    board.release(POWER)
    assert told.next(PanelChanged) == PanelChanged("panel", PanelSignal.POWER_FAIL, False)
    board.ground(TAMPER)
    assert told.next(PanelChanged) == PanelChanged("panel", PanelSignal.TAMPER, True)


def test_a_contact_the_other_way_round_is_told_when_it_opens(board: Board, told: Told) -> None:
    table = {"tamper": TAMPER, "active_high": ["tamper"]}
    panel = PanelGpio("panel", PanelGpioOptions.from_table(table), told.emit)
    panel.start()
    told.next_status(Status.READY)
    board.release(TAMPER)
    assert told.next(PanelChanged) == PanelChanged("panel", PanelSignal.TAMPER, True)
    panel.close()


def test_a_burst_of_sounds_keeps_nobody_waiting(board: Board, panel: PanelGpio) -> None:
    for _ in range(1000):
        panel.sound("attention")
    panel.light(Lamps(ready=True))
    panel.close()
    eventually(lambda: not board.driven(BUZZER))


def test_what_was_asked_of_pins_that_went_is_not_done_when_they_are_back(
    board: Board, told: Told, panel: PanelGpio
) -> None:
    panel.sound("refused")
    assert panel.open_drawer()
    board.lose()
    told.next_status(Status.GONE)
    panel.light(Lamps(ready=True))
    drawer, buzzer = len(board.levels(DRAWER)), len(board.levels(BUZZER))
    board.restore()
    told.next_status(Status.READY)
    eventually(lambda: board.level(READY))
    panel.sound("success")
    eventually(lambda: True in board.levels(BUZZER)[buzzer:])
    assert True not in board.levels(DRAWER)[drawer:]


def test_pins_that_are_not_there_are_told(board: Board, told: Told) -> None:
    panel = PanelGpio("panel", PanelGpioOptions.from_table({"ready": 53}), told.emit)
    panel.start()
    assert told.next_status(Status.CONFIG_ERROR).reason == "wrong_pin"
    panel.close()


@pytest.mark.parametrize(
    "table", [{"ready": 54}, {"ready": "4"}, {"lamp": 4}, {"active_low": ["tamper"]}, {"drawer_ms": 5}]
)
def test_a_wrong_table_is_refused(table: dict[str, object]) -> None:
    with pytest.raises(SettingsError):
        PanelGpioOptions.from_table(table)
