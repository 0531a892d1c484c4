"""A counter for tests of a transaction: a book in memory, a journal that really signs, and a script's shorthand."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from agent.paper import Pair, Qr, Text
from agent.txn.book import ActivePack
from agent.txn.effects import Commit, Effect, Print, RecordPinTry, Sound, SoundName, WaiveReceipt
from agent.txn.events import (
    CardRead,
    CodeRead,
    CommitFailed,
    Committed,
    Event,
    KeyDown,
    PinTryCounted,
    PinTryLost,
)
from agent.txn.state import TillState
from agent.txn.step import step
from contract import credentials
from contract.credentials import MemberCredential, credential_text, seal_credential
from contract.documents import CashierRecord, CatalogueItem, PinVerifier
from contract.envelope import Keyring, keyring
from contract.ids import TerminalAddress
from contract.journal import GRAMMAR, Entry, EntryHeader, TimeQuality, seal_entry
from contract.signing import SoftwareSigner
from contract.trade import PackRef, PerpetualTotals, RefundBody, SaleBody, TopUpBody
from contract.value import Account
from rules.advice.goods import Goods
from rules.authoring import read_authored
from rules.engine.compiled import Compiled, compile_pack
from rules.grammar.pack import Pack
from tests.txn.journalled import ADDRESS as JOURNALLED_AT
from tests.txn.journalled import Journalled
from tests.txn.purse import new_signer

ADDRESS = JOURNALLED_AT
OPEN_ITEM = CatalogueItem("OPEN", "商品", "Article", "general", 0)
PENDANT = CatalogueItem("P-1", "足金吊坠", "Gold pendant", "gold", 10_000, "6901234567892")
GIFT = CatalogueItem("GIFT", "礼品袋", "Gift bag", "gift", 0, "69012345")
GOLD_UID = bytes.fromhex("04a1b2c3d4e5f6")
SILVER_UID = bytes.fromhex("08a1b2c3")
GOLD_PHONE = "13800000001"
DAY_ZERO_MS = 1_750_000_000_000
PIN = "1357"

PACK_1 = {
    "currency": "CNY",
    "rules": [
        {
            "rule": "gold-10",
            "title": "金卡9折",
            "title_en": "Gold 10 % off",
            "lane": "line",
            "when": [{"tier": ["gold"]}],
            "then": [{"percent": {"rate_bp": 1000, "scope": "line"}}],
        },
        {
            "rule": "save-20",
            "title": "满200减20",
            "title_en": "Save 20 at 200",
            "lane": "basket",
            "then": [{"spend_save": {"steps": [{"spend_minor": 20_000, "save_minor": 2_000}]}}],
        },
        {
            "rule": "points-1",
            "title": "消费积分",
            "title_en": "Points",
            "lane": "points",
            "then": [{"points_per_money": {"points": 1, "spend_minor": 100}}],
        },
    ],
    "golden": [
        {
            "basket": {
                "lines": [{"sku": "OPEN", "categories": ["general"], "quantity": 1, "unit_price_minor": 26_800}],
                "customer": {"tier": "gold"},
            },
            "payable_minor": 22_120,
            "points": 221,
        }
    ],
}
NOTHING_GOLDEN = {"basket": {"lines": []}, "payable_minor": 0}
NOTHING_OFF = {**PACK_1, "rules": [], "golden": [NOTHING_GOLDEN]}


def promising(*rules: Mapping[str, object], **more: object) -> dict[str, object]:
    """A pack of these rules alone; titles that are not given are the rule's name."""
    named = [{"title": rule["rule"], "title_en": rule["rule"], **rule} for rule in rules]
    return {"currency": "CNY", "rules": named, "golden": [NOTHING_GOLDEN], **more}


def pack(version: int, plain: Mapping[str, object] | None = None) -> ActivePack:
    """A pack as if it had been activated; without ``plain`` the one of the walking till."""
    text = json.dumps(plain or PACK_1)
    compiled = compile_pack(read_authored(text))
    return ActivePack(PackRef(version, hashlib.sha256(text.encode()).digest()), compiled, Goods(compiled))


@dataclass(frozen=True, slots=True)
class Person:
    """A cached member."""

    member: str
    name: str
    tier: str
    tags: tuple[str, ...] = ()
    points: int = 0
    phone_last4: str | None = None
    segments: tuple[str, ...] = ()
    card_type: str | None = None
    birthday: int | None = None
    visits: int | None = None
    visit_days: tuple[int, ...] = ()
    pin: PinVerifier | None = None


@dataclass(frozen=True, slots=True)
class Now:
    """A moment."""

    wall_ms: int
    monotonic_ms: int


@dataclass(frozen=True, slots=True)
class Tries:
    """Wrong PINs in a row."""

    count: int = 0
    last_ms: int = 0


def verifier(pin: str) -> PinVerifier:
    """An argon2id verifier with the least memory, so that tests are quick."""
    tag = Argon2id(salt=b"s" * 16, length=32, iterations=1, lanes=1, memory_cost=8).derive(pin.encode())
    return PinVerifier(b"s" * 16, 1, 8, tag)


GOLD = Person("m-1", "会员一", "gold", (), 1_250, "0001")
SILVER = Person("m-2", "会员二", "silver", (), 80, "0002")


@dataclass
class MemoryBook(Journalled):
    """The book of a terminal whose documents have arrived, all in memory; a test changes what it needs."""

    hq: SoftwareSigner = field(default_factory=new_signer)
    active: ActivePack | None = field(default_factory=lambda: pack(1))
    cards: dict[bytes, Person] = field(default_factory=lambda: {GOLD_UID: GOLD, SILVER_UID: SILVER})
    phones: dict[str, Person] = field(default_factory=lambda: {GOLD_PHONE: GOLD, "13800000002": SILVER})
    items: dict[str, CatalogueItem] = field(
        default_factory=lambda: {item.barcode: item for item in (PENDANT, GIFT) if item.barcode}
    )
    open_article: CatalogueItem | None = OPEN_ITEM
    cashiers: dict[str, CashierRecord] = field(
        default_factory=lambda: {"1001": CashierRecord("1001", "收银员", verifier(PIN))}
    )
    tries: dict[str, Tries] = field(default_factory=dict)
    elapsed_ms: int = 0
    owed: list[Entry] = field(default_factory=list)
    money: str = "CNY"
    made: int = 0
    address: TerminalAddress = ADDRESS

    @property
    def hq_keys(self) -> Keyring:
        return keyring(self.hq.public)

    def now(self) -> Now:
        return Now(DAY_ZERO_MS + self.elapsed_ms, self.elapsed_ms)

    def local_time(self, wall_ms: int) -> str:
        return f"2025-06-15 15:06:{wall_ms // 1000 % 60:02d}"

    def new_transaction(self) -> bytes:
        self.made += 1
        return self.made.to_bytes(16)

    def member_by_card(self, uid: bytes) -> Person | None:
        return self.cards.get(uid)

    def member_by_phone(self, digits: str) -> Person | None:
        return self.phones.get(digits)

    def members_by_last4(self, digits: str, most: int) -> tuple[Person, ...]:
        return tuple(person for person in self.phones.values() if person.phone_last4 == digits)[:most]

    def member_by_id(self, member: str) -> Person | None:
        return next((person for person in self.cards.values() if person.member == member), None)

    def item_by_barcode(self, digits: str) -> CatalogueItem | None:
        return self.items.get(digits)

    def open_item(self) -> CatalogueItem | None:
        return self.open_article

    def cashier(self, number: str) -> CashierRecord | None:
        return self.cashiers.get(number)

    def member_pin_tries(self, member: str) -> Tries:
        return self.tries.get(member, Tries())

    def spent_since(self, account: Account, since_ms: int) -> int:
        bodies = [entry.body() for entry in self.journal if entry.header.wall_ms >= since_ms]
        draws = [draw for body in bodies if isinstance(body, SaleBody) for draw in body.draws]
        return sum(draw.whole for draw in draws if draw.account == account)

    def pin_tries(self, number: str) -> Tries:
        return self.tries.get(number, Tries())

    def pack(self) -> ActivePack | None:
        return self.active

    def pack_of(self, ref: PackRef) -> Pack | None:
        return self.active.pack if self.active is not None and self.active.ref == ref else None

    def compiled_of(self, ref: PackRef) -> Compiled | None:
        return self.active.compiled if self.active is not None and self.active.ref == ref else None

    def totals(self) -> PerpetualTotals:
        return self.sold

    def shop_name(self) -> str:
        return "示范珠宝店"

    def currency(self) -> str:
        return self.money

    def unprinted(self) -> tuple[Entry, ...]:
        return tuple(self.owed)

    def append(self, commit: Commit) -> Entry:
        """Journal what a commit asks for, as the store does: once per transaction id."""
        for entry in self.journal:
            if entry.header.transaction == commit.transaction:
                return entry
        header = EntryHeader(
            GRAMMAR,
            self.address,
            1,
            len(self.journal) + 1,
            bytes(32),
            commit.kind,
            commit.transaction,
            self.now().wall_ms,
            TimeQuality.SYNCHRONISED,
            bytes(16),
            self.elapsed_ms,
        )
        entry = seal_entry(self.hq, header, commit.body)
        self.journal.append(entry)
        self.keep(commit.body)
        if isinstance(commit.body, SaleBody | RefundBody | TopUpBody):
            self.sold = commit.body.totals
        if commit.owes_receipt:
            self.owed.append(entry)
        return entry


@dataclass
class Desk:
    """A till at which a test plays the people: effects are kept, PIN tries counted, and commits wait for the test."""

    book: MemoryBook = field(default_factory=MemoryBook)
    state: TillState = field(default_factory=TillState)
    effects: list[Effect] = field(default_factory=list)
    disk_refuses: bool = False

    def tell(self, *events: Event) -> tuple[Effect, ...]:
        """Step through events; return the effects of the last one."""
        last: tuple[Effect, ...] = ()
        for event in events:
            self.state, last = step(self.state, event, self.book)
            self.effects += last
            for effect in last:
                if isinstance(effect, RecordPinTry):
                    last += self.tell(self._counted(effect))
        return last

    def _counted(self, effect: RecordPinTry) -> Event:
        """Count a PIN try as the store does, unless the disk refuses."""
        if self.disk_refuses:
            return PinTryLost("io")
        count = 0 if effect.ok else self.book.pin_tries(effect.who).count + 1
        self.book.tries[effect.who] = Tries(count, effect.now_ms)
        return PinTryCounted(effect.who, effect.ok, effect.of)

    def keys(self, *keys: str) -> tuple[Effect, ...]:
        """Press keys; a run of digits and points is pressed one by one."""
        last: tuple[Effect, ...] = ()
        for key in keys:
            typed = key.replace(".", "").isdigit() and key != "00"
            for one in key if typed else [key]:
                last = self.tell(KeyDown(one))
        return last

    def sign_in(self) -> Desk:
        """Sign the cashier in."""
        self.keys("1001", "enter", PIN, "enter")
        assert self.state.cashier is not None
        return self

    def tap(
        self, uid: bytes = GOLD_UID, content: bytes | None = None, authenticated: bool = False
    ) -> tuple[Effect, ...]:
        """Tap a card."""
        return self.tell(CardRead("uid", uid, content, authenticated))

    def scan(self, text: str | bytes) -> tuple[Effect, ...]:
        """Scan a code."""
        return self.tell(CodeRead(text if isinstance(text, bytes) else text.encode()))

    def commit(self) -> tuple[Effect, ...]:
        """Let the outstanding commit become durable."""
        assert self.state.outstanding is not None
        return self.tell(Committed(self.book.append(self.state.outstanding)))

    def commit_entry(self) -> Entry:
        """Let the outstanding commit become durable; return the entry."""
        self.commit()
        return self.book.journal[-1]

    def fail_commit(self, cause: str = "full") -> tuple[Effect, ...]:
        """Let the outstanding commit fail."""
        return self.tell(CommitFailed(cause))

    def sell(self, amount: str = "268.00") -> tuple[Effect, ...]:
        """Key an amount, take cash, let it become durable."""
        self.keys(amount, "enter", "cash")
        return self.commit()

    def credential(
        self,
        signer: SoftwareSigner | None = None,
        tenant: str = "acme",
        member: str = "m-9",
        days: int = 1,
        card: bytes | None = None,
    ) -> str:
        """The text of a member's code, valid until ``days`` from now; for one ``card`` alone where that is given."""
        until = self.book.now().wall_ms // 86_400_000 + days
        told = MemberCredential(credentials.GRAMMAR, tenant, member, "gold", (), until, card)
        return credential_text(seal_credential(signer or self.book.hq, told))

    def basket_is_open(self) -> bool:
        """Whether another pack has to wait."""
        return self.state.open_basket

    @property
    def refused(self) -> str:
        """The code of the refusal that is shown, or nothing."""
        return self.state.refusal.code.value if self.state.refusal else ""


def sounds(effects: Iterable[Effect]) -> list[SoundName]:
    """The sounds among effects."""
    return [effect.name for effect in effects if isinstance(effect, Sound)]


def prints(effects: Iterable[Effect]) -> list[Print]:
    """The papers among effects."""
    return [effect for effect in effects if isinstance(effect, Print)]


def commits(effects: Iterable[Effect]) -> list[Commit]:
    """The commits among effects."""
    return [effect for effect in effects if isinstance(effect, Commit)]


def waived(effects: Iterable[Effect]) -> list[int]:
    """The entries whose receipts were waived."""
    return [effect.seq for effect in effects if isinstance(effect, WaiveReceipt)]


def paper_text(effects: Iterable[Effect]) -> list[str]:
    """The words of the one paper among effects, row by row."""
    (printed,) = prints(effects)
    rows = []
    for row in printed.paper.rows:
        match row:
            case Text(text=text):
                rows.append(text)
            case Pair(left=left, right=right):
                rows.append(f"{left} | {right}")
            case Qr(data=data):
                rows.append(data)
    return rows
