"""Fleets with one deliberate mistake each beside plain sales: in coupons, count cards, floor limits and shifts, and in
points of a merchant's pool where disks went two ways.
"""

from dataclasses import replace
from typing import Any

from sqlalchemy import Table, func, select, update

from agent.clock import Stamp
from agent.offline_store.store import Store
from agent.txn.effects import Commit
from contract.bodies import Body, EntryKind, ShiftCloseBody
from contract.journal import Entry
from contract.postings import POINTS, Posting, granted_account, pool_account
from contract.value import Asset
from hq.db import reading, writing
from hq.ledger import post
from hq.tables import charges, coupon_uses, postings
from hq.worker import Publish, Worker
from tests.fleet.broken_value import without
from tests.fleet.faults import cable_is_cut, disk_is_cloned, office_is_slow
from tests.fleet.members import Cashier
from tests.fleet.mistake import ALONE, BOOKS, BOUND, FLOOR, ONCE_HERE, PAID, SHIFT, Mistake
from tests.fleet.offers import FUNDED
from tests.fleet.run import Cast
from tests.fleet.terminal import Running, SeededBook, Unit

NOT_THERE_POINTS = 100_000


class GivesGiftsUnseen(Cashier):
    """Hands out gifts and does not write down of which share."""

    def committed(self, running: Running, commit: Commit) -> Entry | None:
        return super().committed(running, without(commit, Asset.GIFT))


class ForgetsTheFloor(SeededBook):
    """Does not count what was spent on the floor limit before."""

    def on_floor_since(self, member: str, since_ms: int) -> int:
        return 0


class TillThatForgetsTheFloor(Unit):
    """A terminal with such a book."""

    book_kind = ForgetsTheFloor


class ForgetsCoupons(Store):
    """Does not keep which coupons it took."""

    def append(
        self, kind: EntryKind, transaction: bytes, stamp: Stamp, body: Body, owes_receipt: bool = False
    ) -> Entry:
        entry = super().append(kind, transaction, stamp, body, owes_receipt)
        with self._database.transaction():
            self._database.write("DELETE FROM coupons_taken")
        return entry


class TillThatForgetsCoupons(Unit):
    """A terminal with such a store."""

    store_kind = ForgetsCoupons


class ForgetsWhatCameBack(SeededBook):
    """Closes a shift as if nothing had come back in it."""

    def open_shift(self, cashier: str) -> ShiftCloseBody | None:
        found = super().open_shift(cashier)
        if found is None or found.figures is None:
            return found
        cash_minor = found.cash_expected_minor + found.figures.refunded_minor
        return replace(
            found, cash_expected_minor=cash_minor, figures=replace(found.figures, refunds=0, refunded_minor=0)
        )


class TillThatForgetsWhatCameBack(Unit):
    """A terminal with such a book."""

    book_kind = ForgetsWhatCameBack


class WeighsNoCoupons(Worker):
    """Leaves it at whose journal came first."""

    def lend(self, now_ms: int) -> None:
        self._overwrite(coupon_uses, {"weigh": False})
        super().lend(now_ms)

    def _overwrite(self, table: Table, values: dict[str, Any]) -> None:
        with writing(self._engine) as connection:
            connection.execute(update(table).values(values))


class LeavesTheFloor(WeighsNoCoupons):
    """Never lets members' free money pay what shops bear, and tells nobody."""

    def lend(self, now_ms: int) -> None:
        self._overwrite(charges, {"on_floor": 0})
        Worker.lend(self, now_ms)


class FillsPools(Worker):
    """Books points into a merchant's pool, with a sale there, that nobody paid for or spent."""

    def _answer(self, topic: str, payload: bytes, now_ms: int, patient: bool) -> list[Publish] | None:
        with reading(self._engine) as connection:
            last = connection.scalar(select(func.max(postings.c.id))) or 0
        found = super()._answer(topic, payload, now_ms, patient)
        fresh = select(postings.c.entry_id).where(postings.c.id > last, postings.c.account == pool_account(FUNDED))
        with writing(self._engine) as connection:
            moved = (
                Posting(pool_account(FUNDED), POINTS, -NOT_THERE_POINTS),
                Posting(granted_account(Asset.POOL), POINTS, NOT_THERE_POINTS),
            )
            made = sorted(set(connection.scalars(fresh)))
            post(connection, [(entry_id, posting) for entry_id in made for posting in moved])
        return found


def of_counter() -> tuple[Mistake, ...]:
    """All of them."""
    return (*_of_tills(), *_of_head_office())


def _of_tills() -> tuple[Mistake, ...]:
    floor = Cast(unit=TillThatForgetsTheFloor, faults=(cable_is_cut,), proof_shares=(0.9,))
    return (
        Mistake(
            "gifts are handed out unseen",
            Cast(cashier=GivesGiftsUnseen, faults=(), redeemed_shares=(0.7,)),
            (BOUND,),
            ("redemption_differs", "postings_foreign"),
        ),
        Mistake("the floor limit is not counted", floor, (FLOOR,)),
        Mistake(
            "a coupon that was taken is taken again",
            Cast(unit=TillThatForgetsCoupons, faults=(), copied_share=1.0, coupon_shares=(0.9,)),
            (ONCE_HERE,),
        ),
        Mistake("a shift forgets what came back", Cast(unit=TillThatForgetsWhatCameBack, faults=()), (SHIFT,)),
    )


def _of_head_office() -> tuple[Mistake, ...]:
    off = (cable_is_cut, office_is_slow)
    return (
        Mistake(
            "the coupon counts whose journal comes first",
            Cast(worker=WeighsNoCoupons, faults=off, copied_share=1.0, coupon_shares=(0.9,)),
            (ALONE,),
        ),
        Mistake("the floor is never covered", Cast(worker=LeavesTheFloor, faults=off, proof_shares=(0.9,)), (PAID,)),
        Mistake("a pool is filled with what nobody paid", Cast(worker=FillsPools, faults=(disk_is_cloned,)), (BOOKS,)),
    )
