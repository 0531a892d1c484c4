"""A head office on a database of its own, and tills that speak to it in the bytes of the contract."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy import Connection, Engine
from sqlalchemy.engine import URL

from contract import topics, wire
from contract.basket import Basket, BasketLine, Customer
from contract.bodies import Body, CarryOverBody, EntryKind, EpochReason, EpochStartBody, TechnicalEventBody
from contract.documents import DocumentKind
from contract.envelope import keyring
from contract.ids import TerminalAddress
from contract.journal import GRAMMAR, Entry, EntryHeader, TimeQuality, identity_hash, seal_entry
from contract.messages import (
    Ack,
    Batch,
    EarlierEpoch,
    HeldDocument,
    Hello,
    LeasesHeld,
    Welcome,
    leases_digest,
    open_ack,
    open_welcome,
)
from contract.signing import PublicKey, SoftwareSigner
from contract.topics import Down, Up
from contract.trade import Assurance, Medium, MemberRef, PackRef, PerpetualTotals, SaleBody, Tender, TenderKind
from hq import books
from hq.db import migrate, open_database, reading, writing
from hq.documents import Desk, StoredDocument, publish, sign_pack
from hq.people import enrol, replace_members
from hq.sources import Enrolment, MemberRow
from hq.worker import Publish, Worker
from rules.authoring import read_authored
from rules.engine.compiled import compile_pack
from rules.engine.price import price
from rules.grammar.pack import Pack
from rules.postings import sale_postings

T = TypeVar("T")

TENANT = "acme"
A1 = TerminalAddress(TENANT, "shop-a", "a1")
B1 = TerminalAddress(TENANT, "shop-b", "b1")
NOW_MS = 1_800_000_000_000

PACK = """{
  "currency": "CNY",
  "rules": [
    {"rule": "gold-10", "title": "金卡9折", "title_en": "Gold 10 % off", "lane": "line", "when": [{"tier": ["gold"]}],
     "then": [{"percent": {"rate_bp": 1000, "scope": "line"}}]},
    {"rule": "spend-200-save-20", "title": "满200减20", "title_en": "Spend 200, save 20", "lane": "basket",
     "then": [{"spend_save": {"steps": [{"spend_minor": 20000, "save_minor": 2000}]}}]},
    {"rule": "points-1", "title": "消费积分", "title_en": "Points", "lane": "points",
     "when": [{"member": true}], "then": [{"points_per_money": {"points": 1, "spend_minor": 100}}]}
  ],
  "golden": [
    {"basket": {"lines": [{"sku": "open", "categories": ["general"], "quantity": 1, "unit_price_minor": 26800}],
                "customer": {"tier": "gold"}},
     "payable_minor": 22120, "points": 221}
  ]
}"""

GOLD = MemberRow("m1", "会员一", "gold", (), ("04a1b2c3",), "13800000001")
GOLD_AT_TILL = MemberRef("m1", Medium.CARD, Assurance.CLAIMED)


def new_signer_pem() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def new_signer() -> SoftwareSigner:
    return SoftwareSigner(new_signer_pem())


class Till:
    """A till's journal as bytes. Entries made are chained whether they are sent or not."""

    def __init__(self, address: TerminalAddress, epoch: int = 1) -> None:
        self.address = address
        self.epoch = epoch
        self.signer = new_signer()
        self.entries: list[Entry] = []
        self.wall_ms = NOW_MS

    @property
    def enrolment(self) -> Enrolment:
        return Enrolment(self.address, self.epoch, self.signer.public)

    @property
    def key(self) -> PublicKey:
        return self.signer.public

    @property
    def head_hash(self) -> bytes:
        if self.entries:
            return self.entries[-1].digest
        return identity_hash(self.address, self.epoch, self.signer.public)

    def append(self, kind: EntryKind, body: Body, transaction: bytes | None = None) -> Entry:
        seq = len(self.entries) + 1
        unique = hashlib.sha256(f"{self.address} {self.epoch} {seq}".encode()).digest()[:16]
        header = EntryHeader(
            grammar=GRAMMAR,
            address=self.address,
            epoch=self.epoch,
            seq=seq,
            previous=self.head_hash,
            kind=kind,
            transaction=transaction or unique,
            wall_ms=self.wall_ms + seq,
            time_quality=TimeQuality.SYNCHRONISED,
            boot_id=bytes(16),
            monotonic_ms=seq,
        )
        entry = seal_entry(self.signer, header, body)
        self.entries.append(entry)
        return entry

    def sell(self, body: SaleBody, transaction: bytes | None = None) -> Entry:
        return self.append(EntryKind.SALE, body, transaction)

    def next_epoch(self, acked_seq: int, lost: tuple[int, ...] = ()) -> "Till":
        """The same till in the epoch it begins by itself, with everything after ``acked_seq`` carried over."""
        later = Till(self.address, self.epoch + 1)
        later.signer, later.wall_ms = self.signer, self.wall_ms
        acked = self.entries[acked_seq - 1].digest if acked_seq else identity_hash(self.address, self.epoch, self.key)
        body = EpochStartBody(EpochReason.CHAIN_DISPUTED, self.epoch, acked_seq, acked, len(self.entries), lost)
        later.append(EntryKind.EPOCH_START, body)
        for entry in self.entries[acked_seq:]:
            if entry.header.seq not in lost:
                later.carry(entry)
        return later

    def carry(self, entry: Entry) -> Entry:
        """Carry an entry of an earlier epoch over; what is carried itself stays as it was first signed."""
        held = entry.body()
        if not isinstance(held, CarryOverBody):
            held = CarryOverBody(entry.header.epoch, entry.header.seq, entry.sealed)
        return self.append(EntryKind.CARRY_OVER, held, entry.header.transaction)

    def tell(self, code: str) -> Entry:
        return self.append(EntryKind.TECHNICAL_EVENT, TechnicalEventBody(code, ""))

    def batch(self, *entries: Entry | bytes, first_seq: int | None = None) -> bytes:
        sealed = tuple(entry.sealed if isinstance(entry, Entry) else entry for entry in entries)
        first = entries[0]
        if first_seq is None:
            first_seq = first.header.seq if isinstance(first, Entry) else 1
        return wire.pack(Batch(1, self.epoch, first_seq, sealed))

    def hello(
        self,
        *held: HeldDocument,
        earlier: tuple[EarlierEpoch, ...] = (),
        acked_seq: int = 0,
        left: tuple[tuple[bytes, int, int], ...] = (),
    ) -> bytes:
        leases = LeasesHeld(len(left), leases_digest(left))
        head_seq = len(self.entries)
        return wire.pack(Hello(1, self.epoch, head_seq, self.head_hash, acked_seq, NOW_MS, held, leases, earlier))


def sale_body(
    pack: Pack, ref: PackRef, address: TerminalAddress, amount_minor: int = 26_800, member: MemberRef | None = None
) -> SaleBody:
    """A sale as an honest till records it."""
    customer = None if member is None else Customer("gold")
    basket = Basket(
        (BasketLine("open", 1, amount_minor, ("general",)),), customer, address.shop, address.terminal, "store", NOW_MS
    )
    priced = price(basket, compile_pack(pack))
    who = None if member is None else member.member
    return SaleBody(
        cashier="01",
        pack=ref,
        currency="CNY",
        basket=basket,
        names=("商品",),
        payable_by_line=priced.payable_by_line,
        effects=priced.effects,
        payable_minor=priced.payable_minor,
        points_earned=priced.points,
        points_spent=priced.points_spent,
        tenders=(Tender(TenderKind.CASH, priced.payable_minor),),
        postings=sale_postings(priced, "CNY", address.shop, address.terminal, who),
        totals=PerpetualTotals(1, priced.payable_minor),
        member=member,
    )


def spoiled(sealed: bytes, at: int = -1) -> bytes:
    """The same bytes with one bit flipped."""
    data = bytearray(sealed)
    data[at] ^= 1
    return bytes(data)


@dataclass(frozen=True, slots=True)
class HeadOffice:
    """A head office with a published pack and one gold member."""

    engine: Engine
    desk: Desk
    worker: Worker
    pack: Pack
    ref: PackRef

    def enrolled(self, address: TerminalAddress = A1, epoch: int = 1) -> Till:
        till = Till(address, epoch)
        with writing(self.engine) as connection:
            enrol(connection, till.enrolment, TENANT, NOW_MS)
        return till

    def sale(self, till: Till, amount_minor: int = 26_800, member: MemberRef | None = GOLD_AT_TILL) -> SaleBody:
        return sale_body(self.pack, self.ref, till.address, amount_minor, member)

    def send(self, till: Till, kind: Up, payload: bytes, now_ms: int = NOW_MS) -> list[Publish]:
        return self.worker.handle(topics.up(till.address, kind), payload, now_ms)

    def offer(self, till: Till, *entries: Entry | bytes, first_seq: int | None = None) -> Ack:
        (answer,) = self.send(till, Up.BATCH, till.batch(*entries, first_seq=first_seq))
        assert answer.topic == topics.down(till.address, Down.ACK)
        return open_ack(answer.payload, keyring(self.desk.signer.public), till.address)

    def greet(
        self,
        till: Till,
        *held: HeldDocument,
        earlier: tuple[EarlierEpoch, ...] = (),
        acked_seq: int = 0,
        left: tuple[tuple[bytes, int, int], ...] = (),
        now_ms: int = NOW_MS,
    ) -> Welcome:
        hello = till.hello(*held, earlier=earlier, acked_seq=acked_seq, left=left)
        welcome, *_ = self.send(till, Up.HELLO, hello, now_ms)
        assert welcome.topic == topics.down(till.address, Down.WELCOME)
        return open_welcome(welcome.payload, keyring(self.desk.signer.public), till.address)

    def look(self, query: Callable[[Connection], T]) -> T:
        with reading(self.engine) as connection:
            return query(connection)

    def sign_pack(self, text: str, now_ms: int = NOW_MS) -> StoredDocument:
        with writing(self.engine) as connection:
            return sign_pack(connection, self.desk, read_authored(text), now_ms)

    def publish(self, kind: DocumentKind, version: int | None = None, now_ms: int = NOW_MS) -> StoredDocument:
        with writing(self.engine) as connection:
            return publish(connection, kind, version, now_ms)


def sold(hq: HeadOffice) -> list[tuple[int, int, bool]]:
    """Epoch, sequence number of each sale in the books, and whether it was posted."""
    return [(sale.epoch, sale.seq, sale.posted) for sale in hq.look(books.sale_lines)]


@contextmanager
def head_office(database: URL | str, prepared: bool = False) -> Iterator[HeadOffice]:
    """Open a new head office on ``database``, which has all tables already where it is ``prepared``."""
    engine = open_database(database)
    if not prepared:
        migrate(engine)
    desk = Desk(new_signer(), TENANT, 366)
    pack = read_authored(PACK)
    with writing(engine) as connection:
        replace_members(connection, (GOLD,))
        stored = sign_pack(connection, desk, pack, NOW_MS)
        publish(connection, DocumentKind.PACK, None, NOW_MS)
    try:
        yield HeadOffice(engine, desk, Worker(engine, desk), pack, PackRef(stored.version, stored.digest))
    finally:
        engine.dispose()
