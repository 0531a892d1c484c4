"""Whose slips are believed: the journal keys of the tenant's terminals, as head office's keys document lists them."""

from agent.offline_store.database import Database
from agent.offline_store.faults import StoreCause, StoreError
from contract.documents import KeysContent
from contract.errors import ContractError
from contract.ids import TerminalAddress, parse_address
from contract.signing import PublicKey, parse_public_key


class TerminalKeys:
    """The keys in ``database``. A terminal whose key was revoked is not among them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def replace(self, content: KeysContent) -> None:
        """Put these keys in the place of all others, inside the caller's transaction.

        Raises StoreError; INVALID where one is no key, or a terminal has two in one epoch.
        """
        self._database.write("DELETE FROM terminal_keys")
        rows = [(str(item.address), item.epoch, _key(item.key).text()) for item in content.terminals]
        self._database.write_many("INSERT INTO terminal_keys VALUES (?, ?, ?)", iter(rows))

    def key(self, address: TerminalAddress, epoch: int) -> PublicKey | None:
        """Return the journal key of a terminal in an epoch, None where it has none that is believed.

        A terminal that begins an epoch by itself keeps its key: an epoch that is not known has the key of the newest
        known one before it.
        """
        row = self._database.row(
            "SELECT journal_key FROM terminal_keys WHERE address = ?1 AND"
            " epoch = (SELECT max(epoch) FROM terminal_keys WHERE address = ?1 AND epoch <= ?2)",
            *(str(address), epoch),
        )
        return None if row is None else _key(row[0], StoreCause.CORRUPT)

    def addresses(self, most: int) -> tuple[TerminalAddress, ...]:
        """Return the terminals there are, at most so many, by their names."""
        rows = self._database.rows("SELECT DISTINCT address FROM terminal_keys ORDER BY address LIMIT ?", most)
        return tuple(_address(text) for (text,) in rows)


def _address(text: str) -> TerminalAddress:
    try:
        return parse_address(text)
    except ContractError as error:
        raise StoreError(StoreCause.CORRUPT, f"a terminal's address: {error}") from error


def _key(text: str, otherwise: StoreCause = StoreCause.INVALID) -> PublicKey:
    try:
        return parse_public_key(text)
    except ContractError as error:
        raise StoreError(otherwise, f"a terminal's key: {error}") from error
