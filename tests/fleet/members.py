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
from tests.fleet import value
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
        self.world.tell(self.unit.label, f"commits {what} {entry.header.seq}{value.told(commit.body)}")
        running.courier.entry_appended(entry.header.seq)
        return entry

    def _rung_up(self, running: Running) -> Commit | None:
        """What somebody wants now: most often to buy something, now and then to pay money in or carry some away."""
        basket = self._begun(running)
        wish = self.world.chance.random()
        if not isinstance(basket, Refusal) and basket.buyer is not None and wish < 0.25:
            amount_minor = self.world.chance.choice((1_000, 5_000, 10_000, 50_000))
            until_ms = running.clock.stamp().wall_ms + self.world.chance.choice((5_000, 20_000, 86_400_000))
            return value.paid_in(basket, amount_minor, until_ms, CASHIER, self.unit.identity.address)
        basket = self._filled(basket, running)
        if isinstance(basket, Refusal):
            self.world.tell(self.unit.label, f"cannot sell: {basket.code}")
            return None
        if self.world.often(0.1):
            return sale.cancel_commit(basket, CASHIER)
        commit = sale.sale_commit(basket, CASHIER, running.book)
        return value.paid_from_value(commit, basket, running, self.unit.identity.address)

    def _begun(self, running: Running) -> OpenBasket | Refusal:
        """A new basket, every second time a member's."""
        basket = sale.begun(running.book)
        if isinstance(basket, Refusal):
            return basket
        basket = replace(basket, transaction=self.world.bytes(16))
        if self.world.often(0.4):
            return basket
        chosen = self.world.chance.choice(MEMBERS)
        buyer = identify.by_card("mifare_classic", bytes.fromhex(chosen.cards[0]), None, running.book)
        return basket if isinstance(buyer, Refusal) else sale.with_buyer(basket, buyer, running.book)

    def _filled(self, basket: OpenBasket | Refusal, running: Running) -> OpenBasket | Refusal:
        """One to three articles in it."""
        chance = self.world.chance
        for _ in range(chance.choice((1, 1, 1, 2, 3))):
            if isinstance(basket, Refusal):
                break
            item = chance.choice(ITEMS)
            price_minor = item.price_minor or chance.randrange(100, 9_000)
            basket = sale.with_item(basket, item, price_minor, running.book, merge=True)
        return basket
