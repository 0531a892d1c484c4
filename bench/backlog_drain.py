"""How fast one terminal's backlog drains after it was offline: its journal, the conversation, TLS, mosquitto, head
office on PostgreSQL, and back as signed acknowledgements that move the terminal's own cursor.

The limit is the same library on the same broker in the same run: a bare client that publishes messages of one sale's
size at QoS 1, twenty of them on their way, nobody listening. Beside it stands which share of the time each side was
busy (user and system time of its processes): where one of them is near 1, that one is what the others wait for.
"""

import os
import queue
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from agent.clock import SystemClock
from agent.keys import Identity, load_identity, new_transaction_id
from agent.offline_store.store import Store
from agent.sync.conversation import Conversation
from agent.sync.effects import Acknowledged, JournalGrew, Publish, Tick
from agent.sync.facts import LinkFact
from agent.sync.link import Link, LinkOptions
from agent.sync.parties import Parties
from bench._figures import asked_samples, beside, say_step
from contract import topics
from contract.bodies import EntryKind
from contract.documents import DocumentKind
from contract.topics import Up
from contract.trade import PackRef
from hq.db import reading
from hq.documents import stored_documents
from rules.authoring import read_authored
from tests.hq.premises import LiveOffice, live_office
from tests.hq.tills import A1, GOLD_AT_TILL, PACK, sale_body
from tests.postgres import cluster

BATCH = 100
WINDOW = 20
MESSAGES = 4_000


def main() -> int:
    """Measure and print."""
    sales = asked_samples(__doc__ or "", 20) * BATCH
    with (
        tempfile.TemporaryDirectory(prefix="tapledger-bench-") as name,
        cluster(durable=True) as postgres,
        live_office(Path(name), postgres.new()) as office,
    ):
        broker = office.start_broker()
        worker = office.start()
        say_step(f"{sales} sales offline")
        identity = load_identity(office.tills[A1].identity_folder, A1, 1)
        store = Store(Path(name) / "till.db", identity)
        store.open()
        size = _sell(office, store, sales)
        say_step("draining")
        sides = {"head office": [worker.pid], "broker": [broker.pid], "PostgreSQL": _processes_of(postgres.folder)}
        before = {side: _busy_s(pids) for side, pids in sides.items()}
        before_here_s = time.process_time()
        drained_s = _drained_s(office, store, identity)
        busy = {side: _busy_s(pids) - before[side] for side, pids in sides.items()}
        busy["terminal"] = time.process_time() - before_here_s
        store.close()
        worker.terminate()
        worker.wait(20)
        say_step("the library alone")
        bare = _bare_messages_a_second(office, bytes(size))
    beside("backlog of one terminal", sales / drained_s, bare, "sales/s", f"QoS 1 messages/s of {size} bytes, bare")
    for side, busy_s in sorted(busy.items()):
        each_us = busy_s / sales * 1_000_000
        print(f"{side}: busy {busy_s / drained_s:.2f} of the time, {each_us:.0f} us a sale")
    return 0


def _processes_of(cluster: Path) -> list[int]:
    """The processes of a PostgreSQL that are there now: the one in its pid file, and its children."""
    (first, *_) = (cluster / "data" / "postmaster.pid").read_text(encoding="ascii").splitlines()
    parents = {int(path.name): int(_stat(int(path.name))[1]) for path in Path("/proc").iterdir() if path.name.isdigit()}
    return [int(first), *(pid for pid, parent in parents.items() if parent == int(first))]


def _busy_s(pids: Sequence[int]) -> float:
    """User and system time of processes together, in seconds."""
    return sum(int(_stat(pid)[11]) + int(_stat(pid)[12]) for pid in pids) / os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> list[str]:
    """The fields of proc(5) stat from the state on: the name before them may hold anything."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()


def _sell(office: LiveOffice, store: Store, sales: int) -> int:
    """Journal so many sales; return how many bytes one is."""
    engine = office.engine()
    with reading(engine) as connection:
        (pack,) = [item for item in stored_documents(connection) if item.kind is DocumentKind.PACK]
    engine.dispose()
    body = sale_body(read_authored(PACK), PackRef(pack.version, pack.digest), A1, member=GOLD_AT_TILL)
    clock = SystemClock(0)
    for _ in range(sales):
        entry = store.append(EntryKind.SALE, new_transaction_id(), clock.stamp(), body)
    return len(entry.sealed)


def _drained_s(office: LiveOffice, store: Store, identity: Identity) -> float:
    """Seconds from the connection to the acknowledgement of the newest entry."""
    facts: queue.Queue[LinkFact] = queue.Queue()

    def emit(fact: LinkFact) -> bool:
        facts.put(fact)
        return True

    folder = office.tills[A1].identity_folder
    options = LinkOptions(
        host="127.0.0.1",
        port=office.port,
        ca=folder / "ca.pem",
        cert=folder / "client.pem",
        key=folder / "client.key",
    )
    link = Link(options, A1, emit)
    conversation = Conversation(Parties(A1, 1, identity.hq_keys), store)
    clock = SystemClock(0)
    began = time.perf_counter()
    link.start()
    try:
        while store.acked() != store.head():
            try:
                event: LinkFact | Tick | JournalGrew = facts.get(timeout=0.1)
            except queue.Empty:
                event = Tick()
            for effect in conversation.step(event, clock.stamp()):
                match effect:
                    case Publish():
                        link.publish(effect.topic, effect.payload)
                    case Acknowledged():
                        store.advance(effect.upto_seq, effect.head_hash, effect.hq_time_ms)
        return time.perf_counter() - began
    finally:
        link.close()


def _bare_messages_a_second(office: LiveOffice, payload: bytes) -> float:
    folder = office.tills[A1].identity_folder
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.tls_set(str(folder / "ca.pem"), str(folder / "client.pem"), str(folder / "client.key"))
    client.max_inflight_messages_set(WINDOW)
    connected, done = threading.Event(), threading.Semaphore(0)
    client.on_connect = lambda *_told: connected.set()
    client.on_publish = lambda *_told: done.release()
    client.connect("127.0.0.1", office.port)
    client.loop_start()
    connected.wait(10)
    began = time.perf_counter()
    for _ in range(MESSAGES):
        client.publish(topics.up(A1, Up.HELLO), payload, qos=1)
    for _ in range(MESSAGES):
        done.acquire(timeout=30)
    took_s = time.perf_counter() - began
    client.disconnect()
    client.loop_stop()
    return MESSAGES / took_s


if __name__ == "__main__":
    sys.exit(main())
