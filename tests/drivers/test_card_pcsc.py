"""Through Debian's own pcscd, every card with contacts is told once, as what it is, and none stops the next."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agent.drivers.card_pcsc import CardPcsc, CardPcscOptions
from agent.drivers.facts import CardAssurance, CardKind, CardPresented, CardProblem, CardRefused, DeviceStatus, Status
from contract.settings import SettingsError
from simulator import ndef
from simulator.cards_files import NDEF_APPLICATION, NDEF_FILE, Files, ndef_files
from simulator.faults import Fault
from simulator.vpcd import ATR_T0, ATR_T1, ContactCard
from tests.drivers.told import Told
from tests.pcscd import SmartCardService, needs_pcscd, smart_card_service

pytestmark = needs_pcscd

CONTENT = ndef.text_message("会员 100234", "zh") + bytes(300)
FILE = {"application": NDEF_APPLICATION.hex(), "file": NDEF_FILE.hex()}
READ_BINARY = 0xB0


def a_card(content: bytes = CONTENT, atr: bytes = ATR_T1) -> ContactCard:
    return ContactCard(Files(ndef_files(content), in_pieces=atr == ATR_T0), atr)


def pull(service: SmartCardService) -> None:
    """Pull every card, and wait until pcscd, which looks every 0.4 s, has seen it."""
    for slot in service.slots:
        slot.faults.heal()
        slot.remove()
    assert service.wait_cards(0)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmartCardService]:
    with smart_card_service(tmp_path_factory.mktemp("pcscd")) as service:
        yield service


@pytest.fixture
def told(service: SmartCardService) -> Iterator[Told]:
    """What is told of both slots, each a device of its own."""
    told, both = Told(), []
    for name, reader in (("card", "*00 00"), ("card-2", "*00 01")):
        options = {"socket": str(service.socket_path), "reader": reader, "file": FILE, "answer_limit_s": 1.0}
        both.append(CardPcsc(name, CardPcscOptions.from_table(options), told.emit))
    for driver in both:
        driver.start()
    ready = {told.next(DeviceStatus), told.next(DeviceStatus)}
    assert ready == {DeviceStatus(name, Status.READY, "", "") for name in ("card", "card-2")}
    yield told
    for driver in both:
        driver.close()
    pull(service)


@pytest.mark.parametrize("atr", [ATR_T0, ATR_T1], ids=["T=0", "T=1"])
def test_a_card_is_presented_with_the_file_that_the_options_name(
    service: SmartCardService, told: Told, atr: bytes
) -> None:
    service.slots[0].insert(a_card(atr=atr))
    card = told.next(CardPresented)
    assert (card.kind, card.uid, card.content) == (CardKind.ISO7816, b"", CONTENT)
    assert (card.device, card.assurance) == ("card", CardAssurance.READ)


def test_a_card_that_stays_is_told_once_and_again_when_it_comes_back(service: SmartCardService, told: Told) -> None:
    first, second = service.slots
    first.insert(a_card(b"one"))
    assert told.next(CardPresented).content == b"one"
    second.insert(a_card(b"two"))
    assert told.next(CardPresented).content == b"two"
    first.remove()
    assert service.wait_cards(1)
    assert len(told.of(CardPresented)) == 2
    first.insert(a_card(b"one"))
    assert told.next(CardPresented).content == b"one"
    assert len(told.of(CardPresented)) == 3


@pytest.mark.parametrize(
    "card",
    [ContactCard(Files({})), ContactCard(Files({NDEF_APPLICATION: {}})), a_card(b"")],
    ids=["another's card", "no such file", "nothing in it"],
)
def test_a_card_with_nothing_of_ours_is_not_supported(service: SmartCardService, told: Told, card: ContactCard) -> None:
    service.slots[0].insert(card)
    assert told.next(CardRefused) == CardRefused("card", CardProblem.UNSUPPORTED)
    service.slots[1].insert(a_card(b"next"))
    assert told.next(CardPresented).content == b"next"


@pytest.mark.parametrize("atr", [b"\x00", bytes(33), bytes(40), b"\x3b" + bytes(range(0xF0, 0xFF))])
def test_a_card_put_in_the_wrong_way_is_unreadable(service: SmartCardService, told: Told, atr: bytes) -> None:
    service.slots[0].insert(a_card(atr=atr))
    assert told.next(CardRefused) == CardRefused("card", CardProblem.UNREADABLE)
    pull(service)
    service.slots[0].insert(a_card(b"the right way"))
    assert told.next(CardPresented).content == b"the right way"


class Wild:
    """A card that gives the same answer to everything."""

    atr = ATR_T1

    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    def power_up(self) -> None:
        return

    def apdu(self, command: bytes) -> bytes:
        return self._answer


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (bytes(65_535), CardProblem.UNREADABLE),
        (bytes(300), CardProblem.UNREADABLE),
        (b"\x90", CardProblem.UNREADABLE),
        (b"\x61\x00", CardProblem.UNREADABLE),
        (bytes(256) + b"\x61\x00", CardProblem.UNREADABLE),
        (b"\x6c\x05", CardProblem.UNSUPPORTED),
        (bytes(9) + b"\x6c\x10", CardProblem.UNSUPPORTED),
    ],
    ids=["64 KB", "300 bytes", "half a status", "ever more", "ever more of 256", "ever another", "another and data"],
)
def test_an_answer_that_cannot_be_true_is_refused_and_the_next_card_is_read(
    service: SmartCardService, told: Told, answer: bytes, problem: CardProblem
) -> None:
    service.slots[0].insert(Wild(answer))
    assert told.next(CardRefused) == CardRefused("card", problem)
    service.slots[1].insert(a_card(b"next"))
    assert told.next(CardPresented).content == b"next"
    assert [status.status for status in told.of(DeviceStatus)] == [Status.READY, Status.READY]


@pytest.mark.parametrize("fault", [Fault.GARBAGE, Fault.ERROR_FRAME])
def test_one_spoiled_answer_is_read_again(service: SmartCardService, told: Told, fault: Fault) -> None:
    service.slots[0].faults.fail(fault, times=1, command=READ_BINARY)
    service.slots[0].insert(a_card())
    assert told.next(CardPresented).content == CONTENT


def test_slow_answers_are_waited_for(service: SmartCardService, told: Told) -> None:
    service.slots[0].faults.fail(Fault.SLOW_BYTES, times=2)
    service.slots[0].insert(a_card(b"slow"))
    assert told.next(CardPresented).content == b"slow"


@pytest.mark.parametrize("after_bytes", [0, 2, 90])
def test_a_card_pulled_while_it_is_read_is_told_as_removed(
    service: SmartCardService, told: Told, after_bytes: int
) -> None:
    service.slots[0].faults.fail(Fault.DISCONNECT, times=1, command=READ_BINARY, after_bytes=after_bytes)
    service.slots[0].insert(a_card())
    assert told.next(CardRefused) == CardRefused("card", CardProblem.REMOVED)
    pull(service)
    service.slots[0].insert(a_card())
    assert told.next(CardPresented).content == CONTENT


def test_options_that_are_wrong_are_refused() -> None:
    for wrong in ({"reader": ""}, {"socket": "pcscd.comm"}, {"answer_limit_s": 0}, {"tag": {"key": "member"}}):
        with pytest.raises(SettingsError):
            CardPcscOptions.from_table(wrong)
    assert CardPcscOptions.from_table({"file": {}}).file == FILE
