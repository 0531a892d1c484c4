"""nfcpy, which shares nothing with libnfc or with us, takes the simulated reader and its tags for real."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from simulator import ndef
from simulator.cards import Card
from simulator.cards_files import FileCard, Files, ndef_files
from simulator.cards_type2 import Ntag213, Ntag215, Ntag216
from simulator.pn532 import Pn532
from tests.simulator import nfcpy_client

C = TypeVar("C", bound=Card)
TRIES = 5
UID = bytes.fromhex("04112233445566")
BEFORE, AFTER = ndef.text_message("会员一", "zh"), ndef.text_message("a text of some length, " * 4)


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Pn532]:
    reader = Pn532(tmp_path / "reader")
    reader.start()
    yield reader
    reader.close()


def told_of(reader: Pn532, make: Callable[[], C], message: bytes, password: bytes = b"") -> tuple[list[str], C]:
    """What nfcpy tells of a card, and the card.

    It gives the chip 100 ms for an answer, which a busy machine does not always have: then it is asked anew.
    """
    command = [sys.executable, "-m", nfcpy_client.__name__, str(reader.path), message.hex(), password.hex()]
    where = Path(__file__).parents[2]
    for _ in range(TRIES):
        card = make()
        reader.field.remove()
        reader.field.present(card)
        done = subprocess.run(command, cwd=where, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode == 0:
            return done.stdout.splitlines(), card
    raise AssertionError(done.stderr)


@pytest.mark.parametrize("kind", [Ntag213, Ntag215, Ntag216])
def test_it_knows_each_tag_reads_its_message_and_writes_another(reader: Pn532, kind: type[Ntag213]) -> None:
    told, tag = told_of(reader, lambda: kind(UID, BEFORE), AFTER)
    assert told == [f"NXP {kind.__name__.upper()} {UID.hex()}", f"holds {BEFORE!r}", "wrote True", "signature 32"]
    assert AFTER in tag.memory


def test_it_gives_a_tag_its_password_before_it_may_write(reader: Pn532) -> None:
    def protected() -> Ntag213:
        tag = Ntag213(UID, BEFORE)
        tag.protect(b"secr", b"et")
        return tag

    for password, right in ((b"wrong!", False), (b"secret", True)):
        told, tag = told_of(reader, protected, AFTER if right else b"", password)
        assert f"password {right}" in told
        assert (AFTER in tag.memory) is right


def test_it_reads_the_message_of_a_card_with_files(reader: Pn532) -> None:
    told, _card = told_of(reader, lambda: FileCard(UID, Files(ndef_files(BEFORE))), b"")
    assert f"holds {BEFORE!r}" in told
