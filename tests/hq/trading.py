"""A chain of three shops whose tills move stored value and send what they journal to a head office."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import func, select

from contract.bodies import EntryKind
from contract.ids import TerminalAddress
from contract.journal import Entry
from contract.trade import Original
from contract.value import Account, Asset, Draw, Lease
from hq.db import reading, writing
from hq.granting import lend_from
from hq.periods import Period, close_period, closed_periods, open_entries, recomputed, settle_entries
from hq.placement import DEFAULT_LENDING
from hq.settlement.plain import plain_report
from hq.settlement.report import Line
from hq.tables import leases, postings
from tests.hq.tills import A1, B1, NOW_MS, HeadOffice, Till
from tests.hq.trades import refund_body, sale_body, top_up_body

C1 = TerminalAddress("acme", "shop-c", "c1")
DAY_MS = 86_400_000


def quiet(_count: int) -> None:
    """Nobody watches."""


class Chain:
    """Three shops whose tills move stored value and send what they journal."""

    def __init__(self, hq: HeadOffice) -> None:
        self.hq = hq
        self.tills = {till.address.shop: till for till in (hq.enrolled(A1), hq.enrolled(B1), hq.enrolled(C1))}
        self.lease = Lease(bytes(16), Account(Asset.STORED, "m1"), 0, 0)

    def top_up(self, shop: str, amount: int, bonus: int) -> Entry:
        till, transaction = self.tills[shop], bytes([len(self.tills[shop].entries) + 1]) * 16
        body = top_up_body(shop, amount, bonus, self.hq.ref, transaction, till.address.terminal)
        (self.lease,) = body.born
        # Nothing of it stays at the till: other shops are lent of it.
        return self._sent(till, EntryKind.TOP_UP, replace(body, born=()), transaction)

    def spend(self, shop: str, amount: int, bonus: int) -> Entry:
        till = self.tills[shop]
        self._borrow(till, amount + bonus)
        body = sale_body(shop, self.draws(amount, bonus), self.hq.pack, self.hq.ref, till.address.terminal, NOW_MS)
        return self._sent(till, EntryKind.SALE, body)

    def _borrow(self, till: Till, whole: int) -> None:
        """Have head office lend the till what it is about to spend."""
        wallet = self.lease.account
        with writing(self.hq.engine) as connection:
            assert lend_from(connection, till.address, wallet, whole, DEFAULT_LENDING, NOW_MS) == whole
            lent = connection.scalars(
                select(leases.c.lease).where(leases.c.address == str(till.address), leases.c.drawn == 0)
            ).one()
        self.lease = replace(self.lease, lease=lent)

    def refund(self, shop: str, sale: Entry, amount: int, bonus: int) -> Entry:
        till, header = self.tills[shop], sale.header
        original = Original(
            header.address.shop, header.address.terminal, header.epoch, header.seq, header.transaction, sale.digest
        )
        body = refund_body(shop, self.draws(amount, bonus), original, self.hq.ref, till.address.terminal)
        return self._sent(till, EntryKind.REFUND, body)

    def draws(self, amount: int, bonus: int) -> Sequence[Draw]:
        lease = self.lease
        return (Draw(lease.lease, lease.account, amount, bonus, lease.lot, lease.issuer),)

    def _sent(self, till: Till, kind: EntryKind, body: Any, transaction: bytes | None = None) -> Entry:
        entry = till.append(kind, body, transaction)
        ack = self.hq.offer(till, entry)
        assert (ack.upto_seq, ack.refused) == (entry.header.seq, ())
        return entry

    def report(self, lines: list[Line] | None = None) -> dict[str, Any]:
        """The report over the open period, as plain values."""
        with reading(self.hq.engine) as connection:
            found = open_entries(connection, quiet)
            keep = None if lines is None else lines.append
            return plain_report(settle_entries(connection, "acme", found, NOW_MS + DAY_MS, keep))

    def close(self, name: str, to_ms: int) -> Period:
        with writing(self.hq.engine) as connection:
            return close_period(connection, "acme", name, to_ms, to_ms, quiet)

    def holds(self, name: str) -> bool:
        """Whether a closed period recomputes to the report that was frozen."""
        with reading(self.hq.engine) as connection:
            (period,) = (period for period in closed_periods(connection) if period.name == name)
            return recomputed(connection, "acme", period, quiet) == period.report

    def balance(self, account: str) -> int:
        with reading(self.hq.engine) as connection:
            summed = select(func.sum(postings.c.amount)).where(postings.c.account == account)
            return connection.scalar(summed) or 0
