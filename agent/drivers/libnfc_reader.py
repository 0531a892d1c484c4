"""One NFC reader through libnfc 1.8, by the low-level calls of pynfc; for the reader's own process only.

pynfc's `poll` is of no use here: it waits without a time-out, never yields a phone, and burns a core on one. So each
call here asks the chip one thing and comes back within a third of a second. libnfc calls abort() on a status byte with
bit 0x80 and copies what the chip says without looking: whoever uses this must be ready to lose the process.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import re
import termios
import time
from collections.abc import Iterator
from enum import Enum
from typing import Any

from agent.drivers.cards.identify import Activated, Family
from agent.drivers.cards.link import CardError
from contract.making import dataclass

_WITH_PORT = ("pn532_uart", "pn532_i2c", "pn532_spi", "arygon", "acr122s")
_WITHOUT_PORT = ("pn53x_usb", "acr122_usb")

# libnfc's own mark in the terminal settings of a port it has open (libnfc/buses/uart.c). Where the kernel keeps such a
# bit, a process that is killed leaves it behind, and then no libnfc opens that port again until it is wiped.
_CLAIMED_BY_LIBNFC = 0x80000000
_IFLAG = 0

_WRITE = 0xA2
_ANSWER_TIMEOUT_MS = 300
_ANSWER_BYTES = 512
"""More than the longest frame of the chip: libnfc copies what comes without looking."""
_LINE_ERRORS = {-1: "reader_garbled", -4: "reader_gone", -6: "reader_silent"}
"""libnfc's NFC_EIO, NFC_ENOTSUCHDEV and NFC_ETIMEOUT; every other error is about the card."""


class LineError(Exception):
    """The reader did not answer, or not soundly. `reason` says how."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class OpenError(Exception):
    """The reader cannot be opened. `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Modulation(Enum):
    """What to call for: libnfc's modulation and baud rate."""

    TYPE_A = (1, 1)
    TYPE_B = (3, 1)
    FELICA = (7, 2)


@dataclass(frozen=True, slots=True)
class Target:
    """A card that was activated. `card` is None for one of a kind that we cannot use, of which `number` is all that is
    known. `seen_monotonic_ns` is CLOCK_MONOTONIC.
    """

    modulation: Modulation
    card: Activated | None
    number: bytes
    seen_monotonic_ns: int

    def same_card(self, other: Target) -> bool:
        """Whether it may be taken for the same card: by its number, unless that is random as a phone's is."""
        if self.modulation is not other.modulation or (self.card is None) is not (other.card is None):
            return False
        if self.card is None or other.card is None:
            return self.number == other.number
        if self.card.sak != other.card.sak:
            return False
        return self.number == other.number or (self.card.has_random_number and other.card.has_random_number)


@dataclass(frozen=True, slots=True)
class Connstring:
    """A libnfc connection string, taken apart. `port` is empty for a reader on USB."""

    driver: str
    port: str
    speed: str

    @classmethod
    def parse(cls, text: str) -> Connstring:
        """Take apart "driver:/path", "driver:/path:speed" or, for readers on USB, "driver". Raises ValueError."""
        driver, _, rest = text.partition(":")
        if driver in _WITHOUT_PORT and not rest:
            return cls(driver, "", "")
        if driver not in _WITH_PORT:
            raise ValueError(f"the driver must be one of {', '.join(_WITH_PORT + _WITHOUT_PORT)}")
        match = re.fullmatch(r"(/.+?)(?::(\d{4,}))?", rest)
        if match is None:
            raise ValueError(f'the port of {driver} must be an absolute path, as in "{driver}:/dev/ttyUSB0"')
        return cls(driver, match[1], match[2] or "")

    def resolved(self) -> str:
        """Return what libnfc is given: links followed, because libnfc takes a path only up to its first colon."""
        parts = [self.driver, os.path.realpath(self.port) if self.port else "", self.speed]
        return ":".join(part for part in parts if part)


class Reader:
    """An open reader, its field on. Every method raises LineError when the reader fails."""

    def __init__(self, nfc: Any, device: Any) -> None:
        self._nfc = nfc
        self._device = device
        self._answer = (ctypes.c_ubyte * _ANSWER_BYTES)()

    @property
    def name(self) -> str:
        """What libnfc calls it."""
        return ctypes.string_at(self._nfc.nfc_device_get_name(self._device)).decode(errors="replace")

    def select(self, modulation: Modulation) -> Target | None:
        """Call for one card and activate it; None when none answers."""
        target = self._nfc.nfc_target()
        wanted = self._nfc.nfc_modulation(*modulation.value)
        found = self._checked(
            self._nfc.nfc_initiator_select_passive_target(self._device, wanted, None, 0, ctypes.byref(target))
        )
        seen_ns = time.monotonic_ns()
        if found <= 0:
            return None
        if modulation is Modulation.TYPE_A:
            info = target.nti.nai
            uid = bytes(info.abtUid)[: min(info.szUidLen, 10)]
            return Target(modulation, Activated(bytes(info.abtAtqa), info.btSak, uid), uid, seen_ns)
        raw = target.nti.nbi.abtPupi if modulation is Modulation.TYPE_B else target.nti.nfi.abtId
        return Target(modulation, None, bytes(raw), seen_ns)

    def still_there(self, target: Target) -> bool:
        """Whether the card that was activated last is still in the field."""
        if target.card is not None and target.card.family is Family.APDU:
            # Activating a phone once more would give it another number.
            return self._checked(self._nfc.nfc_initiator_target_is_present(self._device, None)) == 0
        again = self.select(target.modulation)
        return again is not None and again.same_card(target)

    def link(self, target: Target) -> Link:
        """The link to the card that was activated last, as long as no other is."""
        return Link(self, target)

    def pass_through(self, frame: bytes) -> bytes:
        """Send a card a frame as it is (InCommunicateThru) and return its answer. Raises CardError."""
        return self._transceive(frame, easy=False)

    def exchange_data(self, frame: bytes) -> bytes:
        """Have the chip speak to the card as its kind needs (InDataExchange: blocks, acknowledgements). Raises
        CardError.
        """
        return self._transceive(frame, easy=True)

    def _transceive(self, frame: bytes, easy: bool) -> bytes:
        # This only tells libnfc which of the chip's two commands to use; nothing is said on the line.
        self._checked(self._nfc.nfc_device_set_property_bool(self._device, self._nfc.NP_EASY_FRAMING, easy))
        command = (ctypes.c_ubyte * len(frame)).from_buffer_copy(frame)
        got = self._checked(
            self._nfc.nfc_initiator_transceive_bytes(
                self._device, command, len(frame), self._answer, len(self._answer), _ANSWER_TIMEOUT_MS
            )
        )
        if got < 0:
            raise CardError(f"libnfc says {got}")
        return bytes(self._answer[:got])

    def send_to_sleep(self) -> None:
        """Let the card that was activated last sleep: it hears nothing before the field has been off."""
        self._checked(self._nfc.nfc_initiator_deselect_target(self._device))

    def drop_field(self) -> None:
        """Switch the field off; the next `select` switches it on. Cards that slept or hung start anew."""
        self._checked(self._nfc.nfc_device_set_property_bool(self._device, self._nfc.NP_ACTIVATE_FIELD, False))

    def close(self) -> None:
        """Put the chip to sleep and let go of the port."""
        self._nfc.nfc_close(self._device)

    def _checked(self, result: int) -> int:
        if result in _LINE_ERRORS:
            raise LineError(_LINE_ERRORS[result])
        return result


class Link:
    """To one card before a reader: a `TagLink` and an `ApduLink`."""

    def __init__(self, reader: Reader, target: Target) -> None:
        self._reader = reader
        self._target = target

    def exchange(self, frame: bytes) -> bytes:
        """Send a frame of a Type 2 tag. Raises CardError, LineError."""
        return self._reader.pass_through(frame)

    def write(self, page: int, data: bytes) -> None:
        """Write a page of a Type 2 tag; the chip waits for its acknowledgement. Raises CardError, LineError."""
        self._reader.exchange_data(bytes([_WRITE, page]) + data)

    def wake(self) -> None:
        """Activate the card anew. Raises CardError when it is gone or another is there, LineError."""
        again = self._reader.select(self._target.modulation)
        if again is None or not again.same_card(self._target):
            raise CardError("the card is gone")

    def apdu(self, command: bytes) -> bytes:
        """Send an APDU; the chip cuts it into blocks. Raises CardError, LineError."""
        return self._reader.exchange_data(command)


@contextlib.contextmanager
def open_reader(connstring: Connstring) -> Iterator[Reader]:
    """Open a reader for as long as the block runs, and keep every other process off its port.

    The lock is flock's, on the port itself, so that it goes with the process however that ends. Raises OpenError.
    """
    try:
        from pynfc import nfc
    except (ImportError, OSError) as missing:
        raise OpenError("library_missing") from missing
    lock = _lock_port(connstring.port) if connstring.port else None
    try:
        reader = _open(nfc, connstring)
        try:
            yield reader
        finally:
            reader.close()
    finally:
        if lock is not None:
            os.close(lock)


def _open(nfc: Any, connstring: Connstring) -> Reader:
    context = ctypes.POINTER(nfc.struct_nfc_context)()
    nfc.nfc_init(ctypes.byref(context))
    named = nfc.nfc_connstring()
    named.value = connstring.resolved().encode()
    device = nfc.nfc_open(context, named)
    if not device:
        raise OpenError("reader_silent")
    result = nfc.nfc_initiator_init(device)
    if result >= 0:
        # Otherwise the chip waits for a card for ever, and libnfc takes it for silent.
        result = nfc.nfc_device_set_property_bool(device, nfc.NP_INFINITE_SELECT, False)
    if result < 0:
        raise OpenError(_LINE_ERRORS.get(result, "reader_silent"))
    return Reader(nfc, device)


def _lock_port(port: str) -> int:
    """Take the port for this process, and wipe libnfc's mark off it. Returns the open file that holds the lock."""
    try:
        fd = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    except PermissionError as denied:
        raise OpenError("no_permission") from denied
    except OSError as missing:
        raise OpenError("reader_gone") from missing
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.isatty(fd):
            settings = termios.tcgetattr(fd)
            settings[_IFLAG] &= ~_CLAIMED_BY_LIBNFC
            termios.tcsetattr(fd, termios.TCSANOW, settings)
    except BlockingIOError as taken:
        os.close(fd)
        raise OpenError("in_use") from taken
    except (OSError, termios.error) as gone:
        os.close(fd)
        raise OpenError("reader_gone") from gone
    return fd
