"""libfreefare, which knows nothing of us, takes the simulated DESFire for real: its version, its keys, its files."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator import ndef
from simulator.cards_desfire import Application, DataFile, DesfireCard, Mode, ValueFile
from simulator.cards_type2 import Ntag213, Ultralight
from simulator.pn532 import Pn532
from tests.simulator import freefare_client

UID = bytes.fromhex("04782e21801d80")
APPLICATION = bytes.fromhex("1089f4")
KEY = bytes(range(16))
WHERE = Path(__file__).parents[2]


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Pn532]:
    reader = Pn532(tmp_path / "reader")
    reader.start()
    yield reader
    reader.close()


def run(reader: Pn532, *command: str) -> str:
    environment = {**os.environ, "LIBNFC_DEFAULT_DEVICE": reader.connstring}
    done = subprocess.run(command, env=environment, cwd=WHERE, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


def test_mifare_desfire_info_reads_what_the_card_says_of_itself(reader: Pn532) -> None:
    reader.field.present(DesfireCard(UID))
    told = run(reader, "mifare-desfire-info")
    assert "UID:                      0x04782e21801d80" in told
    assert "Storage size:         0x16 (=2048 bytes)" in told
    assert "Master Key settings (0x0f)" in told and "Free memory: 2048 bytes" in told
    assert "Use random UID: no" in told


def test_it_proves_a_key_and_uses_files_in_the_clear_with_macs_and_enciphered(reader: Pn532) -> None:
    modes = enumerate((Mode.PLAIN, Mode.MACED, Mode.ENCIPHERED), start=1)
    files: dict[int, DataFile | ValueFile] = {
        number: DataFile(bytearray(200), mode, read=0, write=0) for number, mode in modes
    }
    files[4] = ValueFile(100, mode=Mode.ENCIPHERED, read=0)
    card = DesfireCard(UID, {APPLICATION: Application([KEY], files)})
    reader.field.present(card)
    told = run(reader, sys.executable, "-m", freefare_client.__name__, reader.connstring, KEY.hex())
    assert told.splitlines() == [
        "connect 0",
        "select 0",
        "wrong key -1",
        "right key 0",
        *("write 120", "read 120 True") * 3,
        "credit 0",
        "commit 0",
        "value 0 350",
        f"uid 0 {UID.hex()}",
    ]
    written = card.applications[APPLICATION].files
    assert isinstance(written[3], DataFile) and written[3].data[3:9] == b"file 3"
    assert isinstance(written[4], ValueFile) and written[4].value == 350


def test_a_card_that_hides_its_number_gives_another_each_time_and_its_own_only_under_a_key(reader: Pn532) -> None:
    card = DesfireCard(UID, {APPLICATION: Application([KEY])}, hides_number=True)
    first = card.uid
    reader.field.present(card)
    assert "Use random UID: yes" in run(reader, "mifare-desfire-info")
    assert card.uid != first and card.uid[0] == 0x08 and card.uid not in (first, UID)


@pytest.mark.parametrize("tag", [Ultralight(UID), Ntag213(UID, ndef.text_message("a"))], ids=["Ultralight", "NTAG213"])
def test_mifare_ultralight_info_knows_both_for_tags_of_pages(reader: Pn532, tag: Ultralight) -> None:
    reader.field.present(tag)
    assert f"Tag with UID {UID.hex()} is a Mifare UltraLight" in run(reader, "mifare-ultralight-info")
