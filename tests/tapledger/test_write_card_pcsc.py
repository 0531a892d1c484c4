"""``tapledger device write-card`` at a PC/SC reader writes the card that the credential names, and no other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from contract.credentials import GRAMMAR, MemberCredential, seal_credential
from contract.signing import SoftwareSigner
from hq.credentials import card_memory
from provisioning.birth import check_address, ensure_terminal
from provisioning.headquarters import ensure_head_office
from simulator.acr122 import READER_NAME, OnReader
from simulator.cards_type2 import Ntag213
from tapledger.main import main
from tests.pcscd import SmartCardService, needs_pcscd, smart_card_service

pytestmark = needs_pcscd

UID, OTHER = bytes.fromhex("04a1b2c3d4e5f6"), bytes.fromhex("04ffffffffffff")
CONFIG = """\
[terminal]
tenant = "demo"
shop = "a"
terminal = "a1"
identity = "identity"
store = "till.db"
[hq]
host = "127.0.0.1"
port = 1
[devices.pole]
technology = "serial"
path = "/dev/null"
[devices.card]
technology = "pcsc"
"""


@pytest.fixture
def service(tmp_path: Path) -> Iterator[SmartCardService]:
    with smart_card_service(tmp_path, READER_NAME) as service:
        yield service


def test_a_credential_is_written_onto_its_own_card_and_no_other(
    service: SmartCardService, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    now = datetime.now(UTC)
    ensure_head_office(tmp_path / "keys", "hq-1", now)
    ensure_terminal(tmp_path / "keys", check_address("demo", "a", "a1"), tmp_path, now)
    config, printed = tmp_path / "agent.toml", tmp_path / "card.hex"
    config.write_text(f'{CONFIG}reader = "*00 00"\nsocket = "{service.socket_path}"\n', encoding="utf-8")
    signer = SoftwareSigner((tmp_path / "keys" / "hq" / "document.key").read_bytes())
    memory = card_memory(seal_credential(signer, MemberCredential(GRAMMAR, "demo", "m-1", "gold", (), 30_000, UID)))
    printed.write_text(memory.hex() + "\n", encoding="ascii")
    right, wrong = Ntag213(UID), Ntag213(OTHER)
    service.slots[0].insert(OnReader(wrong))
    assert main(["device", "write-card", str(config), str(printed), "--seconds", "2"]) == 1
    assert "another card" in capsys.readouterr().out
    service.slots[0].insert(OnReader(right))
    assert main(["device", "write-card", str(config), str(printed)]) == 0
    assert "read back" in capsys.readouterr().out
    message = memory[2 : 2 + memory[1]]
    assert message in right.memory and message not in wrong.memory
    assert main(["device", "write-card", str(config), str(printed), "--name", "pole"]) == 1
    said = capsys.readouterr().err
    assert "pole is no card reader" in said and "pole 不是读卡器" in said
