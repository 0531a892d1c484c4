"""A PIN that a token refused is not told to it again, by whatever process, so that no token locks itself for good."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.drivers.softhsm import LABEL, LIBRARY, PIN, Token, token_with

SPY = "/usr/lib/x86_64-linux-gnu/pkcs11-spy.so"
"""OpenSC's library that stands before another and writes down each call."""

A_READER = """
import sys
from agent.drivers.cards.keys import KeysError
from agent.drivers.cards.plan import TokenPlan
from agent.drivers.pkcs11_keys import Pkcs11Keys
keys = Pkcs11Keys(TokenPlan(*sys.argv[1:]))
for _ in range(2):
    try:
        print(len(keys.encrypt("members", bytes(16))), flush=True)
    except KeysError as refused:
        print(refused.reason, flush=True)
"""

pytestmark = pytest.mark.skipif(not Path(SPY).exists(), reason="needs OpenSC's pkcs11-spy")


@dataclass
class Terminal:
    """A till with a token, of which every reader's process is a new one. `calls` is what the token was asked."""

    token: Token
    folder: Path
    pin_file: Path
    state: dict[str, str] = field(default_factory=dict)

    @property
    def calls(self) -> Path:
        return self.folder / "calls"

    def begin_reader(self) -> subprocess.Popen[str]:
        """Start a reader's process, which asks for a key twice."""
        spied = {"PKCS11SPY": LIBRARY, "PKCS11SPY_OUTPUT": str(self.calls)}
        environment = {name: value for name, value in os.environ.items() if name != "STATE_DIRECTORY"}
        # root could write into any folder, an account like the till's cannot.
        as_anybody = ["setpriv", "--bounding-set", "-dac_override"] if os.geteuid() == 0 else []
        command = [*as_anybody, sys.executable, "-c", A_READER, SPY, LABEL, str(self.pin_file)]
        return subprocess.Popen(command, env=environment | spied | self.state, stdout=subprocess.PIPE, text=True)

    def reader_says(self) -> list[str]:
        return self.begin_reader().communicate(timeout=60)[0].split()

    def tries(self) -> int:
        """How often the token was told a PIN."""
        return self.calls.read_text("utf-8", "replace").count("C_Login")

    def write_pin(self, pin: str) -> None:
        """As a technician does it: with an editor, which puts a new file in place of the old one."""
        new = self.folder / "new"
        new.write_text(pin + "\n")
        new.replace(self.pin_file)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    with token_with(tmp_path, {"members": bytes(16)}) as token:
        terminal = Terminal(token, tmp_path, token.pin_file)
        terminal.write_pin("0000")
        yield terminal


def test_a_wrong_pin_is_tried_once_however_often_the_process_is_started_until_its_file_is_written_anew(
    terminal: Terminal,
) -> None:
    for _ in range(4):
        assert terminal.reader_says() == ["token_refused"] * 2
    assert terminal.tries() == 1
    assert "0000" not in (terminal.folder / "pin.refused").read_text()
    terminal.write_pin("1111")
    assert terminal.reader_says() == ["token_refused"] * 2
    assert terminal.tries() == 2
    terminal.write_pin(PIN)
    for _ in range(2):
        assert terminal.reader_says() == ["16", "16"]


def test_two_readers_that_start_at_once_try_a_wrong_pin_once(terminal: Terminal) -> None:
    readers = [terminal.begin_reader() for _ in range(3)]
    for reader in readers:
        assert reader.communicate(timeout=60)[0].split() == ["token_refused"] * 2
    assert terminal.tries() == 1


@pytest.fixture
def locked_folder(terminal: Terminal) -> Iterator[None]:
    """The PIN's file lies where the till can write nothing."""
    etc = terminal.folder / "etc"
    etc.mkdir()
    terminal.pin_file = terminal.pin_file.rename(etc / "pin")
    etc.chmod(0o555)
    yield
    etc.chmod(0o755)


@pytest.mark.usefixtures("locked_folder")
def test_where_the_file_lies_in_a_folder_that_is_not_ours_the_services_own_state_remembers(terminal: Terminal) -> None:
    state = terminal.folder / "state"
    state.mkdir()
    terminal.state = {"STATE_DIRECTORY": str(state)}
    for _ in range(3):
        assert terminal.reader_says() == ["token_refused"] * 2
    assert terminal.tries() == 1
    assert [path.name for path in state.iterdir()] == ["pin.refused"]


@pytest.mark.usefixtures("locked_folder")
def test_where_nothing_remembers_it_the_token_says_that_a_pin_was_refused(terminal: Terminal) -> None:
    for _ in range(3):
        assert terminal.reader_says() == ["token_refused"] * 2
    assert terminal.tries() == 1
