"""An MQTT client at the broker, for whoever on the stage is neither till nor head office: witnesses, villains,
measurements. It knows no message of ours.
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

TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Received:
    """One message as it arrived; ``heard_ns`` is CLOCK_MONOTONIC."""

    topic: str
    payload: bytes
    heard_ns: int


class MqttClient:
    """An MQTT 5 client with the certificate in ``identity`` (``ca.pem``, ``client.pem``, ``client.key``), straight at
    the broker. It believes what it is given and says what it is told; whether that is honest is its owner's business.
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
