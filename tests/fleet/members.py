"""What people do: cashiers sell to members and others, give up baskets, and hand out paper.

A sale is made by the product's own functions from the first article to the commit, and in the till's order: the entry
is durable, then head office is told, then the paper comes out, then the paper is noted.
"""

from dataclasses import replace

from agent.offline_store.store import StoreError
from agent.txn import identify, sale
from agent.txn.effects import Commit
from agent.txn.state import OpenBasket
from contract.journal import Entry
from contract.refusals import Refusal
from tests.fleet.premises import ITEMS, MEMBERS
from tests.fleet.terminal import Running, Unit

CASHIER = "1001"


class Cashier:
    """Who works at a terminal: something every few seconds until closing time."""

    def __init__(self, unit: Unit, closing_ms: int, pace_ms: int) -> None:
        self.unit = unit
        self.world = unit.world
        self._closing_ms = closing_ms
        self._pace_ms = pace_ms

    def begin(self) -> None:
        """Begin to work."""
        self.world.after(self.world.chance.randrange(self._pace_ms), self._work)

    def _work(self) -> None:
        if self.world.now_ms >= self._closing_ms:
            return
        self.unit.act(self._serve)
        self.world.after(self.world.chance.randrange(self._pace_ms // 2, 2 * self._pace_ms), self._work)

    def _serve(self, running: Running) -> None:
        commit = self._rung_up(running)
        if commit is not None:
            self.book(running, commit)

    def book(self, running: Running, commit: Commit) -> None:
        """Do as the till does: commit, tell head office, hand out the paper, note that it is out."""
        entry = self.committed(running, commit)
        if entry is None or not commit.owes_receipt:
            return
        self.unit.hand_paper(entry.header.seq, commit.transaction)
        try:
            running.store.mark_printed(entry.header.seq)
        except StoreError as error:
            self.world.tell(self.unit.label, f"cannot note the paper: {error.cause}")

    def committed(self, running: Running, commit: Commit) -> Entry | None:
        """Make it durable; None where the store refuses."""
        what = commit.kind.value
        try:
            entry = running.store.append(
                commit.kind, commit.transaction, running.clock.stamp(), commit.body, commit.owes_receipt
            )
        except StoreError as error:
            self.world.tell(self.unit.label, f"refuses a {what}: {error.cause}")
            return None
        self.world.tell(self.unit.label, f"commits {what} {entry.header.seq}")
        running.courier.entry_appended(entry.header.seq)
        return entry

    def _rung_up(self, running: Running) -> Commit | None:
        """A basket of one to three articles, now and then a member's, now and then given up."""
        chance, book = self.world.chance, running.book
        basket = sale.begun(book)
        if isinstance(basket, OpenBasket):
            basket = replace(basket, transaction=self.world.bytes(16))
        for _ in range(chance.choice((1, 1, 1, 2, 3))):
            if isinstance(basket, Refusal):
                break
            item = chance.choice(ITEMS)
            basket = sale.with_item(basket, item, item.price_minor or chance.randrange(100, 9_000), book, merge=True)
        if not isinstance(basket, Refusal) and self.world.often(0.5):
            basket = self._with_member(basket, running)
        if isinstance(basket, Refusal):
            self.world.tell(self.unit.label, f"cannot sell: {basket.code}")
            return None
        if self.world.often(0.1):
            return sale.cancel_commit(basket, CASHIER)
        return sale.sale_commit(basket, CASHIER, book)

    def _with_member(self, basket: OpenBasket, running: Running) -> OpenBasket | Refusal:
        chosen = self.world.chance.choice(MEMBERS)
        buyer = identify.by_card("mifare_classic", bytes.fromhex(chosen.cards[0]), None, running.book)
        return basket if isinstance(buyer, Refusal) else sale.with_buyer(basket, buyer, running.book)
