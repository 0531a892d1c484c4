"""One till at work for tests: the real loop over a real store, with peers where its glass, printer and network are.

The till has a thread of its own, as in its process; a test acts through the mailbox, waits for what the glass shows,
and reads the journal through a connection of its own, as somebody would who does not believe the till.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from agent.clock import Sources, SystemClock
from agent.counter import Counter, Panel, Pole, Printer
from agent.courier import Courier
from agent.drivers.facts import CardKind, CardPresented, Key, KeyPressed, PrintFinished
from agent.keys import Identity
from agent.lookups import StoreBook
from agent.offline_store.store import Room, Store
from agent.paper import Pair, Paper, Text
from agent.sync.effects import Publish
from agent.sync.facts import LinkDown, LinkUp, MessageArrived
from agent.till import Fact, Mailbox, Till
from agent.ui_tft.frame import Frame
from agent.ui_tft.paint import Painter
from contract.bodies import EntryKind, TechnicalEventBody
from contract.documents import (
    CashierRecord,
    CashiersContent,
    CatalogueContent,
    CatalogueItem,
    DocumentKind,
    MemberRecord,
    MembersContent,
    seal_document,
)
from contract.envelope import keyring
from contract.journal import Entry, open_entry
from contract.trade import SaleBody
from contract.wire import pack
from rules.authoring import read_authored
from rules.grammar.money import SaveStep, SpendSave
from rules.grammar.pack import Pack
from rules.pack import write_pack
from tests.contract.samples import ADDRESS, eddsa_signer
from tests.sync.office import NOON_MS, Office, announcement_message, document
from tests.txn.desk import PACK_1, PIN, verifier
from tests.waiting import eventually

CASHIER = "1001"
GOLD_UID = bytes.fromhex("5a1c9e07")
GIB = 1024**3
LOOK_S = 40.0


@dataclass
class Hands:
    """The hands of the clock, which a test moves: what time it is thought to be, and how long it has run."""

    elapsed_ms: int = 0
    began_ms: int = NOON_MS

    def clock(self) -> SystemClock:
        """The terminal's clock, driven by these hands."""
        sources = Sources(
            wall_ns=lambda: (self.began_ms + self.elapsed_ms) * 1_000_000,
            boottime_ns=lambda: (100_000 + self.elapsed_ms) * 1_000_000,
            synchronised=lambda: True,
        )
        return SystemClock(0, sources, bytes(16))


@dataclass(frozen=True, slots=True)
class Left:
    """Something that left the till: a sound or a paper, and how many sales the journal held at that moment."""

    what: str
    name: str
    sales: int


class Outside:
    """The customer's side of the counter: hears sounds, sees frames, takes papers; remembers the order of it all."""

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._changed = threading.Condition()
        self._papers: list[tuple[str, Paper]] = []
        self._text: tuple[str, ...] = ()
        self._frame: Frame | None = None
        self.left: list[Left] = []
        self.paper_queue_full = False

    @property
    def text(self) -> tuple[str, ...]:
        """What is on the glass."""
        with self._changed:
            return self._text

    @property
    def frame(self) -> Frame | None:
        """The picture on the glass."""
        with self._changed:
            return self._frame

    @property
    def sounds(self) -> list[str]:
        """The sounds heard so far."""
        with self._changed:
            return [item.name for item in self.left if item.what == "sound"]

    @property
    def papers(self) -> list[tuple[str, list[str]]]:
        """The papers ordered so far: the job, and the words on it."""
        with self._changed:
            return [(job, _words(paper)) for job, paper in self._papers]

    def show(self, picture: Frame) -> None:
        """Be the glass."""
        with self._changed:
            self._text = picture.text
            self._frame = picture
            self._changed.notify_all()

    def sound(self, name: str) -> None:
        """Be the speaker."""
        self._leave("sound", name)

    def print(self, job: str, paper: Paper) -> bool:
        """Be the printer's queue."""
        if self.paper_queue_full:
            return False
        with self._changed:
            self._papers.append((job, paper))
        self._leave("paper", job)
        return True

    def open_drawer(self) -> bool:
        """Be a printer without a drawer."""
        return False

    def see(self, *words: str) -> tuple[str, ...]:
        """Wait until all of ``words`` are on the glass together."""
        with self._changed:
            seen = self._changed.wait_for(lambda: all(word in "\n".join(self._text) for word in words), LOOK_S)
            assert seen, f"{words} not on the glass: {self._text}"
            return self._text

    def _leave(self, what: str, name: str) -> None:
        item = Left(what, name, count_sales(self._journal))
        with self._changed:
            self.left.append(item)
            self._changed.notify_all()


class Wire:
    """The way to head office: an honest one that answers at once, into the till's mailbox."""

    def __init__(self, office: Office, mailbox: Mailbox) -> None:
        self._office = office
        self._mailbox = mailbox

    def publish(self, topic: str, payload: bytes) -> bool:
        """Carry a message over, and the answers back."""
        return all([self._mailbox.put_link(answer) for answer in self._office.answer(Publish(topic, payload))])

    def reconnect(self) -> None:
        """There is only this one way."""


class Shop:
    """A till below ``folder`` and everything around it. ``open`` starts the till, ``close`` ends it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "store.db"
        self.signer = eddsa_signer()
        self.office = Office(self.signer.public)
        self.identity = Identity(ADDRESS, 1, self.signer, bytes(range(32)), keyring(self.office.signer.public))
        self.hands = Hands()
        self.free_bytes = GIB
        self.outside = Outside(self.path)
        self.mailbox = Mailbox()
        self.printer: Printer = self.outside
        self.pole: Pole | None = None
        self.panel: Panel | None = None
        self.touch = False
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def open(self, language: str = "zh", printer: bool = True, painter: Painter | None = None) -> None:
        """Start the till."""
        counter = Counter(self.printer if printer else None, self.outside, self.pole, self.panel, painter, self.touch)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, args=(language, counter), name="till")
        self._thread.start()

    def close(self) -> None:
        """Stop the till; may be called again."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def ended(self) -> bool:
        """Whether the till came to its end by itself."""
        return self._thread is not None and not self._thread.is_alive()

    def store_is_closed(self) -> bool:
        """Whether nobody has the journal open: its log is in it then, and gone."""
        return not self.path.with_name(f"{self.path.name}-wal").exists()

    def restart(self) -> None:
        """Stop the till and start it over the same store, with an empty mailbox."""
        self.pause()
        self.open()

    def pause(self) -> None:
        """Stop the till and empty its mailbox; what is put into it now waits for ``open``."""
        self.close()
        self.mailbox = Mailbox()

    def tell(self, *facts: Fact) -> None:
        """Put facts into the till's mailbox."""
        for fact in facts:
            if isinstance(fact, LinkUp | LinkDown | MessageArrived):
                assert self.mailbox.put_link(fact)
            else:
                assert self.mailbox.put(fact)

    def press(self, *keys: str) -> None:
        """Press keys."""
        self.tell(*(KeyPressed("keypad", Key(key)) for key in keys))

    def tap(self, uid: bytes = GOLD_UID) -> None:
        """Hold a card to the reader."""
        self.tell(CardPresented("card", CardKind.MIFARE_CLASSIC, uid, 0))

    def printed(self, job: str) -> None:
        """Let a paper come out."""
        self.tell(PrintFinished("printer", job))

    def connect(self) -> None:
        """Plug the network in."""
        self.tell(LinkUp())

    def publish(self, version: int, content: bytes, kind: DocumentKind = DocumentKind.PACK) -> None:
        """Let head office sign a document and announce it."""
        sealed = seal_document(self.office.signer, document(version, content, kind))
        self.tell(announcement_message(self.office.publish_blob(kind, version, sealed)))

    def provision(self) -> None:
        """Bring the till everything it needs to sell."""
        self.connect()
        for kind, content in contents().items():
            self.publish(1, content, kind)
        self.outside.see("v1")
        eventually(lambda: len(self.journal()) == len(contents()))

    def sign_in(self) -> None:
        """Sign the cashier in."""
        self.press(*CASHIER, "enter", *PIN, "enter")
        self.outside.see("就绪")

    def sell(self, amount: str, payable: str) -> None:
        """Sell for cash, up to the order of the paper."""
        self.press(*amount, "enter", "cash")
        self.outside.see("收款完成", payable)

    def journal(self) -> list[Entry]:
        """The journal as it lies on the disk, each signature verified."""
        with _reading(self.path) as connection:
            rows = connection.execute("SELECT sealed FROM journal ORDER BY place").fetchall()
        return [open_entry(sealed, keyring(self.signer.public)) for (sealed,) in rows]

    def sales(self) -> list[SaleBody]:
        """The sales in the journal."""
        return [body for entry in self.journal() if isinstance(body := entry.body(), SaleBody)]

    def events(self) -> list[str]:
        """The technical events in the journal: code and detail."""
        found = [body for entry in self.journal() if isinstance(body := entry.body(), TechnicalEventBody)]
        return [f"{body.code} {body.detail}" for body in found]

    def owed(self) -> list[str]:
        """The sales whose paper the store thinks is still to come: the names of those papers."""
        with _reading(self.path) as connection:
            rows = connection.execute("SELECT epoch, seq FROM receipts ORDER BY place").fetchall()
        return [f"{epoch}/{seq}" for epoch, seq in rows]

    def _work(self, language: str, counter: Counter) -> None:
        store = Store(self.path, self.identity, Room(free_bytes=lambda _path: self.free_bytes))
        store.open()
        try:
            clock = self.hands.clock()
            book = StoreBook(store, self.identity, clock)
            wire = Wire(self.office, self.mailbox)
            courier = Courier(store, wire, self.identity, clock, book.compiled, heartbeat_s=20)
            Till(self.mailbox, store, book, courier, counter, clock, language).run(self._stop.is_set)
        finally:
            store.close()


def count_sales(path: Path) -> int:
    """How many sales are on the disk, as a reader beside the till finds them."""
    with _reading(path) as connection:
        (sales,) = connection.execute("SELECT sales FROM totals").fetchone() or (0,)
        return int(sales)


def rules(version: int) -> Pack:
    """The pack of that version: 10 % for gold, then 20 off at 200 in the first, 30 in later ones."""
    first = read_authored(json.dumps(PACK_1))
    if version == 1:
        return first
    more = tuple(
        replace(rule, title="满200减30", then=(SpendSave((SaveStep(20_000, 3_000),)),))
        if rule.rule == "save-20"
        else rule
        for rule in first.rules
    )
    (golden,) = first.golden
    return replace(first, rules=more, golden=(replace(golden, payable_minor=21_120, points=211),))


def contents() -> dict[DocumentKind, bytes]:
    """The first version of every document."""
    member = MemberRecord("m-1", "会员一", "gold", (), (GOLD_UID,), 0, "13800000001")
    open_item = CatalogueItem("OPEN", "商品", "Article", "general", 0)
    return {
        DocumentKind.MEMBERS: pack(MembersContent((member,))),
        DocumentKind.CASHIERS: pack(CashiersContent((CashierRecord(CASHIER, "收银员", verifier(PIN)),))),
        DocumentKind.CATALOGUE: pack(CatalogueContent("CNY", "示范店", "OPEN", (open_item,))),
        DocumentKind.PACK: write_pack(rules(1)),
    }


def kinds(entries: list[Entry]) -> list[EntryKind]:
    """What the entries are."""
    return [entry.header.kind for entry in entries]


def _words(paper: Paper) -> list[str]:
    return [
        row.text if isinstance(row, Text) else f"{row.left} {row.right}"
        for row in paper.rows
        if isinstance(row, Text | Pair)
    ]


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A read-only look at the store, closed afterwards."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        yield connection
    finally:
        connection.close()
