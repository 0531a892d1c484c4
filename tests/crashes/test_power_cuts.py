"""On a disk that forgets what was not synced the power goes: what the store has said to be durable, and what any paper
says, is there afterwards. A store that syncs less loses sales on the same disk, so the disk does forget.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from agent.offline_store.verify import verify_journal
from contract.signing import SoftwareSigner
from tests.contract.samples import ADDRESS
from tests.crashes.interruptions import come_back, sell_and_be_struck
from tests.crashes.power import Power
from tests.crashes.promises import AGAIN, read_books
from tests.crashes.strikes import kill
from tests.crashes.till_process import NOT_BOOKED, PAID, PAPER_OUT, ROOT, Till

pytestmark = pytest.mark.skipif(not Path("/dev/fuse").exists(), reason="this machine has no /dev/fuse")

SALES = 40


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """Where the forgetting disk is mounted."""
    (tmp_path / "medium").mkdir()
    (tmp_path / "mount").mkdir()
    return tmp_path / "mount"


@pytest.fixture
def power(disk: Path) -> Iterator[Power]:
    power = Power(disk.with_name("medium"), disk)
    power.on()
    yield power
    power.off()


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "journal.key"
    new = ed25519.Ed25519PrivateKey.generate()
    path.write_bytes(new.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


def said_durable(store: Path, key: Path, synchronous: str) -> int:
    """Sell on until the process is killed; the last sequence that it said was durable."""
    command = [sys.executable, "-m", "tests.crashes.committing", str(store), str(key), synchronous]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as till:
        assert till.stdout is not None
        said = [int(till.stdout.readline()) for _ in range(SALES)]
        till.kill()
        said += [int(line) for line in till.stdout.read().split("\n")[:-1]]
    return said[-1]


def on_the_disk(store: Path, key: Path) -> int:
    """How many sales the chain on the disk holds, verified; none where there is no store at all."""
    if not store.exists():
        return 0
    return verify_journal(store, ADDRESS, SoftwareSigner(key.read_bytes()).public).head.seq


@pytest.mark.parametrize("seed", [None, 1, 2])
def test_every_sale_that_was_said_to_be_durable_is_there_whatever_the_disk_forgets(
    power: Power, disk: Path, key: Path, seed: int | None
) -> None:
    store = disk / "data" / "till.db"
    for _ in range(2):
        said = said_durable(store, key, "FULL")
        power.cut(seed)
        power.on()
        assert said <= on_the_disk(store, key) <= said + 1


def test_a_store_that_syncs_less_loses_sales_that_it_said_were_durable(power: Power, disk: Path, key: Path) -> None:
    store = disk / "till.db"
    said = said_durable(store, key, "FULL")
    power.cut()
    power.on()
    assert on_the_disk(store, key) >= said
    careless = said_durable(store, key, "NORMAL")
    power.cut()
    power.on()
    assert said <= on_the_disk(store, key) < careless


@pytest.mark.soak
def test_no_sale_is_lost_where_the_syncs_of_what_need_not_be_durable_fail(power: Power, disk: Path, key: Path) -> None:
    """A log of a thousand pages is moved to the file; were that done after a mark that is not synced, the disk would
    lose the mark, and with it everything behind it in the log.
    """
    store = disk / "till.db"
    command = [sys.executable, "-m", "tests.crashes.committing", str(store), str(key), "FULL", "waiting"]
    for _ in range(4):
        with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as till:
            assert till.stdin is not None and till.stdout is not None
            # Until a sync was asked for and failed.
            for _ in range(2_000):
                till.stdout.readline()
                power.fail_syncs(1)
                print(file=till.stdin, flush=True)
                assert till.stdout.readline() == "marked\n"
                still_to_fail = power.fail_syncs(0)
                print(file=till.stdin, flush=True)
                if not still_to_fail:
                    break
            said = int(till.stdout.readline())
            till.kill()
        power.cut()
        power.on()
        assert on_the_disk(store, key) >= said


@pytest.fixture
def till_on_it(till: Till, power: Power, disk: Path) -> Till:
    """The till, its store on the forgetting disk, and durable there."""
    data = till.premises.data
    for name in [path.name for path in data.iterdir()]:
        shutil.copy(data / name, disk / name)
        _sync(disk / name)
    _sync(disk)
    shutil.rmtree(data)
    data.symlink_to(disk)
    return till


@pytest.mark.parametrize(
    ("call", "nth", "seed"),
    [
        ("sendto", 2, None),
        ("write", 5, 3),
        *(
            pytest.param(call, nth, seed, marks=pytest.mark.soak)
            for call, most in (("sendto", 3), ("write", 6), ("pwrite64", 16))
            for nth in range(1, most + 1)
            for seed in (None, 5, 6, 7)
        ),
    ],
)
def test_what_a_receipt_says_is_in_the_chain_when_the_power_goes_while_it_prints(
    till_on_it: Till, power: Power, call: str, nth: int, seed: int | None, tmp_path: Path
) -> None:
    till = till_on_it
    till.start()
    till.sign_in()
    before = read_books(till.premises)
    sell_and_be_struck(till, tmp_path / "trace", kill(call, nth))
    till.end()
    come_back(till, before, partial(_power_goes, power, seed))


@pytest.mark.parametrize("seed", [None, 4])
def test_a_paper_whose_mark_the_disk_forgets_is_offered_again_and_says_that_it_may_be_the_second(
    till_on_it: Till, power: Power, seed: int | None
) -> None:
    till = till_on_it
    till.start()
    till.sign_in()
    till.sell("268.00")
    before = read_books(till.premises)
    assert before.owed == ()
    till.end()
    after = come_back(till, before, partial(_power_goes, power, seed))
    assert after.sales == before.sales
    if seed is None:
        assert [AGAIN in paper.text for paper in till.counter.printer.roll.receipts] == [False, True]


def test_a_sync_that_failed_costs_no_later_sale_although_the_kernel_has_thrown_away_what_it_could_not_write(
    till_on_it: Till, power: Power
) -> None:
    till = till_on_it
    till.start()
    till.sign_in()
    till.sell("268.00")
    power.fail_syncs(1)
    till.key_amount("268.00")
    till.press("cash")
    till.see(NOT_BOOKED)
    till.press("cash")
    till.see(PAID)
    till.see(PAPER_OUT)
    said = read_books(till.premises)
    assert len(said.sales) == 2 and "commit_refused sale: io" in said.events
    till.end()
    come_back(till, said, partial(_power_goes, power, None))


def _power_goes(power: Power, seed: int | None) -> None:
    power.cut(seed)
    power.on()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
