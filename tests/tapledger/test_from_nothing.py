"""From empty folders to a head office that knows its till, by the commands of the README, twice over."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.config import read_config
from agent.keys import load_identity
from hq import config as hq_config
from hq.db import open_database, reading
from hq.documents import announcements
from tapledger.main import main

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
AGENT = """\
[terminal]
tenant = "demo"
shop = "a"
terminal = "a1"
identity = "identity"
store = "tapledger.db"
[hq]
host = "127.0.0.1"
"""


def done(words: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Run a command that must be done without a complaint, and return what it said."""
    status = main(words.split())
    said = capsys.readouterr()
    assert (status, said.err) == (0, ""), words
    return said.out


def test_every_command_of_a_birth_can_be_given_twice_and_both_sides_know_each_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys, till, office = tmp_path / "keys", tmp_path / "a1", tmp_path / "hq.toml"
    office.write_text('tenant = "demo"\nidentity = "keys/hq"\n[broker]\nhost = "127.0.0.1"\n', encoding="utf-8")
    birth = (
        f"provision authority --folder {keys}",
        f"provision hq --folder {keys}",
        f"provision broker --folder {keys} --port 18883",
        f"provision terminal --folder {keys} --tenant demo --shop a --terminal a1 --out {till}",
        f"hq terminal add --config {office} {till / 'enrolment.toml'}",
        f"hq members load --config {office} {EXAMPLES / 'members.json'}",
        f"hq cashiers load --config {office} {EXAMPLES / 'cashiers.json'}",
        f"hq catalogue load --config {office} {EXAMPLES / 'catalogue.json'}",
        f"hq pack sign --config {office} {EXAMPLES / 'pack.json'}",
        f"hq pack publish --config {office}",
    )
    first = [done(words, capsys) for words in birth]
    private = {path: path.read_bytes() for path in (*keys.rglob("*.key"), *till.rglob("*.key"))}
    second = [done(words, capsys) for words in birth]
    assert {path: path.read_bytes() for path in private} == private
    assert len(private) >= 5
    # The second birth publishes nothing new but the cashiers, whose PINs are salted anew.
    assert [line.partition(",")[0] for line in first[-2:]] == [line.partition(",")[0] for line in second[-2:]]
    (till / "agent.toml").write_text(AGENT, encoding="utf-8")
    config = read_config(till / "agent.toml")
    identity = load_identity(config.identity, config.address, config.epoch)
    settings = hq_config.read_config(office)
    engine = open_database(settings.database)
    try:
        with reading(engine) as connection:
            told = announcements(connection, identity.address)
    finally:
        engine.dispose()
    assert {str(item.kind) for item in told} == {"pack", "members", "cashiers", "catalogue", "keys"}
    books = done(f"hq books --config {office}", capsys)
    assert "demo/a/a1" in books and "m1" in books
    code = done(f"hq members code --config {office} m1", capsys).strip()
    assert code.startswith("TLC1:")
