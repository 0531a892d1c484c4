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


class Ntag213(TypeACard):
    """NTAG213 (NXP data sheet NTAG213/215/216): 45 pages of 4 bytes, an NFC Forum Type 2 tag of 144 bytes."""

    VERSION = bytes.fromhex("0004040201000f03")
    _PAGES = 45
    _USER = slice(4 * 4, 40 * 4)

    def __init__(self, uid: bytes, message: bytes = b"") -> None:
        """Make a tag with an NDEF message; `uid` has 7 bytes and need not begin with NXP's 04."""
        super().__init__(uid, b"\x00\x44", 0x00)
        self._memory = bytearray(self._PAGES * 4)
        first, second = 0x88 ^ uid[0] ^ uid[1] ^ uid[2], uid[3] ^ uid[4] ^ uid[5] ^ uid[6]
        self._memory[0:10] = uid[:3] + bytes([first]) + uid[3:] + bytes([second, 0x48])
        self._memory[12:16] = b"\xe1\x10\x12\x00"
        self._memory[160:164] = b"\x00\x00\x00\xbd"
        self._memory[164:172] = b"\x04\x00\x00\xff\x00\x05\x00\x00"
        self.write_message(message)

    def write_message(self, message: bytes) -> None:
        """Lay an NDEF message on the tag (Type 2 Tag, section 2.3). Raises ValueError if it is too long."""
        size = len(message)
        length = bytes([size]) if size < 0xFF else b"\xff" + size.to_bytes(2, "big")
        content = b"\x03" + length + message + b"\xfe"
        room = self._USER.stop - self._USER.start
        if len(content) > room:
            raise ValueError(f"{size} bytes do not fit on an NTAG213")
        self._memory[self._USER] = content.ljust(room, b"\x00")

    def damage(self, page: int, data: bytes) -> None:
        """Put bytes anywhere, as a broken or forged tag would have them."""
        self._memory[page * 4 : page * 4 + len(data)] = data

    def exchange(self, frame: bytes) -> Answer:
        """READ, FAST_READ, WRITE to user pages and GET_VERSION (data sheet, section 10)."""
        match list(frame):
            case [0x30, page] if page < self._PAGES:
                return bytes((self._memory * 2)[page * 4 : page * 4 + 16])
            case [0x3A, start, end] if start <= end < self._PAGES:
                return bytes(self._memory[start * 4 : end * 4 + 4])
            case [0xA2, page, *data] if 4 <= page < 40 and len(data) == 4:
                self._memory[page * 4 : page * 4 + 4] = bytes(data)
                return ACK
            case [0x60]:
                return self.VERSION
            case [0x30 | 0x3A | 0xA2, *_]:
                return Nibble(0x0)
            case _:
                return None


class Phone(TypeACard):
    """A phone that emulates an ISO/IEC 14443-4 card: a new random number each time, and no application we know.

    A random number has 4 bytes and begins with 08 (ISO/IEC 14443-3, table of UID0 values).
    """

    ATS = bytes.fromhex("0578807002")

    def __init__(self) -> None:
        """Make a phone; its number changes at every power-up."""
        super().__init__(b"", b"\x00\x04", 0x20)
        self.power_up()

    @property
    def speaks_apdu(self) -> bool:
        """Always."""
        return True

    def power_up(self) -> None:
        """Make up a new number."""
        self._uid = b"\x08" + secrets.token_bytes(3)

    def target_data(self, activate_4: bool) -> bytes:
        """As every type A card, and the ATS when asked for."""
        return super().target_data(activate_4) + (self.ATS if activate_4 else b"")

    def apdu(self, command: bytes) -> bytes | None:
        """Know no application: SELECT gets "file not found", anything else "instruction not supported"."""
        return b"\x6a\x82" if command[1:2] == b"\xa4" else b"\x6d\x00"

    def exchange(self, frame: bytes) -> Answer:
        """Answer bare blocks (ISO/IEC 14443-4, section 7): I-blocks, R(NAK) as a sign of life, S(DESELECT)."""
        if not frame:
            return None
        if frame[0] in (0x02, 0x03):
            return frame[:1] + (self.apdu(frame[1:]) or b"")
        if frame[0] in (0xB2, 0xB3):
            return bytes([frame[0] & 0xA3])
        return frame if frame == b"\xc2" else None


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
