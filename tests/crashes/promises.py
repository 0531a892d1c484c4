"""What must hold whatever happened to a till, as an auditor finds it who has the paper and the disk and asks no till.

On paper stand a receipt's number and a code with the beginning of the entry's hash: both are looked up in the chain,
which is verified from its first entry on.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from agent.offline_store.store import Store
from agent.offline_store.verify import verify_journal
from agent.txn.receipt import QR_PREFIX, number_of, qr_text
from agent.txn.sold import PRINTED
from contract.bodies import Body, EntryKind, OutageBody, OutageCause, TechnicalEventBody
from contract.envelope import keyring
from contract.journal import Entry, open_entry
from contract.money import format_minor
from contract.trade import RedemptionBody, RefundBody, SaleBody, TopUpBody
from simulator.receipt_roll import Receipt, ReceiptRoll
from tests.crashes.premises import Premises

AGAIN = "补打"
MEMBER = "m-1"
_NUMBER = re.compile(r"单号 No\.\s+(\S+)")
_AMOUNT = re.compile(r"(?:应付 Payable|充值 Top-up|退款 Refund)\s+CNY ([\d.]+)")


@dataclass(frozen=True, slots=True)
class Books:
    """The chain on the disk, verified, and which sales' paper is still owed."""

    entries: tuple[Entry, ...]
    owed: tuple[int, ...]

    @property
    def sealed(self) -> tuple[bytes, ...]:
        """The signed bytes of each entry."""
        return tuple(entry.sealed for entry in self.entries)

    @property
    def sales(self) -> dict[str, Entry]:
        """The sales by what their receipts are numbered."""
        return {number_of(entry): entry for entry in self.entries if entry.header.kind is EntryKind.SALE}

    @property
    def booked(self) -> dict[str, Entry]:
        """Everything of which a paper is printed, by what that is numbered."""
        return {number_of(entry): entry for entry in self.entries if entry.header.kind in PRINTED}

    @property
    def events(self) -> tuple[str, ...]:
        """The technical events: code and detail."""
        bodies = (entry.body() for entry in self.entries)
        return tuple(f"{body.code} {body.detail}" for body in bodies if isinstance(body, TechnicalEventBody))

    @property
    def outages(self) -> tuple[OutageCause, ...]:
        """Why the till was not there, each time."""
        bodies = (entry.body() for entry in self.entries)
        return tuple(body.cause for body in bodies if isinstance(body, OutageBody))


def read_books(premises: Premises) -> Books:
    """Verify and read the journal, beside the till or after its end. Raises StoreError where it does not verify."""
    identity = premises.identity()
    key = identity.signer.public
    report = verify_journal(premises.store, premises.address, key)
    with closing(sqlite3.connect(f"{premises.store.as_uri()}?mode=ro", uri=True)) as connection:
        connection.execute("BEGIN")
        sealed = connection.execute("SELECT sealed FROM journal ORDER BY place").fetchall()
        owed = connection.execute("SELECT seq FROM receipts ORDER BY place").fetchall()
    entries = tuple(open_entry(row, keyring(key)) for (row,) in sealed)
    books = Books(entries, tuple(seq for (seq,) in owed))
    assert report.head.seq <= len(entries)
    assert len({entry.header.transaction for entry in entries}) == len(entries), "a transaction is booked twice"
    return books


def papers_tell_the_truth(roll: ReceiptRoll, books: Books) -> None:
    """What any paper says, also one that was torn off half-printed, is in the chain; at most one paper of a sale does
    not say that it may be the second.
    """
    firsts: Counter[str] = Counter()
    for paper in _papers(roll):
        for number in _NUMBER.findall(paper.text):
            assert number in books.booked, f"a paper of nothing that was booked: {paper.text}"
            firsts[number] += AGAIN not in paper.text
            assert set(_AMOUNT.findall(paper.text)) <= {_amount(books.booked[number].body())}, paper.text
        for code in paper.codes:
            if code.startswith(QR_PREFIX.encode()):
                assert code.decode() in {qr_text(entry) for entry in books.booked.values()}, paper.text
    assert all(count <= 1 for count in firsts.values()), f"two first papers: {firsts}"


def every_paper_came(roll: ReceiptRoll, booked: Iterable[Entry]) -> None:
    """The paper of each of ``booked`` came out whole at least once."""
    whole = {code.decode() for paper in roll.receipts if paper.cut for code in paper.codes}
    missing = [number_of(entry) for entry in booked if qr_text(entry) not in whole]
    assert not missing, f"no paper of {missing}"


def value_follows_from_the_chain(premises: Premises, books: Books, folder: Path) -> None:
    """On a copy of the disk: what is left of each lease created here is what entries gave it less what they drew."""
    copy = premises.copied(folder)
    store = Store(copy.store, copy.identity())
    store.open()
    try:
        held = {item.lease.lease: (item.amount, item.bonus_minor) for item in store.holdings_of(MEMBER)}
    finally:
        store.close()
        shutil.rmtree(folder)
    left: dict[bytes, tuple[int, int]] = {}
    for entry in books.entries:
        body = entry.body()
        if isinstance(body, SaleBody | TopUpBody | RefundBody):
            left |= {lease.lease: (lease.amount, lease.bonus_minor) for lease in body.born}
        if isinstance(body, SaleBody | TopUpBody | RefundBody | RedemptionBody):
            for draw in body.draws:
                amount, bonus_minor = left[draw.lease]
                left[draw.lease] = amount - draw.amount, bonus_minor - draw.bonus_minor
    assert held == {lease: both for lease, both in left.items() if both != (0, 0)}


def _amount(body: Body) -> str:
    """The amount that stands large on a paper."""
    match body:
        case SaleBody():
            return format_minor(body.payable_minor)
        case TopUpBody():
            return format_minor(body.amount_minor)
        case RefundBody():
            return format_minor(body.refund_minor)
    return ""


def _papers(roll: ReceiptRoll) -> list[Receipt]:
    hanging = roll.current
    return [*roll.receipts, *([hanging] if hanging else [])]
