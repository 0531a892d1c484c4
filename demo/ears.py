"""Somebody who listens at the broker to what terminals tell head office: the story's witness for what no database
shows.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from contract.documents import DocumentKind
from contract.ids import TerminalAddress
from contract.messages import Hello, read_hello, read_want
from contract.topics import ROOT, Up, up
from demo.mqtt_client import MqttClient
from demo.site import OUTSIDER
from demo.stage import Stage


@contextmanager
def listening(stage: Stage) -> Iterator[MqttClient]:
    """A client that hears every terminal's messages."""
    client = MqttClient(stage.broker_address, stage.site.keys / "hq" / "workers" / OUTSIDER)
    client.open(f"{ROOT}/+/+/+/up/+")
    try:
        yield client
    finally:
        client.close()


def told_cursor(ear: MqttClient, address: TerminalAddress, at_least: int) -> int:
    """How far a terminal says, in a hello, that it was acknowledged; waits for ``at_least``. Raises TimeoutError."""
    topic = up(address, Up.HELLO)
    heard = ear.wait_for(lambda item: item.topic == topic and read_hello(item.payload).acked_seq >= at_least)
    return read_hello(heard.payload).acked_seq


def held_after_fetching(ear: MqttClient, address: TerminalAddress, digest: bytes, kind: DocumentKind) -> int:
    """The version of ``kind`` that a terminal holds, by its first hello after it had asked for the blob ``digest``.

    Raises TimeoutError where it never asks, or says no hello.
    """
    wanted = ear.wait_for(lambda item: item.topic == up(address, Up.WANT) and read_want(item.payload).digest == digest)
    heard = ear.wait_for(lambda item: item.topic == up(address, Up.HELLO) and item.heard_ns > wanted.heard_ns)
    return _held(read_hello(heard.payload), kind)


def _held(hello: Hello, kind: DocumentKind) -> int:
    return next((held.version for held in hello.documents if held.kind == kind), 0)
