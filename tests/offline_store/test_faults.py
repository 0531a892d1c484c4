"""When the disk or the file is not what it should be: a named cause, nothing half written, and reading goes on."""

import json
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.clock import Stamp
from agent.keys import Identity, new_transaction_id
from agent.offline_store.database import migrations
from agent.offline_store.faults import cause_of
from agent.offline_store.store import Place, Room, Store, StoreCause, StoreError
from agent.offline_store.verify import verify_journal
from contract.bodies import CancelBody, EntryKind
from contract.ids import TerminalAddress
from contract.journal import TimeQuality
from tests.contract.samples import ADDRESS, NEIGHBOUR
from tests.offline_store.counter import DEVICE_KEY, cancel, identity, opened, sell

ROOT = Path(__file__).resolve().parents[2]


def _cause(of: Callable[[], object]) -> StoreCause:
    with pytest.raises(StoreError) as refused:
        of()
    return refused.value.cause


def _meddle(path: Path, *statements: str) -> None:
    with sqlite3.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


@pytest.fixture(scope="module")
def who() -> Identity:
    return identity()


@pytest.fixture(scope="module")
def sold(tmp_path_factory: pytest.TempPathFactory, who: Identity) -> Path:
    """A closed store with 70 entries, more than are looked at on opening; 35 of them are sales, 10 acknowledged."""
    path = tmp_path_factory.mktemp("sold") / "till.db"
    store = opened(path, who)
    for _ in range(35):
        sell(store)
        cancel(store)
    assert store.advance(10, store.entry(10).digest)
    store.close()
    return path


@pytest.fixture
def path(tmp_path: Path, sold: Path) -> Path:
    """A copy of it, to be damaged."""
    return Path(shutil.copy(sold, tmp_path / "till.db"))


SPOIL = "sealed = CAST(substr(sealed, 1, length(sealed) - 1) || x'ff' AS BLOB)"


@pytest.mark.parametrize(
    "damage",
    [
        f"UPDATE journal SET {SPOIL} WHERE seq = 70",
        f"UPDATE journal SET {SPOIL} WHERE seq = 40",
        "UPDATE journal SET digest = zeroblob(32) WHERE seq = 70",
        "UPDATE journal SET place = place + 1 WHERE seq = 70",
        "DELETE FROM journal WHERE seq = 50",
        "DELETE FROM journal WHERE seq >= 69",
        "UPDATE totals SET payable_minor = payable_minor - 1",
        "DELETE FROM totals",
        "UPDATE identity SET acked_seq = 71",
        "UPDATE identity SET acked_digest = zeroblob(32)",
        "DELETE FROM heard",
    ],
)
def test_a_journal_that_somebody_altered_near_its_end_does_not_open(path: Path, who: Identity, damage: str) -> None:
    _meddle(path, "PRAGMA foreign_keys = OFF", damage)
    assert _cause(lambda: opened(path, who)) is StoreCause.CORRUPT


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (f"UPDATE journal SET {SPOIL} WHERE seq = 3", "entry 1/3: bad_signature"),
        ("UPDATE journal SET sealed = x'00' WHERE seq = 3", "entry 1/3: not_an_envelope"),
        ("UPDATE journal SET digest = zeroblob(32) WHERE seq = 3", "entry 1/3: its columns"),
        ("UPDATE journal SET transaction_id = zeroblob(16) WHERE seq = 3", "entry 1/3: its columns"),
        ("DELETE FROM journal WHERE seq = 3", "entry 1/3: is missing"),
        ("UPDATE journal SET sealed = (SELECT sealed FROM journal WHERE seq = 4) WHERE seq = 3", "entry 1/3: says"),
        ("UPDATE totals SET sales = 99", "perpetual totals"),
        ("UPDATE identity SET acked_digest = zeroblob(32)", "acknowledged"),
        ("DELETE FROM identity", "missing"),
        ("UPDATE identity SET identity_hash = zeroblob(32)", "identity"),
    ],
)
def test_the_full_check_names_the_first_entry_that_does_not_fit(
    path: Path, who: Identity, damage: str, said: str
) -> None:
    acked = verify_journal(path, ADDRESS, who.signer.public).acked
    assert acked is not None and acked.seq == 10
    _meddle(path, "PRAGMA foreign_keys = OFF", damage)
    with pytest.raises(StoreError, match=said) as refused:
        verify_journal(path, ADDRESS, who.signer.public)
    assert refused.value.cause is StoreCause.CORRUPT


def test_the_full_check_may_run_beside_a_till_that_sells(tmp_path: Path, who: Identity) -> None:
    store = opened(tmp_path / "till.db", who)
    for number in range(1, 4):
        sell(store)
        assert verify_journal(tmp_path / "till.db", ADDRESS, who.signer.public).head.seq == number
    store.close()


def test_the_full_check_of_another_terminals_chain_fails(path: Path, who: Identity) -> None:
    key = who.signer.public
    assert _cause(lambda: verify_journal(path, NEIGHBOUR, key)) is StoreCause.FOREIGN
    assert _cause(lambda: verify_journal(path, ADDRESS, identity().signer.public)) is StoreCause.FOREIGN
    assert _cause(lambda: verify_journal(path.with_name("none.db"), ADDRESS, key)) is StoreCause.ABSENT


@pytest.mark.parametrize("content", [b"this is no database " * 400, bytes(8_192)])
def test_a_file_that_is_no_store_does_not_open(tmp_path: Path, who: Identity, content: bytes) -> None:
    (tmp_path / "till.db").write_bytes(content)
    assert _cause(lambda: opened(tmp_path / "till.db", who)) is StoreCause.CORRUPT


def test_a_file_with_its_middle_overwritten_does_not_open(path: Path, who: Identity) -> None:
    data = bytearray(path.read_bytes())
    data[4_096 : len(data) // 2] = b"\xa5" * (len(data) // 2 - 4_096)
    path.write_bytes(bytes(data))
    assert _cause(lambda: opened(path, who)) is StoreCause.CORRUPT


def test_the_store_of_another_key_epoch_or_terminal_is_foreign(path: Path, who: Identity) -> None:
    assert _cause(lambda: opened(path, identity())) is StoreCause.FOREIGN
    assert _cause(lambda: opened(path, identity(who.signer, epoch=2))) is StoreCause.FOREIGN
    neighbour = Identity(TerminalAddress("acme", "s01", "t9"), 1, who.signer, DEVICE_KEY, {})
    assert _cause(lambda: opened(path, neighbour)) is StoreCause.FOREIGN
    store = opened(path, who)
    assert store.head().seq == 70
    store.close()


def test_a_store_of_a_newer_program_is_left_alone(path: Path, who: Identity) -> None:
    _meddle(path, f"PRAGMA user_version = {len(migrations()) + 1}")
    assert _cause(lambda: opened(path, who)) is StoreCause.NEWER


def test_two_tills_cannot_have_the_same_store(path: Path, who: Identity) -> None:
    first = opened(path, who)
    second = Store(path, who)
    assert _cause(second.open) is StoreCause.LOCKED
    second.close()
    assert sell(first).header.seq == 71
    first.close()
    second.open()
    assert second.head().seq == 71
    second.close()


def test_a_folder_that_cannot_be_made_is_an_io_fault(tmp_path: Path, who: Identity) -> None:
    (tmp_path / "file").write_text("")
    assert _cause(lambda: opened(tmp_path / "file" / "till.db", who)) is StoreCause.IO


def test_while_another_process_writes_a_sale_is_refused_and_reading_goes_on(path: Path, who: Identity) -> None:
    store = opened(path, who)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert _cause(lambda: sell(store)) is StoreCause.LOCKED
    assert store.entry(70).header.seq == store.head().seq
    other.execute("ROLLBACK")
    assert sell(store).header.seq == 71
    other.close()
    store.close()


def test_an_entry_damaged_while_the_till_runs_does_not_stop_it(path: Path, who: Identity) -> None:
    store = opened(path, who)
    _meddle(path, f"UPDATE journal SET {SPOIL} WHERE seq = 5")
    assert _cause(lambda: store.entry(5)) is StoreCause.CORRUPT
    assert store.entry(6).header.seq == 6
    assert sell(store).header.seq == 71
    store.close()


def test_the_last_of_the_disk_is_kept_for_closing_and_not_for_sales(tmp_path: Path, who: Identity) -> None:
    free = [10_000_000]
    store = opened(tmp_path / "till.db", who, Room(reserve_bytes=1_000_000, free_bytes=lambda _path: free[0]))
    sell(store)
    free[0] = 999_999
    assert _cause(lambda: sell(store)) is StoreCause.FULL
    assert cancel(store).header.seq == 2
    assert (store.totals().sales, store.unprinted()) == (1, [Place(1, 1)])
    free[0] = 1_000_000
    assert sell(store).header.seq == 3
    store.close()


def test_a_disk_that_takes_no_more_bytes_refuses_by_name_and_the_next_sale_works_when_it_does_again(
    tmp_path: Path,
) -> None:
    """The limit on file size stands for the disk: the very write(2) of the log fails, as it does on a full one."""
    command = [sys.executable, "-m", "tests.offline_store.starving", str(tmp_path / "till.db")]
    run = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=60)
    told = json.loads(run.stdout)
    assert told["refused"] in (StoreCause.IO, StoreCause.FULL)
    assert told["read_meanwhile"] == {"head": 5, "sales": 5, "entry": 5, "unprinted": [1, 2, 3, 4, 5]}
    assert told["after"] == 6


def test_a_closed_store_and_a_foreign_thread_are_refused(path: Path, who: Identity) -> None:
    store = opened(path, who)
    causes: list[StoreCause] = []
    thread = threading.Thread(target=lambda: causes.append(_cause(store.head)))
    thread.start()
    thread.join()
    store.close()
    assert causes == [StoreCause.CLOSED]
    assert _cause(lambda: sell(store)) is StoreCause.CLOSED


def test_sqlites_own_words_become_causes(tmp_path: Path) -> None:
    path = tmp_path / "any.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (x BLOB UNIQUE)")
    connection.commit()

    def cause(of: sqlite3.Connection, sql: str) -> StoreCause:
        with pytest.raises(sqlite3.Error) as refused:
            of.execute(sql)
        return cause_of(refused.value)

    reader = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    assert cause(reader, "INSERT INTO t VALUES (1)") is StoreCause.READ_ONLY
    reader.close()
    connection.execute("PRAGMA max_page_count = 4")
    assert cause(connection, "INSERT INTO t VALUES (zeroblob(100000))") is StoreCause.FULL
    assert cause(connection, "INSERT INTO t VALUES (1), (1)") is StoreCause.INVALID
    assert cause(connection, "SELECT * FROM nothing") is StoreCause.CORRUPT
    connection.close()
    assert cause(connection, "SELECT 1") is StoreCause.CLOSED


def test_a_store_error_says_cause_and_detail() -> None:
    assert str(StoreError(StoreCause.FULL)) == "full"
    assert str(StoreError(StoreCause.CORRUPT, "entry 3")) == "corrupt: entry 3"


def test_a_stamp_beyond_the_contract_is_refused(tmp_path: Path, who: Identity) -> None:
    store = opened(tmp_path / "till.db", who)
    wrong = Stamp(-1, TimeQuality.DOUBTFUL, bytes(16), 0)
    body = CancelBody("1001", 0, 0)
    assert _cause(lambda: store.append(EntryKind.CANCEL, new_transaction_id(), wrong, body)) is StoreCause.INVALID
    store.close()
