"""Cards in the virtual reader of pcscd (vpcd, of the project vsmartcard): what is behind a card's contacts.

vpcd waits on a TCP port for each of its slots, 35963 the first and 35964 the second. Whoever connects is the card, and
is there as long as the connection is. Every message has two bytes of its length before it, the high one first; what
comes is a command APDU, or one byte alone: 0 power off, 1 power on, 2 reset, 4 "your ATR", of which only the last
is answered.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Protocol

from simulator.cards_files import Files
from simulator.faults import GARBAGE, Fault, Faults

PORT = 35963
ATR_T0 = bytes.fromhex("3b045441504c")
"""Nothing said of protocols, so T=0; four historical bytes (ISO/IEC 7816-3, 8.2)."""
ATR_T1 = bytes.fromhex("3b84015441504c8c")
"""T=1 alone, with the check byte that it asks for."""

_POWER_ON, _RESET, _ASK_ATR = 1, 2, 4
_WRONG_LENGTH, _BROKEN = b"\x67\x00", b"\x6f\x00"


class SlotCard(Protocol):
    """Anything that can be put into a slot."""

    @property
    def atr(self) -> bytes:
        """Its answer to reset."""

    def power_up(self) -> None:
        """Start anew."""

    def apdu(self, command: bytes) -> bytes | None:
        """Answer a command APDU; None when it keeps silent."""


class ContactCard:
    """A card with contacts and files. Under T=0 it takes no command that has data and a length to come both."""

    def __init__(self, files: Files, atr: bytes = ATR_T0) -> None:
        """Make a card; it speaks T=0 with `ATR_T0` and T=1 with any other."""
        self._files = files
        self._atr = atr

    @property
    def atr(self) -> bytes:
        """The bytes it was made with."""
        return self._atr

    def power_up(self) -> None:
        """Forget what was selected."""
        self._files.reset()

    def apdu(self, command: bytes) -> bytes | None:
        """Answer as its files do."""
        if self._atr == ATR_T0 and len(command) > 5 and len(command) != 5 + command[4]:
            return _WRONG_LENGTH
        return self._files.apdu(command)


class Slot:
    """One slot of the virtual reader. Methods may be called from any thread.

    Its faults are met by commands, by their instruction byte: SILENT and NO_ANSWER are a card that is mute until it is
    pulled, ERROR_FRAME is a wrong status, GARBAGE bytes that mean nothing, DISCONNECT a card that is pulled after so
    many bytes of its answer (the two of its length included).
    """

    def __init__(self, connect: Callable[[], socket.socket]) -> None:
        """Make an empty slot; `connect` opens the way to vpcd anew for each card, and raises OSError."""
        self.faults = Faults()
        self._connect = connect
        self._changed = threading.Condition()
        self._line: socket.socket | None = None
        self._asked: list[bytes] = []

    @classmethod
    def of_local_service(cls, number: int = 0) -> Slot:
        """The slot of the pcscd that runs on this machine."""
        return cls(lambda: socket.create_connection(("127.0.0.1", PORT + number), timeout=1))

    def insert(self, card: SlotCard) -> None:
        """Put a card in, in place of one that is there. Raises OSError without a vpcd that waits for one."""
        self.remove()
        line = self._connect()
        line.settimeout(None)
        with self._changed:
            self._line = line
        threading.Thread(target=self._serve, args=(line, card), name="card in a slot", daemon=True).start()

    def remove(self) -> None:
        """Pull the card."""
        with self._changed:
            line, self._line = self._line, None
        if line is not None:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()

    close = remove

    @property
    def asked(self) -> tuple[bytes, ...]:
        """Every command APDU that came, whichever card was in."""
        with self._changed:
            return tuple(self._asked)

    def wait_asked(self, times: int, timeout_s: float = 10) -> bool:
        """Wait until so many commands have come in all; False when `timeout_s` passed first."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self._asked) >= times, timeout_s)

    def _serve(self, line: socket.socket, card: SlotCard) -> None:
        with contextlib.suppress(OSError, EOFError):
            while True:
                self._answer(line, card, _take(line))

    def _answer(self, line: socket.socket, card: SlotCard, said: bytes) -> None:
        if len(said) == 1:
            if said[0] == _ASK_ATR:
                line.sendall(_framed(card.atr))
            elif said[0] in (_POWER_ON, _RESET):
                card.power_up()
            return
        with self._changed:
            self._asked.append(said)
            self._changed.notify_all()
        met = self.faults.meet(said[1] if len(said) > 1 else None)
        if met is not None and met.fault is Fault.GARBAGE:
            # vpcd would wait for ever for a message that garbage announces: what is garbled is the card's answer.
            line.sendall(_framed(GARBAGE))
            return
        answer = card.apdu(said)
        if answer is not None:
            spoiled = {Fault.ERROR_FRAME: lambda _frame: _framed(_BROKEN)}
            self.faults.send(_framed(answer), met, line.sendall, self.remove, spoiled)


def _framed(message: bytes) -> bytes:
    return len(message).to_bytes(2, "big") + message


def _take(line: socket.socket) -> bytes:
    """Take one message. Raises EOFError when the other side has gone, OSError."""
    return _exactly(line, int.from_bytes(_exactly(line, 2), "big"))


def _exactly(line: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        # vpcd sends a message in two parts, and keeps the second until the first is acknowledged.
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        more = line.recv(size - len(data))
        if not more:
            raise EOFError
        data += more
    return data
