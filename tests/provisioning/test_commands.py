"""`tapledger provision` does a whole birth from an empty folder, twice over, and says no with a reason and a status."""

import shutil
from pathlib import Path

import pytest

from tapledger.main import main


def _run(*words: str) -> int:
    return main(["provision", *words])


def _terminal(office: Path, out: Path, shop: str = "shop-a") -> int:
    words = ("--folder", str(office), "--tenant", "acme", "--shop", shop, "--terminal", "a1", "--out", str(out))
    return _run("terminal", *words)


def test_an_empty_folder_becomes_a_head_office_with_a_broker_and_a_terminal_and_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    office, till = tmp_path / "office", tmp_path / "till"
    for _ in range(2):
        assert _run("authority", "--folder", str(office)) == 0
        assert _run("hq", "--folder", str(office)) == 0
        assert _run("broker", "--folder", str(office), "--port", "18883") == 0
        assert _terminal(office, till) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert f"mosquitto -c {office / 'broker' / 'mosquitto.conf'}" in said.out
    assert "acme/shop-a/a1 has its identity in" in said.out
    assert "user hq-1\n" in (office / "broker" / "acl").read_text()
    assert "listener 18883 127.0.0.1\n" in (office / "broker" / "mosquitto.conf").read_text()


def test_a_refusal_names_its_reason_on_the_error_stream_and_returns_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _terminal(tmp_path, tmp_path / "till") == 1
    assert _run("hq", "--folder", str(tmp_path), "--name", "HQ") == 1
    assert _run("hq", "--folder", str(tmp_path)) == 0
    assert _terminal(tmp_path, tmp_path / "till", shop="Shop A") == 1
    assert _run("broker", "--folder", str(tmp_path), "--worker", "root") == 1
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 8
    assert "run `tapledger provision hq` first" in said[0]
    assert "请先运行 tapledger provision hq" in said[1]
    assert all(line.startswith("tapledger: ") for line in said)


def test_a_revoked_terminal_is_named_with_what_is_to_be_done_and_a_stranger_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    office, till = tmp_path / "office", tmp_path / "till"
    assert _run("revoke", "--folder", str(office), "acme/shop-a/a1") == 1
    assert _run("hq", "--folder", str(office)) == 0
    assert _terminal(office, till) == 0
    assert _run("revoke", "--folder", str(office), "acme/shop-a/a2") == 1
    foreign = str(till / "identity" / "client.pem")
    assert _run("revoke", "--folder", str(office), "acme/shop-a/a2", "--certificate", foreign) == 1
    capsys.readouterr()
    assert _run("revoke", "--folder", str(office), "acme/shop-a/a1") == 0
    assert f"copy {office / 'authority' / 'crl.pem'} beside the broker's other files" in capsys.readouterr().out
    assert _run("broker", "--folder", str(office)) == 0
    assert "user acme/shop-a/a1\ntopic deny #\n" in (office / "broker" / "acl").read_text()
    assert (office / "broker" / "crl.pem").read_bytes() == (office / "authority" / "crl.pem").read_bytes()
    assert _run("revoke", "--folder", str(office), "acme/shop-a/a1") == 0
    assert "0 of 1 certificates revoked now" in capsys.readouterr().out
    assert _terminal(office, till) == 1


def test_a_certificate_from_before_the_register_is_revoked_by_showing_it(tmp_path: Path) -> None:
    office, till = tmp_path / "office", tmp_path / "till"
    assert _run("hq", "--folder", str(office)) == 0
    assert _terminal(office, till) == 0
    shutil.rmtree(office / "authority" / "issued")
    shown = ("--certificate", str(till / "identity" / "client.pem"))
    assert _run("revoke", "--folder", str(office), "acme/shop-a/a1") == 1
    assert _run("revoke", "--folder", str(office), "acme/shop-a/a1", *shown) == 0
    assert _terminal(office, till) == 1
