"""Rigs of the matrix on the board's own pins, which are gpiozero's mock pins here: one board at a time in a process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from agent.drivers.display_luma import DisplayLuma, DisplayLumaOptions, PinsAsRpiGpio
from agent.drivers.facts import Emit, Fact, PanelChanged, PanelSignal
from simulator.gpio import Board, MatrixKeypad
from simulator.lcd import Lcd
from tests.drivers.matrix_rigs import Befalls, Rig, Trouble, keys, nothing, opened, picture

DC = 24
CONTACTS = {PanelSignal.TAMPER: 24, PanelSignal.POWER_FAIL: 25, PanelSignal.DRAWER_OPEN: 26}
LAMP, DRAWER = 4, 23


class Renewed:
    """A driver that can be taken away in the middle of its work and begun anew, its pins as a killed process leaves
    them: no kernel is asked to let them go here, and whatever was driven still is.
    """

    def __init__(self, make: Callable[[Emit], Any], left: Callable[[], object]) -> None:
        self._make = make
        self._left = left

    def __call__(self, emit: Emit) -> Renewed:
        """Make it."""
        self._emit = emit
        self._driver = self._make(emit)
        return self

    @property
    def killed(self) -> dict[Trouble, Befalls]:
        """What is done to it."""
        return {Trouble.KILLED: Befalls(self._kill, self._begin, seen=False, begun_anew=True)}

    def start(self) -> None:
        """Begin."""
        self._driver.start()

    def close(self) -> None:
        """End."""
        self._driver.close()

    def show(self, shown: object) -> None:
        """Have it shown."""
        self._driver.show(shown)

    def _kill(self) -> None:
        self._driver.close()
        self._left()

    def _begin(self) -> None:
        self._driver = self._make(self._emit)
        self._driver.start()


def matrix_keypad(_folder: Path) -> Rig:
    """Keys at crossings of pins."""
    board = Board()
    board.plug()
    pad = MatrixKeypad(board, [5], [6, 13, 19])

    def press(_driver: Any, number: int) -> None:
        for column in range(3):
            pad.release(0, column)
        pad.press(0, number % 3)

    def chatter() -> None:
        for _ in range(20):
            pad.press(0, 0)
            pad.release(0, 0)

    def pressed(number: int, facts: tuple[Fact, ...]) -> int:
        return keys(number % 3 + 1, facts)

    driver = Renewed(
        opened("keypad", "gpio", rows=[5], columns=[6, 13, 19], keys=["1 2 3"]), lambda: board.leave_driven(5, True)
    )
    troubles = {
        Trouble.GARBAGE: Befalls(chatter, nothing, seen=False),
        Trouble.UNPLUGGED: Befalls(board.lose, board.restore),
        **driver.killed,
    }
    return Rig(driver, press, pressed, troubles, [board.unplug], forget=board.forget)


def panel(_folder: Path) -> Rig:
    """Contacts, a lamp and the relay of the drawer."""
    board = Board()
    board.plug()
    signals = list(CONTACTS)

    def close_one(_driver: Any, number: int) -> None:
        for pin in CONTACTS.values():
            board.release(pin)
        board.ground(CONTACTS[signals[number % 3]])

    def told(number: int, facts: tuple[Fact, ...]) -> int:
        wanted = signals[number % 3]
        return sum(isinstance(fact, PanelChanged) and fact.active and fact.signal is wanted for fact in facts)

    def spikes() -> None:
        for _ in range(20):
            board.spike(CONTACTS[PanelSignal.POWER_FAIL])

    def drawer_is_off() -> None:
        assert not board.level(DRAWER), "a relay that a killed process left on was not let go"

    driver = Renewed(
        opened("panel", "gpio", ready=LAMP, drawer=DRAWER, **{name.value: pin for name, pin in CONTACTS.items()}),
        lambda: board.leave_driven(DRAWER, True),
    )
    troubles = {
        Trouble.GARBAGE: Befalls(spikes, nothing, seen=False),
        Trouble.UNPLUGGED: Befalls(board.lose, board.restore),
        **driver.killed,
    }
    return Rig(driver, close_one, told, troubles, [board.unplug, drawer_is_off], forget=board.forget)


def small_screen(_folder: Path) -> Rig:
    """A screen on SPI, with its data pin."""
    board, lcd = Board(), Lcd(320, 240)
    board.plug()
    board.when_changed(DC, lambda: lcd.data_pin(board.level(DC)))
    options = DisplayLumaOptions.from_table({"controller": "ili9341"})
    driver = Renewed(
        lambda emit: DisplayLuma("glass", options, emit, lambda pins: (lcd, PinsAsRpiGpio(pins))),
        lambda: board.leave_driven(DC, True),
    )

    def shows(number: int, _facts: tuple[Fact, ...]) -> int:
        return int(lcd.image.getpixel((160, 120)) == picture(number).image.getpixel((0, 0)))

    # Nobody hears of a screen that went until something is to be drawn.
    troubles = {Trouble.UNPLUGGED: Befalls(lcd.unplug, lcd.replug, seen=False), **driver.killed}
    return Rig(
        driver, lambda one, number: one.show(picture(number)), shows, troubles, [board.unplug], forget=board.forget
    )
