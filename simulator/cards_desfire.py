"""MIFARE DESFire EV1: applications with AES keys, standard and value files, in the clear, with MACs, or enciphered.

It takes its commands bare or inside ISO/IEC 7816-4 APDUs (`90 INS 00 00 Lc data 00`), as the card does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from simulator.cards import ApduCard, random_number
from simulator.desfire_secure import BLOCK, MAC_BYTES, Challenge, SecureChannel

OK, MORE = 0x00, 0xAF
NO_CHANGES, INTEGRITY, NO_SUCH_KEY, WRONG_LENGTH, DENIED, BAD_PARAMETER = 0x0C, 0x1E, 0x40, 0x7E, 0x9D, 0x9E
NO_APPLICATION, NOT_AUTHENTICATED, ABORTED, BOUNDARY, NO_COMMAND, NO_FILE, EXISTS = (
    0xA0, 0xAE, 0xCA, 0xBE, 0x1C, 0xF0, 0xDE,
)  # fmt: skip
FRAME_BYTES = 59
"""So much data one frame holds beside its status."""
FREE, NEVER = 0x0E, 0x0F

_MASTER = bytes(3)
_VERSION_PARTS = (bytes.fromhex("04010101001605"), bytes.fromhex("04010101041605"))
_BATCH = bytes.fromhex("ba65329b304008")
_ISO_SELECT, _DESFIRE_NAME = 0xA4, bytes.fromhex("d2760000850100")


class Mode(Enum):
    """How a file's bytes travel once a key was proved; the numbers are those of the file's settings."""

    PLAIN = 0x00
    MACED = 0x01
    ENCIPHERED = 0x03


@dataclass(slots=True)
class DataFile:
    """A standard data file. `read` and `write` are key numbers, or FREE, or NEVER."""

    data: bytearray
    mode: Mode = Mode.PLAIN
    read: int = FREE
    write: int = 0


@dataclass(slots=True)
class ValueFile:
    """A value file. A change counts once it is committed."""

    value: int
    lower: int = 0
    upper: int = 2**31 - 1
    mode: Mode = Mode.PLAIN
    read: int = FREE
    write: int = 0
    change: int = 0


@dataclass(slots=True)
class Application:
    """Keys by number, each 16 bytes, and files by number."""

    keys: list[bytes] = field(default_factory=lambda: [bytes(BLOCK)])
    files: dict[int, DataFile | ValueFile] = field(default_factory=dict)


class _RefusedError(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(f"{status:02x}")
        self.status = status


class DesfireCard(ApduCard):
    """One card. `applications` goes by number as it is sent, low byte first; the card itself is one of three zeros."""

    ATS = bytes.fromhex("067577810280")

    def __init__(
        self, uid: bytes, applications: dict[bytes, Application] | None = None, hides_number: bool = False
    ) -> None:
        """Make a card; `uid` has 7 bytes. One that `hides_number` makes another up at each activation."""
        super().__init__(random_number() if hides_number else uid, b"\x03\x04" if hides_number else b"\x03\x44", 0x20)
        self._true_uid = uid
        self._hides = hides_number
        self.applications = {_MASTER: Application(), **(applications or {})}
        self._commands: dict[int, Callable[[bytes], bytes]] = {
            0x5A: self._select,
            0x60: lambda _: b"".join(_VERSION_PARTS) + self._true_uid + _BATCH,
            0x6A: lambda _: b"".join(number for number in self.applications if number != _MASTER),
            0x6E: lambda _: (2_048).to_bytes(3, "little"),
            0x6F: lambda _: bytes(self._application.files),
            0x45: lambda _: bytes([0x0F, 0x80 | len(self._application.keys)]),
            0x64: lambda number: bytes(1) if number[0] < len(self._application.keys) else self._refuse(NO_SUCH_KEY),
            0xF5: self._file_settings,
            0xBD: self._read_data,
            0x6C: self._get_value,
        }
        self._forget()

    def power_up(self) -> None:
        """Forget what was selected and proved, and make up a number if it hides its own."""
        self._forget()
        if self._hides:
            self._uid = random_number()

    def apdu(self, command: bytes) -> bytes | None:
        """Answer a command, bare or wrapped; None for one that is none."""
        if not command:
            return None
        if command[:1] == b"\x90" and len(command) >= 5:
            data = command[5 : 5 + command[4]] if len(command) > 5 else b""
            said, status = self._hear(command[1], data)
            return said + bytes([0x91, status])
        if command[:2] == bytes([0x00, _ISO_SELECT]):
            self._forget()
            return b"\x90\x00" if command[5:].startswith(_DESFIRE_NAME) else b"\x6a\x82"
        if command[:1] == b"\x00":
            return b"\x6d\x00"
        said, status = self._hear(command[0], command[1:])
        return bytes([status]) + said

    def _forget(self) -> None:
        self._selected = _MASTER
        self._application = self.applications[_MASTER]
        self._leave_channel()

    def _leave_channel(self) -> None:
        self._channel: SecureChannel | None = None
        self._proved: int | None = None
        self._challenge: tuple[int, Challenge] | None = None
        self._outgoing: list[bytes] = []
        self._incoming: tuple[int, bytes] | None = None
        self._changes: dict[int, int] = {}

    def _hear(self, instruction: int, data: bytes) -> tuple[bytes, int]:
        """Answer a command: its data and its status; what goes wrong ends the secure channel."""
        try:
            if instruction == MORE:
                return self._go_on(data)
            self._outgoing, self._challenge, self._incoming = [], None, None
            if instruction == 0xAA:
                return self._begin_proof(data)
            return self._carry_out(instruction, data)
        except (_RefusedError, IndexError) as refused:
            self._leave_channel()
            return b"", refused.status if isinstance(refused, _RefusedError) else WRONG_LENGTH

    def _go_on(self, data: bytes) -> tuple[bytes, int]:
        if self._challenge is not None:
            number, challenge = self._challenge
            self._challenge = None
            found = challenge.answered(data)
            if found is None:
                raise _RefusedError(NOT_AUTHENTICATED)
            proof, self._channel = found
            self._proved = number
            return proof, OK
        if self._incoming is not None:
            instruction, begun = self._incoming
            self._incoming = None
            return self._carry_out(instruction, begun + data)
        if not self._outgoing:
            raise _RefusedError(ABORTED)
        return self._next_frame()

    def _begin_proof(self, data: bytes) -> tuple[bytes, int]:
        self._leave_channel()
        if data[0] >= len(self._application.keys):
            raise _RefusedError(NO_SUCH_KEY)
        challenge = Challenge(self._application.keys[data[0]])
        self._challenge = (data[0], challenge)
        return challenge.sent, MORE

    def _carry_out(self, instruction: int, data: bytes) -> tuple[bytes, int]:
        if instruction == 0x3D and not self._is_whole(data):
            self._incoming = (instruction, data)
            return b"", MORE
        if instruction in (0x3D, 0x0C, 0xDC):
            self._write(instruction, data)
            said, sealed = b"", False
        elif instruction == 0x51:
            said, sealed = self._own_number(data)
        elif instruction in (0xC7, 0xA7):
            self._hear_plain(instruction, data)
            said, sealed = self._settle(instruction == 0xC7), False
        elif instruction in self._commands:
            self._hear_plain(instruction, data)
            said = self._commands[instruction](data)
            sealed = instruction in (0xBD, 0x6C) and self._mode_now(data[0]) is Mode.ENCIPHERED
        else:
            raise _RefusedError(NO_COMMAND)
        if self._channel is not None and instruction != 0x5A:
            said = self._channel.seal(said, OK) if sealed else said + self._channel.hear(said + bytes([OK]))
        # The version comes in three frames of its own, everything else in as few as it can.
        cuts = [7, 14] if instruction == 0x60 else list(range(FRAME_BYTES, len(said), FRAME_BYTES))
        self._outgoing = [said[at:end] for at, end in zip([0, *cuts], [*cuts, len(said)], strict=True)]
        return self._next_frame()

    def _next_frame(self) -> tuple[bytes, int]:
        return self._outgoing.pop(0), MORE if self._outgoing else OK

    def _hear_plain(self, instruction: int, data: bytes) -> None:
        if self._channel is not None:
            self._channel.hear(bytes([instruction]) + data)

    def _select(self, number: bytes) -> bytes:
        self._leave_channel()
        if number not in self.applications:
            raise _RefusedError(NO_APPLICATION)
        self._selected, self._application = number, self.applications[number]
        return b""

    def _own_number(self, data: bytes) -> tuple[bytes, bool]:
        if self._channel is None:
            raise _RefusedError(NOT_AUTHENTICATED)
        self._hear_plain(0x51, data)
        return self._true_uid, True

    def _file(self, number: int) -> DataFile | ValueFile:
        if number not in self._application.files:
            raise _RefusedError(NO_FILE)
        return self._application.files[number]

    def _allow(self, *keys: int) -> None:
        """Go on only if one of these rights is free, or its key was proved."""
        if FREE in keys or (self._proved is not None and self._proved in keys):
            return
        raise _RefusedError(DENIED if self._proved is not None or set(keys) == {NEVER} else NOT_AUTHENTICATED)

    def _mode_now(self, number: int) -> Mode:
        """How a file's bytes travel: in the clear for whoever needs no key."""
        file = self._file(number)
        return Mode.PLAIN if self._channel is None or (file.read == FREE and file.write == FREE) else file.mode

    def _file_settings(self, data: bytes) -> bytes:
        file = self._file(data[0])
        rights = bytes([file.write << 4 | file.write, file.read << 4 | file.write])
        if isinstance(file, DataFile):
            return bytes([0x00, file.mode.value]) + rights + len(file.data).to_bytes(3, "little")
        bounds = b"".join(number.to_bytes(4, "little", signed=True) for number in (file.lower, file.upper, 0))
        return bytes([0x02, file.mode.value]) + rights + bounds + b"\x00"

    def _read_data(self, data: bytes) -> bytes:
        file = self._file(data[0])
        offset, size = int.from_bytes(data[1:4], "little"), int.from_bytes(data[4:7], "little")
        if not isinstance(file, DataFile) or len(data) != 7:
            raise _RefusedError(BAD_PARAMETER)
        self._allow(file.read, file.write)
        if offset + size > len(file.data) or (not size and offset >= len(file.data)):
            raise _RefusedError(BOUNDARY)
        return bytes(file.data[offset : offset + size] if size else file.data[offset:])

    def _get_value(self, data: bytes) -> bytes:
        file = self._file(data[0])
        if not isinstance(file, ValueFile):
            raise _RefusedError(BAD_PARAMETER)
        self._allow(file.read, file.write, file.change)
        return file.value.to_bytes(4, "little", signed=True)

    def _is_whole(self, data: bytes) -> bool:
        """Whether a WriteData has come with all the bytes it announced and what its mode adds to them."""
        size, mode = int.from_bytes(data[4:7], "little"), self._mode_now(data[0])
        added = MAC_BYTES if mode is Mode.MACED else 0
        if mode is Mode.ENCIPHERED:
            added = 4 + -(size + 4) % BLOCK
        return len(data) >= 7 + size + added

    def _write(self, instruction: int, data: bytes) -> None:
        file = self._file(data[0])
        head = data[:7] if instruction == 0x3D else data[:1]
        size = int.from_bytes(data[4:7], "little") if instruction == 0x3D else 4
        self._allow(*((file.change,) if isinstance(file, ValueFile) else (file.write,)))
        body = self._opened(instruction, head, data[len(head) :], size, self._mode_now(data[0]))
        if instruction == 0x3D and isinstance(file, DataFile):
            offset = int.from_bytes(data[1:4], "little")
            if offset + size > len(file.data):
                raise _RefusedError(BOUNDARY)
            file.data[offset : offset + size] = body
        elif instruction != 0x3D and isinstance(file, ValueFile):
            amount = int.from_bytes(body, "little", signed=True) * (1 if instruction == 0x0C else -1)
            after = file.value + self._changes.get(data[0], 0) + amount
            if not file.lower <= after <= file.upper:
                raise _RefusedError(BOUNDARY)
            self._changes[data[0]] = self._changes.get(data[0], 0) + amount
        else:
            raise _RefusedError(BAD_PARAMETER)

    def _opened(self, instruction: int, head: bytes, body: bytes, size: int, mode: Mode) -> bytes:
        """What a command writes, once what its mode adds has been found right."""
        command = bytes([instruction]) + head
        if self._channel is None:
            return body
        if mode is Mode.ENCIPHERED:
            opened = self._channel.open(command, body, size)
            if opened is None:
                raise _RefusedError(INTEGRITY)
            return opened
        mac = self._channel.hear(command + body[:size])
        if mode is Mode.MACED and body[size:] != mac:
            raise _RefusedError(INTEGRITY)
        return body[:size]

    def _settle(self, commit: bool) -> bytes:
        changes, self._changes = self._changes, {}
        if not changes:
            raise _RefusedError(NO_CHANGES)
        for number, change in changes.items():
            file = self._file(number)
            if commit and isinstance(file, ValueFile):
                file.value += change
        return b""

    def _refuse(self, status: int) -> bytes:
        raise _RefusedError(status)
