"""Which procedure fits a card, by what it told when it was activated (NXP AN10833, table of ATQA and SAK)."""

from __future__ import annotations

from enum import Enum

from contract.making import dataclass

_APDU_BIT, _CLASSIC_BIT = 0x20, 0x08
_TYPE2_ATQA = b"\x00\x44"
_RANDOM_FIRST, _RANDOM_BYTES = 0x08, 4


class Family(Enum):
    """What a card can be asked."""

    PLAIN = "plain"
    """Its number, and nothing else."""
    CLASSIC = "classic"
    """MIFARE Classic, of which we read the number alone: its cipher has been broken since 2008."""
    TYPE2 = "type2"
    """NTAG or MIFARE Ultralight: pages."""
    APDU = "apdu"
    """ISO/IEC 14443-4: DESFire, file cards, bank cards, phones."""


@dataclass(frozen=True, slots=True)
class Activated:
    """What an ISO/IEC 14443-3 type A card told: ATQA (2 bytes, the high one first), SAK and its number."""

    atqa: bytes
    sak: int
    uid: bytes

    @property
    def family(self) -> Family:
        """Which procedure fits."""
        if self.sak & _APDU_BIT:
            return Family.APDU
        if self.sak & _CLASSIC_BIT:
            return Family.CLASSIC
        if self.sak == 0x00 and self.atqa == _TYPE2_ATQA:
            return Family.TYPE2
        return Family.PLAIN

    @property
    def has_random_number(self) -> bool:
        """Whether the number was made up at this activation (ISO/IEC 14443-3, table of UID0 values)."""
        return len(self.uid) == _RANDOM_BYTES and self.uid[0] == _RANDOM_FIRST
