"""What the PN532 does with a command (NXP UM0701-02, chapter 7), without any line: bytes in, bytes out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from simulator.cards import ACK, Card, Nibble, Polling
from simulator.field import Field

FIRMWARE = bytes.fromhex("32010607")
"""IC PN532, version 1.6, supporting ISO 18092 and ISO/IEC 14443 types A and B."""

DIAGNOSE, GET_FIRMWARE_VERSION, GET_GENERAL_STATUS = 0x00, 0x02, 0x04
READ_REGISTER, WRITE_REGISTER = 0x06, 0x08
SET_SERIAL_BAUD_RATE, SET_PARAMETERS, SAM_CONFIGURATION, POWER_DOWN = 0x10, 0x12, 0x14, 0x16
RF_CONFIGURATION = 0x32
IN_DATA_EXCHANGE, IN_COMMUNICATE_THRU, IN_DESELECT = 0x40, 0x42, 0x44
IN_LIST_PASSIVE_TARGET, IN_RELEASE, IN_SELECT, IN_AUTO_POLL = 0x4A, 0x52, 0x54, 0x60

WITH_STATUS_BYTE = (POWER_DOWN, IN_DATA_EXCHANGE, IN_COMMUNICATE_THRU, IN_DESELECT, IN_RELEASE, IN_SELECT)
"""Commands whose answer begins with a status byte."""

OK, TIME_OUT, CRC_ERROR, BAD_FORMAT, AUTHENTICATION_ERROR, WRONG_CONTEXT = 0x00, 0x01, 0x02, 0x13, 0x14, 0x27

_TX_MODE, _RX_MODE, _CONTROL = 0x6302, 0x6303, 0x633C
_CRC_ENABLE = 0x80
_AUTOMATIC_RATS = 0x10
_AUTO_POLL_PERIOD_S = 0.15
_AUTO_POLL_TYPES = {
    0x00: (Polling.TYPE_A_106, 0x10),
    0x10: (Polling.TYPE_A_106, 0x10),
    0x20: (Polling.TYPE_A_106, 0x20),
    0x01: (Polling.FELICA_212, 0x11),
    0x11: (Polling.FELICA_212, 0x11),
    0x03: (Polling.TYPE_B_106, 0x23),
    0x23: (Polling.TYPE_B_106, 0x23),
}


class BadCommandError(Exception):
    """The command cannot be understood; the chip answers with an error frame."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The payload of an answer, and the card whose own answer is in it."""

    payload: bytes
    card: Card | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """The command goes on until `poll` gives a reply; after `timeout_s` (None: never) it is `otherwise`."""

    poll: Callable[[], Reply | None]
    timeout_s: float | None
    otherwise: Reply


class Chip:
    """One PN532 with a field. Not for several threads at once."""

    def __init__(self, field: Field) -> None:
        """Put a chip behind a field, and power it up."""
        self._field = field
        self._run: dict[int, Callable[[bytes], Reply | Waiting]] = {
            DIAGNOSE: self._diagnose,
            GET_FIRMWARE_VERSION: lambda _: Reply(FIRMWARE),
            GET_GENERAL_STATUS: self._general_status,
            READ_REGISTER: self._read_register,
            WRITE_REGISTER: self._write_register,
            SET_SERIAL_BAUD_RATE: lambda _: Reply(b""),
            SET_PARAMETERS: self._set_parameters,
            SAM_CONFIGURATION: self._sam_configuration,
            POWER_DOWN: self._power_down,
            RF_CONFIGURATION: self._rf_configuration,
            IN_DATA_EXCHANGE: self._data_exchange,
            IN_COMMUNICATE_THRU: self._communicate_thru,
            IN_DESELECT: self._deselect,
            IN_LIST_PASSIVE_TARGET: self._list_passive_target,
            IN_RELEASE: self._release,
            IN_SELECT: self._select,
            IN_AUTO_POLL: self._auto_poll,
        }
        self.power_on()

    def power_on(self) -> None:
        """Forget everything, as after the supply has come back; the chip sleeps until it is woken."""
        self.asleep = True
        self._registers = {_TX_MODE: _CRC_ENABLE, _RX_MODE: _CRC_ENABLE}
        self._parameters = _AUTOMATIC_RATS
        self._passive_retries = 0xFF
        self._targets: dict[int, Card] = {}
        self._field.power(False)

    def wake(self) -> None:
        """Leave power-down."""
        self.asleep = False

    def run(self, command: bytes) -> Reply | Waiting:
        """Carry out a command: its code and parameters. Raises BadCommandError."""
        handler = self._run.get(command[0])
        if handler is None:
            raise BadCommandError(f"command {command[0]:#04x}")
        try:
            return handler(command[1:])
        except (IndexError, ValueError) as wrong:
            raise BadCommandError(f"parameters of {command[0]:#04x}") from wrong

    @property
    def _rats(self) -> bool:
        return bool(self._parameters & _AUTOMATIC_RATS)

    def _diagnose(self, parameters: bytes) -> Reply:
        match parameters[0]:
            case 0x00:
                return Reply(parameters)
            case 0x01 | 0x02 | 0x04 | 0x07:
                return Reply(bytes([OK]))
            case 0x06:
                there = any(self._field.alive(card) and card.speaks_apdu for card in self._targets.values())
                return Reply(bytes([OK if there else TIME_OUT]))
            case _:
                raise BadCommandError("test number")

    def _general_status(self, parameters: bytes) -> Reply:
        targets = b"".join(bytes([number, 0x00, 0x00, 0x00]) for number in self._targets)
        return Reply(bytes([OK, 0x00, len(self._targets)]) + targets + b"\x00")

    def _read_register(self, parameters: bytes) -> Reply:
        addresses = [int.from_bytes(parameters[at : at + 2], "big") for at in range(0, len(parameters), 2)]
        return Reply(bytes(self._registers.get(address, 0) for address in addresses))

    def _write_register(self, parameters: bytes) -> Reply:
        for at in range(0, len(parameters), 3):
            self._registers[int.from_bytes(parameters[at : at + 2], "big")] = parameters[at + 2]
        return Reply(b"")

    def _set_parameters(self, parameters: bytes) -> Reply:
        self._parameters = parameters[0]
        return Reply(b"")

    def _sam_configuration(self, parameters: bytes) -> Reply:
        if parameters[0] not in (1, 2, 3, 4):
            raise BadCommandError("SAM mode")
        return Reply(b"")

    def _power_down(self, parameters: bytes) -> Reply:
        self._field.power(False)
        self._targets.clear()
        self.asleep = True
        return Reply(bytes([OK]))

    def _rf_configuration(self, parameters: bytes) -> Reply:
        item, settings = parameters[0], parameters[1:]
        if item == 0x01:
            self._field.power(bool(settings[0] & 0x01))
        elif item == 0x05:
            self._passive_retries = settings[2]
        elif item not in (0x02, 0x04, 0x0A, 0x0B, 0x0C, 0x0D):
            raise BadCommandError("configuration item")
        return Reply(b"")

    def _list_passive_target(self, parameters: bytes) -> Reply | Waiting:
        limit, polling = parameters[0], Polling(parameters[1])
        if limit not in (1, 2):
            raise BadCommandError("number of targets")
        # A number to look for comes with the cascade tags of ISO/IEC 14443-3 in it.
        wanted = parameters[2:] if polling is Polling.TYPE_A_106 else b""
        uid = b"".join(wanted[at + (wanted[at] == 0x88) : at + 4] for at in range(0, len(wanted), 4))
        self._targets.clear()
        # Activation does its own checksums and leaves them switched on.
        self._registers[_TX_MODE] = self._registers[_RX_MODE] = _CRC_ENABLE
        if self._passive_retries != 0xFF:
            return self._activate(polling, self._passive_retries + 1, limit, uid) or Reply(b"\x00")
        return Waiting(lambda: self._activate(polling, 1, limit, uid), None, Reply(b"\x00"))

    def _activate(self, polling: Polling, attempts: int, limit: int, uid: bytes = b"") -> Reply | None:
        cards = self._field.activate(polling, attempts, limit, uid, self._rats)
        if not cards:
            return None
        self._targets = dict(enumerate(cards, 1))
        data = b"".join(bytes([number]) + card.target_data(self._rats) for number, card in self._targets.items())
        return Reply(bytes([len(cards)]) + data, cards[0])

    def _auto_poll(self, parameters: bytes) -> Waiting:
        times, period, types = parameters[0], parameters[1], parameters[2:]
        if not 1 <= len(types) <= 15:
            raise BadCommandError("target types")

        def poll() -> Reply | None:
            for wanted in types:
                polling, kind = _AUTO_POLL_TYPES.get(wanted, (None, 0))
                listed = self._activate(polling, 1, 1) if polling is not None else None
                if listed is not None and listed.card is not None:
                    kind = 0x20 if kind == 0x10 and listed.card.speaks_apdu else kind
                    return Reply(bytes([1, kind, len(listed.payload) - 1]) + listed.payload[1:], listed.card)
            return None

        forever = times == 0xFF
        timeout_s = None if forever else times * period * len(types) * _AUTO_POLL_PERIOD_S
        return Waiting(poll, timeout_s, Reply(b"\x00"))

    def _data_exchange(self, parameters: bytes) -> Reply:
        card, data = self._targets.get(parameters[0] & 0x1F), parameters[1:]
        if card is None:
            return Reply(bytes([WRONG_CONTEXT]))
        if card.speaks_apdu and self._rats:
            answer = self._field.apdu(card, data)
            return Reply(bytes([TIME_OUT]) if answer is None else bytes([OK]) + answer, card)
        if len(data) >= 8 and data[0] in (0x60, 0x61):
            right = self._field.authenticate(card, data[1], data[0] == 0x61, data[2:8])
            return Reply(bytes([OK if right else AUTHENTICATION_ERROR]), card)
        said = self._field.exchange(card, data)
        if said is None:
            return Reply(bytes([TIME_OUT]))
        if isinstance(said, Nibble):
            return Reply(bytes([OK if said == ACK else BAD_FORMAT]), card)
        return Reply(bytes([OK]) + said, card)

    def _communicate_thru(self, parameters: bytes) -> Reply:
        frame = parameters
        card = next(iter(self._targets.values()), None)
        if not self._registers.get(_TX_MODE, 0) & _CRC_ENABLE:
            frame, checksum = frame[:-2], frame[-2:]
            if checksum != crc_a(frame):
                return Reply(bytes([TIME_OUT]))
        said = self._field.exchange(card, frame) if card is not None else None
        checks = bool(self._registers.get(_RX_MODE, 0) & _CRC_ENABLE)
        if said is None:
            return Reply(bytes([TIME_OUT]))
        if isinstance(said, Nibble):
            self._registers[_CONTROL] = 4
            return Reply(bytes([CRC_ERROR]) if checks else bytes([OK, said.value]), card)
        self._registers[_CONTROL] = 0
        return Reply(bytes([OK]) + (said if checks else said + crc_a(said)), card)

    def _deselect(self, parameters: bytes) -> Reply:
        for number, card in self._targets.items():
            if parameters[0] in (0, number):
                self._field.halt(card)
        return Reply(bytes([OK]))

    def _release(self, parameters: bytes) -> Reply:
        self._deselect(parameters)
        self._targets = {n: card for n, card in self._targets.items() if parameters[0] not in (0, n)}
        return Reply(bytes([OK]))

    def _select(self, parameters: bytes) -> Reply:
        card = self._targets.get(parameters[0])
        if card is None:
            return Reply(bytes([WRONG_CONTEXT]))
        return Reply(bytes([OK if self._field.reactivate(card, self._rats) else TIME_OUT]), card)


def crc_a(frame: bytes) -> bytes:
    """Return the checksum of a type A frame, low byte first (ISO/IEC 14443-3, annex B)."""
    crc = 0x6363
    for byte in frame:
        mixed = byte ^ (crc & 0xFF)
        mixed ^= (mixed << 4) & 0xFF
        crc = ((crc >> 8) ^ (mixed << 8) ^ (mixed << 3) ^ (mixed >> 4)) & 0xFFFF
    return crc.to_bytes(2, "little")
