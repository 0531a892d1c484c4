"""What a card procedure needs of the reader before it, and how it says that a card will not do."""

from __future__ import annotations

from typing import Protocol

MOST_ANSWER_BYTES = 4_096
"""Nothing that is read off a card is longer."""


class CardError(Exception):
    """The card did not answer, refused, or told what cannot be true; the reader is well."""


class TagLink(Protocol):
    """A link to one ISO/IEC 14443-3 card. The checksums are the reader's to add and to check."""

    def exchange(self, frame: bytes) -> bytes:
        """Send a frame and return the answer. Raises CardError when the card is silent or refuses (NAK)."""

    def write(self, page: int, data: bytes) -> None:
        """Write 4 bytes to a page of a Type 2 tag, which acknowledges with four bits. Raises CardError."""

    def wake(self) -> None:
        """Activate the same card anew: one that refused a command sleeps. Raises CardError when it is gone."""


class ApduLink(Protocol):
    """A link to one card that takes APDUs (ISO/IEC 7816-4)."""

    def apdu(self, command: bytes) -> bytes:
        """Send a command APDU and return the answer with its two status bytes. Raises CardError."""
