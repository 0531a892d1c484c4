"""Brokers for the link: a real mosquitto that can be killed, and one that speaks, byte by byte, what it is told."""

import contextlib
import getpass
import queue
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from agent.sync.facts import LinkDown, LinkFact, LinkUp, MessageArrived
from agent.sync.link import Link, LinkOptions
from contract.ids import TerminalAddress
from provisioning.birth import Newborn, ensure_terminal
from provisioning.broker import BrokerPlan, ensure_broker
from provisioning.headquarters import ensure_head_office
from tests.contract.samples import ADDRESS, NEIGHBOUR
from tests.waiting import eventually

CONNACK = bytes.fromhex("2003000000")
"""Welcome, without a session and without properties (MQTT 5 section 3.2)."""


@dataclass
class Premises:
    """One head office with its broker's and two terminals' keys, on a port that is kept for them."""

    folder: Path
    port: int = 0
    terminal: Newborn = field(init=False)
    neighbour: Newborn = field(init=False)
    worker_folder: Path = field(init=False)
    configuration: Path = field(init=False)
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        now = datetime.now(UTC)
        self.port = free_port()
        self.worker_folder = ensure_head_office(self.folder, "hq-1", now).worker_folder
        self.terminal = ensure_terminal(self.folder, ADDRESS, self.folder / "t1", now)
        self.neighbour = ensure_terminal(self.folder, NEIGHBOUR, self.folder / "t2", now)
        plan = BrokerPlan("127.0.0.1", self.port, ("hq-1",), run_as=getpass.getuser())
        self.configuration = ensure_broker(self.folder, plan, now)

    def start_broker(self) -> None:
        """Start mosquitto and wait until it answers."""
        self.process = subprocess.Popen(["mosquitto", "-c", str(self.configuration)])
        eventually(self._answers)

    def kill_broker(self) -> None:
        """SIGKILL, as a power cut."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def server_context(self) -> ssl.SSLContext:
        """The broker's own certificate, for a broker that is not mosquitto; it asks for no certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        home = self.configuration.parent
        context.load_cert_chain(home / "server.pem", home / "server.key")
        return context

    def options(self, port: int | None = None, **changed: object) -> LinkOptions:
        """How the terminal reaches this broker, in a hurry."""
        identity = self.terminal.identity_folder
        found: dict[str, object] = {
            "host": "127.0.0.1",
            "port": port or self.port,
            "ca": identity / "ca.pem",
            "cert": identity / "client.pem",
            "key": identity / "client.key",
            "heartbeat_s": 10,
            "silence_s": 30,
            "connect_s": 5.0,
            "first_wait_s": 0.05,
            "longest_wait_s": 0.2,
        }
        return LinkOptions(**(found | changed))  # type: ignore[arg-type]

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def free_port() -> int:
    """A port that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Inbox:
    """What a till's mailbox is to a link: bounded, never blocking; can be told to have no room."""

    def __init__(self) -> None:
        self.facts: queue.Queue[LinkFact] = queue.Queue()
        self.full = threading.Event()
        self.turned_away = threading.Semaphore(0)

    def emit(self, fact: LinkFact) -> bool:
        if self.full.is_set():
            self.turned_away.release()
            return False
        self.facts.put(fact)
        return True

    def next(self) -> LinkFact:
        return self.facts.get(timeout=15)

    def up(self) -> None:
        """The next fact but failed attempts is that the link is up."""
        while isinstance(fact := self.next(), LinkDown):
            continue
        assert fact == LinkUp()

    def down(self) -> LinkDown:
        """The next fact but messages is that the link is down."""
        while isinstance(fact := self.next(), MessageArrived):
            continue
        assert isinstance(fact, LinkDown), fact
        return fact

    def message(self) -> MessageArrived:
        """The next fact is a message."""
        fact = self.next()
        assert isinstance(fact, MessageArrived), fact
        return fact


@contextlib.contextmanager
def linked(options: LinkOptions, address: TerminalAddress = ADDRESS) -> Iterator[tuple[Link, Inbox]]:
    """A started link with its inbox."""
    inbox = Inbox()
    link = Link(options, address, inbox.emit)
    link.start()
    try:
        yield link, inbox
    finally:
        link.close()


class Line:
    """One connection as a scripted broker sees it."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line

    def send(self, data: bytes) -> None:
        self._line.sendall(data)

    def packet(self) -> tuple[int, bytes]:
        """Read one control packet: its first byte, and what follows the length (MQTT 5 section 2.1)."""
        first = self._exactly(1)[0]
        length, shift = 0, 0
        while True:
            byte = self._exactly(1)[0]
            length |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return first, self._exactly(length)

    def welcome(self, connack: bytes = CONNACK) -> None:
        """Take CONNECT and SUBSCRIBE and grant both."""
        assert self.packet()[0] == 0x10
        self.send(connack)
        first, body = self.packet()
        assert first == 0x82
        self.send(b"\x90\x04" + body[:2] + b"\x00\x01")

    def wait_for_the_end(self) -> None:
        """Until the other side closes."""
        with contextlib.suppress(OSError):
            while self._line.recv(65_536):
                continue

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            piece = self._line.recv(count - len(data))
            if not piece:
                raise ConnectionError("closed")
            data += piece
        return data


@contextlib.contextmanager
def scripted_broker(script: Callable[[Line], None], context: ssl.SSLContext | None) -> Iterator[int]:
    """Run ``script`` on each connection in turn, over TLS where there is a context; yield the port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_serve, args=(server, script, context), daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def _serve(server: socket.socket, script: Callable[[Line], None], context: ssl.SSLContext | None) -> None:
    with contextlib.suppress(OSError):
        while True:
            line, _peer = server.accept()
            with line, contextlib.suppress(OSError):
                line.settimeout(10)
                script(Line(line if context is None else context.wrap_socket(line, server_side=True)))


def publish_packet(topic: bytes, payload: bytes) -> bytes:
    """A PUBLISH at QoS 0 (MQTT 5 section 3.3)."""
    body = len(topic).to_bytes(2, "big") + topic + b"\x00" + payload
    return b"\x30" + _length(len(body)) + body


def _length(value: int) -> bytes:
    encoded = b""
    while True:
        value, low = value >> 7, value & 0x7F
        encoded += bytes([low | (0x80 if value else 0)])
        if not value:
            return encoded
