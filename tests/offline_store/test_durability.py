"""A sale that was said to be committed survives whatever ends the process or the power, and costs one sync."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.keys import Identity
from agent.offline_store.verify import verify_journal
from contract.signing import SoftwareSigner
from tests.contract.samples import ADDRESS
from tests.offline_store.counter import cancel, identity, opened, sell

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """A journal key on disk, for two processes."""
    path = tmp_path / "journal.key"
    new = ed25519.Ed25519PrivateKey.generate()
    path.write_bytes(new.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


def _command(store: Path, key: Path, sales: int) -> list[str]:
    return [sys.executable, "-m", "tests.offline_store.selling", str(store), str(key), str(sales)]


def _syncs(folder: Path, key: Path, sales: int) -> int:
    trace = folder / f"{sales}.trace"
    strace = ["strace", "-f", "-qq", "-e", "trace=fsync,fdatasync,sync_file_range,msync", "-o", str(trace)]
    store = folder / f"{sales}.db"
    subprocess.run([*strace, *_command(store, key, sales)], cwd=ROOT, check=True, capture_output=True, timeout=60)
    return sum(" = 0" in line for line in trace.read_text().splitlines())


def test_a_sale_costs_exactly_one_sync_and_its_paper_and_acknowledgement_none(tmp_path: Path, key: Path) -> None:
    assert _syncs(tmp_path, key, 60) - _syncs(tmp_path, key, 10) == 50


def test_every_sale_said_to_be_committed_is_there_after_sigkill(tmp_path: Path, key: Path) -> None:
    path = tmp_path / "till.db"
    who = identity(SoftwareSigner(key.read_bytes()))
    for round_number in range(1, 4):
        with subprocess.Popen(_command(path, key, 0), cwd=ROOT, stdout=subprocess.PIPE, text=True) as till:
            assert till.stdout is not None
            said = [int(till.stdout.readline()) for _ in range(20)]
            till.kill()
            said += [int(line) for line in till.stdout.read().split("\n")[:-1] if line]
        report = verify_journal(path, ADDRESS, who.signer.public)
        assert said[-1] <= report.head.seq <= said[-1] + 1, round_number
        assert report.totals is not None and report.totals.sales == report.head.seq
    store = opened(path, who)
    assert sell(store).header.seq == report.head.seq + 1
    store.close()


@pytest.fixture(scope="module")
def torn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Identity]:
    """A store as the disk has it in the middle of a day: the file, and a log of which any end may be missing."""
    folder = tmp_path_factory.mktemp("torn")
    who = identity()
    store = opened(folder / "till.db", who)
    for _ in range(4):
        sell(store)
        cancel(store)
    for name in ("till.db", "till.db-wal"):
        shutil.copy(folder / name, folder / f"cut-{name}")
    store.close()
    return folder, who


@given(st.integers(0, 10_000))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_log_torn_at_any_byte_leaves_whole_transactions_and_a_till_that_sells(
    torn: tuple[Path, Identity], tmp_path_factory: pytest.TempPathFactory, permille: int
) -> None:
    source, who = torn
    folder = tmp_path_factory.mktemp("cut")
    shutil.copy(source / "cut-till.db", folder / "till.db")
    log = (source / "cut-till.db-wal").read_bytes()
    (folder / "till.db-wal").write_bytes(log[: len(log) * permille // 10_000])
    store = opened(folder / "till.db", who)
    head = store.head().seq
    assert 0 <= head <= 8
    assert store.totals().sales == len(store.unprinted()) == (head + 1) // 2
    assert sell(store).header.seq == head + 1
    store.close()
    assert verify_journal(folder / "till.db", ADDRESS, who.signer.public).head.seq == head + 1
    shutil.rmtree(folder)
