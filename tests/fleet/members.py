"""What people do: cashiers sell to members and others, give up baskets, and hand out paper.

A sale is made by the product's own functions from the first article to the commit, and in the till's order: the entry
is durable, then head office is told, then the paper comes out, then the paper is noted.
"""

from dataclasses import dataclass, field

from agent.offline_store.store import StoreError
from agent.txn import identify, presented, sale
from agent.txn.effects import Commit
from agent.txn.events import CardRead
from agent.txn.receipt import qr_text
from agent.txn.state import OpenBasket
from contract.bodies import EntryKind, SlipInBody, SlipOutBody
from contract.ids import TerminalAddress
from contract.journal import Entry
from contract.refusals import Refusal
from contract.trade import RefundBody
from tests.fleet import keys, value
from tests.fleet.premises import ITEMS, MEMBERS
from tests.fleet.terminal import Running, Unit

CASHIER = "1001"
SHIFT_SHARE = 0.05
"""How often somebody closes the shift."""


@dataclass
class Town:
    """What is among people, outside of all terminals: until when shops are open, and slips, by whom they are for."""

    closing_ms: int
    terminals: tuple[TerminalAddress, ...]
    slips: dict[TerminalAddress, list[bytes]] = field(default_factory=dict)
    slip_share: float = 0.1
    """How often somebody wants to carry value to another terminal, or shows a slip."""
    top_up_share: float = 0.25
    refund_share: float = 0.15
    """How often somebody brings something back."""
    papers: dict[TerminalAddress, list[str]] = field(default_factory=dict)
    """The receipts that people kept, by the terminal that printed them."""
    issued: dict[str, str] = field(default_factory=dict)
    """What phones show of all coupons there are, by their codes."""
    coupons: dict[str, str] = field(default_factory=dict)
    """What phones show, by the coupon's code; a code that was used is not shown again unless it was given back."""
    coupon_share: float = 0.2
    """How often somebody buys with a coupon."""
    redeemed_share: float = 0.1
    """How often a member asks for what points, uses and coupons are good for."""
    copied: bool = False
    """Whether people show coupons again that were used."""
    proof_share: float = 0.0
    """How often a member's card proves its key, and so has a floor limit."""


class Cashier:
    """Who works at a terminal: something every few seconds until closing time."""

    def __init__(self, unit: Unit, town: Town, pace_ms: int) -> None:
        self.unit = unit
        self.world = unit.world
        self.town = town
        self._pace_ms = pace_ms

    def begin(self) -> None:
        """Begin to work."""
        self.world.after(self.world.chance.randrange(self._pace_ms), self._work)

    def _work(self) -> None:
        if self.world.now_ms >= self.town.closing_ms:
            return
        self.unit.act(self._serve)
        self.world.after(self.world.chance.randrange(self._pace_ms // 2, 2 * self._pace_ms), self._work)

    def _serve(self, running: Running) -> None:
        commit = self._rung_up(running)
        if commit is None:
            return
        # Whoever sees the till go dark does not know whether the coupon was taken, and does not show it again.
        shown = {code: self.town.coupons[code] for code in value.coupons_in(commit.body) if code in self.town.coupons}
        for code in () if self.town.copied else shown:
            del self.town.coupons[code]
        if not self.book(running, commit):
            self.town.coupons.update(shown)

    def book(self, running: Running, commit: Commit) -> bool:
        """Do as the till does: commit, tell head office, hand out the paper, note that it is out. Tell whether it was
        committed.
        """
        entry = self.committed(running, commit)
        if entry is None:
            return False
        if isinstance(commit.body, SlipOutBody):
            slip = value.opened(commit.body.slip)
            self.town.slips.setdefault(slip.addressee, []).append(commit.body.slip)
        if isinstance(commit.body, RefundBody):
            self.town.coupons.update({code: self.town.issued[code] for code in commit.body.codes_restored})
        if not commit.owes_receipt:
            return True
        self.unit.hand_paper(entry.header.seq, commit.transaction)
        if commit.kind in (EntryKind.SALE, EntryKind.TOP_UP):
            self.town.papers.setdefault(self.unit.identity.address, []).append(qr_text(entry))
        try:
            running.store.mark_printed(entry.header.seq)
        except StoreError as error:
            self.world.tell(self.unit.label, f"cannot note the paper: {error.cause}")
        return True

    def committed(self, running: Running, commit: Commit) -> Entry | None:
        """Make it durable; None where the store refuses."""
        what = commit.kind.value
        try:
            entry = running.store.append(
                commit.kind, commit.transaction, running.clock.stamp(), commit.body, commit.owes_receipt
            )
        except StoreError as error:
            self.world.tell(self.unit.label, f"refuses a {what}: {error}")
            return None
        self.world.tell(self.unit.label, f"commits {what} {entry.header.seq}{value.told(commit.body)}")
        running.courier.entry_appended(entry.header.seq)
        return entry

    def _rung_up(self, running: Running) -> Commit | None:
        """What somebody wants now: most often to buy something, now and then to pay money in, to carry some away, to
        take a gift, or to close the shift.
        """
        basket = self._begun(running)
        wish = self.world.chance.random()
        if wish < self.town.slip_share:
            return self._slip(running)
        paying_in = wish < self.town.slip_share + self.town.top_up_share
        if paying_in and not isinstance(basket, Refusal) and basket.buyer is not None:
            amount_minor = self.world.chance.choice((1_000, 5_000, 10_000, 50_000))
            until_ms = running.clock.stamp().wall_ms + self.world.chance.choice((5_000, 20_000, 86_400_000))
            return self._unless_refused(value.paid_in(basket.buyer, amount_minor, until_ms, CASHIER, running.book))
        papers = self.town.papers.get(self.unit.identity.address)
        if papers and wish > 1 - self.town.refund_share:
            paper = self.world.chance.choice(papers)
            return self._unless_refused(value.brought_back(paper, self.world.chance, CASHIER, running.book))
        return self._beside_sales(running, basket) or self._sale(running, basket)

    def _beside_sales(self, running: Running, basket: OpenBasket | Refusal) -> Commit | None:
        """Close the shift, or hand a member something out; None where nobody wants either, or it cannot be had."""
        chance, wish = self.world.chance, self.world.chance.random()
        if wish < SHIFT_SHARE:
            differs_minor = chance.choice((0, 0, 0, 500, -200))
            return self._unless_refused(keys.shift_closed(differs_minor, CASHIER, running.book))
        if wish > SHIFT_SHARE + self.town.redeemed_share or isinstance(basket, Refusal) or basket.buyer is None:
            return None
        basket = self._with_coupon(basket, running)
        return self._unless_refused(keys.redeemed(basket, chance, CASHIER, running.book))

    def _sale(self, running: Running, basket: OpenBasket | Refusal) -> Commit | None:
        """Sell something, or all but."""
        if not isinstance(basket, Refusal) and self.world.often(self.town.coupon_share):
            basket = self._with_coupon(basket, running)
        basket = self._filled(basket, running)
        if isinstance(basket, Refusal):
            self._unless_refused(basket)
            return None
        if self.world.often(0.1):
            return sale.cancel_commit(basket, CASHIER)
        return sale.sale_commit(basket, CASHIER, running.book)

    def _with_coupon(self, basket: OpenBasket, running: Running) -> OpenBasket:
        """The basket with one of the coupons there are, where it is good here."""
        if not self.town.coupons:
            return basket
        text = self.world.chance.choice(sorted(self.town.coupons.values()))
        shown = presented.read_coupon(text, None, running.book)
        found = shown if isinstance(shown, Refusal) else sale.with_coupon(basket, shown, running.book)
        if isinstance(found, Refusal):
            self.world.tell(self.unit.label, f"cannot: {found.code} {found.detail}")
            return basket
        return found

    def _unless_refused(self, found: Commit | Refusal) -> Commit | None:
        if isinstance(found, Refusal):
            self.world.tell(self.unit.label, f"cannot: {found.code} {found.detail}")
            return None
        return found

    def _slip(self, running: Running) -> Commit | None:
        """Take in a slip that somebody shows, now and then one that was shown before, or let value out on one."""
        chance, here = self.world.chance, self.unit.identity.address
        pocket = self.town.slips.setdefault(here, [])
        if pocket and chance.random() < 0.7:
            shown = chance.choice(pocket) if chance.random() < 0.8 else pocket.pop()
            return Commit(EntryKind.SLIP_IN, self.world.bytes(16), SlipInBody(CASHIER, shown), False)
        others = [address for address in self.town.terminals if address != here]
        if not others:
            return None
        return value.carried_out(self.unit, running, chance.choice(others), self.world.bytes(16))

    def _begun(self, running: Running) -> OpenBasket | Refusal:
        """A new basket, every second time a member's."""
        basket = sale.begun(running.book)
        if isinstance(basket, Refusal):
            return basket
        if self.world.often(0.4):
            return basket
        chosen = self.world.chance.choice(MEMBERS)
        proven = self.world.often(self.town.proof_share)
        card = CardRead("mifare_classic", bytes.fromhex(chosen.cards[0]), authenticated=proven)
        buyer = identify.by_card(card, running.book)
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
        if not isinstance(basket, Refusal) and basket.points_held and chance.random() < 0.6:
            basket = sale.paid_with_points(basket, True, running.book)
        if not isinstance(basket, Refusal) and (basket.held or (basket.buyer and basket.buyer.floor_minor)):
            basket = sale.paid_from_stored(basket, True, running.book)
        return basket
