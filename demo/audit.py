"""An auditor with head office's database and nothing else: verifies what is stored there from the signed bytes up,
believing no summary.

Everything is computed again from the rows: signatures with the enrolled key, the chain from the terminal's identity,
prices with the rules engine and
the signed pack, sums over the ledger.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Engine, func, select

from contract.documents import open_document
from contract.envelope import Keyring, keyring
from contract.errors import ContractError
from contract.ids import TerminalAddress
from contract.journal import Entry, SaleBody, identity_hash, open_entry
from contract.signing import parse_public_key
from hq import tables
from hq.db import reading
from rules.basket import Basket, BasketLine, Customer
from rules.pack import Pack, read_pack
from rules.postings import sale_postings
from rules.price import Priced, price


@dataclass(frozen=True, slots=True)
class Sale:
    """A sale as signed, read from head office's database."""

    entry: Entry
    body: SaleBody


class Auditor:
    """Reads head office's database; ``hq_keys`` are the keys that sign packs. Raises ContractError where a stored
    record is no valid one.
    """

    def __init__(self, engine: Engine, hq_keys: Keyring) -> None:
        self._engine = engine
        self._hq_keys = hq_keys

    def chain(self, address: TerminalAddress, epoch: int = 1) -> tuple[Entry, ...]:
        """All entries of a terminal's epoch, each verified: signature, place in the sequence, link to the one before.

        Raises ValueError at the first entry that does not hold.
        """
        with reading(self._engine) as connection:
            key_text = connection.scalar(
                select(tables.terminals.c.public_key).where(
                    tables.terminals.c.address == str(address), tables.terminals.c.epoch == epoch
                )
            )
            rows = connection.scalars(
                select(tables.entries.c.sealed)
                .where(tables.entries.c.address == str(address), tables.entries.c.epoch == epoch)
                .order_by(tables.entries.c.seq)
            ).all()
        key = parse_public_key(str(key_text))
        link, found = identity_hash(address, epoch, key), []
        for seq, sealed in enumerate(rows, start=1):
            entry = open_entry(sealed, keyring(key))
            header = entry.header
            if (header.address, header.epoch, header.seq, header.previous) != (address, epoch, seq, link):
                raise ValueError(f"the chain of {address} breaks at {seq}")
            link = entry.digest
            found.append(entry)
        return tuple(found)

    def sales(self, address: TerminalAddress) -> tuple[Sale, ...]:
        """The sales of a terminal, from its verified chain, in order."""
        opened = ((entry, entry.body()) for entry in self.chain(address))
        return tuple(Sale(entry, body) for entry, body in opened if isinstance(body, SaleBody))

    def differs(self, sale: Sale) -> str:
        """What differs when the sale is priced again by its signed pack; empty where all agrees to the last unit."""
        body = sale.body
        again = price(_basket(body), self._pack(body.pack.digest))
        member = body.member.member if body.member is not None else None
        address = sale.entry.header.address
        expected = sale_postings(again, body.currency, address.shop, address.terminal, member)
        pairs = {
            "payable": (body.payable_minor, again.payable_minor),
            "lines": (tuple(line.payable_minor for line in body.lines), again.payable_by_line),
            "effects": (body.effects, again.effects),
            "points": (body.points_earned, _points(again, member)),
            "postings": (body.postings, expected),
        }
        return ", ".join(name for name, (signed, computed) in pairs.items() if signed != computed)

    def ledger_sums(self) -> dict[str, int]:
        """The sum over all postings of the ledger, by unit; each must be 0."""
        query = select(tables.postings.c.unit, func.sum(tables.postings.c.amount)).group_by(tables.postings.c.unit)
        with reading(self._engine) as connection:
            return {unit: int(amount) for unit, amount in connection.execute(query)}

    def balance(self, account: str) -> int:
        """The sum of an account's postings."""
        query = select(func.coalesce(func.sum(tables.postings.c.amount), 0)).where(tables.postings.c.account == account)
        with reading(self._engine) as connection:
            return int(connection.scalar(query) or 0)

    def doubled(self, sales: Iterable[Sale]) -> list[bytes]:
        """Transaction ids that occur more than once."""
        seen = Counter(sale.entry.header.transaction for sale in sales)
        return [transaction for transaction, times in seen.items() if times > 1]

    def activated(self, address: TerminalAddress, kind: str) -> tuple[int, ...]:
        """The versions of a kind of document that the terminal journalled as active, in order."""
        query = (
            select(tables.activations.c.version)
            .where(tables.activations.c.address == str(address), tables.activations.c.kind == kind)
            .order_by(tables.activations.c.entry_id)
        )
        with reading(self._engine) as connection:
            return tuple(connection.scalars(query))

    def events(self, address: TerminalAddress) -> tuple[tuple[str, str], ...]:
        """Code and detail of the technical events a terminal journalled, in order."""
        query = (
            select(tables.technical_events.c.code, tables.technical_events.c.detail)
            .where(tables.technical_events.c.address == str(address))
            .order_by(tables.technical_events.c.entry_id)
        )
        with reading(self._engine) as connection:
            return tuple((code, detail) for code, detail in connection.execute(query))

    def quarantined(self) -> tuple[str, ...]:
        """Why head office put messages or entries aside."""
        with reading(self._engine) as connection:
            return tuple(connection.scalars(select(tables.quarantine.c.reason).order_by(tables.quarantine.c.id)))

    def exceptions(self) -> tuple[str, ...]:
        """Reasons on head office's list of things that people must settle."""
        with reading(self._engine) as connection:
            return tuple(connection.scalars(select(tables.exceptions.c.reason).order_by(tables.exceptions.c.id)))

    def acknowledged(self, address: TerminalAddress) -> int:
        """Up to which sequence head office has everything."""
        query = select(tables.chains.c.upto_seq).where(tables.chains.c.address == str(address))
        with reading(self._engine) as connection:
            return int(connection.scalar(query) or 0)

    def pack_blob(self, version: int) -> bytes:
        """The signed bytes of a version of the rule pack."""
        query = select(tables.documents.c.sealed).where(
            tables.documents.c.kind == "pack", tables.documents.c.version == version
        )
        with reading(self._engine) as connection:
            return bytes(connection.scalar(query) or b"")

    def _pack(self, digest: bytes) -> Pack:
        with reading(self._engine) as connection:
            blob = connection.scalar(select(tables.documents.c.sealed).where(tables.documents.c.digest == digest))
        if blob is None:
            raise ValueError("the sale names a pack that head office never signed")
        opened = open_document(blob, self._hq_keys)
        if opened.digest != digest:
            raise ValueError("the pack's hash is not the one it is stored under")
        return read_pack(opened.document.content)


def try_chain(auditor: Auditor, address: TerminalAddress) -> str:
    """Why a terminal's chain does not hold; empty where it does."""
    try:
        auditor.chain(address)
    except (ContractError, ValueError) as error:
        return str(error)
    return ""


def _basket(body: SaleBody) -> Basket:
    lines = tuple(BasketLine(line.sku, line.category, line.quantity, line.unit_price_minor) for line in body.lines)
    return Basket(lines, Customer(body.member.tier, body.member.tags) if body.member is not None else None)


def _points(priced: Priced, member: str | None) -> int:
    return priced.points if member is not None else 0
