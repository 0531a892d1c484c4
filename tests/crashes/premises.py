"""A till's own disk as it stands before the doors open: identity, documents, a morning's sales, all made by the
product's own code, and copied for each test.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from agent.clock import Stamp
from agent.keys import Identity, load_identity, new_transaction_id
from agent.offline_store.store import Store
from contract.documents import Document, DocumentKind, OpenedDocument, open_document, seal_document
from contract.envelope import keyring
from contract.ids import TerminalAddress
from contract.journal import TimeQuality
from contract.signing import SoftwareSigner
from provisioning.birth import check_address, ensure_terminal
from provisioning.headquarters import ensure_head_office
from rules.grammar.pack import Pack
from rules.pack import write_pack
from tests.agent.shop import contents

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Premises:
    """A terminal's folder: its identity, its store and, once somebody has written it, its configuration."""

    folder: Path

    @property
    def address(self) -> TerminalAddress:
        """Which terminal it is."""
        return check_address("acme", "a", "a1")

    @property
    def config(self) -> Path:
        """The configuration."""
        return self.folder / "agent.toml"

    @property
    def data(self) -> Path:
        """The folder that the store alone lies in: the disk that fails."""
        return self.folder / "data"

    @property
    def store(self) -> Path:
        """The store."""
        return self.data / "till.db"

    def identity(self) -> Identity:
        """Who the terminal is."""
        return load_identity(self.folder / "identity", self.address, 1)

    def copied(self, folder: Path) -> Premises:
        """The same terminal in another place, as a disk image brings it there."""
        shutil.copytree(self.folder, folder)
        return Premises(folder)

    def write_config(self, devices: Mapping[str, Mapping[str, object]]) -> None:
        """Write the configuration for a counter's devices; head office is out of reach."""
        name = self.address
        lines = [
            f'[terminal]\ntenant = "{name.tenant}"\nshop = "{name.shop}"\nterminal = "{name.terminal}"',
            'identity = "identity"\nstore = "data/till.db"\n',
            '[hq]\nhost = "127.0.0.1"\nport = 1\n',
        ]
        for device, table in devices.items():
            lines.append(f"[devices.{device}]")
            # A JSON string or number without an exponent is the same value in TOML.
            lines += [f"{key} = {json.dumps(value)}" for key, value in table.items()]
        self.config.write_text("\n".join(lines), encoding="utf-8")


def bear(folder: Path, pack: Pack | None = None) -> Premises:
    """A terminal born below ``folder``, to which head office has sent everything it needs to sell; by another ``pack``
    than the usual one where that is given.
    """
    now = datetime.now(UTC)
    ensure_head_office(folder / "keys", "hq-1", now)
    premises = Premises(folder / "a1")
    ensure_terminal(folder / "keys", premises.address, premises.folder, now)
    store = Store(premises.store, premises.identity())
    store.open()
    for opened in documents(folder / "keys", premises.address, int(now.timestamp()) * 1000, pack=pack):
        stamp = Stamp(opened.document.issued_ms, TimeQuality.FREE_RUNNING, bytes(16), 0)
        store.activate(opened, new_transaction_id(), stamp)
    store.close()
    return premises


def documents(
    keys: Path, address: TerminalAddress, issued_ms: int, version: int = 1, pack: Pack | None = None
) -> list[OpenedDocument]:
    """Every document that head office, whose keys lie in ``keys``, would send, in that version."""
    signer = SoftwareSigner((keys / "hq" / "document.key").read_bytes())

    def opened(kind: DocumentKind, content: bytes) -> OpenedDocument:
        document = Document(1, kind, address.tenant, version, issued_ms, issued_ms + DAY_MS, content)
        return open_document(seal_document(signer, document), keyring(signer.public))

    told = contents() | ({} if pack is None else {DocumentKind.PACK: write_pack(pack)})
    return [opened(kind, content) for kind, content in told.items()]
