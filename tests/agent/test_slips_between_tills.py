"""Two tills with stores of their own and no network: value topped up at one is carried on paper to the other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.keys import Identity
from agent.lookups import StoreBook
from agent.offline_store.store import Store
from agent.paper import Qr
from agent.txn.effects import Commit, Effect, Print
from agent.txn.events import CardRead, CodeRead, Committed, Event, KeyDown
from agent.txn.state import Notice, Selling, SignedIn, TillState
from agent.txn.step import step
from contract import wire
from contract.documents import CatalogueContent, CatalogueItem, DocumentKind, MemberRecord, MembersContent
from contract.envelope import keyring
from contract.ids import TerminalAddress
from contract.signing import SoftwareSigner
from contract.trade import SaleBody
from contract.value import Account, Asset, Draw
from rules.authoring import read_authored
from rules.pack import write_pack
from tests.agent.shop import Hands
from tests.contract.samples import ADDRESS, NEIGHBOUR
from tests.offline_store.lending import Lender, activate
from tests.txn.desk import NOTHING_OFF
from tests.txn.purse import new_signer

UID = bytes.fromhex("5a1c9e07")
WALLET = Account(Asset.STORED, "m-1")


@dataclass
class RealTill:
    """A till's own transaction, lookups and store; a test is its counter."""

    store: Store
    book: StoreBook
    hands: Hands
    state: TillState

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

    @property
    def left(self) -> int:
        """What the member may spend here."""
        return sum(held.amount + held.bonus_minor for held in self.book.spendable(WALLET))

    @property
    def refused(self) -> str:
        """The code of the refusal on the glass."""
        return self.state.refusal.code.value if self.state.refusal else ""


def till(folder: Path, address: TerminalAddress, signer: SoftwareSigner, other: SoftwareSigner) -> RealTill:
    """A till that knows a member, goods, rules and the other till's key."""
    hq = Lender()
    identity = Identity(address, 1, signer, bytes(range(32)), keyring(hq.signer.public))
    folder.mkdir()
    store = Store(folder / "store.db", identity)
    store.open()
    member = MemberRecord("m-1", "会员一", "gold", (), (UID,), 0)
    open_item = CatalogueItem("OPEN", "商品", "Article", "general", 0)
    for kind, content in (
        (DocumentKind.MEMBERS, wire.pack(MembersContent((member,)))),
        (DocumentKind.CATALOGUE, wire.pack(CatalogueContent("CNY", "示范店", "OPEN", (open_item,)))),
        (DocumentKind.PACK, write_pack(read_authored(json.dumps(NOTHING_OFF)))),
    ):
        activate(store, hq.document(kind, content))
    activate(store, hq.keys((NEIGHBOUR if address == ADDRESS else ADDRESS, 1, other), (address, 1, signer)))
    hands = Hands()
    book = StoreBook(store, identity, hands.clock())
    return RealTill(store, book, hands, TillState(scene=Selling(), cashier=SignedIn("1001", "收银员")))


@pytest.fixture
def tills(tmp_path: Path) -> Iterator[tuple[RealTill, RealTill]]:
    here, there = new_signer(), new_signer()
    found = till(tmp_path / "a1", ADDRESS, here, there), till(tmp_path / "b1", NEIGHBOUR, there, here)
    yield found
    for one in found:
        one.store.close()


@pytest.mark.row("H11")
def test_cash_is_spendable_at_once_and_a_slip_moves_it_to_the_one_till_it_names(
    tills: tuple[RealTill, RealTill],
) -> None:
    a1, b1 = tills
    a1.tap()
    a1.keys("100", "topup", "cash")
    assert a1.left == 10_000
    a1.tap()
    a1.keys("10", "enter", "stored")
    assert a1.left == 9_000

    a1.tap()
    (printed,) = (effect for effect in a1.keys("60", "slip", "1") if isinstance(effect, Print))
    (code,) = (row.data for row in printed.paper.rows if isinstance(row, Qr))
    assert (a1.left, b1.left) == (3_000, 0)

    b1.scan(code)
    assert b1.state.notice is Notice.SLIP_TAKEN_IN and b1.left == 6_000
    b1.scan(code)
    assert (b1.refused, b1.left) == ("slip_taken", 6_000)
    a1.scan(code)
    assert (a1.refused, a1.left) == ("slip_not_ours", 3_000)

    # Each spends what lies with it, to the last fen, and not one more.
    for one in tills:
        one.tap()
        one.keys("100", "enter", "stored", "cash")
        assert one.left == 0
        one.tap()
        one.keys("1", "enter", "stored")
        assert one.refused == "value_none"
        one.keys("cancel")
    spent = [draw.whole for one in tills for draw in _draws(one)]
    assert sorted(spent) == [1_000, 3_000, 6_000]


def _draws(one: RealTill) -> Iterator[Draw]:
    """What the sales of a till drew, by its journal."""
    for seq in range(1, one.store.head().seq + 1):
        body = one.store.entry(seq).body()
        if isinstance(body, SaleBody):
            yield from body.draws
