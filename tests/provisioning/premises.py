"""A head office's folder with two terminals and a running mosquitto, made by the code under test, and clients of it."""

import getpass
import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from queue import Queue

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from provisioning.birth import Newborn, check_address, ensure_terminal
from provisioning.broker import BrokerPlan, ensure_broker
from provisioning.headquarters import ensure_head_office
from tests.waiting import eventually

NOW = datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Premises:
    """Where everybody's keys lie, the port on which the broker answers, and its process. ``group`` is the name under
    which head office's workers share messages.
    """

    port: int
    folder: Path
    hq_folder: Path
    group: str
    a1: Newborn
    b1: Newborn
    broker: subprocess.Popen[bytes]


@contextmanager
def running_premises(folder: Path) -> Iterator[Premises]:
    """Provision two terminals and a worker below ``folder``, run the broker, and stop it at the end."""
    hq = ensure_head_office(folder, "hq-1", NOW)
    a1 = ensure_terminal(folder, check_address("acme", "shop-a", "a1"), folder / "a1", NOW)
    b1 = ensure_terminal(folder, check_address("acme", "shop-b", "b1"), folder / "b1", NOW)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    plan = BrokerPlan("127.0.0.1", port, ("hq-1", "hq-2"), run_as=getpass.getuser())
    # Debian keeps the broker where an ordinary user's shell does not look.
    program = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program is not None
    with subprocess.Popen([program, "-c", str(ensure_broker(folder, plan, NOW))]) as broker:
        try:
            eventually(lambda: broker.poll() is None and _answers(port))
            group = (folder / "hq" / "group").read_text()
            yield Premises(port, folder, hq.worker_folder, group, a1, b1, broker)
        finally:
            broker.terminate()


@dataclass
class Caller:
    """One MQTT 5 client and what it was told: CONNACK, SUBACK and PUBACK reason codes, and messages by topic."""

    client: mqtt.Client
    connected: Queue[ReasonCode] = field(default_factory=Queue)
    granted: Queue[list[ReasonCode]] = field(default_factory=Queue)
    acknowledged: Queue[ReasonCode] = field(default_factory=Queue)
    messages: Queue[tuple[str, bytes]] = field(default_factory=Queue)

    def publish(self, topic: str, payload: bytes) -> str:
        """Publish at QoS 1 and return the name of the PUBACK's reason code."""
        self.client.publish(topic, payload, qos=1)
        return self.acknowledged.get(timeout=10).getName()

    def subscribe(self, topic: str) -> None:
        """Subscribe at QoS 1 and wait for the SUBACK."""
        self.client.subscribe(topic, qos=1)
        self.granted.get(timeout=10)


@contextmanager
def caller(port: int, identity: Path) -> Iterator[Caller]:
    """Connect with the certificate in ``identity``; the reason code of the CONNACK waits in ``connected``."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="whatever-i-claim", protocol=mqtt.MQTTv5)
    told = Caller(client)
    context = ssl.create_default_context(cafile=str(identity / "ca.pem"))
    context.load_cert_chain(identity / "client.pem", identity / "client.key")
    client.tls_set_context(context)

    def on_connect(_c: mqtt.Client, _u: object, _f: mqtt.ConnectFlags, code: ReasonCode, _p: Properties | None) -> None:
        told.connected.put(code)

    def on_subscribe(_c: mqtt.Client, _u: object, _mid: int, codes: list[ReasonCode], _p: Properties | None) -> None:
        told.granted.put(codes)

    def on_publish(_c: mqtt.Client, _u: object, _mid: int, code: ReasonCode, _p: Properties) -> None:
        told.acknowledged.put(code)

    def on_message(_c: mqtt.Client, _u: object, message: mqtt.MQTTMessage) -> None:
        told.messages.put((message.topic, bytes(message.payload)))

    client.on_connect, client.on_subscribe = on_connect, on_subscribe
    client.on_publish, client.on_message = on_publish, on_message
    client.connect("127.0.0.1", port)
    client.loop_start()
    try:
        assert told.connected.get(timeout=10) == 0
        yield told
    finally:
        client.disconnect()
        client.loop_stop()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
