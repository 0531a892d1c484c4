"""Who and what comes to the demo's counter: the cards in the tray, the members behind them, the codes on phones."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from demo.page_state import CardState, CodeState, Look
from demo.site import TENANT
from demo.stage import Stage
from hq.credentials import CredentialTerms, issue_credential, qr_text
from hq.db import reading
from simulator.cards import Card, ClassicCard, FelicaCard, Ntag213, Phone

GOLD_MEMBER = "m1"
QR_MEMBER = "m2"
PHONE_MEMBER = "m3"
PHONE_NUMBER = "13800000003"
CASHIER = ("01", "1234")
TEA_BARCODE = "6901234567908"

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
    """A code a phone shows: its name, how the page calls it, and the text in it."""

    name: str
    state: CodeState
    text: str


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


def codes(stage: Stage) -> tuple[PhoneCode, ...]:
    """What the phone can show: a good code, an expired one, and one that somebody has tampered with."""
    good = phone_code(stage)
    forged = good[:-9] + ("A" if good[-9] != "A" else "B") + good[-8:]
    return (
        _code("member", "会员二的会员码", "Member 2's code", good),
        _code("expired", "过期的会员码", "An expired code", phone_code(stage, days=-1)),
        _code("forged", "被篡改的会员码", "A tampered code", forged),
        _code("tea", "春茶 250 克(商品码)", "Spring tea 250 g (article)", TEA_BARCODE),
    )


def phone_code(stage: Stage, days: int = CREDENTIAL_DAYS) -> str:
    """The code on the silver member's phone, issued by head office, good for ``days`` from today."""
    today = int(datetime.now(UTC).timestamp()) // _SECONDS_A_DAY
    with reading(stage.office) as connection:
        terms = CredentialTerms(today + days, today)
        return qr_text(issue_credential(connection, stage.hq_signer(), TENANT, QR_MEMBER, terms))


def _card(name: str, look: Look, zh: str, en: str, note_zh: str, note_en: str) -> CardState:
    return CardState(name=name, look=look, zh=zh, en=en, note_zh=note_zh, note_en=note_en)


def _code(name: str, zh: str, en: str, text: str) -> PhoneCode:
    return PhoneCode(name, CodeState(name=name, zh=zh, en=en), text)
