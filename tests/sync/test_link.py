"""The link against a real mosquitto over TLS with client certificates, and against brokers that misbehave."""

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agent.sync.facts import LinkDown, LinkProblem, LinkUp, MessageArrived
from agent.sync.link import OUTBOX_MESSAGES, RECEIVE_MAXIMUM, Link
from contract import topics
from contract.topics import MAX_MESSAGE_BYTES
from simulator.cable import Cable
from tests.contract.samples import ADDRESS, NEIGHBOUR
from tests.provisioning.premises import caller
from tests.sync.brokers import Inbox, Line, Premises, linked, publish_packet, scripted_broker
from tests.waiting import ends, eventually

HELLO = topics.up(ADDRESS, topics.Up.HELLO)
ACK = topics.down(ADDRESS, topics.Down.ACK)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Premises:
    return Premises(tmp_path_factory.mktemp("premises"))


@pytest.fixture
def premises(keys: Premises) -> Iterator[Premises]:
    """The premises with their broker running."""
    keys.start_broker()
    yield keys
    keys.kill_broker()


def test_messages_travel_both_ways_over_tls_with_client_certificates(premises: Premises) -> None:
    with linked(premises.options()) as (link, inbox), caller(premises.port, premises.worker_folder) as hq:
        inbox.up()
        hq.subscribe("tl/1/+/+/+/up/+")
        assert link.publish(HELLO, b"hello")
        assert hq.messages.get(timeout=10) == (HELLO, b"hello")
        hq.publish(ACK, b"ack")
        assert inbox.next() == MessageArrived(ACK, b"ack")


def test_what_was_announced_before_the_connection_arrives_after_it(premises: Premises) -> None:
    topic = f"{topics.down(ADDRESS, topics.Down.ANNOUNCE)}/pack"
    with caller(premises.port, premises.worker_folder) as hq:
        hq.client.publish(topic, b"newest", qos=1, retain=True).wait_for_publish(10)
        with linked(premises.options()) as (_link, inbox):
            assert inbox.next() == LinkUp()
            assert inbox.next() == MessageArrived(topic, b"newest")
        hq.client.publish(topic, b"", qos=1, retain=True).wait_for_publish(10)


def test_the_largest_message_of_the_contract_passes(premises: Premises) -> None:
    with linked(premises.options()) as (link, inbox), caller(premises.port, premises.worker_folder) as hq:
        inbox.up()
        hq.subscribe("tl/1/+/+/+/up/+")
        hq.publish(ACK, bytes(MAX_MESSAGE_BYTES))
        assert inbox.message().payload == bytes(MAX_MESSAGE_BYTES)
        link.publish(HELLO, bytes(MAX_MESSAGE_BYTES))
        assert hq.messages.get(timeout=10)[1] == bytes(MAX_MESSAGE_BYTES)


def test_a_broker_killed_and_started_again_is_found_again(premises: Premises) -> None:
    with linked(premises.options()) as (link, inbox):
        inbox.up()
        premises.kill_broker()
        assert inbox.down().reason in (LinkProblem.LOST, LinkProblem.REFUSED)
        assert not link.publish(HELLO, b"nobody hears")
        premises.start_broker()
        inbox.up()
        with caller(premises.port, premises.worker_folder) as hq:
            hq.subscribe("tl/1/+/+/+/up/+")
            assert link.publish(HELLO, b"after")
            # Nothing of before comes back by itself: what has to be said again is not the library's to decide.
            assert hq.messages.get(timeout=10) == (HELLO, b"after")


def test_a_line_cut_in_the_middle_of_traffic_is_noticed_and_mended(premises: Premises) -> None:
    cable = Cable(("127.0.0.1", premises.port))
    cable.start()
    with linked(premises.options(cable.port)) as (link, inbox):
        inbox.up()
        for _ in range(8):
            link.publish(HELLO, bytes(60_000))
        cable.cut()
        assert inbox.down().reason is LinkProblem.LOST
        assert inbox.down().reason is LinkProblem.REFUSED
        cable.join()
        inbox.up()
        assert link.publish(HELLO, b"after")
    cable.close()


def test_a_dead_line_that_nobody_noticed_is_noticed_by_the_silence(premises: Premises) -> None:
    cable = Cable(("127.0.0.1", premises.port))
    cable.start()
    with linked(premises.options(cable.port, silence_s=1)) as (_link, inbox):
        inbox.up()
        cable.freeze()
        assert inbox.down().reason is LinkProblem.SILENT
    cable.close()


def test_head_office_that_says_nothing_over_a_living_broker_is_silence_too(premises: Premises) -> None:
    with linked(premises.options(silence_s=1)) as (_link, inbox), caller(premises.port, premises.worker_folder) as hq:
        inbox.up()
        hq.publish(ACK, b"still here")
        inbox.message()
        assert inbox.down().reason is LinkProblem.SILENT
        inbox.up()


def test_a_connection_that_the_till_gives_up_is_made_anew_although_messages_still_arrive_on_it(
    premises: Premises,
) -> None:
    with linked(premises.options()) as (link, inbox), caller(premises.port, premises.worker_folder) as hq:
        inbox.up()
        hq.publish(ACK, b"junk")
        inbox.message()
        link.reconnect()
        assert inbox.down() == LinkDown(LinkProblem.SILENT, "head office is overdue")
        inbox.up()
        hq.publish(ACK, b"again")
        assert inbox.message().payload == b"again"


def test_a_second_agent_with_the_same_certificate_is_named_where_the_broker_says_so(keys: Premises) -> None:
    def throw_out(line: Line) -> None:
        line.welcome()
        line.send(b"\xe0\x02\x8e\x00")  # Session taken over (MQTT 5 section 3.14.2.1).
        line.wait_for_the_end()

    with scripted_broker(throw_out, keys.server_context()) as port, linked(keys.options(port)) as (_link, inbox):
        inbox.up()
        assert inbox.down().reason is LinkProblem.TAKEN_OVER


def test_a_message_into_another_terminals_topic_reaches_nobody_and_ends_nothing(premises: Premises) -> None:
    with linked(premises.options()) as (link, inbox), caller(premises.port, premises.worker_folder) as hq:
        inbox.up()
        hq.subscribe("tl/1/+/+/+/up/+")
        link.publish(topics.up(NEIGHBOUR, topics.Up.HELLO), b"forged")
        link.publish(HELLO, b"mine")
        assert hq.messages.get(timeout=10) == (HELLO, b"mine")


def test_with_a_full_mailbox_messages_wait_in_order_and_none_is_lost(premises: Premises) -> None:
    with linked(premises.options()) as (_link, inbox), caller(premises.port, premises.worker_folder) as hq:
        inbox.up()
        inbox.full.set()
        many = [number.to_bytes(2, "big") for number in range(5 * RECEIVE_MAXIMUM)]
        for payload in many:
            hq.client.publish(ACK, payload, qos=1)
        assert inbox.turned_away.acquire(timeout=10)
        inbox.full.clear()
        assert [inbox.message().payload for _ in many] == many


def test_nobody_listening_is_refused_and_said_once(keys: Premises) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with linked(keys.options(port)) as (link, inbox):
        assert inbox.down().reason is LinkProblem.REFUSED
        assert not link.publish(HELLO, b"")
        eventually(inbox.facts.empty)
    assert inbox.facts.empty()


def test_an_authority_that_is_not_ours_is_a_tls_problem(premises: Premises, tmp_path: Path) -> None:
    other = Premises(tmp_path)
    strangers_ca = replace(premises.options(), ca=other.terminal.identity_folder / "ca.pem")
    with linked(strangers_ca) as (_link, inbox):
        assert inbox.down().reason is LinkProblem.TLS


def test_a_broker_of_another_name_is_a_tls_problem(premises: Premises) -> None:
    # The certificate names localhost and 127.0.0.1; the kernel takes the whole of 127/8 for this machine.
    cable = Cable(("127.0.0.1", premises.port), host="127.0.0.2")
    cable.start()
    with linked(premises.options(cable.port, host="127.0.0.2")) as (_link, inbox):
        assert inbox.down().reason is LinkProblem.TLS
    cable.close()


def test_a_certificate_the_broker_does_not_know_is_rejected(premises: Premises, tmp_path: Path) -> None:
    stranger = Premises(tmp_path).terminal.identity_folder
    foreign = replace(premises.options(), cert=stranger / "client.pem", key=stranger / "client.key")
    with linked(foreign) as (_link, inbox):
        assert inbox.down().reason is LinkProblem.REJECTED


def test_a_broker_without_tls_is_a_tls_problem(keys: Premises) -> None:
    def speak_plainly(line: Line) -> None:
        line.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        line.wait_for_the_end()

    with scripted_broker(speak_plainly, None) as port, linked(keys.options(port)) as (_link, inbox):
        assert inbox.down().reason is LinkProblem.TLS


def test_missing_keys_are_said_as_such(keys: Premises, tmp_path: Path) -> None:
    none, options = tmp_path / "none.pem", keys.options()
    for broken in (replace(options, ca=none), replace(options, cert=none), replace(options, key=none)):
        with linked(broken) as (_link, inbox):
            assert inbox.down().reason is LinkProblem.KEYS


def test_a_name_that_does_not_exist_is_unreachable(keys: Premises) -> None:
    with linked(keys.options(host="no-such-host.invalid")) as (_link, inbox):
        assert inbox.down().reason is LinkProblem.UNREACHABLE


@pytest.mark.parametrize("tls", [False, True])
def test_a_broker_that_accepts_and_says_nothing_is_silent(keys: Premises, tls: bool) -> None:
    context = keys.server_context() if tls else None
    with (
        scripted_broker(Line.wait_for_the_end, context) as port,
        linked(keys.options(port, connect_s=0.5)) as (link, inbox),
    ):
        assert inbox.down().reason is LinkProblem.SILENT
        ends(link.close)
        link.close()


@pytest.mark.parametrize("tls", [False, True])
def test_closing_waits_for_nobody_whatever_the_broker_does(keys: Premises, tls: bool) -> None:
    reached = threading.Event()

    def hang(line: Line) -> None:
        reached.set()
        line.wait_for_the_end()

    with (
        scripted_broker(hang, keys.server_context() if tls else None) as port,
        linked(keys.options(port, connect_s=60.0)) as (link, inbox),
    ):
        assert reached.wait(10)
        ends(link.close)
        link.close()
        assert inbox.facts.empty()


def test_of_an_open_link_that_was_closed_nothing_is_said_afterwards(premises: Premises) -> None:
    with linked(premises.options()) as (link, inbox):
        inbox.up()
        ends(link.close)
        link.close()
        assert not link.publish(HELLO, b"")
        assert inbox.facts.empty()


def test_a_link_that_was_never_started_can_be_closed(keys: Premises) -> None:
    link = Link(keys.options(), ADDRESS, Inbox().emit)
    assert not link.publish(HELLO, b"")
    ends(link.close)
    link.close()


def test_a_connection_the_broker_denies_is_denied(keys: Premises) -> None:
    def deny(line: Line) -> None:
        line.packet()
        line.send(bytes.fromhex("2003008700"))  # Not authorized (MQTT 5 section 3.2.2.2).
        line.wait_for_the_end()

    with scripted_broker(deny, keys.server_context()) as port, linked(keys.options(port)) as (_link, inbox):
        assert inbox.down().reason is LinkProblem.DENIED


def test_a_subscription_the_broker_denies_is_denied(keys: Premises) -> None:
    def deny(line: Line) -> None:
        line.packet()
        line.send(bytes.fromhex("2003000000"))
        _first, body = line.packet()
        line.send(b"\x90\x04" + body[:2] + b"\x00\x87")
        line.wait_for_the_end()

    with scripted_broker(deny, keys.server_context()) as port, linked(keys.options(port)) as (_link, inbox):
        assert inbox.down().reason is LinkProblem.DENIED


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00\x00",
        b"\xf0\x00" * 10,
        b"\x30\xff\xff\xff\xff\xff",
        b"\x30\xff\xff\xff\x7f" + bytes(100),
        b"\x30\x03\x00\xff\x00",
        b"\x90\x01\x00",
        b"\x20\x03\x00\x00\x00",
        bytes(range(256)),
    ],
)
def test_a_broker_that_sends_garbage_ends_its_connection_and_not_the_link(keys: Premises, garbage: bytes) -> None:
    served = iter((garbage, publish_packet(ACK.encode(), b"sound again")))

    def speak(line: Line) -> None:
        line.welcome()
        line.send(next(served, b""))
        line.wait_for_the_end()

    with (
        scripted_broker(speak, keys.server_context()) as port,
        linked(keys.options(port, silence_s=2)) as (_link, inbox),
    ):
        while (fact := inbox.next()) != MessageArrived(ACK, b"sound again"):
            assert not isinstance(fact, MessageArrived)


def test_a_message_cut_short_is_no_message(keys: Premises) -> None:
    def speak(line: Line) -> None:
        line.welcome()
        line.send(publish_packet(ACK.encode(), bytes(1_000))[:500])

    with scripted_broker(speak, keys.server_context()) as port, linked(keys.options(port)) as (_link, inbox):
        inbox.up()
        assert isinstance(fact := inbox.next(), LinkDown)
        assert fact.reason is LinkProblem.LOST


def test_a_packet_larger_than_agreed_ends_the_connection_before_it_is_read(keys: Premises) -> None:
    def speak(line: Line) -> None:
        line.welcome()
        line.send(publish_packet(ACK.encode(), bytes(200_000))[:50])
        line.wait_for_the_end()

    with scripted_broker(speak, keys.server_context()) as port, linked(keys.options(port)) as (_link, inbox):
        inbox.up()
        assert inbox.down().reason is LinkProblem.PROTOCOL


def test_a_topic_that_is_no_text_is_handed_over_without_a_name(keys: Premises) -> None:
    def speak(line: Line) -> None:
        line.welcome()
        line.send(publish_packet(b"\xff\xfe", b"one") + publish_packet(ACK.encode(), b"two"))
        line.wait_for_the_end()

    with scripted_broker(speak, keys.server_context()) as port, linked(keys.options(port)) as (_link, inbox):
        inbox.up()
        assert [inbox.message(), inbox.message()] == [MessageArrived("", b"one"), MessageArrived(ACK, b"two")]


def test_what_a_broker_does_not_acknowledge_is_not_piled_up(keys: Premises) -> None:
    published = threading.Semaphore(0)

    def never_acknowledge(line: Line) -> None:
        line.welcome(bytes.fromhex("200600000321000a"))  # Receive Maximum 10 (MQTT 5 section 3.2.2.3.3).
        while True:
            if line.packet()[0] & 0xF0 == 0x30:
                published.release()

    with scripted_broker(never_acknowledge, keys.server_context()) as port, linked(keys.options(port)) as (link, inbox):
        inbox.up()
        for _ in range(10):
            assert link.publish(HELLO, bytes(10))
            assert published.acquire(timeout=10)
        taken = 0
        while link.publish(HELLO, bytes(10)):
            taken += 1
        assert taken == OUTBOX_MESSAGES
        assert not published.acquire(timeout=0.2)


def test_the_end_of_every_connection_that_was_told_is_told_even_where_the_library_raises(keys: Premises) -> None:
    def speak(line: Line) -> None:
        line.welcome()
        line.packet()
        line.send(b"\x90\x01\x00")  # A SUBACK too short to be one: the library raises over it.
        line.wait_for_the_end()

    options = replace(keys.options(0), longest_wait_s=0.1)
    with scripted_broker(speak, keys.server_context()) as port, linked(replace(options, port=port)) as (link, inbox):
        for _ in range(3):
            assert inbox.next() == LinkUp()
            assert link.publish(HELLO, b"")
            assert inbox.down().reason is LinkProblem.PROTOCOL
