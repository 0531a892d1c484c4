"""What cards and the reader's own process may say: doors that take it as bytes.

A card's conversation is a row of answers, each behind a byte with its length; what comes after the last one is silence.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from agent.drivers.card_lines import card_fact
from agent.drivers.cards import type2
from agent.drivers.cards.desfire import FileMode
from agent.drivers.cards.desfire_session import Session
from agent.drivers.cards.identify import Activated
from agent.drivers.cards.link import CardError
from agent.drivers.cards.plan import CardPlan, DesfirePlan, FilePlan, TagPlan
from agent.drivers.cards.reading import UnsupportedError, read_apdu_card, read_tag
from simulator import ndef
from simulator.cards import Card, Nibble
from simulator.cards_desfire import Application, DataFile, DesfireCard
from simulator.cards_files import FileCard, Files, ndef_files
from simulator.cards_type2 import Ntag213, Ntag216
from simulator.desfire_secure import SecureChannel, enciphered
from simulator.pn532_frames import HostStream

UID = bytes.fromhex("04782e21801d80")
APPLICATION = bytes.fromhex("1089f4")
CONTENT = ndef.text_message("会员一" * 20, "zh")
PLAN = CardPlan(
    TagPlan("any", b"shop", counter=True),
    DesfirePlan(APPLICATION, "any", 0, None, b"shop", 1, FileMode.PLAIN),
    FilePlan(bytes.fromhex("d2760000850101"), bytes.fromhex("e104")),
)
TAG, CARD = Activated(b"\x00\x44", 0x00, UID), Activated(b"\x03\x44", 0x20, UID)
SESSION = bytes(range(16))
_GET_FIRMWARE_VERSION = bytes.fromhex("55 0000ff 02fe d402 2a00")

Taker = tuple[Callable[[bytes], object], tuple[bytes, ...], tuple[type[Exception], ...]]


class Keys:
    """Keys that need no token."""

    def encrypt(self, name: str, block: bytes) -> bytes:
        return enciphered(bytes(16), block, bytes(16))


class Answers:
    """A card that says these answers, whatever it is asked; an empty one is a refusal."""

    def __init__(self, said: bytes) -> None:
        self._said = said
        self._gone = False

    def exchange(self, frame: bytes) -> bytes:
        return self._next()

    def apdu(self, command: bytes) -> bytes:
        return self._next()

    def write(self, page: int, data: bytes) -> None:
        self._next()

    def wake(self) -> None:
        if self._gone:
            raise CardError("gone")

    def _next(self) -> bytes:
        self._gone = not self._said
        if self._gone:
            raise CardError("silent")
        size = self._said[0]
        answer, self._said = self._said[1 : 1 + size], self._said[1 + size :]
        if not answer:
            raise CardError("refused")
        return answer


class Recorder:
    """Passes everything on to a simulated card, and keeps its answers as such a row."""

    def __init__(self, card: Card) -> None:
        self._card = card
        self.said = b""

    def exchange(self, frame: bytes) -> bytes:
        answer = self._card.exchange(frame)
        if answer is None or isinstance(answer, Nibble):
            self.said += b"\x00"
            raise CardError("refused")
        return self._kept(answer)

    def apdu(self, command: bytes) -> bytes:
        return self._kept(self._card.apdu(command) or b"")

    def write(self, page: int, data: bytes) -> None:
        raise CardError("only read here")

    def wake(self) -> None:
        self._card.power_up()

    def _kept(self, answer: bytes) -> bytes:
        self.said += bytes([len(answer)]) + answer
        return answer


def takers() -> dict[str, Taker]:
    """All of them by name: what takes the bytes, bytes that it takes, and its refusals."""
    broken = (CardError, UnsupportedError)
    return {
        "tag's memory": (_read_memory, tuple(tag.memory for tag in _tags()), (CardError, type2.NotNdefError)),
        "tag's answers": (_read_tag, tuple(_answers(tag, _ask_tag) for tag in _tags()), broken),
        "card's answers": (_read_card, tuple(_answers(card, _ask_card) for card in _cards()), broken),
        "sealed answer of a card": (_open_answer, (_sealed(b"member"), _with_mac(b"member")), broken),
        "line of a reader's process": (_take_line, _LINES, (ValueError, KeyError, TypeError, RecursionError)),
        "bytes to a simulated reader": (lambda data: HostStream().feed(data), (_GET_FIRMWARE_VERSION,), ()),
        "command to a simulated DESFire": (_command, (bytes.fromhex("905a0000031089f400"),), ()),
    }


def _tags() -> tuple[Ntag213, Ntag216]:
    return Ntag213(UID, CONTENT[:100]), Ntag216(UID, CONTENT)


def _cards() -> tuple[Card, ...]:
    application = Application([bytes(16)], {1: DataFile(bytearray(len(CONTENT).to_bytes(2, "big") + CONTENT))})
    files = FileCard(UID, Files(ndef_files(CONTENT), in_pieces=True))
    return DesfireCard(UID, {APPLICATION: application}), DesfireCard(UID), files


def _answers(card: Card, ask: Callable[[Recorder], object]) -> bytes:
    recorder = Recorder(card)
    ask(recorder)
    return recorder.said


def _ask_tag(link: Recorder | Answers) -> object:
    return read_tag(TAG, link, PLAN.tag, Keys())


def _ask_card(link: Recorder | Answers) -> object:
    return read_apdu_card(CARD, link, PLAN, Keys())


def _read_tag(said: bytes) -> object:
    return _ask_tag(Answers(said))


def _read_card(said: bytes) -> object:
    return _ask_card(Answers(said))


def _read_memory(memory: bytes) -> object:
    tag = Ntag216(UID)
    tag.damage(0, memory[: len(tag.memory)])
    return [type2.read_message(Recorder(tag), fast) for fast in (False, True)]


def _sealed(data: bytes) -> bytes:
    channel = SecureChannel(SESSION)
    channel.hear(b"\xbd")
    return b"\x00" + channel.seal(data, 0)


def _with_mac(data: bytes) -> bytes:
    channel = SecureChannel(SESSION)
    channel.hear(b"\xbd")
    return b"\x01" + data + channel.hear(data + b"\x00")


def _open_answer(data: bytes) -> bytes:
    session = Session(SESSION)
    session.command(b"\xbd")
    return session.answer(data[1:], 0) if data[:1] == b"\x01" else session.deciphered(data[1:], 0, 6)


def _take_line(line: bytes) -> object:
    return card_fact("card", json.loads(line))


_LINES = (
    b'{"t":"card","kind":"ntag","uid":"04a1b2c3d4e5f6","seen_ns":1,"assurance":"read","content":"d101","counter":null}',
    b'{"t":"refused","reason":"removed"}',
)


def _command(data: bytes) -> bytes | None:
    return DesfireCard(UID, {APPLICATION: Application()}).apdu(data)
