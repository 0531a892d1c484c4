"""The devices the till gives something to, as it sees them: any of them may be absent, and none keeps it waiting."""

from __future__ import annotations

import time
from typing import Protocol

from agent.drivers.facts import KeyPressed, Touched
from agent.drivers.panel_gpio import Lamps
from agent.drivers.pole_serial import Lamp, PoleText
from agent.paper import Paper
from agent.touching import Touching
from agent.ui_tft.customer_view import CustomerView
from agent.ui_tft.frame import Frame
from agent.ui_tft.paint import Painter
from agent.ui_tft.screen import Screen
from agent.ui_tft.status import Touch


class Printer(Protocol):
    """A printer as the till sees one."""

    def print(self, job: str, paper: Paper) -> bool:
        """Queue a paper; False when the queue is full."""
        ...

    def open_drawer(self) -> bool:
        """Let a drawer at the printer spring open; False where there is none."""
        ...


class Glass(Protocol):
    """A screen as the till sees one."""

    def show(self, picture: Frame) -> None:
        """Show the picture; only the newest counts."""
        ...

    def sound(self, name: str) -> None:
        """Give a sound, where the screen has a speaker."""
        ...


class Pole(Protocol):
    """A display for the customer as the till sees one."""

    def show(self, text: PoleText) -> None:
        """Show the text; only the newest counts."""
        ...


class Panel(Protocol):
    """Lamps, buzzer and drawer as the till sees them."""

    def light(self, lamps: Lamps) -> None:
        """Light these lamps and no others."""
        ...

    def sound(self, name: str) -> None:
        """Beep."""
        ...

    def open_drawer(self) -> bool:
        """Let a drawer at the relay spring open; False where there is none."""
        ...


class Counter:
    """What stands on the counter, and who paints for the glass. What was shown last is not shown again."""

    def __init__(
        self,
        printer: Printer | None = None,
        glass: Glass | None = None,
        pole: Pole | None = None,
        panel: Panel | None = None,
        painter: Painter | None = None,
        touch: bool = False,
    ) -> None:
        self.printer = printer
        self.glass = glass
        self.painter = painter or Painter()
        self._pole = pole
        self._panel = panel
        self._touching = Touching() if touch else None
        self._frames = 0
        self._shown: Screen | None = None
        self._read: CustomerView | None = None
        self._lit: Lamps | None = None

    def show(self, screen: Screen) -> None:
        """Let the cashier see a screen. Raises FontMissing or OSError where it cannot be painted."""
        if self.glass is None or screen == self._shown:
            return
        self._shown = screen
        image = self.painter.paint(screen)
        self._frames += 1
        frame = Frame(self._frames, image, screen.text, time.monotonic_ns(), screen.targets)
        self.glass.show(frame)
        if self._touching is not None:
            self._touching.shown(frame)

    @property
    def touch(self) -> Touch | None:
        """What of a screen is touched now, where it can be."""
        return None if self._touching is None else Touch(self._touching.pressed)

    def touched(self, fact: Touched) -> KeyPressed | None:
        """The key that a finger presses on what is shown, if it does."""
        return None if self._touching is None else self._touching.touched(fact)

    def tell_customer(self, view: CustomerView) -> None:
        """Let the customer read the amount."""
        if self._pole is not None and view != self._read:
            self._read = view
            self._pole.show(PoleText(view.zh, view.en, view.amount, Lamp[view.meaning.upper()]))

    def light(self, lamps: Lamps) -> None:
        """Light these lamps and no others."""
        if self._panel is not None and lamps != self._lit:
            self._lit = lamps
            self._panel.light(lamps)

    def sound(self, name: str) -> None:
        """Let it be heard, wherever something can sound."""
        for one in (self.glass, self._panel):
            if one is not None:
                one.sound(name)

    def open_drawer(self) -> None:
        """Let the drawer spring open, where there is one: by the panel's relay, else by the printer."""
        if self._panel is not None and self._panel.open_drawer():
            return
        if self.printer is not None:
            self.printer.open_drawer()
