"""The connection to the broker: MQTT 5 over TLS, by paho, which no other module of head office uses.

Nothing the broker says is taken for more than it is: it carries messages, and what it acknowledges proves nothing.
Every connection is a new client with a clean start, so that no queue of the library outlives it; what was not sent is
asked for again by the tills. Waiting times between attempts are drawn from the whole interval (full jitter), so that
many workers do not come back at once.
"""

import logging
import random
import socket
import ssl
import threading
from collections.abc import Callable
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from contract.topics import MAX_MESSAGE_BYTES, hq_subscription
from hq.config import BrokerConfig

CONNECT_TIMEOUT_S = 10
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 20.0
STOP_TIMEOUT_S = 15
WATCH_INTERVAL_S = 1.0
MAX_QUEUED = 2_000
RECEIVE_MAXIMUM = 100
MAX_PACKET_BYTES = 2 * MAX_MESSAGE_BYTES
"""Room for topic and properties, and for a message that is a bit too large and is then refused by name."""

_LOG = logging.getLogger(__name__)


class Link:
    """Keeps one worker connected and subscribed.

    ``arrived(topic, payload)`` is called on the library's thread for each message; it must not block and tells whether
    it took the message. Certificates are read anew at each connection, so that a renewed one is used.
    """

    def __init__(self, config: BrokerConfig, arrived: Callable[[str, bytes], bool]) -> None:
        self._config = config
        self._arrived = arrived
        self._stopping = threading.Event()
        self._dropped = threading.Event()
        self._up = threading.Event()
        self._client: Client | None = None
        self._thread = threading.Thread(target=self._run, name="hq-link", daemon=True)
        self.connections = 0

    def start(self) -> None:
        """Begin to connect, and keep at it until :meth:`close`."""
        self._thread.start()

    def is_alive(self) -> bool:
        """Tell whether the thread that keeps the connection runs, as it does from :meth:`start` to :meth:`close`."""
        return self._thread.is_alive()

    def is_up(self) -> bool:
        """Tell whether there is a connection that has its subscription."""
        return self._up.is_set()

    def close(self) -> None:
        """Disconnect and stop. May be called again, and before :meth:`start`."""
        self._stopping.set()
        self._dropped.set()
        if self._thread.is_alive():
            self._thread.join(STOP_TIMEOUT_S)

    def publish(self, topic: str, payload: bytes, retain: bool = False) -> bool:
        """Hand a message to the connection; tell whether it was taken. Never blocks, never raises."""
        client = self._client
        if client is None or not self._up.is_set():
            return False
        try:
            return client.publish(topic, payload, qos=1, retain=retain).rc is MQTTErrorCode.MQTT_ERR_SUCCESS
        except (ValueError, RuntimeError, OSError):
            _LOG.exception("event=publish_failed topic=%s", topic)
            return False

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            was_up = False
            try:
                was_up = self._one_connection()
            except Exception:
                # Whatever a library raises where it should not: the next connection is a new client.
                _LOG.exception("event=link_failed reason=unexpected")
            failures = 0 if was_up else failures + 1
            ceiling = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(failures, 10))
            self._stopping.wait(random.uniform(0, ceiling))

    def _one_connection(self) -> bool:
        """Connect, stay until the connection drops, and tell whether it ever came up."""
        self._dropped.clear()
        if self._stopping.is_set():
            return False
        try:
            client = self._new_client()
            client.connect(
                self._config.host,
                self._config.port,
                keepalive=self._config.heartbeat_s,
                clean_start=True,
                properties=_connect_properties(),
            )
        except (OSError, ValueError) as error:
            _LOG.warning("event=link_failed host=%s reason=%s", self._config.host, error)
            return False
        self._client = client
        try:
            client.loop_start()
            if self._wait_up():
                self._wait_dropped()
            return self._up.is_set()
        finally:
            self._up.clear()
            self._client = None
            client.disconnect()
            client.loop_stop()
            _LOG.info("event=link_down")

    def _wait_up(self) -> bool:
        """Wait until the subscription is granted; False where the connection dropped or took too long before that."""
        for _ in range(CONNECT_TIMEOUT_S * 20):
            if self._up.wait(0.05):
                return True
            if self._dropped.is_set():
                return False
        _LOG.warning("event=link_failed reason=no_subscription_in_time")
        return False

    def _wait_dropped(self) -> None:
        """Wait until the connection drops, or the library's own thread ends without a word."""
        name = f"paho-mqtt-client-{self._config.worker}"
        while not self._dropped.wait(WATCH_INTERVAL_S):
            if not any(thread.name == name for thread in threading.enumerate()):
                _LOG.error("event=link_failed reason=network_thread_ended")
                return

    def _new_client(self) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._config.worker,
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
        )
        context = ssl.create_default_context(cafile=str(self._config.ca))
        context.load_cert_chain(self._config.cert, self._config.key)
        client.tls_set_context(context)
        # An exception out of a callback would end the library's thread while it still says "connected".
        client.suppress_exceptions = True
        client.max_queued_messages_set(MAX_QUEUED)
        client.on_socket_open = _without_delay
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        return client

    def _on_connect(
        self, client: Client, _data: object, _flags: ConnectFlags, code: ReasonCode, _properties: Properties | None
    ) -> None:
        if code.is_failure:
            _LOG.warning("event=link_refused reason=%s", code)
            self._dropped.set()
            return
        client.subscribe(hq_subscription(self._config.group), qos=1)

    def _on_subscribe(
        self, _client: Client, _data: object, _mid: int, codes: list[ReasonCode], _properties: Properties | None
    ) -> None:
        if any(code.is_failure for code in codes):
            _LOG.error("event=subscription_refused reason=%s", codes)
            self._dropped.set()
            return
        # Whoever sees that there is a new connection publishes on it at once, so it must be open by then.
        self._up.set()
        self.connections += 1
        _LOG.info("event=link_up host=%s port=%d", self._config.host, self._config.port)

    def _on_disconnect(
        self, _client: Client, _data: object, _flags: DisconnectFlags, code: ReasonCode, _properties: Properties | None
    ) -> None:
        _LOG.info("event=link_dropped reason=%s", code)
        self._dropped.set()

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        if not self._arrived(message.topic, bytes(message.payload)):
            _LOG.warning("event=message_dropped topic=%s reason=too_many_waiting", message.topic)


def _without_delay(_client: Client, _data: object, opened: Any) -> None:
    # With Nagle's algorithm an acknowledgement waits for the one before it: 11 round trips a second instead of 2,200.
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _connect_properties() -> Properties:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = 0
    properties.ReceiveMaximum = RECEIVE_MAXIMUM
    properties.MaximumPacketSize = MAX_PACKET_BYTES
    return properties
