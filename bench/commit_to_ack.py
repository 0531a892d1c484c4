"""From a sale's durable commit at the till to head office's signed acknowledgement there.

The whole path: batch, TLS, broker, verification, the chain, re-pricing, postings, head office's own durable commit,
the signed answer. The limit is a bare peer on the same broker in the same run: two MQTT clients over TLS, of which
one writes the payload into an SQLite table (WAL, FULL), commits and answers.
"""

import re
import sqlite3
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from bench._figures import asked_samples, beside, median, say_step, spread
from contract.topics import ROOT, Down, Up, down, terminal_subscription, up
from demo import cast
from demo.hands import Hands
from demo.mqtt_client import MqttClient, Received
from demo.site import OTHER_TILL, OUTSIDER
from demo.stage import Stage, open_stage

PAYLOAD = bytes(600)
_WAITED = re.compile(r"event=acknowledged .*newest_after_ms=(\d+)")


def main() -> int:
    """Measure and print."""
    sales = asked_samples(__doc__ or "", 30)
    with (
        tempfile.TemporaryDirectory(prefix="tapledger-bench-") as name,
        open_stage(Path(name), "zh", lambda said: say_step(said.en)) as stage,
    ):
        bare = _bare_round_trips(stage, Path(name) / "bare.db", sales)
        path = _sales(stage, sales)
    print(f"commit to acknowledgement: {spread(path, 'ms')}")
    print(f"bare round trip:           {spread(bare, 'ms')}")
    beside("commit to acknowledgement", median(path), median(bare), "ms", "bare MQTT round trip with one SQLite commit")
    return 0


def _sales(stage: Stage, count: int) -> list[float]:
    """Milliseconds from commit to acknowledgement of sales made one after the other, as the till's log says."""
    hands = Hands(stage.counter)
    hands.sign_in(*cast.CASHIER)
    before = len(_waited(stage))
    for number in range(count):
        amount = f"{100 + number}.00"
        hands.press(*amount, "enter", "cash")
        hands.await_that(f"acknowledgement {number + 1}", partial(_more_than, stage, before + number))
    return _waited(stage)[before:]


def _waited(stage: Stage) -> list[float]:
    """What the till's log says of each acknowledgement so far, in milliseconds."""
    return [float(waited) for waited in _WAITED.findall(stage.agent.log.read_text())]


def _more_than(stage: Stage, count: int) -> bool:
    return len(_waited(stage)) > count


def _bare_round_trips(stage: Stage, database: Path, count: int) -> list[float]:
    asking = MqttClient(stage.broker_address, stage.site.terminal(OTHER_TILL) / "identity")
    answering = MqttClient(stage.broker_address, stage.site.keys / "hq" / "workers" / OUTSIDER)
    connection = sqlite3.connect(database, check_same_thread=False, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE bare (payload BLOB)")

    def answer(received: Received) -> None:
        if received.topic == up(OTHER_TILL, Up.HELLO):
            connection.execute("INSERT INTO bare VALUES (?)", (received.payload,))
            answering.send(down(OTHER_TILL, Down.WELCOME), received.payload)

    answering.open(f"{ROOT}/+/+/+/up/+", answer)
    asking.open(terminal_subscription(OTHER_TILL))
    try:
        return [_round_trip(asking, number) for number in range(count)]
    finally:
        asking.close()
        answering.close()
        connection.close()


def _round_trip(asking: MqttClient, number: int) -> float:
    payload = number.to_bytes(2, "big") + PAYLOAD
    began = time.monotonic()
    asking.send(up(OTHER_TILL, Up.HELLO), payload)
    asking.wait_for(lambda received: received.payload == payload)
    return (time.monotonic() - began) * 1000


if __name__ == "__main__":
    sys.exit(main())
