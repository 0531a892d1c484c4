"""A broker as it was seen to be: it says yes to everything, and what it said yes to is often gone.

It is a peer at the level of messages: clients connect under a name, publish on a topic, and what is delivered arrives
late, twice, in another order, or not at all. Nobody is told which. It keeps retained messages until it restarts, and
shares head office's messages among the workers that are connected. A second connection under a name ends the first.
"""

from dataclasses import dataclass, field
from typing import Protocol

from contract import topics
from tests.fleet.world import World


class Peer(Protocol):
    """A client, as the broker reaches it."""

    name: str
    """What its certificate says."""

    def arrived(self, topic: str, payload: bytes) -> None:
        """Take a message."""
        ...

    def dropped(self, why: str) -> None:
        """Learn that the connection is gone."""
        ...


@dataclass(eq=False)
class Connection:
    """One connection of a client; a later one of the same client is another."""

    peer: Peer


@dataclass
class Weather:
    """How bad the network is: shares of messages lost and doubled, and how long they take, in milliseconds."""

    loss: float = 0.0
    doubling: float = 0.0
    quick_ms: int = 40
    slow_share: float = 0.0
    slow_ms: int = 0


@dataclass
class Broker:
    """The broker: who is connected, who of them shares the terminals' messages, and what is retained."""

    world: World
    weather: Weather = field(default_factory=Weather)
    up: bool = True
    _clients: dict[str, Connection] = field(default_factory=dict)
    _workers: list[str] = field(default_factory=list)
    _retained: dict[str, bytes] = field(default_factory=dict)
    _turn: int = 0

    def connect(self, peer: Peer, reads: str, worker: bool = False) -> Connection | None:
        """Let a client in and give it what is retained below ``reads``; None while the broker is down."""
        if not self.up:
            return None
        before = self._clients.get(peer.name)
        if before is not None:
            self.world.tell("broker", f"{peer.name} connected twice: the first is put out")
            self.disconnect(before)
            before.peer.dropped("taken over")
        connection = self._clients[peer.name] = Connection(peer)
        if worker:
            self._workers.append(peer.name)
        for topic, payload in self._retained.items():
            if topic.startswith(reads):
                self._carry(peer.name, topic, payload)
        return connection

    def disconnect(self, connection: Connection) -> None:
        """Forget a connection: what was on its way over it is gone."""
        name = connection.peer.name
        if self._clients.get(name) is connection:
            del self._clients[name]
            self._workers = [worker for worker in self._workers if worker != name]

    def publish(self, connection: Connection, topic: str, payload: bytes, retain: bool = False) -> bool:
        """Take a message from a client; False where there is no connection. True promises nothing."""
        name = connection.peer.name
        if self._clients.get(name) is not connection:
            return False
        if retain:
            self._retained[topic] = payload
        if self.world.often(self.weather.loss):
            self.world.tell("broker", f"! loses {_short(topic)} from {name}")
            return True
        self._pass_on(topic, payload)
        if self.world.often(self.weather.doubling):
            self.world.tell("broker", f"! doubles {_short(topic)} from {name}")
            self._pass_on(topic, payload)
        return True

    def restart(self, down_ms: int, forgets: bool) -> None:
        """Go down with everything in flight and come up again; ``forgets`` also what was retained."""
        self.world.tell("broker", f"! restarts{', forgetting what it retained' if forgets else ''}")
        self.up = False
        clients, self._clients, self._workers = self._clients, {}, []
        if forgets:
            self._retained = {}
        for connection in clients.values():
            connection.peer.dropped("lost")
        self.world.after(down_ms, self._come_up)

    def _come_up(self) -> None:
        self.up = True

    def _pass_on(self, topic: str, payload: bytes) -> None:
        if "/down/" in topic:
            address = "/".join(topic.removeprefix(f"{topics.ROOT}/").split("/")[:3])
            if address in self._clients:
                self._carry(address, topic, payload)
            return
        if not self._workers:
            self.world.tell("broker", f"! drops {_short(topic)}: nobody of head office is there")
            return
        self._turn += 1
        self._carry(self._workers[self._turn % len(self._workers)], topic, payload)

    def _carry(self, name: str, topic: str, payload: bytes) -> None:
        """Deliver after a while, if the very connection is still there then."""
        connection = self._clients[name]
        weather = self.weather
        delay_ms = self.world.chance.randrange(1, weather.quick_ms + 1)
        if self.world.often(weather.slow_share):
            delay_ms += self.world.chance.randrange(weather.slow_ms + 1)

        def deliver() -> None:
            if self._clients.get(name) is connection:
                connection.peer.arrived(topic, payload)

        self.world.after(delay_ms, deliver)


def _short(topic: str) -> str:
    return topic.removeprefix(f"{topics.ROOT}/")
