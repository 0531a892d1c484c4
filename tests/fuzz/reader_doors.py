"""What PC/SC readers and the cards in them may say: doors that take it as bytes, as those of card_doors.py do."""

from __future__ import annotations

from agent.drivers.cards.contactless import ReaderTagLink, activated
from agent.drivers.cards.identify import Family
from agent.drivers.cards.link import CardError
from agent.drivers.cards.reading import UnsupportedError, read_apdu_card, read_contact_card, read_tag
from simulator.acr122 import OnReader
from simulator.cards_desfire import DesfireCard
from simulator.cards_files import FileCard, Files, ndef_files
from simulator.cards_type2 import Ntag213, Ntag216
from simulator.vpcd import ATR_T1, ContactCard, SlotCard
from tests.fuzz.card_doors import CONTENT, PLAN, UID, Answers, Keys, Taker


class Recorder:
    """Passes everything on to a card in a slot, and keeps its ATR and its answers, each behind its length."""

    def __init__(self, card: SlotCard) -> None:
        self._card = card
        self.said = _behind_length(card.atr)

    def apdu(self, command: bytes) -> bytes:
        answer = self._card.apdu(command) or b""
        self.said += _behind_length(answer)
        return answer

    def wake(self) -> None:
        self._card.power_up()


def takers() -> dict[str, Taker]:
    """All of them by name: what takes the bytes, bytes that it takes, and its refusals."""
    seeds = tuple(_recorded(card) for card in _cards())
    return {"ATR and answers of a card in a reader": (_read, seeds, (CardError, UnsupportedError))}


def _cards() -> tuple[SlotCard, ...]:
    files = FileCard(UID, Files(ndef_files(CONTENT)))
    on_reader = (Ntag213(UID, CONTENT[:100]), Ntag216(UID, CONTENT), DesfireCard(UID), files)
    return (*(OnReader(card) for card in on_reader), ContactCard(Files(ndef_files(CONTENT), in_pieces=True), ATR_T1))


def _recorded(card: SlotCard) -> bytes:
    recorder = Recorder(card)
    _ask(recorder, card.atr)
    return recorder.said


def _read(said: bytes) -> object:
    size = said[0] if said else 0
    return _ask(Answers(said[1 + size :]), said[1 : 1 + size])


def _ask(link: Recorder | Answers, atr: bytes) -> object:
    card = activated(link, atr)
    if card is None:
        return read_contact_card(link, PLAN.file)
    if card.family is Family.APDU:
        return read_apdu_card(card, link, PLAN, Keys())
    return read_tag(card, ReaderTagLink(link, card.uid, direct=True, reset=link.wake), PLAN.tag, Keys())


def _behind_length(data: bytes) -> bytes:
    return bytes([len(data)]) + data
