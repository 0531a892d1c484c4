"""A real mosquitto, run with the files that provisioning wrote, keeps everyone to what is theirs."""

import getpass
import signal
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract import topics
from contract.topics import Down, Up
from provisioning.birth import ensure_terminal
from provisioning.broker import BrokerPlan, ensure_broker
from provisioning.headquarters import ensure_head_office
from provisioning.keyfiles import ProvisioningError
from provisioning.revocation import Revoked, revoke
from tests.provisioning.premises import NOW, Premises, caller, running_premises
from tests.waiting import eventually


@pytest.fixture(scope="module")
def premises(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Premises]:
    with running_premises(tmp_path_factory.mktemp("premises")) as running:
        yield running


def test_a_terminal_and_head_office_reach_each_other_on_the_terminals_own_topics(premises: Premises) -> None:
    a1 = premises.a1
    with (
        caller(premises.port, premises.hq_folder) as hq,
        caller(premises.port, a1.identity_folder) as terminal,
    ):
        hq.subscribe(topics.hq_subscription("ingest"))
        terminal.subscribe(topics.terminal_subscription(a1.address))

        assert terminal.publish(topics.up(a1.address, Up.HELLO), b"hello") == "Success"
        assert hq.messages.get(timeout=10) == (topics.up(a1.address, Up.HELLO), b"hello")
        assert hq.publish(topics.down(a1.address, Down.WELCOME), b"welcome") == "Success"
        assert terminal.messages.get(timeout=10) == (topics.down(a1.address, Down.WELCOME), b"welcome")


def test_a_publish_into_another_terminals_topic_is_denied_with_its_reason_and_reaches_nobody(
    premises: Premises,
) -> None:
    a1, b1 = premises.a1, premises.b1
    with (
        caller(premises.port, premises.hq_folder) as hq,
        caller(premises.port, a1.identity_folder) as terminal,
    ):
        hq.subscribe(topics.hq_subscription("ingest"))
        assert terminal.publish(topics.up(b1.address, Up.BATCH), b"forged") == "Not authorized"
        assert terminal.publish(topics.down(a1.address, Down.ACK), b"forged") == "Not authorized"
        assert terminal.publish(topics.up(a1.address, Up.HELLO), b"own") == "Success"
        # Messages of one connection keep their order, so the forged ones would have come before this.
        assert hq.messages.get(timeout=10) == (topics.up(a1.address, Up.HELLO), b"own")
        assert hq.messages.empty()


def test_a_terminal_may_publish_what_was_agreed_on_and_invent_no_topics(premises: Premises) -> None:
    a1 = premises.a1
    with caller(premises.port, a1.identity_folder) as terminal:
        for kind in Up:
            assert terminal.publish(topics.up(a1.address, kind), b"own") in ("Success", "No matching subscribers")
        for invented in ("other", "hello2", "hello/more", ""):
            assert terminal.publish(f"{topics.ROOT}/{a1.address}/up/{invented}", b"x") == "Not authorized"


def test_a_foreign_subscription_delivers_nothing(premises: Premises) -> None:
    a1, b1 = premises.a1, premises.b1
    with (
        caller(premises.port, premises.hq_folder) as hq,
        caller(premises.port, a1.identity_folder) as terminal,
    ):
        for foreign in (topics.terminal_subscription(b1.address), "#", f"{topics.ROOT}/#", "$SYS/#"):
            terminal.subscribe(foreign)
        terminal.subscribe(topics.terminal_subscription(a1.address))
        assert hq.publish(topics.down(b1.address, Down.WELCOME), b"for b1") == "Success"
        assert hq.publish(topics.down(a1.address, Down.WELCOME), b"for a1") == "Success"
        heard = {terminal.messages.get(timeout=10)}
        assert heard == {(topics.down(a1.address, Down.WELCOME), b"for a1")}
        while not terminal.messages.empty():
            assert terminal.messages.get() in heard


def test_what_is_retained_for_another_terminal_is_not_given_to_a_foreign_subscription(premises: Premises) -> None:
    a1, b1 = premises.a1, premises.b1
    with caller(premises.port, premises.hq_folder) as hq, caller(premises.port, a1.identity_folder) as terminal:
        for address in (b1.address, a1.address):
            hq.client.publish(topics.announce(address, "pack"), str(address).encode(), qos=1, retain=True)
            assert hq.acknowledged.get(timeout=10) in ("Success", "No matching subscribers")
        for filter_ in ("#", topics.terminal_subscription(b1.address), topics.announce(b1.address, "pack")):
            terminal.subscribe(filter_)
        terminal.subscribe(topics.terminal_subscription(a1.address))
        heard = {terminal.messages.get(timeout=10) for _ in range(2)}
        assert heard == {(topics.announce(a1.address, "pack"), str(a1.address).encode())}


def test_workers_with_names_of_their_own_share_the_terminals_messages_and_none_gets_one_twice(
    premises: Premises,
) -> None:
    second = ensure_head_office(premises.folder, "hq-2", NOW).worker_folder
    sent = {f"{number}".encode() for number in range(20)}
    with (
        caller(premises.port, premises.hq_folder) as one,
        caller(premises.port, second) as other,
        caller(premises.port, premises.a1.identity_folder) as terminal,
    ):
        for worker in (one, other):
            worker.subscribe(topics.hq_subscription(premises.group))
        for payload in sent:
            assert terminal.publish(topics.up(premises.a1.address, Up.HELLO), payload) == "Success"
        eventually(lambda: one.messages.qsize() + other.messages.qsize() == len(sent))
        heard = [worker.messages.get()[1] for worker in (one, other) for _ in range(worker.messages.qsize())]
    assert set(heard) == sent


def test_a_terminal_that_does_not_know_the_workers_group_takes_no_message_away_from_head_office(
    premises: Premises,
) -> None:
    b1 = premises.b1
    with (
        caller(premises.port, premises.hq_folder) as hq,
        caller(premises.port, premises.a1.identity_folder) as thief,
        caller(premises.port, b1.identity_folder) as terminal,
    ):
        hq.subscribe(topics.hq_subscription(premises.group))
        for guess in ("hq", "ingest", premises.group[:-1], "hq-1"):
            thief.subscribe(topics.hq_subscription(guess))
        for number in range(10):
            assert terminal.publish(topics.up(b1.address, Up.HELLO), f"{number}".encode()) == "Success"
        assert [hq.messages.get(timeout=10)[1] for _ in range(10)] == [f"{number}".encode() for number in range(10)]
        assert thief.messages.empty()


def test_a_revoked_terminal_cannot_connect_once_the_broker_has_read_its_list_and_its_replacement_can(
    tmp_path: Path,
) -> None:
    with running_premises(tmp_path) as premises:
        a1 = premises.a1
        assert not _is_turned_away(premises.port, _context(a1.identity_folder))
        assert revoke(tmp_path, str(a1.address), NOW) == Revoked(1, 1, tmp_path / "broker")
        premises.broker.send_signal(signal.SIGHUP)
        eventually(lambda: _is_turned_away(premises.port, _context(a1.identity_folder)))
        assert not _is_turned_away(premises.port, _context(premises.b1.identity_folder))

        with pytest.raises(ProvisioningError, match="revoked"):
            ensure_terminal(tmp_path, a1.address, tmp_path / "a1", NOW)
        again = ensure_terminal(tmp_path, a1.address, tmp_path / "a1-again", NOW)
        premises.broker.send_signal(signal.SIGHUP)
        with caller(premises.port, again.identity_folder) as terminal:
            assert terminal.publish(topics.up(a1.address, Up.HELLO), b"x") in ("Success", "No matching subscribers")
        assert revoke(tmp_path, str(a1.address), NOW).fresh == 1


def test_over_a_connection_that_a_revoked_terminal_has_nothing_goes_in_or_out_and_a_restart_ends_it(
    tmp_path: Path,
) -> None:
    with running_premises(tmp_path) as premises:
        a1, b1 = premises.a1, premises.b1
        with (
            caller(premises.port, a1.identity_folder) as revoked,
            caller(premises.port, b1.identity_folder) as other,
            caller(premises.port, premises.hq_folder) as hq,
        ):
            hq.subscribe(topics.hq_subscription(premises.group))
            for terminal, address in ((revoked, a1.address), (other, b1.address)):
                terminal.subscribe(topics.terminal_subscription(address))
            assert revoked.publish(topics.up(a1.address, Up.HELLO), b"before") == "Success"
            assert hq.messages.get(timeout=10)[1] == b"before"
            revoke(tmp_path, str(a1.address), NOW)
            premises.broker.send_signal(signal.SIGHUP)
            eventually(lambda: revoked.publish(topics.up(a1.address, Up.HELLO), b"after") == "Not authorized")
            while not hq.messages.empty():
                hq.messages.get()
            for address in (a1.address, b1.address):
                hq.publish(topics.down(address, Down.WELCOME), b"welcome")
            assert other.messages.get(timeout=10)[1] == b"welcome"
            assert other.publish(topics.up(b1.address, Up.HELLO), b"other") == "Success"
            assert hq.messages.get(timeout=10)[1] == b"other"
            assert revoked.messages.empty() and hq.messages.empty()

            while not revoked.connected.empty():
                revoked.connected.get()
            premises.broker.terminate()
            eventually(lambda: not revoked.client.is_connected())


def test_nobody_comes_in_without_a_certificate_of_this_authority(premises: Premises, tmp_path: Path) -> None:
    authority = premises.a1.identity_folder / "ca.pem"
    assert _is_turned_away(premises.port, ssl.create_default_context(cafile=str(authority)))

    with running_premises(tmp_path) as elsewhere:
        assert _is_turned_away(premises.port, _context(elsewhere.a1.identity_folder, authority))


def test_the_certificate_is_the_client_id_so_a_second_unit_of_one_name_throws_the_first_out(premises: Premises) -> None:
    identity = premises.a1.identity_folder
    with caller(premises.port, identity) as first, caller(premises.port, identity):
        # The first comes back by itself, which it can only do after it was thrown out.
        assert first.connected.get(timeout=10) == 0


@pytest.mark.parametrize(
    "plan",
    [
        BrokerPlan("127.0.0.1\nallow_anonymous true", 8883, (), "root"),
        BrokerPlan("127.0.0.1", 0, (), "root"),
        BrokerPlan("127.0.0.1", 65_536, (), "root"),
        BrokerPlan("127.0.0.1", 8883, ("acme/shop-a/a1",), "root"),
        BrokerPlan("127.0.0.1", 8883, ("hq-1\ntopic readwrite #",), "root"),
        BrokerPlan("127.0.0.1", 8883, (), "no-such-account"),
        BrokerPlan("127.0.0.1", 8883, (), "root", names=("till\u7532",)),
    ],
)
def test_a_plan_that_cannot_be_carried_out_is_refused_and_nothing_is_written(plan: BrokerPlan, tmp_path: Path) -> None:
    with pytest.raises(ProvisioningError):
        ensure_broker(tmp_path, plan, NOW)
    assert list(tmp_path.iterdir()) == []


def test_a_second_run_keeps_key_and_certificate_and_a_new_name_renews_the_certificate_alone(tmp_path: Path) -> None:
    def run(*names: str) -> tuple[bytes, bytes]:
        plan = BrokerPlan("127.0.0.1", 8883, ("hq-1",), getpass.getuser(), names)
        home = ensure_broker(tmp_path, plan, NOW).parent
        return (home / "server.key").read_bytes(), (home / "server.pem").read_bytes()

    key, certificate = run()
    assert run() == (key, certificate)
    renewed_key, renewed = run("broker.example.test", "192.0.2.1")
    assert renewed_key == key
    assert renewed != certificate


def _context(identity: Path, authority: Path | None = None) -> ssl.SSLContext:
    """What the holder of an identity connects with."""
    context = ssl.create_default_context(cafile=str(authority or identity / "ca.pem"))
    context.load_cert_chain(identity / "client.pem", identity / "client.key")
    return context


def _is_turned_away(port: int, context: ssl.SSLContext) -> bool:
    """Tell whether the broker ends the handshake; in TLS 1.3 a client learns of it at its first read, and one that may
    stay is answered once it has said hello (MQTT 5 section 3.1).
    """
    with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
        try:
            with context.wrap_socket(raw, server_hostname="localhost") as tunnel:
                tunnel.sendall(bytes.fromhex("100d00044d5154540502003c000000"))
                return tunnel.recv(1) == b""
        except ssl.SSLCertVerificationError:
            raise
        except (ssl.SSLError, ConnectionError):
            return True  # Its alert, or the end of the connection where that was faster.
