"""Durable sales a second through the till's own commit path, beside a bare loop that signs and writes the same rows.

The till sells to a gold member, one line and eight. It makes the lines and the basket, prices it by the rules of the
demo's first pack, makes the body with its postings, asks the clock (once a second the kernel whether it is right, and
the disk how much is free), reads or remembers the chain's newest place and the totals, checks every field and that
postings balance, encodes, signs, hashes and chains the entry, inserts it under the index that keeps a transaction from
standing twice, updates the totals, notes the paper owed, looks whether leases, coupons or presentations were taken, and
commits: one sync of the log.

The bare loop has what is in those very entries before it begins, as plain values. It encodes body, header, payload,
Sig_structure and envelope with the CBOR library's own deterministic encoding, signs with the same key, hashes, and
inserts the same rows, with the same indexes, into tables of the same shape in a file of its own on the same disk (WAL,
synchronous=FULL), one commit and one sync each. It prices nothing, checks nothing and asks nothing. How fast it is
where it finds the bytes to be signed and to be kept ready made is printed too; no limit stands beside that.

Both take turns every few sales. The parts of a sale are printed in microseconds: what is not of the store is Python
alone, and after each sync it runs on cold caches, at about one and a half times what it takes by itself.

Then syncs are counted with strace: one of the log for each sale; a checkpoint adds one of the log before it, one of the
file, and one of the log that is begun anew after it.
"""

import argparse
import hashlib
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cbor2

from agent.clock import SystemClock
from agent.keys import Identity, load_identity, new_transaction_id
from agent.lookups import StoreBook
from agent.offline_store.store import Store
from agent.txn import sale
from agent.txn.events import CardRead
from agent.txn.identify import by_card
from agent.txn.state import Buyer, Line, OpenBasket
from bench._figures import beside, median, say_step
from contract.basket import Basket
from contract.documents import (
    CatalogueContent,
    CatalogueItem,
    Document,
    DocumentKind,
    MemberRecord,
    MembersContent,
    open_document,
    seal_document,
)
from contract.envelope import keyring
from contract.signing import Signer, SoftwareSigner
from contract.wire import pack
from demo.site import fixture
from provisioning.birth import check_address, ensure_terminal
from provisioning.headquarters import ensure_head_office
from rules.authoring import read_authored
from rules.engine.price import price
from rules.pack import write_pack

ROOT = Path(__file__).resolve().parents[1]
ADDRESS = check_address("bench", "a", "a1")
CARD = bytes.fromhex("5a1c9e07")
BASKETS = (1, 8)
"""How many lines a sale has."""

ROUNDS = 40
SHARE = 0.7
"""The least that the commit path reaches of the bare loop's pace."""

DAY_MS = 86_400_000


def main() -> int:
    """Measure and print; status 1 where a limit is not met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=20, metavar="N", help="sales a round (default: %(default)s)")
    parser.add_argument("--sell-in", type=Path, metavar="FOLDER", help="only sell there, as what strace looks at")
    asked = parser.parse_args()
    if asked.sell_in is not None:
        with open_shop(asked.sell_in) as shop:
            shop.sell(asked.samples, max(BASKETS))
        return 0
    # On the disk that the tree lies on: /tmp may be memory, which syncs nothing.
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=ROOT) as name:
        paced = [_pace(Path(name) / str(lines), lines, max(1, asked.samples)) for lines in BASKETS]
        counted = _syncs(Path(name), max(1, asked.samples))
    return 0 if all(paced) and counted else 1


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds that sales took, by their parts."""

    pricing_s: float
    body_s: float
    store_s: float

    @property
    def whole_s(self) -> float:
        """All of it."""
        return self.pricing_s + self.body_s + self.store_s


class Shop:
    """A till's store below ``folder`` with everything that is needed to sell, and whoever buys there."""

    def __init__(self, folder: Path, identity: Identity, store: Store) -> None:
        self.path = folder / "data" / "till.db"
        self.identity = identity
        self._store = store
        self._clock = SystemClock(0)
        self._book = StoreBook(store, identity, self._clock)
        buyer = by_card(CardRead("mifare_classic", CARD), self._book)
        active = self._book.pack()
        assert isinstance(buyer, Buyer) and active is not None
        self._buyer = buyer
        self._active = active
        self._items = [self._item(number) for number in range(max(BASKETS))]

    def sell(self, count: int, lines: int) -> Spent:
        """Price, sign and commit so many sales."""
        sold = [self._sell_one(number, lines) for number in range(count)]
        return Spent(
            sum(one.pricing_s for one in sold), sum(one.body_s for one in sold), sum(one.store_s for one in sold)
        )

    def _sell_one(self, number: int, count: int) -> Spent:
        began = time.perf_counter()
        items = self._items[:count]
        quantity = 1 + number % 3
        moment_ms = self._clock.stamp().wall_ms
        lines = tuple([Line(item, quantity, item.price_minor) for item in items])
        asked = Basket(
            lines=tuple([line.plain for line in lines]),
            customer=self._buyer.customer,
            shop=ADDRESS.shop,
            terminal=ADDRESS.terminal,
            channel=sale.CHANNEL,
            moment_ms=moment_ms,
            want_points=0,
        )
        priced = price(asked, self._active.compiled)
        have_price = time.perf_counter()
        basket = OpenBasket(self._active, moment_ms, new_transaction_id(), lines, self._buyer, priced, ())
        order = sale.sale_commit(basket, "01", self._book)
        have_body = time.perf_counter()
        self._store.append(order.kind, order.transaction, self._clock.stamp(), order.body, order.owes_receipt)
        return Spent(have_price - began, have_body - have_price, time.perf_counter() - have_body)

    def _item(self, number: int) -> CatalogueItem:
        found = self._book.item_by_barcode(_barcode(number))
        assert found is not None
        return found


@contextmanager
def open_shop(folder: Path) -> Iterator[Shop]:
    """A till newly born in ``folder``, provisioned and open."""
    now = datetime.now(UTC)
    office = ensure_head_office(folder / "keys", "hq-1", now)
    ensure_terminal(folder / "keys", ADDRESS, folder, now)
    identity = load_identity(folder / "identity", ADDRESS, 1)
    signer = SoftwareSigner(office.document_key.read_bytes())
    store = Store(folder / "data" / "till.db", identity)
    store.open()
    try:
        issued_ms = int(now.timestamp()) * 1000
        for kind, content in _contents().items():
            document = Document(1, kind, ADDRESS.tenant, 1, issued_ms, issued_ms + DAY_MS, content)
            opened = open_document(seal_document(signer, document), keyring(signer.public))
            store.activate(opened, new_transaction_id(), SystemClock(0).stamp())
        yield Shop(folder, identity, store)
    finally:
        store.close()


@dataclass(frozen=True, slots=True)
class Sale:
    """What the bare loop is given of a sale: its rows by table, the plain CBOR values that its entry holds, and the
    bytes that were signed.
    """

    rows: dict[str, dict[str, Any]]
    protected: bytes
    header: object
    body: object
    signed: bytes


class Bare:
    """A file of the shape of the file ``like``, and nobody around it."""

    def __init__(self, path: Path, like: Path, signer: Signer) -> None:
        self._signer = signer
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        with _reading(like) as connection:
            for (table,) in connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall():
                self._connection.execute(table)

    def write(self, sales: list[Sale]) -> float:
        """Encode, sign and hash what is in each sale, and write its rows in a durable commit; the seconds it took."""
        dumps, sign = cbor2.dumps, self._signer.sign
        began = time.perf_counter()
        for sold in sales:
            payload = dumps([sold.header, dumps(sold.body, canonical=True)], canonical=True)
            signature = sign(dumps(["Signature1", sold.protected, b"", payload], canonical=True))
            hashlib.sha256(dumps([sold.protected, {}, payload, signature], canonical=True)).digest()
            self._insert(sold)
        return time.perf_counter() - began

    def write_ready(self, sales: list[Sale]) -> float:
        """Sign the bytes of each sale and write its rows in a durable commit; the seconds it took."""
        began = time.perf_counter()
        for sold in sales:
            self._signer.sign(sold.signed)
            self._insert(sold)
        return time.perf_counter() - began

    def _insert(self, sold: Sale) -> None:
        run = self._connection.execute
        run("BEGIN IMMEDIATE")
        for table, row in sold.rows.items():
            run(f"INSERT OR REPLACE INTO {table} ({','.join(row)}) VALUES (:{',:'.join(row)})", row)
        run("COMMIT")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def _pace(folder: Path, lines: int, count: int) -> bool:
    """Let all take turns; whether the commit path keeps its share of the bare loop's pace."""
    sold: list[Spent] = []
    bare_s: list[float] = []
    ready_s: list[float] = []
    say_step(f"{ROUNDS} rounds of {count} sales with {lines} lines, and the same by the bare loop")
    with open_shop(folder) as shop:
        bare, ready = (Bare(folder / name, shop.path, shop.identity.signer) for name in ("bare.db", "ready.db"))
        for _ in range(ROUNDS):
            last = _newest(shop.path)
            sold.append(shop.sell(count, lines))
            written = _written(shop.path, last)
            bare_s.append(bare.write(written))
            ready_s.append(ready.write_ready(written))
        bare.close()
        ready.close()
    pace = count / median(bare_s)
    whole, store = (count / median(parts) for parts in ([one.whole_s for one in sold], [one.store_s for one in sold]))
    limit_is = f"{SHARE} of the bare loop's {pace:.0f}"
    what = f"durable sales with {lines} lines"
    beside(f"{what}, priced and signed", whole, SHARE * pace, "sales/s", limit_is)
    beside(f"{what}, without pricing", store, SHARE * pace, "sales/s", limit_is)
    say_step(f"a loop that finds the bytes ready made: {count / median(ready_s):.0f} sales/s")
    parts = [
        ("basket and pricing", [one.pricing_s for one in sold]),
        ("body and postings", [one.body_s for one in sold]),
        ("the store", [one.store_s for one in sold]),
        ("the bare loop in all", bare_s),
    ]
    say_step("of one: " + ", ".join(f"{name} {median(spent) * 1e6 / count:.0f} us" for name, spent in parts))
    return whole >= SHARE * pace


def _syncs(folder: Path, count: int) -> bool:
    """Count syncs of the log and of the file; whether there was one a sale, plus what checkpoints take."""
    say_step(f"syncs of {ROUNDS * count} sales, counted with strace")
    logs, files = _synced(folder / "few", 0)
    more_logs, more_files = _synced(folder / "many", ROUNDS * count)
    checkpoints = more_files - files
    limit = float(ROUNDS * count + 2 * checkpoints)
    limit_is = f"one a sale, and two for each of {checkpoints} checkpoints, which sync the file once too"
    beside(f"syncs of the log in {ROUNDS * count} sales", float(more_logs - logs), limit, "syncs", limit_is)
    return more_logs - logs <= limit


def _synced(folder: Path, sales: int) -> tuple[int, int]:
    """How often the log and how often the file of a till was synced that sold so much, from birth to its end."""
    trace = folder.with_suffix(".trace")
    strace = ["strace", "-f", "-y", "-qq", "-e", "trace=fsync,fdatasync", "-o", str(trace)]
    program = [sys.executable, "-m", "bench.durable_sales", "--sell-in", str(folder), "--samples", str(sales)]
    subprocess.run([*strace, *program], cwd=ROOT, check=True)
    lines = trace.read_text().splitlines()
    return sum("till.db-wal>" in line for line in lines), sum("till.db>" in line for line in lines)


def _newest(path: Path) -> int:
    """The newest entry's sequence."""
    with _reading(path) as connection:
        (seq,) = connection.execute("SELECT max(seq) FROM journal").fetchone()
        return int(seq)


def _written(path: Path, after: int) -> list[Sale]:
    """What each sale after that entry has written."""
    with _reading(path) as connection:
        journal = _rows(connection, "journal", f"WHERE seq > {after} ORDER BY seq")
        receipts = _rows(connection, "receipts", f"WHERE seq > {after} ORDER BY seq")
        (totals,) = _rows(connection, "totals", "")
    return [
        _sale({"journal": row, "receipts": receipt, "totals": totals}, row["sealed"])
        for row, receipt in zip(journal, receipts, strict=True)
    ]


def _rows(connection: sqlite3.Connection, table: str, which: str) -> list[dict[str, Any]]:
    """Rows by column, those left out that the table reckons itself (sqlite.org/pragma.html, table_xinfo)."""
    columns = [row[1] for row in connection.execute(f"PRAGMA table_xinfo({table})") if row[6] == 0]
    found = connection.execute(f"SELECT {', '.join(columns)} FROM {table} {which}")
    return [dict(zip(columns, row, strict=True)) for row in found]


def _sale(rows: dict[str, dict[str, Any]], sealed: bytes) -> Sale:
    # Behind its tag an envelope is [protected, {}, payload, signature], and the payload [header, body].
    protected, _unprotected, payload, _signature = cbor2.loads(sealed[1:])
    header, body = cbor2.loads(payload)
    signed = cbor2.dumps(["Signature1", protected, b"", payload], canonical=True)
    return Sale(rows, protected, header, cbor2.loads(body), signed)


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    try:
        yield connection
    finally:
        connection.close()


def _contents() -> dict[DocumentKind, bytes]:
    """What the till sells by: the demo's first pack, eight articles, and a gold member with a card."""
    rules = read_authored(fixture("pack1.json").read_text(encoding="utf-8"))
    items = tuple(
        CatalogueItem(f"sku-{number}", f"商品{number}", f"Article {number}", "general", 1_990, _barcode(number))
        for number in range(max(BASKETS))
    )
    member = MemberRecord("m-1", "会员一", "gold", (), (CARD,), 0, "13800000001")
    return {
        DocumentKind.MEMBERS: pack(MembersContent((member,))),
        DocumentKind.CATALOGUE: pack(CatalogueContent("CNY", "示范店", items[0].sku, items)),
        DocumentKind.PACK: write_pack(rules),
    }


def _barcode(number: int) -> str:
    return f"690123456{number:04d}"


if __name__ == "__main__":
    sys.exit(main())
