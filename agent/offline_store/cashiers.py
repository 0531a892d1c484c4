"""Who may sign in: found by keyed hash, each row encrypted whole, PIN verifier and all."""

from agent.offline_store.database import Database
from agent.offline_store.faults import StoreCause, StoreError
from agent.offline_store.pin_tries import PinTries, TryCounter
from agent.offline_store.rowkeys import RowKeys
from contract import wire
from contract.documents import CashierRecord, CashiersContent
from contract.errors import ContractError

_MAX_ROW_BYTES = 512


class CashierShelf:
    """Cashiers in ``database``, under ``keys``, and their wrong PINs."""

    def __init__(self, database: Database, keys: RowKeys) -> None:
        self._database = database
        self._keys = keys
        self._tries = TryCounter(database, "pin_tries", "cashiers", "cashier_key")

    def replace(self, content: CashiersContent) -> None:
        """Put these cashiers in the place of all others, inside the caller's transaction. Wrong PINs stay counted.

        Raises StoreError; INVALID where two share a number.
        """
        self._database.write("DELETE FROM cashiers")
        keyed = [(self._keys.cashier(record.cashier), record) for record in content.cashiers]
        self._database.write_many(
            "INSERT INTO cashiers VALUES (?, ?)",
            ((key, self._keys.seal(key, wire.pack(record))) for key, record in keyed),
        )
        self._database.write("DELETE FROM pin_tries WHERE cashier_key NOT IN (SELECT cashier_key FROM cashiers)")

    def cashier(self, number: str) -> CashierRecord | None:
        """Return who signs in with this number."""
        key = self._keys.cashier(number)
        row = self._database.row("SELECT sealed FROM cashiers WHERE cashier_key = ?", key)
        if row is None:
            return None
        try:
            return wire.unpack(CashierRecord, self._keys.open(key, row[0]), _MAX_ROW_BYTES)
        except ContractError as error:
            raise StoreError(StoreCause.CORRUPT, f"a stored row is not what was stored: {error}") from error

    def pin_tries(self, number: str) -> PinTries:
        """Return how this cashier's last tries went; none for a number nobody has."""
        return self._tries.tries(self._keys.cashier(number))

    def record_pin_try(self, number: str, ok: bool, now_ms: int) -> None:
        """Count a wrong PIN durably, or begin again after a right one; a number nobody has is not counted."""
        self._tries.record(self._keys.cashier(number), ok, now_ms)
