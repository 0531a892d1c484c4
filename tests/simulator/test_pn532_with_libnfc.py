"""libnfc's own programs, which know nothing of us, take the simulated reader and its cards for real."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator import ndef
from simulator.cards import ClassicCard, FelicaCard, Phone, TypeBCard, UidCard
from simulator.cards_type2 import Ntag213, Ntag215, Ntag216, Ultralight, UltralightEv1
from simulator.pn532 import Pn532

UID = bytes.fromhex("04112233445566")


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Pn532]:
    reader = Pn532(tmp_path / "reader")
    reader.start()
    yield reader
    reader.close()


def run(reader: Pn532, *command: str | Path) -> str:
    environment = {**os.environ, "LIBNFC_DEFAULT_DEVICE": reader.connstring}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


def test_nfc_list_finds_every_card_in_the_field(reader: Pn532) -> None:
    reader.field.present(
        UidCard(bytes.fromhex("11223344")),
        ClassicCard(bytes.fromhex("a1b2c3d4")),
        Ntag213(bytes.fromhex("04112233445566")),
        Phone(),
        FelicaCard(bytes.fromhex("0102030405060708")),
        TypeBCard(b"\x61\x62\x63\x64"),
    )
    listed = run(reader, "nfc-list", "-v")
    assert "4 ISO14443A passive target(s) found" in listed
    for number in ("11  22  33  44", "a1  b2  c3  d4", "04  11  22  33  44  55  66"):
        assert number in listed
    assert "Random UID" in listed and "MIFARE Classic 1K" in listed and "MIFARE Ultralight" in listed
    assert "1 Felica (212 kbps) passive target(s) found" in listed
    assert "1 ISO14443B passive target(s) found" in listed


def test_nfc_list_finds_an_empty_field_empty(reader: Pn532) -> None:
    assert "0 ISO14443A passive target(s) found" in run(reader, "nfc-list", "-v")


def test_nfc_mfultralight_reads_every_page_of_a_tag_with_checksums_of_its_own(reader: Pn532, tmp_path: Path) -> None:
    message = ndef.external_message("example.org:card", b"credential")
    reader.field.present(Ntag213(bytes.fromhex("04112233445566"), message))
    dump = tmp_path / "tag"
    assert "NTAG Type: NTAG213" in run(reader, "nfc-mfultralight", "r", dump)
    assert message in dump.read_bytes()


@pytest.mark.parametrize(
    ("tag", "named"),
    [
        (Ntag215(UID), "NTAG Type: NTAG215 (504 user bytes)"),
        (Ntag216(UID), "Done, 231 of 231 pages read"),
        (UltralightEv1(UID), "EV1 type: MF0UL11 (48 bytes)"),
        (Ultralight(UID), "Done, 16 of 16 pages read"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_nfc_mfultralight_knows_each_tag_by_its_version(
    reader: Pn532, tmp_path: Path, tag: Ultralight, named: str
) -> None:
    reader.field.present(tag)
    assert named in run(reader, "nfc-mfultralight", "r", tmp_path / "tag")
    assert (tmp_path / "tag").read_bytes()[: 4 * 5] == tag.memory[: 4 * 5]


def test_nfc_mfclassic_authenticates_and_reads_every_block(reader: Pn532, tmp_path: Path) -> None:
    card = ClassicCard(bytes.fromhex("a1b2c3d4"))
    card.put(5, b"sixteen bytes it")
    reader.field.present(card)
    dump = tmp_path / "card"
    assert "64 of 64 blocks read" in run(reader, "nfc-mfclassic", "r", "a", "u", dump)
    assert dump.read_bytes()[80:96] == b"sixteen bytes it"
