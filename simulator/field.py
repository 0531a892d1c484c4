"""The air before a reader: which cards are in it, and what state the reader's calls have put them in."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from simulator.cards import ACK, Answer, Card, Nibble, Polling


class Field:
    """The reader's field, with any number of cards in it. Methods may be called from any thread.

    `present` and `remove` are the customer's hand; the rest is the chip's.
    """

    def __init__(self) -> None:
        """Make an empty field, switched off."""
        self._changed = threading.Condition()
        self._powered = False
        self._held: list[_Held] = []
        self._polls = 0
        self._exchanges_left: int | None = None

    def present(self, *cards: Card) -> None:
        """Hold cards to the reader; those already there stay as they are."""
        with self._changed:
            there = [held.card for held in self._held]
            for card in cards:
                if card not in there:
                    card.power_up()
                    self._held.append(_Held(card))

    def remove(self, *cards: Card) -> None:
        """Take these cards away, or all when none is named."""
        with self._changed:
            self._held = [held for held in self._held if cards and held.card not in cards]

    def remove_during_read(self, after_exchanges: int = 1) -> None:
        """Take all cards away as soon as they have answered this many more exchanges (activation is none)."""
        with self._changed:
            self._exchanges_left = after_exchanges

    @property
    def cards(self) -> tuple[Card, ...]:
        """The cards in the field now."""
        with self._changed:
            return tuple(held.card for held in self._held)

    def wait_polled(self, times: int, timeout_s: float = 10) -> bool:
        """Wait until the reader has looked for cards this many more times; False when `timeout_s` passed first."""
        with self._changed:
            wanted = self._polls + times
            return self._changed.wait_for(lambda: self._polls >= wanted, timeout_s)

    def power(self, on: bool) -> None:
        """Switch the field; going off makes every card forget."""
        with self._changed:
            if self._powered and not on:
                for held in self._held:
                    held.state = _State.IDLE
                    held.card.power_up()
            self._powered = on

    def activate(
        self, polling: Polling, attempts: int, limit: int = 1, uid: bytes = b"", activate_4: bool = True
    ) -> tuple[Card, ...]:
        """Call for cards and return those that were activated, at most `limit`; `uid` calls for one of that number.

        ISO/IEC 14443-3, 6.3: a halted card does not hear a REQA; one that is active falls back to idle without a
        word, and answers only the next one; one that speaks ISO/IEC 14443-4 does not hear it at all.
        """
        with self._changed:
            self._powered = True
            self._polls += 1
            self._changed.notify_all()
            found: list[Card] = []
            for _ in range(attempts):
                # A card that is called by its number is called with WUPA, which halted cards hear too.
                hearing = (_State.IDLE, _State.HALT) if uid else (_State.IDLE,)
                idle = [held for held in self._held if held.state in hearing]
                for held in self._held:
                    if held.state is _State.ACTIVE and held.card not in found:
                        held.state = _State.IDLE
                for held in idle:
                    matches = held.card.polling is polling and (not uid or held.card.uid == uid)
                    if matches and len(found) < limit:
                        in_protocol = activate_4 and held.card.speaks_apdu
                        held.state = _State.PROTOCOL if in_protocol else _State.ACTIVE
                        found.append(held.card)
                if found:
                    break
            return tuple(found)

    def reactivate(self, card: Card, activate_4: bool = True) -> bool:
        """Wake a known card by its number, halted or not; False when it is not there."""
        with self._changed:
            held = self._find(card)
            if held is None:
                return False
            held.state = _State.PROTOCOL if activate_4 and card.speaks_apdu else _State.ACTIVE
            return True

    def halt(self, card: Card) -> None:
        """Send a card to sleep until the field goes off, or it is woken by its number."""
        with self._changed:
            held = self._find(card)
            if held is not None:
                held.state = _State.HALT

    def alive(self, card: Card) -> bool:
        """Whether a card is there and listening."""
        with self._changed:
            held = self._find(card)
            return held is not None and self._powered and held.state in (_State.ACTIVE, _State.PROTOCOL)

    def exchange(self, card: Card, frame: bytes) -> Answer:
        """Send an active card a frame, and return its answer. One that refuses it or keeps silent falls back to idle
        (NTAG213/215/216 data sheet, 8.4: any other command sends it there).
        """
        answer = self._through(card, lambda: card.exchange(frame))
        if answer is None or (isinstance(answer, Nibble) and answer != ACK):
            self._fall_idle(card)
        return answer

    def apdu(self, card: Card, command: bytes) -> bytes | None:
        """Send an active card a command APDU, and return its answer."""
        answer = self._through(card, lambda: card.apdu(command))
        return answer if isinstance(answer, bytes) else None

    def authenticate(self, card: Card, block: int, with_key_b: bool, key: bytes) -> bool:
        """Authenticate to a MIFARE Classic sector; a card that refuses goes back to idle, as the real one does."""
        answer = self._through(card, lambda: b"" if card.authenticate(block, with_key_b, key) else None)
        if answer is None:
            self._fall_idle(card)
        return answer is not None

    def _fall_idle(self, card: Card) -> None:
        with self._changed:
            held = self._find(card)
            if held is not None and held.state is _State.ACTIVE:
                held.state = _State.IDLE

    def _through(self, card: Card, ask: Callable[[], Answer]) -> Answer:
        """Ask a card that is alive, and count down to its being pulled away."""
        with self._changed:
            if not self.alive(card):
                return None
            answer = ask()
            if self._exchanges_left is not None:
                self._exchanges_left -= 1
                if self._exchanges_left <= 0:
                    self._exchanges_left = None
                    self._held = []
            return answer

    def _find(self, card: Card) -> _Held | None:
        return next((held for held in self._held if held.card is card), None)


class _State(Enum):
    """ISO/IEC 14443-3, 6.2, with the protocol state of 14443-4."""

    IDLE = 0
    ACTIVE = 1
    PROTOCOL = 2
    HALT = 3


@dataclass(slots=True)
class _Held:
    card: Card
    state: _State = _State.IDLE
