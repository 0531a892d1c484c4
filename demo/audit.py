"""An auditor who believes no summary: every answer is worked out from head office's database, from the signed bytes
up.
"""

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Engine, select

from contract.documents import open_document
from contract.envelope import Keyring
from contract.ids import TerminalAddress
from contract.journal import Entry
from contract.trade import SaleBody
from hq import books, tables
from hq.audit import audit_sale
from hq.db import reading
from rules.engine.compiled import Compiled, compile_pack
from rules.pack import read_pack

EPOCH = 1


@dataclass(frozen=True, slots=True)
class Sale:
    """A sale as signed, read from head office's database."""

    entry: Entry
    body: SaleBody


class Auditor:
    """Reads head office's database; ``hq_keys`` are the keys that sign packs. Raises ContractError for a stored
    record that is none.
    """

    def __init__(self, engine: Engine, hq_keys: Keyring) -> None:
        self._engine = engine
        self._hq_keys = hq_keys
        self._packs: dict[bytes, Compiled] = {}

    def chain(self, address: TerminalAddress) -> books.ChainReport:
        """A terminal's journal, verified again: each signature, each link, no place left out."""
        with reading(self._engine) as connection:
            return books.verify_chain(connection, address, EPOCH)

    def sales(self, address: TerminalAddress) -> tuple[Sale, ...]:
        """The sales of a terminal, opened from the bytes it signed, in order."""
        with reading(self._engine) as connection:
            entries = books.entries_of(connection, address, EPOCH)
        opened = ((entry, entry.body()) for entry in entries)
        return tuple(Sale(entry, body) for entry, body in opened if isinstance(body, SaleBody))

    def differs(self, sale: Sale) -> str:
        """What differs when the sale is priced again by its signed pack; empty where all agrees to the last unit."""
        findings = audit_sale(sale.body, sale.entry.header.address, self._pack(sale.body.pack.digest))
        return "; ".join(f"{finding.cause}: {finding.detail}" for finding in findings)

    def ledger_sums(self) -> dict[str, int]:
        """The sum over all postings of the ledger, by unit; each must be 0."""
        with reading(self._engine) as connection:
            return books.ledger_sums(connection)

    def points(self, member: str) -> int:
        """The points head office owes a member."""
        with reading(self._engine) as connection:
            return next(line.points for line in books.member_balances(connection) if line.member == member)

    def doubled(self, address: TerminalAddress) -> list[bytes]:
        """Transaction ids that occur more than once among a terminal's sales."""
        seen = Counter(sale.entry.header.transaction for sale in self.sales(address))
        return [transaction for transaction, times in seen.items() if times > 1]

    def activated(self, address: TerminalAddress, kind: str) -> tuple[int, ...]:
        """The versions of a kind of document that the terminal journalled as active, in order."""
        with reading(self._engine) as connection:
            lines = books.activation_lines(connection)
        return tuple(line.version for line in lines if (line.address, line.kind) == (address, kind))

    def events(self, address: TerminalAddress) -> tuple[str, ...]:
        """Code and detail of the technical events a terminal journalled, in order."""
        with reading(self._engine) as connection:
            lines = books.technical_event_lines(connection)
        return tuple(f"{line.code} {line.detail}" for line in lines if line.address == address)

    def quarantined(self) -> tuple[str, ...]:
        """Why head office put messages or entries aside."""
        with reading(self._engine) as connection:
            return tuple(line.reason for line in books.refused_bytes(connection))

    def exceptions(self, address: TerminalAddress) -> tuple[str, ...]:
        """What people must settle about a terminal."""
        with reading(self._engine) as connection:
            lines = books.exception_lines(connection)
        return tuple(f"{line.reason} {line.detail}" for line in lines if line.address == address)

    def acknowledged(self, address: TerminalAddress) -> int:
        """Up to which sequence head office has everything."""
        with reading(self._engine) as connection:
            return next(line.upto_seq for line in books.till_states(connection) if line.address == address)

    def pack_blob(self, version: int) -> bytes:
        """The signed bytes of a version of the rule pack. Raises ValueError where there is none."""
        return self._blob((tables.documents.c.kind == "pack") & (tables.documents.c.version == version))

    def _pack(self, digest: bytes) -> Compiled:
        """The pack of this digest; verified once, for a digest never means anything else."""
        if digest not in self._packs:
            opened = open_document(self._blob(tables.documents.c.digest == digest), self._hq_keys)
            if opened.digest != digest:
                raise ValueError("the pack's hash is not the one it is stored under")
            self._packs[digest] = compile_pack(read_pack(opened.document.content))
        return self._packs[digest]

    def _blob(self, where: ColumnElement[bool]) -> bytes:
        with reading(self._engine) as connection:
            blob = connection.scalar(select(tables.documents.c.sealed).where(where))
        if blob is None:
            raise ValueError("head office never signed such a pack")
        return bytes(blob)
