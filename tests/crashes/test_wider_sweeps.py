"""Every writing and syncing call of what happens seldom: a first start, a start after a cut, a checkpoint, documents
coming into force. Minutes long: ``./dev test -m soak tests/crashes`` runs these, and the rarer cases of the others.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from agent.keys import new_transaction_id
from agent.offline_store.store import Store
from contract.bodies import CancelBody, EntryKind
from contract.messages import HeldDocument
from tests.crashes.interruptions import come_back, sell_and_be_struck
from tests.crashes.premises import Premises, documents
from tests.crashes.promises import read_books
from tests.crashes.strikes import Strike, around, command, fail, kill
from tests.crashes.till_process import RECOVERED, ROOT, Counter, Till
from tests.offline_store.counter import NOON_MS, stamp

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1_200)]

MOST_CALLS = 400
NO_DOCUMENTS = "请保持网络连接"
LOG_BYTES = 994 * 4_120
"""A log that the next sale fills up to its checkpoint at 1,000 pages of 4,096 bytes and 24 of frame header each."""

CALLS = ("pwrite64", "fdatasync", "fsync", "ftruncate", "unlink")


def strikes(call: str, nth: int) -> dict[str, Strike]:
    """What may happen at the call of that number, by name."""
    return {
        "killed": kill(call, nth),
        "io": fail(call, "EIO", str(nth)),
        "full": fail(call, "ENOSPC", str(nth)),
        "io for good": fail(call, "EIO", f"{nth}+"),
        "full for good": fail(call, "ENOSPC", f"{nth}+"),
    }


def start_and_be_struck(till: Till, trace: Path, strike: Strike) -> bool:
    """Start a till under the strike and end it; whether the strike fell. A till that cannot start says why."""
    trace.unlink(missing_ok=True)
    till.log.unlink(missing_ok=True)
    till.start(*around(trace, strike))
    fell = till.ended or "INJECTED" in trace.read_text(errors="replace")
    said = till.log.read_text(errors="replace")
    assert "Traceback" not in said, said
    if till.ended and strike.how != "signal=SIGKILL":
        assert "the till cannot start" in said
    till.end()
    return fell


@pytest.mark.parametrize("what", ["killed", "io", "full", "io for good", "full for good"])
@pytest.mark.parametrize("cut_short", [False, True], ids=["none yet", "cut short"])
def test_a_start_that_is_struck_at_any_call_leaves_a_till_that_starts(
    till: Till, tmp_path: Path, what: str, cut_short: bool
) -> None:
    pristine = tmp_path / "pristine"
    if cut_short:
        till.start()
        till.sign_in()
        assert sell_and_be_struck(till, tmp_path / "trace", kill("sendto", 2))
        shutil.copytree(till.premises.data, pristine)
    words = RECOVERED if cut_short else NO_DOCUMENTS
    for call in CALLS:
        for nth in count(1):
            assert nth < MOST_CALLS
            shutil.rmtree(till.premises.data)
            if cut_short:
                shutil.copytree(pristine, till.premises.data)
            fell = start_and_be_struck(till, tmp_path / "trace", strikes(call, nth)[what])
            till.start()
            till.see(words)
            assert len(read_books(till.premises).sales) == cut_short
            till.end()
            if not fell:
                break


def test_a_sale_that_fills_the_log_may_be_cut_short_at_any_call_of_the_checkpoint(
    born: Premises, tmp_path: Path
) -> None:
    pristine = _with_long_log(born.copied(tmp_path / "before"), tmp_path / "pristine")
    fell = 0
    for call in ("pwrite64", "fdatasync", "ftruncate"):
        for nth in count(1):
            assert nth < MOST_CALLS
            with _at_a_counter(born, tmp_path / f"{call}{nth}") as till:
                shutil.rmtree(till.premises.data)
                shutil.copytree(pristine, till.premises.data)
                till.start()
                till.sign_in()
                before = read_books(till.premises)
                struck = sell_and_be_struck(till, tmp_path / "trace", kill(call, nth))
                till.end()
                come_back(till, before)
            shutil.rmtree(tmp_path / f"{call}{nth}")
            fell += struck
            if not struck:
                break
    # A sale alone writes some sixteen times; the others wrote pages of the file.
    assert fell > 24


@contextmanager
def _at_a_counter(born: Premises, folder: Path) -> Iterator[Till]:
    """A till of its own at a counter of its own."""
    folder.mkdir()
    counter = Counter(folder)
    counter.start()
    premises = born.copied(folder / "a1")
    premises.write_config(counter.device_table())
    till = Till(premises, counter)
    try:
        yield till
    finally:
        till.end()
        counter.close()


@pytest.mark.parametrize("how", ["killed", "io", "full"])
def test_a_document_is_in_force_with_its_entry_or_not_at_all_whatever_call_is_struck(
    born: Premises, tmp_path: Path, how: str
) -> None:
    blobs = _second_versions(born, tmp_path)
    for call in ("pwrite64", "fdatasync"):
        for nth in count(1):
            assert nth < MOST_CALLS
            premises = born.copied(tmp_path / f"{call}{nth}")
            before = len(read_books(premises).entries)
            trace = tmp_path / "trace"
            program = [sys.executable, "-m", "tests.crashes.activating", str(premises.folder), *map(str, blobs)]
            strace = command(trace, strikes(call, nth)[how])
            done = subprocess.run([*strace, *program], cwd=ROOT, capture_output=True, text=True, check=False)
            said = done.stdout.splitlines()
            held = {f"{held.kind} {held.version}" for held in _held(premises)}
            changes = len(read_books(premises).entries) - before
            assert set(said) <= held
            assert changes == sum(name.endswith(" 2") for name in held)
            assert len(said) <= changes <= len(said) + 1
            if done.returncode == 0:
                assert len(said) == len(blobs)
                break
            shutil.rmtree(premises.folder)


def _held(premises: Premises) -> tuple[HeldDocument, ...]:
    store = Store(premises.store, premises.identity())
    store.open()
    try:
        return store.held()
    finally:
        store.close()


def _second_versions(born: Premises, folder: Path) -> list[Path]:
    blobs = []
    for number, opened in enumerate(documents(born.folder.parent / "keys", born.address, NOON_MS, version=2)):
        blobs.append(folder / f"{number}.blob")
        blobs[-1].write_bytes(opened.sealed)
    return blobs


def _with_long_log(premises: Premises, folder: Path) -> Path:
    """The disk of a till whose log the next sale will fill, as a power cut leaves it."""
    log = premises.store.with_name(f"{premises.store.name}-wal")
    store = Store(premises.store, premises.identity())
    store.open()
    while not log.exists() or log.stat().st_size < LOG_BYTES:
        store.append(EntryKind.CANCEL, new_transaction_id(), stamp(), CancelBody("1001", 2, 5_000))
    shutil.copytree(premises.data, folder)
    store.close()
    return folder
