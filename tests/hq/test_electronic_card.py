"""A member whom a till never heard of is believed by what head office signed: in a QR code, and on an NFC tag."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.drivers.card_libnfc import CardLibnfc, CardLibnfcOptions
from agent.drivers.facts import CardPresented
from agent.txn.events import CardRead
from agent.txn.state import Selling
from contract.credentials import read_credential_text
from contract.envelope import keyring
from contract.trade import Assurance, Medium, MemberRef
from hq.credentials import MOST_CARD_BYTES
from hq.identity import load_signer
from hq.office import open_office
from simulator.cards_type2 import Ntag213
from simulator.pn532 import Pn532
from tests.agent.real_till import RealTill, real_till
from tests.drivers.told import Told
from tests.hq.test_office import Run, run, site
from tests.hq.test_value_office import said, staffed
from tests.hq.tills import A1, B1
from tests.txn.purse import new_signer

__all__ = ["run", "site", "staffed"]

TAG = bytes.fromhex("04a1b2c3d4e5f6")
PLAIN_BYTES = 120
"""What a credential without a card takes: signature (64), key id, algorithm, content type and COSE_Sign1 around them 89
(RFC 9052), who the member is and until when some 30.
"""


@pytest.fixture
def till(staffed: Path, tmp_path: Path) -> Iterator[RealTill]:
    """A till of this tenant whose cache has another member alone; nothing connects it to anybody."""
    with open_office(staffed / "hq.toml") as office:
        believed = keyring(load_signer(office.config).public)
    found = real_till(tmp_path / "till", A1, new_signer(), (B1, new_signer()), believed=believed)
    assert found.store.member_by_id("m1") is None
    yield found
    found.store.close()


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Pn532]:
    """A reader as libnfc knows one."""
    found = Pn532(tmp_path / "reader")
    found.start()
    yield found
    found.close()


def recognised(till: RealTill) -> tuple[MemberRef, str]:
    """Who is at the counter, and of which tier."""
    assert till.refused == "" and isinstance(till.state.scene, Selling)
    basket = till.state.scene.basket
    assert basket is not None and basket.buyer is not None
    return basket.buyer.ref, basket.buyer.customer.tier


def write(tag: Ntag213, memory: bytes) -> None:
    """Write on a tag page by page, as any programme for it does."""
    for page, at in enumerate(range(0, len(memory), 4), start=4):
        assert tag.exchange(bytes([0xA2, page]) + memory[at : at + 4].ljust(4, b"\0")) is not None


def test_what_head_office_signed_is_believed_offline_from_a_picture_and_from_a_tag(
    staffed: Path, run: Run, capsys: pytest.CaptureFixture[str], till: RealTill, reader: Pn532
) -> None:
    picture = staffed / "m1.png"
    text = said(run, capsys, "members", "code", "m1", "--picture", str(picture))
    seen = subprocess.run(["zbarimg", "-q", "--raw", str(picture)], capture_output=True, timeout=60, check=True)
    assert seen.stdout.decode().strip() == text and len(read_credential_text(text)) <= PLAIN_BYTES
    till.scan(seen.stdout.decode().strip())
    assert recognised(till) == (MemberRef("m1", Medium.QR, Assurance.SIGNED), "gold")
    till.keys("cancel")

    written = bytes.fromhex(said(run, capsys, "members", "code", "m1", "--card", TAG.hex(), "--limit", "200"))
    assert len(written) <= MOST_CARD_BYTES == 144
    tag, copy = Ntag213(TAG), Ntag213(bytes.fromhex("04a1b2c3d4e5f7"))
    told = Told()
    driver = CardLibnfc("card", CardLibnfcOptions(reader.connstring, poll_s=0.02), told.emit)
    driver.start()
    try:
        for one in (copy, tag):
            write(one, written)
            reader.field.present(one)
            shown = told.next(CardPresented)
            till.tell(CardRead(shown.kind.value, shown.uid, shown.content))
            if one is copy:
                assert till.refused == "credential_copied"
                reader.field.remove()
                assert reader.field.wait_polled(8)
    finally:
        driver.close()
    assert recognised(till) == (MemberRef("m1", Medium.CARD, Assurance.SIGNED), "gold")
    # And it is sold to as to a member, with no network at all.
    till.keys("10", "enter", "cash")
    assert till.refused == "" and till.journal()[-1].header.kind == "sale"
