"""Fleets that handle value with one deliberate mistake each: spends, slips, returns, shares and lending."""

from dataclasses import replace
from pathlib import Path

from sqlalchemy import Engine, update

from agent.clock import Stamp
from agent.keys import Identity
from agent.offline_store.database import Connect, connected
from agent.offline_store.holdings import Held
from agent.offline_store.refunds import ReturnTaken
from agent.offline_store.store import Room, Store
from agent.txn.effects import Commit
from contract.bodies import Body, EntryKind
from contract.journal import Entry
from contract.money import MAX_AMOUNT_MINOR
from contract.trade import RedemptionBody, SaleBody
from contract.value import Account, Asset, Lease
from hq.db import writing
from hq.documents import Desk
from hq.lease_book import OUTSTANDING
from hq.placement import WHOLE_BP, LendingPolicy
from hq.restoring import close_restoration
from hq.tables import leases
from hq.worker import Worker
from tests.fleet.faults import (
    books_are_restored,
    cable_is_cut,
    office_is_slow,
    power_fails_at_a_write,
    power_fails_between,
)
from tests.fleet.members import Cashier
from tests.fleet.mistake import BOUND, KEPT, LENT, TWICE, Mistake
from tests.fleet.run import Cast
from tests.fleet.terminal import Running, SeededBook, Unit


class ForgetsTheLease(Cashier):
    """Takes the money of a member and does not write down from which lease."""

    def committed(self, running: Running, commit: Commit) -> Entry | None:
        return super().committed(running, without(commit, Asset.STORED))


class PaysWithPointsUnseen(Cashier):
    """Takes points and does not write down from which lease."""

    def committed(self, running: Running, commit: Commit) -> Entry | None:
        return super().committed(running, without(commit, Asset.POINTS))


class ForgetsReturns(SeededBook):
    """Does not count what came back before."""

    def returns_of(self, transaction: bytes) -> tuple[ReturnTaken, ...] | None:
        return ()


class TillThatForgetsReturns(Unit):
    """A terminal with such a book."""

    book_kind = ForgetsReturns


class EndlessBudget(SeededBook):
    """Takes every campaign's budget for endless."""

    def spendable(self, account: Account) -> tuple[Held, ...]:
        if account.asset is not Asset.BUDGET:
            return super().spendable(account)
        endless = Lease(bytes(16), account, MAX_AMOUNT_MINOR, MAX_AMOUNT_MINOR)
        return (Held(endless, MAX_AMOUNT_MINOR, 0),)


class TillOfEndlessBudgets(Unit):
    """A terminal with such a book."""

    book_kind = EndlessBudget


class GivesWithoutShare(Cashier):
    """Gives what a campaign gives and does not write down of which share."""

    def committed(self, running: Running, commit: Commit) -> Entry | None:
        return super().committed(running, without(commit, Asset.BUDGET))


def without(commit: Commit, asset: Asset) -> Commit:
    """The same order, with nothing said of leases of ``asset``."""
    if not isinstance(commit.body, SaleBody | RedemptionBody):
        return commit
    kept = tuple(draw for draw in commit.body.draws if draw.account.asset is not asset)
    return replace(commit, body=replace(commit.body, draws=kept))


class TakesSlipsAgain(Store):
    """Remembers nothing of a slip once its value is spent."""

    def append(
        self, kind: EntryKind, transaction: bytes, stamp: Stamp, body: Body, owes_receipt: bool = False
    ) -> Entry:
        entry = super().append(kind, transaction, stamp, body, owes_receipt)
        with self._database.transaction():
            self._database.write("DELETE FROM slips_taken")
            self._database.write("DELETE FROM leases WHERE open = 0")
        return entry


class LowersLeasesLater(Store):
    """Journals a spend in one commit and lowers the lease in the next."""

    def __init__(self, path: Path, identity: Identity, room: Room | None = None, connect: Connect = connected) -> None:
        super().__init__(path, identity, room, connect)
        self._waiting: list[tuple[Entry, Body]] = []
        self._apply = self._holdings.apply
        vars(self._holdings)["apply"] = lambda entry, body: self._waiting.append((entry, body))

    def append(
        self, kind: EntryKind, transaction: bytes, stamp: Stamp, body: Body, owes_receipt: bool = False
    ) -> Entry:
        found = super().append(kind, transaction, stamp, body, owes_receipt)
        waiting, self._waiting = self._waiting, []
        with self._database.transaction():
            for entry, applied in waiting:
                self._apply(entry, applied)
        return found


class TillThatLowersLeasesLater(Unit):
    """A terminal with such a store."""

    store_kind = LowersLeasesLater


class TillThatTakesSlipsAgain(Unit):
    """A terminal with such a store."""

    store_kind = TakesSlipsAgain


class LendsAgainAtExpiry(Worker):
    """Takes a lease that is past its time for unspent."""

    def lend(self, now_ms: int) -> None:
        with writing(self._engine) as connection:
            over = (leases.c.state.in_(OUTSTANDING), leases.c.spend_until_ms < now_ms)
            unspent = {
                "state": "closed",
                "returned": leases.c.granted - leases.c.drawn,
                "returned_bonus": leases.c.granted_bonus - leases.c.drawn_bonus,
            }
            connection.execute(update(leases).where(*over).values(unspent))
        super().lend(now_ms)


class LendsWhenRestored(Worker):
    """Goes on lending from an older backup without asking what was lent since; and lends all there is."""

    def __init__(self, engine: Engine, desk: Desk) -> None:
        super().__init__(engine, replace(desk, policy=LendingPolicy(home_bp=WHOLE_BP, next_bp=0)))

    def lend(self, now_ms: int) -> None:
        with writing(self._engine) as connection:
            close_restoration(connection, now_ms)
        super().lend(now_ms)


def of_value() -> tuple[Mistake, ...]:
    """All of them."""
    return (*_of_tills(), *_of_lending())


def _of_tills() -> tuple[Mistake, ...]:
    cuts = (power_fails_at_a_write, power_fails_between)
    doubling = Cast(unit=TillThatTakesSlipsAgain, faults=(), slip_shares=(0.7,))
    return (
        Mistake(
            "a spend is journalled without its lease",
            Cast(cashier=ForgetsTheLease, faults=()),
            (BOUND,),
            ("draws_differ",),
        ),
        Mistake(
            "a refund is not counted before the next",
            Cast(unit=TillThatForgetsReturns, faults=()),
            (TWICE,),
            ("returned_twice",),
        ),
        Mistake(
            "points are spent without their lease",
            Cast(cashier=PaysWithPointsUnseen, faults=()),
            (BOUND,),
            ("draws_differ",),
        ),
        Mistake(
            "a budget's share is ignored",
            Cast(unit=TillOfEndlessBudgets, cashier=GivesWithoutShare, faults=(cable_is_cut,)),
            (BOUND,),
            ("postings_foreign",),
        ),
        Mistake("a slip is taken twice", doubling, (LENT,), ("slip_doubled",)),
        Mistake(
            "a lease is lowered after its spend",
            Cast(unit=TillThatLowersLeasesLater, faults=cuts),
            (LENT,),
            ("lease_overdrawn", "leases_differ"),
        ),
    )


def _of_lending() -> tuple[Mistake, ...]:
    off = (cable_is_cut, office_is_slow)
    return (
        Mistake(
            "restored books lend at once",
            Cast(
                worker=LendsWhenRestored,
                faults=(books_are_restored, cable_is_cut),
                slip_shares=(0.0,),
                closing_ms=(60_000,),
            ),
            (LENT, BOUND, KEPT),
            ("lease_overdrawn",),
        ),
        Mistake(
            "a lease is lent again when its time is over",
            Cast(worker=LendsAgainAtExpiry, faults=off),
            (LENT, BOUND),
            ("lease_overdrawn",),
        ),
    )
