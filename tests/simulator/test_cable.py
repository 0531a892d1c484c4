"""What the simulated network cable does to connections: passes bytes, is cut, is joined, goes dead."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from simulator.cable import Cable

Ends = tuple[socket.socket, socket.socket]


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        yield server


@pytest.fixture
def cable(server: socket.socket) -> Iterator[Cable]:
    cable = Cable(server.getsockname())
    cable.start()
    yield cable
    cable.close()
    cable.close()


def connect(cable: Cable, server: socket.socket) -> Ends:
    near = socket.create_connection((cable.host, cable.port), 10)
    far, _ = server.accept()
    far.settimeout(10)
    return near, far


def received(line: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count and (more := line.recv(65536)):
        data += more
    return data


def test_bytes_pass_in_both_directions(cable: Cable, server: socket.socket) -> None:
    near, far = connect(cable, server)
    with near, far:
        near.sendall(b"hello")
        assert received(far, 5) == b"hello"
        far.sendall(b"and back")
        assert received(near, 8) == b"and back"


def test_much_passes_whole_and_in_order_to_a_slow_reader(cable: Cable, server: socket.socket) -> None:
    near, far = connect(cable, server)
    sent = bytes(range(256)) * 1000
    with near, far:
        near.sendall(sent)
        near.shutdown(socket.SHUT_WR)
        assert received(far, len(sent)) == sent
        assert far.recv(1) == b""
        far.sendall(b"thanks")
        assert received(near, 6) == b"thanks"


def test_a_cut_drops_connections_and_refuses_new_ones_until_it_is_joined(cable: Cable, server: socket.socket) -> None:
    near, far = connect(cable, server)
    with near, far:
        cable.cut()
        assert not cable.whole
        assert near.recv(1) == b""
        assert far.recv(1) == b""
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((cable.host, cable.port), 10)
    port = cable.port
    cable.join()
    assert cable.port == port
    near, far = connect(cable, server)
    with near, far:
        near.sendall(b"again")
        assert received(far, 5) == b"again"


def test_a_dead_cable_passes_nothing_and_says_nothing_and_goes_on_later(cable: Cable, server: socket.socket) -> None:
    near, far = connect(cable, server)
    with near, far:
        near.sendall(b"before")
        assert received(far, 6) == b"before"
        cable.freeze()
        near.sendall(b"after")
        far.settimeout(0.3)
        with pytest.raises(TimeoutError):
            far.recv(1)
        far.settimeout(10)
        cable.join()
        assert received(far, 5) == b"after"


def test_without_anybody_at_the_far_end_a_connection_ends_at_once(server: socket.socket) -> None:
    server.close()
    with socket.create_server(("127.0.0.1", 0)) as gone:
        address = gone.getsockname()
    cable = Cable(address)
    cable.start()
    with socket.create_connection((cable.host, cable.port), 10) as near:
        assert near.recv(1) == b""
    cable.close()


def test_when_one_end_hangs_up_the_other_hears_of_it(cable: Cable, server: socket.socket) -> None:
    near, far = connect(cable, server)
    with near:
        far.close()
        assert near.recv(1) == b""
