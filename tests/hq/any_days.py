"""What happens at two real tills of two shops, as chance has it: they sell, top up, take back, redeem and send slips,
train, start anew and begin new epochs; they meet head office now and then, which is put back from a backup sometimes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from agent.keys import new_transaction_id
from agent.lookups import StoreBook
from agent.offline_store.store import Store
from agent.paper import Qr
from agent.txn.receipt import receipt_of
from agent.txn.sold import recalled
from agent.txn.state import Paid, Selling, SignedIn, TillState
from contract.bodies import EpochReason
from contract.journal import Entry
from contract.trade import RefundBody, SaleBody, TenderKind, TopUpBody
from contract.value import Account, Asset
from hq.coupons import CouponTerms, issue_coupon
from hq.db import open_database, reading, writing
from hq.grants import buy_pool, grant, pay_in
from hq.restoring import begin_restoration, open_restoration
from hq.tables import late_terms
from hq.worker import Worker
from tests.hq.any_rules import COUPONS, beside_rules, some_rules
from tests.hq.borrowers import DAY_MS
from tests.hq.on_the_line import Line
from tests.hq.test_draws_from_tills import Shops
from tests.hq.tills import NOW_MS, HeadOffice

Act = Callable[[], object]
ODD_MS = (0, 0, 0, 8 * 3_600_000, -8 * 3_600_000, DAY_MS, -DAY_MS)
"""How far a till's clock is off."""
AMOUNTS = ("10", "33.33", "99.99", "120", "7.77", "0.01", "300")


class Days(Shops):
    """Two tills and head office; `said` is what happened, for whoever reads of a failure."""

    def __init__(self, hq: HeadOffice, folder: Path, seed: int) -> None:
        self.chance = chance = Random(seed)
        rules, beside = some_rules(chance), beside_rules(chance)
        super().__init__(hq, folder, *rules, **beside)
        self.said: list[object] = []
        self.till = self.a
        self.trades: dict[str, list[tuple[int, int]]] = {}
        self._folder, self._numbers = folder, count()
        self._backup: Path | None = None
        self.coupons: list[str] = []
        self._off_ms = [chance.choice(ODD_MS) for _till in (self.a, self.b)]
        self._join()
        self.meet(2)
        if chance.random() < 0.4:
            with writing(hq.engine) as connection:
                connection.execute(
                    late_terms.insert().values(shop=chance.choice(["shop-a", "shop-b"]), bearer="office")
                )
        self.till.tap()
        self._keys("1", "enter", "cash")
        self.home()
        self.meet(2)
        self._grant(rules, beside)
        self.meet(4)

    def _grant(self, rules: list[dict[str, Any]], beside: dict[str, Any]) -> None:
        """What campaigns may give, what the member has, and coupons."""
        desk, chance = self.hq.desk, self.chance
        given = {Account(Asset.GIFT, "CUP"): 40, Account(Asset.GIFT, "BAG"): chance.choice([3, 40])}
        given |= {Account(Asset.POINTS, "m-1"): 500, Account(Asset.USES, "m-1", "ten"): 10}
        for rule in rules:
            limits = rule.get("limits", {})
            given[Account(Asset.BUDGET, rule["rule"])] = limits.get("budget_minor", 0)
            given[Account(Asset.BUDGET_USES, rule["rule"])] = limits.get("total", 0)
        with writing(self.hq.engine) as connection:
            for account, amount in given.items():
                if amount:
                    grant(connection, desk, account, amount, NOW_MS)
            if "pools" in beside.get("points", {}):
                buy_pool(connection, desk, "shop-a", chance.choice([300, 10_000]), 0, 0, NOW_MS)
            for number in range(COUPONS):
                terms = CouponTerms(f"C-{number}", 0, 2 * NOW_MS, member="m-1" if number % 2 else None)
                self.coupons.append(issue_coupon(connection, desk, terms, NOW_MS))

    def pass_by(self, acts: int, check: Callable[[], None]) -> None:
        """Let so many things happen; ``check`` after each time that tills and head office met."""
        often: list[Act] = [*[self.sells] * 5, *[self.takes_back] * 4, *[self.tops_up] * 2]
        seldom: list[Act] = [self.takes_back_a_top_up, self.redeems, self.trains, self.starts_anew, self.sends_a_slip]
        far: list[Act] = [self.back_up, self.back_up, self.put_back, self.put_back]
        if self.chance.random() < 0.4:
            far.append(self.begins_an_epoch)
        for _act in range(acts):
            self.till = self.a if self.chance.random() < 0.7 else self.b
            act = self.chance.choice([*often, *seldom, *far, self.meet, self.meet])
            self.said.append((self._name, act.__name__))
            act() if act != self.meet else self.meet(2)
            if act in (self.meet, self.put_back):
                check()
            self.home()
        self.meet(2)
        check()

    @property
    def _name(self) -> str:
        return self.till.book.address.terminal

    def _keys(self, *keys: str) -> None:
        self.said.append(keys)
        self.till.keys(*keys)

    def home(self) -> None:
        """Note what was done, and go back to where the next customer is served."""
        till = self.till
        if isinstance(till.state.scene, Paid):
            header = till.state.scene.sold.entry.header
            done = self.trades.setdefault(self._name, [])
            if (header.epoch, header.seq) not in done:
                done.append((header.epoch, header.seq))
        for _ in range(6):
            if till.state.scene == Selling():
                return
            till.keys("enter" if isinstance(till.state.scene, Paid) else "cancel")
        raise AssertionError(till.state.scene)

    def done(self) -> Iterator[Entry]:
        """What this till sold, topped up and took back, as far as it has it."""
        for epoch, seq in self.trades.get(self._name, []):
            entry = self.till.book.entry_at(epoch, seq)
            if entry is not None:
                yield entry

    def paid(self) -> None:
        """Make sure that what was keyed went through."""
        assert isinstance(self.till.state.scene, Paid), self.till.state.refusal

    # What happens.

    def sells(self) -> None:
        """Somebody buys: a member mostly, with points, coupons and stored value as it comes."""
        chance, till = self.chance, self.till
        if chance.random() < 0.8:
            till.tap()
        for _ in range(chance.randint(1, 4)):
            self._keys(chance.choice(AMOUNTS), "enter")
            if chance.random() < 0.2:
                self._keys("clear")
        if chance.random() < 0.4 and till is self.a:
            till.scan(chance.choice(self.coupons))
        for keys, often in ((("points",), 0.4), (("stored", "points", "points", "stored"), 0.1), (("stored",), 0.5)):
            if chance.random() < often:
                self._keys(*keys)
        if isinstance(till.state.scene, Selling) and till.state.scene.basket is not None:
            self._keys("cash")
        self.said.append((till.refused, till.state.refusal))
        assert till.refused != "store_failed", till.state.refusal
        scene = till.state.scene
        assert not isinstance(scene, Selling) or scene.basket is None or not scene.basket.lines, till.state.refusal

    def tops_up(self) -> None:
        """The member pays in."""
        self.till.tap()
        self._keys(self.chance.choice(["50", "100", "130.01", "3", "200"]), "topup", "cash")
        self.paid()

    def takes_back(self) -> None:
        """Some units of some lines of a sale come back."""
        sales = [entry for entry in self.done() if isinstance(entry.body(), SaleBody)]
        if not sales:
            return
        header = self.chance.choice(sales).header
        self._keys("refund", f"{header.epoch}.{header.seq}", "enter")
        told = str(self.till.state.refusal)
        assert self.till.refused in ("", "refund_all_back") or "cannot be told" in told, told
        named = getattr(self.till.state.scene, "named", None)
        if named is None:
            return
        for line in named.returnable:
            if self.chance.random() < 0.6:
                self._keys(str(self.chance.randint(0, named.left[line])))
            self._keys("enter")
        assert self.till.refused in ("", "refund_nothing"), self.till.state.refusal
        self._book_plan()

    def takes_back_a_top_up(self) -> None:
        """A top-up is undone, by its paper."""
        tops = [entry for entry in self.done() if isinstance(entry.body(), TopUpBody)]
        if tops:
            top = recalled(self.chance.choice(tops), self.till.book)
            assert top is not None
            paper = receipt_of(top, "x", reprint=True)
            (code,) = [row.data for row in paper.rows if isinstance(row, Qr)]
            self._keys("refund")
            self.till.scan(code)
            self._book_plan()

    def _book_plan(self) -> None:
        if getattr(self.till.state.scene, "plan", None):
            self._keys("enter")
            self.paid()

    def redeems(self) -> None:
        """The member has a cup for points, or a use of the card."""
        self.till.tap()
        self._keys("redeem")
        if not self.till.refused:
            self._keys(self.chance.choice("123"))
        assert self.till.refused != "store_failed", self.till.state.refusal

    def trains(self) -> None:
        """Somebody learns how it goes, and changes nothing by it."""
        till = self.till
        before = till.left, till.store.totals()
        self._keys("training")
        for _ in range(3):
            self.chance.choice([self.sells, self.tops_up, self.takes_back, self.redeems])()
            self.home()
        self._keys("training")
        assert not till.state.training and (till.left, till.store.totals()) == before

    def sends_a_slip(self) -> None:
        """Value goes to the other till on paper."""
        till, other = self.till, self.b if self.till is self.a else self.a
        try:
            code = till.slip(self.chance.choice(["5", "33", "100"]))
        except ValueError:
            # Nothing was printed: there is not so much here.
            return
        self.home()
        self.till = other
        other.scan(code)
        self.said.append(("slip", other.refused))

    def starts_anew(self) -> None:
        """The till is switched off and on."""
        till = self.till
        till.store.close()
        till.store = Store(self._folder / ("a" if till is self.a else "b") / "store.db", till.identity)
        till.store.open()
        till.book = StoreBook(till.store, till.identity, till.hands.clock())
        till.state = TillState(scene=Selling(), cashier=SignedIn("1001", "收银员"))
        self._join()

    def begins_an_epoch(self) -> None:
        """The till's journal is disputed, and goes on in another."""
        store, clock = self.till.store, self.till.hands.clock()
        store.begin_epoch(store.epoch() + 1, EpochReason.CHAIN_DISPUTED, new_transaction_id(), clock.stamp())
        while self.chance.random() < 0.8 and store.carry_on(clock.stamp()).left:
            continue
        self._join()

    def back_up(self) -> None:
        """Head office's database is copied."""
        self._backup = self._folder / f"backup-{next(self._numbers)}.db"
        raw = self.hq.engine.raw_connection()
        try:
            raw.cursor().execute(f"VACUUM INTO '{self._backup}'")
        finally:
            raw.close()

    def put_back(self) -> None:
        """Head office goes on from its last backup, as often as there is a new one, until the tills have told all."""
        if self._backup is None:
            return
        self.hq.engine.dispose()
        engine = open_database(f"sqlite:///{self._backup}")
        self._backup = None
        self.hq = HeadOffice(engine, self.hq.desk, Worker(engine, self.hq.desk), self.hq.pack, self.hq.ref)
        self._join()
        with writing(engine) as connection:
            begin_restoration(connection, "people", NOW_MS + self._passed_ms)
        self.meet(12)
        with reading(engine) as connection:
            assert open_restoration(connection) is None

    def _join(self) -> None:
        self._lines = Line(self.hq, self.a), Line(self.hq, self.b)
        for till, off_ms in zip((self.a, self.b), self._off_ms, strict=True):
            till.hands.began_ms = NOW_MS + off_ms

    # The end.

    def take_all_back(self) -> None:
        """Everything that was ever sold comes back, and nothing is left of it: no money, no points, no value."""
        for till in (self.a, self.b):
            self.till = till
            for entry in [entry for entry in self.done() if isinstance(entry.body(), SaleBody)]:
                self._keys("refund", f"{entry.header.epoch}.{entry.header.seq}", "enter")
                if getattr(self.till.state.scene, "named", None):
                    self._keys("refund", "enter")
                    self.paid()
                self.home()
            left = self._left_of_sales()
            assert not any(map(any, left.values())), left

    def _left_of_sales(self) -> dict[bytes, list[int]]:
        left: dict[bytes, list[int]] = {}
        for entry in self.done():
            match entry.body():
                case SaleBody() as sale:
                    left[entry.header.transaction] = _moved(sale)
                case RefundBody() as refund if refund.original.transaction in left:
                    whole = left[refund.original.transaction]
                    whole[:] = [had - back for had, back in zip(whole, _moved(refund), strict=True)]
        return left

    def pay_everything(self) -> None:
        """The member pays in more than any floor limit allowed."""
        with writing(self.hq.engine) as connection:
            pay_in(connection, self.hq.desk, "m-1", 90_000, 0, self.chance.randbytes(16), NOW_MS)
        self.meet(4)


def _moved(body: SaleBody | RefundBody) -> list[int]:
    """What a sale took, or a refund gave back: money, points, stored value and its bonus, and cash."""
    if isinstance(body, SaleBody):
        money, earned, spent = body.payable_minor, body.points_earned, body.points_spent
        bonus, moved = body.bonus_minor, body.draws
    else:
        money, earned, spent = body.refund_minor, body.points_back, body.points_restored
        bonus, moved = body.bonus_back_minor, body.returned
    stored = [draw for draw in moved if draw.account.asset is Asset.STORED]
    cash = sum(tender.amount_minor for tender in body.tenders if tender.kind is TenderKind.CASH)
    principal, gift = sum(draw.amount for draw in stored), sum(draw.bonus_minor for draw in stored)
    return [money, earned, spent, principal, gift, bonus, cash]
