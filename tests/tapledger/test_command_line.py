"""The command line as a person meets it: every command says what it does, every mistake is told, the status is true."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tapledger.main import build_parser, main
from tapledger.summaries import SUMMARIES

WIDEST = 120
COMMANDS = {
    "agent run",
    "config check",
    "demo",
    "device test",
    "device write-card",
    "devices",
    "hq books",
    "hq cashiers load",
    "hq catalogue load",
    "hq coupons issue",
    "hq coupons withdraw",
    "hq exceptions list",
    "hq exceptions settle",
    "hq exposure",
    "hq ingest",
    "hq keys publish",
    "hq leases lend",
    "hq leases list",
    "hq leases recall",
    "hq leases write-off",
    "hq members code",
    "hq members load",
    "hq members publish",
    "hq notices load",
    "hq pack publish",
    "hq pack sign",
    "hq period close",
    "hq period show",
    "hq restored",
    "hq run",
    "hq settle",
    "hq shops load",
    "hq terminal add",
    "hq terminal revoke",
    "hq value bearer",
    "hq value grant",
    "hq value pay-in",
    "hq value points-days",
    "hq value pool",
    "hq void",
    "hq web",
    "journal export",
    "journal verify",
    "provision authority",
    "provision broker",
    "provision hq",
    "provision revoke",
    "provision terminal",
    "rules compare",
    "rules compile",
    "rules explain",
    "rules lint",
    "rules price",
    "rules refund",
}

SPEAK_OTHERWISE = {"agent run", "demo"}
"""What speaks to the system's log, and what begins by making what is missing."""


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """The parser and all below it."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from parsers(below)


def commands() -> dict[str, argparse.ArgumentParser]:
    """Every command that can be run."""
    found = {parser.prog.partition(" ")[2]: parser for parser in parsers(build_parser())}
    return {words: parser for words, parser in found.items() if parser.get_default("run") is not None}


def test_these_are_all_the_commands_there_are() -> None:
    assert set(commands()) == COMMANDS


@pytest.mark.parametrize("parser", list(parsers(build_parser())), ids=lambda parser: parser.prog)
def test_help_says_what_a_command_does_and_what_each_of_its_arguments_means(parser: argparse.ArgumentParser) -> None:
    text = parser.format_help()
    assert parser.description or "COMMAND" in text
    assert [action.dest for action in parser._actions if action.help is None and action.metavar != "COMMAND"] == []
    assert max(len(line) for line in text.splitlines()) <= WIDEST
    assert "(default: None)" not in text


def test_every_command_says_in_chinese_too_what_it_is_for() -> None:
    assert set(SUMMARIES) == {parser.prog.partition(" ")[2] for parser in parsers(build_parser())} - {""}


@pytest.mark.parametrize("words", ["", "agent", "hq", "hq pack", "hq members", "rules", "provision", "demo", "config"])
def test_help_is_printed_and_is_no_failure(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*words.split(), "--help"])
    said = capsys.readouterr()
    assert (ended.value.code, said.err) == (0, "")
    assert said.out.startswith(f"usage: tapledger {words}".rstrip())


@pytest.mark.parametrize(
    "words",
    [
        "",
        "pos",
        "agent",
        "agent stop",
        "agent run",
        "hq pack",
        "hq pack sign",
        "demo --port x",
        "config check",
        "--foo",
    ],
)
def test_a_call_that_is_wrong_is_told_on_the_error_stream_with_status_2(
    words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words.split())
    said = capsys.readouterr()
    assert (ended.value.code, said.out) == (2, "")
    assert said.err.startswith("usage: tapledger") and "error:" in said.err and "写法不对" in said.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("config check {here}/absent.toml", "absent.toml"),
        ("agent run --config {here}/absent.toml", "absent.toml"),
        ("agent run --config {here}/empty.toml", "terminal.tenant: is missing"),
        ("agent run --config {here}/keyless.toml", "client.pem: is missing"),
        ("hq run --config {here}/absent.toml", "absent.toml"),
        ("hq books --config {here}/empty.toml", "tenant: is missing"),
        ("hq pack sign --config {here}/hq.toml {here}/absent.json", "absent.json"),
        ("provision terminal --folder {here} --tenant A --shop a --terminal a --out {here}/t", "tenant"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_sentence_with_status_1(tmp_path: Path, words: str, told: str) -> None:
    (tmp_path / "empty.toml").write_text("")
    (tmp_path / "hq.toml").write_text('tenant = "acme"\nidentity = "hq"\n[broker]\nhost = "localhost"\n')
    (tmp_path / "keyless.toml").write_text(
        '[terminal]\ntenant = "acme"\nshop = "a"\nterminal = "a1"\nidentity = "nowhere"\nstore = "till.db"\n'
        '[hq]\nhost = "localhost"\n'
    )
    ended = tapledger(*words.format(here=tmp_path).split())
    assert ended.returncode == 1
    assert told in ended.stderr and "Traceback" not in ended.stderr
    assert ended.stdout == ""


@pytest.mark.parametrize("words", sorted(COMMANDS - SPEAK_OTHERWISE))
def test_what_a_command_refuses_it_says_in_both_languages_with_the_next_step(
    words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_bytes(b"")
    nowhere = str(tmp_path / "file" / "such.toml")
    wanted = commands()[words]
    call = [*words.split()]
    for action in wanted._actions:
        if action.required or action.dest in ("config", "folder", "file"):
            value = str(next(iter(action.choices))) if action.choices else nowhere
            value = "1" if action.type is int else value
            call += [action.option_strings[0], value] if action.option_strings else [value]
    assert main(call) == 1
    english, chinese = capsys.readouterr().err.rstrip("\n").split("\n", 1)
    assert not any("\u4e00" <= char <= "\u9fff" for char in english.replace(nowhere, ""))
    assert any("\u4e00" <= char <= "\u9fff" for char in chinese)
    assert "[Errno" not in english + chinese
    assert ". " in english or "; " in english, english
    assert "。" in chinese or "；" in chinese, chinese


def tapledger(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a process."""
    return subprocess.run(
        [sys.executable, "-m", "tapledger.main", *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONWARNINGS": "default"},
    )
