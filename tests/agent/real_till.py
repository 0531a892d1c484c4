"""A till's own transaction, lookups and store in a test's hands: real commits, no threads, no devices, no network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agent.keys import Identity
from agent.lookups import StoreBook
from agent.offline_store.store import Store
from agent.paper import Qr
from agent.txn.effects import Commit, Effect, Print
from agent.txn.events import CardRead, CodeRead, Committed, Event, KeyDown
from agent.txn.state import Selling, SignedIn, TillState
from agent.txn.step import step
from contract import wire
from contract.documents import (
    CatalogueContent,
    CatalogueItem,
    DocumentKind,
    MemberRecord,
    MembersContent,
    OpenedDocument,
)
from contract.envelope import Keyring, keyring
from contract.ids import TerminalAddress
from contract.journal import Entry
from contract.signing import SoftwareSigner
from contract.trade import SaleBody
from contract.value import Account, Asset, Draw
from rules.authoring import read_authored
from rules.pack import write_pack
from tests.agent.shop import Hands
from tests.offline_store.lending import Lender, activate
from tests.txn.desk import NOTHING_OFF

UID = bytes.fromhex("5a1c9e07")
WALLET = Account(Asset.STORED, "m-1")


@dataclass
class RealTill:
    """A till's own transaction, lookups and store; a test is its counter."""

    store: Store
    book: StoreBook
    hands: Hands
    state: TillState
    identity: Identity

    def tell(self, event: Event) -> list[Effect]:
        """Step, and make durable what is asked for; everything that followed."""
        self.state, effects = step(self.state, event, self.book)
        found = list(effects)
        for effect in effects:
            if isinstance(effect, Commit):
                stamp = self.hands.clock().stamp()
                entry = self.store.append(
                    effect.kind, effect.transaction, stamp, effect.body, owes_receipt=effect.owes_receipt
                )
                found += self.tell(Committed(entry))
        return found

    def keys(self, *keys: str) -> list[Effect]:
        """Press keys, digits one by one; what followed the last."""
        last: list[Effect] = []
        for key in keys:
            for one in key if key.replace(".", "").isdigit() else [key]:
                last = self.tell(KeyDown(one))
        return last

    def tap(self) -> None:
        """Hold the member's card to the reader."""
        self.tell(CardRead("uid", UID))

    def scan(self, text: str) -> None:
        """Scan a code."""
        self.tell(CodeRead(text.encode()))

    def slip(self, amount: str) -> str:
        """Let value out on paper to the one other till; the text of its code."""
        self.tap()
        (printed,) = (effect for effect in self.keys(amount, "slip", "1") if isinstance(effect, Print))
        (code,) = (row.data for row in printed.paper.rows if isinstance(row, Qr))
        return code

    def journal(self) -> list[Entry]:
        """Every entry of the journal."""
        return [self.store.entry(seq) for seq in range(1, self.store.head().seq + 1)]

    def draws(self) -> Iterator[Draw]:
        """What the sales of this till drew, by its journal."""
        for entry in self.journal():
            body = entry.body()
            if isinstance(body, SaleBody):
                yield from body.draws

    @property
    def left(self) -> int:
        """What the member may spend here."""
        return sum(held.amount + held.bonus_minor for held in self.book.spendable(WALLET))

    @property
    def refused(self) -> str:
        """The code of the refusal on the glass."""
        return self.state.refusal.code.value if self.state.refusal else ""


def real_till(
    folder: Path,
    address: TerminalAddress,
    signer: SoftwareSigner,
    other: tuple[TerminalAddress, SoftwareSigner],
    pack: OpenedDocument | None = None,
    believed: Keyring | None = None,
) -> RealTill:
    """A till that knows a member, goods, rules (``pack``, or some without discounts) and the other till's key;
    of head office it believes ``believed``.
    """
    hq = Lender()
    identity = Identity(address, 1, signer, bytes(range(32)), believed or keyring(hq.signer.public))
    folder.mkdir()
    store = Store(folder / "store.db", identity)
    store.open()
    member = MemberRecord("m-1", "会员一", "gold", (), (UID,), 0)
    open_item = CatalogueItem("OPEN", "商品", "Article", "general", 0)
    for kind, content in (
        (DocumentKind.MEMBERS, wire.pack(MembersContent((member,)))),
        (DocumentKind.CATALOGUE, wire.pack(CatalogueContent("CNY", "示范店", "OPEN", (open_item,)))),
    ):
        activate(store, hq.document(kind, content))
    rules = write_pack(read_authored(json.dumps(NOTHING_OFF)))
    activate(store, pack or hq.document(DocumentKind.PACK, rules))
    activate(store, hq.keys((other[0], 1, other[1]), (address, 1, signer)))
    hands = Hands()
    book = StoreBook(store, identity, hands.clock())
    return RealTill(store, book, hands, TillState(scene=Selling(), cashier=SignedIn("1001", "收银员")), identity)
