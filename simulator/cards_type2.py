"""Tags made of pages: NTAG213, 215 and 216 (NXP data sheet NTAG213/215/216), MIFARE Ultralight and Ultralight EV1."""

from __future__ import annotations

from simulator.cards import ACK, Answer, Nibble, TypeACard

_PAGE = 4
_FIRST_DATA_PAGE = 4
_NOT_ALLOWED, _WRONG = Nibble(0x0), Nibble(0x4)


class Ultralight(TypeACard):
    """MIFARE Ultralight (MF0ICU1): 16 pages of 4 bytes, 48 bytes of data. It knows READ and WRITE, and no more."""

    PAGES = 16
    DATA_PAGES = 12
    CAPACITY = 0x06
    """Of the capability container, in steps of 8 bytes."""

    def __init__(self, uid: bytes, message: bytes = b"") -> None:
        """Make a tag with an NDEF message; `uid` has 7 bytes and need not begin with NXP's 04."""
        super().__init__(uid, b"\x00\x44", 0x00)
        self._memory = bytearray(self.PAGES * _PAGE)
        first, second = 0x88 ^ uid[0] ^ uid[1] ^ uid[2], uid[3] ^ uid[4] ^ uid[5] ^ uid[6]
        self._memory[0:10] = uid[:3] + bytes([first]) + uid[3:] + bytes([second, 0x48])
        self._memory[12:16] = bytes([0xE1, 0x10, self.CAPACITY, 0x00])
        self.write_message(message)

    @property
    def memory(self) -> bytes:
        """Every page as it stands, the password too."""
        return bytes(self._memory)

    def write_message(self, message: bytes) -> None:
        """Lay an NDEF message on the tag (Type 2 Tag, section 2.3). Raises ValueError if it is too long."""
        size, room = len(message), self.DATA_PAGES * _PAGE
        length = bytes([size]) if size < 0xFF else b"\xff" + size.to_bytes(2, "big")
        content = b"\x03" + length + message + b"\xfe"
        if len(content) > room:
            raise ValueError(f"{size} bytes do not fit on this tag")
        at = _FIRST_DATA_PAGE * _PAGE
        self._memory[at : at + room] = content.ljust(room, b"\x00")

    def damage(self, page: int, data: bytes) -> None:
        """Put bytes anywhere, as a broken or forged tag would have them."""
        self._memory[page * _PAGE : page * _PAGE + len(data)] = data

    def exchange(self, frame: bytes) -> Answer:
        """READ and WRITE; it is silent at a command that came after its time."""
        match list(frame):
            case [0x30, page] if page < self.PAGES:
                return self._read(page)
            case [0xA2, page, *data] if len(data) == _PAGE:
                return self._write(page, bytes(data))
            case [0x30 | 0xA2, *_]:
                return _NOT_ALLOWED
            case _:
                return None

    def _read(self, page: int) -> Answer:
        return bytes((self._memory * 2)[page * _PAGE : page * _PAGE + 16])

    def _write(self, page: int, data: bytes) -> Answer:
        at = page * _PAGE
        if page == 3:
            # Bits that were once set stay set (one time programmable).
            data = bytes(old | new for old, new in zip(self._memory[at : at + _PAGE], data, strict=True))
        elif not _FIRST_DATA_PAGE <= page < self.PAGES:
            return _NOT_ALLOWED
        self._memory[at : at + _PAGE] = data
        return ACK


class UltralightEv1(Ultralight):
    """MIFARE Ultralight EV1 with 48 bytes of data (MF0UL11): a version, a password, and FAST_READ."""

    PAGES = 20
    VERSION = bytes.fromhex("0004030101000b03")
    SIGNATURE = bytes(range(32))
    CONFIGURATION = 16
    """The first of four pages: MIRROR and AUTH0, ACCESS, PWD, PACK."""

    def __init__(self, uid: bytes, message: bytes = b"") -> None:
        """Make a tag as it comes from the factory: its password is all ones and guards nothing."""
        self._authenticated = False
        self._wrong = 0
        super().__init__(uid, message)
        at = self.CONFIGURATION * _PAGE
        self._memory[at : at + 16] = bytes.fromhex("040000ff 00050000 ffffffff 00000000")

    def protect(self, password: bytes, answer: bytes, from_page: int = 4, reading: bool = False) -> None:
        """Set the password and what it is answered with; it guards writing, and `reading` too, from a page on."""
        at = self.CONFIGURATION * _PAGE
        self._memory[at + 3] = from_page
        self._memory[at + 4] = (self._memory[at + 4] & 0x7F) | (0x80 if reading else 0)
        self._memory[at + 8 : at + 14] = password + answer

    def power_up(self) -> None:
        """Forget the password."""
        self._authenticated = False

    def exchange(self, frame: bytes) -> Answer:
        """What it knows beyond its parent: GET_VERSION, FAST_READ, PWD_AUTH, READ_SIG (section 10)."""
        match list(frame):
            case [0x60]:
                return self.VERSION
            case [0x3A, start, end] if start <= end < self._readable_pages():
                return self._shown()[start * _PAGE : end * _PAGE + _PAGE]
            case [0x1B, *password] if len(password) == 4:
                return self._authenticate(bytes(password))
            case [0x3C, 0x00]:
                return self.SIGNATURE
            case _:
                return super().exchange(frame)

    @property
    def _access(self) -> int:
        return self._memory[self.CONFIGURATION * _PAGE + 4]

    def _readable_pages(self) -> int:
        """So many pages, from the first, can be read now."""
        closed = self._access & 0x80 and not self._authenticated
        return min(self.PAGES, self._memory[self.CONFIGURATION * _PAGE + 3]) if closed else self.PAGES

    def _shown(self) -> bytes:
        """The memory as it can be read: password and answer as zeros."""
        secret = (self.CONFIGURATION + 2) * _PAGE
        return bytes(self._memory[:secret]) + bytes(6) + bytes(self._memory[secret + 6 :])

    def _read(self, page: int) -> Answer:
        pages = self._readable_pages()
        if page >= pages:
            return _NOT_ALLOWED
        return (self._shown()[: pages * _PAGE] * 8)[page * _PAGE : page * _PAGE + 16]

    def _write(self, page: int, data: bytes) -> Answer:
        if page >= self._memory[self.CONFIGURATION * _PAGE + 3] and not self._authenticated:
            return _NOT_ALLOWED
        return super()._write(page, data)

    def _authenticate(self, password: bytes) -> Answer:
        at, most = (self.CONFIGURATION + 2) * _PAGE, self._access & 0x07
        if most and self._wrong >= most:
            return _WRONG
        if password != self._memory[at : at + 4]:
            self._wrong += 1
            return _WRONG
        self._authenticated, self._wrong = True, 0
        return bytes(self._memory[at + 4 : at + 6])


class Ntag(UltralightEv1):
    """What the three NTAGs have in common: beside the rest, a counter of how often the tag was read."""

    _COUNTING, _COUNTER_CLOSED = 0x10, 0x08

    def __init__(self, uid: bytes, message: bytes = b"") -> None:
        """Make a tag; its counter stands still until `count_reads`."""
        self._counter = 0
        self._counted = False
        super().__init__(uid, message)
        lock = (self.CONFIGURATION - 1) * _PAGE
        self._memory[lock : lock + _PAGE] = b"\x00\x00\x00\xbd"

    def count_reads(self, begin: int = 0, closed: bool = False) -> None:
        """Count from now on, from `begin`; `closed`: the counter can only be read behind the password."""
        self._memory[self.CONFIGURATION * _PAGE + 4] |= self._COUNTING | (self._COUNTER_CLOSED if closed else 0)
        self._counter = begin

    def power_up(self) -> None:
        """Forget the password, and count the first reading that comes."""
        super().power_up()
        self._counted = False

    def exchange(self, frame: bytes) -> Answer:
        """What it knows beyond its parent: READ_CNT. Its first READ or FAST_READ in a field counts (8.5.8)."""
        if frame[:1] in (b"\x30", b"\x3a") and not self._counted and self._access & self._COUNTING:
            self._counted = True
            self._counter = min(self._counter + 1, 0xFFFFFF)
        if frame == b"\x39\x02":
            closed = self._access & self._COUNTER_CLOSED and not self._authenticated
            if closed or not self._access & self._COUNTING:
                return _NOT_ALLOWED
            return self._counter.to_bytes(3, "little")
        return super().exchange(frame)


class Ntag213(Ntag):
    """NTAG213: 45 pages, a Type 2 tag of 144 bytes."""

    PAGES, DATA_PAGES, CAPACITY, CONFIGURATION = 45, 36, 0x12, 41
    VERSION = bytes.fromhex("0004040201000f03")


class Ntag215(Ntag):
    """NTAG215: 135 pages, 504 bytes, of which a Type 2 tag uses 496."""

    PAGES, DATA_PAGES, CAPACITY, CONFIGURATION = 135, 124, 0x3E, 131
    VERSION = bytes.fromhex("0004040201001103")


class Ntag216(Ntag):
    """NTAG216: 231 pages, 888 bytes, of which a Type 2 tag uses 872."""

    PAGES, DATA_PAGES, CAPACITY, CONFIGURATION = 231, 218, 0x6D, 227
    VERSION = bytes.fromhex("0004040201001303")
