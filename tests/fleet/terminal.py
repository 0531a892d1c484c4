"""A terminal: the product's store, clock, courier and book over a disk and a link that may fail at any moment.

It is put together as ``agent.main`` does it, with the till's loop in events of virtual time. Every call into the
product goes through :meth:`Unit.act`, where a power cut ends it as the end of a process would.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from agent.clock import Sources, SystemClock
from agent.courier import Courier
from agent.keys import Identity
from agent.lookups import StoreBook
from agent.offline_store.faults import StoreCause
from agent.offline_store.recovery import recover
from agent.offline_store.store import Room, Store, StoreError
from agent.sync.facts import LinkDown, LinkProblem, LinkUp, MessageArrived
from contract import topics
from contract.envelope import keyring
from contract.errors import ContractError
from contract.journal import open_entry
from tests.fleet.broker import Broker, Connection
from tests.fleet.disk import Disk, Image, PowerCut
from tests.fleet.world import World

ROWS = "SELECT sealed FROM journal ORDER BY rowid LIMIT -1 OFFSET ?"
TICK_MS = 1_000
HEARTBEAT_S = 20
RESERVE_BYTES = 1_000
BOOT_MS = 2_000
SPOILED_BYTES = 24
"""So far before the end of an entry one of its bytes is changed."""


@dataclass(frozen=True, slots=True)
class Paper:
    """A receipt in a customer's hand: nothing may ever be different from what it says."""

    seq: int
    transaction: bytes


@dataclass
class Hands:
    """A terminal's clock: how far it is off, and whether something disciplines it."""

    world: World
    off_ms: int = 0
    disciplined: bool = True
    booted_ms: int = 0

    def sources(self) -> Sources:
        """What the product's clock reads."""
        return Sources(
            wall_ns=lambda: max(0, self.world.now_ms + self.off_ms) * 1_000_000,
            boottime_ns=lambda: (self.world.now_ms - self.booted_ms) * 1_000_000,
            synchronised=lambda: self.disciplined,
        )


@dataclass
class Running:
    """What runs while there is power."""

    store: Store
    clock: SystemClock
    book: StoreBook
    courier: Courier


class SeededBook(StoreBook):
    """The till's book, whose transactions are numbered by the story's own chance."""

    world: World

    def new_transaction(self) -> bytes:
        """A transaction that no other story has."""
        return self.world.bytes(16)


@dataclass(frozen=True, slots=True)
class Site:
    """Where a terminal stands: time, network, and the folder for its disk."""

    world: World
    broker: Broker
    folder: Path


class Unit:
    """One piece of hardware with the identity of a terminal. A broken variant replaces one of its parts."""

    store_kind: type[Store] = Store
    book_kind: type[SeededBook] = SeededBook
    courier_kind: type[Courier] = Courier
    disk_kind: type[Disk] = Disk

    def __init__(self, site: Site, identity: Identity, prepared: Path, label: str = "") -> None:
        self.site = site
        self.world = site.world
        self.broker = site.broker
        self.identity = identity
        self.name = str(identity.address)
        self.label = label or identity.address.terminal
        self.disk = self.disk_kind(site.folder / self.label, site.world.chance)
        self.disk.install(prepared)
        self.hands = Hands(site.world)
        self.running: Running | None = None
        self.changed = True
        """Whether its journal may have grown since somebody looked."""
        self.booted = True
        """Whether it started since somebody looked."""
        self.papers: list[Paper] = []
        self.rows: list[bytes] = []
        """The digests of the entries on this disk, as somebody saw them after each event."""
        self.reader: sqlite3.Connection | None = None
        self.unopened: StoreError | None = None
        """Why its store could not be opened at the last start."""
        self._connection: Connection | None = None
        self.returns_leases = False
        """Whether what it holds goes back to head office when a shift is closed."""
        self.clock_jumped = False
        """Whether its clock was ever wrong."""
        self.lives = 1
        """How many disks went their own way here: one, and one more for each image that was put back."""
        self.replaced = False
        """Whether another image took the place of its disk since somebody looked."""
        self.replaced_unseen = False
        """Whether that ever happened while it was off: what it had sent just before that nobody saw on its disk."""
        self.spoiled: set[bytes] = set()
        """What entries were that cannot be read any more."""
        self._unread = 0
        self._life = 0
        self._images = 0

    # Power.

    def switch_on(self) -> None:
        """Boot: open the store over what the disk holds, and begin to connect and to tick."""
        if self.running is not None:
            return
        self._life += 1
        self.disk.power_on()
        self.hands.booted_ms = self.world.now_ms - 1
        store = self.store_kind(self.disk.path, self.identity, self._room(), self.disk.connect)
        self.unopened = None
        try:
            store.open()
        except StoreError as error:
            self.world.tell(self.label, f"cannot open its store: {error}")
            if error.cause is not StoreCause.CORRUPT or not self.spoiled:
                self.unopened = error
            elif not self._bring_back():
                self.world.after(BOOT_MS, self.switch_on)
            else:
                self.switch_on()
            return
        kept_ms, boot = store.believed_time_ms(), self.world.bytes(16)
        clock = SystemClock(store.signed_time_ms(), self.hands.sources(), boot, kept_ms)
        book = self.book_kind(store, self.identity, clock, returns_leases=self.returns_leases)
        book.world = self.world
        courier = self.courier_kind(store, self, self.identity, clock, book.compiled, HEARTBEAT_S)
        self.running = Running(store, clock, book, courier)
        self.changed = self.booted = True
        self.world.tell(self.label, f"is on, journal at {store.head().seq}, acknowledged {store.acked().seq}")
        self.later(self.world.chance.randrange(TICK_MS), self._tick)
        self.later(self.world.chance.randrange(500), self._connect)

    def switch_off(self) -> None:
        """Shut down in order."""
        if self.running is not None:
            self._hang_up()
            self.running.store.close()
            self._end()
            self.world.tell(self.label, "is switched off")

    def pull_the_plug(self) -> None:
        """Lose power between two events, and boot again later."""
        if self.running is not None:
            self.disk.pull_the_plug()
            self._died()

    def put_away(self) -> None:
        """The story is over: close what is open."""
        if self.running is not None:
            self.running.store.close()
            self._end()

    def act(self, what: Callable[[Running], None]) -> None:
        """Let the product do something, if there is power and until there is none."""
        running = self.running
        if running is None:
            return
        self.changed = True
        try:
            what(running)
        except PowerCut:
            self._died()

    def spoil_file(self, structure: bool) -> None:
        """Lose power, and find another newest entry in the file afterwards than was written, and where ``structure`` is
        hit, a page of it that says nothing.
        """
        if self.running is None:
            return
        self.disk.pull_the_plug()
        self._died()
        path = self.disk.path
        with closing(sqlite3.connect(path, isolation_level=None)) as file:
            file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            (newest,) = file.execute("SELECT sealed FROM journal ORDER BY rowid DESC LIMIT 1").fetchone()
            (page_bytes,) = file.execute("PRAGMA page_size").fetchone()
        content = bytearray(path.read_bytes())
        # The end of its signature, which no other entry has; where it lies on two pages nothing is changed.
        at = content.rfind(newest[-SPOILED_BYTES:])
        if at < 0:
            return
        content[at] ^= 1
        if structure:
            page = self.world.chance.randrange(1, len(content) // page_bytes) * page_bytes
            content[page : page + page_bytes] = self.world.bytes(page_bytes)
        path.write_bytes(content)
        self.spoiled.add(newest)
        self.world.tell(self.label, f"! its file is damaged{' and broken' if structure else ''}")

    def _bring_back(self) -> bool:
        """Bring the damaged store back, as ``agent.main`` does; what does not read any more is gone."""
        clock = SystemClock(0, self.hands.sources(), self.world.bytes(16))
        try:
            found = recover(
                self.disk.path, self.identity, self.world.bytes(16), clock.stamp(), connect=self.disk.connect
            )
        except StoreError as error:
            self.world.tell(self.label, f"cannot bring its store back: {error}")
            return False
        self.world.tell(self.label, f"brings its store back in epoch {found.epoch}: {found.detail}")
        self.lives += 1
        self.replaced = True
        self.rows.clear()
        self.papers.clear()
        return True

    def _died(self) -> None:
        self.world.tell(self.label, "! loses power")
        assert self.running is not None
        self._hang_up()
        # The files this closes are those of the life that ended; the copy is what the next one finds.
        self.running.store.close()
        self._end()
        self.world.after(BOOT_MS, self.switch_on)

    def _end(self) -> None:
        self.running = None
        if self.reader is not None:
            self.reader.close()
            self.reader = None
        self._life += 1

    def _room(self) -> Room:
        return Room(RESERVE_BYTES, lambda _path: self.disk.free_bytes)

    # Its disk in other hands.

    def image(self) -> Image:
        """Copy the disk while the terminal runs, as a technician with a card reader would."""
        self._images += 1
        return self.disk.image(self.disk.path.parents[1] / f"image-{self._images}", self.rows)

    def twin(self, image: Image, label: str) -> Self:
        """Other hardware of the same name with that content on its disk; nobody has switched it on yet."""
        other = type(self)(self.site, self.identity, image.folder, label)
        other.rows = list(image.rows)
        return other

    def put_image(self, image: Image) -> None:
        """Put what another disk held here, and start over it later."""
        if self.running is None:
            self.replaced_unseen = True
        else:
            self._hang_up()
            self.running.store.close()
            self._end()
        self.disk.install(image.folder)
        self.lives += 1
        self.replaced = True
        self.rows = list(image.rows)
        self.papers.clear()
        self.world.after(BOOT_MS, self.switch_on)

    def journal(self) -> sqlite3.Connection:
        """A look at the file from beside the product."""
        if self.reader is None:
            self.reader = sqlite3.connect(f"file:{self.disk.path}?mode=ro", uri=True, isolation_level=None)
        return self.reader

    def entries_from(self, place: int) -> Iterator[bytes]:
        """The entries in the file from the ``place``-th on that read as somebody signed them."""
        passed = 0 if not self.spoiled or not place else self._unread
        self._unread = passed
        for (sealed,) in self.journal().execute(ROWS, (place + passed,)):
            if self.spoiled and not self._reads(sealed):
                self._unread += 1
            else:
                yield sealed

    def _reads(self, sealed: bytes) -> bool:
        try:
            open_entry(sealed, keyring(self.identity.signer.public))
        except ContractError:
            return False
        return True

    # The link.

    def publish(self, topic: str, payload: bytes) -> bool:
        """Be the product's link: hand a message to the broker."""
        return self._connection is not None and self.broker.publish(self._connection, topic, payload)

    def reconnect(self) -> None:
        """Be the product's link: give the connection up and make another."""
        self.world.tell(self.label, "hears nothing, connects anew")
        self._hang_up()
        self.later(self.world.chance.randrange(200, 1_000), self._lose_and_connect)

    def _lose_and_connect(self) -> None:
        self.act(lambda running: running.courier.handle(LinkDown(LinkProblem.SILENT)))
        self._connect()

    def arrived(self, topic: str, payload: bytes) -> None:
        """Be the broker's client: hand a message to the product."""

        def handle(running: Running) -> None:
            before = running.store.acked().seq
            running.courier.handle(MessageArrived(topic, payload))
            running.courier.activate_arrived()
            after = running.store.acked().seq
            if after != before:
                self.world.tell(self.label, f"is acknowledged up to {after}")

        self.act(handle)

    def dropped(self, why: str) -> None:
        """Be told that the connection is gone; connect again after a while."""
        self._connection = None
        self.act(lambda running: running.courier.handle(LinkDown(LinkProblem.LOST, why)))
        self.later(self.world.chance.randrange(300, 6_000), self._connect)

    def cut_cable(self, for_ms: int) -> None:
        """Lose the network for a while."""
        self.world.tell(self.label, f"! is without network for {for_ms // 1000} s")
        self._hang_up()
        self.act(lambda running: running.courier.handle(LinkDown(LinkProblem.UNREACHABLE)))
        self.later(for_ms, self._connect)

    def _connect(self) -> None:
        if self._connection is not None or self.running is None:
            return
        reads = topics.terminal_subscription(self.identity.address).removesuffix("#")
        self._connection = self.broker.connect(self, reads)
        if self._connection is None:
            self.later(self.world.chance.randrange(300, 4_000), self._connect)
            return
        self.act(lambda running: running.courier.handle(LinkUp()))

    def _hang_up(self) -> None:
        if self._connection is not None:
            self.broker.disconnect(self._connection)
            self._connection = None

    # Time.

    def later(self, delay_ms: int, act: Callable[[], None]) -> None:
        """Do something later, unless the power has failed by then."""
        life = self._life

        def unless_off() -> None:
            if self._life == life:
                act()

        self.world.after(delay_ms, unless_off)

    def _tick(self) -> None:
        def tick(running: Running) -> None:
            running.courier.tick()
            running.courier.activate_arrived()

        self.act(tick)
        self.later(TICK_MS, self._tick)

    def hand_paper(self, seq: int, transaction: bytes) -> None:
        """Give a customer the receipt of an entry."""
        self.papers.append(Paper(seq, transaction))
