"""Tills that hold leases as honest ones do, in the bytes of the contract, and what must hold in the books they feed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import replace
from functools import partial

from sqlalchemy import Connection, func, select

from contract import wire
from contract.bodies import (
    DocumentChangeBody,
    EntryKind,
    EpochReason,
    EpochStartBody,
    LeaseReturnBody,
    Returned,
    ReturnReason,
    SlipInBody,
    SlipOutBody,
)
from contract.documents import DocumentKind, LeasesContent, open_document
from contract.envelope import keyring
from contract.ids import TerminalAddress
from contract.journal import Entry
from contract.messages import HeldDocument
from contract.slips import GRAMMAR as SLIP_GRAMMAR
from contract.slips import Slip, open_slip, seal_slip
from contract.value import Account, Asset, Draw, Lease, bonus_place, ledger_place
from hq.db import writing
from hq.granting import lend_from
from hq.lease_book import OUTSTANDING
from hq.lease_offers import offer_waiting
from hq.ledger import differences
from hq.placement import DEFAULT_LENDING, LendingPolicy
from hq.tables import (
    balances,
    charges,
    exceptions,
    hold_parts,
    lease_documents,
    leases,
    lots,
    pools,
    postings,
    restorations,
)
from hq.worker import Worker
from tests.hq.tills import NOW_MS, HeadOffice, Till
from tests.hq.trades import MEMBER, sale_body, top_up_body

DAY_MS = 86_400_000


class Borrower:
    """A till and what it holds. Entries made are sent by :meth:`sync`."""

    def __init__(self, hq: HeadOffice, till: Till) -> None:
        self.hq = hq
        self.till = till
        self.held: dict[bytes, Lease] = {}
        self.active: HeldDocument | None = None
        self.sent = 0
        self.acked = 0
        """How far head office has acknowledged, as hello tells it."""
        self._count = 0

    @property
    def address(self) -> TerminalAddress:
        return self.till.address

    def wallet(self, member: str = "m1") -> int:
        """What a member can spend here of stored value."""
        account = Account(Asset.STORED, member)
        return sum(item.amount + item.bonus_minor for item in self.held.values() if item.account == account)

    def top_up(self, amount: int, bonus: int = 0, keep: bool = True) -> Entry:
        transaction = self._transaction()
        body = top_up_body(self.address.shop, amount, bonus, self.hq.ref, transaction, self.address.terminal)
        if keep:
            self.held[body.born[0].lease] = body.born[0]
        else:
            body = replace(body, born=())
        return self.till.append(EntryKind.TOP_UP, body, transaction)

    def spend(self, whole: int) -> Entry | None:
        """Spend so much of stored value, as far as it is held."""
        draws = []
        for lease in sorted(self.held.values(), key=lambda item: item.lease):
            takes = min(whole, lease.amount + lease.bonus_minor)
            if takes and lease.account.asset is Asset.STORED:
                bonus = min(takes, lease.bonus_minor)
                draws.append(Draw(lease.lease, lease.account, takes - bonus, bonus, lease.lot, lease.issuer))
                whole -= takes
        if not draws:
            return None
        self._lower(draws)
        body = sale_body(self.address.shop, draws, self.hq.pack, self.hq.ref, self.address.terminal, NOW_MS, MEMBER)
        return self.till.append(EntryKind.SALE, body, self._transaction())

    def give_back(self) -> Entry | None:
        """Return everything held."""
        if not self.held:
            return None
        back = tuple(Returned(item.lease, item.amount, item.bonus_minor) for item in self.held.values())
        self.held.clear()
        return self.till.append(EntryKind.LEASE_RETURN, LeaseReturnBody(ReturnReason.ASKED, back), self._transaction())

    def slip_out(self, addressee: TerminalAddress, whole: int) -> bytes | None:
        """Let value out on a slip for one other till."""
        lease = next((item for item in self.held.values() if item.amount), None)
        if lease is None:
            return None
        transaction = self._transaction()
        draw = Draw(lease.lease, lease.account, min(whole, lease.amount), 0, lease.lot, lease.issuer)
        self._lower([draw])
        value = Lease(transaction, lease.account, draw.amount, lease.spend_until_ms, 0, lease.lot, lease.issuer)
        slip = seal_slip(self.till.signer, Slip(SLIP_GRAMMAR, self.address, self.till.epoch, addressee, value))
        self.till.append(EntryKind.SLIP_OUT, SlipOutBody("01", (draw,), slip), transaction)
        return slip

    def slip_in(self, slip: bytes, giver: Till) -> Entry:
        """Take a slip."""
        opened = open_slip(slip, keyring(giver.signer.public))
        self.held[opened.value.lease] = opened.value
        return self.till.append(EntryKind.SLIP_IN, SlipInBody("01", slip), self._transaction())

    def activate(self) -> Entry | None:
        """Take the leases document on its way to this till, as it can be had."""
        with self.hq.engine.connect() as connection:
            row = connection.execute(
                select(lease_documents).where(
                    lease_documents.c.address == str(self.address), lease_documents.c.state == "offered"
                )
            ).one_or_none()
        if row is None or row.base != (None if self.active is None else self.active.digest):
            return None
        document = open_document(row.sealed, keyring(self.hq.desk.signer.public)).document
        content = wire.unpack(LeasesContent, document.content, 20_000)
        before = 0 if self.active is None else self.active.version
        assert document.version > before
        self.active = HeldDocument(DocumentKind.LEASES.value, document.version, row.digest)
        if content.epoch == self.till.epoch:
            self.held |= {lease.lease: lease for lease in content.granted}
        body = DocumentChangeBody("leases", document.version, row.digest, before, row.sealed)
        entry = self.till.append(EntryKind.DOCUMENT_CHANGE, body, self._transaction())
        back = [self.held.pop(lease) for lease in content.recalled if lease in self.held]
        if back:
            returned = tuple(Returned(item.lease, item.amount, item.bonus_minor) for item in back)
            body_back = LeaseReturnBody(ReturnReason.ASKED, returned)
            self.till.append(EntryKind.LEASE_RETURN, body_back, self._transaction())
        return entry

    def begin_epoch(self, head_proven: bool = False) -> None:
        """Begin a new epoch with the same key, into which what was not sent is carried; nothing is held any more."""
        old = self.till
        self.till = Till(old.address, old.epoch + 1)
        self.till.signer = old.signer
        self.held.clear()
        body = EpochStartBody(
            EpochReason.JOURNAL_DAMAGED,
            old.epoch,
            self.sent,
            old.entries[self.sent - 1].digest,
            len(old.entries),
            head_proven=head_proven,
        )
        self.till.append(EntryKind.EPOCH_START, body, self._transaction())
        for entry in old.entries[self.sent :]:
            self.till.carry(entry)
        self.sent = 0

    def sync(self, now_ms: int = NOW_MS) -> None:
        """Say hello and send all that was not sent."""
        self.greet(now_ms)
        fresh = self.till.entries[self.sent :]
        if fresh:
            assert self.hq.offer(self.till, *fresh).refused == ()
        self.sent = len(self.till.entries)

    def greet(self, now_ms: int = NOW_MS) -> None:
        """Say hello: the documents that are active, and what is held."""
        held = () if self.active is None else (self.active,)
        of_all = ((item.lease, item.amount, item.bonus_minor) for item in self.held.values())
        left = tuple(item for item in of_all if item[1] or item[2])
        self.hq.greet(self.till, *held, left=left, now_ms=now_ms)

    def _transaction(self) -> bytes:
        self._count += 1
        return f"{self.address.terminal}-{self.till.epoch}-{self._count}".encode().ljust(16, b"\0")

    def _lower(self, draws: list[Draw]) -> None:
        for draw in draws:
            lease = self.held[draw.lease]
            self.held[draw.lease] = replace(
                lease, amount=lease.amount - draw.amount, bonus_minor=lease.bonus_minor - draw.bonus_minor
            )


def lend(
    hq: HeadOffice, address: TerminalAddress, whole: int, account: Account | None = None, now_ms: int = NOW_MS
) -> int:
    """Have head office lend so much, as far as it is free, and sign the document."""
    with writing(hq.engine) as connection:
        lent = lend_from(connection, address, account or Account(Asset.STORED, "m1"), whole, DEFAULT_LENDING, now_ms)
        offer_waiting(connection, hq.desk, 32, now_ms)
    return lent


def take_step(hq: HeadOffice, now_ms: int = NOW_MS, policy: LendingPolicy = DEFAULT_LENDING) -> None:
    """One step of lending."""
    hq.worker.note_heard()
    Worker(hq.engine, replace(hq.desk, policy=policy)).lend(now_ms)


def causes(hq: HeadOffice) -> set[str]:
    """What people have been told of, but for bonus that these tills give without a rule."""
    rows = hq.look(lambda connection: connection.execute(select(exceptions)).all())
    return {row.reason for row in rows} - {"top_up_differs"}


def open_causes(hq: HeadOffice) -> set[str]:
    """What people have been told of and nobody has settled."""
    reasons = select(exceptions.c.reason).where(exceptions.c.settled_ms.is_(None))
    return {*hq.look(lambda connection: connection.scalars(reasons).all())} - {"top_up_differs"}


def balance_of(hq: HeadOffice, account: str, unit: str = "CNY") -> int:
    """What an account stands at."""
    asked = select(balances.c.amount).where(balances.c.account == account, balances.c.unit == unit)
    return hq.look(lambda connection: connection.scalar(asked)) or 0


def require_sound(hq: HeadOffice, may_owe: Collection[tuple[str, str]] = ()) -> None:
    """What must hold after each transaction of head office. Of the accounts ``may_owe`` more may be lent than is there:
    points that were lent, and then went back with the sale that had earned them.
    """
    hq.look(partial(_require_sound, may_owe))


def _require_sound(may_owe: Collection[tuple[str, str]], connection: Connection) -> None:
    assert differences(connection) == ()
    sums: dict[str, int] = defaultdict(int)
    for row in connection.execute(select(postings.c.unit, postings.c.amount)):
        sums[row.unit] += row.amount
    assert not any(sums.values()), sums
    if connection.execute(select(restorations).where(restorations.c.closed_ms.is_(None))).first() is not None:
        return
    amounts = {(row.account, row.unit): row.amount for row in connection.execute(select(balances))}
    lent: dict[tuple[str, str], int] = defaultdict(int)
    of_lot: dict[bytes | None, list[int]] = defaultdict(lambda: [0, 0])
    for row in connection.execute(select(leases).where(leases.c.state.in_(OUTSTANDING))):
        left = row.granted - row.drawn - row.returned
        left_bonus = row.granted_bonus - row.drawn_bonus - row.returned_bonus
        assert left >= 0 <= left_bonus
        account = Account(Asset(row.asset), row.holder, row.name)
        lent[ledger_place(account, "CNY")] += left
        if account.asset is Asset.STORED:
            lent[bonus_place(account, "CNY")] += left_bonus
            of_lot[row.lot][0] += left
            of_lot[row.lot][1] += left_bonus
    for row in connection.execute(select(hold_parts)):
        account = Account(Asset(row.asset), row.holder, row.name)
        lent[ledger_place(account, "CNY")] += row.amount
        if account.asset is Asset.STORED:
            lent[bonus_place(account, "CNY")] += row.bonus
            of_lot[row.lot][0] += row.amount
            of_lot[row.lot][1] += row.bonus
    for place, amount in lent.items():
        assert amount >= 0 and (place in may_owe or -amounts.get(place, 0) >= amount), (
            place,
            amounts.get(place),
            amount,
        )
    lying: dict[str, int] = defaultdict(int)
    for row in connection.execute(select(lots)):
        assert row.principal >= of_lot[row.lot][0] and row.bonus >= of_lot[row.lot][1], row
        lying[f"member/{row.member}/principal"] += row.principal
        lying[f"member/{row.member}/bonus"] += row.bonus
    for (account_name, unit), amount in amounts.items():
        if unit == "CNY" and account_name.startswith("member/"):
            assert -amount == lying[account_name] >= 0, (account_name, amount, lying[account_name])
    _require_pooled(connection, amounts)


def _require_pooled(connection: Connection, amounts: dict[tuple[str, str], int]) -> None:
    """The pool has what members are owed, but for what was charged and is not paid back yet."""
    if amounts.get(("office/slips_ahead", "CNY")) or connection.execute(select(pools)).first() is not None:
        return
    money = {account: amount for (account, unit), amount in amounts.items() if unit == "CNY"}
    has = sum(amount for account, amount in money.items() if account.startswith("pool/settlement/"))
    owed = -sum(amount for account, amount in money.items() if account.endswith("/principal"))
    unpaid = connection.scalar(select(func.sum(charges.c.amount)).where(charges.c.settles)) or 0
    assert has + unpaid == owed, (has, unpaid, owed)
