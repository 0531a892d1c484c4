"""NFC Forum Type 2 tags: reading and writing their NDEF message, and what NTAG21x can do besides.

Sources: NFC Forum Type 2 Tag 1.1, sections 2, 5 and 6; NXP NTAG213/215/216 data sheet, sections 8 and 10; MF0ULx1 data
sheet, section 10. What a tag says of itself is believed only within what it was found to hold.
"""

from __future__ import annotations

import hmac

from agent.drivers.cards.link import CardError, TagLink
from contract.making import dataclass

PAGE_BYTES = 4
READ_BYTES = 16
"""What one READ gives: four pages."""
FIRST_DATA_PAGE = 4

_READ, _GET_VERSION, _FAST_READ, _PWD_AUTH, _READ_CNT = 0x30, 0x60, 0x3A, 0x1B, 0x39
_NFC_COUNTER = 0x02
_CONTAINER_PAGE = 3
_CAPABILITY_MAGIC = 0xE1
_NO_WRITING = 0x0F
_NULL, _NDEF, _TERMINATOR = 0x00, 0x03, 0xFE
_LONG_LENGTH = 0xFF
_WORTH_ASKING_PAGES = 12
"""From three READs on, one question and one FAST_READ take less of the line."""
_FAST_READ_PAGES = 60
"""So many pages fit into one frame of every reader."""
_NXP, _ULTRALIGHT, _NTAG = 0x04, 0x03, 0x04


class NotNdefError(Exception):
    """The tag is sound and is none of the NFC Forum's: it has no capability container."""


@dataclass(frozen=True, slots=True)
class TagModel:
    """Which tag it is; `configuration_page` is the first of four: MIRROR and AUTH0, ACCESS, PWD, PACK."""

    name: str
    configuration_page: int
    has_nfc_counter: bool = True


_MODELS = {
    (_NTAG, 0x0F): TagModel("NTAG213", 41),
    (_NTAG, 0x11): TagModel("NTAG215", 131),
    (_NTAG, 0x13): TagModel("NTAG216", 227),
    (_ULTRALIGHT, 0x0B): TagModel("MIFARE Ultralight EV1 (48)", 16, has_nfc_counter=False),
    (_ULTRALIGHT, 0x0E): TagModel("MIFARE Ultralight EV1 (128)", 37, has_nfc_counter=False),
}


def model_of(link: TagLink) -> TagModel | None:
    """Ask which tag it is (GET_VERSION); None for one that does not say, or of no model known here.

    A tag that knows no GET_VERSION goes to sleep over it and is woken. Raises CardError when it is gone then.
    """
    try:
        said = link.exchange(bytes([_GET_VERSION]))
    except CardError:
        link.wake()
        return None
    if len(said) != 8 or said[1] != _NXP:
        return None
    return _MODELS.get((said[2], said[6]))


def give_password(link: TagLink, password: bytes, answer: bytes) -> None:
    """Open what lies behind the password (PWD_AUTH). Raises CardError unless the tag answers as it must (PACK)."""
    said = link.exchange(bytes([_PWD_AUTH]) + password)
    if not hmac.compare_digest(said, answer):
        raise CardError("the tag answers the password with something else")


def counter_of(link: TagLink) -> int:
    """Return how often the tag counts to have been read (READ_CNT, 24 bits, low byte first). Raises CardError."""
    said = link.exchange(bytes([_READ_CNT, _NFC_COUNTER]))
    if len(said) != 3:
        raise CardError("no counter of three bytes")
    return int.from_bytes(said, "little")


def read_message(link: TagLink, fast: bool | None = None) -> bytes | None:
    """Return the tag's first NDEF message, or None when it has none. No more is read than is needed.

    `fast`: whether the tag knows FAST_READ; None: it is asked, where there is enough to read. Raises NotNdefError for a
    tag without a capability container, CardError.
    """
    area = _Area.of(link, fast)
    found = _find_message(area)
    return None if found is None else area.take(*found) or None


def write_message(link: TagLink, message: bytes) -> None:
    """Put an NDEF message on the tag in place of what is there, and read it back (Type 2 Tag, 6.4.2).

    The tag says that it carries none until all of it is there: torn away half-way, it is empty and not wrong. Raises
    NotNdefError, or CardError for a tag that is too small, locked, or does not hold what was written.
    """
    area = _Area.of(link, fast=False)
    if area.locked:
        raise CardError("the tag may not be written")
    long = len(message) >= _LONG_LENGTH
    head = bytes([_NDEF, _LONG_LENGTH]) + len(message).to_bytes(2, "big") if long else bytes([_NDEF, len(message)])
    content = head + message + bytes([_TERMINATOR])
    if len(content) - 1 > area.size:
        raise CardError(f"{len(message)} bytes do not fit on a tag of {area.size}")
    # Where the message fills the area there is no room for the end mark, and no need of it.
    content = content[: area.size]
    content = content.ljust(-(-len(content) // PAGE_BYTES) * PAGE_BYTES, b"\x00")
    pages = [content[at : at + PAGE_BYTES] for at in range(0, len(content), PAGE_BYTES)]
    # Nothing of the message counts until its length does, which is written last.
    _write_checked(link, FIRST_DATA_PAGE, bytes([_NDEF, 0, _TERMINATOR, 0]))
    for number, page in list(enumerate(pages))[1:]:
        _write_checked(link, FIRST_DATA_PAGE + number, page)
    _write_checked(link, FIRST_DATA_PAGE, pages[0])
    if (read_message(link) or b"") != message:
        raise CardError("the tag does not hold what was written")


def protect(link: TagLink, model: TagModel, password: bytes, answer: bytes, from_page: int = FIRST_DATA_PAGE) -> None:
    """Close a tag from `from_page` on to writing without the password, and let its counter count (data sheet, 8.5.7).

    Reading stays open to everybody: a card has to be read before its password can be known. Raises CardError.
    """
    at = model.configuration_page
    mirror = link.exchange(bytes([_READ, at]))
    if len(mirror) != READ_BYTES:
        raise CardError("no configuration")
    link.write(at + 2, password)
    link.write(at + 3, answer + bytes(2))
    # PROT (bit 7) clear: the password guards writing alone. NFC_CNT_EN (bit 4) where there is such a counter.
    access = (mirror[4] & 0x6F) | (0x10 if model.has_nfc_counter else 0)
    _write_checked(link, at + 1, bytes([access]) + mirror[5:8])
    _write_checked(link, at, mirror[:3] + bytes([from_page]))


def _write_checked(link: TagLink, page: int, data: bytes) -> None:
    link.write(page, data)
    if link.exchange(bytes([_READ, page]))[:PAGE_BYTES] != data:
        raise CardError(f"page {page} does not hold what was written")


def _find_message(area: _Area) -> tuple[int, int] | None:
    """Walk the TLVs to the first NDEF message: where it begins and how long it is. Each step goes forward."""
    at = 0
    while at < area.size:
        kind = area.take(at, 1)[0]
        at += 1
        if kind == _NULL:
            continue
        if kind == _TERMINATOR:
            return None
        length, at = area.take(at, 1)[0], at + 1
        if length == _LONG_LENGTH:
            length, at = int.from_bytes(area.take(at, 2), "big"), at + 2
        if at + length > area.size:
            raise CardError(f"{length} bytes at {at} of {area.size}")
        if kind == _NDEF:
            return at, length
        at += length
    return None


class _Area:
    """The tag's data area, read as far as it is asked for."""

    def __init__(self, link: TagLink, container: bytes, have: bytes, fast: bool | None) -> None:
        self._link = link
        self._have = have
        self._fast = fast
        self.size = container[2] * 8
        self.locked = container[3] & 0x0F == _NO_WRITING

    @classmethod
    def of(cls, link: TagLink, fast: bool | None) -> _Area:
        """Read the capability container, and with it the first bytes of the area. Raises NotNdefError, CardError."""
        first = _read(link, _CONTAINER_PAGE)
        if first[0] != _CAPABILITY_MAGIC:
            raise NotNdefError
        return cls(link, first[:PAGE_BYTES], first[PAGE_BYTES:], fast)

    def take(self, at: int, length: int) -> bytes:
        if at + length > self.size:
            raise CardError(f"{length} bytes at {at} of {self.size}")
        while len(self._have) < at + length:
            self._have += self._more(at + length)
        return self._have[at : at + length]

    def _more(self, wanted: int) -> bytes:
        page = FIRST_DATA_PAGE + len(self._have) // PAGE_BYTES
        missing = -(-(wanted - len(self._have)) // PAGE_BYTES)
        if self._fast is None and missing >= _WORTH_ASKING_PAGES:
            self._fast = model_of(self._link) is not None
        if not self._fast or missing * PAGE_BYTES <= READ_BYTES:
            return _read(self._link, page)
        pages = min(missing, _FAST_READ_PAGES)
        said = self._link.exchange(bytes([_FAST_READ, page, page + pages - 1]))
        if len(said) != pages * PAGE_BYTES:
            raise CardError(f"{len(said)} bytes of {pages} pages")
        return said


def _read(link: TagLink, page: int) -> bytes:
    """Read four pages (READ). Raises CardError unless they come whole."""
    said = link.exchange(bytes([_READ, page]))
    if len(said) != READ_BYTES:
        raise CardError(f"READ of page {page} gave {len(said)} bytes")
    return said
