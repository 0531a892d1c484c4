"""Head office as a process beside a real broker, provisioned by the provisioning code, loaded by its own commands."""

import getpass
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.engine import URL, make_url

from contract.envelope import Keyring, keyring
from contract.ids import TerminalAddress
from contract.signing import SoftwareSigner, parse_public_key
from hq.db import open_database
from hq.main import READY
from provisioning.birth import Newborn, ensure_terminal
from provisioning.broker import BrokerPlan, ensure_broker
from provisioning.headquarters import ensure_head_office
from tapledger.main import main
from tests.hq.tills import A1, B1, PACK, Till
from tests.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class LiveOffice:
    """A provisioned head office below ``folder``. Broker and head office are started, killed and started again."""

    folder: Path
    port: int
    tills: dict[TerminalAddress, Newborn]
    database: URL | str
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def config(self) -> Path:
        return self.config_of("hq-1")

    def config_of(self, worker: str) -> Path:
        """The configuration of one of the workers, who differ in their names alone."""
        return self.folder / f"{worker}.toml"

    @property
    def believed(self) -> Keyring:
        """What a till believes: the key pinned at its birth."""
        pinned = self.tills[A1].identity_folder / "hq.pub"
        return keyring(parse_public_key(pinned.read_text(encoding="ascii").strip()))

    def start_broker(self) -> subprocess.Popen[str]:
        broker = self._start("mosquitto", "-c", str(self.folder / "broker" / "mosquitto.conf"))
        eventually(lambda: broker.poll() is None and answers(self.port))
        return broker

    def start(self, worker: str = "hq-1") -> subprocess.Popen[str]:
        config = str(self.config_of(worker))
        process = self._start(sys.executable, "-m", "tapledger.main", "hq", "run", "--config", config)
        assert process.stdout is not None
        assert process.stdout.readline() == f"{READY}\n"
        return process

    def command(self, *words: str) -> str:
        command = [sys.executable, "-m", "tapledger.main", "hq", *words, "--config", str(self.config)]
        done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=60)
        return done.stdout

    def command_here(self, *words: str) -> None:
        assert main(["hq", *words, "--config", str(self.config)]) == 0

    def engine(self) -> Engine:
        return open_database(self.database)

    def till(self, address: TerminalAddress) -> Till:
        """The journal of a provisioned till."""
        till = Till(address)
        till.signer = SoftwareSigner((self.tills[address].identity_folder / "journal.key").read_bytes())
        return till

    def end(self) -> None:
        for process in reversed(self.running):
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.wait(10)
            if process.stdout is not None:
                process.stdout.close()

    def _start(self, *command: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        self.running.append(process)
        return process


@contextmanager
def live_office(
    folder: Path, database: URL | str | None = None, workers: tuple[str, ...] = ("hq-1",)
) -> Iterator[LiveOffice]:
    """Provision, enrol two tills, load a member and publish a pack; nothing runs yet, and nothing is left running.

    Without a ``database`` it is SQLite's in the folder.
    """
    now = datetime.now(UTC)
    port = free_port()
    for worker in workers:
        ensure_head_office(folder, worker, now)
    ensure_broker(folder, BrokerPlan("127.0.0.1", port, workers, run_as=getpass.getuser()), now)
    tills = {address: ensure_terminal(folder, address, folder / address.terminal, now) for address in (A1, B1)}
    url = make_url(database or f"sqlite:///{folder}/hq.db")
    office = LiveOffice(folder, port, tills, url)
    for worker in workers:
        office.config_of(worker).write_text(
            f'tenant = "acme"\nidentity = "hq"\n[database]\nurl = "{url.render_as_string(hide_password=False)}"\n'
            f'[broker]\nhost = "127.0.0.1"\nport = {port}\nheartbeat_s = 2\nworker = "{worker}"\n'
        )
    (folder / "members.csv").write_text("member,name,tier,cards\nm1,会员一,gold,04a1b2c3\n", encoding="utf-8")
    (folder / "pack.json").write_text(PACK, encoding="utf-8")
    for newborn in tills.values():
        office.command_here("terminal", "add", str(newborn.enrolment))
    office.command_here("members", "load", str(folder / "members.csv"))
    office.command_here("pack", "sign", str(folder / "pack.json"))
    office.command_here("pack", "publish")
    try:
        yield office
    finally:
        office.end()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
