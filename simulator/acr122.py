"""An ACR122 as pcscd sees it: a contactless card before it looks like one with contacts; class FF is the reader's own.

Sources: PC/SC part 3, supplement 2.01.09 (the ATR that a reader makes up; GET DATA, READ BINARY, UPDATE BINARY);
ACR122U API 2.04, section 5 (direct transmit to the PN532 inside).
"""

from __future__ import annotations

from functools import reduce

from simulator.cards import Card, ClassicCard, Nibble
from simulator.cards_type2 import Ultralight

READER_NAME = "ACS ACR122U PICC Interface"

_OK, _FAILED, _NO_SUCH_COMMAND = b"\x90\x00", b"\x63\x00", b"\x6a\x81"
_NO_ANSWER = 0x01
"""The PN532's status for a card that keeps silent (UM0701-02, 7.1)."""


class OnReader:
    """A type A card that lies on the reader; goes into a slot of vpcd."""

    def __init__(self, card: Card) -> None:
        """Lay a card on it."""
        self._card = card

    @property
    def atr(self) -> bytes:
        """What the reader makes up for it."""
        if self._card.speaks_apdu:
            return _with_check(bytes.fromhex("3b818001") + b"\x80")
        name = (
            0x0003 if isinstance(self._card, Ultralight) else 0x0001 if isinstance(self._card, ClassicCard) else 0xFF88
        )
        return _with_check(bytes.fromhex("3b8f8001804f0ca00000030603") + name.to_bytes(2, "big") + bytes(4))

    def power_up(self) -> None:
        """Take the field away for a moment."""
        self._card.power_up()

    def apdu(self, command: bytes) -> bytes | None:
        """Answer as the reader where the class is its own, and else as the card."""
        if command[:1] != b"\xff":
            return self._card.apdu(command) if self._card.speaks_apdu else _NO_SUCH_COMMAND
        match list(command[1:]):
            case [0xCA, 0x00, 0x00, 0x00]:
                return self._card.uid + _OK
            case [0xB0, 0x00, page, 0x10]:
                return self._told(self._card.exchange(bytes([0x30, page])))
            case [0xD6, 0x00, page, 0x04, *data]:
                written = self._card.exchange(bytes([0xA2, page, *data]))
                return _OK if isinstance(written, Nibble) and written.value == 0xA else _FAILED
            case [0x00, 0x00, 0x00, _, 0xD4, 0x42, *frame]:
                said = self._card.exchange(bytes(frame))
                status = b"\x00" + said if isinstance(said, bytes) else bytes([_NO_ANSWER])
                return b"\xd5\x43" + status + _OK
            case _:
                return _NO_SUCH_COMMAND

    def _told(self, said: bytes | Nibble | None) -> bytes:
        return said + _OK if isinstance(said, bytes) else _FAILED


def _with_check(atr: bytes) -> bytes:
    """Add the check byte: all after the first sum up to nothing (ISO/IEC 7816-3, 8.2.5)."""
    return atr + bytes([reduce(int.__xor__, atr[1:])])
