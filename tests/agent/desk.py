"""A courier at work for tests: a real store, an honest head office at the far end, and a road between them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from agent.courier import Courier
from agent.keys import Identity
from agent.lookups import StoreBook
from agent.offline_store.recovery import recover
from agent.offline_store.store import Store
from agent.sync.effects import Publish
from agent.sync.facts import LinkUp, MessageArrived
from contract import topics
from contract.bodies import Body, TechnicalEventBody
from contract.documents import DocumentKind, seal_document
from contract.envelope import keyring
from tests.agent.shop import Hands
from tests.contract.samples import ADDRESS, eddsa_signer
from tests.sync.office import Office, announcement_message, at, document


class Road:
    """The way between courier and head office; what is published waits until the test lets it through."""

    def __init__(self) -> None:
        self.waiting: list[Publish] = []
        self.reconnects = 0

    def publish(self, topic: str, payload: bytes) -> bool:
        """Take a message."""
        self.waiting.append(Publish(topic, payload))
        return True

    def reconnect(self) -> None:
        """Count how often the connection was given up."""
        self.reconnects += 1


class Desk:
    """A courier over a real store, an honest head office at the far end, and the hands of the clock."""

    def __init__(self, folder: Path) -> None:
        signer = eddsa_signer()
        self.path = folder / "store.db"
        self.office = Office(signer.public)
        self.hands = Hands()
        self.road = Road()
        self.identity = Identity(ADDRESS, 1, signer, bytes(range(32)), keyring(self.office.signer.public))
        self.store = Store(self.path, self.identity)
        self.store.open()
        self.clock = self.hands.clock()
        self.book = StoreBook(self.store, self.identity, self.clock)
        self.courier = self.another_courier()
        self.courier.handle(LinkUp())
        self.let_through()

    def another_courier(self) -> Courier:
        """A courier over the same store, as after a restart."""
        return Courier(
            self.store, self.road, self.identity, self.clock, self.book.compiled, heartbeat_s=20, mend=self.mend
        )

    def let_through(self) -> None:
        """Carry messages both ways until nobody has anything to say."""
        while self.road.waiting:
            for answer in self.office.answer(self.road.waiting.pop(0)):
                self.courier.handle(answer)

    def publish(self, version: int, content: bytes, kind: DocumentKind = DocumentKind.PACK, **changed: Any) -> None:
        """Head office signs and announces a document, and the courier fetches it. Leases are for this terminal."""
        own = {"shop": ADDRESS.shop, "terminal": ADDRESS.terminal} if kind is DocumentKind.LEASES else {}
        made = replace(document(version, content, kind), **(own | changed))
        announced = self.office.publish_blob(kind, version, seal_document(self.office.signer, made))
        self.courier.handle(announcement_message(replace(announced, base=made.base)))
        self.let_through()

    def garble(self, number: int) -> None:
        """Somebody publishes bytes that mean nothing where head office's welcome is expected."""
        self.courier.handle(MessageArrived(topics.down(ADDRESS, topics.Down.WELCOME), bytes([number % 256]) * 40))

    def wait(self, ms: int) -> None:
        """Time passes, a second at a time, and what is said arrives."""
        for _ in range(0, ms, 1_000):
            self.hands.elapsed_ms += 1_000
            self.office.time_ms = max(self.office.time_ms, at(self.hands.elapsed_ms).wall_ms)
            self.courier.tick()
            self.let_through()

    def mend(self) -> str:
        """Bring a damaged store back, as the program does."""
        self.store.close()
        try:
            return recover(self.path, self.identity, bytes(range(16)), self.clock.stamp()).detail
        finally:
            self.store.open()

    def bodies(self) -> list[Body]:
        """What the entries of the open epoch say."""
        return [self.store.entry(seq).body() for seq in range(1, self.store.head().seq + 1)]

    def events(self) -> list[str]:
        """The technical events in the journal."""
        found = [body for body in self.bodies() if isinstance(body, TechnicalEventBody)]
        return [f"{body.code} {body.detail}" for body in found]

    def active(self) -> int:
        """The version of the active pack."""
        held = self.store.active(DocumentKind.PACK)
        return held.version if held is not None else 0
