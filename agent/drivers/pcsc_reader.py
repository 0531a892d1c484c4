"""Readers and cards through PC/SC (pcscd), by the low-level calls of pyscard; for the readers' own process only.

pyscard's CardMonitor hears nothing any more once pcscd was started anew, and its `transmit` has no time-out. So this
asks pcscd itself, with a time-out, what has changed; cards are spoken to by pcsc_talk.py. pyscard lets other threads
run during `Context.changes` and `Connection.apdu`, not while it connects or resets.
"""

from __future__ import annotations

import contextlib
import errno
import fnmatch
import hashlib
import os
import socket
from collections.abc import Iterator, Mapping
from typing import Any

from agent.drivers.cards.link import CardError
from contract.making import dataclass

_NOTIFY = "\\\\?PnP?\\Notification"
"""pcscd's name for the coming and going of readers (SCardGetStatusChange(3))."""
_WITHOUT_SERVICE = (
    "SCARD_E_NO_SERVICE",
    "SCARD_E_SERVICE_STOPPED",
    "SCARD_E_INVALID_HANDLE",
    "SCARD_E_NO_MEMORY",
    "SCARD_F_COMM_ERROR",
    "SCARD_F_INTERNAL_ERROR",
)
"""What is said when pcscd is not there, or not any more; all else is about a reader or its card."""
_MOST_READERS = 16
_MOST_ATR_BYTES = 33


class ServiceError(Exception):
    """pcscd is not to be had. `reason` says how."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ReaderInUseError(CardError):
    """Somebody else speaks to the card, and to nobody but him does the reader listen."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A reader as pcscd last told of it. `visit` counts insertions and removals; `mute`: the card gives no ATR."""

    present: bool = False
    mute: bool = False
    visit: int = 0
    atr: bytes = b""


class Claim:
    """One reader taken for one of the till's devices: no other of its processes gets it before this one lets it go.

    The kernel keeps it, as a socket's name that is in no folder (unix(7), abstract), and lets it go with the process.
    """

    def __init__(self, reader: str, held: socket.socket) -> None:
        self.reader = reader
        self._held = held

    @classmethod
    def of(cls, reader: str) -> Claim | None:
        """Take the reader of this name in the pcscd that is used here; None when it is taken already."""
        where = f"{os.environ.get('PCSCLITE_CSOCK_NAME', '')}\n{reader}".encode(errors="surrogateescape")
        held = socket.socket(socket.AF_UNIX)
        try:
            held.bind(f"\0tapledger-reader-{hashlib.sha256(where).hexdigest()}")
        except OSError as refused:
            held.close()
            if refused.errno == errno.EADDRINUSE:
                return None
            raise
        return cls(reader, held)

    def release(self) -> None:
        """Let the reader go."""
        self._held.close()


def fits(reader: str, pattern: str) -> bool:
    """Whether a reader's name fits: `*` is anything, `?` one character, and brackets are brackets: names have them."""
    return fnmatch.fnmatchcase(reader, pattern.replace("[", "[[]"))


class Context:
    """A connection to pcscd. Every method raises ServiceError when that is lost."""

    def __init__(self, scard: Any, handle: int) -> None:
        self._scard = scard
        self._handle = handle
        self._states: dict[str, int] = {}

    def readers(self) -> tuple[str, ...]:
        """The names of the readers that are plugged in, or rather of their slots. Raises ServiceError, with
        `reader_garbled` where none has a name that can be used.
        """
        try:
            code, names = self._scard.SCardListReaders(self._handle, [])
        except (SystemError, UnicodeDecodeError) as unreadable:
            # pyscard tells of no reader at all while the name of any is not UTF-8.
            raise ServiceError("reader_garbled") from unreadable
        if code == self._scard.SCARD_E_NO_READERS_AVAILABLE:
            return ()
        _checked(self._scard, code)
        # pyscard asks for no reader whose name is not ASCII.
        known = tuple(name for name in names[:_MOST_READERS] if name.isascii())
        if names and not known:
            raise ServiceError("reader_garbled")
        return known

    def changes(self, names: tuple[str, ...], timeout_s: float) -> Mapping[str, Slot]:
        """Wait until one of these readers has changed, or any has come or gone; return how they all are now."""
        # The high half of a state counts; for the notification it is how many readers there are.
        asked = [(name, self._states.get(name, 0)) for name in (*names, _NOTIFY)]
        code, said = self._scard.SCardGetStatusChange(self._handle, int(timeout_s * 1000), asked)
        if code in (self._scard.SCARD_E_UNKNOWN_READER, self._scard.SCARD_E_READER_UNAVAILABLE):
            self._states = {}
            return {}
        if code not in (self._scard.SCARD_E_TIMEOUT, self._scard.SCARD_E_CANCELLED):
            _checked(self._scard, code)
        self._states = {name: state & ~self._scard.SCARD_STATE_CHANGED for name, state, _ in said}
        return {name: self._slot(state, bytes(atr)) for name, state, atr in said if name != _NOTIFY}

    def cancel(self) -> None:
        """End the wait of `changes`, from another thread."""
        self._scard.SCardCancel(self._handle)

    def _slot(self, state: int, atr: bytes) -> Slot:
        present = bool(state & self._scard.SCARD_STATE_PRESENT)
        mute = present and (bool(state & self._scard.SCARD_STATE_MUTE) or not 2 <= len(atr) <= _MOST_ATR_BYTES)
        return Slot(present, mute, (state >> 16) & 0xFFFF, atr)

    @contextlib.contextmanager
    def connected(self, name: str) -> Iterator[Connection]:
        """Speak to the card in a reader, alone, for as long as the block runs. Raises CardError without one,
        ReaderInUseError.
        """
        scard = self._scard
        either = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
        code, handle, protocol = scard.SCardConnect(self._handle, name, scard.SCARD_SHARE_EXCLUSIVE, either)
        if code == scard.SCARD_E_SHARING_VIOLATION:
            raise ReaderInUseError(name)
        _checked(scard, code)
        try:
            yield Connection(scard, handle, protocol)
        finally:
            scard.SCardDisconnect(handle, scard.SCARD_LEAVE_CARD)


class Connection:
    """A card that is connected: an `ApduLink`. Every method raises CardError, or ServiceError when pcscd is lost."""

    def __init__(self, scard: Any, handle: int, protocol: int) -> None:
        self._scard = scard
        self._handle = handle
        self._protocol = protocol

    def apdu(self, command: bytes) -> bytes:
        """Send a command APDU. Under T=0 one with data goes without its Le: what it brings is fetched by GET RESPONSE
        (ISO/IEC 7816-3, 12.1.2; PC/SC part 5 leaves that to the program).
        """
        header = self._scard.SCARD_PCI_T1
        if self._protocol == self._scard.SCARD_PROTOCOL_T0:
            header = self._scard.SCARD_PCI_T0
            command = command[:-1] if len(command) > 5 and len(command) == command[4] + 6 else command
        code, said = self._scard.SCardTransmit(self._handle, header, list(command))
        _checked(self._scard, code)
        return bytes(said)

    def reset(self) -> None:
        """Reset the card, which forgets what was selected."""
        scard = self._scard
        either = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
        code, protocol = scard.SCardReconnect(self._handle, scard.SCARD_SHARE_EXCLUSIVE, either, scard.SCARD_RESET_CARD)
        _checked(scard, code)
        self._protocol = protocol


@contextlib.contextmanager
def open_context() -> Iterator[Context]:
    """Speak to pcscd for as long as the block runs. Raises ServiceError."""
    try:
        from smartcard import scard
    except (ImportError, OSError) as missing:
        raise ServiceError("library_missing") from missing
    code, handle = scard.SCardEstablishContext(scard.SCARD_SCOPE_SYSTEM)
    if code == scard.SCARD_W_SECURITY_VIOLATION:
        raise ServiceError("no_permission")
    if code != scard.SCARD_S_SUCCESS:
        raise ServiceError("service_missing")
    try:
        yield Context(scard, handle)
    finally:
        # It gives back what our side holds even where pcscd has gone.
        scard.SCardReleaseContext(handle)


def _checked(scard: Any, code: int) -> None:
    if code == scard.SCARD_S_SUCCESS:
        return
    if code == scard.SCARD_W_SECURITY_VIOLATION:
        raise ServiceError("no_permission")
    if code in {getattr(scard, name) for name in _WITHOUT_SERVICE}:
        raise ServiceError("service_missing")
    raise CardError(f"PC/SC says {code & 0xFFFFFFFF:08x}")
