"""``tapledger config check``: a good file shows what would be used, a bad one all its mistakes, and never a secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from tapledger.main import main

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"

FIVE_MISTAKES = """\
[terminal]
tenant = "demo"
shop = "a"
terminal = "a1"
identty = "identity"
store = "tapledger.db"
language = "cn"

[hq]
host = "hq.example.org"
port = 70000

[devices.code]
technology = "serial"
pth = "/dev/scanner"

[devices.printer]
technology = "escpso"
"""


def checked(path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """Status, standard output and the error stream."""
    status = main(["config", "check", str(path)])
    said = capsys.readouterr()
    return status, said.out, said.err


@pytest.mark.parametrize("name", ["agent.toml", "hq.toml"])
def test_the_documented_examples_are_good(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = checked(EXAMPLES / name, capsys)
    assert (status, err) == (0, "")
    assert out.startswith(f"{EXAMPLES / name}: good.")


def test_what_would_be_used_shows_defaults_and_every_device(capsys: pytest.CaptureFixture[str]) -> None:
    _status, out, _err = checked(EXAMPLES / "agent.toml", capsys)
    for line in ("[terminal]", "  epoch = 1", "  language = 'zh'", "  port = 8883"):
        assert line in out.splitlines(), out
    assert "/dev/serial/by-id/usb-scanner" in out


def test_five_mistakes_are_five_sentences_in_both_languages_with_what_was_probably_meant(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "agent.toml"
    path.write_text(FIVE_MISTAKES, encoding="utf-8")
    status, out, err = checked(path, capsys)
    assert (status, out) == (1, "")
    first, *rest = err.splitlines()
    assert first == f"{path}: 5 mistakes"
    assert len(rest) == 2 * 5
    for place in ("terminal.identty", "terminal.language", "hq.port", "devices.code.pth", "devices.printer"):
        assert sum(line.strip().startswith(place) for line in rest) == 2, err
    assert "Did you mean terminal.identity?" in err and "是否想写 terminal.identity" in err
    assert "Did you mean" in next(line for line in rest if "devices.code.pth" in line)
    assert all(any("\u4e00" <= char <= "\u9fff" for char in line) for line in rest[1::2])


def test_one_mistake_is_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "agent.toml"
    path.write_text((EXAMPLES / "agent.toml").read_text(encoding="utf-8").replace('"zh"', '"cn"', 1), encoding="utf-8")
    _status, _out, err = checked(path, capsys)
    assert err.startswith(f"{path}: 1 mistake\n")


def test_a_password_is_masked_where_a_file_is_good_and_where_it_is_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = "correct-horse"
    url = f"postgresql+psycopg://hq:{secret}@db.example.org/hq"
    path = tmp_path / "hq.toml"
    good = f'tenant = "demo"\nidentity = "hq"\n[database]\nurl = "{url}"\n[broker]\nhost = "hq.example.org"\n'
    path.write_text(good, encoding="utf-8")
    status, out, err = checked(path, capsys)
    assert (status, err) == (0, "")
    assert "hq:********@db.example.org" in out and secret not in out
    path.write_text(good.replace("postgresql+psycopg", "oracle").replace("identity", "idenity"), encoding="utf-8")
    status, out, err = checked(path, capsys)
    assert status == 1 and "2 mistakes" in err and secret not in out + err


@pytest.mark.parametrize("content", [b"", b"[terminal", b"\xff\xfe\x00", b"x" * 100_000])
def test_a_file_that_is_something_else_is_said_to_be(
    tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "agent.toml"
    path.write_bytes(content)
    status, out, err = checked(path, capsys)
    assert (status, out) == (1, "") and str(path) in err
