"""`tapledger provision` does a whole birth from an empty folder, twice over, and says no with a reason and a status."""

import argparse
from pathlib import Path

import pytest

from tapledger import provision


def _run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    provision.add_commands(parser.add_subparsers(required=True))
    arguments = parser.parse_args(["provision", *words])
    status = arguments.run(arguments)
    assert isinstance(status, int)
    return status


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
    assert len(said) == 4
    assert "run `tapledger provision hq` first" in said[0]
    assert all(line.startswith("tapledger provision ") for line in said)
