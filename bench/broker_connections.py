"""What a connected terminal costs the broker: memory of the process a connection, and bytes a heartbeat on the wire.

Terminals with certificates of their own connect over TLS to the broker as it is provisioned, subscribe as the agent
does and say hello; the limit is the memory that the same broker takes for the same number of bare TLS connections on
which nobody has said a word. docs/scale.md works out larger fleets from it.
"""

import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from getpass import getuser
from pathlib import Path

from bench._figures import asked_samples, beside, say_step
from contract import topics, wire
from contract.ids import TerminalAddress
from contract.messages import GRAMMAR, HeldDocument, Hello, LeasesHeld, leases_digest
from provisioning.birth import Newborn, ensure_terminal
from provisioning.broker import BrokerPlan, ensure_broker
from provisioning.headquarters import ensure_head_office

HELD = tuple(HeldDocument(kind, 100, bytes(32)) for kind in ("cashiers", "catalogue", "leases", "members", "pack"))


def main() -> int:
    """Measure and print."""
    count = asked_samples(__doc__ or "", 200)
    with tempfile.TemporaryDirectory(prefix="tapledger-bench-") as name:
        folder = Path(name)
        # The broker may run as another user, who has to get in.
        folder.chmod(0o755)
        port = _free_port()
        now = datetime.now(UTC)
        ensure_head_office(folder, "hq-1", now)
        configuration = ensure_broker(folder, BrokerPlan("127.0.0.1", port, ("hq-1",), getuser()), now)
        say_step(f"certificates for {count} terminals")
        born = [_terminal(folder, number, now) for number in range(count)]
        silent = _memory_a_connection(configuration, port, born, speak=False)
        speaking = _memory_a_connection(configuration, port, born, speak=True)
    hello = len(_publish(born[0].address))
    beside("memory of the broker a terminal", speaking, silent, "KiB", "a bare TLS connection to the same broker")
    beside("a heartbeat on the wire", hello, _bare_ping(), "bytes", "an MQTT ping, which says nothing")
    return 0


def _bare_ping() -> int:
    """PINGREQ is two bytes (MQTT 5, section 3.12)."""
    return len(_packet(0xC0, b""))


def _terminal(folder: Path, number: int, now: datetime) -> Newborn:
    address = TerminalAddress("acme", f"s{number // 100:03d}", f"t{number % 100:02d}")
    return ensure_terminal(folder, address, folder / "terminals" / str(number), now)


def _memory_a_connection(configuration: Path, port: int, born: Sequence[Newborn], speak: bool) -> float:
    """KiB of resident memory that the broker has more, for each connection, with all of them open."""
    broker = subprocess.Popen(["mosquitto", "-c", str(configuration)], stderr=subprocess.DEVNULL)
    lines: list[socket.socket] = []
    try:
        # The first connection makes the broker load what it needs once.
        lines.append(_connected(port, born[0], speak))
        before = _resident_kib(broker.pid)
        lines += [_connected(port, newborn, speak) for newborn in born[1:]]
        return (_resident_kib(broker.pid) - before) / (len(born) - 1 or 1)
    finally:
        for line in lines:
            line.close()
        broker.terminate()
        broker.wait()


def _connected(port: int, newborn: Newborn, speak: bool) -> socket.socket:
    identity = newborn.identity_folder
    context = ssl.create_default_context(cafile=str(identity / "ca.pem"))
    context.load_cert_chain(identity / "client.pem", identity / "client.key")
    line = context.wrap_socket(_plain(port), server_hostname="127.0.0.1")
    if speak:
        line.sendall(_packet(0x10, _text("MQTT") + bytes([5, 2, 0, 60, 0]) + _text(str(newborn.address))))
        _answer(line, 0x20)
        filter_ = topics.terminal_subscription(newborn.address)
        line.sendall(_packet(0x82, b"\x00\x01\x00" + _text(filter_) + b"\x01"))
        _answer(line, 0x90)
        line.sendall(_publish(newborn.address))
    return line


def _plain(port: int) -> socket.socket:
    until_s = time.monotonic() + 10
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=10)
        except ConnectionRefusedError:
            if time.monotonic() > until_s:
                raise
            time.sleep(0.05)


def _publish(address: TerminalAddress) -> bytes:
    """A heartbeat as an MQTT 5 packet of QoS 0, so that nobody has to be there to take it."""
    held = LeasesHeld(1_000, leases_digest(()))
    hello = Hello(GRAMMAR, 1, 100_000, bytes(32), 100_000, 1_760_000_000_000, HELD, held)
    return _packet(0x30, _text(topics.up(address, topics.Up.HELLO)) + b"\x00" + wire.pack(hello))


def _packet(kind: int, body: bytes) -> bytes:
    """An MQTT control packet (MQTT 5, section 2.1): kind, length in groups of seven bits, the rest."""
    length, left = bytearray(), len(body)
    while True:
        left, low = divmod(left, 128)
        length.append(low | (0x80 if left else 0))
        if not left:
            return bytes([kind]) + bytes(length) + body


def _text(text: str) -> bytes:
    data = text.encode()
    return len(data).to_bytes(2, "big") + data


def _answer(line: socket.socket, kind: int) -> None:
    data = line.recv(256)
    if not data or data[0] != kind:
        raise RuntimeError(f"the broker answered {data[:8].hex()}")


def _resident_kib(pid: int) -> int:
    for row in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if row.startswith("VmRSS:"):
            return int(row.split()[1])
    raise RuntimeError("the broker is gone")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
