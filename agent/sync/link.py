"""The one connection to head office: MQTT 5 (OASIS, 2019) over TLS, and the only user of the MQTT library.

One thread of ours does everything the library does, so that no callback can end anybody else's loop. Each connection is
a new client object: nothing the library would send again by itself outlives a connection, because what has to be said
again is the conversation's to decide. Reconnecting is ours too, with full jitter.
"""

import contextlib
import logging
import queue
import random
import select
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from agent.log import event
from agent.sync.facts import Emit, LinkDown, LinkProblem, LinkUp, MessageArrived
from agent.sync.patience import Patience
from agent.sync.tls import Tls
from contract import topics
from contract.ids import TerminalAddress
from contract.making import dataclass

OUTBOX_MESSAGES = 16
RECEIVE_MAXIMUM = 16
MAX_PACKET_BYTES = topics.MAX_MESSAGE_BYTES + 2_048
"""A message of the contract, its topic and MQTT's own properties. The broker is told; what exceeds it all the same ends
the connection before it is read."""

POLL_S = 0.25
FULL_MAILBOX_POLL_S = 0.02
CLOSE_S = 0.9

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LinkOptions:
    """Where the broker is, who we are there, and how long to wait. ``ca``, ``cert`` and ``key`` are PEM files.

    ``heartbeat_s`` is also MQTT's keep alive; after ``silence_s`` without a message the connection is made anew;
    ``connect_s`` bounds each step of connecting; reconnects wait a random part of ``first_wait_s`` doubled each time up
    to ``longest_wait_s``, also where the broker is there and head office is not.
    """

    host: str
    port: int
    ca: Path
    cert: Path
    key: Path
    heartbeat_s: int = 20
    silence_s: int = 65
    connect_s: float = 5.0
    first_wait_s: float = 0.5
    longest_wait_s: float = 30.0


class Link:
    """Keeps a connection for ``address`` and tells of it through ``emit``, which must not block.

    ``jitter`` returns a random number from 0 to 1. Every fact comes from the link's own thread.
    """

    def __init__(
        self, options: LinkOptions, address: TerminalAddress, emit: Emit, jitter: Callable[[], float] = random.random
    ) -> None:
        self._options = options
        self._address = address
        self._emit = emit
        self._patience = Patience(options.first_wait_s, options.longest_wait_s, jitter)
        self._outbox: queue.Queue[tuple[str, bytes]] = queue.Queue(OUTBOX_MESSAGES)
        self._tls: Tls | None = None
        self._closing = threading.Event()
        self._up = threading.Event()
        self._overdue = threading.Event()
        self._told_up = False
        """Whether the last thing told was that there is a connection: its end must be told too, whatever ends it."""
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._thread = threading.Thread(target=self._run, name="link", daemon=True)

    def start(self) -> None:
        """Begin to connect, and to reconnect whenever the connection ends."""
        self._thread.start()

    def close(self) -> None:
        """Say goodbye and stop, within a second; nothing is emitted afterwards. May be called again."""
        first = not self._closing.is_set()
        self._closing.set()
        self._up.clear()
        self._wake()
        if first and self._thread.ident is not None:
            if self._tls is not None:
                self._tls.give_up_handshake()
            # A thread still inside the system's connect() ends by itself when that times out, and then says nothing.
            self._thread.join(CLOSE_S)
        if not self._thread.is_alive():
            self._wake_in.close()
            self._wake_out.close()

    def publish(self, topic: str, payload: bytes) -> bool:
        """Give a message to the connection; from any thread, never blocks.

        False where there is no connection or too much is on its way. True promises nothing about arrival.
        """
        if not self._up.is_set():
            return False
        try:
            self._outbox.put_nowait((topic, payload))
        except queue.Full:
            return False
        self._wake()
        return True

    def reconnect(self) -> None:
        """End this connection and make another: head office says nothing over it. From any thread, never blocks."""
        if self._up.is_set():
            self._overdue.set()
            self._wake()

    def _run(self) -> None:
        last: LinkProblem | None = None
        while not self._closing.is_set():
            began = time.monotonic()
            try:
                ended = self._connect_and_serve()
            except Exception as error:  # The library raised where it should not have: a broken peer, not a dead till.
                ended = LinkDown(LinkProblem.PROTOCOL, f"{type(error).__name__}: {error}")
            self._up.clear()
            was_up, self._told_up = self._told_up, False
            if self._closing.is_set():
                return
            _log.warning(event("link_down", reason=ended.reason, detail=ended.detail))
            if was_up or ended.reason is not last:
                self._tell(ended)
            last = ended.reason
            self._closing.wait(self._patience.after(ended.reason, time.monotonic() - began if was_up else 0.0))

    def _connect_and_serve(self) -> LinkDown:
        options = self._options
        try:
            tls = Tls(options.ca, options.cert, options.key)
        except (OSError, ValueError) as error:
            return LinkDown(LinkProblem.KEYS, str(error))
        self._tls = tls
        session = _Session(self._address, tls)
        try:
            return session.connect(options) or self._serve(session)
        finally:
            session.close()

    def _serve(self, session: "_Session") -> LinkDown:
        """Move bytes both ways until the connection ends or the link is closed."""
        self._overdue.clear()
        deadline = time.monotonic() + self._options.connect_s
        while not self._closing.is_set():
            if session.ready and not self._told_up:
                self._told_up = self._tell_up()
                deadline = time.monotonic() + self._options.silence_s
            self._move(session)
            if self._told_up and self._deliver(session):
                deadline = time.monotonic() + self._options.silence_s
            if session.ended is not None:
                return session.ended
            if self._overdue.is_set():
                return LinkDown(LinkProblem.SILENT, "head office is overdue")
            if time.monotonic() >= deadline:
                return LinkDown(LinkProblem.SILENT, "nothing heard in time")
        return LinkDown(LinkProblem.LOST, "closed")

    def _tell_up(self) -> bool:
        """Open the way for messages, then say so: whoever hears it publishes at once."""
        while not self._outbox.empty():
            self._outbox.get_nowait()
        self._up.set()
        return self._emit(LinkUp())

    def _move(self, session: "_Session") -> None:
        """Wait until bytes can be moved, a message is to be sent, or a moment has passed; then move."""
        while self._up.is_set() and session.may_publish:
            try:
                topic, payload = self._outbox.get_nowait()
            except queue.Empty:
                break
            session.publish(topic, payload)
        line = session.socket
        if line is None or session.ended is not None:
            return
        # With the mailbox full nothing more is read: the broker keeps the rest, and the till gets time to catch up.
        reading = len(session.arrived) < RECEIVE_MAXIMUM
        poll = select.poll()
        poll.register(self._wake_out, select.POLLIN)
        if reading or session.wants_to_write:
            wanted = (select.POLLIN if reading else 0) | (select.POLLOUT if session.wants_to_write else 0)
            poll.register(line, wanted)
        unread = reading and line.pending() > 0
        wait_s = 0 if unread else FULL_MAILBOX_POLL_S if session.arrived else POLL_S
        ready = {descriptor for descriptor, _events in poll.poll(int(wait_s * 1_000))}
        if self._wake_out.fileno() in ready:
            self._wake_out.recv(4_096)
        session.step(reading and (unread or line.fileno() in ready))

    def _deliver(self, session: "_Session") -> bool:
        """Hand over what arrived, in order; what the mailbox takes is acknowledged to the broker, and only that."""
        delivered = False
        while session.arrived and not self._closing.is_set():
            if not self._emit(session.arrived[0].fact):
                break
            session.acknowledge(session.arrived.popleft())
            delivered = True
        return delivered

    def _tell(self, fact: LinkDown) -> None:
        """Hand over a fact that must not be lost, waiting for room where there is none."""
        while not self._emit(fact) and not self._closing.wait(FULL_MAILBOX_POLL_S):
            continue

    def _wake(self) -> None:
        # A pipe that is full wakes as well, and one that is closed has nobody left to wake.
        with contextlib.suppress(OSError):
            self._wake_in.send(b"\0")


@dataclass(frozen=True, slots=True)
class _Arrived:
    """A message, and what the broker wants acknowledged for it."""

    fact: MessageArrived
    packet_id: int
    qos: int


class _Session:
    """One MQTT connection, from CONNECT to its end, driven from outside; ``ended`` says when and why it is over."""

    def __init__(self, address: TerminalAddress, tls: Tls) -> None:
        self.ready = False
        self.ended: LinkDown | None = None
        self.arrived: deque[_Arrived] = deque()
        self._filter = topics.terminal_subscription(address)
        self._tls = tls
        self._in_flight = 0
        self._may_be_in_flight = RECEIVE_MAXIMUM
        self._welcomed = False
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=str(address),
            protocol=mqtt.MQTTv5,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        self._client.tls_set_context(tls)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self._client.on_publish = self._on_publish
        self._client.on_disconnect = self._on_disconnect

    def connect(self, options: LinkOptions) -> LinkDown | None:
        """Open TCP and TLS and send CONNECT; return why that failed, None where it did not."""
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.ReceiveMaximum = RECEIVE_MAXIMUM
        properties.MaximumPacketSize = MAX_PACKET_BYTES
        self._client.connect_timeout = options.connect_s
        try:
            self._client.connect(
                options.host, options.port, options.heartbeat_s, clean_start=True, properties=properties
            )
        except (OSError, ValueError) as error:
            return LinkDown(self._why_not_connected(error), str(error))
        finally:
            self._tls.line = None
        return None

    def close(self) -> None:
        """Say goodbye where there is still somebody, and close the socket."""
        with contextlib.suppress(OSError, ValueError):
            self._client.disconnect()
        line = self.socket
        if line is not None:
            line.close()

    @property
    def socket(self) -> ssl.SSLSocket | None:
        """The socket, while there is one."""
        line = self._client.socket()
        return line if isinstance(line, ssl.SSLSocket) else None

    @property
    def wants_to_write(self) -> bool:
        """Whether bytes wait to be sent."""
        return self._client.want_write()

    @property
    def may_publish(self) -> bool:
        """Whether the broker takes one more; so the library never has a queue of its own."""
        return self.ready and self.ended is None and self._in_flight < self._may_be_in_flight

    def publish(self, topic: str, payload: bytes) -> None:
        """Send a message at least once (QoS 1)."""
        if self._client.publish(topic, payload, qos=1).rc == mqtt.MQTT_ERR_SUCCESS:
            self._in_flight += 1

    def acknowledge(self, message: _Arrived) -> None:
        """Tell the broker that a message has been taken over."""
        self._client.ack(message.packet_id, message.qos)

    def step(self, readable: bool) -> None:
        """Read what can be read, write what can be written, ping when it is time."""
        if readable:
            self._client.loop_read()
        # The library keeps the packet being read here; a length beyond all agreement is not waited for.
        if self._client._in_packet["remaining_length"] > MAX_PACKET_BYTES:
            self._end(LinkProblem.PROTOCOL, "oversized packet")
        if self._client.want_write():
            self._client.loop_write()
        self._client.loop_misc()
        if self._client.socket() is None:
            self._end(LinkProblem.LOST, "closed by the other side")

    def _why_not_connected(self, error: Exception) -> LinkProblem:
        match error:
            case ConnectionRefusedError():
                return LinkProblem.REFUSED
            case TimeoutError() if self._tls.begun:
                return LinkProblem.SILENT
            case ssl.SSLEOFError() | ConnectionError() if self._tls.begun:
                return LinkProblem.LOST
            case ssl.SSLError() | ssl.CertificateError():
                return LinkProblem.TLS
        return LinkProblem.UNREACHABLE

    def _end(self, problem: LinkProblem, detail: str) -> None:
        if self.ended is None:
            self.ended = LinkDown(problem, detail)

    # The library calls these, from within our own calls to it. They note and return; none of them can raise.

    def _on_connect(self, client: mqtt.Client, _u: Any, _f: Any, code: ReasonCode, properties: Any) -> None:
        if code.is_failure:
            self._end(LinkProblem.DENIED, str(code))
            return
        self._welcomed = True
        self._may_be_in_flight = min(RECEIVE_MAXIMUM, getattr(properties, "ReceiveMaximum", RECEIVE_MAXIMUM))
        client.subscribe(self._filter, qos=1)

    def _on_subscribe(self, _c: Any, _u: Any, _mid: int, codes: list[ReasonCode], _p: Any) -> None:
        if any(code.is_failure for code in codes):
            self._end(LinkProblem.DENIED, f"subscription: {', '.join(map(str, codes))}")
        else:
            self.ready = True

    def _on_message(self, _c: Any, _u: Any, message: mqtt.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""
        self.arrived.append(_Arrived(MessageArrived(topic, bytes(message.payload)), message.mid, message.qos))

    def _on_publish(self, _c: Any, _u: Any, _mid: int, code: ReasonCode, _p: Any) -> None:
        self._in_flight = max(0, self._in_flight - 1)
        if code.is_failure:
            _log.warning(event("publish_denied", code=code))

    def _on_disconnect(self, _c: Any, _u: Any, flags: mqtt.DisconnectFlags, code: ReasonCode, _p: Any) -> None:
        by_name = {
            "Session taken over": LinkProblem.TAKEN_OVER,
            "Not authorized": LinkProblem.DENIED,
            "Keep alive timeout": LinkProblem.SILENT,
            "Protocol error": LinkProblem.PROTOCOL,
        }
        otherwise = (
            LinkProblem.LOST if self._welcomed or flags.is_disconnect_packet_from_server else LinkProblem.REJECTED
        )
        self._end(by_name.get(str(code), otherwise), str(code))
