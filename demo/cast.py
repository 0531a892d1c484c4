"""Who and what comes to the demo's counter: the cards in the tray, the members behind them, the codes on phones."""

from datetime import UTC, datetime

from contract.credentials import MemberCredential, credential_text, seal_credential
from contract.signing import Signer
from demo.site import TENANT
from simulator.cards import Card, ClassicCard, Ntag213, Phone

GOLD_MEMBER = "m1"
QR_MEMBER = "m2"
PHONE_MEMBER = "m3"
PHONE_NUMBER = "13800000003"
CASHIER = ("01", "1234")
WATER_BARCODE = "6901234567892"

CREDENTIAL_DAYS = 30
_SECONDS_A_DAY = 86_400


def gold_card() -> Card:
    """The gold member's card, a MIFARE Classic."""
    return ClassicCard(bytes.fromhex("5a1c9e07"))


def unknown_card() -> Card:
    """A tag that no member holds."""
    return Ntag213(bytes.fromhex("04c1a2b3d4e5f6"))


def phone_in_the_field() -> Card:
    """A phone held to the reader: it speaks, but is no member card."""
    return Phone()


def phone_code(signer: Signer) -> str:
    """The code on the silver member's phone, as head office signs it, good for a month from now."""
    today = int(datetime.now(UTC).timestamp()) // _SECONDS_A_DAY
    credential = MemberCredential(TENANT, QR_MEMBER, "silver", (), today + CREDENTIAL_DAYS)
    return credential_text(seal_credential(signer, credential))
