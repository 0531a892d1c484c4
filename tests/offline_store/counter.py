"""A till's store for tests: an identity, stamps that count up, and sales."""

from dataclasses import replace
from pathlib import Path

from agent.clock import Stamp
from agent.keys import Identity, new_transaction_id
from agent.offline_store.store import Room, Store
from contract.bodies import CancelBody, EntryKind, EpochReason
from contract.documents import (
    CashierRecord,
    CashiersContent,
    CatalogueContent,
    CatalogueItem,
    Document,
    DocumentKind,
    MemberRecord,
    MembersContent,
    OpenedDocument,
    PinVerifier,
    open_document,
    seal_document,
)
from contract.envelope import keyring
from contract.journal import Entry, TimeQuality
from contract.signing import Signer, SoftwareSigner
from contract.trade import SaleBody
from contract.wire import pack
from tests.contract.samples import ADDRESS, eddsa_signer, sale

DEVICE_KEY = bytes(range(32))
NOON_MS = 1_760_000_000_000


def identity(signer: Signer | None = None, epoch: int = 1, device_key: bytes = DEVICE_KEY) -> Identity:
    """The identity of the till at ADDRESS."""
    return Identity(ADDRESS, epoch, signer or eddsa_signer(), device_key, {})


def opened(path: Path, who: Identity, room: Room | None = None) -> Store:
    """The store at ``path``, open."""
    store = Store(path, who, room)
    store.open()
    return store


def stamp(after_ms: int = 0) -> Stamp:
    """A moment of one boot."""
    return Stamp(NOON_MS + after_ms, TimeQuality.FREE_RUNNING, bytes(16), 1_000 + after_ms)


def sell(store: Store, payable_minor: int | None = None, transaction: bytes | None = None, owes: bool = True) -> Entry:
    """Commit a sale; what it says of totals is wrong on purpose, for the store knows better."""
    body = sale() if payable_minor is None else _for(payable_minor)
    return store.append(EntryKind.SALE, transaction or new_transaction_id(), stamp(), body, owes)


def cancel(store: Store) -> Entry:
    """Journal a basket given up."""
    return store.append(EntryKind.CANCEL, new_transaction_id(), stamp(), CancelBody("1001", 2, 5_000))


def begin_epoch(store: Store, epoch: int, reason: EpochReason = EpochReason.CHAIN_DISPUTED, at_ms: int = 0) -> Entry:
    """Begin an epoch and carry everything over at once."""
    first = store.begin_epoch(epoch, reason, new_transaction_id(), stamp(at_ms))
    carry_all(store)
    return first


def carry_all(store: Store) -> None:
    """Carry over all that waits."""
    while store.carry_on(stamp()).left:
        pass


def _for(payable_minor: int) -> SaleBody:
    return replace(sale(), payable_minor=payable_minor)


class HeadOffice:
    """Signs documents as head office does."""

    def __init__(self) -> None:
        self.signer: SoftwareSigner = eddsa_signer()

    def document(self, kind: DocumentKind, version: int, content: bytes, issued_ms: int = NOON_MS) -> OpenedDocument:
        """A document of the tenant at ADDRESS, opened as a terminal opens it."""
        document = Document(1, kind, ADDRESS.tenant, version, issued_ms, issued_ms + 86_400_000, content)
        return open_document(seal_document(self.signer, document), keyring(self.signer.public))

    def members(self, version: int, *members: MemberRecord) -> OpenedDocument:
        """A members document."""
        return self.document(DocumentKind.MEMBERS, version, pack(MembersContent(members)))

    def cashiers(self, version: int, *cashiers: CashierRecord) -> OpenedDocument:
        """A cashiers document."""
        return self.document(DocumentKind.CASHIERS, version, pack(CashiersContent(cashiers)))

    def catalogue(self, version: int, *items: CatalogueItem) -> OpenedDocument:
        """A catalogue document; the first item is the open one."""
        return self.document(
            DocumentKind.CATALOGUE, version, pack(CatalogueContent("CNY", "一号店", items[0].sku, items))
        )

    def pack(self, version: int, content: bytes = b"rules") -> OpenedDocument:
        """A pack document; the store does not look into it."""
        return self.document(DocumentKind.PACK, version, content)


def member(number: int, phone: str | None = None, *cards: bytes) -> MemberRecord:
    """A gold member."""
    return MemberRecord(f"m-{number:04d}", f"会员{number}", "gold", ("vip", "early"), cards, 100 + number, phone)


def cashier(number: str) -> CashierRecord:
    """Somebody who may sign in."""
    return CashierRecord(number, "收银员一", PinVerifier(bytes(16), 1, 64, bytes(32)))


def item(sku: str, barcode: str | None = None) -> CatalogueItem:
    """An article."""
    return CatalogueItem(sku, "商品", "Goods", "general", 1_990, barcode)
