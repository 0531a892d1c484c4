"""What must hold whatever happened to a till, as an auditor finds it who has the paper and the disk and asks no till.

On paper stand a receipt's number and a code with the beginning of the entry's hash: both are looked up in the chain,
which is verified from its first entry on.
"""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass

from agent.offline_store.verify import verify_journal
from agent.txn.receipt import QR_PREFIX, number_of, qr_text
from contract.bodies import EntryKind, OutageBody, OutageCause, TechnicalEventBody
from contract.envelope import keyring
from contract.journal import Entry, open_entry
from contract.money import format_minor
from contract.trade import SaleBody
from simulator.receipt_roll import Receipt, ReceiptRoll
from tests.crashes.premises import Premises

AGAIN = "补打"
_NUMBER = re.compile(r"单号 No\.\s+(\S+)")
_PAYABLE = re.compile(r"应付 Payable\s+CNY ([\d.]+)")


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
            assert number in books.sales, f"a paper without a sale: {paper.text}"
            firsts[number] += AGAIN not in paper.text
            body = books.sales[number].body()
            assert isinstance(body, SaleBody)
            assert set(_PAYABLE.findall(paper.text)) <= {format_minor(body.payable_minor)}, paper.text
        for code in paper.codes:
            if code.startswith(QR_PREFIX.encode()):
                assert code.decode() in {qr_text(entry) for entry in books.sales.values()}, paper.text
    assert all(count <= 1 for count in firsts.values()), f"two first papers: {firsts}"


def every_sale_has_its_paper(roll: ReceiptRoll, sales: Iterable[Entry]) -> None:
    """Each of ``sales`` came out whole at least once."""
    whole = {code.decode() for paper in roll.receipts if paper.cut for code in paper.codes}
    missing = [number_of(entry) for entry in sales if qr_text(entry) not in whole]
    assert not missing, f"no paper of {missing}"


def _papers(roll: ReceiptRoll) -> list[Receipt]:
    hanging = roll.current
    return [*roll.receipts, *([hanging] if hanging else [])]
