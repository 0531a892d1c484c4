"""A simulated card right before a card procedure, without a reader: a link that can be cut."""

from __future__ import annotations

from agent.drivers.cards.link import CardError
from simulator.cards import ACK, Card, Nibble


class Air:
    """A `TagLink` and an `ApduLink` to one card. `cut_after` so many frames nothing comes any more."""

    def __init__(self, card: Card, cut_after: int | None = None) -> None:
        self._card = card
        self._left = cut_after
        self.frames: list[bytes] = []
        card.power_up()

    def exchange(self, frame: bytes) -> bytes:
        answer = None if self._is_cut(frame) else self._card.exchange(frame)
        if answer is None or isinstance(answer, Nibble):
            raise CardError("silent or refused")
        return answer

    def write(self, page: int, data: bytes) -> None:
        frame = bytes([0xA2, page]) + data
        if self._is_cut(frame) or self._card.exchange(frame) != ACK:
            raise CardError("silent or refused")

    def wake(self) -> None:
        if self._left == 0:
            raise CardError("gone")

    def apdu(self, command: bytes) -> bytes:
        answer = None if self._is_cut(command) else self._card.apdu(command)
        if answer is None:
            raise CardError("silent")
        return answer

    def _is_cut(self, frame: bytes) -> bool:
        self.frames.append(frame)
        if self._left is None:
            return False
        self._left = max(0, self._left - 1)
        return self._left == 0


class Says:
    """A card that answers the same, or by a row of answers, whatever it is asked."""

    def __init__(self, *answers: bytes, for_ever: bool = False) -> None:
        self._answers = list(answers)
        self._for_ever = for_ever
        self.asked: list[bytes] = []

    def apdu(self, command: bytes) -> bytes:
        self.asked.append(command)
        if not self._answers:
            raise CardError("silent")
        return self._answers[0] if self._for_ever else self._answers.pop(0)

    def exchange(self, frame: bytes) -> bytes:
        return self.apdu(frame)

    def write(self, page: int, data: bytes) -> None:
        self.apdu(bytes([page]) + data)

    def wake(self) -> None:
        return
