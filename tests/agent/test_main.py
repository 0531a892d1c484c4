"""The terminal's program as a process: it starts with whatever works, says what does not, and stops when told to."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.main import Stopping
from contract.bodies import OutageBody, OutageCause
from contract.envelope import keyring
from contract.journal import open_entry
from contract.signing import SoftwareSigner
from provisioning.birth import check_address, ensure_terminal
from provisioning.headquarters import ensure_head_office
from simulator.glass import Glass
from tests.processes import started
from tests.waiting import eventually

PATIENCE_S = 30
CONFIG = """\
[terminal]
tenant = "acme"
shop = "a"
terminal = "a1"
identity = "identity"
store = "data/till.db"

[hq]
host = "127.0.0.1"
port = 1

[devices.glass]
technology = "socket"
address = "{glass}"
"""


@pytest.fixture
def glass(tmp_path: Path) -> Iterator[Glass]:
    glass = Glass(tmp_path / "glass")
    glass.start()
    yield glass
    glass.close()


@pytest.fixture
def config(tmp_path: Path, glass: Glass) -> Path:
    """The configuration of a terminal just born, which has a screen and nothing else."""
    now = datetime.now(UTC)
    ensure_head_office(tmp_path / "keys", "hq-1", now)
    ensure_terminal(tmp_path / "keys", check_address("acme", "a", "a1"), tmp_path / "a1", now)
    path = tmp_path / "a1" / "agent.toml"
    path.write_text(CONFIG.format(glass=glass.address), encoding="utf-8")
    return path


@contextmanager
def running(config: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tapledger.main", "agent", "run", "--config", str(config)]
    with started(command, stderr=subprocess.PIPE) as agent:
        yield agent


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_till_without_head_office_and_devices_comes_up_says_so_and_stops_when_told(
    config: Path, glass: Glass, how: signal.Signals
) -> None:
    with running(config) as agent:
        assert glass.wait_for_text("请保持网络连接", PATIENCE_S), glass.text
        assert glass.wait_for_text("离线", PATIENCE_S)
        assert (config.parent / "data").stat().st_mode & 0o777 == 0o700, "the store is for its owner alone"
        agent.send_signal(how)
        assert agent.wait(PATIENCE_S) == 0
        assert agent.stderr is not None
        said = agent.stderr.read()
    assert "event=ready terminal=acme/a/a1" in said and "Traceback" not in said
    assert "the till acme/a/a1 is running" in said and "收银机 acme/a/a1 已启动" in said
    assert (config.parent / "data" / "till.db").stat().st_mode & 0o077 == 0


def test_a_second_till_on_the_same_store_is_refused_and_the_first_goes_on(config: Path, glass: Glass) -> None:
    with running(config) as first:
        assert glass.wait_for_text("离线", PATIENCE_S)
        with running(config) as second:
            assert second.wait(PATIENCE_S) == 1
            assert second.stderr is not None
            said = second.stderr.read()
            assert "the till cannot start: locked" in said and "收银机无法启动：另一个程序正在使用这份流水" in said
        assert first.poll() is None
        first.send_signal(signal.SIGTERM)
        assert first.wait(PATIENCE_S) == 0


def test_a_device_that_is_configured_wrongly_is_named_on_the_glass_and_left_out(config: Path, glass: Glass) -> None:
    text = config.read_text(encoding="utf-8")
    config.write_text(f'{text}\n[devices.printer]\ntechnology = "escpso"\n', encoding="utf-8")
    with running(config) as agent:
        assert glass.wait_for_text("打印机设置有误", PATIENCE_S), glass.text
        agent.send_signal(signal.SIGTERM)
        assert agent.wait(PATIENCE_S) == 0


def test_a_store_that_cannot_be_read_is_set_aside_and_the_till_comes_back_and_says_so(
    config: Path, glass: Glass
) -> None:
    store = config.parent / "data" / "till.db"
    store.parent.mkdir()
    store.write_bytes(b"somebody's notes\n" * 500)
    with running(config) as agent:
        assert glass.wait_for_text("流水曾损坏，已恢复", PATIENCE_S), glass.text
        agent.send_signal(signal.SIGTERM)
        assert agent.wait(PATIENCE_S) == 0
        assert agent.stderr is not None
        said = agent.stderr.read()
    assert "event=store_recovered" in said and "Traceback" not in said
    kept = [path for path in store.parent.iterdir() if path.read_bytes().startswith(b"somebody's notes")]
    assert len(kept) == 1 and kept[0] != store
    with sqlite3.connect(f"{store.absolute().as_uri()}?mode=ro", uri=True) as journal:
        assert journal.execute("SELECT max(epoch) FROM identity").fetchone() == (2,)
    journal.close()


def test_a_store_of_a_newer_program_is_left_alone_and_the_glass_says_that_the_till_cannot_start(
    config: Path, glass: Glass
) -> None:
    store = config.parent / "data" / "till.db"
    store.parent.mkdir()
    with sqlite3.connect(store) as newer:
        newer.execute("PRAGMA user_version = 9999")
    newer.close()
    with running(config) as agent:
        assert glass.wait_for_text("流水无法读写", PATIENCE_S), glass.text
        assert agent.wait(PATIENCE_S) == 1
        assert agent.stderr is not None
        said = agent.stderr.read()
    assert "the till cannot start: newer" in said and "Traceback" not in said
    with sqlite3.connect(store) as kept:
        assert kept.execute("PRAGMA user_version").fetchone() == (9999,)
    kept.close()


def test_a_till_that_was_killed_journals_the_outage_once_and_one_that_was_stopped_does_not(
    config: Path, glass: Glass
) -> None:
    store = config.parent / "data" / "till.db"

    def outages() -> list[OutageBody]:
        with sqlite3.connect(f"{store.absolute().as_uri()}?mode=ro", uri=True) as journal:
            rows = journal.execute("SELECT sealed FROM journal ORDER BY place").fetchall()
        journal.close()
        key = SoftwareSigner((config.parent / "identity" / "journal.key").read_bytes()).public
        bodies = [open_entry(sealed, keyring(key)).body() for (sealed,) in rows]
        return [body for body in bodies if isinstance(body, OutageBody)]

    def lives_until(end: signal.Signals) -> None:
        before = len(glass.frames)
        with running(config) as agent:
            eventually(lambda: len(glass.frames) > before, PATIENCE_S)
            agent.send_signal(end)
            agent.wait(PATIENCE_S)

    for end in (signal.SIGKILL, signal.SIGTERM, signal.SIGTERM):
        lives_until(end)
    (outage,) = outages()
    assert outage.cause is OutageCause.PROCESS
    assert outage.from_ms <= outage.to_ms


def test_asking_to_stop_twice_is_asking_once() -> None:
    stopping = Stopping()
    stopping.ask(signal.SIGTERM, None)
    stopping.ask()
    assert stopping.asked
