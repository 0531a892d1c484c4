"""Head office as it runs: a process of its own, a real broker with TLS, tills that connect with their certificates."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty

import pytest

from contract import topics, wire
from contract.documents import DocumentKind
from contract.ids import receipt_number
from contract.messages import Ack, Announcement, Want, open_ack, open_welcome, read_announcement, read_chunk
from contract.topics import MAX_MESSAGE_BYTES, Down, Up
from contract.trade import PackRef
from hq import books
from hq.db import reading
from hq.documents import announcements
from hq.loop import MAX_WAITING, WorkLoop
from rules.authoring import read_authored
from tests.hq.premises import ROOT, LiveOffice, live_office
from tests.hq.tills import A1, B1, GOLD_AT_TILL, PACK, HeadOffice, Till, sale_body
from tests.provisioning.premises import Caller, caller
from tests.waiting import eventually

OTHER_PACK = PACK.replace("2000}]", "1000}]").replace("22120", "23120").replace("221}", "231}")


@pytest.fixture
def live(tmp_path: Path) -> Iterator[LiveOffice]:
    with live_office(tmp_path) as office:
        office.start_broker()
        yield office


class Speaker:
    """A till on the wire: asks until it is answered, as a till does, because nobody promises that a message arrives."""

    def __init__(self, office: LiveOffice, till: Till, client: Caller) -> None:
        self.office = office
        self.till = till
        self.client = client
        self.announced: dict[DocumentKind, Announcement] = {}
        client.subscribe(topics.terminal_subscription(till.address))

    def ask(self, kind: Up, payload: bytes, answer: Down) -> bytes:
        for _ in range(20):
            self.client.publish(topics.up(self.till.address, kind), payload)
            if (found := self.hear(lambda topic: topics.read_down(topic)[1] is answer, 1)) is not None:
                return found
        raise AssertionError(f"no {answer} after twenty asks")

    def hear(self, wanted: Callable[[str], bool], timeout_s: float) -> bytes | None:
        deadline = time.monotonic() + timeout_s
        while (left := deadline - time.monotonic()) > 0:
            try:
                topic, payload = self.client.messages.get(timeout=left)
            except Empty:
                return None
            if topics.read_down(topic)[1] is Down.ANNOUNCE:
                found = read_announcement(payload)
                self.announced[DocumentKind(found.kind)] = found
            if wanted(topic):
                return payload
        return None

    def send(self, *sealed: bytes, first_seq: int) -> Ack:
        payload = self.till.batch(*sealed, first_seq=first_seq)
        answer = self.ask(Up.BATCH, payload, Down.ACK)
        return open_ack(answer, self.office.believed, self.till.address)

    def sells(self) -> Ack:
        engine = self.office.engine()
        with reading(engine) as connection:
            newest = {item.kind: item for item in announcements(connection, self.till.address)}[DocumentKind.PACK]
        engine.dispose()
        text = PACK if newest.version == 1 else OTHER_PACK
        ref = PackRef(newest.version, newest.digest)
        body = sale_body(read_authored(text), ref, self.till.address, member=GOLD_AT_TILL)
        entry = self.till.sell(body)
        return self.send(entry.sealed, first_seq=entry.header.seq)


def test_a_sale_goes_from_the_wire_to_the_books_and_head_office_stops_when_told(live: LiveOffice) -> None:
    process = live.start()
    with caller(live.port, live.tills[A1].identity_folder) as client:
        speaker = Speaker(live, live.till(A1), client)
        welcome = speaker.ask(Up.HELLO, speaker.till.hello(), Down.WELCOME)
        assert open_welcome(welcome, live.believed, A1).upto_seq == 0
        ack = speaker.sells()
        assert (ack.upto_seq, ack.head_hash) == (1, speaker.till.head_hash)
        document = speaker.announced[DocumentKind.PACK]
        chunk = read_chunk(speaker.ask(Up.WANT, wire.pack(Want(document.digest, 0)), Down.CHUNK))
        assert len(chunk.data) == document.size
    said = live.command("books")
    assert receipt_number(A1, 1, 1) in said
    assert "sums to CNY 0.00, points 0" in said
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0


def test_a_pack_published_by_another_process_is_announced_at_once_and_retained(live: LiveOffice) -> None:
    live.start()
    (live.folder / "other.json").write_text(OTHER_PACK, encoding="utf-8")
    with caller(live.port, live.tills[A1].identity_folder) as client:
        speaker = Speaker(live, live.till(A1), client)
        speaker.ask(Up.HELLO, speaker.till.hello(), Down.WELCOME)
        live.command("pack", "sign", str(live.folder / "other.json"))
        live.command("pack", "publish", "--version", "2")

        def heard() -> bool:
            speaker.hear(lambda _topic: True, 0.1)
            return DocumentKind.PACK in speaker.announced and speaker.announced[DocumentKind.PACK].version == 2

        eventually(heard)
    with caller(live.port, live.tills[B1].identity_folder) as late:
        other = Speaker(live, live.till(B1), late)
        other.hear(lambda topic: topic == topics.announce(B1, DocumentKind.PACK), 10)
        assert other.announced[DocumentKind.PACK].version == 2


def test_head_office_comes_back_by_itself_after_the_broker_was_killed(live: LiveOffice) -> None:
    process = live.start()
    with caller(live.port, live.tills[A1].identity_folder) as client:
        speaker = Speaker(live, live.till(A1), client)
        speaker.sells()
    live.running[0].send_signal(signal.SIGKILL)
    live.running[0].wait(10)
    live.start_broker()
    with caller(live.port, live.tills[A1].identity_folder) as client:
        again = Speaker(live, speaker.till, client)
        assert again.sells().upto_seq == 2
    assert process.poll() is None


def test_what_was_acknowledged_is_there_after_head_office_was_killed(live: LiveOffice) -> None:
    process = live.start()
    with caller(live.port, live.tills[A1].identity_folder) as client:
        speaker = Speaker(live, live.till(A1), client)
        assert speaker.sells().upto_seq == 1
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        live.start()
        welcome = open_welcome(speaker.ask(Up.HELLO, speaker.till.hello(), Down.WELCOME), live.believed, A1)
        assert (welcome.upto_seq, welcome.head_hash) == (1, speaker.till.head_hash)
        assert speaker.sells().upto_seq == 2


def test_garbage_and_too_much_of_it_on_the_wire_is_kept_by_name_and_the_next_sale_is_taken(live: LiveOffice) -> None:
    live.start()
    engine = live.engine()
    with caller(live.port, live.tills[A1].identity_folder) as client:
        speaker = Speaker(live, live.till(A1), client)
        speaker.sells()
        for kind in Up:
            client.publish(topics.up(A1, kind), b"\xff" * 40)
            client.publish(topics.up(A1, kind), b"\x00" * (MAX_MESSAGE_BYTES + 1))
        assert speaker.sells().upto_seq == 2

    def kept() -> list[str]:
        with reading(engine) as connection:
            return sorted(line.reason for line in books.refused_bytes(connection))

    assert kept() == [*["not_cbor"] * 3, *["too_large"] * 3]
    engine.dispose()


def test_head_office_does_not_start_under_a_name_that_is_not_its_certificate_s(live: LiveOffice) -> None:
    identity = live.folder / "hq" / "workers"
    wrong = live.config.read_text().replace('worker = "hq-1"', 'worker = "hq-2"') + f'ca = "{identity}/hq-1/ca.pem"\n'
    wrong += f'cert = "{identity}/hq-1/client.pem"\nkey = "{identity}/hq-1/client.key"\n'
    live.config.write_text(wrong)
    command = [sys.executable, "-m", "tapledger.main", "hq", "run", "--config", str(live.config)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "broker.worker: is hq-2, but the certificate names hq-1" in done.stderr


def test_more_messages_than_can_wait_are_dropped_and_said_so(hq: HeadOffice) -> None:
    loop = WorkLoop(hq.worker)
    taken = [loop.arrived(topics.up(A1, Up.HELLO), b"x") for _ in range(MAX_WAITING + 2)]
    assert taken == [True] * MAX_WAITING + [False] * 2
    loop.close()
    loop.close()
