"""pcsc_scan and opensc-tool, which know nothing of us, see the simulated cards as what they are."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from simulator.acr122 import OnReader
from simulator.cards import ClassicCard
from simulator.cards_desfire import DesfireCard
from simulator.cards_files import Files, ndef_files
from simulator.cards_type2 import Ultralight
from simulator.vpcd import ATR_T0, ATR_T1, ContactCard, SlotCard
from tests.pcscd import READER, SmartCardService, needs_pcscd, smart_card_service

pytestmark = needs_pcscd

UID = bytes.fromhex("04782e21801d80")
SELECT, READ = "00:A4:04:00:07:D2:76:00:00:85:01:01", "00:B0:00:00:08"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmartCardService]:
    with smart_card_service(tmp_path_factory.mktemp("pcscd")) as service:
        yield service


@pytest.fixture(autouse=True)
def _pulled(service: SmartCardService) -> Iterator[None]:
    yield
    service.slots[0].remove()
    assert service.wait_cards(0)


def put_in(service: SmartCardService, card: SlotCard) -> None:
    service.slots[0].insert(card)
    assert service.wait_cards(1)


@pytest.mark.parametrize("atr", [ATR_T0, ATR_T1], ids=["T=0", "T=1"])
def test_opensc_tool_gets_the_atr_and_reads_a_file(service: SmartCardService, atr: bytes) -> None:
    put_in(service, ContactCard(Files(ndef_files(b"member")), atr))
    assert service.run("opensc-tool", "--reader", "0", "--atr").stdout.split() == [":".join(f"{b:02x}" for b in atr)]
    commands = [word for apdu in (SELECT, "00:A4:00:0C:02:E1:04", READ) for word in ("--send-apdu", apdu)]
    told = service.run("opensc-tool", "--reader", "0", *commands).stdout
    assert told.count("SW1=0x90, SW2=0x00") == 3
    assert "00 06 6D 65 6D 62 65 72 ..member" in told


def test_opensc_tool_is_refused_what_the_card_has_not(service: SmartCardService) -> None:
    put_in(service, ContactCard(Files({})))
    asked = ("--send-apdu", SELECT, "--send-apdu", READ, "--send-apdu", "80:CA:00:00:00")
    told = service.run("opensc-tool", "--reader", "0", *asked).stdout
    assert [line[10:28] for line in told.splitlines() if line.startswith("Received")] == [
        "SW1=0x6A, SW2=0x82",
        "SW1=0x69, SW2=0x86",
        "SW1=0x6E, SW2=0x00",
    ]


def scanned(service: SmartCardService) -> str:
    """What pcsc_scan says in the first seconds; it goes on for ever."""
    return service.run("timeout", "2", "pcsc_scan").stdout


@pytest.mark.parametrize(
    ("card", "words"),
    [
        (ContactCard(Files({}), ATR_T1), "ATR: 3B 84 01 54 41 50 4C 8C"),
        (OnReader(Ultralight(UID)), "ATR: 3B 8F 80 01 80 4F 0C A0 00 00 03 06 03 00 03 00 00 00 00 68"),
        (
            OnReader(ClassicCard(b"\x11\x22\x33\x44")),
            "ATR: 3B 8F 80 01 80 4F 0C A0 00 00 03 06 03 00 01 00 00 00 00 6A",
        ),
        (OnReader(DesfireCard(UID)), "ATR: 3B 81 80 01 80 80"),
    ],
    ids=["contacts", "Ultralight", "Classic", "DESFire"],
)
def test_pcsc_scan_finds_the_card_and_its_atr_well_formed(
    service: SmartCardService, card: SlotCard, words: str
) -> None:
    put_in(service, card)
    told = scanned(service)
    assert f"0: {READER} 00 00" in told and words in told and "Card inserted" in told
    assert "(correct checksum)" in told
