"""Who and what comes to the demo's counter: the cards in the tray, the members behind them, the codes on phones."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy import select

from contract.coupons import coupon_text
from contract.presentations import Shown, presentation_text, seal_presentation
from contract.signing import SoftwareSigner
from contract.value import Account, Asset
from demo.page_state import CardState, CodeState, Look
from demo.site import TENANT, TILL
from demo.stage import Stage
from hq.coupons import CouponTerms
from hq.credentials import CredentialTerms, issue_credential, qr_text
from hq.db import reading
from hq.office import open_office
from hq.tables import coupons, leases
from hq.value_office import lend_to, make_coupon, pay_money_in
from simulator.cards import Card, ClassicCard, FelicaCard, Phone
from simulator.cards_type2 import Ntag213

GOLD_MEMBER = "m1"
QR_MEMBER = "m2"
PHONE_MEMBER = "m3"
PHONE_NUMBER = "13800000003"
CASHIER = ("01", "1234")
TEA_BARCODE = "6901234567908"
COUPON = "TEN-OFF"
"""The code that a rule of both packs asks for."""
PAID_IN_MINOR = 20_000
PAID_BONUS_MINOR = 2_000

CREDENTIAL_DAYS = 30
_SECONDS_A_DAY = 86_400

PACKS = {
    "pack1": ("规则包 1:满200减20,1 倍积分", "Pack 1: spend 200 save 20, single points", 1),
    "pack2": ("规则包 2:满200减30,双倍积分", "Pack 2: spend 200 save 30, double points", 2),
}
"""The rule packs that come with the demo: words in both languages, and the version head office gives them."""


@dataclass(frozen=True, slots=True)
class TrayItem:
    """A thing in the tray: how the page shows it, and how the reader meets it."""

    name: str
    state: CardState
    card: Callable[[], Card]


@dataclass(frozen=True, slots=True)
class PhoneCode:
    """A code a phone shows: its name, how the page calls it, and what makes the text in it, anew each time."""

    name: str
    state: CodeState
    text: Callable[[], str]


def gold_card() -> Card:
    """The gold member's card, a MIFARE Classic."""
    return ClassicCard(bytes.fromhex("5a1c9e07"))


def silver_card() -> Card:
    """The silver member's card, another MIFARE Classic."""
    return ClassicCard(bytes.fromhex("7b20f311"))


def unknown_card() -> Card:
    """A tag that no member holds."""
    return Ntag213(bytes.fromhex("04c1a2b3d4e5f6"))


def tray() -> tuple[TrayItem, ...]:
    """What lies beside the reader."""
    rows: tuple[tuple[CardState, Callable[[], Card]], ...] = (
        (_card("gold", "gold", "金卡", "Gold card", "会员一", "Member 1"), gold_card),
        (_card("silver", "silver", "银卡", "Silver card", "会员二", "Member 2"), silver_card),
        (
            _card("hasty", "pulled", "拿得太快", "Pulled away", "没读完就拿开", "Leaves while read"),
            unknown_card,
        ),
        (_card("unknown", "plain", "陌生卡", "Unknown card", "没有会员持有", "No member holds it"), unknown_card),
        (_card("phone", "phone", "手机", "Phone", "不是会员卡", "Not a member card"), Phone),
        (
            _card("felica", "plain", "其他制式卡", "Foreign card", "读卡器不支持", "Of a kind not supported"),
            lambda: FelicaCard(bytes.fromhex("0101050112345678")),
        ),
    )
    return tuple(TrayItem(state["name"], state, card) for state, card in rows)


def give_value(stage: Stage) -> None:
    """Book what the gold member has paid to head office beforehand, and lend half of it to the till. The second time
    changes nothing.
    """
    with reading(stage.office) as connection:
        known = connection.scalar(select(leases.c.lease).where(leases.c.address == str(TILL)).limit(1))
    if known is None:
        with open_office(stage.site.hq_config) as office:
            pay_money_in(office, GOLD_MEMBER, PAID_IN_MINOR, PAID_BONUS_MINOR, "demo")
            lend_to(office, TILL, Account(Asset.STORED, GOLD_MEMBER), (PAID_IN_MINOR + PAID_BONUS_MINOR) // 2)


def codes(stage: Stage) -> tuple[PhoneCode, ...]:
    """What the phone can show: a good code, one that the phone signs at this moment, a coupon, an expired code, and one
    that somebody has tampered with.
    """
    good = phone_code(stage)
    forged = good[:-9] + ("A" if good[-9] != "A" else "B") + good[-8:]
    key = ec.generate_private_key(ec.SECP256R1())
    phone = SoftwareSigner(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    bound = _credential(stage, CREDENTIAL_DAYS, phone.public.raw)
    return (
        _code("member", "会员二的会员码", "Member 2's code", good),
        PhoneCode(
            "signed",
            CodeState(name="signed", zh="会员二：手机现签的码", en="Member 2: signed now"),
            lambda: _shown_now(phone, bound),
        ),
        _code("coupon", "会员一的电子券(减10元)", "Coupon: 10 off", _coupon(stage)),
        _code("expired", "过期的会员码", "An expired code", phone_code(stage, days=-1)),
        _code("forged", "被篡改的会员码", "A tampered code", forged),
        _code("tea", "春茶 250 克(商品码)", "Spring tea 250 g (article)", TEA_BARCODE),
    )


def phone_code(stage: Stage, days: int = CREDENTIAL_DAYS) -> str:
    """The code on the silver member's phone, issued by head office, good for ``days`` from today."""
    return qr_text(_credential(stage, days))


def _credential(stage: Stage, days: int, phone_key: bytes | None = None) -> bytes:
    today = int(datetime.now(UTC).timestamp()) // _SECONDS_A_DAY
    with reading(stage.office) as connection:
        terms = CredentialTerms(today + days, today, phone_key=phone_key)
        return issue_credential(connection, stage.hq_signer(), TENANT, QR_MEMBER, terms)


def _shown_now(phone: SoftwareSigner, credential: bytes) -> str:
    """What the phone shows at this moment; no two are the same."""
    now_ms = time.time_ns() // 1_000_000
    return presentation_text(seal_presentation(phone, Shown(credential, now_ms, secrets.token_bytes(16))))


def _coupon(stage: Stage) -> str:
    """The gold member's coupon, issued once however often the demo is started in a folder."""
    with reading(stage.office) as connection:
        sealed = connection.scalar(select(coupons.c.sealed).where(coupons.c.code == COUPON))
    if sealed is not None:
        return coupon_text(sealed)
    now_ms = time.time_ns() // 1_000_000
    with open_office(stage.site.hq_config) as office:
        until_ms = now_ms + CREDENTIAL_DAYS * _SECONDS_A_DAY * 1_000
        return make_coupon(office, CouponTerms(COUPON, now_ms, until_ms, GOLD_MEMBER))


def _card(name: str, look: Look, zh: str, en: str, note_zh: str, note_en: str) -> CardState:
    return CardState(name=name, look=look, zh=zh, en=en, note_zh=note_zh, note_en=note_en)


def _code(name: str, zh: str, en: str, text: str) -> PhoneCode:
    return PhoneCode(name, CodeState(name=name, zh=zh, en=en), lambda: text)
