"""What is said to one card in a PC/SC reader, with an end to the patience that pyscard has without.

A card that is mute holds whoever waits for its answer until it is pulled (SCardTransmit has no time-out). So a thread
speaks to it, over a connection to pcscd of its own, and is left waiting when the answer stays out: it ends by itself
once the card is pulled.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue

from agent.drivers.cards.link import CardError
from agent.drivers.pcsc_reader import Connection, ServiceError, open_context

_ANSWERS_A_CARD = 5
"""A card that is slow, and not mute, is read for so many times the limit of an answer, and no longer."""

_Order = Callable[[Connection], bytes]


class CardMuteError(Exception):
    """The card owes an answer; the reader is lost to it until it is pulled."""


class Talk:
    """One card that is connected, from `open` to `close`: an `ApduLink`. `beat` is called between two answers."""

    def __init__(self, reader: str, answer_limit_s: float, beat: Callable[[], object]) -> None:
        self._reader = reader
        self._answer_limit_s = answer_limit_s
        self._beat = beat
        self._until_s = time.monotonic() + _ANSWERS_A_CARD * answer_limit_s
        self._orders: SimpleQueue[_Order | None] = SimpleQueue()
        self._answers: SimpleQueue[bytes | CardError | ServiceError] = SimpleQueue()
        self._thread = threading.Thread(target=self._speak, name="card", daemon=True)

    def open(self) -> None:
        """Connect. Raises CardError, ReaderInUseError, CardMuteError, ServiceError; `close` is due all the same."""
        self._thread.start()
        self._answer()

    def apdu(self, command: bytes) -> bytes:
        """Send a command APDU. Raises CardError, also for a card that takes too long altogether; CardMuteError,
        ServiceError.
        """
        return self._ask(lambda connection: connection.apdu(command))

    def reset(self) -> None:
        """Reset the card. Raises CardError, CardMuteError, ServiceError."""
        self._ask(_reset)

    def close(self) -> None:
        """Let the card go, as soon as it owes nothing; does not wait for that."""
        self._orders.put(None)

    def wait_ended(self, timeout_s: float) -> None:
        """Wait until the card was let go, for so long at most."""
        self._thread.join(timeout_s)

    def _ask(self, order: _Order) -> bytes:
        self._beat()
        if time.monotonic() > self._until_s:
            raise CardError("a card without an end")
        self._orders.put(order)
        return self._answer()

    def _answer(self) -> bytes:
        try:
            said = self._answers.get(timeout=self._answer_limit_s)
        except Empty:
            raise CardMuteError(self._reader) from None
        if isinstance(said, bytes):
            return said
        raise said

    def _speak(self) -> None:
        """Obey one order after the other, in a thread of its own."""
        try:
            with open_context() as context, context.connected(self._reader) as connection:
                self._answers.put(b"")
                while (order := self._orders.get()) is not None:
                    try:
                        self._answers.put(order(connection))
                    except CardError as error:
                        self._answers.put(error)
        except (CardError, ServiceError) as error:
            self._answers.put(error)


def _reset(connection: Connection) -> bytes:
    connection.reset()
    return b""
