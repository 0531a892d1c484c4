"""Minutes of a line that fails in every way it can, with cards of every kind before the reader all the while."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from agent.drivers.card_libnfc import CardLibnfc, CardLibnfcOptions
from agent.drivers.facts import CardPresented, CardRefused, DeviceStatus
from simulator import ndef
from simulator.cards import Card, ClassicCard, FelicaCard, Phone, TypeBCard, UidCard
from simulator.cards_desfire import DesfireCard
from simulator.cards_files import FileCard, Files, ndef_files
from simulator.cards_type2 import Ntag213, Ntag216
from simulator.faults import Fault
from simulator.pn532 import Pn532
from tests.drivers.told import Told
from tests.waiting import eventually

SECONDS = 180
UID = bytes.fromhex("04782e21801d80")
LAST = b"\x11\x22\x33\x44"
CONTENT = ndef.text_message("会员一" * 20, "zh")


def cards() -> tuple[Card, ...]:
    return (
        UidCard(b"\x01\x02\x03\x04"),
        ClassicCard(b"\x01\x02\x03\x05"),
        Ntag213(UID, CONTENT[:100]),
        Ntag216(UID, CONTENT),
        FileCard(UID, Files(ndef_files(CONTENT))),
        DesfireCard(UID),
        Phone(),
        FelicaCard(bytes(range(8))),
        TypeBCard(b"\x01\x02\x03\x04"),
    )


def disturb(reader: Pn532, chance: random.Random) -> None:
    """Do one thing that goes wrong at a counter, or put it right."""
    match chance.randrange(6):
        case 0:
            reader.heal()
        case 1:
            reader.fail(chance.choice(list(Fault)), times=chance.randint(1, 4), after_bytes=chance.randint(0, 40))
        case 2:
            reader.unplug()
            time.sleep(chance.random() / 4)
            reader.replug()
        case 3:
            reader.port.write(chance.randbytes(chance.randint(1, 600)))
        case 4:
            reader.field.remove_during_read(chance.randint(1, 6))
            reader.field.present(*chance.sample(cards(), 2))
        case _:
            reader.field.remove()
            reader.field.present(*chance.sample(cards(), chance.randint(1, 3)))


@pytest.mark.soak
@pytest.mark.timeout(SECONDS + 120)
def test_after_minutes_of_noise_the_next_card_is_read(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print("seed", seed)
    chance, told, reader = random.Random(seed), Told(), Pn532(tmp_path / "reader")
    reader.start()
    options = {"connstring": reader.connstring, "poll_s": 0.02, "file": {}}
    driver = CardLibnfc("card", CardLibnfcOptions.from_table(options), told.emit)
    driver.start()
    try:
        ends_s = time.monotonic() + SECONDS
        while time.monotonic() < ends_s:
            disturb(reader, chance)
            time.sleep(chance.random() / 5)
            if reader.failing is Fault.DISCONNECT or not reader.port.plugged:
                reader.replug()
        reader.heal()
        reader.replug()
        reader.field.remove()
        known = {UID, b"\x01\x02\x03\x04", b"\x01\x02\x03\x05"}
        assert {fact.uid for fact in told.of(CardPresented)} <= known
        assert told.of(CardRefused)
        assert len(told.of(DeviceStatus)) > 1
        reader.field.present(UidCard(LAST))
        assert eventually(lambda: any(fact.uid == LAST for fact in told.of(CardPresented)), 30)
    finally:
        driver.close()
        reader.close()
