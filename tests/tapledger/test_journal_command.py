"""``tapledger journal``: a good journal is said to be good, a bad one where it breaks, in both languages."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.keys import Identity, load_identity, new_transaction_id
from agent.offline_store.store import Store
from contract.bodies import CancelBody, EntryKind
from contract.signing import SoftwareSigner
from provisioning.birth import check_address, ensure_terminal
from provisioning.headquarters import ensure_head_office
from tapledger.main import main
from tests.offline_store.counter import begin_epoch, stamp

ADDRESS = check_address("demo", "a", "a1")
AGENT = """\
[terminal]
tenant = "demo"
shop = "a"
terminal = "a1"
identity = "identity"
store = "till.db"
[hq]
host = "127.0.0.1"
"""


@dataclass(frozen=True, slots=True)
class Till:
    """A terminal's folder, and its store, which stays open as a selling till's does."""

    folder: Path
    identity: Identity
    store: Store

    @property
    def config(self) -> Path:
        return self.folder / "agent.toml"

    @property
    def key(self) -> str:
        return self.identity.signer.public.text()


@pytest.fixture
def till(tmp_path: Path) -> Iterator[Till]:
    now = datetime.now(UTC)
    ensure_head_office(tmp_path / "keys", "hq-1", now)
    ensure_terminal(tmp_path / "keys", ADDRESS, tmp_path, now)
    (tmp_path / "agent.toml").write_text(AGENT, encoding="utf-8")
    who = load_identity(tmp_path / "identity", ADDRESS, 1)
    store = Store(tmp_path / "till.db", who)
    store.open()
    for _ in range(3):
        store.append(EntryKind.CANCEL, new_transaction_id(), stamp(), CancelBody("1001", 1, 100))
    begin_epoch(store, 2)
    yield Till(tmp_path, who, store)
    store.close()


def _said(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    status = main([str(word) for word in ("journal", *words)])
    said = capsys.readouterr()
    return status, said.out, said.err


def test_a_selling_tills_journal_is_checked_beside_it(till: Till, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = _said(capsys, "verify", "--config", till.config)
    assert (status, err) == (0, "")
    assert "demo/a/a1, good" in out and "完好" in out
    assert "epoch 2: entries 1 to 4, acknowledged up to 0, carried over 3" in out
    assert "第 1 代：第 1 至 3 条，已签收到 0，结转 0 条" in out


def test_a_copy_is_checked_by_the_public_key_or_says_whose_key_it_names(
    till: Till, capsys: pytest.CaptureFixture[str]
) -> None:
    path = till.folder / "till.db"
    status, out, _err = _said(capsys, "verify", path, "--key", till.key)
    assert status == 0 and till.key not in out
    status, out, _err = _said(capsys, "verify", path)
    assert status == 0 and f"by the key it names itself, {till.key}" in out


def test_where_it_breaks_is_said_in_both_languages(till: Till, capsys: pytest.CaptureFixture[str]) -> None:
    with sqlite3.connect(till.folder / "till.db") as somebody_else:
        somebody_else.execute("UPDATE journal SET wall_ms = 0, sealed = x'00' WHERE epoch = 1 AND seq = 2")
    somebody_else.close()
    status, out, err = _said(capsys, "verify", "--config", till.config)
    assert (status, out) == (1, "")
    assert "corrupt: entry 1/2: not_an_envelope" in err
    assert "流水在此处不符：第 1 代第 2 条" in err


def test_an_export_is_written_once_verified_anywhere_and_refused_when_changed(
    till: Till, capsys: pytest.CaptureFixture[str]
) -> None:
    path = till.folder / "journal.tlj"
    status, out, err = _said(capsys, "export", path, "--config", till.config)
    assert (status, err) == (0, "")
    assert "7 entries of demo/a/a1, 0 could not be read" in out and path.stat().st_mode & 0o777 == 0o600
    status, out, _err = _said(capsys, "verify", path, "--key", till.key)
    assert status == 0 and "epoch 2: entries 1 to 4, carried over 3" in out
    assert _said(capsys, "export", path, "--config", till.config)[0] == 1
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(bytes(data))
    status, _out, err = _said(capsys, "verify", path, "--config", till.config)
    assert status == 1 and "bad_signature" in err and "签名不对" in err and "请重新导出或复制" in err


def test_an_export_may_begin_at_an_entry(till: Till, capsys: pytest.CaptureFixture[str]) -> None:
    path = till.folder / "journal.tlj"
    assert "2 entries" in _said(capsys, "export", path, "--config", till.config, "--from-seq", 3)[1]
    other = till.folder / "other.tlj"
    words = ("--config", till.config, "--epoch", 1, "--from-seq", 2)
    assert "6 entries" in _said(capsys, "export", other, *words)[1]
    status, _out, err = _said(capsys, "export", till.folder / "none", "--config", till.config, "--from-seq", 99)
    assert status == 1 and "没有找到" in err
    assert not (till.folder / "none").exists()


def test_another_terminals_journal_is_named_as_such(
    till: Till, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stranger = tmp_path / "stranger"
    ensure_terminal(tmp_path / "keys", check_address("demo", "b", "b1"), stranger, datetime.now(UTC))
    other = SoftwareSigner((stranger / "identity" / "journal.key").read_bytes()).public.text()
    status, _out, err = _said(capsys, "verify", till.folder / "till.db", "--key", other)
    assert status == 1 and "foreign" in err and "不是这台终端的流水" in err


@pytest.mark.parametrize("content", [b"", b"nothing of ours", b"SQLite format 3\0" + bytes(4_080)])
def test_any_other_file_is_refused_without_a_crash(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    path = tmp_path / "some.file"
    path.write_bytes(content)
    status, out, err = _said(capsys, "verify", path)
    assert (status, out) == (1, "") and len(err.splitlines()) == 2
    assert _said(capsys, "verify")[0] == 2
    assert _said(capsys, "verify", tmp_path / "none")[0] == 1
