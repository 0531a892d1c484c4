"""Cards that can be held to a reader, each answering as its data sheet says."""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import IntEnum

CLASSIC_DEFAULT_KEY = b"\xff" * 6


class Polling(IntEnum):
    """What a reader calls for; the numbers are BrTy of UM0701-02, InListPassiveTarget."""

    TYPE_A_106 = 0x00
    FELICA_212 = 0x01
    TYPE_B_106 = 0x03


@dataclass(frozen=True, slots=True)
class Nibble:
    """An answer of four bits without checksum: an acknowledgement (0xA), or else a refusal."""

    value: int


ACK = Nibble(0xA)
Answer = bytes | Nibble | None
"""What a card sends back, without checksum; None when it keeps silent."""


class Card(ABC):
    """A card as the air sees it; a field (field.py) decides when it is spoken to."""

    polling: Polling = Polling.TYPE_A_106

    @property
    @abstractmethod
    def uid(self) -> bytes:
        """The number it gives during anticollision, as of its last power-up."""

    @abstractmethod
    def target_data(self, activate_4: bool) -> bytes:
        """Return what the chip learns by activating it: TargetData of UM0701-02, InListPassiveTarget, without Tg.

        `activate_4` asks for the ATS too, where the card has one (ISO/IEC 14443-4, RATS).
        """

    @property
    def speaks_apdu(self) -> bool:
        """Whether it goes on in ISO/IEC 14443-4 once activated."""
        return False

    def power_up(self) -> None:  # noqa: B027
        """Start anew, as a card does that enters a field or whose field comes back."""

    def exchange(self, frame: bytes) -> Answer:
        """Answer a frame; both without their checksums."""
        return None

    def apdu(self, command: bytes) -> bytes | None:
        """Answer a command APDU (ISO/IEC 7816-4)."""
        return None

    def authenticate(self, block: int, with_key_b: bool, key: bytes) -> bool:
        """Answer MIFARE Classic's authentication, of which the chip does the ciphering."""
        return False


class TypeACard(Card):
    """An ISO/IEC 14443-3 type A card that gives its number and answers nothing else."""

    def __init__(self, uid: bytes, atqa: bytes = b"\x00\x04", sak: int = 0x00) -> None:
        """Make a card; `uid` has 4, 7 or 10 bytes, `atqa` is as the chip reports it, high byte first."""
        self._uid = uid
        self._atqa = atqa
        self._sak = sak

    @property
    def uid(self) -> bytes:
        """The number it was made with."""
        return self._uid

    def target_data(self, activate_4: bool) -> bytes:
        """SENS_RES, SEL_RES, length and NFCID1."""
        return self._atqa + bytes([self._sak, len(self.uid)]) + self.uid


class UidCard(TypeACard):
    """A plain 4-byte number on a card, the cheapest there is."""


class ClassicCard(TypeACard):
    """MIFARE Classic 1K (MF1S50 data sheet): 16 sectors of 4 blocks of 16 bytes, each sector behind two keys."""

    def __init__(self, uid: bytes, key_a: bytes = CLASSIC_DEFAULT_KEY, key_b: bytes = CLASSIC_DEFAULT_KEY) -> None:
        """Make a card with the same two keys for every sector; `uid` has 4 bytes."""
        super().__init__(uid, b"\x00\x04", 0x08)
        check = uid[0] ^ uid[1] ^ uid[2] ^ uid[3]
        trailer = key_a + b"\xff\x07\x80\x69" + key_b
        self._blocks = [bytes(16) if block % 4 != 3 else trailer for block in range(64)]
        self._blocks[0] = uid + bytes([check, 0x08, 0x04, 0x00]) + bytes(8)
        self._open_sector: int | None = None

    def power_up(self) -> None:
        """Forget the sector that was opened."""
        self._open_sector = None

    def authenticate(self, block: int, with_key_b: bool, key: bytes) -> bool:
        """Open the sector of `block` if the key is right."""
        self._open_sector = None
        if block >= len(self._blocks):
            return False
        trailer = self._blocks[block | 3]
        if key == (trailer[10:] if with_key_b else trailer[:6]):
            self._open_sector = block // 4
        return self._open_sector is not None

    def put(self, block: int, data: bytes) -> None:
        """Lay 16 bytes into a block, as the card's issuer would have."""
        self._blocks[block] = data

    def exchange(self, frame: bytes) -> Answer:
        """READ of a block in the open sector; key A of a trailer always reads as zeros."""
        if len(frame) != 2 or frame[0] != 0x30 or frame[1] // 4 != self._open_sector:
            return Nibble(0x4)
        data = self._blocks[frame[1]]
        return bytes(6) + data[6:] if frame[1] % 4 == 3 else data


class ApduCard(TypeACard):
    """A card that goes on in ISO/IEC 14443-4 and takes APDUs; `apdu` answers them.

    `ATS` is as a chip reports it, its own length first.
    """

    ATS = bytes.fromhex("0578807002")

    @property
    def speaks_apdu(self) -> bool:
        """Always."""
        return True

    def target_data(self, activate_4: bool) -> bytes:
        """As every type A card, and the ATS when asked for."""
        return super().target_data(activate_4) + (self.ATS if activate_4 else b"")

    def exchange(self, frame: bytes) -> Answer:
        """Answer RATS and bare blocks (ISO/IEC 14443-4, 5 and 7): I-blocks, R(NAK) as a sign of life, S(DESELECT)."""
        if not frame:
            return None
        if frame[0] == 0xE0:
            return self.ATS
        if frame[0] in (0x02, 0x03):
            return frame[:1] + (self.apdu(frame[1:]) or b"")
        if frame[0] in (0xB2, 0xB3):
            return bytes([frame[0] & 0xA3])
        return frame if frame == b"\xc2" else None


def random_number() -> bytes:
    """Make up a number as a phone does: 4 bytes that begin with 08 (ISO/IEC 14443-3, table of UID0 values)."""
    return b"\x08" + secrets.token_bytes(3)


class Phone(ApduCard):
    """A phone that emulates an ISO/IEC 14443-4 card: a new random number each time, and no application we know."""

    def __init__(self) -> None:
        """Make a phone; its number changes at every power-up."""
        super().__init__(random_number(), b"\x00\x04", 0x20)

    def power_up(self) -> None:
        """Make up a new number."""
        self._uid = random_number()

    def apdu(self, command: bytes) -> bytes | None:
        """Know no application: SELECT gets "file not found", anything else "instruction not supported"."""
        return b"\x6a\x82" if command[1:2] == b"\xa4" else b"\x6d\x00"


class FelicaCard(Card):
    """A FeliCa card (JIS X 6319-4), of which there are many in transport and none among our members."""

    polling = Polling.FELICA_212

    def __init__(self, idm: bytes) -> None:
        """Make a card; `idm` has 8 bytes."""
        self._idm = idm

    @property
    def uid(self) -> bytes:
        """The manufacture number, IDm."""
        return self._idm

    def target_data(self, activate_4: bool) -> bytes:
        """POL_RES with IDm and PMm."""
        return b"\x12\x01" + self._idm + bytes.fromhex("0120220427674eff")


class TypeBCard(Card):
    """An ISO/IEC 14443-3 type B card, such as some identity cards are."""

    polling = Polling.TYPE_B_106

    def __init__(self, pupi: bytes) -> None:
        """Make a card; `pupi` has 4 bytes."""
        self._pupi = pupi

    @property
    def uid(self) -> bytes:
        """The pseudo-unique number, PUPI."""
        return self._pupi

    def target_data(self, activate_4: bool) -> bytes:
        """ATQB, then an empty answer to ATTRIB."""
        return b"\x50" + self._pupi + bytes(4) + b"\x00\x81\x81" + b"\x01\x00"
