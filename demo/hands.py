"""A cashier's hands and eyes at the virtual counter: presses keys, taps cards, scans codes, and reads the glass and
the paper.
"""

from collections.abc import Callable

from simulator.cards import Card
from simulator.counter import Counter
from simulator.glass import Glass

LOOK_S = 15.0
"""How long a person would look at the glass before saying that nothing happens."""


class NotSeen(Exception):
    """What was awaited did not come to pass; the message says what was on the glass instead."""


class Hands:
    """Works a counter as a person does. Every method that waits raises NotSeen."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter

    def sign_in(self, number: str, pin: str) -> None:
        """Sign in as a cashier."""
        self.press(*number, "enter")
        self.press(*pin, "enter")
        self.see("就绪")

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        self._counter.keypad.press(*keys)

    def key_amount(self, amount: str, awaited: str) -> None:
        """Key an amount, press enter, and see ``awaited`` on the glass."""
        self.press(*amount, "enter")
        self.see(awaited)

    def tap(self, card: Card, awaited: str) -> None:
        """Hold a card to the reader until the till has answered with a sound and the glass shows ``awaited``."""
        heard = self._sounds()
        self._counter.cards.present(card)
        try:
            self.await_that("a sound for the card", lambda: self._sounds() != heard)
            self.see(awaited)
        finally:
            self._counter.cards.remove(card)

    def scan(self, text: str, awaited: str) -> None:
        """Scan a code and see ``awaited`` on the glass."""
        self._counter.scanner.scan(text.encode())
        self.see(awaited)

    def see(self, *words: str) -> tuple[str, ...]:
        """Wait until one picture on the glass shows all of ``words``, and return its text."""

        def shows(glass: Glass) -> bool:
            text = "\n".join(glass.text)
            return all(word in text for word in words)

        if not self._counter.glass.wait_for(shows, LOOK_S):
            raise NotSeen(
                f"{' and '.join(words)} never appeared; the glass says: {' / '.join(self._counter.glass.text)}"
            )
        return self._counter.glass.text

    def paper(self, what: str, number: int) -> str:
        """Wait for the receipt with that running number on the roll, counted from 1, and return its text."""
        if not self._counter.roll.wait_for(lambda roll: len(roll.receipts) >= number, LOOK_S):
            raise NotSeen(f"{what} did not come out of the printer")
        return self._counter.roll.receipts[number - 1].text

    def _sounds(self) -> int:
        sounds = self._counter.glass.sounds
        return sounds[-1].heard_ns if sounds else 0

    def await_that(self, what: str, holds: Callable[[], bool]) -> None:
        """Wait until ``holds``, looking again each time the glass changes or a moment has passed."""
        for _ in range(int(LOOK_S * 10)):
            if holds():
                return
            self._counter.glass.wait_for(lambda _glass: False, 0.1)
        raise NotSeen(f"{what} did not happen; the glass says: {' / '.join(self._counter.glass.text)}")
