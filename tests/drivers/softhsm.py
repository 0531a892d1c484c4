"""A PKCS#11 token in software (SoftHSM2) that holds card keys, as a hardware one would."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pkcs11

from agent.drivers.cards.plan import TokenPlan

LIBRARY = "/usr/lib/softhsm/libsofthsm2.so"
LABEL, PIN = "cards", "2468"


@dataclass(frozen=True, slots=True)
class Token:
    """A token in `folder`; `configuration` is the file that SOFTHSM2_CONF has to name."""

    folder: Path
    configuration: Path

    @property
    def pin_file(self) -> Path:
        return self.folder / "pin"

    @property
    def plan(self) -> TokenPlan:
        return TokenPlan(LIBRARY, LABEL, str(self.pin_file))

    @property
    def table(self) -> dict[str, object]:
        """As agent.toml has it."""
        return {"library": LIBRARY, "token": LABEL, "pin_file": str(self.pin_file)}

    def put(self, name: str, key: bytes) -> None:
        """Lay an AES key into the token, as a technician does."""
        file = self.folder / "key"
        file.write_bytes(key)
        opened = ("pkcs11-tool", "--module", LIBRARY, "--token-label", LABEL, "--login")
        self.run(*opened, "--write-object", str(file), "--type", "secrkey", "--key-type", "AES:16", "--label", name)
        file.unlink()

    def run(self, *command: str) -> None:
        """Run a program that finds this token and is told its PIN."""
        command = (*command, "--pin", PIN)
        environment = {**os.environ, "SOFTHSM2_CONF": str(self.configuration)}
        subprocess.run(command, env=environment, capture_output=True, check=True, timeout=60)


@contextlib.contextmanager
def token_with(folder: Path, keys: Mapping[str, bytes]) -> Iterator[Token]:
    """Make a token with these keys, and let this process and its children find it for as long as the block runs."""
    (folder / "tokens").mkdir()
    configuration = folder / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\n")
    token = Token(folder, configuration)
    token.run("softhsm2-util", "--init-token", "--free", "--label", LABEL, "--so-pin", PIN)
    token.pin_file.write_text(PIN + "\n")
    for name, key in keys.items():
        token.put(name, key)
    before = os.environ.get("SOFTHSM2_CONF")
    os.environ["SOFTHSM2_CONF"] = str(configuration)
    # It asks for its configuration once, and an earlier test of this process may have used it with another token.
    pkcs11.lib(LIBRARY).reinitialize()
    try:
        yield token
    finally:
        if before is None:
            del os.environ["SOFTHSM2_CONF"]
        else:
            os.environ["SOFTHSM2_CONF"] = before
