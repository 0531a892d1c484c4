"""The story's villains: an MQTT client with a stolen or misused certificate, and the documents and entries it
forges.
"""

import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from contract import wire
from contract.documents import CHUNK_BYTES, DocumentKind
from contract.envelope import digest
from contract.errors import ContractError
from contract.ids import TerminalAddress
from contract.messages import Announcement, Chunk, read_want
from contract.topics import Down, Up, announce, down, read_up

TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Received:
    """One message as it arrived; ``heard_ns`` is CLOCK_MONOTONIC."""

    topic: str
    payload: bytes
    heard_ns: int


class RogueClient:
    """An MQTT 5 client with the certificate in ``identity`` (``ca.pem``, ``client.pem``, ``client.key``), straight
    at the broker.
    """

    def __init__(self, broker: tuple[str, int], identity: Path) -> None:
        self._broker = broker
        self._changed = threading.Condition()
        self._received: list[Received] = []
        self._reasons: dict[int, int] = {}
        self._subscribed = False
        self._filter = ""
        self._on_message: Callable[[Received], None] | None = None
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self._client.tls_set(str(identity / "ca.pem"), str(identity / "client.pem"), str(identity / "client.key"))
        self._client.on_socket_open = _without_nagle
        self._client.on_connect = self._connected
        self._client.on_subscribe = self._was_subscribed
        self._client.on_publish = self._published
        self._client.on_message = self._arrived

    def open(self, listen_to: str, on_message: Callable[[Received], None] | None = None) -> None:
        """Connect and subscribe; returns when the broker has granted it. Raises TimeoutError."""
        self._filter = listen_to
        self._on_message = on_message
        self._client.connect(*self._broker, keepalive=30)
        self._client.loop_start()
        self._wait(lambda: self._subscribed, "the broker grants no subscription")

    def close(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, topic: str, payload: bytes) -> int:
        """Publish with QoS 1 and return the broker's reason code (MQTT 5 section 3.4.2.1): 0 or 16 taken, 135 not
        authorised.
        """
        message = self.send(topic, payload)
        self._wait(lambda: message.mid in self._reasons, "the broker acknowledges nothing")
        return self._reasons[message.mid]

    def send(self, topic: str, payload: bytes) -> mqtt.MQTTMessageInfo:
        """Publish with QoS 1 without waiting for the broker: the one way while a message is being handled."""
        return self._client.publish(topic, payload, qos=1)

    def wait_for(self, predicate: Callable[[Received], bool]) -> Received:
        """The first message for which ``predicate`` holds, waiting for it. Raises TimeoutError."""
        self._wait(lambda: any(predicate(item) for item in self._received), "the message awaited does not arrive")
        return next(item for item in self._received if predicate(item))

    def _wait(self, done: Callable[[], bool], complaint: str) -> None:
        with self._changed:
            if not self._changed.wait_for(done, TIMEOUT_S):
                raise TimeoutError(complaint)

    def _connected(self, client: mqtt.Client, _userdata: Any, _flags: Any, _reason: Any, _properties: Any) -> None:
        client.subscribe(self._filter, qos=1)

    def _was_subscribed(self, _client: Any, _userdata: Any, _mid: int, _reasons: Any, _properties: Any) -> None:
        with self._changed:
            self._subscribed = True
            self._changed.notify_all()

    def _published(self, _client: Any, _userdata: Any, mid: int, reason: Any, _properties: Any) -> None:
        with self._changed:
            self._reasons[mid] = int(reason.value)
            self._changed.notify_all()

    def _arrived(self, _client: Any, _userdata: Any, message: mqtt.MQTTMessage) -> None:
        received = Received(message.topic, bytes(message.payload), time.monotonic_ns())
        with self._changed:
            self._received.append(received)
            self._changed.notify_all()
        if self._on_message is not None:
            self._on_message(received)


def _without_nagle(_client: Any, _userdata: Any, line: Any) -> None:
    """Small messages must not wait for an acknowledgement of the one before (Nagle's algorithm)."""
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class LyingBroker:
    """Announces forged documents to a terminal and serves their chunks, as a broker in the wrong hands could."""

    def __init__(self, client: RogueClient) -> None:
        self._client = client
        self._blobs: dict[bytes, bytes] = {}

    def offer(self, address: TerminalAddress, version: int, blob: bytes) -> None:
        """Announce ``blob`` to the terminal at ``address`` as version ``version`` of the rule pack."""
        self._blobs[digest(blob)] = blob
        news = Announcement(DocumentKind.PACK, version, digest(blob), len(blob))
        self._client.publish(announce(address, DocumentKind.PACK), wire.pack(news))

    def answer(self, received: Received) -> None:
        """Serve the chunk that a message wants, where it is one of the forged blobs."""
        try:
            address, kind = read_up(received.topic)
            want = read_want(received.payload) if kind is Up.WANT else None
        except ContractError:
            return
        blob = self._blobs.get(want.digest) if want is not None else None
        if want is None or blob is None:
            return
        count = -(-len(blob) // CHUNK_BYTES)
        part = blob[want.index * CHUNK_BYTES : (want.index + 1) * CHUNK_BYTES]
        self._client.send(down(address, Down.CHUNK), wire.pack(Chunk(want.digest, want.index, count, part)))
