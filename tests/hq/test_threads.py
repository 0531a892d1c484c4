"""Head office's two threads: nothing that goes wrong in one ends it, and where one ends all the same, it is noticed."""

import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from contract import topics
from contract.documents import DocumentKind
from contract.topics import Down, Up
from hq.config import BrokerConfig, read_config
from hq.db import writing
from hq.documents import publish, sign, stored_documents
from hq.link import Link
from hq.loop import WorkLoop
from hq.main import watch
from provisioning.headquarters import ensure_head_office
from tests.hq.premises import live_office
from tests.hq.tills import A1, B1, HeadOffice
from tests.provisioning.premises import NOW
from tests.waiting import eventually


@dataclass
class Wire:
    """A connection that takes what it has room for, and keeps it to be looked at."""

    room: int
    connections: int = 1
    taken: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def is_up(self) -> bool:
        return True

    def publish(self, topic: str, payload: bytes, retain: bool = False) -> bool:
        fits = len(self.taken) < self.room
        (self.taken if fits else self.refused).append(topic)
        return fits


class BrokenWire(Wire):
    """A connection that raises what nobody agreed on, once."""

    def publish(self, topic: str, payload: bytes, retain: bool = False) -> bool:
        if not self.refused:
            self.refused.append(topic)
            raise ArithmeticError("never agreed on")
        return super().publish(topic, payload, retain)


class FatalWire(Wire):
    """A connection that takes the thread along with it."""

    def is_up(self) -> bool:
        raise SystemExit


class TellingLink(Link):
    """A link that notes, whenever a new connection is counted, whether it could be published on."""

    def __setattr__(self, name: str, value: object) -> None:
        if name == "connections" and value:
            self.open_when_counted = self.is_up()
        super().__setattr__(name, value)


@pytest.fixture
def broker(tmp_path: Path) -> BrokerConfig:
    """The keys of a worker, and a broker that is not there."""
    ensure_head_office(tmp_path, "hq-1", NOW)
    (tmp_path / "hq.toml").write_text('tenant = "acme"\nidentity = "hq"\n[broker]\nhost = "localhost"\nport = 1\n')
    return read_config(tmp_path / "hq.toml").broker


@pytest.fixture
def loop(hq: HeadOffice) -> Iterator[WorkLoop]:
    loop = WorkLoop(hq.worker)
    yield loop
    loop.close()


def nothing_arrives(_topic: str, _payload: bytes) -> bool:
    return True


def test_an_announcement_for_which_there_was_no_room_goes_out_as_soon_as_there_is(
    hq: HeadOffice, loop: WorkLoop
) -> None:
    hq.enrolled(A1), hq.enrolled(B1)
    wire = Wire(room=1)
    loop.start(wire)
    eventually(lambda: topics.announce(B1, DocumentKind.PACK) in wire.refused)
    wire.room = 9
    eventually(lambda: wire.taken == [topics.announce(A1, DocumentKind.PACK), topics.announce(B1, DocumentKind.PACK)])


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_message_that_cannot_be_answered_takes_none_along_that_came_with_it(hq: HeadOffice, loop: WorkLoop) -> None:
    tills = [hq.enrolled(address) for address in (A1, B1)]
    for till in tills:
        assert loop.arrived(topics.up(till.address, Up.HELLO), till.hello())
    wire = BrokenWire(room=99)
    loop.start(wire)
    eventually(lambda: topics.down(B1, Down.WELCOME) in wire.taken)
    assert wire.refused == [topics.down(A1, Down.WELCOME)]


def test_what_tills_would_no_longer_accept_is_signed_anew_when_head_office_starts(
    hq: HeadOffice, loop: WorkLoop
) -> None:
    with writing(hq.engine) as connection:
        sign(connection, hq.desk, DocumentKind.MEMBERS, b"of long ago", 1)
        publish(connection, DocumentKind.MEMBERS, None, 1)
    loop.start(Wire(room=9))
    eventually(lambda: [item.version for item in hq.look(stored_documents)] == [1, 2, 1])


def test_the_working_thread_goes_on_after_whatever_was_raised_in_it(hq: HeadOffice, loop: WorkLoop) -> None:
    till = hq.enrolled(A1)
    wire = BrokenWire(room=9)
    loop.start(wire)
    eventually(lambda: wire.refused)
    loop.arrived(topics.up(A1, Up.HELLO), till.hello())
    eventually(lambda: topics.announce(A1, DocumentKind.PACK) in wire.taken)
    assert loop.is_alive()


def test_the_connecting_thread_goes_on_after_whatever_was_raised_in_it(
    broker: BrokerConfig, caplog: pytest.LogCaptureFixture
) -> None:
    # No number at all: the library raises a TypeError, which no documentation of a connection speaks of.
    link = Link(replace(broker, port="eight"), nothing_arrives)  # type: ignore[arg-type]
    with caplog.at_level(logging.ERROR, "hq.link"):
        link.start()
        eventually(
            lambda: [record.message for record in caplog.records].count("event=link_failed reason=unexpected") > 1
        )
        assert link.is_alive()
    link.close()


def test_a_new_connection_is_counted_when_it_can_be_published_on(tmp_path: Path) -> None:
    with live_office(tmp_path) as office:
        office.start_broker()
        link = TellingLink(read_config(office.config).broker, nothing_arrives)
        link.start()
        eventually(lambda: link.connections)
        link.close()
        assert link.open_when_counted


def test_head_office_ends_with_1_when_the_thread_that_connects_is_gone(broker: BrokerConfig, loop: WorkLoop) -> None:
    link = Link(broker, nothing_arrives)
    link.start()
    loop.start(Wire(room=9))
    link.close()
    assert watch(link, loop, threading.Event()) == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_head_office_ends_with_1_when_the_thread_that_works_is_gone(broker: BrokerConfig, loop: WorkLoop) -> None:
    link = Link(broker, nothing_arrives)
    link.start()
    loop.start(FatalWire(room=9))
    assert watch(link, loop, threading.Event()) == 1
    link.close()
