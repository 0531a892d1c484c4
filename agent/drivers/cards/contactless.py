"""Contactless cards behind a PC/SC reader: what its made-up ATR says, and the reader's own commands for tags.

Sources: PC/SC part 3, supplement 2.01.09 (ATR of a contactless card, GET DATA, READ BINARY, UPDATE BINARY of class FF);
ACR122U API 2.04, section 5 (direct transmit to its PN532: InCommunicateThru of UM0701-02).
"""

from __future__ import annotations

from collections.abc import Callable

from agent.drivers.cards.identify import Activated
from agent.drivers.cards.iso7816 import OK, ask
from agent.drivers.cards.link import ApduLink, CardError
from agent.drivers.cards.type2 import PAGE_BYTES

_CONTACTLESS = (0x80, 0x01)
"""TD1 and TD2 of every ATR that a reader makes up for a contactless card."""
_STORAGE_CARD = bytes.fromhex("a000000306")
_TYPE_A_PART_3 = 0x03
_ULTRALIGHT, _CLASSIC = (0x0003, 0x003A), (0x0001, 0x0002, 0x0026)
_GET_UID = bytes.fromhex("ffca000000")
_READ, _READ_BYTES = 0x30, 16
_COMMUNICATE_THRU, _DONE = b"\xd4\x42", b"\xd5\x43\x00"
_UID_BYTES = (4, 7, 10)


def kind_of(atr: bytes) -> tuple[bytes, int] | None:
    """Return ATQA and SAK that stand for the card's kind; None when the ATR is a card's own, with contacts.

    A contactless card that is not of type A gives the SAK of a plain number.
    """
    if len(atr) < 5 or atr[1] & 0xF0 != 0x80 or tuple(atr[2:4]) != _CONTACTLESS:
        return None
    at = atr.find(_STORAGE_CARD)
    if at < 0:
        return b"\x00\x04", 0x20
    standard, name = atr[at + 5 : at + 6], int.from_bytes(atr[at + 6 : at + 8], "big")
    if standard == bytes([_TYPE_A_PART_3]) and name in _ULTRALIGHT:
        return b"\x00\x44", 0x00
    return b"\x00\x04", 0x08 if name in _CLASSIC else 0x00


def activated(link: ApduLink, atr: bytes) -> Activated | None:
    """Ask the reader for the card's number; None for a card with contacts. Raises CardError."""
    kind = kind_of(atr)
    if kind is None:
        return None
    uid, status = ask(link, _GET_UID)
    if status >> 8 in (0x68, 0x6A, 0x6D, 0x6E):
        # A card with contacts may answer a reset with such bytes too, and knows no class FF.
        return None
    if status != OK or len(uid) not in _UID_BYTES:
        raise CardError(f"a number of {len(uid)} bytes, status {status:04x}")
    return Activated(kind[0], kind[1], uid)


class ReaderTagLink:
    """A `TagLink` through the reader's commands. What is more than READ goes to its PN532, where it has one (`direct`).

    `reset` activates the card anew.
    """

    def __init__(self, link: ApduLink, uid: bytes, direct: bool, reset: Callable[[], None]) -> None:
        self._link = link
        self._uid = uid
        self.direct = direct
        self._reset = reset

    def exchange(self, frame: bytes) -> bytes:
        """Send a frame of a Type 2 tag. Raises CardError."""
        if frame[0] == _READ and len(frame) == 2:
            return self._asked(bytes([0xFF, 0xB0, 0x00, frame[1], _READ_BYTES]))
        if not self.direct:
            raise CardError("this reader passes no commands of a tag's own")
        inner = _COMMUNICATE_THRU + frame
        said = self._asked(bytes([0xFF, 0x00, 0x00, 0x00, len(inner)]) + inner)
        if not said.startswith(_DONE):
            raise CardError("the tag is silent or refuses")
        return said[len(_DONE) :]

    def write(self, page: int, data: bytes) -> None:
        """Write a page. Raises CardError."""
        self._asked(bytes([0xFF, 0xD6, 0x00, page, PAGE_BYTES]) + data)

    def wake(self) -> None:
        """Activate the tag anew. Raises CardError when it is gone or another is there."""
        self._reset()
        if self._asked(_GET_UID) != self._uid:
            raise CardError("another card is there")

    def _asked(self, command: bytes) -> bytes:
        data, status = ask(self._link, command)
        if status != OK:
            raise CardError(f"the reader says {status:04x}")
        return data
